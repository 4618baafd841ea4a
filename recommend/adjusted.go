package recommend

import (
	"fmt"
	"math"
)

// AdjustedCosine is the cosine between items after each user's mean value is
// taken off: Σ (x_ui − x̄_u)(x_uj − x̄_u) over the users of both, divided by
// √(Σ (x_ui − x̄_u)² · Σ (x_uj − x̄_u)²) + Shrink, each of these over all users
// of the item, so that few users in common weigh little. x̄_u is the mean over
// the user's items. Items that the same users prefer to their other items are
// near, whether these users value much or little; only positive weights are
// kept, and those under 1e-9 are taken for rounding.
//
// It is for graded values such as ratings and visits, and [ErrOption] where
// every value is 1, as with [Binary]: a user's values must differ. (Sarwar et
// al., "Item-based collaborative filtering recommendation algorithms", 2001,
// section 3.1.3, where the denominator too is over the users of both.)
type AdjustedCosine struct{ Shrink float64 }

// String returns the name and the parameters.
func (s AdjustedCosine) String() string {
	if s.Shrink == 0 {
		return "adjusted cosine"
	}
	return fmt.Sprintf("adjusted cosine shrink=%g", s.Shrink)
}

func (s AdjustedCosine) validate() error { return within("AdjustedCosine.Shrink", s.Shrink, maxWeight) }

// suits tells why a similarity has nothing to say of a matrix.
func suits(s Similarity, m *matrix) error {
	if _, ok := s.(AdjustedCosine); ok && m.val == nil {
		return badOption("ItemKNNOptions.Similarity", s, "every value is 1; give HistoryOptions.Value a Cap or Log1p")
	}
	return nil
}

func (s AdjustedCosine) plan(m *matrix) plan {
	values := *m
	values.val = m.deviations()
	n := values.squares()
	for i, x := range n {
		n[i] = math.Sqrt(x)
	}
	return plan{m: &values, signed: true, weigh: func(sum float64, i, j uint32) float64 {
		if w := sum / (n[i]*n[j] + s.Shrink); w >= 1e-9 {
			return w
		}
		return 0
	}}
}

// deviations returns each value less the mean of its user, and 0 for what is
// rounding.
func (m *matrix) deviations() []float64 {
	mean, count := make([]float64, len(m.users)), make([]float64, len(m.users))
	for k, u := range m.row {
		mean[u] += m.val[k]
		count[u]++
	}
	out := make([]float64, len(m.val))
	for k, u := range m.row {
		average := mean[u] / count[u]
		if d := m.val[k] - average; math.Abs(d) > 1e-12*average {
			out[k] = d
		}
	}
	return out
}
