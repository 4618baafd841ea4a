package experiment

import (
	"fmt"
	"math"
	"time"
)

// Alternative is the hypothesis that a test looks for.
type Alternative uint8

const (
	// TwoSided: the effect differs from the null effect.
	TwoSided Alternative = iota
	// Greater: the effect is above the null effect.
	Greater
	// Less: the effect is below the null effect.
	Less
)

func (a Alternative) String() string {
	switch a {
	case TwoSided:
		return "two-sided"
	case Greater:
		return "greater"
	case Less:
		return "less"
	}
	return fmt.Sprintf("Alternative(%d)", uint8(a))
}

// Scale is how an effect is measured.
type Scale uint8

const (
	// Absolute: treatment mean − control mean.
	Absolute Scale = iota
	// Relative: the same divided by the absolute value of the control mean.
	Relative
)

func (s Scale) String() string {
	switch s {
	case Absolute:
		return "absolute"
	case Relative:
		return "relative"
	}
	return fmt.Sprintf("Scale(%d)", uint8(s))
}

// TestOptions of every comparison. The zero value and nil are the defaults.
type TestOptions struct {
	// Level of the confidence intervals, at least 1e-9 and below 1; above 0.5
	// when one-sided. Default: 0.95.
	Level float64
	// Alternative of the p-value; a one-sided one makes the intervals
	// half-open. Default: TwoSided.
	Alternative Alternative
	// Scale of the effect that is tested; both are always estimated.
	// Default: Absolute.
	Scale Scale
	// Null is the effect that is tested against, on the Scale: with Greater
	// and minus a margin, the test of non-inferiority. Default: 0.
	Null float64

	// Sequential makes intervals and p-values hold at every look, however
	// often one looks and whenever one stops: an asymptotic confidence
	// sequence that is narrowest when this many users are in. Fix it before
	// the start: at the size planned. Default 0: a fixed test, to be read once.
	Sequential int
	// Interval is the method of the relative interval; the p-value stays that of
	// Delta. Only Delta goes with Sequential and with covariates. Default: Delta.
	Interval Interval

	// The rest is for comparisons made from a [Readout].

	// AsOf is the instant of the analysis: later rows do not count, and users
	// whose outcome window is still open then are left out. Default: the
	// readout's clock, or its latest row when nothing moves the clock.
	AsOf time.Time
	// Open keeps users whose outcome window is still open.
	Open bool
	// FirstArm keeps users who saw several arms, in the first. By default they
	// are left out of all arms: which arm made them what they are is unknown.
	FirstArm bool
	// Within restricts everything, the sample ratio too, to a segment of the
	// users; nil is all. It is called outside the readout's lock.
	Within func(user uint32) bool
	// Covariates adjust the effect for what users did before their first
	// exposure (see [CUPED]): the same metric, or others. Fewer than
	// [MaxVariables], of which those that may be Unknown count twice.
	Covariates []Covariate
	// Regression takes covariates out by [Lin]'s regression, with coefficients of
	// each arm its own, instead of CUPED's common ones; the effect is relative to
	// the adjusted control mean. Sharper where the covariates say more of one arm
	// than of the other, and arms are of unequal size. Covariates that add
	// nothing in an arm of a stratum are left out there.
	Regression bool
	// StdErr is how the regression's standard errors are made. Where units cover
	// several users they are CR1, whatever it says. Default: HC2.
	StdErr StdErr
	// Stratum, of what a user was before the exposure, such as a country,
	// post-stratifies: effects are estimated within each stratum and weighted
	// by its users. A stratum with fewer than two users in an arm is left out,
	// with a warning. Users of one unit must be in one stratum. Nil: no strata
	// but those of epochs.
	Stratum func(user uint32) string
}

// Covariate is a metric of a user from before the first exposure.
type Covariate struct {
	Metric string        // default: the metric that is compared
	Before time.Duration // how long before the exposure rows count; default: all
	// Unknown says that users without any row in that time were not there to
	// be seen, rather than seen to do nothing: they get the mean of the others,
	// and an indicator of having been there is one more covariate.
	Unknown bool
}

func (o *TestOptions) resolve(fn string) (TestOptions, error) {
	var r TestOptions
	if o != nil {
		r = *o
	}
	if r.Level == 0 {
		r.Level = .95
	}
	switch {
	case !(r.Level >= 1e-9 && r.Level < 1):
		return r, &OptionError{fn, "Level", r.Level, "want 1e-9 ≤ Level < 1, or 0 for 0.95"}
	case r.Alternative > Less:
		return r, &OptionError{fn, "Alternative", r.Alternative, "want TwoSided, Greater or Less"}
	case r.Alternative != TwoSided && r.Level <= .5:
		return r, &OptionError{fn, "Level", r.Level, "want more than 0.5 in a one-sided test"}
	case r.Scale > Relative:
		return r, &OptionError{fn, "Scale", r.Scale, "want Absolute or Relative"}
	case math.IsNaN(r.Null - r.Null):
		return r, &OptionError{fn, "Null", r.Null, "want a finite number"}
	}
	switch {
	case r.Sequential < 0:
		return r, &OptionError{fn, "Sequential", r.Sequential, "want a number of users, or 0"}
	case r.Interval > Fieller:
		return r, &OptionError{fn, "Interval", r.Interval, "want Delta, Log or Fieller"}
	case r.Interval != Delta && r.Sequential > 0:
		return r, &OptionError{fn, "Interval", r.Interval, "want Delta with Sequential"}
	}
	switch {
	case r.StdErr > Classical:
		return r, &OptionError{fn, "StdErr", r.StdErr, "want one of the constants"}
	case r.StdErr != HC2 && !r.Regression:
		return r, &OptionError{fn, "StdErr", r.StdErr, "want Regression with it"}
	case r.Regression && r.Interval != Delta:
		return r, &OptionError{fn, "Interval", r.Interval, "want Delta with Regression"}
	}
	variables := 0
	for i, c := range r.Covariates {
		if variables++; c.Unknown {
			variables++
		}
		if c.Before < 0 {
			return r, &OptionError{fn, fmt.Sprintf("Covariates[%d].Before", i), c.Before, "want at least 0"}
		}
	}
	if variables >= MaxVariables {
		return r, &OptionError{fn, "Covariates", variables, fmt.Sprintf("want fewer than %d, with an indicator for each that is Unknown", MaxVariables)}
	}
	return r, nil
}
