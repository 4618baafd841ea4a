package attribution

import (
	"math"
	"slices"
)

// ways are moves between states with their probabilities, end to end by the
// state that they lead from, or to. None leads from a state to itself, for
// that is one visit.
type ways struct {
	first []int    // by state, where its moves begin; the last is where all end
	state []uint32 // the other end
	p     []float64
}

// waysOf lays out edges by state; of is what their weights are a part of.
func (c *chain) waysOf(edges [][]edge, of func(s, other uint32) float64) ways {
	w := ways{first: make([]int, len(edges)+1)}
	for s, es := range edges {
		w.first[s+1] = w.first[s] + len(es)
	}
	w.state, w.p = make([]uint32, 0, w.first[len(edges)]), make([]float64, 0, w.first[len(edges)])
	for s, es := range edges {
		for _, e := range es {
			w.state, w.p = append(w.state, e.to), append(w.p, over(e.weight, of(uint32(s), e.to)))
		}
	}
	return w
}

// solved is what a sparse chain was solved for: what a walk from each state
// brings, in conversions and value, and without each channel the visits of
// each state.
type solved struct {
	h      [][2]float64
	visits [][]float64 // by the place of the channel
}

// rewards are those of conversions and of value.
func (c *chain) rewards() [][2]float64 {
	r := make([][2]float64, len(c.conv))
	for k, amount := range [2][]float64{c.conv, c.value} {
		for s, x := range c.reward(amount) {
			r[s][k] = x
		}
	}
	return r
}

const (
	maxSweeps = 5_000 // there and back
	settledAt = 1e-15
)

// settle watches the changes of one sweep after the other. Near the end they
// shrink by a constant factor, which tells how much is still to come.
type settle struct{ last, enough float64 }

func (s *settle) done(change, size float64) bool {
	ratio := 0.0
	if s.last > 0 {
		ratio = change / s.last
	}
	s.last = change
	if change <= s.enough/2*size && ratio < 0.9 {
		return true
	}
	return ratio > 0 && ratio < 1 && change*ratio/(1-ratio) <= s.enough*size || change == 0
}

// kept lists the states of keep.
func kept(keep []bool) []uint32 {
	list := make([]uint32, 0, len(keep))
	for s, k := range keep {
		if k {
			list = append(list, uint32(s))
		}
	}
	return list
}

// upAndDown returns the i-th of a list that is gone through from the beginning
// to the end and back, so that neither direction of a circle is slow.
func upAndDown(list []uint32, i int) uint32 {
	if i < len(list) {
		return list[i]
	}
	return list[2*len(list)-1-i]
}

// sweeps solves h = r + Q·h on the states of keep by Gauss–Seidel, from where
// h stands, and reports whether it settled.
func (c *chain) sweeps(reward, h []float64, keep []bool, scale []float64, enough float64) bool {
	for s, k := range keep {
		if !k {
			h[s] = 0
		}
	}
	order, w := kept(keep), settle{enough: enough}
	slices.Reverse(order)
	for range maxSweeps {
		change, size := 0.0, 0.0
		for i := range 2 * len(order) {
			s := upAndDown(order, i)
			lo, hi := c.onward.first[s], c.onward.first[s+1]
			p, x := c.onward.p[lo:hi], reward[s]
			for k, to := range c.onward.state[lo:hi] {
				x += p[k] * h[to]
			}
			x *= scale[s]
			change, size = max(change, math.Abs(x-h[s])), max(size, math.Abs(x))
			h[s] = x
		}
		if w.done(change, size) {
			return true
		}
	}
	return false
}

// sweepBoth is sweeps for two rewards at once, which takes hardly longer than
// for one.
func (c *chain) sweepBoth(reward, h [][2]float64, keep []bool, scale []float64, enough float64) bool {
	for s, k := range keep {
		if !k {
			h[s] = [2]float64{}
		}
	}
	order, w, v := kept(keep), settle{enough: enough}, settle{enough: enough}
	slices.Reverse(order)
	for range maxSweeps {
		var change, size [2]float64
		for i := range 2 * len(order) {
			s := upAndDown(order, i)
			lo, hi := c.onward.first[s], c.onward.first[s+1]
			p, x, y := c.onward.p[lo:hi], reward[s][0], reward[s][1]
			for k, to := range c.onward.state[lo:hi] {
				at := &h[to]
				x += p[k] * at[0]
				y += p[k] * at[1]
			}
			x, y = x*scale[s], y*scale[s]
			at := &h[s]
			change[0], size[0] = max(change[0], math.Abs(x-at[0])), max(size[0], math.Abs(x))
			change[1], size[1] = max(change[1], math.Abs(y-at[1])), max(size[1], math.Abs(y))
			at[0], at[1] = x, y
		}
		one, two := w.done(change[0], size[0]), v.done(change[1], size[1])
		if one && two {
			return true
		}
	}
	return false
}

// visits solves g = start + g·Q on the states of keep, on none of which scale
// is 0, by Gauss–Seidel, from where g stands.
func (c *chain) visits(g, start []float64, keep []bool, scale []float64, enough float64) ([]float64, bool) {
	// Meanwhile, g is multiplied by scale.
	for s, k := range keep {
		if k {
			g[s] *= scale[s]
		} else {
			g[s] = 0
		}
	}
	order, w := kept(keep), settle{enough: enough}
	settled := false
	for range maxSweeps {
		change, size := 0.0, 0.0
		for i := range 2 * len(order) {
			s := upAndDown(order, i)
			lo, hi := c.back.first[s], c.back.first[s+1]
			p, x := c.back.p[lo:hi], start[s]
			for k, from := range c.back.state[lo:hi] {
				x += p[k] * g[from]
			}
			x *= scale[s]
			change, size = max(change, math.Abs(x-g[s])), max(size, x)
			g[s] = x
		}
		if settled = w.done(change, size); settled {
			break
		}
	}
	for s, k := range keep {
		if k {
			g[s] /= scale[s]
		}
	}
	return g, settled
}
