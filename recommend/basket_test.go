package recommend

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A model knows the items of the history it was fitted on by number and those
// of any other by name; the answers must be the same, also for items that came
// after the fit and once the history's numbers mean other items.
func TestNumbersOfAnotherHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		m, err := FitItemKNN(t.Context(), h, nil)
		if err != nil {
			t.Skip("empty")
		}
		require.NoError(t, h.Add(3, "new", 1, day0))
		require.NoError(t, h.Add(3, strconv.Itoa(rapid.IntRange(1, 20).Draw(t, "item")), 1, day0))

		// The same rows, their items numbered in another order.
		b, err := h.AppendBinary(nil)
		require.NoError(t, err)
		decoded := newHistory(h.set)
		require.NoError(t, decoded.UnmarshalBinary(b))
		merged := newHistory(h.set)
		require.NoError(t, merged.Add(99, "zero", 1, day0))
		require.NoError(t, merged.Merge(h))
		stored, err := m.AppendBinary(nil)
		require.NoError(t, err)
		var again Model
		require.NoError(t, again.UnmarshalBinary(stored))

		ask := func(m *Model, h *History) (out []Result) {
			for _, u := range h.Users() {
				r, err := m.Recommend(Query{History: h, User: u, N: 5})
				require.NoError(t, err)
				if u != 99 {
					out = append(out, r)
				}
			}
			return out
		}
		want := ask(m, h)
		require.Equal(t, want, ask(m, decoded))
		require.Equal(t, want, ask(m, merged))
		require.Equal(t, want, ask(&again, h))
		require.NoError(t, h.UnmarshalBinary(b))
		require.Equal(t, want, ask(m, h), "the numbers of h mean other items now")
	})
}
