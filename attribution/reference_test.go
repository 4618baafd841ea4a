package attribution

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The slow and obvious way from events to paths: every question is asked of
// all events of the user, again and again.

type refUser struct {
	touches     []Touch
	conversions []Conversion
	refunds     []refRefund
}

type refRefund struct {
	id    string
	value float64
	at    time.Time
}

type refOptions struct {
	start, asOf      time.Time
	click, view, gap time.Duration
	session          time.Duration
	own              map[string]time.Duration
	keep             bool
	transform        Transform
}

// refPaths returns "channels: conversions value nulls" by path, and the open
// runs.
func refPaths(users map[uint32]*refUser, o refOptions) (map[string][3]float64, float64) {
	paths, open := map[string][3]float64{}, 0.0
	add := func(touches []Touch, conv, value, null float64) {
		var names []string
		for i, t := range touches {
			switch {
			case o.transform == Collapse && i+1 < len(touches) && touches[i+1].Channel == t.Channel:
			case o.transform == Unique && slices.Contains(names, t.Channel):
			default:
				names = append(names, t.Channel)
			}
		}
		k := fmt.Sprint(names)
		v := paths[k]
		paths[k] = [3]float64{v[0] + conv, v[1] + value, v[2] + null}
	}
	within := func(t time.Time) bool { return !t.Before(o.start) && !t.After(o.asOf) }
	for _, u := range users {
		touches := refTouches(u, o)
		conversions := refConversions(u, o)
		window := func(t Touch) time.Duration {
			if w, ok := o.own[t.Channel]; ok {
				return w
			}
			if t.Kind == View {
				return o.view
			}
			return o.click
		}
		// owner is the first conversion at or after a touch.
		owner := func(t Touch) int {
			for i, c := range conversions {
				if !c.Time.Before(t.Time) {
					return i
				}
			}
			return len(conversions)
		}
		for i, c := range conversions {
			var path []Touch
			for _, t := range touches {
				if t.Time.After(c.Time) || c.Time.Sub(t.Time) > window(t) || !o.keep && owner(t) != i {
					continue
				}
				path = append(path, t)
			}
			if within(c.Time) {
				add(path, 1, c.Value, 0)
			}
		}
		// A touch ends a journey without conversion when no earlier touch of
		// its own stretch between conversions was claimed, nor itself, and
		// nothing follows for a gap.
		claimed := func(t Touch) bool {
			i := owner(t)
			return i < len(conversions) && conversions[i].Time.Sub(t.Time) <= window(t)
		}
		var run []Touch
		for i, t := range touches {
			fresh := true
			for _, e := range touches[:i+1] {
				if owner(e) == owner(t) && claimed(e) {
					fresh = false
				}
			}
			if !fresh {
				continue
			}
			if i > 0 && (owner(touches[i-1]) != owner(t) || t.Time.Sub(touches[i-1].Time) > o.gap) {
				run = nil
			}
			run = append(run, t)
			next, last := o.asOf, true
			if j := owner(t); j < len(conversions) {
				next, last = conversions[j].Time, false
			}
			if i+1 < len(touches) && owner(touches[i+1]) == owner(t) {
				next, last = touches[i+1].Time, false
			}
			if next.Sub(t.Time) > o.gap {
				if within(t.Time) {
					add(run, 0, 0, 1)
				}
			} else if last && within(t.Time) {
				open++
			}
		}
	}
	return paths, open
}

func refTouches(u *refUser, o refOptions) []Touch {
	var all []Touch
	for _, t := range u.touches {
		if !t.Time.After(o.asOf) {
			all = append(all, t)
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		switch {
		case !a.Time.Equal(b.Time):
			return a.Time.Before(b.Time)
		case a.Kind != b.Kind:
			return a.Kind == View
		case a.Channel != b.Channel:
			return a.Channel < b.Channel
		case a.Cost != b.Cost:
			return a.Cost < b.Cost
		}
		return a.Campaign < b.Campaign
	})
	var kept []Touch
	for i, t := range all {
		drop := false
		for _, e := range all[:i] {
			if e.Channel == t.Channel && e.Campaign == t.Campaign && e.Kind == t.Kind && t.Time.Sub(e.Time) <= o.session {
				drop = true
			}
		}
		if t.Kind == Click && t.Channel == DirectChannel {
			// Walk back through the clicks of the session.
			at := t.Time
			for k := i - 1; k >= 0; k-- {
				e := all[k]
				if e.Kind != Click {
					continue
				}
				if at.Sub(e.Time) > o.session {
					break
				}
				if e.Channel != DirectChannel {
					drop = true
				}
				at = e.Time
			}
		}
		if !drop || o.session < 0 {
			kept = append(kept, t)
		}
	}
	return kept
}

func refConversions(u *refUser, o refOptions) []Conversion {
	all := slices.Clone(u.conversions)
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		switch {
		case !a.Time.Equal(b.Time):
			return a.Time.Before(b.Time)
		case a.ID != b.ID:
			return a.ID < b.ID
		}
		return a.Value < b.Value
	})
	var kept []Conversion
	seen := map[string]bool{}
	for _, c := range all {
		if c.Time.After(o.asOf) || c.ID != "" && seen[c.ID] {
			continue
		}
		seen[c.ID] = true
		void := false
		back := 0.0
		for _, r := range u.refunds {
			if r.id == c.ID && !r.at.After(o.asOf) {
				back += r.value
				void = void || r.value == 0 || back >= c.Value
			}
		}
		if void {
			continue
		}
		c.Value -= back
		kept = append(kept, c)
	}
	return kept
}

func TestPathsAgreeWithReference(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rounds := 1500
	if testing.Short() {
		rounds = 200
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		j := newJourneys(t, nil)
		users := map[uint32]*refUser{}
		hour := func() time.Time { return start.Add(time.Duration(r.IntN(200)) * time.Hour / 4) }
		for range r.IntN(40) {
			id := uint32(1 + r.IntN(2))
			u := users[id]
			if u == nil {
				u = &refUser{}
				users[id] = u
			}
			switch r.IntN(8) {
			default:
				touch := Touch{
					Channel: []string{"A", "B", "C", DirectChannel}[r.IntN(4)], Campaign: []string{"", "x"}[r.IntN(2)],
					Kind: Kind(r.IntN(2)), Time: hour(), Cost: float64(r.IntN(3)),
				}
				u.touches = append(u.touches, touch)
				require.NoError(t, j.Touch(id, touch))
			case 0, 1:
				c := Conversion{Time: hour(), Value: float64(1 + r.IntN(9))}
				if r.IntN(4) > 0 {
					c.ID = fmt.Sprint(r.IntN(5))
				}
				u.conversions = append(u.conversions, c)
				require.NoError(t, j.Convert(id, c))
			case 2:
				refund := refRefund{fmt.Sprint(r.IntN(5)), float64(r.IntN(6)), hour()}
				u.refunds = append(u.refunds, refund)
				require.NoError(t, j.Refund(id, refund.id, refund.value, refund.at))
			}
		}
		o := refOptions{
			asOf:  hour(),
			click: time.Duration(1+r.IntN(80)) * time.Hour / 4, view: time.Duration(1+r.IntN(20)) * time.Hour / 4,
			gap: time.Duration(1+r.IntN(60)) * time.Hour / 4, session: time.Duration(r.IntN(4)-1) * time.Hour / 4,
			keep: r.IntN(3) == 0, transform: Transform(r.IntN(3)),
		}
		if o.session == 0 {
			o.session = 30 * time.Minute
		}
		if r.IntN(3) == 0 {
			o.start = hour()
		}
		if r.IntN(3) == 0 {
			o.own = map[string]time.Duration{"A": time.Duration(r.IntN(100)) * time.Hour / 4}
		}
		p, err := j.Paths(&PathOptions{
			Start: o.start, AsOf: o.asOf, Click: o.click, View: o.view, Gap: o.gap, SessionGap: o.session,
			Channels: o.own, KeepAfterConversion: o.keep, Transform: o.transform,
		})
		require.NoError(t, err)
		want, open := refPaths(users, o)
		got := map[string][3]float64{}
		for id := range p.rows {
			var names []string
			for _, c := range p.seqs.seq(uint32(id)) {
				names = append(names, p.channels.Name(c))
			}
			if row := p.rows[id]; !row.zero() {
				got[fmt.Sprint(names)] = [3]float64{row.conv.Value(), row.value.Value(), row.null.Value()}
			}
		}
		require.Equal(t, want, got, "seed %d, options %+v", seed, o)
		require.Equal(t, open, p.Summary().Open, "seed %d", seed)
	}
}
