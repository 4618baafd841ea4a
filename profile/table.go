package profile

// table finds numbers by a hash of what they stand for, in about 13 bytes
// each. It does not hold what they stand for: the caller compares. It grows by
// splitting one small part at a time (extendible hashing; R. Fagin et al.,
// "Extendible hashing: a fast access method for dynamic files", ACM TODS 4
// (1979)), so that no call moves more than a part.
type table struct {
	parts []*tablePart // by the upper bits of the hash
	bits  uint         // how many
	n     int
}

// tablePart has slots with the hash above the number plus one, 0 for empty,
// probed linearly from the lower bits of the hash.
type tablePart struct {
	slots []uint64
	n     int
	bits  uint // of the hash that all in it have in common
}

const (
	minPart = 8
	maxPart = 1024
)

func (t *table) part(hash uint32) *tablePart {
	return t.parts[hash>>1>>(31-t.bits)]
}

// find returns the number with this hash of which same says that it is the
// one.
func (t *table) find(hash uint32, same func(n uint32) bool) (uint32, bool) {
	if t.n == 0 {
		return 0, false
	}
	slots := t.part(hash).slots
	mask := uint32(len(slots) - 1)
	for i := hash & mask; slots[i] != 0; i = (i + 1) & mask {
		if uint32(slots[i]>>32) == hash {
			if n := uint32(slots[i]) - 1; same(n) {
				return n, true
			}
		}
	}
	return 0, false
}

// add enters a number that is not there.
func (t *table) add(hash, n uint32) {
	if t.parts == nil {
		t.parts = []*tablePart{{slots: make([]uint64, minPart)}}
	}
	p := t.part(hash)
	for p.n >= len(p.slots)/8*7 {
		// Hashes that are too much alike to be split fill a larger part.
		if len(p.slots) < maxPart || 1<<p.bits > 16*(t.n/maxPart+1) {
			p.rebuild(2 * len(p.slots))
		} else {
			t.split(p, hash)
			p = t.part(hash)
		}
	}
	p.put(uint64(hash)<<32 | uint64(n+1))
	t.n++
}

func (p *tablePart) put(slot uint64) {
	mask := uint32(len(p.slots) - 1)
	i := uint32(slot>>32) & mask
	for p.slots[i] != 0 {
		i = (i + 1) & mask
	}
	p.slots[i] = slot
	p.n++
}

func (p *tablePart) rebuild(size int) {
	old := p.slots
	p.slots, p.n = make([]uint64, size), 0
	for _, s := range old {
		if s != 0 {
			p.put(s)
		}
	}
}

// split divides the part of a hash in two by one more of its bits.
func (t *table) split(p *tablePart, hash uint32) {
	if p.bits == t.bits {
		twice := make([]*tablePart, 2*len(t.parts))
		for i, x := range t.parts {
			twice[2*i], twice[2*i+1] = x, x
		}
		t.parts = twice
		t.bits++
	}
	half := [2]*tablePart{}
	for i := range half {
		half[i] = &tablePart{slots: make([]uint64, len(p.slots)), bits: p.bits + 1}
	}
	for _, s := range p.slots {
		if s != 0 {
			half[uint32(s>>32)>>(31-p.bits)&1].put(s)
		}
	}
	// The places of p are those that share its upper bits.
	width := 1 << (t.bits - p.bits)
	first := int(hash>>1>>(31-p.bits)) * width
	for i := range width {
		t.parts[first+i] = half[2*i/width]
	}
}

// remove takes out a number that is there.
func (t *table) remove(hash, n uint32) {
	p := t.part(hash)
	mask := uint32(len(p.slots) - 1)
	i := hash & mask
	for p.slots[i] != uint64(hash)<<32|uint64(n+1) {
		i = (i + 1) & mask
	}
	// Those behind move up, unless they would come before their place.
	for j := (i + 1) & mask; p.slots[j] != 0; j = (j + 1) & mask {
		if home := uint32(p.slots[j]>>32) & mask; (j-home)&mask >= (j-i)&mask {
			p.slots[i] = p.slots[j]
			i = j
		}
	}
	p.slots[i] = 0
	p.n--
	t.n--
}
