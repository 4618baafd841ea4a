package attribution

import "gonum.org/v1/gonum/mat"

// maxDense is up to how many states a chain is solved by one factorization.
// Larger ones are sparse, as no more windows are seen than paths have touches,
// and are solved by sweeps over their edges.
const maxDense = 128

// maxStubborn is up to how many states a chain is factorized after all when
// sweeps do not settle: long walks in circles take many of them.
const maxStubborn = 1024

// factor is a triangular factorization of I − Q of a chain, restricted to some
// of its states: the censored chains of Grassmann, Taksar and Heyman,
// "Regenerative Analysis and Steady State Distributions for Markov Chains"
// (1985). States are eliminated from the last to the first; a pivot, one minus
// the probability of staying, is summed up from the ways out. So nothing is
// subtracted, and every figure has nearly all of its digits, however rarely a
// state is left.
type factor struct {
	states []uint32  // of the chain, by row
	row    []int     // by state, -1 if it is not in
	n      int       // rows
	q      []float64 // n × n: the ways among the states before, by elimination
	pivot  []float64
}

// factorize eliminates the states of keep. The probabilities of each row are
// multiplied by scale; ways to removed states are lost, or, when they are
// renormalized, are not there.
func (c *chain) factorize(keep, removed []bool, scale []float64, renormalize bool) *factor {
	f := &factor{row: make([]int, len(keep))}
	for s, k := range keep {
		f.row[s] = -1
		if k {
			f.row[s] = len(f.states)
			f.states = append(f.states, uint32(s))
		}
	}
	n := len(f.states)
	f.n, f.q, f.pivot = n, make([]float64, n*n), make([]float64, n)
	out := make([]float64, n) // the ways to outside of the states
	for i, s := range f.states {
		if c.out[s] == 0 {
			out[i] = 1
			continue
		}
		for _, e := range c.next[s] {
			p := e.weight / c.out[s] * scale[s]
			if k := f.row[e.to]; k >= 0 {
				f.q[i*n+k] = p
			} else if !renormalize || !removed[e.to] {
				out[i] += p
			}
		}
		out[i] += (c.conv[s] + c.null[s]) / c.out[s] * scale[s]
	}
	for k := n - 1; k >= 0; k-- {
		last := f.q[k*n : k*n+k]
		pivot := out[k]
		for _, p := range last {
			pivot += p
		}
		f.pivot[k] = pivot
		if pivot == 0 {
			continue // nothing leaves it, and nothing that counts leads there
		}
		for i := range k {
			w := f.q[i*n+k] / pivot
			if w == 0 {
				continue
			}
			to := f.q[i*n : i*n+k]
			for j, p := range last {
				to[j] += w * p
			}
			out[i] += w * out[k]
		}
	}
	return f
}

// right solves (I − Q)·h = r in place, by rows.
func (f *factor) right(r []float64) {
	n := f.n
	for k := n - 1; k >= 0; k-- {
		if f.pivot[k] == 0 {
			r[k] = 0
			continue
		}
		r[k] /= f.pivot[k]
		for i := range k {
			r[i] += f.q[i*n+k] * r[k]
		}
	}
	for k := range n {
		if f.pivot[k] == 0 {
			continue
		}
		sum := 0.0
		for j, p := range f.q[k*n : k*n+k] {
			sum += p * r[j]
		}
		r[k] += sum / f.pivot[k]
	}
}

// left solves g·(I − Q) = r in place, by rows.
func (f *factor) left(r []float64) {
	n := f.n
	for k := n - 1; k >= 0; k-- {
		if f.pivot[k] == 0 || r[k] == 0 {
			continue
		}
		w := r[k] / f.pivot[k]
		for j, p := range f.q[k*n : k*n+k] {
			r[j] += w * p
		}
	}
	for k := range n {
		if f.pivot[k] == 0 {
			r[k] = 0
			continue
		}
		sum := r[k]
		for i := range k {
			sum += r[i] * f.q[i*n+k]
		}
		r[k] = sum / f.pivot[k]
	}
}

// inverse returns (I − Q)⁻¹, by rows.
func (f *factor) inverse() *mat.Dense {
	m := mat.NewDense(f.n, f.n, nil)
	for i := range f.n {
		row := m.RawRowView(i)
		row[i] = 1
		f.left(row)
	}
	return m
}

// starts returns the probability of each state to be the first.
func (c *chain) starts() []float64 {
	start := make([]float64, len(c.next))
	if c.total != 0 {
		for _, e := range c.start {
			start[e.to] = e.weight / c.total
		}
	}
	return start
}

// effects returns the removal effects of channels under Redirect, for
// conversions and for value: the share of what a walk brings that comes from
// where it meets the channel,
//
//	RE = Σ_b e(b)·h(b) ÷ h(start),
//
// where h(s) is what a walk from s brings, the b are the states that contain
// the channel, and e(b) the probability that b is the first of them to be met.
// Of a chain of order 1 all follow from one factorization, N = (I − Q)⁻¹, as
// e(c) = N(start, c) ÷ N(c, c); of a higher order as e = N(start, B)·N(B, B)⁻¹.
// All terms are of one sign, so that small effects are as exact as large ones.
// The last result says whether a sparse chain was solved to the end.
func (c *chain) effects(channels []uint32) (conv, value []float64, ok bool) {
	conv, value, ok = c.effectsBy(channels, len(c.next) <= maxDense)
	if !ok {
		c.known = nil
	}
	if !ok && len(c.next) <= maxStubborn {
		return c.effectsBy(channels, true)
	}
	return conv, value, ok
}

func (c *chain) effectsBy(channels []uint32, dense bool) (conv, value []float64, ok bool) {
	n := len(c.next)
	conv, value = make([]float64, len(channels)), make([]float64, len(channels))
	if n == 0 {
		return conv, value, true // nobody touched anything
	}
	start := c.starts()
	all, one := make([]bool, n), make([]float64, n)
	for s := range all {
		all[s], one[s] = true, 1
	}
	reward, h := c.rewards(), make([][2]float64, n)
	var first func(i int, in []bool, states []uint32) []float64
	ok = true
	if dense {
		f := c.factorize(all, make([]bool, n), one, false)
		column := make([]float64, n)
		for k := range 2 {
			for s := range column {
				column[s] = reward[s][k]
			}
			f.right(column)
			for s, x := range column {
				h[s][k] = x
			}
		}
		inverse := f.inverse()
		from := append([]float64(nil), start...)
		f.left(from)
		first = func(_ int, _ []bool, states []uint32) []float64 { return firstDense(inverse, from, states) }
	} else {
		g, settled := c.visits(append([]float64(nil), start...), start, all, one, settledAt)
		ok = c.sweepBoth(reward, h, all, one, settledAt) && settled
		known := &solved{h: h}
		if c.keep {
			known.visits = make([][]float64, len(channels))
			c.known = known
		}
		first = func(i int, in []bool, states []uint32) []float64 {
			keep := make([]bool, n)
			for s := range keep {
				keep[s] = !in[s]
			}
			if !ok {
				return nil // it would take as long again for each channel
			}
			less, settled := c.visits(append([]float64(nil), g...), start, keep, one, settledAt)
			ok = settled
			if c.keep {
				known.visits[i] = less
			}
			e := make([]float64, len(states))
			for i, b := range states {
				e[i] = start[b]
				for k := c.back.first[b]; k < c.back.first[b+1]; k++ {
					e[i] += less[c.back.state[k]] * c.back.p[k]
				}
			}
			return e
		}
	}
	var base [2]float64
	for s, p := range start {
		base[0] += p * h[s][0]
		base[1] += p * h[s][1]
	}
	for i, ch := range channels {
		in := c.contains(ch)
		var states []uint32
		for s := range in {
			if in[s] {
				states = append(states, uint32(s))
			}
		}
		if len(states) == 0 {
			continue
		}
		for k, e := range first(i, in, states) {
			conv[i] += e * h[states[k]][0]
			value[i] += e * h[states[k]][1]
		}
	}
	for i, of := range [2][]float64{conv, value} {
		for k := range of {
			if base[i] == 0 {
				of[k] = 0
			} else {
				of[k] /= base[i]
			}
		}
	}
	return conv, value, ok
}

// firstDense returns the probabilities of the states to be the first of them.
func firstDense(inverse *mat.Dense, from []float64, states []uint32) []float64 {
	e := make([]float64, len(states))
	if len(states) == 1 {
		e[0] = from[states[0]] / inverse.At(int(states[0]), int(states[0]))
		return e
	}
	block := mat.NewDense(len(states), len(states), nil)
	for i, a := range states {
		for k, b := range states {
			block.Set(k, i, inverse.At(int(a), int(b))) // transposed
		}
		e[i] = from[a]
	}
	var x mat.VecDense
	if x.SolveVec(block, mat.NewVecDense(len(e), e)) != nil {
		// Each state is met with itself at least: the block cannot be singular.
		// What is left is a bad condition, with which the solution stands.
		_ = x
	}
	return x.RawVector().Data
}
