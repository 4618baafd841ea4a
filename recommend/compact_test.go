package recommend

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A compact model is the model whose weights are the nearest of 32 bits, in
// answers, explanations and bytes.
func TestCompactIsRoundedWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		var m *Model
		var err error
		if rapid.Bool().Draw(t, "full") {
			m, err = FitEASE(t.Context(), h, nil)
		} else {
			m, err = FitItemKNN(t.Context(), h, &ItemKNNOptions{K: 3, Similarity: similarities().Draw(t, "similarity")})
		}
		if err != nil {
			t.Skip("empty")
		}
		got, err := m.Compact()
		require.NoError(t, err)
		again, err := got.Compact()
		require.NoError(t, err)
		require.Same(t, got, again)
		require.Equal(t, m.String()+" compact", got.String())
		require.Equal(t, m.Weights(), got.Weights())

		b, err := got.AppendBinary(nil)
		require.NoError(t, err)
		var back Model
		require.NoError(t, back.UnmarshalBinary(b))
		rounded := &Model{name: m.name, cat: m.cat, ptr: m.ptr, target: m.target, full: m.full}
		for _, w := range m.weight {
			rounded.weight = append(rounded.weight, float64(float32(w)))
		}
		for _, u := range h.Users() {
			q := Query{History: h, User: u, N: 50}
			want, err := rounded.Recommend(q)
			require.NoError(t, err)
			for _, x := range []*Model{got, &back} {
				r, err := x.Recommend(q)
				require.NoError(t, err)
				require.Equal(t, want, r)
			}
			for _, x := range want.Items {
				parts, err := got.Explain(q, x.Item)
				require.NoError(t, err)
				sum := 0.0
				for _, p := range parts {
					sum += p.Part
				}
				require.Equal(t, x.Score, sum)
			}
		}
	})

	m, err := FitItemKNN(t.Context(), shop(t), nil)
	require.NoError(t, err)
	m.weight[3] = -1e39
	_, err = m.Compact()
	require.ErrorIs(t, err, ErrWeight)
	_, err = new(Model).Compact()
	require.ErrorIs(t, err, ErrEmpty)
}
