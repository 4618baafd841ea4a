package profile

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
	for round := range longForm(20) {
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
	}
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
