package experiment

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func goldenArms(t *testing.T, g golden) {
	var in struct {
		Groups [][]float64
		X, N   []int64
	}
	g.input(t, &in)
	var arms []*Moments
	for _, xs := range in.Groups {
		arms = append(arms, momentsOf(t, Mean, xs...))
	}
	for i, x := range in.X {
		arms = append(arms, proportionOf(t, x, in.N[i]))
	}
	o, err := AnyDifference(arms...)
	require.NoError(t, err)
	for name, got := range map[string]float64{"F": o.Statistic, "chisq": o.Statistic, "df": o.DF1, "df1": o.DF1, "df2": o.DF2, "p": o.P} {
		g.check(t, name, got)
	}
}

// Of two arms it is Welch's test, and the pooled test of proportions.
func TestAnyDifferenceOfTwoArms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), 2, 30)
		a, b := momentsOf(t, Mean, xs.Draw(t, "a")...), momentsOf(t, Mean, xs.Draw(t, "b")...)
		if !(min(a.Variance(), b.Variance()) > 1e-290) { // subnormal numbers have few digits
			return
		}
		c, err := Welch(a, b, nil)
		require.NoError(t, err)
		o, err := AnyDifference(a, b)
		require.NoError(t, err)
		require.InEpsilon(t, c.DF, o.DF2, 1e-9)
		require.InDelta(t, c.T*c.T, o.Statistic, 1e-9*(1+o.Statistic))
		require.InDelta(t, c.P, o.P, 1e-9)
		na, nb := rapid.Int64Range(2, 50).Draw(t, "na"), rapid.Int64Range(2, 50).Draw(t, "nb")
		a, b = proportionOf(t, rapid.Int64Range(0, na).Draw(t, "xa"), na), proportionOf(t, rapid.Int64Range(0, nb).Draw(t, "xb"), nb)
		c, err = Proportions(a, b, Score, nil)
		require.NoError(t, err)
		o, err = AnyDifference(a, b)
		require.NoError(t, err)
		require.InDelta(t, c.P, o.P, 1e-9)
	})
}

// Units do not matter, even where the squares of variances leave the range of numbers.
func TestUnitsOfTheOutcome(t *testing.T) {
	xs, ys, zs := []float64{1, 1.5, 4, 2}, []float64{3, 7, 5.5}, []float64{-2, 0, 1, 1}
	scaled := func(by float64, xs []float64) *Moments {
		m := new(Moments)
		for _, x := range xs {
			m.Add(x * by)
		}
		return m
	}
	f, err := AnyDifference(scaled(1, xs), scaled(1, ys), scaled(1, zs))
	require.NoError(t, err)
	w, err := Welch(scaled(1, xs), scaled(1, ys), nil)
	require.NoError(t, err)
	for _, by := range []float64{1e-152, 1e-100, 1e-80, 1e80, 1e100, 1e125} {
		g, err := AnyDifference(scaled(by, xs), scaled(by, ys), scaled(by, zs))
		require.NoError(t, err)
		require.InEpsilon(t, f.Statistic, g.Statistic, 1e-9, "%g", by)
		require.InEpsilon(t, f.DF2, g.DF2, 1e-9, "%g", by)
		v, err := Welch(scaled(by, xs), scaled(by, ys), nil)
		require.NoError(t, err)
		require.InEpsilon(t, w.T, v.T, 1e-9, "%g", by)
		require.InEpsilon(t, w.DF, v.DF, 1e-9, "%g", by)
	}
	// One arm beside the other is as good as constant.
	o, err := AnyDifference(scaled(1, xs), scaled(1e-154, ys))
	require.NoError(t, err)
	require.False(t, math.IsNaN(o.P) || math.IsNaN(o.Statistic) || math.IsNaN(o.DF2))
}

func TestAnyDifferenceTypeIError(t *testing.T) {
	r := rand.New(rand.NewPCG(71, 72))
	n, rejected := runs(2000), 0
	for range n {
		var arms []*Moments
		for i, size := range []int{40, 80, 160} {
			m := new(Moments)
			for range size {
				m.Add(5 + float64(1+i)*r.NormFloat64())
			}
			arms = append(arms, m)
		}
		o, err := AnyDifference(arms...)
		require.NoError(t, err)
		if o.P < .05 {
			rejected++
		}
	}
	lo, hi := band(n, .05)
	t.Logf("%.2f %% of %d", 100*float64(rejected)/float64(n), n)
	require.GreaterOrEqual(t, float64(rejected), lo)
	require.LessOrEqual(t, float64(rejected), hi)
}

func TestAnyDifferenceRefuses(t *testing.T) {
	ok := momentsOf(t, Mean, 1, 2, 3)
	for _, c := range []struct {
		arms []*Moments
		err  error
	}{
		{nil, ErrInvalid},
		{[]*Moments{ok}, ErrInvalid},
		{[]*Moments{ok, nil}, ErrTooFew},
		{[]*Moments{ok, momentsOf(t, Mean, 1)}, ErrTooFew},
		{[]*Moments{ok, proportionOf(t, 1, 2)}, ErrKind},
		{[]*Moments{ok, momentsOf(t, Mean, 1, 1)}, ErrNoVariance},
	} {
		_, err := AnyDifference(c.arms...)
		require.ErrorIs(t, err, c.err)
	}
	o, err := AnyDifference(proportionOf(t, 0, 9), proportionOf(t, 0, 9), proportionOf(t, 0, 8))
	require.NoError(t, err)
	require.Equal(t, 1., o.P)
	require.ErrorIs(t, o.Warnings[0], ErrNoVariance)
	o, err = AnyDifference(proportionOf(t, 1, 9), proportionOf(t, 0, 9))
	require.NoError(t, err)
	require.ErrorIs(t, o.Warnings[0], ErrTooFew)
	require.False(t, math.IsNaN(o.P))
}

// What Values returns is what Compare compares.
func TestValuesAreComparedValues(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	x := mustReadout(t, nil)
	for u := uint32(1); u <= 60; u++ {
		require.NoError(t, x.Expose(u, Exposure{Arm: []string{"a", "b", "c"}[u%3], At: at(0), Unit: []string{"", "house"}[u%2]}))
		record(t, x, u, "revenue", 10*r.Float64(), 1)
		if u%10 == 0 { // seen in two arms
			expose(t, x, u, "a", 2)
		}
	}
	within := func(u uint32) bool { return u != 7 }
	opts := &TestOptions{Within: within}
	var arms []*Moments
	for _, arm := range []string{"a", "b", "c"} {
		values, err := x.Values("revenue", arm, opts)
		require.NoError(t, err)
		m := new(Moments)
		for i, v := range values {
			require.NotEqualValues(t, 7, v.User)
			require.Equal(t, []string{"", "house"}[v.User%2], v.Unit)
			require.True(t, i == 0 || values[i-1].User < v.User)
			m.Add(v.Value)
		}
		arms = append(arms, m)
	}
	c, err := x.Compare("revenue", "a", "b", opts)
	require.NoError(t, err)
	require.Equal(t, c.Control.N, arms[0].N())
	require.InDelta(t, c.Control.Mean, arms[0].Mean(), 1e-12)
	require.InDelta(t, c.Treatment.Mean, arms[1].Mean(), 1e-12)
	_, err = AnyDifference(arms...)
	require.NoError(t, err)
	_, err = x.Values("nothing", "a", nil)
	require.ErrorIs(t, err, ErrMetric)
	_, err = x.Values("revenue", "z", nil)
	require.ErrorIs(t, err, ErrArm)
	_, err = x.Values("revenue", "a", &TestOptions{Level: 2})
	require.ErrorIs(t, err, ErrInvalid)
}
