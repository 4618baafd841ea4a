package segment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPreviewAndOverlap(t *testing.T) {
	x := shop(t, nil)
	now := at("2026-01-01T00:00:00Z")
	for u := range uint32(100) {
		country := "AU"
		if u%5 == 0 {
			country = "NZ"
		}
		require.NoError(t, x.Update(u+1, map[string]any{"ltv": int(u), "country": country}, now))
	}
	define(t, x, "kiwis", `country == "NZ"`)
	define(t, x, "rich", "ltv >= 60")
	define(t, x, "nobody", "ltv < 0")
	p, err := x.Preview("rich", "ltv >= 90 or ltv == 3")
	require.NoError(t, err)
	require.Equal(t, 11, p.Size)
	require.Equal(t, 100, p.Users)
	require.Equal(t, []uint32{4}, p.Enters.ToArray())
	require.EqualValues(t, 30, p.Leaves.GetCardinality())
	p, err = x.Preview("new", `segment("kiwis")`)
	require.NoError(t, err)
	require.Equal(t, 20, p.Size)
	_, err = x.Preview("kiwis", `segment("kiwis")`)
	require.ErrorIs(t, err, ErrCycle)
	require.Len(t, x.Audiences(), 3)

	o, err := x.Overlap("kiwis", "rich", "nobody")
	require.NoError(t, err)
	require.Equal(t, [][]int{{20, 8, 0}, {8, 40, 0}, {0, 0, 0}}, o.Both)
	require.Equal(t, 1.0, o.Lift(0, 1))
	require.InDelta(t, 8.0/52, o.Jaccard(0, 1), 1e-15)
	require.Zero(t, o.ChiSquare(0, 1))
	require.InDelta(t, 0, o.LLR(0, 1), 1e-12)
	require.Zero(t, o.LLR(0, 2))
	require.True(t, math.IsNaN(o.ChiSquare(0, 2)))
	_, err = x.Overlap("kiwis", "others")
	require.ErrorIs(t, err, ErrAudience)

	// Dunning's example of 1993, "the swiss": k = 110, 2442, 111, 29114 gives
	// −2 log λ = 270.72 (his table 1).
	swiss := Overlap{Users: 110 + 2442 + 111 + 29114, Both: [][]int{{110 + 2442, 110}, {110, 110 + 111}}}
	require.InDelta(t, 270.72, swiss.LLR(0, 1), 0.005)
	require.InDelta(t, 525.02, swiss.ChiSquare(0, 1), 0.005)

	n, err := x.Count("ltv >= 60")
	require.NoError(t, err)
	require.Equal(t, 40, n)
	for n, want := range map[int]bool{0: true, 40: true, 41: false} {
		got, err := x.AtLeast("ltv >= 60", n)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err = x.AtLeast("lvt >= 60", 1)
	require.ErrorIs(t, err, ErrUnknown)
}

// TestColumns keeps columns right through everything that changes attributes,
// over many blocks of users.
func TestColumns(t *testing.T) {
	x := shop(t, nil)
	now := at("2026-01-01T00:00:00Z")
	ask := func(rule string, want ...uint32) {
		t.Helper()
		got, err := x.Query(rule)
		require.NoError(t, err)
		require.Equal(t, append([]uint32{}, want...), append([]uint32{}, got.ToArray()...), rule)
	}
	ask("ltv > 1")
	ask(`country == "NZ"`)
	for _, u := range []uint32{1, 4095, 4096, 70_000, 1 << 20} {
		require.NoError(t, x.Update(u, map[string]any{"ltv": int(u), "country": "NZ"}, now))
	}
	ask("ltv > 4095", 4096, 70_000, 1<<20)
	ask("ltv in [1, 70000, 7]", 1, 70_000)
	ask(`country in ["NZ", "AU"] and ltv < 5000`, 1, 4095, 4096)
	require.NoError(t, x.Rename(4096, 2))
	ask("ltv == 4096", 2)
	require.NoError(t, x.Update(2, map[string]any{"ltv": nil, "country": nil}, now.AddDate(0, 0, 1)))
	ask("ltv == nil", 2)
	ask("country == nil", 2)
	require.NoError(t, x.Erase(1))
	require.NoError(t, x.Observe(1, "Order Completed", nil, now))
	ask("ltv == nil", 1, 2)
	ask(`country != "NZ"`, 1, 2)
	for _, u := range []uint32{4095, 70_000, 1 << 20} {
		require.NoError(t, x.Erase(u))
	}
	require.Empty(t, x.attrByName["country"].column.Load().code, "a string is forgotten with the last who has it")
	data, err := x.AppendBinary(nil)
	require.NoError(t, err)
	require.NoError(t, x.Update(3, map[string]any{"ltv": 9}, now))
	require.NoError(t, x.UnmarshalBinary(data))
	ask("ltv == 9")
}
