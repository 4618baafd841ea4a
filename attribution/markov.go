package attribution

import (
	"fmt"
	"math"
)

// Removal says what happens to the ways that led to a removed channel.
type Removal uint8

const (
	// Redirect lets them lead to nothing: journeys that met the channel end
	// there without a conversion. The standard.
	Redirect Removal = iota
	// Renormalize deletes them and lets the journeys take the other ways in
	// proportion. Effects can be negative, and credits, which are scaled,
	// larger than the total.
	Renormalize
)

// MarkovOptions are options of [Markov]. Nil and zero fields mean the
// defaults.
type MarkovOptions struct {
	Order   int     // how many touches a state remembers, 1 to 64; default 1
	Removal Removal // default Redirect
}

// Markov credits channels by their removal effects in a Markov chain over the
// paths: by how much conversions fall when the channel is taken out, 1 −
// P₋c ÷ P, and by how much value falls. The effects for conversions are in
// [Credit].Effect; credits are the total shared out in proportion to them.
// See Anderl, Becker, von Wangenheim and Schumann, "Mapping the customer
// journey" (2016).
//
// The probabilities are those of the absorbing chain, solved to rounding: no
// walks are simulated, and the same paths always give the same figures.
// Without removal the chain converts as often as the paths did, at every
// order. Repetitions of a state count as one visit; that changes no removal
// effect of a chain of order 1. Rows weigh by journeys, converted or not.
//
// Where tools differ: eeghor sums over observed converting paths only;
// ChannelAttribution simulates walks up to the longest path's length; DP6
// weighs by value, so that journeys without one vanish.
func Markov(p *Paths, opts *MarkovOptions) (Credits, error) {
	var o MarkovOptions
	if opts != nil {
		o = *opts
	}
	if o.Order == 0 {
		o.Order = 1
	}
	if o.Order < 0 || o.Order > 64 {
		return Credits{}, inputError("Markov", 0, "Order", o.Order, "not within 1 and 64")
	}
	if o.Removal > Renormalize {
		return Credits{}, inputError("Markov", 0, "Removal", o.Removal, "unknown")
	}
	model := fmt.Sprintf("Markov order %d", o.Order)
	if o.Removal == Renormalize {
		model += ", renormalized"
	}
	if err := p.check(model); err != nil {
		return Credits{}, err
	}
	c := p.chain(o.Order)
	effect := make([]share, p.channels.Len())
	for _, part := range []struct {
		amount []float64
		add    func(s *share, x float64)
	}{
		{c.conv, func(s *share, x float64) { s.conv.Add(x) }},
		{c.value, func(s *share, x float64) { s.value.Add(x) }},
	} {
		reward := c.reward(part.amount)
		whole := make([]float64, len(reward))
		base := c.worth(reward, whole, make([]bool, len(reward)), false)
		if base == 0 {
			continue
		}
		h := make([]float64, len(reward))
		for _, ch := range p.players() {
			// What is left is near to the whole: start from there.
			copy(h, whole)
			left := c.worth(reward, h, c.contains(ch), o.Removal == Renormalize)
			// What is only rounding is no effect.
			if e := 1 - left/base; math.Abs(e) > 1e-13 {
				part.add(&effect[ch], e)
			}
		}
	}
	return p.scaled(model, effect, o.Removal == Renormalize), nil
}

// table lists the mean reward of the order-1 chain for all sets of channels
// that stay.
func (c *chain) table(players []uint32, amount []float64) []float64 {
	reward := c.reward(amount)
	state := make([]int, len(players))
	for i, ch := range players {
		state[i] = -1
		if s, ok := c.states.lookup([]uint32{ch}); ok {
			state[i] = int(s)
		}
	}
	table := make([]float64, 1<<len(players))
	h, removed := make([]float64, len(reward)), make([]bool, len(reward))
	for m := range table {
		for i, s := range state {
			if s >= 0 {
				removed[s] = m>>i&1 == 0
			}
		}
		table[m] = c.worth(reward, h, removed, false)
	}
	return table
}
