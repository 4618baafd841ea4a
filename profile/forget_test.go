package profile

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/journal"
)

// found returns the files of a directory that hold any of the texts.
func found(t testing.TB, dir string, texts ...string) (files []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		if slices.ContainsFunc(texts, func(s string) bool { return bytes.Contains(b, []byte(s)) }) {
			files = append(files, e.Name())
		}
	}
	return files
}

func personEvent(i, k int) Event {
	e := event(fmt.Sprintf("message-%04d-%d", i, k), epoch, Key{UserID, fmt.Sprintf("account-%04d", i)}, Key{Email, fmt.Sprintf("person-%04d@x.io", i)})
	e.Fields = map[string]any{"secret": fmt.Sprintf("text-%04d", i)}
	return e
}

func traces(i int) []string {
	return []string{fmt.Sprintf("account-%04d", i), fmt.Sprintf("person-%04d", i), fmt.Sprintf("text-%04d", i), fmt.Sprintf("message-%04d", i)}
}

// Once a person is erased, the journal cannot be read about them, and after
// Compact no file holds a trace.
func TestEraseReachesTheFiles(t *testing.T) {
	for _, viewed := range []bool{false, true} {
		dir := memoryDir(t)
		opts := Options{SnapshotEvery: -1, OptOut: []string{"mail"}}
		s := openTest(t, dir, opts)
		if viewed {
			require.NoError(t, s.Attach("scribe", newScribe(), nil))
		}
		for k := range 2 {
			for i := range 20 {
				s.must(t, personEvent(i, k))
				u, _ := s.Resolve(UserID, fmt.Sprintf("account-%04d", i))
				require.NoError(t, s.Deny(u, "mail", epoch, "text-call"))
			}
			if k == 0 {
				require.NoError(t, s.Snapshot(context.Background()))
			}
		}
		require.NotEmpty(t, found(t, dir, traces(7)...))
		for _, f := range found(t, dir, traces(7)...) {
			require.NotEqual(t, "journal.db", f, "the journal is readable")
		}
		u, _ := s.Resolve(UserID, "account-0007")
		r, err := s.Erase(u)
		require.NoError(t, err)
		require.Equal(t, !viewed, r.Shredded)
		require.NotEmpty(t, r.Remains)
		require.Equal(t, viewed, len(s.doomed) > 0)

		crashed := openTest(t, copyDir(t, dir), opts)
		sameState(t, settled(t, s), settled(t, crashed), "recovered")
		require.NoError(t, crashed.Close())

		require.NoError(t, s.Compact(context.Background()))
		require.Empty(t, s.doomed)
		if viewed {
			continue // a scribe never forgets
		}
		require.Empty(t, found(t, dir, traces(7)...))
		require.NotEmpty(t, found(t, dir, traces(8)...))
		want := settled(t, s)
		require.NoError(t, s.Close())
		require.Empty(t, found(t, dir, traces(7)...))
		s = openTest(t, dir, opts)
		sameState(t, want, settled(t, s), "after Compact")
		_, err = s.Apply(personEvent(7, 0))
		require.ErrorIs(t, err, ErrErased)
	}
}

// What can no longer be read leaves everybody else with the numbers they had.
func TestReplayAroundTheErased(t *testing.T) {
	t.Parallel()
	inRounds(t, longForm(20), func(t *testing.T, round int) {
		r := rand.New(rand.NewPCG(41, uint64(round)))
		dir := memoryDir(t)
		opts := Options{SnapshotEvery: -1, Shard: 2, Shards: 5}
		s := openTest(t, dir, opts)
		erased, shredded := 0, 0
		for range 60 {
			keys := []Key{{UserID, fmt.Sprint("u", r.IntN(12))}}
			if r.IntN(3) == 0 {
				keys = []Key{{AnonymousID, fmt.Sprint("c", r.IntN(12))}}
			}
			if r.IntN(4) == 0 {
				k := r.IntN(12)
				keys = []Key{{UserID, fmt.Sprint("u", k)}, {AnonymousID, fmt.Sprint("c", (k+r.IntN(2)*r.IntN(2))%12)}}
			}
			switch users := s.Users(); {
			case r.IntN(8) == 0 && len(users) > 0:
				x, err := s.Erase(users[r.IntN(len(users))])
				require.NoError(t, err)
				erased++
				if x.Shredded {
					shredded++
				}
			case r.IntN(30) == 0:
				require.NoError(t, s.Snapshot(context.Background()))
			default:
				_, err := s.Commit(Batch{Events: []Event{
					someEvent(r, fmt.Sprint("m", r.Uint32()), keys), someEvent(r, fmt.Sprint("m", r.Uint32()), []Key{{Email, fmt.Sprintf("%d@x.io", r.IntN(30))}}),
				}})
				if err != nil {
					require.ErrorIs(t, err, ErrErased)
				}
			}
		}
		crashed := openTest(t, copyDir(t, dir), opts)
		sameState(t, settled(t, s), settled(t, crashed), "round %d: %d erased, %d at once", round, erased, shredded)
		require.Equal(t, s.Stats().Applied, crashed.Stats().Applied)
		unreadable := 0
		require.NoError(t, s.durable.j.Replay(s.durable.j.First()-1, func(_ uint64, r *journal.Record) error {
			if r.Shredded {
				unreadable++
			}
			return nil
		}))
		require.True(t, shredded == 0 || unreadable > 0)
		require.NoError(t, crashed.Close())
		require.NoError(t, s.Close())
	})
}

// An event that names a key twice is sealed for its own person.
func TestKeyNamedTwice(t *testing.T) {
	dir := memoryDir(t)
	opts := Options{SnapshotEvery: -1}
	s := openTest(t, dir, opts)
	s.must(t, event("a", epoch, ann))
	s.must(t, event("b", epoch, bob))
	s.must(t, event("c", epoch, bob, bob))
	r, err := s.Erase(1)
	require.NoError(t, err)
	require.True(t, r.Shredded)
	s.must(t, event("d", epoch, bob, bob))
	crashed := openTest(t, copyDir(t, dir), opts)
	sameState(t, settled(t, s), settled(t, crashed), "recovered")
}

// checkReadable looks at what the journal can still be read about, after a
// snapshot: no event that would be refused, and nothing that could not be
// forgotten any more because no combination knows whose key seals it.
func checkReadable(t testing.TB, s *Store, format string, args ...any) {
	t.Helper()
	known := map[uint64]bool{0: true}
	for k := range s.graph.sets {
		known[s.graph.sets[k].subject()] = true
	}
	o := newTest(t, Options{Secret: s.opts.Secret})
	var records recordReader
	what := fmt.Sprintf(format, args...)
	require.NoError(t, s.durable.j.Replay(s.durable.j.First()-1, func(seq uint64, r *journal.Record) error {
		if r.Shredded {
			return nil
		}
		require.True(t, known[r.Subject], "%s: record %d of kind %d, subject %d", what, seq, r.Kind, r.Subject)
		if r.Kind == recordEvent {
			c := records.event(never(), r.Data, o)
			for _, k := range o.keys {
				require.False(t, s.tombs.refuses(k, c.at), "%s: record %d, event %s of %v", what, seq, c.id, k)
			}
		}
		return nil
	}))
}

// What a store forgets because it was erased in another one is forgotten in
// its files like what it erases itself, whatever moment a crash comes at.
func TestMergeReachesTheFiles(t *testing.T) {
	t.Parallel()
	dropped, parted, back, refused := 0, 0, 0, 0
	inRounds(t, min(longForm(6), 240), func(t *testing.T, round int) {
		r := rand.New(rand.NewPCG(83, uint64(round)))
		opts := twinOptions(round)
		opts.SnapshotEvery, opts.SnapshotInPlace = -1, round%3 == 0
		opts.DedupeWindow, opts.DedupeEvents = 0, 0 // what was forgotten early depends on what came before
		plain := opts
		dir := memoryDir(t)
		var images []image
		opts.hook = func(point string) error {
			if images != nil {
				images = append(images, image{dir: copyDir(t, dir), point: point})
			}
			return nil
		}
		s := openTest(t, dir, opts)
		other := plain
		other.Shard = 1
		o, m := busy(t, r, other), newTest(t, plain)
		ra, rb := rand.New(rand.NewPCG(89, uint64(round))), rand.New(rand.NewPCG(89, uint64(round)))
		for i := range 60 {
			someCommand(t, s, ra, i)
			someCommand(t, m, rb, i)
			if i == 20 {
				require.NoError(t, s.Snapshot(context.Background()))
			}
		}
		for _, u := range o.Users() {
			if r.IntN(2) == 0 {
				_, _ = o.Erase(u) // who may have been a key of one erased before
			}
		}
		was := settled(t, s)
		before := map[uint64]bool{}
		for k := range s.graph.sets {
			before[s.graph.sets[k].subject()] = true
		}
		images = []image{}
		_, err := s.Merge(o)
		require.NoError(t, err)
		is := settled(t, s)
		for _, x := range s.doomed {
			if before[x] {
				dropped++
			}
		}
		for k := range s.graph.sets {
			if len(s.graph.sets[k].nodes) > 0 && s.graph.sets[k].subject() == 0 {
				parted++
			}
		}
		checkTwin(t, s, "round %d", round)
		merged := len(images)
		require.NoError(t, s.Snapshot(context.Background()))
		shot := images
		images = nil
		require.Empty(t, s.doomed)
		sameState(t, is, settled(t, s), "round %d", round)
		checkReadable(t, s, "round %d", round)
		_, err = m.Merge(o)
		require.NoError(t, err)
		sameState(t, stateless(t, m), stateless(t, s), "round %d: in memory", round)

		spoiled := make([]string, len(shot))
		for i, x := range shot {
			spoiled[i] = copyDir(t, x.dir)
			got := openTest(t, x.dir, plain)
			want := is
			if i < merged && x.point != "append.committed" {
				want = was
			}
			sameState(t, want, settled(t, got), "round %d, %s", round, x.point)
			require.NoError(t, got.Close())
			if i < merged {
				continue
			}
			// With the newest snapshot damaged, the one before it and the journal
			// give the same, or it is said that they no longer can.
			spoilNewest(t, spoiled[i])
			alone := plain
			got, err := Open(spoiled[i], &alone)
			if err != nil {
				require.ErrorIs(t, err, ErrCorrupt)
				refused++
				continue
			}
			sameState(t, is, settled(t, got), "round %d, %s, from the snapshot before", round, x.point)
			require.NoError(t, got.Close())
			back++
		}
		// What comes later is sealed with keys that are there.
		for i := range 30 {
			someCommand(t, s, r, i)
		}
		crashed := openTest(t, copyDir(t, dir), plain)
		sameState(t, settled(t, s), settled(t, crashed), "round %d, later", round)
		require.NoError(t, s.Compact(context.Background()))
		checkReadable(t, s, "round %d, compacted", round)
	})
	t.Log(dropped, "keys destroyed,", parted, "combinations went on with another;", back, "recoveries from the snapshot before,", refused, "refused")
	for _, n := range []int{dropped, parted, back, refused} {
		require.Positive(t, n)
	}
}

// spoilNewest flips a bit in the store's part of the newest snapshot.
func spoilNewest(t testing.TB, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*-store"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	spoil(t, dir, strings.TrimPrefix(slices.MaxFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	}), dir+string(filepath.Separator)))
}
