package exact

import (
	"fmt"
	"math"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/stats"
)

func invalid(fn, field string, value any, reason string) error {
	return &experiment.OptionError{Func: "exact." + fn, Field: field, Value: value, Reason: reason}
}

func tooFew(fn, what string, value any) error {
	return &experiment.ValueError{Func: "exact." + fn, What: what, Value: value, Err: experiment.ErrTooFew}
}

// Count is how many of the users of an arm, at most 2⁵², had a success.
type Count struct{ Successes, Users int64 }

// Table is the counts of two arms.
type Table struct{ Control, Treatment Count }

// check bounds the users so that both arms together, and one more, are counted
// without rounding.
func (t Table) check(fn, name string) error {
	for _, c := range []Count{t.Control, t.Treatment} {
		if c.Users < 0 || c.Successes < 0 || c.Successes > c.Users || c.Users > 1<<52 {
			return invalid(fn, name, t, "want 0 ≤ Successes ≤ Users ≤ 2⁵²")
		}
	}
	if min(t.Control.Users, t.Treatment.Users) < 1 {
		return tooFew(fn, name, fmt.Sprint(t))
	}
	return nil
}

// Fisher returns the p-value of Fisher's exact test of two proportions,
// conditional on all margins: at most its level, whatever the sizes. The
// two-sided p-value adds the tables that are no more likely than the one seen.
// It takes as many steps as there are successes.
func Fisher(t Table, alternative experiment.Alternative) (float64, error) {
	const fn = "Fisher"
	if err := t.check(fn, "t"); err != nil {
		return 0, err
	}
	if alternative > experiment.Less {
		return 0, invalid(fn, "alternative", alternative, "want TwoSided, Greater or Less")
	}
	// The number of successes in treatment, given their total, is
	// hypergeometric.
	x, n0, n1 := float64(t.Treatment.Successes), float64(t.Control.Users), float64(t.Treatment.Users)
	total := x + float64(t.Control.Successes)
	lo, hi := max(0, total-n0), min(n1, total)
	if lo == hi {
		return 1, nil
	}
	p := total / (n0 + n1)
	scale := stats.BinomialPMF(total, n0+n1, p)
	return tail(x, lo, hi, alternative, func(k float64) float64 {
		return stats.BinomialPMF(k, n1, p) / scale * stats.BinomialPMF(total-k, n0, p)
	}), nil
}

// tail adds the probabilities of what is at least as extreme as x.
func tail(x, lo, hi float64, alternative experiment.Alternative, density func(k float64) float64) float64 {
	seen := density(x) * (1 + 1e-7) // as R does, for ties that rounding breaks
	var sum stats.Sum
	for k := lo; k <= hi; k++ {
		d, in := density(k), false
		switch alternative {
		case experiment.Greater:
			in = k >= x
		case experiment.Less:
			in = k <= x
		default:
			in = d <= seen
		}
		if in {
			sum.Add(d)
		}
	}
	return min(1, sum.Value())
}

// Stratified is the result of [CochranMantelHaenszel].
type Stratified struct {
	ChiSquare, P float64
	// OddsRatio of treatment to control, common to all strata, after Mantel and
	// Haenszel, with the interval of J. Robins, N. Breslow and S. Greenland
	// (Biometrics 42 (1986)).
	OddsRatio experiment.Estimate
}

// CochranMantelHaenszel tests whether two proportions differ in the same
// direction over strata, such as countries, or epochs with other weights, which
// pooling would confound (N. Mantel and W. Haenszel, "Statistical aspects of
// the analysis of data from retrospective studies of disease", JNCI 22 (1959)).
// Corrected takes ½ off for continuity, as R does by default. The standard
// error of the odds ratio is on the logarithmic scale; level 0 is 0.95. Strata
// with fewer than two users in all say nothing; strata without any success or
// failure neither.
func CochranMantelHaenszel(strata []Table, corrected bool, level float64) (Stratified, error) {
	const fn = "CochranMantelHaenszel"
	if level == 0 {
		level = .95
	}
	if !(level >= 1e-9 && level < 1) {
		return Stratified{}, invalid(fn, "level", level, "want 1e-9 ≤ level < 1, or 0 for 0.95")
	}
	var d, v, r, s, pr, mixed, qs float64
	for i, t := range strata {
		if err := t.check(fn, fmt.Sprintf("strata[%d]", i)); err != nil {
			return Stratified{}, err
		}
		x1, x0 := float64(t.Treatment.Successes), float64(t.Control.Successes)
		n1, n0 := float64(t.Treatment.Users), float64(t.Control.Users)
		n, c := n1+n0, x1+x0
		d += x1 - n1*c/n
		if n > 1 {
			v += n1 * n0 / n * c / n * (n - c) / (n - 1)
		}
		same, cross := x1*(n0-x0)/n, (n1-x1)*x0/n
		p, q := (x1+n0-x0)/n, (n1-x1+x0)/n
		r, s = r+same, s+cross
		pr, mixed, qs = pr+p*same, mixed+p*cross+q*same, qs+q*cross
	}
	if !(v > 0) {
		return Stratified{}, tooFew(fn, "strata with both successes and failures, of", len(strata))
	}
	d = math.Abs(d)
	if corrected && d >= .5 {
		d -= .5
	}
	out := Stratified{ChiSquare: d * d / v}
	out.P = stats.ChiSquareSF(out.ChiSquare, 1)
	z := -stats.NormalQuantile((1 - level) / 2)
	e := experiment.Estimate{Value: r / s, Lo: 0, Hi: math.Inf(1), Level: level, StdErr: math.Inf(1)}
	if r > 0 && s > 0 {
		e.StdErr = math.Sqrt(pr/(2*r*r) + mixed/(2*r*s) + qs/(2*s*s))
		e.Lo, e.Hi = e.Value*math.Exp(-z*e.StdErr), e.Value*math.Exp(z*e.StdErr)
	}
	out.OddsRatio = e
	return out, nil
}
