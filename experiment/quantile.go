package experiment

import (
	"fmt"
	"math"
	"slices"
)

// Quantile is a quantile of one arm with the order statistics that bound it:
// what a comparison of quantiles needs. Make it with [QuantileOf], or from the
// numbers of a query.
type Quantile struct {
	N     int64   // values
	Level float64 // 0.5 is the median
	Value float64 // the quantile
	// Lo and Hi are the order statistics that bound the quantile at 95 %, as
	// they are in a sample of Sampled values. Sampled 0 means N.
	Lo, Hi  float64
	Sampled int64
	// Clusters, when values come several to a user, are two variables per
	// user: how many of the user's values are at most Value, and how many
	// there are.
	Clusters *Joint
}

// QuantileOf returns a quantile of values: linear between order statistics
// (R's type 7), with the 95 % bounds at the ranks n·q ± z·√(n·q·(1−q)) of the
// binomial distribution in its normal approximation. Values are not changed.
func QuantileOf(values []float64, level float64) (Quantile, error) {
	n := len(values)
	switch {
	case !(level > 0 && level < 1):
		return Quantile{}, &OptionError{"QuantileOf", "level", level, "want 0 < level < 1"}
	case n < 2:
		return Quantile{}, &ValueError{"QuantileOf", "values, n", n, ErrTooFew}
	}
	for _, x := range values {
		if math.IsNaN(x - x) {
			return Quantile{}, &ValueError{"QuantileOf", "value", x, ErrNotFinite}
		}
	}
	xs := slices.Clone(values)
	slices.Sort(xs)
	ranks := quantileRanks(float64(n), level)
	return Quantile{N: int64(n), Level: level, Value: type7(xs, level), Lo: xs[int(ranks[0])], Hi: xs[int(ranks[1])]}, nil
}

const z975 = 1.959963984540054

// type7 is the quantile of sorted values, linear between order statistics.
func type7(xs []float64, level float64) float64 {
	h := float64(len(xs)-1) * level
	i := int(math.Floor(h))
	if i+1 >= len(xs) {
		return xs[len(xs)-1]
	}
	return between(xs[i], xs[i+1], h-float64(i))
}

// between is the number at a share of the way from lo to hi.
func between(lo, hi, share float64) float64 {
	if d := hi - lo; !math.IsInf(d, 1) {
		return min(hi, lo+share*d)
	}
	return (1-share)*lo + share*hi
}

// StdErr returns the standard error that the bounds imply, without clusters.
func (q Quantile) StdErr() float64 { return (q.Hi/2 - q.Lo/2) / z975 }

// Quantiles compares a quantile of two arms by Welch's test on the variances
// that the order statistics imply,
//
//	v = (n*/n)·(n−1)·((Hi−Lo)/(2·z))²
//
// for bounds taken at n* = Sampled values, inflated when values cluster in
// users by the variance of the share of values below the quantile against that
// of independent values (A. Deng, U. Knoblich and J. Lu, 2018). The order
// statistics are taken a rank or two wide, so that tests of a few hundred values
// are conservative: the 0.9 quantile of 250 and 400 is held in 97.3 % at 95 %.
func Quantiles(control, treatment Quantile, opts *TestOptions) (Comparison, error) {
	o, err := opts.resolve("Quantiles")
	if err != nil {
		return Comparison{}, err
	}
	var arms [2]armEstimate
	for i, q := range []Quantile{control, treatment} {
		if arms[i], err = q.estimate([2]string{"control", "treatment"}[i]); err != nil {
			return Comparison{}, err
		}
	}
	if control.Level != treatment.Level {
		return Comparison{}, &ValueError{"Quantiles", "levels", []float64{control.Level, treatment.Level}, ErrKind}
	}
	c := Comparison{Method: fmt.Sprintf("Welch's t on the %g quantile", control.Level)}
	if control.Clusters != nil || treatment.Clusters != nil {
		c.Method += ", clustered"
		c.Adjustments = append(c.Adjustments, "variance of users, not of values")
	}
	if err := c.finish(arms[0], arms[1], o); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

func (q Quantile) estimate(arm string) (armEstimate, error) {
	const fn = "Quantiles"
	bad := func(what string, v any, err error) (armEstimate, error) {
		return armEstimate{}, &ValueError{fn, arm + " with " + what, v, err}
	}
	switch {
	case !(q.Level > 0 && q.Level < 1):
		return armEstimate{}, &OptionError{fn, arm + ".Level", q.Level, "want 0 < Level < 1"}
	case q.N < 2:
		return bad("n", q.N, ErrTooFew)
	case math.IsNaN(q.Value - q.Value):
		return bad("value", q.Value, ErrNotFinite)
	case !(q.Hi >= q.Lo) || math.IsInf(q.Hi-q.Lo, 1):
		return bad("bounds", []float64{q.Lo, q.Hi}, ErrVariance)
	case q.Sampled < 0:
		return armEstimate{}, &OptionError{fn, arm + ".Sampled", q.Sampled, "want at least 0"}
	}
	n, sampled := float64(q.N), float64(q.N)
	if q.Sampled > 0 {
		sampled = float64(q.Sampled)
	}
	v := sampled / n * (n - 1) * q.StdErr() * q.StdErr()
	if q.Clusters != nil {
		below, err := q.Clusters.ratio(fn, arm)
		if err != nil {
			return armEstimate{}, err
		}
		v *= below.v / (q.Level * (1 - q.Level) / n)
	}
	return armEstimate{
		n: q.N, mean: q.Value, unadjusted: q.Value, v: v / n, sd: math.Sqrt(v),
		satter: v / n / math.Sqrt(n-1),
	}, nil
}
