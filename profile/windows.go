package profile

import (
	"math"
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/value"
)

// window is a trait over (now − W, now] of one person: the matching events
// still to be counted, counted now, and no more than that. It is a cache over
// the person's rows.
type window struct {
	value  any
	times  []packed // of the events, in order; what has left the window is cut off
	more   *windowTerms
	due    int64  // when something enters or leaves next, as scheduled
	stamp  packed // of the last change, as views saw it
	trait  uint32
	inside int32  // how many of the events are not in the future
	lag    uint32 // how much later than due, in seconds, it is by now
}

// windowTerms is what some kinds remember of the events in a window.
type windowTerms struct {
	values []any       // of the events, where the kind is about a field
	sum    stats.Exact // of those inside, for Sum and Mean
	fold   fold        // of those inside, for the timed kinds
}

func (w *window) terms() *windowTerms {
	if w.more == nil {
		w.more = new(windowTerms)
	}
	return w.more
}

func (w *window) values() []any {
	if w.more == nil {
		return nil
	}
	return w.more.values
}

func (w *window) valueOf(k int) any {
	if v := w.values(); v != nil {
		return v[k]
	}
	return nil
}

// refold makes the timed kinds look at all events again.
func (w *window) refold() {
	if w.more != nil {
		w.more.fold.reset()
	}
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
	if p.computed == nil {
		return nil
	}
	i, ok := p.computed.window(trait)
	if !ok {
		return nil
	}
	return &p.computed.windows[i]
}

func (p *person) newWindow(trait int) *window {
	if p.computed == nil {
		p.computed = new(computed)
	}
	c := p.computed
	i, _ := c.window(trait)
	if len(c.windows) == cap(c.windows) {
		c.windows = append(make([]window, 0, len(c.windows)+1), c.windows...)
	}
	c.windows = slices.Insert(c.windows, i, window{trait: uint32(trait)})
	c.slidesOf.note(trait)
	return &c.windows[i]
}

// leaving is the last second that is out of a window by the clock.
func (s *Store) leaving(window time.Duration) int64 {
	if s.clock == never() {
		return never().sec
	}
	return s.clock.sec - int64(window/time.Second)
}

// enter adds a matching event to the window of trait i and reports whether
// the value changed. Newest says that none of p's events comes after it, so
// that nobody has to look where it belongs.
func (s *Store) enter(p *person, i int, v any, at instant, newest bool) (*window, bool) {
	t := &s.opts.Traits[i]
	if at.sec <= s.leaving(t.Window) {
		return nil, false
	}
	w := p.window(i)
	if w == nil {
		w = p.newWindow(i)
	}
	k, when := len(w.times), pack(at)
	for k > 0 && !newest && when.before(w.times[k-1]) {
		k--
	}
	w.times = slices.Insert(room(w.times), k, when)
	if t.holdsValues() {
		f := w.terms()
		f.values = slices.Insert(room(f.values), k, v)
	}
	if k < int(w.inside) {
		// It came late, among those already counted.
		w.inside++
		w.term(t.Kind, v, 1)
		w.refold()
	}
	if k == int(w.inside) && k == len(w.times)-1 && at.sec <= s.clock.sec && w.rests(s.clock.sec) && !t.Kind.timed() {
		w.term(t.Kind, v, 1)
		w.inside++
		return w, w.set(w.result(t.Kind))
	}
	return w, s.slide(p, w)
}

// rests reports whether nothing that the window held has to enter or leave it
// by now.
func (w *window) rests(now int64) bool { return w.due != 0 && now < w.due+int64(w.lag) }

// set gives the window a value and reports whether it had another.
func (w *window) set(v any) bool {
	old := w.value
	w.value = v
	if n, ok := v.(int64); ok {
		m, same := old.(int64)
		return !same || n != m
	}
	return value.Compare(old, v) != 0
}

func (w *window) term(kind TraitKind, v any, sign float64) {
	if kind == Sum || kind == Mean {
		f, _ := value.Float(v)
		w.terms().sum.Add(sign * f)
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
	for out < len(w.times) && w.times[out].sec() <= leaving {
		if out < int(w.inside) {
			w.term(t.Kind, w.valueOf(out), -1)
		}
		out++
	}
	if out > 0 {
		w.refold()
		w.times = cutFront(w.times, out)
		if w.values() != nil {
			w.more.values = cutFront(w.more.values, out)
		}
	}
	w.inside = max(0, w.inside-int32(out))
	for int(w.inside) < len(w.times) && w.times[w.inside].sec() <= s.clock.sec {
		w.term(t.Kind, w.valueOf(int(w.inside)), 1)
		w.inside++
	}
	var now any
	var turn int64
	switch {
	case t.Kind == Stage:
		now, turn = t.stages.stage(w.times[:w.inside], s.clock.sec)
	case t.Kind.timed():
		now, turn = w.terms().fold.result(t, w.times[:w.inside], w.values(), s.clock.sec)
	default:
		now = w.result(t.Kind)
	}
	if len(w.times) > 0 {
		due := w.times[0].sec() + width
		if int(w.inside) < len(w.times) {
			due = min(due, w.times[w.inside].sec())
		}
		if turn != 0 {
			due = min(due, turn)
		}
		if w.due == 0 || due < w.due || w.due <= s.clock.sec {
			w.due, w.lag = due, 0
			s.timers.push(timer{due, p.number, int(w.trait)})
		} else {
			w.lag = uint32(min(due-w.due, math.MaxUint32))
		}
	} else {
		w.due = 0
	}
	return w.set(now)
}

func (w *window) result(kind TraitKind) any {
	in := w.times[:w.inside]
	if len(in) == 0 {
		return nil
	}
	switch kind {
	case Count:
		return int64(len(in))
	case Sum:
		return w.terms().sum.Value()
	case Mean:
		return w.terms().sum.Value() / float64(len(in))
	}
	var c traitCell
	for i, at := range in {
		c.add(kind, w.valueOf(i), at)
	}
	return c.value
}

// cutFront drops the first n of a list. A long one keeps its place in memory
// until it grows out of it, so that a busy person costs no copy per event.
func cutFront[T any](list []T, n int) []T {
	if len(list) > 256 {
		clear(list[:n])
		return list[n:]
	}
	return slices.Delete(list, 0, n)
}

// fire moves every window that is due by the clock and hands over the traits
// that changed, by time, user and trait.
func (s *Store) fire(each func(p *person, x stamped)) {
	for len(s.timers) > 0 && s.timers[0].due <= s.clock.sec {
		t := s.timers.pop()
		if t.trait == consentTimer {
			delete(s.consent.pending, t)
		}
		p := s.people.of(t.user)
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
		if w.lag > 0 {
			w.due, w.lag = w.due+int64(w.lag), 0
			s.timers.push(timer{w.due, t.user, t.trait})
			continue
		}
		w.due = 0
		if s.slide(p, w) {
			each(p, stamped{t.trait, w.stamp.after(instant{sec: t.due}), w.value})
		}
	}
}
