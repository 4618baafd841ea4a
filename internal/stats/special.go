package stats

import "math"

const (
	epsilon = 0x1p-53
	tiny    = 1e-300
	// steps bounds continued fractions and series; they need some multiple of
	// the square root of their largest parameter.
	steps = 5_000_000
)

// betaInc is the regularised incomplete beta function I_x(a, b) for
// 0 < x < 1, given x and y = 1 − x each to full precision.
//
// Continued fraction of A. R. Didonato and A. H. Morris, "Significant digit
// computation of the incomplete beta function ratios", ACM TOMS 18 (1992),
// eq. 8 (BFRAC), by the modified Lentz method, on the side of the mean where
// it converges: it needs y itself, where DLMF 8.17.22 cancels at x near 1. The
// factor in front is Loader's saddle-point form of the binomial density, which
// keeps its relative accuracy where the difference of log-gammas would lose it
// (C. Loader, "Fast and accurate computation of binomial probabilities", 2000).
func betaInc(a, b, x, y float64) float64 {
	if x > (a+1)/(a+b+2) {
		return 1 - betaFraction(b, a, y, x)
	}
	return betaFraction(a, b, x, y)
}

func betaFraction(a, b, x, y float64) float64 {
	front := a / (a + b) * b * binomialDensity(a, b, x, y)
	if front == 0 {
		return 0
	}
	lambda := a*y - b*x + 1
	f := a * lambda / (a + 1)
	if math.Abs(f) < tiny {
		f = tiny
	}
	c, d := f, 0.0
	for m := 1.0; m < steps; m++ {
		den := a + 2*m - 1
		an := m * (a + m - 1) / den * ((a + b + m - 1) / den) * (b - m) * x * x
		bn := m + m*(b-m)*x/den + (a+m)*(lambda+m*(2-x))/(a+2*m+1)
		d = bn + an*d
		if math.Abs(d) < tiny {
			d = tiny
		}
		c = bn + an/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		del := c * d
		f *= del
		if math.Abs(del-1) <= 2*epsilon {
			break
		}
	}
	return min(1, front/f)
}

// binomialDensity is Γ(a+b+1)/(Γ(a+1)Γ(b+1))·x^a·y^b for real a, b ≥ 0.
func binomialDensity(a, b, x, y float64) float64 {
	n := a + b
	switch {
	case a == 0:
		return math.Exp(power(b, x, y))
	case b == 0:
		return math.Exp(power(a, y, x))
	case x <= 0 || y <= 0:
		return 0
	}
	e := stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n*x) - deviance(b, n*y)
	return math.Exp(e) * math.Sqrt(n/a/(2*math.Pi*b))
}

// power is n·ln y with y = 1 − x, by the smaller of the two.
func power(n, x, y float64) float64 {
	if x < y {
		return n * math.Log1p(-x)
	}
	return n * math.Log(y)
}

// poissonDensity is x^a·e^−x/Γ(a+1) for real a ≥ 0.
func poissonDensity(a, x float64) float64 {
	if a == 0 {
		return math.Exp(-x)
	}
	return math.Exp(-stirlingError(a)-deviance(a, x)) / math.Sqrt(2*math.Pi*a)
}

// deviance is Loader's bd0, x·ln(x/m) + m − x, without cancellation near x = m.
func deviance(x, m float64) float64 {
	d := x - m
	if math.Abs(d) >= .1*(x+m) {
		if r := x / m; r > 0 && !math.IsInf(r, 1) {
			return x*math.Log(r) - d
		}
		return x*(math.Log(x)-math.Log(m)) - d
	}
	v := d / (x + m)
	s := d * v
	ej := 2 * x * v
	v *= v
	for j := 1.0; j < 1000; j++ {
		ej *= v
		next := s + ej/(2*j+1)
		if next == s {
			break
		}
		s = next
	}
	return s
}

// stirlingError is ln Γ(n+1) − ((n+½)·ln n − n + ½·ln 2π).
func stirlingError(n float64) float64 {
	if n == .5 { // every Student tail asks for it
		return .5 - math.Ln2/2
	}
	shift := 0.0
	for n < 10 {
		// The error at n exceeds that at n+1 by (n+½)·ln(1+1/n) − 1.
		shift += stirlingStep(n)
		n++
	}
	const (
		s0 = 1. / 12
		s1 = 1. / 360
		s2 = 1. / 1260
		s3 = 1. / 1680
		s4 = 1. / 1188
		s5 = 691. / 360360
		s6 = 1. / 156
		s7 = 3617. / 122400
	)
	q := 1 / n
	z := q * q
	return shift + q*(s0-z*(s1-z*(s2-z*(s3-z*(s4-z*(s5-z*(s6-z*s7)))))))
}

// stirlingStep is (n+½)·ln(1+1/n) − 1; the series in 1/(2n+1) leaves nothing
// to cancel.
func stirlingStep(n float64) float64 {
	if n < 1 {
		return (n+.5)*math.Log1p(1/n) - 1
	}
	w := 1 / (2*n + 1)
	w *= w
	s, p := 0.0, 1.0
	for k := 3.0; ; k += 2 {
		p *= w
		next := s + p/k
		if next == s {
			return s
		}
		s = next
	}
}

// gammaBySeries tells whether the lower tail is the one to compute.
func gammaBySeries(x, a float64) bool { return x < a+1 && (x < a || x < 1) }

// gammaSeries is the lower regularised incomplete gamma function by its
// series, DLMF 8.11.4.
func gammaSeries(a, x float64) float64 {
	front := poissonDensity(a, x)
	sum, term := 1.0, 1.0
	for n := 1.0; n < steps; n++ {
		term *= x / (a + n)
		sum += term
		if term <= sum*epsilon {
			break
		}
	}
	return min(1, front*sum)
}

// gammaFraction is the upper one by its continued fraction, DLMF 8.9.2.
func gammaFraction(a, x float64) float64 {
	front := a * poissonDensity(a, x)
	if front == 0 {
		return 0
	}
	b := x + 1 - a
	c := 1 / tiny
	if math.Abs(b) < tiny {
		b = tiny
	}
	d := 1 / b
	h := d
	for i := 1.0; i < steps; i++ {
		an := -i * (i - a)
		b += 2
		d = an*d + b
		if math.Abs(d) < tiny {
			d = tiny
		}
		c = b + an/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		del := d * c
		h *= del
		if math.Abs(del-1) <= 2*epsilon {
			break
		}
	}
	return min(1, front*h)
}
