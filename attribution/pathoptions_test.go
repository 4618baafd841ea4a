package attribution

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// Ignoring a channel is as if nobody had ever touched it.
func TestIgnoreIsAbsence(t *testing.T) {
	users := roaring.New()
	users.AddRange(1, 9)
	for seed := range 300 {
		r := rand.New(rand.NewPCG(uint64(seed), 21))
		all, some := newJourneys(t, nil), newJourneys(t, nil)
		for range r.IntN(60) {
			user, at := uint32(1+r.IntN(6)), hours(float64(r.IntN(400))/4)
			if r.IntN(5) == 0 {
				for _, j := range []*Journeys{all, some} {
					require.NoError(t, j.Convert(user, Conversion{Time: at, Value: 1}))
				}
				continue
			}
			row := Touch{Channel: []string{"A", "B", "C", DirectChannel}[r.IntN(4)], Kind: Kind(r.IntN(2)), Time: at}
			require.NoError(t, all.Touch(user, row))
			if row.Channel != DirectChannel && row.Channel != "C" {
				require.NoError(t, some.Touch(user, row))
			}
		}
		o := PathOptions{Start: hours(-1), AsOf: hours(110), Users: users, Gap: 20 * time.Hour, Click: 15 * time.Hour}
		want, err := some.Paths(&o)
		require.NoError(t, err)
		o.Ignore = []string{DirectChannel, "C", "nobody has it"}
		got, err := all.Paths(&o)
		require.NoError(t, err)
		require.Equal(t, encoded(t, want), encoded(t, got), "seed %d", seed)
	}
	_, err := newJourneys(t, nil).Paths(&PathOptions{Ignore: []string{""}})
	require.ErrorIs(t, err, ErrInput)
}

// What an ignored channel cost is spent all the same.
func TestIgnoredCost(t *testing.T) {
	j := newJourneys(t, nil)
	require.NoError(t, j.Touch(1, Touch{Channel: "A", Time: noon, Cost: 2}))
	require.NoError(t, j.Touch(1, Touch{Channel: "B", Time: noon, Cost: 3}))
	require.NoError(t, j.Convert(1, Conversion{Time: hours(1), Value: 10}))
	p, err := j.Paths(&PathOptions{Ignore: []string{"B"}})
	require.NoError(t, err)
	c, err := LastTouch(p)
	require.NoError(t, err)
	require.Equal(t, []Credit{
		{Channel: "A", Conversions: 1, Value: 10, Effect: 1, Spend: 2},
		{Channel: "B", Spend: 3},
	}, c.Channels)
}

// Paths of new customers are those of a world that ends for each user with
// their first conversion.
func TestNewCustomersEndAtTheirFirstConversion(t *testing.T) {
	for seed := range 300 {
		r := rand.New(rand.NewPCG(uint64(seed), 22))
		all, some := newJourneys(t, nil), newJourneys(t, nil)
		for user := uint32(1); user < 6; user++ {
			first := 1e9
			type row struct {
				at      float64
				convert bool
			}
			var rows []row
			for range r.IntN(12) {
				// Quarters for touches, eighths for conversions: no ties.
				if at := r.IntN(300); r.IntN(4) == 0 {
					c := row{float64(at)/4 + 0.125, true}
					if slices.Contains(rows, c) {
						continue
					}
					rows = append(rows, c)
					first = min(first, rows[len(rows)-1].at)
				} else {
					rows = append(rows, row{float64(at) / 4, false})
				}
			}
			for _, row := range rows {
				for _, j := range []*Journeys{all, some} {
					switch {
					case j == some && (row.at > first || first < 10 && row.convert):
					case row.convert:
						require.NoError(t, j.Convert(user, Conversion{Time: hours(row.at), Value: row.at}))
					case j == some && first < 10:
					default:
						require.NoError(t, j.Touch(user, Touch{Channel: string(rune('A' + int(row.at)%3)), Time: hours(row.at)}))
					}
				}
			}
		}
		o := PathOptions{Start: hours(10), AsOf: hours(200), Gap: 5 * time.Hour, Click: 15 * time.Hour, SessionGap: -1}
		want, err := some.Paths(&o)
		require.NoError(t, err)
		o.NewCustomers = true
		got, err := all.Paths(&o)
		require.NoError(t, err)
		require.Equal(t, TopPaths(want, -1), TopPaths(got, -1), "seed %d", seed)
		require.Equal(t, want.Summary().Conversions, got.Summary().Conversions)
		require.Equal(t, want.Summary().Value, got.Summary().Value)
	}
}

func TestNewCustomersAreObservedUntilTheyAreWon(t *testing.T) {
	j := newJourneys(t, nil)
	touch(t, j, 1, "A", hours(1))
	touch(t, j, 1, "A", hours(9))
	for _, h := range []float64{3, 5} {
		require.NoError(t, j.Convert(1, Conversion{Time: hours(h), Value: 1}))
	}
	users := roaring.BitmapOf(1)
	p, err := j.Paths(&PathOptions{Start: noon, AsOf: hours(20), Users: users, NewCustomers: true})
	require.NoError(t, err)
	var spent float64
	for _, e := range p.exposed {
		spent += e.time.Value()
	}
	require.Equal(t, float64(3*time.Hour), spent)
	require.Equal(t, 1.0, p.Summary().Conversions)
	// Who was won before the period is neither a customer to be won nor
	// somebody whom nothing reached.
	p, err = j.Paths(&PathOptions{Start: hours(4), AsOf: hours(20), Users: users, NewCustomers: true})
	require.NoError(t, err)
	require.Zero(t, p.Summary().Conversions+p.Summary().Unexposed+p.Summary().Nulls)
}

func TestLookbackByChannelAndKind(t *testing.T) {
	j := newJourneys(t, nil)
	for _, name := range []string{"A", "B"} {
		for _, kind := range []Kind{Click, View} {
			for _, ago := range []float64{2, 6} {
				require.NoError(t, j.Touch(1, Touch{Channel: name, Kind: kind, Time: hours(10 - ago)}))
			}
		}
	}
	require.NoError(t, j.Convert(1, Conversion{Time: hours(10), Value: 1}))
	count := func(o PathOptions) (a, b int) {
		o.SessionGap = -1
		p, err := j.Paths(&o)
		require.NoError(t, err)
		for _, path := range TopPaths(p, -1) {
			for _, c := range path.Channels {
				if c == "A" {
					a += int(path.Conversions)
				} else {
					b += int(path.Conversions)
				}
			}
		}
		return a, b
	}
	h := time.Hour
	for _, c := range []struct {
		opts PathOptions
		a, b int
	}{
		{PathOptions{Click: 6 * h, View: 2 * h}, 3, 3},
		{PathOptions{Click: 6 * h, View: 2 * h, Channels: map[string]time.Duration{"A": 2 * h}}, 2, 3},
		{PathOptions{Click: 6 * h, View: 2 * h, ViewChannels: map[string]time.Duration{"A": 6 * h}}, 4, 3},
		{PathOptions{Click: 6 * h, View: 2 * h, Channels: map[string]time.Duration{"A": h}, ViewChannels: map[string]time.Duration{"A": 2 * h}}, 1, 3},
		{PathOptions{Click: 6 * h, View: 2 * h, ViewChannels: map[string]time.Duration{"A": 0}}, 2, 3},
	} {
		a, b := count(c.opts)
		require.Equal(t, [2]int{c.a, c.b}, [2]int{a, b}, "%+v", c.opts)
	}
	_, err := j.Paths(&PathOptions{ViewChannels: map[string]time.Duration{"A": -1}})
	require.ErrorContains(t, err, `PathOptions.ViewChannels["A"] -1ns: negative`)
}

func TestPaid(t *testing.T) {
	c := Credits{Channels: []Credit{{Conversions: 2, Value: 9, Spend: 4}, {Conversions: 5, Value: 7}, {Conversions: 1, Value: 1, Spend: 2}}}
	require.Equal(t, Credit{Conversions: 3, Value: 10, Spend: 6}, c.Paid())
}

func encoded(t testing.TB, p *Paths) []byte {
	t.Helper()
	data, err := p.AppendBinary(nil)
	require.NoError(t, err)
	return data
}
