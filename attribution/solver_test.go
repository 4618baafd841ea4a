package attribution

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// worthOf is what a walk brings on average, by sweeps.
func worthOf(c *chain, amount []float64) float64 {
	h := make([]float64, len(amount))
	w, _ := c.worth(c.reward(amount), h, make([]bool, len(h)), false)
	return w
}

// One factorization, sweeps over the edges, and the definition, which solves
// the chain again without each channel, give the same removal effects.
func TestRemovalEffectsByDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 71))
	for range 60 {
		p := build(t, randomRows(r, 1+r.IntN(60), 2+r.IntN(6), 8, r.IntN(2) == 0))
		for order := 1; order <= 4; order++ {
			c, players := p.chain(order), p.players()
			conv, value, ok := c.effectsBy(players, true)
			require.True(t, ok)
			sparse, sparseValue, ok := c.effectsBy(players, false)
			require.True(t, ok)
			for k, amount := range [2][]float64{c.conv, c.value} {
				base := worthOf(c, amount)
				for i, ch := range players {
					want := 0.0
					if base != 0 {
						left, ok := c.worth(c.reward(amount), make([]float64, len(amount)), c.contains(ch), false)
						require.True(t, ok)
						want = 1 - left/base
					}
					require.InDelta(t, want, [2][]float64{conv, value}[k][i], 1e-12)
					require.InDelta(t, want, [2][]float64{sparse, sparseValue}[k][i], 1e-12)
				}
			}
		}
	}
}

// Renormalized chains, of few states and of many.
func TestRenormalizedBySweeps(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 71))
	for range 60 {
		c := build(t, randomRows(r, 1+r.IntN(60), 2+r.IntN(6), 8, true)).chain(1 + r.IntN(3))
		for ch := range uint32(6) {
			removed := c.contains(ch)
			reward := c.reward(c.conv)
			got, ok := c.worth(reward, make([]float64, len(reward)), removed, true)
			require.True(t, ok)
			h := make([]float64, len(reward))
			scale := c.scales(removed, true)
			require.True(t, c.sweeps(reward, h, c.reach(reward, removed, scale), scale, settledAt))
			sum, kept := 0.0, 0.0
			for _, e := range c.start {
				if !removed[e.to] {
					sum += e.weight * h[e.to]
					kept += e.weight
				}
			}
			if kept == 0 {
				require.Zero(t, got)
				continue
			}
			require.InDelta(t, sum/kept, got, 1e-12)
		}
	}
}

// Walks that go on for ten thousand touches: a chain that is hardly ever left
// keeps its digits. From A one comes to B and back, with a chance of 1 in n to
// end, so that P(conversion) without B is that of ending in the first A.
func TestMarkovOfLongPaths(t *testing.T) {
	var p Paths
	path := make([]string, 10_000)
	for i := range path {
		path[i] = [2]string{"A", "B"}[i%2]
	}
	require.NoError(t, p.Add(path, 1, 10, 0))
	require.NoError(t, p.Add(path[:1], 1, 30, 2))
	// Of four journeys one leaves A 5,000 times for B, and the others end there.
	c, err := Markov(&p, nil)
	require.NoError(t, err)
	require.Empty(t, c.Warnings[1:])
	// From A: to B with 5000 of 5003, to a conversion with 1 of 5003; from B
	// back with 4999 of 5000, to a conversion with 1. P = 2/4.
	near(t, 1, c.Channels[0].Effect)
	near(t, 1-(1.0/5003)/(2.0/4), c.Channels[1].Effect)
	for order := 2; order <= 5; order++ {
		c, err := Markov(&p, &MarkovOptions{Order: order})
		require.NoError(t, err)
		require.Len(t, c.Warnings, 1)
		near(t, 1, c.Channels[0].Effect)
		near(t, 0.5, c.Channels[1].Effect)
	}
	// The rules and games take such paths, too.
	for name, f := range models() {
		c, err := f(&p)
		require.NoError(t, err, name)
		requireWhole(t, c)
	}
}

// Long walks in circles through more channels than are factorized at once, in
// no order that sweeps could follow.
func TestMarkovOfStubbornChains(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	r := rand.New(rand.NewPCG(8, 71))
	circle := r.Perm(150)
	var path []string
	for range 60 {
		for _, c := range circle {
			path = append(path, string(rune(0x4e00+c)))
		}
	}
	var p Paths
	require.NoError(t, p.Add(path, 2, 10, 1))
	require.NoError(t, p.Add(path[:75], 1, 10, 5))
	c := p.chain(1)
	_, _, ok := c.effectsBy(p.players(), false)
	require.False(t, ok)
	got, err := Markov(&p, nil)
	require.NoError(t, err)
	require.Len(t, got.Warnings, 1)
	requireWhole(t, got)
	for _, k := range got.Channels {
		require.GreaterOrEqual(t, k.Effect, 0.0)
		require.LessOrEqual(t, k.Effect, 1+1e-12)
	}
	// Everybody meets the first, and whoever does not meet the last of the
	// circle ended half way.
	first, _ := got.Of(path[0])
	near(t, 1, first.Effect)
}

// aroundRing are long walks around a ring of channels, each with one touch of a
// channel that no other has.
func aroundRing(t *testing.T, channels, touches int) *Paths {
	r := rand.New(rand.NewPCG(9, 71))
	p := new(Paths)
	for k := range 3 {
		path, at := make([]string, touches), 0
		for i := range path {
			at = (at + 1 + (channels-2)*r.IntN(2)) % channels
			path[i] = string(rune(0x4e00 + at))
		}
		path[(k+1)*touches/4] = string(rune('A' + k))
		require.NoError(t, p.Add(path, float64(1+k), 10*float64(1+k), float64(2+2*k)))
	}
	return p
}

// A channel that is hardly met leaves a chain that sweeps do not settle either:
// what a walk brings without it goes with its removal effect.
func TestWithoutOfStubbornChains(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	p := aroundRing(t, 150, 20_000)
	c, players := p.chain(1), p.players()
	conv, value, ok := c.effectsBy(players, true)
	require.True(t, ok)
	base, baseValue := counted(c, c.conv), counted(c, c.value)
	for i, ch := range players {
		if i%40 != 0 && len(p.channels.Names()[ch]) > 1 {
			continue
		}
		w, ok := c.without(i, ch, false)
		require.True(t, ok)
		require.InDelta(t, 1-conv[i], w.base[0]/base, 1e-9)
		require.InDelta(t, 1-value[i], w.base[1]/baseValue, 1e-9)
	}
}

// counted is what a walk brings on average, as was seen.
func counted(c *chain, amount []float64) float64 {
	sum := 0.0
	for _, x := range amount {
		sum += x
	}
	return sum / c.total
}

// Five hundred channels.
func TestMarkovOfManyChannels(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	r := rand.New(rand.NewPCG(7, 71))
	p := new(Paths)
	for range 1500 {
		path := make([]string, 1+r.IntN(6))
		for i := range path {
			path[i] = string(rune(0x4e00 + r.IntN(500)))
		}
		require.NoError(t, p.Add(path, float64(r.IntN(2)), float64(r.IntN(50)), float64(r.IntN(5))))
	}
	require.Len(t, p.players(), 500)
	c := p.chain(1)
	few := p.players()[:5]
	dense, denseValue, ok := c.effectsBy(few, true)
	require.True(t, ok)
	sparse, sparseValue, ok := c.effectsBy(few, false)
	require.True(t, ok)
	for i := range few {
		require.InEpsilon(t, dense[i]+1, sparse[i]+1, 1e-13)
		require.InEpsilon(t, denseValue[i]+1, sparseValue[i]+1, 1e-13)
	}
	for name, f := range models() {
		got, err := f(p)
		require.NoError(t, err, name)
		requireWhole(t, got)
	}
	for _, o := range []MarkovOptions{{}, {Order: 2}, {Removal: Renormalize}} {
		got, err := Markov(p, &o)
		require.NoError(t, err)
		require.Len(t, got.Channels, 500)
		requireWhole(t, got)
	}
}
