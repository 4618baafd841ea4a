package recommend

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Items a1…a4 and b1…b4 are of categories a and b, x of none.
func TestCalibrationAndDiversityByHand(t *testing.T) {
	train, known, held := newTestHistory(t, nil), newTestHistory(t, nil), newTestHistory(t, nil)
	items := []string{"x"}
	for k := 1; k <= 4; k++ {
		items = append(items, "a"+strconv.Itoa(k), "b"+strconv.Itoa(k))
	}
	for _, i := range items {
		require.NoError(t, train.Add(9, i, 1, day0))
	}
	// User 1 has three of a and one of b; user 2 only x; user 3 two of b.
	for user, list := range map[uint32][]string{1: {"a1", "a2", "a3", "b1"}, 2: {"x"}, 3: {"b1", "b2"}} {
		for _, i := range list {
			require.NoError(t, known.Add(user, i, 1, day0))
		}
		require.NoError(t, held.Add(user, "b4", 1, day0))
	}
	o := &EvalOptions{
		History: known, Train: train, K: []int{1, 4},
		Category: func(item string) string {
			if item == "x" {
				return ""
			}
			return item[:1]
		},
	}
	// Of the first four a4, a3 and b3 have a category: shares 2/3 and 1/3.
	r, err := Evaluate(t.Context(), fixed{"a4", "x", "b3", "a3", "b4"}, held, o)
	require.NoError(t, err)
	kl := func(p, q []float64) (sum float64) {
		for i := range p {
			if p[i] > 0 {
				sum += p[i] * math.Log(p[i]/(0.99*q[i]+0.01*p[i]))
			}
		}
		return sum
	}
	one, _ := r.At(1)
	four, _ := r.At(4)
	first, third := []float64{3.0 / 4, 1.0 / 4}, []float64{0, 1}
	require.InDelta(t, (kl(first, []float64{2.0 / 3, 1.0 / 3})+kl(third, []float64{2.0 / 3, 1.0 / 3}))/2, four.Calibration.Value, 1e-12)
	require.InDelta(t, (kl(first, []float64{1, 0})+math.Log(100))/2, one.Calibration.Value, 1e-12)
	require.InDelta(t, 2.0/3, four.Diversity.Value, 1e-12, "two pairs of three differ")
	require.Zero(t, one.Diversity.Value, "no pair")
	require.Contains(t, r.String(), "diversity")
	c, err := r.Compare(r, "calibration", 4, nil)
	require.NoError(t, err)
	require.Equal(t, 2, c.Users, "user 2 has no interests")

	o.Category = nil
	r, err = Evaluate(t.Context(), fixed{"a4"}, held, o)
	require.NoError(t, err)
	require.NotContains(t, r.String(), "diversity")
	require.Zero(t, r.Cuts[0].Calibration.Value)
	require.Zero(t, r.Cuts[0].Diversity.Value)

	o.Category = func(string) string { return "" }
	r, err = Evaluate(t.Context(), fixed{"a4"}, held, o)
	require.NoError(t, err)
	require.Zero(t, r.Cuts[0].Calibration.Value)
}
