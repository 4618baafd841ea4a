package recommend

import (
	"math"
	"slices"
	"sync/atomic"
)

// candidate is a neighbour considered for an item's list.
type candidate struct {
	key   float64 // what the order goes by, larger first
	other uint32  // item number; ties go to the smaller
	count uint32  // co-count, in kernels that count
}

// worse is the total order that makes the best K a set that depends neither
// on the order of arrival nor on the number of workers.
func worse(a, b candidate) bool {
	return a.key < b.key || a.key == b.key && a.other > b.other
}

// bestLists keeps the k best candidates of every item. A list is filled, then
// turned into a heap with the worst on top. Each list has one writer; floors
// may be read by all.
type bestLists struct {
	k     int
	list  [][]candidate
	floor []uint64 // bits of the worst key of a full list, else 0
}

func newBestLists(items, k int) *bestLists {
	return &bestLists{k: k, list: make([][]candidate, items), floor: make([]uint64, items)}
}

// admits reports whether a positive key may still enter the list. Bits of
// positive floats order like the floats.
func (b *bestLists) admits(item uint32, key uint64) bool {
	return key >= atomic.LoadUint64(&b.floor[item])
}

func (b *bestLists) offer(item uint32, c candidate) {
	list := b.list[item]
	if len(list) < b.k {
		if len(list) == cap(list) {
			list = slices.Grow(list, min(b.k, max(4, 2*cap(list)))-len(list))
		}
		list = append(list, c)
		b.list[item] = list
		if len(list) == b.k {
			for i := len(list)/2 - 1; i >= 0; i-- {
				sift(list, i)
			}
			atomic.StoreUint64(&b.floor[item], math.Float64bits(list[0].key))
		}
		return
	}
	if worse(list[0], c) {
		list[0] = c
		sift(list, 0)
		atomic.StoreUint64(&b.floor[item], math.Float64bits(list[0].key))
	}
}

// sift restores the heap below place i.
func sift(h []candidate, i int) {
	x := h[i]
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && worse(h[c+1], h[c]) {
			c++
		}
		if !worse(h[c], x) {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = x
}
