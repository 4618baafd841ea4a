package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Edge is one link between two keys of a person.
type Edge struct {
	From, To Key
	// Event is the id of the event that first named both, and Time when.
	Event string
	Time  time.Time
	// Rule is what kind of event that was, and Source what sent it: its field
	// "context.source", else "context.library.name"; empty if it has neither.
	Rule   LinkRule
	Source string
}

// String returns "a — b (rule id at time)", with the source if there is one.
func (e Edge) String() string {
	from := ""
	if e.Source != "" {
		from = fmt.Sprintf(" from %q", e.Source)
	}
	return fmt.Sprintf("%v — %v (%v %q at %s%s)", e.From, e.To, e.Rule, e.Event, e.Time.Format(time.RFC3339), from)
}

// Explain says why two keys are one person: a shortest path of links from a
// to b, the oldest ones where there are several. Two equal keys need none.
// Errors: [ErrUnknownKey], [ErrNotLinked] when they are not one person, with
// the reason where a key is shared or a link suspended.
func (s *Store) Explain(a, b Key) ([]Edge, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	from, err := s.known(a)
	if err != nil {
		return nil, err
	}
	to, err := s.known(b)
	if err != nil {
		return nil, err
	}
	g := &s.graph
	if from == to {
		return nil, nil
	}
	if g.nodes[from].person != g.nodes[to].person {
		why := ""
		for _, n := range []uint32{from, to} {
			switch nd := &g.nodes[n]; {
			case nd.cut:
				why = fmt.Sprintf(": %v was unmerged", g.key(n))
			case nd.shared && g.lending.window > 0:
				why = fmt.Sprintf(": %v is shared by several persons, and lent to each for %v after they were seen", g.key(n), g.lending.window)
			case nd.shared:
				why = fmt.Sprintf(": %v is shared by several persons", g.key(n))
			case nd.crowded:
				why = fmt.Sprintf(": %v is linked to too many keys", g.key(n))
			}
		}
		if why == "" && g.nodes[from].person.contested() {
			if web, _ := g.web(from, false); slices.Contains(web, to) {
				why = ": a limit stands against a link between them"
			}
		}
		return nil, fmt.Errorf("%w: %v and %v%s", ErrNotLinked, g.key(from), g.key(to), why)
	}
	return s.path(from, to), nil
}

// known returns the node of a key as the host writes it.
func (s *Store) known(k Key) (uint32, error) {
	clean, _, ok := s.cleanKey(k)
	if ok {
		if n, ok := s.graph.lookup(clean); ok {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: %v", ErrUnknownKey, k)
}

// path returns a shortest path of links within one person.
func (s *Store) path(from, to uint32) []Edge {
	g := &s.graph
	p := g.nodes[from].person
	type step struct{ back, set uint32 }
	came := map[uint32]step{from: {from, 0}}
	queue := []uint32{from}
	for len(queue) > 0 && came[to] == (step{}) {
		n := queue[0]
		queue = queue[1:]
		type hop struct{ node, set uint32 }
		var hops []hop
		g.neighbours(n, func(m, k uint32) {
			if g.nodes[m].person == p && !g.nodes[m].shared {
				hops = append(hops, hop{m, k})
			}
		})
		slices.SortFunc(hops, func(x, y hop) int {
			i, j := &g.sets[x.set], &g.sets[y.set]
			return cmp.Or(i.first.compare(j.first), strings.Compare(i.firstID, j.firstID), g.stronger(x.node, y.node))
		})
		for _, h := range hops {
			if _, seen := came[h.node]; !seen {
				came[h.node] = step{n, h.set}
				queue = append(queue, h.node)
			}
		}
	}
	var out []Edge
	for n := to; n != from; n = came[n].back {
		c, ok := came[n]
		if !ok {
			return nil
		}
		set := &g.sets[c.set]
		o := g.originOf(set)
		out = append(out, Edge{From: g.key(c.back), To: g.key(n), Event: o.id, Time: set.first.time(), Rule: o.rule, Source: o.source})
	}
	slices.Reverse(out)
	return out
}
