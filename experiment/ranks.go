package experiment

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
)

// RankTest is the result of [MannWhitney].
type RankTest struct {
	// U counts pairs in which the treatment value is larger, ties as half.
	U float64
	// Superiority is U over the number of pairs: the chance that a value of
	// treatment is larger than one of control.
	Superiority float64
	Z, P        float64 // normal approximation with ties, and continuity correction
	Ties        bool    // whether values were equal
}

// MannWhitney tests whether values of treatment tend to be larger or smaller
// than those of control, by ranks: what outliers cannot move. It says nothing
// of means. The p-value is two-sided, by the normal approximation with the
// correction for ties and for continuity (R's wilcox.test without exact).
// Fewer than one value in an arm is [ErrTooFew].
func MannWhitney(control, treatment []float64) (RankTest, error) {
	const fn = "MannWhitney"
	type obs struct {
		x       float64
		treated bool
	}
	var all []obs
	for i, arm := range [][]float64{control, treatment} {
		if len(arm) < 1 {
			return RankTest{}, &ValueError{fn, [2]string{"control", "treatment"}[i] + " of n", len(arm), ErrTooFew}
		}
		for _, x := range arm {
			if math.IsNaN(x) {
				return RankTest{}, &ValueError{fn, "value", x, ErrNotFinite}
			}
			all = append(all, obs{x, i == 1})
		}
	}
	slices.SortFunc(all, func(a, b obs) int { return cmp.Compare(a.x, b.x) })
	ranks, ties := 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].x == all[i].x {
			j++
		}
		t := float64(j - i)
		ties += t*t*t - t
		for _, o := range all[i:j] {
			if o.treated {
				ranks += float64(i+j+1) / 2
			}
		}
		i = j
	}
	na, nb := float64(len(control)), float64(len(treatment))
	n := na + nb
	r := RankTest{U: ranks - nb*(nb+1)/2, Ties: ties > 0}
	r.Superiority = r.U / (na * nb)
	v := na * nb / 12 * (n + 1 - ties/(n*(n-1)))
	if !(v > 0) {
		r.P = 1 // all values are the same
		return r, nil
	}
	d := r.U - na*nb/2
	d -= math.Copysign(min(.5, math.Abs(d)), d)
	r.Z = d / math.Sqrt(v)
	r.P = min(1, 2*stats.NormalSF(math.Abs(r.Z)))
	return r, nil
}

// Yuen compares trimmed means: the share trim, 0 ≤ trim < 0.5, is cut from both
// ends of each arm, and the variance is that of the winsorized values (K. K.
// Yuen, "The two-sample trimmed t for unequal population variances",
// Biometrika 61 (1974)). The effect is of trimmed means, which for skewed
// metrics is another effect than that of means.
func Yuen(control, treatment []float64, trim float64, opts *TestOptions) (Comparison, error) {
	const fn = "Yuen"
	o, err := opts.resolve(fn)
	if err != nil {
		return Comparison{}, err
	}
	if !(trim >= 0 && trim < .5) {
		return Comparison{}, &OptionError{fn, "trim", trim, "want 0 ≤ trim < 0.5"}
	}
	var arms [2]armEstimate
	for i, values := range [][]float64{control, treatment} {
		name := [2]string{"control", "treatment"}[i]
		xs := slices.Clone(values)
		slices.Sort(xs)
		n := len(xs)
		g := int(float64(n) * trim)
		kept := n - 2*g
		if kept < 2 {
			return Comparison{}, &ValueError{fn, name + " of n after trimming", kept, ErrTooFew}
		}
		var mid, wins Moments
		mid.AddAll(xs[g : n-g])
		for k := range xs {
			wins.Add(xs[min(max(k, g), n-g-1)])
		}
		if err := mid.Err(); err != nil {
			return Comparison{}, fmt.Errorf("experiment: %s: %s: %w", fn, name, err)
		}
		if err := wins.Err(); err != nil {
			return Comparison{}, fmt.Errorf("experiment: %s: %s: %w", fn, name, err)
		}
		h := float64(kept)
		v := wins.Variance() * float64(n-1) / (h * (h - 1))
		arms[i] = armEstimate{n: int64(n), mean: mid.Mean(), unadjusted: mid.Mean(), v: v, satter: v * v / (h - 1)}
	}
	c := Comparison{Method: "Yuen's t", Adjustments: []string{fmt.Sprintf("%g trimmed from both ends of each arm", trim)}}
	if err := c.finish(arms[0], arms[1], o); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

// Cap returns copies of the values of two arms winsorized at an upper
// quantile, 0 < level < 1, of both together, and the limit: for metrics in
// which a few users weigh more than all others.
func Cap(control, treatment []float64, level float64) (a, b []float64, limit float64, err error) {
	all, err := QuantileOf(slices.Concat(control, treatment), level)
	if err != nil {
		return nil, nil, 0, err
	}
	limit = all.Value
	cut := func(xs []float64) []float64 {
		out := slices.Clone(xs)
		for i := range out {
			out[i] = min(out[i], limit)
		}
		return out
	}
	return cut(control), cut(treatment), limit, nil
}
