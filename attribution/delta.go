package attribution

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/zhun-go/zhun/internal/stats"
)

// ShapleyIntervals returns the uncertainty of [Shapley] without resampling, by
// the delta method: the credits are differentiated by the number of journeys
// of each kind, which are Poisson, and the squares of the slopes times the
// numbers add up to the variance. Intervals are normal, of a level such as
// 0.95 (0 means that). It asks the same question as [Bootstrap] and holds
// fixed what that holds fixed: the time in each set of channels and the value
// per conversion there, for PersonTime, and the value per conversion of rows
// without times.
//
// It knows the games that give away conversions: SumSubset, TouchAny, Cohort
// and PersonTime. For the first two and the last, whose credits are linear in
// the conversions, the variance is exact. Other games are an [*InputError].
func ShapleyIntervals(p *Paths, opts *ShapleyOptions, level float64) ([]Interval, error) {
	const verb = "ShapleyIntervals"
	var o ShapleyOptions
	if opts != nil {
		o = *opts
	}
	if level == 0 {
		level = 0.95
	}
	if !(level > 0 && level < 1) {
		return nil, inputError(verb, 0, "level", level, "not within 0 and 1")
	}
	credits, err := Shapley(p, &o)
	if err != nil {
		return nil, err
	}
	v := newVariance(p.channels.Len())
	switch o.Game {
	case SumSubset, TouchAny:
		p.bySizeVariance(v)
	case PersonTime:
		err = p.personTimeVariance(v)
	case Cohort:
		err = p.cohortVariance(v)
	default:
		return nil, inputError(verb, 0, "Game", o.Game, "has no delta method here; see Bootstrap")
	}
	if err != nil {
		return nil, fmt.Errorf("attribution: %s: %w", verb, err)
	}
	z := stats.NormalQuantile((1 + level) / 2)
	estimate := func(x float64, variance stats.Sum) Estimate {
		sd := math.Sqrt(max(0, variance.Value()))
		return Estimate{x, sd, x - z*sd, x + z*sd, level}
	}
	list := make([]Interval, len(credits.Channels))
	for i, ch := range p.inUse() {
		k := credits.Channels[i]
		list[i] = Interval{k.Channel, estimate(k.Conversions, v[ch].conv), estimate(k.Value, v[ch].value)}
	}
	return list, nil
}

// variance is summed up by channel.
type variance []share

func newVariance(channels int) variance { return make(variance, channels) }

// add adds what n independent journeys, each worth slope, contribute.
func (v variance) add(channel uint32, n, conv, value float64) {
	v[channel].conv.Add(n * conv * conv)
	v[channel].value.Add(n * value * value)
}

// bySizeVariance is the variance where each channel of a set gets the same.
// Like the credits, it is summed up by the size of the sets.
func (p *Paths) bySizeVariance(v variance) {
	square := make([]stats.Sum, p.sets.len()) // of the value of each conversion
	var timed []bool
	if len(p.journeys) > 0 {
		timed = make([]bool, len(p.rows))
	}
	for _, j := range p.journeys {
		timed[j.path] = true
		square[p.setOf[j.path]].AddProduct(j.value, j.value)
	}
	for id := range p.rows {
		t := &p.rows[id]
		if conv := t.conv.Value(); conv != 0 && (timed == nil || !timed[id]) {
			square[p.setOf[id]].Add(t.value.Value() * t.value.Value() / conv)
		}
	}
	sums := make([]share, len(v))
	for _, b := range p.sets.byLength() {
		blk := &p.sets.blocks[b]
		if blk.length == 0 {
			continue
		}
		for pos, id := range blk.ids {
			for _, c := range blk.at(pos) {
				sums[c].conv.Merge(p.bySet[id].conv)
				sums[c].value.Merge(square[id])
			}
		}
		n := float64(blk.length * blk.length)
		for c := range sums {
			v[c].conv.Merge(sums[c].conv.Div(n))
			v[c].value.Merge(sums[c].value.Div(n))
			sums[c] = share{}
		}
	}
}

// slopes returns, for each set S that was seen and each of the paths'
// channels, Σ_T weight(T)·∂φ_c(T)/∂λ(S): by how much the credits of restricted
// games rise with the rate of a set. Sets never seen have the rate of the
// empty one, whose slope is what the others leave: a Shapley value does not
// change when all worths rise alike.
func (p *Paths) slopes(seen func(id uint32) bool, weight func(id uint32) float64) ([][]float64, error) {
	n := p.channels.Len()
	slope := make([][]float64, p.sets.len())
	place := make([]int, n)
	for i := range place {
		place[i] = -1
	}
	var key []uint32
	empty, emptyKnown := p.sets.lookup(nil)
	at := func(id uint32) []float64 {
		if slope[id] == nil {
			slope[id] = make([]float64, n)
		}
		return slope[id]
	}
	err := p.eachSet(func(id uint32, _ []uint32) error {
		w := weight(id)
		set := p.sets.seq(id) // by ascending number, as all sets are interned
		if w == 0 || len(set) == 0 {
			return nil
		}
		if len(set) > MaxExact {
			return fmt.Errorf("%w in one journey: %d, at most %d", ErrChannels, len(set), MaxExact)
		}
		share := orders(len(set))
		count := func(sub uint32, m uint64) {
			if !seen(sub) {
				return
			}
			to, size := at(sub), bits.OnesCount64(m)
			for i, c := range set {
				s := 0.0
				if m>>i&1 != 0 {
					s = w * share[size-1]
				} else {
					s = -w * share[size]
				}
				to[c] += s
				if emptyKnown {
					at(empty)[c] -= s
				}
			}
		}
		if 1<<len(set) <= p.sets.len() {
			for m := uint64(1); m < 1<<len(set); m++ {
				key = key[:0]
				for i, c := range set {
					if m>>i&1 != 0 {
						key = append(key, c)
					}
				}
				if sub, ok := p.sets.lookup(key); ok {
					count(sub, m)
				}
			}
			return nil
		}
		for i, c := range set {
			place[c] = i
		}
	next:
		for sub := range uint32(p.sets.len()) {
			m := uint64(0)
			for _, c := range p.sets.seq(sub) {
				if place[c] < 0 {
					continue next
				}
				m |= 1 << place[c]
			}
			if m != 0 {
				count(sub, m)
			}
		}
		for _, c := range set {
			place[c] = -1
		}
		return nil
	})
	return slope, err
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

// personTimeVariance is that of PersonTime.
func (p *Paths) personTimeVariance(v variance) error {
	slope, err := p.slopes(
		func(id uint32) bool { return p.exposed[id].time.Value() > 0 },
		func(id uint32) float64 {
			if e := &p.exposed[id]; e.conv.Value() != 0 {
				return max(0, e.time.Value())
			}
			return 0
		})
	if err != nil {
		return err
	}
	return p.eachSet(func(id uint32, set []uint32) error {
		e := &p.exposed[id]
		conv, spent := e.conv.Value(), e.time.Value()
		if conv == 0 {
			return nil
		}
		each := e.value.Value() / conv
		switch {
		case spent <= 0:
			for _, c := range set {
				v.add(c, conv, 1/float64(len(set)), each/float64(len(set)))
			}
		case slope[id] != nil:
			for c, s := range slope[id] {
				v.add(uint32(c), conv, s/spent, each*s/spent)
			}
		}
		return nil
	})
}

// cohortVariance is that of Cohort, in which the number of journeys varies,
// too.
func (p *Paths) cohortVariance(v variance) error {
	journeys := func(id uint32) float64 { t := &p.bySet[id]; return t.conv.Value() + t.null.Value() }
	slope, err := p.slopes(func(id uint32) bool { return journeys(id) != 0 }, journeys)
	if err != nil {
		return err
	}
	conv, value := p.rates()
	byConv, byValue := newRestricted(&p.sets, p.channels.Len(), conv), newRestricted(&p.sets, p.channels.Len(), value)
	var baseConv, baseValue float64
	if id, ok := p.sets.lookup(nil); ok {
		baseConv, _ = conv(id)
		baseValue, _ = value(id)
	}
	own := make([]cell, p.channels.Len())
	// By how much the values of single conversions differ within a set.
	differ := make([]stats.Sum, p.sets.len())
	for _, j := range p.journeys {
		set := p.setOf[j.path]
		mean := p.bySet[set].value.Value() / p.bySet[set].conv.Value()
		differ[set].Add((j.value - mean) * (j.value - mean))
	}
	return p.eachSet(func(id uint32, set []uint32) error {
		n := journeys(id)
		if n == 0 {
			return nil
		}
		t := &p.bySet[id]
		c, z, each := t.conv.Value(), t.null.Value(), 0.0
		if c != 0 {
			each = t.value.Value() / c
		}
		phi, err := byConv.solve(set, baseConv, baseConv)
		if err != nil {
			return err
		}
		for i, ch := range set {
			own[ch].conv = phi[i]
		}
		if phi, err = byValue.solve(set, baseValue, baseValue); err != nil {
			return err
		}
		for i, ch := range set {
			own[ch].value = phi[i]
		}
		rateC, _ := conv(id)
		rateV, _ := value(id)
		for ch := range own {
			s := 0.0
			if slope[id] != nil {
				s = slope[id][ch] / n
			}
			k := own[ch]
			v.add(uint32(ch), c, k.conv+s*(1-rateC), k.value+s*(each-rateV))
			v.add(uint32(ch), differ[id].Value(), 0, s)
			v.add(uint32(ch), z, k.conv-s*rateC, k.value-s*rateV)
			own[ch] = cell{}
		}
		return nil
	})
}
