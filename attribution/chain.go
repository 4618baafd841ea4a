package attribution

import (
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
)

// chain is the absorbing Markov chain of a given order through the paths. Its
// states are the windows of that many touches which slide along a path; a
// path that is shorter is one state, and equal neighbors are one visit. A
// state is left for another one, for conversion or for nothing.
type chain struct {
	states sequences
	start  []edge   // from the start, by state
	next   [][]edge // by state, by ascending state
	before [][]edge // by state, where its visits came from, by ascending state
	onward ways     // next, with probabilities
	back   ways     // before, likewise
	conv   []float64
	value  []float64
	null   []float64
	out    []float64 // weight of all visits that a state was left after
	total  float64   // weight of all paths

	keep  bool    // what a sparse chain is solved for is kept
	known *solved // it, if it was solved to the end
}

type edge struct {
	to     uint32
	weight float64
}

// chain builds the chain of paths, empty ones left out. Weights are the
// numbers of journeys, so integers stay integers. The states are numbered in
// an order that does not depend on how the paths came, and so do all figures.
func (p *Paths) chain(order int) *chain {
	m := newMeter(p, order)
	for b := range p.seqs.blocks {
		blk, col := &p.seqs.blocks[b], &p.columns[b]
		if blk.length == 0 {
			continue
		}
		for pos, conv := range col.conv {
			if value, null := col.value[pos], col.null[pos]; conv+null != 0 || value != 0 {
				m.path(blk.at(pos), conv, value, null)
			}
		}
	}
	return m.chain(p)
}

// meter counts the moves of a chain, with states in the order in which they
// come.
type meter struct {
	order    int
	channels uint32
	states   sequences
	single   []uint32 // by channel, its state of one touch, +1
	ends     []tally  // by state: what ended there
	// Moves from a state, or the start, to a state. Chains of order 1 have
	// few states, all known beforehand, and count in a square.
	square []stats.Sum
	pairs  sequences
	moves  []stats.Sum
	pair   [2]uint32
}

// fromStart stands for the start in a move.
const fromStart = ^uint32(0)

// maxSquare bounds the channels of a square.
const maxSquare = 1024

func newMeter(p *Paths, order int) *meter {
	m := &meter{order: order, channels: uint32(p.channels.Len()), single: make([]uint32, p.channels.Len())}
	if order == 1 && m.channels <= maxSquare {
		for c := range m.channels {
			m.state([]uint32{c})
		}
		m.square = make([]stats.Sum, (m.channels+1)*m.channels)
	}
	return m
}

func (m *meter) state(window []uint32) uint32 {
	id := m.states.intern(window)
	if int(id) == len(m.ends) {
		m.ends = append(m.ends, tally{})
		if len(window) == 1 {
			m.single[window[0]] = id + 1
		}
	}
	return id
}

func (m *meter) path(path []uint32, conv, value, null float64) {
	last, weight := fromStart, conv+null
	for i := 0; i == 0 || i+m.order <= len(path); i++ {
		var state uint32
		window := path[i:min(i+m.order, len(path))]
		if len(window) == 1 && m.single[window[0]] != 0 {
			state = m.single[window[0]] - 1
		} else {
			state = m.state(window)
		}
		if state == last {
			continue
		}
		if m.square != nil {
			m.square[(last+1)*m.channels+state].Add(weight)
		} else {
			m.pair = [2]uint32{last, state}
			id := m.pairs.intern(m.pair[:])
			if int(id) == len(m.moves) {
				m.moves = append(m.moves, stats.Sum{})
			}
			m.moves[id].Add(weight)
		}
		last = state
	}
	end := &m.ends[last]
	end.conv.Add(conv)
	end.value.Add(value)
	end.null.Add(null)
}

// chain numbers the states by length, then by their channels' names.
func (m *meter) chain(p *Paths) *chain {
	_, rank := sortedNames(p.channels.Names(), slices.Repeat([]bool{true}, p.channels.Len()))
	order := make([]uint32, m.states.len())
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return comparePaths(m.states.seq(a), m.states.seq(b), rank) })
	c := &chain{next: make([][]edge, len(order)), before: make([][]edge, len(order))}
	number := make([]uint32, len(order))
	leave := make([]stats.Sum, len(order))
	for i, old := range order {
		number[old] = c.states.intern(m.states.seq(old))
		end := m.ends[old]
		c.conv, c.value = append(c.conv, end.conv.Value()), append(c.value, end.value.Value())
		c.null = append(c.null, end.null.Value())
		leave[i].Merge(end.conv)
		leave[i].Merge(end.null)
	}
	var total stats.Sum
	add := func(from, to uint32, w stats.Sum) {
		e := edge{number[to], w.Value()}
		if from == fromStart {
			c.start = append(c.start, e)
			total.Merge(w)
			return
		}
		c.next[number[from]] = append(c.next[number[from]], e)
		leave[number[from]].Merge(w)
	}
	for i, w := range m.square {
		if w != (stats.Sum{}) {
			add(uint32(i)/m.channels-1, uint32(i)%m.channels, w)
		}
	}
	for id, w := range m.moves {
		pair := m.pairs.seq(uint32(id))
		add(pair[0], pair[1], w)
	}
	c.total = total.Value()
	byState := func(a, b edge) int { return int(a.to) - int(b.to) }
	slices.SortFunc(c.start, byState)
	for s, es := range c.next {
		slices.SortFunc(es, byState)
		c.out = append(c.out, leave[s].Value())
		for _, e := range es {
			c.before[e.to] = append(c.before[e.to], edge{uint32(s), e.weight})
		}
	}
	c.onward = c.waysOf(c.next, func(s, _ uint32) float64 { return c.out[s] })
	c.back = c.waysOf(c.before, func(_, from uint32) float64 { return c.out[from] })
	return c
}

// canonical lists the paths by length, then by their channels' names.
func (p *Paths) canonical() []uint32 {
	_, rank := sortedNames(p.channels.Names(), slices.Repeat([]bool{true}, p.channels.Len()))
	order := make([]uint32, 0, len(p.rows))
	for id := range p.rows {
		if !p.rows[id].zero() {
			order = append(order, uint32(id))
		}
	}
	slices.SortFunc(order, func(a, b uint32) int { return comparePaths(p.seqs.seq(a), p.seqs.seq(b), rank) })
	return order
}

// reward is what absorption from a state is worth on average.
func (c *chain) reward(amount []float64) []float64 {
	r := make([]float64, len(amount))
	for s := range r {
		if c.out[s] != 0 {
			r[s] = amount[s] / c.out[s]
		}
	}
	return r
}

// worth returns what a walk from the start brings on average, when the states
// in removed lead to nothing, and whether it was solved to the end; h is the
// same for each state, and where sweeps begin.
//
// It solves h = r + Q·h on the states that stay. All terms are of one sign, so
// nothing cancels; a state that cannot reach any reward is worth exactly 0,
// closed cycles among them.
func (c *chain) worth(reward, h []float64, removed []bool, renormalize bool) (float64, bool) {
	scale := c.scales(removed, renormalize)
	reach := c.reach(reward, removed, scale)
	settled := true
	if renormalize && len(h) <= maxDense {
		f := c.factorize(reach, removed, scale, renormalize)
		rows := make([]float64, f.n)
		for i, s := range f.states {
			rows[i] = reward[s] * scale[s]
		}
		f.right(rows)
		clear(h)
		for i, s := range f.states {
			h[s] = rows[i]
		}
	} else {
		settled = c.sweeps(reward, h, reach, scale, settledAt)
	}
	var sum, kept float64
	for _, e := range c.start {
		if !removed[e.to] {
			sum += e.weight * h[e.to]
			kept += e.weight
		}
	}
	if !renormalize {
		kept = c.total
	}
	if kept == 0 {
		return 0, settled
	}
	return sum / kept, settled
}

// scales returns by what each row is divided when the ways into removed
// states are deleted: 1 when they lead to nothing, 0 when nothing is left.
func (c *chain) scales(removed []bool, renormalize bool) []float64 {
	scale := make([]float64, len(c.next))
	for s := range scale {
		scale[s] = 1
		if !renormalize || removed[s] || c.out[s] == 0 {
			continue
		}
		left := c.out[s]
		for _, e := range c.next[s] {
			if removed[e.to] {
				left -= e.weight
			}
		}
		if left <= 0 {
			scale[s] = 0
		} else {
			scale[s] = c.out[s] / left
		}
	}
	return scale
}

// reach tells which states can still reach a reward.
func (c *chain) reach(reward []float64, removed []bool, scale []float64) []bool {
	reach := make([]bool, len(c.next))
	var stack []uint32
	for s := range reach {
		if reward[s] != 0 && !removed[s] && scale[s] != 0 {
			reach[s] = true
			stack = append(stack, uint32(s))
		}
	}
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, b := range c.before[s] {
			if from := b.to; b.weight != 0 && !reach[from] && !removed[from] && scale[from] != 0 {
				reach[from] = true
				stack = append(stack, from)
			}
		}
	}
	return reach
}

// contains returns which states contain a channel.
func (c *chain) contains(channel uint32) []bool {
	in := make([]bool, c.states.len())
	for s := range in {
		in[s] = slices.Contains(c.states.seq(uint32(s)), channel)
	}
	return in
}
