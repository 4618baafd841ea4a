package attribution

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

type goldenCurve struct {
	Kind            string
	A, B, S, Lo, Hi float64
}

func (g goldenCurve) curve() Curve {
	shape := map[string]Shape{"log": Log, "power": Power, "exp": Exponential, "hill": Hill}[g.Kind]
	return Curve{Shape: shape, A: g.A, B: g.B, S: g.S, Lo: g.Lo, Hi: g.Hi}
}

type goldenBudget struct {
	Concave []struct {
		Curves   []goldenCurve
		Budget   float64
		X        []float64
		Lambda   float64
		Value    float64
		Interior []int
	}
	SShaped []struct {
		Curves []goldenCurve
		Budget float64
		X      []float64
		Value  float64
	} `json:"s_shaped_grid"`
}

func TestGoldenBudget(t *testing.T) {
	g := golden[goldenBudget](t, "budget.json")
	for i, c := range g.Concave {
		var curves []Curve
		for _, k := range c.Curves {
			curves = append(curves, k.curve())
		}
		a, err := Allocate(curves, c.Budget, nil)
		require.NoError(t, err)
		near(t, c.Value, a.Value, "problem %d", i)
		near(t, c.Lambda, a.Price, "problem %d", i)
		near(t, a.Value, a.Bound)
		for k, x := range c.X {
			require.InDelta(t, x, a.Channels[k].Spend, 1e-6*c.Budget, "problem %d curve %d", i, k)
		}
		for _, k := range c.Interior {
			require.InEpsilon(t, c.Lambda, a.Channels[k].Marginal, 1e-7)
		}
		requireSpent(t, a, c.Budget)
	}
	// The reference is the best on a grid; the optimum is no worse, and near.
	for i, c := range g.SShaped {
		var curves []Curve
		for _, k := range c.Curves {
			curves = append(curves, k.curve())
		}
		a, err := Allocate(curves, c.Budget, nil)
		require.NoError(t, err)
		require.Empty(t, a.Warnings)
		require.GreaterOrEqual(t, a.Value, c.Value*(1-1e-12), "problem %d", i)
		require.InEpsilon(t, c.Value, a.Value, 1e-3)
		for k, x := range c.X {
			require.InDelta(t, x, a.Channels[k].Spend, 1, "problem %d curve %d", i, k)
		}
		requireSpent(t, a, c.Budget)
	}
}

func requireSpent(t testing.TB, a Allocation, budget float64) {
	t.Helper()
	spent, value := 0.0, 0.0
	for _, c := range a.Channels {
		spent += c.Spend
		value += c.Value
	}
	require.InDelta(t, budget, spent, 1e-12*max(1, budget))
	near(t, a.Value, value)
}

func randomCurve(r *rand.Rand, budget float64) Curve {
	c := Curve{Shape: Shape(r.IntN(4)), A: 1 + 100*r.Float64(), B: 1 + budget*r.Float64(), S: 0.3 + 3*r.Float64()}
	if c.Shape == Power {
		c.B = 0.1 + 0.8*r.Float64()
	}
	if r.IntN(3) == 0 {
		c.Lo = budget / 20 * r.Float64()
	}
	if r.IntN(3) == 0 {
		c.Hi = c.Lo + budget*r.Float64()
	}
	return c
}

// Against dynamic programming over a grid, and against every exchange of a
// little between two channels.
func TestAllocateIsOptimal(t *testing.T) {
	const budget, steps = 60.0, 60
	for seed := range 200 {
		r := rand.New(rand.NewPCG(uint64(seed), 5))
		curves := make([]Curve, 1+r.IntN(5))
		for i := range curves {
			curves[i] = randomCurve(r, budget)
		}
		a, err := Allocate(curves, budget, nil)
		if err != nil {
			require.ErrorIs(t, err, ErrInfeasible)
			continue
		}
		require.Empty(t, a.Warnings, "seed %d", seed)
		requireSpent(t, a, budget)
		for i, c := range curves {
			require.GreaterOrEqual(t, a.Channels[i].Spend, c.Lo-1e-9)
			if c.Hi != 0 {
				require.LessOrEqual(t, a.Channels[i].Spend, c.Hi+1e-9)
			}
		}
		best := make([]float64, steps+1)
		for s := range best {
			best[s] = math.Inf(-1)
		}
		best[0] = 0
		for _, c := range curves {
			next := make([]float64, steps+1)
			for s := range next {
				next[s] = math.Inf(-1)
				for own := range s + 1 {
					x := float64(own) * budget / steps
					if x >= c.Lo && (c.Hi == 0 || x <= c.Hi) {
						next[s] = max(next[s], best[s-own]+c.Value(x))
					}
				}
			}
			best = next
		}
		require.GreaterOrEqual(t, a.Value, best[steps]*(1-1e-8), "seed %d: %+v", seed, curves)
		require.GreaterOrEqual(t, a.Bound, a.Value)
	}
}

func TestMarginalIsTheSlope(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	for range 500 {
		c := randomCurve(r, 100)
		x := 1 + 200*r.Float64()
		h := 1e-4 * x
		slope := (c.Value(x+h) - c.Value(x-h)) / (2 * h)
		require.InDelta(t, slope, c.Marginal(x), 1e-5*slope+1e-9*c.A/x, "%+v at %v", c, x)
	}
	require.Zero(t, Curve{Shape: Hill, A: 1, B: 1, S: 2}.Value(0))
	require.Zero(t, Curve{Shape: Hill, A: 1, B: 1, S: 2}.Marginal(0))
	require.Equal(t, 0.5, Curve{Shape: Hill, A: 1, B: 2}.Marginal(0))
	require.True(t, math.IsInf(Curve{Shape: Hill, A: 1, B: 1, S: 0.5}.Marginal(0), 1))
	require.Zero(t, Curve{Shape: Hill, A: 1, B: 1e-100, S: 50}.Marginal(1e100))
	require.Equal(t, 1.0, Curve{Shape: Hill, A: 1, B: 1e-100, S: 50}.Value(1e100))
}

func TestAllocateRefuses(t *testing.T) {
	ok := Curve{Channel: "a", Shape: Log, A: 1, B: 1}
	_, err := Allocate([]Curve{{Channel: "a", Shape: Log, A: 1, B: 1, Lo: 6}, {Channel: "b", A: 1, B: 1, Lo: 5}}, 10, nil)
	require.ErrorIs(t, err, ErrInfeasible)
	require.EqualError(t, err, "attribution: Allocate: infeasible: the lower bounds add up to 11, the budget is 10")
	_, err = Allocate([]Curve{{Channel: "a", A: 1, B: 1, Hi: 4}}, 10, nil)
	require.EqualError(t, err, "attribution: Allocate: infeasible: the upper bounds add up to 4, the budget is 10")
	for _, c := range []Curve{
		{A: 0, B: 1},
		{A: 1, B: math.NaN()},
		{Shape: Power, A: 1, B: 1},
		{Shape: Hill, A: 1, B: 1, S: -1},
		{Shape: 9, A: 1, B: 1},
		{A: 1, B: 1, Lo: -1},
		{A: 1, B: 1, Lo: 2, Hi: 1},
	} {
		_, err := Allocate([]Curve{ok, c}, 10, nil)
		require.ErrorIs(t, err, ErrInput, "%+v", c)
	}
	_, err = Allocate([]Curve{ok}, math.Inf(1), nil)
	require.ErrorIs(t, err, ErrInput)
	_, err = Allocate([]Curve{ok}, 1, &AllocateOptions{Gap: 2})
	require.ErrorIs(t, err, ErrInput)
	a, err := Allocate(nil, 0, nil)
	require.NoError(t, err)
	require.Zero(t, a.Value)
	_, err = Allocate(nil, 1, nil)
	require.ErrorIs(t, err, ErrInfeasible)

	// Nothing is spent by nobody, also where the first unit is worth no end.
	a, err = Allocate([]Curve{{Shape: Power, A: 1, B: 0.1}, ok}, 0, nil)
	require.NoError(t, err)
	require.Zero(t, a.Channels[0].Spend)
	require.Contains(t, a.String(), "budget 0.00 brings 0.00")

	// A pinned channel keeps its spend.
	a, err = Allocate([]Curve{ok, {Channel: "pinned", A: 1000, B: 1, Lo: 3, Hi: 3}}, 10, nil)
	require.NoError(t, err)
	require.Equal(t, 3.0, a.Channels[1].Spend)
	require.InDelta(t, 7, a.Channels[0].Spend, 1e-12)
}
