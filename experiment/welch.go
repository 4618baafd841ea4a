package experiment

import (
	"fmt"
	"math"
)

// Welch compares the means, or the proportions, of two arms by Welch's t-test
// with the degrees of freedom of Satterthwaite (B. L. Welch, "The
// generalization of 'Student's' problem when several different population
// variances are involved", Biometrika 34 (1947)):
//
//	d  = mb − ma             V  = va/na + vb/nb
//	df = V² / (va²/(na²(na−1)) + vb²/(nb²(nb−1)))
//
// and the relative effect (mb − ma)/|ma| by the delta method with the same
// degrees of freedom. The effect is treatment less control.
//
// An arm with fewer than two values is [ErrTooFew], arms of different kinds
// are [ErrKind], moments that refused a value are refused. Arms without any
// variance give p = 1, unbounded intervals and a warning.
func Welch(control, treatment *Moments, opts *TestOptions) (Comparison, error) {
	o, err := opts.resolve("Welch")
	if err != nil {
		return Comparison{}, err
	}
	a, err := control.estimate("Welch", "control")
	if err != nil {
		return Comparison{}, err
	}
	b, err := treatment.estimate("Welch", "treatment")
	if err != nil {
		return Comparison{}, err
	}
	if control.Kind != treatment.Kind {
		return Comparison{}, &ValueError{"Welch", "arms", fmt.Sprintf("%v and %v", control.Kind, treatment.Kind), ErrKind}
	}
	c := Comparison{Method: "Welch's t"}
	if err := c.finish(a, b, o); err != nil {
		return Comparison{}, err
	}
	if control.Kind == Proportion {
		c.warnSkew(math.Max(proportionSkew(a.mean), proportionSkew(b.mean)), min(a.n, b.n))
	}
	return c, nil
}

func (m *Moments) estimate(fn, arm string) (armEstimate, error) {
	switch {
	case m == nil:
		return armEstimate{}, &ValueError{fn, arm, "no moments", ErrTooFew}
	case m.err != nil:
		return armEstimate{}, fmt.Errorf("experiment: %s: %s: %w", fn, arm, m.err)
	case m.n < 2:
		return armEstimate{}, &ValueError{fn, arm + " of n", m.n, ErrTooFew}
	}
	v, n := m.Variance(), float64(m.n)
	if math.IsNaN(v) || math.IsInf(v, 1) || v < 0 {
		return armEstimate{}, &ValueError{fn, arm + " with variance", v, ErrVariance}
	}
	return armEstimate{
		n: m.n, mean: m.Mean(), unadjusted: m.Mean(), v: v / n, sd: math.Sqrt(v),
		satter: v / n / math.Sqrt(n-1),
	}, nil
}

// proportionSkew is the size of the skewness of a 0/1 value with mean p.
func proportionSkew(p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	return math.Abs(1-2*p) / math.Sqrt(p*(1-p))
}

// warnSkew applies the rule of R. Kohavi, A. Deng, R. Longbotham and Y. Xu,
// "Seven rules of thumb for web site experimenters", KDD 2014: means are
// normal enough from 355·skewness² values on.
func (c *Comparison) warnSkew(skew float64, n int64) {
	if need := 355 * skew * skew; float64(n) < need {
		c.Warnings = append(c.Warnings, fmt.Errorf("experiment: %w: skewness %.3g wants %.0f in the smaller arm, it has %d", ErrSkew, skew, math.Ceil(need), n))
	}
}
