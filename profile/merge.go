package profile

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Merge adds what another store holds, as if its events had come to this one,
// and tells which of the numbers that both handed out lead to another now, so
// that the host can rename in its views. The other store is not changed.
//
// Both need the same options but for distinct Shard of equal Shards, and no
// attached views. Erased persons stay erased: each store's refusals apply to
// what the other holds, but not to what it restored itself with [Store.Import].
// Records of the other are added where this one has none.
//
// In the files of a store of [Open], what is forgotten here because it was
// erased there is like what [Store.Erase] forgets of a person with links: the
// journal can no longer be read about it when the next snapshot stands, and it
// is physically gone after [Store.Compact].
//
// In a store of [Open] the merge is one transaction, which holds the other's
// bytes: at most 256 MiB of them, as [Store.AppendBinary] writes them, else
// [ErrTooLarge], which changes nothing. They are in memory twice meanwhile.
//
// Errors: [ErrMerge], [ErrTooLarge], [ErrClosed], a [*JournalError].
func (s *Store) Merge(other *Store) (renamed map[uint32]uint32, err error) {
	if s == other || other == nil {
		return nil, fmt.Errorf("%w: not two stores", ErrMerge)
	}
	if s.opts.Shards != other.opts.Shards || s.opts.Shard == other.opts.Shard {
		return nil, fmt.Errorf("%w: shard %d of %d and %d of %d", ErrMerge,
			s.opts.Shard, s.opts.Shards, other.opts.Shard, other.opts.Shards)
	}
	if s.durable != nil {
		return s.mergeDurable(other)
	}
	// The lower shard is locked first, whichever is the receiver.
	if s.opts.Shard < other.opts.Shard {
		s.mu.Lock()
		other.mu.RLock()
	} else {
		other.mu.RLock()
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	defer other.mu.RUnlock()
	if s.closed || other.closed {
		return nil, ErrClosed
	}
	v := mergeVerb{other: other}
	if _, err := v.prepare(s); err != nil {
		return nil, err
	}
	v.apply(s, 0)
	return v.renamed, v.err
}

// mergeable says why another store cannot be merged, one with attached views
// among them.
func (s *Store) mergeable(o *Store, attached bool) error {
	a, b := &s.opts, &o.opts
	var why string
	switch {
	case slices.ContainsFunc(s.views, isAttached) || attached:
		why = "views are attached"
	case !bytes.Equal(a.Secret, b.Secret):
		why = "other Secret"
	case !slices.Equal(a.Priority, b.Priority):
		why = "other Priority"
	case !maps.Equal(a.Limits, b.Limits):
		why = "other Limits"
	case a.MaxPersonKeys != b.MaxPersonKeys || a.MaxKeyLinks != b.MaxKeyLinks || a.MaxMerges != b.MaxMerges:
		why = "other MaxPersonKeys, MaxKeyLinks or MaxMerges"
	case !maps.Equal(a.LimitWindows, b.LimitWindows):
		why = "other LimitWindows"
	case a.DedupeEvents != b.DedupeEvents || a.DedupeError != b.DedupeError:
		why = "other DedupeEvents or DedupeError"
	case a.LastAccount != b.LastAccount || !slices.Equal(a.Resets, b.Resets):
		why = "other LastAccount or Resets"
	case a.Retain.Horizon != b.Retain.Horizon || !slices.Equal(a.Retain.Events, b.Retain.Events):
		why = "other Retain"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s", ErrMerge, why)
}

func (s *Store) merge(o *Store) (map[uint32]uint32, moved) {
	g := &s.graph
	current := make(map[uint32]bool)
	for _, x := range []*Store{s, o} {
		for _, n := range x.live.ToArray() {
			current[n] = true
		}
	}
	s.tick(o.clock, nil)
	s.bury(o)

	// Keys and combinations, with provisional persons for new keys.
	nodes := make(map[uint32]uint32)
	sets := make(map[uint32]uint32)
	var starts, raw []uint32
	for _, q := range o.persons() {
		for _, k := range q.sets() {
			if o.graph.isLoan(k) {
				continue
			}
			theirs := &o.graph.sets[k]
			if s.buried(&o.graph, theirs.nodes, theirs.last.instant()) {
				continue
			}
			raw = raw[:0]
			for _, n := range theirs.nodes {
				m, ok := nodes[n]
				if !ok {
					m = g.node(o.graph.key(n), &s.opts)
					nodes[n] = m
					starts = append(starts, m)
				}
				raw = append(raw, m)
			}
			mine, ok := g.set(raw)
			if !ok {
				mine = g.addSet(raw, theirs.first.instant(), o.graph.originOf(theirs))
				g.sets[mine].last = theirs.last
			} else {
				g.mergeSet(&g.sets[mine], theirs, o.graph.originOf(theirs))
			}
			sets[k] = mine
		}
	}
	for l, x := range o.graph.lending.loans {
		if k, ok := sets[x.base]; ok {
			sets[l] = k
		}
	}
	for _, q := range o.persons() {
		p := &person{}
		for _, n := range q.nodes() {
			if m, ok := nodes[n]; ok && g.nodes[m].person == nil {
				g.nodes[m].person = p
				p.setNodes(append(p.nodes(), m))
			}
		}
	}
	renamed, m := s.adopt(o, nodes, sets, starts, current)
	// What the other store holds in spite of them was restored there.
	for h, until := range o.tombs.until {
		s.tombs.add(h, until)
	}
	return renamed, m
}

// mergeSet takes another store's record of the same combination in.
func (g *identity) mergeSet(k, o *keyset, from origin) {
	if !o.seen() && !k.seen() {
		k.first, k.last = pack(earliestOf(k.first.instant(), o.first.instant())), k.last.latest(o.last)
		return
	}
	if !o.seen() {
		return
	}
	if !k.seen() {
		k.first, k.last = o.first, o.last
		g.see(k, from)
		return
	}
	if g.precedes(o.first, from, k) {
		k.first = o.first
		g.see(k, from)
	}
	if k.last.before(o.last) {
		k.last = o.last
	}
}

// adopt settles who is who after the other store's combinations were entered,
// and takes its statements in.
func (s *Store) adopt(o *Store, nodes, sets map[uint32]uint32, starts []uint32, current map[uint32]bool) (map[uint32]uint32, moved) {
	g := &s.graph
	// Numbers follow their keys; those of keys that are known here become
	// further numbers of whoever has the key.
	for _, q := range o.persons() {
		for _, x := range q.pins() {
			m, ok := nodes[x.node]
			if !ok {
				continue
			}
			p := g.nodes[m].person
			if _, known := s.people.lookup(x.number); known {
				continue
			}
			if s.next <= uint64(x.number) && uint64(x.number)%uint64(s.opts.Shards) == uint64(s.opts.Shard) {
				s.next = uint64(x.number) + uint64(s.opts.Shards)
			}
			p.setPins(append(p.pins(), pin{x.number, m}))
			slices.SortFunc(p.pins(), func(a, b pin) int { return cmp.Compare(a.number, b.number) })
			if p.number != 0 {
				s.live.Remove(p.number)
				s.unindexConsents(p)
			}
			p.number = p.pins()[0].number
			s.people.put(x.number, p)
			s.live.Add(p.number)
		}
	}
	// New keys of a person whose numbers all went to keys known here are
	// nobody's so far.
	for _, n := range starts {
		if p := g.nodes[n].person; p != nil && p.number == 0 {
			g.nodes[n].person = nil
		}
	}
	var flipped []uint32
	for _, n := range slices.Clone(starts) {
		cut := !g.nodes[n].cut && s.isCut(o, n)
		g.nodes[n].cut = g.nodes[n].cut || cut
		if g.refresh(n) || cut {
			flipped = append(flipped, n)
			g.neighbours(n, func(m, _ uint32) { starts = append(starts, m) })
		}
	}
	var m moved
	if len(starts) > 0 {
		m = s.regroup(g.partition(starts), flipped)
	}
	touched := make(map[*person]bool)
	for _, k := range sets {
		p := g.owner(k)
		if g.sets[k].owner == nil {
			s.own(p, k)
		}
	}
	s.adoptStatements(o, sets, touched)
	clear(g.lending.visits)
	for p := range touched {
		s.order(p)
	}
	s.relend(s.looseOf(starts, true), never(), &m)
	for _, p := range m.shown {
		touched[p] = true
	}
	for _, n := range starts {
		touched[g.nodes[n].person] = true
	}
	for p := range touched {
		s.order(p)
		s.recount(p)
		s.indexConsents(p)
	}
	s.seen.merge(&o.seen)
	for k, v := range o.records {
		if _, ok := s.records[k]; !ok {
			s.records[k] = slices.Clone(v)
		}
	}
	renamed := make(map[uint32]uint32)
	for n := range current {
		if p := s.people.of(n); p != nil && p.number != n {
			renamed[n] = p.number
		}
	}
	return renamed, m
}

// adoptStatements copies the other store's rows, attributes and consents.
func (s *Store) adoptStatements(o *Store, sets map[uint32]uint32, touched map[*person]bool) {
	var d decoded
	for _, q := range o.persons() {
		for _, r := range q.rows {
			k, ok := sets[r.set]
			if !ok || r.instant().sec < s.horizon() || s.buried(&o.graph, o.graph.sets[r.set].nodes, r.instant()) {
				continue
			}
			p := s.graph.sets[k].owner
			o.log.decode(r.pos(), &d)
			pos := s.log.put(s.log.encode(d.typ, d.id, d.name, d.fields))
			p.rows = append(p.rows, makeRow(r.instant(), k, pos))
			s.retained++
			touched[p] = true
		}
		for _, c := range q.cells() {
			k, ok := sets[c.set]
			if !ok || s.buried(&o.graph, o.graph.sets[c.set].nodes, c.at) {
				continue
			}
			p := s.graph.sets[k].owner
			p.state(s.attributes.ID(o.attributes.Name(c.name)), k, c.at, c.value)
			touched[p] = true
		}
		for _, c := range q.consents() {
			k, ok := sets[c.set]
			if !ok || s.buried(&o.graph, o.graph.sets[c.set].nodes, c.at) {
				continue
			}
			p := s.graph.sets[k].owner
			c.set = k
			p.setConsents(append(p.consents(), c))
			touched[p] = true
		}
		for _, t := range q.tags() {
			k, ok := sets[t.set]
			if !ok || s.buried(&o.graph, o.graph.sets[t.set].nodes, t.at) {
				continue
			}
			p := s.graph.sets[k].owner
			t.set = k
			p.setTags(append(p.tags(), t))
			touched[p] = true
		}
	}
}

// isCut reports whether the host took the key out of the other store's graph.
func (s *Store) isCut(o *Store, n uint32) bool {
	m, ok := o.graph.lookup(s.graph.key(n))
	return ok && o.graph.nodes[m].cut
}

// buried reports whether an event of these keys at that instant is refused
// here, by what was erased before the merge.
func (s *Store) buried(g *identity, nodes []uint32, at instant) bool {
	if len(s.tombs.until) == 0 {
		return false
	}
	return slices.ContainsFunc(nodes, func(n uint32) bool { return s.tombs.refuses(g.key(n), at) })
}

// burial is a key that was erased elsewhere, up to an instant.
type burial struct {
	node  uint32
	key   Key
	until instant
}

// bury drops what the other store refuses. The records of it in the journal
// hold what stays as well, which the next snapshot has: their keys go then.
func (s *Store) bury(o *Store) {
	if len(o.tombs.until) == 0 {
		return
	}
	g := &s.graph
	var list []burial
	for n := range g.nodes {
		if g.nodes[n].person == nil {
			continue
		}
		k := g.key(uint32(n))
		if until, ok := o.tombs.until[s.tombs.hash(k)]; ok {
			list = append(list, burial{uint32(n), k, until})
		}
	}
	slices.SortFunc(list, func(a, b burial) int {
		return cmp.Or(strings.Compare(a.key.Kind, b.key.Kind), strings.Compare(a.key.Value, b.key.Value))
	})
	var doomed []uint64
	for _, x := range list {
		if n, ok := g.lookup(x.key); ok && n == x.node {
			doomed = s.buryKey(&x, doomed)
		}
		s.watched.forget(x.key)
	}
	s.doom(doomed...)
}

// buryKey drops the statements that came with a key up to the instant at
// which it was erased elsewhere, and appends whose keys seal them. What comes
// with a combination that stays is sealed with another key from now on.
func (s *Store) buryKey(b *burial, doomed []uint64) []uint64 {
	g := &s.graph
	n := b.node
	refused := func(at instant) bool { return at.compare(b.until) <= 0 }
	var m moved
	var r Receipt
	gone, reached := make(map[uint32]bool), make(map[uint32]bool)
	var rest []uint32
	var losers []*person
	for _, set := range slices.Clone(g.nodes[n].sets) {
		x := &g.sets[set]
		if !slices.Contains(losers, x.owner) {
			losers = append(losers, x.owner)
		}
		rest = append(rest, x.nodes...)
		first, last := x.first.instant(), x.last.instant()
		if g.isLoan(set) {
			_, r := s.loanSpan(set)
			last = r.instant()
		}
		gone[set] = refused(last)
		reached[set] = refused(first)
	}
	slices.SortFunc(losers, func(a, b *person) int { return cmp.Compare(a.number, b.number) })
	for _, p := range losers {
		s.unindexConsents(p)
		s.strip(p, gone, &r)
		drops := func(set uint32, at instant) bool {
			if !slices.Contains(g.sets[set].nodes, n) || !refused(at) {
				return false
			}
			reached[g.base(set)] = true
			return true
		}
		p.rows = slices.DeleteFunc(p.rows, func(x row) bool {
			if !drops(x.set, x.instant()) {
				return false
			}
			s.seen.forget(string(s.log.id(x.pos())))
			s.log.drop(x.pos())
			s.retained--
			return true
		})
		p.setCells(slices.DeleteFunc(p.cells(), func(c cell) bool { return drops(c.set, c.at) }))
		p.setConsents(slices.DeleteFunc(p.consents(), func(c consent) bool { return drops(c.set, c.at) }))
		p.setTags(slices.DeleteFunc(p.tags(), func(t tagging) bool { return drops(t.set, t.at) }))
	}
	for _, set := range slices.Clone(g.nodes[n].sets) {
		x := &g.sets[set]
		if gone[set] || reached[set] {
			doomed = append(doomed, x.subject())
			x.setSubject(0)
		}
		if gone[set] {
			g.removeSet(set)
		} else if refused(x.first.instant()) {
			s.refirst(set)
		}
	}
	slices.SortFunc(rest, g.stronger)
	clear(g.lending.visits)
	// What was lent to an account that is no more comes back first.
	s.relend(slices.DeleteFunc(s.looseOf(rest, true), func(k uint32) bool { return gone[k] }), never(), &m)
	s.dissolve(slices.Compact(rest), losers, &m)
	left := s.settleLoans(s.looseOf(slices.DeleteFunc(slices.Clone(rest), func(n uint32) bool { return len(g.nodes[n].sets) == 0 }), true), never())
	losers = append(append(losers, m.shown...), left.shown...)
	for _, p := range losers {
		if s.people.of(p.number) == p {
			s.recount(p)
			s.indexConsents(p)
		}
	}
	return doomed
}

// refirst finds when a combination was first seen after its earliest events
// were refused, from what is retained of it.
func (s *Store) refirst(k uint32) {
	x := &s.graph.sets[k]
	x.first = x.last
	from := origin{id: seenAlone}
	for _, r := range s.unlent(x.owner) {
		if s.graph.base(r.set) == k {
			x.first, from = pack(r.instant()), s.originAt(r)
			break
		}
	}
	s.graph.see(x, from)
}
