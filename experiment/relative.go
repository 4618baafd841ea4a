package experiment

import (
	"fmt"
	"math"
)

// Interval is how the interval of a relative effect is made.
type Interval uint8

const (
	// Delta is symmetric around the estimate: good where the control mean is
	// well known. One-sided bounds feel it first: where its standard error is
	// 6.5 % of the mean, those at 90 % hold in 91.7 % from below, 88.4 % from above.
	Delta Interval = iota
	// Log is symmetric for the logarithm of the ratio of the means, which
	// must both be positive.
	Log
	// Fieller inverts the test of treatment = ratio × control, and is exact
	// for normal means (E. C. Fieller, "Some problems in interval
	// estimation", JRSS B 16 (1954)). It is unbounded where the control mean
	// cannot be told from 0.
	Fieller
)

func (i Interval) String() string {
	if names := [...]string{"delta", "log", "Fieller"}; int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("Interval(%d)", uint8(i))
}

// relativeInterval replaces the ends of the relative estimate, with the
// quantile q of the test. Covariates would need another formula.
func (c *Comparison) relativeInterval(a, b armEstimate, q float64, o TestOptions) error {
	if o.Interval == Delta || math.IsNaN(c.Relative.Value) {
		return nil
	}
	if c.Theta != nil {
		return &OptionError{"Compare", "Interval", o.Interval, "want Delta with covariates"}
	}
	r := b.mean / a.mean
	var lo, hi float64
	switch o.Interval {
	case Log:
		if !(a.mean > 0 && b.mean > 0) {
			return &ValueError{"Compare", "means for the logarithm", []float64{a.mean, b.mean}, ErrZero}
		}
		w := math.Exp(q * math.Sqrt(b.v/(b.mean*b.mean)+a.v/(a.mean*a.mean)))
		lo, hi = r/w-1, r*w-1
	default:
		g := q * q * a.v / (a.mean * a.mean)
		if g >= 1 {
			lo, hi = math.Inf(-1), math.Inf(1)
			break
		}
		w := q / math.Abs(a.mean) * math.Sqrt(b.v*(1-g)+r*r*a.v)
		lo, hi = (r-w)/(1-g)-1, (r+w)/(1-g)-1
	}
	if a.mean < 0 { // the effect is relative to |control|
		lo, hi = -hi, -lo
	}
	c.Relative.Lo, c.Relative.Hi = lo, hi
	switch o.Alternative {
	case Greater:
		c.Relative.Hi = math.Inf(1)
	case Less:
		c.Relative.Lo = math.Inf(-1)
	}
	c.Adjustments = append(c.Adjustments, fmt.Sprintf("relative interval by %v", o.Interval))
	return nil
}
