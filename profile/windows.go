package profile

import (
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/value"
)

// window is a trait over (now − W, now] of one person: the matching events
// still to be counted, counted now, and no more than that. It is a cache over
// the person's rows.
type window struct {
	trait   int
	entries []windowEntry // by time; what has left the window is cut off
	inside  int           // how many of them are not in the future
	sum     stats.Exact   // of those inside
	fold    fold          // of those inside, for the timed kinds
	due     int64         // when something enters or leaves next, as scheduled
	value   any
	stamp   instant // of the last change, as views saw it
}

type windowEntry struct {
	at    instant
	value any
}

// timer says that the window of a person's trait must be looked at.
type timer struct {
	due   int64 // in whole seconds
	user  uint32
	trait int
}

// timers is a heap, the earliest first.
type timers []timer

func (t timer) before(o timer) bool {
	if t.due != o.due {
		return t.due < o.due
	}
	if t.user != o.user {
		return t.user < o.user
	}
	return t.trait < o.trait
}

func (h *timers) push(t timer) {
	*h = append(*h, t)
	x := *h
	for i := len(x) - 1; i > 0; {
		up := (i - 1) / 2
		if !x[i].before(x[up]) {
			return
		}
		x[i], x[up] = x[up], x[i]
		i = up
	}
}

func (h *timers) pop() timer {
	x := *h
	first := x[0]
	x[0] = x[len(x)-1]
	x = x[:len(x)-1]
	*h = x
	for i := 0; ; {
		j := 2*i + 1
		if j >= len(x) {
			return first
		}
		if j+1 < len(x) && x[j+1].before(x[j]) {
			j++
		}
		if !x[j].before(x[i]) {
			return first
		}
		x[i], x[j] = x[j], x[i]
		i = j
	}
}

func (p *person) window(trait int) *window {
	for i := range p.windows {
		if p.windows[i].trait == trait {
			return &p.windows[i]
		}
	}
	return nil
}

func (p *person) newWindow(trait int) *window {
	p.windows = append(p.windows, window{trait: trait, stamp: never()})
	return &p.windows[len(p.windows)-1]
}

// leaving is the last second that is out of a window by the clock.
func (s *Store) leaving(window time.Duration) int64 {
	if s.clock == never() {
		return never().sec
	}
	return s.clock.sec - int64(window/time.Second)
}

// enter adds a matching event to the window of trait i and reports whether
// the value changed.
func (s *Store) enter(p *person, i int, v any, at instant) (*window, bool) {
	t := &s.opts.Traits[i]
	if at.sec <= s.leaving(t.Window) {
		return nil, false
	}
	w := p.window(i)
	if w == nil {
		w = p.newWindow(i)
	}
	if !t.Kind.needsField() && t.Kind != Score {
		v = nil
	}
	k := len(w.entries)
	for k > 0 && at.before(w.entries[k-1].at) {
		k--
	}
	w.entries = slices.Insert(w.entries, k, windowEntry{at, v})
	if k < w.inside {
		// It came late, among those already counted.
		w.inside++
		w.term(t.Kind, v, 1)
		w.fold.reset()
	}
	return w, s.slide(p, w)
}

func (w *window) term(kind TraitKind, v any, sign float64) {
	if kind == Sum || kind == Mean {
		f, _ := value.Float(v)
		w.sum.Add(sign * f)
	}
}

// slide moves the window to the clock, plans its next move and reports
// whether the value changed.
func (s *Store) slide(p *person, w *window) bool {
	t := &s.opts.Traits[w.trait]
	if t.Kind == Tags {
		old := w.value
		s.slideTags(p, w, t)
		return value.Compare(old, w.value) != 0
	}
	width := int64(t.Window / time.Second)
	leaving := s.leaving(t.Window)
	out := 0
	for out < len(w.entries) && w.entries[out].at.sec <= leaving {
		if out < w.inside {
			w.term(t.Kind, w.entries[out].value, -1)
		}
		out++
	}
	if out > 0 {
		w.fold.reset()
	}
	w.entries = slices.Delete(w.entries, 0, out)
	w.inside = max(0, w.inside-out)
	for w.inside < len(w.entries) && w.entries[w.inside].at.sec <= s.clock.sec {
		w.term(t.Kind, w.entries[w.inside].value, 1)
		w.inside++
	}
	old := w.value
	var turn int64
	if t.Kind.timed() {
		w.value, turn = w.fold.result(t, w.entries[:w.inside], s.clock.sec)
	} else {
		w.value = w.result(t.Kind)
	}
	if len(w.entries) > 0 {
		due := w.entries[0].at.sec + width
		if w.inside < len(w.entries) {
			due = min(due, w.entries[w.inside].at.sec)
		}
		if turn != 0 {
			due = min(due, turn)
		}
		if w.due == 0 || due < w.due || w.due <= s.clock.sec {
			w.due = due
			s.timers.push(timer{due, p.number, w.trait})
		}
	} else {
		w.due = 0
	}
	return value.Compare(old, w.value) != 0
}

func (w *window) result(kind TraitKind) any {
	in := w.entries[:w.inside]
	if len(in) == 0 {
		return nil
	}
	switch kind {
	case Count:
		return int64(len(in))
	case Sum:
		return w.sum.Value()
	case Mean:
		return w.sum.Value() / float64(len(in))
	}
	var c traitCell
	for _, e := range in {
		c.add(kind, e.value, e.at)
	}
	return c.value
}

// fire moves every window that is due by the clock and hands over the traits
// that changed, by time, user and trait.
func (s *Store) fire(each func(p *person, x stamped)) {
	for len(s.timers) > 0 && s.timers[0].due <= s.clock.sec {
		t := s.timers.pop()
		p := s.people[t.user]
		if p == nil || p.number != t.user {
			continue
		}
		if t.trait == consentTimer {
			s.reconsider(p)
			continue
		}
		w := p.window(t.trait)
		if w == nil || w.due != t.due {
			continue
		}
		w.due = 0
		if s.slide(p, w) {
			w.stamp = stampAfter(w.stamp, instant{sec: t.due})
			each(p, stamped{t.trait, w.stamp, w.value})
		}
	}
}
