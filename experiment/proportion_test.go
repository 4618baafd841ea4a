package experiment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The closed form of the score test's proportions against a search for the
// likeliest ones.
func TestScoreIsTheLikeliest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := [2]float64{float64(rapid.IntRange(2, 300).Draw(t, "na")), float64(rapid.IntRange(2, 300).Draw(t, "nb"))}
		x := [2]float64{math.Floor(n[0] * rapid.Float64Range(.05, .95).Draw(t, "a")), math.Floor(n[1] * rapid.Float64Range(.05, .95).Draw(t, "b"))}
		null := rapid.SampledFrom([]float64{-.3, -.02, .02, .15}).Draw(t, "null")
		term := func(x, p float64) float64 {
			if x == 0 {
				return 0
			}
			return x * math.Log(p)
		}
		likelihood := func(p float64) float64 {
			q := p + null
			return term(x[0], p) + term(n[0]-x[0], 1-p) + term(x[1], q) + term(n[1]-x[1], 1-q)
		}
		lo, hi := max(0, -null), min(1, 1-null)
		for range 200 {
			a, b := lo+(hi-lo)/3, hi-(hi-lo)/3
			if likelihood(a) < likelihood(b) {
				lo = a
			} else {
				hi = b
			}
		}
		p, q := lo, lo+null
		require.InDelta(t, math.Sqrt(p*(1-p)/n[0]+q*(1-q)/n[1]), scoreError(x, n, null), 1e-6)
	})
}

func TestProportionsRefuse(t *testing.T) {
	a, b := proportionOf(t, 3, 10), proportionOf(t, 5, 10)
	_, err := Proportions(a, momentsOf(t, Mean, 1, 2), Score, nil)
	require.ErrorIs(t, err, ErrKind)
	_, err = Proportions(a, nil, Score, nil)
	require.ErrorIs(t, err, ErrTooFew)
	_, err = Proportions(a, b, 9, nil)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = Proportions(a, b, Score, &TestOptions{Scale: Relative})
	require.ErrorIs(t, err, ErrInvalid)
	// Nothing happened in either arm: nothing is excluded.
	c, err := Proportions(proportionOf(t, 0, 10), proportionOf(t, 0, 10), Score, nil)
	require.NoError(t, err)
	require.Equal(t, 1., c.P)
	require.NotEmpty(t, c.Warnings)
	for _, v := range []Difference{Score, Unpooled, AgrestiCaffo} {
		for _, x := range [][2]int64{{0, 5}, {5, 0}, {10, 10}, {10, 0}, {1, 10}} {
			c, err := Proportions(proportionOf(t, x[0], 10), proportionOf(t, x[1], 10), v, nil)
			require.NoError(t, err)
			require.False(t, math.IsNaN(c.P) || math.IsNaN(c.Absolute.Lo) || math.IsNaN(c.Absolute.Hi), "%v %v", v, x)
		}
	}
}

// The figure that tools with 1 − CDF lose.
func TestTinyProportionP(t *testing.T) {
	c, err := Proportions(proportionOf(t, 10_000, 100_000), proportionOf(t, 12_000, 100_000), Unpooled, nil)
	require.NoError(t, err)
	require.InEpsilon(t, 2.18e-46, c.P, .002)
}
