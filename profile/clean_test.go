package profile

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		opts Options
		want string
	}{
		{Options{Shard: 1}, "Shard = 1: must be below Shards = 1"},
		{Options{Clock: 7}, "Clock = 7: unknown"},
		{Options{Bots: BotRules{Nets: []netip.Prefix{{}}}}, "Bots.Nets = invalid Prefix: not a network"},
		{Options{Retain: Retain{Horizon: time.Hour}}, "Retain.Horizon = 1h0m0s: must be at least 24h"},
		{Options{DedupeWindow: -1}, "DedupeWindow = -1ns: must be at least 1s"},
		{Options{MaxFields: -1}, "MaxFields = -1: must be positive"},
		{Options{Priority: []string{"a", "a"}}, "Priority = a: named twice"},
		{Options{Limits: map[string]int{"email": 0}}, `Limits["email"] = 0: must be positive`},
		{Options{Traits: []Trait{{}}}, `Traits[""].Name = "": missing`},
		{Options{Traits: []Trait{{Name: "x", Kind: 99}}}, `Traits["x"].Kind = 99: unknown`},
		{Options{Traits: []Trait{{Name: "x"}}}, `Traits["x"].Events = []: name at least one event`},
		{Options{Traits: []Trait{{Name: "x", Events: []string{"e"}, Window: 401 * day}}}, `Traits["x"].Window = 9624h0m0s: longer than Retain.Horizon`},
		{Options{Traits: []Trait{{Name: "x", Events: []string{"e"}, Where: map[string]any{"a": math.NaN()}}}}, `Traits["x"].Where = NaN: not a value that a field may hold`},
		{Options{Traits: []Trait{{Name: "x", Events: []string{"e"}}}, Retain: Retain{Events: []string{"f"}}}, `Traits["x"].Events = e: not among Retain.Events`},
		{Options{Traits: []Trait{{Name: "x", Events: []string{"e"}}, {Name: "x", Events: []string{"e"}}}}, `Traits = x: declared twice`},
	} {
		_, err := New(&c.opts)
		require.ErrorIs(t, err, ErrOptions)
		require.ErrorContains(t, err, c.want)
	}
}

func TestClean(t *testing.T) {
	s := newTest(t, Options{})
	received := epoch.Add(time.Hour)
	c := s.must(t, Event{
		ID: "1", Name: "  Viewed Product ", Time: epoch, Sent: epoch.Add(time.Minute), Received: received,
		Keys: []Key{
			{Email, " Ann@X.io "},
			{Phone, "0064 (21) 000-111"},
			{" card ", " 7 "},
			{AnonymousID, "NULL"},
			{AnonymousID, "0000-0000"},
			{Email, "nobody"},
			{Phone, "none of your business"},
			{"", "x"},
			{AnonymousID, "\xff"},
		},
		Fields: map[string]any{
			"n": 7, "u": uint8(3), "f": float32(0.5), "big": int64(1 << 60), "nan": math.NaN(), "ch": make(chan int), "nil": nil,
			"bad": "\xff", "": 1, "nested": map[string]any{"a": map[string]any{"b": true}, "list": []any{"x", 1}},
			"list": []any{"x", "y"}, "when": epoch.In(time.FixedZone("x", 3600)), strings.Repeat("k", 300): 1,
		},
	})
	data, err := s.Export(c.User)
	require.NoError(t, err)
	var out struct {
		Keys   []Key
		Events []struct {
			Name, Time string
			Fields     map[string]any
		}
	}
	require.NoError(t, json.Unmarshal(data, &out))
	require.Equal(t, []Key{{Email, "ann@x.io"}, {Phone, "+6421000111"}, {"card", "7"}}, out.Keys)
	require.Equal(t, ProductViewed, out.Events[0].Name)
	require.Equal(t, "2026-03-01T12:59:00Z", out.Events[0].Time, "corrected by received − sent")
	require.Equal(t, map[string]any{
		"n": 7.0, "u": 3.0, "f": 0.5, "nested.a.b": true, "list": []any{"x", "y"},
		"when": map[string]any{"$time": "2026-03-01T12:00:00Z"},
	}, out.Events[0].Fields)
	st := s.Stats()
	require.EqualValues(t, 7, st.FieldsDropped)
	require.EqualValues(t, 2, st.KeysBlocked)
	require.EqualValues(t, 4, st.KeysDropped)
	user, ok := s.Resolve(Email, "ANN@x.io")
	require.True(t, ok)
	require.Equal(t, c.User, user)
}

func TestTimes(t *testing.T) {
	s := newTest(t, Options{})
	at := func(e Event) time.Time {
		c := s.must(t, e)
		p, _ := s.Profile(c.User)
		return p.LastSeen
	}
	later := epoch.Add(time.Hour)
	n := 0
	key := func() []Key { n++; return []Key{{UserID, fmt.Sprint("k", n)}} }
	require.Equal(t, epoch, at(Event{Name: "e", Time: epoch, Keys: key()}))
	require.Equal(t, epoch, at(Event{Name: "e", Received: epoch, Keys: key()}), "received stands in")
	require.Equal(t, epoch, at(Event{Name: "e", Time: later, Received: epoch, Keys: key()}), "never after reception")
	require.Equal(t, epoch, at(Event{Name: "e", Time: later, Sent: later, Received: epoch, Keys: key()}), "a fast clock")
	require.EqualValues(t, 1, s.Stats().TimesClamped)
	for _, e := range []Event{{Name: "e"}, {Name: "e", Time: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)}, {Name: "e", Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}} {
		e.Keys = key()
		_, err := s.Apply(e)
		require.ErrorIs(t, err, ErrNoTime)
	}
}

func TestLate(t *testing.T) {
	s := newTest(t, Options{MaxLateness: time.Hour})
	s.must(t, event("a", epoch, ann))
	s.must(t, event("b", epoch.Add(-time.Hour), ann))
	_, err := s.Apply(event("c", epoch.Add(-time.Hour-time.Second), ann))
	require.ErrorIs(t, err, ErrLate)
	require.EqualValues(t, 1, s.Stats().Refused.Late)
	_, err = New(&Options{MaxLateness: -1})
	require.ErrorIs(t, err, ErrOptions)
}

// What a sender claims of the time to come does not cost what is held.
func TestAhead(t *testing.T) {
	for _, clock := range []ClockMode{ByEvents, Manual} {
		s := newTest(t, Options{MaxAhead: time.Hour, Clock: clock})
		s.must(t, event("a", epoch, ann))
		s.must(t, event("b", epoch.Add(time.Hour), ann))
		now := s.clock.time()
		for _, late := range []time.Duration{time.Hour + time.Nanosecond, 100_000 * day} {
			_, err := s.Apply(event("c", now.Add(late), ann))
			require.ErrorIs(t, err, ErrNoTime)
		}
		e := event("d", now, ann)
		e.Received = now.Add(2 * time.Hour)
		_, err := s.Apply(e)
		require.ErrorIs(t, err, ErrNoTime)
		require.EqualValues(t, 3, s.Stats().Refused.NoTime)
		require.Equal(t, 2, s.Stats().Retained)

		e.Time, e.Received = now.Add(1000*day), now
		require.EqualValues(t, 1, s.must(t, e).User, "the receiver's clock bounds the sender's")
		require.NoError(t, s.Advance(now.Add(day), nil))
		s.must(t, event("f", now.Add(day+time.Hour), ann))
	}
	for _, s := range []*Store{newTest(t, Options{MaxAhead: time.Hour}), openTest(t, t.TempDir(), Options{MaxAhead: time.Hour})} {
		s.must(t, event("a", epoch, ann))
		_, err := s.Commit(Batch{Events: []Event{event("b", epoch.Add(time.Hour), ann), event("c", epoch.Add(2*time.Hour), ann), event("d", epoch.Add(4*time.Hour), ann)}})
		var batch *BatchError
		require.ErrorAs(t, err, &batch)
		require.Len(t, batch.Refused, 1, "each event may lead the clock on from the one before")
		require.ErrorContains(t, batch.Refused[2], "more than MaxAhead = 1h0m0s ahead of the clock")
		require.Equal(t, 3, s.Stats().Retained)
		require.NoError(t, s.Close())
	}
	s := newTest(t, Options{MaxAhead: time.Hour})
	require.NoError(t, s.Advance(epoch, nil), "a new store has no clock to be ahead of")
	_, err := s.Apply(event("a", epoch.Add(100_000*day), ann))
	require.ErrorIs(t, err, ErrNoTime)
	_, err = New(&Options{MaxAhead: -1})
	require.ErrorIs(t, err, ErrOptions)
}

func TestRefusals(t *testing.T) {
	s := newTest(t, Options{MaxFields: 4, MaxEventKeys: 2, MaxEventBytes: 1000})
	for _, c := range []struct {
		e    Event
		want error
	}{
		{Event{Name: "e", Time: epoch}, ErrNoKey},
		{Event{Name: " ", Time: epoch, Keys: []Key{ann}}, ErrNoName},
		{Event{Name: "\xff", Time: epoch, Keys: []Key{ann}}, ErrNoName},
		{Event{Name: strings.Repeat("n", 300), Time: epoch, Keys: []Key{ann}}, ErrNoName},
		{Event{Name: "e", Type: 99, Time: epoch, Keys: []Key{ann}}, ErrType},
		{Event{Name: "e", Time: epoch, Keys: []Key{ann, bob, {Email, "a@b"}}}, ErrTooLarge},
		{Event{Name: "e", Time: epoch, Keys: []Key{ann}, Fields: map[string]any{"a": map[string]any{"b": 1, "c": 1, "d": 1, "e": 1, "f": 1}}}, ErrTooLarge},
		{Event{Name: "e", Time: epoch, Keys: []Key{ann}, Fields: map[string]any{"a": strings.Repeat("x", 1000)}}, ErrTooLarge},
		{Event{Name: "e", Time: epoch, Keys: []Key{ann}, Fields: map[string]any{"context.userAgent": "curl/8.5"}}, ErrBot},
	} {
		got, err := s.Apply(c.e)
		var r *RefusedError
		require.ErrorAs(t, err, &r)
		require.ErrorIs(t, err, ErrRefused)
		require.ErrorIs(t, err, c.want)
		require.True(t, strings.HasPrefix(err.Error(), "profile: "), err.Error())
		require.Zero(t, got)
	}
	st := s.Stats()
	require.EqualValues(t, 9, st.Refused.Total())
	require.Equal(t, st.Events, st.Refused.Total())
	require.Empty(t, s.Users())
	require.Zero(t, s.graph.size())
}

func TestBlocked(t *testing.T) {
	s := newTest(t, Options{Blocked: []string{"Nobody@X.io"}, BlockedPatterns: []*regexp.Regexp{regexp.MustCompile(`^dev-`)}})
	for _, v := range append(BlockedValues(), "NULL", "Undefined", "000", "0-0", " none ", "nobody@x.io", "dev-7") {
		_, err := s.Apply(event("e", epoch, Key{"any", v}))
		require.ErrorIs(t, err, ErrNoKey, v)
	}
	s.must(t, event("e", epoch, ann, Key{AnonymousID, "null"}))
	s.must(t, event("e", epoch, bob, Key{AnonymousID, "null"}))
	require.Len(t, s.Users(), 2)
}

func TestDedupe(t *testing.T) {
	s := newTest(t, Options{DedupeWindow: time.Hour, Traits: []Trait{{Name: "n", Kind: Count, Events: []string{"e"}}}})
	e := event("e", epoch, ann)
	require.False(t, s.must(t, e).Duplicate, "no id: the content counts")
	require.True(t, s.must(t, e).Duplicate)
	e.Received = epoch.Add(time.Second)
	require.True(t, s.must(t, e).Duplicate, "the time of reception does not count")
	e.Fields = map[string]any{"x": 1}
	require.False(t, s.must(t, e).Duplicate)
	e.Fields = map[string]any{"x": 1.0}
	require.False(t, s.must(t, e).Duplicate, "3 and 3.0 are two contents")

	e = event("e", epoch, ann)
	e.ID = "m1"
	require.False(t, s.must(t, e).Duplicate)
	e.Time = epoch.Add(time.Second)
	require.True(t, s.must(t, e).Duplicate, "a redelivery with another corrected time")
	require.NoError(t, s.Advance(epoch.Add(59*time.Minute), nil))
	require.True(t, s.must(t, e).Duplicate, "within the window")
	require.NoError(t, s.Advance(epoch.Add(3*time.Hour), nil))
	e.Time = epoch
	require.True(t, s.must(t, e).Duplicate, "after the window the log still knows it")
	v, _ := s.Attribute(1, "n")
	require.EqualValues(t, 4, v)
	long := event("e", epoch, ann)
	long.ID = strings.Repeat("i", 5000)
	require.False(t, s.must(t, long).Duplicate)
	require.True(t, s.must(t, long).Duplicate)
}

// Fields that need no cleaning are read where they are, and the others come to
// the same: with a view, which adds to them, and an erasure, which clears what
// the store has of them.
func TestCleanFieldsAreBorrowed(t *testing.T) {
	s, twice := newTest(t, Options{Traits: benchTraits()}), newTest(t, Options{Traits: benchTraits()})
	for i, e := range benchEvents(400) {
		if i == 200 {
			require.NoError(t, s.Attach("view", newRecorder(), nil))
			require.NoError(t, twice.Attach("view", newRecorder(), nil))
		}
		before := maps.Clone(e.Fields)
		c, err := s.Apply(e)
		require.NoError(t, err)
		given := e.Fields
		require.Equal(t, before, given)
		// What is dropped, and what is nested, makes the store copy the rest.
		e.Fields = maps.Clone(before)
		e.Fields["nothing"] = nil
		if v, ok := before["context.ip"]; ok {
			delete(e.Fields, "context.ip")
			e.Fields["context"] = map[string]any{"ip": v}
		}
		_, err = twice.Apply(e)
		require.NoError(t, err)
		if i == 300 {
			for _, x := range []*Store{s, twice} {
				_, err = x.Erase(c.User)
				require.NoError(t, err)
			}
			require.Equal(t, before, given)
		}
	}
	a, err := s.AppendBinary(nil)
	require.NoError(t, err)
	b, err := twice.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, a, b)
}
