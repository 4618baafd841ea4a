package segment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestScore: the conditions of a score are predicates of their own, which
// other rules share and Explain shows.
func TestScore(t *testing.T) {
	x := shop(t, nil)
	now := at("2026-01-01T00:00:00Z")
	require.NoError(t, x.Advance(now))
	define(t, x, "hot", `15 <= score(10, ltv >= 500, 5, country == "NZ", -20, ltv > 9000)`)
	define(t, x, "rich", `ltv >= 500`)
	require.Equal(t, 3, x.Stats().Predicates)
	require.NoError(t, x.Update(1, map[string]any{"ltv": 600, "country": "NZ"}, now))
	require.NoError(t, x.Update(2, map[string]any{"ltv": 9001, "country": "NZ"}, now))
	require.NoError(t, x.Update(3, map[string]any{"country": "NZ"}, now))
	members, err := x.Members("hot")
	require.NoError(t, err)
	require.Equal(t, []uint32{1}, members.ToArray())
	e, err := x.Explain("hot", 2)
	require.NoError(t, err)
	require.Equal(t, `score(10, ltv >= 500, 5, country == "NZ", -20, ltv > 9000) >= 15`, e.Rule.Text)
	var parts []bool
	for _, p := range e.Rule.Parts {
		parts = append(parts, p.Holds)
	}
	require.Equal(t, []bool{true, true, true}, parts)
	require.NoError(t, x.Update(2, map[string]any{"ltv": 700}, now.Add(1)))
	require.True(t, x.Contains("hot", 2))
}
