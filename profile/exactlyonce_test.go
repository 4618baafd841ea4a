package profile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var errCrash = errors.New("crash")

// stream is a partitioned stream that delivers again from whatever offset it
// is asked for.
type stream [][]Event

func newStream(r *rand.Rand, partitions, events int) stream {
	s := make(stream, partitions)
	for i := range events {
		p := r.IntN(partitions)
		e := Event{
			ID: fmt.Sprint("e", i), Name: OrderCompleted, Time: epoch.Add(time.Duration(i) * time.Minute),
			Keys:   []Key{{UserID, fmt.Sprint("u", r.IntN(3))}},
			Fields: map[string]any{"total": int64(1 + r.IntN(9))},
		}
		s[p] = append(s[p], e)
	}
	return s
}

func offset(s *Store, p int) int {
	b, ok := s.Record(fmt.Sprint("offset/", p))
	if !ok {
		return 0
	}
	return int(binary.LittleEndian.Uint64(b))
}

// consume takes events in until the stream ends or the store fails. Bug keeps
// the offsets in transactions of their own.
func (x stream) consume(s *Store, r *rand.Rand, bug bool) error {
	for {
		var open []int
		for p := range x {
			if offset(s, p) < len(x[p]) {
				open = append(open, p)
			}
		}
		if len(open) == 0 {
			return nil
		}
		p := open[r.IntN(len(open))]
		from := offset(s, p)
		to := min(len(x[p]), from+1+r.IntN(4))
		b := Batch{Events: x[p][from:to], Records: map[string][]byte{fmt.Sprint("offset/", p): binary.LittleEndian.AppendUint64(nil, uint64(to))}}
		if bug {
			if _, err := s.Commit(Batch{Events: b.Events}); err != nil {
				return err
			}
			b.Events = nil
		}
		if _, err := s.Commit(b); err != nil {
			return err
		}
	}
}

// Every event of a stream counts once, though the store forgets message ids at
// once and keeps no events to compare with: all that stands against a
// redelivery is that offsets and events are one transaction.
func TestExactlyOnce(t *testing.T) {
	t.Parallel()
	const events = 9
	wrong, crashes := 0, 0
	run := func(t *testing.T, round int, bug bool) (applied uint64, points int) {
		r := rand.New(rand.NewPCG(29, uint64(round)))
		x := newStream(r, 3, events)
		dir := memoryDir(t)
		for {
			left := 3 + r.IntN(30)
			opts := Options{
				DedupeWindow: time.Second, Retain: Retain{Events: []string{"none"}}, SnapshotEvery: []int64{-1, 200}[r.IntN(2)], MaxPersonKeys: 10,
				inStep: true,
				hook: func(string) error {
					if left--; left == 0 {
						return errCrash
					}
					return nil
				},
			}
			s, err := Open(dir, &opts)
			if err != nil {
				require.ErrorIs(t, err, errCrash)
				points++
				continue
			}
			err = x.consume(s, r, bug)
			applied = s.Stats().Applied
			if err == nil {
				require.Equal(t, uint64(0), s.Stats().Refused.Total())
				if err = s.Close(); err == nil {
					return applied, points
				}
			}
			require.ErrorIs(t, err, ErrJournal)
			points++
			_ = s.Close()
		}
	}
	schedules := longForm(1000)
	if raceEnabled {
		schedules = 60 // the schedules are of one goroutine
	}
	inRounds(t, schedules, func(t *testing.T, round int) {
		applied, n := run(t, round, false)
		crashes += n
		require.EqualValues(t, events, applied, "schedule %d", round)
	})
	require.Greater(t, crashes, schedules/2)
	inRounds(t, 40, func(t *testing.T, round int) {
		if applied, _ := run(t, round, true); applied != events {
			wrong++
		}
	})
	require.Positive(t, wrong, "offsets in a transaction of their own were not noticed")
}
