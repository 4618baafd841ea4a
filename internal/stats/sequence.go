package stats

import "math"

// SequenceWidth returns the half width, in standard errors, of the asymptotic
// confidence sequence at n users, tuned to be narrowest at planned ones, and
// the ρ² of the tuning (I. Waudby-Smith et al., "Time-uniform central limit
// theory and asymptotic confidence sequences", Annals of Statistics 52 (2024)).
func SequenceWidth(n, planned, alpha float64, oneSided bool) (width, rho2 float64) {
	a := alpha
	if oneSided {
		a = 2 * alpha
	}
	rho2 = (-2*math.Log(a) + math.Log(1-2*math.Log(a))) / planned
	g := n*rho2 + 1
	log := math.Log(math.Sqrt(g) / alpha)
	if oneSided {
		log = math.Log1p(math.Sqrt(g) / (2 * alpha))
	}
	return math.Sqrt(2 * g / (n * rho2) * log), rho2
}
