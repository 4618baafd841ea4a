package profile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func longForm(n int) int {
	if os.Getenv("ZHUN_LONG") != "" {
		return 50 * n
	}
	return n
}

// alone returns the rounds of a test that has one goroutine: a quarter with the
// race detector, which finds nothing there.
func alone(n int) int {
	if raceEnabled {
		return (n + 3) / 4
	}
	return n
}

// tightOptions make every limit bind within a few events.
func tightOptions() Options {
	o := Options{
		Clock:         Manual,
		Traits:        testTraits(),
		Limits:        map[string]int{UserID: 1, Email: 2},
		MaxPersonKeys: 6,
		MaxKeyLinks:   4,
	}
	d, err := o.withDefaults()
	if err != nil {
		panic(err)
	}
	return d
}

// lendSome makes every other round one in which shared devices are lent, with
// the odd reset among the events, and half of all rounds such that the merges
// of a person are few.
func lendSome(o *Options, round int) func(*rand.Rand, Event) Event {
	if round%3 == 0 {
		o.LimitWindows = map[string]time.Duration{UserID: 30 * time.Minute, Email: time.Hour}
	}
	if round%4 > 1 {
		o.MaxMerges = 1 + round%3
	}
	if round%2 == 0 {
		return func(_ *rand.Rand, e Event) Event { return e }
	}
	o.LastAccount = 25 * time.Minute
	o.Resets = []string{"Signed Out"}
	return func(r *rand.Rand, e Event) Event {
		if e.Name == ProductViewed && r.IntN(4) == 0 {
			e.Name = "Signed Out"
		}
		return e
	}
}

func tightKeys(r *rand.Rand) []Key {
	var keys []Key
	for range 1 + r.IntN(3) {
		switch r.IntN(6) {
		case 0, 1:
			keys = append(keys, Key{UserID, fmt.Sprint("u", r.IntN(4))})
		case 2:
			keys = append(keys, Key{Email, fmt.Sprintf("e%d@x.io", r.IntN(5))})
		case 3:
			keys = append(keys, Key{"card", fmt.Sprint("k", r.IntN(4))})
		default:
			keys = append(keys, Key{AnonymousID, fmt.Sprint("d", r.IntN(6))})
		}
	}
	return keys
}

// The store agrees with the model in every step of random histories in which
// devices are shared, limits bind, persons are erased, events come late and
// twice, and views come and go; and the views hold what they should.
func TestStoreAgainstModel(t *testing.T) {
	t.Parallel()
	for round := range alone(longForm(100)) {
		r := rand.New(rand.NewPCG(7, uint64(round)))
		opts := tightOptions()
		reset := lendSome(&opts, round)
		s, err := New(&opts)
		require.NoError(t, err)
		m := &model{opts: opts, now: epoch, cut: map[Key]bool{}}
		require.NoError(t, s.Advance(epoch, nil))
		all, ads := newRecorder(), newRecorder()
		require.NoError(t, s.Attach("all", all, nil))
		late := r.IntN(40)
		var log []Event
		for step := range 40 {
			if step == late {
				require.NoError(t, s.Attach("ads", ads, &AttachOptions{Purpose: "ads"}))
			}
			what := ""
			switch k := r.IntN(20); {
			case k == 0 && len(log) > 0:
				e := log[r.IntN(len(log))]
				what = "again " + e.ID
				c, err := s.Apply(e)
				if err != nil {
					require.ErrorIs(t, err, ErrErased)
				} else if !c.Duplicate {
					// It was erased, and nothing of it is known.
					m.events = append(m.events, e)
				}
			case k == 1 && len(m.events) > 0:
				key := m.events[r.IntN(len(m.events))].Keys[0]
				what = fmt.Sprint("erase ", key)
				user, ok := s.Resolve(key.Kind, key.Value)
				require.True(t, ok)
				// Late events of erased persons are refused, which the
				// model does not know; new ones have other keys.
				m.erase(key)
				_, err := s.Erase(user)
				require.NoError(t, err)
				_, ok = s.Resolve(key.Kind, key.Value)
				require.False(t, ok)
				s.tombs.until = map[[32]byte]instant{}
			case k == 3 && r.IntN(2) == 0 && len(m.events) > 0:
				key := m.events[r.IntN(len(m.events))].Keys[0]
				what = fmt.Sprint("unmerge ", key)
				user, _ := s.Resolve(key.Kind, key.Value)
				m.cut[key] = true
				c, err := s.Unmerge(user, key)
				require.NoError(t, err)
				now, _ := s.Current(user)
				require.Equal(t, now, c.User)
			case k == 4 && len(m.events) > 0:
				// What was exported and erased comes back.
				key := m.events[r.IntN(len(m.events))].Keys[0]
				what = fmt.Sprint("export and import ", key)
				user, _ := s.Resolve(key.Kind, key.Value)
				data, err := s.Export(user)
				require.NoError(t, err)
				got, err := s.Import(data)
				require.NoError(t, err)
				require.Equal(t, user, got)
				again, err := s.Export(user)
				require.NoError(t, err)
				require.Equal(t, string(data), string(again))
			case k == 2:
				m.now = m.now.Add(time.Duration(r.IntN(1200)) * time.Second)
				if r.IntN(2) == 0 {
					// Events are on the minute, and so are the edges of windows then.
					m.now = m.now.Truncate(time.Minute).Add(time.Minute)
				}
				what = fmt.Sprint("advance ", m.now)
				require.NoError(t, s.Advance(m.now, nil))
			default:
				e := reset(r, someEvent(r, fmt.Sprint("m", step), tightKeys(r)))
				what = fmt.Sprint("apply ", e)
				if c, err := s.Apply(e); err == nil {
					log = append(log, e)
					m.events = append(m.events, e)
					require.False(t, c.Duplicate)
					u, _ := s.Current(c.User)
					require.Equal(t, c.User, u)
				}
			}
			requireSame(t, m.show(), s.picture(), "round %d step %d: %s", round, step, what)
			require.Equal(t, m.links(), s.links(t), "round %d step %d: %s", round, step, what)
			check := func(v *recorder, users []uint32) {
				rows, attributes := v.show()
				wantRows, wantAttributes := s.wanted(users)
				require.Equal(t, wantRows, rows, "round %d step %d: %s", round, step, what)
				require.Equal(t, wantAttributes, attributes, "round %d step %d: %s", round, step, what)
			}
			check(all, s.Users())
			if step >= late {
				check(ads, s.Allowed("ads").ToArray())
			}
			require.Equal(t, all.now.Unix(), m.now.Unix())
			s.checkInvariants(t)
		}
	}
}

func requireSame(t *testing.T, want, got map[Key]shown, format string, args ...any) {
	t.Helper()
	for k, w := range want {
		require.Equal(t, w, got[k], append([]any{format}, args...)...)
	}
	require.Len(t, got, len(want), append([]any{format}, args...)...)
}

// checkInvariants looks for what must always hold inside.
func (s *Store) checkInvariants(t *testing.T) {
	t.Helper()
	rows := 0
	for _, p := range s.persons() {
		require.NotEmpty(t, p.nodes())
		require.Equal(t, p.pins()[0].number, p.number)
		require.True(t, s.live.Contains(p.number))
		for _, x := range p.pins() {
			require.Same(t, p, s.people.of(x.number))
			require.Same(t, p, s.graph.nodes[x.node].person)
		}
		for _, n := range p.nodes() {
			require.Same(t, p, s.graph.nodes[n].person)
		}
		for _, k := range p.sets() {
			require.Same(t, p, s.graph.sets[k].owner)
			require.Same(t, p, s.graph.owner(k))
		}
		require.True(t, slices.IsSortedFunc(p.rows, s.log.compareRows))
		for _, x := range p.rows {
			require.Contains(t, p.sets(), x.set)
		}
		for _, c := range p.cells() {
			require.Contains(t, p.sets(), c.set)
		}
		for _, k := range p.sets() {
			if s.graph.isLoan(k) {
				require.True(t, slices.ContainsFunc(p.rows, func(r row) bool { return r.set == k }))
			}
		}
		rows += len(p.rows)
	}
	require.Equal(t, int(s.live.GetCardinality()), len(s.persons()))
	require.Equal(t, rows, s.retained)
	shared := 0
	for i := range s.graph.nodes {
		if s.graph.nodes[i].shared {
			shared++
		}
	}
	require.Equal(t, shared, s.graph.sharing)
}

// Who is who does not depend on the order of arrival, on redelivery, or on
// how the events were spread over stores, also where limits bind.
func TestOrderWithLimits(t *testing.T) {
	t.Parallel()
	for round := range longForm(80) {
		r := rand.New(rand.NewPCG(8, uint64(round)))
		opts := tightOptions()
		reset := lendSome(&opts, round)
		var log []Event
		for i := range 5 + r.IntN(40) {
			log = append(log, reset(r, someEvent(r, fmt.Sprint("m", i), tightKeys(r))))
		}
		build := func(log []Event, shard, shards uint32) *Store {
			o := opts
			o.Shard, o.Shards = shard, shards
			s := newTest(t, o)
			for _, e := range log {
				_, err := s.Apply(e)
				require.NoError(t, err)
			}
			return s
		}
		m := &model{opts: opts, now: epoch.Add(2 * time.Hour), events: log}
		want := m.show()
		links := m.links()
		once := build(log, 0, 1)
		requireSame(t, want, once.picture(), "round %d", round)
		require.Equal(t, links, once.links(t))
		var twice []Event
		for _, e := range log {
			for range 1 + r.IntN(5) {
				twice = append(twice, e)
			}
		}
		r.Shuffle(len(twice), func(i, j int) { twice[i], twice[j] = twice[j], twice[i] })
		often := build(twice, 0, 1)
		requireSame(t, want, often.picture(), "round %d, shuffled", round)
		require.Equal(t, links, often.links(t))
		n := 2 + r.IntN(3)
		parts := make([][]Event, n)
		for _, e := range twice {
			i := r.IntN(n)
			parts[i] = append(parts[i], e)
		}
		dst := build(parts[0], 0, uint32(n))
		for i := 1; i < n; i++ {
			src := build(parts[i], uint32(i), uint32(n))
			before := src.picture()
			renamed, err := dst.Merge(src)
			require.NoError(t, err)
			requireSame(t, before, src.picture(), "Merge changed its argument")
			for from, to := range renamed {
				u, ok := dst.Current(from)
				require.True(t, ok)
				require.Equal(t, to, u)
				require.NotEqual(t, from, to)
			}
			for _, u := range src.Users() {
				now, ok := dst.Current(u)
				require.True(t, ok, "round %d: number %d leads nowhere", round, u)
				require.True(t, now == u || renamed[u] == now)
			}
		}
		requireSame(t, want, dst.picture(), "round %d, merged from %d", round, n)
		require.Equal(t, links, dst.links(t))
		dst.checkInvariants(t)
	}
}

// Each event delivered one to five times, in an order shuffled within the
// lateness bound, gives the state of each delivered once in time.
func TestRedelivery(t *testing.T) {
	t.Parallel()
	for round := range alone(1000) {
		r := rand.New(rand.NewPCG(16, uint64(round)))
		opts := tightOptions()
		reset := lendSome(&opts, round)
		opts.Traits = opts.Traits[10:19]
		opts.Clock, opts.MaxLateness, opts.DedupeWindow = ByEvents, time.Hour, 2*time.Hour
		if round%4 == 0 {
			opts.DedupeEvents = 1000
		}
		type delivery struct {
			e  Event
			at time.Time
		}
		var log []Event
		var all []delivery
		for i := range 20 {
			e := reset(r, someEvent(r, fmt.Sprint("m", i), tightKeys(r)))
			e.Time = epoch.Add(time.Duration(r.IntN(200)) * time.Minute)
			log = append(log, e)
			for range 1 + r.IntN(5) {
				all = append(all, delivery{e, e.Time.Add(time.Duration(r.IntN(60)) * time.Minute)})
			}
		}
		slices.SortStableFunc(log, func(a, b Event) int { return a.Time.Compare(b.Time) })
		slices.SortStableFunc(all, func(a, b delivery) int { return a.at.Compare(b.at) })
		once, often := newTest(t, opts), newTest(t, opts)
		for _, e := range log {
			once.must(t, e)
		}
		for _, d := range all {
			often.must(t, d.e)
		}
		require.EqualValues(t, len(log), often.Stats().Applied)
		requireSame(t, once.picture(), often.picture(), "round %d", round)
		require.Equal(t, once.links(t), often.links(t))
	}
}

// A store whose persons are exported and imported elsewhere, in any order, is
// the same store, with the same numbers where links never moved.
func TestExportImport(t *testing.T) {
	t.Parallel()
	for round := range longForm(60) {
		r := rand.New(rand.NewPCG(11, uint64(round)))
		opts := tightOptions()
		plain := round%2 == 0
		reset := lendSome(&opts, round/2)
		s := newTest(t, opts)
		for i := range 30 {
			keys := tightKeys(r)
			if plain {
				keys = []Key{{UserID, fmt.Sprint("u", r.IntN(5))}}
				if r.IntN(2) == 0 {
					keys = append(keys, Key{AnonymousID, keys[0].Value + "-cookie"})
				}
			}
			s.must(t, reset(r, someEvent(r, fmt.Sprint("m", i), keys)))
		}
		users := s.Users()
		if !plain {
			u := users[r.IntN(len(users))]
			p, _ := s.Profile(u)
			_, err := s.Unmerge(u, p.Keys[r.IntN(len(p.Keys))])
			require.NoError(t, err)
			users = s.Users()
		}
		exports := map[uint32][]byte{}
		for _, u := range users {
			data, err := s.Export(u)
			require.NoError(t, err)
			exports[u] = data
		}
		r.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
		o := newTest(t, opts)
		v := newRecorder()
		require.NoError(t, o.Attach("v", v, nil))
		for _, u := range users {
			_, err := o.Import(exports[u])
			require.NoError(t, err)
			o.checkInvariants(t)
		}
		requireSame(t, s.picture(), o.picture(), "round %d", round)
		require.Equal(t, s.links(t), o.links(t), "round %d", round)
		if plain {
			for _, u := range users {
				again, err := o.Export(u)
				require.NoError(t, err)
				require.Equal(t, string(exports[u]), string(again))
			}
		}
		rows, attributes := v.show()
		wantRows, wantAttributes := o.wanted(o.Users())
		require.Equal(t, wantRows, rows)
		require.Equal(t, wantAttributes, attributes)
		// The next number is a new one. Whose export adds nothing has none.
		users = slices.DeleteFunc(users, func(u uint32) bool { return bytes.Contains(exports[u], []byte(`"combinations":[]`)) })
		c := o.must(t, event("e", epoch, Key{UserID, "somebody new"}))
		require.NotContains(t, users, c.User)
	}
}

// A view attached late holds exactly what one attached from the start does,
// down to the times of attributes and traits, merges and splits included.
func TestLateAttachment(t *testing.T) {
	t.Parallel()
	for round := range longForm(60) {
		r := rand.New(rand.NewPCG(15, uint64(round)))
		opts := tightOptions()
		opts.Clock = ByEvents
		reset := lendSome(&opts, round)
		s := newTest(t, opts)
		live, late := newRecorder(), newRecorder()
		require.NoError(t, s.Attach("live", live, nil))
		for i := range 40 {
			e := reset(r, someEvent(r, fmt.Sprint("m", i), tightKeys(r)))
			e.Time = epoch.Add(time.Duration(i*r.IntN(3)) * time.Minute)
			s.must(t, e)
		}
		require.NoError(t, s.Attach("late", late, nil))
		for _, v := range []*recorder{live, late} {
			for u, rows := range v.rows {
				if slices.Sort(rows); len(rows) == 0 {
					delete(v.rows, u)
				}
			}
		}
		require.Equal(t, live.rows, late.rows, "round %d", round)
		for _, u := range s.Users() {
			for name, want := range live.attributes[u] {
				if want.value != nil {
					require.Equal(t, want, late.attributes[u][name], "round %d, user %d, %s", round, u, name)
				}
			}
		}
		require.Equal(t, live.now, late.now)
	}
}
