package profile

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/journal"
)

func openTest(t testing.TB, dir string, opts Options) *Store {
	t.Helper()
	if opts.Traits == nil {
		opts.Traits = testTraits()
	}
	opts.inStep = true
	s, err := Open(dir, &opts)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// copyDir is a crash: the directory as it is, while the store goes on.
func copyDir(t testing.TB, dir string) string {
	t.Helper()
	to := memoryDir(t)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, e.Name()), b, 0o600))
	}
	return to
}

func stateOf(t testing.TB, s *Store) []byte {
	t.Helper()
	b, err := s.AppendBinary(nil)
	require.NoError(t, err)
	return b
}

// settled is the state without the counts of what was refused since the last
// change, which no disk knows of.
func settled(t testing.TB, s *Store) []byte {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.stats
	defer func() { s.stats = was }()
	seq := s.seq
	defer func() { s.seq = seq }()
	s.stats, s.seq = Stats{}, 0
	doomed, marks := s.doomed, s.marks
	defer func() { s.doomed, s.marks = doomed, marks }()
	// How far the journal reaches by day is not known of what cannot be read.
	s.doomed, s.marks = nil, nil
	return s.encode().AppendTo(nil)
}

func TestOpenIsNewWithADirectory(t *testing.T) {
	t.Parallel()
	inRounds(t, longForm(3), func(t *testing.T, round int) {
		dir := memoryDir(t)
		opts := Options{MaxPersonKeys: 3 + round%5, MaxKeyLinks: 4 + round%3}
		a, b := newTest(t, opts), openTest(t, dir, opts)
		ra, rb := rand.New(rand.NewPCG(17, uint64(round))), rand.New(rand.NewPCG(17, uint64(round)))
		for i := range 50 {
			someCommand(t, a, ra, i)
			someCommand(t, b, rb, i)
			want, got := stateless(t, a), stateless(t, b)
			sameState(t, want, got, "round %d, command %d", round, i)
		}
		require.Equal(t, a.Stats(), b.Stats())
	})
}

// stateless is the state without what only a store with a directory has.
func stateless(t testing.TB, s *Store) []byte {
	t.Helper()
	o, err := New(&s.opts)
	require.NoError(t, err)
	require.NoError(t, o.UnmarshalBinary(stateOf(t, s)))
	o.subjects, o.doomed, o.marks = 0, nil, nil
	for k := range o.graph.sets {
		o.graph.sets[k].setSubject(0)
	}
	return stateOf(t, o)
}

// A crash at any moment loses nothing of what was acknowledged, and a store
// that was closed is the one that is opened.
func TestRecovery(t *testing.T) {
	t.Parallel()
	inRounds(t, longForm(5), func(t *testing.T, round int) {
		dir := memoryDir(t)
		opts := Options{MaxPersonKeys: 3 + round%5, MaxKeyLinks: 4 + round%3, SnapshotEvery: []int64{-1, 2000}[round%2]}
		s := openTest(t, dir, opts)
		r := rand.New(rand.NewPCG(19, uint64(round)))
		for i := range 60 {
			someCommand(t, s, r, i)
			switch r.IntN(12) {
			case 0, 1:
				crashed := openTest(t, copyDir(t, dir), opts)
				sameState(t, settled(t, s), settled(t, crashed), "round %d, command %d", round, i)
				require.NoError(t, crashed.Close())
			case 2:
				want, stats := settled(t, s), s.Stats()
				require.NoError(t, s.Close())
				s = openTest(t, dir, opts)
				sameState(t, want, settled(t, s), "round %d, command %d, closed", round, i)
				require.Equal(t, stats, s.Stats())
			case 3:
				require.NoError(t, s.Snapshot(context.Background()))
			case 4:
				if r.IntN(3) == 0 {
					require.NoError(t, s.Compact(context.Background()))
				}
			}
		}
		require.NoError(t, s.Close())
	})
}

func TestApplyAllDurable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTest(t, dir, Options{})
	m := newTest(t, Options{})
	r := rand.New(rand.NewPCG(1, 1))
	var events []Event
	for i := range 3000 {
		events = append(events, someEvent(r, fmt.Sprint("m", i%2800), []Key{{UserID, fmt.Sprint("u", r.IntN(50))}}))
	}
	events[7].Keys = nil
	fields := map[string]any{}
	seq := iter.Seq2[Event, error](func(yield func(Event, error) bool) {
		for i, e := range events {
			// The caller may use the same map again.
			clear(fields)
			for k, v := range e.Fields {
				fields[k] = v
			}
			e.Fields = fields
			if i == 5 && !yield(Event{}, ErrSyntax) {
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	})
	var got, want []Change
	ds, err := s.ApplyAll(context.Background(), seq, func(c Change, err error) bool { got = append(got, c); return true })
	require.NoError(t, err)
	ms, err := m.ApplyAll(context.Background(), seq, func(c Change, err error) bool { want = append(want, c); return true })
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, ms, ds)
	require.EqualValues(t, 1, ds.Refused.Malformed)
	require.EqualValues(t, 1, ds.Refused.NoKey)
	sameState(t, stateless(t, m), stateless(t, s), "ApplyAll")
	require.NoError(t, s.Close())
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	opts := Options{Secret: []byte("s"), Shard: 1, Shards: 3, LockTimeout: -1}
	_, err := Open("", &opts)
	require.ErrorIs(t, err, ErrOptions)
	s := openTest(t, dir, opts)
	_, err = Open(dir, &opts)
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, dir, "which directory is in use")
	require.ErrorIs(t, err, ErrJournal)
	_, err = s.Apply(event("a", epoch, ann))
	require.NoError(t, err)
	crashed := copyDir(t, dir)
	other := opts
	other.Limits = map[string]int{"email": 1}
	_, err = Open(crashed, &other)
	require.ErrorIs(t, err, ErrOptions)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, err = s.Apply(event("b", epoch, ann))
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, s.Snapshot(context.Background()), ErrClosed)
	for _, o := range []Options{{Secret: []byte("x"), Shard: 1, Shards: 3}, {Secret: []byte("s"), Shard: 0, Shards: 3}, {Secret: []byte("s"), Shard: 1, Shards: 4}} {
		_, err = Open(dir, &o)
		require.ErrorIs(t, err, ErrOptions)
	}
	// After it was closed, who is who follows from other options.
	s = openTest(t, dir, other)
	require.Equal(t, 1, s.Stats().Profiles)
	require.NoError(t, s.Close())
	mem := newTest(t, Options{})
	require.ErrorIs(t, mem.Snapshot(context.Background()), ErrOptions)
}

// A view that was written with the store goes on from there with the calls it
// would have had.
func TestViewsResume(t *testing.T) {
	t.Parallel()
	inRounds(t, longForm(5), func(t *testing.T, round int) {
		dir := memoryDir(t)
		opts := Options{SnapshotEvery: -1}
		s := openTest(t, dir, opts)
		all, ads := newScribe(), newScribe()
		r := rand.New(rand.NewPCG(23, uint64(round)))
		require.NoError(t, s.Attach("all", all, nil))
		require.NoError(t, s.Attach("ads", ads, &AttachOptions{Purpose: "ads"}))
		require.NoError(t, s.Snapshot(context.Background()))
		for i := range 60 {
			someCommand(t, s, r, i)
			switch r.IntN(10) {
			case 0:
				require.NoError(t, s.Snapshot(context.Background()))
			case 1, 2:
				if r.IntN(2) == 0 {
					require.NoError(t, s.Close())
				} else {
					dir = copyDir(t, dir)
				}
				a, b := all.lines(), ads.lines()
				s = openTest(t, dir, opts)
				if r.IntN(3) == 0 {
					// They are not attached for a while.
					require.NoError(t, s.Close())
					s = openTest(t, dir, opts)
				}
				all, ads = newScribe(), newScribe()
				require.NoError(t, s.Attach("all", all, nil))
				require.NoError(t, s.Attach("ads", ads, &AttachOptions{Purpose: "ads"}))
				require.Equal(t, a, all.lines(), "round %d, command %d", round, i)
				require.Equal(t, b, ads.lines(), "round %d, command %d", round, i)
			}
		}
		require.NoError(t, s.Close())
	})
}

// scribe is a view that is all that it was ever told, in order.
type scribe struct{ b bytes.Buffer }

func newScribe() *scribe { return &scribe{} }

func (v *scribe) lines() string { return v.b.String() }

func (v *scribe) Observe(user uint32, event string, fields map[string]any, at time.Time) error {
	fmt.Fprintf(&v.b, "observe %d %s %s %v\n", user, event, text(fields), at)
	return nil
}

func (v *scribe) Update(user uint32, attributes map[string]any, at time.Time) error {
	fmt.Fprintf(&v.b, "update %d %s %v\n", user, text(attributes), at)
	return nil
}

func (v *scribe) Rename(from, to uint32) error {
	fmt.Fprintf(&v.b, "rename %d %d\n", from, to)
	return nil
}

func (v *scribe) Erase(user uint32) error {
	fmt.Fprintf(&v.b, "erase %d\n", user)
	return nil
}

func (v *scribe) Advance(now time.Time) error {
	fmt.Fprintf(&v.b, "advance %v\n", now)
	return nil
}

func (v *scribe) AppendBinary(b []byte) ([]byte, error) { return append(b, v.b.Bytes()...), nil }

func (v *scribe) UnmarshalBinary(data []byte) error {
	v.b.Reset()
	v.b.Write(data)
	return nil
}

func someEventOf(t testing.TB) []byte {
	t.Helper()
	fields := map[string]any{"a": int64(1), "b": "x", "l": []string{"y"}, "o": []map[string]any{{"p": 1.5}}, "t": epoch, "n": nil, "f": false}
	return appendEvent(nil, &cleaned{id: "i", name: "Seen", at: instantOf(epoch)}, []Key{ann}, pairsOf(fields))
}

func recordOf(kind byte, data []byte) *journal.Record {
	r := &journal.Record{Kind: kind, Clear: appendTick(nil, 0, instantOf(epoch)), Data: data, Subject: 3}
	if kind == recordAdvance {
		r.Clear = data
	}
	return r
}

// After a write has failed nothing more is applied, reading goes on, and what
// is found when the store is opened again is what was acknowledged, or that
// and the change that failed.
func TestFailureStays(t *testing.T) {
	dir := memoryDir(t)
	opts := Options{SnapshotEvery: -1}
	fail := false
	opts.hook = func(point string) error {
		if fail && point == "append.put" {
			return syscall.ENOSPC
		}
		return nil
	}
	s := openTest(t, dir, opts)
	s.must(t, event("a", epoch, ann))
	fail = true
	_, err := s.Apply(event("b", epoch, ann))
	require.ErrorIs(t, err, ErrJournal)
	require.ErrorIs(t, err, ErrFull)
	fail = false
	require.Equal(t, err, s.JournalStats().Err)
	_, again := s.Apply(event("c", epoch, ann))
	require.Equal(t, err, again)
	_, again = s.Commit(Batch{Events: []Event{event("d", epoch, ann)}})
	require.Equal(t, err, again)
	require.Equal(t, err, s.Grant(1, "ads", epoch, "call"))
	_, again = s.ApplyAll(context.Background(), func(yield func(Event, error) bool) { yield(event("e", epoch, ann), nil) }, nil)
	require.Equal(t, err, again)
	require.EqualValues(t, 1, s.Stats().Applied)
	_, ok := s.Profile(1)
	require.True(t, ok)
	require.Equal(t, err, s.Close())
	s = openTest(t, dir, opts)
	require.EqualValues(t, 1, s.Stats().Applied)
	s.must(t, event("b", epoch, ann))
}

// What another store holds is merged durably.
func TestMergeDurable(t *testing.T) {
	dir := memoryDir(t)
	opts := Options{SnapshotEvery: -1, Shards: 2}
	s := openTest(t, dir, opts)
	other := opts
	other.Shard = 1
	o, m := newTest(t, other), newTest(t, opts)
	r := rand.New(rand.NewPCG(53, 1))
	for i := range 60 {
		e := someEvent(r, fmt.Sprint("m", i), []Key{{UserID, fmt.Sprint("u", r.IntN(5))}, {AnonymousID, fmt.Sprint("c", r.IntN(6))}})
		if i%2 == 0 {
			o.must(t, e)
			continue
		}
		s.must(t, e)
		m.must(t, e)
	}
	want, err := m.Merge(o)
	require.NoError(t, err)
	got, err := s.Merge(o)
	require.NoError(t, err)
	require.Equal(t, want, got)
	sameState(t, stateless(t, m), stateless(t, s), "merged")
	s.must(t, event("after", epoch, ann))
	crashed := openTest(t, copyDir(t, dir), opts)
	sameState(t, settled(t, s), settled(t, crashed), "recovered")
	require.NoError(t, s.Attach("v", newScribe(), nil))
	_, err = s.Merge(o)
	require.ErrorIs(t, err, ErrMerge)
}

// largeVerb is a change of a size.
type largeVerb int

func (v largeVerb) kind() byte { return recordTag }

func (v largeVerb) prepare(*Store) (command, error) {
	return command{subject: newSubject, data: make([]byte, v)}, nil
}

func (v largeVerb) apply(*Store, uint64) { panic("applied") }

// What one transaction cannot hold is refused, for its caller alone.
func TestTooLargeForATransaction(t *testing.T) {
	t.Parallel()
	dir := memoryDir(t)
	opts := Options{SnapshotEvery: -1}
	s := openTest(t, dir, opts)
	s.must(t, event("a", epoch, ann))
	require.ErrorIs(t, s.run(largeVerb(65<<20)), ErrTooLarge)
	e := event("b", epoch, ann)
	_, err := s.Commit(Batch{Events: []Event{e}, Records: map[string][]byte{"r": make([]byte, 33<<20)}})
	require.ErrorIs(t, err, ErrTooLarge)
	_, ok := s.Record("r")
	require.False(t, ok)
	require.EqualValues(t, 1, s.Stats().Applied)
	require.False(t, s.must(t, e).Duplicate, "it was not taken in")
	_, err = s.Commit(Batch{Events: []Event{event("c", epoch, bob)}, Records: map[string][]byte{"r": make([]byte, 31<<20)}})
	require.NoError(t, err)
	checkTwin(t, s, "after")
	crashed := openTest(t, copyDir(t, dir), opts)
	sameState(t, settled(t, s), settled(t, crashed), "recovered")
	_, err = New(&Options{MaxEventBytes: 17 << 20})
	require.ErrorIs(t, err, ErrOptions)
}
