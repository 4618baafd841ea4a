package experiment

import "math"

// scoreError is the standard error of the difference under the null
// difference: the cubic of Miettinen and Nurminen in closed form.
func scoreError(x, n [2]float64, null float64) float64 {
	if null == 0 {
		p := (x[0] + x[1]) / (n[0] + n[1])
		return math.Sqrt(p * (1 - p) * (1/n[0] + 1/n[1]))
	}
	// Treatment is 1, control 2, p1 − p2 = null.
	n1, n2, x1, x2 := n[1], n[0], x[1], x[0]
	total := n1 + n2
	l3 := total
	l2 := (n1+2*n2)*null - total - (x1 + x2)
	l1 := (n2*null-total-2*x2)*null + x1 + x2
	l0 := x2 * null * (1 - null)
	q := l2*l2*l2/(27*l3*l3*l3) - l1*l2/(6*l3*l3) + l0/(2*l3)
	p := math.Copysign(math.Sqrt(max(0, l2*l2/(9*l3*l3)-l1/(3*l3))), q)
	a := math.Pi / 3
	if p != 0 {
		a = (math.Pi + math.Acos(max(-1, min(1, q/(p*p*p))))) / 3
	}
	p2 := max(0, min(1, 2*p*math.Cos(a)-l2/(3*l3)))
	p1 := max(0, min(1, p2+null))
	return math.Sqrt(p1*(1-p1)/n1 + p2*(1-p2)/n2)
}

// correction is the square root of n/(n − 1) of Miettinen and Nurminen.
func correction(n [2]float64) float64 {
	total := n[0] + n[1]
	return math.Sqrt(total / (total - 1))
}

// scoreDifference returns the differences that the score test does not reject.
func scoreDifference(x, n [2]float64, z float64) (lo, hi float64) {
	d, f := x[1]/n[1]-x[0]/n[0], correction(n)
	statistic := func(null float64) float64 { return (d - null) / (f * scoreError(x, n, null)) }
	lo = crossing(-1, d, func(null float64) bool { return statistic(null) > z })
	hi = crossing(d, 1, func(null float64) bool { return statistic(null) >= -z })
	return lo, hi
}

// scoreRatio returns the ratios, less one, that the score test does not reject:
// with p1 = ratio·p2 the likeliest p2 solves a quadratic.
func scoreRatio(x, n [2]float64, z float64) (lo, hi float64) {
	n1, n2, x1, x2 := n[1], n[0], x[1], x[0]
	f := correction(n)
	statistic := func(ratio float64) float64 {
		a := (n1 + n2) * ratio
		b := n1*ratio + x1 + n2 + x2*ratio
		p2 := min(1, (x1+x2)*2/(b+math.Sqrt(max(0, b*b-4*a*(x1+x2)))))
		p1 := min(1, ratio*p2)
		return (x1/n1 - ratio*x2/n2) / (f * math.Sqrt(p1*(1-p1)/n1+ratio*ratio*p2*(1-p2)/n2))
	}
	// Ratios go from 0 to infinity; their share of one more does not.
	at := func(u float64) float64 { return u / (1 - u) }
	seen := x1 / n1 / (x1/n1 + x2/n2)
	lo = at(crossing(0, seen, func(u float64) bool { return statistic(at(u)) > z }))
	hi = at(crossing(seen, 1, func(u float64) bool { return statistic(at(u)) >= -z }))
	return lo - 1, hi - 1
}

// crossing returns where a condition that holds at lo, and not at hi, ends.
func crossing(lo, hi float64, holds func(float64) bool) float64 {
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid <= lo || mid >= hi {
			break
		}
		if holds(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + (hi-lo)/2
}
