package recommend

import "math/bits"

// ItemSet is a set of the items that one model knows, such as what is in
// stock, in one category, or out of season. It is used with that model only;
// another answers [ErrItemSet]. Immutable; safe for concurrent use.
type ItemSet struct {
	cat  *catalogue
	bits []uint64
	n    int
}

func (c *catalogue) set(names []string) *ItemSet {
	if c == nil {
		return new(ItemSet) // of a model made of nothing
	}
	s := &ItemSet{cat: c, bits: make([]uint64, (len(c.names)+63)/64)}
	for _, name := range names {
		if i, ok := c.number[name]; ok && !s.has(i) {
			s.bits[i/64] |= 1 << (i % 64)
			s.n++
		}
	}
	return s
}

func (c *catalogue) usersOf(item string) int {
	if c == nil {
		return 0
	}
	if i, ok := c.number[item]; ok {
		return int(c.counts[i])
	}
	return 0
}

func (s *ItemSet) has(i uint32) bool { return s.bits[i/64]>>(i%64)&1 != 0 }

// Len returns the number of items in the set; names that the model did not
// know are not among them.
func (s *ItemSet) Len() int { return s.n }

// Contains reports whether an item is in the set.
func (s *ItemSet) Contains(item string) bool {
	if s.cat == nil {
		return false
	}
	i, ok := s.cat.number[item]
	return ok && s.has(i)
}

// all yields the item numbers, ascending.
func (s *ItemSet) all() func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for w, word := range s.bits {
			for ; word != 0; word &= word - 1 {
				if !yield(uint32(w*64 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}
