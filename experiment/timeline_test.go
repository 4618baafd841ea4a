package experiment

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/laws"
)

func days(t testing.TB, kind Kind) *Timeline {
	t.Helper()
	x, err := NewTimeline(kind, day0, 24*time.Hour)
	require.NoError(t, err)
	return x
}

func TestTimelineLaws(t *testing.T) {
	type dated struct {
		at time.Time
		x  float64
	}
	laws.CheckSummary(t, laws.SummarySpec[*Timeline, dated]{
		New: func() *Timeline { return days(t, Mean) },
		Sample: func(r *rand.Rand) dated {
			return dated{at(float64(r.IntN(200)-100) / 2), float64(r.Int64N(2e15) - 1e15)}
		},
		Add:   func(x *Timeline, d dated) error { x.Add(d.at, d.x); return x.Err() },
		Sub:   func(x *Timeline, d dated) error { x.Sub(d.at, d.x); return x.Err() },
		Merge: func(dst, src *Timeline) error { return dst.Merge(src) },
	})
}

// Each slice holds the values from its start up to the next one, also before
// the start and at fractions of seconds.
func TestTimelineSlices(t *testing.T) {
	start := day0.Add(500)
	x, err := NewTimeline(Mean, start, time.Hour)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(1, 1))
	want := map[time.Time]*Moments{}
	total := new(Moments)
	for range 2000 {
		at := start.Add(time.Duration(r.Int64N(int64(20*time.Hour))) - 10*time.Hour)
		if r.IntN(3) == 0 {
			at = start.Add(time.Duration(r.IntN(9)-4)*time.Hour - time.Duration(r.IntN(2)))
		}
		v := float64(r.IntN(100))
		x.Add(at, v)
		total.Add(v)
		s := start
		for s.After(at) {
			s = s.Add(-time.Hour)
		}
		for !s.Add(time.Hour).After(at) {
			s = s.Add(time.Hour)
		}
		if want[s] == nil {
			want[s] = new(Moments)
		}
		want[s].Add(v)
		require.Equal(t, want[s].Sum(), x.At(at).Sum())
	}
	last := time.Time{}
	seen := 0
	for s, m := range x.All() {
		require.True(t, s.After(last))
		last = s
		require.Equal(t, want[s].N(), m.N())
		require.Equal(t, want[s].Variance(), m.Variance())
		seen++
	}
	require.Len(t, want, seen)
	require.Equal(t, total.Variance(), x.Total().Variance())
	for s := range x.All() {
		require.False(t, s.IsZero())
		break
	}
}

func TestTimelineRefuses(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		start time.Time
		width time.Duration
		err   error
	}{
		{9, day0, time.Hour, ErrInvalid},
		{Mean, time.Time{}, time.Hour, ErrTime},
		{Mean, day0, 0, ErrInvalid},
		{Mean, day0, 1500 * time.Millisecond, ErrInvalid},
	} {
		_, err := NewTimeline(c.kind, c.start, c.width)
		require.ErrorIs(t, err, c.err)
	}
	for _, bad := range []func(x *Timeline){
		func(x *Timeline) { x.Add(time.Time{}, 1) },
		func(x *Timeline) { x.Add(day0, math.NaN()) },
		func(x *Timeline) { x.Sub(day0, .5) },
	} {
		x := days(t, Proportion)
		x.Add(day0, 1)
		bad(x)
		require.Error(t, x.Err())
		require.EqualValues(t, 1, x.At(day0).N())
		require.Error(t, x.Total().Err())
		_, err := x.MarshalBinary()
		require.Error(t, err)
		y := days(t, Proportion)
		require.NoError(t, y.Merge(x))
		require.Error(t, y.Err())
	}
	x, y := days(t, Mean), days(t, Proportion)
	require.ErrorIs(t, x.Merge(y), ErrKind)
	y, err := NewTimeline(Mean, day0, time.Hour)
	require.NoError(t, err)
	require.ErrorIs(t, x.Merge(y), ErrOptions)
	var zero Timeline
	require.NoError(t, zero.Merge(&Timeline{}))
	require.Zero(t, zero.At(day0).N())
	zero = Timeline{}
	zero.Add(day0, 1)
	require.ErrorIs(t, zero.Err(), ErrInvalid)
	x.Add(day0, 3)
	require.NoError(t, x.Merge(x))
	require.Equal(t, 6., x.Total().Sum())
	require.Zero(t, x.At(time.Time{}).N())
}

func FuzzTimelineUnmarshal(f *testing.F) {
	x, _ := NewTimeline(Mean, day0, time.Hour)
	x.Add(day0, 1.5)
	x.Add(day0.Add(-30*time.Hour), -2)
	data, _ := x.MarshalBinary()
	f.Add(data)
	f.Add(data[:12])
	f.Fuzz(func(t *testing.T, data []byte) {
		var x Timeline
		if err := x.UnmarshalBinary(data); err != nil {
			return
		}
		if got, err := x.MarshalBinary(); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("accepted bytes that are not canonical: %v", err)
		}
		x.Add(day0, 1)
		for s, m := range x.All() {
			_, _ = s, m.Variance()
		}
	})
}

func ExampleTimeline() {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	var arms [2]*Timeline
	for i := range arms {
		arms[i], _ = NewTimeline(Mean, start, 24*time.Hour)
		for hour := range 96 {
			// The treatment's lift wears off by a fifth each day.
			lift := float64(i) * (5 - float64(hour/24))
			arms[i].Add(start.Add(time.Duration(hour)*time.Hour), 20+float64(hour*7%5)+lift)
		}
	}
	for day, control := range arms[0].All() {
		c, err := Welch(control, arms[1].At(day), nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s  %+.1f ± %.1f\n", day.Format("Mon 2 Jan"), c.Absolute.Value, c.Absolute.StdErr)
	}
	// Output:
	// Mon 2 Mar  +5.0 ± 0.4
	// Tue 3 Mar  +4.0 ± 0.4
	// Wed 4 Mar  +3.0 ± 0.4
	// Thu 5 Mar  +2.0 ± 0.4
}
