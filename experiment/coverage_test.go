package experiment

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// covers runs a simulation and counts how often it says yes; the share must be
// one of those from lo to hi, in the 99.9 % band of the number of runs.
func covers(t *testing.T, name string, short int, lo, hi float64, once func(r *rand.Rand) bool) {
	t.Run(name, func(t *testing.T) {
		t.Helper()
		r := rand.New(rand.NewPCG(101, uint64(len(name))))
		n, yes := runs(short), 0
		for range n {
			if once(r) {
				yes++
			}
		}
		t.Logf("%s: %.2f %% of %d", name, 100*float64(yes)/float64(n), n)
		least, _ := band(n, lo)
		_, most := band(n, hi)
		require.GreaterOrEqual(t, float64(yes), least)
		require.LessOrEqual(t, float64(yes), most)
	})
}

func (e Estimate) holds(truth float64) bool { return e.Lo <= truth && truth <= e.Hi }

// gauss draws values of a mean and a standard deviation.
func gauss(r *rand.Rand, n int, mean, sd float64) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = mean + sd*r.NormFloat64()
	}
	return xs
}

// successes draws how many of n users have a success.
func successes(r *rand.Rand, n int, p float64) int64 {
	x := int64(0)
	for range n {
		if r.Float64() < p {
			x++
		}
	}
	return x
}

// Intervals of every method hold an effect that is there, on both scales, and
// one-sided ones; the tests of such an effect as the null reject at their level.
func TestCoverageOfEffects(t *testing.T) {
	must := func(c Comparison, err error) Comparison {
		t.Helper()
		require.NoError(t, err)
		return c
	}
	welch := func(r *rand.Rand, o *TestOptions) Comparison {
		return must(Welch(momentsOfAll(gauss(r, 150, 5, 4)), momentsOfAll(gauss(r, 100, 6, 3)), o))
	}
	for _, i := range []Interval{Delta, Log, Fieller} {
		covers(t, "Welch, relative by "+i.String(), 2000, .945, .955, func(r *rand.Rand) bool {
			return welch(r, &TestOptions{Interval: i}).Relative.holds(.2)
		})
	}
	covers(t, "Welch, above a bound", 2000, .90, .90, func(r *rand.Rand) bool {
		return welch(r, &TestOptions{Alternative: Greater, Level: .9}).Absolute.holds(1)
	})
	// One-sided, the skewness of a quotient shows: not in Fieller's.
	for _, c := range []struct {
		i      Interval
		a      Alternative
		lo, hi float64
	}{
		{Delta, Less, .875, .89},
		{Delta, Greater, .91, .925},
		{Log, Less, .885, .91},
		{Log, Greater, .89, .915},
		{Fieller, Less, .90, .90},
		{Fieller, Greater, .90, .90},
	} {
		covers(t, "Welch, relative by "+c.i.String()+", "+c.a.String(), 1500, c.lo, c.hi, func(r *rand.Rand) bool {
			return welch(r, &TestOptions{Interval: c.i, Alternative: c.a, Level: .9}).Relative.holds(.2)
		})
	}
	// Non-inferiority, at the margin, where a rejection is an error.
	covers(t, "not inferior, Welch", 2000, .05, .05, func(r *rand.Rand) bool {
		return must(Welch(momentsOfAll(gauss(r, 150, 5, 4)), momentsOfAll(gauss(r, 100, 4.5, 3)), &TestOptions{Null: -.5, Alternative: Greater})).P < .05
	})
	covers(t, "not inferior, Welch, relative", 2000, .045, .06, func(r *rand.Rand) bool {
		o := &TestOptions{Null: -.1, Scale: Relative, Alternative: Greater}
		return must(Welch(momentsOfAll(gauss(r, 150, 5, 2)), momentsOfAll(gauss(r, 100, 4.5, 2)), o)).P < .05
	})
	for _, v := range []Difference{Score, Unpooled, AgrestiCaffo, Miettinen} {
		covers(t, "not inferior, proportions, "+v.String(), 1500, .045, .055, func(r *rand.Rand) bool {
			a, b := proportionOf(t, successes(r, 150, .6), 150), proportionOf(t, successes(r, 100, .5), 100)
			return must(Proportions(a, b, v, &TestOptions{Null: -.1, Alternative: Greater})).P < .05
		})
		covers(t, "proportions, difference, "+v.String(), 1500, .94, .96, func(r *rand.Rand) bool {
			a, b := proportionOf(t, successes(r, 120, .3), 120), proportionOf(t, successes(r, 80, .45), 80)
			return must(Proportions(a, b, v, nil)).Absolute.holds(.15)
		})
	}
	for v, hi := range map[Difference]float64{Score: .965, Miettinen: .955} {
		covers(t, "proportions, ratio, "+v.String(), 1500, .945, hi, func(r *rand.Rand) bool {
			a, b := proportionOf(t, successes(r, 120, .3), 120), proportionOf(t, successes(r, 80, .45), 80)
			return must(Proportions(a, b, v, nil)).Relative.holds(.5)
		})
	}

	// Denominators, covariates and outcomes that go together; the treatment adds
	// a tenth to the numerator.
	draw := func(r *rand.Rand, n int, factor float64) (y, d, x, e []float64) {
		for range n {
			user := r.NormFloat64()
			den, before := float64(1+r.IntN(4)), float64(1+r.IntN(4))
			d, e = append(d, den), append(e, before)
			y = append(y, factor*den*(10+2*user+2*r.NormFloat64()))
			x = append(x, before*(10+2*user+2*r.NormFloat64()))
		}
		return y, d, x, e
	}
	for name, f := range map[string]func(a, b [4][]float64) Comparison{
		"ratio": func(a, b [4][]float64) Comparison {
			return must(Ratio(jointOfAll(t, a[:2]...), jointOfAll(t, b[:2]...), nil))
		},
		"CUPED ratio": func(a, b [4][]float64) Comparison {
			return must(CUPEDRatio(jointOfAll(t, a[:]...), jointOfAll(t, b[:]...), nil))
		},
	} {
		for _, scale := range []Scale{Absolute, Relative} {
			covers(t, name+", "+scale.String(), 1000, .945, .955, func(r *rand.Rand) bool {
				var a, b [4][]float64
				a[0], a[1], a[2], a[3] = draw(r, 150, 1)
				b[0], b[1], b[2], b[3] = draw(r, 200, 1.1)
				if c := f(a, b); scale == Relative {
					return c.Relative.holds(.1)
				} else {
					return c.Absolute.holds(1)
				}
			})
		}
	}
	covariate := func(r *rand.Rand, n int, effect float64) (y, x []float64) {
		x = gauss(r, n, 3, 2)
		y = gauss(r, n, 10+effect, 2)
		for i := range y {
			y[i] += x[i]
		}
		return y, x
	}
	covers(t, "CUPED, relative", 1500, .945, .955, func(r *rand.Rand) bool {
		y, x := covariate(r, 150, 0)
		z, w := covariate(r, 100, 1.3)
		return must(CUPED(jointOfAll(t, y, x), jointOfAll(t, z, w), nil)).Relative.holds(.1)
	})
	for _, se := range []StdErr{HC2, HC3, HC1, HC0, Classical} {
		hi := .955
		if se == HC3 {
			hi = .96
		}
		covers(t, "Lin, "+se.String(), 600, .94, hi, func(r *rand.Rand) bool {
			var d Observations
			for i, n := range []int{70, 50} {
				y, x := covariate(r, n, float64(i))
				for u := range y {
					d.Y, d.Treated, d.X = append(d.Y, y[u]), append(d.Treated, i == 1), append(d.X, []float64{x[u]})
				}
			}
			return must(Lin(d, se, nil)).Absolute.holds(1)
		})
	}
	covers(t, "Yuen", 1000, .945, .955, func(r *rand.Rand) bool {
		return must(Yuen(gauss(r, 60, 1, 1), gauss(r, 90, 2, 3), .2, nil)).Absolute.holds(1)
	})
	covers(t, "interaction", 1000, .95, .95, func(r *rand.Rand) bool {
		var cells [2][2]*Moments
		for i := range cells {
			for k := range cells[i] {
				cells[i][k] = momentsOfAll(gauss(r, 40+20*k, float64(2*i+k+3*i*k), float64(1+i)))
			}
		}
		return must(Interaction(cells, nil)).Absolute.holds(3)
	})
}

// Quantiles of values that come several to a user, and are alike within one:
// with clusters the interval holds the shift, without it does not.
func TestCoverageOfQuantiles(t *testing.T) {
	quantile := func(r *rand.Rand, users int, shift float64, clustered bool) Quantile {
		var all []float64
		own := make([][]float64, users)
		for u := range own {
			user := r.NormFloat64()
			for range 1 + r.IntN(5) {
				own[u] = append(own[u], shift+user+.5*r.NormFloat64())
			}
			all = append(all, own[u]...)
		}
		q, err := QuantileOf(all, .7)
		require.NoError(t, err)
		if clustered {
			q.Clusters, _ = NewJoint(Mean, Mean)
			for _, xs := range own {
				below := 0.
				for _, x := range xs {
					if x <= q.Value {
						below++
					}
				}
				q.Clusters.Add(below, float64(len(xs)))
			}
		}
		return q
	}
	once := func(clustered bool) func(r *rand.Rand) bool {
		return func(r *rand.Rand) bool {
			c, err := Quantiles(quantile(r, 150, 0, clustered), quantile(r, 200, 1, clustered), nil)
			require.NoError(t, err)
			return c.Absolute.holds(1)
		}
	}
	covers(t, "clustered", 800, .94, .965, once(true))
	covers(t, "as if not clustered", 300, .5, .85, once(false))
	covers(t, "of independent values", 800, .945, .98, func(r *rand.Rand) bool {
		a, err := QuantileOf(gauss(r, 250, 0, 1), .9)
		require.NoError(t, err)
		b, err := QuantileOf(gauss(r, 400, 1, 1), .9)
		require.NoError(t, err)
		c, err := Quantiles(a, b, nil)
		require.NoError(t, err)
		return c.Absolute.holds(1)
	})
}

// Of ten tests that share a control, six of nothing: the corrections hold what
// they say they hold.
func TestCoverageOfCorrections(t *testing.T) {
	const tests, nothing = 10, 6
	false05 := map[Correction]func(found []bool) float64{}
	any := func(found []bool) float64 {
		if slices.Contains(found[:nothing], true) {
			return 1
		}
		return 0
	}
	share := func(found []bool) float64 {
		wrong, all := 0., 0.
		for i, f := range found {
			if f {
				all++
				if i < nothing {
					wrong++
				}
			}
		}
		return wrong / max(1, all)
	}
	for m := Holm; m <= Hommel; m++ {
		false05[m] = any
	}
	false05[BH], false05[BY] = share, share
	n := runs(1500)
	sums, power := map[Correction]float64{}, map[Correction]float64{}
	r := rand.New(rand.NewPCG(103, 104))
	for range n {
		control := momentsOfAll(gauss(r, 60, 0, 1))
		p := make([]float64, tests)
		for i := range p {
			effect := 0.
			if i >= nothing {
				effect = .6
			}
			c, err := Welch(control, momentsOfAll(gauss(r, 60, effect, 1)), nil)
			require.NoError(t, err)
			p[i] = c.P
		}
		for m, of := range false05 {
			adjusted, err := Adjust(p, m)
			require.NoError(t, err)
			found := make([]bool, tests)
			for i, x := range adjusted {
				require.GreaterOrEqual(t, x, p[i])
				if found[i] = x <= .05; found[i] && i >= nothing {
					power[m]++
				}
			}
			sums[m] += of(found)
		}
	}
	// The share of false discoveries is at most as spread as a coin.
	_, hi := band(n, .05)
	for m := Holm; m <= BY; m++ {
		t.Logf("%v: %.2f %% false, power %.3f", m, 100*sums[m]/float64(n), power[m]/float64(n*(tests-nothing)))
		require.LessOrEqual(t, sums[m], hi, "%v", m)
	}
	for _, order := range [][2]Correction{{Bonferroni, Holm}, {Holm, Hochberg}, {Hochberg, Hommel}, {Hommel, BH}, {BY, BH}} {
		require.LessOrEqual(t, power[order[0]], power[order[1]], "%v", order)
	}
	covers(t, "tests combined", 2000, .05, .05, func(r *rand.Rand) bool {
		p, err := Combine([]float64{r.Float64(), r.Float64(), r.Float64(), r.Float64()})
		require.NoError(t, err)
		return p < .05
	})
	covers(t, "any of four proportions", 1500, .045, .055, func(r *rand.Rand) bool {
		var arms []*Moments
		for _, n := range []int{80, 120, 60, 200} {
			arms = append(arms, proportionOf(t, successes(r, n, .3), int64(n)))
		}
		o, err := AnyDifference(arms...)
		require.NoError(t, err)
		return o.P < .05
	})
}

// Wherever one stops, the interval of a sequential test holds the effect: it
// misses it at any of thirty looks in less than 5 %. The worst rule stops at
// the miss, another one at the first rejection, or at random.
func TestCoverageAtAnyLook(t *testing.T) {
	const looks, step, planned = 30, 40, 2 * 30 * 40
	o := &TestOptions{Sequential: planned}
	one := &TestOptions{Sequential: planned, Alternative: Greater}
	type look struct{ absolute, relative Estimate }
	type state struct {
		mean  [2]Moments
		prop  [2]Moments
		joint [2]*Joint
	}
	methods := map[string]struct {
		truth [2]float64 // absolute, relative
		read  func(s *state) (Comparison, error)
	}{
		"Welch":            {[2]float64{.5, .1}, func(s *state) (Comparison, error) { return Welch(&s.mean[0], &s.mean[1], o) }},
		"Welch, one-sided": {[2]float64{.5, .1}, func(s *state) (Comparison, error) { return Welch(&s.mean[0], &s.mean[1], one) }},
		"proportions":      {[2]float64{.1, .25}, func(s *state) (Comparison, error) { return Welch(&s.prop[0], &s.prop[1], o) }},
		"CUPED": {[2]float64{.5, .1}, func(s *state) (Comparison, error) {
			return CUPED(s.joint[0].Select(0, 1), s.joint[1].Select(0, 1), o)
		}},
		"ratio": {[2]float64{.2, .1}, func(s *state) (Comparison, error) {
			return Ratio(s.joint[0].Select(0, 2), s.joint[1].Select(0, 2), o)
		}},
	}
	n := runs(250)
	type count struct{ ever, random, rejected [2]int }
	counts := map[string]*count{}
	for name := range methods {
		counts[name] = new(count)
	}
	r := rand.New(rand.NewPCG(105, 106))
	for range n {
		var s state
		for i := range 2 {
			s.prop[i].Kind = Proportion
			s.joint[i], _ = NewJoint(Mean, Mean, Mean)
		}
		seen := map[string][]look{}
		first := map[string]int{}
		for at := range looks {
			for i := range 2 {
				for range step {
					// A mean of 5, or 5.5, over a denominator of 2.5 on average.
					d, x := float64(1+r.IntN(4)), r.NormFloat64()
					y := 2*d*(1+.1*float64(i)) + 2*x + r.NormFloat64()
					s.mean[i].Add(y)
					s.joint[i].Add(y, x, d)
					b := 0.
					if r.Float64() < .4+.1*float64(i) {
						b = 1
					}
					s.prop[i].Add(b)
				}
			}
			for name, m := range methods {
				c, err := m.read(&s)
				require.NoError(t, err)
				seen[name] = append(seen[name], look{c.Absolute, c.Relative})
				if _, ended := first[name]; c.P < .05 && !ended {
					first[name] = at
				}
			}
		}
		stop := min(looks-1, int(10*r.ExpFloat64()))
		for name, m := range methods {
			c := counts[name]
			end, ended := first[name]
			if !ended {
				end = looks - 1
			}
			for k := range 2 {
				miss := func(l look) bool { return !([2]Estimate{l.absolute, l.relative}[k]).holds(m.truth[k]) }
				if slices.ContainsFunc(seen[name], miss) {
					c.ever[k]++
				}
				if miss(seen[name][stop]) {
					c.random[k]++
				}
				if miss(seen[name][end]) {
					c.rejected[k]++
				}
			}
		}
	}
	for name, c := range counts {
		f := 100 / float64(n)
		t.Logf("%-17s of the absolute, relative effect missed: ever %.2f, %.2f %%; stopped at random %.2f, %.2f %%, when it rejects %.2f, %.2f %%", name,
			f*float64(c.ever[0]), f*float64(c.ever[1]), f*float64(c.random[0]), f*float64(c.random[1]), f*float64(c.rejected[0]), f*float64(c.rejected[1]))
		_, hi := band(n, .05)
		for k := range 2 {
			require.LessOrEqual(t, float64(c.ever[k]), hi, name)
			require.LessOrEqual(t, c.random[k], c.ever[k])
			require.LessOrEqual(t, c.rejected[k], c.ever[k])
		}
	}
}
