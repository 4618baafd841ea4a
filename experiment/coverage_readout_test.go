package experiment

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Users of one unit share what moves them: intervals that know it hold the
// effect, for means, with covariates, by regression, and for ratios.
func TestCoverageOfClusters(t *testing.T) {
	build := func(r *rand.Rand, units bool) *Readout {
		x := mustReadout(t, &ReadoutOptions{Metrics: []Metric{
			{Name: "spend", Aggregate: SumValues},
			{Name: "visits", Aggregate: SumValues},
			{Name: "per visit", Event: "Order", Fields: []string{"v"}, Aggregate: SumValues, Per: "visits"},
		}})
		user := uint32(1)
		for unit := range 160 {
			arm, shared, before := r.IntN(2), r.NormFloat64(), r.NormFloat64()
			for range 1 + r.IntN(4) {
				e := Exposure{Arm: []string{"a", "b"}[arm], At: at(0)}
				if units {
					e.Unit = fmt.Sprint(unit)
				}
				require.NoError(t, x.Expose(user, e))
				visits := float64(1 + r.IntN(3))
				value := 20 + 2*float64(arm) + 3*shared + 3*before + 2*r.NormFloat64()
				record(t, x, user, "before", before+.3*r.NormFloat64(), -1)
				record(t, x, user, "spend", value, 1)
				record(t, x, user, "visits", visits, 1)
				require.NoError(t, x.Observe(user, "Order", map[string]any{"v": value * visits}, at(1)))
				user++
			}
		}
		return x
	}
	before := []Covariate{{Metric: "before"}}
	for _, c := range []struct {
		name, metric string
		o            *TestOptions
	}{
		{"mean", "spend", nil},
		{"CUPED", "spend", &TestOptions{Covariates: before}},
		{"regression", "spend", &TestOptions{Covariates: before, Regression: true}},
		{"ratio", "per visit", nil},
		{"ratio, CUPED", "per visit", &TestOptions{Covariates: before}},
	} {
		covers(t, c.name, 250, .935, .955, func(r *rand.Rand) bool {
			res, err := build(r, true).Compare(c.metric, "a", "b", c.o)
			require.NoError(t, err)
			return res.Absolute.holds(2)
		})
	}
	covers(t, "relative", 250, .935, .955, func(r *rand.Rand) bool {
		res, err := build(r, true).Compare("spend", "a", "b", &TestOptions{Covariates: before})
		require.NoError(t, err)
		return res.Relative.holds(.1)
	})
	covers(t, "as if not clustered", 200, .7, .9, func(r *rand.Rand) bool {
		res, err := build(r, false).Compare("spend", "a", "b", nil)
		require.NoError(t, err)
		return res.Absolute.holds(2)
	})
}

// Strata of users, epochs of other weights while users change too, and both
// with covariates: the effect is held, and pooling would miss it.
func TestCoverageOfStrata(t *testing.T) {
	weights := []map[string]float64{{"a": .9, "b": .1}, {"a": .5, "b": .5}}
	country := func(u uint32) string { return []string{"nz", "au", "fj"}[u%3] }
	build := func(r *rand.Rand, epochs bool) *Readout {
		o := &ReadoutOptions{}
		if epochs {
			o.Weights = weights
		}
		x := mustReadout(t, o)
		for u := uint32(1); u <= 400; u++ {
			e := Exposure{Arm: "a", At: at(0)}
			share := .5
			if u > 200 && epochs {
				e.Epoch = 1
			} else if epochs {
				share = .1
			}
			if r.Float64() < share {
				e.Arm = "b"
			}
			require.NoError(t, x.Expose(u, e))
			before := r.NormFloat64()
			value := 10 + 4*float64(u%3) + 6*float64(e.Epoch) + before + r.NormFloat64()
			if e.Arm == "b" {
				value++
			}
			record(t, x, u, "before", before, -1)
			record(t, x, u, "m", value, 1)
		}
		return x
	}
	before := []Covariate{{Metric: "before"}}
	for _, c := range []struct {
		name   string
		epochs bool
		o      *TestOptions
	}{
		{"strata", false, &TestOptions{Stratum: country}},
		{"strata, CUPED", false, &TestOptions{Stratum: country, Covariates: before}},
		{"strata, regression", false, &TestOptions{Stratum: country, Covariates: before, Regression: true}},
		{"epochs", true, nil},
		{"epochs, CUPED", true, &TestOptions{Covariates: before}},
		{"epochs and strata", true, &TestOptions{Stratum: country}},
	} {
		covers(t, c.name, 250, .94, .96, func(r *rand.Rand) bool {
			res, err := build(r, c.epochs).Compare("m", "a", "b", c.o)
			require.NoError(t, err)
			return res.Absolute.holds(1)
		})
	}
	covers(t, "epochs, pooled", 200, 0, .1, func(r *rand.Rand) bool {
		x := build(r, true)
		var arms [2]*Moments
		for i, arm := range []string{"a", "b"} {
			values, err := x.Values("m", arm, nil)
			require.NoError(t, err)
			arms[i] = new(Moments)
			for _, v := range values {
				arms[i].Add(v.Value)
			}
		}
		c, err := Welch(arms[0], arms[1], nil)
		require.NoError(t, err)
		return c.Absolute.holds(1)
	})
}

// A switchback: cities change their arm every three hours, and the rides of a
// city in a period share its weather. The period in its city is the unit.
func TestCoverageOfSwitchback(t *testing.T) {
	once := func(units bool) func(r *rand.Rand) bool {
		return func(r *rand.Rand) bool {
			e := mustNew(t, fmt.Sprint("surge", r.Uint64()), []Arm{{"a", 1}, {"b", 1}}, &Options{Period: 3 * time.Hour})
			x := mustReadout(t, nil)
			ride := uint32(1)
			for city := range 4 {
				for period := range 40 {
					when := at(3 * float64(period))
					a, err := e.Decide(Subject{Unit: fmt.Sprint("city-", city), At: when})
					require.NoError(t, err)
					weather := 2 * r.NormFloat64()
					for range 2 + r.IntN(4) {
						v := Exposure{Arm: a.Arm, Unit: a.Unit, At: when}
						if !units {
							v.Unit = ""
						}
						require.NoError(t, x.Expose(ride, v))
						value := 15 + 2*weather + r.NormFloat64()
						if a.Arm == "b" {
							value += 3
						}
						require.NoError(t, x.Record(ride, "fare", value, when.Add(time.Minute)))
						ride++
					}
				}
			}
			c, err := x.Compare("fare", "a", "b", nil)
			require.NoError(t, err)
			return c.Absolute.holds(3)
		}
	}
	covers(t, "by city and period", 250, .935, .955, once(true))
	covers(t, "as if rides were alone", 200, .5, .8, once(false))
}

// Sample ratios over epochs, at every look, and by segment: how often there is
// a false alarm at 5 %.
func TestSampleRatiosTypeIError(t *testing.T) {
	weights := []map[string]float64{{"a": .8, "b": .2}, {"a": .5, "b": .5}, {"a": .3, "b": .3, "c": .4}}
	fill := func(r *rand.Rand, x *Readout, from, to uint32, epoch int) {
		for u := from; u < to; u++ {
			p, arm := r.Float64(), "a"
			if a := weights[epoch]["a"]; p >= a {
				if arm = "b"; p >= a+weights[epoch]["b"] {
					arm = "c"
				}
			}
			require.NoError(t, x.Expose(u, Exposure{Arm: arm, Epoch: epoch, At: at(float64(epoch))}))
		}
	}
	covers(t, "over epochs", 1000, .045, .055, func(r *rand.Rand) bool {
		x := mustReadout(t, &ReadoutOptions{Weights: weights})
		for epoch := range weights {
			fill(r, x, uint32(100*epoch+1), uint32(100*epoch+101), epoch)
		}
		s, err := x.SRM(nil)
		require.NoError(t, err)
		return s.P < .05
	})
	covers(t, "at any look", 200, 0, .05, func(r *rand.Rand) bool {
		x, hit := mustReadout(t, &ReadoutOptions{Weights: weights}), false
		for look := range uint32(12) {
			fill(r, x, 60*look+1, 60*look+61, int(look/4))
			s, err := x.SRM(&TestOptions{Sequential: 1})
			require.NoError(t, err)
			hit = hit || s.P < .05
		}
		return hit
	})
	covers(t, "in any of six segments", 1000, .025, .05, func(r *rand.Rand) bool {
		x := mustReadout(t, &ReadoutOptions{Weights: weights[1:2]})
		for u := uint32(1); u <= 300; u++ {
			expose(t, x, u, []string{"a", "b"}[r.IntN(2)], 0)
		}
		all, err := x.SampleRatios(func(u uint32) string { return fmt.Sprint(u % 6) }, nil)
		require.NoError(t, err)
		require.Len(t, all, 6)
		for _, s := range all {
			if s.Adjusted < .05 {
				return true
			}
		}
		return false
	})
}

// The slope of an effect that wears off by a third of itself each day.
func TestCoverageOfNovelty(t *testing.T) {
	once := func(scale Scale) func(r *rand.Rand) bool {
		return func(r *rand.Rand) bool {
			x := mustReadout(t, nil)
			for u := uint32(1); u <= 120; u++ {
				arm, own := r.IntN(2), 2*r.NormFloat64()
				expose(t, x, u, []string{"a", "b"}[arm], 0)
				for day := range 3 {
					record(t, x, u, "m", 10+own+float64(arm*(3-day))+r.NormFloat64(), 24*float64(day)+1)
				}
			}
			require.NoError(t, x.Advance(at(100)))
			n, err := x.Novelty("m", "a", "b", 24*time.Hour, 3, nil)
			require.NoError(t, err)
			return n.Slope.Absolute.holds(-1) && scale == Absolute || scale == Relative && n.Slices[1].Relative.holds(.2)
		}
	}
	covers(t, "slope", 500, .95, .95, once(Absolute))
	covers(t, "the second day", 300, .94, .96, once(Relative))
}
