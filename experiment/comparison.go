package experiment

import (
	"fmt"
	"math"
	"strings"

	"github.com/zhun-go/zhun/internal/stats"
)

// Sample is what one arm of a comparison was.
type Sample struct {
	Arm    string
	N      int64   // units of analysis, usually users
	Mean   float64 // as compared: of each stratum, weighted, when there are several
	StdDev float64 // of one value; 0 when no single number says it
	StdErr float64 // of the mean
}

// Comparison is the result of testing a treatment against a control. It
// repeats what was tested and how, and prints itself. Immutable; safe for
// concurrent use.
type Comparison struct {
	Metric             string
	Segment            string // of users, in [Readout.Segments]
	Method             string
	Control, Treatment Sample

	Absolute Estimate // treatment mean − control mean
	// Relative is that, over |control mean|; its standard error is by the delta
	// method, its interval as TestOptions.Interval says. NaN, with a warning that
	// wraps [ErrZero], where that mean is 0, or so near to it that the ratio is
	// beyond all numbers.
	Relative Estimate
	// Scale, Null and Alternative are what the test was about.
	Scale       Scale
	Null        float64
	Alternative Alternative
	T           float64 // the effect less the null effect, in standard errors
	DF          float64 // degrees of freedom, Welch–Satterthwaite; infinite of a normal test
	P           float64 // p-value for the Alternative
	PGreater    float64 // one-sided p-values, whatever the Alternative
	PLess       float64

	// Theta are the coefficients of covariates, where there are any.
	Theta []float64
	// Population is set by comparisons made from a [Readout].
	Population Population
	// Adjustments names what was done beyond the plain method, with numbers.
	Adjustments []string
	// Warnings are reasons for doubt. Test them with [errors.Is].
	Warnings []error

	always bool    // valid at every look
	base   float64 // size of the control mean, unadjusted
}

// Effect returns the estimate on the scale that was tested.
func (c Comparison) Effect() Estimate {
	if c.Scale == Relative {
		return c.Relative
	}
	return c.Absolute
}

// Diluted returns the absolute effect on all users of a site when the
// comparison is of the share of them whom the experiment could reach at all (a
// triggered analysis, which is the sharper one): the effect on the others is 0.
// It holds for metrics that are sums or means over users.
func (c Comparison) Diluted(share float64) (Estimate, error) {
	if !(share > 0 && share <= 1) {
		return Estimate{}, &OptionError{"Diluted", "share", share, "want 0 < share ≤ 1"}
	}
	e := c.Absolute
	return Estimate{Value: share * e.Value, StdErr: share * e.StdErr, Lo: share * e.Lo, Hi: share * e.Hi, Level: e.Level}, nil
}

// String prints the comparison over several lines.
func (c Comparison) String() string {
	var b strings.Builder
	name := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	ctl, trt := name(c.Control.Arm, "control"), name(c.Treatment.Arm, "treatment")
	fmt.Fprintf(&b, "%s: %s v %s (%s)\n", name(c.Metric, "metric"), trt, ctl, c.Method)
	width := max(len(ctl), len(trt))
	for _, s := range []struct {
		name string
		Sample
	}{{ctl, c.Control}, {trt, c.Treatment}} {
		fmt.Fprintf(&b, "  %-*s  n %d, mean %.6g ± %.3g\n", width, s.name, s.N, s.Mean, s.StdErr)
	}
	fmt.Fprintf(&b, "  difference  %+.6g [%+.6g, %+.6g] at %g%%\n", c.Absolute.Value, c.Absolute.Lo, c.Absolute.Hi, 100*c.Absolute.Level)
	if !math.IsNaN(c.Relative.Value) {
		fmt.Fprintf(&b, "  relative    %s\n", c.Relative.percent())
	}
	fmt.Fprintf(&b, "  p %.3g (%s, %s effect against %g, t %.4g, df %.6g)", c.P, c.Alternative, c.Scale, c.Null, c.T, c.DF)
	for _, a := range c.Adjustments {
		fmt.Fprintf(&b, "\n  adjusted: %s", a)
	}
	for _, w := range c.Warnings {
		fmt.Fprintf(&b, "\n  warning: %s", strings.TrimPrefix(w.Error(), "experiment: "))
	}
	return b.String()
}

// armEstimate is all that the last step of every comparison needs of an arm,
// however the estimate was made.
type armEstimate struct {
	n          int64
	mean       float64
	unadjusted float64 // the mean without covariates, else the same
	v          float64 // variance of the mean
	sd         float64
	satter     float64 // √(Σ v²/(n−1)) over the independent parts of v: the square would underflow
}

// finish tests the difference of two independent arms.
func (c *Comparison) finish(a, b armEstimate, o TestOptions) error {
	// The delta method: ∂/∂b = 1/|a|, ∂/∂a = −b/(a·|a|).
	k := math.Sqrt(a.v) * (b.mean / a.mean)
	return c.finishRelative(a, b, b.v+k*k, o)
}

// finishRelative is finish where the variance of the relative effect, times
// the square of the control mean, is given.
func (c *Comparison) finishRelative(a, b armEstimate, relative float64, o TestOptions) error {
	for i, e := range []armEstimate{a, b} {
		if x := e.mean + e.v; math.IsNaN(x-x) || e.v < 0 {
			return &ValueError{"Compare", [2]string{"control", "treatment"}[i] + " with mean and variance", []float64{e.mean, e.v}, ErrNotFinite}
		}
	}
	c.Scale, c.Null, c.Alternative = o.Scale, o.Null, o.Alternative
	c.Control.N, c.Control.Mean, c.Control.StdDev, c.Control.StdErr = a.n, a.mean, a.sd, math.Sqrt(a.v)
	c.Treatment.N, c.Treatment.Mean, c.Treatment.StdDev, c.Treatment.StdErr = b.n, b.mean, b.sd, math.Sqrt(b.v)
	c.DF = math.Pow((a.v+b.v)/math.Hypot(a.satter, b.satter), 2)
	c.Absolute = Estimate{Value: b.mean - a.mean, StdErr: math.Sqrt(a.v + b.v), Level: o.Level}
	c.Relative = Estimate{Value: math.NaN(), StdErr: math.NaN(), Lo: math.NaN(), Hi: math.NaN(), Level: o.Level}
	base := math.Abs(a.unadjusted)
	c.base = base
	value, stderr := (b.mean-a.mean)/base, math.Sqrt(max(0, relative))/base
	if x := value + stderr; base != 0 && !math.IsNaN(x-x) {
		c.Relative.Value, c.Relative.StdErr = value, stderr
	} else {
		err := fmt.Errorf("experiment: %w: no relative effect", ErrZero)
		if o.Scale == Relative {
			return err
		}
		c.Warnings = append(c.Warnings, err)
	}
	if !(c.Absolute.StdErr > 0) || !(c.DF > 0) {
		c.undecided()
		return nil
	}
	if o.Sequential > 0 {
		c.sequential(float64(a.n+b.n), o)
		return nil
	}
	q := quantileFor(o, c.DF)
	for _, e := range []*Estimate{&c.Absolute, &c.Relative} {
		e.Lo, e.Hi = around(o.Alternative, e.Value, q*e.StdErr)
	}
	if err := c.relativeInterval(a, b, q, o); err != nil {
		return err
	}
	c.T = (c.Effect().Value - o.Null) / c.Effect().StdErr
	// One tail is all that is computed; what is small is never a difference.
	tail := stats.StudentSF(math.Abs(c.T), c.DF)
	c.PGreater, c.PLess = tail, 1-tail
	if c.T < 0 {
		c.PGreater, c.PLess = 1-tail, tail
	}
	c.P = pFor(o.Alternative, c.PGreater, c.PLess)
	return nil
}

// undecided is the result when all values of both arms are the same: nothing
// was learnt about their spread, so no effect is excluded.
func (c *Comparison) undecided() {
	c.DF, c.T = 0, 0
	c.P, c.PGreater, c.PLess = 1, 1, 1
	c.Absolute.Lo, c.Absolute.Hi = math.Inf(-1), math.Inf(1)
	if !math.IsNaN(c.Relative.Value) {
		c.Relative.Lo, c.Relative.Hi = math.Inf(-1), math.Inf(1)
	}
	c.Warnings = append(c.Warnings, fmt.Errorf("experiment: %w: all values are %v and %v", ErrNoVariance, c.Control.Mean, c.Treatment.Mean))
}

func quantileFor(o TestOptions, df float64) float64 {
	if o.Alternative == TwoSided {
		return stats.StudentISF((1-o.Level)/2, df)
	}
	return stats.StudentISF(1-o.Level, df)
}

func around(alt Alternative, value, half float64) (lo, hi float64) {
	lo, hi = value-half, value+half
	switch alt {
	case Greater:
		hi = math.Inf(1)
	case Less:
		lo = math.Inf(-1)
	}
	return lo, hi
}

func pFor(alt Alternative, greater, less float64) float64 {
	switch alt {
	case Greater:
		return greater
	case Less:
		return less
	}
	return min(1, 2*min(greater, less))
}

// Population says which users a comparison made from a [Readout] is about.
type Population struct {
	Exposed    int // users exposed to either arm, before anything is left out
	Crossovers int // of them, seen in several arms
	Immature   int // of them, with an outcome window still open
	LeftOut    int // of them, in an epoch or a stratum too small to compare
}
