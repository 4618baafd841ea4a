package segment

import (
	"fmt"
	"slices"

	"github.com/zhun-go/zhun/internal/bits"
)

// Erase forgets a user as if never seen. The user leaves every audience, with
// the cause [ByErase].
//
// Those exits are all that is left: the number and the names of the audiences,
// no attribute, event or condition. They stay among the last Options.Recent
// transitions, and so in the bytes, for watchers that have not handled them,
// until later transitions push them out; all earlier transitions of the user
// are dropped from there. A number that was renamed to this one is a number of
// its own: its transitions go when it is erased too. The error wraps
// [ErrUser].
func (x *Index) Erase(user uint32) error {
	if user == 0 {
		return userError("erase")
	}
	x.mu.Lock()
	defer x.release()
	x.recent.forget(user)
	x.remove(user, Cause{Kind: ByErase})
	return nil
}

// remove takes a user out, with exits.
func (x *Index) remove(user uint32, cause Cause) {
	r := x.table.get(user)
	if r == nil {
		return
	}
	for _, a := range x.ordered {
		if r.in(a.id) {
			x.move(a, user, false)
			x.emit(a, user, false, cause)
		}
	}
	x.dropRings(user)
	x.table.remove(user)
	x.refresh(&row{user: user})
}

// Rename gives everything of one user to another: two numbers turned out to be
// one person. The first leaves every audience and is no longer held. Renaming
// a user who is not held does nothing. The error wraps [ErrUser].
func (x *Index) Rename(from, to uint32) error {
	if from == 0 || to == 0 {
		return userError("rename")
	}
	x.mu.Lock()
	defer x.release()
	r := x.table.get(from)
	if r == nil || from == to {
		return nil
	}
	cause := Cause{Kind: ByRename}
	x.remove(from, cause)
	x.take(r, to, cause)
	return nil
}

// take adds the truth of a row to a user.
func (x *Index) take(r *row, to uint32, cause Cause) {
	t := x.begin(to)
	t.absorb(r, x.events)
	x.refill(t)
	x.takeDates(t)
	x.refresh(t)
	for _, p := range x.preds {
		if p != nil {
			x.evaluate(t, p)
		}
	}
	x.finish(t, cause.Kind, "")
}

// Merge adds the rows of another index, which stays as it is: attributes by
// last writer, events as a multiset. The clock moves to the later of the two
// first. Definitions of the other are not taken over. The error wraps
// [ErrOptions] when the two were made with other schemas or retention.
func (x *Index) Merge(other *Index) error {
	if other == nil {
		return fmt.Errorf("segment: merge: %w: there is no other index", ErrOptions)
	}
	rows, now, pruned, names := other.rows()
	x.mu.Lock()
	defer x.release()
	if other.fingerprint != x.fingerprint {
		return fmt.Errorf("segment: merge: %w: %s; this index has %s", ErrOptions, other.fingerprint, x.fingerprint)
	}
	x.moveTo(now)
	x.pruned = max(x.pruned, pruned)
	attrs, events := x.translate(names)
	for _, r := range rows {
		x.take(r.renumber(attrs, events), r.user, Cause{Kind: ByMerge})
	}
	return nil
}

// nameLists are the names behind the numbers of attributes and events, which
// differ between dynamic indexes.
type nameLists struct{ attrs, events []string }

// rows returns a copy of the truth.
func (x *Index) rows() (rows []*row, now stamp, pruned int64, names nameLists) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for r := range x.table.all() {
		rows = append(rows, r.clone())
	}
	for _, a := range x.attrs {
		names.attrs = append(names.attrs, a.name)
	}
	for _, e := range x.events {
		names.events = append(names.events, e.name)
	}
	return rows, x.now, x.pruned, names
}

// translate maps numbers of another index to this one's.
func (x *Index) translate(names nameLists) (attrs, events []uint32) {
	for _, n := range names.attrs {
		a := x.attrByName[n]
		if a == nil {
			a = x.newAttribute(n, Any)
		}
		attrs = append(attrs, a.id)
	}
	for _, n := range names.events {
		e := x.eventByName[n]
		if e == nil {
			e = x.newEvent(n, nil)
		}
		events = append(events, e.id)
	}
	return attrs, events
}

// renumber gives the row, which is a copy, the numbers of another index.
func (r *row) renumber(attrs, events []uint32) *row {
	for i := range r.numbers {
		r.numbers[i].attr = attrs[r.numbers[i].attr]
	}
	for i, o := range r.objects() {
		r.far.objects[i].attr = attrs[o.attr]
	}
	for st := range r.streams() {
		st.event = events[st.event]
	}
	return r
}

// rebuild computes everything derived anew, and emits nothing: rows were
// replaced wholesale.
func (x *Index) rebuild() {
	x.timers, x.moves = calendar{fill: x.due}, x.moves[:0]
	x.dropColumns()
	for _, a := range x.attrs {
		if a.dates != nil {
			*a.dates = dates{rules: a.dates.rules, cuts: a.dates.cuts, buckets: make(map[int64][]dated)}
		}
	}
	for _, a := range x.audiences {
		if a != nil {
			a.members = bits.Live{}
		}
	}
	x.blank, x.moving = nil, nil
	for _, p := range x.preds {
		if p != nil {
			x.judgeBlank(p)
		}
	}
	x.arrange()
	byLevel := slices.Clone(x.ordered)
	slices.SortStableFunc(byLevel, func(a, b *audience) int { return a.level - b.level })
	var truth, in words
	for r := range x.table.all() {
		clear(truth)
		clear(in)
		r.setTruths(nil)
		if r.next = 0; r.rest != nil {
			r.rest.armed = nil
		}
		x.refill(r)
		for i := range r.numbers {
			if n := &r.numbers[i]; n.num == n.num {
				truth.cross(&x.attrs[n.attr].cuts, n.num)
			}
		}
		for _, p := range x.preds {
			if p == nil || p.cut {
				continue
			}
			var w []uint32
			if p.matcher != nil {
				w = x.ring(p.matcher, r.user)
			}
			holds, until := x.judge(r, p, w)
			truth.set(p.id, holds)
			if until != never {
				x.arm(r, p, until)
			}
		}
		x.takeDates(r)
		for _, a := range byLevel {
			if a.plan.holds(truth, in) {
				in.set(a.id, true)
				a.members.Add(r.user)
			}
		}
		r.setTruths(truth)
		r.setAudiences(in.trim())
	}
}
