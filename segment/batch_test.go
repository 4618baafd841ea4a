package segment

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// observations draws a batch.
func observations(s source, n int) []Observation {
	batch := make([]Observation, n)
	for i := range batch {
		at := modelEpoch.Add(time.Duration(s.IntN(300)) * 10 * time.Minute)
		if s.IntN(40) == 0 {
			at = time.Time{}
		}
		o := Observation{User: 1 + uint32(s.IntN(6)), At: at}
		if s.IntN(8) == 0 {
			o.User += uint32(s.IntN(3)) * blockUsers
		}
		if s.IntN(3) > 0 {
			o.Event = pick(s, "A", "A", "B", "C", "D")
			o.Fields = fieldsOf(s, o.Event, false)
		}
		if s.IntN(2) == 0 {
			o.Attributes = attributesOf(s, false)
		}
		batch[i] = o
	}
	return batch
}

// oneByOne is what ObserveAll stands for.
func oneByOne(t testing.TB, x *Index, batch []Observation) {
	for _, o := range batch {
		if o.Event != "" {
			require.NoError(t, x.Observe(o.User, o.Event, o.Fields, o.At))
		}
		if o.Attributes != nil {
			require.NoError(t, x.Update(o.User, o.Attributes, o.At))
		}
	}
}

// TestObserveAll compares batches with their observations one by one: bytes
// and transitions, with users who come and go in between, pictures, and
// batches that are refused.
func TestObserveAll(t *testing.T) {
	for round := range 60 {
		s := rand.New(rand.NewPCG(23, uint64(round)))
		opts := &Options{Events: modelEvents, Retain: 2 * day * time.Second, Dynamic: round%3 == 0}
		if round%2 == 0 {
			opts.Clock = Manual
		}
		var all [2]*Index
		var told [2][]Transition
		for i := range all {
			x, err := NewIndex(modelSchema, opts)
			require.NoError(t, err)
			x.Watch(nil, func(tr Transition) { told[i] = append(told[i], tr) })
			all[i] = x
		}
		w := &writer{source: s}
		for i := range 1 + s.IntN(6) {
			rule := w.rule()
			if i == 0 {
				rule = `count(events("A", "1d"), .x > 1) >= 2 or len(events("B", "5h")) > 0`
			}
			name := fmt.Sprint(i)
			for _, x := range all {
				define(t, x, name, rule)
			}
			w.audiences = append(w.audiences, name)
		}
		one, many := all[0], all[1]
		for range 8 {
			batch := observations(s, pick(s, 0, 1, 5, group, group+1, 60, heldFor+3))
			switch s.IntN(4) {
			case 0:
				user := 1 + uint32(s.IntN(4))
				require.NoError(t, one.Erase(user))
				require.NoError(t, many.Erase(user))
			case 1:
				now := modelEpoch.Add(time.Duration(s.IntN(100)) * time.Hour)
				require.NoError(t, one.Advance(now))
				require.NoError(t, many.Advance(now))
			case 2:
				many.Snapshot()
			default:
				if len(batch) == 0 {
					break
				}
				before, err := many.AppendBinary(nil)
				require.NoError(t, err)
				i := s.IntN(len(batch))
				user := batch[i].User
				batch[i].User = 0
				var located *ObservationError
				require.ErrorAs(t, many.ObserveAll(batch), &located)
				require.Equal(t, i, located.Place)
				require.ErrorIs(t, located, ErrUser)
				after, err := many.AppendBinary(nil)
				require.NoError(t, err)
				require.Equal(t, before, after, "a batch that is refused")
				batch[i].User = user
			}
			oneByOne(t, one, batch)
			require.NoError(t, many.ObserveAll(batch))
			require.Equal(t, told[0], told[1], "round %d", round)
			require.Equal(t, one.Stats(), many.Stats())
			want, err := one.AppendBinary(nil)
			require.NoError(t, err)
			got, err := many.AppendBinary(nil)
			require.NoError(t, err)
			require.Equal(t, want, got, "round %d", round)
		}
	}
}

// TestObserveAllLetsReadersIn reads while batches are applied, and calls the
// index from a watcher.
func TestObserveAllLetsReadersIn(t *testing.T) {
	x, err := NewIndex(modelSchema, &Options{Events: modelEvents})
	require.NoError(t, err)
	define(t, x, "often", `count(events("A", "1d"), .x > 1) >= 2 and n > 1`)
	seen := 0
	x.Watch(nil, func(tr Transition) {
		seen++
		x.Contains("often", tr.User)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			_, err := x.Count(`n > 2 and len(events("A")) > 0`)
			if err != nil {
				t.Error(err)
			}
			x.AppendMatching(nil, 3, map[string]any{"n": 3})
		}
	}()
	s := rand.New(rand.NewPCG(29, 1))
	for range 20 {
		require.NoError(t, x.ObserveAll(observations(s, 3*heldFor)))
	}
	<-done
	require.Positive(t, seen)
}
