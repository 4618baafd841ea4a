package segment

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// follow moves the clock to the time of what is applied, when it does so.
func (x *Index) follow(at stamp) {
	if x.opts.Clock == Auto && !x.attach {
		x.moveTo(at)
	}
}

// Advance moves the clock forward and fires what is due on the way, each at
// its very second: users leave windows, and events that waited enter them. A
// time before the clock changes nothing. It also lets go of events beyond
// Options.Retain. The error wraps [ErrTime].
func (x *Index) Advance(now time.Time) error {
	if !validTime(now) {
		return timeError("advance", now)
	}
	x.mu.Lock()
	defer x.release()
	x.moveTo(stampOf(now))
	x.prune()
	return nil
}

// unset is the second of a clock that was never set.
const unset = math.MinInt64 / 2

// second is the clock in whole seconds.
func (x *Index) second() int64 { return x.now.sec }

// time is the clock as a time, the zero time before it was first set.
func (x *Index) time() time.Time {
	if x.now.sec == unset {
		return time.Time{}
	}
	return x.now.time()
}

// moveTo fires the timers up to the instant, in order, and sets the clock.
func (x *Index) moveTo(now stamp) {
	if now.compare(x.now) <= 0 {
		return
	}
	if x.now.sec == unset {
		x.start(now)
		return
	}
	for {
		t, ok := x.timers.next(now.sec)
		if !ok {
			break
		}
		if t.sec > x.now.sec {
			x.now = stamp{sec: t.sec}
		}
		x.approachTimers(x.timers.ahead())
		r := x.table.get(t.user)
		x.startStep()
		x.fire(r, t)
		for x.timers.peek(t.sec, t.user) {
			t, _ = x.timers.next(t.sec)
			x.fire(r, t)
		}
		if r != nil {
			x.finish(r, ByClock, "")
		}
	}
	x.now = now
}

// start sets the clock for the first time. There was no time before, so what
// is due by now happens now, user by user.
func (x *Index) start(now stamp) {
	x.now = now
	var due []timer
	for {
		t, ok := x.timers.next(x.second())
		if !ok {
			break
		}
		due = append(due, t)
	}
	slices.SortStableFunc(due, func(a, b timer) int { return cmp.Compare(a.user, b.user) })
	for i := 0; i < len(due); {
		r := x.table.get(due[i].user)
		x.startStep()
		for user := due[i].user; i < len(due) && due[i].user == user; i++ {
			x.fire(r, due[i])
		}
		if r != nil {
			x.finish(r, ByClock, "")
		}
	}
}

// fire re-evaluates what a timer was armed for, if it still is.
func (x *Index) fire(r *row, t timer) {
	if r == nil {
		return
	}
	p := x.preds[t.pred]
	if sec, ok := r.pendingAt(t.pred); ok && sec == t.sec {
		r.forget(t.pred)
	} else if p == nil || p.date == nil {
		return
	}
	x.evaluate(r, p)
}

// prune moves the horizon of retention. Rows beyond it are in no window any
// more, so letting go of them changes no answer; going through all users is
// put off until it is worth it, and bytes leave such rows out anyway.
func (x *Index) prune() {
	x.pruned = max(x.pruned, x.second()-x.retain)
	if moved := x.pruned - x.swept; x.swept != -never && moved < x.retain {
		// An event pays for a look at a quarter of a row.
		if moved < max(x.retain/2, 1) || x.fresh < 4*x.table.n {
			return
		}
	}
	x.swept, x.fresh = x.pruned, 0
	for _, p := range x.table.pages() {
		x.thin(p)
		rows := p.few
		if p.rows != nil {
			rows = p.rows[:]
		}
		// First who is concerned, without a branch on what comes from memory, so
		// that the ways of many rows overlap.
		var stale [64]*row
		for len(rows) > 0 {
			some := rows[:min(len(stale), len(rows))]
			rows = rows[len(some):]
			n := 0
			for _, r := range some {
				stale[n] = r
				n += int(r.stale(x.pruned))
			}
			for _, r := range stale[:n] {
				x.neared += r.log.end()
			}
			for _, r := range stale[:n] {
				x.table.renew(r).prune(x.pruned)
			}
		}
	}
}

// stale is 1 if there are events up to and including the second.
func (r *row) stale(sec int64) uint64 {
	if r == nil || r.log.width == 0 {
		return 0
	}
	old := bit(len(r.log.cells) > 0 && r.log.sec(0) <= sec)
	if r.far != nil {
		for i := range r.far.logs {
			st := &r.far.logs[i]
			old |= bit(st.len() > 0 && st.sec(0) <= sec)
		}
	}
	return old
}

// prune drops the events up to and including the second, and logs that are
// empty then.
func (r *row) prune(sec int64) {
	for st := range r.streams() {
		st.prune(sec)
	}
	r.dropEmpty()
}

// unset reports whether the clock was never set, and asks for another look
// when it is.
func (c *scan) unset() bool {
	if c.now >= dawn {
		return false
	}
	c.limit(dawn)
	return true
}
