package segment

import "time"

// Observation is what was learnt of a user at an instant: an event, attributes
// that changed, or both.
type Observation struct {
	User uint32
	At   time.Time
	// Event is the name of an event, empty for none. Fields are its fields. See
	// [Index.Observe].
	Event  string
	Fields map[string]any
	// Attributes are those that changed, a nil value for one removed; nil for
	// none. See [Index.Update].
	Attributes map[string]any
}

const (
	// heldFor is how many observations of a batch are applied before readers get
	// their turn.
	heldFor = 256
	// group is how many are approached together: about as many reads from memory
	// as a core has under way at a time.
	group = 16
)

// ObserveAll applies a batch: for each observation, in order, Observe if it has
// an event, then Update if it has attributes. State and transitions are those
// of the calls one by one. It takes a third to a half less time when users are
// many, since the ways from memory of what the next observations need overlap.
//
// When a user is 0 nothing is applied; the error is an [*ObservationError]
// and wraps [ErrUser]. Readers, other writers and watchers get their turn after
// every 256 observations. The batch is not changed, and nothing of it is kept
// but strings and times.
func (x *Index) ObserveAll(batch []Observation) error {
	for i := range batch {
		if batch[i].User == 0 {
			return &ObservationError{i, userError("observe")}
		}
	}
	for len(batch) > 0 {
		n := min(heldFor, len(batch))
		x.observeSome(batch[:n])
		batch = batch[n:]
	}
	return nil
}

func (x *Index) observeSome(batch []Observation) {
	x.mu.Lock()
	defer x.release()
	for len(batch) > 0 {
		some := batch[:min(group, len(batch))]
		batch = batch[len(some):]
		var n nearing
		x.approachAll(&n, some)
		from := 0
		for i := range some {
			o := &some[i]
			if o.Event != "" {
				x.observe(o.User, n.rows[i], o.Event, o.Fields, o.At)
			}
			changes := x.changes[from:n.ends[i]]
			from = n.ends[i]
			switch {
			case o.Attributes == nil:
			case validTime(o.At):
				at := stampOf(o.At)
				x.follow(at)
				x.update(x.begin(o.User), changes, at)
			default:
				x.stats.BadTimes++
			}
		}
		clear(x.changes)
	}
}

// nearing is what is known of users who are about to be asked for.
type nearing struct {
	n    int
	rows [group]*row
	ends [group]int // of their part of the changes
}

// approach reads where the row of one more user lies and the first word of the
// ring.
func (n *nearing) approach(x *Index, user uint32, m *matcher) {
	i := n.n
	n.n++
	p := x.table.page(int(user / blockUsers))
	if p == nil {
		return
	}
	if m != nil {
		if g := p.ringsOf(m); g != nil && g.slots > 0 {
			x.neared += uint64(g.words[int(g.slot(user%blockUsers))*m.stride])
		}
	}
	n.rows[i] = p.row(user % blockUsers)
}

// read reads the rows.
func (n *nearing) read() (sum uint64) {
	for _, r := range n.rows[:n.n] {
		if r != nil {
			sum += uint64(r.user) + r.next
		}
	}
	return sum
}

// approachTimers reads what timers that are due soon need.
func (x *Index) approachTimers(soon []timer) {
	if len(soon) == 0 {
		return
	}
	var n nearing
	for _, t := range soon {
		var m *matcher
		if p := x.preds[t.pred]; p != nil {
			m = p.matcher
		}
		n.approach(x, t.user, m)
	}
	x.neared += n.read()
}

// approachAll reads what a group needs, step by step, without waiting: what
// one step reads for all, the next one has at hand. It also reads the
// attributes into changes.
func (x *Index) approachAll(n *nearing, batch []Observation) {
	x.changes = x.changes[:0]
	for i := range batch {
		o := &batch[i]
		var m *matcher
		if o.Event != "" {
			if e := x.eventOf(o.Event); e != nil && len(e.matchers) > 0 {
				m = e.matchers[0]
			}
		}
		n.approach(x, o.User, m)
		if o.Attributes != nil && validTime(o.At) {
			x.readChanges(o.Attributes)
		}
		n.ends[i] = len(x.changes)
	}
	sum := n.read()
	for i, r := range n.rows[:n.n] {
		if r != nil && batch[i].Event != "" {
			sum += r.log.end()
		}
	}
	x.neared += sum
	if len(x.changes) == 0 {
		return
	}
	from := 0
	for i, r := range n.rows[:n.n] {
		if r != nil {
			x.approachNumbers(r, x.changes[from:n.ends[i]])
		}
		from = n.ends[i]
	}
	from = 0
	for i, r := range n.rows[:n.n] {
		if !anyCross(x.changes[from:n.ends[i]]) || r == nil {
			n.rows[i] = nil
		} else if r.rest != nil {
			x.neared += uint64(len(r.rest.truth))
		}
		from = n.ends[i]
	}
	for _, r := range n.rows[:n.n] {
		if r != nil {
			x.approachRules(r)
		}
	}
}

// end reads from where the next row comes to lie, if there is room for one.
func (s *stream) end() uint64 {
	if n := len(s.cells); n < cap(s.cells) {
		return s.cells[:n+1][n]
	} else if n > 0 {
		return s.cells[0] + s.cells[n-1]
	}
	return 0
}
