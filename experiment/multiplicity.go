package experiment

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
)

// Correction is a method against false discoveries among many tests.
type Correction uint8

const (
	// Holm holds the chance of any false discovery, stepping down (1979); valid
	// under any dependence, and never worse than Bonferroni.
	Holm Correction = iota
	// Bonferroni holds the chance of any false discovery, in one step.
	Bonferroni
	// Hochberg holds it stepping up, under positive dependence (1988).
	Hochberg
	// Hommel is the most powerful of these, under positive dependence (1988).
	Hommel
	// BH holds the share of false among all discoveries, under positive
	// dependence (Benjamini and Hochberg, 1995).
	BH
	// BY holds it under any dependence (Benjamini and Yekutieli, 2001).
	BY
)

func (c Correction) String() string {
	if names := [...]string{"Holm", "Bonferroni", "Hochberg", "Hommel", "BH", "BY"}; int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("Correction(%d)", uint8(c))
}

// Adjust returns the p-values adjusted for being looked at together, in the
// order given: reject those that are at most the level wanted. The results are
// those of R's p.adjust. A p that is not from 0 to 1 is [ErrInvalid].
func Adjust(p []float64, method Correction) ([]float64, error) {
	for i, x := range p {
		if !(x >= 0 && x <= 1) {
			return nil, &OptionError{"Adjust", fmt.Sprintf("p[%d]", i), x, "want 0 ≤ p ≤ 1"}
		}
	}
	if method > BY {
		return nil, &OptionError{"Adjust", "method", method, "want one of the constants"}
	}
	n := len(p)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]float64, n)
	f := float64(n)
	switch method {
	case Bonferroni:
		for i, x := range p {
			out[i] = min(1, f*x)
		}
	case Holm:
		last := 0.0
		for rank, i := range order {
			last = max(last, min(1, float64(n-rank)*p[i]))
			out[i] = last
		}
	case Hommel:
		hommel(p, order, out)
	default:
		harmonic := 0.0
		for i := range n {
			harmonic += 1 / float64(i+1)
		}
		last := 1.0
		for rank := n - 1; rank >= 0; rank-- {
			i := order[rank]
			factor := f / float64(rank+1)
			switch method {
			case Hochberg:
				factor = float64(n - rank)
			case BY:
				factor *= harmonic
			}
			last = min(last, factor*p[i])
			out[i] = last
		}
	}
	return out, nil
}

// hommel is the algorithm of S. P. Wright, "Adjusted p-values for simultaneous
// inference", Biometrics 48 (1992).
func hommel(p []float64, order []int, out []float64) {
	n := len(p)
	if n == 0 {
		return
	}
	sorted := make([]float64, n)
	for rank, i := range order {
		sorted[rank] = p[i]
	}
	lowest := math.Inf(1)
	for i, x := range sorted {
		lowest = min(lowest, float64(n)*x/float64(i+1))
	}
	q, a := make([]float64, n), make([]float64, n)
	for i := range q {
		q[i], a[i] = lowest, lowest
	}
	for m := n - 1; m >= 2; m-- {
		head := n - m + 1 // p-values below the last m − 1
		q1 := math.Inf(1)
		for k := head; k < n; k++ {
			q1 = min(q1, float64(m)*sorted[k]/float64(2+k-head))
		}
		for i := range head {
			q[i] = min(float64(m)*sorted[i], q1)
		}
		for i := head; i < n; i++ {
			q[i] = q[n-m]
		}
		for i := range a {
			a[i] = max(a[i], q[i])
		}
	}
	for rank, i := range order {
		out[i] = min(1, max(a[rank], sorted[rank]))
	}
}

// Combine returns the p-value of independent tests of one hypothesis taken
// together, by Fisher's method: −2·Σ ln p is chi-square with 2k degrees of
// freedom.
func Combine(p []float64) (float64, error) {
	if len(p) == 0 {
		return 0, &OptionError{"Combine", "p", p, "want at least one"}
	}
	x := 0.0
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return 0, &OptionError{"Combine", fmt.Sprintf("p[%d]", i), v, "want 0 ≤ p ≤ 1"}
		}
		x -= 2 * math.Log(v)
	}
	return stats.ChiSquareSF(x, 2*float64(len(p))), nil
}
