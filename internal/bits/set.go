package bits

import (
	mathbits "math/bits"
	"slices"
)

const (
	blockUsers = 1 << 16
	blockWords = blockUsers / 64
	// maxArray is the longest array: 2 KiB. Up to there looking up its users
	// one by one costs less than a pass over a page.
	maxArray = 1024
)

// page is the users of a block as bits.
type page [blockWords]uint64

// block is the users of one block. Nothing changes a block that is part of a
// set, so sets may share pages and arrays.
type block struct {
	n     int // users, or unknown
	array []uint16
	words *page // when set, the users; else they are the array, or all of them
}

// unknown is the number of users of a page that nobody has counted.
const unknown = -1

// listed reports whether the users are an array.
func (b *block) listed() bool { return b.words == nil && b.n != blockUsers }

func (b *block) full() bool  { return b.n == blockUsers }
func (b *block) empty() bool { return b.n == 0 }

func (p *page) count() int {
	n := 0
	for i := 0; i < blockWords; i += 4 {
		n += mathbits.OnesCount64(p[i]) + mathbits.OnesCount64(p[i+1]) + mathbits.OnesCount64(p[i+2]) + mathbits.OnesCount64(p[i+3])
	}
	return n
}

// append adds the users of a page to an array.
func (p *page) append(array []uint16) []uint16 {
	for i, w := range p {
		for ; w != 0; w &= w - 1 {
			array = append(array, uint16(i*64+mathbits.TrailingZeros64(w)))
		}
	}
	return array
}

// slab hands out pages, made some at a time.
type slab struct{ pages []page }

func (s *slab) page() *page {
	if len(s.pages) == 0 {
		s.pages = make([]page, 8)
	}
	p := &s.pages[0]
	s.pages = s.pages[1:]
	return p
}

// Set is a set of users. The zero value is empty.
//
// Immutable; safe for concurrent use.
type Set struct {
	blocks []block // by number of the block, the last one not empty
	n      int
}

// Len returns the number of users.
func (s *Set) Len() int { return s.n }

// Contains reports whether the user is in the set.
func (s *Set) Contains(user uint32) bool {
	i := int(user / blockUsers)
	if i >= len(s.blocks) {
		return false
	}
	return s.blocks[i].has(uint16(user))
}

func (b *block) has(low uint16) bool {
	switch {
	case b.words != nil:
		return b.words[low/64]>>(low%64)&1 != 0
	case b.full():
		return true
	}
	_, ok := slices.BinarySearch(b.array, low)
	return ok
}

// at returns a block, empty beyond the last.
func (s *Set) at(i int) block {
	if i < len(s.blocks) {
		return s.blocks[i]
	}
	return block{}
}

// bytes returns the size of what a pass over the set reads.
func (s *Set) bytes() int {
	n := 0
	for i := range s.blocks {
		if b := &s.blocks[i]; b.words != nil {
			n += 8 * blockWords
		} else {
			n += 2 * len(b.array)
		}
	}
	return n
}

// put makes a block part of the set; it copies what is not to be shared.
func (s *Set) put(i int, b block, shared bool) {
	if b.n == unknown {
		b.n = b.words.count()
	}
	n := b.n
	out := &s.blocks[i]
	out.n = n
	switch {
	case n == 0 || n == blockUsers:
	case b.words == nil && shared:
		out.array = b.array
	case b.words == nil:
		out.array = slices.Clone(b.array)
	case n <= maxArray:
		out.array = b.words.append(make([]uint16, 0, n))
	case shared:
		out.words = b.words
	default:
		out.words = new(page)
		*out.words = *b.words
	}
}

// trim ends the making of a set.
func (s *Set) trim() *Set {
	for len(s.blocks) > 0 && s.blocks[len(s.blocks)-1].empty() {
		s.blocks = s.blocks[:len(s.blocks)-1]
	}
	for i := range s.blocks {
		s.n += s.blocks[i].n
	}
	return s
}

// FromWords returns the set of the users whose bit is set, user 0 being the
// lowest bit of the first word. At most 2^26 words, one bit for each number,
// are read. The words are copied.
func FromWords(words []uint64) *Set {
	words = words[:min(len(words), 1<<26)]
	s := &Set{blocks: make([]block, (len(words)+blockWords-1)/blockWords)}
	for i := range s.blocks {
		var p page
		copy(p[:], words[i*blockWords:])
		s.put(i, block{n: unknown, words: &p}, false)
	}
	return s.trim()
}
