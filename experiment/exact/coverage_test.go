package exact

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/stats"
)

// Intervals of a proportion by summing up every count: over the shares from 2 to
// 98 %, Wilson's, Jeffreys' and Agresti and Coull's are near their level on
// average, and Wald's is not (L. D. Brown, T. T. Cai and A. DasGupta,
// Statistical Science 16 (2001)).
func TestProportionIntervalsCover(t *testing.T) {
	const n = 40
	for method, want := range map[ProportionMethod]struct{ lo, hi, least float64 }{
		Wilson:         {.95, .96, .9},
		Jeffreys:       {.94, .96, .88},
		AgrestiCoull:   {.95, .97, .93},
		ClopperPearson: {.96, .98, .95},
		Wald:           {.8, .93, .5},
	} {
		var ends [n + 1]experiment.Estimate
		for x := range ends {
			e, err := ProportionInterval(int64(x), n, 0, method)
			require.NoError(t, err)
			ends[x] = e
		}
		mean, least, places := 0.0, 1.0, 0.0
		for p := .02; p <= .98; p += .001 {
			held := 0.0
			for x, e := range ends {
				if e.Lo <= p && p <= e.Hi {
					held += stats.BinomialPMF(float64(x), n, p)
				}
			}
			mean, least, places = mean+held, min(least, held), places+1
		}
		mean /= places
		t.Logf("%-15v holds %.4f on average, %.4f at least", method, mean, least)
		require.GreaterOrEqual(t, mean, want.lo, method)
		require.LessOrEqual(t, mean, want.hi, method)
		require.GreaterOrEqual(t, least, want.least-1e-9, method)
	}
}

// The interval of a ratio of rates holds it at least as often as it says, and
// its test rejects at most as often, whatever the rates: summed up over every
// count given the number of events.
func TestRateRatioCovers(t *testing.T) {
	for _, ratio := range []float64{.25, .8, 1, 1.7, 6} {
		for _, events := range []int64{3, 12, 40} {
			for _, alternative := range []experiment.Alternative{experiment.TwoSided, experiment.Greater, experiment.Less} {
				const a, b = 2., 5. // exposures
				share := ratio * b / (ratio*b + a)
				held, rejected := 0.0, 0.0
				for x := range events + 1 {
					r, err := RateRatio(Rate{events - x, a}, Rate{x, b}, alternative, 0)
					require.NoError(t, err)
					p := stats.BinomialPMF(float64(x), float64(events), share)
					if r.Ratio.Lo <= ratio && ratio <= r.Ratio.Hi {
						held += p
					}
					if ratio == 1 && r.P <= .05 {
						rejected += p
					}
				}
				require.GreaterOrEqual(t, held, .95-1e-9, "%v %v %v", ratio, events, alternative)
				require.LessOrEqual(t, rejected, .05+1e-9, "%v %v", events, alternative)
			}
		}
	}
}

// The odds ratio of a table holds an odds ratio other than 1, too; of strata of
// a few users the common one does, and its test keeps its level.
func TestOddsRatiosCover(t *testing.T) {
	n := 1000
	if os.Getenv("ZHUN_LONG") != "" {
		n = 20_000
	}
	half := 3.29 * math.Sqrt(.05*.95/float64(n))
	r := rand.New(rand.NewPCG(8, 9))
	successes := func(n int64, p float64) Count {
		c := Count{Users: n}
		for range n {
			if r.Float64() < p {
				c.Successes++
			}
		}
		return c
	}
	odds := func(p, ratio float64) float64 { return ratio * p / (1 - p + ratio*p) }
	table, common, plain, corrected := 0, 0, 0, 0
	for range n {
		e, err := FisherOddsRatio(Table{successes(40, .3), successes(25, odds(.3, 3))}, 0)
		require.NoError(t, err)
		if e.Lo <= 3 && 3 <= e.Hi {
			table++
		}
		var same, apart []Table
		for k := range 30 {
			p := .1 + .8*float64(k)/29
			same = append(same, Table{successes(3, p), successes(5, p)})
			apart = append(apart, Table{successes(3, p), successes(5, odds(p, 2))})
		}
		for _, c := range []struct {
			corrected bool
			rejected  *int
		}{{false, &plain}, {true, &corrected}} {
			m, err := CochranMantelHaenszel(same, c.corrected, 0)
			require.NoError(t, err)
			if m.P <= .05 {
				*c.rejected++
			}
		}
		m, err := CochranMantelHaenszel(apart, false, 0)
		require.NoError(t, err)
		if m.OddsRatio.Lo <= 2 && 2 <= m.OddsRatio.Hi {
			common++
		}
	}
	f := float64(n)
	t.Logf("one table %.2f %%, strata %.2f %%; tests %.2f %%, corrected %.2f %%", 100*float64(table)/f, 100*float64(common)/f, 100*float64(plain)/f, 100*float64(corrected)/f)
	require.GreaterOrEqual(t, float64(table)/f, .95-half)
	require.InDelta(t, .95, float64(common)/f, .01+half)
	require.InDelta(t, .05, float64(plain)/f, .005+half)
	require.LessOrEqual(t, float64(corrected)/f, .05+half)
	require.LessOrEqual(t, corrected, plain)
}

// Ranks keep their level: exactly without ties in few users, nearly with many
// ties; the permutation test also where arms only have the mean in common.
func TestRankAndPermutationLevels(t *testing.T) {
	n := 1000
	if os.Getenv("ZHUN_LONG") != "" {
		n = 20_000
	}
	half := 3.29 * math.Sqrt(.05*.95/float64(n))
	r := rand.New(rand.NewPCG(18, 9))
	draw := func(n int, f func() float64) []float64 {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = f()
		}
		return xs
	}
	few, ties, unequal := 0, 0, 0
	for run := range n {
		m, err := MannWhitney(draw(9, r.ExpFloat64), draw(14, r.ExpFloat64))
		require.NoError(t, err)
		require.True(t, m.Exact)
		if m.P <= .05 {
			few++
		}
		some := func() float64 { return float64(r.IntN(4) * r.IntN(2)) }
		m, err = MannWhitney(draw(40, some), draw(70, some))
		require.NoError(t, err)
		require.True(t, m.Ties)
		if m.P <= .05 {
			ties++
		}
		p, err := Permutation(draw(25, r.NormFloat64), draw(60, func() float64 { return 4 * r.NormFloat64() }), &Options{Runs: 99, Seed: uint64(run)})
		require.NoError(t, err)
		if p.P <= .05 {
			unequal++
		}
	}
	f := float64(n)
	t.Logf("ranks %.2f %%, with ties %.2f %%, permutations of unequal spread %.2f %%", 100*float64(few)/f, 100*float64(ties)/f, 100*float64(unequal)/f)
	require.LessOrEqual(t, float64(few)/f, .05+half)
	require.GreaterOrEqual(t, float64(few)/f, .04-half)
	require.InDelta(t, .05, float64(ties)/f, .005+half)
	require.InDelta(t, .05, float64(unequal)/f, .01+half)
}
