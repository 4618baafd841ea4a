package segment

import (
	"encoding/binary"
	"math"
	"slices"
)

// cutWiring sets the predicates of an attribute's cuts for a number. They have
// neighbouring slots, those that hold above a cut and those that hold below, so
// that each half is a run of ones and a run of zeros, copied from a pattern.
type cutWiring struct {
	keys []float64 // as many cuts lie left of v as keys are ≤ v; then +Inf
	// The numbers between the first and the last key fall into equal parts:
	// first tells how many keys lie in the parts before one.
	low, scale float64
	first      []uint32

	above, below []byte   // ones, then zeros; zeros, then ones
	offsets      [][2]int // into the patterns, by cuts to the left; the last for a missing number
	slots        [2]uint32
	sizes        [2]uint32 // in bytes, multiples of 8
}

// cutParts is how many parts there are for each key: then most have none or one.
const cutParts = 2

// wireCuts gives the predicates of an attribute's cuts their slots.
func (c *circuit) wireCuts(w *cutWiring, cuts *cuts, place func(*predicate)) {
	n := len(cuts.list)
	if n == 0 {
		return
	}
	w.keys = slices.Clone(cuts.keys)
	half := func(k int, of func(*cut) *predicate) (left []int) {
		w.slots[k] = uint32(len(c.blank))
		for i := range cuts.list {
			left = append(left, len(c.blank)-int(w.slots[k]))
			if p := of(&cuts.list[i]); p != nil {
				place(p)
			}
		}
		left = append(left, len(c.blank)-int(w.slots[k]))
		// Room to copy eight slots at a time.
		for (len(c.blank)-int(w.slots[k]))%8 != 0 {
			c.blank = append(c.blank, 0)
		}
		w.sizes[k] = uint32(len(c.blank)) - w.slots[k]
		return left
	}
	above := half(0, func(c *cut) *predicate { return c.above })
	below := half(1, func(c *cut) *predicate { return c.below })
	w.above, w.below = make([]byte, 2*n+8), make([]byte, 2*n+8)
	for i := range n + 8 {
		w.below[n+i] = 1
		if i < n {
			w.above[i] = 1
		}
	}
	for at := range n + 1 {
		w.offsets = append(w.offsets, [2]int{n - above[at], n - below[at]})
	}
	w.offsets = append(w.offsets, [2]int{n, 0})
	w.divide()
}

// divide lays the parts out. The part of a number rises with it, whatever is
// rounded, so all keys of the parts before are below the number.
func (w *cutWiring) divide() {
	n := len(w.keys)
	parts := cutParts * n
	w.low = w.keys[0]
	w.scale = float64(parts) / (w.keys[n-1] - w.low)
	if !(w.scale > 0) || math.IsInf(w.scale, 1) {
		w.scale = 0
	}
	w.first = make([]uint32, parts+2)
	for _, key := range w.keys {
		w.first[w.part(key)+1]++
	}
	for i := 1; i < len(w.first); i++ {
		w.first[i] += w.first[i-1]
	}
	w.keys = append(w.keys, math.Inf(1))
}

// part returns the part of a number that is not below the first key, nor
// above the last.
func (w *cutWiring) part(num float64) int {
	if w.scale == 0 {
		return 0
	}
	return int((num - w.low) * w.scale)
}

// left returns how many cuts lie left of a number.
func (w *cutWiring) left(num float64) int {
	n := len(w.keys) - 1
	switch {
	case num < w.keys[0]:
		return 0
	case num >= w.keys[n-1]:
		return n
	}
	part := w.part(num)
	at, end := int(w.first[part]), int(w.first[part+1])
	// Mostly there is one at most; the key after it is above the number.
	at += int(bit(w.keys[at] <= num))
	for at < end && w.keys[at] <= num {
		at++
	}
	return at
}

// set sets the predicates of the cuts.
func (w *cutWiring) set(v []byte, num float64) {
	n := len(w.keys) - 1
	if n < 0 {
		return
	}
	at := n + 1
	if num == num {
		at = w.left(num)
	}
	o := &w.offsets[at]
	copyEights(v[w.slots[0]:][:w.sizes[0]], w.above[o[0]:])
	copyEights(v[w.slots[1]:][:w.sizes[1]], w.below[o[1]:])
}

// copyEights is copy for a few multiples of eight bytes.
func copyEights(to, from []byte) {
	for len(to) >= 8 && len(from) >= 8 {
		binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(from))
		to, from = to[8:], from[8:]
	}
}
