package main

import (
	"fmt"
	"strings"
)

// people lays out what is known of everybody.
func (r *Report) people() section {
	p := r.People
	s := section{ID: "people", Title: "People"}
	share := func(n int) string {
		if p.Profiles == 0 {
			return "–"
		}
		return percent(float64(n)/float64(p.Profiles), 1)
	}
	if p.AtRiskDays > 0 {
		s.Lead = fmt.Sprintf("By the intervals between their own orders, customers are at risk after %s days of silence and lapsed after %s.",
			grouped(p.AtRiskDays, 1), grouped(p.LapsedDays, 1))
	}
	g := grid{Head: []string{"stage", "people >", "share >"}}
	for _, c := range p.Stages {
		g.Rows = append(g.Rows, []string{c.Name, count(c.N), share(c.N)})
	}
	s.Tables = append(s.Tables, g)
	if len(p.Interests) > 0 {
		g := grid{
			Caption: fmt.Sprintf("Tagged by what they look at: %s, %s of them with a confidence of 0.8 and more.",
				plural(p.Interested, "person", "people"), count(p.Sure)),
			Head: []string{"interest", "people >", "share >"},
		}
		const most = 8
		for i, c := range p.Interests {
			if i == most {
				g.Rows = append(g.Rows, []string{fmt.Sprintf("%d more", len(p.Interests)-most), count(total(p.Interests[most:])), ""})
				break
			}
			g.Rows = append(g.Rows, []string{c.Name, count(c.N), share(c.N)})
		}
		s.Tables = append(s.Tables, g)
	}
	if len(p.Consent) > 0 {
		g := grid{Head: []string{"purpose", "granted >", "denied >", "not asked >", "may be reached >", "signals about it"}, Wrap: 40}
		for _, c := range p.Consent {
			g.Rows = append(g.Rows, []string{
				c.Name, count(c.Granted), count(c.Denied), count(p.Profiles - c.Granted - c.Denied),
				share(c.Allowed), strings.Join(c.Signals, ", "),
			})
		}
		s.Tables = append(s.Tables, g)
	}
	if h := p.Habits; h != nil {
		s.Notes = append(s.Notes, fmt.Sprintf("People are most active at %02d:00 and on %ss, where they are; of %s seen often enough to tell, %s have another hour of their own.",
			h.Hour, h.Weekday, count(h.Known), count(h.OtherHour)))
		var parts []string
		for i, c := range h.Channels {
			if i == 5 {
				break
			}
			parts = append(parts, fmt.Sprintf("%s %s (best for %s)", c.Channel, percent(c.Share, 0), count(c.Best)))
		}
		if len(parts) > 0 {
			s.Notes = append(s.Notes, "They come by "+strings.Join(parts, ", ")+".")
		}
	}
	return s
}
