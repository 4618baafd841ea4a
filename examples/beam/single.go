package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/zhun-go/zhun/attribution"
	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/sim"
	"github.com/zhun-go/zhun/profile"
	"github.com/zhun-go/zhun/recommend"
)

// Views of one kind have the same options everywhere: in the one process, in
// every worker, and in the decoders of their bytes.

func newHistory() (*recommend.History, error)     { return recommend.NewHistory(nil) }
func newJourneys() (*attribution.Journeys, error) { return attribution.NewJourneys(nil) }
func newReadout() (*experiment.Readout, error)    { return experiment.NewReadout(sim.ExperimentID, nil) }

// single is the loop as one process runs it.
type single struct {
	store    *profile.Store
	history  *recommend.History
	journeys *attribution.Journeys
	readout  *experiment.Readout
	events   int
	now      time.Time
}

// runSingle applies n simulated events to one store with three views.
func runSingle(ctx context.Context, n int, seed uint64) (*single, error) {
	var s single
	var err error
	if s.store, err = profile.New(nil); err != nil {
		return nil, err
	}
	if s.history, err = newHistory(); err != nil {
		return nil, err
	}
	if s.journeys, err = newJourneys(); err != nil {
		return nil, err
	}
	if s.readout, err = newReadout(); err != nil {
		return nil, err
	}
	err = errors.Join(
		s.store.Attach("recommend", s.history, nil),
		s.store.Attach("attribution", s.journeys, nil),
		s.store.Attach("experiment", s.readout, nil),
	)
	if err != nil {
		return nil, err
	}
	// A customer leaves about 65 events in 90 days.
	w, err := sim.New(&sim.Options{Seed: seed, Customers: n/50 + 20})
	if err != nil {
		return nil, err
	}
	var buf []byte
	for e := range w.Events() {
		if s.events == n {
			break
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.events++
		buf = e.AppendSegment(buf[:0])
		event, err := profile.DecodeSegment(buf)
		if err != nil {
			continue // a line that lacks what it needs
		}
		if _, err := s.store.Apply(event); err != nil && !errors.Is(err, profile.ErrRefused) {
			return nil, err
		}
		if event.Received.After(s.now) {
			s.now = event.Received
		}
	}
	if s.events < n {
		return nil, fmt.Errorf("beam: the simulator gave %d of %d events", s.events, n)
	}
	return &s, nil
}

// lake is a view that writes what it observes to files, as a host exports its
// history to where an engine can read it. Attached to a store, it gets every
// retained event under the number that its person has now, after all merges
// and splits: who is who is settled once, by the store.
type lake struct {
	files   []*os.File
	writers []*bufio.Writer
	line    []byte
	rows    int
}

// newLake creates n files in a directory.
func newLake(dir string, n int) (*lake, error) {
	l := new(lake)
	for i := range n {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("rows-%02d.jsonl", i)))
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.files, l.writers = append(l.files, f), append(l.writers, bufio.NewWriter(f))
	}
	return l, nil
}

// Observe writes a row to the next file in turn, so that every file, and so
// every worker, meets every person.
func (l *lake) Observe(user uint32, event string, fields map[string]any, at time.Time) error {
	var err error
	if l.line, err = appendLine(l.line[:0], Row{user, event, fields, at}); err != nil {
		return err
	}
	_, err = l.writers[l.rows%len(l.writers)].Write(append(l.line, '\n'))
	l.rows++
	return err
}

// A lake is filled once, by Attach, which begins by erasing everybody. What
// would change rows later is refused.

var errFilled = errors.New("beam: the lake is filled once")

func (l *lake) Rename(uint32, uint32) error { return errFilled }

func (l *lake) Erase(uint32) error {
	if l.rows > 0 {
		return errFilled
	}
	return nil
}

func (l *lake) AppendBinary(b []byte) ([]byte, error) { return b, errFilled }
func (l *lake) UnmarshalBinary([]byte) error          { return errFilled }

func (l *lake) close() error {
	var errs []error
	for i, f := range l.files {
		errs = append(errs, l.writers[i].Flush(), f.Close())
	}
	return errors.Join(errs...)
}

// export writes all rows of a store to files in a directory and returns how
// many there are.
func (s *single) export(dir string, files int) (rows int, err error) {
	l, err := newLake(dir, files)
	if err != nil {
		return 0, err
	}
	if err := s.store.Attach("lake", l, nil); err != nil {
		return 0, errors.Join(err, l.close())
	}
	return l.rows, errors.Join(s.store.Detach("lake"), l.close())
}

// people is a view that keeps all rows by person, for what is computed person
// by person.
type people struct {
	lake
	rows map[uint32][]Row
}

// Observe keeps a row.
func (p *people) Observe(user uint32, event string, fields map[string]any, at time.Time) error {
	if event == "Order Completed" || event == "Experiment Viewed" {
		p.rows[user] = append(p.rows[user], Row{user, event, maps.Clone(fields), at})
	}
	return nil
}

// moments returns the moments of what persons spent, in cents, by arm.
func (s *single) moments() (map[string]*experiment.Moments, error) {
	p := &people{rows: map[uint32][]Row{}}
	if err := s.store.Attach("people", p, nil); err != nil {
		return nil, err
	}
	arms := map[string]*experiment.Moments{}
	for _, rows := range p.rows {
		if arm, cents, ok := outcomeOf(rows); ok {
			if arms[arm] == nil {
				arms[arm] = new(experiment.Moments)
			}
			arms[arm].Add(float64(cents))
		}
	}
	return arms, s.store.Detach("people")
}
