package attribution

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The worth that is sampled is the one of the table, and the sample comes near
// to the exact solution.
func TestSampledGames(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 7))
	p := build(t, randomRows(r, 60, 7, 6, true))
	players := p.players()
	for _, g := range []Game{RateSubset, RateExact, SumExact, SumSubset, MarkovChain} {
		c := p.chain(1)
		for _, value := range []bool{false, true} {
			worth := p.worth(g, players, value)
			var room tables
			var table []float64
			switch {
			case g != MarkovChain:
				table = p.table(&room, g, players, value)
			case value:
				table = c.table(players, c.value)
			default:
				table = c.table(players, c.conv)
			}
			for m, w := range table {
				require.InDelta(t, w, worth(uint64(m)), 1e-12*(1+math.Abs(w)), "%v %b", g, m)
			}
		}
		if g == SumSubset {
			continue // has a closed form
		}
		want, err := Shapley(p, &ShapleyOptions{Game: g})
		require.NoError(t, err)
		got, err := Shapley(p, &ShapleyOptions{Game: g, Sample: &SolveOptions{Sample: true, Seed: 5}})
		require.NoError(t, err)
		require.ErrorIs(t, got.Warnings[len(got.Warnings)-1], ErrSampled)
		size := 0.0
		for _, k := range want.Channels {
			size = max(size, math.Abs(k.Effect))
		}
		for i, k := range want.Channels {
			require.InDelta(t, k.Effect, got.Channels[i].Effect, 0.1*size, "%v", g)
		}
	}
	// More channels than there are sets for.
	wide := build(t, randomRows(r, 300, 40, 6, true))
	_, err := Shapley(wide, &ShapleyOptions{Game: RateSubset})
	require.ErrorIs(t, err, ErrChannels)
	c, err := Shapley(wide, &ShapleyOptions{Game: RateSubset, Sample: &SolveOptions{MaxBatches: 2}})
	require.NoError(t, err)
	requireWhole(t, c)
	again, err := Shapley(wide, &ShapleyOptions{Game: RateSubset, Sample: &SolveOptions{MaxBatches: 2}})
	require.NoError(t, err)
	require.Equal(t, c, again)
	_, err = Banzhaf(wide, &ShapleyOptions{Game: RateSubset, Sample: &SolveOptions{}})
	require.ErrorIs(t, err, ErrChannels)
}

func TestUnpaid(t *testing.T) {
	p := build(t, []row{{channelsOf("ABCB"), 4, 0, 0}})
	require.NoError(t, p.AddSpend("A", 3))
	require.Equal(t, []string{"B", "C"}, p.Unpaid())
	c, err := LastNon(p, p.Unpaid()...)
	require.NoError(t, err)
	require.Equal(t, 4.0, c.Channels[0].Conversions)
}
