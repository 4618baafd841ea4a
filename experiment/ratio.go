package experiment

import (
	"fmt"
	"math"
)

// Ratio compares a ratio of sums, such as revenue per session when users are
// randomized: variable 0 of each joint over variable 1. With means mN, mD,
// variances vN, vD and covariance c of one user's values the delta method
// gives
//
//	m = mN/mD,  v = vN/mD² + vD·mN²/mD⁴ − 2c·mN/mD³
//
// (A. Deng, U. Knoblich and J. Lu, "Applying the delta method in metric
// analytics", KDD 2018), and then Welch's test. A zero denominator in either
// arm is [ErrZero].
func Ratio(control, treatment *Joint, opts *TestOptions) (Comparison, error) {
	o, err := opts.resolve("Ratio")
	if err != nil {
		return Comparison{}, err
	}
	var arms [2]armEstimate
	for i, j := range []*Joint{control, treatment} {
		if arms[i], err = j.ratio("Ratio", [2]string{"control", "treatment"}[i]); err != nil {
			return Comparison{}, err
		}
	}
	c := Comparison{Method: "Welch's t on a ratio (delta method)"}
	if err := c.finish(arms[0], arms[1], o); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

func (j *Joint) ratio(fn, arm string) (armEstimate, error) {
	j, err := j.check(fn, arm, 2)
	if err != nil {
		return armEstimate{}, err
	}
	n, d := j.mean(0), j.mean(1)
	if d == 0 {
		return armEstimate{}, fmt.Errorf("experiment: %s: %w: the denominator of %s", fn, ErrZero, arm)
	}
	g := []float64{1 / d, -n / d / d}
	return j.linear(fn, arm, n/d, g)
}

// linear returns the estimate of a mean whose value per user is the linear
// form g of the variables.
func (j *Joint) linear(fn, arm string, mean float64, g []float64) (armEstimate, error) {
	v := j.quadratic(g, g)
	// Rounding may leave a variance of nothing a little below zero.
	scale := 0.0
	for i := range g {
		scale += g[i] * math.Abs(j.covariance(i, i)) * g[i]
	}
	if v < -1e-9*scale || math.IsNaN(v-v) {
		return armEstimate{}, &ValueError{fn, arm + " with variance", v, ErrVariance}
	}
	v = max(0, v)
	n := float64(j.n)
	return armEstimate{n: j.n, mean: mean, unadjusted: mean, v: v / n, sd: math.Sqrt(v), satter: v / n / math.Sqrt(n-1)}, nil
}

// quadratic is gᵀ·L·h with the covariances L of the variables.
func (j *Joint) quadratic(g, h []float64) (v float64) {
	for a := range g {
		for b := range h {
			if g[a] != 0 && h[b] != 0 {
				v += g[a] * j.covariance(a, b) * h[b] // in this order, for squares of g may overflow
			}
		}
	}
	return v
}
