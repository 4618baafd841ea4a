package experiment

import (
	"fmt"
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// Prior is what is believed of a relative effect before it is seen: a normal
// distribution, such as that of the effects of earlier experiments. The zero
// value believes nothing.
type Prior struct {
	Mean   float64 // of the relative effect: 0.01 is 1 %
	StdDev float64 // of the relative effect; 0 is no prior at all
	// LowerIsBetter is for metrics whose fall is the gain.
	LowerIsBetter bool
}

// Posterior is the result of [Comparison.Posterior]. Immutable; safe for
// concurrent use.
type Posterior struct {
	// Effect is the posterior mean, standard deviation and credible interval, with
	// equal tails, on the scale that was tested.
	Effect Estimate
	// ChanceToWin is that of the treatment being better than the control.
	ChanceToWin float64
	// What is lost on average by shipping the treatment, and by staying with the
	// control, on the scale that was tested: the effect where it is against the
	// choice, 0 where it is for it.
	LossOfTreatment, LossOfControl float64
}

// String tells the effect, the chance and the losses.
func (p Posterior) String() string {
	return fmt.Sprintf("effect %v, chance to win %.2f %%, loss of treatment %.3g, of control %.3g", p.Effect, 100*p.ChanceToWin, p.LossOfTreatment, p.LossOfControl)
}

// Posterior returns what to believe of the effect, from the comparison's
// estimate as normal data and a normal prior. With effect D, of mean μ and
// standard deviation σ afterwards, and x = μ/σ,
//
//	chance to win  Φ(x)            loss of treatment  E max(−D, 0) = σ·φ(x) − μ·Φ(−x)
//	                               loss of control    E max(D, 0)  = σ·φ(x) + μ·Φ(x)
//
// the other way round where lower is better. A prior on an absolute effect is
// scaled by the control mean, unadjusted. The level of the interval is that of
// the comparison. Small counts are not normal: package exact has their posterior.
//
// It may be read at any look, as every posterior; that errors are then as rare
// as those of TestOptions.Sequential does not follow. A comparison without a
// standard error is [ErrNoVariance], a prior without a control mean to scale it
// [ErrZero], one that is no distribution [ErrInvalid].
func (c Comparison) Posterior(prior Prior) (Posterior, error) {
	const fn = "Posterior"
	e := c.Effect()
	switch {
	case !(prior.StdDev >= 0) || math.IsInf(prior.StdDev, 1):
		return Posterior{}, &OptionError{fn, "StdDev", prior.StdDev, "want a finite number, not negative"}
	case math.IsNaN(prior.Mean - prior.Mean):
		return Posterior{}, &OptionError{fn, "Mean", prior.Mean, "want a finite number"}
	case !(e.Level > 0 && e.Level < 1):
		return Posterior{}, &OptionError{fn, "comparison of level", e.Level, "want one that was made by a test"}
	case !(e.StdErr > 0) || math.IsInf(e.StdErr, 1) || math.IsNaN(e.Value-e.Value):
		return Posterior{}, &ValueError{fn, "standard error", e.StdErr, ErrNoVariance}
	}
	mean, sd := e.Value, e.StdErr
	if prior.StdDev > 0 {
		scale := 1.0
		if c.Scale == Absolute {
			scale = c.base
		}
		believed, spread := prior.Mean*scale, prior.StdDev*scale
		if !(spread > 0) || math.IsInf(spread, 1) || math.IsInf(believed, 0) {
			return Posterior{}, &ValueError{fn, "control mean", scale, ErrZero}
		}
		// Precisions add up; as shares of them, for squares leave the range of
		// numbers, and what is left of 1 has none of its digits.
		both := math.Hypot(sd, spread)
		seen, before := spread/both, sd/both
		mean = seen*(seen*mean) + before*(before*believed)
		sd = max(sd, spread) / both * min(sd, spread)
	}
	z := -stats.NormalQuantile((1 - e.Level) / 2)
	x := mean / sd
	up := max(0, sd*stats.NormalPDF(x)+mean*stats.NormalCDF(x))
	down := max(0, sd*stats.NormalPDF(x)-mean*stats.NormalSF(x))
	out := Posterior{
		Effect:      Estimate{Value: mean, StdErr: sd, Lo: mean - z*sd, Hi: mean + z*sd, Level: e.Level},
		ChanceToWin: stats.NormalCDF(x), LossOfTreatment: down, LossOfControl: up,
	}
	if prior.LowerIsBetter {
		out.ChanceToWin, out.LossOfTreatment, out.LossOfControl = stats.NormalSF(x), up, down
	}
	return out, nil
}
