package profile

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMaxMerges(t *testing.T) {
	s := newTest(t, Options{MaxMerges: 2})
	n := 0
	apply := func(minute int, keys ...Key) uint32 {
		n++
		return s.must(t, Event{ID: fmt.Sprint("m", n), Name: "Seen", Time: epoch.Add(time.Duration(minute) * time.Minute), Keys: keys}).User
	}
	c := func(i int) Key { return Key{AnonymousID, fmt.Sprint("c", i)} }
	for i := range 5 {
		apply(i, c(i))
	}
	require.EqualValues(t, 1, apply(10, c(0), c(1)))
	require.EqualValues(t, 1, apply(11, c(1), c(2)))
	// One more is too many: what names both belongs to the stronger key.
	require.EqualValues(t, 1, apply(12, c(2), c(3)))
	require.EqualValues(t, 4, apply(13, c(3)))
	_, err := s.Explain(c(0), c(3))
	require.ErrorIs(t, err, ErrNotLinked)
	require.ErrorContains(t, err, ": a limit stands against a link between them")
	// A key that comes with the person for the first time is no merge, and
	// neither is what came with such a one.
	require.EqualValues(t, 1, apply(14, c(2), c(7)))
	require.EqualValues(t, 1, apply(15, c(7), c(8)))
	// It was seen before, as a late event says: that is a merge, and by the
	// order of time the ones after it are too many.
	c7 := s.must(t, Event{ID: "late", Name: "Seen", Time: epoch.Add(4 * time.Minute), Keys: []Key{c(7)}}).User
	require.NotEqualValues(t, 1, c7)
	p, _ := s.Profile(1)
	require.Equal(t, []Key{c(0), c(1), c(2)}, p.Keys)
	// An earlier link takes the place of a later one.
	require.EqualValues(t, 1, apply(5, c(0), c(7)))
	p, _ = s.Profile(1)
	require.Equal(t, []Key{c(0), c(1), c(7), c(8)}, p.Keys)
	require.NotEqualValues(t, 1, apply(16, c(2)))
}

// mergeKeys are few combinations over many keys, so that persons come from
// many merges and combinations come again with earlier events.
func mergeKeys(r *rand.Rand) []Key {
	c := func(i int) Key { return Key{AnonymousID, fmt.Sprint("c", i)} }
	switch i := r.IntN(12); r.IntN(8) {
	case 0, 1, 2:
		return []Key{c(i)}
	case 3:
		return []Key{{UserID, fmt.Sprint("u", i/5)}, c(i)}
	default:
		return []Key{c(i), c((i + 1 + r.IntN(3)) % 12)}
	}
}

// Where the cap on merges binds, who is who follows the model in every step,
// whatever comes late, twice, is erased or unmerged.
func TestMergesAgainstModel(t *testing.T) {
	t.Parallel()
	bound := 0
	for round := range longForm(60) {
		r := rand.New(rand.NewPCG(61, uint64(round)))
		opts, err := (&Options{Clock: Manual, Traits: []Trait{}, MaxMerges: 1 + round%6, MaxPersonKeys: 20, MaxKeyLinks: 100}).withDefaults()
		require.NoError(t, err)
		s := newTest(t, opts)
		m := &model{opts: opts, now: epoch.Add(2 * time.Hour), cut: map[Key]bool{}}
		for step := range 60 {
			what := ""
			switch k := r.IntN(40); {
			case k == 0 && round%2 == 0 && len(m.events) > 0:
				key := m.events[r.IntN(len(m.events))].Keys[0]
				what = fmt.Sprint("erase ", key)
				user, _ := s.Resolve(key.Kind, key.Value)
				m.erase(key)
				_, err := s.Erase(user)
				require.NoError(t, err)
				s.tombs.until = map[[32]byte]instant{}
			case k == 1 && len(m.events) > 0:
				key := m.events[r.IntN(len(m.events))].Keys[0]
				what = fmt.Sprint("unmerge ", key)
				user, _ := s.Resolve(key.Kind, key.Value)
				m.cut[key] = true
				_, err := s.Unmerge(user, key)
				require.NoError(t, err)
			case k == 2 && round%2 == 1 && len(m.events) > 0:
				key := m.events[r.IntN(len(m.events))].Keys[0]
				what = fmt.Sprint("statement about ", key)
				user, _ := s.Resolve(key.Kind, key.Value)
				_, err := s.Tag(user, Tag{Name: "seen", Source: "x", At: epoch.Add(-time.Hour)})
				require.NoError(t, err)
			default:
				e := Event{ID: fmt.Sprint("m", step), Name: "Seen", Time: epoch.Add(time.Duration(r.IntN(30)) * time.Minute), Keys: mergeKeys(r)}
				what = fmt.Sprint("apply ", e)
				s.must(t, e)
				m.events = append(m.events, e)
			}
			requireSame(t, m.show(), s.picture(), "round %d step %d: %s", round, step, what)
			require.Equal(t, m.links(), s.links(t), "round %d step %d: %s", round, step, what)
		}
		s.checkInvariants(t)
		free := *m
		free.opts.MaxMerges = 1000
		if len(free.show()) != len(m.show()) {
			bound++
		}
		b := newTest(t, opts)
		require.NoError(t, b.UnmarshalBinary(stateOf(t, s)))
		sameState(t, stateOf(t, s), stateOf(t, b), "round %d", round)
		// Who is who can be worked out anew.
		b.reconsiderAll()
		requireSame(t, m.show(), b.picture(), "round %d, anew", round)
	}
	require.Greater(t, bound, 10)
}

// What a link joined comes apart when it is taken back, also where limits on
// keys and merges bind and devices are shared: everybody is who they would be
// if the event had named the stronger key only.
func TestUnmergeWithLimits(t *testing.T) {
	t.Parallel()
	merged := 0
	for round := range longForm(60) {
		r := rand.New(rand.NewPCG(62, uint64(round)))
		opts := tightOptions()
		reset := lendSome(&opts, round)
		opts.MaxMerges, opts.MaxPersonKeys, opts.MaxKeyLinks = 1+round%4, 12, 100
		joined, apart := newTest(t, opts), newTest(t, opts)
		var log []Event
		for i := range 30 {
			keys := tightKeys(r)
			if round%2 == 0 {
				keys = mergeKeys(r)
			}
			log = append(log, reset(r, someEvent(r, fmt.Sprint("m", i), keys)))
		}
		weakest := Key{AnonymousID, "zzzz"}
		link := someEvent(r, "link", []Key{log[r.IntN(len(log))].Keys[0], weakest})
		link.Type, link.Name, link.Fields = Track, OrderCompleted, map[string]any{"total": 3}
		last := someEvent(r, "last", []Key{weakest})
		last.Time = epoch
		log = append(log, last, link)
		r.Shuffle(len(log), func(i, j int) { log[i], log[j] = log[j], log[i] })
		for _, e := range log {
			joined.must(t, e)
			if e.ID == "link" {
				e.Keys = e.Keys[:1]
			}
			apart.must(t, e)
		}
		if n, _ := joined.graph.lookup(link.Keys[0]); joined.graph.nodes[n].shared {
			continue // it linked nobody
		}
		user, _ := joined.Resolve(weakest.Kind, weakest.Value)
		if p, _ := joined.Profile(user); len(p.Keys) > 1 {
			merged++
		}
		_, err := joined.Unmerge(user, weakest)
		require.NoError(t, err)
		requireSame(t, apart.picture(), joined.picture(), "round %d", round)
		joined.checkInvariants(t)
	}
	require.Greater(t, merged, 10)
}
