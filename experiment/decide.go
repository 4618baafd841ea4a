package experiment

import (
	"fmt"
	"time"

	"github.com/zeebo/xxh3"
)

// Subject is whoever is to be put into an arm.
type Subject struct {
	Unit string    // what is randomized
	User uint32    // the user number, for the audience; 0 when nobody is known yet
	At   time.Time // when; not needed by an experiment without a clock
}

// Reason says why a subject is in an arm, or in none.
type Reason string

// The reasons of an [Assignment].
const (
	Hashed     Reason = "hashed"      // in, by the unit's hash
	Forced     Reason = "forced"      // in, by Options.Forced
	Kept       Reason = "kept"        // in, by Options.Sticky
	OldVersion Reason = "old version" // out: Options.MinVersion
	HeldOut    Reason = "held out"    // out: in one of Options.Holdouts
	OtherLayer Reason = "other layer" // out: outside the part of Options.Layer
	NoTraffic  Reason = "no traffic"  // out: beyond Options.Traffic, or paused
	NoAudience Reason = "no audience" // out: Options.Audience does not admit the user
)

// Assignment is the outcome of [Experiment.Decide].
type Assignment struct {
	Experiment string
	Arm        string // empty when not In
	In         bool
	Reason     Reason
	Unit       string
	Epoch      int // of the weights that decided
}

// Fields returns the assignment as the properties of an "Experiment Viewed"
// event of the Segment vocabulary, which a [Readout] reads. Sending that event
// is what makes an assignment an exposure; looking at it is not.
func (a Assignment) Fields() map[string]any {
	return map[string]any{
		"experiment_id": a.Experiment,
		"variation_id":  a.Arm,
		"epoch":         int64(a.Epoch),
		"unit":          a.Unit,
	}
}

// Memory is an assignment that is remembered.
type Memory struct {
	Arm     string
	Version int // Options.Version at that time
	Epoch   int // Experiment.Epoch at that time
}

// Sticky is where assignments are remembered: a cookie, a table. It must be
// safe for concurrent use.
type Sticky interface {
	// Load returns what Save was last given for an experiment and unit, and
	// whether there is anything.
	Load(experiment, unit string) (Memory, bool, error)
	// Save remembers an assignment.
	Save(experiment, unit string, m Memory) error
}

// Decide returns the arm of a subject under everything the options say, in
// this order: forced units, remembered assignments, the audience, holdouts, the
// layer, traffic and hash. Exposure is not recorded: see [Assignment.Fields].
//
// An empty unit is [ErrUnit]; an error of the sticky store is returned as it
// is, with the assignment that the hash gives when it was Save that failed.
// Where there is an audience, a subject without user number is not in it. The
// zero Experiment is [ErrInvalid].
//
// In a switchback (Options.Period) Assignment.Unit is the unit in its period,
// such as "auckland@2026-03-01T18:00:00Z": what was randomized, for the
// exposure; a subject without a usable time is [ErrTime] there. Audience, forced
// units, holdouts, layer and traffic are matters of the unit at all times.
func (e *Experiment) Decide(s Subject) (Assignment, error) {
	a, err := e.Peek(s)
	if err == nil && a.In && a.Reason == Hashed && e.opts.Sticky != nil {
		if err := e.opts.Sticky.Save(e.key, a.Unit, Memory{a.Arm, e.opts.Version, a.Epoch}); err != nil {
			return a, fmt.Errorf("experiment: Decide: sticky assignment of %q: %w", s.Unit, err)
		}
	}
	return a, err
}

// Peek is [Experiment.Decide] that remembers nothing: what a subject would get,
// for a preview or a log, without taking them in.
func (e *Experiment) Peek(s Subject) (Assignment, error) {
	if len(e.weights) == 0 {
		return Assignment{}, &OptionError{"Decide", "experiment", "made of nothing", "want one of New"}
	}
	a := Assignment{Experiment: e.key, Unit: s.Unit, Epoch: e.Epoch()}
	if s.Unit == "" {
		return a, &ValueError{"Decide", "unit", s.Unit, ErrUnit}
	}
	if arm, ok := e.opts.Forced[s.Unit]; ok {
		a.Arm, a.In, a.Reason = arm, true, Forced
		return a, nil
	}
	if e.opts.Period > 0 {
		if !usable(s.At) {
			return a, &ValueError{"Decide", "at", s.At, ErrTime}
		}
		a.Unit = s.Unit + "@" + s.At.UTC().Truncate(e.opts.Period).Format(time.RFC3339)
	}
	if e.opts.Sticky != nil && !e.opts.Paused {
		m, ok, err := e.opts.Sticky.Load(e.key, a.Unit)
		switch {
		case err != nil:
			return a, fmt.Errorf("experiment: Decide: sticky assignment of %q: %w", s.Unit, err)
		case ok && m.Version < e.opts.MinVersion:
			a.Reason = OldVersion
			return a, nil
		case ok && e.has(m.Arm):
			a.Arm, a.In, a.Reason = m.Arm, true, Kept
			a.Epoch = min(max(m.Epoch, 0), a.Epoch)
			return a, nil
		}
	}
	switch {
	case e.opts.Audience != nil && (s.User == 0 || !e.opts.Audience(s.User)):
		a.Reason = NoAudience
	case e.heldOut(s.Unit):
		a.Reason = HeldOut
	case e.layer != nil && !e.layer.holds(s.Unit):
		a.Reason = OtherLayer
	default:
		a.Reason = NoTraffic
		if a.Arm, a.In = e.Assign(s.Unit); a.In {
			a.Reason = Hashed
			if e.opts.Period > 0 {
				a.Arm = e.arms[e.armAt(xxh3.HashString128Seed(a.Unit, e.seed).Hi>>32)].Name
			}
		}
	}
	return a, nil
}
