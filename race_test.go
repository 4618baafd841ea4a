package zhun_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/attribution"
	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/sim"
	"github.com/zhun-go/zhun/profile"
	"github.com/zhun-go/zhun/recommend"
	"github.com/zhun-go/zhun/segment"
)

// loop is the whole library, wired.
type loop struct {
	store    *profile.Store
	index    *segment.Index
	history  *recommend.History
	journeys *attribution.Journeys
	readout  *experiment.Readout
}

func newLoop(t testing.TB) loop {
	t.Helper()
	return newLoopOf(t, &profile.Options{Traits: []profile.Trait{
		{Name: "orders", Kind: profile.Count, Events: []string{profile.OrderCompleted}},
		{Name: "spent", Kind: profile.Sum, Events: []string{profile.OrderCompleted}, Field: "revenue"},
	}})
}

func newLoopOf(t testing.TB, opts *profile.Options) loop {
	t.Helper()
	var l loop
	var err error
	l.store, err = profile.New(opts)
	require.NoError(t, err)
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
	require.NoError(t, l.store.Attach("segment", l.index, nil))
	require.NoError(t, l.store.Attach("recommend", l.history, nil))
	require.NoError(t, l.store.Attach("attribution", l.journeys, nil))
	require.NoError(t, l.store.Attach("experiment", l.readout, nil))
	return l
}

// simulated returns a small retailer's events as a host would receive them.
func simulated(t testing.TB, customers, days int) []profile.Event {
	t.Helper()
	w, err := sim.New(&sim.Options{Customers: customers, Days: days})
	require.NoError(t, err)
	var events []profile.Event
	for e := range w.Events() {
		p, err := profile.DecodeSegment(e.AppendSegment(nil))
		require.NoError(t, err)
		events = append(events, p)
	}
	return events
}

// Events are applied and persons erased while others fit, count, compare and
// ask.
// It means most under the race detector.
func TestReadersBesideTheWriter(t *testing.T) {
	l := newLoop(t)
	events := simulated(t, 60, 30)
	ctx := context.Background()
	done := make(chan struct{})
	var wg sync.WaitGroup
	read := func(f func() error) {
		wg.Go(func() {
			for {
				if err := f(); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	read(func() error {
		m, err := recommend.FitItemKNN(ctx, l.history, nil)
		if errors.Is(err, recommend.ErrEmpty) {
			return nil // nobody has bought yet
		}
		if err != nil {
			return err
		}
		for _, user := range l.history.Users() {
			if _, err := m.Recommend(recommend.Query{History: l.history, User: user, N: 5}); err != nil {
				return err
			}
		}
		return nil
	})
	read(func() error {
		p, err := l.journeys.Paths(nil)
		if err != nil {
			return err
		}
		_, err = attribution.Shapley(p, nil)
		return err
	})
	read(func() error {
		// Early on there is nobody to compare.
		_, _ = l.readout.Compare("conversion", sim.ArmControl, sim.ArmTreatment, nil)
		_, err := l.readout.AppendBinary(nil)
		return err
	})
	read(func() error {
		set, err := l.index.Query(`orders >= 2 or country == "DE"`)
		if err != nil {
			return err
		}
		members, err := l.index.Members("active")
		if err != nil {
			return err
		}
		set.And(members)
		for it := set.Iterator(); it.HasNext(); {
			user := it.Next()
			l.index.Contains("buyers", user)
			for range l.index.Of(user) {
			}
			l.store.Profile(user)
		}
		return nil
	})
	forget := make(chan uint32)
	wg.Go(func() {
		for user := range forget {
			// A merge may have retired the number meanwhile.
			if _, err := l.store.Erase(user); err != nil && !errors.Is(err, profile.ErrUser) {
				t.Error(err)
			}
		}
	})
	for i, e := range events {
		change, err := l.store.Apply(e)
		if err != nil {
			require.ErrorIs(t, err, profile.ErrRefused)
			continue
		}
		require.Empty(t, change.Detached)
		if i%97 == 0 {
			forget <- change.User
		}
	}
	close(forget)
	close(done)
	wg.Wait()
}

// Erasing somebody leaves all five packages as if they had never been seen:
// the state's bytes are those of a loop that was never told.
func TestErasureReachesEverything(t *testing.T) {
	events := simulated(t, 40, 30)
	told := newLoop(t)
	owner := make([]uint32, len(events))
	for i, e := range events {
		if change, err := told.store.Apply(e); err == nil {
			owner[i] = change.User
		}
	}
	victim := uint32(0)
	for _, u := range owner {
		if current, ok := told.store.Current(u); ok && told.index.Contains("buyers", current) {
			victim = current
			break
		}
	}
	require.NotZero(t, victim, "nobody bought")
	_, err := told.store.Erase(victim)
	require.NoError(t, err)
	_, ok := told.store.Profile(victim)
	require.False(t, ok)

	never := newLoop(t)
	number := map[uint32]uint32{} // numbers in told by numbers in never
	for i, e := range events {
		if current, ok := told.store.Current(owner[i]); owner[i] != 0 && (!ok || current == victim) {
			continue
		}
		change, err := never.store.Apply(e)
		if err != nil {
			continue
		}
		if current, ok := told.store.Current(owner[i]); ok {
			number[change.User] = current
		}
	}
	for user, was := range number {
		current, ok := never.store.Current(user)
		require.True(t, ok)
		a, ok := told.store.Profile(was)
		require.True(t, ok)
		b, ok := never.store.Profile(current)
		require.True(t, ok)
		require.Equal(t, a.Attributes, b.Attributes)
		require.Equal(t, told.index.Contains("buyers", was), never.index.Contains("buyers", current))
		require.Equal(t, told.index.Contains("active", was), never.index.Contains("active", current))
		require.Equal(t, told.history.Of(was), never.history.Of(current))
	}
	members, err := told.index.Members("buyers")
	require.NoError(t, err)
	other, err := never.index.Members("buyers")
	require.NoError(t, err)
	require.Equal(t, other.GetCardinality(), members.GetCardinality())
	require.Empty(t, told.history.Of(victim))
	require.False(t, told.index.Users().Contains(victim))

	credit := func(l loop) string {
		paths, err := l.journeys.Paths(nil)
		require.NoError(t, err)
		c, err := attribution.Shapley(paths, nil)
		require.NoError(t, err)
		return c.String()
	}
	require.Equal(t, credit(never), credit(told))
	effect := func(l loop) string {
		c, err := l.readout.Compare("revenue", sim.ArmControl, sim.ArmTreatment, nil)
		require.NoError(t, err)
		return c.String()
	}
	require.Equal(t, effect(never), effect(told))
}
