package main

import (
	"context"
	"errors"
	"iter"

	"github.com/zhun-go/zhun/attribution"
	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/sim"
	"github.com/zhun-go/zhun/profile"
	"github.com/zhun-go/zhun/recommend"
	"github.com/zhun-go/zhun/segment"
)

// shop is a store with a view of every kind attached.
type shop struct {
	store    *profile.Store
	index    *segment.Index
	history  *recommend.History
	journeys *attribution.Journeys
	readout  *experiment.Readout
}

// attach wires the views to a store.
func attach(store *profile.Store) (*shop, error) {
	s := &shop{store: store}
	var err error
	if s.index, err = segment.NewIndex(segment.Schema{"orders": segment.Number, "spent": segment.Number, "email": segment.String}, nil); err != nil {
		return nil, err
	}
	if s.history, err = recommend.NewHistory(nil); err != nil {
		return nil, err
	}
	if s.journeys, err = attribution.NewJourneys(nil); err != nil {
		return nil, err
	}
	if s.readout, err = experiment.NewReadout(sim.ExperimentID, nil); err != nil {
		return nil, err
	}
	if _, err := s.index.Define("buyers", `orders >= 1`); err != nil {
		return nil, err
	}
	for _, v := range s.views() {
		if err := store.Attach(v.name, v.view, nil); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// open returns the shop in a directory: store and views as of the last event.
func open(dir string) (*shop, error) {
	store, err := profile.Open(dir, options())
	if err != nil {
		return nil, err
	}
	s, err := attach(store)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return s, nil
}

// view is what a store tells and what can be written down.
type view struct {
	name string
	view profile.View
}

func (s *shop) views() []view {
	return []view{{"segment", s.index}, {"recommend", s.history}, {"attribution", s.journeys}, {"experiment", s.readout}}
}

// options of the store: two traits, which the index holds as attributes, and a
// secret, without which hashes of erased identifiers could be guessed.
func options() *profile.Options {
	return &profile.Options{Secret: []byte("kept beside the directory"), Traits: []profile.Trait{
		{Name: "orders", Kind: profile.Count, Events: []string{profile.OrderCompleted}},
		{Name: "spent", Kind: profile.Sum, Events: []string{profile.OrderCompleted}, Field: "revenue"},
	}}
}

// simulated yields a small shop's events as a receiver gets them.
func simulated(c config) iter.Seq2[profile.Event, error] {
	return func(yield func(profile.Event, error) bool) {
		w, err := sim.New(&sim.Options{Seed: c.seed, Customers: c.customers, Days: c.days})
		if err != nil {
			yield(profile.Event{}, err)
			return
		}
		var line []byte
		for e := range w.Events() {
			line = e.AppendSegment(line[:0])
			event, err := profile.DecodeSegment(line)
			if err != nil {
				continue // a line that lacks what it needs
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

// ingest applies events, many to a transaction.
func (s *shop) ingest(ctx context.Context, events iter.Seq2[profile.Event, error]) (n int, err error) {
	var failed error
	_, err = s.store.ApplyAll(ctx, events, func(_ profile.Change, err error) bool {
		n++
		if err != nil && !errors.Is(err, profile.ErrRefused) {
			failed = err
		}
		return failed == nil
	})
	return n, errors.Join(err, failed)
}

// buyer returns the person with the most identifiers among those who bought.
func (s *shop) buyer() (profile.Profile, error) {
	var best profile.Profile
	for _, user := range s.store.Users() {
		p, ok := s.store.Profile(user)
		if ok && s.index.Contains("buyers", user) && len(p.Keys) > len(best.Keys) {
			best = p
		}
	}
	if best.User == 0 {
		return best, errors.New("forget: nobody bought")
	}
	return best, nil
}
