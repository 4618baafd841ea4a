package segment

import (
	"cmp"
	"math"
	"slices"
)

// cut is a threshold: it separates the numbers below value, and value itself
// unless after, from the rest.
type cut struct {
	value float64
	after bool
	above *predicate // true right of the cut: >= value, or > value when after
	below *predicate // true left of it: < value, or <= value when after
}

// compare orders cuts, those between the same numbers, too.
func (c cut) compare(o cut) int {
	switch s := cmp.Compare(c.value, o.value); {
	case s != 0 || c.after == o.after:
		return s
	case o.after:
		return -1
	}
	return 1
}

// key is the least number right of the cut.
func (c cut) key() float64 {
	if c.after {
		return math.Nextafter(c.value, math.Inf(1))
	}
	return c.value
}

// cuts are the thresholds that rules compare a number with, ascending.
type cuts struct {
	list []cut
	keys []float64 // of the list, side by side
}

// add makes a comparison known.
func (c *cuts) add(p *predicate, op string, value float64) {
	one := cut{value: value, after: op == ">" || op == "<="}
	i, ok := slices.BinarySearchFunc(c.list, one, cut.compare)
	if !ok {
		c.list, c.keys = slices.Insert(c.list, i, one), slices.Insert(c.keys, i, one.key())
	}
	if op[0] == '>' {
		c.list[i].above = p
	} else {
		c.list[i].below = p
	}
}

// drop forgets a comparison.
func (c *cuts) drop(p *predicate) {
	for i := len(c.list) - 1; i >= 0; i-- {
		one := &c.list[i]
		if one.above == p {
			one.above = nil
		}
		if one.below == p {
			one.below = nil
		}
		if one.above == nil && one.below == nil {
			c.list, c.keys = slices.Delete(c.list, i, i+1), slices.Delete(c.keys, i, i+1)
		}
	}
}

// nowhere is the place of a missing number.
const nowhere = -1

// place returns how many cuts lie left of a number.
func (c *cuts) place(v float64) int {
	if v != v {
		return nowhere
	}
	lo := 0
	for n := len(c.keys); n > 0; {
		half := (n + 1) / 2
		if c.keys[lo+half-1] <= v {
			lo += half
		}
		n -= half
	}
	return lo
}

// near is place where another number's is known: most numbers change a little.
func (c *cuts) near(v float64, at int) int {
	if at >= 0 && (at == 0 || c.keys[at-1] <= v) && (at == len(c.keys) || v < c.keys[at]) {
		return at
	}
	return c.place(v)
}
