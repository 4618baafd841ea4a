package sim

import (
	"context"
	"math/bits"
	"runtime"
	"sync"
)

// Increment is what one channel adds to the number of orders.
type Increment struct {
	Channel string
	Shapley float64 // mean marginal effect over all orders in which channels can be switched on
	LastIn  float64 // orders lost by switching this channel off, all others staying on
	FirstIn float64 // orders won by switching this channel alone on
}

// Increments are the expected effects of the channels on the number of orders in the whole record.
type Increments struct {
	Channels []Increment // in the order of [Channels]; a channel in Options.Off has zeros
	All      float64     // expected orders with everything on that the options leave on
	None     float64     // expected orders without any marketing: the baseline
	Worlds   []float64   // expected orders by set of channels, bit i for Channels()[i]
}

// Increments computes the expected number of orders in each of the 2^7 worlds in which only
// a subset of the channels is on, and from it the Shapley value and the marginal effects.
// See the package documentation for what is simulated and what is expected in it. Results
// do not depend on the number of processors. The error is the context's.
func (w *World) Increments(ctx context.Context) (*Increments, error) {
	const worlds = 1 << channels
	const block = 1024
	r := &Increments{Worlds: make([]float64, worlds)}
	values := make([][worlds]float64, min(block, w.opts.Customers))
	for lo := 0; lo < w.opts.Customers; lo += block {
		hi := min(lo+block, w.opts.Customers)
		var wg sync.WaitGroup
		workers := min(runtime.GOMAXPROCS(0), hi-lo)
		for worker := range workers {
			wg.Go(func() {
				slots := make([]slot, w.opts.Days)
				for id := lo + worker; id < hi && ctx.Err() == nil; id += workers {
					w.customerWorlds(id, slots, values[id-lo][:])
				}
			})
		}
		wg.Wait()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i := range hi - lo {
			for m, v := range values[i] {
				r.Worlds[m] += v
			}
		}
	}
	r.None, r.All = r.Worlds[0], r.Worlds[w.on]
	phi := shapley(r.Worlds, int(channels))
	for c := range channels {
		x := Increment{Channel: channelTable[c].key, Shapley: phi[c], FirstIn: r.Worlds[1<<c] - r.None}
		x.LastIn = r.All - r.Worlds[w.on&^(1<<c)]
		r.Channels = append(r.Channels, x)
	}
	return r, nil
}

// customerWorlds fills values with one customer's expected orders in every world.
func (w *World) customerWorlds(id int, slots []slot, values []float64) {
	p := w.newPerson(id)
	for d := range slots {
		slots[d] = w.slotOf(&p.customer, d)
	}
	// Worlds that differ only in channels which are off in the options are the same world.
	for m := range values {
		if on := mask(m) & w.on; int(on) < m {
			values[m] = values[on]
		} else {
			values[m] = w.expected(&p, slots, on)
		}
	}
}

// expected is the expected number of orders given the draws of the touches: a forward
// recursion over the days on the distribution of the days since the last order.
func (w *World) expected(p *person, slots []slot, on mask) float64 {
	var x walk
	var orders float64
	mass := [appetite]float64{appetite - 1: 1}
	for d := range slots {
		s := &slots[d]
		e := 1.0
		if s.base > 0 {
			lift := x.step(s, p.kind, on).lift
			if p.treated(d) {
				lift += typeTable[p.kind].treatment
			}
			e = survival(s.base, lift)
		}
		var bought float64
		mass, bought = age(mass, e)
		orders += bought
	}
	return orders
}

// age moves a distribution of recency by a day on which e is exp(−μ/4), and returns the
// chance of an order on that day beside it.
func age(mass [appetite]float64, e float64) (next [appetite]float64, bought float64) {
	for r, q := range mass {
		stay := q * power(e, r)
		bought += q - stay
		next[min(r+1, appetite-1)] += stay
	}
	next[0] += bought
	return next, bought
}

// shapley computes the Shapley value of a game given by its values over all subsets.
func shapley(v []float64, n int) []float64 {
	weight := make([]float64, n) // by the size of the coalition that the player joins
	for s := range weight {
		weight[s] = 1 / float64(n)
		for i := range s {
			weight[s] *= float64(i+1) / float64(n-1-i)
		}
	}
	phi := make([]float64, n)
	for s := range v {
		for i := range n {
			if s>>i&1 == 0 {
				phi[i] += weight[bits.OnesCount(uint(s))] * (v[s|1<<i] - v[s])
			}
		}
	}
	return phi
}
