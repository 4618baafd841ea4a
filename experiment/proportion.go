package experiment

import (
	"fmt"
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// Difference is how the standard error of a difference of proportions is made.
type Difference uint8

const (
	// Score takes the proportions most likely under the null difference
	// (O. S. Miettinen and M. Nurminen, Statistics in Medicine 4 (1985), with the
	// variance of C. P. Farrington and G. Manning, Statistics in Medicine 9
	// (1990)); at a null of 0 it is the pooled test.
	Score Difference = iota
	// Unpooled takes the proportions seen, and normal tails.
	Unpooled
	// AgrestiCaffo adds one of each to both arms (A. Agresti and B. Caffo, The
	// American Statistician 54 (2000)).
	AgrestiCaffo
	// Miettinen is Score with the variance n/(n − 1) of Miettinen and Nurminen,
	// and intervals of the difference and of the ratio that invert it: they hold
	// exactly what the test does not reject.
	Miettinen
)

func (v Difference) String() string {
	if names := [...]string{"score", "unpooled", "Agresti–Caffo", "Miettinen–Nurminen"}; int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("Difference(%d)", uint8(v))
}

// Proportions compares two proportions by a z-test of the difference against
// TestOptions.Null, on the absolute scale. The intervals go with it: Newcombe's
// hybrid of Wilson's for Score (R. G. Newcombe, Statistics in Medicine 17
// (1998), method 10), the inverted test for Miettinen, symmetric ones for the
// others; of the ratio the logarithm of D. Katz and others (Biometrics 34
// (1978)), or the inverted test for Miettinen. Moments of another kind are
// [ErrKind]; a relative scale, Sequential and another Interval than Delta are
// refused. [Welch] is as good for large arms; this is for small ones, for
// non-inferiority margins, and for tails to be compared with tools that use the
// normal distribution.
func Proportions(control, treatment *Moments, v Difference, opts *TestOptions) (Comparison, error) {
	const fn = "Proportions"
	o, err := opts.resolve(fn)
	if err != nil {
		return Comparison{}, err
	}
	if v > Miettinen {
		return Comparison{}, &OptionError{fn, "v", v, "want one of the constants"}
	}
	if o.Scale != Absolute || o.Sequential > 0 || o.Interval != Delta {
		return Comparison{}, &OptionError{fn, "Scale", o.Scale, "want Absolute, not sequential, with the interval that the method has"}
	}
	var x, n [2]float64
	c := Comparison{Method: "z-test of proportions, " + v.String(), Scale: Absolute, Null: o.Null, Alternative: o.Alternative, DF: math.Inf(1)}
	for i, m := range []*Moments{control, treatment} {
		e, err := m.estimate(fn, [2]string{"control", "treatment"}[i])
		if err != nil {
			return Comparison{}, err
		}
		if m.Kind != Proportion {
			return Comparison{}, &ValueError{fn, "kind", m.Kind.String(), ErrKind}
		}
		x[i], n[i] = m.Sum(), float64(m.n)
		*[2]*Sample{&c.Control, &c.Treatment}[i] = Sample{N: e.n, Mean: e.mean, StdDev: e.sd, StdErr: math.Sqrt(e.v)}
	}
	pa, pb := x[0]/n[0], x[1]/n[1]
	d, se := pb-pa, 0.0
	level := o.Level
	if o.Alternative != TwoSided {
		level = 2*o.Level - 1
	}
	z := -stats.NormalQuantile((1 - level) / 2)
	c.Absolute = Estimate{Value: d, Level: o.Level}
	center := d
	switch v {
	case Score:
		se = scoreError(x, n, o.Null)
		la, ha := stats.Wilson(x[0], n[0], z)
		lb, hb := stats.Wilson(x[1], n[1], z)
		c.Absolute.Lo = d - math.Hypot(pb-lb, ha-pa)
		c.Absolute.Hi = d + math.Hypot(hb-pb, pa-la)
	case AgrestiCaffo:
		qa, qb := (x[0]+1)/(n[0]+2), (x[1]+1)/(n[1]+2)
		center, se = qb-qa, math.Sqrt(qa*(1-qa)/(n[0]+2)+qb*(1-qb)/(n[1]+2))
	case Miettinen:
		se = scoreError(x, n, o.Null) * correction(n)
		c.Absolute.Lo, c.Absolute.Hi = scoreDifference(x, n, z)
	default:
		se = math.Sqrt(pa*(1-pa)/n[0] + pb*(1-pb)/n[1])
	}
	if v == Unpooled || v == AgrestiCaffo {
		c.Absolute.Lo, c.Absolute.Hi = center-z*se, center+z*se
	}
	c.Absolute.StdErr, c.base = se, pa
	c.Relative = ratioEstimate(x, n, z, o.Level)
	if v == Miettinen && pa > 0 {
		c.Relative.Lo, c.Relative.Hi = scoreRatio(x, n, z)
	}
	if pa == 0 {
		c.Warnings = append(c.Warnings, fmt.Errorf("experiment: %w: no relative effect", ErrZero))
	}
	for _, e := range []*Estimate{&c.Absolute, &c.Relative} {
		switch o.Alternative {
		case Greater:
			e.Hi = math.Inf(1)
		case Less:
			e.Lo = math.Inf(-1)
		}
	}
	if !(se > 0) {
		c.undecided()
		return c, nil
	}
	c.T = (center - o.Null) / se
	c.PGreater, c.PLess = stats.NormalSF(c.T), stats.NormalCDF(c.T)
	c.P = pFor(o.Alternative, c.PGreater, c.PLess)
	return c, nil
}

// ratioEstimate is the relative effect with Katz's interval of the ratio.
func ratioEstimate(x, n [2]float64, z, level float64) Estimate {
	pa, pb := x[0]/n[0], x[1]/n[1]
	e := Estimate{Value: math.NaN(), StdErr: math.NaN(), Lo: math.NaN(), Hi: math.NaN(), Level: level}
	if pa == 0 {
		return e
	}
	r := pb / pa
	e.Value = r - 1
	e.StdErr = r * math.Sqrt((1-pa)/x[0]+(1-pb)/max(x[1], .5))
	if pb == 0 {
		// The logarithm needs something: half an event.
		x[1] += .5
		n[1]++
		pb, r = x[1]/n[1], x[1]/n[1]/pa
		w := math.Exp(z * math.Sqrt((1-pa)/x[0]+(1-pb)/x[1]))
		e.Lo, e.Hi = -1, r*w-1
		return e
	}
	w := math.Exp(z * math.Sqrt((1-pa)/x[0]+(1-pb)/x[1]))
	e.Lo, e.Hi = r/w-1, r*w-1
	return e
}
