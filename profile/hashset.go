package profile

import (
	"hash/maphash"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// hashSet is a set of 128-bit hashes in about 25 bytes each. Like [table] it
// grows by splitting one small part at a time, so that no call moves more than
// a part. Where a hash stands depends on a seed, so that nobody can send ids
// that crowd together.
type hashSet struct {
	parts []*hashPart // by the upper bits of the place
	bits  uint        // how many
	n     int
	zero  bool // the hash that stands for an empty slot is held
	seed  uint64
}

// hashPart is probed linearly from the lower bits of the place.
type hashPart struct {
	slots []xxh3.Uint128
	n     int
	bits  uint // of the place that all in it have in common
}

const maxHashPart = 512

func newHashSet() hashSet { return hashSet{seed: maphash.String(maphash.MakeSeed(), "hashSet")} }

// place mixes a hash with the seed: the product of its halves, folded.
func (s *hashSet) place(h xxh3.Uint128) uint64 {
	hi, lo := bits.Mul64(h.Hi^s.seed, h.Lo^bits.RotateLeft64(s.seed, 32))
	return hi ^ lo
}

func (s *hashSet) part(place uint64) *hashPart { return s.parts[place>>1>>(63-s.bits)] }

func (s *hashSet) has(h xxh3.Uint128) bool {
	if s.n == 0 || h == (xxh3.Uint128{}) {
		return s.n > 0 && s.zero
	}
	place := s.place(h)
	slots := s.part(place).slots
	mask := uint64(len(slots) - 1)
	for i := place & mask; slots[i] != (xxh3.Uint128{}); i = (i + 1) & mask {
		if slots[i] == h {
			return true
		}
	}
	return false
}

// add enters a hash; one that is there stays.
func (s *hashSet) add(h xxh3.Uint128) {
	if h == (xxh3.Uint128{}) {
		if !s.zero {
			s.zero = true
			s.n++
		}
		return
	}
	if s.parts == nil {
		s.parts = []*hashPart{{slots: make([]xxh3.Uint128, minPart)}}
	}
	place := s.place(h)
	p := s.part(place)
	mask := uint64(len(p.slots) - 1)
	i := place & mask
	for p.slots[i] != (xxh3.Uint128{}) {
		if p.slots[i] == h {
			return
		}
		i = (i + 1) & mask
	}
	s.n++
	if p.n < len(p.slots)/8*7 {
		p.slots[i] = h
		p.n++
		return
	}
	for p.n >= len(p.slots)/8*7 {
		if len(p.slots) < maxHashPart || 1<<p.bits > 16*(s.n/maxHashPart+1) {
			s.rebuild(p, 2*len(p.slots))
		} else {
			s.split(p, place)
			p = s.part(place)
		}
	}
	p.put(place, h)
}

func (p *hashPart) put(place uint64, h xxh3.Uint128) {
	mask := uint64(len(p.slots) - 1)
	i := place & mask
	for p.slots[i] != (xxh3.Uint128{}) {
		i = (i + 1) & mask
	}
	p.slots[i] = h
	p.n++
}

func (s *hashSet) rebuild(p *hashPart, size int) {
	old := p.slots
	p.slots, p.n = make([]xxh3.Uint128, size), 0
	for _, h := range old {
		if h != (xxh3.Uint128{}) {
			p.put(s.place(h), h)
		}
	}
}

// split divides the part of a place in two by one more of its bits.
func (s *hashSet) split(p *hashPart, place uint64) {
	if p.bits == s.bits {
		twice := make([]*hashPart, 2*len(s.parts))
		for i, x := range s.parts {
			twice[2*i], twice[2*i+1] = x, x
		}
		s.parts = twice
		s.bits++
	}
	half := [2]*hashPart{}
	for i := range half {
		half[i] = &hashPart{slots: make([]xxh3.Uint128, len(p.slots)), bits: p.bits + 1}
	}
	for _, h := range p.slots {
		if h != (xxh3.Uint128{}) {
			at := s.place(h)
			half[at>>(63-p.bits)&1].put(at, h)
		}
	}
	// The places of p are those that share its upper bits.
	width := 1 << (s.bits - p.bits)
	first := int(place>>1>>(63-p.bits)) * width
	for i := range width {
		s.parts[first+i] = half[2*i/width]
	}
}

// remove takes out a hash, if it is there.
func (s *hashSet) remove(h xxh3.Uint128) {
	if !s.has(h) {
		return
	}
	s.n--
	if h == (xxh3.Uint128{}) {
		s.zero = false
		return
	}
	place := s.place(h)
	p := s.part(place)
	mask := uint64(len(p.slots) - 1)
	i := place & mask
	for p.slots[i] != h {
		i = (i + 1) & mask
	}
	// Those behind move up, unless they would come before their place.
	for j := (i + 1) & mask; p.slots[j] != (xxh3.Uint128{}); j = (j + 1) & mask {
		if home := s.place(p.slots[j]) & mask; (j-home)&mask >= (j-i)&mask {
			p.slots[i] = p.slots[j]
			i = j
		}
	}
	p.slots[i] = xxh3.Uint128{}
	p.n--
}

func (s *hashSet) clear() { *s = hashSet{seed: s.seed} }

// list returns the hashes in no order.
func (s *hashSet) list() []xxh3.Uint128 {
	out := make([]xxh3.Uint128, 0, s.n)
	if s.zero {
		out = append(out, xxh3.Uint128{})
	}
	var before *hashPart
	for _, p := range s.parts {
		if p == before {
			continue // one part may stand at several places in a row
		}
		before = p
		for _, h := range p.slots {
			if h != (xxh3.Uint128{}) {
				out = append(out, h)
			}
		}
	}
	return out
}

// bytes returns what the set takes.
func (s *hashSet) bytes() int {
	slots := 0
	var before *hashPart
	for _, p := range s.parts {
		if p != before {
			slots += len(p.slots)
		}
		before = p
	}
	return 16*slots + 8*len(s.parts)
}
