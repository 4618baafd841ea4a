package profile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetention(t *testing.T) {
	traits := []Trait{
		{Name: "orders", Kind: Count, Events: []string{"order"}},
		{Name: "last", Kind: Last, Events: []string{"order"}, Field: "item"},
	}
	s := newTest(t, Options{Retain: Retain{Horizon: 10 * day, Events: []string{"order", "identify"}}, Traits: traits})
	v := newRecorder()
	require.NoError(t, s.Attach("v", v, nil))
	for i := range 5 {
		e := event("order", epoch.Add(time.Duration(i)*3*day), ann)
		e.Fields = map[string]any{"item": fmt.Sprint("i", i)}
		s.must(t, e)
		s.must(t, event("other", epoch.Add(time.Duration(i)*3*day), ann))
	}
	s.must(t, Event{Type: Identify, Time: epoch, Keys: []Key{ann}, Fields: map[string]any{"country": "NZ"}})
	require.Equal(t, map[string]any{"country": "NZ", "orders": int64(4), "last": "i4"}, s.attributesOf(s.people.of(1)))
	require.EqualValues(t, 1, s.Stats().Expired, "the late identify counts, but is not kept")
	require.Equal(t, 4, s.Stats().Retained)
	var changes []Change
	require.NoError(t, s.Advance(epoch.Add(21*day), func(c Change) { changes = append(changes, c) }))
	require.Equal(t, []Change{{User: 1, Attributes: map[string]any{"orders": int64(1)}, Seq: 12}}, changes)
	require.NoError(t, s.Advance(epoch.Add(30*day), func(c Change) { changes = append(changes, c) }))
	require.Equal(t, map[string]any{"orders": nil, "last": nil}, changes[1].Attributes)
	_, attributes := v.show()
	require.Equal(t, map[uint32]string{1: `country="NZ" `}, attributes)
	require.Zero(t, s.Stats().Retained)
	require.Equal(t, []uint32{1}, s.Users(), "who someone is outlives the log")
	s.checkInvariants(t)
}

func TestLogIsCompacted(t *testing.T) {
	s := newTest(t, Options{Retain: Retain{Horizon: day}})
	for i := range 20_000 {
		e := event("e", epoch.Add(time.Duration(i)*time.Minute), Key{UserID, fmt.Sprint("u", i%10)})
		e.Fields = map[string]any{"text": strings.Repeat("x", 200), "i": i}
		s.must(t, e)
	}
	held := 0
	for _, c := range s.log.chunks {
		held += cap(c)
	}
	require.Less(t, held, 8*chunkSize)
	s.checkInvariants(t)
	var d decoded
	for _, p := range s.persons() {
		for _, r := range p.rows {
			s.log.decode(r.pos(), &d)
			require.Equal(t, r.time(), epoch.Add(time.Duration(d.fields["i"].(int64))*time.Minute))
		}
	}
}

func TestClock(t *testing.T) {
	s := newTest(t, Options{})
	v := newRecorder()
	require.NoError(t, s.Attach("v", v, nil))
	e := event("a", epoch, ann)
	e.Received = epoch.Add(1500 * time.Millisecond)
	s.must(t, e)
	require.Equal(t, epoch.Add(time.Second), v.now)
	s.must(t, event("late", epoch.Add(-time.Hour), ann))
	require.Equal(t, epoch.Add(time.Second), v.now)
	require.NoError(t, s.Advance(epoch, nil), "an earlier instant does nothing")
	require.ErrorIs(t, s.Advance(time.Time{}, nil), ErrTime)

	s = newTest(t, Options{Clock: Manual})
	require.NoError(t, s.Attach("v2", newRecorder(), nil))
	s.must(t, event(ProductViewed, epoch.Add(3*time.Hour), ann))
	_, ok := s.Attribute(1, "recent_views")
	require.False(t, ok, "an event of the future waits for the clock")
	require.NoError(t, s.Advance(epoch.Add(3*time.Hour), nil))
	got, _ := s.Attribute(1, "recent_views")
	require.EqualValues(t, 1, got)
	require.NoError(t, s.Advance(epoch.Add(3*time.Hour+30*time.Minute-time.Second), nil))
	_, ok = s.Attribute(1, "recent_views")
	require.True(t, ok)
	require.NoError(t, s.Advance(epoch.Add(3*time.Hour+30*time.Minute), nil))
	_, ok = s.Attribute(1, "recent_views")
	require.False(t, ok, "(now − W, now]")
}
