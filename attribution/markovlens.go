package attribution

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// removal is a chain without a channel.
type removal struct {
	in    []bool // states that contain the channel
	scale []float64
	g     []float64    // visits of each state
	h     [][2]float64 // what a walk from each state brings, in conversions and value
	base  [2]float64   // and from the start
	kept  float64      // weight of the starts that are left
}

// without solves the chain without a channel, the i-th, from both sides, and
// reports whether it was solved to the end.
func (c *chain) without(i int, channel uint32, renormalize bool) (removal, bool) {
	n := len(c.next)
	r := removal{in: c.contains(channel), g: make([]float64, n), h: make([][2]float64, n), kept: c.total}
	r.scale = c.scales(r.in, renormalize)
	keep := make([]bool, n)
	for s := range keep {
		keep[s] = !r.in[s] && r.scale[s] != 0
	}
	if renormalize {
		// Closed cycles are worth nothing, and whoever is in one stays.
		both := c.reach(c.conv, r.in, r.scale)
		for s, ok := range c.reach(c.value, r.in, r.scale) {
			keep[s] = keep[s] && (both[s] || ok)
		}
		r.kept = 0
		for _, e := range c.start {
			if !r.in[e.to] {
				r.kept += e.weight
			}
		}
	}
	start := make([]float64, n)
	for _, e := range c.start {
		if keep[e.to] && r.kept != 0 {
			start[e.to] = e.weight / r.kept
		}
	}
	reward := c.rewards()
	settled := n > maxDense && c.sweepWithout(&r, i, start, keep, reward, renormalize)
	if !settled && n > maxStubborn {
		return r, false
	}
	if !settled {
		f := c.factorize(keep, r.in, r.scale, renormalize)
		rows := make([]float64, f.n)
		for i, s := range f.states {
			rows[i] = start[s]
		}
		f.left(rows)
		for i, s := range f.states {
			r.g[s] = rows[i]
		}
		for k := range 2 {
			for i, s := range f.states {
				rows[i] = reward[s][k] * r.scale[s]
			}
			f.right(rows)
			for i, s := range f.states {
				r.h[s][k] = rows[i]
			}
		}
	}
	for s, p := range start {
		r.base[0] += p * r.h[s][0]
		r.base[1] += p * r.h[s][1]
	}
	return r, true
}

// sweepWithout solves a sparse chain without a channel, the i-th.
func (c *chain) sweepWithout(r *removal, i int, start []float64, keep []bool, reward [][2]float64, renormalize bool) bool {
	// Nine digits are more than a standard error has.
	const enough = 1e-9
	settled := true
	if c.known != nil && !renormalize {
		r.g = c.known.visits[i]
		copy(r.h, c.known.h) // what is left is near to the whole
	} else {
		r.g, settled = c.visits(r.g, start, keep, r.scale, enough)
	}
	return settled && c.sweepBoth(reward, r.h, keep, r.scale, enough)
}

// markovLens answers for a Markov chain. A journey adds its weight to each of
// its moves, and so changes their probabilities: in the chain without a
// channel, a move from s to t changes what a walk brings by
//
//	visits(s) ÷ weight(s) · (worth(t) − worth(s)),
//
// and a removal effect by that ÷ what the whole chain brings. These figures
// are made into changes of credits once for each move, and added up along the
// paths.
func (p *Paths) markovLens(l *lens, c *chain, players []uint32, effect []share, renormalize bool) error {
	if !l.variance {
		l.answers = 0
		return nil
	}
	n, edges := len(players), 0
	first := make([]int, len(c.next)) // edge by state
	for s, es := range c.next {
		first[s] = edges
		edges += len(es)
	}
	if !c.bounded(n, edges) {
		return fmt.Errorf("%w for the delta method: %d in a chain of %d moves; see Bootstrap", ErrChannels, n, edges)
	}
	conv, value := p.scalings(effect, renormalize)
	scalings := [2]*scaling{&conv, &value}
	var base [2]float64 // what the whole chain brings
	for i := range c.conv {
		base[0] += c.conv[i]
		base[1] += c.value[i]
	}
	for k := range base {
		base[k] = over(base[k], c.total)
	}
	var moves, starts, null, each [2][]float64
	var whole [2][]float64 // by how much the effects rise with what the whole chain brings
	for k := range moves {
		moves[k], starts[k] = make([]float64, edges*n), make([]float64, len(c.next)*n)
		null[k], each[k] = make([]float64, len(c.next)*n), make([]float64, len(c.next)*n)
		whole[k] = make([]float64, n)
	}
	var unsolved atomic.Bool
	inTurn(n, func() func(int) {
		return func(i int) {
			if unsolved.Load() || l.ended() != nil {
				return // it would take as long, for nothing
			}
			r, ok := c.without(i, players[i], renormalize)
			if !ok {
				unsolved.Store(true)
				return
			}
			for k := range base {
				if base[k] == 0 {
					continue
				}
				whole[k][i] = r.base[k] / (base[k] * base[k])
				for s := range c.next {
					switch {
					case r.kept == 0 || renormalize && r.in[s]:
					case r.in[s]:
						starts[k][s*n+i] = r.base[k] / r.kept / base[k]
					default:
						starts[k][s*n+i] = -(r.h[s][k] - r.base[k]) / r.kept / base[k]
					}
					if r.in[s] || c.out[s] == 0 {
						continue
					}
					w := r.g[s] * r.scale[s] / c.out[s] / base[k]
					null[k][s*n+i], each[k][s*n+i] = w*r.h[s][k], -w
					for e, to := range c.next[s] {
						switch {
						case !r.in[to.to]:
							moves[k][(first[s]+e)*n+i] = -w * (r.h[to.to][k] - r.h[s][k])
						case !renormalize:
							moves[k][(first[s]+e)*n+i] = w * r.h[s][k]
						}
					}
				}
			}
		}
	})
	if err := l.ended(); err != nil {
		return err
	}
	if unsolved.Load() {
		return fmt.Errorf("%w without each channel, as the delta method needs it; see Bootstrap", ErrUnsettled)
	}
	for k, s := range scalings {
		for _, table := range [][]float64{moves[k], starts[k], null[k], each[k]} {
			for row := 0; row < len(table); row += n {
				s.apply(table[row:row+n], players)
			}
		}
		s.apply(whole[k], players)
		// What every journey does is added to where it ends.
		for i, x := range null[k] {
			null[k][i] = x - whole[k][i%n]*base[k]/c.total
		}
		for i, x := range each[k] {
			each[k][i] = x + whole[k][i%n]/c.total + s.share[players[i%n]]
		}
	}
	t := influences{moves, starts, null, each}
	if features := edges + 2*len(c.next); features <= maxMoments {
		p.markovByMoments(l, c, players, first, edges, &t)
	} else {
		p.markovByPath(l, c, players, first, &t)
	}
	return l.ended()
}

// bounded tells whether tables by state or move, and by channel, are within
// what the delta method may take.
func (c *chain) bounded(channels, moves int) bool {
	return (moves+len(c.next))*channels <= maxSlopes/4
}

// influences are what the moves, the starts and the ends of a journey do to
// the credits, to conversions and to value: by state or edge, then by channel.
// A conversion adds each, and for value each times its value.
type influences struct {
	moves, starts, null, each [2][]float64
}

// inTurn calls, from as many goroutines as there are processors, a function
// made for each of them with every number below n, whoever is free taking the
// next.
func inTurn(n int, worker func() func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			f := worker()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wait.Wait()
}

// momentParts is into how many parts the paths are dealt, each with moments of
// its own; it is the same on all machines, and so are the figures.
const momentParts = 2

// markovByMoments sums up the paths before it looks at the channels.
func (p *Paths) markovByMoments(l *lens, c *chain, players []uint32, first []int, edges int, t *influences) {
	n, states := len(players), len(c.next)
	squares, pieces := p.squares(), p.pieces()
	var dealt [momentParts][]piece
	var work [momentParts]int
	for _, at := range pieces {
		least := 0
		for i := range work {
			if work[i] < work[least] {
				least = i
			}
		}
		features := p.seqs.blocks[at.block].length + 3
		work[least] += (at.to - at.from) * features * features
		dealt[least] = append(dealt[least], at)
	}
	var parts [momentParts]*moments
	inTurn(len(parts), func() func(int) {
		walk := newWalker(p, c, first)
		return func(i int) {
			m := newMoments(edges+2*states, states)
			var features []int
			for _, at := range dealt[i] {
				p.byRows(at, func(path []uint32, r pathRow) {
					start, last, steps := walk.path(path)
					features = append(append(append(features[:0], steps...), edges+start), edges+states+last)
					m.add(features, last, r.conv, r.value, squares[at.block][r.pos], r.null)
				})
			}
			parts[i] = m
		}
	})
	m := parts[0]
	for _, more := range parts[1:] {
		m.merge(more)
	}
	m.fold()
	found := make([][2]float64, n)
	inTurn(n, func() func(int) {
		feature, end := make([]float64, m.n), make([]float64, states)
		return func(i int) {
			for k := range found[i] {
				for e := range edges {
					feature[e] = t.moves[k][e*n+i]
				}
				for s := range states {
					feature[edges+s], feature[edges+states+s] = t.starts[k][s*n+i], t.null[k][s*n+i]
					end[s] = t.each[k][s*n+i]
				}
				found[i][k] = m.variance(feature, end, k == 1)
			}
		}
	})
	for i, ch := range players {
		l.square[ch].conv.Add(found[i][0])
		l.square[ch].value.Add(found[i][1])
	}
}

// markovByPath sums up what each path does to each channel.
func (p *Paths) markovByPath(l *lens, c *chain, players []uint32, first []int, t *influences) {
	n := len(players)
	squares, pieces := p.squares(), p.pieces()
	found := make([][]cell, len(pieces))
	inTurn(len(pieces), func() func(int) {
		walk, f := newWalker(p, c, first), newInfluence(n)
		sums, eachConv := [2][]float64{f.null, f.valueNull}, f.conv
		return func(i int) {
			if l.ended() != nil {
				return
			}
			cells, at := make([]cell, n), pieces[i]
			p.byRows(at, func(path []uint32, r pathRow) {
				start, last, steps := walk.path(path)
				for k, sum := range sums {
					copy(sum, t.starts[k][start*n:start*n+n])
					for _, e := range steps {
						row := t.moves[k][e*n : e*n+n]
						for i := range sum {
							sum[i] += row[i]
						}
					}
					row := t.null[k][last*n : last*n+n]
					for i := range sum {
						sum[i] += row[i]
					}
				}
				f.valueConv, f.valueEach = f.valueNull, t.each[1][last*n:last*n+n]
				for i, x := range t.each[0][last*n : last*n+n] {
					eachConv[i] = f.null[i] + x
				}
				f.count(cells, r.conv, r.value, squares[at.block][r.pos], r.null)
			})
			found[i] = cells
		}
	})
	if l.ended() != nil {
		return
	}
	for _, cells := range found {
		l.flush(cells, players)
	}
}

// piece is a part of a block of paths.
type piece struct{ block, from, to int }

// pieceRows bounds the paths of a piece.
const pieceRows = 1024

// pieces are all paths with channels, the same ones on all machines.
func (p *Paths) pieces() []piece {
	var list []piece
	for b := range p.seqs.blocks {
		blk := &p.seqs.blocks[b]
		if blk.length == 0 {
			continue
		}
		for from := 0; from < len(blk.ids); from += pieceRows {
			list = append(list, piece{b, from, min(from+pieceRows, len(blk.ids))})
		}
	}
	return list
}

// pathRow is what is known of one path.
type pathRow struct {
	pos               int // in its block
	conv, value, null float64
}

// byRows calls f for each path of a piece that has journeys.
func (p *Paths) byRows(at piece, f func(path []uint32, r pathRow)) {
	blk, col := &p.seqs.blocks[at.block], &p.columns[at.block]
	for pos := at.from; pos < at.to; pos++ {
		r := pathRow{pos, col.conv[pos], col.value[pos], col.null[pos]}
		if r.conv+r.null != 0 {
			f(blk.at(pos), r)
		}
	}
}

// walker finds the moves of a chain along paths.
type walker struct {
	chain  *chain
	order  int
	first  []int
	single []int // by channel, its state of one touch, -1 if there is none
	square []int // by two states, the edge between them, for few states
	steps  []int
}

func newWalker(p *Paths, c *chain, first []int) *walker {
	w := &walker{chain: c, first: first, single: make([]int, p.channels.Len())}
	for ch := range w.single {
		w.single[ch] = -1
		if s, ok := c.states.lookup([]uint32{uint32(ch)}); ok {
			w.single[ch] = int(s)
		}
	}
	for s := range c.next {
		w.order = max(w.order, len(c.states.seq(uint32(s))))
	}
	if n := len(c.next); n <= maxSquare {
		w.square = make([]int, n*n)
		for s, es := range c.next {
			for i, e := range es {
				w.square[s*n+int(e.to)] = first[s] + i
			}
		}
	}
	return w
}

// path returns the first and the last state of a path, and the edges between.
func (w *walker) path(path []uint32) (start, last int, steps []int) {
	w.steps, last = w.steps[:0], -1
	for i := 0; i == 0 || i+w.order <= len(path); i++ {
		window := path[i:min(i+w.order, len(path))]
		var s int
		if len(window) == 1 {
			s = w.single[window[0]]
		} else {
			id, _ := w.chain.states.lookup(window)
			s = int(id)
		}
		switch {
		case last < 0:
			start = s
		case s == last:
			continue
		case w.square != nil:
			w.steps = append(w.steps, w.square[last*len(w.chain.next)+s])
		default:
			at, _ := slices.BinarySearchFunc(w.chain.next[last], uint32(s), func(e edge, to uint32) int { return int(e.to) - int(to) })
			w.steps = append(w.steps, w.first[last]+at)
		}
		last = s
	}
	return start, last, w.steps
}
