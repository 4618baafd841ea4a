package profile

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A damaged or truncated file of the directory is a typed error, or changes
// nothing of what is recovered.
func TestDamagedDirectory(t *testing.T) {
	t.Parallel()
	dir := memoryDir(t)
	opts := Options{SnapshotEvery: -1, Traits: testTraits()[:3]}
	s := openTest(t, dir, opts)
	r := rand.New(rand.NewPCG(43, 4))
	for i := range 40 {
		someCommand(t, s, r, i)
		if i%12 == 11 {
			require.NoError(t, s.Snapshot(context.Background()))
		}
	}
	want := settled(t, s)
	whole := copyDir(t, dir)
	entries, err := os.ReadDir(whole)
	require.NoError(t, err)
	refused, harmless := 0, 0
	inRounds(t, longForm(250), func(t *testing.T, round int) {
		name := entries[r.IntN(len(entries))].Name()
		path := filepath.Join(whole, name)
		was, err := os.ReadFile(path)
		require.NoError(t, err)
		if len(was) == 0 {
			return
		}
		bad := append([]byte(nil), was...)
		what := ""
		if r.IntN(4) == 0 {
			bad = bad[:r.IntN(len(bad))]
			what = fmt.Sprintf("%s cut to %d", name, len(bad))
		} else {
			at := r.IntN(len(bad))
			bad[at] ^= 1 << r.IntN(8)
			what = fmt.Sprintf("%s at %d", name, at)
		}
		to := copyDir(t, whole)
		require.NoError(t, os.WriteFile(filepath.Join(to, name), bad, 0o600))
		o := opts
		x, err := Open(to, &o)
		if err != nil {
			require.ErrorIs(t, err, ErrJournal, what)
			require.True(t, errors.Is(err, ErrCorrupt) || errors.Is(err, ErrVersion), "%s: %v", what, err)
			refused++
		} else {
			sameState(t, want, settled(t, x), "round %d: %s", round, what)
			harmless++
			require.NoError(t, x.Close())
		}
	})
	require.Positive(t, refused)
	require.Positive(t, harmless)
}

// Many write, read, attach, take snapshots and close at once.
func TestDurableConcurrently(t *testing.T) {
	t.Parallel()
	dir := memoryDir(t)
	opts := Options{SnapshotEvery: 20_000, Traits: testTraits()[:6], MaxAttributes: 3}
	s := openTest(t, dir, opts)
	require.NoError(t, s.Attach("scribe", newScribe(), nil))
	var wg sync.WaitGroup
	const writers, each = 8, 60
	for w := range writers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(47, uint64(w)))
			for i := range each {
				e := someEvent(r, fmt.Sprint("w", w, i), []Key{{UserID, fmt.Sprint("u", r.IntN(9))}, {AnonymousID, fmt.Sprint("c", w)}})
				if i%5 == 0 {
					e.Fields[fmt.Sprint("f", i)] = i
				}
				if _, err := s.Apply(e); err != nil {
					t.Error(err)
					return
				}
				switch r.IntN(20) {
				case 0:
					_ = s.Grant(uint32(1+r.IntN(5)), "ads", epoch, "call")
				case 1:
					_, _ = s.Commit(Batch{Records: map[string][]byte{fmt.Sprint(w): {byte(i)}}})
				case 2:
					_ = s.Snapshot(context.Background())
				}
			}
		})
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			for _, u := range s.Users() {
				_, _ = s.Export(u)
				_, _ = s.Profile(u)
			}
			s.Stats()
			s.Resolve(UserID, "u1")
			_, _ = s.AppendBinary(nil)
		}
	})
	wg.Wait()
	close(done)
	readers.Wait()
	require.EqualValues(t, writers*each, s.Stats().Applied)
	want := settled(t, s)
	crashed := openTest(t, copyDir(t, dir), opts)
	sameState(t, want, settled(t, crashed), "recovered")
	require.NoError(t, crashed.Close())
	require.NoError(t, s.Close())
}
