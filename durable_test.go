package zhun_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/attribution"
	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/sim"
	"github.com/zhun-go/zhun/profile"
	"github.com/zhun-go/zhun/recommend"
	"github.com/zhun-go/zhun/segment"
)

// view is what all four packages' views can do.
type view interface {
	profile.View
	AppendBinary([]byte) ([]byte, error)
}

// four returns the four views by the names they are attached under.
func (l *loop) four() map[string]view {
	return map[string]view{"segment": l.index, "recommend": l.history, "attribution": l.journeys, "experiment": l.readout}
}

func (l *loop) bytes(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, v := range l.four() {
		b, err := v.AppendBinary(nil)
		require.NoError(t, err)
		out[name] = b
	}
	return out
}

func requireBytes(t testing.TB, want, got map[string][]byte, format string, args ...any) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.Equal(want[name], got[name]) {
			t.Fatalf("%s differs: %s", name, fmt.Sprintf(format, args...))
		}
	}
}

// emptyLoop has definitions, and nothing is attached.
func emptyLoop(t testing.TB, store *profile.Store) *loop {
	t.Helper()
	l := &loop{store: store}
	var err error
	l.index, err = segment.NewIndex(segment.Schema{"orders": segment.Number, "spent": segment.Number, "country": segment.String}, nil)
	require.NoError(t, err)
	l.history, err = recommend.NewHistory(nil)
	require.NoError(t, err)
	l.journeys, err = attribution.NewJourneys(nil)
	require.NoError(t, err)
	l.readout, err = experiment.NewReadout(sim.ExperimentID, nil)
	require.NoError(t, err)
	_, err = l.index.Define("buyers", `orders >= 1`)
	require.NoError(t, err)
	_, err = l.index.Define("active", `count(events("Order Completed", "14d"), .revenue > 10) >= 1 and not (country in ["AT"])`)
	require.NoError(t, err)
	return l
}

func (l *loop) attach(t testing.TB) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(l.four())) {
		require.NoError(t, l.store.Attach(name, l.four()[name], nil))
	}
}

func durableOptions() *profile.Options {
	return &profile.Options{
		Traits: []profile.Trait{
			{Name: "orders", Kind: profile.Count, Events: []string{profile.OrderCompleted}},
			{Name: "spent", Kind: profile.Sum, Events: []string{profile.OrderCompleted}, Field: "revenue", Window: 14 * 24 * 3600e9},
		},
		SnapshotEvery: -1,
	}
}

// accepted are the events that a store does not refuse.
func accepted(t testing.TB, events []profile.Event) []profile.Event {
	t.Helper()
	s, err := profile.New(nil)
	require.NoError(t, err)
	return slices.DeleteFunc(events, func(e profile.Event) bool {
		_, err := s.Apply(e)
		return err != nil
	})
}

func crash(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	require.NoError(t, os.CopyFS(to, os.DirFS(dir)))
	require.FileExists(t, filepath.Join(to, "journal.db"))
	return to
}

// Store and views come back to the same instant from a crash at any moment,
// and a watcher is told of every transition exactly from where it had come.
func TestRecoveryOfTheWholeLoop(t *testing.T) {
	events := accepted(t, simulated(t, 120, 40))
	dir := t.TempDir()
	start := func() (*loop, *[]segment.Transition) {
		store, err := profile.Open(dir, durableOptions())
		require.NoError(t, err)
		return emptyLoop(t, store), new([]segment.Transition)
	}
	l, seen := start()
	watch := func(after uint64) {
		l.index.Watch(&segment.WatchOptions{After: after}, func(x segment.Transition) { *seen = append(*seen, x) })
	}
	watch(0)
	l.attach(t)
	// The same without a crash.
	calm := newLoopOf(t, durableOptions())
	var want []segment.Transition
	calm.index.Watch(nil, func(x segment.Transition) { want = append(want, x) })

	r := rand.New(rand.NewPCG(5, 5))
	var handled []segment.Transition // what the host has dealt with, once each
	take := func(until int) {
		for _, x := range (*seen)[:until] {
			if len(handled) == 0 || x.Seq > handled[len(handled)-1].Seq {
				handled = append(handled, x)
			}
		}
	}
	for i, e := range events {
		_, err := l.store.Apply(e)
		require.NoError(t, err)
		_, err = calm.store.Apply(e)
		require.NoError(t, err)
		if i == len(events)/5 {
			require.NoError(t, l.store.Snapshot(context.Background()))
		}
		if i > len(events)/5 && r.IntN(len(events)/8) == 0 {
			before := l.bytes(t)
			// The host had handled some of what it was told of.
			take(r.IntN(len(*seen) + 1))
			after := uint64(0)
			if len(handled) > 0 {
				after = handled[len(handled)-1].Seq
			}
			if r.IntN(3) == 0 {
				require.NoError(t, l.store.Close())
			} else {
				dir = crash(t, dir)
			}
			l, seen = start()
			if after > 0 {
				watch(after)
				l.attach(t)
			} else {
				l.attach(t)
				watch(0)
			}
			requireBytes(t, before, l.bytes(t), "event %d", i)
		}
	}
	take(len(*seen))
	requireBytes(t, calm.bytes(t), l.bytes(t), "the end")
	require.Equal(t, want[len(want)-1], handled[len(handled)-1])
	bySeq := map[uint64]segment.Transition{}
	for _, x := range want {
		bySeq[x.Seq] = x
	}
	for _, x := range handled {
		require.Equal(t, bySeq[x.Seq], x)
	}
	require.NoError(t, l.store.Close())
}
