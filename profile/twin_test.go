package profile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// checkTwin compares what a twin writes with what the store itself does.
func checkTwin(t testing.TB, s *Store, format string, args ...any) {
	t.Helper()
	d := s.durable
	d.snapshots.Lock()
	defer d.snapshots.Unlock()
	p, err := d.pictureByTwin(context.Background())
	require.NoError(t, err, format, args)
	require.Equal(t, d.j.Last(), p.seq)
	sameState(t, stateOf(t, s), p.store, format, args...)
	require.Len(t, p.views, len(s.views))
	for i, w := range s.views {
		require.Equal(t, w.name, p.views[i].name)
		require.Equal(t, w.purpose, p.views[i].purpose)
		require.Equal(t, bitmapBytes(w.in), bitmapBytes(p.views[i].in))
	}
}

// twinOptions are options by which everything that is written is there.
func twinOptions(round int) Options {
	o := Options{
		MaxPersonKeys: 3 + round%5, MaxKeyLinks: 4 + round%3, SnapshotEvery: []int64{-1, 1500}[round%2],
		Traits: testTraits(), Shards: 2, MaxAttributes: 4, OmitChanges: true,
	}
	o.Traits = append(o.Traits, Trait{Name: "learned", Kind: Stage, Events: []string{OrderCompleted, ProductViewed}})
	switch round % 4 {
	case 0:
		o.Retain.Horizon, o.DedupeWindow = 24*time.Hour, 20*time.Minute
	case 1:
		o.DedupeEvents = 16
	case 2:
		o.LastAccount, o.Resets = 25*time.Minute, []string{"page"}
	case 3:
		o.LimitWindows = map[string]time.Duration{UserID: 30 * time.Minute}
		o.ConsentExpiry = map[string]time.Duration{"ads": time.Hour}
		o.Secret = []byte("secret")
	}
	return o
}

// After every command of random histories, with views that come and go and
// crashes among them, a twin is the store, byte for byte.
func TestTwin(t *testing.T) {
	t.Parallel()
	inRounds(t, longForm(8), func(t *testing.T, round int) {
		dir := memoryDir(t)
		opts := twinOptions(round)
		s := openTest(t, dir, opts)
		r := rand.New(rand.NewPCG(59, uint64(round)))
		for i := range 50 {
			what := "command"
			switch r.IntN(16) {
			case 0:
				what = "snapshot"
				require.NoError(t, s.Snapshot(context.Background()))
				checkReadable(t, s, "round %d, %d", round, i)
			case 1:
				what = "open"
				if r.IntN(2) == 0 {
					require.NoError(t, s.Close())
				} else {
					dir = copyDir(t, dir)
				}
				if r.IntN(4) == 0 {
					opts.Traits = opts.Traits[1:]
				}
				s = openTest(t, dir, opts)
			case 2:
				what = "attach"
				if name := fmt.Sprint("v", r.IntN(3)); s.Detach(name) != nil {
					require.NoError(t, s.Attach(name, newScribe(), &AttachOptions{Purpose: []string{"", "ads", "mail"}[r.IntN(3)]}))
				}
			case 3:
				what = "merge"
				other := opts
				other.Shard = 1
				for range 3 {
					_ = s.Detach(s.someView())
				}
				_, err := s.Merge(busy(t, r, other))
				require.NoError(t, err)
			case 4:
				what = "learn"
				_, _ = s.LearnStages("learned", nil)
			case 5:
				what = "late"
				at := epoch.Add(time.Duration(i) * 10 * time.Minute)
				_, _ = s.Commit(Batch{Events: []Event{
					event(fmt.Sprint("x", i), at, ann), event(fmt.Sprint("x", i), at, ann), event("", time.Time{}, ann),
				}, Records: map[string][]byte{"n": {byte(i)}}})
			case 6:
				what = "compact"
				if r.IntN(3) == 0 {
					require.NoError(t, s.Compact(context.Background()))
				}
			default:
				someCommand(t, s, r, i)
			}
			checkTwin(t, s, "round %d, %d: %s", round, i, what)
		}
		require.NoError(t, s.Close())
	})
}

// someView returns the name of the first view, "" if there is none.
func (s *Store) someView() string {
	if len(s.views) == 0 {
		return ""
	}
	return s.views[0].name
}

// Whoever is erased at once while a twin reads the journal is not in it, and
// neither is anything else missing.
func TestTwinBesideErasure(t *testing.T) {
	t.Parallel()
	retaken := 0
	inRounds(t, longForm(12), func(t *testing.T, round int) {
		s := openTest(t, memoryDir(t), Options{SnapshotEvery: -1})
		r := rand.New(rand.NewPCG(61, uint64(round)))
		for i := range 30 {
			_, err := s.Apply(someEvent(r, fmt.Sprint("m", i), []Key{{UserID, fmt.Sprint("u", r.IntN(9))}}))
			require.NoError(t, err)
		}
		erase := func() {
			if users := s.Users(); len(users) > 0 {
				x, err := s.Erase(users[r.IntN(len(users))])
				require.NoError(t, err)
				require.True(t, x.Shredded)
			}
		}
		d := s.durable
		tw, err := d.newTwin()
		require.NoError(t, err)
		p, err := d.picture(false)
		require.NoError(t, err)
		for range 1 + r.IntN(3) {
			erase()
		}
		require.NoError(t, tw.follow(context.Background(), p.seq))
		if !tw.whole() {
			retaken++
			p, err = d.picture(false)
			require.NoError(t, err)
			require.NoError(t, tw.follow(context.Background(), p.seq))
		}
		require.True(t, tw.whole())
		require.NoError(t, tw.develop(p))
		sameState(t, stateOf(t, s), p.store, "round %d", round)
	})
	require.Positive(t, retaken)
}

// A journal in which a record cannot be what it was is said to be corrupt, and
// the snapshots that there are stay.
func TestTwinFindsDamage(t *testing.T) {
	s := openTest(t, memoryDir(t), Options{SnapshotEvery: -1})
	for i := range 5 {
		s.must(t, event(fmt.Sprint("m", i), epoch, Key{UserID, fmt.Sprint("u", i)}))
	}
	before := s.durable.j.Snapshots()
	// A number was handed out that the journal does not know of.
	s.next++
	s.must(t, event("after", epoch, Key{UserID, "somebody"}))
	err := s.Snapshot(context.Background())
	require.ErrorIs(t, err, ErrJournal)
	require.ErrorIs(t, err, ErrCorrupt)
	require.Equal(t, before, s.durable.j.Snapshots())
	s.must(t, event("later", epoch, ann))
}

// What is in memory is written when the snapshot that a twin begins with is
// damaged, and a context that ends stops either.
func TestSnapshotWithoutATwin(t *testing.T) {
	for _, inPlace := range []bool{false, true} {
		dir := memoryDir(t)
		opts := Options{SnapshotEvery: -1, SnapshotInPlace: inPlace}
		s := openTest(t, dir, opts)
		s.must(t, event("a", epoch, ann))
		ended, end := context.WithCancel(context.Background())
		end()
		require.ErrorIs(t, s.Snapshot(ended), context.Canceled)
		spoil(t, dir, "-store")
		if !inPlace {
			_, err := s.durable.newTwin()
			require.ErrorIs(t, err, errNoTwin)
		}
		require.NoError(t, s.Snapshot(context.Background()))
		checkTwin(t, s, "in place %v", inPlace)
		crashed := openTest(t, copyDir(t, dir), opts)
		sameState(t, settled(t, s), settled(t, crashed), "recovered")
	}
}

// Many write, erase and read while snapshots are written, and nobody who was
// needed for that is left behind.
func TestSnapshotsBesideWriters(t *testing.T) {
	before := runtime.NumGoroutine()
	dir := memoryDir(t)
	opts := twinOptions(0)
	opts.Retain.Horizon = 0
	opts.MaxPersonKeys = 50
	s := openTest(t, dir, opts)
	require.NoError(t, s.Attach("ads", newScribe(), &AttachOptions{Purpose: "ads"}))
	done := make(chan struct{})
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			r := rand.New(rand.NewPCG(67, uint64(w)))
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				_, err := s.Apply(someEvent(r, fmt.Sprint("w", w, i), []Key{{UserID, fmt.Sprint("u", r.IntN(40))}}))
				if err != nil {
					require.ErrorIs(t, err, ErrErased)
				}
				switch r.IntN(12) {
				case 0:
					_, _ = s.Erase(uint32(2 * r.IntN(60)))
				case 1:
					_ = s.Grant(uint32(2*r.IntN(60)), "ads", epoch, "call")
				case 2:
					if w == 0 && s.Detach("ads") != nil {
						_ = s.Attach("ads", newScribe(), &AttachOptions{Purpose: "ads"})
					}
				case 3:
					_, _ = s.AppendBinary(nil)
				}
			}
		})
	}
	inRounds(t, longForm(15), func(t *testing.T, _ int) {
		require.NoError(t, s.Snapshot(context.Background()))
		s.durable.write.Lock() // a copy is no image of a file that is being written
		left := copyDir(t, dir)
		s.durable.write.Unlock()
		crashed := openTest(t, left, opts)
		require.NoError(t, crashed.Close())
	})
	close(done)
	group.Wait()
	checkTwin(t, s, "at the end")
	require.NoError(t, s.Close())
	requireGoroutines(t, before)
}

// spoil flips a bit in each file of the directory whose name ends so.
func spoil(t testing.TB, dir, suffix string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		b[len(b)/2] ^= 1
		require.NoError(t, os.WriteFile(name, b, 0o600))
	}
}
