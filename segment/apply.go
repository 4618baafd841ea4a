package segment

import (
	"cmp"
	"slices"
	"time"
)

// dawn is the first second of year 1. Before the clock is set there is no now.
const dawn = -62135596800

func validTime(t time.Time) bool {
	y := t.UTC().Year()
	return !t.IsZero() && y >= 1 && y <= 9999
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
	if !validTime(at) {
		x.stats.BadTimes++
		return nil
	}
	e := x.eventFor(event)
	if e != nil && len(e.matchers) > 0 {
		x.approach(user, e.matchers[0])
	}
	x.follow(at)
	r := x.begin(user)
	if e == nil {
		x.stats.OtherEvents++
	} else {
		x.append(r, e, fields, stampOf(at))
	}
	x.finish(r, Cause{Kind: ByEvent, Name: event})
	return nil
}

func (x *Index) eventFor(name string) *eventType {
	e := x.eventByName[name]
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

// Update sets attributes of a user; a nil value removes one. For each
// attribute the last writer by time wins, of equal times the larger value, so
// the order of calls does not matter. Attributes that are not declared, and
// values of another kind, are counted and ignored. With the clock on Auto, and
// no store attached, the call moves the clock to its time first.
//
// The error wraps [ErrUser]. A zero or impossible time is counted and ignored.
func (x *Index) Update(user uint32, attributes map[string]any, at time.Time) error {
	if user == 0 {
		return userError("update")
	}
	x.mu.Lock()
	defer x.release()
	if !validTime(at) {
		x.stats.BadTimes++
		return nil
	}
	x.follow(at)
	r := x.begin(user)
	x.changes = x.changes[:0]
	for name, v := range attributes {
		a := x.attrByName[name]
		if a == nil {
			if !x.opts.Dynamic || name == "" {
				x.stats.UnknownNames++
				continue
			}
			a = x.newAttribute(name, Any)
		}
		ch := change{attr: a, num: missing}
		if v != nil {
			var ok bool
			if ch.num, ch.obj, ok = a.kind.admit(v); !ok {
				x.stats.BadAttributes++
				continue
			}
		}
		x.changes = append(x.changes, ch)
	}
	// A look at all old values first, so that their ways from memory overlap.
	for i := range x.changes {
		if ch := &x.changes[i]; ch.attr.kind.numeric() {
			ch.old = r.number(ch.attr.id)
		}
	}
	for i := range x.changes {
		if x.changes[i].crosses() {
			x.approachRules(r)
			break
		}
	}
	stamp := stampOf(at)
	for i := range x.changes {
		ch := &x.changes[i]
		x.set(r, ch.attr, ch.num, ch.obj, stamp)
	}
	clear(x.changes)
	x.reconsider(r)
	x.finish(r, Cause{Kind: ByUpdate})
	return nil
}

// change is an attribute about to be set.
type change struct {
	attr *attribute
	num  float64
	obj  any
	old  float64
}

// crosses reports whether a number passes a threshold.
func (ch *change) crosses() bool {
	cuts := ch.attr.cuts
	return len(cuts) > 0 && (ch.old != ch.old || ch.num != ch.num || position(cuts, ch.old) != position(cuts, ch.num))
}

// set changes one attribute and flips the predicates that compare it with
// constants; those that read several things are put on the list for reconsider.
func (x *Index) set(r *row, a *attribute, num float64, obj any, at stamp) {
	if !a.kind.numeric() {
		old, changed := r.setObject(a.id, obj, at)
		if !changed {
			return
		}
		a.take(x, r)
		if len(a.exists) > 0 && (old == nil) != (obj == nil) {
			x.flipAll(r, a.exists, obj == nil)
		}
		if len(a.texts) > 0 {
			if s, ok := old.(string); ok {
				x.evaluateAll(r, a.texts[s])
			}
			if s, ok := obj.(string); ok {
				x.evaluateAll(r, a.texts[s])
			}
		}
		if a.dates != nil {
			x.setDate(r, a, old, obj)
		}
		x.later(a.others)
		return
	}
	old, changed := r.setNumber(a.id, num, at)
	if !changed {
		return
	}
	a.take(x, r)
	had, has := old == old, num == num
	if had != has {
		x.flipAll(r, a.exists, had)
	}
	if len(a.cuts) > 0 {
		x.cross(r, a.cuts, old, num)
	}
	if len(a.equals) > 0 {
		if had {
			x.evaluateAll(r, a.equals[old])
		}
		if has {
			x.evaluateAll(r, a.equals[num])
		}
	}
	x.later(a.others)
}

// cross flips the thresholds between the old and the new value, of which one
// may be missing.
func (x *Index) cross(r *row, cuts []cut, old, num float64) {
	from, to := -1, -1
	if old == old {
		from = position(cuts, old)
	}
	if num == num {
		to = position(cuts, num)
	}
	lo, hi := min(from, to), max(from, to)
	if lo < 0 {
		lo, hi = 0, len(cuts)
	}
	for i := lo; i < hi; i++ {
		c := &cuts[i]
		if c.above != nil {
			x.flip(r, c.above, i < to)
		}
		if c.below != nil {
			x.flip(r, c.below, to >= 0 && i >= to)
		}
	}
}

// cross sets the truth of cuts for a number where there was none.
func (b *words) cross(cuts []cut, num float64) {
	at := position(cuts, num)
	for i := range cuts {
		c := &cuts[i]
		if i < at && c.above != nil {
			b.set(c.above.id, true)
		}
		if i >= at && c.below != nil {
			b.set(c.below.id, true)
		}
	}
}

func (x *Index) later(preds []*predicate) {
	for _, p := range preds {
		if p.mark != x.step {
			p.mark = x.step
			x.todo = append(x.todo, p)
		}
	}
}

func (x *Index) reconsider(r *row) {
	for _, p := range x.todo {
		x.evaluate(r, p)
	}
	clear(x.todo)
	x.todo = x.todo[:0]
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
func (x *Index) begin(user uint32) *row {
	x.startStep()
	if r := x.table.get(user); r != nil {
		return x.table.renew(r)
	}
	r := &row{user: user}
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
func (x *Index) finish(r *row, cause Cause) {
	if len(x.dirty) == 0 {
		return
	}
	if x.levels > 1 {
		slices.SortFunc(x.dirty, func(a, b *audience) int { return cmp.Compare(a.level, b.level) })
	}
	x.moved = x.moved[:0]
	for i := 0; i < len(x.dirty); i++ {
		a := x.dirty[i]
		in := a.plan.holds(r.truths(), r.audiences())
		if in == r.in(a.id) {
			continue
		}
		r.setIn(a.id, in)
		x.moved = append(x.moved, uint32(a.rank))
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
	slices.Sort(x.moved)
	for _, rank := range x.moved {
		a := x.ordered[rank]
		in := r.in(a.id)
		x.move(a, r.user, in)
		t := Transition{User: r.user, Audience: a.public.Name, Entered: in, At: x.now, Cause: cause}
		if a.cause != nil {
			t.Cause.Predicate = a.cause.key
		}
		x.emit(t)
	}
}
