package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/integrate/quad"

	"github.com/zhun-go/zhun/internal/stats"
)

// The posterior by adding up the density: prior times likelihood.
func TestPosteriorAgainstTheDensity(t *testing.T) {
	a, b := momentsOf(t, Mean, 9, 10, 12, 10, 8), momentsOf(t, Mean, 11, 12, 10, 13)
	for _, scale := range []Scale{Absolute, Relative} {
		c, err := Welch(a, b, &TestOptions{Scale: scale, Level: .9})
		require.NoError(t, err)
		prior := Prior{Mean: .02, StdDev: .08}
		p, err := c.Posterior(prior)
		require.NoError(t, err)
		unit, e := 1.0, c.Effect()
		if scale == Absolute {
			unit = a.Mean()
		}
		sum := func(f func(d float64) float64) float64 {
			return quad.Fixed(func(d float64) float64 {
				return f(d) * stats.NormalPDF((d-prior.Mean*unit)/(prior.StdDev*unit)) * stats.NormalPDF((d-e.Value)/e.StdErr)
			}, -unit, unit, 4001, nil, 0)
		}
		all := sum(func(float64) float64 { return 1 })
		mean := sum(func(d float64) float64 { return d }) / all
		require.InEpsilon(t, mean, p.Effect.Value, 1e-9)
		require.InEpsilon(t, sum(func(d float64) float64 { return (d - mean) * (d - mean) })/all, p.Effect.StdErr*p.Effect.StdErr, 1e-9)
		require.InEpsilon(t, sum(func(d float64) float64 { return max(0, d) })/all, p.LossOfControl, 1e-4)
		require.InEpsilon(t, sum(func(d float64) float64 { return max(0, -d) })/all, p.LossOfTreatment, 1e-4)
		require.InDelta(t, .9, stats.NormalCDF((p.Effect.Hi-mean)/p.Effect.StdErr)-stats.NormalCDF((p.Effect.Lo-mean)/p.Effect.StdErr), 1e-12)
		prior.LowerIsBetter = true
		lower, err := c.Posterior(prior)
		require.NoError(t, err)
		require.Equal(t, p.Effect, lower.Effect)
		require.Equal(t, [2]float64{p.LossOfControl, p.LossOfTreatment}, [2]float64{lower.LossOfTreatment, lower.LossOfControl})
		require.InDelta(t, 1, p.ChanceToWin+lower.ChanceToWin, 1e-15)
	}
}

// A prior that is far away and wide moves the estimate by as much as its weight
// says, however little that is.
func TestPosteriorOfFarPriors(t *testing.T) {
	for _, sd := range []float64{1, 1e-4, 1e-8, 1e-12} {
		c := Comparison{Absolute: Estimate{StdErr: sd, Level: .95}, base: 1}
		p, err := c.Posterior(Prior{Mean: 1 / sd, StdDev: 1})
		require.NoError(t, err)
		require.InEpsilon(t, sd/(1+sd*sd), p.Effect.Value, 1e-12)
	}
}

// Effects that are drawn from the prior are in the credible interval as often as
// it says, and the treatment wins as often as it is given a chance; where one
// stops makes no difference.
func TestPosteriorIsCalibrated(t *testing.T) {
	prior := Prior{Mean: .01, StdDev: .05}
	r := rand.New(rand.NewPCG(61, 62))
	n, held, won := runs(2000), 0, 0.0
	for range n {
		effect := prior.Mean + prior.StdDev*r.NormFloat64()
		var a, b Moments
		for {
			a.AddAll(gauss(r, 100, 10, 2))
			b.AddAll(gauss(r, 100, 10*(1+effect), 2))
			c, err := Welch(&a, &b, &TestOptions{Scale: Relative})
			require.NoError(t, err)
			p, err := c.Posterior(prior)
			require.NoError(t, err)
			if a.N() == 500 || p.ChanceToWin > .98 || p.ChanceToWin < .02 {
				if p.Effect.holds(effect) {
					held++
				}
				if won += p.ChanceToWin; effect > 0 {
					won--
				}
				break
			}
		}
	}
	lo, hi := band(n, .95)
	t.Logf("holds %.2f %% of %d, chances off by %.2f %%", 100*float64(held)/float64(n), n, 100*won/float64(n))
	require.GreaterOrEqual(t, float64(held), lo)
	require.LessOrEqual(t, float64(held), hi)
	require.InDelta(t, 0, won/float64(n), 3.29*.5/math.Sqrt(float64(n)))
}

func TestPosteriorRefuses(t *testing.T) {
	c, err := Welch(momentsOf(t, Mean, 1, 2, 4), momentsOf(t, Mean, 2, 3, 5), nil)
	require.NoError(t, err)
	for _, p := range []Prior{{StdDev: -1}, {StdDev: math.NaN()}, {StdDev: math.Inf(1)}, {Mean: math.Inf(1)}} {
		_, err := c.Posterior(p)
		require.ErrorIs(t, err, ErrInvalid)
	}
	_, err = Comparison{}.Posterior(Prior{})
	require.ErrorIs(t, err, ErrInvalid)
	same, err := Welch(momentsOf(t, Mean, 1, 1), momentsOf(t, Mean, 1, 1), nil)
	require.NoError(t, err)
	_, err = same.Posterior(Prior{})
	require.ErrorIs(t, err, ErrNoVariance)
	zero, err := Welch(momentsOf(t, Mean, -1, 1), momentsOf(t, Mean, 1, 2), nil)
	require.NoError(t, err)
	_, err = zero.Posterior(Prior{StdDev: .1})
	require.ErrorIs(t, err, ErrZero)
	_, err = zero.Posterior(Prior{})
	require.NoError(t, err)
}

func ExampleComparison_Posterior() {
	control, _ := MomentsOf(Proportion, 10_000, 1_000, 0)
	treatment, _ := MomentsOf(Proportion, 10_000, 1_060, 0)
	c, err := Welch(control, treatment, &TestOptions{Scale: Relative})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Nothing believed, and that earlier experiments moved the rate by some 3 %.
	for _, prior := range []Prior{{}, {StdDev: .03}} {
		p, err := c.Posterior(prior)
		fmt.Printf("%+.1f %%, better with %.1f %%, loss of shipping %.2f %%, %v\n", 100*p.Effect.Value, 100*p.ChanceToWin, 100*p.LossOfTreatment, err)
	}
	// Output:
	// +6.0 %, better with 91.2 %, loss of shipping 0.18 %, <nil>
	// +1.9 %, better with 77.7 %, loss of shipping 0.32 %, <nil>
}
