package zhun_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/sim"
	"github.com/zhun-go/zhun/internal/wire"
	"github.com/zhun-go/zhun/profile"
)

// rounds is how often a law of the whole library is tried: the number in
// ZHUN_LAWS if it is set, the one that the design asks for in the long form.
func rounds(t *testing.T, n, long int) int {
	t.Helper()
	if v := os.Getenv("ZHUN_LAWS"); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		require.NoError(t, err, "ZHUN_LAWS")
	}
	if os.Getenv("ZHUN_LONG") != "" {
		n = max(n, long)
	}
	return n
}

// small returns the events of a few customers, in the order of arrival, each
// once: a line that arrives again has another correction of its clock, and the
// first to arrive decides.
func small(t testing.TB, seed uint64, customers, days int) []profile.Event {
	t.Helper()
	w, err := sim.New(&sim.Options{Seed: seed, Customers: customers, Days: days, Bots: -1, Duplicates: -1})
	require.NoError(t, err)
	var events []profile.Event
	for e := range w.Events() {
		p, err := profile.DecodeSegment(e.AppendSegment(nil))
		if err != nil {
			continue // a line that lacks what it needs
		}
		events = append(events, p)
	}
	return events
}

func (l loop) views() []profile.View {
	return []profile.View{l.index, l.history, l.journeys, l.readout}
}

// told applies events, those that are refused too.
func (l loop) told(t testing.TB, events []profile.Event) {
	t.Helper()
	for _, e := range events {
		if _, err := l.store.Apply(e); err != nil {
			require.ErrorIs(t, err, profile.ErrRefused)
		}
	}
}

// shown is what a store holds of a person, without the numbers.
func shown(t testing.TB, s *profile.Store, user uint32) string {
	t.Helper()
	data, err := s.Export(user)
	require.NoError(t, err)
	m := map[string]json.RawMessage{}
	require.NoError(t, json.Unmarshal(data, &m))
	delete(m, "user")
	delete(m, "numbers")
	out, err := json.Marshal(m)
	require.NoError(t, err)
	return string(out)
}

// rows are the bytes of a view that the laws speak of.
func rows(t testing.TB, v profile.View) []byte {
	t.Helper()
	data, err := v.AppendBinary(nil)
	require.NoError(t, err)
	f, err := wire.Inspect(data)
	require.NoError(t, err)
	var b []byte
	for _, n := range f.Names() {
		if n != wire.Meta {
			b = append(append(b, n...), f.Payload(n)...)
		}
	}
	return b
}

// requireSame compares the persons of two loops, and the bytes of their views
// when those of got are renumbered as want numbers the same persons. Got's
// views are changed by that.
func requireSame(t testing.TB, want, got loop, what string) {
	t.Helper()
	users := want.store.Users()
	require.Len(t, got.store.Users(), len(users), what)
	number := map[uint32]uint32{}
	for _, n := range users {
		p, ok := want.store.Profile(n)
		require.True(t, ok)
		m, ok := got.store.Resolve(p.Keys[0].Kind, p.Keys[0].Value)
		require.True(t, ok, "%s: %v is nobody", what, p.Keys[0])
		require.Zero(t, number[m], "%s: %v is somebody else", what, p.Keys[0])
		number[m] = n
		if w, g := shown(t, want.store, n), shown(t, got.store, m); w != g {
			i := 0
			for i < min(len(w), len(g)) && w[i] == g[i] {
				i++
			}
			t.Fatalf("%s: %v differs at %d:\n%.300s\nwant\n%.300s", what, p.Keys[0], i, g[max(0, i-150):], w[max(0, i-150):])
		}
	}
	const beyond = 1 << 20
	theirs := got.views()
	for i, v := range want.views() {
		for m := range number {
			require.NoError(t, theirs[i].Rename(m, m+beyond))
		}
		for m, n := range number {
			require.NoError(t, theirs[i].Rename(m+beyond, n))
		}
		if w, g := rows(t, v), rows(t, theirs[i]); !bytes.Equal(w, g) {
			t.Fatalf("%s: %T has %d other bytes than the %d wanted", what, v, len(g), len(w))
		}
	}
}

// settle moves the clocks of loops to one instant, so that windows show the
// same.
func settle(t testing.TB, events []profile.Event, loops ...loop) {
	t.Helper()
	var now time.Time
	for _, e := range events {
		if e.Received.After(now) {
			now = e.Received
		}
	}
	for _, l := range loops {
		require.NoError(t, l.store.Advance(now.Add(24*time.Hour), nil))
	}
}

// Every event comes one to five times and up to a day out of order: the store
// and all views are as if each had come once, in order.
func TestRedeliveryChangesNothing(t *testing.T) {
	n, met := rounds(t, 40, 1000), 0
	for i := range n {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		events := small(t, uint64(1+i/20), 3, 8)
		met += len(events)
		once := newLoop(t)
		once.told(t, events)
		type delivery struct {
			at time.Time
			e  profile.Event
		}
		var schedule []delivery
		for _, e := range events {
			for range 1 + r.IntN(5) {
				schedule = append(schedule, delivery{e.Received.Add(time.Duration(r.Int64N(int64(24 * time.Hour)))), e})
			}
		}
		slices.SortStableFunc(schedule, func(a, b delivery) int { return a.at.Compare(b.at) })
		again := newLoop(t)
		for _, d := range schedule {
			if _, err := again.store.Apply(d.e); err != nil {
				require.ErrorIs(t, err, profile.ErrRefused)
			}
		}
		settle(t, events, once, again)
		requireSame(t, once, again, "round "+strconv.Itoa(i))
	}
	require.Greater(t, met, 10*n)
	t.Logf("%d schedules", n)
}

// Erasing a person at random leaves the store and all views, byte for byte, as
// a rebuild from the events of everybody else.
func TestErasureEqualsARebuild(t *testing.T) {
	n := rounds(t, 15, 1000)
	for i := range n {
		r := rand.New(rand.NewPCG(2, uint64(i)))
		events := small(t, uint64(1+i/5), 12, 12)
		told := newLoop(t)
		told.told(t, events)
		users := told.store.Users()
		victim := users[r.IntN(len(users))]
		names := func(e profile.Event) bool {
			return slices.ContainsFunc(e.Keys, func(k profile.Key) bool {
				user, ok := told.store.Resolve(k.Kind, k.Value)
				return ok && user == victim
			})
		}
		rest := slices.DeleteFunc(slices.Clone(events), names)
		receipt, err := told.store.Erase(victim)
		require.NoError(t, err)
		require.Len(t, receipt.Views, 4)
		require.Empty(t, receipt.Detached)
		never := newLoop(t)
		never.told(t, rest)
		settle(t, events, told, never)
		requireSame(t, never, told, "round "+strconv.Itoa(i))
	}
	t.Logf("%d persons", n)
}

// Stores that each met some events of everybody, with views of their own, are
// merged, and their views after them: the whole is as if one store had met
// all. Traits that a store computes are left out here: what two shards computed
// is not what the whole computes, and only attaching the merged index to the
// merged store tells it.
func TestMergedShardsAreTheWhole(t *testing.T) {
	n := rounds(t, 15, 1000)
	renames := 0
	for i := range n {
		r := rand.New(rand.NewPCG(3, uint64(i)))
		events := small(t, uint64(1+i/10), 6, 10)
		shards := make([]loop, 2+r.IntN(2))
		for j := range shards {
			shards[j] = newLoopOf(t, &profile.Options{Shard: uint32(j), Shards: uint32(len(shards))})
		}
		for _, e := range events {
			shards[r.IntN(len(shards))].told(t, []profile.Event{e})
		}
		settle(t, events, shards...)
		all := shards[0]
		for _, l := range shards {
			for _, name := range []string{"segment", "recommend", "attribution", "experiment"} {
				require.NoError(t, l.store.Detach(name))
			}
		}
		for _, l := range shards[1:] {
			renamed, err := all.store.Merge(l.store)
			require.NoError(t, err)
			renames += len(renamed)
			for from, to := range renamed {
				for _, v := range append(all.views(), l.views()...) {
					require.NoError(t, v.Rename(from, to))
				}
			}
			require.NoError(t, all.index.Merge(l.index))
			require.NoError(t, all.history.Merge(l.history))
			require.NoError(t, all.journeys.Merge(l.journeys))
			require.NoError(t, all.readout.Merge(l.readout))
		}
		whole := newLoopOf(t, nil)
		whole.told(t, events)
		settle(t, events, whole)
		requireSame(t, whole, all, "round "+strconv.Itoa(i))
	}
	require.NotZero(t, renames, "no person was in two shards")
	t.Logf("%d splits, %d numbers retired", n, renames)
}
