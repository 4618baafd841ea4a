package experiment

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// CUPED compares the means of variable 0, adjusted by the other variables:
// covariates from before the exposure, which the treatment cannot have
// touched. The coefficients θ are those of the least squares of the outcome on
// the covariates over the users of both arms together,
//
//	m = mY − θ·mX,  v = vY + θᵀ·VX·θ − 2·θᵀ·cXY
//
// in each arm (A. Deng, Y. Xu, R. Kohavi and T. Walker, "Improving the
// sensitivity of online controlled experiments by utilizing pre-experiment
// data", WSDM 2013), then Welch's test. The relative effect is relative to the
// unadjusted control mean. Means are reported on the original scale: shifted
// by the same θ·(pooled mean of the covariates) in both arms.
//
// Covariates that carry no information (constant, or linear in the others)
// are left out. The gain is among the adjustments. An Interval other than Delta
// is refused.
func CUPED(control, treatment *Joint, opts *TestOptions) (Comparison, error) {
	return cuped("CUPED", control, treatment, opts)
}

func cuped(fn string, control, treatment *Joint, opts *TestOptions) (Comparison, error) {
	o, err := opts.resolve(fn)
	if err != nil {
		return Comparison{}, err
	}
	if control, err = control.check(fn, "control", 0); err != nil {
		return Comparison{}, err
	}
	if treatment, err = treatment.check(fn, "treatment", len(control.kinds)); err != nil {
		return Comparison{}, err
	}
	pooled := control.Clone()
	if err := pooled.Merge(treatment); err != nil {
		return Comparison{}, err
	}
	theta := pooled.leastSquares()
	c := Comparison{Method: "Welch's t, CUPED", Theta: theta}
	e, err := c.adjusted(fn, [2]*Joint{control, treatment}, theta)
	if err != nil {
		return Comparison{}, err
	}
	shift := 0.0
	for i, t := range theta {
		shift += t * pooled.mean(i+1)
	}
	if err := c.finishAdjusted(e, shift, o); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

// adjustedArms are two arms with the variance of their relative effect times
// the square of the unadjusted control mean.
type adjustedArms struct {
	a, b     armEstimate
	relative float64
	plain    float64 // the variance of the effect without adjustment
}

func (c *Comparison) adjusted(fn string, arms [2]*Joint, theta []float64) (adjustedArms, error) {
	g := make([]float64, 1+len(theta))
	g[0] = 1
	for i, t := range theta {
		g[i+1] = -t
	}
	var e [2]armEstimate
	plain := 0.0
	for i, j := range arms {
		mean := j.mean(0)
		for l, t := range theta {
			mean -= t * j.mean(l+1)
		}
		var err error
		if e[i], err = j.linear(fn, [2]string{"control", "treatment"}[i], mean, g); err != nil {
			return adjustedArms{}, err
		}
		e[i].unadjusted = j.mean(0)
		plain += j.covariance(0, 0) / float64(j.n)
	}
	k := e[1].unadjusted / e[0].unadjusted
	g[0] = k
	return adjustedArms{e[0], e[1], e[1].v + arms[0].quadratic(g, g)/float64(arms[0].n), plain}, nil
}

// finishAdjusted tests adjusted means and reports them shifted back to the
// original scale.
func (c *Comparison) finishAdjusted(e adjustedArms, shift float64, o TestOptions) error {
	if err := c.finishRelative(e.a, e.b, e.relative, o); err != nil {
		return err
	}
	c.Control.Mean += shift
	c.Treatment.Mean += shift
	coef := make([]string, len(c.Theta))
	for i, t := range c.Theta {
		coef[i] = fmt.Sprintf("%.4g", t)
	}
	c.Adjustments = append(c.Adjustments, fmt.Sprintf("covariates with θ %s: variance less %.1f %%, effect %.6g without",
		strings.Join(coef, ", "), 100*(1-(e.a.v+e.b.v)/e.plain), e.b.unadjusted-e.a.unadjusted))
	return nil
}

// leastSquares returns the coefficients of variable 0 on the others. A
// covariate that adds nothing to those before it gets 0.
func (j *Joint) leastSquares() []float64 {
	k := len(j.kinds) - 1
	theta := make([]float64, k)
	var keep []int
	for i := 1; i <= k; i++ {
		if j.residual(i, keep) > 1e-9*math.Abs(j.covariance(i, i)) {
			keep = append(keep, i)
		}
	}
	if len(keep) == 0 {
		return theta
	}
	for i, t := range j.solve(0, keep) {
		theta[keep[i]-1] = t
	}
	return theta
}

// solve returns the coefficients of a variable on others, on the scale of
// correlations so that units of measurement do not matter.
func (j *Joint) solve(y int, xs []int) []float64 {
	v := mat.NewSymDense(len(xs), nil)
	c := mat.NewVecDense(len(xs), nil)
	sd := make([]float64, len(xs))
	for i, a := range xs {
		sd[i] = math.Sqrt(j.covariance(a, a))
	}
	for i, a := range xs {
		c.SetVec(i, j.covariance(a, y)/sd[i])
		for l := i; l < len(xs); l++ {
			v.SetSym(i, l, j.covariance(a, xs[l])/sd[i]/sd[l])
		}
	}
	var chol mat.Cholesky
	var out mat.VecDense
	theta := make([]float64, len(xs))
	if !chol.Factorize(v) || chol.SolveVecTo(&out, c) != nil {
		return theta
	}
	for i := range theta {
		theta[i] = out.AtVec(i) / sd[i]
	}
	return theta
}

// residual is the variance of a variable that others leave.
func (j *Joint) residual(y int, xs []int) float64 {
	v := j.covariance(y, y)
	if len(xs) == 0 {
		return v
	}
	for i, t := range j.solve(y, xs) {
		v -= t * j.covariance(xs[i], y)
	}
	return v
}

// CUPEDRatio compares a ratio of sums, adjusted by the same ratio from before
// the exposure: the variables are numerator, denominator, and the two of the
// pre-period. θ minimizes the variance of the difference; a correlation of
// less than 1e-8 is none. A zero denominator is [ErrZero], an Interval other than
// Delta is refused.
func CUPEDRatio(control, treatment *Joint, opts *TestOptions) (Comparison, error) {
	const fn = "CUPEDRatio"
	o, err := opts.resolve(fn)
	if err != nil {
		return Comparison{}, err
	}
	arms := [2]*Joint{control, treatment}
	var post, pre [2][]float64 // gradients of the two ratios
	var m, m0 [2]float64
	covariance, variance, after := 0.0, 0.0, 0.0
	for i, j := range arms {
		name := [2]string{"control", "treatment"}[i]
		if j, err = j.check(fn, name, 4); err != nil {
			return Comparison{}, err
		}
		arms[i] = j
		d, d0 := j.mean(1), j.mean(3)
		if d == 0 || d0 == 0 {
			return Comparison{}, fmt.Errorf("experiment: %s: %w: a denominator of %s", fn, ErrZero, name)
		}
		m[i], m0[i] = j.mean(0)/d, j.mean(2)/d0
		post[i] = []float64{1 / d, -m[i] / d, 0, 0}
		pre[i] = []float64{0, 0, 1 / d0, -m0[i] / d0}
		covariance += j.quadratic(post[i], pre[i])
		variance += j.quadratic(pre[i], pre[i])
		after += j.quadratic(post[i], post[i])
	}
	if x := covariance + variance + after; math.IsNaN(x - x) {
		return Comparison{}, &ValueError{fn, "variances of the ratios before and after", []float64{variance, after}, ErrNotFinite}
	}
	theta := 0.0
	if math.Abs(covariance)/math.Sqrt(variance)/math.Sqrt(after) >= 1e-8 {
		theta = covariance / variance
	}
	c := Comparison{Method: "Welch's t on a ratio (delta method), CUPED", Theta: []float64{theta}}
	var e [2]armEstimate
	plain := 0.0
	form := func(i int, k float64) []float64 {
		return []float64{k * post[i][0], k * post[i][1], -theta * pre[i][2], -theta * pre[i][3]}
	}
	for i, j := range arms {
		if e[i], err = j.linear(fn, [2]string{"control", "treatment"}[i], m[i]-theta*m0[i], form(i, 1)); err != nil {
			return Comparison{}, err
		}
		e[i].unadjusted = m[i]
		plain += j.quadratic(post[i], post[i]) / float64(j.n)
	}
	// The derivative of (b − a)/|a| by the control's ratio, adjusted in the
	// numerator and not in the denominator.
	k := 1 + (e[1].mean-e[0].mean)/m[0]
	g := form(0, k)
	relative := e[1].v + arms[0].quadratic(g, g)/float64(arms[0].n)
	na, nb := float64(arms[0].n), float64(arms[1].n)
	pooledPre := (arms[0].mean(2)*na + arms[1].mean(2)*nb) / (arms[0].mean(3)*na + arms[1].mean(3)*nb)
	if err := c.finishAdjusted(adjustedArms{e[0], e[1], relative, plain}, theta*pooledPre, o); err != nil {
		return Comparison{}, err
	}
	return c, nil
}
