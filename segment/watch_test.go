package segment

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func shop(t testing.TB, opts *Options) *Index {
	t.Helper()
	x, err := NewIndex(Schema{"ltv": Number, "country": String}, opts)
	require.NoError(t, err)
	return x
}

func define(t testing.TB, x *Index, name, rule string) {
	t.Helper()
	_, err := x.Define(name, rule)
	require.NoError(t, err)
}

// record collects transitions as text.
type record struct{ list []string }

func (r *record) add(t Transition) {
	sign := "-"
	if t.Entered {
		sign = "+"
	}
	r.list = append(r.list, fmt.Sprintf("%s%d %s @%s %s", sign, t.User, t.Audience, t.At.Format("15:04:05.999"), t.Cause.Kind))
}

func (r *record) take() []string {
	list := r.list
	r.list = nil
	return list
}

func TestExpiryToTheSecond(t *testing.T) {
	x := shop(t, nil)
	define(t, x, "two", `len(events("Order Completed", "1h")) >= 2`)
	define(t, x, "none", `len(events("Order Completed", "1h")) == 0`)
	var r record
	stop := x.Watch(nil, r.add)
	start := at("2026-01-01T00:00:00Z")
	order := func(user uint32, after time.Duration) {
		require.NoError(t, x.Observe(user, "Order Completed", nil, start.Add(after)))
	}
	order(1, 0)
	order(1, 10*time.Minute+900*time.Millisecond)
	require.Equal(t, []string{"+1 two @00:10:00.9 event"}, r.take())
	require.NoError(t, x.Advance(start.Add(time.Hour-time.Millisecond)))
	require.Empty(t, r.take(), "the window is (now−1h, now]")
	require.NoError(t, x.Advance(start.Add(time.Hour)))
	require.Equal(t, []string{"-1 two @01:00:00 clock"}, r.take())
	// The fraction of a second is cut off: 00:10:00.9 leaves at 01:10:00.
	require.NoError(t, x.Advance(start.Add(5*time.Hour)))
	require.Equal(t, []string{"+1 none @01:10:00 clock"}, r.take())
	// Late events enter a window that still reaches them.
	order(1, 4*time.Hour+30*time.Minute)
	order(1, 4*time.Hour+20*time.Minute)
	order(2, 4*time.Hour+20*time.Minute)
	require.Equal(t, []string{"-1 none @05:00:00 event", "+1 two @05:00:00 event"}, r.take())
	// Ties in time go by user, then by audience.
	order(2, 4*time.Hour+25*time.Minute)
	require.NoError(t, x.Advance(start.Add(6*time.Hour)))
	require.Equal(t, []string{
		"+2 two @05:00:00 event", "-1 two @05:20:00 clock", "-2 two @05:20:00 clock",
		"+2 none @05:25:00 clock", "+1 none @05:30:00 clock",
	}, r.take())
	stop()
	order(1, 7*time.Hour)
	require.Empty(t, r.take())
	require.Equal(t, at("2026-01-01T07:00:00Z"), x.Now())
}

func TestNotFollowedToTheSecond(t *testing.T) {
	x := shop(t, nil)
	define(t, x, "left", `notFollowed("1h", events("Product Added", "1d"), "Order Completed")`)
	define(t, x, "visits", `len(sessions("30m", events("page", "2h"))) >= 2`)
	var r record
	x.Watch(nil, r.add)
	start := at("2026-01-01T00:00:00Z")
	see := func(user uint32, event string, after time.Duration) {
		require.NoError(t, x.Observe(user, event, nil, start.Add(after)))
	}
	see(1, "Product Added", 100*time.Millisecond)
	see(2, "Product Added", 100*time.Millisecond)
	// Followed at the last instant: user 2 never enters.
	see(2, "Order Completed", time.Hour+100*time.Millisecond)
	require.Empty(t, r.take(), "the span may still see an order")
	require.NoError(t, x.Advance(start.Add(2*time.Hour)))
	require.Equal(t, []string{"+1 left @01:00:01 clock"}, r.take())
	// An order that arrives late takes it back, one that happened late does not.
	see(1, "Order Completed", time.Hour+200*time.Millisecond)
	require.Empty(t, r.take())
	see(1, "Order Completed", 59*time.Minute)
	require.Equal(t, []string{"-1 left @02:00:00 event"}, r.take())
	see(3, "Product Added", 3*time.Hour)
	require.NoError(t, x.Advance(start.Add(48*time.Hour)))
	require.Equal(t, []string{"+3 left @04:00:01 clock", "-3 left @03:00:00 clock"}, r.take())

	// 30 minutes are one session, a nanosecond more are two, until the first
	// has left the window.
	day := 48 * time.Hour
	see(1, "page", day)
	see(1, "page", day+30*time.Minute)
	require.Empty(t, r.take())
	see(1, "page", day+time.Hour+1)
	require.Equal(t, []string{"+1 visits @01:00:00 event"}, r.take())
	require.NoError(t, x.Advance(start.Add(day+12*time.Hour)))
	require.Equal(t, []string{"-1 visits @02:30:00 clock"}, r.take())
}

func TestFutureEventsWait(t *testing.T) {
	x := shop(t, &Options{Clock: Manual})
	define(t, x, "buyer", `len(events("Order Completed", "1h")) > 0`)
	var r record
	x.Watch(nil, r.add)
	start := at("2026-01-01T00:00:00Z")
	require.NoError(t, x.Observe(1, "Order Completed", nil, start.Add(time.Hour)))
	require.NoError(t, x.Advance(start))
	require.Empty(t, r.take())
	require.NoError(t, x.Advance(start.Add(3*time.Hour)))
	require.Equal(t, []string{"+1 buyer @01:00:00 clock", "-1 buyer @02:00:00 clock"}, r.take())
}

func TestTransitionsOfChanges(t *testing.T) {
	x := shop(t, nil)
	define(t, x, "rich", "ltv > 100")
	define(t, x, "poor", "not (ltv > 100)")
	var all []Transition
	x.Watch(nil, func(t Transition) { all = append(all, t) })
	now := at("2026-01-01T00:00:00Z")
	require.NoError(t, x.Update(1, map[string]any{"ltv": 200}, now))
	require.NoError(t, x.Update(2, nil, now))
	_, err := x.Define("rich", "ltv > 500")
	require.NoError(t, err)
	require.NoError(t, x.Rename(1, 2))
	require.NoError(t, x.Erase(2))
	want := []Transition{
		{1, "rich", true, now, Cause{ByUpdate, "", "ltv > 100"}, 1},
		{2, "poor", true, now, Cause{ByUpdate, "", ""}, 2},
		{1, "rich", false, now, Cause{ByDefinition, "rich", ""}, 3},
		{2, "poor", false, now, Cause{ByRename, "", "ltv > 100"}, 4},
	}
	require.Equal(t, want, all)
	require.Zero(t, x.Stats().Users)
	require.NoError(t, x.Rename(7, 8))
	require.NoError(t, x.Rename(8, 8))
	require.ErrorIs(t, x.Rename(0, 8), ErrUser)
	require.ErrorIs(t, x.Erase(0), ErrUser)
	require.ErrorIs(t, x.Update(0, nil, now), ErrUser)
	require.ErrorIs(t, x.Observe(0, "A", nil, now), ErrUser)
	require.ErrorIs(t, x.Advance(time.Time{}), ErrTime)
	require.Zero(t, x.Stats().Users)
}

// TestWatchAgain walks through a crash: the host had handled some transitions,
// the index comes back from bytes and from replay, and the rest is emitted
// again, in order, once the replay is over.
func TestWatchAgain(t *testing.T) {
	calls := func(x *Index, from, to int) {
		for i := from; i < to; i++ {
			require.NoError(t, x.Update(uint32(1+i), map[string]any{"ltv": 200}, at("2026-01-01T00:00:00Z").Add(time.Duration(i)*time.Hour)))
		}
	}
	x := shop(t, nil)
	define(t, x, "rich", "ltv > 100")
	calls(x, 0, 4)
	data, err := x.AppendBinary(nil)
	require.NoError(t, err)

	for name, recover := range map[string]func(*Index){
		"log":            func(y *Index) { calls(y, 0, 6) },
		"bytes and tail": func(y *Index) { require.NoError(t, y.UnmarshalBinary(data)); calls(y, 4, 6) },
	} {
		y := shop(t, nil)
		define(t, y, "rich", "ltv > 100")
		var again, fresh []uint64
		y.Watch(&WatchOptions{After: 3}, func(t Transition) { again = append(again, t.Seq) })
		y.Watch(nil, func(t Transition) { fresh = append(fresh, t.Seq) })
		y.Attached(true)
		y.Replaying(true)
		recover(y)
		y.Replaying(false)
		require.Empty(t, again, "%s: a store says when", name)
		y.Deliver()
		require.Equal(t, []uint64{4, 5, 6}, again, name)
		require.Empty(t, fresh, "%s: replay fires no campaign", name)
		calls(y, 6, 7)
		require.Empty(t, fresh, name)
		y.Deliver()
		require.Equal(t, []uint64{7}, fresh, name)
		require.True(t, y.Now().IsZero() == (name == "log"), "%s: the store moves the clock", name)
		var late []uint64
		y.Attached(false)
		y.Watch(&WatchOptions{After: 5}, func(t Transition) { late = append(late, t.Seq) })
		require.Equal(t, []uint64{6, 7}, late, name)
	}
}

// TestEraseTransitions: of an erased user the exits remain, and nothing else.
func TestEraseTransitions(t *testing.T) {
	x := shop(t, nil)
	define(t, x, "rich", "ltv > 100")
	define(t, x, "local", `country == "a secret"`)
	now := at("2026-01-01T00:00:00Z")
	for user := range uint32(3) {
		require.NoError(t, x.Update(user+1, map[string]any{"ltv": 200, "country": "a secret"}, now))
	}
	require.NoError(t, x.Update(2, map[string]any{"ltv": 10}, now.Add(time.Hour)))
	require.NoError(t, x.Erase(2))
	data, err := x.AppendBinary(nil)
	require.NoError(t, err)
	y := shop(t, nil)
	require.NoError(t, y.UnmarshalBinary(data))
	for _, z := range []*Index{x, y} {
		var of2 []Transition
		others := 0
		z.Watch(&WatchOptions{After: 1}, func(tr Transition) {
			if tr.User == 2 {
				of2 = append(of2, tr)
			} else {
				others++
			}
		})
		require.Equal(t, []Transition{{2, "local", false, now.Add(time.Hour), Cause{Kind: ByErase}, 8}}, of2)
		require.Equal(t, 3, others)
	}
	// Erased again, when no longer held, even those go.
	require.NoError(t, x.Erase(2))
	x.Watch(&WatchOptions{After: 1}, func(tr Transition) { require.NotEqual(t, uint32(2), tr.User) })
}

// TestWatchMask: a watcher with a mask hears of its users only, also again.
func TestWatchMask(t *testing.T) {
	x := shop(t, nil)
	define(t, x, "rich", "ltv > 100")
	mask := roaring.BitmapOf(2, 3)
	var seen []uint32
	x.Watch(&WatchOptions{Mask: mask}, func(tr Transition) { seen = append(seen, tr.User) })
	mask.Add(1)
	now := at("2026-01-01T00:00:00Z")
	for _, user := range []uint32{1, 2, 3, 4, 70000} {
		require.NoError(t, x.Update(user, map[string]any{"ltv": 200}, now))
	}
	require.NoError(t, x.Erase(1))
	require.NoError(t, x.Erase(2))
	require.Equal(t, []uint32{2, 3, 2}, seen)
	seen = nil
	x.Watch(&WatchOptions{After: 1, Mask: roaring.BitmapOf(70000)}, func(tr Transition) { seen = append(seen, tr.User) })
	require.Equal(t, []uint32{70000}, seen)
}

// TestWatcherCalls lets a watcher call the index it watches.
func TestWatcherCalls(t *testing.T) {
	x := shop(t, nil)
	define(t, x, "a", "ltv > 1")
	define(t, x, "b", "ltv > 2")
	var seen []string
	x.Watch(nil, func(tr Transition) {
		seen = append(seen, fmt.Sprintf("%d %s %d", tr.User, tr.Audience, tr.Seq))
		if tr.Audience == "a" && tr.User < 3 {
			require.True(t, x.Contains("a", tr.User))
			require.NoError(t, x.Update(tr.User+1, map[string]any{"ltv": 3}, tr.At))
		}
	})
	require.NoError(t, x.Update(1, map[string]any{"ltv": 3}, at("2026-01-01T00:00:00Z")))
	require.Equal(t, []string{"1 a 1", "1 b 2", "2 a 3", "2 b 4", "3 a 5", "3 b 6"}, seen)

	// One that panics has had its transition; the others follow later.
	y := shop(t, nil)
	define(t, y, "a", "ltv > 1")
	define(t, y, "b", "ltv > 2")
	seen = nil
	y.Watch(nil, func(tr Transition) {
		seen = append(seen, tr.Audience)
		if tr.Audience == "a" {
			panic("host")
		}
	})
	require.Panics(t, func() { _ = y.Update(1, map[string]any{"ltv": 3}, at("2026-01-01T00:00:00Z")) })
	y.Deliver()
	require.Equal(t, []string{"a", "b"}, seen)
}

func TestCounts(t *testing.T) {
	x := shop(t, &Options{Retain: 24 * time.Hour})
	now := at("2026-01-05T00:00:00Z")
	require.NoError(t, x.Update(1, map[string]any{"ltv": "many", "unknown": 1, "country": nil}, now))
	require.NoError(t, x.Observe(1, "Order Completed", map[string]any{"total": "x", "currency": "EUR", "other": 1}, now))
	require.NoError(t, x.Observe(2, "Nothing declared", nil, now))
	require.NoError(t, x.Observe(3, "Order Completed", nil, time.Time{}))
	require.NoError(t, x.Update(3, nil, time.Time{}))
	require.NoError(t, x.Advance(now))
	require.NoError(t, x.Observe(3, "Order Completed", nil, now.Add(-25*time.Hour)))
	s := x.Stats()
	require.Equal(t, Stats{Users: 3, UnknownNames: 1, BadAttributes: 1, BadFields: 1, OtherEvents: 1, BadTimes: 2, LateEvents: 1}, s)
	require.Equal(t, []uint32{1, 2, 3}, x.Users().ToArray())
}

func TestOptionErrors(t *testing.T) {
	for _, c := range []struct {
		schema Schema
		opts   Options
		field  string
	}{
		{opts: Options{Retain: -1}, field: "Retain"},
		{opts: Options{Retain: 1500 * time.Millisecond}, field: "Retain"},
		{opts: Options{Clock: 7}, field: "Clock"},
		{opts: Options{MaxNodes: -1}, field: "MaxNodes"},
		{opts: Options{Recent: -2}, field: "Recent"},
		{opts: Options{ZoneAttribute: "zone"}, field: "ZoneAttribute"},
		{schema: Schema{"zone": Number}, opts: Options{ZoneAttribute: "zone"}, field: "ZoneAttribute"},
		{schema: Schema{"": Number}, field: `Schema[""]`},
		{schema: Schema{"a": 99}, field: `Schema["a"]`},
		{opts: Options{Events: map[string]Schema{"A": {"x": 99}}}, field: `Events["A"]["x"]`},
		{opts: Options{Events: map[string]Schema{"": {}}}, field: "Events"},
	} {
		_, err := NewIndex(c.schema, &c.opts)
		var e *OptionError
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, ErrOption)
		require.Equal(t, c.field, e.Field)
	}
	x := shop(t, nil)
	y := shop(t, &Options{Retain: time.Hour})
	require.ErrorIs(t, x.Merge(y), ErrOptions)
	require.ErrorIs(t, x.Merge(nil), ErrOptions)
	x.Watch(nil, nil)()
	data, err := y.AppendBinary(nil)
	require.NoError(t, err)
	require.ErrorIs(t, x.UnmarshalBinary(data), ErrOptions)
	require.ErrorIs(t, x.UnmarshalBinary(data[:len(data)-1]), ErrCorrupt)
	_, err = x.Define("", "true")
	require.Error(t, err)
	_, err = x.Members("nobody")
	require.EqualError(t, err, `segment: members: unknown audience "nobody"`)
	require.False(t, x.Contains("nobody", 1))
	_, err = x.Explain("nobody", 1)
	require.ErrorIs(t, err, ErrAudience)
	define(t, x, "a", "true")
	_, err = x.Explain("a", 1)
	require.ErrorIs(t, err, ErrNotHeld)
}

func TestDynamic(t *testing.T) {
	x, err := NewIndex(nil, &Options{Events: map[string]Schema{}, Dynamic: true})
	require.NoError(t, err)
	define(t, x, "early", `score > 3 and count(events("Ping", "1h"), .ms > 100 and .host == "a") >= 1`)
	now := at("2026-01-01T00:00:00Z")
	require.NoError(t, x.Update(1, map[string]any{"score": 4, "other": []string{"u"}}, now))
	require.NoError(t, x.Observe(1, "Ping", map[string]any{"ms": 120, "host": "a", "list": []any{map[string]any{"k": 1}}}, now))
	require.NoError(t, x.Observe(2, "Pong", map[string]any{"ms": "slow"}, now))
	require.True(t, x.Contains("early", 1))
	for rule, want := range map[string][]uint32{
		`"u" in other`: {1},
		`any(events("Ping"), any(.list, .k == 1))`: {1},
		`any(events("Pong"), .ms == "slow")`:       {2},
		`any(events("Pong"), .ms > 1)`:             nil,
		`never_seen == nil`:                        {1, 2},
		`len(events("Never Seen")) == 0`:           {1, 2},
		`any(events("Never Seen"), .a > 1)`:        nil,
		`score > "a"`:                              nil,
	} {
		got, err := x.Query(rule)
		require.NoError(t, err, rule)
		require.Equal(t, append([]uint32{}, want...), append([]uint32{}, got.ToArray()...), rule)
	}
}

// TestRace lets readers loose beside a writer; run with -race.
func TestRace(t *testing.T) {
	x := lawIndex(t, Options{})
	y := lawIndex(t, Options{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	reader := func(f func()) {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		})
	}
	reader(func() { _, _ = x.Query(`n > 1 and len(events("A", "1h")) > 0`) })
	reader(func() { _, _ = x.Members("rich") })
	reader(func() { _, _ = x.Explain("often", 1); x.Contains("sum", 2); _ = x.Stats() })
	reader(func() {
		for range x.Of(1) {
		}
		_ = x.Users()
	})
	reader(func() { _, _ = x.AppendBinary(nil) })
	reader(func() { _, _ = x.Snapshot().WriteTo(io.Discard) })
	reader(func() { _, _ = x.Count(`s in ["u", "v"] and not segment("rich")`) })
	reader(func() { x.AppendMatching(nil, 2, map[string]any{"n": 3, "s": "u"}) })
	half := x.Within(roaring.BitmapOf(1, 2, 3))
	reader(func() { _, _ = half.Overlap("rich", "often"); _, _ = half.Query(`s == "u" and t == nil`) })
	reader(func() { x.Watch(&WatchOptions{After: 1}, func(Transition) {})() })
	start := at("2026-01-01T00:00:00Z")
	for i := range 300 {
		now := start.Add(time.Duration(i) * time.Minute)
		user := uint32(1 + i%5)
		require.NoError(t, x.Update(user, map[string]any{"n": i % 6, "s": "u"}, now))
		require.NoError(t, x.Observe(user, "A", map[string]any{"x": i % 4}, now))
		require.NoError(t, x.Advance(now))
		switch i % 50 {
		case 10:
			require.NoError(t, x.Erase(user))
		case 20:
			require.NoError(t, x.Rename(user, user+1))
		case 30:
			_, err := x.Define("more", fmt.Sprintf("n > %d", i%7))
			require.NoError(t, err)
		case 40:
			require.NoError(t, x.Merge(y))
		}
	}
	close(stop)
	wg.Wait()
}
