package profile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every kind of trait with a window is what a recount says at random instants
// and at those at which an event enters or leaves, a second before and after;
// several events fall on one edge, and views are told of all of it.
func TestWindowedTraits(t *testing.T) {
	t.Parallel()
	const window = 90 * time.Second
	edges := 0
	for round := range longForm(40) {
		r := rand.New(rand.NewPCG(63, uint64(round)))
		o := Options{Clock: Manual}
		for k := range TraitKind(kindCount) {
			x := Trait{Name: fmt.Sprint("t", k), Kind: k, Events: []string{"e", "page"}, Window: window, Gap: 20 * time.Second}
			if k.needsField() {
				x.Field = "x"
			}
			if k == Stage {
				x.Stages = Stages{AtRiskAfter: 20 * time.Second, LapsedAfter: 50 * time.Second, LoyalPurchases: 3}
			}
			if k != Tags {
				o.Traits = append(o.Traits, x)
			}
		}
		o, err := o.withDefaults()
		require.NoError(t, err)
		for i := range o.Traits {
			if o.Traits[i].Kind == Stage {
				o.Traits[i].Stages = o.Traits[i].stages
			}
		}
		s, err := New(&o)
		require.NoError(t, err)
		v := newRecorder()
		require.NoError(t, s.Attach("v", v, nil))
		m := &model{opts: o, cut: map[Key]bool{}}
		var instants []time.Time
		for i := range 30 {
			e := Event{ID: fmt.Sprint("m", i), Name: "e", Type: []Type{Track, Page}[r.IntN(2)], Keys: []Key{{UserID, fmt.Sprint("u", r.IntN(2))}}}
			// Several events within a second, some of them at one instant.
			e.Time = epoch.Add(time.Duration(r.IntN(60))*2*time.Second + time.Duration(r.IntN(2))*400*time.Millisecond)
			e.Fields = map[string]any{"x": []any{int64(1), int64(2), 2.0, 0.1, "a", "b"}[r.IntN(6)]}
			m.events = append(m.events, e)
			at := e.Time.Truncate(time.Second)
			edge := at.Add([]time.Duration{0, window}[r.IntN(2)])
			instants = append(instants, edge, edge.Add(time.Duration(r.IntN(3)-1)*time.Second), epoch.Add(time.Duration(r.IntN(400))*time.Second))
		}
		slices.SortFunc(instants, time.Time.Compare)
		events := m.events
		m.events = nil
		for _, now := range instants {
			require.NoError(t, s.Advance(now, nil))
			m.now = now
			for range r.IntN(3) {
				if len(events) > 0 {
					s.must(t, events[0])
					m.events, events = append(m.events, events[0]), events[1:]
				}
			}
			for _, e := range m.events {
				if at := e.Time.Truncate(time.Second); at.Equal(now) || at.Equal(now.Add(-window)) {
					edges++
				}
			}
			requireSame(t, m.show(), s.picture(), "round %d at %v", round, now)
			_, attributes := v.show()
			_, wanted := s.wanted(s.Users())
			require.Equal(t, wanted, attributes, "round %d at %v", round, now)
		}
	}
	require.Greater(t, edges, 1000)
}
