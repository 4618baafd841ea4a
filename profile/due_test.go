package profile

import (
	"fmt"
	"runtime"
	"strings"
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
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}
