package attribution

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func randomCurves(r *rand.Rand, n int, shapes int) []Curve {
	curves := make([]Curve, n)
	for i := range curves {
		c := Curve{Channel: string(rune('A' + i)), Shape: Shape(r.IntN(int(shapeCount))), A: 50 + 100*r.Float64(), B: 5 + 50*r.Float64()}
		switch c.Shape {
		case Power:
			c.A, c.B = 1+9*r.Float64(), 0.2+0.6*r.Float64()
		case Hill:
			if c.S = 1; shapes > 1 {
				c.S = 0.5 + 3*r.Float64()
			}
		}
		if r.IntN(2) == 0 {
			c.Lo = 5 * r.Float64()
		}
		if r.IntN(2) == 0 {
			c.Hi = c.Lo + 100*r.Float64()
		}
		curves[i] = c
	}
	return curves
}

// No other spend of a channel brings more beyond its cost at the target.
func TestAllocateMarginal(t *testing.T) {
	for seed := range 60 {
		r := rand.New(rand.NewPCG(uint64(seed), 41))
		curves := randomCurves(r, 1+r.IntN(4), 2)
		target := math.Exp(4*r.Float64() - 2)
		a, err := AllocateMarginal(curves, target)
		require.NoError(t, err)
		budget, value := 0.0, 0.0
		for i, k := range a.Channels {
			c := curves[i]
			got := c.Value(k.Spend) - target*k.Spend
			hi := c.Hi
			if hi == 0 {
				hi = 10000
			}
			for s := range 2001 {
				x := c.Lo + (hi-c.Lo)*math.Pow(float64(s)/2000, 3)
				require.GreaterOrEqual(t, got+1e-9*c.A, c.Value(x)-target*x, "%+v at %v, not %v", c, x, k.Spend)
			}
			budget += k.Spend
			value += k.Value
		}
		require.InDelta(t, budget, a.Budget, 1e-9*budget)
		require.InDelta(t, value, a.Value, 1e-9*value)
	}
	_, err := AllocateMarginal(nil, 0)
	require.ErrorIs(t, err, ErrInput)
	_, err = AllocateMarginal([]Curve{{}}, 1)
	require.ErrorIs(t, err, ErrInput)
}

// The budget brings the target, and no larger one does.
func TestAllocateROAS(t *testing.T) {
	infeasible := 0
	for seed := range 60 {
		r := rand.New(rand.NewPCG(uint64(seed), 42))
		curves := randomCurves(r, 1+r.IntN(3), 1+seed%10/9)
		target := math.Exp(3*r.Float64() - 1)
		a, err := AllocateROAS(curves, target, nil)
		if err != nil {
			require.ErrorIs(t, err, ErrInfeasible)
			infeasible++
			continue
		}
		require.GreaterOrEqual(t, a.Value, target*a.Budget*(1-1e-9))
		for _, more := range []float64{1.001, 1.01, 1.1, 2} {
			b, err := Allocate(curves, a.Budget*more+1e-6, nil)
			if err != nil {
				require.ErrorIs(t, err, ErrInfeasible)
				continue
			}
			require.Less(t, b.Value, target*b.Budget*(1+1e-9), "seed %d, %v times %v", seed, more, a.Budget)
		}
	}
	require.Less(t, infeasible, 30)
	// 10·ln(1+x) ≥ 2x up to the solution of 5·ln(1+x) = x.
	a, err := AllocateROAS([]Curve{{Channel: "A", Shape: Log, A: 10, B: 1}}, 2, nil)
	require.NoError(t, err)
	require.InDelta(t, 5*math.Log1p(a.Budget), a.Budget, 1e-9)
	require.Greater(t, a.Budget, 1.0)

	_, err = AllocateROAS([]Curve{{Channel: "A", Shape: Log, A: 1, B: 1, Lo: 10}}, 2, nil)
	require.EqualError(t, err, "attribution: AllocateROAS: infeasible: a target of 2, but with these lower bounds 10 return at most 2.3978952727983707 (0.23979 per unit)")
}

func TestBudgetPath(t *testing.T) {
	curves := randomCurves(rand.New(rand.NewPCG(1, 43)), 3, 1)
	for i := range curves {
		curves[i].Lo, curves[i].Hi = 0, 0
	}
	list, err := BudgetPath(curves, []float64{10, 20, 40, 80}, nil)
	require.NoError(t, err)
	for i, a := range list[1:] {
		require.Greater(t, a.Value, list[i].Value)
		require.Less(t, a.Price, list[i].Price)
		for k := range a.Channels {
			require.GreaterOrEqual(t, a.Channels[k].Spend, list[i].Channels[k].Spend-1e-9)
		}
	}
	_, err = BudgetPath(curves, []float64{-1}, nil)
	require.ErrorIs(t, err, ErrInput)
}
