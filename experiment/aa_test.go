package experiment

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every method on arms that do not differ: how often it rejects at 5 %, and how
// often its interval holds the truth, in the 99.9 % band of the number of runs;
// at 20,000 runs that is 4.5 to 5.5 %. Methods that are asymptotic, or that
// count, may have a band of their own. Welch, CUPED, Lin, the sequential tests
// and the forms of a readout's metrics have tests of the same kind beside them.
func TestTypeIErrorOfEveryMethod(t *testing.T) {
	type sampled struct{ y, x, d, e, z []float64 } // outcome, covariate, two denominators, times
	draw := func(r *rand.Rand, n int) (s sampled) {
		for range n {
			x := r.NormFloat64()
			d := float64(1 + r.IntN(4))
			e := float64(1 + r.IntN(4))
			s.x, s.d, s.e = append(s.x, 5*e+x), append(s.d, d), append(s.e, e)
			s.y = append(s.y, 10*d+x+r.NormFloat64())
			s.z = append(s.z, r.ExpFloat64())
		}
		return s
	}
	joint := func(columns ...[]float64) *Joint {
		j, _ := NewJoint(make([]Kind, len(columns))...)
		j.AddAll(columns...)
		return j
	}
	proportion := func(s sampled) *Moments {
		m := &Moments{Kind: Proportion}
		for _, x := range s.y {
			b := 0.0
			if x > 25 {
				b = 1
			}
			m.Add(b)
		}
		return m
	}
	proportions := func(v Difference) func(a, b sampled) (Comparison, error) {
		return func(a, b sampled) (Comparison, error) { return Proportions(proportion(a), proportion(b), v, nil) }
	}
	for name, c := range map[string]struct {
		test   func(a, b sampled) (Comparison, error)
		lo, hi float64 // of the true level
	}{
		"ratio": {test: func(a, b sampled) (Comparison, error) { return Ratio(joint(a.y, a.d), joint(b.y, b.d), nil) }},
		"CUPED ratio": {test: func(a, b sampled) (Comparison, error) {
			return CUPEDRatio(joint(a.y, a.d, a.x, a.e), joint(b.y, b.d, b.x, b.e), nil)
		}},
		"CUPED with three covariates": {test: func(a, b sampled) (Comparison, error) {
			return CUPED(joint(a.y, a.x, a.d, a.e), joint(b.y, b.x, b.d, b.e), nil)
		}},
		"Yuen":                   {test: func(a, b sampled) (Comparison, error) { return Yuen(a.y, b.y, .1, nil) }},
		"score":                  {test: proportions(Score), lo: .045, hi: .053},
		"unpooled":               {test: proportions(Unpooled), lo: .045, hi: .055},
		"Agresti and Caffo":      {test: proportions(AgrestiCaffo), lo: .042, hi: .053},
		"Miettinen and Nurminen": {test: proportions(Miettinen), lo: .045, hi: .053},
		"quantiles": {lo: .03, hi: .055, test: func(a, b sampled) (Comparison, error) {
			p, err := QuantileOf(a.z, .6)
			require.NoError(t, err)
			q, err := QuantileOf(b.z, .6)
			require.NoError(t, err)
			return Quantiles(p, q, nil)
		}},
		"quantiles of a sketch": {lo: .03, hi: .055, test: func(a, b sampled) (Comparison, error) {
			var s [2]Sketch
			var q [2]Quantile
			for i, xs := range [][]float64{a.z, b.z} {
				for _, x := range xs {
					s[i].Add(x)
				}
				var err error
				q[i], err = s[i].Quantile(.6)
				require.NoError(t, err)
			}
			return Quantiles(q[0], q[1], nil)
		}},
		"interaction": {test: func(a, b sampled) (Comparison, error) {
			h, k := len(a.y)/2, len(b.y)/2
			return Interaction([2][2]*Moments{
				{momentsOf(t, Mean, a.y[:h]...), momentsOf(t, Mean, a.y[h:]...)},
				{momentsOf(t, Mean, b.y[:k]...), momentsOf(t, Mean, b.y[k:]...)},
			}, nil)
		}},
		"Lin with clusters": {lo: .047, hi: .056, test: func(a, b sampled) (Comparison, error) {
			var d Observations
			for i, s := range []sampled{a, b} {
				for u := range s.y {
					d.Y, d.Treated, d.X = append(d.Y, s.y[u]), append(d.Treated, i == 1), append(d.X, []float64{s.x[u]})
					d.Cluster = append(d.Cluster, 2*(u/2)+i)
				}
			}
			return Lin(d, HC2, nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(81, 82))
			n, rejected, covered := runs(1000), 0, 0
			for range n {
				res, err := c.test(draw(r, 150), draw(r, 200))
				require.NoError(t, err)
				if res.P < .05 {
					rejected++
				}
				if res.Absolute.Lo <= 0 && res.Absolute.Hi >= 0 {
					covered++
				}
			}
			least, most := c.lo, c.hi
			if most == 0 {
				least, most = .05, .05
			}
			lo, _ := band(n, least)
			_, hi := band(n, most)
			t.Logf("rejects %.2f %%, covers %.2f %% of %d", 100*float64(rejected)/float64(n), 100*float64(covered)/float64(n), n)
			require.GreaterOrEqual(t, float64(rejected), lo)
			require.LessOrEqual(t, float64(rejected), hi)
			// An interval may be another method's than the test's, a little wider.
			lo, _ = band(n, 1-most)
			_, hi = band(n, 1-least+.005)
			require.GreaterOrEqual(t, float64(covered), lo)
			require.LessOrEqual(t, float64(covered), hi)
		})
	}
}

// The sample ratio test that may be read at every look stays below its level
// over all of them, the fixed one at one look is at its own.
func TestSampleRatioTypeIError(t *testing.T) {
	r := rand.New(rand.NewPCG(91, 92))
	n, fixed, ever := runs(1000), 0, 0
	weights := []float64{.5, .3, .2}
	for range n {
		counts := make([]int, 3)
		hit := false
		for range 30 {
			for range 100 {
				u := r.Float64()
				switch {
				case u < .5:
					counts[0]++
				case u < .8:
					counts[1]++
				default:
					counts[2]++
				}
			}
			s, err := SequentialSRM(counts, weights, 0)
			require.NoError(t, err)
			hit = hit || s.P < .05
		}
		if hit {
			ever++
		}
		s, err := SRM(counts, weights)
		require.NoError(t, err)
		if s.P < .05 {
			fixed++
		}
	}
	lo, hi := band(n, .05)
	t.Logf("of %d: fixed %d, at any of 30 looks %d", n, fixed, ever)
	require.GreaterOrEqual(t, float64(fixed), lo)
	require.LessOrEqual(t, float64(fixed), hi)
	require.LessOrEqual(t, float64(ever), hi)
}
