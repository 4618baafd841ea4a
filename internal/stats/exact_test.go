package stats_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/internal/stats"
)

func TestExactRoundsOnceAndForgetsWhatIsTakenOut(t *testing.T) {
	term := rapid.Custom(func(t *rapid.T) float64 {
		m := rapid.Int64Range(-1<<53, 1<<53).Draw(t, "mantissa")
		return math.Ldexp(float64(m), rapid.OneOf(rapid.IntRange(-8, 8), rapid.IntRange(-1074, 900)).Draw(t, "exponent"))
	})
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(term, 0, 20).Draw(t, "xs")
		var e, merged, part stats.Exact
		want := new(big.Float).SetPrec(2300)
		for i, x := range xs {
			require.LessOrEqual(t, math.Abs(x), stats.MaxExact)
			e.Add(x)
			want.Add(want, big.NewFloat(x))
			if i%2 == 0 {
				merged.Add(x)
			} else {
				part.Add(x)
			}
		}
		merged.Merge(part)
		rounded, _ := want.Float64()
		require.Equal(t, rounded, e.Value())
		require.Equal(t, rounded, merged.Value())
		slices.Reverse(xs)
		for _, x := range xs {
			e.Add(-x)
		}
		require.Empty(t, e)
	})
}

func TestExactHalfWay(t *testing.T) {
	for want, xs := range map[float64][]float64{
		1:                    {1, 0x1p-53},
		1 + 0x1p-52:          {1, 0x1p-53, 0x1p-200},
		1 - 0x1p-53:          {1, -0x1p-54, -0x1p-200},
		1 + 0x1p-51:          {1 + 0x1p-52, 0x1p-53},
		0x1p-200:             {1, 0x1p-200, -1},
		9007199254740993 - 1: {9007199254740992, .5},
	} {
		var e stats.Exact
		for _, x := range xs {
			e.Add(x)
		}
		require.Equal(t, want, e.Value(), "%v", xs)
	}
}
