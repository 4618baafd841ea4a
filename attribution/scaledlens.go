package attribution

import (
	"math"
	"math/bits"
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
)

// scaling differentiates credits that are effects e scaled to a total T,
// T·e(c) ÷ Σe: they change by
//
//	share(c)·dT + T ÷ Σe · (de(c) − share(c)·Σde).
type scaling struct {
	share []float64 // by channel
	size  float64   // T ÷ Σe, 0 when there is nothing to scale
}

// scalings returns those of conversions and value; effects whose sum is
// negative are not scaled unless that is asked for, see scaled.
func (p *Paths) scalings(effect []share, negative bool) (conv, value scaling) {
	total, empty := p.total(), p.empty()
	total.conv.Merge(empty.conv.Neg())
	total.value.Merge(empty.value.Neg())
	of := func(t stats.Sum, of func(s *share) *stats.Sum) scaling {
		s := scaling{share: make([]float64, len(effect))}
		var sum stats.Sum
		size := 0.0
		for i := range effect {
			x := of(&effect[i])
			sum.Merge(*x)
			size += math.Abs(x.Value())
		}
		e := sum.Value()
		if math.Abs(e) <= 1e-9*size || e < 0 && !negative {
			return s
		}
		s.size = t.Value() / e
		for i := range effect {
			s.share[i] = of(&effect[i]).Value() / e
		}
		return s
	}
	return of(total.conv, func(s *share) *stats.Sum { return &s.conv }), of(total.value, func(s *share) *stats.Sum { return &s.value })
}

// apply turns changes of the effects of channels, by their place, into changes
// of credits, in place.
func (s *scaling) apply(de []float64, channels []uint32) {
	sum := 0.0
	for _, x := range de {
		sum += x
	}
	for i, c := range channels {
		de[i] = s.size * (de[i] - s.share[c]*sum)
	}
}

// influence is what one more journey does to the credits of channels, by their
// place: to conversions, one that converted and one that did not; to value,
// one that converted with a value v, valueConv + v·valueEach, and one that did
// not.
type influence struct {
	conv, null                      []float64
	valueConv, valueEach, valueNull []float64
}

func newInfluence(n int) influence {
	return influence{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
}

// scale turns changes of effects into changes of credits.
func (f *influence) scale(conv, value *scaling, channels []uint32) {
	conv.apply(f.conv, channels)
	conv.apply(f.null, channels)
	value.apply(f.valueConv, channels)
	value.apply(f.valueEach, channels)
	value.apply(f.valueNull, channels)
}

// count adds to the variances of channels, by their place, what journeys
// contribute.
func (f *influence) count(cells []cell, conv, value, squares, null float64) {
	for i := range cells {
		x, y := f.conv[i], f.null[i]
		a, b, z := f.valueConv[i], f.valueEach[i], f.valueNull[i]
		cells[i].conv += conv*x*x + null*y*y
		cells[i].value += conv*a*a + 2*a*b*value + b*b*squares + null*z*z
	}
}

// flush moves variances of channels, by their place, to the exact sums.
func (l *lens) flush(cells []cell, channels []uint32) {
	for i, c := range channels {
		l.square[c].conv.Add(cells[i].conv)
		l.square[c].value.Add(cells[i].value)
		cells[i] = cell{}
	}
}

// gameLens answers for a game that is solved from the table of all sets. The
// credits of a set rise with the counts of T by what the worths of sets rise
// with them; for the games over subsets these are sums over all sets that
// contain T.
func (p *Paths) gameLens(l *lens, g Game, swing bool, players []uint32, effect []share) error {
	if !l.variance || g == MarkovChain {
		l.answers = 0 // it has none
		return nil
	}
	n := len(players)
	w := shapleyWeights(n)
	both := make([]float64, n+1)
	for s := 1; s <= n; s++ {
		both[s] = w[s-1] + w[s]
	}
	if swing {
		for s := range w {
			w[s], both[s] = math.Ldexp(1, 1-n), math.Ldexp(2, 1-n)
		}
	}
	// rise is by how much the values of all players rise when the worth of the
	// sets that contain m, or of m itself, does.
	of := p.gameTables(g, players, both, w)
	exact := g == RateExact || g == SumExact
	rise := func(m int, of gameTable) []float64 {
		list := make([]float64, n)
		for i := range list {
			with := m | 1<<i
			switch {
			case !exact:
				list[i] = of.both[with] - of.without[m]
			case with == m:
				list[i] = both[bits.OnesCount(uint(m))] - w[bits.OnesCount(uint(m))]
			default:
				list[i] = -w[bits.OnesCount(uint(m))]
			}
		}
		return list
	}
	conv, value := p.scalings(effect, false)
	squares := make([]stats.Sum, p.sets.len())
	for id, x := range p.squaresByRow() {
		squares[p.setOf[id]].Add(x)
	}
	bit := make([]int, p.channels.Len())
	for i, c := range players {
		bit[c] = i
	}
	f, cells := newInfluence(n), make([]cell, n)
	for id := range p.bySet {
		t := &p.bySet[id]
		set := p.sets.seq(uint32(id))
		if t.zero() || len(set) == 0 {
			continue
		}
		m := 0
		for _, c := range set {
			m |= 1 << bit[c]
		}
		c, v, z := t.conv.Value(), t.value.Value(), t.null.Value()
		per := 1.0
		var less, lessValue []float64
		ones := rise(m, of.one)
		switch g {
		case RateExact:
			if c+z == 0 {
				continue
			}
			per = 1 / (c + z)
			less, lessValue = slices.Clone(ones), slices.Clone(ones)
			for i := range ones {
				less[i] *= c * per * per
				lessValue[i] *= v * per * per
			}
		case RateSubset:
			less, lessValue = rise(m, of.conv), rise(m, of.value)
		default:
			less, lessValue = make([]float64, n), make([]float64, n)
		}
		for i, x := range ones {
			x *= per
			f.conv[i], f.null[i] = x-less[i], -less[i]
			f.valueConv[i], f.valueEach[i], f.valueNull[i] = -lessValue[i], x, -lessValue[i]
		}
		f.scale(&conv, &value, players)
		for i, c := range players {
			f.conv[i] += conv.share[c]
			f.valueEach[i] += value.share[c]
		}
		f.count(cells, c, v, squares[id].Value(), z)
		l.flush(cells, players)
	}
	return nil
}

// gameTable holds, for each set, sums over the sets that contain it.
type gameTable struct{ both, without []float64 }

// gameTables are the sums of 1, or of 1 ÷ N, conversions ÷ N² and value ÷ N²,
// weighted.
type gameTables struct{ one, conv, value gameTable }

func (p *Paths) gameTables(g Game, players []uint32, both, w []float64) gameTables {
	var all gameTables
	if g == RateExact || g == SumExact {
		return all
	}
	above := func(x []float64) gameTable {
		t := gameTable{make([]float64, len(x)), make([]float64, len(x))}
		for i, weights := range [2][]float64{both, w} {
			to := [2][]float64{t.both, t.without}[i]
			for m, v := range x {
				to[len(x)-1-m] = v * weights[bits.OnesCount(uint(m))]
			}
			zeta(to, len(players))
			slices.Reverse(to)
		}
		return t
	}
	size := make([]float64, 1<<len(players))
	if g != RateSubset {
		for m := range size {
			size[m] = 1
		}
		all.one = above(size)
		return all
	}
	var room tables
	for i, to := range [2]*gameTable{&all.conv, &all.value} {
		rate := p.table(&room, g, players, i == 1)
		for m, n := range room.size {
			if size[m] = 0; n != 0 {
				size[m] = rate[m] / n
			}
		}
		*to = above(size)
	}
	for m, n := range room.size {
		if size[m] = 0; n != 0 {
			size[m] = 1 / n
		}
	}
	all.one = above(size)
	return all
}
