package profile

import (
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/value"
)

// traitCell is one computed trait of one person. Each kind is a sum that
// does not depend on the order of its terms, so two persons' cells merge.
type traitCell struct {
	value any
	n     int64
	more  *terms
	at    packed // of the value, for First; of the latest event otherwise
	stamp packed // of the last change, as views saw it
	trait uint32
	rank  int32 // of the value's source
}

// terms are what some kinds sum up.
type terms struct {
	sum   stats.Exact
	freq  map[any]frequency // by value, numbers by their float64
	first packed            // of the earliest event, for MeanInterval
}

// frequency is how often a value came; of an integer and the float equal to
// it the integer is kept.
type frequency struct {
	n     int64
	value any
}

func (c *traitCell) terms() *terms {
	if c.more == nil {
		c.more = new(terms)
	}
	return c.more
}

// trusts makes room for a value from a more trusted source, and reports false
// for one from a less trusted.
func (c *traitCell) trusts(rank int32) bool {
	if rank < c.rank {
		c.value = nil
	}
	if c.value == nil {
		c.rank = rank
	}
	return rank == c.rank
}

// moves reports whether a value of a kind that holds one of them would be held.
func (c *traitCell) moves(kind TraitKind, v any, at packed) bool {
	if c.value == nil || kind != First && kind != Last {
		return true
	}
	d := at.compare(c.at)
	if kind == First {
		d = -d
	}
	if d == 0 {
		if d = value.Compare(v, c.value); kind == First {
			d = -d
		}
	}
	return d > 0
}

// add takes one matching event in, whose value the cell may hold, and reports whether the value changed.
func (c *traitCell) add(kind TraitKind, v any, at packed) bool {
	c.n++
	old := c.value
	switch kind {
	case Count:
		c.value = c.n
		return true
	case Sum, Mean:
		f, _ := value.Float(v)
		c.terms().sum.Add(f)
		return c.setSum(kind)
	case Min:
		if old == nil || value.Compare(v, old) < 0 {
			c.value = v
		}
	case Max:
		if old == nil || value.Compare(v, old) > 0 {
			c.value = v
		}
	case First, Last:
		if c.moves(kind, v, at) {
			c.value, c.at = v, at
		}
	case MostFrequent, DistinctCount, Distinct:
		if list, ok := v.([]string); ok {
			changed := false
			for _, s := range list {
				changed = c.addValue(kind, frequency{1, s}) || changed
			}
			return changed
		}
		return c.addValue(kind, frequency{1, v})
	case FirstTime, LastTime, MeanInterval:
		return c.addTime(kind, at, at)
	}
	return value.Compare(old, c.value) != 0
}

func (c *traitCell) setSum(kind TraitKind) bool {
	f := c.terms().sum.Value()
	if kind == Mean {
		f /= float64(c.n)
	}
	if old, ok := c.value.(float64); ok && old == f {
		return false
	}
	c.value = f
	return true
}

func (c *traitCell) addValue(kind TraitKind, x frequency) bool {
	key := x.value
	if i, ok := key.(int64); ok {
		key = float64(i)
	}
	t := c.terms()
	have, known := t.freq[key]
	if t.freq == nil {
		t.freq = make(map[any]frequency)
	}
	if !known {
		if s, ok := x.value.(string); ok {
			key = s
		}
	} else if value.Compare(have.value, x.value) < 0 {
		x.value = have.value
	}
	x.n += have.n
	t.freq[key] = x
	old := c.value
	switch kind {
	case DistinctCount:
		if known {
			return false
		}
		c.value = int64(len(t.freq))
		return true
	case Distinct:
		if known {
			return false
		}
		list, _ := old.([]string)
		i, _ := slices.BinarySearch(list, x.value.(string))
		c.value = slices.Insert(slices.Clone(list), i, x.value.(string))
		return true
	}
	best := frequency{0, old}
	if old != nil {
		key := old
		if i, ok := old.(int64); ok {
			key = float64(i)
		}
		best = t.freq[key]
	}
	if x.n > best.n || x.n == best.n && value.Compare(x.value, best.value) < 0 {
		best = x
	}
	c.value = best.value
	return value.Compare(old, c.value) != 0
}

func (c *traitCell) addTime(kind TraitKind, first, last packed) bool {
	old := c.value
	switch kind {
	case FirstTime:
		if old != nil && !first.before(c.at) {
			return false
		}
		c.at = first
	case LastTime:
		if old != nil && !c.at.before(last) {
			return false
		}
		c.at = last
	default:
		t := c.terms()
		if t.first == (packed{}) || first.before(t.first) {
			t.first = first
		}
		if c.at.before(last) {
			c.at = last
		}
		if c.n < 2 {
			return false
		}
		span := float64(c.at.sec()-t.first.sec()) + (float64(c.at[2])-float64(t.first[2]))/1e9
		c.value = span / float64(c.n-1)
		return value.Compare(old, c.value) != 0
	}
	c.value = c.at.time()
	return true
}

// merge takes in another person's cell of the same trait.
func (c *traitCell) merge(kind TraitKind, o *traitCell) {
	n := c.n + o.n
	switch kind {
	case Count:
		c.value = n
	case Sum, Mean:
		c.n = n
		c.terms().sum.Merge(o.terms().sum)
		c.setSum(kind)
	case MostFrequent, DistinctCount, Distinct:
		for _, x := range o.terms().freq {
			c.addValue(kind, x)
		}
	case FirstTime, LastTime:
		c.addTime(kind, o.at, o.at)
	case MeanInterval:
		c.n = n
		c.addTime(kind, o.terms().first, o.at)
	default:
		if o.value != nil && c.trusts(o.rank) {
			c.add(kind, o.value, o.at)
		}
	}
	c.n = n
	c.stamp = c.stamp.latest(o.stamp)
	switch {
	case c.stamp != packed{}:
		c.stamp = pack(c.stamp.instant().next())
	case c.value != nil:
		// Neither side had a value: it comes from there being two.
		c.stamp = c.at
	}
}
