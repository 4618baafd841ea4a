package attribution

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// sequences numbers distinct sequences of small numbers densely from 0, in
// the order in which they were first seen. Sequences of one length lie side
// by side in one block, so that a pass over all of them is a few loops over
// flat memory, and rules, which depend on the length, decide once per block.
type sequences struct {
	seed   uint64
	table  []slot  // by hash, open addressing; its length is a power of two
	places []place // by id
	blocks []block
	byLen  map[int]uint32

	touched uint32 // keeps looks at memory from being left out
}

// slot is a place in the table; the hash beside the number spares most looks
// at the wrong sequences.
type slot struct{ id, hash uint32 } // id+1, 0 for a free one

// place says where a sequence lies.
type place struct{ block, pos uint32 }

// block holds the sequences of one length.
type block struct {
	length int
	elems  []uint32 // length × len(ids)
	ids    []uint32
}

// at returns the sequence at a position.
func (b *block) at(pos int) []uint32 {
	return b.elems[pos*b.length : (pos+1)*b.length : (pos+1)*b.length]
}

func (s *sequences) len() int { return len(s.places) }

// seq returns a sequence by its number; it is read only.
func (s *sequences) seq(id uint32) []uint32 {
	p := s.places[id]
	return s.blocks[p.block].at(int(p.pos))
}

// hash mixes a sequence with a seed that nobody outside knows, so that names
// cannot be chosen to collide. It never shows in a result.
func (s *sequences) hash(seq []uint32) uint32 {
	h := s.seed
	for _, x := range seq {
		hi, lo := bits.Mul64(h^uint64(x), 0x9e3779b97f4a7c15)
		h = hi ^ lo + 0x632be59bd9b4e019
	}
	hi, lo := bits.Mul64(h^uint64(len(seq)), 0xe7037ed1a0b428db)
	h = hi ^ lo
	return uint32(h ^ h>>32)
}

// lookup returns the number of a sequence, and whether it has one.
func (s *sequences) lookup(seq []uint32) (uint32, bool) {
	if len(s.table) == 0 {
		return 0, false
	}
	id, _ := s.find(seq, s.hash(seq))
	return id - 1, id != 0
}

// find returns id+1 of a sequence, or 0 and the free slot for it.
func (s *sequences) find(seq []uint32, h uint32) (uint32, uint32) {
	mask := uint32(len(s.table) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		t := s.table[at]
		if t.id == 0 {
			return 0, at
		}
		if t.hash == h && slices.Equal(s.seq(t.id-1), seq) {
			return t.id, at
		}
	}
}

// intern returns the number of a sequence, handing out the next one if it is
// new. The sequence is copied.
func (s *sequences) intern(seq []uint32) uint32 {
	if len(s.places)*4 >= len(s.table)*3 {
		s.grow()
	}
	h := s.hash(seq)
	id, at := s.find(seq, h)
	if id != 0 {
		return id - 1
	}
	b, ok := s.byLen[len(seq)]
	if !ok {
		b = uint32(len(s.blocks))
		s.byLen[len(seq)] = b
		s.blocks = append(s.blocks, block{length: len(seq)})
	}
	id = uint32(len(s.places))
	blk := &s.blocks[b]
	s.places = append(s.places, place{b, uint32(len(blk.ids))})
	blk.elems = append(blk.elems, seq...)
	blk.ids = append(blk.ids, id)
	s.table[at] = slot{id + 1, h}
	return id
}

// start chooses a seed, which must be there before anything is hashed.
func (s *sequences) start() {
	if s.byLen == nil {
		s.seed = maphash.String(maphash.MakeSeed(), "")
		s.byLen = make(map[int]uint32)
	}
}

func (s *sequences) grow() {
	if s.table == nil {
		s.start()
	}
	old := s.table
	s.table = make([]slot, max(16, 2*len(old)))
	mask := uint32(len(s.table) - 1)
	for _, t := range old {
		if t.id == 0 {
			continue
		}
		at := t.hash & mask
		for s.table[at].id != 0 {
			at = (at + 1) & mask
		}
		s.table[at] = t
	}
}

// warm looks at what find will look at, for many hashes side by side, and
// appends the numbers that are likely to be found.
func (s *sequences) warm(hashes, ids []uint32) []uint32 {
	if len(s.table) == 0 {
		return ids
	}
	mask := uint32(len(s.table) - 1)
	for _, h := range hashes {
		if t := s.table[h&mask]; t.id != 0 && t.hash == h {
			ids = append(ids, t.id-1)
		}
	}
	var places [64]place
	for i, id := range ids {
		places[i%len(places)] = s.places[id]
	}
	for i := range min(len(ids), len(places)) {
		b := &s.blocks[places[i].block]
		if at := int(places[i].pos) * b.length; at < len(b.elems) {
			s.touched += b.elems[at]
		}
	}
	return ids
}

// byLength returns the numbers of the blocks by ascending length.
func (s *sequences) byLength() []uint32 {
	order := make([]uint32, len(s.blocks))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return s.blocks[a].length - s.blocks[b].length })
	return order
}
