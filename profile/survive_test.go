package profile

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Traits over identify events decide which value of an attribute survives,
// whatever the order of arrival, and views are told.
func TestSurvivorship(t *testing.T) {
	identify := []string{"identify"}
	traits := []Trait{
		{Name: "plan", Kind: First, Events: identify, Field: "plan"},
		{Name: "score", Kind: Max, Events: identify, Field: "score"},
		{Name: "interests", Kind: Distinct, Events: identify, Field: "interests"},
		{Name: "city", Kind: Last, Events: identify, Field: "city", Sources: []string{"crm", "shop"}},
		{Name: "city_first", Kind: First, Events: identify, Field: "city", Sources: []string{"shop", "crm"}},
		{Name: "address", Kind: Last, Events: identify, Field: "address", Where: map[string]any{"source": "crm"}},
	}
	events := []Event{
		{ID: "1", Fields: map[string]any{"plan": "free", "score": 3, "interests": []string{"tea", "ski"}, "address": "A", "source": "crm", "city": "Rome", "context.source": "crm"}},
		{ID: "2", Fields: map[string]any{"plan": "pro", "score": 9, "interests": "bike", "city": "Oslo", "context.source": "crm"}},
		{ID: "3", Fields: map[string]any{"plan": "max", "score": 5, "interests": []string{"ski"}, "address": "B", "source": "web", "city": "Bern", "context.source": "shop"}},
		{ID: "4", Fields: map[string]any{"city": "Graz"}},
	}
	for i := range events {
		events[i].Type, events[i].Keys, events[i].Time = Identify, []Key{ann}, epoch.Add(time.Duration(i)*time.Minute)
	}
	for round := range 50 {
		r := rand.New(rand.NewPCG(51, uint64(round)))
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		s := newTest(t, Options{Traits: traits})
		v := newRecorder()
		require.NoError(t, s.Attach("v", v, nil))
		for _, e := range events {
			s.must(t, e)
		}
		p, _ := s.Profile(1)
		delete(p.Attributes, "source")
		require.Equal(t, map[string]any{"plan": "free", "score": int64(9), "interests": []string{"bike", "ski", "tea"}, "address": "A", "city": "Oslo", "city_first": "Bern"}, p.Attributes)
		require.Zero(t, s.Stats().FieldsDropped)
		_, attributes := v.show()
		_, wanted := s.wanted(s.Users())
		require.Equal(t, wanted, attributes)
	}
}

func TestMaxAttributes(t *testing.T) {
	s := newTest(t, Options{MaxAttributes: 100})
	for i := range 1000 {
		s.must(t, Event{Type: Identify, Time: epoch, Keys: []Key{ann}, Fields: map[string]any{fmt.Sprint("a", i): i, "a0": i}})
	}
	p, _ := s.Profile(1)
	require.Len(t, p.Attributes, 101) // with the stage
	require.Equal(t, int64(999), p.Attributes["a0"])
	require.EqualValues(t, 900, s.Stats().FieldsDropped)
}

// A person has so many attributes at most, the same ones however the fields of
// an event are ordered; those known may still change.
func TestMaxPersonAttributes(t *testing.T) {
	for range 5 {
		s := newTest(t, Options{MaxPersonAttributes: 10, Traits: []Trait{}})
		for i := range 100 {
			fields := map[string]any{"a00": i}
			for j := range 4 {
				fields[fmt.Sprintf("a%02d", i*3+j)] = i
			}
			s.must(t, Event{Type: Identify, ID: fmt.Sprint(i), Time: epoch.Add(time.Duration(i)), Keys: []Key{ann}, Fields: fields})
		}
		p, _ := s.Profile(1)
		require.Len(t, p.Attributes, 10)
		require.Equal(t, int64(99), p.Attributes["a00"])
		require.Contains(t, p.Attributes, "a09")
		s.must(t, Event{Type: Identify, Time: epoch, Keys: []Key{bob}, Fields: map[string]any{"b": 1, "a50": 2}})
		p, _ = s.Profile(2)
		require.Len(t, p.Attributes, 2)
	}
}

func TestLatePolicy(t *testing.T) {
	for _, policy := range []LatePolicy{RejectLate, FlagLate} {
		s := newTest(t, Options{MaxLateness: time.Hour, Late: policy})
		require.False(t, s.must(t, event("a", epoch, ann)).Late)
		require.False(t, s.must(t, event("b", epoch.Add(-time.Hour), ann)).Late)
		c, err := s.Apply(event("c", epoch.Add(-time.Hour-1), ann))
		if policy == RejectLate {
			require.ErrorIs(t, err, ErrLate)
			continue
		}
		require.NoError(t, err)
		require.True(t, c.Late)
		require.EqualValues(t, 1, s.Stats().Late)
	}
	_, err := New(&Options{Late: 7})
	require.ErrorIs(t, err, ErrOptions)
}
