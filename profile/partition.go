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

// divide splits connected nodes into groups that stay within the limits.
func (g *identity) divide(web []uint32) []group {
	if g.within(web) {
		return []group{{nodes: web}}
	}
	var links []link
	for _, n := range web {
		g.neighbours(n, func(m, k uint32) {
			if g.sets[k].nodes[0] == n && !g.nodes[m].shared {
				links = append(links, link{n, m, k, g.kinds[g.nodes[n].kind].limit == 1})
			}
		})
	}
	slices.SortFunc(links, func(x, y link) int {
		if x.strong != y.strong {
			if x.strong {
				return -1
			}
			return 1
		}
		i, j := &g.sets[x.set], &g.sets[y.set]
		return cmp.Or(i.first.compare(j.first), strings.Compare(i.firstID, j.firstID), g.stronger(x.a, y.a), g.stronger(x.b, y.b))
	})
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
	var out []group
	for _, n := range web {
		if p := part[n]; p[0] == n {
			out = append(out, group{nodes: p, contested: true})
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
