package experiment

import (
	"fmt"
	"math"
	"strings"

	"github.com/zhun-go/zhun/internal/stats"
)

// Omnibus is the result of [AnyDifference]. Immutable; safe for concurrent use.
type Omnibus struct {
	Method    string
	Arms      []Sample
	Statistic float64 // F of means, chi-square of proportions
	DF1       float64
	DF2       float64 // infinite for a chi-square
	P         float64
	Warnings  []error
}

// String prints the arms and the test.
func (o Omnibus) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %d arms: %.4g, df %.6g", o.Method, len(o.Arms), o.Statistic, o.DF1)
	if !math.IsInf(o.DF2, 1) {
		fmt.Fprintf(&b, " and %.6g", o.DF2)
	}
	fmt.Fprintf(&b, ", p %.3g", o.P)
	for i, a := range o.Arms {
		name := a.Arm
		if name == "" {
			name = fmt.Sprintf("arm %d", i)
		}
		fmt.Fprintf(&b, "\n  %s: n %d, mean %.6g ± %.3g", name, a.N, a.Mean, a.StdErr)
	}
	for _, w := range o.Warnings {
		fmt.Fprintf(&b, "\n  warning: %s", strings.TrimPrefix(w.Error(), "experiment: "))
	}
	return b.String()
}

// AnyDifference tests whether any of two or more arms differs from the others,
// in one test that need not be corrected for their number: of means by Welch's
// analysis of variance, which needs no equal variances (B. L. Welch, "On the
// comparison of several mean values: an alternative approach", Biometrika 38
// (1951)), of proportions by Pearson's chi-square. It does not say which arm,
// nor by how much: compare arms for that, and correct with [Adjust].
//
// An arm with fewer than two values is [ErrTooFew], arms of different kinds are
// [ErrKind], an arm of means without any variance is [ErrNoVariance]:
// it would outweigh all others. Proportions that are all 0 or all 1 give p = 1
// and a warning.
func AnyDifference(arms ...*Moments) (Omnibus, error) {
	const fn = "AnyDifference"
	if len(arms) < 2 {
		return Omnibus{}, &OptionError{fn, "arms", len(arms), "want at least 2"}
	}
	estimates := make([]armEstimate, len(arms))
	out := Omnibus{Arms: make([]Sample, len(arms))}
	for i, m := range arms {
		name := fmt.Sprintf("arms[%d]", i)
		e, err := m.estimate(fn, name)
		if err != nil {
			return Omnibus{}, err
		}
		if m.Kind != arms[0].Kind {
			return Omnibus{}, &ValueError{fn, name, fmt.Sprintf("%v beside %v", m.Kind, arms[0].Kind), ErrKind}
		}
		if m.Kind == Mean && !(e.v > 0) {
			return Omnibus{}, &ValueError{fn, name + " of equal values", e.mean, ErrNoVariance}
		}
		estimates[i] = e
		out.Arms[i] = Sample{N: e.n, Mean: e.mean, StdDev: e.sd, StdErr: math.Sqrt(e.v)}
	}
	if arms[0].Kind == Proportion {
		out.chiSquare(arms)
		return out, nil
	}
	out.Method = "Welch's analysis of variance"
	least := math.Inf(1)
	for _, e := range estimates {
		least = min(least, e.v)
	}
	// Weights relative to the largest: those of tiny variances overflow.
	var weights, weighted float64
	for _, e := range estimates {
		weights += least / e.v
		weighted += least / e.v * e.mean
	}
	center := weighted / weights
	k := float64(len(arms))
	var between, lost float64
	for _, e := range estimates {
		d := e.mean - center
		between += d / e.v * d
		rest := 1 - least/e.v/weights
		lost += rest * rest / float64(e.n-1)
	}
	out.Statistic = between / (k - 1) / (1 + 2*(k-2)/(k*k-1)*lost)
	out.DF1, out.DF2 = k-1, (k*k-1)/(3*lost)
	out.P = stats.FSF(out.Statistic, out.DF1, out.DF2)
	return out, nil
}

func (o *Omnibus) chiSquare(arms []*Moments) {
	o.Method, o.DF1, o.DF2, o.P = "Pearson's chi-square", float64(len(arms)-1), math.Inf(1), 1
	var successes, users float64
	for _, m := range arms {
		successes += m.Sum()
		users += float64(m.n)
	}
	p := successes / users
	if p == 0 || p == 1 {
		o.Warnings = append(o.Warnings, fmt.Errorf("experiment: %w: all values are %v", ErrNoVariance, p))
		return
	}
	least := math.Inf(1)
	for _, m := range arms {
		n := float64(m.n)
		d := m.Sum() - n*p
		o.Statistic += d * d / (n * p * (1 - p))
		least = min(least, n*p, n*(1-p))
	}
	o.P = stats.ChiSquareSF(o.Statistic, o.DF1)
	if least < 5 {
		o.Warnings = append(o.Warnings, fmt.Errorf("experiment: %w: %.3g expected in a cell, 5 are wanted", ErrTooFew, least))
	}
}
