package design

import (
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// ProportionPower returns the power of the test of two proportions with n
// users in control and n·Ratio in treatment, pooled variance under the null
// hypothesis, as R's power.prop.test does for equal arms.
func ProportionPower(n, p1, p2 float64, opts *Options) (float64, error) {
	const fn = "ProportionPower"
	o, err := opts.resolve(fn)
	if err == nil {
		err = positive(fn, "n", n)
	}
	if err == nil {
		err = proportions(fn, p1, p2, o)
	}
	if err != nil {
		return 0, err
	}
	return proportionPower(n, p1, p2, o), nil
}

func proportions(fn string, p1, p2 float64, o Options) error {
	switch {
	case !(p1 > 0 && p1 < 1 && sized(p1)):
		return &Error{fn, "p1", p1, "want 0 < p1 < 1"}
	case !(p2 > 0 && p2 < 1 && sized(p2)):
		return &Error{fn, "p2", p2, "want 0 < p2 < 1"}
	case p1 == p2 && o.Margin == 0:
		return &Error{fn, "p2", p2, "want another than p1"}
	}
	return nil
}

func proportionPower(n, p1, p2 float64, o Options) float64 {
	k := 1 / o.Ratio
	pooled := (p1 + o.Ratio*p2) / (1 + o.Ratio)
	shrink := math.Sqrt(1 - o.Correlation*o.Correlation)
	null := shrink * math.Sqrt(pooled*(1-pooled)*(1+k))
	alt := shrink * math.Sqrt(p1*(1-p1)+p2*(1-p2)*k)
	x := math.Sqrt(n) * (math.Abs(p1-p2) + o.Margin)
	p := stats.NormalSF((o.z()*null - x) / alt)
	if o.Strict && !o.OneSided {
		p += stats.NormalSF((o.z()*null + x) / alt)
	}
	return p
}

// ProportionSize returns the users in control that a difference of two
// proportions needs.
func ProportionSize(p1, p2 float64, opts *Options) (float64, error) {
	const fn = "ProportionSize"
	o, err := opts.resolve(fn)
	if err == nil {
		err = proportions(fn, p1, p2, o)
	}
	if err != nil {
		return 0, err
	}
	n := solve(o.Power, func(n float64) float64 { return proportionPower(n, p1, p2, o) })
	if math.IsNaN(n) {
		return 0, &Error{fn, "p2", p2, "too near to p1 for any number of users"}
	}
	return n, nil
}

// ProportionEffect returns the smallest proportion above p1 that n users in
// control, and n·Ratio in treatment, tell from it with the power wanted.
func ProportionEffect(n, p1 float64, opts *Options) (float64, error) {
	const fn = "ProportionEffect"
	o, err := opts.resolve(fn)
	if err == nil {
		err = positive(fn, "n", n)
	}
	if err == nil && !(p1 > 0 && p1 < 1 && sized(p1)) {
		err = &Error{fn, "p1", p1, "want 0 < p1 < 1"}
	}
	if err != nil {
		return 0, err
	}
	lo, hi := p1, 1.0
	if proportionPower(n, p1, math.Nextafter(1, 0), o) < o.Power {
		return 0, &Error{fn, "n", n, "too few for any effect"}
	}
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid <= lo || mid >= hi {
			break
		}
		if proportionPower(n, p1, mid, o) < o.Power {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + (hi-lo)/2, nil
}

// Arcsine returns Cohen's effect size h of two proportions,
// 2·asin √p2 − 2·asin √p1; the standard error of its estimate is
// √(1/n1 + 1/n2).
func Arcsine(p1, p2 float64) (float64, error) {
	if !(p1 >= 0 && p1 <= 1) {
		return 0, &Error{"Arcsine", "p1", p1, "want 0 ≤ p1 ≤ 1"}
	}
	if !(p2 >= 0 && p2 <= 1) {
		return 0, &Error{"Arcsine", "p2", p2, "want 0 ≤ p2 ≤ 1"}
	}
	return 2*math.Asin(math.Sqrt(p2)) - 2*math.Asin(math.Sqrt(p1)), nil
}
