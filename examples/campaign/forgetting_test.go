package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/zhun-go/zhun/internal/sim"
	"github.com/zhun-go/zhun/profile"
	"github.com/zhun-go/zhun/segment"
)

// A customer who is erased leaves all five packages as if never seen: byte for byte the
// state of a run without the customer's events, while everybody else's stays.
//
// The customer's events arrive last, so that the others have the same numbers in both runs; by
// their own times they lie all over the record, between the events of the others.
func TestErasedCustomerWasNeverSeen(t *testing.T) {
	w, err := sim.New(&sim.Options{Customers: 200, Days: 60, Seed: 5})
	require.NoError(t, err)
	who := wholeCustomer(t, w)

	var others, own []profile.Event
	var last time.Time
	for e := range w.Events() {
		event, err := profile.DecodeSegment(e.AppendSegment(nil))
		require.NoError(t, err)
		last = e.Received
		if e.Customer() == who {
			event.Sent = time.Time{}
			own = append(own, event)
		} else {
			others = append(others, event)
		}
	}
	for i := range own {
		own[i].Received = last
	}
	others = append(others, profile.Event{
		ID: "the end", Name: "page", Type: profile.Page, Time: last, Received: last,
		Keys: []profile.Key{{Kind: profile.AnonymousID, Value: "somebody"}},
	})

	never := fed(t, others)
	then := fed(t, append(others[:len(others):len(others)], own...))
	require.Equal(t, never.store.Stats().Profiles+1, then.store.Stats().Profiles)
	user := then.store.Users()[len(then.store.Users())-1]
	p, ok := then.store.Profile(user)
	require.True(t, ok)
	require.Greater(t, p.Events, 20)
	for i, v := range then.views() {
		require.NotEqual(t, bytesOf(t, never.views()[i]), bytesOf(t, v), "the customer is in view %d", i)
	}

	receipt, err := then.store.Erase(user)
	require.NoError(t, err)
	require.Len(t, receipt.Views, 4)
	for i, v := range then.views() {
		require.Equal(t, bytesOf(t, never.views()[i]), bytesOf(t, v), "view %d", i)
	}
	require.Equal(t, never.store.Users(), then.store.Users())
	for _, user := range never.store.Users() {
		want, err := never.store.Export(user)
		require.NoError(t, err)
		got, err := then.store.Export(user)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	}
	for _, k := range p.Keys {
		_, ok := then.store.Resolve(k.Kind, k.Value)
		require.False(t, ok, k)
	}
	for _, r := range rulesFor("events") {
		want, err := never.index.Members(r.name)
		require.NoError(t, err)
		got, err := then.index.Members(r.name)
		require.NoError(t, err)
		require.True(t, want.Equals(got), r.name)
	}
}

// wholeCustomer finds one who has something in every package and shares no device.
func wholeCustomer(t *testing.T, w *sim.World) int {
	t.Helper()
	names := make(map[int]map[string]bool)
	for e := range w.Events() {
		c := e.Customer()
		if names[c] == nil {
			names[c] = make(map[string]bool)
		}
		names[c][e.Name] = true
	}
	for c, truth := range w.Truth().Customers {
		if truth.Shared == "" && names[c]["Order Completed"] && names[c]["Experiment Viewed"] && names[c]["Email Opened"] {
			return c
		}
	}
	t.Fatal("the simulation has no such customer")
	return 0
}

func fed(t *testing.T, events []profile.Event) *shop {
	t.Helper()
	s, err := newShop(rulesFor("events"), sim.ExperimentID, nil, func(segment.Transition) {})
	require.NoError(t, err)
	for _, e := range events {
		change, err := s.store.Apply(e)
		if err != nil {
			require.ErrorIs(t, err, profile.ErrRefused)
		}
		require.Empty(t, change.Detached)
	}
	return s
}

func (s *shop) views() []held { return []held{s.index, s.history, s.journeys, s.readout} }

func bytesOf(t *testing.T, v held) string {
	t.Helper()
	b, err := state(v)
	require.NoError(t, err)
	return string(b)
}
