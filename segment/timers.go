package segment

import (
	"cmp"
	"container/heap"
	"slices"
)

// timer says that a predicate of a user may change at a second.
type timer struct {
	sec  int64
	user uint32
	pred uint32
}

func (t timer) compare(o timer) int {
	if c := cmp.Compare(t.sec, o.sec); c != 0 {
		return c
	}
	if c := cmp.Compare(t.user, o.user); c != 0 {
		return c
	}
	return cmp.Compare(t.pred, o.pred)
}

// calendar is a queue of timers: those of the near future ordered, the rest in
// buckets of 4096 seconds that are ordered when their time comes. Adding a
// timer is mostly an append.
type calendar struct {
	due     timerHeap
	opened  int64 // every bucket up to this one has been moved to due
	started bool
	buckets map[int64][]timer
	keys    keyHeap
	n       int
}

func bucket(sec int64) int64 { return sec >> 12 }

func (c *calendar) len() int { return c.n }

func (c *calendar) add(t timer) {
	c.n++
	b := bucket(t.sec)
	if c.started && b <= c.opened {
		heap.Push(&c.due, t)
		return
	}
	if c.buckets == nil {
		c.buckets = make(map[int64][]timer)
	}
	list, ok := c.buckets[b]
	if !ok {
		heap.Push(&c.keys, b)
	}
	c.buckets[b] = append(list, t)
}

// next takes out the first timer at or before the second, ordered by second,
// user and predicate.
func (c *calendar) next(sec int64) (timer, bool) {
	for len(c.due) == 0 || bucket(c.due[0].sec) > c.opened {
		if len(c.keys) == 0 || c.keys[0] > bucket(sec) {
			break
		}
		b := heap.Pop(&c.keys).(int64)
		list := c.buckets[b]
		delete(c.buckets, b)
		c.opened, c.started = b, true
		slices.SortFunc(list, timer.compare)
		if len(c.due) == 0 {
			c.due = list // sorted, hence a heap
			break
		}
		for _, t := range list {
			heap.Push(&c.due, t)
		}
	}
	if len(c.due) == 0 || c.due[0].sec > sec {
		return timer{}, false
	}
	c.n--
	return heap.Pop(&c.due).(timer), true
}

// peek returns the first timer without taking it, provided the last call of
// next succeeded at the same second.
func (c *calendar) peek(sec int64, user uint32) bool {
	return len(c.due) > 0 && c.due[0].sec == sec && c.due[0].user == user
}

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].compare(h[j]) < 0 }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	t := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return t
}

type keyHeap []int64

func (h keyHeap) Len() int           { return len(h) }
func (h keyHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h keyHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *keyHeap) Push(x any)        { *h = append(*h, x.(int64)) }
func (h *keyHeap) Pop() any {
	k := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return k
}
