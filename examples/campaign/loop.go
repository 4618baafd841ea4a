package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/zhun-go/zhun/attribution"
	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/profile"
	"github.com/zhun-go/zhun/recommend"
	"github.com/zhun-go/zhun/segment"
)

// shop is the whole library at work: one store, and one view for each question.
type shop struct {
	store    *profile.Store
	index    *segment.Index
	history  *recommend.History
	journeys *attribution.Journeys
	readout  *experiment.Readout
}

// newShop wires the five packages together. This is all the wiring there is: the store
// tells every view what happened to whom, also that two visitors turned out to be one
// person, and that a person is to be forgotten.
//
// Options are nil where the defaults read the Segment vocabulary; weights are the planned
// shares of the experiment's arms, nil for equal ones; moved is told of users who enter or
// leave an audience. A host that must respect consent attaches with AttachOptions.Purpose.
func newShop(rules []rule, trial string, weights []map[string]float64, moved func(segment.Transition)) (*shop, error) {
	var s shop
	var err error
	if s.store, err = profile.New(&profile.Options{Traits: traits()}); err != nil {
		return nil, err
	}
	if s.index, err = segment.NewIndex(attributes(), &segment.Options{Events: watched()}); err != nil {
		return nil, err
	}
	if s.history, err = recommend.NewHistory(nil); err != nil {
		return nil, err
	}
	if s.journeys, err = attribution.NewJourneys(nil); err != nil {
		return nil, err
	}
	if s.readout, err = experiment.NewReadout(trial, &experiment.ReadoutOptions{Weights: weights}); err != nil {
		return nil, err
	}

	for _, r := range rules {
		if _, err := s.index.Define(r.name, r.text); err != nil {
			return nil, fmt.Errorf("audience %s: %w", r.name, err)
		}
	}
	s.index.Watch(nil, moved)

	return &s, errors.Join(
		s.store.Attach("segment", s.index, nil),
		s.store.Attach("recommend", s.history, nil),
		s.store.Attach("attribution", s.journeys, nil),
		s.store.Attach("experiment", s.readout, nil),
	)
}

// loop applies the events in the order of their arrival and then asks every package for its answer.
func loop(ctx context.Context, c config, src *source, bad *badLines, bar *progress) (*Report, error) {
	rules := rulesFor(src.input.Kind)
	log := newAudienceLog(rules)
	s, err := newShop(rules, c.experiment, src.weights, log.moved)
	if err != nil {
		return nil, err
	}
	seen := newTally()
	for event, err := range src.events {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			line, ok := located(err)
			if !ok {
				return nil, err
			}
			if err := bad.add(line); err != nil {
				return nil, err
			}
			continue
		}
		if err := log.before(arrival(&event), s); err != nil {
			return nil, err
		}
		change, err := s.store.Apply(event)
		if err != nil && !errors.Is(err, profile.ErrRefused) {
			return nil, err
		}
		if len(change.Detached) > 0 {
			return nil, fmt.Errorf("the view %s failed and was detached", change.Detached[0])
		}
		if err == nil && !change.Duplicate {
			seen.applied(&event)
			if src.truth != nil {
				src.truth.saw(&event)
			}
		}
		bar.step()
	}
	bar.done()

	r := &Report{Input: src.input, Ingestion: s.ingestion(seen, bad)}
	if r.Ingestion.Applied == 0 {
		r.leaveOut("everything else", "no event was applied")
		return r, nil
	}
	r.Input.From, r.Input.To = log.from, log.now
	r.Input.Currency = cmp.Or(r.Input.Currency, seen.currency)
	if r.Audiences, err = log.report(s); err != nil {
		return nil, err
	}
	for _, answer := range []func(context.Context, config, *source, *tally, *Report) error{
		s.parity, s.describe, s.recommend, s.readOut, s.credit, s.identify,
	} {
		if err := answer(ctx, c, src, seen, r); err != nil {
			return nil, err
		}
	}
	return r, s.forget(r)
}

// arrival is when an event reached the retailer, which is what moves the store's clock.
func arrival(e *profile.Event) time.Time {
	if e.Received.IsZero() {
		return e.Time
	}
	return e.Received
}

// tally counts what was applied, and knows what the products are called.
type tally struct {
	names    map[string]int
	products map[string]string
	currency string
}

func newTally() *tally {
	return &tally{names: make(map[string]int), products: make(map[string]string)}
}

func (t *tally) applied(e *profile.Event) {
	name := e.Name
	if e.Type != profile.Track {
		name = e.Type.String()
	}
	t.names[name]++
	t.product(e.Fields)
	if list, ok := e.Fields["products"].([]map[string]any); ok {
		for _, fields := range list {
			t.product(fields)
		}
	}
	if currency, ok := e.Fields["currency"].(string); ok && t.currency == "" {
		t.currency = currency
	}
}

func (t *tally) product(fields map[string]any) {
	id, ok := fields["product_id"].(string)
	if !ok {
		return
	}
	if name, ok := fields["name"].(string); ok && name != "" {
		t.products[id] = name
	}
}

func (t *tally) item(id string) Item { return Item{ID: id, Name: t.products[id]} }

// byName lists the events by how often they came.
func (t *tally) byName() []Count {
	var list []Count
	for _, name := range slices.Sorted(maps.Keys(t.names)) {
		list = append(list, Count{name, t.names[name]})
	}
	slices.SortStableFunc(list, func(a, b Count) int { return b.N - a.N })
	return list
}

// ingestion sums up what the store did with the events.
func (s *shop) ingestion(seen *tally, bad *badLines) Ingestion {
	st := s.store.Stats()
	in := Ingestion{
		Applied:    int(st.Applied),
		Duplicates: int(st.Duplicates),
		BadLines:   bad.n,
		Samples:    bad.samples,
		Names:      seen.byName(),
		Profiles:   st.Profiles,
		Merges:     int(st.Merges),
		Splits:     int(st.Splits),
	}
	in.Rejected = nonZero(
		Count{"without usable key", int(st.Refused.NoKey)},
		Count{"without usable time", int(st.Refused.NoTime)},
		Count{"without name", int(st.Refused.NoName)},
		Count{"sent by a bot", int(st.Refused.Bot)},
		Count{"too large", int(st.Refused.TooLarge)},
		Count{"unknown type", int(st.Refused.Type)},
		Count{"malformed", int(st.Refused.Malformed)},
	)
	in.Fields = nonZero(
		Count{"unusable fields", int(st.FieldsDropped)},
		Count{"keys that identify nobody", int(st.KeysBlocked)},
		Count{"unusable keys", int(st.KeysDropped)},
		Count{"times after arrival, moved back", int(st.TimesClamped)},
		Count{"events beyond the horizon", int(st.Expired)},
	)
	in.Read = in.Applied + in.Duplicates + total(in.Rejected) + in.BadLines
	return in
}

func nonZero(list ...Count) []Count {
	return slices.DeleteFunc(list, func(c Count) bool { return c.N == 0 })
}
