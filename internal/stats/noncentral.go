package stats

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// NoncentralStudentSF returns P(T > t) for Student's t with df degrees of
// freedom around the noncentrality delta, for power calculations: absolute
// accuracy about 1e-13.
//
// T is (Z + delta)/S with a normal Z and S² a chi-square over df, so the tail
// is the mean of P(Z > t·S − delta) over S, by Gauss–Legendre panels over all
// but 1e-30 of the mass of S.
func NoncentralStudentSF(t, df, delta float64) float64 {
	switch {
	case !(df > 0) || math.IsNaN(t) || math.IsNaN(delta):
		return math.NaN()
	case math.IsInf(df, 1):
		return NormalSF(t - delta)
	case delta == 0:
		return StudentSF(t, df)
	}
	const panels, nodes = 24, 20
	n := df / 2
	c := math.Ln2 + .5*math.Log(n) - .5*math.Log(2*math.Pi) - stirlingError(n)
	density := func(s float64) float64 {
		if s <= 0 {
			return 0
		}
		// n·(1 − s² + 2·ln s) without cancellation near 1.
		d := s - 1
		return math.Exp(c - n*(d*(d+2)-2*math.Log1p(d)) - math.Log(s))
	}
	half := 12 / math.Sqrt(2*df)
	lo, hi := math.Max(0, 1-half), 1+half
	w := (hi - lo) / panels
	sum := 0.0
	for i := range panels {
		a := lo + float64(i)*w
		sum += quad.Fixed(func(s float64) float64 { return density(s) * NormalSF(t*s-delta) }, a, a+w, nodes, quad.Legendre{}, 1)
	}
	return math.Min(1, sum)
}
