package segment

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// dawn is the first second of year 1. Before the clock is set there is no now.
const dawn = -62135596800

// dusk is the first second of year 10000.
const dusk = 253402300800

func validTime(t time.Time) bool {
	sec := t.Unix()
	return sec >= dawn && sec < dusk && !t.IsZero()
}

// Observe adds an event of a user. Fields that are declared and of the
// declared kind are kept, others count as missing; an event that is not
// declared only makes the user known. An event later than the clock waits for
// it. With the clock on Auto, and no store attached, an event moves the clock
// to its time first.
//
// The error wraps [ErrUser]. A zero or impossible time is counted and ignored.
func (x *Index) Observe(user uint32, event string, fields map[string]any, at time.Time) error {
	if user == 0 {
		return userError("observe")
	}
	x.mu.Lock()
	defer x.release()
	var r *row
	if e := x.eventOf(event); e != nil && len(e.matchers) > 0 {
		r = x.approach(user, e.matchers[0])
	}
	x.observe(user, r, event, fields, at)
	return nil
}

// observe is Observe for a user whose row is at hand, if it is not nil.
func (x *Index) observe(user uint32, r *row, event string, fields map[string]any, at time.Time) {
	if !validTime(at) {
		x.stats.BadTimes++
		return
	}
	e, stamp := x.eventFor(event), stampOf(at)
	x.follow(stamp)
	if r == nil || r.epoch != x.table.epoch {
		r = x.table.get(user)
	}
	r = x.beginAt(user, r)
	if e == nil {
		x.stats.OtherEvents++
	} else {
		x.append(r, e, fields, stamp)
	}
	x.finish(r, ByEvent, event)
}

// eventOf returns the event of a name, nil when there is none. Mostly it is
// the one asked for last.
func (x *Index) eventOf(name string) *eventType {
	if e := x.last; e != nil && e.name == name {
		return e
	}
	e := x.eventByName[name]
	if e != nil {
		x.last = e
	}
	return e
}

// eventFor makes it known if events need not be declared.
func (x *Index) eventFor(name string) *eventType {
	e := x.eventOf(name)
	if e == nil && x.opts.Dynamic && name != "" {
		e = x.newEvent(name, nil)
	}
	return e
}

// append puts a row into the user's log and re-evaluates what counts it.
func (x *Index) append(r *row, e *eventType, fields map[string]any, at stamp) {
	if at.sec <= x.pruned {
		x.stats.LateEvents++
		return
	}
	num, obj := x.columns(e, fields)
	st := r.streamFor(e)
	if st.crowded() && st.sec(st.len()/4) <= x.pruned {
		st.prune(x.pruned)
	}
	i := st.insert(at, num, obj)
	x.fresh++
	c := x.at(r)
	for _, m := range e.matchers {
		if m.filter != nil && m.pure {
			// A row that does not match changes no count.
			c.st, c.i = st, i
			if !m.filter.b(c) {
				continue
			}
		}
		var w []uint32
		if m.stride > 0 {
			w = x.pushRing(m, r.user, at.sec)
		}
		for _, p := range m.preds {
			x.conclude(r, p, w)
		}
	}
	for _, p := range e.others {
		x.evaluate(r, p)
	}
}

// columns lays the fields of an event out in the order of its columns. The
// slices are reused by the next call.
func (x *Index) columns(e *eventType, fields map[string]any) ([]float64, []any) {
	x.numBuf, x.objBuf = x.numBuf[:0], x.objBuf[:0]
	for range e.nums {
		x.numBuf = append(x.numBuf, missing)
	}
	for range e.objs {
		x.objBuf = append(x.objBuf, nil)
	}
	if x.opts.Dynamic {
		x.objBuf[e.objs-1] = extra(nil)
	}
	// Whichever is the shorter way: one through a map takes as long as several
	// looks into it.
	if !x.opts.Dynamic && len(e.names) <= 3*len(fields) {
		for i, name := range e.names {
			if v := fields[name]; v != nil {
				x.keep(&e.places[i], v)
			}
		}
		return x.numBuf, x.objBuf
	}
	for name, v := range fields {
		if f, ok := e.fields[name]; !ok {
			x.keepExtra(e, name, v)
		} else if v != nil {
			x.keep(&f, v)
		}
	}
	return x.numBuf, x.objBuf
}

// keep puts a value into its column.
func (x *Index) keep(f *field, v any) {
	num, obj, ok := f.kind.admit(v)
	switch {
	case !ok:
		x.stats.BadFields++
	case f.kind.numeric():
		x.numBuf[f.col] = num
	default:
		if list, ok := obj.([]map[string]any); ok && f.schema != nil {
			f.schema.keep(list)
		}
		x.objBuf[f.col] = obj
	}
}

func (x *Index) keepExtra(e *eventType, name string, v any) {
	if !x.opts.Dynamic || v == nil {
		return
	}
	_, obj, ok := Any.admit(v)
	if !ok {
		x.stats.BadFields++
		return
	}
	m, _ := x.objBuf[e.objs-1].(extra)
	if m == nil {
		m = make(extra)
		x.objBuf[e.objs-1] = m
	}
	m[name] = obj
}

func (x *Index) flipAll(r *row, preds []*predicate, truth bool) {
	for _, p := range preds {
		x.flip(r, p, truth)
	}
}

func (x *Index) evaluateAll(r *row, preds []*predicate) {
	for _, p := range preds {
		x.evaluate(r, p)
	}
}

// at points the writer's scan to a user, now.
func (x *Index) at(r *row) *scan {
	x.scan.r, x.scan.now, x.scan.until = r, x.second(), never
	return &x.scan
}

// evaluate computes a predicate anew and arms the timer of its next change.
func (x *Index) evaluate(r *row, p *predicate) {
	var w []uint32
	if p.matcher != nil {
		w = x.ring(p.matcher, r.user)
	}
	x.conclude(r, p, w)
}

// conclude is evaluate where the ring of the predicate's matcher is at hand.
func (x *Index) conclude(r *row, p *predicate, w []uint32) {
	truth, until := x.judge(r, p, w)
	if until != never {
		x.arm(r, p, until)
	}
	x.flip(r, p, truth)
}

// judge computes a predicate and until when that is so.
func (x *Index) judge(r *row, p *predicate, w []uint32) (truth bool, until int64) {
	c := x.at(r)
	if p.matcher != nil {
		if truth, known := p.count.ringHolds(c, w, p.least); known {
			return truth, c.until
		}
	}
	truth = p.eval(c)
	if p.date != nil && c.now >= dawn {
		return truth, never
	}
	return truth, c.until
}

// arm makes sure that a timer is pending no later than the second. An earlier
// one stays: it will find nothing changed and arm again.
func (x *Index) arm(r *row, p *predicate, sec int64) {
	if at, ok := r.pendingAt(p.id); ok && at <= sec {
		return
	}
	r.await(p.id, sec)
	x.timers.add(timer{sec, r.user, p.id})
}

// flip notes the truth of a predicate; audiences that use it become dirty.
func (x *Index) flip(r *row, p *predicate, truth bool) {
	if r.truths().has(p.id) == truth {
		return
	}
	r.setTruth(p.id, truth)
	for _, a := range p.audiences {
		x.touch(a, p)
	}
}

func (x *Index) touch(a *audience, p *predicate) {
	if a.mark != x.step {
		a.mark, a.cause = x.step, p
		x.dirty = append(x.dirty, a)
		return
	}
	// Of several causes the first defined, whatever order maps have.
	if p != nil && (a.cause == nil || p.id < a.cause.id) {
		a.cause = p
	}
}

// begin starts a step for one user, who becomes known if new.
func (x *Index) begin(user uint32) *row { return x.beginAt(user, x.table.get(user)) }

// beginAt is begin where the row is at hand, nil when there is none.
func (x *Index) beginAt(user uint32, r *row) *row {
	x.startStep()
	if r != nil {
		return x.table.renew(r)
	}
	r = &row{user: user}
	r.setTruths(x.blank)
	x.table.put(r)
	for _, a := range x.blankIn {
		x.touch(a, nil)
	}
	for _, p := range x.moving {
		x.evaluate(r, p)
	}
	return r
}

func (x *Index) startStep() {
	x.step++
	x.dirty = x.dirty[:0]
}

// finish recomputes the audiences that a step made dirty, those that others
// refer to first, and emits the transitions by name.
func (x *Index) finish(r *row, kind CauseKind, name string) {
	if len(x.dirty) > 0 {
		x.decide(r, kind, name)
	}
}

func (x *Index) decide(r *row, kind CauseKind, name string) {
	if x.levels > 1 {
		slices.SortFunc(x.dirty, func(a, b *audience) int { return cmp.Compare(a.level, b.level) })
	}
	x.moved = x.moved[:0]
	truth, member := r.truths(), r.audiences()
	for i := 0; i < len(x.dirty); i++ {
		a := x.dirty[i]
		in := a.plan.holds(truth, member)
		if in == member.has(a.id) {
			continue
		}
		r.setIn(a.id, in)
		member = r.audiences()
		x.moved = append(x.moved, a.rank)
		for _, d := range a.dependents {
			if d.mark == x.step {
				continue
			}
			d.mark, d.cause = x.step, a.cause
			rest := x.dirty[i+1:]
			j, _ := slices.BinarySearchFunc(rest, d.level, func(a *audience, level int) int {
				if a.level <= level {
					return -1
				}
				return 1
			})
			x.dirty = slices.Insert(x.dirty, i+1+j, d)
		}
	}
	x.sortMoved()
	for _, rank := range x.moved {
		a := x.ordered[rank]
		in := member.has(a.id)
		x.move(a, r.user, in)
		cause := Cause{Kind: kind, Name: name}
		if a.cause != nil {
			cause.Predicate = a.cause.key
		}
		x.emit(a, r.user, in, cause)
	}
}

// sortMoved puts the moved audiences in order. Many are marked in a set, where
// they are in order.
func (x *Index) sortMoved() {
	if n := len(x.moved); n < 12 || n < len(x.ordered)/64 {
		slices.Sort(x.moved)
		return
	}
	if need := (len(x.ordered) + 63) / 64; len(x.byRank) < need {
		x.byRank = make(words, need)
	}
	for _, rank := range x.moved {
		x.byRank[rank/64] |= 1 << (rank % 64)
	}
	x.moved = x.moved[:0]
	for w, open := range x.byRank {
		for ; open != 0; open &= open - 1 {
			x.moved = append(x.moved, uint32(w*64+bits.TrailingZeros64(open)))
		}
		x.byRank[w] = 0
	}
}
