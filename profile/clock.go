package profile

import (
	"iter"
	"slices"
	"time"
)

// Advance moves the clock: old events are dropped, windows of computed traits
// slide, and the views follow. Each, unless nil, is called with the change of
// every person whose traits changed, by time. The clock only moves forward;
// an earlier instant does nothing. Errors: [ErrTime], [ErrClosed].
func (s *Store) Advance(now time.Time, each func(Change)) error {
	var changes []Change
	v := advanceVerb{now: now, each: func(c Change) {
		if each != nil {
			changes = append(changes, c)
		}
	}}
	if err := s.run(&v); err != nil {
		return err
	}
	for _, c := range changes {
		each(c)
	}
	return v.err
}

func (s *Store) advanceLocked(now time.Time, each func(Change)) error {
	s.tick(instantOf(now), each)
	return nil
}

// tick moves the clock to an instant, if that is later.
func (s *Store) tick(to instant, each func(Change)) {
	if !s.clock.before(to) {
		return
	}
	from := s.clock
	s.clock = to
	if from.sec == to.sec && from != never() {
		return
	}
	s.seen.advance(to.sec, int64(s.opts.DedupeWindow/time.Second))
	if len(s.views) > 0 {
		at := instant{sec: to.sec}.time()
		for _, w := range s.views {
			if w.clock != nil {
				s.do(w, "Advance", w.clock.Advance(at))
			}
		}
	}
	if len(s.timers) > 0 {
		s.fire(func(p *person, x stamped) {
			s.updateTrait(p, x)
			if each != nil {
				s.passed(p, map[string]any{s.opts.Traits[x.trait].Name: x.value}, each)
			}
		})
	}
	if to.day() != from.day() {
		s.prune(each)
	}
	if len(s.stageTraits) > 0 && from != never() {
		s.learnAll(from.sec, to.sec, each)
	}
}

// passed reports what the passing of time did to a person.
func (s *Store) passed(p *person, attributes map[string]any, each func(Change)) {
	if each == nil {
		return
	}
	s.seq++
	c := Change{User: p.number, Attributes: attributes, Detached: s.detached, Seq: s.seq}
	if s.opts.OmitChanges {
		c.Attributes = nil
	}
	each(c)
}

// horizon is the second before which events are not kept: whole days, so
// that all of a day's events go at once.
func (s *Store) horizon() int64 {
	if s.clock == never() {
		return never().sec
	}
	return instant{sec: s.clock.sec - int64(s.opts.Retain.Horizon/time.Second)}.day() * 86400
}

// noteOldest enters the person for pruning under the day of its oldest event.
func (s *Store) noteOldest(p *person) {
	if len(p.rows) > 0 {
		d := p.rows[0].instant().day()
		if users := s.oldest[d]; len(users) == 0 || users[len(users)-1] != p.number {
			s.oldest[d] = append(users, p.number)
		}
	}
}

// prune drops the events that are older than the horizon.
func (s *Store) prune(each func(Change)) {
	limit := s.horizon()
	var days []int64
	for d := range s.oldest {
		if d*86400 < limit {
			days = append(days, d)
		}
	}
	if len(days) == 0 {
		return
	}
	slices.Sort(days)
	var loans []uint32
	for _, d := range days {
		users := s.oldest[d]
		delete(s.oldest, d)
		slices.Sort(users)
		for _, u := range slices.Compact(users) {
			if p := s.people.of(u); p != nil && p.number == u {
				loans = append(loans, s.prunePerson(p, limit, each)...)
			}
		}
	}
	s.returnLoans(loans, each)
	s.compact()
}

// prunePerson returns the combinations whose events may be lent differently
// from now on.
func (s *Store) prunePerson(p *person, limit int64, each func(Change)) (loans []uint32) {
	n := 0
	for n < len(p.rows) && p.rows[n].instant().sec < limit {
		if s.graph.lending.window > 0 {
			loans = append(loans, s.looseOf(s.graph.sets[p.rows[n].set].nodes, false)...)
		}
		s.log.drop(p.rows[n].pos())
		n++
	}
	if n == 0 {
		return nil
	}
	p.rows = slices.Delete(p.rows, 0, n)
	s.retained -= n
	s.noteOldest(p)
	if len(s.opts.Traits) == 0 {
		return loans
	}
	before := p.stampedTraits()
	s.recount(p)
	changed := make(map[string]any)
	for _, x := range before {
		v := p.traitValue(x.trait)
		stamp := stampAfter(x.stamp, instant{sec: limit})
		if p.restamp(x, v, stamp) {
			changed[s.opts.Traits[x.trait].Name] = v
			s.updateTrait(p, stamped{x.trait, stamp, v})
		}
	}
	if len(changed) > 0 {
		s.passed(p, changed, each)
	}
	return loans
}

// numbers yields every number that leads to a person, in no order that
// matters.
func (s *Store) numbers() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		var all []uint32
		for n := range s.people.all() {
			all = append(all, n)
		}
		slices.Sort(all)
		for _, n := range all {
			if !yield(n) {
				return
			}
		}
	}
}

// inTime yields the rows of persons by time, then person.
func (s *Store) inTime(ps []*person) iter.Seq2[*person, row] {
	return func(yield func(*person, row) bool) {
		var h cursors
		for _, p := range ps {
			if len(p.rows) > 0 {
				h = append(h, cursor{p, 0})
			}
		}
		slices.SortFunc(h, cursor.compare)
		for len(h) > 0 {
			c := &h[0]
			if !yield(c.p, c.p.rows[c.i]) {
				return
			}
			if c.i++; c.i == len(c.p.rows) {
				h[0] = h[len(h)-1]
				h = h[:len(h)-1]
			}
			h.sink()
		}
	}
}

// cursor is a place in a person's rows.
type cursor struct {
	p *person
	i int
}

func (c cursor) compare(o cursor) int {
	if d := c.p.rows[c.i].instant().compare(o.p.rows[o.i].instant()); d != 0 {
		return d
	}
	return int(int64(c.p.number) - int64(o.p.number))
}

// cursors is a heap, the earliest first. Sorted cursors are one.
type cursors []cursor

// sink restores the heap after its first element changed.
func (h cursors) sink() {
	for i := 0; ; {
		j := 2*i + 1
		if j >= len(h) {
			return
		}
		if j+1 < len(h) && h[j+1].compare(h[j]) < 0 {
			j++
		}
		if h[i].compare(h[j]) <= 0 {
			return
		}
		h[i], h[j] = h[j], h[i]
		i = j
	}
}
