package segment

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRulesAsJSON takes definitions through JSON and through bytes.
func TestRulesAsJSON(t *testing.T) {
	x := documented(t)
	define(t, x, "b", `segment("vip") and country in ["NZ", "AU"]`)
	define(t, x, "aa", `not segment("b") or len(events("Order Completed", "1w")) > 0`)
	text, err := json.Marshal(x.Audiences())
	require.NoError(t, err)
	require.JSONEq(t, `[
		{"name": "b", "rule": "segment(\"vip\") and country in [\"NZ\", \"AU\"]"},
		{"name": "aa", "rule": "not segment(\"b\") or len(events(\"Order Completed\", \"1w\")) > 0"},
		{"name": "vip", "rule": "ltv >= 500"}]`, string(text))
	var list []Audience
	require.NoError(t, json.Unmarshal(text, &list))
	require.Len(t, list, 3)

	data, err := x.MarshalBinary()
	require.NoError(t, err)
	y, err := NewIndex(x.schema, &x.opts)
	require.NoError(t, err)
	define(t, y, "vip", "ltv >= 10") // the receiver's own definition wins
	require.NoError(t, y.UnmarshalBinary(data))
	require.Equal(t, x.Audiences()[0], y.Audiences()[0])
	require.Equal(t, "ltv >= 10", y.Audiences()[2].Rule)
	require.Equal(t, 2, y.Size("vip"))
	require.Equal(t, 2, y.Size("b"))
}

// TestRedefinitions drops predicates that nobody needs and reuses their place.
func TestRedefinitions(t *testing.T) {
	x := documented(t)
	for range 3 {
		for _, rule := range []string{
			"ltv > 100 and ltv < 700", `country in ["NZ", "AU"] and ltv == 620`, "ltv in [40, 620] or plan == nil",
			`count(events("Order Completed", "90d"), .total > 50) >= 2`, "subscribed and born < now()",
			`any(events("Order Completed"), .total > ltv)`,
		} {
			define(t, x, "a", rule)
			want, err := x.Query(rule)
			require.NoError(t, err)
			got, err := x.Members("a")
			require.NoError(t, err)
			require.Equal(t, want.ToArray(), got.ToArray(), rule)
			require.LessOrEqual(t, x.Stats().Predicates, 3)
			require.LessOrEqual(t, len(x.preds), 6)
		}
	}
	require.NoError(t, x.Remove("a"))
	require.NoError(t, x.Remove("vip"))
	require.Zero(t, x.Stats().Predicates)
	for _, a := range x.attrs {
		require.Empty(t, a.cuts.list)
		require.Empty(t, a.equals)
		require.Empty(t, a.texts)
		require.Empty(t, a.exists)
		require.Empty(t, a.others)
	}
	for _, e := range x.events {
		require.Empty(t, e.matchers)
		require.Empty(t, e.others)
	}
}
