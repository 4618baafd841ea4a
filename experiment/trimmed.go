package experiment

import (
	"fmt"
	"math"
	"slices"
)

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
		arms[i] = armEstimate{n: int64(n), mean: mid.Mean(), unadjusted: mid.Mean(), v: v, satter: v / math.Sqrt(h-1)}
	}
	c := Comparison{Method: "Yuen's t", Adjustments: []string{fmt.Sprintf("%g trimmed from both ends of each arm", trim)}}
	if err := c.finish(arms[0], arms[1], o); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

// Cap returns copies of the values of two arms winsorized at an upper
// quantile, 0 < level < 1, of both together, and the limit: for metrics in
// which a few users weigh more than all others. [Winsorize] does it from below
// too.
func Cap(control, treatment []float64, level float64) (a, b []float64, limit float64, err error) {
	if !(level > 0 && level < 1) {
		return nil, nil, 0, &OptionError{"Cap", "level", level, "want 0 < level < 1"}
	}
	a, b, _, limit, err = Winsorize(control, treatment, 0, level)
	return a, b, limit, err
}

// Winsorize returns copies of the values of two arms in which those below the
// quantile low of both together are raised to it, and those above the quantile
// high are cut to it, and the two limits; 0 ≤ low < high ≤ 1, of which 0 and 1
// change nothing (quantiles are of R's type 7). The limits are those of both
// arms, so that they do not make a difference themselves. Fewer than two values
// in all are [ErrTooFew].
func Winsorize(control, treatment []float64, low, high float64) (a, b []float64, least, most float64, err error) {
	const fn = "Winsorize"
	if !(low >= 0 && low < high && high <= 1) {
		return nil, nil, 0, 0, &OptionError{fn, "low and high", []float64{low, high}, "want 0 ≤ low < high ≤ 1"}
	}
	all := slices.Concat(control, treatment)
	if len(all) < 2 {
		return nil, nil, 0, 0, &ValueError{fn, "values, n", len(all), ErrTooFew}
	}
	for _, x := range all {
		if math.IsNaN(x - x) {
			return nil, nil, 0, 0, &ValueError{fn, "value", x, ErrNotFinite}
		}
	}
	slices.Sort(all)
	least, most = limits(all, low, high)
	within := func(xs []float64) []float64 {
		out := slices.Clone(xs)
		for i, x := range out {
			out[i] = max(least, min(x, most))
		}
		return out
	}
	return within(control), within(treatment), least, most, nil
}

// limits returns two quantiles of sorted values.
func limits(sorted []float64, low, high float64) (least, most float64) {
	return type7(sorted, low), type7(sorted, high)
}
