package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"iter"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write testdata")

// The record is the same on every machine and in every version that does not say otherwise.
// The file holds the hash of the first 1,000 lines with the default options.
func TestFirstLinesAreGolden(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the golden hash is of a processor that does not fuse multiplication and addition")
	}
	w := newWorld(t, nil)
	sum := sha256.New()
	var line []byte
	n := 0
	for e := range w.Events() {
		line = append(e.AppendSegment(line[:0]), '\n')
		sum.Write(line)
		if n++; n == 1000 {
			break
		}
	}
	got := hex.EncodeToString(sum.Sum(nil)) + "\n"
	const file = "testdata/first1000.sha256"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run with -update if the change is meant")
}

func TestEventsDoNotDependOnTheReader(t *testing.T) {
	w := newWorld(t, &Options{Customers: 40, Days: 30})
	a, stopA := iter.Pull(w.Events())
	defer stopA()
	b, stopB := iter.Pull(w.Events())
	defer stopB()
	for range 500 { // b lags behind a
		_, ok := a()
		require.True(t, ok)
	}
	c, stopC := iter.Pull(newWorld(t, &Options{Customers: 40, Days: 30}).Events())
	defer stopC()
	var n int
	for {
		x, ok := b()
		y, okY := c()
		a()
		require.Equal(t, okY, ok)
		if !ok {
			break
		}
		require.Equal(t, string(y.AppendSegment(nil)), string(x.AppendSegment(nil)))
		n++
	}
	require.Greater(t, n, 500)
}

func TestEventsAreInOrderOfReceipt(t *testing.T) {
	w := newWorld(t, &Options{Customers: 200})
	var last time.Time
	var late, early, beyond int
	end := time.Unix(0, w.last)
	var lastTime time.Time
	for e := range w.Events() {
		require.False(t, e.Received.Before(last), "%v after %v", e.Received, last)
		last = e.Received
		h := e.Hidden
		require.False(t, e.Received.Before(h.Time.Truncate(time.Millisecond)), "received before it happened")
		require.True(t, h.Time.Before(end) && h.Time.UnixNano() >= w.first, "%v", h.Time)
		if h.Late {
			late++
			require.Greater(t, e.Received.Sub(h.Time), 6*time.Hour)
		}
		if h.Time.Before(lastTime) {
			early++
		}
		lastTime = h.Time
		if e.Received.After(end) {
			beyond++
		}
		if !e.Hidden.Skewed {
			require.WithinDuration(t, h.Time, e.Original, time.Millisecond)
		}
		// the usual correction gives the true time to within the way's latency
		require.WithinDuration(t, h.Time, e.Received.Add(-e.Sent.Sub(e.Original)), lag(&e))
	}
	require.Positive(t, late)
	require.Positive(t, early)
	require.Positive(t, beyond)
}

// lag is the time that the receipt may lie behind the sending.
func lag(e *Event) time.Duration {
	if e.Hidden.Duplicate {
		return 41 * time.Hour
	}
	return 2 * time.Second
}

func TestReadingMayStop(t *testing.T) {
	w := newWorld(t, &Options{Customers: 20})
	for range w.Events() {
		break
	}
}

func TestDirtComesAtItsRates(t *testing.T) {
	w := newWorld(t, &Options{Customers: 300})
	var n, client, duplicates, late, skewed, lacking, bots float64
	ids := map[string]int{}
	for e := range w.Events() {
		h := e.Hidden
		if h.Duplicate {
			duplicates++
			require.Positive(t, ids[e.ID], "a copy before its original")
			continue
		}
		ids[e.ID]++
		n++
		if e.Timestamp.IsZero() {
			client++
			late += b2f(h.Late)
			skewed += b2f(h.Skewed)
		}
		lacking += b2f(h.Missing)
		if h.Bot {
			bots++
			require.Equal(t, -1, e.Customer())
			require.NotContains(t, e.Name, "Order")
		}
	}
	for id, k := range ids {
		require.Equal(t, 1, k, id)
	}
	require.InDelta(t, 0.015, duplicates/n, 0.003)
	require.InDelta(t, 0.01, late/client, 0.003)
	require.InDelta(t, 0.02, skewed/client, 0.015) // few devices
	require.True(t, lacking/n > 0.004 && lacking/n <= 0.012, "%v", lacking/n)
	require.Positive(t, bots)
}

func TestCleanRecord(t *testing.T) {
	w := newWorld(t, &Options{
		Customers: 100, Bots: -1, Shared: -1, Refunds: -1, Reviews: -1, Withdrawals: -1,
		Duplicates: -1, Late: -1, Disorder: -1, Skew: -1, Missing: -1, ExperimentDay: -1,
	})
	devices := map[string]int{}
	asked := map[int]int{}
	for e := range w.Events() {
		h := e.Hidden
		require.False(t, h.Bot || h.Duplicate || h.Late || h.Skewed || h.Missing)
		require.NotContains(t, []string{"Order Refunded", "Product Reviewed", "Experiment Viewed"}, e.Name)
		require.Less(t, e.Received.Sub(h.Time), 3*time.Second)
		if e.AnonymousID != "" {
			c, ok := devices[e.AnonymousID]
			require.True(t, !ok || c == e.Customer(), "a shared device")
			devices[e.AnonymousID] = e.Customer()
		}
		if e.Consent != nil {
			asked[e.Customer()]++
			require.Equal(t, 1, asked[e.Customer()])
		}
	}
}

// Every identifier in an event belongs to the customer behind it.
func TestIdentifiersTellTheTruth(t *testing.T) {
	w := newWorld(t, &Options{Customers: 400, Shared: 0.3})
	truth := w.Truth()
	owners := truth.Owners()
	bots := map[string]bool{}
	for _, b := range truth.Bots {
		for _, c := range b.Cookies {
			bots[c] = true
		}
	}
	var shared, strong int
	for _, o := range owners {
		require.LessOrEqual(t, len(o), 2)
		if len(o) == 2 {
			shared++
		}
	}
	require.InDelta(t, 0.3*200, shared, 25)
	for e := range w.Events() {
		if e.Hidden.Bot {
			require.True(t, bots[e.AnonymousID])
			continue
		}
		ids := []string{e.AnonymousID, e.UserID, e.External.Value}
		if e.Traits != nil {
			ids = append(ids, e.Traits.Email, e.Traits.Phone, e.Traits.Loyalty)
		}
		for i, id := range ids {
			if id != "" {
				require.Contains(t, owners[id], e.Customer(), "%s %s: %s", e.Type, e.Name, id)
				if i > 0 {
					strong++
					require.Len(t, owners[id], 1)
				}
			}
		}
		require.NotEmpty(t, strings.Join(ids, ""), "%s %s without identifier", e.Type, e.Name)
	}
	require.Positive(t, strong)
}

// Most of what belongs together is tied together by some chain of shared identifiers: a
// perfect reader of the keys finds this share of the pairs of identifiers of one person,
// shared devices left out.
func TestIdentitiesCanBeResolved(t *testing.T) {
	w := newWorld(t, nil)
	owners := w.Truth().Owners()
	parent := map[string]string{}
	find := func(a string) string {
		for parent[a] != a {
			a = parent[a]
		}
		return a
	}
	for e := range w.Events() {
		if e.Hidden.Bot {
			continue
		}
		ids := []string{e.AnonymousID, e.UserID, e.External.Value}
		if e.Traits != nil {
			ids = append(ids, e.Traits.Email, e.Traits.Phone, e.Traits.Loyalty)
		}
		first := ""
		for _, id := range ids {
			if id == "" || len(owners[id]) > 1 {
				continue
			}
			if _, ok := parent[id]; !ok {
				parent[id] = id
			}
			if first != "" {
				parent[find(id)] = find(first)
			}
			first = id
		}
	}
	groups := map[int]map[string]int{}
	for id := range parent {
		c := owners[id][0]
		if groups[c] == nil {
			groups[c] = map[string]int{}
		}
		groups[c][find(id)]++
	}
	var pairs, tied float64
	for _, g := range groups {
		n := 0
		for _, k := range g {
			n += k
			tied += float64(k * (k - 1) / 2)
		}
		pairs += float64(n * (n - 1) / 2)
	}
	t.Logf("recall of pairs %.4f", tied/pairs)
	require.Greater(t, tied/pairs, 0.955)
}

// Every touch of an order's day comes before the order, refunds and reviews come after it.
func TestCausesComeBeforeEffects(t *testing.T) {
	w := newWorld(t, &Options{Customers: 300})
	type order struct {
		at    time.Time
		total int64
	}
	orders := map[string]order{}
	touches := map[[2]int]time.Time{} // customer and day: the latest touch
	later := 0
	var events []Event
	for e := range w.Events() {
		if !e.Hidden.Duplicate {
			events = append(events, e)
		}
		if e.Hidden.Channel != "" {
			k := [2]int{e.Customer(), w.dayOf(e.Hidden.Time.UnixNano())}
			if e.Hidden.Time.After(touches[k]) {
				touches[k] = e.Hidden.Time
			}
		}
		if e.Name == "Order Completed" {
			orders[e.OrderID] = order{e.Hidden.Time, e.Total}
		}
	}
	for _, e := range events {
		switch e.Name {
		case "Order Completed":
			var sum int64
			for _, l := range e.Products {
				sum += l.Price * int64(l.Quantity)
			}
			require.Equal(t, sum, e.Revenue)
			require.GreaterOrEqual(t, e.Total, e.Revenue)
			require.True(t, e.UserID != "" || e.AnonymousID != "" || e.External.Kind != "")
			// an order after a late touch may fall into the first hour of the next day
			k := [2]int{e.Customer(), w.dayOf(e.Hidden.Time.Add(-65 * time.Minute).UnixNano())}
			if last, ok := touches[k]; ok && w.dayOf(e.Hidden.Time.UnixNano()) == k[1] {
				require.True(t, last.Before(e.Hidden.Time), "order %v, touch %v", e.Hidden.Time, last)
			}
		case "Order Refunded":
			later++
			o, ok := orders[e.OrderID]
			require.True(t, ok)
			require.Greater(t, e.Hidden.Time.Sub(o.at), 3*24*time.Hour)
			require.LessOrEqual(t, e.Total, o.total)
			require.Positive(t, e.Total)
		case "Product Reviewed":
			later++
			require.True(t, e.Rating >= 1 && e.Rating <= 5)
			require.NotEmpty(t, e.Review)
		}
	}
	require.Positive(t, later)
}

// Switching a channel off changes no draw of the rest: what another channel does on its own
// account stays, message by message; only what carts cause may go.
func TestSwitchingOffReshufflesNothing(t *testing.T) {
	touches := func(w *World) map[string]string {
		m := map[string]string{}
		for e := range w.Events() {
			if e.Hidden.Channel != "" && !e.Hidden.Duplicate {
				name := ""
				if e.Campaign != nil {
					name = e.Campaign.Name
				}
				m[e.ID] = e.Hidden.Channel + " " + e.Hidden.Time.String() + " " + name
			}
		}
		return m
	}
	base := Options{Customers: 150, Days: 40}
	full := touches(newWorld(t, &base))
	for _, off := range Channels() {
		o := base
		o.Off = []string{off}
		less := touches(newWorld(t, &o))
		gone := 0
		for id, touch := range less {
			before, ok := full[id]
			require.True(t, ok, "off %s: %s is new", off, touch)
			require.Equal(t, strings.Fields(before)[:3], strings.Fields(touch)[:3])
			require.False(t, strings.HasPrefix(touch, off+" "), "%s", touch)
		}
		for id, touch := range full {
			if _, ok := less[id]; !ok {
				gone++
				own := strings.HasPrefix(touch, off+" ")
				cart := strings.HasSuffix(touch, " retargeting") || strings.HasSuffix(touch, " cart-reminder")
				require.True(t, own || cart, "off %s: lost %s", off, touch)
			}
		}
		require.Positive(t, gone, off)
	}
}

func TestWorldWithoutMarketing(t *testing.T) {
	w := newWorld(t, &Options{Customers: 300, Off: Channels()})
	r, err := w.Increments(t.Context())
	require.NoError(t, err)
	require.Equal(t, r.None, r.All)
	var orders float64
	for e := range w.Events() {
		require.Empty(t, e.Hidden.Channel)
		require.Nil(t, e.Campaign)
		if e.Name == "Order Completed" && !e.Hidden.Duplicate {
			orders++
		}
	}
	require.InDelta(t, r.None, orders, 4*math.Sqrt(r.None))
}

// The slots, on which everything else stands, do not know which channels are on.
func TestSlotsDoNotDependOnSwitches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{
			Seed: rapid.Uint64().Draw(t, "seed"), Customers: 5, Days: 30, Zone: time.UTC,
		}
		a, err := New(&o)
		require.NoError(t, err)
		o.Off = rapid.SliceOfDistinct(rapid.SampledFrom(Channels()), rapid.ID[string]).Draw(t, "off")
		o.Days = rapid.IntRange(30, 60).Draw(t, "days")
		b, err := New(&o)
		require.NoError(t, err)
		for id := range 5 {
			p, q := a.newCustomer(id), b.newCustomer(id)
			if p.old { // others arrive within the length of the record
				require.Equal(t, p, q)
				for d := range 30 {
					require.Equal(t, a.slotOf(&p, d), b.slotOf(&q, d))
				}
			}
		}
	})
}

func TestEveryLineIsJSON(t *testing.T) {
	w := newWorld(t, &Options{Customers: 200})
	leaks := []string{"price-sensitive", "quality-seeking", "socially-driven", "hidden", "Hidden", "style", "propensity"}
	names := map[string]int{}
	var line []byte
	for e := range w.Events() {
		line = e.AppendSegment(line[:0])
		require.NotContains(t, string(line), "\n")
		var m map[string]any
		require.NoError(t, json.Unmarshal(line, &m), "%s", line)
		for _, l := range leaks {
			require.NotContains(t, string(line), l)
		}
		require.Contains(t, m, "receivedAt")
		require.Contains(t, m, "context")
		name := e.Name
		if name == "" {
			name = e.Type
		}
		names[name]++
		if e.Name == "Order Completed" {
			p := m["properties"].(map[string]any)
			require.Equal(t, Currency, p["currency"])
			require.InDelta(t, float64(e.Revenue)/100, p["revenue"], 1e-9)
			require.Len(t, p["products"], len(e.Products))
		}
		if e.Hidden.Channel != "" && e.Hidden.Channel != ChannelDirect {
			c := m["context"].(map[string]any)["campaign"].(map[string]any)
			ch, _ := channelOf(e.Hidden.Channel)
			require.Equal(t, channelTable[ch].source, c["source"])
			require.Equal(t, channelTable[ch].medium, c["medium"])
			require.Positive(t, m["properties"].(map[string]any)["cost"])
		}
	}
	for _, name := range []string{
		"page", "identify", "Products Searched", "Product Viewed", "Product Added", "Product Removed", "Cart Viewed",
		"Checkout Started", "Order Completed", "Order Refunded", "Product Reviewed", "Experiment Viewed", "Ad Viewed",
		"Email Opened", "Flyer Redeemed", "Store Visited", "Segment Consent Preference Updated",
	} {
		require.Positive(t, names[name], name)
	}
}

// Names of arms come from outside and may hold anything.
func FuzzText(f *testing.F) {
	f.Add("treatment")
	f.Add("a \"quoted\" \\ line\n")
	f.Add("\xff\x00 broken")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		require.NoError(t, json.Unmarshal(appendText(nil, s), &got))
		if utf8.ValidString(s) {
			require.Equal(t, s, got)
		}
	})
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
