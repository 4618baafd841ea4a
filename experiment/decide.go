package experiment

import "time"

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

// Decide returns the arm of a subject under everything the options say:
// forced units first, then the audience, then traffic and hash. Nothing is
// recorded. An empty unit is [ErrUnit]. Where there is an audience, a subject
// without user number is not in it.
func (e *Experiment) Decide(s Subject) (Assignment, error) {
	a := Assignment{Experiment: e.key, Unit: s.Unit, Epoch: e.Epoch()}
	if s.Unit == "" {
		return a, &ValueError{"Decide", "unit", s.Unit, ErrUnit}
	}
	if arm, ok := e.forced[s.Unit]; ok {
		a.Arm, a.In, a.Reason = arm, true, Forced
		return a, nil
	}
	if e.audience != nil && (s.User == 0 || !e.audience(s.User)) {
		a.Reason = NoAudience
		return a, nil
	}
	a.Arm, a.In = e.Assign(s.Unit)
	a.Reason = NoTraffic
	if a.In {
		a.Reason = Hashed
	}
	return a, nil
}
