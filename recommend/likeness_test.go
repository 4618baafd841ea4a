package recommend

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Dissimilarity against all pairs by the definition.
func TestDissimilarityAgainstPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		slow := slowMatrix(h)
		if len(slow.items) == 0 {
			t.Skip("empty")
		}
		list := rapid.Permutation(append([]string{"unknown"}, slow.items...)).Draw(t, "list")
		held := newHistory(h.set)
		for user := uint32(1); user <= 3; user++ {
			require.NoError(t, held.Add(user, slow.items[0], 1, day0))
		}
		r, err := Evaluate(t.Context(), fixed(list), held, &EvalOptions{
			History: newHistory(h.set), Train: h, K: []int{1, 2, 3, 5}, Dissimilarity: true, Workers: 2,
		})
		require.NoError(t, err)
		for _, cut := range r.Cuts {
			sum, pairs := 0.0, 0.0
			top := list[:min(cut.K, len(list))]
			for b, j := range top {
				for _, i := range top[:b] {
					if i == "unknown" || j == "unknown" {
						continue
					}
					both := 0.0
					for u := range slow.x[i] {
						if _, ok := slow.x[j][u]; ok {
							both++
						}
					}
					sum += 1 - both/math.Sqrt(float64(len(slow.x[i]))*float64(len(slow.x[j])))
					pairs++
				}
			}
			want := 0.0
			if pairs > 0 {
				want = sum / pairs
			}
			require.InDelta(t, want, cut.Dissimilarity.Value, 1e-9, "at %d of %v", cut.K, list)
		}
		require.Contains(t, r.String(), "dissimilarity")
		_, err = Evaluate(t.Context(), fixed(list), held, &EvalOptions{History: h, Dissimilarity: true})
		require.ErrorIs(t, err, ErrOption)
	})
}
