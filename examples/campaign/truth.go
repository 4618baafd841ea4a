package main

import (
	"context"
	"slices"

	"github.com/zhun-go/zhun/internal/sim"
	"github.com/zhun-go/zhun/profile"
)

// truth is what the simulator knows. It looks at the events that go by, to know
// which identifiers the store could have seen, and scores the report at the end.
type truth struct {
	world  *sim.World
	owners map[string][]int // customers of an identifier
	seen   map[profile.Key]bool
	parent map[profile.Key]profile.Key // keys joined by events, as a forest
}

func newTruth(w *sim.World) *truth {
	return &truth{
		world:  w,
		owners: w.Truth().Owners(),
		seen:   make(map[profile.Key]bool),
		parent: make(map[profile.Key]profile.Key),
	}
}

// saw notes the identifiers of an applied event.
func (t *truth) saw(e *profile.Event) {
	var first profile.Key
	for _, k := range e.Keys {
		if len(t.owners[k.Value]) != 1 {
			if len(t.owners[k.Value]) > 1 {
				t.seen[k] = true
			}
			continue // a bot's, or of a shared device
		}
		t.seen[k] = true
		if first == (profile.Key{}) {
			first = t.root(k)
		} else if r := t.root(k); r != first {
			t.parent[r] = first
		}
	}
}

func (t *truth) root(k profile.Key) profile.Key {
	for {
		p, ok := t.parent[k]
		if !ok {
			return k
		}
		if g, ok := t.parent[p]; ok {
			t.parent[k] = g
		}
		k = p
	}
}

// identity scores the store's people against the true ones, over all pairs of
// identifiers that occurred in events and belong to one customer each.
func (t *truth) identity(store *profile.Store) *Identity {
	s := new(Identity)
	joined := make(map[uint32]int)  // identifiers by user
	people := make(map[int]int)     // by customer
	both := make(map[[2]int]int)    // by user and customer
	linked := make(map[linkKey]int) // by customer and group of keys that events join
	for k := range t.seen {
		owners := t.owners[k.Value]
		if len(owners) > 1 {
			s.Shared++
			continue
		}
		user, ok := store.Resolve(k.Kind, k.Value)
		if !ok {
			continue
		}
		s.Identifiers++
		joined[user]++
		people[owners[0]]++
		both[[2]int{int(user), owners[0]}]++
		linked[linkKey{owners[0], t.root(k)}]++
	}
	s.Pairs, s.TruePairs = pairs(joined), pairs(people)
	right := pairs(both)
	if s.Pairs > 0 {
		s.Precision = float64(right) / float64(s.Pairs)
	}
	if s.TruePairs > 0 {
		s.Recall = float64(right) / float64(s.TruePairs)
		s.Attainable = float64(pairs(linked)) / float64(s.TruePairs)
	}
	return s
}

// identify compares the joined identifiers with the truth, where it is known.
func (s *shop) identify(_ context.Context, _ config, src *source, _ *tally, r *Report) error {
	if src.truth != nil {
		r.Ingestion.Identity = src.truth.identity(s.store)
	}
	return nil
}

type linkKey struct {
	customer int
	root     profile.Key
}

// pairs counts the unordered pairs within each group. A sum of whole
// numbers does not depend on the order of the map.
func pairs[K comparable](sizes map[K]int) int {
	n := 0
	for _, size := range sizes {
		n += size * (size - 1) / 2
	}
	return n
}

// effects puts the true effects beside the estimates.
func (t *truth) effects(e *Experiment) {
	x := t.world.Truth().Experiment
	if e == nil || e.Name != x.ID || x.Overall.Exposed == 0 {
		return
	}
	c, tr := x.Overall.Control, x.Overall.Treatment
	for i := range e.Metrics {
		m := &e.Metrics[i]
		switch m.Name {
		case "conversion":
			m.Truth = pointer(tr.Conversion - c.Conversion)
		case "orders":
			m.Truth = pointer(tr.Orders - c.Orders)
		case "revenue":
			m.Truth = pointer(tr.Revenue - c.Revenue)
		}
	}
}

// increments puts the conversions that each channel causes beside the credit.
func (t *truth) increments(ctx context.Context, a *Attribution) error {
	inc, err := t.world.Increments(ctx)
	if err != nil {
		return err
	}
	a.Truth = &Expected{Orders: inc.All, Baseline: inc.None}
	groups := make(map[string]string)
	for _, c := range t.world.Truth().Channels {
		groups[c.Key] = c.Group
	}
	for _, c := range inc.Channels {
		i := slices.IndexFunc(a.Channels, func(x Channel) bool { return x.Name == groups[c.Channel] })
		if i >= 0 {
			a.Channels[i].Increment = &Increment{Shapley: c.Shapley, LastIn: c.LastIn}
		}
	}
	return nil
}

func pointer(x float64) *float64 { return &x }
