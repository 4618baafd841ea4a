package segment

import (
	"cmp"
	"iter"
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

// row is one user: the truth (numbers, log, far) and what is derived from it.
// It is two lines of memory: what an event and an expiry need of users with one
// log and of few rules lies in the row itself.
type row struct {
	user   uint32
	epoch  uint32 // see table
	truth0 [1]uint64
	in0    [1]uint64
	log    stream // of one event, without a width when there is none

	next    uint64   // a pending timer, packed; 0 is none
	rest    *rest    // nil while there is nothing
	members *members // all audiences, once there are 65
	far     *farther // nil while there is nothing
	numbers []number // by attribute
}

// farther is the truth that most rows do without.
type farther struct {
	objects []object // by attribute
	logs    []stream // of other events than the first
}

// rest is what is derived, where there are many rules.
type rest struct {
	truth words   // by predicate, all of them once there are 65
	armed []armed // other pending timers
}

// members are the audiences of a user, the first of them without a further way
// through memory.
type members struct {
	first [16]uint64
	all   words // once there are more
}

func (r *row) further() *farther {
	if r.far == nil {
		r.far = new(farther)
	}
	return r.far
}

func (r *row) remainder() *rest {
	if r.rest == nil {
		r.rest = new(rest)
	}
	return r.rest
}

// armed says that a timer for the predicate is pending at sec. A timer that
// fires at another second was overtaken and is ignored.
type armed struct {
	pred uint32
	sec  int64
}

// A packed timer is the second and, in the lower bits, the predicate plus one.
const (
	nextBits = 24
	nextPred = 1<<nextBits - 1
	nextSecs = 1 << (62 - nextBits)
)

// pendingAt returns when the timer of a predicate is due, if one is pending.
func (r *row) pendingAt(pred uint32) (sec int64, ok bool) {
	if r.next&nextPred == uint64(pred)+1 {
		return int64(r.next) >> nextBits, true
	}
	if r.rest != nil {
		for i := range r.rest.armed {
			if a := &r.rest.armed[i]; a.pred == pred {
				return a.sec, true
			}
		}
	}
	return 0, false
}

// await notes that the timer of a predicate is pending.
func (r *row) await(pred uint32, sec int64) {
	if r.next == 0 || r.next&nextPred == uint64(pred)+1 {
		if pred < nextPred && sec > -nextSecs && sec < nextSecs {
			r.forget(pred)
			r.next = uint64(sec)<<nextBits | uint64(pred) + 1
			return
		}
	}
	r.forget(pred)
	d := r.remainder()
	d.armed = append(d.armed, armed{pred, sec})
}

// forget notes that the timer of a predicate is not pending any more.
func (r *row) forget(pred uint32) {
	if r.next&nextPred == uint64(pred)+1 {
		r.next = 0
		return
	}
	if r.rest != nil && len(r.rest.armed) > 0 {
		r.rest.armed = slices.DeleteFunc(r.rest.armed, func(a armed) bool { return a.pred == pred })
	}
}

// truths returns the truth of predicates.
func (r *row) truths() words {
	if r.rest != nil && r.rest.truth != nil {
		return r.rest.truth
	}
	return r.truth0[:]
}

func (r *row) setTruth(i uint32, on bool) {
	if i < 64 && (r.rest == nil || r.rest.truth == nil) {
		r.truth0[0] = r.truth0[0]&^(1<<i) | bit(on)<<i
		return
	}
	if r.rest == nil || r.rest.truth == nil {
		if !on {
			return
		}
		r.remainder().truth = words{r.truth0[0]}
	}
	r.rest.truth.set(i, on)
}

// setTruths replaces the truth of all predicates.
func (r *row) setTruths(w words) {
	w = w.trim()
	r.truth0[0] = 0
	if len(w) > 1 {
		r.remainder().truth = slices.Clone(w)
		return
	}
	copy(r.truth0[:], w)
	if r.rest != nil {
		r.rest.truth = nil
	}
}

// audiences returns the membership in audiences.
func (r *row) audiences() words {
	switch m := r.members; {
	case m == nil:
		return r.in0[:]
	case m.all != nil:
		return m.all
	default:
		return m.first[:]
	}
}

func (r *row) in(audience uint32) bool { return r.audiences().has(audience) }

func (r *row) setIn(i uint32, on bool) {
	w := r.audiences()
	if int(i>>6) >= len(w) {
		if !on {
			return
		}
		r.setAudiences(append(w[:len(w):len(w)], make(words, int(i>>6)+1-len(w))...))
		w = r.audiences()
	}
	w.set(i, on)
}

// setAudiences replaces the membership in all audiences.
func (r *row) setAudiences(w words) {
	switch {
	case len(w) > len(members{}.first):
		r.members = &members{all: slices.Clone(w)}
	case len(w) > 1:
		r.members = new(members)
		copy(r.members.first[:], w)
	default:
		r.members, r.in0[0] = nil, 0
		copy(r.in0[:], w)
	}
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
		return r.far.objects[i].obj
	}
	return nil
}

// objects returns the attributes of other kinds.
func (r *row) objects() []object {
	if r.far == nil {
		return nil
	}
	return r.far.objects
}

func (r *row) findObject(attr uint32) (int, bool) {
	return slices.BinarySearchFunc(r.objects(), attr, func(o object, a uint32) int { return cmp.Compare(o.attr, a) })
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
		f := r.further()
		f.objects = slices.Insert(f.objects, i, object{at.sec, at.ns, attr, obj})
		return nil, obj != nil
	}
	o := &r.far.objects[i]
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
	if r.log.event == event && r.log.width > 0 {
		return &r.log
	}
	if r.far != nil {
		for i := range r.far.logs {
			if st := &r.far.logs[i]; st.event == event {
				return st
			}
		}
	}
	return nil
}

// streams yields the logs, in no order.
func (r *row) streams() iter.Seq[*stream] {
	return func(yield func(*stream) bool) {
		if r.log.width == 0 || !yield(&r.log) || r.far == nil {
			return
		}
		for i := range r.far.logs {
			if !yield(&r.far.logs[i]) {
				return
			}
		}
	}
}

// streamFor returns the log of an event, making an empty one if needed.
func (r *row) streamFor(e *eventType) *stream {
	if st := r.stream(e.id); st != nil {
		return st
	}
	return r.addStream(newStream(e.id, e.nums, e.objs))
}

func (r *row) addStream(s stream) *stream {
	if r.log.width == 0 {
		r.log = s
		return &r.log
	}
	f := r.further()
	f.logs = append(f.logs, s)
	return &f.logs[len(f.logs)-1]
}

// dropEmpty forgets the logs without a row.
func (r *row) dropEmpty() {
	empty := func(s stream) bool { return s.len() == 0 }
	if r.far != nil {
		r.far.logs = slices.DeleteFunc(r.far.logs, empty)
	}
	if r.log.width == 0 || r.log.len() > 0 {
		return
	}
	r.log = stream{}
	if r.far == nil || len(r.far.logs) == 0 {
		return
	}
	n := len(r.far.logs) - 1
	r.log, r.far.logs[n] = r.far.logs[n], stream{}
	r.far.logs = r.far.logs[:n]
}

// absorb adds the truth of another row.
func (r *row) absorb(o *row, types []*eventType) {
	for _, n := range o.numbers {
		r.setNumber(n.attr, n.num, stamp{n.sec, n.ns})
	}
	for _, b := range o.objects() {
		r.setObject(b.attr, b.obj, stamp{b.sec, b.ns})
	}
	for st := range o.streams() {
		r.streamFor(types[st.event]).absorb(st)
	}
}

// clone copies the truth; values are never changed in place and are shared.
func (r *row) clone() *row {
	c := &row{user: r.user, numbers: slices.Clone(r.numbers)}
	if len(r.objects()) > 0 {
		c.further().objects = slices.Clone(r.far.objects)
	}
	for st := range r.streams() {
		c.addStream(st.clone())
	}
	return c
}

// words is a growing set of small numbers.
type words []uint64

func (b words) has(i uint32) bool {
	w := int(i >> 6)
	return w < len(b) && b[w]>>(i&63)&1 != 0
}

func (b *words) set(i uint32, on bool) {
	w := int(i >> 6)
	if w >= len(*b) {
		if !on {
			return
		}
		more := make(words, w+1)
		copy(more, *b)
		*b = more
	}
	if on {
		(*b)[w] |= 1 << (i & 63)
	} else {
		(*b)[w] &^= 1 << (i & 63)
	}
}

// trim leaves out what is clear at the end.
func (b words) trim() words {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
