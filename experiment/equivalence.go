package experiment

import (
	"fmt"
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// Equivalence is the result of [Comparison.Equivalence].
type Equivalence struct {
	Low, High float64 // the margins, on the scale that was tested
	// PLow and PHigh are the one-sided p-values against an effect of Low or
	// less, and of High or more.
	PLow, PHigh float64
	// P is the larger of the two: of the effect not being within the margins.
	P float64
	// Interval is the effect with the interval that lies within the margins
	// when P is below half of one less its level: two one-sided tests at 5 %
	// go with an interval of 90 %.
	Interval Estimate
}

// String tells the margins, the effect and the p-value.
func (e Equivalence) String() string {
	return fmt.Sprintf("effect %v at %g%% within %g and %g: p %.3g", e.Interval, 100*e.Interval.Level, e.Low, e.High, e.P)
}

// Equivalence tests whether the effect is between two margins, by two one-sided
// tests (D. J. Schuirmann, "A comparison of the two one-sided tests procedure
// and the power approach", J. Pharmacokinetics and Biopharmaceutics 15 (1987)).
// A p-value that is not small says nothing about a difference. For
// non-inferiority give one margin and an infinity: PLow is its test, of "not
// worse by as much". The tails are those of the comparison: of Student's t with
// its degrees of freedom, or of the normal distribution where these are
// infinite. Comparisons that are always valid are refused, and margins that
// leave nothing between them.
func (c Comparison) Equivalence(low, high float64) (Equivalence, error) {
	const fn = "Equivalence"
	e := c.Effect()
	switch {
	case e.Level <= .5:
		return Equivalence{}, &OptionError{fn, "comparison of level", e.Level, "want more than 0.5"}
	case !(low < high):
		return Equivalence{}, &OptionError{fn, "margins", []float64{low, high}, "want the lower below the upper"}
	case c.always:
		return Equivalence{}, &OptionError{fn, "comparison", c.Method, "want one that is read once"}
	case !(e.StdErr > 0) || !(c.DF > 0):
		return Equivalence{}, &ValueError{fn, "standard error", e.StdErr, ErrNoVariance}
	}
	tail := func(t float64) float64 {
		if math.IsInf(c.DF, 1) || math.IsInf(t, 0) {
			return stats.NormalSF(t)
		}
		return stats.StudentSF(t, c.DF)
	}
	out := Equivalence{Low: low, High: high, PLow: tail((e.Value - low) / e.StdErr), PHigh: tail((high - e.Value) / e.StdErr)}
	out.P = max(out.PLow, out.PHigh)
	level := 2*e.Level - 1
	out.Interval = Estimate{Value: e.Value, StdErr: e.StdErr, Level: level}
	q := -stats.NormalQuantile((1 - level) / 2)
	if !math.IsInf(c.DF, 1) {
		q = stats.StudentISF((1-level)/2, c.DF)
	}
	out.Interval.Lo, out.Interval.Hi = e.Value-q*e.StdErr, e.Value+q*e.StdErr
	return out, nil
}
