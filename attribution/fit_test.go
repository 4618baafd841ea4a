package attribution

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// produced is a series made by a curve, with carry-over spelled out as the
// weighted sum of all spends so far.
func produced(r *rand.Rand, c Curve, decay, base, noise float64, periods int) (spend, outcome []float64) {
	for t := range periods {
		spend = append(spend, 100*r.Float64()*r.Float64())
		z := math.Pow(decay, float64(t)) * spend[0]
		for k := 0; k < t; k++ {
			z += (1 - decay) * math.Pow(decay, float64(k)) * spend[t-k]
		}
		outcome = append(outcome, base+c.Value(z)+noise*r.NormFloat64())
	}
	return spend, outcome
}

// Without noise the parameters come back.
func TestFitCurveRecovers(t *testing.T) {
	for _, c := range []Curve{
		{Shape: Log, A: 40, B: 12},
		{Shape: Power, A: 8, B: 0.45},
		{Shape: Exponential, A: 90, B: 25},
		{Shape: Hill, A: 70, B: 30, S: 1.7},
		{Shape: Hill, A: 70, B: 10, S: 0.8},
	} {
		for _, decay := range []float64{0, 0.4} {
			r := rand.New(rand.NewPCG(5, 51))
			spend, outcome := produced(r, c, decay, 20, 0, 80)
			f, err := FitCurve("", spend, outcome, &FitOptions{Shape: c.Shape, Carry: decay > 0})
			require.NoError(t, err)
			require.InEpsilon(t, c.A, f.Curve.A, 1e-4, "%+v: %+v", c, f.Curve)
			require.InEpsilon(t, c.B, f.Curve.B, 1e-4, "%+v: %+v", c, f.Curve)
			if c.Shape == Hill {
				require.InEpsilon(t, c.S, f.Curve.S, 1e-4)
			}
			require.InDelta(t, decay, f.Decay.Value, 1e-5)
			require.InEpsilon(t, 20, f.Base.Value, 1e-4)
			require.InDelta(t, 1, f.R2, 1e-9)
		}
	}
}

// Intervals of the curve hold the truth about as often as they say, here in
// 200 series of 60 periods; the bounds are four standard errors away.
func TestFitCurveCoverage(t *testing.T) {
	c, decay := Curve{Shape: Exponential, A: 90, B: 25}, 0.3
	var value, marginal, carry int
	const runs = 200
	for seed := range runs {
		r := rand.New(rand.NewPCG(uint64(seed), 52))
		spend, outcome := produced(r, c, decay, 20, 4, 60)
		f, err := FitCurve("", spend, outcome, &FitOptions{Shape: Exponential, Carry: true})
		require.NoError(t, err)
		holds := func(e Estimate, truth float64) int {
			if e.Lo <= truth && truth <= e.Hi {
				return 1
			}
			return 0
		}
		value += holds(f.Value(30), c.Value(30))
		marginal += holds(f.Marginal(30), c.Marginal(30))
		carry += holds(f.Decay, decay)
	}
	for _, hits := range []int{value, marginal, carry} {
		require.InDelta(t, 0.95, float64(hits)/runs, 0.06, "%d %d %d", value, marginal, carry)
	}
	t.Logf("value %d, marginal %d, carry-over %d of %d", value, marginal, carry, runs)
}

func TestFitCurveRefuses(t *testing.T) {
	good := []float64{1, 2, 3, 4, 5, 6}
	for name, c := range map[string]struct {
		spend, outcome []float64
		opts           FitOptions
	}{
		"shape":    {good, good, FitOptions{Shape: 9}},
		"decay":    {good, good, FitOptions{Decay: 1}},
		"level":    {good, good, FitOptions{Level: 1}},
		"lengths":  {good, good[1:], FitOptions{}},
		"short":    {good[:4], good[:4], FitOptions{}},
		"negative": {[]float64{1, 2, 3, 4, 5, -1}, good, FitOptions{}},
		"NaN":      {good, []float64{1, 2, 3, 4, 5, math.NaN()}, FitOptions{}},
	} {
		_, err := FitCurve("A", c.spend, c.outcome, &c.opts)
		require.ErrorIs(t, err, ErrInput, name)
	}
	for _, outcome := range [][]float64{{6, 5, 4, 3, 2, 1}, {1, 1, 1, 1, 1, 1}} {
		_, err := FitCurve("A", good, outcome, nil)
		require.ErrorIs(t, err, ErrDesign)
	}
	_, err := FitCurve("A", make([]float64, 6), good, nil)
	require.ErrorIs(t, err, ErrDesign)
	// A line has no bend to be found.
	f, err := FitCurve("A", good, good, nil)
	require.NoError(t, err)
	require.ErrorIs(t, f.Warnings[0], ErrDesign)
}
