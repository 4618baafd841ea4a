package fairness

import (
	"fmt"
	"math"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
	"github.com/zhun-go/zhun/internal/stats"
)

func invalid(fn, field string, value any, reason string) error {
	return &experiment.OptionError{Func: "fairness." + fn, Field: field, Value: value, Reason: reason}
}

func tooFew(fn, what string, value any) error {
	return &experiment.ValueError{Func: "fairness." + fn, What: what, Value: value, Err: experiment.ErrTooFew}
}

func (g Group) check(fn, name string) error {
	for _, c := range []struct {
		of string
		n  exact.Count
	}{{"All", g.All}, {"Positive", g.Positive}, {"Negative", g.Negative}} {
		if err := check(c.n, fn, name+"."+c.of); err != nil {
			return err
		}
	}
	if p, n := g.Positive, g.Negative; p.Users+n.Users > g.All.Users || p.Successes+n.Successes > g.All.Successes {
		return invalid(fn, name, g, "want no more users with an outcome than there are")
	}
	return nil
}

func check(c exact.Count, fn, name string) error {
	if c.Successes < 0 || c.Successes > c.Users || c.Users > 1<<53 {
		return invalid(fn, name, c, "want 0 ≤ Successes ≤ Users")
	}
	return nil
}

func rate(c exact.Count) float64 { return float64(c.Successes) / float64(c.Users) }

func missing(level float64) experiment.Estimate {
	nan := math.NaN()
	return experiment.Estimate{Value: nan, StdErr: nan, Lo: nan, Hi: nan, Level: level}
}

func wilson(c exact.Count, alpha float64) (lo, hi float64) {
	return stats.Wilson(float64(c.Successes), float64(c.Users), -stats.NormalQuantile(alpha/2))
}

// difference returns the difference of two shares with the interval of R. G.
// Newcombe, Statistics in Medicine 17 (1998), method 10; NaN of fewer users than
// least.
func difference(g, reference exact.Count, alpha, level float64, least int64) experiment.Estimate {
	if min(g.Users, reference.Users) < least {
		return missing(level)
	}
	p, q := rate(g), rate(reference)
	pl, ph := wilson(g, alpha)
	ql, qh := wilson(reference, alpha)
	return experiment.Estimate{
		Value:  p - q,
		StdErr: math.Sqrt(p*(1-p)/float64(g.Users) + q*(1-q)/float64(reference.Users)),
		Lo:     p - q - math.Hypot(p-pl, qh-q),
		Hi:     p - q + math.Hypot(ph-p, q-ql),
		Level:  level,
	}
}

// ratio returns the ratio of two shares with the interval of the score test, and
// the p-value of their being equal. The test tells nothing where all users were
// selected, or none: then the interval is made of Wilson's of both, and wider.
func ratio(g, reference exact.Count, alpha, level float64) (e experiment.Estimate, p float64) {
	c, err := experiment.Proportions(moments(reference), moments(g), experiment.Miettinen, &experiment.TestOptions{Level: 1 - alpha})
	if err != nil {
		return missing(level), 1 // both have two users at least
	}
	e = c.Relative
	e.Level = level
	switch {
	case g.Successes == 0 && reference.Successes == 0:
		e = missing(level)
		e.Lo, e.Hi = 0, math.Inf(1)
	case reference.Successes == 0:
		// As the inverse, whose reference is not 0.
		inverse, _ := ratio(reference, g, alpha, level)
		e = experiment.Estimate{Value: math.Inf(1), StdErr: math.Inf(1), Lo: 1 / inverse.Hi, Hi: math.Inf(1), Level: level}
	case g.Successes == g.Users && reference.Successes == reference.Users:
		pl, _ := wilson(g, alpha)
		ql, _ := wilson(reference, alpha)
		e.Value, e.StdErr, e.Lo, e.Hi = 1, 0, pl, 1/ql
	default:
		e.Value, e.Lo, e.Hi = rate(g)/rate(reference), e.Lo+1, e.Hi+1
	}
	return e, c.P
}

func moments(c exact.Count) *experiment.Moments {
	m, err := experiment.MomentsOf(experiment.Proportion, c.Users, float64(c.Successes), 0)
	if err != nil {
		return new(experiment.Moments) // counts were checked
	}
	return m
}

// shareOf returns a share with Wilson's interval.
func shareOf(fn string, x, n int64, level float64) (experiment.Estimate, error) {
	e, err := exact.ProportionInterval(x, n, level, exact.Wilson)
	if err != nil {
		return e, fmt.Errorf("fairness: %s: %w", fn, err)
	}
	return e, nil
}
