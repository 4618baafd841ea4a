package attribution

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// demands are curves and side constraints that some point meets.
func demands(r *rand.Rand, n int, shaped bool) ([]Curve, float64, *AllocateOptions) {
	curves := make([]Curve, n)
	point := make([]float64, n)
	budget := 0.0
	for i := range curves {
		c := Curve{Channel: fmt.Sprint(i), Shape: Shape(r.IntN(4)), A: 1 + 50*r.Float64(), B: 5 + 60*r.Float64(), S: 1}
		if c.Shape == Power {
			c.B = 0.1 + 0.8*r.Float64()
		}
		if c.Shape == Hill && shaped {
			c.S = 1 + 3*r.Float64()
		}
		point[i] = 100 * r.Float64()
		budget += point[i]
		if r.IntN(3) == 0 {
			c.Lo = point[i] * r.Float64()
		}
		if r.IntN(3) == 0 {
			c.Hi = point[i] * (1 + r.Float64())
		}
		if r.IntN(8) == 0 {
			c.Lo, c.Hi = point[i], point[i]
		}
		curves[i] = c
	}
	o := &AllocateOptions{}
	for k := range 1 + r.IntN(2) {
		g := Group{Name: fmt.Sprint("g", k)}
		sum := 0.0
		for i := range curves {
			if r.IntN(2) == 0 {
				g.Channels = append(g.Channels, fmt.Sprint(i))
				sum += point[i]
			}
		}
		g.Lo, g.Hi = sum*r.Float64(), sum*(1+0.5*r.Float64())
		if r.IntN(6) == 0 {
			g.Lo, g.Hi = sum, sum
		}
		o.Groups = append(o.Groups, g)
	}
	for k := range r.IntN(3) {
		l := Limit{Name: fmt.Sprint("l", k), Weights: map[string]float64{}}
		for i := range curves {
			if r.IntN(2) == 0 {
				w := math.Round(10*r.NormFloat64()) / 10
				l.Weights[fmt.Sprint(i)] = w
				l.Most += w * point[i]
			}
		}
		l.Most += 10 * r.Float64()
		o.Limits = append(o.Limits, l)
	}
	return curves, budget, o
}

// requireMet checks an allocation against its demands.
func requireMet(t testing.TB, a Allocation, curves []Curve, budget float64, o *AllocateOptions) {
	t.Helper()
	x := map[string]float64{}
	sum := 0.0
	for i, c := range a.Channels {
		x[c.Channel] = c.Spend
		sum += c.Spend
		require.GreaterOrEqual(t, c.Spend, curves[i].Lo-1e-9*budget)
		if curves[i].Hi != 0 {
			require.LessOrEqual(t, c.Spend, curves[i].Hi+1e-9*budget)
		}
	}
	require.InDelta(t, budget, sum, 1e-9*budget)
	for _, g := range o.Groups {
		sum := 0.0
		for _, c := range g.Channels {
			sum += x[c]
		}
		require.GreaterOrEqual(t, sum, g.Lo-1e-8*budget)
		if g.Hi != 0 {
			require.LessOrEqual(t, sum, g.Hi+1e-8*budget)
		}
	}
	for _, l := range o.Limits {
		sum := 0.0
		for c, w := range l.Weights {
			sum += w * x[c]
		}
		require.LessOrEqual(t, sum, l.Most+1e-7*budget)
	}
}

// No move between two or three channels that keeps the demands brings more,
// and the bound proves it.
func TestAllocateWithinLimits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 99))
	for round := range 120 {
		shaped := round%3 == 0
		curves, budget, o := demands(r, 2+r.IntN(5), shaped)
		a, err := Allocate(curves, budget, o)
		require.NoError(t, err, "round %d", round)
		requireMet(t, a, curves, budget, o)
		require.Empty(t, a.Warnings, "round %d", round)
		require.LessOrEqual(t, a.Value, a.Bound)
		require.InEpsilon(t, a.Bound, a.Value, 2e-7)
		// Random feasible points are not worth more than the bound.
		p := &polytope{budget: budget, spent: true}
		p.sides, err = o.sides(curves)
		require.NoError(t, err)
		for _, c := range curves {
			p.lo = append(p.lo, c.Lo)
			if c.Hi == 0 {
				c.Hi = budget
			}
			p.hi = append(p.hi, c.Hi)
		}
		for range 20 {
			cost := make([]float64, len(curves))
			for i := range cost {
				cost[i] = r.NormFloat64()
			}
			x, ok := p.point(cost)
			require.True(t, ok)
			mix, value := r.Float64(), 0.0
			for i, c := range curves {
				value += c.Value(mix*x[i] + (1-mix)*a.Channels[i].Spend)
			}
			require.LessOrEqual(t, value, a.Bound*(1+1e-7))
		}
	}
}

// Groups that bind nothing change nothing.
func TestAllocateWithinLooseLimits(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 99))
	for range 40 {
		curves, budget, _ := demands(r, 4, false)
		want, err := Allocate(curves, budget, nil)
		require.NoError(t, err)
		got, err := Allocate(curves, budget, &AllocateOptions{Groups: []Group{{Name: "all", Channels: []string{"0", "1", "2", "3"}, Hi: 2 * budget}}})
		require.NoError(t, err)
		require.InEpsilon(t, want.Value, got.Value, 1e-7)
		require.InEpsilon(t, want.Price+1e-9, got.Price+1e-9, 1e-3)
	}
}

func TestAllocateNamesTheConflict(t *testing.T) {
	curves := []Curve{
		{Channel: "search", A: 10, B: 10, Lo: 30},
		{Channel: "social", A: 10, B: 10, Hi: 50},
		{Channel: "radio", A: 10, B: 10},
		{Channel: "fair", A: 10, B: 10, Lo: 5, Hi: 5},
	}
	for _, c := range []struct {
		o    AllocateOptions
		want []string
	}{
		{AllocateOptions{Groups: []Group{{Name: "digital", Channels: []string{"search", "social"}, Hi: 20}}}, []string{`group "digital" at most 20`, `"search" at least 30`}},
		{AllocateOptions{Groups: []Group{{Name: "offline", Channels: []string{"radio", "fair"}, Lo: 90}}}, []string{"budget of 100", `group "offline" at least 90`, `"search" at least 30`}},
		{AllocateOptions{
			Limits: []Limit{{Name: "CO2", Weights: map[string]float64{"radio": 1}, Most: 10}},
			Groups: []Group{{Name: "digital", Channels: []string{"search", "social"}, Hi: 60}},
		}, []string{"budget of 100", `group "digital" at most 60`, `limit "CO2" at most 10`, `"fair" at most 5`}},
		{AllocateOptions{Groups: []Group{
			{Name: "a", Channels: []string{"radio"}, Lo: 20, Hi: 20}, {Name: "b", Channels: []string{"radio"}, Lo: 30},
		}}, []string{`group "a" at 20`, `group "b" at least 30`}},
	} {
		_, err := Allocate(curves, 100, &c.o)
		var e *InfeasibleError
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, ErrInfeasible)
		require.Equal(t, c.want, e.Conflict)
	}
	for _, o := range []AllocateOptions{
		{Groups: []Group{{Channels: []string{"search", "search"}}}},
		{Groups: []Group{{Channels: []string{"tv"}}}},
		{Groups: []Group{{Lo: 3, Hi: 2}}},
		{Groups: []Group{{Lo: -3}}},
		{Groups: []Group{{Hi: math.NaN()}}},
		{Limits: []Limit{{Most: math.Inf(1)}}},
		{Limits: []Limit{{Weights: map[string]float64{"tv": 1}}}},
		{Limits: []Limit{{Weights: map[string]float64{"radio": math.NaN()}}}},
	} {
		_, err := Allocate(curves, 100, &o)
		require.ErrorIs(t, err, ErrInput)
	}
	_, err := Allocate(append(curves, curves[0]), 100, &AllocateOptions{Groups: []Group{{Channels: []string{"search"}}}})
	require.ErrorIs(t, err, ErrInput)
}

// A program by hand: the most of 3a + 2b with a + b ≤ 4, a + 3b ≤ 6, a ≤ 3.
func TestSimplex(t *testing.T) {
	l := linear{vars: 2, rows: []linearRow{{a: []float64{1, 1}, b: 4}, {a: []float64{1, 3}, b: 6}, {a: []float64{1, 0}, b: 3}}}
	x, ok := l.solve([]float64{-3, -2})
	require.True(t, ok)
	require.InDeltaSlice(t, []float64{3, 1}, x, 1e-12)
	l.rows = append(l.rows, linearRow{a: []float64{-1, -1}, b: -5})
	_, ok = l.solve(nil)
	require.False(t, ok)
}

// The largest budget for a return, among all budgets of a fine grid.
func TestAllocateROASLeavesNothingOut(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	r := rand.New(rand.NewPCG(3, 99))
	found := 0
	for round := range 30 {
		curves, budget, o := demands(r, 2+r.IntN(3), true)
		if round%2 == 0 {
			o.Groups, o.Limits = nil, nil
		}
		at, err := Allocate(curves, budget, o)
		require.NoError(t, err)
		target := at.Value / budget * (0.6 + 0.7*r.Float64())
		got, err := AllocateROAS(curves, target, o)
		top := 0.0
		for i := 1; i <= 60; i++ {
			b := 2 * budget * float64(i) / 60
			if a, err := Allocate(curves, b, o); err == nil && a.Value >= target*b*(1+1e-6) {
				top = b
			}
		}
		if err != nil {
			require.ErrorIs(t, err, ErrInfeasible)
			require.Zero(t, top, "round %d: %v", round, err)
			continue
		}
		found++
		require.Empty(t, got.Warnings)
		require.GreaterOrEqual(t, got.Value, target*got.Budget*(1-1e-9))
		require.GreaterOrEqual(t, got.Budget, top*(1-1e-5), "round %d", round)
	}
	require.Greater(t, found, 12)
}
