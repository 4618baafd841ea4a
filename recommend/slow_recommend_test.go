package recommend

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A slow recommender: scores by the definition, a full sort.
func slowRecommend(m *Model, history map[string]float64, q Query) []Scored {
	var out []Scored
	for _, target := range m.cat.names {
		score := 0.0
		for _, source := range m.cat.names {
			if x := history[source]; x > 0 {
				score += x * m.Weight(source, target)
			}
		}
		own, had := history[target]
		if had && q.Own > 0 {
			score += own * q.Own
		}
		if had && !q.KeepHistory || q.Allow != nil && !q.Allow.Contains(target) || q.Deny != nil && q.Deny.Contains(target) {
			continue
		}
		if score <= 0 && q.Fill == FillNone {
			continue
		}
		out = append(out, Scored{target, score})
	}
	slices.SortStableFunc(out, func(a, b Scored) int {
		if c := cmp.Compare(b.Score, a.Score); c != 0 || a.Score != 0 || q.Fill == FillByID {
			return c
		}
		return cmp.Compare(m.Users(b.Item), m.Users(a.Item))
	})
	n := q.N
	if n == 0 {
		n = 20
	}
	return out[:min(n, len(out))]
}

func TestRecommendAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		m, err := FitItemKNN(t.Context(), h, &ItemKNNOptions{Similarity: similarities().Draw(t, "similarity"), K: 2})
		if err != nil {
			t.Skip("empty")
		}
		// Negative weights, as the linear models have.
		for i := range m.weight {
			if rapid.IntRange(0, 3).Draw(t, "sign") == 0 {
				m.weight[i] = -m.weight[i]
			}
		}
		some := func(label string) *ItemSet {
			if rapid.Bool().Draw(t, label) {
				return nil
			}
			return m.Items(rapid.SliceOf(rapid.SampledFrom(m.cat.names)).Draw(t, label+" names")...)
		}
		q := Query{
			N: rapid.IntRange(0, 9).Draw(t, "n"), Allow: some("allow"), Deny: some("deny"),
			KeepHistory: rapid.Bool().Draw(t, "keep"), Fill: Fill(rapid.IntRange(0, 3).Draw(t, "fill")),
		}
		if q.KeepHistory {
			q.Own = rapid.SampledFrom([]float64{0, 0.3, 10}).Draw(t, "own")
		}
		history := map[string]float64{}
		known := 0
		if rapid.Bool().Draw(t, "by user") {
			q.History, q.User = h, uint32(rapid.IntRange(1, 13).Draw(t, "user"))
			for _, i := range m.cat.names {
				if x := slowMatrix(h).x[i][q.User]; x > 0 {
					history[i] = x
					known++
				}
			}
		} else {
			q.Items = rapid.SliceOf(rapid.SampledFrom(append([]string{"unknown"}, m.cat.names...))).Draw(t, "session")
			for _, i := range q.Items {
				if m.Users(i) > 0 && history[i] == 0 {
					history[i] = 1
					known++
				}
			}
		}
		got, err := m.Recommend(q)
		require.NoError(t, err)
		require.Equal(t, known, got.Known)
		want := slowRecommend(m, history, q)
		require.Len(t, got.Items, len(want))
		for i := range want {
			require.Equal(t, want[i], got.Items[i], "place %d", i)
			// What is explained adds up to the score, to the last bit.
			parts, err := m.Explain(q, want[i].Item)
			require.NoError(t, err)
			sum := 0.0
			for _, p := range parts {
				require.Equal(t, p.Part, p.Value*p.Weight)
				sum += p.Part
			}
			require.Equal(t, want[i].Score, sum)
		}
	})
}
