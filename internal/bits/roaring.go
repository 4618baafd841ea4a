package bits

import (
	"encoding/binary"

	"github.com/RoaringBitmap/roaring/v2"
)

// FromRoaring returns the users of a roaring bitmap, which stays as it is and
// shares nothing with the set.
func FromRoaring(b *roaring.Bitmap) *Set {
	s := &Set{}
	if b.IsEmpty() {
		return s
	}
	s.blocks = make([]block, b.Maximum()/blockUsers+1)
	var p page
	var buf [4096]uint32
	at := -1
	flush := func() {
		if at >= 0 {
			s.put(at, block{n: unknown, words: &p}, false)
			p = page{}
		}
	}
	it := b.ManyIterator()
	for n := it.NextMany(buf[:]); n > 0; n = it.NextMany(buf[:]) {
		for _, u := range buf[:n] {
			if i := int(u / blockUsers); i != at {
				flush()
				at = i
			}
			p[u%blockUsers/64] |= 1 << (u % 64)
		}
	}
	flush()
	return s.trim()
}

// Roaring returns the users as a roaring bitmap, the caller's own.
func (s *Set) Roaring() *roaring.Bitmap {
	// Roaring's portable format is the one way to hand it whole containers: up
	// to 4,096 users an array, above that the words of a page.
	const (
		cookie     = 12346 // without run containers
		arrayUsers = 4096
	)
	var used []int
	size := 8
	for i := range s.blocks {
		if b := &s.blocks[i]; !b.empty() {
			used = append(used, i)
			size += 8 + min(2*b.n, 8*blockWords)
		}
	}
	data := make([]byte, 0, size)
	data = binary.LittleEndian.AppendUint32(data, cookie)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(used)))
	for _, i := range used {
		data = binary.LittleEndian.AppendUint16(data, uint16(i))
		data = binary.LittleEndian.AppendUint16(data, uint16(s.blocks[i].n-1))
	}
	offset := len(data) + 4*len(used)
	for _, i := range used {
		data = binary.LittleEndian.AppendUint32(data, uint32(offset))
		offset += min(2*s.blocks[i].n, 8*blockWords)
	}
	var array []uint16
	for _, i := range used {
		b := &s.blocks[i]
		switch {
		case b.full():
			for range blockWords {
				data = binary.LittleEndian.AppendUint64(data, ^uint64(0))
			}
		case b.n > arrayUsers:
			for _, w := range b.words {
				data = binary.LittleEndian.AppendUint64(data, w)
			}
		default:
			array = array[:0]
			if b.words != nil {
				array = b.words.append(array)
			} else {
				array = append(array, b.array...)
			}
			for _, v := range array {
				data = binary.LittleEndian.AppendUint16(data, v)
			}
		}
	}
	out := roaring.New()
	if _, err := out.FromUnsafeBytes(data); err != nil {
		panic("bits: " + err.Error()) // no data can cause it
	}
	// The containers still alias data, and are marked to be cloned for that.
	out.CloneCopyOnWriteContainers()
	return out
}
