package segment

import "time"

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
	x.changes = x.changes[:0]
	x.readChanges(attributes)
	stamp := stampOf(at)
	x.follow(stamp)
	r := x.begin(user)
	x.approachNumbers(r, x.changes)
	if anyCross(x.changes) {
		x.approachRules(r)
	}
	x.update(r, x.changes, stamp)
	clear(x.changes)
	return nil
}

// change is an attribute about to be set.
type change struct {
	attr *attribute
	num  float64
	obj  any

	// What was there when it was looked at last, and how many cuts lie left of
	// it and of num.
	old      float64
	from, to int
}

// readChanges appends attributes to the changes.
func (x *Index) readChanges(attributes map[string]any) {
	for name, v := range attributes {
		a := x.attrByName[name]
		if a == nil {
			if !x.opts.Dynamic || name == "" {
				x.stats.UnknownNames++
				continue
			}
			a = x.newAttribute(name, Any)
		}
		ch := change{attr: a, num: missing, old: missing}
		if v != nil {
			var ok bool
			if ch.num, ch.obj, ok = a.kind.admit(v); !ok {
				x.stats.BadAttributes++
				continue
			}
		}
		x.changes = append(x.changes, ch)
	}
}

// approachNumbers looks at all old numbers first, so that their ways from
// memory overlap.
func (x *Index) approachNumbers(r *row, changes []change) {
	for i := range changes {
		if ch := &changes[i]; ch.attr.kind.numeric() {
			ch.old = r.number(ch.attr.id)
		}
		x.neared += changes[i].attr.near(r.user)
	}
}

// anyCross finds the places of the numbers among the cuts, and reports whether
// one passes a cut.
func anyCross(changes []change) (crosses bool) {
	for i := range changes {
		ch := &changes[i]
		cuts := &ch.attr.cuts
		if len(cuts.keys) == 0 {
			continue
		}
		ch.from = cuts.place(ch.old)
		ch.to = cuts.near(ch.num, ch.from)
		crosses = crosses || ch.from != ch.to
	}
	return crosses
}

// update sets attributes of a user with whom a step has begun.
func (x *Index) update(r *row, changes []change, at stamp) {
	for i := range changes {
		if ch := &changes[i]; ch.attr.kind.numeric() {
			x.setNumber(r, ch, at)
		} else {
			x.setObject(r, ch.attr, ch.obj, at)
		}
	}
	x.reconsider(r)
	x.finish(r, ByUpdate, "")
}

// setNumber changes one attribute and flips the predicates that compare it with
// constants; those that read several things are put on the list for reconsider.
func (x *Index) setNumber(r *row, ch *change, at stamp) {
	a, num := ch.attr, ch.num
	old, changed := r.setNumber(a.id, num, at)
	if !changed {
		return
	}
	a.take(x, r)
	had, has := old == old, num == num
	if had != has {
		x.flipAll(r, a.exists, had)
	}
	if len(a.cuts.keys) > 0 {
		if had != (ch.old == ch.old) || had && old != ch.old {
			// Another change of the same user came in between.
			ch.from = a.cuts.place(old)
		}
		x.cross(r, &a.cuts, ch.from, ch.to)
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

// setObject is setNumber for other kinds.
func (x *Index) setObject(r *row, a *attribute, obj any, at stamp) {
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
}

// cross flips the thresholds between two places, of which one may be nowhere.
func (x *Index) cross(r *row, cuts *cuts, from, to int) {
	lo, hi := min(from, to), max(from, to)
	if lo == nowhere {
		lo, hi = 0, len(cuts.list)
	}
	for i := lo; i < hi; i++ {
		c := &cuts.list[i]
		if c.above != nil {
			x.flip(r, c.above, i < to)
		}
		if c.below != nil {
			x.flip(r, c.below, to >= 0 && i >= to)
		}
	}
}

// cross sets the truth of cuts for a number where there was none.
func (b *words) cross(cuts *cuts, num float64) {
	at := cuts.place(num)
	for i := range cuts.list {
		c := &cuts.list[i]
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
			x.touched = append(x.touched, p)
		}
	}
}

func (x *Index) reconsider(r *row) {
	for _, p := range x.touched {
		x.evaluate(r, p)
	}
	clear(x.touched)
	x.touched = x.touched[:0]
}
