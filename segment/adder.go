package segment

import (
	"math/bits"

	"github.com/RoaringBitmap/roaring/v2"
)

// adder collects ascending users into a bitmap, a container's worth at a time.
type adder struct {
	to    *roaring.Bitmap
	words [1 << 10]uint64 // of 65,536 users
	base  uint32
	buf   []uint32
}

// addMask adds the users of a block.
func (a *adder) addMask(base uint32, m *mask) {
	if base&^0xffff != a.base {
		a.flush()
		a.base = base &^ 0xffff
	}
	copy(a.words[base&0xffff>>6:], m[:])
}

func (a *adder) flush() {
	n := 0
	for _, w := range a.words {
		n += bits.OnesCount64(w)
	}
	switch {
	case n == 0:
		return
	case n > 4096:
		// Dense: taken over as a whole.
		chunk := roaring.FromDense(a.words[:], true)
		a.to.Or(roaring.AddOffset(chunk, a.base))
	default:
		a.buf = a.buf[:0]
		for w, open := range a.words {
			for ; open != 0; open &= open - 1 {
				a.buf = append(a.buf, a.base+uint32(w*64+bits.TrailingZeros64(open)))
			}
		}
		a.to.AddMany(a.buf)
	}
	clear(a.words[:])
}
