package profile

import (
	"cmp"
	"math"
	"slices"
)

// regroup makes each group one person. The groups hold all nodes of the
// persons they touch. Flipped are the nodes that became shared or ceased to
// be: what they came with may belong to somebody else now.
func (s *Store) regroup(groups []group, flipped []uint32) moved {
	g := &s.graph
	var touched []*person
	seen := map[*person]bool{nil: true}
	for _, gr := range groups {
		for _, n := range gr.nodes {
			if p := g.nodes[n].person; !seen[p] {
				seen[p] = true
				touched = append(touched, p)
			}
		}
	}
	slices.SortFunc(touched, func(a, b *person) int { return cmp.Compare(a.number, b.number) })
	if len(groups) == 1 && len(flipped) == 0 {
		return s.unite(groups[0], touched)
	}

	// Numbers are handed out in an order that depends on the keys alone, so that
	// a store that was written and read goes on with the same ones.
	for _, gr := range groups {
		slices.SortFunc(gr.nodes, g.stronger)
	}
	slices.SortFunc(groups, func(a, b group) int { return g.stronger(a.nodes[0], b.nodes[0]) })

	var m moved
	kept := map[*person]bool{}
	var fresh []*person
	for _, gr := range groups {
		if p := g.nodes[gr.nodes[0]].person; p != nil && len(p.nodes()) == len(gr.nodes) &&
			!slices.ContainsFunc(gr.nodes, func(n uint32) bool { return g.nodes[n].person != p }) {
			p.contest(gr.contested)
			kept[p] = true
			continue
		}
		fresh = append(fresh, newPerson(gr))
	}
	replaced := slices.DeleteFunc(touched, func(p *person) bool { return kept[p] })
	affected := map[uint32]bool{}
	pins := map[uint32][]uint32{} // by node
	m.before = map[uint32]map[string]any{}
	for _, p := range replaced {
		m.before[p.number] = s.attributesOf(p)
		for _, k := range p.sets() {
			affected[k] = true
		}
		for _, x := range p.pins() {
			pins[x.node] = append(pins[x.node], x.number)
		}
		s.forget(p)
		m.gone = append(m.gone, p.number)
	}
	for _, n := range flipped {
		for _, k := range g.nodes[n].sets {
			affected[k] = true
		}
	}
	for _, p := range fresh {
		s.found(p, pins, &m)
	}
	s.reassign(affected, fresh, &m)
	s.compareNumbers(replaced, fresh, &m)
	m.shown = append(m.shown, fresh...)
	s.relend(s.looseOf(flipped, true), never(), &m)
	for _, p := range m.shown {
		s.recount(p)
		s.indexConsents(p)
	}
	return m
}

// compareSets orders combinations by their keys.
func (g *identity) compareSets(a, b uint32) int {
	return slices.CompareFunc(g.sets[a].nodes, g.sets[b].nodes, g.stronger)
}

// found makes a group of nodes a person with a number.
func (s *Store) found(p *person, pins map[uint32][]uint32, m *moved) {
	g := &s.graph
	slices.SortFunc(p.nodes(), g.stronger)
	known := false
	for _, n := range p.nodes() {
		if g.nodes[n].person != nil {
			known = true
		}
		for _, number := range pins[n] {
			p.setPins(append(p.pins(), pin{number, n}))
		}
	}
	if len(p.pins()) == 0 {
		p.setPins([]pin{{s.nextNumber(), p.nodes()[0]}})
	}
	slices.SortFunc(p.pins(), func(a, b pin) int { return cmp.Compare(a.number, b.number) })
	p.number = p.pins()[0].number
	p.repin(p.nodes()[0])
	for _, n := range p.nodes() {
		g.nodes[n].person = p
	}
	for _, x := range p.pins() {
		s.people.put(x.number, p)
	}
	s.live.Add(p.number)
	if !known {
		m.fresh = append(m.fresh, p.number)
	}
}

// repin ties the person's number to its strongest key when no number is: the
// device that was seen first must not keep the number of the customer.
func (p *person) repin(top uint32) {
	if !slices.ContainsFunc(p.pins(), func(x pin) bool { return x.node == top }) {
		p.pins()[0].node = top
	}
}

// forget takes a person's numbers out of use, for others to take up.
func (s *Store) forget(p *person) {
	for _, x := range p.pins() {
		s.people.remove(x.number)
	}
	s.live.Remove(p.number)
	s.unindexConsents(p)
}

// reassign gives what came with the affected combinations to their owners.
func (s *Store) reassign(affected map[uint32]bool, fresh []*person, m *moved) {
	g := &s.graph
	order := make([]uint32, 0, len(affected))
	for k := range affected {
		order = append(order, k)
	}
	slices.SortFunc(order, g.compareSets)
	to := map[uint32]*person{}
	var losers, winners []*person
	loses, wins := map[*person]bool{}, map[*person]bool{}
	for _, k := range order {
		was, now := g.sets[k].owner, g.owner(k)
		if was == now || was == nil {
			continue
		}
		to[k] = now
		g.sets[k].owner = now
		now.ids = append(now.ids, k)
		if !loses[was] {
			loses[was] = true
			losers = append(losers, was)
		}
		if !wins[now] {
			wins[now] = true
			winners = append(winners, now)
		}
	}
	for _, p := range losers {
		if s.people.of(p.number) == p {
			s.expose(p, m)
		}
	}
	isFresh := make(map[*person]bool, len(fresh))
	for _, p := range fresh {
		isFresh[p] = true
	}
	for _, p := range winners {
		if !isFresh[p] {
			s.expose(p, m)
		}
	}
	for _, p := range losers {
		p.setSets(slices.DeleteFunc(p.sets(), func(k uint32) bool { return to[k] != nil && to[k] != p }))
		p.rows = slices.DeleteFunc(p.rows, func(r row) bool {
			q := to[r.set]
			if q == nil || q == p {
				return false
			}
			q.rows = append(q.rows, r)
			return true
		})
		p.setCells(slices.DeleteFunc(p.cells(), func(c cell) bool {
			q := to[c.set]
			if q == nil || q == p {
				return false
			}
			q.setCells(append(q.cells(), c))
			return true
		}))
		p.setConsents(slices.DeleteFunc(p.consents(), func(c consent) bool {
			q := to[c.set]
			if q == nil || q == p {
				return false
			}
			q.setConsents(append(q.consents(), c))
			return true
		}))
		p.setTags(slices.DeleteFunc(p.tags(), func(t tagging) bool {
			q := to[t.set]
			if q == nil || q == p {
				return false
			}
			q.setTags(append(q.tags(), t))
			return true
		}))
	}
	for _, p := range winners {
		s.order(p)
	}
}

// expose notes that the content of a person, who stays, is about to change.
func (s *Store) expose(p *person, m *moved) {
	if m.exposed[p] {
		return
	}
	if m.exposed == nil {
		m.exposed = map[*person]bool{}
	}
	if m.before == nil {
		m.before = map[uint32]map[string]any{}
	}
	m.exposed[p] = true
	m.before[p.number] = s.attributesOf(p)
	s.unindexConsents(p)
	m.gone = append(m.gone, p.number)
	m.shown = append(m.shown, p)
}

// order puts a person's statements in their order, drops what was said twice
// and reports whether an event was.
func (s *Store) order(p *person) bool {
	slices.SortFunc(p.rows, s.log.compareRows)
	n := len(p.rows)
	kept := p.rows[:0]
	for _, r := range p.rows {
		if k := len(kept); k > 0 && s.log.compareRows(kept[k-1], r) == 0 {
			s.log.drop(r.pos())
			continue
		}
		kept = append(kept, r)
	}
	p.rows = kept
	slices.SortFunc(p.cells(), func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.set, b.set))
	})
	slices.SortFunc(p.consents(), consent.compare)
	p.setConsents(slices.CompactFunc(p.consents(), func(a, b consent) bool { return a == b }))
	p.orderTags()
	s.noteOldest(p)
	s.retained -= n - len(p.rows)
	if n > len(p.rows) {
		clear(s.graph.lending.visits)
	}
	return len(p.rows) < n
}

// compareNumbers tells merges and splits from the numbers before and after.
func (s *Store) compareNumbers(replaced, fresh []*person, m *moved) {
	was := map[uint32]bool{}
	for _, p := range replaced {
		was[p.number] = true
		if now := s.people.of(p.number); now != nil && now.number != p.number {
			m.merged = append(m.merged, p.number)
		}
	}
	for _, p := range fresh {
		if !was[p.number] && !slices.Contains(m.fresh, p.number) {
			m.split = append(m.split, p.number)
		}
	}
	slices.Sort(m.split)
	s.stats.Merges += uint64(len(m.merged))
	s.stats.Splits += uint64(len(m.split))
}

// unite folds persons, and nodes that nobody has, into the person with the
// smallest number.
func (s *Store) unite(gr group, touched []*person) moved {
	g := &s.graph
	var m moved
	if len(touched) == 0 {
		p := newPerson(gr)
		s.found(p, nil, &m)
		return m
	}
	p := touched[0]
	if len(touched) > 1 {
		m.before = map[uint32]map[string]any{p.number: s.attributesOf(p)}
	}
	p.contest(gr.contested)
	newest := false
	top := p.nodes()[0]
	for _, n := range gr.nodes {
		if g.nodes[n].person == nil {
			g.nodes[n].person = p
			p.setNodes(append(p.nodes(), n))
			if g.stronger(n, top) < 0 {
				top, newest = n, true
			}
		}
	}
	for _, q := range touched[1:] {
		if g.stronger(q.nodes()[0], top) < 0 {
			newest = false
		}
		s.absorb(p, q)
		m.renamed = append(m.renamed, [2]uint32{q.number, p.number})
		m.merged = append(m.merged, q.number)
	}
	s.stats.Merges += uint64(len(m.merged))
	slices.SortFunc(p.nodes(), g.stronger)
	if newest {
		p.repin(top)
	}
	if len(m.merged) > 0 {
		s.indexConsents(p)
	}
	return m
}

// absorb gives all that q has to p.
func (s *Store) absorb(p, q *person) {
	g := &s.graph
	s.forget(q)
	for _, n := range q.nodes() {
		g.nodes[n].person = p
	}
	p.setNodes(append(p.nodes(), q.nodes()...))
	for _, k := range q.sets() {
		g.sets[k].owner = p
	}
	p.setSets(append(p.sets(), q.sets()...))
	p.setPins(append(p.pins(), q.pins()...))
	slices.SortFunc(p.pins(), func(a, b pin) int { return cmp.Compare(a.number, b.number) })
	for _, x := range q.pins() {
		s.people.put(x.number, p)
	}
	p.rows = append(p.rows, q.rows...)
	p.setCells(append(p.cells(), q.cells()...))
	p.setConsents(append(p.consents(), q.consents()...))
	p.setTags(append(p.tags(), q.tags()...))
	if s.order(p) {
		s.recount(p)
		return
	}
	s.retag(p, p.lastSaid())
	for i := range q.traits() {
		o := &q.traits()[i]
		if c := p.cell(int(o.trait)); c != nil {
			c.merge(s.opts.Traits[o.trait].Kind, o)
		} else {
			p.addCell(*o)
		}
	}
	for i := range q.windows() {
		o := &q.windows()[i]
		if s.opts.Traits[o.trait].Kind == Tags {
			w := p.window(int(o.trait))
			if w == nil {
				w = p.newWindow(int(o.trait))
			}
			if w.stamp = w.stamp.latest(o.stamp); w.stamp != (packed{}) {
				w.stamp = pack(w.stamp.instant().next())
			}
			continue
		}
		for k, at := range o.times {
			s.enter(p, int(o.trait), o.valueOf(k), at.instant(), false)
		}
		w := p.window(int(o.trait))
		if w == nil {
			w = p.newWindow(int(o.trait))
		}
		if o.value != nil && w.value == nil {
			s.slide(p, w)
		}
		w.stamp = w.stamp.latest(o.stamp)
		switch {
		case w.stamp != packed{}:
			w.stamp = pack(w.stamp.instant().next())
		case w.value != nil:
			// Neither side had a value: it comes from there being two.
			w.stamp = w.times[max(w.inside, 1)-1]
		}
	}
}

// nextNumber hands out a number of this shard. Enroll has made sure that
// there is one.
func (s *Store) nextNumber() uint32 {
	n := uint32(s.next)
	s.next += uint64(s.opts.Shards)
	return n
}

// left returns how many numbers of this shard have not been handed out.
func (s *Store) left() uint64 {
	if s.next > math.MaxUint32 {
		return 0
	}
	return (math.MaxUint32-s.next)/uint64(s.opts.Shards) + 1
}

// attributesOf returns the attributes and computed traits of a person.
func (s *Store) attributesOf(p *person) map[string]any {
	out := make(map[string]any, len(p.cells())+len(p.traits())+len(p.windows()))
	s.eachAttribute(p, func(name string, v any) { out[name] = v })
	return out
}

// eachAttribute calls f with the attributes and computed traits of a person,
// each once.
func (s *Store) eachAttribute(p *person, f func(name string, v any)) {
	cells := p.cells()
	for i := 0; i < len(cells); {
		w := &cells[i]
		for i++; i < len(cells) && cells[i].name == w.name; i++ {
			if c := &cells[i]; !w.newer(c.at, c.value) {
				w = c
			}
		}
		if w.value != nil {
			f(s.attributes.Name(w.name), w.value)
		}
	}
	for i := range p.traits() {
		if c := &p.traits()[i]; c.value != nil {
			f(s.opts.Traits[c.trait].Name, c.value)
		}
	}
	for i := range p.windows() {
		if w := &p.windows()[i]; w.value != nil {
			f(s.opts.Traits[w.trait].Name, w.value)
		}
	}
}
