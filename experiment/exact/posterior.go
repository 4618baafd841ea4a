package exact

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/stats"
)

// Beta is a prior of a proportion: a beta distribution, as if A − 1 successes
// and B − 1 failures had been seen before. The zero value is 1 and 1, the uniform
// one; ½ and ½ is Jeffreys'. A and B are from ½ to 1e9.
type Beta struct{ A, B float64 }

// Chances is the result of [ProportionPosterior].
type Chances struct {
	// Control and Treatment are the posterior means, standard deviations and
	// credible intervals, with equal tails.
	Control, Treatment experiment.Estimate
	// ChanceToWin is that of the treatment's proportion being the higher one.
	ChanceToWin float64
	// What is lost of the proportion on average by shipping the treatment, and by
	// staying with the control.
	LossOfTreatment, LossOfControl float64
}

// String tells the proportions, the chance and the losses.
func (c Chances) String() string {
	return fmt.Sprintf("%v against %v: chance to win %.2f %%, loss of treatment %.3g, of control %.3g", c.Treatment, c.Control, 100*c.ChanceToWin, c.LossOfTreatment, c.LossOfControl)
}

// ProportionPosterior returns what to believe of two proportions after a table
// and under a prior, the same for both arms, where counts are too small for
// [experiment.Comparison.Posterior]. With the posteriors beta(A + successes, B +
// failures), of densities f and distribution functions F,
//
//	chance to win      ∫ f_treatment·F_control
//	loss of treatment  ∫ F_treatment·(1 − F_control)
//	loss of control    ∫ F_control·(1 − F_treatment)
//
// by quadrature, to about 1e-10. Level 0 is 0.95. Where lower is better count
// failures for successes.
func ProportionPosterior(t Table, prior Beta, level float64) (Chances, error) {
	const fn = "ProportionPosterior"
	if level == 0 {
		level = .95
	}
	if !(level >= 1e-9 && level < 1) {
		return Chances{}, invalid(fn, "level", level, "want 1e-9 ≤ level < 1, or 0 for 0.95")
	}
	if prior == (Beta{}) {
		prior = Beta{1, 1}
	}
	if !(min(prior.A, prior.B) >= .5 && max(prior.A, prior.B) <= 1e9) {
		return Chances{}, invalid(fn, "prior", prior, "want A and B from 0.5 to 1e9, or neither for 1 and 1")
	}
	if err := t.check(fn, "t"); err != nil {
		return Chances{}, err
	}
	a, b := prior.after(t.Control), prior.after(t.Treatment)
	out := Chances{Control: a.estimate(level), Treatment: b.estimate(level)}
	lo, hi := a.span()
	from, to := b.span()
	ends := []float64{lo, hi, from, to}
	slices.Sort(ends)
	density := b.density()
	all := integral(ends, from, to, density)
	out.ChanceToWin = integral(ends, from, to, func(angle float64) float64 { return density(angle) * a.below(angle) }) / all
	out.ChanceToWin = min(1, out.ChanceToWin)
	out.LossOfTreatment = integral(ends, ends[0], ends[3], func(angle float64) float64 { return b.below(angle) * a.above(angle) * math.Sin(2*angle) })
	out.LossOfControl = integral(ends, ends[0], ends[3], func(angle float64) float64 { return a.below(angle) * b.above(angle) * math.Sin(2*angle) })
	return out, nil
}

func (p Beta) after(c Count) Beta {
	return Beta{p.A + float64(c.Successes), p.B + float64(c.Users-c.Successes)}
}

func (p Beta) estimate(level float64) experiment.Estimate {
	n, tail := p.A+p.B, (1-level)/2
	return experiment.Estimate{
		Value: p.A / n, StdErr: math.Sqrt(p.A / n * (p.B / n) / (n + 1)),
		Lo: stats.BetaQuantile(tail, p.A, p.B), Hi: stats.BetaISF(tail, p.A, p.B), Level: level,
	}
}

// Proportions are sin² of an angle here: a beta distribution then has a standard
// deviation of nearly 1/(2√n) wherever it is, and no poles.

// mode is the likeliest angle.
func (p Beta) mode() float64 {
	a, b := 2*p.A-1, 2*p.B-1
	if a == 0 && b == 0 {
		return math.Pi / 4
	}
	return math.Atan2(math.Sqrt(a), math.Sqrt(b))
}

// span returns angles beyond which there is nothing.
func (p Beta) span() (lo, hi float64) {
	far := 16 / (2 * math.Sqrt(p.A+p.B))
	return max(0, p.mode()-far), min(math.Pi/2, p.mode()+far)
}

// density is that of the angle, relative to the mode's.
func (p Beta) density() func(angle float64) float64 {
	mode := p.mode()
	sin, cos := math.Sincos(mode)
	return func(angle float64) float64 {
		// Logarithms of ratios near 1: large exponents are multiplied with them.
		half, mid := math.Sin((angle-mode)/2), (angle+mode)/2
		log := 0.0
		if p.A != .5 {
			log += (2*p.A - 1) * math.Log1p(2*math.Cos(mid)*half/sin)
		}
		if p.B != .5 {
			log += (2*p.B - 1) * math.Log1p(-2*math.Sin(mid)*half/cos)
		}
		return math.Exp(log)
	}
}

// Of a proportion and what it lacks of 1, the smaller one has all digits.

func (p Beta) below(angle float64) float64 {
	s, c := math.Sincos(angle)
	if s > c {
		return stats.BetaSF(c*c, p.B, p.A)
	}
	return stats.BetaCDF(s*s, p.A, p.B)
}

func (p Beta) above(angle float64) float64 {
	s, c := math.Sincos(angle)
	if s > c {
		return stats.BetaCDF(c*c, p.B, p.A)
	}
	return stats.BetaSF(s*s, p.A, p.B)
}

// integral sums f from an angle to another one, in pieces between the ends.
func integral(ends []float64, from, to float64, f func(angle float64) float64) float64 {
	const panels, order = 24, 12
	var sum stats.Sum
	for i, a := range ends[:len(ends)-1] {
		b := ends[i+1]
		if a < from || b > to || !(b > a) {
			continue
		}
		for i := range panels {
			k := float64(i)
			sum.Add(quad.Fixed(f, a+(b-a)*k/panels, a+(b-a)*(k+1)/panels, order, nil, 0))
		}
	}
	return sum.Value()
}
