package attribution

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/zhun-go/zhun/internal/stats"
)

// FitOptions are options of [FitCurve]. Nil and zero fields mean the defaults.
type FitOptions struct {
	Shape Shape // default Log
	// Carry fits how much of the effect of a period's spend is left over for
	// the next one. By default it is fixed to Decay.
	Carry bool
	Decay float64 // 0 ≤ Decay < 1; default 0, no carry-over
	// NoBase says that nothing would have come without spend. By default what
	// would have come is fitted, too.
	NoBase bool
	Level  float64 // of the intervals; default 0.95
}

// Fit is a response curve fitted to a series.
//
// Immutable; safe for concurrent use.
type Fit struct {
	Curve Curve // to give to [Allocate], without bounds
	// A, B and S are the curve's parameters, S only for Hill; Decay is the
	// carry-over, Base what comes in a period without spend. A figure that was
	// not fitted has no StdErr; the ends of one that the series hardly determines
	// may be infinite.
	A, B, S, Decay, Base Estimate
	Periods              int
	Residual             float64 // standard deviation of what the curve does not explain
	R2                   float64 // share of the variance that it explains
	// AICc is Akaike's criterion with the correction for small samples of
	// Hurvich and Tsai, "Regression and time series model selection in small
	// samples" (1989): of two shapes for one series, the one with the smaller
	// figure predicts better.
	AICc     float64
	Warnings []error

	theta []float64
	cov   *mat.SymDense
	form  fitForm
	t     float64 // quantile of the interval
	level float64
}

// FitCurve fits a response curve to what was spent on a channel and what came
// of it, period by period in the order of time, by least squares:
//
//	outcome = base + f(z) + noise,  z = (1 − decay)·spend + decay·z of the period before,
//
// where the first period's z is its spend. Carry-over (adstock, Broadbent
// 1979) is normalized, so that a steady spend of x is a z of x and the curve
// is in spend per period, as [Allocate] wants it.
//
// The start is the best point of a grid, the way down that of Levenberg and
// Marquardt; intervals are Student's, from the curvature at the end, on the
// logarithm of what must be positive (Seber and Wild, "Nonlinear Regression",
// 1989, chapter 5). They hold for noise that is independent from period to
// period. Outcomes from before and after are no experiment: where spend
// follows demand, as budgets do, the curve shows the demand, too. See
// [Calibrate].
//
// Series of different or too little length, spend that is negative, and
// figures that are not finite are an [*InputError]; series in which more
// spend does not bring more are an error that wraps [ErrDesign]. A parameter
// that the series does not determine is a warning that wraps it.
func FitCurve(channel string, spend, outcome []float64, opts *FitOptions) (Fit, error) {
	var o FitOptions
	if opts != nil {
		o = *opts
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	form := fitForm{channel: channel, shape: o.Shape, carry: o.Carry, decay: o.Decay, base: !o.NoBase}
	bad := func(field string, value any, reason string) (Fit, error) {
		return Fit{}, inputError("FitCurve", 0, field, value, reason)
	}
	switch n := len(spend); {
	case o.Shape >= shapeCount:
		return bad("Shape", o.Shape, "unknown")
	case !(o.Decay >= 0 && o.Decay < 1):
		return bad("Decay", o.Decay, "not within 0 and 1")
	case !(o.Level > 0 && o.Level < 1):
		return bad("Level", o.Level, "not within 0 and 1")
	case len(outcome) != n:
		return bad("outcome", len(outcome), fmt.Sprintf("not as long as spend, %d", n))
	case n < form.size()+2:
		return bad("spend", n, fmt.Sprintf("periods are too few for %d parameters", form.size()))
	}
	for t := range spend {
		if !amount(spend[t]) {
			return bad(fmt.Sprintf("spend[%d]", t), spend[t], "not a number within 0 and 1e100")
		}
		if !finite(outcome[t]) {
			return bad(fmt.Sprintf("outcome[%d]", t), outcome[t], "not a number within ±1e100")
		}
		form.most = max(form.most, spend[t])
	}
	largest := 0.0
	for _, y := range outcome {
		largest = max(largest, math.Abs(y))
	}
	switch {
	case tiny(form.most):
		return bad("spend", form.most, "the largest is below 1e-100")
	case tiny(largest):
		return bad("outcome", largest, "the largest is below 1e-100")
	}
	s := series{fitForm: form, spend: spend, outcome: outcome}
	theta, ok := s.start()
	if !ok {
		return Fit{}, fmt.Errorf("attribution: FitCurve: %w: more spend on %q does not bring more", ErrDesign, channel)
	}
	return s.finish(s.descend(theta), o.Level), nil
}

// fitForm says which parameters a fit has. They stand in the order ln A, B, S,
// decay, base; B, S and decay on a scale that has no ends.
type fitForm struct {
	channel string
	shape   Shape
	carry   bool
	base    bool
	decay   float64
	most    float64 // the largest spend
}

func (f *fitForm) size() int {
	n := 2
	for _, has := range []bool{f.shape == Hill, f.carry, f.base} {
		if has {
			n++
		}
	}
	return n
}

func expit(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// unpack returns the curve, the decay and the base of parameters.
func (f *fitForm) unpack(theta []float64) (c Curve, decay, base float64) {
	c = Curve{Channel: f.channel, Shape: f.shape, A: math.Exp(theta[0]), B: math.Exp(theta[1])}
	if f.shape == Power {
		c.B = expit(theta[1])
	}
	rest := theta[2:]
	if f.shape == Hill {
		c.S, rest = math.Exp(rest[0]), rest[1:]
	}
	decay = f.decay
	if f.carry {
		decay, rest = expit(rest[0]), rest[1:]
	}
	if f.base {
		base = rest[0]
	}
	return c, decay, base
}

// limits are the ends of the search in one parameter: beyond them, curves
// over the spends of the series are all the same.
func (f *fitForm) limits(i int) (lo, hi float64) {
	switch {
	case i == 1 && f.shape == Power:
		return -6, 6
	case i == 1:
		return math.Log(f.most) - 7, math.Log(f.most) + 7
	case i == 2 && f.shape == Hill:
		return math.Log(0.2), math.Log(12)
	case f.carry && (i == 2 || i == 3 && f.shape == Hill):
		return -7, 5
	}
	return math.Inf(-1), math.Inf(1)
}

type series struct {
	fitForm
	spend, outcome []float64
}

// fitted returns what parameters say for each period.
func (s *series) fitted(dst, theta []float64) []float64 {
	c, decay, base := s.unpack(theta)
	dst = dst[:0]
	z := 0.0
	for t, x := range s.spend {
		if t == 0 {
			z = x
		} else {
			z = (1-decay)*x + decay*z
		}
		dst = append(dst, base+c.Value(z))
	}
	return dst
}

func (s *series) loss(theta []float64) float64 {
	sum := 0.0
	for t, y := range s.fitted(nil, theta) {
		sum += (s.outcome[t] - y) * (s.outcome[t] - y)
	}
	return sum
}

// start tries a grid of the parameters that are not linear, with the best
// scale and base for each.
func (s *series) start() (best []float64, ok bool) {
	if s.most == 0 {
		return nil, false
	}
	least := math.Inf(1)
	grid := func(i, n int) []float64 {
		lo, hi := s.limits(i)
		points := make([]float64, n)
		for k := range points {
			points[k] = lo + (hi-lo)*(float64(k)+0.5)/float64(n)
		}
		return points
	}
	steep, left := []float64{0}, []float64{0}
	at := 2
	if s.shape == Hill {
		steep = grid(at, 8)
		at++
	}
	if s.carry {
		left = grid(at, 10)
	}
	theta := make([]float64, s.size())
	unit := make([]float64, 0, len(s.spend))
	for _, b := range grid(1, 24) {
		for _, st := range steep {
			for _, d := range left {
				theta[0], theta[1] = 0, b
				i := 2
				if s.shape == Hill {
					theta[i] = st
					i++
				}
				if s.carry {
					theta[i] = d
					i++
				}
				if s.base {
					theta[i] = 0
				}
				unit = s.fitted(unit, theta)
				scale, base := s.line(unit)
				if !(scale > 0) {
					continue
				}
				theta[0] = math.Log(scale)
				if s.base {
					theta[i] = base
				}
				if l := s.loss(theta); l < least {
					least, best = l, append([]float64(nil), theta...)
				}
			}
		}
	}
	return best, best != nil
}

// line fits outcome = base + scale·x.
func (s *series) line(x []float64) (scale, base float64) {
	n := float64(len(x))
	var mx, my, xx, xy, yy float64
	if s.base {
		for t := range x {
			mx += x[t] / n
			my += s.outcome[t] / n
		}
	}
	for t := range x {
		xx += (x[t] - mx) * (x[t] - mx)
		xy += (x[t] - mx) * (s.outcome[t] - my)
		yy += s.outcome[t] * s.outcome[t]
	}
	// What is only rounding is no slope.
	if math.Abs(xy) <= 1e-12*math.Sqrt(xx*yy) {
		return 0, my
	}
	return xy / xx, my - xy/xx*mx
}

// jacobian returns the slopes of what is fitted, by central differences.
func (s *series) jacobian(theta []float64) *mat.Dense {
	j := mat.NewDense(len(s.spend), len(theta), nil)
	at := append([]float64(nil), theta...)
	for i := range theta {
		h := 1e-5 * max(1, math.Abs(theta[i]))
		at[i] = theta[i] + h
		up := s.fitted(nil, at)
		at[i] = theta[i] - h
		down := s.fitted(nil, at)
		at[i] = theta[i]
		for t := range up {
			j.Set(t, i, (up[t]-down[t])/(2*h))
		}
	}
	return j
}

// normal returns JᵀJ.
func normal(j *mat.Dense) *mat.SymDense {
	var m mat.SymDense
	m.SymOuterK(1, j.T())
	return &m
}

// descend goes down to the least squares.
func (s *series) descend(theta []float64) []float64 {
	loss, damp := s.loss(theta), 1e-3
	for range 200 {
		j := s.jacobian(theta)
		m := normal(j)
		residual := mat.NewVecDense(len(s.spend), nil)
		for t, y := range s.fitted(nil, theta) {
			residual.SetVec(t, s.outcome[t]-y)
		}
		var gradient mat.VecDense
		gradient.MulVec(j.T(), residual)
		moved := false
		for range 30 {
			damped := mat.NewSymDense(len(theta), nil)
			damped.CopySym(m)
			for i := range theta {
				damped.SetSym(i, i, m.At(i, i)*(1+damp)+1e-300)
			}
			var factor mat.Cholesky
			var step mat.VecDense
			if factor.Factorize(damped) && factor.SolveVecTo(&step, &gradient) == nil {
				next := make([]float64, len(theta))
				for i := range next {
					lo, hi := s.limits(i)
					next[i] = min(max(theta[i]+step.AtVec(i), lo), hi)
				}
				if l := s.loss(next); l < loss {
					moved = loss-l > 1e-15*loss
					theta, loss, damp = next, l, damp/5
					break
				}
			}
			damp *= 4
		}
		if !moved {
			break
		}
	}
	return theta
}

// finish tells what is known of the fit.
func (s *series) finish(theta []float64, level float64) Fit {
	c, decay, base := s.unpack(theta)
	n, k := float64(len(s.spend)), float64(len(theta))
	loss := s.loss(theta)
	f := Fit{Curve: c, Periods: len(s.spend), theta: theta, form: s.fitForm, level: level}
	f.Residual = math.Sqrt(loss / (n - k))
	mean, spread := 0.0, 0.0
	for _, y := range s.outcome {
		mean += y / n
	}
	for _, y := range s.outcome {
		spread += (y - mean) * (y - mean)
	}
	if spread > 0 {
		f.R2 = 1 - loss/spread
	}
	// The noise is a parameter, too.
	f.AICc = n*math.Log(loss/n) + 2*(k+1) + 2*(k+1)*(k+2)/max(n-k-2, 1)
	f.t = stats.StudentISF((1-level)/2, n-k)
	f.cov = mat.NewSymDense(len(theta), nil)
	var factor mat.Cholesky
	switch m := normal(s.jacobian(theta)); {
	case !factor.Factorize(m) || factor.Cond() > 1e15:
		f.cov = nil
	default:
		_ = factor.InverseTo(f.cov) // the condition was looked at
		f.cov.ScaleSym(f.Residual*f.Residual, f.cov)
	}
	undetermined := f.cov == nil
	for i := range theta {
		lo, hi := s.limits(i)
		if i == 1 {
			// A bend this far from all spends is a straight line, or a jump.
			lo, hi = lo+1, hi-1
		}
		undetermined = undetermined || theta[i] <= lo || theta[i] >= hi
	}
	if undetermined {
		f.Warnings = append(f.Warnings, fmt.Errorf("FitCurve: %w: the series of %q does not determine all parameters of the curve", ErrDesign, s.channel))
	}
	f.A = f.parameter(0, c.A, math.Exp)
	f.B = f.parameter(1, c.B, math.Exp)
	if s.shape == Power {
		f.B = f.parameter(1, c.B, expit)
	}
	i := 2
	if s.shape == Hill {
		f.S = f.parameter(i, c.S, math.Exp)
		i++
	}
	f.Decay = Estimate{Value: decay, Lo: decay, Hi: decay, Level: level}
	if s.carry {
		f.Decay = f.parameter(i, decay, expit)
		i++
	}
	if s.base {
		f.Base = f.parameter(i, base, func(x float64) float64 { return x })
	}
	return f
}

// parameter makes an estimate of a parameter from its scale without ends.
func (f *Fit) parameter(i int, value float64, scale func(float64) float64) Estimate {
	sd := math.Inf(1)
	if f.cov != nil {
		sd = math.Sqrt(f.cov.At(i, i))
	}
	x := f.theta[i]
	const h = 1e-6
	slope := (scale(x+h) - scale(x-h)) / (2 * h)
	if math.IsInf(sd, 1) {
		return Estimate{value, sd, scale(-sd), scale(sd), f.level}
	}
	return Estimate{value, slope * sd, scale(x - f.t*sd), scale(x + f.t*sd), f.level}
}

// Value returns what a steady spend of x brings per period, base left out,
// with the uncertainty of the curve, which is not that of a single period.
func (f Fit) Value(x float64) Estimate { return f.at(func(c Curve) float64 { return c.Value(x) }) }

// Marginal returns what the next unit brings at a steady spend of x.
func (f Fit) Marginal(x float64) Estimate {
	return f.at(func(c Curve) float64 { return c.Marginal(x) })
}

// at carries the uncertainty of the parameters over to a figure of the curve.
func (f *Fit) at(of func(c Curve) float64) Estimate {
	value := of(f.Curve)
	if f.cov == nil {
		return Estimate{value, math.Inf(1), math.Inf(-1), math.Inf(1), f.level}
	}
	g := mat.NewVecDense(len(f.theta), nil)
	at := append([]float64(nil), f.theta...)
	for i := range at {
		const h = 1e-5
		at[i] = f.theta[i] + h
		up, _, _ := f.form.unpack(at)
		at[i] = f.theta[i] - h
		down, _, _ := f.form.unpack(at)
		at[i] = f.theta[i]
		g.SetVec(i, (of(up)-of(down))/(2*h))
	}
	sd := math.Sqrt(max(0, mat.Inner(g, f.cov, g)))
	return Estimate{value, sd, value - f.t*sd, value + f.t*sd, f.level}
}
