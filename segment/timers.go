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

// calendar is a queue of timers: those of the near future sorted, the rest in
// buckets of 4096 seconds that are sorted when their time comes. Adding a
// timer is mostly an append, and so is most of taking one.
type calendar struct {
	due     []timer // of the opened buckets, sorted; those before head are gone
	head    int
	neared  int       // up to where due was approached
	late    timerHeap // added to buckets that were open already
	opened  int64     // the last bucket that was opened
	started bool
	near    []timerBucket          // by the lower bits of the key, made with the first
	far     map[int64]*timerBucket // those whose place another one had
	keys    keyHeap                // of all buckets
	n       int
	spare   [][]timer // room that buckets had

	// fill adds to the timers of a bucket as it is opened, may be nil.
	fill func(b int64, list []timer) []timer
}

// timerBucket is the timers of the seconds with one value of bucket.
type timerBucket struct {
	key  int64
	made bool
	list []timer
}

const (
	bucketBits = 12
	// maxNear buckets are seven weeks.
	maxNear = 1 << 10
	// maxSpare is about how far the number of buckets goes up and down.
	maxSpare = 4
	// maxRoom times the mean of buckets is the largest list that is used again.
	maxRoom = 4
	// minRoom is how large a list may be in any case.
	minRoom = 256
)

func bucket(sec int64) int64 { return sec >> bucketBits }

func (c *calendar) len() int { return c.n }

func (c *calendar) add(t timer) {
	c.n++
	b := bucket(t.sec)
	if c.started && b <= c.opened {
		c.late.push(t)
		return
	}
	d := c.bucket(b)
	d.list = append(d.list, t)
}

// bucket returns a bucket that is not open yet, making it if needed.
func (c *calendar) bucket(b int64) *timerBucket {
	if c.near == nil {
		c.near, c.far = make([]timerBucket, maxNear), make(map[int64]*timerBucket)
	}
	d := &c.near[uint64(b)%maxNear]
	if d.key == b && d.made {
		return d
	}
	if d.made || c.far[b] != nil {
		if d = c.far[b]; d != nil {
			return d
		}
		d = new(timerBucket)
		c.far[b] = d
	}
	*d = timerBucket{b, true, c.room()}
	heap.Push(&c.keys, b)
	return d
}

// take takes out a bucket.
func (c *calendar) take(b int64) (list []timer) {
	d := &c.near[uint64(b)%maxNear]
	if d.key != b || !d.made {
		d = c.far[b]
		delete(c.far, b)
	}
	list, *d = d.list, timerBucket{}
	return list
}

// room returns an empty list, mostly one that a bucket had.
func (c *calendar) room() []timer {
	n := len(c.spare)
	if n == 0 {
		return nil
	}
	list := c.spare[n-1]
	c.spare = c.spare[:n-1]
	return list[:0]
}

// leave keeps a list for room. One that is much larger than buckets are now is
// let go of: in time all of them would be as large as the largest ever was.
func (c *calendar) leave(list []timer) {
	most := max(maxRoom*c.n/(len(c.keys)+1), minRoom)
	if cap(list) > 0 && cap(list) <= most && len(c.spare) < maxSpare {
		c.spare = append(c.spare, list)
	}
}

// isOpen reports whether the bucket of a second was opened.
func (c *calendar) isOpen(sec int64) bool { return c.started && bucket(sec) <= c.opened }

// expect makes sure that the bucket of a second is opened, for fill.
func (c *calendar) expect(sec int64) { c.bucket(bucket(sec)) }

// first returns the earliest timer of the opened buckets.
func (c *calendar) first() (t timer, late, ok bool) {
	switch {
	case c.head < len(c.due):
		t = c.due[c.head]
		if len(c.late) > 0 && c.late[0].compare(t) < 0 {
			return c.late[0], true, true
		}
		return t, false, true
	case len(c.late) > 0:
		return c.late[0], true, true
	}
	return timer{}, false, false
}

// ahead returns the next timers, as many as are approached together, when the
// first of them was not among the ones before.
func (c *calendar) ahead() []timer {
	if c.head < c.neared {
		return nil
	}
	soon := c.due[c.head:min(c.head+group, len(c.due))]
	c.neared = c.head + len(soon)
	return soon
}

// next takes out the first timer at or before the second, ordered by second,
// user and predicate.
func (c *calendar) next(sec int64) (timer, bool) {
	if c.head < len(c.due) && len(c.late) == 0 {
		t := c.due[c.head]
		if t.sec > sec {
			return timer{}, false
		}
		c.head++
		c.n--
		return t, true
	}
	t, late, ok := c.first()
	for !ok && len(c.keys) > 0 && c.keys[0] <= bucket(sec) {
		c.open(heap.Pop(&c.keys).(int64))
		t, late, ok = c.first()
	}
	if !ok || t.sec > sec {
		return timer{}, false
	}
	c.n--
	if late {
		c.late.pop()
	} else {
		c.head++
	}
	return t, true
}

// open makes the timers of a bucket those that are due.
func (c *calendar) open(b int64) {
	c.leave(c.due)
	c.due, c.head, c.neared = c.take(b), 0, 0
	c.opened, c.started = b, true
	if c.fill != nil {
		n := len(c.due)
		c.due = c.fill(b, c.due)
		c.n += len(c.due) - n
	}
	c.sort(c.due)
}

// sort puts the timers of one bucket in order: by second in two passes over
// half of its bits each, then those of a second, who are few.
func (c *calendar) sort(list []timer) {
	if len(list) < 32 {
		slices.SortFunc(list, timer.compare)
		return
	}
	other := slices.Grow(c.room(), len(list))[:len(list)]
	scatterTimers(other, list, 0)
	scatterTimers(list, other, bucketBits/2)
	c.leave(other)
	for i, n := 0, 1; i < len(list); i, n = i+n, 1 {
		for i+n < len(list) && list[i+n].sec == list[i].sec {
			n++
		}
		if n > 1 {
			slices.SortFunc(list[i:i+n], timer.compare)
		}
	}
}

// scatterTimers orders timers by some bits of their seconds, and those with the
// same as they come.
func scatterTimers(to, from []timer, shift uint) {
	const mask = 1<<(bucketBits/2) - 1
	var place [mask + 1]int32
	for i := range from {
		place[from[i].sec>>shift&mask]++
	}
	sum := int32(0)
	for i, n := range place {
		place[i], sum = sum, sum+n
	}
	for _, t := range from {
		at := &place[t.sec>>shift&mask]
		to[*at] = t
		*at++
	}
}

// peek reports whether the first timer of the opened buckets is the user's at
// that very second. After next succeeded at the second, its bucket is open.
func (c *calendar) peek(sec int64, user uint32) bool {
	t, _, ok := c.first()
	return ok && t.sec == sec && t.user == user
}

// timerHeap is a binary heap; container/heap would box every timer.
type timerHeap []timer

func (h *timerHeap) push(t timer) {
	*h = append(*h, t)
	s := *h
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if s[up].compare(s[i]) <= 0 {
			break
		}
		s[up], s[i] = s[i], s[up]
		i = up
	}
}

func (h *timerHeap) pop() {
	s := *h
	n := len(s) - 1
	s[0] = s[n]
	s = s[:n]
	*h = s
	for i := 0; ; {
		least := i
		for _, k := range [2]int{2*i + 1, 2*i + 2} {
			if k < n && s[k].compare(s[least]) < 0 {
				least = k
			}
		}
		if least == i {
			return
		}
		s[least], s[i] = s[i], s[least]
		i = least
	}
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
