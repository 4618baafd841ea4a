package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/fairness"
)

// parity asks whether customers of all countries are as likely to be in the
// audience that gets something.
func (s *shop) parity(_ context.Context, _ config, _ *source, _ *tally, r *Report) error {
	chosen, err := s.index.Members(shownAudience)
	if err != nil {
		return err
	}
	customers, err := s.index.Query("orders >= 1 and country != nil")
	if err != nil {
		return err
	}
	t, err := fairness.NewTally("country")
	if err != nil {
		return err
	}
	for _, user := range customers.ToArray() {
		p, _ := s.store.Profile(user)
		if err := t.Add([]string{fmt.Sprint(p.Attributes["country"])}, chosen.Contains(user), fairness.Unknown); err != nil {
			return err
		}
	}
	groups, err := t.Groups()
	if err != nil {
		return err
	}
	a, err := fairness.Audit(groups, nil)
	if errors.Is(err, experiment.ErrTooFew) {
		return nil // customers of one country
	}
	if err != nil {
		return err
	}
	w := a.Worst
	if math.IsNaN(w.Impact.Value) || math.IsInf(w.Impact.Hi, 1) {
		return nil // nobody is in the audience
	}
	r.Audiences.Parity = &Parity{
		Audience: shownAudience, By: "country", Groups: len(a.Groups), LeftOut: len(a.LeftOut), MinGroup: int(a.MinGroup),
		Least: w.Group, Most: w.Reference, Impact: Interval(w.Impact), FourFifths: w.FourFifths, P: w.Adjusted,
	}
	return nil
}

// String says it in a sentence.
func (p *Parity) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Of the customers of %d countries, those of %s are least often %s: %s times as often as those of %s (%s to %s, p %s)",
		p.Groups, p.Least, p.Audience, grouped(p.Impact.Value, 2), p.Most, grouped(p.Impact.Lo, 2), grouped(p.Impact.Hi, 2), pValue(p.P))
	switch {
	case p.FourFifths && p.P < .05:
		b.WriteString(", below four fifths, which chance alone does not explain.")
	case p.FourFifths:
		b.WriteString(", below four fifths, which may be chance.")
	default:
		b.WriteString(", not below four fifths.")
	}
	if p.LeftOut > 0 {
		fmt.Fprintf(&b, " %s with fewer than %d customers left out.", plural(p.LeftOut, "country", "countries"), p.MinGroup)
	}
	return b.String()
}
