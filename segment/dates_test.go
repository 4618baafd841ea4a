package segment

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDates: users enter and leave rules about dates at their very second,
// without a timer each, whatever the order of values, rules and the clock.
func TestDates(t *testing.T) {
	x, err := NewIndex(Schema{"t": Time}, &Options{Events: map[string]Schema{}, Clock: Manual})
	require.NoError(t, err)
	define(t, x, "old", `t < ago("30d")`)
	require.NoError(t, x.Advance(modelEpoch))
	r := rand.New(rand.NewPCG(1, 1))
	last := map[uint32]time.Time{}
	for i := range 3000 {
		u := 1 + r.Uint32N(500)
		last[u] = modelEpoch.Add(-time.Duration(r.Int64N(int64(60 * day * time.Second))))
		if r.IntN(2) == 0 {
			last[u] = last[u].Truncate(time.Second)
		}
		require.NoError(t, x.Update(u, map[string]any{"t": last[u]}, modelEpoch.Add(time.Duration(i))))
	}
	define(t, x, "soon", `t > ago("40d12h")`)
	require.Zero(t, x.Stats().Timers)
	var got []Transition
	x.Watch(nil, func(tr Transition) { got = append(got, tr) })
	until := modelEpoch.Add(60 * day * time.Second)
	require.NoError(t, x.Advance(until))
	type turn struct {
		at   time.Time
		user uint32
		name string
	}
	var want, seen []turn
	for u, v := range last {
		// Strictly before, and on whole seconds.
		if at := v.Add(30 * day * time.Second).Truncate(time.Second).Add(time.Second); at.After(modelEpoch) {
			want = append(want, turn{at, u, "old"})
		}
		if at := v.Add((40*day + day/2) * time.Second); !at.Before(modelEpoch) {
			if !at.Equal(at.Truncate(time.Second)) {
				at = at.Truncate(time.Second).Add(time.Second)
			}
			if at.After(modelEpoch) {
				want = append(want, turn{at, u, "soon"})
			}
		}
	}
	for i, tr := range got {
		require.Equal(t, tr.Audience == "old", tr.Entered)
		require.Equal(t, ByClock, tr.Cause.Kind)
		if i > 0 {
			require.False(t, tr.At.Before(got[i-1].At))
		}
		seen = append(seen, turn{tr.At, tr.User, tr.Audience})
	}
	order := func(a, b turn) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		if a.user != b.user {
			return int(a.user) - int(b.user)
		}
		return len(a.name) - len(b.name)
	}
	slices.SortFunc(want, order)
	require.Equal(t, want, seen)
	require.NoError(t, x.Remove("old"))
	require.NoError(t, x.Remove("soon"))
	require.Nil(t, x.attrs[0].dates)
}

// BenchmarkDates moves the clock over a day of rules about dates: five of them
// over users whose dates lie in a year. ns/turn is the time of one user whose
// truth changes.
func BenchmarkDates(b *testing.B) {
	const users = 100_000
	x, err := NewIndex(Schema{"t": Time}, &Options{Events: map[string]Schema{}, Clock: Manual})
	if err != nil {
		b.Fatal(err)
	}
	for _, w := range []string{"7d", "30d", "60d", "90d", "180d"} {
		if _, err := x.Define(w, `t < ago("`+w+`")`); err != nil {
			b.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	now := modelEpoch
	_ = x.Advance(now)
	for u := range uint32(users) {
		_ = x.Update(u+1, map[string]any{"t": now.Add(time.Duration(r.Int64N(1000*day)-180*day) * time.Second)}, now)
	}
	before := x.Stats().Seq
	for b.Loop() {
		now = now.Add(day * time.Second)
		_ = x.Advance(now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/max(float64(x.Stats().Seq-before), 1), "ns/turn")
}
