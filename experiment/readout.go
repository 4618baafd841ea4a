package experiment

import (
	"encoding"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/byuser"
	"github.com/zhun-go/zhun/internal/expiry"
)

var (
	_ encoding.BinaryAppender    = (*Readout)(nil)
	_ encoding.BinaryMarshaler   = (*Readout)(nil)
	_ encoding.BinaryUnmarshaler = (*Readout)(nil)
)

// Readout holds what is known of one experiment: which users saw which arm
// when, and what they did. It is a user view: attached to a store it sees every
// event, merge and erasure; a host with other streams calls [Readout.Expose]
// and [Readout.Record].
//
// Outcomes are kept of all users, exposed or not, because they may arrive
// before the exposure that they follow; [Readout.Compare] joins the two. The
// state is a multiset of rows per user ordered by time and content, so the
// order of arrival, merges of shards and identities, and erasures leave the
// same bytes as if everything had been known from the start.
//
// Safe for concurrent use: any number of readers beside one writer.
// [Readout.Compare] copies what it needs under the lock and computes outside.
type Readout struct {
	set settings

	mu       sync.RWMutex
	names    names
	users    byuser.Table[rows]
	old      expiry.Queue // users by the second of their oldest row
	clock    instant      // of Advance; meaningful with clocked
	clocked  bool
	attached bool
	stats    Stats
}

// Stats counts what [Readout.Observe] could not use, since the readout was
// made. It is not part of the state and is not written.
type Stats struct {
	BadTime    int // events at no time or outside the years 1 to 9999
	Expired    int // rows from before the retention
	NoArm      int // exposures to this experiment without a usable arm
	BadEpoch   int // epochs that are no small whole number; taken as 0
	BadUnit    int // units that are no string or whole number; left out
	NoValue    int // events of a metric without a usable value
	OtherTests int // exposures to other experiments, or to none that is named
}

// Exposure is one instant at which a user saw an arm.
type Exposure struct {
	Arm string
	// Unit is what was randomized, when it is not the user: a household, a
	// session, a store. Variances cluster on units that cover several users.
	Unit string
	// Epoch numbers the allocation weights, as [Experiment.Epoch] does.
	Epoch int
	At    time.Time
}

// NewReadout returns an empty readout of the experiment with a name, as it
// stands in the events. Options may be nil. Errors are of type [*OptionError].
func NewReadout(experiment string, opts *ReadoutOptions) (*Readout, error) {
	set, err := opts.resolve(experiment)
	if err != nil {
		return nil, err
	}
	return &Readout{set: set}, nil
}

// Expose adds an exposure. Exposing a user to an arm again changes nothing but
// the rows: the first one counts.
func (r *Readout) Expose(user uint32, e Exposure) error {
	bad := func(what string, v any, err error) error { return &ValueError{"Expose", what, v, err} }
	switch {
	case user == 0:
		return bad("arm", e.Arm, ErrUser)
	case e.Arm == "" || !utf8.ValidString(e.Arm):
		return bad("arm", e.Arm, ErrArm)
	case !utf8.ValidString(e.Unit):
		return bad("unit", e.Unit, ErrUnit)
	case e.Epoch < 0 || e.Epoch > math.MaxInt32:
		return &OptionError{"Expose", "Epoch", e.Epoch, "want a small number, not negative"}
	case !usable(e.At):
		return bad("at", e.At, ErrTime)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attached {
		return bad("user", user, ErrAttached)
	}
	r.expose(user, e)
	return nil
}

// Record adds a value of a metric, declared in the options or not. The value
// must be finite.
func (r *Readout) Record(user uint32, metric string, value float64, at time.Time) error {
	bad := func(what string, v any, err error) error { return &ValueError{"Record", what, v, err} }
	switch {
	case user == 0:
		return bad("metric", metric, ErrUser)
	case metric == "" || !utf8.ValidString(metric):
		return bad("metric", metric, ErrMetric)
	case !(math.Abs(value) <= maxValue):
		return bad(metric, value, ErrNotFinite)
	case !usable(at):
		return bad("at", at, ErrTime)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attached {
		return bad("user", user, ErrAttached)
	}
	r.record(user, recorded(metric), value, at)
	return nil
}

// of returns what is held of a user, for change.
func (r *Readout) of(user uint32) *rows { return r.users.Own(user) }

func (r *Readout) expose(user uint32, e Exposure) {
	at := instantOf(e.At)
	if r.expired(at) {
		return
	}
	u := r.of(user)
	x := exposure{at, r.names.arms.ID(e.Arm), r.names.units.ID(e.Unit), uint32(e.Epoch)}
	oldest, any := u.oldest()
	u.exposures = insert(u.exposures, x, r.names.compareExposures)
	if !any || at.compare(oldest) < 0 {
		r.old.Note(user, at.sec)
	}
}

func (r *Readout) record(user uint32, source string, value float64, at time.Time) {
	o := outcome{instantOf(at), r.names.sources.ID(source), value + 0}
	if r.expired(o.at) {
		return
	}
	u := r.of(user)
	oldest, any := u.oldest()
	u.outcomes = insert(u.outcomes, o, r.names.compareOutcomes)
	if !any || o.at.compare(oldest) < 0 {
		r.old.Note(user, o.at.sec)
	}
}

// expired tells of a row from before the retention, which is as good as
// already pruned: whether it came before or after the clock moved is no
// difference.
func (r *Readout) expired(at instant) bool {
	if h, ok := r.horizon(); ok && at.compare(h) < 0 {
		r.stats.Expired++
		return true
	}
	return false
}

func (r *Readout) horizon() (instant, bool) {
	if !r.clocked || r.set.retain < 0 {
		return instant{}, false
	}
	return r.clock.add(-r.set.retain), true
}

// Rename gives all rows of a user to another, as if they had been the other's
// from the start. Two arms may meet in one user then: see TestOptions.FirstArm.
func (r *Readout) Rename(from, to uint32) error {
	if from == 0 || to == 0 {
		return &ValueError{"Rename", "users", [2]uint32{from, to}, ErrUser}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.users.Get(from)
	if !ok || from == to {
		return nil
	}
	r.users.Delete(from)
	t := r.of(to)
	t.exposures = union(t.exposures, u.exposures, r.names.compareExposures)
	t.outcomes = union(t.outcomes, u.outcomes, r.names.compareOutcomes)
	r.noteOldest(to, t)
	return nil
}

// Erase forgets a user.
func (r *Readout) Erase(user uint32) error {
	if user == 0 {
		return &ValueError{"Erase", "user", user, ErrUser}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users.Delete(user)
	return nil
}

// Merge adds the rows of other, which stays as it is. Both must be of the same
// experiment, and read the same events in the same way: else the error wraps
// [ErrOptions]. The later clock holds.
func (r *Readout) Merge(other *Readout) error {
	if other == nil {
		return &OptionError{"Merge", "other", other, "want a readout"}
	}
	if r.set.fingerprint != other.set.fingerprint {
		return &ValueError{"Merge", "options", other.set.fingerprint, ErrOptions}
	}
	// A copy first: two readouts that merge into each other must not wait for
	// each other's lock.
	o := other.snapshot()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.absorb(o)
	return nil
}

// snapshot copies the state.
func (r *Readout) snapshot() *Readout {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c := &Readout{
		set: r.set, clock: r.clock, clocked: r.clocked,
		names: names{r.names.arms.Clone(), r.names.units.Clone(), r.names.sources.Clone()},
	}
	for u, x := range r.users.All() {
		*c.users.Own(u) = rows{slices.Clone(x.exposures), slices.Clone(x.outcomes)} // absorb renumbers them
	}
	return c
}

// absorb adds the rows of o, which is not needed any more.
func (r *Readout) absorb(o *Readout) {
	arm, unit, src := make([]uint32, o.names.arms.Len()), make([]uint32, o.names.units.Len()), make([]uint32, o.names.sources.Len())
	for i, n := range o.names.arms.Names() {
		arm[i] = r.names.arms.ID(n)
	}
	for i, n := range o.names.units.Names() {
		unit[i] = r.names.units.ID(n)
	}
	for i, n := range o.names.sources.Names() {
		src[i] = r.names.sources.ID(n)
	}
	for user, x := range o.users.All() {
		for i := range x.exposures {
			e := &x.exposures[i]
			e.arm, e.unit = arm[e.arm], unit[e.unit]
		}
		for i := range x.outcomes {
			x.outcomes[i].source = src[x.outcomes[i].source]
		}
		u := r.of(user)
		u.exposures = union(u.exposures, x.exposures, r.names.compareExposures)
		u.outcomes = union(u.outcomes, x.outcomes, r.names.compareOutcomes)
		r.noteOldest(user, u)
	}
	if o.clocked && (!r.clocked || r.clock.compare(o.clock) < 0) {
		r.clock, r.clocked = o.clock, true
	}
	r.prune()
}

// Advance moves the clock and drops the rows that the retention has passed.
// A clock never moves back: an earlier time changes nothing.
func (r *Readout) Advance(now time.Time) error {
	if !usable(now) {
		return &ValueError{"Advance", "now", now, ErrTime}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := instantOf(now); !r.clocked || r.clock.compare(n) < 0 {
		r.clock, r.clocked = n, true
		r.prune()
	}
	return nil
}

func (r *Readout) prune() {
	h, ok := r.horizon()
	if !ok {
		return
	}
	for _, user := range r.old.Due(h.sec) {
		u := r.users.Find(user)
		if u == nil {
			continue
		}
		u.exposures = prune(u.exposures, h, func(e exposure) instant { return e.at })
		u.outcomes = prune(u.outcomes, h, func(o outcome) instant { return o.at })
		if len(u.exposures) == 0 && len(u.outcomes) == 0 {
			r.users.Delete(user)
			continue
		}
		r.noteOldest(user, u)
	}
}

func (r *Readout) noteOldest(user uint32, u *rows) {
	if at, ok := u.oldest(); ok {
		r.old.Note(user, at.sec)
	}
}

// Attached is called by the store: while it is on, the direct verbs refuse
// with [ErrAttached], because rows that did not go through the store would be
// lost in recovery and erasure.
func (r *Readout) Attached(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attached = on
}

// Stats returns the counts of what could not be used.
func (r *Readout) Stats() Stats {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.stats
}

// Experiment returns the name of the experiment.
func (r *Readout) Experiment() string { return r.set.experiment }

// Metrics returns the declared metrics.
func (r *Readout) Metrics() []Metric {
	out := slices.Clone(r.set.metrics)
	for i := range out {
		out[i].Fields = slices.Clone(out[i].Fields)
	}
	return out
}

// String tells how much is held.
func (r *Readout) String() string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, o := 0, 0
	for _, u := range r.users.All() {
		e += len(u.exposures)
		o += len(u.outcomes)
	}
	return fmt.Sprintf("readout of %q: %d users, %d exposures, %d outcomes", r.set.experiment, r.users.Len(), e, o)
}
