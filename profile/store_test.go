package profile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/value"
)

var ann, bob = Key{UserID, "ann"}, Key{UserID, "bob"}

func event(name string, at time.Time, keys ...Key) Event {
	return Event{Name: name, Time: at, Keys: keys}
}

func (s *Store) must(t testing.TB, e Event) Change {
	t.Helper()
	c, err := s.Apply(e)
	require.NoError(t, err)
	return c
}

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
			"n": 7, "u": uint8(3), "f": float32(0.5), "big": 1 << 60, "nan": math.NaN(), "ch": make(chan int), "nil": nil,
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

// After an erasure the person's texts are nowhere in what the store holds.
func TestEraseScrubs(t *testing.T) {
	s := newTest(t, Options{})
	const secret = "Rosamunde-Leverkusen"
	e := event("e", epoch, Key{Email, secret + "@x.io"}, Key{AnonymousID, secret})
	e.ID = secret
	e.Fields = map[string]any{"name": secret, "list": []string{secret}}
	s.must(t, e)
	e.Type, e.ID = Identify, "2"
	s.must(t, e)
	s.must(t, event("e", epoch, bob))
	e.ID = "3"
	c := s.must(t, e)
	found := func() bool {
		text := fmt.Sprintf("%#v %#v %#v %#v %#v", s.graph.nodes, s.graph.sets, s.graph.kinds, s.fields, s.keys)
		for _, chunk := range s.log.chunks {
			text += string(chunk[:cap(chunk)])
		}
		text += string(s.log.scratch[:cap(s.log.scratch)])
		return strings.Contains(strings.ToLower(text), strings.ToLower(secret))
	}
	require.True(t, found())
	_, err := s.Erase(c.User)
	require.NoError(t, err)
	require.False(t, found())
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

func TestExactSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var s, half, rest exactSum
		want := new(big.Rat)
		n := r.IntN(20)
		for i := range n {
			x := math.Ldexp(r.Float64()-0.5, r.IntN(200)-100)
			if r.IntN(3) == 0 {
				x = float64(r.IntN(2000)) / 100
			}
			s.add(x)
			if i%2 == 0 {
				half.add(x)
			} else {
				rest.add(x)
			}
			want.Add(want, new(big.Rat).SetFloat64(x))
		}
		f, _ := want.Float64()
		require.Equal(t, f, s.value())
		half.merge(rest)
		require.Equal(t, f, half.value())
		for _, x := range slices.Clone(s) {
			s.add(-x)
		}
		require.Zero(t, s.value())
	}
}

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
	require.Equal(t, map[string]any{"country": "NZ", "orders": int64(4), "last": "i4"}, s.attributesOf(s.people[1]))
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
			s.log.decode(r.pos, &d)
			require.Equal(t, r.time(), epoch.Add(time.Duration(d.fields["i"].(int64))*time.Minute))
		}
	}
}

func TestViewFails(t *testing.T) {
	s := newTest(t, Options{})
	good, bad := newRecorder(), newRecorder()
	require.NoError(t, s.Attach("bad", bad, nil))
	require.NoError(t, s.Attach("good", good, nil))
	require.ErrorIs(t, s.Attach("good", good, nil), ErrView)
	require.ErrorIs(t, s.Attach("", good, nil), ErrView)
	require.ErrorIs(t, s.Attach("x", nil, nil), ErrView)
	s.must(t, event("a", epoch, ann))
	require.True(t, bad.attached)
	bad.fail = "Observe"
	c := s.must(t, event("b", epoch, ann))
	require.Equal(t, []string{"bad"}, c.Detached)
	require.False(t, bad.attached)
	var ve *ViewError
	require.ErrorAs(t, s.ViewError("bad"), &ve)
	require.Equal(t, &ViewError{View: "bad", Verb: "Observe", Err: errRecorder}, ve)
	require.ErrorIs(t, s.ViewError("bad"), errRecorder)
	require.NoError(t, s.ViewError("good"))
	require.Empty(t, s.must(t, event("c", epoch, ann)).Detached)
	require.Len(t, good.rows[1], 3)

	err := s.Attach("bad", bad, nil)
	require.ErrorIs(t, err, ErrView)
	require.ErrorIs(t, err, errRecorder)
	bad.fail = ""
	require.NoError(t, s.Attach("bad", bad, nil))
	require.NoError(t, s.ViewError("bad"))
	want, _ := good.show()
	got, _ := bad.show()
	require.Equal(t, want, got, "attached again, it has caught up")
	require.Equal(t, 3, bad.replayed)
	require.False(t, bad.replaying)
	require.NoError(t, s.Detach("bad"))
	require.ErrorIs(t, s.Detach("bad"), ErrView)

	good.fail = "Erase"
	r, err := s.Erase(1)
	require.NoError(t, err)
	require.Equal(t, []string{"good"}, r.Detached)
	require.Empty(t, r.Views)
}

func TestViewsAreCalledInOrder(t *testing.T) {
	s := newTest(t, Options{Traits: []Trait{{Name: "n", Kind: Count, Events: []string{"e"}}}})
	v := newRecorder()
	v.keepCalls = true
	require.NoError(t, s.Attach("v", v, nil))
	s.must(t, Event{Type: Identify, Time: epoch, Keys: []Key{ann}, Fields: map[string]any{"country": "NZ"}})
	s.must(t, event("e", epoch, Key{AnonymousID, "c"}))
	s.must(t, event("e", epoch.Add(time.Second), Key{AnonymousID, "c"}, ann))
	s.must(t, event("e", epoch.Add(time.Second), Key{AnonymousID, "c"}, bob))
	require.Equal(t, []string{
		"Advance", `Update 1 country="NZ" `,
		"Observe 2 e", "Update 2 n=1 ",
		"Advance", "Rename 2 1", `Update 1 country="NZ" `, "Update 1 n=1 ", "Observe 1 e", "Update 1 n=2 ",
		"Erase 1", "Observe 1 e", `Update 1 country="NZ" `, "Update 1 n=1 ",
		"Observe 2 e", "Update 2 n=1 ",
		"Observe 3 e", "Update 3 n=1 ",
	}, v.calls)
}

// A callback may call the store.
func TestDeliver(t *testing.T) {
	s := newTest(t, Options{})
	v := newRecorder()
	require.NoError(t, s.Attach("v", v, nil))
	v.delivered.Store(0)
	v.onDeliver = func() {
		if n := v.delivered.Load(); n < 3 {
			s.must(t, event(fmt.Sprint("from a callback ", n), epoch, ann))
			_, _ = s.Profile(1)
		}
	}
	s.must(t, event("a", epoch, ann))
	require.EqualValues(t, 3, v.delivered.Load())
	require.Len(t, v.rows[1], 3)
}

func TestPurpose(t *testing.T) {
	s := newTest(t, Options{OptOut: []string{"service"}})
	ads, service := newRecorder(), newRecorder()
	require.NoError(t, s.Attach("ads", ads, &AttachOptions{Purpose: "ads"}))
	require.NoError(t, s.Attach("service", service, &AttachOptions{Purpose: "service"}))
	s.must(t, event("a", epoch, ann))
	s.must(t, event("a", epoch, bob))
	require.Empty(t, ads.rows)
	require.Len(t, service.rows, 2)
	require.NoError(t, s.Grant(1, "ads", epoch, "form"))
	require.Len(t, ads.rows[1], 1)
	require.NoError(t, s.Deny(1, "ads", epoch.Add(-time.Hour), "an older no"))
	require.Len(t, ads.rows[1], 1)
	require.NoError(t, s.Deny(1, "ads", epoch, "a no at the same instant"))
	require.Empty(t, ads.rows)
	require.NoError(t, s.Grant(1, "ads", epoch.Add(time.Hour), "form"))
	require.Len(t, ads.rows[1], 1)
	require.Equal(t, []uint32{1, 2}, s.Allowed("service").ToArray())
	s.must(t, Event{Type: Consent, Time: epoch, Keys: []Key{bob}, Fields: map[string]any{"service": false, "ads": "yes"}})
	require.Empty(t, service.rows[2])
	require.Equal(t, []uint32{1}, s.Allowed("service").ToArray())
	p, _ := s.Profile(1)
	require.Equal(t, map[string]bool{"ads": true}, p.Consents)
	require.ErrorIs(t, s.Grant(9, "ads", epoch, ""), ErrUser)
	require.ErrorIs(t, s.Grant(1, " ", epoch, ""), ErrPurpose)
	require.ErrorIs(t, s.Grant(1, "ads", time.Time{}, ""), ErrTime)
	_, err := s.Erase(1)
	require.NoError(t, err)
	require.True(t, s.Allowed("ads").IsEmpty())
	require.Empty(t, ads.rows)
}

func TestCommit(t *testing.T) {
	s := newTest(t, Options{})
	_, err := s.Commit(Batch{Records: map[string][]byte{"": {}}})
	require.ErrorIs(t, err, ErrRecord)
	record := []byte("1")
	cs, err := s.Commit(Batch{Events: []Event{event("a", epoch, ann), event("", epoch, ann), event("b", epoch, bob)}, Records: map[string][]byte{"offset": record}})
	var be *BatchError
	require.ErrorAs(t, err, &be)
	require.Len(t, be.Refused, 1)
	require.ErrorIs(t, be.Refused[1], ErrNoName)
	require.ErrorIs(t, err, ErrNoName)
	require.Equal(t, []uint32{1, 0, 2}, []uint32{cs[0].User, cs[1].User, cs[2].User})
	record[0] = '9'
	got, ok := s.Record("offset")
	require.True(t, ok)
	require.Equal(t, "1", string(got))
	_, err = s.Commit(Batch{Records: map[string][]byte{"offset": nil}})
	require.NoError(t, err)
	_, ok = s.Record("offset")
	require.False(t, ok)
}

func TestApplyAll(t *testing.T) {
	s := newTest(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	events := func(yield func(Event, error) bool) {
		for i := range 1000 {
			if i == 500 {
				cancel()
			}
			if i == 10 {
				yield(Event{}, errors.New("a bad line"))
				continue
			}
			if !yield(event("e", epoch.Add(time.Duration(i)), ann), nil) {
				return
			}
		}
	}
	n, bad := 0, 0
	stats, err := s.ApplyAll(ctx, events, func(c Change, err error) bool {
		n++
		if err != nil {
			bad++
		}
		return true
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, bad)
	require.Equal(t, uint64(n), stats.Events)
	require.Less(t, n, 600)
	stats, err = s.ApplyAll(context.Background(), events, func(Change, error) bool { return false })
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Events)
	require.EqualValues(t, 1, stats.Duplicates)
}

func TestClosed(t *testing.T) {
	s := newTest(t, Options{})
	v := newRecorder()
	require.NoError(t, s.Attach("v", v, nil))
	s.must(t, event("a", epoch, ann))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.False(t, v.attached)
	_, err := s.Apply(event("a", epoch, ann))
	require.ErrorIs(t, err, ErrClosed)
	_, err = s.Commit(Batch{})
	require.ErrorIs(t, err, ErrClosed)
	_, err = s.Erase(1)
	require.ErrorIs(t, err, ErrClosed)
	_, err = s.Export(1)
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, s.Attach("w", v, nil), ErrClosed)
	require.ErrorIs(t, s.Advance(epoch, nil), ErrClosed)
	require.ErrorIs(t, s.Grant(1, "x", epoch, ""), ErrClosed)
	_, err = s.ApplyAll(context.Background(), func(yield func(Event, error) bool) { yield(event("a", epoch, ann), nil) }, nil)
	require.ErrorIs(t, err, ErrClosed)
}

func TestNumbersRunOut(t *testing.T) {
	s := newTest(t, Options{MaxPersonKeys: 2, MaxEventKeys: 2})
	s.next = math.MaxUint32 - 10
	n := 0
	for ; ; n++ {
		_, err := s.Apply(event("e", epoch, Key{UserID, fmt.Sprint("u", n)}))
		if err != nil {
			require.ErrorIs(t, err, ErrExhausted)
			break
		}
	}
	require.Positive(t, n)
	s.must(t, event("another", epoch, Key{UserID, "u0"}))
	_, err := s.Commit(Batch{Events: []Event{event("e", epoch, ann)}})
	require.ErrorIs(t, err, ErrExhausted)
	s.checkInvariants(t)
	require.Equal(t, n, s.graph.size())
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

// Whoever was erased in one store stays erased in the merged one.
func TestMergeKeepsErased(t *testing.T) {
	for _, dst := range []int{0, 1} {
		var stores []*Store
		for i := range uint32(2) {
			s := newTest(t, Options{Shard: i, Shards: 2})
			e := event("a", epoch, ann, Key{AnonymousID, "c"})
			e.ID = fmt.Sprint("before", i)
			s.must(t, e)
			e = event("b", epoch, bob)
			e.ID = fmt.Sprint("bob", i)
			s.must(t, e)
			stores = append(stores, s)
		}
		user, _ := stores[0].Resolve(UserID, "ann")
		_, err := stores[0].Erase(user)
		require.NoError(t, err)
		after := event("c", epoch.Add(time.Hour), ann)
		stores[1].must(t, after)
		_, err = stores[dst].Merge(stores[1-dst])
		require.NoError(t, err)
		s := stores[dst]
		s.checkInvariants(t)
		_, ok := s.Resolve(AnonymousID, "c")
		require.False(t, ok)
		user, ok = s.Resolve(UserID, "ann")
		require.True(t, ok, "she came back after the erasure")
		p, _ := s.Profile(user)
		require.Equal(t, 1, p.Events)
		require.Equal(t, epoch.Add(time.Hour), p.FirstSeen)
		user, _ = s.Resolve(UserID, "bob")
		p, _ = s.Profile(user)
		require.Equal(t, 2, p.Events)
		_, err = s.Apply(event("late", epoch, ann))
		require.ErrorIs(t, err, ErrErased)
	}
}

func TestMergeRefuses(t *testing.T) {
	s := newTest(t, Options{Shards: 2})
	for _, o := range []Options{
		{},
		{Shards: 2},
		{Shard: 1, Shards: 2, Secret: []byte("x")},
		{Shard: 1, Shards: 2, Limits: map[string]int{}},
		{Shard: 1, Shards: 2, MaxKeyLinks: 7},
		{Shard: 1, Shards: 2, Priority: []string{}},
		{Shard: 1, Shards: 2, Retain: Retain{Horizon: day}},
	} {
		_, err := s.Merge(newTest(t, o))
		require.ErrorIs(t, err, ErrMerge)
	}
	_, err := s.Merge(s)
	require.ErrorIs(t, err, ErrMerge)
	o := newTest(t, Options{Shard: 1, Shards: 2})
	require.NoError(t, o.Attach("v", newRecorder(), nil))
	_, err = s.Merge(o)
	require.ErrorContains(t, err, "views are attached")
}

// A kiosk that everybody logs in from, an account with a great many cookies,
// and a chain of them: nobody is joined, and nothing takes long.
func TestHostileIdentity(t *testing.T) {
	s := newTest(t, Options{OmitChanges: true})
	const n = 3000
	for i := range n {
		at := epoch.Add(time.Duration(i) * time.Second)
		s.must(t, event("login", at, Key{AnonymousID, "kiosk"}, Key{UserID, fmt.Sprint("u", i)}))
		s.must(t, event("login", at, Key{UserID, "tester"}, Key{AnonymousID, fmt.Sprint("t", i)}))
		s.must(t, event("login", at, Key{AnonymousID, fmt.Sprint("chain", i)}, Key{AnonymousID, fmt.Sprint("chain", i+1)}))
	}
	require.Equal(t, n+1+n+1+n+1, s.Stats().Profiles)
	require.Equal(t, 2, s.Stats().Shared, "the kiosk and the tester")
	for key, events := range map[Key]int{{UserID, "tester"}: 0, {AnonymousID, "kiosk"}: 0, {AnonymousID, "t7"}: 1, {UserID, "u7"}: 1} {
		user, _ := s.Resolve(key.Kind, key.Value)
		p, _ := s.Profile(user)
		require.Equal(t, events, p.Events, key)
	}
	s.checkInvariants(t)
}

// Readers run beside the writer.
func TestConcurrent(t *testing.T) {
	s := newTest(t, Options{})
	require.NoError(t, s.Attach("v", newRecorder(), nil))
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, u := range s.Users() {
					_, _ = s.Profile(u)
					_, _ = s.Export(u)
					_, _ = s.Attribute(u, "orders")
					_, _ = s.Current(u)
				}
				_ = s.Allowed("ads")
				_ = s.Stats()
				_, _ = s.Resolve(UserID, "u1")
			}
		})
	}
	for w := range 2 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(9, uint64(w)))
			for i := range 1500 {
				_, _ = s.Apply(someEvent(r, fmt.Sprint(w, "-", i), tightKeys(r)))
				switch i % 100 {
				case 50:
					_, _ = s.Erase(uint32(1 + r.IntN(20)))
				case 75:
					_ = s.Attach(fmt.Sprint("v", w, i), newRecorder(), &AttachOptions{Purpose: "ads"})
				case 90:
					_ = s.Grant(uint32(1+r.IntN(20)), "ads", epoch, "test")
				}
			}
			if w == 0 {
				close(stop)
			}
		})
	}
	wg.Wait()
	s.checkInvariants(t)
}

func TestApplyLeavesTheEventAlone(t *testing.T) {
	s := newTest(t, Options{})
	e := event("e", epoch, ann)
	list := []string{"a"}
	e.Fields = map[string]any{"n": 3, "list": list, "products": []map[string]any{{"price": 3}}}
	before := value.CloneFields(e.Fields)
	c := s.must(t, e)
	require.Equal(t, before, e.Fields)
	list[0] = "changed"
	data, err := s.Export(c.User)
	require.NoError(t, err)
	require.Contains(t, string(data), `"list":["a"]`)
}
