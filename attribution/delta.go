package attribution

import (
	"fmt"
	"math/bits"

	"github.com/zhun-go/zhun/internal/stats"
)

// slopes hold, for a model that is a sum over sets T of weight(T) times the
// Shapley values of rates among the subsets of T, what a lens asks for: the
// values themselves, and by how much the credits of a channel rise with the
// rate of a set S, Σ_T weight(T)·∂φ(T)/∂rate(S).
type slopes struct {
	paths *Paths
	// bare says that sets never seen have the rate of the empty one, whose
	// slope is then what the others leave: a Shapley value does not change when
	// all worths rise alike.
	bare         bool
	conv, value  [][]float64 // by set, by channel; the same unless weights differ
	one          bool        // they are the same
	phi          [][]cell    // by set, in the order of its channels' numbers
	weight       []cell      // by set
	empty        uint32
	emptyIsKnown bool
}

// maxSlopes bounds their memory to a gigabyte.
const maxSlopes = 1 << 27

// newSlopes returns room for slopes when a lens asks for it, else nil.
func (p *Paths) newSlopes(bare bool) (*slopes, error) {
	if p.lens == nil {
		return nil, nil
	}
	s := &slopes{paths: p, bare: bare, one: true, phi: make([][]cell, p.sets.len()), weight: make([]cell, p.sets.len())}
	if !p.lens.variance {
		return s, nil
	}
	if n := p.sets.len() * p.channels.Len(); n > maxSlopes {
		return nil, fmt.Errorf("%w for the delta method: %d in %d sets; see Bootstrap", ErrChannels, p.channels.Len(), p.sets.len())
	}
	s.conv = make([][]float64, p.sets.len())
	s.value = s.conv
	if !bare {
		for id := range p.bySet {
			t := &p.bySet[id]
			if (t.conv.Value() != 0) != (t.value.Value() != 0) {
				s.value, s.one = make([][]float64, p.sets.len()), false
				break
			}
		}
	}
	s.empty, s.emptyIsKnown = p.sets.lookup(nil)
	return s, nil
}

// add takes up one set, its subsets that were seen, and its Shapley values.
func (s *slopes) add(id uint32, set []uint32, found []seen, weight cell, conv, value []float64) {
	if s == nil {
		return
	}
	own := s.paths.sets.seq(id)
	phi := make([]cell, len(own))
	for k, c := range own {
		for i := range set {
			if set[i] == c {
				phi[k] = cell{conv[i], value[i]}
			}
		}
	}
	s.phi[id], s.weight[id] = phi, weight
	if s.conv == nil {
		return
	}
	w := orders(len(set))
	s.rise(s.conv, set, found, weight.conv, w)
	if !s.one {
		s.rise(s.value, set, found, weight.value, w)
	}
}

func (s *slopes) rise(slope [][]float64, set []uint32, found []seen, weight float64, w []float64) {
	if weight == 0 {
		return
	}
	at := func(id uint32) []float64 {
		if slope[id] == nil {
			slope[id] = make([]float64, s.paths.channels.Len())
		}
		return slope[id]
	}
	var rest []float64
	if s.bare && s.emptyIsKnown {
		rest = at(s.empty)
	}
	for _, f := range found {
		to, size := at(f.id), bits.OnesCount32(f.mask)
		in, out := weight*w[max(size-1, 0)], -weight*w[size]
		for i, c := range set {
			x := out
			if f.mask>>i&1 != 0 {
				x = in
			}
			to[c] += x
			if rest != nil {
				rest[c] -= x
			}
		}
	}
}

// orders returns |S|!(n−|S|−1)!/n! by |S|, with a 0 behind for the whole set.
func orders(n int) []float64 {
	w := make([]float64, n+1)
	w[0] = 1 / float64(n)
	for k := 1; k < n; k++ {
		w[k] = w[k-1] * float64(k) / float64(n-k)
	}
	return w
}

// personTimeLens answers for PersonTime, in which the conversions of each set
// vary, and its time does not.
func (p *Paths) personTimeLens(l *lens, s *slopes) error {
	if l.variance {
		for id := range p.exposed {
			e := &p.exposed[id]
			conv, spent := e.conv.Value(), e.time.Value()
			if conv == 0 {
				continue
			}
			set := p.sets.seq(uint32(id))
			each := e.value.Value() / conv
			switch {
			case spent <= 0:
				for _, c := range set {
					l.add(c, conv, 1/float64(len(set)), each/float64(len(set)))
				}
			case s.conv[id] != nil:
				for c, x := range s.conv[id] {
					l.add(uint32(c), conv, x/spent, each*x/spent)
				}
			}
		}
	}
	if l.parts {
		for id := range p.exposed {
			// A path that was transformed, or that shares its touches with the
			// conversion before, is not the set that its conversion came from.
			if e, t := &p.exposed[id], &p.bySet[id]; e.conv.Value() != t.conv.Value() {
				return nil
			}
		}
		l.part = p.setParts(func(row uint32, i int) (float64, float64, float64, float64) {
			set := p.setOf[row]
			e := &p.exposed[set]
			if s.phi[set] == nil {
				each := 1 / float64(len(p.sets.seq(set)))
				return each, each, 0, 0
			}
			x := s.phi[set][i]
			spent := e.time.Value()
			return over(x.conv*spent, e.conv.Value()), over(x.value*spent, e.value.Value()), 0, 0
		})
	}
	return nil
}

// over returns a ÷ b, and 0 where b is nothing.
func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// journeyLens answers for the games over the rates of journeys, whose number
// varies, converted or not.
func (p *Paths) journeyLens(l *lens, s *slopes) error {
	if l.variance {
		p.journeyVariance(l, s)
	}
	if l.parts {
		l.part = p.setParts(func(row uint32, i int) (conv, value, nullConv, nullValue float64) {
			set := p.setOf[row]
			if s.phi[set] == nil {
				return 0, 0, 0, 0
			}
			t, x, w := &p.bySet[set], s.phi[set][i], s.weight[set]
			// The credits of a set go to those of its journeys that converted, and
			// to the others only when none did.
			if c := t.conv.Value(); c != 0 {
				conv = x.conv * w.conv / c
			} else {
				nullConv = x.conv * w.conv / t.null.Value()
			}
			if v := t.value.Value(); v != 0 {
				value = x.value * w.value / v
			} else if z := t.null.Value(); z != 0 {
				nullValue = x.value * w.value / z
			}
			return conv, value, nullConv, nullValue
		})
	}
	return nil
}

func (p *Paths) journeyVariance(l *lens, s *slopes) {
	// By how much the values of single conversions differ within a set.
	squares := make([]stats.Sum, p.sets.len())
	for id, x := range p.squaresByRow() {
		squares[p.setOf[id]].Add(x)
	}
	own := make([]cell, p.channels.Len())
	for id := range p.bySet {
		t := &p.bySet[id]
		c, z := t.conv.Value(), t.null.Value()
		if c+z == 0 {
			continue
		}
		rate, _ := p.rate(uint32(id))
		each, differ := 0.0, 0.0
		if c > 0 {
			each = t.value.Value() / c
			squares[id].SubProduct(each, t.value.Value())
			differ = max(0, squares[id].Value())
		}
		set := p.sets.seq(uint32(id))
		counts := [2]bool{s.weight[id].conv != 0, s.weight[id].value != 0}
		for i, ch := range set {
			if s.phi[id] == nil {
				break
			}
			if counts[0] {
				own[ch].conv = s.phi[id][i].conv
			}
			if counts[1] {
				own[ch].value = s.phi[id][i].value
			}
		}
		conv, value := s.conv[id], s.value[id]
		for ch, k := range own {
			var a, b float64
			if conv != nil {
				a = conv[ch] / (c + z)
			}
			if value != nil {
				b = value[ch] / (c + z)
			}
			if a == 0 && b == 0 && k == (cell{}) {
				continue
			}
			l.add(uint32(ch), c, k.conv+a*(1-rate.conv), k.value+b*(each-rate.value))
			l.add(uint32(ch), differ, 0, b)
			l.add(uint32(ch), z, k.conv-a*rate.conv, k.value-b*rate.value)
		}
		for _, ch := range set {
			own[ch] = cell{}
		}
	}
}
