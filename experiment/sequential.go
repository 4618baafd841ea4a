package experiment

import (
	"fmt"
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// sequential replaces the fixed interval and p-values by those of an
// asymptotic confidence sequence, which hold at every look at once
// (I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas,
// "Time-uniform central limit theory and asymptotic confidence sequences",
// Annals of Statistics 52 (2024)), tuned to be narrowest at planned users:
//
//	ρ²   = (−2·ln α + ln(1 − 2·ln α))/planned,  n = na + nb
//	half = √( n·V·2(nρ²+1)/(n²ρ²)·ln(√(nρ²+1)/α) )
//
// with α doubled in ρ and the logarithm ln(1 + √(nρ²+1)/(2α)) when one-sided.
func (c *Comparison) sequential(n float64, o TestOptions) {
	alpha := 1 - o.Level
	width, rho2 := stats.SequenceWidth(n, float64(o.Sequential), alpha, o.Alternative != TwoSided)
	g := n*rho2 + 1
	for _, e := range []*Estimate{&c.Absolute, &c.Relative} {
		e.Lo, e.Hi = around(o.Alternative, e.Value, width*e.StdErr)
	}
	c.T = (c.Effect().Value - o.Null) / c.Effect().StdErr
	// The p-value is the α at which the interval ends at the null effect, with
	// ρ as planned.
	x := n * rho2 * c.T * c.T / (2 * g)
	two := min(1, math.Sqrt(g)*math.Exp(-x))
	one := min(1, math.Sqrt(g)/(2*math.Expm1(x)))
	c.PGreater, c.PLess = 1, 1
	if c.T > 0 {
		c.PGreater = one
	} else if c.T < 0 {
		c.PLess = one
	}
	c.P = two
	switch o.Alternative {
	case Greater:
		c.P = c.PGreater
	case Less:
		c.P = c.PLess
	}
	c.Method += ", always valid"
	c.always = true
	c.Adjustments = append(c.Adjustments, fmt.Sprintf("asymptotic confidence sequence planned for %d users, at %.0f: ρ %.6g, half width %.4g standard errors", o.Sequential, n, math.Sqrt(rho2), width))
}

// SequentialSRM tests for a sample ratio mismatch in a way that holds at every
// look: the p-value may be read after each user, and 0.001 stays 0.001. It is
// the Bayes factor of multinomial counts under a Dirichlet distribution around
// the weights, of a concentration (0: 10,000; within 1e-15 and 1e15), against the
// weights themselves (M. Lindon and A. Malek, "Anytime-valid inference for
// multinomial count data", NeurIPS 2022). Weights must be positive; ChiSquare
// holds twice the logarithm of the Bayes factor, which is negative where the
// counts speak for the weights.
func SequentialSRM(counts []int, weights []float64, concentration float64) (SampleRatio, error) {
	const fn = "SequentialSRM"
	if concentration == 0 {
		concentration = defaultConcentration
	}
	if !(concentration >= 1/mostConcentration && concentration <= mostConcentration) {
		return SampleRatio{}, &OptionError{fn, "concentration", concentration, "want a number from 1e-15 to 1e15, or 0 for 10,000"}
	}
	s, err := SRM(counts, weights)
	if err != nil {
		return SampleRatio{}, err
	}
	for i, e := range s.Expected {
		if e == 0 {
			return SampleRatio{}, &OptionError{fn, fmt.Sprintf("weights[%d]", i), weights[i], "want more than 0"}
		}
	}
	return s.sequential(concentration), nil
}

// sequential replaces the test by the one that holds at every look. Units in
// an arm of weight 0 are as certain a mismatch as before.
func (s SampleRatio) sequential(concentration float64) SampleRatio {
	if s.DF == 0 || math.IsInf(s.ChiSquare, 1) {
		return s
	}
	total := 0.0
	for _, n := range s.Counts {
		total += float64(n)
	}
	// With a = c·θ the logarithm of the Bayes factor,
	//
	//	ln Γ(c) − ln Γ(c+N) + Σ (ln Γ(a+n) − ln Γ(a) − n·ln θ),
	//
	// is a small difference of large numbers. By Stirling's formula it is
	// (c+N) times the divergence of the shares (a+n)/(c+N) from θ, less half of
	// the logarithms of a+n over a, plus what the formula is off.
	bf := math.Log1p(total/concentration)/2 + stirlingError(concentration) - stirlingError(concentration+total)
	for i, e := range s.Expected {
		theta := e / total
		if theta == 0 {
			continue
		}
		a, n := max(concentration*theta, math.SmallestNonzeroFloat64), float64(s.Counts[i])
		more := math.Log(a+n) - math.Log(a)
		if n < a {
			more = math.Log1p(n / a)
		}
		bf += divergence(a, n, e) - more/2 + stirlingError(a+n) - stirlingError(a)
	}
	s.ChiSquare = 2 * bf
	s.P = min(1, math.Exp(-bf))
	return s
}

// divergence is (a+n)·ln((a+n)/(a+e)) − (n−e), which is never negative.
func divergence(a, n, e float64) float64 {
	x := (n - e) / (a + e)
	switch {
	case x > 1:
		return (a+n)*(math.Log(a+n)-math.Log(a+e)) - (n - e)
	case x <= -1:
		return a + e
	case math.Abs(x) < 1e-3:
		return (a + e) * x * x * (1./2 - x*(1./6-x*(1./12-x*(1./20-x*(1./30-x/42)))))
	}
	return (a + e) * ((1+x)*math.Log1p(x) - x)
}

// stirlingError is ln Γ(x) − ((x − ½)·ln x − x + ½·ln 2π).
func stirlingError(x float64) float64 {
	if x < 16 {
		v, _ := math.Lgamma(x)
		return v - ((x-.5)*math.Log(x) - x + math.Log(2*math.Pi)/2)
	}
	y := 1 / x
	return y * (1./12 - y*y*(1./360-y*y*(1./1260-y*y*(1./1680-y*y*(1./1188-y*y*691./360360)))))
}

const (
	defaultConcentration = 10_000
	mostConcentration    = 1e15
)
