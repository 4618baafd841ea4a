package experiment

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBalance(t *testing.T) {
	n := runs(400)
	rnd := rand.New(rand.NewPCG(11, 1))
	biased, below := 0, 0
	o := &TestOptions{Covariates: []Covariate{{Metric: "x"}, {Metric: "y"}, {Metric: "z", Unknown: true}}}
	for range n {
		r := mustReadout(t, nil)
		for u := uint32(1); u <= 120; u++ {
			expose(t, r, u, []string{"a", "b"}[rnd.IntN(2)], 0)
			for _, m := range []string{"x", "y", "z"} {
				if m != "z" || u%2 == 0 {
					record(t, r, u, m, rnd.NormFloat64(), -1)
				}
			}
			record(t, r, u, "x", 1000*float64(u), 1) // after: must not count
		}
		b, err := r.Balance("a", "b", o)
		require.NoError(t, err)
		require.Len(t, b.Comparisons, 3)
		require.EqualValues(t, 120, b.Comparisons[0].Control.N+b.Comparisons[0].Treatment.N)
		require.EqualValues(t, 60, b.Comparisons[2].Control.N+b.Comparisons[2].Treatment.N)
		if b.P < .05 {
			below++
		}
		if b.Biased() {
			biased++
		}
	}
	lo, _ := band(n, .04)
	_, hi := band(n, .05)
	require.GreaterOrEqual(t, float64(below), lo)
	require.LessOrEqual(t, float64(below), hi)
	_, hi = band(n, .001)
	require.LessOrEqual(t, float64(biased), max(5, hi))

	r := mustReadout(t, nil)
	for u := uint32(1); u <= 400; u++ {
		arm := int(u % 2)
		expose(t, r, u, []string{"a", "b"}[arm], 0)
		require.NoError(t, r.Observe(u, "Order Completed", map[string]any{"revenue": rnd.Float64() + .3*float64(arm)}, at(-2)))
	}
	b, err := r.Balance("a", "b", nil)
	require.NoError(t, err)
	require.True(t, b.Biased())
	require.Contains(t, b.String(), "revenue before")
	require.ErrorIs(t, errors.Join(b.Comparisons[0].Warnings...), ErrNoVariance) // everybody had ordered
	_, err = r.Balance("a", "b", &TestOptions{Covariates: []Covariate{{}}})
	require.ErrorIs(t, err, ErrInvalid)
}

func TestNovelty(t *testing.T) {
	rnd := rand.New(rand.NewPCG(12, 1))
	r := mustReadout(t, nil)
	const day = 24 * time.Hour
	for u := uint32(1); u <= 800; u++ {
		arm := int(u % 2)
		expose(t, r, u, []string{"a", "b"}[arm], 0)
		taste := rnd.NormFloat64() // a user's days are alike
		for d := range 7 {
			// The effect wears off: 1.2, 1.0, 0.8, …
			record(t, r, u, "m", taste+rnd.NormFloat64()+float64(arm)*(1.2-.2*float64(d)), 24*float64(d)+1)
			record(t, r, u, "flat", taste+rnd.NormFloat64()+float64(arm), 24*float64(d)+1)
		}
	}
	late := uint32(5000)
	expose(t, r, late, "a", 24)
	o := &TestOptions{AsOf: at(7 * 24)}
	n, err := r.Novelty("m", "a", "b", day, 7, o)
	require.NoError(t, err)
	require.Len(t, n.Slices, 7)
	require.Equal(t, 1, n.Slope.Population.Immature)
	require.InDelta(t, -.2, n.Slope.Absolute.Value, 4*n.Slope.Absolute.StdErr)
	require.Less(t, n.Slope.P, 1e-6)
	// The slope is that of the slices' effects.
	slope := 0.0
	for d, c := range n.Slices {
		require.InDelta(t, 1.2-.2*float64(d), c.Absolute.Value, 4*c.Absolute.StdErr)
		slope += (float64(d) - 3) * c.Absolute.Value / 28
	}
	require.InDelta(t, slope, n.Slope.Absolute.Value, 1e-9)
	flat, err := r.Novelty("flat", "a", "b", day, 7, o)
	require.NoError(t, err)
	require.Greater(t, flat.Slope.P, .01)
	for _, f := range []func() (Novelty, error){
		func() (Novelty, error) { return r.Novelty("m", "a", "b", day, 1, o) },
		func() (Novelty, error) { return r.Novelty("m", "a", "b", 0, 3, o) },
		func() (Novelty, error) { return r.Novelty("m", "a", "b", math.MaxInt64, 3, o) },
	} {
		_, err := f()
		require.ErrorIs(t, err, ErrInvalid)
	}
}

func TestInfluence(t *testing.T) {
	rnd := rand.New(rand.NewPCG(13, 1))
	r := mustReadout(t, nil)
	for u := uint32(1); u <= 200; u++ {
		expose(t, r, u, []string{"a", "b"}[u%2], 0)
		record(t, r, u, "m", rnd.Float64(), 1)
	}
	record(t, r, 7, "m", 1000, 1)
	f, err := r.Influence("m", "a", "b", 1, nil)
	require.NoError(t, err)
	require.Len(t, f.Users, 1)
	require.EqualValues(t, 7, f.Users[0].User)
	require.Equal(t, "b", f.Users[0].Arm)
	// Removing the user changes the effect by exactly the shift.
	require.InDelta(t, f.Comparison.Absolute.Value-f.Users[0].Shift, f.Without.Absolute.Value, 1e-9)
	require.Less(t, f.Without.Absolute.StdErr, .05*f.Comparison.Absolute.StdErr)
	_, err = r.Influence("m", "a", "b", 0, nil)
	require.ErrorIs(t, err, ErrInvalid)
}

func TestSampleRatiosBySegment(t *testing.T) {
	rnd := rand.New(rand.NewPCG(14, 1))
	r := mustReadout(t, &ReadoutOptions{Weights: []map[string]float64{{"a": 1, "b": 1}}})
	browser := func(u uint32) string { return []string{"fox", "owl"}[u%2] }
	for u := uint32(1); u <= 4000; u++ {
		arm := rnd.IntN(2)
		if arm == 1 && browser(u) == "owl" && rnd.IntN(5) == 0 {
			continue // the arm that crashes there
		}
		expose(t, r, u, []string{"a", "b"}[arm], 0)
	}
	s, err := r.SampleRatios(browser, nil)
	require.NoError(t, err)
	require.Len(t, s, 2)
	require.Equal(t, "fox", s[0].Segment)
	require.False(t, s[0].Mismatch())
	require.True(t, s[1].Mismatch())
	require.InEpsilon(t, min(1, 2*s[1].P), s[1].Adjusted, 1e-12)
	one, err := r.SRM(&TestOptions{Within: func(u uint32) bool { return browser(u) == "owl" }})
	require.NoError(t, err)
	require.Equal(t, one.P, s[1].P)
	always, err := r.SRM(&TestOptions{Sequential: 1000, Within: func(u uint32) bool { return browser(u) == "owl" }})
	require.NoError(t, err)
	want, err := SequentialSRM(one.Counts, []float64{1, 1}, 0)
	require.NoError(t, err)
	require.InEpsilon(t, want.P, always.P, 1e-12)
	require.Greater(t, always.P, one.P)
	_, err = r.SampleRatios(nil, nil)
	require.ErrorIs(t, err, ErrInvalid)
}

func goldenInteraction(t *testing.T, g golden) {
	var in struct {
		N    []int64
		Mean []float64
		Var  []float64
	}
	g.input(t, &in)
	var cells [2][2]*Moments
	for i := range in.N {
		n := float64(in.N[i])
		sum := n * in.Mean[i]
		m, err := MomentsOf(Mean, in.N[i], sum, in.Var[i]*(n-1)+sum*sum/n)
		require.NoError(t, err)
		cells[i/2][i%2] = m
	}
	c, err := Interaction(cells, nil)
	require.NoError(t, err)
	g.check(t, "est", c.Absolute.Value)
	g.check(t, "se", c.Absolute.StdErr)
	require.InDelta(t, number(t, g.Want["p"]), c.P, 2e-4, "the reference has normal tails")
}

func TestInteractionOfReadouts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(15, 1))
	x, err := NewReadout("x", nil)
	require.NoError(t, err)
	y, err := NewReadout("y", nil)
	require.NoError(t, err)
	var cells [2][2]*Moments
	for i := range cells {
		for k := range cells[i] {
			cells[i][k] = new(Moments)
		}
	}
	for u := uint32(1); u <= 600; u++ {
		i, k := rnd.IntN(2), rnd.IntN(2)
		expose(t, x, u, fmt.Sprint("x", i), 0)
		if u%5 == 0 {
			record(t, x, u, "m", 100, 1)
			continue // not in the other experiment
		}
		expose(t, y, u, fmt.Sprint("y", k), 0)
		v := rnd.NormFloat64() + float64(i) + float64(k) - 2*float64(i*k)
		record(t, x, u, "m", v, 1)
		cells[i][k].Add(v)
	}
	got, err := x.Interaction(y, "m", [2]string{"x0", "x1"}, [2]string{"y0", "y1"}, nil)
	require.NoError(t, err)
	want, err := Interaction(cells, nil)
	require.NoError(t, err)
	require.InDelta(t, want.Absolute.Value, got.Absolute.Value, 1e-12)
	require.InDelta(t, want.P, got.P, 1e-12)
	require.Less(t, got.P, 1e-6)
	require.InDelta(t, -2, got.Absolute.Value, .6)
	_, err = x.Interaction(y, "m", [2]string{"x0", "x1"}, [2]string{"y0", "nobody"}, nil)
	require.ErrorIs(t, err, ErrArm)
}

func TestSegments(t *testing.T) {
	r := mustReadout(t, nil)
	rnd := rand.New(rand.NewPCG(16, 1))
	country := func(u uint32) string { return []string{"nz", "au"}[u%2] }
	for u := uint32(1); u <= 800; u++ {
		arm := rnd.IntN(3)
		expose(t, r, u, []string{"a", "b", "c"}[arm], 0)
		if rnd.Float64() < .3+.1*float64(arm) {
			require.NoError(t, r.Observe(u, "Order Completed", map[string]any{"revenue": 1 + rnd.Float64()}, at(1)))
		}
	}
	expose(t, r, 1001, "a", 0)
	o := &TestOptions{Within: func(u uint32) bool { return u != 800 }}
	all, err := r.Segments(country, "a", Holm, o)
	require.NoError(t, err)
	require.Len(t, all.Comparisons, 2*2*3)
	var p []float64
	for i, c := range all.Comparisons {
		require.Equal(t, []string{"au", "nz"}[i/6], c.Segment)
		want, err := r.Compare(c.Metric, "a", c.Treatment.Arm, &TestOptions{Within: func(u uint32) bool { return u != 800 && country(u) == c.Segment }})
		require.NoError(t, err)
		require.Equal(t, want.P, c.P)
		p = append(p, c.P)
	}
	adjusted, err := Adjust(p, Holm)
	require.NoError(t, err)
	require.Equal(t, adjusted, all.Adjusted)
	require.Contains(t, all.String(), "segment  arm")
	_, err = r.Segments(nil, "a", Holm, nil)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = r.Segments(country, "nobody", Holm, nil)
	require.ErrorIs(t, err, ErrArm)
}
