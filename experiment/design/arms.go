package design

import (
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// ArmsPower returns the power of the test that any of several arms differs from
// the others, with n users in each, expected means and one standard deviation:
// of one-way analysis of variance, by the noncentral F distribution (J. Cohen,
// "Statistical Power Analysis for the Behavioral Sciences", 1988). To compare
// each arm with a control instead, take [MeanPower] with Options.Tests. Of the
// options Alpha, Power, Correlation and Tests count; the test has no sides.
func ArmsPower(n float64, means []float64, sd float64, opts *Options) (float64, error) {
	const fn = "ArmsPower"
	o, err := opts.resolve(fn)
	if err == nil {
		err = positive(fn, "sd", sd)
	}
	if err == nil && !(n > 1 && sized(n)) {
		err = &Error{fn, "n", n, "want more than one user in each arm"}
	}
	if err != nil {
		return 0, err
	}
	s, err := spread(fn, "means", means)
	if err != nil {
		return 0, err
	}
	return armsPower(n, len(means), s/(sd*sd*(1-o.Correlation*o.Correlation)), o), nil
}

// armsPower takes the sum of squares of the means around theirs, over the
// variance.
func armsPower(n float64, arms int, spread float64, o Options) float64 {
	d1, d2 := float64(arms-1), float64(arms)*(n-1)
	return noncentralF(stats.FISF(o.Alpha, d1, d2), d1, d2, n*spread)
}

// ArmsSize returns the users in each arm that the test that any arm differs
// needs.
func ArmsSize(means []float64, sd float64, opts *Options) (float64, error) {
	const fn = "ArmsSize"
	o, err := opts.resolve(fn)
	if err == nil {
		err = positive(fn, "sd", sd)
	}
	if err != nil {
		return 0, err
	}
	s, err := spread(fn, "means", means)
	if err != nil {
		return 0, err
	}
	return armsSize(fn, len(means), s/(sd*sd*(1-o.Correlation*o.Correlation)), o)
}

func armsSize(fn string, arms int, spread float64, o Options) (float64, error) {
	n := 1 + solve(o.Power, func(x float64) float64 { return armsPower(1+x, arms, spread, o) })
	if math.IsNaN(n) {
		return 0, &Error{fn, "spread of the arms", math.Sqrt(spread), "too small for any number of users"}
	}
	return n, nil
}

// ArmsProportionPower is ArmsPower for proportions: of Pearson's chi-square
// test, by the noncentral chi-square distribution.
func ArmsProportionPower(n float64, proportions []float64, opts *Options) (float64, error) {
	const fn = "ArmsProportionPower"
	o, err := opts.resolve(fn)
	if err == nil {
		err = positive(fn, "n", n)
	}
	if err != nil {
		return 0, err
	}
	s, err := proportionSpread(fn, proportions)
	if err != nil {
		return 0, err
	}
	return armsProportionPower(n, len(proportions), s/(1-o.Correlation*o.Correlation), o), nil
}

func armsProportionPower(n float64, arms int, spread float64, o Options) float64 {
	df := float64(arms - 1)
	return noncentralChiSquare(stats.ChiSquareISF(o.Alpha, df), df, n*spread)
}

// ArmsProportionSize returns the users in each arm that the chi-square test of
// several proportions needs.
func ArmsProportionSize(proportions []float64, opts *Options) (float64, error) {
	const fn = "ArmsProportionSize"
	o, err := opts.resolve(fn)
	if err != nil {
		return 0, err
	}
	s, err := proportionSpread(fn, proportions)
	if err != nil {
		return 0, err
	}
	s /= 1 - o.Correlation*o.Correlation
	n := solve(o.Power, func(n float64) float64 { return armsProportionPower(n, len(proportions), s, o) })
	if math.IsNaN(n) {
		return 0, &Error{fn, "spread of the arms", math.Sqrt(s), "too small for any number of users"}
	}
	return n, nil
}

// spread is the sum of squares around the mean.
func spread(fn, arg string, xs []float64) (s float64, err error) {
	if len(xs) < 2 {
		return 0, &Error{fn, arg, float64(len(xs)), "want at least two"}
	}
	m := 0.0
	for _, x := range xs {
		if !sized(x) {
			return 0, &Error{fn, arg, x, "want finite numbers"}
		}
		m += x / float64(len(xs))
	}
	for _, x := range xs {
		s += (x - m) * (x - m)
	}
	if !(s > 0) || math.IsInf(s, 1) {
		return 0, &Error{fn, arg, m, "want some that differ"}
	}
	return s, nil
}

func proportionSpread(fn string, ps []float64) (float64, error) {
	m := 0.0
	for _, p := range ps {
		if !(p > 0 && p < 1 && sized(p)) {
			return 0, &Error{fn, "proportions", p, "want 0 < p < 1"}
		}
		m += p / float64(len(ps))
	}
	s, err := spread(fn, "proportions", ps)
	return s / (m * (1 - m)), err
}

// noncentralChiSquare is the tail of a noncentral chi-square distribution: of a
// central one with 2j more degrees of freedom, j being of Poisson's
// distribution with half the noncentrality as its mean.
func noncentralChiSquare(x, df, lambda float64) float64 {
	return overPoisson(lambda/2, func(j float64) float64 { return stats.ChiSquareSF(x, df+2*j) })
}

// noncentralF likewise, of beta distributions.
func noncentralF(f, d1, d2, lambda float64) float64 {
	u := d1 * f / (d1*f + d2)
	return overPoisson(lambda/2, func(j float64) float64 { return stats.BetaSF(u, d1/2+j, d2/2) })
}

// overPoisson is the mean of a tail that grows with j. Where the mean is large
// a hundred places for each standard deviation say as much as all, and beyond
// that the middle does.
func overPoisson(mean float64, tail func(j float64) float64) float64 {
	switch {
	case math.IsInf(mean, 1):
		return 1
	case mean > 1e12:
		return tail(mean)
	case mean > 1e6:
		sd, sum, all := math.Sqrt(mean), 0.0, 0.0
		for k := -1200.; k <= 1200; k++ {
			x := k / 100 / sd // how far from the mean, relatively
			w := math.Exp(-mean*x*x*(1./2-x*(1./6-x*(1./12-x/20))) - math.Log1p(x)/2)
			sum, all = sum+w*tail(mean*(1+x)), all+w
		}
		return min(1, sum/all)
	}
	width := 10 + 12*math.Sqrt(mean)
	var sum stats.Sum
	log := math.Log(mean)
	for j := math.Floor(max(0, mean-width)); j <= mean+width+20; j++ {
		g, _ := math.Lgamma(j + 1)
		w := 0.0
		if mean > 0 {
			w = math.Exp(j*log - mean - g)
		} else if j == 0 {
			w = 1
		}
		if w < 1e-300 {
			continue
		}
		sum.Add(w * tail(j))
	}
	return min(1, sum.Value())
}
