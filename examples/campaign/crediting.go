package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zhun-go/zhun/attribution"
)

const shapleyModel = "Shapley"

// credit shares the conversions out among the channels that led to them.
func (s *shop) credit(ctx context.Context, _ config, src *source, _ *tally, r *Report) error {
	paths, err := s.journeys.Paths(nil)
	if err != nil {
		return err
	}
	sum := paths.Summary()
	switch {
	case sum.Channels == 0:
		r.leaveOut("channel credit", "the events hold no marketing touches")
		return nil
	case sum.Conversions == 0:
		r.leaveOut("channel credit", "the events hold no orders")
		return nil
	}
	// For a causal reading the visits that came from nowhere are a symptom, not a channel.
	caused, err := s.journeys.Paths(&attribution.PathOptions{Ignore: []string{attribution.DirectChannel}})
	if err != nil {
		return err
	}
	a := &Attribution{
		Conversions: sum.Conversions, Value: sum.Value, Currency: sum.Currency,
		Unattributed: sum.Unattributed, Voided: sum.Voided, Paths: sum.Distinct, Nulls: sum.Nulls,
	}
	for _, m := range []struct {
		name  string
		model func() (attribution.Credits, error)
	}{
		{"last touch", func() (attribution.Credits, error) { return attribution.LastTouch(paths) }},
		{"linear", func() (attribution.Credits, error) { return attribution.Linear(paths) }},
		{shapleyModel, func() (attribution.Credits, error) { return attribution.Shapley(paths, nil) }},
		{"Markov", func() (attribution.Credits, error) { return attribution.Markov(paths, nil) }},
		{"person-time", func() (attribution.Credits, error) {
			return attribution.Shapley(caused, &attribution.ShapleyOptions{Game: attribution.PersonTime})
		}},
	} {
		credits, err := m.model()
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := a.add(m.name, credits); err != nil {
			return err
		}
	}
	if src.truth != nil {
		if err := src.truth.increments(ctx, a); err != nil {
			return err
		}
	}
	a.sort()
	r.Attribution = a
	return nil
}

// add appends the answer of one model. The first one names all channels; those that a later
// one leaves out get nothing from it.
func (a *Attribution) add(name string, credits attribution.Credits) error {
	first := len(a.Models) == 0
	c := Credit{
		Model:             name,
		Unattributed:      credits.Unattributed.Conversions,
		UnattributedValue: credits.Unattributed.Value,
	}
	if first {
		for _, x := range credits.Channels {
			a.Channels = append(a.Channels, Channel{Name: x.Channel, Cost: x.Spend})
		}
	}
	c.Conversions, c.Value = make([]float64, len(a.Channels)), make([]float64, len(a.Channels))
	c.ROI = make([]*float64, len(a.Channels))
	for _, x := range credits.Channels {
		i := slices.IndexFunc(a.Channels, func(ch Channel) bool { return ch.Name == x.Channel })
		if i < 0 {
			return fmt.Errorf("%s speaks of the channel %s, the models before it do not", name, x.Channel)
		}
		c.Conversions[i], c.Value[i] = x.Conversions, x.Value
		if roi, ok := x.ROI(1); ok {
			c.ROI[i] = &roi
		}
	}
	for _, w := range credits.Warnings {
		// what all models say is said once, without the model's name
		if s := strings.TrimPrefix(w.Error(), credits.Model+": "); !slices.Contains(a.Warnings, s) {
			a.Warnings = append(a.Warnings, s)
		}
	}
	a.Models = append(a.Models, c)
	return nil
}

// sort puts the channels with most credit by Shapley's model first.
func (a *Attribution) sort() {
	order := make([]int, len(a.Channels))
	for i := range order {
		order[i] = i
	}
	by := a.Models[slices.IndexFunc(a.Models, func(m Credit) bool { return m.Model == shapleyModel })].Conversions
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(by[j], by[i]) })
	a.Channels = permuted(a.Channels, order)
	for i := range a.Models {
		m := &a.Models[i]
		m.Conversions, m.Value, m.ROI = permuted(m.Conversions, order), permuted(m.Value, order), permuted(m.ROI, order)
	}
}

func permuted[T any](s []T, order []int) []T {
	p := make([]T, len(s))
	for i, j := range order {
		p[i] = s[j]
	}
	return p
}
