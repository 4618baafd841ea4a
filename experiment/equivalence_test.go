package experiment

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two one-sided tests at 5 % and the 90 % interval are the same decision.
func TestEquivalenceIsTheInterval(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for range 200 {
		var a, b Moments
		for range 5 + r.IntN(30) {
			a.Add(r.NormFloat64())
			b.Add(r.NormFloat64() + r.Float64())
		}
		c, err := Welch(&a, &b, nil)
		require.NoError(t, err)
		low, high := -r.Float64()*2, r.Float64()*2
		e, err := c.Equivalence(low, high)
		require.NoError(t, err)
		require.InDelta(t, .9, e.Interval.Level, 1e-12)
		require.Equal(t, e.P < .05, low < e.Interval.Lo && e.Interval.Hi < high)
		// Each margin's p-value is that of the one-sided test against it.
		one, err := Welch(&a, &b, &TestOptions{Null: low, Alternative: Greater})
		require.NoError(t, err)
		require.InEpsilon(t, one.P, e.PLow, 1e-12)
		one, err = Welch(&a, &b, &TestOptions{Null: high, Alternative: Less})
		require.NoError(t, err)
		require.InEpsilon(t, one.P, e.PHigh, 1e-12)
	}
}

func TestEquivalenceTypeIError(t *testing.T) {
	n := runs(2000)
	r := rand.New(rand.NewPCG(2, 9))
	found := 0
	for range n {
		var a, b Moments
		for range 60 {
			a.Add(r.NormFloat64())
			b.Add(r.NormFloat64() + 1) // at the margin
		}
		c, err := Welch(&a, &b, nil)
		require.NoError(t, err)
		e, err := c.Equivalence(-1, 1)
		require.NoError(t, err)
		if e.P < .05 {
			found++
		}
	}
	lo, hi := band(n, .05)
	require.GreaterOrEqual(t, float64(found), lo)
	require.LessOrEqual(t, float64(found), hi)
}

func TestEquivalenceRefuses(t *testing.T) {
	a, b := momentsOf(t, Mean, 1, 2, 4), momentsOf(t, Mean, 2, 3, 5)
	c, err := Welch(a, b, nil)
	require.NoError(t, err)
	for _, m := range [][2]float64{{1, 1}, {2, 1}, {math.NaN(), 1}, {0, math.NaN()}} {
		_, err := c.Equivalence(m[0], m[1])
		require.ErrorIs(t, err, ErrInvalid)
	}
	inferior, err := c.Equivalence(-3, math.Inf(1))
	require.NoError(t, err)
	require.Equal(t, inferior.PLow, inferior.P)
	c, err = Welch(a, b, &TestOptions{Sequential: 100})
	require.NoError(t, err)
	_, err = c.Equivalence(-1, 1)
	require.ErrorIs(t, err, ErrInvalid)
	c, err = Welch(momentsOf(t, Mean, 1, 1), momentsOf(t, Mean, 1, 1), nil)
	require.NoError(t, err)
	_, err = c.Equivalence(-1, 1)
	require.ErrorIs(t, err, ErrNoVariance)
}
