package profile

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPreferences(t *testing.T) {
	var log []Event
	add := func(who string, at time.Time, fields map[string]any) {
		e := event("Email Opened", at, Key{UserID, who})
		e.ID, e.Fields = fmt.Sprint(len(log)), fields
		log = append(log, e)
	}
	// Ann opens at 20:00 New York time, before and after the clocks change
	// on 8 March 2026; Bob at 07:00 UTC, most of it by e-mail.
	for i := range 14 {
		day := time.Date(2026, 3, 1+i, 0, 0, 0, 0, time.UTC)
		utc := 25
		if i > 7 {
			utc = 24
		}
		if i != 7 {
			add("ann", day.Add(time.Duration(utc)*time.Hour), map[string]any{"context.campaign.medium": "email"})
		}
		if i%2 == 0 {
			add("bob", day.Add(7*time.Hour), map[string]any{"context.campaign.medium": []string{"push", "email"}[min(1, i%4)]})
		}
	}
	zone := event("", epoch, Key{UserID, "ann"})
	zone.Type, zone.Fields, zone.ID = Identify, map[string]any{"timezone": "America/New_York"}, "zone"
	log = append(log, zone)
	log = append(log, event("Other", epoch, Key{UserID, "cid"}))
	build := func() *Store {
		s := newTest(t, Options{})
		for _, e := range log {
			s.must(t, e)
		}
		return s
	}
	s := build()
	m, err := s.FitPreferences(t.Context(), &PreferenceOptions{Events: []string{"Email Opened"}})
	require.NoError(t, err)
	u, _ := s.Resolve(UserID, "ann")
	p, ok := m.Of(s, u)
	require.True(t, ok)
	require.Equal(t, 20, p.Hour)
	require.Equal(t, []int{13, 13, 13, 13}, []int{p.N, p.ChannelN, p.Hours[20].N, p.Channels[0].N})
	require.Equal(t, "email", p.Channel)
	// Two of two persons voted; ann has all of her vote at 20:00.
	prior := (1 + 1.0/24) / 3
	want := (13 + 10*prior) / 23
	require.InDelta(t, want, p.Hours[20].Value, 1e-15)
	require.InDelta(t, math.Sqrt(want*(1-want)/24), p.Hours[20].StdErr, 1e-15)
	sum := 0.0
	for _, h := range p.Hours {
		sum += h.Value
	}
	for _, d := range p.Weekdays {
		sum += d.Value
	}
	for _, c := range p.Channels {
		sum += c.Value
	}
	require.InDelta(t, 3, sum, 1e-12)
	// Nothing is known of Cid but the population.
	u, _ = s.Resolve(UserID, "cid")
	p, _ = m.Of(s, u)
	population := m.Population()
	population.User = u
	require.Equal(t, population, p)
	require.Zero(t, p.N)
	require.InDelta(t, prior, p.Hours[20].Value, 1e-15)
	_, ok = m.Of(s, 99)
	require.False(t, ok)

	r := rand.New(rand.NewPCG(61, 1))
	r.Shuffle(len(log), func(i, j int) { log[i], log[j] = log[j], log[i] })
	o := build()
	again, err := o.FitPreferences(t.Context(), &PreferenceOptions{Events: []string{"Email Opened"}})
	require.NoError(t, err)
	require.Equal(t, m.Population(), again.Population())

	_, err = s.FitPreferences(t.Context(), &PreferenceOptions{Strength: math.NaN()})
	require.ErrorIs(t, err, ErrOptions)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.FitPreferences(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
}
