package profile

import (
	"slices"
	"strings"
	"time"
)

// Events that carry only keys that are shared belong to the shared key's own
// profile. With Options.LastAccount they are lent to the account that was last
// seen with the key within that time: the latest retained event before it, by
// time, then id, that names the key with an account, or one of
// Options.Resets, which ends the account's stay.
//
// Whose such an event is, is thus a function of the retained events like all
// of identity. In the graph a loan is a combination of its own, with the keys
// of the one it is for, that the account's person owns. It exists as long as
// it has events. Only what was done is lent: what identify and consent events
// state without an account stays with the shared key.

// loan says whom a combination is lent to.
type loan struct {
	base    uint32 // the combination that the events came with
	account uint32 // the key of whoever has them now
}

// lending is the part of the graph that is about loans, empty unless
// Options.LastAccount is set.
type lending struct {
	window time.Duration
	resets map[string]bool
	loans  map[uint32]loan     // by combination
	lent   map[uint32][]uint32 // the loans of a combination
	loose  map[uint32][]uint32 // the combinations without an account that a key occurs in
	visits map[uint32][]visit  // by key, a cache of what the retained events say
}

// visit is an event that named a key with an account, or a reset.
type visit struct {
	row
	reset bool
}

func (x *lending) init(o *Options) {
	if x.window = o.LastAccount; x.window == 0 {
		return
	}
	x.resets = make(map[string]bool)
	for _, e := range o.Resets {
		x.resets[currentName(e)] = true
	}
	x.loans, x.lent = make(map[uint32]loan), make(map[uint32][]uint32)
	x.loose, x.visits = make(map[uint32][]uint32), make(map[uint32][]visit)
}

// anonymous reports whether none of the keys is an account.
func (g *identity) anonymous(nodes []uint32) bool {
	return !slices.ContainsFunc(nodes, func(n uint32) bool { return g.kinds[g.nodes[n].kind].limit > 0 })
}

// noteLoose enters a new combination among those whose events may be lent.
func (g *identity) noteLoose(k uint32) {
	if g.lending.window > 0 && g.anonymous(g.sets[k].nodes) {
		for _, n := range g.sets[k].nodes {
			g.lending.loose[n] = append(g.lending.loose[n], k)
		}
	}
}

// dropLoose is called when a combination leaves the graph, and reports whether
// it is a loan.
func (g *identity) dropLoose(k uint32) bool {
	x := &g.lending
	if x.window == 0 {
		return false
	}
	without := func(m map[uint32][]uint32, at uint32) {
		if rest := slices.DeleteFunc(m[at], func(y uint32) bool { return y == k }); len(rest) > 0 {
			m[at] = rest
		} else {
			delete(m, at)
		}
	}
	if l, ok := x.loans[k]; ok {
		delete(x.loans, k)
		without(x.lent, l.base)
		return true
	}
	for _, n := range g.sets[k].nodes {
		without(x.loose, n)
	}
	return false
}

// base returns the combination that the events of one came with.
func (g *identity) base(k uint32) uint32 {
	if l, ok := g.lending.loans[k]; ok {
		return l.base
	}
	return k
}

func (g *identity) isLoan(k uint32) bool {
	if len(g.lending.loans) == 0 {
		return false
	}
	_, ok := g.lending.loans[k]
	return ok
}

// lendable reports whether the events of a combination may be lent now.
func (g *identity) lendable(k uint32) bool {
	return g.anonymous(g.sets[k].nodes) &&
		!slices.ContainsFunc(g.sets[k].nodes, func(n uint32) bool { return !g.nodes[n].shared || g.nodes[n].cut })
}

// account returns the account that a combination is about.
func (g *identity) account(k uint32) (uint32, bool) {
	for _, n := range g.sets[k].nodes {
		if nd := &g.nodes[n]; !nd.shared || nd.cut {
			return n, g.kinds[nd.kind].limit > 0
		}
	}
	return 0, false
}

// visitsOf returns who was seen with a key, by time, then id.
func (s *Store) visitsOf(n uint32) []visit {
	g := &s.graph
	if v, ok := g.lending.visits[n]; ok {
		return v
	}
	var out []visit
	owners := make(map[*person]bool)
	for _, k := range g.nodes[n].sets {
		if p := g.sets[k].owner; p != nil && !owners[p] {
			owners[p] = true
			for _, r := range p.rows {
				if v, ok := s.visit(n, r); ok {
					out = append(out, v)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b visit) int { return s.log.compareRows(a.row, b.row) })
	g.lending.visits[n] = out
	return out
}

// visit reports whether an event says who is at a key.
func (s *Store) visit(n uint32, r row) (visit, bool) {
	g := &s.graph
	nodes := g.sets[r.set].nodes
	if !slices.Contains(nodes, n) {
		return visit{}, false
	}
	reset := len(g.lending.resets) > 0 && g.lending.resets[s.log.viewName(r.pos())]
	return visit{r, reset}, reset || !g.anonymous(nodes)
}

// sawVisit brings what is known of a combination's keys up to date after an
// event came with it.
func (s *Store) sawVisit(r row) {
	g := &s.graph
	for _, n := range g.sets[r.set].nodes {
		if list, ok := g.lending.visits[n]; ok {
			if v, yes := s.visit(n, r); yes {
				i, _ := slices.BinarySearchFunc(list, v, func(a, b visit) int { return s.log.compareRows(a.row, b.row) })
				g.lending.visits[n] = slices.Insert(list, i, v)
			}
		}
	}
}

// borrower returns the account that an event of a combination is lent to, if
// it is.
func (s *Store) borrower(k uint32, typ Type, at instant, id string) (uint32, bool) {
	g := &s.graph
	if g.lending.window == 0 || typ == Identify || typ == Consent || !g.lendable(k) {
		return 0, false
	}
	var last visit
	for _, n := range g.sets[k].nodes {
		list := s.visitsOf(n)
		i, _ := slices.BinarySearchFunc(list, at, func(v visit, at instant) int {
			if c := v.instant().compare(at); c != 0 {
				return c
			}
			return strings.Compare(string(s.log.id(v.pos())), id)
		})
		if i > 0 && (last == visit{} || s.log.compareRows(last.row, list[i-1].row) < 0) {
			last = list[i-1]
		}
	}
	if (last == visit{}) || last.reset || between(last.instant(), at) > g.lending.window {
		return 0, false
	}
	return g.account(last.set)
}

// lend returns the combination that an event of a combination is held with:
// that itself, or a loan of it.
func (s *Store) lend(k uint32, typ Type, at instant, id string) uint32 {
	g := &s.graph
	a, ok := s.borrower(k, typ, at, id)
	if !ok {
		return k
	}
	for _, l := range g.lending.lent[k] {
		if g.lending.loans[l].account == a {
			return l
		}
	}
	return g.addLoan(k, a)
}

// addLoan enters a loan of a combination.
func (g *identity) addLoan(k, account uint32) uint32 {
	nodes := g.sets[k].nodes
	fresh := keyset{nodes: nodes, owner: g.nodes[account].person, firstID: seenAlone}
	l := g.placeSet(fresh)
	for _, n := range nodes {
		g.nodes[n].sets = append(g.nodes[n].sets, l)
	}
	g.lending.loans[l] = loan{k, account}
	g.lending.lent[k] = append(g.lending.lent[k], l)
	fresh.owner.ids = append(fresh.owner.ids, l)
	return l
}

// looseOf returns the combinations whose events may be lent differently when
// these keys change: those that they occur in without an account, and those of
// the keys they are linked to.
func (s *Store) looseOf(nodes []uint32, linked bool) []uint32 {
	g := &s.graph
	if g.lending.window == 0 {
		return nil
	}
	var out []uint32
	for _, n := range nodes {
		out = append(out, g.lending.loose[n]...)
		if linked {
			for _, k := range g.nodes[n].sets {
				for _, m := range g.sets[k].nodes {
					out = append(out, g.lending.loose[m]...)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// loansAfter returns the combinations whose events after an instant may be
// lent differently when an event comes with this one.
func (s *Store) loansAfter(set uint32, at instant) []uint32 {
	g := &s.graph
	if g.lending.window == 0 {
		return nil
	}
	var out []uint32
	for _, n := range g.sets[set].nodes {
		if !g.nodes[n].shared {
			continue
		}
		for _, k := range g.lending.loose[n] {
			if !g.sets[k].last.before(pack(at)) {
				out = append(out, k)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unsettle forgets who was seen with keys.
func (s *Store) unsettle(nodes []uint32) {
	for _, n := range nodes {
		delete(s.graph.lending.visits, n)
	}
}

// relend gives the events of combinations to whom they are lent now, from the
// instant on, and notes in m whose content changed.
func (s *Store) relend(bases []uint32, from instant, m *moved) {
	g := &s.graph
	type move struct {
		r        row
		from, to *person
	}
	var moves []move
	for _, k := range bases {
		if g.sets[k].owner == nil || len(g.lending.lent[k]) == 0 && !g.lendable(k) {
			continue
		}
		for _, x := range append([]uint32{k}, g.lending.lent[k]...) {
			p := g.sets[x].owner
			for i := len(p.rows) - 1; i >= 0 && !p.rows[i].instant().before(from); i-- {
				r := p.rows[i]
				if r.set != x {
					continue
				}
				if y := s.lend(k, Type(s.log.content(r.pos())[0]), r.instant(), string(s.log.id(r.pos()))); y != x {
					to := r
					to.set = y
					moves = append(moves, move{to, p, g.sets[y].owner})
				}
			}
		}
	}
	// Of a list of moves, those who lose come first: a person who is new has
	// nothing that anybody saw.
	touched := map[*person]bool{}
	for _, x := range moves {
		for _, p := range []*person{x.from, x.to} {
			if !touched[p] {
				touched[p] = true
				if s.people.of(p.number) == p && !slices.Contains(m.shown, p) {
					s.expose(p, m)
				}
			}
		}
	}
	for _, x := range moves {
		i := slices.IndexFunc(x.from.rows, func(r row) bool { return r.pos() == x.r.pos() })
		x.from.rows = slices.Delete(x.from.rows, i, i+1)
		x.to.rows = append(x.to.rows, x.r)
	}
	for p := range touched {
		s.order(p)
	}
	for _, k := range bases {
		for _, l := range slices.Clone(g.lending.lent[k]) {
			p := g.sets[l].owner
			if !slices.ContainsFunc(p.rows, func(r row) bool { return r.set == l }) {
				p.setSets(slices.DeleteFunc(p.sets(), func(x uint32) bool { return x == l }))
				g.removeSet(l)
			}
		}
	}
}

// settleLoans is relend after something other than the event that is being
// applied changed who was seen: m has what that did to persons.
func (s *Store) settleLoans(bases []uint32, from instant) (m moved) {
	if len(bases) == 0 {
		return m
	}
	s.relend(bases, from, &m)
	for _, p := range m.shown {
		s.recount(p)
		s.indexConsents(p)
	}
	return m
}

// returnLoans brings loans up to date after events were dropped.
func (s *Store) returnLoans(bases []uint32, each func(Change)) {
	if len(bases) == 0 {
		return
	}
	clear(s.graph.lending.visits)
	slices.Sort(bases)
	m := s.settleLoans(slices.Compact(bases), never())
	if len(m.gone) == 0 {
		return
	}
	s.follow(&m)
	for _, p := range m.shown {
		if diff := s.difference(p, &m); diff != nil {
			s.passed(p, diff, each)
		}
	}
}

// loanSpan returns the earliest and the latest event of a loan.
func (s *Store) loanSpan(k uint32) (first, last row) {
	for _, r := range s.graph.sets[k].owner.rows {
		if r.set == k {
			if first == (row{}) {
				first = r
			}
			last = r
		}
	}
	return first, last
}

// unlent returns the rows of a person as they would be without loans.
func (s *Store) unlent(p *person) []row {
	g := &s.graph
	if len(g.lending.loans) == 0 {
		return p.rows
	}
	rows := slices.DeleteFunc(slices.Clone(p.rows), func(r row) bool { return g.isLoan(r.set) })
	for _, k := range p.sets() {
		for _, l := range g.lending.lent[k] {
			for _, r := range g.sets[l].owner.rows {
				if r.set == l {
					rows = append(rows, r)
				}
			}
		}
	}
	slices.SortFunc(rows, s.log.compareRows)
	return rows
}

// lendAll lends what is held unlent, of a store that nobody looks at yet.
func (s *Store) lendAll() {
	var bases []uint32
	for _, list := range s.graph.lending.loose {
		bases = append(bases, list...)
	}
	slices.Sort(bases)
	s.relend(slices.Compact(bases), never(), new(moved))
}
