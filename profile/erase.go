package profile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Receipt says what an erasure reached.
type Receipt struct {
	// User is the number of the person, and Numbers all that led to it.
	User    uint32
	Numbers []uint32
	// Keys, Events, Attributes, Consents and Tags count what was removed: every
	// statement that came with one of the person's keys.
	Keys, Events, Attributes, Consents, Tags int
	// Others are persons who lost events that named a key of the erased one.
	Others []uint32
	// Views are the attached views that forgot the person, Detached those
	// that failed at it.
	Views, Detached []string
	// Reached are the structures from which the person is gone.
	Reached []string
	// Shredded reports that the keys are destroyed that sealed what the journal
	// of a store of [Open] holds of the person: nobody can read it any more.
	// Otherwise they are destroyed when the next snapshot stands, because
	// others were linked with the person, or views are attached, whose state
	// is to be recovered exactly until then.
	Shredded bool
	// Remains says what files still hold the person, until [Store.Compact].
	Remains []string
	// NotReached says in words what an erasure does not reach.
	NotReached []string
}

// String tells in lines what was removed, from where, and what was not reached:
// all that the receipt holds but for the person's other numbers.
func (r Receipt) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "user %d, removed: keys %d, events %d, attributes %d, consents %d, tags %d", r.User, r.Keys, r.Events, r.Attributes, r.Consents, r.Tags)
	line := func(what string, list []string) {
		if len(list) > 0 {
			fmt.Fprintf(&b, "\n  %s: %s", what, strings.Join(list, "; "))
		}
	}
	line("gone from", r.Reached)
	line("views", r.Views)
	line("views that failed", r.Detached)
	if len(r.Others) > 0 {
		fmt.Fprintf(&b, "\n  others who lost events: %d", len(r.Others))
	}
	line("in files until compacted", r.Remains)
	line("not reached", r.NotReached)
	return b.String()
}

// Erase forgets a person: everything is as if no event that names one of the
// person's keys had ever come. The identifiers stay known as keyed hashes
// only, by which events up to this instant, the later of the clock and the
// person's last event, are refused; later ones start a new person. Views
// forget the person too.
//
// In a store of [Open] the files hold the person until [Store.Compact], the
// snapshots in clear and the journal sealed with keys that go; the receipt
// says which.
//
// Errors: [ErrUser], [ErrClosed], a [*JournalError].
func (s *Store) Erase(user uint32) (Receipt, error) {
	v := eraseVerb{user: user}
	if err := s.run(&v); err != nil {
		return Receipt{}, err
	}
	v.r.Reached = []string{"identity graph", "events", "attributes, consents and tags", "computed traits", "dedupe window", "bot rules", "views"}
	if d := s.durable; d != nil {
		v.r.Shredded = len(v.doomed) == 0
		v.r.Remains = d.remains(v.r.Shredded)
	}
	return v.r, v.err
}

func (s *Store) eraseLocked(user uint32, until instant) (Receipt, error) {
	p := s.people.of(user)
	if p == nil {
		return Receipt{}, userError(user)
	}
	g := &s.graph
	r := Receipt{
		User: p.number,
		Keys: len(p.nodes()),
		NotReached: []string{
			"models fitted before",
			"exports and reports made before",
			"hashes of ids of messages that are no longer retained, within the dedupe window",
			"host records",
		},
	}
	for _, x := range p.pins() {
		r.Numbers = append(r.Numbers, x.number)
	}

	var m moved
	sets := s.setsOf(p.nodes())
	var others []*person
	var rest []uint32 // nodes of others in combinations with an erased key
	for k := range sets {
		set := &g.sets[k]
		if set.owner != p && !slices.Contains(others, set.owner) {
			others = append(others, set.owner)
		}
		for _, n := range set.nodes {
			if q := g.nodes[n].person; q != p {
				rest = append(rest, n)
				if !slices.Contains(others, q) {
					others = append(others, q)
				}
			}
		}
	}
	slices.SortFunc(rest, g.stronger)
	rest = slices.Compact(rest)
	slices.SortFunc(others, func(a, b *person) int { return cmp.Compare(a.number, b.number) })
	for _, q := range others {
		if s.loses(q, sets) {
			r.Others = append(r.Others, q.number)
			s.expose(q, &m)
		}
		s.strip(q, sets, &r)
	}
	s.forget(p)
	s.strip(p, sets, &r)
	m.gone = append(m.gone, p.number)
	order := slices.SortedFunc(maps.Keys(sets), g.compareSets)
	loans := slices.DeleteFunc(s.looseOf(rest, false), func(k uint32) bool { return sets[k] })
	for _, k := range order {
		g.removeSet(k)
	}
	s.unsettle(rest)
	s.relend(loans, never(), &m)
	for _, n := range p.nodes() {
		s.tombs.add(s.tombs.hash(g.key(n)), until)
		s.watched.forget(g.key(n))
		g.removeNode(n)
	}
	s.dissolve(rest, others, &m)
	for _, q := range m.shown {
		if s.people.of(q.number) == q {
			s.recount(q)
			s.indexConsents(q)
		}
	}
	m.shown = slices.DeleteFunc(m.shown, func(q *person) bool { return s.people.of(q.number) != q })
	views := make([]string, 0, len(s.views))
	for _, w := range s.views {
		views = append(views, w.name)
	}
	s.follow(&m)
	s.compact()
	s.scrub()
	s.seq++
	r.Detached = s.detached
	r.Views = slices.DeleteFunc(views, func(v string) bool { return slices.Contains(r.Detached, v) })
	return r, nil
}

// scrub clears the writer's scratch space, which may hold the last event.
func (s *Store) scrub() {
	s.release()
	clear(s.spare)
	clear(s.changed)
	clear(s.stated)
	clear(s.told)
	s.texts, s.agents = nil, nil
	clear(s.keys[:cap(s.keys)])
	clear(s.names[:cap(s.names)])
	clear(s.log.scratch[:cap(s.log.scratch)])
	s.traitsChanged = nil
	s.read, s.tally = decoded{}, computed{}
}

// setsOf returns the combinations in which any of the nodes occurs.
func (s *Store) setsOf(nodes []uint32) map[uint32]bool {
	out := make(map[uint32]bool)
	for _, n := range nodes {
		for _, k := range s.graph.nodes[n].sets {
			out[k] = true
		}
	}
	return out
}

// loses reports whether a person owns one of the combinations.
func (s *Store) loses(p *person, sets map[uint32]bool) bool {
	return slices.ContainsFunc(p.sets(), func(k uint32) bool { return sets[k] })
}

// strip takes what came with the combinations from a person.
func (s *Store) strip(p *person, sets map[uint32]bool, r *Receipt) {
	n := len(p.rows)
	p.rows = slices.DeleteFunc(p.rows, func(x row) bool {
		if sets[x.set] {
			s.seen.forget(string(s.log.id(x.pos())))
			s.log.drop(x.pos())
			return true
		}
		return false
	})
	r.Events += n - len(p.rows)
	s.retained -= n - len(p.rows)
	n = len(p.cells())
	p.setCells(slices.DeleteFunc(p.cells(), func(c cell) bool { return sets[c.set] }))
	r.Attributes += n - len(p.cells())
	n = len(p.consents())
	p.setConsents(slices.DeleteFunc(p.consents(), func(c consent) bool { return sets[c.set] }))
	r.Consents += n - len(p.consents())
	n = len(p.tags())
	p.setTags(slices.DeleteFunc(p.tags(), func(t tagging) bool { return sets[t.set] }))
	r.Tags += n - len(p.tags())
	p.setSets(slices.DeleteFunc(p.sets(), func(k uint32) bool { return sets[k] }))
}

// dissolve brings the graph up to date after combinations with these nodes
// were removed: a node that occurs in none is nobody's any more.
func (s *Store) dissolve(nodes []uint32, persons []*person, m *moved) {
	g := &s.graph
	var left, flipped []uint32
	for _, n := range nodes {
		if len(g.nodes[n].sets) > 0 {
			left = append(left, n)
			continue
		}
		p := g.nodes[n].person
		p.setNodes(slices.DeleteFunc(p.nodes(), func(x uint32) bool { return x == n }))
		if len(p.nodes()) == 0 {
			s.forget(p)
			if !slices.Contains(m.gone, p.number) {
				m.gone = append(m.gone, p.number)
			}
		} else {
			for i := range p.pins() {
				if p.pins()[i].node == n {
					p.pins()[i].node = p.nodes()[0]
				}
			}
		}
		g.removeNode(n)
	}
	starts := slices.Clone(left)
	for _, n := range left {
		if g.refresh(n) {
			flipped = append(flipped, n)
			g.neighbours(n, func(o, _ uint32) { starts = append(starts, o) })
		}
	}
	if len(starts) == 0 {
		return
	}
	after := s.regroup(g.partition(starts), flipped)
	for n, a := range after.before {
		if m.before == nil {
			m.before = make(map[uint32]map[string]any)
		}
		if _, ok := m.before[n]; !ok {
			m.before[n] = a
		}
	}
	// A rename is not only that here, since both sides may have lost events.
	for _, x := range after.renamed {
		after.gone = append(after.gone, x[0], x[1])
		after.shown = append(after.shown, s.people.of(x[1]))
	}
	for _, n := range after.gone {
		if !slices.Contains(m.gone, n) {
			m.gone = append(m.gone, n)
		}
	}
	for _, p := range after.shown {
		if !slices.Contains(m.shown, p) {
			m.shown = append(m.shown, p)
		}
	}
	m.fresh = after.fresh
}
