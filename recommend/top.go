package recommend

import "slices"

// ranked is an item with its score.
type ranked struct {
	score float64
	item  uint32
}

// below is the order of answers: by score, ties to the smaller id.
func (a ranked) below(b ranked) bool {
	return a.score < b.score || a.score == b.score && a.item > b.item
}

// top keeps the n best of what it is offered, in a heap with the worst on top
// once it is full.
type top struct {
	n    int
	heap []ranked
}

func (t *top) reset(n int) { t.n, t.heap = n, t.heap[:0] }

func (t *top) full() bool { return len(t.heap) == t.n }

func (t *top) offer(x ranked) {
	if len(t.heap) < t.n {
		t.heap = append(t.heap, x)
		if len(t.heap) == t.n {
			for i := t.n/2 - 1; i >= 0; i-- {
				t.sift(i)
			}
		}
		return
	}
	if t.heap[0].below(x) {
		t.heap[0] = x
		t.sift(0)
	}
}

func (t *top) sift(i int) {
	h := t.heap
	x := h[i]
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1].below(h[c]) {
			c++
		}
		if !h[c].below(x) {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = x
}

// sorted returns what was kept, best first. The result is the top's own.
func (t *top) sorted() []ranked {
	slices.SortFunc(t.heap, func(a, b ranked) int {
		if b.below(a) {
			return -1
		}
		return 1
	})
	return t.heap
}
