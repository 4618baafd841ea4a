package attribution

import (
	"encoding"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/byuser"
	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
)

// Journeys holds users' touches with marketing channels and their
// conversions, as rows of time and content, and the spend ledger beside them.
// It is a user view: attach it to a store, feed it events by
// [Journeys.Observe], or rows by the direct verbs. [Journeys.Paths] turns the
// rows into the paths that the models read.
//
// The order in which rows arrive does not matter. Rows older than the
// retention before the clock, which [Journeys.Advance] moves, are gone.
//
// Safe for concurrent use: any number of readers beside one writer; reading
// verbs copy what they need under the lock and compute without it.
type Journeys struct {
	opts        options
	fingerprint uint64

	mu       sync.RWMutex
	names    ids.Dict // channels, campaigns and currencies
	people   byuser.Table[person]
	ledger   map[ledgerKey]stats.Sum
	clock    instant // zero until Advance
	pruned   instant // the horizon up to which rows were dropped
	attached bool
	stats    Stats
	cache    map[visitKey]string
}

var (
	_ encoding.BinaryAppender    = (*Journeys)(nil)
	_ encoding.BinaryUnmarshaler = (*Journeys)(nil)
)

// Stats counts what [Journeys.Observe] could not use since the journeys were
// made or decoded. The counts are no part of the state.
type Stats struct {
	BadTime  int // events without a time between the years 1 and 9999
	BadField int // fields of a foreign kind, or negative where that cannot be
	Expired  int // rows from before the retention
	NoOrder  int // refunds and cancellations that name no order
}

// NewJourneys returns empty journeys. Options that cannot be are an
// [*InputError] that names the field; nil means the defaults.
func NewJourneys(opts *JourneysOptions) (*Journeys, error) {
	o, err := opts.resolve()
	if err != nil {
		return nil, err
	}
	return &Journeys{
		opts:        o,
		fingerprint: o.fingerprint(),
		ledger:      make(map[ledgerKey]stats.Sum),
		cache:       make(map[visitKey]string),
	}, nil
}

// Touch adds a touch. A touch without a channel or a time, or with a cost
// that is negative or not finite, is an [*InputError]; journeys that a store
// feeds refuse with [ErrAttached]. A touch from before the retention is
// counted in [Stats] and dropped.
func (j *Journeys) Touch(user uint32, t Touch) error {
	const verb = "Touch"
	if user == 0 {
		return userError(verb)
	}
	at, ok := instantOf(t.Time)
	switch {
	case !ok:
		return inputError(verb, user, "time", t.Time, "not within the years 1 to 9999")
	case t.Channel == "" || !utf8.ValidString(t.Channel):
		return inputError(verb, user, "channel", t.Channel, "not a name in UTF-8")
	case !utf8.ValidString(t.Campaign):
		return inputError(verb, user, "campaign", t.Campaign, "not UTF-8")
	case t.Kind > View:
		return inputError(verb, user, "kind", t.Kind, "neither Click nor View")
	case !amount(t.Cost):
		return inputError(verb, user, "cost", t.Cost, "not a number within 0 and 1e100")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.attached {
		return &InputError{Verb: verb, User: user, Err: ErrAttached}
	}
	j.touch(user, at, t.Channel, t.Campaign, t.Kind, t.Cost)
	return nil
}

// Convert adds a conversion. One without a time, or with a value that is
// negative or not finite, is an [*InputError]; journeys that a store feeds
// refuse with [ErrAttached]. A conversion from before the retention is
// counted in [Stats] and dropped.
func (j *Journeys) Convert(user uint32, c Conversion) error {
	const verb = "Convert"
	if user == 0 {
		return userError(verb)
	}
	at, ok := instantOf(c.Time)
	switch {
	case !ok:
		return inputError(verb, user, "time", c.Time, "not within the years 1 to 9999")
	case !utf8.ValidString(c.ID):
		return inputError(verb, user, "id", c.ID, "not UTF-8")
	case !utf8.ValidString(c.Currency):
		return inputError(verb, user, "currency", c.Currency, "not UTF-8")
	case !amount(c.Value):
		return inputError(verb, user, "value", c.Value, "not a number within 0 and 1e100")
	case tiny(c.Value):
		return inputError(verb, user, "value", c.Value, "below 1e-100 and not 0")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.attached {
		return &InputError{Verb: verb, User: user, Err: ErrAttached}
	}
	j.convert(user, at, c.ID, c.Value, c.Currency)
	return nil
}

// Refund takes value back from the order with the id, in the order's own
// currency; 0 takes the whole order back, as a cancellation does. An order of
// which everything is taken back is no conversion: its journey goes on to the
// next one. A refund counts from its own time on, so that paths as of an
// earlier day do not see it. A refund without an id or a time, or with a
// value that is negative or not finite, is an [*InputError]; journeys that a
// store feeds refuse with [ErrAttached].
func (j *Journeys) Refund(user uint32, id string, value float64, at time.Time) error {
	const verb = "Refund"
	if user == 0 {
		return userError(verb)
	}
	t, ok := instantOf(at)
	switch {
	case !ok:
		return inputError(verb, user, "time", at, "not within the years 1 to 9999")
	case id == "" || !utf8.ValidString(id):
		return inputError(verb, user, "id", id, "not the id of an order")
	case !amount(value):
		return inputError(verb, user, "value", value, "not a number within 0 and 1e100")
	case tiny(value):
		return inputError(verb, user, "value", value, "below 1e-100 and not 0")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.attached {
		return &InputError{Verb: verb, User: user, Err: ErrAttached}
	}
	j.refund(user, t, id, value, value == 0)
	return nil
}

// maxAmount bounds what is counted, so that no square of what is made of it
// overflows; where there is division by it, minAmount keeps it from underflow.
const (
	maxAmount = 1e100
	minAmount = 1e-100
)

// tiny tells whether a number is too small to divide by, and not 0.
func tiny(x float64) bool { return x != 0 && math.Abs(x) < minAmount }

// finite reports whether x can be summed.
func finite(x float64) bool { return x >= -maxAmount && x <= maxAmount }

// amount reports whether x can be a value or cost.
func amount(x float64) bool { return x >= 0 && x <= maxAmount }

func (j *Journeys) touch(user uint32, at instant, channel, campaign string, kind Kind, cost float64) {
	if j.expired(at) {
		return
	}
	p := j.person(user)
	row := touchRow{at, j.names.ID(channel), j.names.ID(campaign), kind, cost + 0}
	names := j.names.Names()
	p.touches = insert(p.touches, row, func(a, b touchRow) int { return compareTouches(names, a, b) })
}

func (j *Journeys) convert(user uint32, at instant, id string, value float64, currency string) {
	if j.expired(at) {
		return
	}
	if currency == "" {
		currency = j.opts.Currency
	}
	p := j.person(user)
	row := conversionRow{at, id, j.names.ID(currency), value + 0}
	names := j.names.Names()
	p.conversions = insert(p.conversions, row, func(a, b conversionRow) int { return compareConversions(names, a, b) })
}

func (j *Journeys) refund(user uint32, at instant, id string, value float64, whole bool) {
	if j.expired(at) {
		return
	}
	if whole {
		value = 0
	}
	p := j.person(user)
	p.refunds = insert(p.refunds, refundRow{at, id, whole, value + 0}, compareRefunds)
}

// person returns what is held of a user, for change.
func (j *Journeys) person(user uint32) *person { return j.people.Own(user) }

func (j *Journeys) expired(at instant) bool {
	h, ok := j.horizon()
	if ok && at.before(h) {
		j.stats.Expired++
		return true
	}
	return false
}

// horizon is the first instant that is retained; there is none until the
// clock was moved.
func (j *Journeys) horizon() (instant, bool) {
	if j.clock == (instant{}) {
		return instant{}, false
	}
	return j.clock.minus(j.opts.Retain), true
}

// Rename gives everything held of one user to another, as if it had been
// theirs from the start.
func (j *Journeys) Rename(from, to uint32) error {
	if from == 0 || to == 0 {
		return userError("Rename")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	p, ok := j.people.Get(from)
	if !ok || from == to {
		return nil
	}
	j.people.Delete(from)
	j.absorb(to, p)
	return nil
}

// absorb adds rows, which are in this dictionary's numbers, to a user's.
func (j *Journeys) absorb(user uint32, rows person) {
	names := j.names.Names()
	p := j.person(user)
	p.touches = union(p.touches, rows.touches, func(a, b touchRow) int { return compareTouches(names, a, b) })
	p.conversions = union(p.conversions, rows.conversions, func(a, b conversionRow) int { return compareConversions(names, a, b) })
	p.refunds = union(p.refunds, rows.refunds, compareRefunds)
}

// Erase forgets everything held of a user. The spend ledger, which is about
// nobody, stays.
func (j *Journeys) Erase(user uint32) error {
	if user == 0 {
		return userError("Erase")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.people.Delete(user)
	return nil
}

// Merge adds the rows and the ledger of other, which must have been made with
// the same options ([ErrOptions]) and is not changed. The later clock wins.
func (j *Journeys) Merge(other *Journeys) error {
	if other == nil {
		return inputError("Merge", 0, "other", nil, "none")
	}
	if other.fingerprint != j.fingerprint {
		return &InputError{Verb: "Merge", Err: ErrOptions}
	}
	// The snapshot is taken before this side is locked, so that two journeys
	// merged into each other at once, or one into itself, do not wait forever.
	from := other.snapshot()
	j.mu.Lock()
	defer j.mu.Unlock()
	number := make([]uint32, len(from.names))
	for i, n := range from.names {
		number[i] = j.names.ID(n)
	}
	for _, u := range from.users {
		rows := person{
			touches:     slices.Clone(u.touches),
			conversions: slices.Clone(u.conversions),
			refunds:     slices.Clone(u.refunds),
		}
		for i := range rows.touches {
			rows.touches[i].channel = number[rows.touches[i].channel]
			rows.touches[i].campaign = number[rows.touches[i].campaign]
		}
		for i := range rows.conversions {
			rows.conversions[i].currency = number[rows.conversions[i].currency]
		}
		j.absorb(u.user, rows)
	}
	for _, row := range from.ledger {
		s := j.ledger[row.ledgerKey]
		s.Merge(row.cost)
		j.ledger[row.ledgerKey] = s
	}
	if j.clock.before(from.clock) || j.clock == (instant{}) {
		j.clock = from.clock
	}
	j.prune()
	return nil
}

// Advance moves the clock forward; a time that is not later than the clock
// does nothing. Rows older than [JourneysOptions].Retain before it are
// dropped.
func (j *Journeys) Advance(now time.Time) error {
	t, ok := instantOf(now)
	if !ok {
		return inputError("Advance", 0, "time", now, "not within the years 1 to 9999")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.clock != (instant{}) && !j.clock.before(t) {
		return nil
	}
	j.clock = t
	j.prune()
	return nil
}

// Attached tells the journeys that a store feeds them: the direct verbs then
// refuse with [ErrAttached], but for [Journeys.Spend].
func (j *Journeys) Attached(on bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.attached = on
}

// String tells how many users are held, and of nobody what.
func (j *Journeys) String() string {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return fmt.Sprintf("journeys of %d users", j.people.Len())
}

// Stats returns what Observe could not use.
func (j *Journeys) Stats() Stats {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.stats
}

// snapshot is a picture of the rows that nobody changes.
type snapshot struct {
	names  []string
	users  []snapshotUser // ascending
	ledger []ledgerRow    // sorted
	clock  instant
}

type snapshotUser struct {
	user uint32
	person
}

// snapshot takes a picture of the users under the lock, and lists those with
// rows within the retention without it. The rows themselves are shared: see
// person.
func (j *Journeys) snapshot() snapshot { return j.frozen().snapshot() }

// frozen is what a snapshot is made of.
type frozen struct {
	names   []string
	people  byuser.Table[person]
	ledger  []ledgerRow
	clock   instant
	horizon instant
	cut     bool
}

func (j *Journeys) frozen() *frozen {
	j.mu.Lock()
	defer j.mu.Unlock()
	f := &frozen{names: j.names.Names(), people: j.people.Freeze(), ledger: sortedLedger(j.ledger), clock: j.clock}
	f.horizon, f.cut = j.horizon()
	return f
}

func (f *frozen) snapshot() snapshot {
	s := snapshot{names: f.names, users: make([]snapshotUser, 0, f.people.Len()), ledger: f.ledger, clock: f.clock}
	for u, p := range f.people.All() {
		rows := *p
		if f.cut {
			if rows = p.from(f.horizon); rows.empty() {
				continue
			}
		}
		s.users = append(s.users, snapshotUser{u, rows})
	}
	return s
}
