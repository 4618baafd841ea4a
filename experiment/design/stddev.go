package design

import (
	"math"
	"slices"
)

// The standard deviations below are those of one user in the sense of [MeanSize]
// and its like: what a metric that is no mean has in place of one, so that the
// standard error with n users is this over √n.

// RatioStdDev returns the standard deviation of one user in a ratio of sums,
// such as revenue per session, for [MeanSize], [MeanEffect] and the like: by the
// delta method from the mean and standard deviation of the numerator and the
// denominator per user, and their correlation. The effect there is of the
// ratio.
func RatioStdDev(meanN, sdN, meanD, sdD, correlation float64) (float64, error) {
	const fn = "RatioStdDev"
	switch {
	case !sized(meanN):
		return 0, &Error{fn, "meanN", meanN, "want a finite number"}
	case !sized(meanD) || meanD == 0:
		return 0, &Error{fn, "meanD", meanD, "want a finite number other than 0"}
	case !(sdN >= 0) || !sized(sdN):
		return 0, &Error{fn, "sdN", sdN, "want a finite number, not negative"}
	case !(sdD >= 0) || !sized(sdD):
		return 0, &Error{fn, "sdD", sdD, "want a finite number, not negative"}
	case !(correlation >= -1 && correlation <= 1):
		return 0, &Error{fn, "correlation", correlation, "want −1 to 1"}
	}
	r := meanN / meanD
	v := sdN*sdN + r*r*sdD*sdD - 2*r*correlation*sdN*sdD
	return math.Sqrt(max(0, v)) / math.Abs(meanD), nil
}

// RateStdDev returns the standard deviation of one user in a count of events,
// from its mean and its dispersion: variance over mean, 1 of counts that are
// Poisson's, more where users differ. Users may be any unit of exposure.
func RateStdDev(mean, dispersion float64) (float64, error) {
	const fn = "RateStdDev"
	if err := positive(fn, "mean", mean); err != nil {
		return 0, err
	}
	if err := positive(fn, "dispersion", dispersion); err != nil {
		return 0, err
	}
	return math.Sqrt(mean * dispersion), nil
}

// QuantileStdDev returns the standard deviation of one user in a quantile, 0 <
// level < 1, estimated from values of the past: √(level·(1 − level)) over the
// density there, of which the order statistics at ± 1.96 standard errors of
// ranks are the estimate, as in the comparison of quantiles. It wants some
// hundred values, and more for quantiles near 0 and 1.
func QuantileStdDev(values []float64, level float64) (float64, error) {
	const fn = "QuantileStdDev"
	if !(level > 0 && level < 1) {
		return 0, &Error{fn, "level", level, "want 0 < level < 1"}
	}
	xs, err := sorted(fn, values, 2)
	if err != nil {
		return 0, err
	}
	const z = 1.959963984540054
	n := float64(len(xs))
	s := z * math.Sqrt(n*level*(1-level))
	lo, hi := max(0, math.Floor(n*level-s)-1), min(n-1, math.Ceil(n*level+s))
	sd := (xs[int(hi)] - xs[int(lo)]) / (2 * z) * math.Sqrt(n)
	if !(sd > 0) {
		return 0, &Error{fn, "values at the quantile", xs[int(lo)], "want some that differ"}
	}
	return sd, nil
}

// TrimmedStdDev returns the standard deviation of one user in a trimmed mean,
// 0 ≤ trim < 0.5 from both ends, estimated from values of the past: that of the
// winsorized values over 1 − 2·trim. Of no trim it is the plain one. For capped
// metrics cap the values first.
func TrimmedStdDev(values []float64, trim float64) (float64, error) {
	const fn = "TrimmedStdDev"
	if !(trim >= 0 && trim < .5) {
		return 0, &Error{fn, "trim", trim, "want 0 ≤ trim < 0.5"}
	}
	xs, err := sorted(fn, values, 2)
	if err != nil {
		return 0, err
	}
	n := len(xs)
	g := int(float64(n) * trim)
	mean, squares := 0.0, 0.0
	for i := range xs {
		mean += xs[min(max(i, g), n-g-1)] / float64(n)
	}
	for i := range xs {
		d := xs[min(max(i, g), n-g-1)] - mean
		squares += d * d
	}
	sd := math.Sqrt(squares/float64(n-1)) / (1 - 2*trim)
	if !(sd > 0) || !sized(sd) {
		return 0, &Error{fn, "values in the middle", xs[n/2], "want some that differ, and finite squares"}
	}
	return sd, nil
}

func sorted(fn string, values []float64, least int) ([]float64, error) {
	if len(values) < least {
		return nil, &Error{fn, "values", float64(len(values)), "want at least two"}
	}
	for _, x := range values {
		if !sized(x) {
			return nil, &Error{fn, "value", x, "want finite numbers"}
		}
	}
	xs := slices.Clone(values)
	slices.Sort(xs)
	return xs, nil
}
