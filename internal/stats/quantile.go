package stats

import "math"

// NormalQuantile returns the x with P(Z ≤ x) = p. For an upper tail q use
// −NormalQuantile(q), which loses nothing however small q is.
//
// M. J. Wichura, "Algorithm AS 241: the percentage points of the normal
// distribution", Applied Statistics 37 (1988), PPND16.
func NormalQuantile(p float64) float64 {
	if !(p >= 0 && p <= 1) {
		return math.NaN()
	}
	q := p - .5
	if math.Abs(q) <= .425 {
		r := .180625 - q*q
		return q * horner(r, &ppndA) / horner(r, &ppndB)
	}
	r := p
	if q > 0 {
		r = 1 - p
	}
	if r == 0 {
		return math.Copysign(math.Inf(1), q)
	}
	r = math.Sqrt(-math.Log(r))
	var x float64
	if r <= 5 {
		x = horner(r-1.6, &ppndC) / horner(r-1.6, &ppndD)
	} else {
		x = horner(r-5, &ppndE) / horner(r-5, &ppndF)
	}
	return math.Copysign(x, q)
}

func horner(x float64, c *[8]float64) float64 {
	return ((((((c[7]*x+c[6])*x+c[5])*x+c[4])*x+c[3])*x+c[2])*x+c[1])*x + c[0]
}

var (
	ppndA = [8]float64{3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3}
	ppndB = [8]float64{1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3}
	ppndC = [8]float64{1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504, 1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4}
	ppndD = [8]float64{1, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9}
	ppndE = [8]float64{6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7}
	ppndF = [8]float64{1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15}
)

// StudentISF returns the t with P(T > t) = q.
//
// It starts from the Cornish–Fisher expansion in 1/df (Abramowitz & Stegun
// 26.7.5), which alone is exact to the last digits at large df, and else
// polishes by Newton steps on the logarithm of the tail.
func StudentISF(q, df float64) float64 {
	switch {
	case !(q >= 0 && q <= 1) || !(df > 0):
		return math.NaN()
	case q == .5:
		return 0
	case q > .5:
		return -StudentISF(1-q, df)
	case q == 0:
		return math.Inf(1)
	case df == 1:
		if q < 1e-8 {
			return 1 / (math.Pi * q)
		}
		return 1 / math.Tan(math.Pi*q)
	case df == 2:
		return (1 - 2*q) / math.Sqrt(2*q*(1-q))
	}
	z := -NormalQuantile(q)
	if math.IsInf(df, 1) {
		return z
	}
	t, last := cornishFisher(z, df)
	if last*(z*z+12)/df < 3e-14*t {
		return t
	}
	if z*z > df/2 || df < 3 {
		// Never below the quantile, from where Newton's steps are monotone.
		t = math.Exp(min(700, (studentPower(df)-math.Log(q))/df))
	}
	return studentPolish(t, q, df)
}

// cornishFisher returns the expansion of the t quantile around the normal one
// to the fourth power of 1/df, and the size of its last term.
func cornishFisher(z, df float64) (t, last float64) {
	y := z * z
	g1 := (y + 1) * z / 4
	g2 := ((5*y+16)*y + 3) * z / 96
	g3 := (((3*y+19)*y+17)*y - 15) * z / 384
	g4 := ((((79*y+776)*y+1482)*y-1920)*y - 945) * z / 92160
	n := 1 / df
	return z + n*(g1+n*(g2+n*(g3+n*g4))), math.Abs(g4) * n * n * n * n
}

func studentPolish(t, q, df float64) float64 {
	lo, hi := 0.0, math.Inf(1)
	lq := math.Log(q)
	for range 200 {
		s := StudentSF(t, df)
		if s > q {
			lo = t
		} else if s < q {
			hi = t
		} else {
			return t
		}
		// Newton on ln S as a function of ln t, in which the tail is straight.
		slope := t * StudentPDF(t, df) / s
		next := t * math.Exp((math.Log(s)-lq)/slope)
		if math.Abs(next-t) <= 1e-8*t {
			return next // the error is of the order of the square of that
		}
		if !(next > lo && next < hi) {
			switch {
			case math.IsInf(hi, 1):
				next = 2*t + 1
			case lo == 0:
				next = hi / 2
			default:
				next = lo + (hi-lo)/2
			}
		}
		t = next
	}
	return t
}

// ChiSquareISF returns the x with P(X > x) = q.
func ChiSquareISF(q, df float64) float64 { return 2 * GammaISF(q, df/2) }

// GammaISF returns the x with P(X > x) = q for the gamma distribution of the
// shape and rate one.
func GammaISF(q, shape float64) float64 {
	switch {
	case !(q >= 0 && q <= 1) || !positive(shape, shape):
		return math.NaN()
	case q == 0:
		return math.Inf(1)
	case q == 1:
		return 0
	}
	return math.Exp(invert(q, math.Log(shape), func(u float64) (float64, float64) {
		x := math.Exp(u)
		return GammaCDF(x, shape), GammaSF(x, shape)
	}))
}

// GammaQuantile returns the x with P(X ≤ x) = p.
func GammaQuantile(p, shape float64) float64 {
	switch {
	case !(p >= 0 && p <= 1) || !positive(shape, shape):
		return math.NaN()
	case p == 0:
		return 0
	case p == 1:
		return math.Inf(1)
	}
	return math.Exp(-invert(p, -math.Log(shape), func(u float64) (float64, float64) {
		x := math.Exp(-u)
		return GammaSF(x, shape), GammaCDF(x, shape)
	}))
}

// FISF returns the x with P(X > x) = q for the F distribution.
func FISF(q, d1, d2 float64) float64 {
	switch {
	case !(q >= 0 && q <= 1) || !positive(d1, d2):
		return math.NaN()
	case q == 0:
		return math.Inf(1)
	case q == 1:
		return 0
	}
	return math.Exp(invert(q, 0, func(u float64) (float64, float64) {
		x := math.Exp(u)
		return FCDF(x, d1, d2), FSF(x, d1, d2)
	}))
}

// BetaQuantile returns the x with P(X ≤ x) = p for the beta distribution.
func BetaQuantile(p, a, b float64) float64 {
	switch {
	case !(p >= 0 && p <= 1) || !positive(a, b):
		return math.NaN()
	case p == 0:
		return 0
	case p == 1:
		return 1
	}
	return 1 / (1 + math.Exp(-betaLogit(p, a, b)))
}

// BetaISF returns the x with P(X > x) = q for the beta distribution.
func BetaISF(q, a, b float64) float64 {
	switch {
	case !(q >= 0 && q <= 1) || !positive(a, b):
		return math.NaN()
	case q == 0:
		return 1
	case q == 1:
		return 0
	}
	// One less the quantile of 1 − X, which need not be near 1.
	return 1 / (1 + math.Exp(betaLogit(q, b, a)))
}

// betaLogit is the logit of a quantile: on its scale both ends are far away.
func betaLogit(p, a, b float64) float64 {
	return -invert(p, math.Log(b/a), func(u float64) (float64, float64) {
		x, y := 1/(1+math.Exp(u)), 1/(1+math.Exp(-u))
		return betaEdge(b, a, y, x), betaEdge(a, b, x, y)
	})
}

// invert returns the u at which the upper tail is q, starting from a guess;
// tails returns the lower and the upper tail, each to full precision. It
// works on the logarithm of the smaller one: bracketing by doubling, then
// secant steps inside the bracket, with a bisection whenever they creep.
func invert(q, guess float64, tails func(u float64) (lower, upper float64)) float64 {
	lq, l1q := math.Log(q), math.Log1p(-q)
	f := func(u float64) float64 { // decreasing in u, zero at the answer
		lower, upper := tails(u)
		if q <= .5 {
			return math.Log(upper) - lq
		}
		return l1q - math.Log(lower)
	}
	step := .5
	lo, hi := guess, guess
	for f(lo) < 0 && step < 1e5 {
		lo -= step
		step *= 2
	}
	step = .5
	for f(hi) > 0 && step < 1e5 {
		hi += step
		step *= 2
	}
	fl, fh := f(lo), f(hi)
	for range 200 {
		tol := 2 * epsilon * math.Max(1, math.Max(math.Abs(lo), math.Abs(hi)))
		if hi-lo <= tol || fl == 0 {
			break
		}
		mid := lo + (hi-lo)/2
		x := mid
		if !math.IsInf(fl, 0) && !math.IsInf(fh, 0) && fl != fh {
			x = (fh*lo - fl*hi) / (fh - fl)
			// Step past the root by a little, so that the bracket closes from
			// the far side too, but stay well inside.
			x += math.Copysign(math.Min(tol, math.Abs(mid-x)), mid-x)
			if !(x > lo && x < hi) {
				x = mid
			}
		}
		switch fx := f(x); {
		case fx > 0:
			if hi-x > .75*(hi-lo) { // the secant creeps: halve next
				lo, fl = x, fx
				x = lo + (hi-lo)/2
				if fm := f(x); fm > 0 {
					lo, fl = x, fm
				} else {
					hi, fh = x, fm
				}
			} else {
				lo, fl = x, fx
			}
		case fx < 0:
			if x-lo > .75*(hi-lo) {
				hi, fh = x, fx
				x = lo + (hi-lo)/2
				if fm := f(x); fm > 0 {
					lo, fl = x, fm
				} else {
					hi, fh = x, fm
				}
			} else {
				hi, fh = x, fx
			}
		default:
			return x
		}
	}
	return lo + (hi-lo)/2
}
