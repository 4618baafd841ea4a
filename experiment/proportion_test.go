package experiment

import (
	"errors"
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
		require.InDelta(t, errorOf(likeliest(x, n, null), n), scoreError(x, n, null), 1e-6)
	})
}

// likeliest searches for the most likely proportions that differ by null.
func likeliest(x, n [2]float64, null float64) [2]float64 {
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
	return [2]float64{lo, lo + null}
}

// The intervals of Miettinen and Nurminen hold what their test does not reject.
func TestMiettinenInvertsItsTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		na, nb := rapid.Int64Range(2, 200).Draw(t, "na"), rapid.Int64Range(2, 200).Draw(t, "nb")
		a := proportionOf(t, rapid.Int64Range(0, na).Draw(t, "a"), na)
		b := proportionOf(t, rapid.Int64Range(0, nb).Draw(t, "b"), nb)
		c, err := Proportions(a, b, Miettinen, nil)
		require.NoError(t, err)
		if errors.Is(errors.Join(c.Warnings...), ErrNoVariance) {
			return
		}
		for _, end := range []float64{c.Absolute.Lo, c.Absolute.Hi} {
			if math.Abs(end) > .999 {
				continue
			}
			at, err := Proportions(a, b, Miettinen, &TestOptions{Null: end})
			require.NoError(t, err)
			require.InDelta(t, .05, at.P, 1e-4)
		}
		require.LessOrEqual(t, c.Absolute.Lo, c.Absolute.Value)
		require.GreaterOrEqual(t, c.Absolute.Hi, c.Absolute.Value)
		if a.Sum() > 0 {
			require.LessOrEqual(t, c.Relative.Lo, c.Relative.Value+1e-9)
			require.GreaterOrEqual(t, c.Relative.Hi, c.Relative.Value-1e-9)
			// No difference and no ratio are the same hypothesis.
			if math.Abs(c.P-.05) > 1e-6 {
				require.Equal(t, c.Absolute.Lo > 0 || c.Absolute.Hi < 0, c.Relative.Lo > 0 || c.Relative.Hi < 0)
			}
		}
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
	for _, v := range []Difference{Score, Unpooled, AgrestiCaffo, Miettinen} {
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
