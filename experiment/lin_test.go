package experiment

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Without covariates Lin's estimate with HC2 is the difference of means with
// Welch's standard error, absolute and relative.
func TestLinWithoutCovariatesIsWelch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	var d Observations
	var arms [2]Moments
	for i := range 90 {
		y := 5 + r.NormFloat64()*float64(1+i%3)
		d.Y = append(d.Y, y)
		d.Treated = append(d.Treated, i%3 == 0)
		if i%3 == 0 {
			arms[1].Add(y)
		} else {
			arms[0].Add(y)
		}
	}
	got, err := Lin(d, HC2, nil)
	require.NoError(t, err)
	want, err := Welch(&arms[0], &arms[1], nil)
	require.NoError(t, err)
	require.InDelta(t, want.Absolute.Value, got.Absolute.Value, 1e-12)
	require.InDelta(t, want.Absolute.StdErr, got.Absolute.StdErr, 1e-12)
	require.InDelta(t, want.Relative.StdErr, got.Relative.StdErr, 1e-12)
	require.InDelta(t, want.Control.StdErr, got.Control.StdErr, 1e-12)
	require.InDelta(t, want.Treatment.StdErr, got.Treatment.StdErr, 1e-12)
	require.Equal(t, want.Treatment.N, got.Treatment.N)
	require.Equal(t, 88., math.Round(got.DF))
}

func TestLinTypeIError(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	n, rejected := runs(1500), 0
	for range n {
		var d Observations
		for i := range 120 {
			x := r.NormFloat64()
			d.X = append(d.X, []float64{x})
			d.Y = append(d.Y, x*x+x+r.NormFloat64())
			d.Treated = append(d.Treated, i%2 == 0)
		}
		c, err := Lin(d, HC2, nil)
		require.NoError(t, err)
		if c.P < .05 {
			rejected++
		}
	}
	lo, hi := band(n, .05)
	t.Logf("%.2f %% of %d", 100*float64(rejected)/float64(n), n)
	require.GreaterOrEqual(t, float64(rejected), lo)
	require.LessOrEqual(t, float64(rejected), hi)
}

func TestRowMethodsRefuse(t *testing.T) {
	y, tr := []float64{1, 2, 3, 4, 6, 5}, []bool{true, false, true, false, true, false}
	for _, c := range []struct {
		d   Observations
		se  StdErr
		err error
	}{
		{Observations{}, HC2, ErrTooFew},
		{Observations{Y: y, Treated: tr[:5]}, HC2, ErrInvalid},
		{Observations{Y: y, Treated: make([]bool, 6)}, HC2, ErrTooFew},
		{Observations{Y: y, Treated: tr, X: [][]float64{{1}, {1}, {1}, {1}, {1}, {1}}}, HC2, ErrVariance},
		{Observations{Y: y, Treated: tr, X: [][]float64{{1}, {1}, {1}, {1, 2}, {1}, {1}}}, HC2, ErrInvalid},
		{Observations{Y: y, Treated: tr, X: [][]float64{{1}, {math.NaN()}, {1}, {1}, {1}, {1}}}, HC2, ErrNotFinite},
		{Observations{Y: []float64{1, 2, math.Inf(1), 4, 6, 5}, Treated: tr}, HC2, ErrNotFinite},
		{Observations{Y: y, Treated: tr, Cluster: make([]int, 6)}, HC2, ErrTooFew},
		{Observations{Y: y, Treated: tr}, 99, ErrInvalid},
	} {
		_, err := Lin(c.d, c.se, nil)
		require.ErrorIs(t, err, c.err, "%+v", c)
	}
	_, err := Yuen(y, y, .5, nil)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = Yuen(y, y, .4, nil)
	require.NoError(t, err)
	_, err = Yuen(y[:3], y, .4, nil)
	require.ErrorIs(t, err, ErrTooFew)
	_, err = Yuen([]float64{1, 2, math.NaN()}, y, 0, nil)
	require.ErrorIs(t, err, ErrNotFinite)
	_, _, _, err = Cap(nil, nil, .5)
	require.ErrorIs(t, err, ErrTooFew)
}
