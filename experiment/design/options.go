package design

import (
	"errors"
	"fmt"
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// ErrInput is wrapped by every error of this package's own.
var ErrInput = errors.New("impossible design")

// Error carries an argument that makes a design impossible. It wraps
// [ErrInput].
type Error struct {
	Func, Arg string
	Value     float64
	Reason    string
}

func (e *Error) Error() string {
	return fmt.Sprintf("design: %s: %s is %v, %s", e.Func, e.Arg, e.Value, e.Reason)
}

// Unwrap returns [ErrInput].
func (e *Error) Unwrap() error { return ErrInput }

// Options of a design. The zero value and nil are the defaults.
type Options struct {
	// Alpha is the chance of a false positive. Default: 0.05.
	Alpha float64
	// Power is the chance of finding the effect. Default: 0.8.
	Power float64
	// OneSided tests in the direction of the effect only.
	OneSided bool
	// Ratio is users in treatment for each in control. Default: 1.
	Ratio float64
	// Correlation of the metric with covariates from before the exposure:
	// their adjustment takes its square off the variance. Default: 0.
	Correlation float64
	// Margin, for non-inferiority, adds to the effect: the test is that
	// treatment is not worse than control by as much. Default: 0.
	Margin float64
	// Tests is how many tests share Alpha, by Bonferroni: the treatment arms of
	// an experiment, times the metrics that decide. Default: 1.
	Tests int
	// Strict counts rejections in the wrong direction as power too, as some
	// tools do.
	Strict bool
}

func (o *Options) resolve(fn string) (Options, error) {
	var r Options
	if o != nil {
		r = *o
	}
	set := func(x *float64, value float64) {
		if *x == 0 {
			*x = value
		}
	}
	set(&r.Alpha, .05)
	set(&r.Power, .8)
	set(&r.Ratio, 1)
	switch {
	case !(r.Alpha > 0 && r.Alpha < 1 && sized(r.Alpha)):
		return r, &Error{fn, "Alpha", r.Alpha, "want 0 < Alpha < 1, or 0 for 0.05"}
	case !(r.Power > 0 && r.Power < 1):
		return r, &Error{fn, "Power", r.Power, "want 0 < Power < 1, or 0 for 0.8"}
	case r.Power <= r.tail()/float64(max(1, r.Tests)):
		return r, &Error{fn, "Power", r.Power, "want more than the chance of a false positive"}
	case !(r.Ratio > 0) || !sized(r.Ratio):
		return r, &Error{fn, "Ratio", r.Ratio, "want a positive number, or 0 for 1"}
	case !(r.Correlation > -1 && r.Correlation < 1):
		return r, &Error{fn, "Correlation", r.Correlation, "want −1 < Correlation < 1"}
	case !(r.Margin >= 0) || !sized(r.Margin):
		return r, &Error{fn, "Margin", r.Margin, "want a finite number, not negative"}
	}
	if r.Tests < 0 {
		return r, &Error{fn, "Tests", float64(r.Tests), "want at least 1, or 0 for 1"}
	}
	r.Alpha /= float64(max(1, r.Tests))
	return r, nil
}

// tail is the chance of a false positive in the direction of the effect.
func (o Options) tail() float64 {
	if o.OneSided {
		return o.Alpha
	}
	return o.Alpha / 2
}

func (o Options) z() float64 { return -stats.NormalQuantile(o.tail()) }

// solve returns the x in (0, ∞) at which an increasing f reaches a target, by
// doubling and bisection on the logarithm; NaN when it does not by 1e18.
func solve(target float64, f func(x float64) float64) float64 {
	lo, hi := 1e-12, 1.0
	for f(hi) < target {
		if lo = hi; hi > 1e18 {
			return math.NaN()
		}
		hi *= 2
	}
	for range 200 {
		mid := math.Sqrt(lo * hi)
		if hi/lo < 1+1e-15 || mid <= lo || mid >= hi {
			break
		}
		if f(mid) < target {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Sqrt(lo * hi)
}

func positive(fn, arg string, x float64) error {
	if !(x > 0) || !sized(x) {
		return &Error{fn, arg, x, "want a positive number"}
	}
	return nil
}

// sized tells whether squares of a number, and quotients of these, are numbers.
func sized(x float64) bool { return x == 0 || math.Abs(x) >= 1e-60 && math.Abs(x) <= 1e60 }
