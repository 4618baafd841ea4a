package profile

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Nobody waits for the snapshot that is written because the journal has grown,
// and closing waits for it.
func TestSnapshotsWhenDue(t *testing.T) {
	before := runtime.NumGoroutine()
	reached, goOn := make(chan string, 1000), make(chan struct{})
	opts := Options{SnapshotEvery: 2000, Traits: testTraits()}
	opts.hook = func(point string) error {
		if strings.HasPrefix(point, "snapshot.create") {
			reached <- point
			<-goOn
		}
		return nil
	}
	dir := memoryDir(t)
	s, err := Open(dir, &Options{SnapshotEvery: 2000, Traits: testTraits()})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	s, err = Open(dir, &opts)
	require.NoError(t, err)
	first := s.durable.j.Snapshots()[0].Seq
	for i := range 100 { // many times as much
		s.must(t, event(fmt.Sprint("m", i), epoch, Key{UserID, fmt.Sprint("u", i%7)}))
	}
	<-reached
	require.Equal(t, first, s.durable.j.Snapshots()[0].Seq, "still being written")
	s.must(t, event("meanwhile", epoch, ann))
	close(goOn)
	s.durable.background.Wait()
	require.Greater(t, s.durable.j.Snapshots()[0].Seq, first)
	for i := range 100 {
		s.must(t, event(fmt.Sprint("n", i), epoch, Key{UserID, fmt.Sprint("u", i%7)}))
	}
	require.NoError(t, s.Close())
	state := settled(t, s)
	again, err := Open(dir, &Options{SnapshotEvery: -1, Traits: testTraits()})
	require.NoError(t, err)
	sameState(t, state, settled(t, again), "opened again")
	require.NoError(t, again.Close())
	requireGoroutines(t, before)
}

// A due snapshot that fails is told, with what has piled up, until one
// succeeds; nothing else is different meanwhile.
func TestDueSnapshotThatFails(t *testing.T) {
	for _, c := range []struct{ cause, is error }{{syscall.ENOSPC, ErrFull}, {syscall.EROFS, ErrReadOnly}} {
		var fail error
		var broken *JournalError
		dir := memoryDir(t)
		opts := Options{SnapshotEvery: 2000}
		opts.hook = func(point string) error {
			if point == "snapshot.create" {
				return fail
			}
			return nil
		}
		s := openTest(t, dir, opts)
		require.Equal(t, JournalStats{}, s.JournalStats())
		n := 0
		apply := func() JournalStats {
			n++
			s.must(t, event(fmt.Sprint("m", n), epoch.Add(time.Duration(n)*time.Second), Key{UserID, fmt.Sprint("u", n%7)}))
			x := s.JournalStats()
			require.EqualValues(t, n, x.Records)
			require.NoError(t, x.Err)
			return x
		}
		for range 100 {
			x := apply()
			require.NoError(t, x.SnapshotErr)
			require.Less(t, x.PendingBytes, int64(2000))
			require.Equal(t, x.Pending == 0, x.PendingBytes == 0)
		}
		since := -1
		before := s.JournalStats()
		fail = c.cause
		for range 100 {
			x := apply()
			require.Greater(t, x.PendingBytes, before.PendingBytes)
			require.Equal(t, before.Pending+1, x.Pending)
			require.GreaterOrEqual(t, x.SnapshotFailures, before.SnapshotFailures)
			if before = x; x.SnapshotFailures == 0 {
				continue
			}
			if since < 0 {
				since = n
			}
			require.ErrorAs(t, x.SnapshotErr, &broken)
			require.ErrorIs(t, x.SnapshotErr, c.is)
			require.Equal(t, epoch.Add(time.Duration(since)*time.Second), x.FailingSince)
			require.Equal(t, x.SnapshotFailures == 1, x.FailedAt.Equal(x.FailingSince))
			// It is tried again after as many bytes, and less than a record.
			require.LessOrEqual(t, 2000*int64(x.SnapshotFailures), x.PendingBytes)
			require.Less(t, x.PendingBytes, (2000+200)*int64(x.SnapshotFailures+1))
		}
		require.Greater(t, before.SnapshotFailures, 2)
		ended, end := context.WithCancel(context.Background())
		end()
		require.ErrorIs(t, s.Snapshot(ended), context.Canceled)
		require.Equal(t, before, s.JournalStats(), "nothing was tried")
		require.ErrorIs(t, s.Snapshot(context.Background()), c.is)
		require.Equal(t, before.SnapshotFailures+1, s.JournalStats().SnapshotFailures)

		// What a crash leaves piled up is known again, and dealt with at the
		// next change.
		plain := opts
		plain.hook = nil
		crashed := openTest(t, copyDir(t, dir), plain)
		sameState(t, settled(t, s), settled(t, crashed), "recovered")
		require.Equal(t, JournalStats{Records: before.Records, Pending: before.Pending, PendingBytes: before.PendingBytes}, crashed.JournalStats())
		crashed.must(t, event("next", epoch, ann))
		require.Zero(t, crashed.JournalStats().PendingBytes)

		fail = nil
		for s.JournalStats().SnapshotErr != nil {
			require.Less(t, apply().PendingBytes, before.PendingBytes+5000)
		}
		require.Equal(t, JournalStats{Records: uint64(n)}, s.JournalStats())
		require.NoError(t, s.Close())
		require.Equal(t, JournalStats{Records: uint64(n)}, s.JournalStats())
	}
	require.Equal(t, JournalStats{}, newTest(t, Options{}).JournalStats(), "in memory")
}

// requireGoroutines waits until there are no more goroutines than there were.
func requireGoroutines(t testing.TB, before int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}
