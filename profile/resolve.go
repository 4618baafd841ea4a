package profile

import (
	"slices"
)

// moved is what a change of identity did to persons: numbers folded into
// others and persons whose content changed otherwise. Views follow it.
type moved struct {
	fresh   []uint32                  // numbers of persons nobody knew before
	renamed [][2]uint32               // from, to: all that from had is to's, and nothing else changed
	gone    []uint32                  // numbers whose content changed otherwise
	shown   []*person                 // those who have that content now
	exposed map[*person]bool          // those of shown who were there before
	merged  []uint32                  // numbers that were somebody and lead to another number now
	split   []uint32                  // numbers that stand on their own since
	before  map[uint32]map[string]any // the attributes of those numbers before
}

// enroll finds the combination of an event's keys, entering it if it is new,
// and brings the persons up to date.
func (s *Store) enroll(nodes []uint32, c *cleaned) (uint32, moved) {
	g := &s.graph
	slices.SortFunc(nodes, g.stronger)
	nodes = slices.Compact(nodes)
	if k, ok := g.set(nodes); ok {
		set := &g.sets[k]
		when := pack(c.at)
		if set.last.before(when) || !set.seen() {
			set.last = when
		}
		if set.seen() && set.first.before(when) {
			return k, moved{}
		}
		if o := s.origin(c); !set.seen() || g.precedes(when, o, set) {
			set.first = when
			g.see(set, o)
			switch {
			case g.spans:
				return k, s.resettle(nodes)
			case slices.ContainsFunc(nodes, func(n uint32) bool { return g.dated(g.nodes[n].person) }):
				return k, s.regroup(g.partition(nodes), nil)
			}
		}
		return k, moved{}
	}
	k := g.addSet(nodes, c.at, s.origin(c))
	m := s.settle(nodes, k)
	if g.sets[k].owner == nil {
		s.own(g.owner(k), k)
	}
	return k, m
}

// resettle is settle where limits have windows: keys that came to be older
// than was known may be nearer to others or further away.
func (s *Store) resettle(nodes []uint32) moved {
	g := &s.graph
	starts := slices.Clone(nodes)
	var flipped []uint32
	for _, n := range nodes {
		if g.refresh(n) {
			flipped = append(flipped, n)
			g.neighbours(n, func(m, _ uint32) { starts = append(starts, m) })
		}
	}
	return s.regroup(g.partition(starts), flipped)
}

// settle brings the persons up to date after a new combination.
func (s *Store) settle(nodes []uint32, k uint32) moved {
	g := &s.graph
	if g.spans {
		return s.resettle(nodes)
	}
	if len(nodes) == 1 {
		if p := g.nodes[nodes[0]].person; p != nil {
			if g.dated(p) {
				return s.regroup(g.partition(nodes), nil)
			}
			return moved{}
		}
		return s.regroup([]group{{nodes: slices.Clone(nodes)}}, nil)
	}
	var flipped, starts []uint32
	for _, n := range nodes {
		if !g.nodes[n].shared && g.refresh(n) {
			flipped = append(flipped, n)
			g.neighbours(n, func(m, _ uint32) { starts = append(starts, m) })
		}
	}
	starts = append(starts, nodes...)
	if len(flipped) == 0 {
		if m, ok := s.join(nodes, g.sets[k].first); ok {
			return m
		}
	}
	return s.regroup(g.partition(starts), flipped)
}

// join is the common case of a new combination: no key is shared and no
// limit is near, so that all of them are one person.
func (s *Store) join(nodes []uint32, first packed) (moved, bool) {
	g := &s.graph
	all := make([]uint32, 0, 8)
	var ps []*person
	for _, n := range nodes {
		nd := &g.nodes[n]
		switch {
		case nd.shared || nd.crowded:
			return moved{}, false
		case nd.person == nil:
			all = append(all, n)
		case nd.person.contested():
			return moved{}, false
		case !slices.Contains(ps, nd.person):
			ps = append(ps, nd.person)
			all = append(all, nd.person.nodes()...)
		}
	}
	if len(all) > g.maxMerges+1 {
		// New keys that come with one that was there before are no merge, and
		// leave the order of the others' links as it is.
		known := slices.DeleteFunc(slices.Clone(nodes), func(n uint32) bool { return g.nodes[n].person == nil })
		if len(known) != 1 || len(nodes) == 1 || !g.since(known[0]).before(first) {
			return moved{}, false
		}
	}
	if len(ps) == 1 && len(all) == len(ps[0].nodes()) {
		return moved{}, true
	}
	if len(all) > g.maxKeys || !g.within(all) {
		return moved{}, false
	}
	return s.regroup([]group{{nodes: all}}, nil), true
}

// own makes p the owner of a combination that has none.
func (s *Store) own(p *person, k uint32) {
	s.graph.sets[k].owner = p
	p.ids = append(p.ids, k)
}
