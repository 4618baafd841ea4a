package stats

import "math"

// Wilson returns the interval of a proportion of k in n that inverts the score
// test at z standard errors (E. B. Wilson, "Probable inference, the law of
// succession, and statistical inference", JASA 22 (1927)).
func Wilson(k, n, z float64) (lo, hi float64) {
	p, z2 := k/n, z*z
	mid := (p + z2/(2*n)) / (1 + z2/n)
	w := z / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	lo, hi = max(0, mid-w), min(1, mid+w)
	if k == 0 {
		lo = 0
	}
	if k == n {
		hi = 1
	}
	return lo, hi
}
