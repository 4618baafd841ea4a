package stats

import "math"

// Every tail here is computed directly, never as one minus the other tail
// when that would cancel, so that relative accuracy of about 1e-12 holds down
// to the smallest normal float64. A parameter outside its range, or NaN
// anywhere, gives NaN; callers validate what comes from data.

// NormalPDF returns the density of the standard normal distribution.
func NormalPDF(x float64) float64 {
	return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
}

// NormalCDF returns P(Z ≤ x) for a standard normal Z.
func NormalCDF(x float64) float64 { return NormalSF(-x) }

// NormalSF returns P(Z > x) for a standard normal Z.
func NormalSF(x float64) float64 {
	if !(x > 1) || x > 39 {
		return math.Erfc(x/math.Sqrt2) / 2
	}
	// The rounding of x/√2 to y costs a relative 2·y·δ, as much as 1e-13 far
	// out: take it back.
	y := x / math.Sqrt2
	const lo = -9.667293313452913e-17 // √2 − math.Sqrt2
	d := -(math.FMA(y, math.Sqrt2, -x) + y*lo) / math.Sqrt2
	return math.Erfc(y) / 2 * (1 - 2*y*d)
}

// StudentSF returns P(T > t) for Student's t with df degrees of freedom,
// df > 0 and not necessarily an integer; +Inf is the normal distribution.
func StudentSF(t, df float64) float64 {
	switch {
	case !(df > 0) || math.IsNaN(t):
		return math.NaN()
	case t < 0:
		return 1 - StudentSF(-t, df)
	case t == 0:
		return .5
	case math.IsInf(df, 1):
		return NormalSF(t)
	case df > 1e12:
		// The first term of Fisher's expansion in 1/df.
		return NormalSF(t) + NormalPDF(t)*(t*t*t+t)/(4*df)
	}
	var x, y float64
	if t > 1e9*math.Sqrt(df) {
		return math.Exp(studentPower(df) - df*math.Log(t))
	}
	if r := df / t / t; r <= 1 {
		x, y = r/(1+r), 1/(1+r)
	} else {
		s := t / df * t
		x, y = 1/(1+s), s/(1+s)
	}
	return betaInc(df/2, .5, x, y) / 2
}

// studentPower is the c of the power law exp(c)·t^−df that the tail is far out.
func studentPower(df float64) float64 {
	// The density there is its value at 0 times (t²/df)^(−(df+1)/2).
	return math.Log(StudentPDF(0, df)) + (df-1)/2*math.Log(df)
}

// StudentCDF returns P(T ≤ t).
func StudentCDF(t, df float64) float64 { return StudentSF(-t, df) }

// StudentPDF returns the density of Student's t.
func StudentPDF(t, df float64) float64 {
	if !(df > 0) || math.IsNaN(t) {
		return math.NaN()
	}
	if math.IsInf(df, 1) {
		return NormalPDF(t)
	}
	// Loader (2000): Γ(n+½)/Γ(n) = √n·exp(g), so that nothing cancels at large
	// df.
	n := df / 2
	g := stirlingError(n+.5) - stirlingError(n) - deviance(n, n+.5)
	u := math.Log1p(t / df * t)
	if math.Abs(t) > 1e8*math.Sqrt(df) {
		u = 2*math.Log(math.Abs(t)) - math.Log(df)
	}
	return math.Exp(g-(df+1)/2*u) / math.Sqrt(2*math.Pi)
}

// ChiSquareSF returns P(X > x) for chi-square with df degrees of freedom.
func ChiSquareSF(x, df float64) float64 { return GammaSF(x/2, df/2) }

// ChiSquareCDF returns P(X ≤ x) for chi-square with df degrees of freedom.
func ChiSquareCDF(x, df float64) float64 { return GammaCDF(x/2, df/2) }

// FSF returns P(X > x) for the F distribution with d1 and d2 degrees of
// freedom.
func FSF(x, d1, d2 float64) float64 {
	if !(d1 > 0 && d2 > 0) || math.IsInf(d1, 1) || math.IsInf(d2, 1) || math.IsNaN(x) {
		return math.NaN()
	}
	if x <= 0 {
		return 1
	}
	p, q := fArgument(x, d1, d2)
	return betaInc(d2/2, d1/2, p, q)
}

// FCDF returns P(X ≤ x) for the F distribution.
func FCDF(x, d1, d2 float64) float64 {
	if !(d1 > 0 && d2 > 0) || math.IsInf(d1, 1) || math.IsInf(d2, 1) || math.IsNaN(x) {
		return math.NaN()
	}
	if x <= 0 {
		return 0
	}
	p, q := fArgument(x, d1, d2)
	return betaInc(d1/2, d2/2, q, p)
}

// fArgument returns d2/(d2+d1·x) and its complement, both to full precision.
func fArgument(x, d1, d2 float64) (p, q float64) {
	if r := d1 / d2 * x; r < 1 {
		return 1 / (1 + r), r / (1 + r)
	}
	r := d2 / d1 / x
	return r / (1 + r), 1 / (1 + r)
}

// BetaCDF returns P(X ≤ x) for the beta distribution, the regularised
// incomplete beta function I_x(a, b).
func BetaCDF(x, a, b float64) float64 {
	switch {
	case !positive(a, b) || math.IsNaN(x):
		return math.NaN()
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	}
	return betaInc(a, b, x, 1-x)
}

// BetaSF returns P(X > x) for the beta distribution.
func BetaSF(x, a, b float64) float64 {
	switch {
	case !positive(a, b) || math.IsNaN(x):
		return math.NaN()
	case x <= 0:
		return 1
	case x >= 1:
		return 0
	}
	return betaInc(b, a, 1-x, x)
}

// GammaCDF returns P(X ≤ x) for the gamma distribution of the shape and rate
// one, the regularised lower incomplete gamma function.
func GammaCDF(x, shape float64) float64 {
	switch {
	case !positive(shape, shape) || math.IsNaN(x):
		return math.NaN()
	case x <= 0:
		return 0
	case math.IsInf(x, 1):
		return 1
	case gammaBySeries(x, shape):
		return gammaSeries(shape, x)
	}
	return 1 - gammaFraction(shape, x)
}

// GammaSF returns P(X > x) for the gamma distribution of the shape and rate
// one.
func GammaSF(x, shape float64) float64 {
	switch {
	case !positive(shape, shape) || math.IsNaN(x):
		return math.NaN()
	case x <= 0:
		return 1
	case math.IsInf(x, 1):
		return 0
	case gammaBySeries(x, shape):
		return 1 - gammaSeries(shape, x)
	}
	return gammaFraction(shape, x)
}

// BinomialCDF returns P(X ≤ k) for n trials of probability p.
func BinomialCDF(k, n, p float64) float64 {
	switch {
	case !(p >= 0 && p <= 1) || !(n >= 0) || math.IsNaN(k):
		return math.NaN()
	case k < 0:
		return 0
	case math.Floor(k) >= n:
		return 1
	}
	k = math.Floor(k)
	return betaEdge(n-k, k+1, 1-p, p)
}

// BinomialSF returns P(X > k) for n trials of probability p.
func BinomialSF(k, n, p float64) float64 {
	switch {
	case !(p >= 0 && p <= 1) || !(n >= 0) || math.IsNaN(k):
		return math.NaN()
	case k < 0:
		return 1
	case math.Floor(k) >= n:
		return 0
	}
	k = math.Floor(k)
	return betaEdge(k+1, n-k, p, 1-p)
}

// BinomialPMF returns P(X = k) for n trials of probability p, by Loader's
// saddle-point form.
func BinomialPMF(k, n, p float64) float64 {
	switch {
	case !(p >= 0 && p <= 1) || !(n >= 0) || math.IsNaN(k):
		return math.NaN()
	case k < 0 || k > n || k != math.Floor(k):
		return 0
	}
	return binomialDensity(k, n-k, p, 1-p)
}

// PoissonCDF returns P(X ≤ k) at a mean.
func PoissonCDF(k, mean float64) float64 {
	if k < 0 {
		return 0
	}
	return GammaSF(mean, math.Floor(k)+1)
}

// PoissonSF returns P(X > k) at a mean.
func PoissonSF(k, mean float64) float64 {
	if k < 0 {
		return 1
	}
	return GammaCDF(mean, math.Floor(k)+1)
}

func positive(a, b float64) bool {
	return a > 0 && b > 0 && !math.IsInf(a, 1) && !math.IsInf(b, 1)
}

func betaEdge(a, b, x, y float64) float64 {
	switch {
	case x <= 0:
		return 0
	case y <= 0:
		return 1
	}
	return betaInc(a, b, x, y)
}
