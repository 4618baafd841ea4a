package segment

import (
	"slices"
	"sync/atomic"

	"github.com/zhun-go/zhun/internal/ids"
)

// predicate is one condition that rules share: equal keys are one predicate.
// Each user's row holds its truth, kept up to date by the dependency index:
// a changed attribute reaches only the predicates between its old and its new
// value, an event only those that read it, the clock only those whose timer
// is due.
type predicate struct {
	id        uint32
	audiences []*audience
	mark      uint64 // the step in which it was evaluated last
	eval      func(*scan) bool
	key       string
	deps      deps

	shape   *shape    // a comparison of an attribute with constants
	date    *dateRule // or with an instant that moves
	moment  *moment   // or with one that is the same for all
	count   *list     // at least least rows
	least   int
	filter  string   // key of the count's filter
	matcher *matcher // whose rings answer the count

	machine bool // evaluated by expr's own machine
	cut     bool // of a number: known by its place among the cuts
	blank   bool // truth for a user of whom nothing is known
	moving  bool // blank may change with the clock
}

// attribute is a name of the schema and what depends on it.
type attribute struct {
	id   uint32
	name string
	kind Kind

	cuts   cuts                     // thresholds of numeric predicates
	equals map[float64][]*predicate // by number
	texts  map[string][]*predicate  // by string
	exists []*predicate             // == nil
	others []*predicate             // evaluated at every change
	dates  *dates                   // nil without rules about dates

	column atomic.Pointer[column] // nil until a question needs it
	kept   atomic.Pointer[keeper] // nil until a question looked at many users
}

// index makes the predicate known to what it depends on.
func (x *Index) index(p *predicate) {
	if p.date != nil {
		x.addDate(p)
		return
	}
	if s := p.shape; s != nil {
		a := s.attr
		switch {
		case s.op == "nil":
			a.exists = append(a.exists, p)
			return
		case a.kind == Number && s.op != "in" && s.op != "==":
			a.cuts.add(p, s.op, s.num)
			p.cut = true
			return
		case a.kind == Number && s.op == "==":
			a.addNumbers(p, []float64{s.num})
			return
		case a.kind == Number && s.op == "in":
			a.addNumbers(p, s.nums)
			return
		case a.kind == String && s.op == "in":
			for _, t := range s.strs {
				if a.texts == nil {
					a.texts = make(map[string][]*predicate)
				}
				a.texts[t] = append(a.texts[t], p)
			}
			return
		}
	}
	for _, id := range p.deps.attrList() {
		x.attrs[id].others = append(x.attrs[id].others, p)
	}
	for _, id := range p.deps.eventList() {
		e := x.events[id]
		if p.count == nil {
			e.others = append(e.others, p)
			continue
		}
		m := e.matcher(p.filter)
		if m == nil {
			m = x.newMatcher(p.filter, p.count.filter)
			e.matchers = append(e.matchers, m)
		}
		m.preds = append(m.preds, p)
		if m.pure && p.least <= maxRing {
			p.matcher = m
			if p.least >= m.stride {
				m.stride = p.least + 1
				x.remake(m, e)
			}
		}
	}
}

// matcher is the rows of an event for which a filter holds, and the
// predicates that count them.
type matcher struct {
	id     int
	stride int // words of a ring, 0 without rings
	pure   bool
	filter *node // nil: all rows
	preds  []*predicate
	key    string
}

// newMatcher numbers a matcher.
func (x *Index) newMatcher(key string, filter *node) *matcher {
	m := &matcher{id: slices.Index(x.matchers, nil), key: key, filter: filter}
	m.pure = filter == nil || filter.deps.pure()
	if m.id < 0 {
		m.id = len(x.matchers)
		x.matchers = append(x.matchers, nil)
	}
	x.matchers[m.id] = m
	return m
}

func (e *eventType) matcher(key string) *matcher {
	for _, m := range e.matchers {
		if m.key == key {
			return m
		}
	}
	return nil
}

func without(list []*predicate, p *predicate) []*predicate {
	return slices.DeleteFunc(list, func(q *predicate) bool { return q == p })
}

func (a *attribute) addNumbers(p *predicate, nums []float64) {
	if a.equals == nil {
		a.equals = make(map[float64][]*predicate)
	}
	for _, v := range nums {
		a.equals[v] = append(a.equals[v], p)
	}
}

// unindex is the opposite of index.
func (x *Index) unindex(p *predicate) {
	if p.date != nil {
		x.dropDate(p)
		return
	}
	for _, id := range p.deps.attrList() {
		a := x.attrs[id]
		a.exists, a.others = without(a.exists, p), without(a.others, p)
		a.cuts.drop(p)
		if s := p.shape; s != nil {
			for _, v := range append(slices.Clone(s.nums), s.num) {
				dropKey(a.equals, v, p)
			}
			for _, t := range s.strs {
				dropKey(a.texts, t, p)
			}
		}
	}
	for _, id := range p.deps.eventList() {
		e := x.events[id]
		e.others = without(e.others, p)
		for _, m := range e.matchers {
			if m.preds = without(m.preds, p); len(m.preds) == 0 {
				m.stride = 0
				x.remake(m, e)
				x.matchers[m.id] = nil
			}
		}
		e.matchers = slices.DeleteFunc(e.matchers, func(m *matcher) bool { return len(m.preds) == 0 })
	}
}

func dropKey[K comparable](m map[K][]*predicate, k K, p *predicate) {
	list := without(m[k], p)
	if len(list) == 0 {
		delete(m, k)
		return
	}
	m[k] = list
}

// intern replaces the predicates of a new formula with the ones that are
// already known, and numbers and indexes the rest, which it returns.
func (x *Index) intern(f *formula) (fresh []*predicate) {
	f.walk(func(f *formula) {
		if f.op != opLeaf {
			return
		}
		if p, ok := x.predByKey[f.pred.key]; ok {
			f.pred = p
			return
		}
		p := f.pred
		if n := len(x.freePreds); n > 0 {
			p.id = x.freePreds[n-1]
			x.freePreds = x.freePreds[:n-1]
			x.preds[p.id] = p
		} else {
			p.id = uint32(len(x.preds))
			x.preds = append(x.preds, p)
		}
		x.predByKey[p.key] = p
		x.index(p)
		x.judgeBlank(p)
		fresh = append(fresh, p)
	})
	return fresh
}

// judgeBlank finds the truth of a predicate for a user of whom nothing is
// known, and whether that depends on the clock.
func (x *Index) judgeBlank(p *predicate) {
	c := &scan{x: x, r: &row{}, now: x.second(), until: never}
	p.blank = p.eval(c)
	p.moving = p.deps.clock && p.date == nil
	x.blank.set(p.id, p.blank && !p.moving)
	if p.moving {
		x.moving = append(x.moving, p)
	}
}

// drop forgets a predicate that no audience uses any more.
func (x *Index) drop(p *predicate) {
	x.unindex(p)
	delete(x.predByKey, p.key)
	x.preds[p.id] = nil
	x.freePreds = append(x.freePreds, p.id)
	x.blank.set(p.id, false)
	x.moving = slices.DeleteFunc(x.moving, func(q *predicate) bool { return q == p })
	for r := range x.table.all() {
		r.setTruth(p.id, false)
		r.forget(p.id)
	}
}

// newAttribute numbers an attribute.
func (x *Index) newAttribute(name string, kind Kind) *attribute {
	a := &attribute{id: uint32(len(x.attrs)), name: name, kind: kind}
	x.circuit.Store(nil)
	x.attrs = append(x.attrs, a)
	x.attrByName[name] = a
	return a
}

// newEvent numbers an event.
func (x *Index) newEvent(name string, schema Schema) *eventType {
	e := newEventType(uint32(len(x.events)), name, schema, x.opts.Dynamic)
	x.events = append(x.events, e)
	x.eventByName[name] = e
	return e
}

func (x *Index) attrNames() []string {
	names := make([]string, len(x.attrs))
	for i, a := range x.attrs {
		names[i] = a.name
	}
	return names
}

func (x *Index) eventNames() []string {
	names := make([]string, len(x.events))
	for i, e := range x.events {
		names[i] = e.name
	}
	slices.SortFunc(names, ids.Compare)
	return names
}
