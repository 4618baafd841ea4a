package main

import (
	"slices"
	"time"

	"github.com/zhun-go/zhun/profile"
	"github.com/zhun-go/zhun/segment"
)

// rule is an audience with its rule.
type rule struct{ name, text string }

// ordersTrait is an attribute that the store computes: how many orders a customer
// has made in all. The audiences read it like any other attribute.
const ordersTrait = "orders"

// traits are computed from the events of each person.
func traits() []profile.Trait {
	looked := []string{profile.ProductViewed}
	return []profile.Trait{
		{Name: ordersTrait, Kind: profile.Count, Events: []string{profile.OrderCompleted}},
		{Name: stageTrait, Kind: profile.Stage, Events: []string{profile.OrderCompleted}, Window: 400 * 24 * time.Hour},
		{Name: lookedTrait, Kind: profile.Count, Events: looked},
		{Name: likesTrait, Kind: profile.MostFrequent, Events: looked, Field: "category"},
	}
}

// attributes are what the rules may ask of a user.
func attributes() segment.Schema {
	return segment.Schema{ordersTrait: segment.Number, "country": segment.String, "email": segment.String}
}

// watched are the events that the rules ask about, with the fields that they ask
// for. An index keeps what is declared and no more: the whole vocabulary, which is the
// default, takes three times the memory.
func watched() map[string]segment.Schema {
	return map[string]segment.Schema{
		"Order Completed": {"revenue": segment.Number},
		"Order Refunded":  {},
		"Product Added":   {},
		"Product Viewed":  {},
		"Email Opened":    {},
	}
}

// shownAudience is the one whose members get recommendations in the report.
const shownAudience = "champions"

// rulesFor gives the audiences that make sense for an input: orders alone tell of
// a wholesaler's customers over months, events of a shop's visitors over weeks.
func rulesFor(kind string) []rule {
	if kind == "orders" {
		return []rule{
			{shownAudience, `len(events("Order Completed", "180d")) >= 6 and sum(events("Order Completed", "180d"), .revenue) >= 2000`},
			{"big spenders", `sum(events("Order Completed", "90d"), .revenue) >= 2500`},
			{"new", `orders == 1 and len(events("Order Completed", "30d")) == 1`},
			{"at risk", `orders >= 3 and len(events("Order Completed", "90d")) == 0`},
			{"lapsed", `orders >= 1 and len(events("Order Completed", "180d")) == 0`},
			{"returners", `len(events("Order Refunded", "90d")) >= 2`},
			{"abroad", `country != "United Kingdom" and len(events("Order Completed", "90d")) >= 1`},
		}
	}
	return []rule{
		{shownAudience, `orders >= 3 and len(events("Order Completed", "45d")) >= 2`},
		{"big spenders", `sum(events("Order Completed", "60d"), .revenue) >= 100`},
		{"new", `orders == 1 and len(events("Order Completed", "14d")) == 1`},
		{"at risk", `orders >= 2 and len(events("Order Completed", "30d")) == 0`},
		{"lapsed", `orders >= 1 and len(events("Order Completed", "60d")) == 0`},
		{"cart left", `len(events("Product Added", "3d")) > 0 and len(events("Order Completed", "3d")) == 0`},
		{"browsers", `len(events("Product Viewed", "7d")) >= 10`},
		{"newsletter readers", `email != nil and len(events("Email Opened", "14d")) >= 2`},
	}
}

const (
	week    = 7 * 24 * time.Hour
	maxDays = 3660 // of the curves; a wild date must not fill the memory
)

// audienceLog follows the audiences while the events go by: who came and went
// during the last week, and how many there were at the end of each day.
type audienceLog struct {
	rules []rule
	moves []segment.Transition
	now   time.Time
	from  time.Time
	next  time.Time // the midnight that ends the day
	days  []string
	sizes [][]int // by rule, then day
}

func newAudienceLog(rules []rule) *audienceLog {
	return &audienceLog{rules: rules, sizes: make([][]int, len(rules))}
}

// moved is told of every user who enters or leaves an audience.
func (l *audienceLog) moved(t segment.Transition) { l.moves = append(l.moves, t) }

// before is called with the instant at which the next event arrived. Days that
// are over by then are closed, each by the clock's standing at midnight.
func (l *audienceLog) before(at time.Time, s *shop) error {
	if l.now.IsZero() {
		l.from = at
		l.next = at.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	if !at.After(l.now) {
		return nil
	}
	for l.now = at; !l.now.Before(l.next); l.next = l.next.Add(24 * time.Hour) {
		if len(l.days) == maxDays {
			return nil
		}
		if err := s.store.Advance(l.next, nil); err != nil {
			return err
		}
		if err := l.close(s); err != nil {
			return err
		}
	}
	return nil
}

// close notes the sizes at the end of a day and forgets moves of more than a week ago.
func (l *audienceLog) close(s *shop) error {
	l.days = append(l.days, l.next.Add(-time.Nanosecond).Format(time.DateOnly))
	for i, r := range l.rules {
		members, err := s.index.Members(r.name)
		if err != nil {
			return err
		}
		l.sizes[i] = append(l.sizes[i], int(members.GetCardinality()))
	}
	l.moves = slices.DeleteFunc(l.moves, func(t segment.Transition) bool { return !t.At.After(l.now.Add(-2 * week)) })
	return nil
}

// report closes the last day, which may be unfinished, and sums up.
func (l *audienceLog) report(s *shop) (Audiences, error) {
	profiles := s.store.Stats().Profiles
	a := Audiences{Profiles: profiles, WeekFrom: l.now.Add(-week), WeekTo: l.now}
	if !l.now.IsZero() {
		if err := l.close(s); err != nil {
			return a, err
		}
	}
	a.Days = l.days
	for i, r := range l.rules {
		x := Audience{Name: r.name, Rule: r.text, Sizes: l.sizes[i]}
		if n := len(x.Sizes); n > 0 {
			x.Size = x.Sizes[n-1]
		}
		if profiles > 0 {
			x.Share = float64(x.Size) / float64(profiles)
		}
		for _, t := range l.moves {
			if t.Audience != r.name || !t.At.After(a.WeekFrom) {
				continue
			}
			if t.Entered {
				x.Entered++
			} else {
				x.Left++
			}
		}
		a.List = append(a.List, x)
	}
	return a, nil
}
