package fairness

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
	"github.com/zhun-go/zhun/internal/stats"
)

// ErrHeterogeneous warns that the disparity is not the same in all strata, so
// that no one number stands for it.
var ErrHeterogeneous = errors.New("strata differ in their disparity")

// ErrStratum warns of strata that were left out: a group has nobody there, or too
// few.
var ErrStratum = experiment.ErrStratum

// Offers are the users of two groups in a stratum of covariates that are allowed
// to matter, and how many of them got the offer.
type Offers struct {
	Stratum          string
	Group, Reference exact.Count
}

// Prices are what the users of two groups in a stratum paid or were quoted.
// Logarithms of prices make differences relative.
type Prices struct {
	Stratum          string
	Group, Reference *experiment.Moments
}

// Conditional is the result of an audit within strata. Immutable; safe for
// concurrent use.
type Conditional struct {
	Method string
	// Difference of the group from the reference, of shares or of mean prices:
	// the mean over strata of n·m/(n + m) each, where n and m are the two
	// groups' users in it.
	Difference experiment.Estimate
	// OddsRatio of the group to the reference, after Mantel and Haenszel; NaN for
	// prices. Its standard error is that of the logarithm.
	OddsRatio experiment.Estimate
	P         float64 // of no difference in any stratum
	// Heterogeneity is the chi-square statistic of a difference that is the same
	// in all strata, with its degrees of freedom and p-value.
	Heterogeneity, DF, HeterogeneityP float64

	Group, Reference int64    // users in the strata that count
	Strata           int      // how many these are
	LeftOut          []string // strata that are not
	// Warnings are reasons for doubt. Test them with [errors.Is].
	Warnings []error
}

// ConditionalOffers compares the shares of two groups that got an offer within
// strata, and pools.
//
// The difference has the Mantel–Haenszel weights and the variance of T. Sato
// (with S. Greenland and J. M. Robins, "On the variance estimator for the
// Mantel-Haenszel risk difference", Biometrics 45 (1989)), which also holds where
// there are many strata of a few users, down to pairs; that of Greenland and
// Robins of 1985 is the same where strata are large. The odds ratio and the test
// are those of [exact.CochranMantelHaenszel], without a correction for
// continuity. Heterogeneity is of the odds ratios: the test of Breslow and Day
// (1980) with Tarone's correction, which strata of a few users make unreliable.
// Strata without users of both groups are left out. Options.MinGroup is about
// each group's users in all strata together; Reference and Correction mean
// nothing here.
func ConditionalOffers(strata []Offers, opts *Options) (Conditional, error) {
	const fn = "ConditionalOffers"
	o, err := opts.resolve(fn)
	if err != nil {
		return Conditional{}, err
	}
	c := Conditional{Method: "Mantel–Haenszel", OddsRatio: missing(o.Level)}
	var tables []exact.Table
	var names []string
	for i, s := range strata {
		for _, n := range []exact.Count{s.Group, s.Reference} {
			if err := check(n, fn, fmt.Sprintf("strata[%d]", i)); err != nil {
				return Conditional{}, err
			}
		}
		if s.Group.Users == 0 || s.Reference.Users == 0 {
			c.LeftOut = append(c.LeftOut, s.Stratum)
			continue
		}
		tables = append(tables, exact.Table{Control: s.Reference, Treatment: s.Group})
		names = append(names, s.Stratum)
		c.Group += s.Group.Users
		c.Reference += s.Reference.Users
	}
	if err := c.enough(fn, len(tables), o); err != nil {
		return Conditional{}, err
	}
	c.Difference = riskDifference(tables, o.Level)
	c.P, c.HeterogeneityP = 1, 1
	test, err := exact.CochranMantelHaenszel(tables, false, o.Level)
	if errors.Is(err, experiment.ErrTooFew) { // nobody got the offer, or everybody
		c.Warnings = append(c.Warnings, fmt.Errorf("fairness: %w: in no stratum did some get the offer and some not", experiment.ErrNoVariance))
		return c, nil
	}
	if err != nil {
		return Conditional{}, fmt.Errorf("fairness: %s: %w", fn, err)
	}
	c.OddsRatio, c.P = test.OddsRatio, test.P
	worst := -1
	c.Heterogeneity, c.DF, worst = breslowDay(tables, test.OddsRatio.Value)
	if worst >= 0 {
		c.heterogeneous(names[worst])
	}
	return c, nil
}

// enough checks the size of what is left, and warns of what is not.
func (c *Conditional) enough(fn string, strata int, o Options) error {
	c.Strata = strata
	if least := min(c.Group, c.Reference); strata == 0 || least < o.MinGroup {
		return tooFew(fn, fmt.Sprintf("users of a group in strata with both, fewer than %d:", o.MinGroup), least)
	}
	if len(c.LeftOut) > 0 {
		c.Warnings = append(c.Warnings, fmt.Errorf("fairness: %w: %d of %d have no users of one group, or too few", ErrStratum, len(c.LeftOut), len(c.LeftOut)+strata))
	}
	return nil
}

func (c *Conditional) heterogeneous(worst string) {
	c.HeterogeneityP = stats.ChiSquareSF(c.Heterogeneity, c.DF)
	if c.HeterogeneityP < .05 {
		c.Warnings = append(c.Warnings, fmt.Errorf("fairness: %w: p %.3g, %q most of all", ErrHeterogeneous, c.HeterogeneityP, worst))
	}
}

// riskDifference is the common difference of shares with Sato's variance.
func riskDifference(tables []exact.Table, level float64) experiment.Estimate {
	var num, w, p, q stats.Sum
	for _, t := range tables {
		x1, x0 := float64(t.Treatment.Successes), float64(t.Control.Successes)
		n1, n0 := float64(t.Treatment.Users), float64(t.Control.Users)
		n := n1 + n0
		num.Add((x1*n0 - x0*n1) / n)
		w.Add(n1 * n0 / n)
		p.Add((n1/n)*(n1/n)*x0 - (n0/n)*(n0/n)*x1 + n1/n*(n0/n)*(n0-n1)/2)
		q.Add((x1*(n0-x0) + x0*(n1-x1)) / (2 * n))
	}
	d := num.Value() / w.Value()
	return around(d, math.Sqrt(max(0, d*p.Value()+q.Value()))/w.Value(), -stats.NormalQuantile((1-level)/2), level)
}

func around(value, se, z, level float64) experiment.Estimate {
	e := experiment.Estimate{Value: value, StdErr: se, Lo: value - z*se, Hi: value + z*se, Level: level}
	if !(se > 0) { // nothing was learnt of the spread
		e.Lo, e.Hi = math.Inf(-1), math.Inf(1)
	}
	return e
}

// breslowDay returns the statistic of equal odds ratios (N. E. Breslow and N. E.
// Day, "Statistical Methods in Cancer Research" I (1980), with the
// correction of R. E. Tarone, Biometrika 72 (1985)), its degrees of freedom, and
// the stratum that adds most; −1 where fewer than two strata say anything.
func breslowDay(tables []exact.Table, odds float64) (x2, df float64, worst int) {
	if !(odds > 0) || math.IsInf(odds, 1) {
		return 0, 0, -1
	}
	var sum, off, spread stats.Sum
	most, used := -1., 0
	for i, t := range tables {
		n1, n0 := float64(t.Treatment.Users), float64(t.Control.Users)
		x1 := float64(t.Treatment.Successes)
		m := x1 + float64(t.Control.Successes)
		if m == 0 || m == n1+n0 {
			continue
		}
		a := expected(n1, n0, m, odds)
		v := 1 / (1/a + 1/(n1-a) + 1/(m-a) + 1/(n0-m+a))
		if !(v > 0) {
			continue
		}
		z := (x1 - a) * (x1 - a) / v
		sum.Add(z)
		off.Add(x1 - a)
		spread.Add(v)
		used++
		if z > most {
			most, worst = z, i
		}
	}
	if used < 2 {
		return 0, 0, -1
	}
	return max(0, sum.Value()-off.Value()*off.Value()/spread.Value()), float64(used - 1), worst
}

// expected returns the successes in treatment at an odds ratio, given the
// margins: the root of a(n0 − m + a) = odds·(n1 − a)(m − a) that they allow.
func expected(n1, n0, m, odds float64) float64 {
	if odds == 1 {
		return n1 * m / (n1 + n0)
	}
	a := 1 - odds
	b := n0 - m + odds*(n1+m)
	c := -odds * n1 * m
	// The root within the margins, in the form that does not cancel.
	d := math.Sqrt(max(0, b*b-4*a*c))
	if b > 0 {
		return -2 * c / (b + d)
	}
	return (d - b) / (2 * a)
}

// ConditionalPrices compares the mean prices of two groups within strata, and
// pools with the weights n·m/(n + m), which are the best ones where prices are as
// spread in all strata. Variances are each group's own in each stratum, the
// interval and the p-value those of Student's t with the degrees of freedom of
// Welch and Satterthwaite. Heterogeneity is Cochran's Q. Strata with fewer than
// two users of a group are left out. See [ConditionalOffers] for the options.
func ConditionalPrices(strata []Prices, opts *Options) (Conditional, error) {
	const fn = "ConditionalPrices"
	o, err := opts.resolve(fn)
	if err != nil {
		return Conditional{}, err
	}
	c := Conditional{Method: "stratified difference of means", OddsRatio: missing(o.Level), P: 1, HeterogeneityP: 1}
	var used []contrast
	var names []string
	for i, s := range strata {
		for _, m := range []*experiment.Moments{s.Group, s.Reference} {
			if m == nil {
				return Conditional{}, invalid(fn, fmt.Sprintf("strata[%d]", i), "nil", "want moments of both groups")
			}
			if err := m.Err(); err != nil {
				return Conditional{}, fmt.Errorf("fairness: %s: strata[%d]: %w", fn, i, err)
			}
		}
		if min(s.Group.N(), s.Reference.N()) < 2 {
			c.LeftOut = append(c.LeftOut, s.Stratum)
			continue
		}
		used = append(used, contrastOf(s))
		names = append(names, s.Stratum)
		c.Group += s.Group.N()
		c.Reference += s.Reference.N()
	}
	if err := c.enough(fn, len(used), o); err != nil {
		return Conditional{}, err
	}
	var num, w, v stats.Sum
	satter := 0.0
	for _, k := range used {
		num.AddProduct(k.weight, k.difference)
		w.Add(k.weight)
	}
	for _, k := range used {
		share := k.weight / w.Value()
		v.Add(share * share * (k.v[0] + k.v[1]))
		for i := range k.v {
			satter = math.Hypot(satter, share*share*k.v[i]/math.Sqrt(k.df[i]))
		}
	}
	d, se := num.Value()/w.Value(), math.Sqrt(v.Value())
	if !(se > 0) {
		c.Difference = around(d, 0, 0, o.Level)
		c.Warnings = append(c.Warnings, fmt.Errorf("fairness: %w: prices do not differ within strata", experiment.ErrNoVariance))
		return c, nil
	}
	df := math.Pow(v.Value()/satter, 2)
	c.Difference = around(d, se, stats.StudentISF((1-o.Level)/2, df), o.Level)
	c.P = min(1, 2*stats.StudentSF(math.Abs(d/se), df))
	if worst := c.cochranQ(used); worst >= 0 {
		c.heterogeneous(names[worst])
	}
	return c, nil
}

// contrast is the difference of two means in a stratum, with the variances of
// the means and their degrees of freedom.
type contrast struct {
	difference, weight float64
	v, df              [2]float64
}

func contrastOf(s Prices) (k contrast) {
	n, m := float64(s.Group.N()), float64(s.Reference.N())
	k.difference, k.weight = s.Group.Mean()-s.Reference.Mean(), n*m/(n+m)
	k.v = [2]float64{s.Group.Variance() / n, s.Reference.Variance() / m}
	k.df = [2]float64{n - 1, m - 1}
	return k
}

// cochranQ sets the heterogeneity of the differences that have a variance, and
// returns the stratum that adds most to it; −1 where fewer than two have one.
func (c *Conditional) cochranQ(all []contrast) (worst int) {
	var num, w, q stats.Sum
	used := 0
	for _, k := range all {
		if v := k.v[0] + k.v[1]; v > 0 {
			num.Add(k.difference / v)
			w.Add(1 / v)
			used++
		}
	}
	if used < 2 {
		return -1
	}
	mean, most := num.Value()/w.Value(), -1.
	for i, k := range all {
		if v := k.v[0] + k.v[1]; v > 0 {
			z := (k.difference - mean) * (k.difference - mean) / v
			q.Add(z)
			if z > most {
				most, worst = z, i
			}
		}
	}
	c.Heterogeneity, c.DF = q.Value(), float64(used-1)
	return worst
}

// String prints the result over a few lines.
func (c Conditional) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s over %d strata, %d v %d users: difference %+.4g [%+.4g, %+.4g]", c.Method, c.Strata, c.Group, c.Reference,
		c.Difference.Value, c.Difference.Lo, c.Difference.Hi)
	if !math.IsNaN(c.OddsRatio.Value) {
		fmt.Fprintf(&b, ", odds ratio %.4g [%.4g, %.4g]", c.OddsRatio.Value, c.OddsRatio.Lo, c.OddsRatio.Hi)
	}
	fmt.Fprintf(&b, ", p %.3g", c.P)
	for _, w := range c.Warnings {
		fmt.Fprintf(&b, "\n  warning: %s", strings.TrimPrefix(w.Error(), "fairness: "))
	}
	return b.String()
}
