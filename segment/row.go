package segment

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/value"
)

// stamp is an instant: seconds since 1970 and nanoseconds.
type stamp struct {
	sec int64
	ns  int32
}

func stampOf(t time.Time) stamp { return stamp{t.Unix(), int32(t.Nanosecond())} }

func (s stamp) time() time.Time { return time.Unix(s.sec, int64(s.ns)).UTC() }

func (s stamp) compare(o stamp) int {
	if c := cmp.Compare(s.sec, o.sec); c != 0 {
		return c
	}
	return cmp.Compare(s.ns, o.ns)
}

// number is an attribute of a numeric kind. A removed one is NaN: the removal
// has a time too, and an older value that arrives later must lose to it.
type number struct {
	sec  int64
	ns   int32
	attr uint32
	num  float64
}

// object is an attribute of another kind; nil when removed.
type object struct {
	sec  int64
	ns   int32
	attr uint32
	obj  any
}

// row is one user: the truth (numbers, objects, streams) and what is derived
// from it.
type row struct {
	user    uint32
	epoch   uint32   // see table
	streams []stream // by event
	// Where the first log lies, beside the row: an event is two lines of memory.
	firstStream [1]stream
	truth       flags // by predicate

	member     flags   // by audience
	armed      []armed // timers pending for this user
	firstArmed [1]armed
	numbers    []number // by attribute
	objects    []object // by attribute
}

// armed says that a timer for the predicate is pending at sec. A timer that
// fires at another second was overtaken and is ignored.
type armed struct {
	pred uint32
	sec  int64
}

// number returns the value of a numeric attribute, NaN when missing.
func (r *row) number(attr uint32) float64 {
	if i, ok := r.findNumber(attr); ok {
		return r.numbers[i].num
	}
	return missing
}

func (r *row) findNumber(attr uint32) (int, bool) {
	// Attribute numbers are dense, so a user who has most attributes has this
	// one near its own number.
	if i := int(attr); i < len(r.numbers) && r.numbers[i].attr == attr {
		return i, true
	}
	lo, hi := 0, min(int(attr), len(r.numbers))
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); r.numbers[mid].attr < attr {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(r.numbers) && r.numbers[lo].attr == attr
}

// object returns the value of an attribute of another kind, nil when missing.
func (r *row) object(attr uint32) any {
	if i, ok := r.findObject(attr); ok {
		return r.objects[i].obj
	}
	return nil
}

func (r *row) findObject(attr uint32) (int, bool) {
	return slices.BinarySearchFunc(r.objects, attr, func(o object, a uint32) int { return cmp.Compare(o.attr, a) })
}

// setNumber is last-writer-wins: a later time wins, at equal times the larger
// value, and a removal is smaller than any value. It returns the value before.
func (r *row) setNumber(attr uint32, num float64, at stamp) (old float64, changed bool) {
	i, ok := r.findNumber(attr)
	if !ok {
		r.numbers = slices.Insert(r.numbers, i, number{at.sec, at.ns, attr, num})
		return missing, num == num
	}
	n := &r.numbers[i]
	old = n.num
	switch c := at.compare(stamp{n.sec, n.ns}); {
	case c < 0, c == 0 && !(num > old || num == num && old != old):
		return old, false
	}
	n.sec, n.ns, n.num = at.sec, at.ns, num
	return old, math.Float64bits(old) != math.Float64bits(num)
}

// setObject is setNumber for other kinds.
func (r *row) setObject(attr uint32, obj any, at stamp) (old any, changed bool) {
	i, ok := r.findObject(attr)
	if !ok {
		r.objects = slices.Insert(r.objects, i, object{at.sec, at.ns, attr, obj})
		return nil, obj != nil
	}
	o := &r.objects[i]
	old = o.obj
	switch c := at.compare(stamp{o.sec, o.ns}); {
	case c < 0, c == 0 && value.Compare(obj, old) <= 0:
		return old, false
	}
	*o = object{at.sec, at.ns, attr, obj}
	return old, value.Compare(old, obj) != 0
}

// stream returns the log of an event, nil when there is none.
func (r *row) stream(event uint32) *stream {
	if i := r.findStream(event); i < len(r.streams) && r.streams[i].event == event {
		return &r.streams[i]
	}
	return nil
}

// findStream returns the place of an event among the logs.
func (r *row) findStream(event uint32) int {
	lo, hi := 0, len(r.streams)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); r.streams[mid].event < event {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// streamFor returns the log of an event, making an empty one if needed.
func (r *row) streamFor(e *eventType) *stream {
	i := r.findStream(e.id)
	if i == len(r.streams) || r.streams[i].event != e.id {
		if r.streams == nil {
			r.streams = r.firstStream[:0]
		}
		r.streams = slices.Insert(r.streams, i, newStream(e.id, e.nums, e.objs))
		if len(r.streams) > 1 {
			r.firstStream[0] = stream{} // not where they are any more
		}
	}
	return &r.streams[i]
}

// findArmed returns the place of a predicate among the pending timers, and
// whether it has one.
func (r *row) findArmed(pred uint32) (int, bool) {
	lo, hi := 0, len(r.armed)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); r.armed[mid].pred < pred {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(r.armed) && r.armed[lo].pred == pred
}

// absorb adds the truth of another row.
func (r *row) absorb(o *row, types []*eventType) {
	for _, n := range o.numbers {
		r.setNumber(n.attr, n.num, stamp{n.sec, n.ns})
	}
	for _, b := range o.objects {
		r.setObject(b.attr, b.obj, stamp{b.sec, b.ns})
	}
	for i := range o.streams {
		r.streamFor(types[o.streams[i].event]).absorb(&o.streams[i])
	}
}

// clone copies the truth; values are never changed in place and are shared.
func (r *row) clone() *row {
	c := &row{user: r.user, numbers: slices.Clone(r.numbers), objects: slices.Clone(r.objects)}
	c.streams = slices.Grow(c.firstStream[:0], len(r.streams))
	for i := range r.streams {
		c.streams = append(c.streams, r.streams[i].clone())
	}
	return c
}

// flags is a growing set of small numbers. While they are below 64 they lie in
// the row itself: with few rules, one memory access less.
type flags struct {
	first uint64
	rest  []uint64 // all of them, once there are others
}

func (b *flags) has(i uint32) bool { return b.word(i>>6)>>(i&63)&1 != 0 }

func (b *flags) word(w uint32) uint64 {
	switch {
	case int(w) < len(b.rest):
		return b.rest[w]
	case w == 0 && b.rest == nil:
		return b.first
	}
	return 0
}

// words returns all words, for reading; one is where a single one may lie.
func (b *flags) words(one *[1]uint64) []uint64 {
	if b.rest != nil {
		return b.rest
	}
	one[0] = b.first
	return one[:]
}

func (b *flags) set(i uint32, on bool) {
	word := &b.first
	if w := int(i >> 6); w > 0 || b.rest != nil {
		if w >= len(b.rest) {
			if !on {
				return
			}
			rest := make([]uint64, w+1)
			if copy(rest, b.rest); b.rest == nil {
				rest[0] = b.first
			}
			b.rest = rest
		}
		word = &b.rest[w]
	}
	if on {
		*word |= 1 << (i & 63)
	} else {
		*word &^= 1 << (i & 63)
	}
}

func (b *flags) clone() flags { return flags{b.first, slices.Clone(b.rest)} }
