package attribution

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhole(t *testing.T) {
	p := build(t, []row{{channelsOf("ABC"), 10, 0, 0}, {nil, 2, 0, 0}})
	c, err := Linear(p)
	require.NoError(t, err)
	channels, rest := c.Whole()
	require.Equal(t, []int64{4, 3, 3}, channels)
	require.Equal(t, int64(2), rest)

	for seed := range 50 {
		r := rand.New(rand.NewPCG(uint64(seed), 16))
		p := build(t, randomRows(r, 1+r.IntN(50), 5, 6, true))
		for _, game := range []Game{SumSubset, Cohort} {
			c, err := Shapley(p, &ShapleyOptions{Game: game})
			require.NoError(t, err)
			channels, rest := c.Whole()
			sum := rest
			for i, n := range channels {
				sum += n
				require.Less(t, math.Abs(float64(n)-c.Channels[i].Conversions), 1+1e-9)
			}
			require.Equal(t, c.Total.Conversions, float64(sum))
		}
	}
}
