package attribution

import (
	"fmt"
	"slices"
)

// sampled estimates a game of up to 64 channels from permutations.
func (p *Paths) sampled(model string, o ShapleyOptions, players []uint32) (Credits, error) {
	effect := make([]share, p.channels.Len())
	worst, batches := 0.0, 0
	for _, value := range [2]bool{false, true} {
		s, err := Solve(len(players), p.worth(o.Game, players, value), &SolveOptions{
			Sample: true, HalfWidth: o.Sample.HalfWidth, MaxBatches: o.Sample.MaxBatches, Seed: o.Sample.Seed,
		})
		if err != nil {
			return Credits{}, err
		}
		for i, v := range s.Values {
			if value {
				effect[players[i]].value.Add(v)
			} else {
				effect[players[i]].conv.Add(v)
			}
		}
		if !value && len(s.StdErr) > 0 {
			worst, batches = slices.Max(s.StdErr), s.Batches
		}
	}
	c := p.scaled(model, effect, false)
	c.Warnings = append(c.Warnings, fmt.Errorf("%s: %w: effects from %d batches of permutations have standard errors of up to %.3g", model, ErrSampled, batches, worst))
	return p.answer(c, func(l *lens) error {
		l.answers = 0 // a sample has no slopes
		return nil
	})
}

// worth returns what sets of players are worth, as [Paths.table] lists it.
func (p *Paths) worth(g Game, players []uint32, value bool) func(set uint64) float64 {
	if g == MarkovChain {
		c := p.chain(1)
		amount := c.conv
		if value {
			amount = c.value
		}
		reward, h := c.reward(amount), make([]float64, len(amount))
		removed := make([]bool, len(amount))
		return func(set uint64) float64 {
			for i, ch := range players {
				if s, ok := c.states.lookup([]uint32{ch}); ok {
					removed[s] = set>>i&1 == 0
				}
			}
			w, _ := c.worth(reward, h, removed, false)
			return w
		}
	}
	type known struct {
		set            uint64
		amount, number float64
	}
	bit := make([]int, p.channels.Len())
	for i, c := range players {
		bit[c] = i
	}
	var list []known
	at := make(map[uint64]int)
	_ = p.eachSet(func(id uint32, own []uint32) error {
		t := &p.bySet[id]
		if t.zero() || len(own) == 0 {
			return nil
		}
		k := known{amount: t.conv.Value(), number: t.conv.Value() + t.null.Value()}
		if value {
			k.amount = t.value.Value()
		}
		for _, c := range own {
			k.set |= 1 << bit[c]
		}
		at[k.set] = len(list)
		list = append(list, k)
		return nil
	})
	return func(set uint64) float64 {
		if g == RateExact || g == SumExact {
			i, ok := at[set]
			switch {
			case !ok:
				return 0
			case g == SumExact:
				return list[i].amount
			}
			return over(list[i].amount, list[i].number)
		}
		sum, number := 0.0, 0.0
		for _, k := range list {
			if k.set&^set == 0 {
				sum += k.amount
				number += k.number
			}
		}
		if g == RateSubset {
			return over(sum, number)
		}
		return sum
	}
}
