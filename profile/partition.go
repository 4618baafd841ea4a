package profile

import (
	"cmp"
	"slices"
	"strings"
)

// group is a set of nodes that are one person.
type group struct {
	nodes     []uint32
	contested bool
}

// partition returns the groups that the given nodes, and all that are
// connected to them by links that hold, form. Nodes whose state cannot have
// changed may be left out.
func (g *identity) partition(starts []uint32) []group {
	seen := make(map[uint32]bool, len(starts))
	var out []group
	alone := func(n uint32) { out = append(out, group{nodes: []uint32{n}}) }
	// Crowded nodes first: those that are no longer crowded must be known
	// before others run into them.
	for _, crowded := range []bool{true, false} {
		for _, n := range starts {
			if seen[n] || g.nodes[n].crowded != crowded {
				continue
			}
			if g.nodes[n].shared {
				seen[n] = true
				g.nodes[n].crowded = false
				alone(n)
				continue
			}
			web, whole := g.web(n, crowded)
			switch {
			case crowded && !whole:
				// Still crowded, and so is everything beyond.
				seen[n] = true
				alone(n)
			case !whole:
				for _, m := range web {
					if !seen[m] {
						seen[m] = true
						g.nodes[m].crowded = true
						alone(m)
					}
				}
			default:
				for _, m := range web {
					seen[m] = true
					g.nodes[m].crowded = false
				}
				out = append(out, g.divide(web)...)
			}
		}
	}
	return out
}

// web returns the nodes connected to n by links that hold, and whether they
// are few enough to be a person. From a crowded node it gives up early;
// from another it visits all that is not crowded.
func (g *identity) web(n uint32, crowded bool) (nodes []uint32, whole bool) {
	seen := map[uint32]bool{n: true}
	nodes = []uint32{n}
	whole = true
	for i := 0; i < len(nodes); i++ {
		if g.nodes[nodes[i]].crowded && !crowded {
			whole = false
			continue
		}
		g.neighbours(nodes[i], func(m, _ uint32) {
			if !seen[m] && !g.nodes[m].shared {
				seen[m] = true
				nodes = append(nodes, m)
			}
		})
		if len(nodes) > g.maxKeys {
			whole = false
			if crowded {
				break
			}
		}
	}
	return nodes, whole
}

// link is a link that holds, or would if no limit stood against it.
type link struct {
	a, b   uint32
	set    uint32
	strong bool
}

// links returns the links between nodes that are not shared, the strong ones
// first when they are told apart, then by time and message id.
func (g *identity) links(nodes []uint32, strong bool) (out []link) {
	for _, n := range nodes {
		g.neighbours(n, func(m, k uint32) {
			if g.sets[k].nodes[0] == n && !g.nodes[m].shared {
				out = append(out, link{n, m, k, strong && g.kinds[g.nodes[n].kind].limit == 1})
			}
		})
	}
	slices.SortFunc(out, func(x, y link) int {
		if x.strong != y.strong {
			if x.strong {
				return -1
			}
			return 1
		}
		i, j := &g.sets[x.set], &g.sets[y.set]
		return cmp.Or(i.first.compare(j.first), strings.Compare(i.firstID, j.firstID), g.stronger(x.a, y.a), g.stronger(x.b, y.b))
	})
	return out
}

// divide splits connected nodes into groups that stay within the limits, those
// of merges included.
func (g *identity) divide(web []uint32) []group {
	var out []group
	for _, part := range g.limit(web) {
		for _, nodes := range g.cap(part) {
			out = append(out, group{nodes: nodes, contested: true})
		}
	}
	if len(out) == 1 {
		out[0].contested = false
	}
	return out
}

// dated reports whether times may decide who a person is, and not only what is
// linked with what.
func (g *identity) dated(p *person) bool {
	return p.contested() || len(p.nodes()) > g.maxMerges+1
}

// cap applies rule 5 to nodes that are one person by the other rules. So many
// nodes cannot have come from more merges than there are of them, less one,
// so that only persons of very many keys are looked at.
func (g *identity) cap(nodes []uint32) [][]uint32 {
	if len(nodes) <= g.maxMerges+1 {
		return [][]uint32{nodes}
	}
	type part struct {
		top    int32 // another part that this one is in, itself for none
		merges int32
		first  packed
	}
	parts := make([]part, len(nodes))
	place := make(map[uint32]int32, len(nodes))
	for i, n := range nodes {
		place[n] = int32(i)
		parts[i] = part{int32(i), 0, g.since(n)}
	}
	top := func(i int32) int32 {
		for parts[i].top != i {
			parts[i].top = parts[parts[i].top].top
			i = parts[i].top
		}
		return i
	}
	for _, l := range g.links(nodes, false) {
		i, here := place[l.b]
		if !here {
			continue // of another person, by rule 3
		}
		a, b, at := top(place[l.a]), top(i), g.sets[l.set].first
		if a == b {
			continue
		}
		merges := parts[a].merges + parts[b].merges
		if parts[a].first.before(at) && parts[b].first.before(at) {
			merges++
		}
		if int(merges) > g.maxMerges {
			continue
		}
		if parts[b].first.before(parts[a].first) {
			parts[a].first = parts[b].first
		}
		parts[b].top, parts[a].merges = a, merges
	}
	var out [][]uint32
	groups := make([]int, len(nodes)) // by top, plus one
	for i, n := range nodes {
		t := top(int32(i))
		if groups[t] == 0 {
			out = append(out, nil)
			groups[t] = len(out)
		}
		out[groups[t]-1] = append(out[groups[t]-1], n)
	}
	return out
}

// limit applies rule 3 to connected nodes.
func (g *identity) limit(web []uint32) [][]uint32 {
	if g.within(web) {
		return [][]uint32{web}
	}
	links := g.links(web, true)
	part := make(map[uint32][]uint32, len(web))
	for _, n := range web {
		part[n] = []uint32{n}
	}
	for _, l := range links {
		a, b := part[l.a], part[l.b]
		if &a[0] == &b[0] {
			continue
		}
		joined := append(slices.Clone(a), b...)
		if !g.within(joined) {
			continue
		}
		for _, n := range joined {
			part[n] = joined
		}
	}
	var out [][]uint32
	for _, n := range web {
		if p := part[n]; p[0] == n {
			out = append(out, p)
		}
	}
	return out
}

// within reports whether nodes stay within the limits of their kinds.
func (g *identity) within(nodes []uint32) bool {
	if g.spans {
		keys := make([]linked, len(nodes))
		for i, n := range nodes {
			keys[i] = linked{n, g.since(n)}
		}
		return !g.exceeds(keys)
	}
	var counts map[uint32]int
	for _, n := range nodes {
		k := g.nodes[n].kind
		if limit := g.kinds[k].limit; limit > 0 {
			if counts == nil {
				counts = make(map[uint32]int)
			}
			if counts[k]++; counts[k] > limit {
				return false
			}
		}
	}
	return true
}
