package fairness

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
	"github.com/zhun-go/zhun/internal/stats"
)

// Intervals hold the truth as often as they say: at least as often as chance
// allows for at 95 %, in 99.9 % of such tests, and at most always.
func TestCoverage(t *testing.T) {
	runs := 1500
	if os.Getenv("ZHUN_LONG") != "" {
		runs = 20_000
	}
	r := rand.New(rand.NewPCG(7, 7))
	binomial := func(n int64, p float64) exact.Count {
		x := int64(0)
		for range n {
			if r.Float64() < p {
				x++
			}
		}
		return of(x, n)
	}
	in := func(e experiment.Estimate, x float64) bool { return e.Lo <= x && x <= e.Hi }
	check := func(name string, atMost float64, once func() bool) {
		t.Helper()
		hits := 0
		for range runs {
			if once() {
				hits++
			}
		}
		n := float64(runs)
		t.Logf("%-40s %.2f %%", name, 100*float64(hits)/n)
		// Score intervals have their level on average over the shares, and are
		// up to half a percent below at some.
		require.Greater(t, stats.BinomialCDF(float64(hits), n, .945), .001, "%s: %d of %d", name, hits, runs)
		require.Greater(t, stats.BinomialSF(float64(hits)-1, n, atMost), .001, "%s: %d of %d, too wide", name, hits, runs)
	}
	audit := func(p, q float64, n, m int64, f func(Pair) bool) func() bool {
		return func() bool {
			a, b := binomial(n, p), binomial(m, q)
			r, err := Audit([]Group{{Name: "a", All: a, Positive: a}, {Name: "b", All: b, Positive: b}}, &Options{Reference: "b"})
			require.NoError(t, err)
			return f(r.Pairs[0])
		}
	}
	for _, c := range []struct {
		p, q float64
		n, m int64
	}{{.3, .4, 60, 90}, {.05, .08, 150, 400}, {.9, .95, 80, 80}} {
		check("impact", .965, audit(c.p, c.q, c.n, c.m, func(p Pair) bool { return in(p.Impact, c.p/c.q) }))
		check("parity", .97, audit(c.p, c.q, c.n, c.m, func(p Pair) bool { return in(p.Parity, c.p-c.q) }))
		check("opportunity", .97, audit(c.p, c.q, c.n, c.m, func(p Pair) bool { return in(p.Opportunity, c.p-c.q) }))
	}
	check("odds", 1, func() bool {
		var groups []Group
		for i, p := range [][2]float64{{.6, .2}, {.7, .28}} {
			a, b := binomial(90, p[0]), binomial(120, p[1])
			groups = append(groups, Group{string(rune('a' + i)), of(a.Successes+b.Successes, 210), a, b})
		}
		r, err := Audit(groups, &Options{Reference: "b"})
		require.NoError(t, err)
		return in(r.Pairs[0].Odds, .1)
	})
	// Of five groups that are alike, the worst pair was picked, and its interval
	// still holds 0; the adjusted p-value is rarely small.
	check("worst of five", 1, func() bool {
		var groups []Group
		for i := range 5 {
			groups = append(groups, Group{Name: string(rune('a' + i)), All: binomial(120, .4)})
		}
		r, err := Audit(groups, nil)
		require.NoError(t, err)
		return in(r.Worst.Parity, 0) && in(r.Worst.Impact, 1) && r.Worst.Adjusted > .05
	})
	// Pairs, where the variance of 1985 is 0, and strata of several sizes.
	check("strata, pairs", .97, func() bool {
		var strata []Offers
		for range 120 {
			base := .3 + .4*r.Float64()
			strata = append(strata, Offers{Group: binomial(1, base-.1), Reference: binomial(1, base)})
		}
		c, err := ConditionalOffers(strata, nil)
		require.NoError(t, err)
		return in(c.Difference, -.1)
	})
	check("strata", .97, func() bool {
		var strata []Offers
		for i := range int64(6) {
			base := .2 + .1*float64(i)
			strata = append(strata, Offers{Group: binomial(20+10*i, base+.05), Reference: binomial(70-10*i, base)})
		}
		c, err := ConditionalOffers(strata, nil)
		require.NoError(t, err)
		return in(c.Difference, .05)
	})
	check("strata, odds ratio", .97, func() bool {
		var strata []Offers
		for i := range int64(6) {
			odds := .3 + .3*float64(i)
			strata = append(strata, Offers{Group: binomial(20+10*i, 2*odds/(1+2*odds)), Reference: binomial(70-10*i, odds/(1+odds))})
		}
		c, err := ConditionalOffers(strata, nil)
		require.NoError(t, err)
		return math.IsNaN(c.OddsRatio.Value) || in(c.OddsRatio, 2)
	})
	check("heterogeneity, where there is none", .965, func() bool {
		var strata []Offers
		for i := range 4 {
			odds := .3 + .3*float64(i)
			strata = append(strata, Offers{Group: binomial(80, 2*odds/(1+2*odds)), Reference: binomial(60, odds/(1+odds))})
		}
		c, err := ConditionalOffers(strata, nil)
		require.NoError(t, err)
		return c.HeterogeneityP >= .05
	})
	check("prices", .965, func() bool {
		var strata []Prices
		for i := range 5 {
			s := Prices{Group: new(experiment.Moments), Reference: new(experiment.Moments)}
			for range 5 + 2*i {
				s.Group.Add(20*float64(i) + 3 + float64(1+i)*r.NormFloat64())
			}
			for range 12 - i {
				s.Reference.Add(20*float64(i) + 2*r.NormFloat64())
			}
			strata = append(strata, s)
		}
		c, err := ConditionalPrices(strata, &Options{MinGroup: 20})
		require.NoError(t, err)
		return in(c.Difference, 3)
	})
}
