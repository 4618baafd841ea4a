package profile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
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

// After an erasure the person's texts are nowhere in what the store holds.
func TestEraseScrubs(t *testing.T) {
	s := newTest(t, Options{})
	const secret = "Rosamunde-Leverkusen"
	e := event("e", epoch, Key{Email, secret + "@x.io"}, Key{AnonymousID, secret})
	e.ID = secret
	e.Fields = map[string]any{"name": secret, "list": []string{secret}, "context.source": secret}
	s.must(t, e)
	e.Type, e.ID = Identify, "2"
	s.must(t, e)
	s.must(t, event("e", epoch, bob))
	e.ID = "3"
	c := s.must(t, e)
	found := func() bool {
		text := fmt.Sprintf("%#v %#v %#v %#v %#v %#v", s.graph.nodes, s.graph.sets, s.graph.sources, s.graph.kinds, s.fields, s.keys)
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
