package attribution

import (
	"errors"
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
// walks are simulated, and the same paths always give the same figures. Under
// Redirect all effects come from one factorization of the chain or, beyond
// 128 states, from one sparse solution for each channel.
// Without removal the chain converts as often as the paths did, at every
// order. Repetitions of a state count as one visit, which changes no removal
// effect, for it is where a walk goes next that counts and not how long it
// stays. Rows weigh by journeys, converted or not.
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
	players := p.players()
	c.keep = p.lens != nil && p.lens.variance && c.bounded(len(players), len(c.onward.p))
	conv, value, settled := c.effects(players)
	if o.Removal == Renormalize {
		conv, value, settled = c.renormalized(players)
	}
	for i, ch := range players {
		effect[ch].conv.Add(conv[i])
		effect[ch].value.Add(value[i])
	}
	credits := p.scaled(model, effect, o.Removal == Renormalize)
	if !settled {
		credits.Warnings = append(credits.Warnings, unsettled(model))
	}
	return p.answer(credits, func(l *lens) error {
		if err := p.markovLens(l, c, players, effect, o.Removal == Renormalize); err != nil {
			return fmt.Errorf("attribution: %s: %w", model, err)
		}
		return nil
	})
}

// ErrUnsettled is wrapped by a warning of a Markov model whose chain has too
// many states to be factorized, and whose walks go on for so long that sweeps
// over its states did not end, and by the error of [Intervals] of such a model.
var ErrUnsettled = errors.New("not solved to the end")

func unsettled(model string) error {
	return fmt.Errorf("%s: %w: after %d sweeps the figures still change in the last digits", model, ErrUnsettled, maxSweeps)
}

// renormalized returns the removal effects under Renormalize, for which each
// channel leaves a chain of its own.
func (c *chain) renormalized(channels []uint32) (conv, value []float64, settled bool) {
	settled = true
	effects := func(amount []float64) []float64 {
		list := make([]float64, len(channels))
		reward := c.reward(amount)
		whole := make([]float64, len(reward))
		base, ok := c.worth(reward, whole, make([]bool, len(reward)), false)
		settled = settled && ok
		if base == 0 {
			return list
		}
		h := make([]float64, len(reward))
		for i, ch := range channels {
			// What is left is near to the whole: start from there.
			copy(h, whole)
			left, ok := c.worth(reward, h, c.contains(ch), true)
			settled = settled && ok
			// What is only rounding is no effect.
			if e := 1 - left/base; math.Abs(e) > 1e-13 {
				list[i] = e
			}
		}
		return list
	}
	conv, value = effects(c.conv), effects(c.value)
	return conv, value, settled
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
		table[m], _ = c.worth(reward, h, removed, false) // sets of few states settle
	}
	return table
}
