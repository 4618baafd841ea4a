package attribution

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func hours(h float64) time.Time { return noon.Add(time.Duration(h * float64(time.Hour))) }

func touch(t testing.TB, j *Journeys, user uint32, channel string, at time.Time) {
	t.Helper()
	require.NoError(t, j.Touch(user, Touch{Channel: channel, Time: at}))
}

func TestDirectVerbsRefuse(t *testing.T) {
	j := newJourneys(t, nil)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"user":     {j.Touch(0, Touch{Channel: "a", Time: noon}), "attribution: Touch: user 0 is nobody"},
		"channel":  {j.Touch(7, Touch{Time: noon}), `attribution: Touch: user 7: channel "": not a name in UTF-8`},
		"campaign": {j.Touch(7, Touch{Channel: "a", Campaign: "\xff", Time: noon}), `attribution: Touch: user 7: campaign "\xff": not UTF-8`},
		"time":     {j.Touch(7, Touch{Channel: "a"}), "attribution: Touch: user 7: time 0001-01-01 00:00:00 +0000 UTC: not within the years 1 to 9999"},
		"cost":     {j.Touch(7, Touch{Channel: "a", Time: noon, Cost: math.NaN()}), "attribution: Touch: user 7: cost NaN: not a number within 0 and 1e100"},
		"kind":     {j.Touch(7, Touch{Channel: "a", Time: noon, Kind: 9}), "attribution: Touch: user 7: kind Kind(9): neither Click nor View"},
		"value":    {j.Convert(7, Conversion{Time: noon, Value: -1}), "attribution: Convert: user 7: value -1: not a number within 0 and 1e100"},
		"inf":      {j.Convert(7, Conversion{Time: noon, Value: math.Inf(1)}), "attribution: Convert: user 7: value +Inf: not a number within 0 and 1e100"},
		"order":    {j.Refund(7, "", 1, noon), `attribution: Refund: user 7: id "": not the id of an order`},
		"spend":    {j.Spend("", noon, 1), `attribution: Spend: channel "": not a name in UTF-8`},
		"rename":   {j.Rename(1, 0), "attribution: Rename: user 0 is nobody"},
		"erase":    {j.Erase(0), "attribution: Erase: user 0 is nobody"},
		"observe":  {j.Observe(0, "page", nil, noon), "attribution: Observe: user 0 is nobody"},
		"advance":  {j.Advance(time.Time{}), "attribution: Advance: time 0001-01-01 00:00:00 +0000 UTC: not within the years 1 to 9999"},
	} {
		require.EqualError(t, c.err, c.want, name)
	}
	require.ErrorIs(t, j.Touch(0, Touch{}), ErrUser)
	require.ErrorIs(t, j.Touch(1, Touch{}), ErrInput)

	j.Attached(true)
	require.ErrorIs(t, j.Touch(1, Touch{Channel: "a", Time: noon}), ErrAttached)
	require.ErrorIs(t, j.Convert(1, Conversion{Time: noon}), ErrAttached)
	require.ErrorIs(t, j.Refund(1, "x", 1, noon), ErrAttached)
	require.NoError(t, j.Spend("a", noon, 1))
	require.NoError(t, j.Observe(1, "page", nil, noon))
	j.Attached(false)
	touch(t, j, 1, "a", noon)
}

func TestJourneysOptionsRefuse(t *testing.T) {
	for _, c := range []struct {
		opts JourneysOptions
		want string
	}{
		{JourneysOptions{Retain: -1}, "attribution: NewJourneys: Retain -1ns: negative"},
		{JourneysOptions{Visits: []string{""}}, `attribution: NewJourneys: Visits "": not a name in UTF-8`},
		{JourneysOptions{Refunds: []string{"Order Completed"}}, `attribution: NewJourneys: event "Order Completed": a conversion, a refund and a cancellation at once`},
		{JourneysOptions{Channels: []ChannelRule{{}}}, `attribution: NewGrouping: Channels[0].Channel "": a channel needs a name in UTF-8`},
	} {
		_, err := NewJourneys(&c.opts)
		require.EqualError(t, err, c.want)
	}
}

func TestOtherOptionsDoNotMix(t *testing.T) {
	a, b := newJourneys(t, nil), newJourneys(t, &JourneysOptions{Currency: "EUR"})
	require.ErrorIs(t, a.Merge(b), ErrOptions)
	data, err := a.AppendBinary(nil)
	require.NoError(t, err)
	require.ErrorIs(t, b.UnmarshalBinary(data), ErrOptions)
	// Spelling out the defaults is no other option.
	c := newJourneys(t, &JourneysOptions{Visits: []string{"page", "screen"}, Retain: 400 * 24 * time.Hour})
	require.NoError(t, a.Merge(c))
}

// observe feeds one event of the default vocabulary.
func observe(t testing.TB, j *Journeys, user uint32, event string, at time.Time, fields map[string]any) {
	t.Helper()
	require.NoError(t, j.Observe(user, event, fields, at))
}

func campaign(source, medium, name string) map[string]any {
	return map[string]any{"context.campaign.source": source, "context.campaign.medium": medium, "context.campaign.name": name}
}

// rowsOf tells the touches of a user.
func rowsOf(j *Journeys, user uint32) []Touch {
	var list []Touch
	if p := j.people.Find(user); p != nil {
		for _, r := range p.touches {
			list = append(list, Touch{j.names.Name(r.channel), j.names.Name(r.campaign), r.at.time(), r.kind, r.cost})
		}
	}
	return list
}

func TestWhatIsATouch(t *testing.T) {
	page := func(referrer string) map[string]any {
		return map[string]any{"context.page.url": "https://shop.example/a", "context.page.referrer": referrer}
	}
	withCost := campaign("adnetwork", "display", "p")
	withCost["cost"] = 0.25
	inner := campaign("google", "cpc", "c")
	inner["referrer"], inner["url"] = "https://shop.example/", "https://shop.example/x"
	for name, c := range map[string]struct {
		event  string
		fields map[string]any
		want   []Touch
	}{
		"direct page":             {"page", nil, []Touch{{Channel: "Direct", Time: noon}}},
		"direct screen":           {"screen", nil, []Touch{{Channel: "Direct", Time: noon}}},
		"search":                  {"page", page("https://www.bing.com/search"), []Touch{{Channel: "Organic Search", Time: noon}}},
		"step within the site":    {"page", page("https://www.shop.example/b"), nil},
		"payment provider":        {"page", page("https://pay.example.net/done"), nil},
		"campaign":                {"page", campaign("google", "cpc", "Spring"), []Touch{{Channel: "Paid Search", Campaign: "Spring", Time: noon}}},
		"campaign, own referrer":  {"page", inner, []Touch{{Channel: "Paid Search", Campaign: "c", Time: noon}}},
		"event without campaign":  {"Product Viewed", page("https://www.bing.com/search"), nil},
		"event with campaign":     {"Product Viewed", campaign("facebook", "paid_social", ""), []Touch{{Channel: "Paid Social", Time: noon}}},
		"ad":                      {"Ad Viewed", withCost, []Touch{{Channel: "Display", Campaign: "p", Time: noon, Kind: View, Cost: 0.25}}},
		"mail":                    {"Email Opened", campaign("newsletter", "email", ""), []Touch{{Channel: "Email", Time: noon, Kind: View}}},
		"mail without campaign":   {"Email Opened", nil, nil},
		"refund is none":          {"Order Refunded", campaign("google", "cpc", ""), nil},
		"order with campaign":     {"Order Completed", withCost, []Touch{{Channel: "Display", Campaign: "p", Time: noon}}},
		"order without campaign":  {"Order Completed", nil, nil},
		"campaign of wrong kinds": {"page", map[string]any{"context.campaign.source": 5, "context.campaign.medium": math.NaN()}, []Touch{{Channel: "Direct", Time: noon}}},
	} {
		j := newJourneys(t, &JourneysOptions{Internal: []string{"https://example.net"}})
		observe(t, j, 1, c.event, noon, c.fields)
		require.Equal(t, c.want, rowsOf(j, 1), name)
	}
}

func TestWhatIsAConversion(t *testing.T) {
	j := newJourneys(t, nil)
	observe(t, j, 1, "Order Completed", noon, map[string]any{"order_id": "a", "revenue": 10, "total": 12, "currency": "EUR"})
	observe(t, j, 1, "Order Completed", noon, map[string]any{"order_id": 77, "total": 12.5})
	observe(t, j, 1, "Order Completed", noon, map[string]any{"message_id": "m", "revenue": -4})
	observe(t, j, 1, "Order Completed", noon, map[string]any{"revenue": "lots"})
	observe(t, j, 1, "Order Refunded", hours(1), map[string]any{"order_id": "a", "total": 3})
	observe(t, j, 1, "Order Refunded", hours(1), map[string]any{"order_id": "77"})
	observe(t, j, 1, "Order Cancelled", hours(1), map[string]any{"order_id": "m", "total": 3})
	observe(t, j, 1, "Order Cancelled", hours(1), nil)
	observe(t, j, 1, "Order Completed", time.Time{}, nil)
	require.Equal(t, Stats{BadTime: 1, BadField: 2, NoOrder: 1}, j.Stats())

	var ids []string
	for _, c := range j.people.Find(1).conversions {
		ids = append(ids, c.id)
	}
	require.Len(t, ids, 4)
	require.Contains(t, ids, "77")
	require.Contains(t, ids, "m")
	p, err := j.Paths(nil)
	require.NoError(t, err)
	s := p.Summary()
	require.Equal(t, 2.0, s.Conversions) // a, and the one without an id
	require.Equal(t, 7.0, s.Value)
	require.Equal(t, 2.0, s.Voided)
	require.Equal(t, 3.0, s.Refunded)
	require.Equal(t, "EUR", s.Currency)

	// The same event delivered again is the same order.
	before := len(j.people.Find(1).conversions)
	observe(t, j, 1, "Order Completed", noon, map[string]any{"revenue": "lots"})
	require.Len(t, j.people.Find(1).conversions, before+1)
	p, err = j.Paths(nil)
	require.NoError(t, err)
	require.Equal(t, 2.0, p.Summary().Conversions)
	require.Equal(t, 1.0, p.Summary().Repeated)
}

func TestRefundsCountFromTheirOwnTime(t *testing.T) {
	j := newJourneys(t, nil)
	touch(t, j, 1, "A", noon)
	require.NoError(t, j.Convert(1, Conversion{ID: "o1", Time: hours(1), Value: 50}))
	require.NoError(t, j.Convert(1, Conversion{ID: "o2", Time: hours(2), Value: 60}))
	require.NoError(t, j.Refund(1, "o1", 0, hours(30)))
	require.NoError(t, j.Refund(1, "unknown", 5, hours(30)))

	early, err := j.Paths(&PathOptions{AsOf: hours(10)})
	require.NoError(t, err)
	c, err := LastTouch(early)
	require.NoError(t, err)
	require.Equal(t, 50.0, c.Channels[0].Value)
	require.Equal(t, 60.0, c.Unattributed.Value)

	// Once the first order never was, its touch belongs to the second.
	late, err := j.Paths(nil)
	require.NoError(t, err)
	c, err = LastTouch(late)
	require.NoError(t, err)
	require.Equal(t, 60.0, c.Channels[0].Value)
	require.Zero(t, c.Unattributed.Conversions)
	require.Equal(t, 1.0, late.Summary().Voided)
	require.Equal(t, 1.0, late.Summary().OrphanRefunds)
}

func TestCurrencies(t *testing.T) {
	j := newJourneys(t, nil)
	for i, c := range []string{"EUR", "USD", ""} {
		require.NoError(t, j.Convert(uint32(i+1), Conversion{Time: noon, Value: 10, Currency: c}))
	}
	_, err := j.Paths(nil)
	require.ErrorIs(t, err, ErrCurrency)
	require.EqualError(t, err, `attribution: Paths: user 2: currency "USD": mixed currencies: values in "EUR" came before; give PathOptions.Convert`)
	p, err := j.Paths(&PathOptions{Currency: "EUR", Convert: func(v float64, currency string, at time.Time) (float64, error) {
		require.Equal(t, "USD", currency)
		require.Equal(t, noon, at)
		return v / 2, nil
	}})
	require.NoError(t, err)
	require.Equal(t, 25.0, p.Summary().Value)
	_, err = j.Paths(&PathOptions{Currency: "EUR"})
	require.ErrorIs(t, err, ErrInput)

	var a, b Paths
	a.currency, b.currency = "EUR", "USD"
	require.ErrorIs(t, a.Merge(&b), ErrCurrency)
}

func TestSessions(t *testing.T) {
	path := func(feed func(j *Journeys)) []string {
		j := newJourneys(t, nil)
		feed(j)
		require.NoError(t, j.Convert(1, Conversion{Time: hours(10)}))
		p, err := j.Paths(nil)
		require.NoError(t, err)
		var names []string
		for _, c := range p.seqs.seq(0) {
			names = append(names, p.channels.Name(c))
		}
		return names
	}
	require.Equal(t, []string{"A"}, path(func(j *Journeys) {
		touch(t, j, 1, "A", noon)
		touch(t, j, 1, "A", hours(0.4))
		touch(t, j, 1, "A", hours(0.8)) // the session goes on
		touch(t, j, 1, "A", hours(1.3)) // to the last instant
	}))
	require.Equal(t, []string{"A", "A"}, path(func(j *Journeys) {
		touch(t, j, 1, "A", noon)
		touch(t, j, 1, "A", hours(0.6))
	}))
	require.Equal(t, []string{"A", "Direct"}, path(func(j *Journeys) {
		touch(t, j, 1, "A", noon)
		touch(t, j, 1, "Direct", hours(0.4))
		touch(t, j, 1, "Direct", hours(1.5))
	}))
	require.Equal(t, []string{"Email", "Direct"}, path(func(j *Journeys) {
		// An opened mail is no session: the visit after it is direct.
		require.NoError(t, j.Touch(1, Touch{Channel: "Email", Kind: View, Time: noon}))
		touch(t, j, 1, "Direct", hours(0.2))
	}))
	require.Equal(t, []string{"A", "A"}, path(func(j *Journeys) {
		touch(t, j, 1, "A", noon)
		require.NoError(t, j.Touch(1, Touch{Channel: "A", Campaign: "other", Time: hours(0.1)}))
	}))
}

func TestUsersAndUnexposed(t *testing.T) {
	j := newJourneys(t, nil)
	touch(t, j, 1, "A", noon)
	touch(t, j, 2, "A", noon)
	require.NoError(t, j.Convert(3, Conversion{Time: noon}))
	touch(t, j, 9, "A", noon)
	users := roaring.BitmapOf(0, 1, 2, 3, 4, 5, 6)
	p, err := j.Paths(&PathOptions{Users: users, AsOf: noon.AddDate(0, 0, 40)})
	require.NoError(t, err)
	require.Equal(t, Summary{
		Conversions: 1, Unattributed: 1, Nulls: 2, Unexposed: 3, Distinct: 1, Channels: 1,
	}, p.Summary())
	p, err = j.Paths(&PathOptions{Users: users, Start: noon, AsOf: noon.AddDate(0, 0, 75)})
	require.NoError(t, err)
	require.Equal(t, 6.0, p.Summary().Unexposed) // two windows of 30 days each
}

func TestSpend(t *testing.T) {
	j := newJourneys(t, nil)
	require.NoError(t, j.Touch(1, Touch{Channel: "A", Time: noon, Cost: 2}))
	require.NoError(t, j.Touch(1, Touch{Channel: "B", Time: hours(1), Cost: 3}))
	require.NoError(t, j.Convert(1, Conversion{Time: hours(2), Value: 40}))
	require.NoError(t, j.Spend("B", noon, 7))
	require.NoError(t, j.Spend("B", noon.AddDate(0, 0, 1), 9)) // after the period
	require.NoError(t, j.Spend("TV", noon, 100))
	p, err := j.Paths(&PathOptions{AsOf: hours(3)})
	require.NoError(t, err)
	c, err := Linear(p)
	require.NoError(t, err)
	require.Equal(t, []Credit{
		{Channel: "A", Conversions: 0.5, Value: 20, Effect: 0.5, Spend: 2},
		{Channel: "B", Conversions: 0.5, Value: 20, Effect: 0.5, Spend: 7},
		{Channel: "TV", Spend: 100},
	}, c.Channels)
	require.Equal(t, 109.0, c.Total.Spend)
	roas, ok := c.Channels[0].ROAS()
	require.True(t, ok)
	require.Equal(t, 10.0, roas)
	roi, ok := c.Channels[0].ROI(0.5)
	require.True(t, ok)
	require.Equal(t, 4.0, roi)
	cpa, ok := c.Channels[1].CPA()
	require.True(t, ok)
	require.Equal(t, 14.0, cpa)
	_, ok = c.Unattributed.ROAS()
	require.False(t, ok)
	_, ok = c.Unattributed.ROI(1)
	require.False(t, ok)
	_, ok = Credit{Conversions: 3}.CPA() // of unknown cost
	require.False(t, ok)
	_, ok = c.Channels[2].CPA()
	require.False(t, ok)

	// The ledger is about nobody: it survives everybody.
	require.NoError(t, j.Erase(1))
	q := newJourneys(t, nil)
	data, err := j.AppendBinary(nil)
	require.NoError(t, err)
	require.NoError(t, q.UnmarshalBinary(data))
	require.NoError(t, q.Merge(j))
	p, err = q.Paths(&PathOptions{AsOf: hours(3)})
	require.NoError(t, err)
	c, err = Linear(p)
	require.NoError(t, err)
	require.Equal(t, 14.0, c.Channels[0].Spend)
}

func TestDays(t *testing.T) {
	for day, at := range map[int64]time.Time{
		-1: time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC),
		0:  time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		1:  time.Date(1970, 1, 1, 20, 0, 0, 0, time.FixedZone("", -4*3600)),
	} {
		i, ok := instantOf(at)
		require.True(t, ok)
		require.Equal(t, day, dayOf(i))
	}
}

func TestRetention(t *testing.T) {
	j := newJourneys(t, &JourneysOptions{Retain: 10 * 24 * time.Hour})
	touch(t, j, 1, "old", noon)
	touch(t, j, 1, "young", noon.AddDate(0, 0, 9))
	touch(t, j, 2, "old", noon)
	require.NoError(t, j.Advance(noon.AddDate(0, 0, 10)))
	require.Len(t, rowsOf(j, 1), 2, "a row just within the retention stays")

	// A small step does not prune, but it does not show what has expired.
	require.NoError(t, j.Advance(noon.AddDate(0, 0, 10).Add(time.Second)))
	want := newJourneys(t, &JourneysOptions{Retain: 10 * 24 * time.Hour})
	touch(t, want, 1, "young", noon.AddDate(0, 0, 9))
	require.NoError(t, want.Advance(noon.AddDate(0, 0, 10).Add(time.Second)))
	a, err := j.AppendBinary(nil)
	require.NoError(t, err)
	b, err := want.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, b, a)

	require.NoError(t, j.Advance(noon.AddDate(0, 0, 12)))
	require.Nil(t, j.people.Find(2))
	require.Len(t, rowsOf(j, 1), 1)
	touch(t, j, 3, "late", noon)
	require.Nil(t, j.people.Find(3))
	require.Equal(t, 1, j.Stats().Expired)

	// The clock only moves forward.
	require.NoError(t, j.Advance(noon))
	touch(t, j, 3, "late", noon)
	require.Equal(t, 2, j.Stats().Expired)
}

// Names that no row uses any more are forgotten, and the others stay theirs.
func TestNamesAreForgotten(t *testing.T) {
	j, want := newJourneys(t, &JourneysOptions{Retain: time.Hour}), newJourneys(t, &JourneysOptions{Retain: time.Hour})
	for i := range 1000 {
		require.NoError(t, j.Touch(1, Touch{Channel: "A", Campaign: fmt.Sprint(i), Time: hours(float64(i) / 100)}))
		if i >= 950 {
			require.NoError(t, want.Touch(1, Touch{Channel: "A", Campaign: fmt.Sprint(i), Time: hours(float64(i) / 100)}))
		}
	}
	before := j.snapshot()
	end := hours(9.5 + 1)
	require.NoError(t, j.Advance(end))
	require.NoError(t, want.Advance(end))
	require.Less(t, j.names.Len(), 60)
	a, err := j.AppendBinary(nil)
	require.NoError(t, err)
	b, err := want.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, b, a)
	require.Equal(t, "999", before.names[before.users[0].touches[999].campaign])
}

func TestPathOptionsRefuse(t *testing.T) {
	j := newJourneys(t, nil)
	for _, o := range []PathOptions{
		{Click: -1},
		{View: -1},
		{Gap: -1},
		{Channels: map[string]time.Duration{"A": -1}},
		{Transform: 9},
		{Convert: func(v float64, _ string, _ time.Time) (float64, error) { return v, nil }},
		{AsOf: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Start: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := j.Paths(&o)
		require.ErrorIs(t, err, ErrInput)
	}
	p, err := j.Paths(nil)
	require.NoError(t, err)
	require.Equal(t, Summary{}, p.Summary())
}

// Ages between the first and the last year that a time may have do not
// overflow.
func TestFarApart(t *testing.T) {
	j := newJourneys(t, nil)
	touch(t, j, 1, "A", time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC))
	require.NoError(t, j.Convert(1, Conversion{Time: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), Value: 1}))
	p, err := j.Paths(nil)
	require.NoError(t, err)
	require.Equal(t, 1.0, p.Summary().Unattributed)
	require.Equal(t, 1.0, p.Summary().Nulls)
}

func TestManyReadersBesideOneWriter(t *testing.T) {
	j := newJourneys(t, nil)
	var done sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		done.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				p, err := j.Paths(nil)
				if err == nil {
					_, err = Shapley(p, nil)
				}
				if err == nil {
					_, err = j.AppendBinary(nil)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 3000 {
		user := uint32(1 + i%7)
		at := noon.Add(time.Duration(i*7919%5000) * time.Minute)
		switch i % 10 {
		case 8:
			require.NoError(t, j.Convert(user, Conversion{Time: at, Value: 1}))
		case 9:
			require.NoError(t, j.Erase(user))
		case 7:
			require.NoError(t, j.Rename(user, 1+user%7))
		default:
			observe(t, j, user, "page", at, campaign("google", "cpc", ""))
		}
		if i%500 == 0 {
			require.NoError(t, j.Advance(noon.AddDate(0, 0, i/500)))
		}
	}
	close(stop)
	done.Wait()
}
