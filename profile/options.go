package profile

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ClockMode says what moves the store's clock.
type ClockMode uint8

const (
	// ByEvents lets the clock follow the largest Received (else Time) of the
	// events applied, and [Store.Advance].
	ByEvents ClockMode = iota
	// Manual leaves the clock to [Store.Advance].
	Manual
)

// LatePolicy says what becomes of events that are older than
// Options.MaxLateness.
type LatePolicy uint8

const (
	// RejectLate refuses them with [ErrLate]. What is refused, and with it
	// what is known, then depends on the order of arrival.
	RejectLate LatePolicy = iota
	// FlagLate applies them like any other, and marks and counts them
	// ([Change].Late, [Stats].Late).
	FlagLate
)

// Retain says which events the store keeps, and how long.
type Retain struct {
	// Horizon is how long an event is kept after its time, by the store's
	// clock; default 400 days, at least one day.
	Horizon time.Duration
	// Events are the names of the events that are kept ("page", "screen",
	// "group", "alias", "identify" and "consent" for those types); empty
	// means all. What an event says about identity, attributes and consent
	// is kept in any case.
	Events []string
}

// Options configure a [Store]. Nil means the defaults, and so does the zero
// value of each field.
type Options struct {
	// Shard and Shards let several stores hand out numbers that never
	// collide: this one uses those ≡ Shard (mod Shards). Default 0 of 1.
	Shard, Shards uint32
	// Clock says what moves the clock; default ByEvents.
	Clock ClockMode
	// Retain says which events are kept, and how long.
	Retain Retain
	// DedupeWindow is how long message ids are remembered at least, by the
	// store's clock; they are forgotten after twice as long at most. Up to
	// 60 bytes per event within it. Default 7 days, at least one second.
	DedupeWindow time.Duration
	// DedupeEvents, unless zero, bounds the memory for message ids: two
	// generations of so many ids each are remembered, each in about 4 bytes at
	// the default DedupeError, 8 bytes per DedupeEvents in all. When more
	// come within a DedupeWindow the oldest are forgotten early, and
	// [Stats].DedupeOverruns counts it. Zero, the default, remembers all,
	// without error.
	DedupeEvents int
	// DedupeError is with what probability a new event is taken for a
	// redelivery and lost, at most, with DedupeEvents; from 1e-9 to 0.01,
	// default 1e-6. A tenth of it takes about one byte more per DedupeEvents.
	DedupeError float64
	// MaxLateness is how much older than the store's clock an event may be
	// without being late. Zero, the default, means no limit: late events
	// count like any other, those beyond the horizon for identity,
	// attributes and consent only.
	MaxLateness time.Duration
	// Late says what becomes of late events; default RejectLate.
	Late LatePolicy
	// MaxAhead is how much later than the store's clock the instant to which
	// an event would move it, its Received, else its time, may be; beyond, it
	// is refused with [ErrNoTime]. It is for senders whose clocks nobody
	// vouches for: without it one event of the year 2999 moves the clock
	// there, and everything else is older than the horizon. After a silence of
	// that length the clock needs [Store.Advance], and so it does in a new store:
	// as long as there is no clock the first event sets it, whatever its time.
	// Zero, the default, means no limit.
	MaxAhead time.Duration
	// Traits are computed from the events kept.
	Traits []Trait
	// Priority orders the kinds of keys from the strongest; default
	// "user_id", "email", "phone", "loyalty_id". Kinds that it does not name
	// come after those it names, by name, and "anonymous_id" is the weakest
	// of all unless named.
	Priority []string
	// Limits is how many keys of a kind one person may have. Nil means one
	// "user_id". Kinds without a limit are bound by MaxPersonKeys only.
	Limits map[string]int
	// LimitWindows says for kinds with a limit how close to each other keys
	// must have been first seen to count, such as 365 days for one account a
	// year; more than that apart they are one person's, in whole seconds.
	// Kinds not named count for ever.
	LimitWindows map[string]time.Duration
	// LastAccount lends shared devices: an event that names only keys that
	// are shared belongs to the account that was last seen with them at most
	// that long before, in an event retained, unless one of Resets came in
	// between. It counts for that account's traits and views; what identify
	// and consent events state stays with the device. 30 minutes are usual.
	// Zero, the default, leaves all such events with the device.
	LastAccount time.Duration
	// Resets are the names of events, as views see them, that end an
	// account's stay at a device. Default "Signed Out", "Logged Out" and
	// "reset".
	Resets []string
	// Blocked are further values of keys that are never used, whatever
	// their kind, compared without regard to case; the built-in ones are
	// listed at [BlockedValues].
	Blocked []string
	// BlockedPatterns are matched against the cleaned values of keys of any
	// kind in the same way.
	BlockedPatterns []*regexp.Regexp
	// PhoneCountry is the country of phone numbers without a calling code, as
	// an ISO 3166 code or a usual name, so that "021 555 0100" in keys and
	// declared fields becomes "+64215550100". Empty, the default, leaves
	// them as they are.
	PhoneCountry string
	// Schema declares what fields hold, by their names with dots, "products.price"
	// for a field of the objects in the list "products". Values of
	// another form are repaired or dropped, and counted in [Stats].
	Schema map[string]FieldKind
	// Missing are the texts that stand for no value; such fields are dropped
	// and counted. Nil means [MissingValues], an empty list none.
	Missing []string
	// Bots says which events were sent by programs; they are refused.
	Bots BotRules
	// OptOut are the purposes that are allowed until denied. All others are
	// denied until granted.
	OptOut []string
	// Regions say otherwise for persons whose RegionAttribute has one of
	// these values, compared without regard to case: the purposes allowed
	// there until denied, in place of OptOut.
	Regions map[string][]string
	// RegionAttribute is the attribute, not a computed trait, that Regions
	// are about; default "country".
	RegionAttribute string
	// ConsentExpiry is how long after it was given a grant of a purpose
	// holds, in whole seconds of the store's clock; then the default
	// applies again. Purposes not named never expire, nor do denials.
	ConsentExpiry map[string]time.Duration
	// Secret keys the hashes by which erased identifiers are recognized.
	// Without it they are plain SHA-256, which a dictionary of identifiers
	// can invert. Stores that are merged need the same secret.
	Secret []byte
	// OmitChanges leaves Change.Attributes empty.
	OmitChanges bool
	// MaxPersonKeys is how many keys may be linked into one person. A web of
	// links that would exceed it names no person: each of its keys stands
	// alone. Default 1,000.
	MaxPersonKeys int
	// MaxKeyLinks is in how many combinations with other keys a key may
	// occur. One that exceeds it is shared, and its links do not hold.
	// Default 1,000.
	MaxKeyLinks int
	// MaxMerges is how many merges one person may come from: links of keys
	// that had both been seen before it, each with others or alone. In the
	// order of their times, further ones are suspended, while the events that
	// name both still count, for the strongest of their keys. Default 100.
	MaxMerges int
	// MaxTags is how many statements about tags the host may make of one
	// person; default 1,000.
	MaxTags int
	// MaxAttributes is how many attributes with different names the store
	// holds over all persons; fields of identify events beyond are dropped
	// and counted, in the order of arrival. Default 10,000.
	MaxAttributes int
	// MaxPersonAttributes is how many attributes with different names one
	// person may have; fields of identify events beyond are dropped and
	// counted, in the order of arrival. A merge may bring more together.
	// Default 1,000.
	MaxPersonAttributes int
	// MaxEventKeys is how many keys an event may carry; default 16.
	MaxEventKeys int
	// MaxFields is how many fields an event may carry; default 512.
	MaxFields int
	// MaxEventBytes is how large an event may be as the store holds it, 16 MiB
	// at most; default 65,536.
	MaxEventBytes int
	// SnapshotEvery is after how many bytes of records [Open] lets a snapshot
	// be written, by a goroutine that ends with it and that Close waits for.
	// What was replayed when the store was opened counts. One that fails leaves
	// the journal and the snapshots as they were and is tried again after as
	// many bytes; [Store.JournalStats] tells. Default 64 MiB; negative: only
	// when asked for.
	SnapshotEvery int64
	// SnapshotInPlace lets [Open] write snapshots from the store itself, while
	// changes wait, at about 200 MB a second. By default they are written from
	// a second store made of the directory, which takes as much memory again
	// as the store meanwhile, and changes go on.
	SnapshotInPlace bool
	// LockTimeout is how long [Open] waits while another store has the
	// directory open; negative: not at all. Default one second.
	LockTimeout time.Duration

	hook   func(point string) error // for tests of crashes
	inStep bool                     // for tests: who reaches SnapshotEvery waits for the snapshot
}

const (
	day        = 24 * time.Hour
	maxName    = 256
	maxKey     = 512
	maxEventID = 256

	defaultMaxMerges = 100
)

// BlockedValues are the key values that never identify anybody, compared in
// lower case; so are values of zeros and dashes only.
func BlockedValues() []string {
	return []string{
		"-1", "[object object]", "anon", "anonymous", "distinct_id", "email", "false", "guest", "id", "n/a", "na",
		"nan", "nil", "none", "null", "(null)", "not_available", "not_authenticated", "test", "true", "undefined",
		"unknown", "user", "user_id", "userid", "anonymous_id", "anonymousid",
	}
}

func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.MaxPersonKeys, 1000)
	def(&c.MaxKeyLinks, 1000)
	def(&c.MaxMerges, defaultMaxMerges)
	def(&c.MaxTags, 1000)
	def(&c.MaxAttributes, 10_000)
	def(&c.MaxPersonAttributes, 1000)
	def(&c.MaxEventKeys, 16)
	def(&c.MaxFields, 512)
	def(&c.MaxEventBytes, 64<<10)
	if c.SnapshotEvery == 0 {
		c.SnapshotEvery = 64 << 20
	}
	for _, f := range []struct {
		name string
		v    int
	}{
		{"MaxPersonKeys", c.MaxPersonKeys},
		{"MaxKeyLinks", c.MaxKeyLinks},
		{"MaxMerges", c.MaxMerges},
		{"MaxTags", c.MaxTags},
		{"MaxAttributes", c.MaxAttributes},
		{"MaxPersonAttributes", c.MaxPersonAttributes},
		{"MaxEventKeys", c.MaxEventKeys},
		{"MaxFields", c.MaxFields},
		{"MaxEventBytes", c.MaxEventBytes},
	} {
		if f.v < 1 {
			return c, optionError(f.name, f.v, "must be positive")
		}
	}
	if c.MaxEventBytes > 16<<20 {
		return c, optionError("MaxEventBytes", c.MaxEventBytes, "must be at most 16 MiB")
	}
	if c.Shards == 0 {
		c.Shards = 1
	}
	if c.Shard >= c.Shards {
		return c, optionError("Shard", c.Shard, fmt.Sprintf("must be below Shards = %d", c.Shards))
	}
	if c.Clock > Manual {
		return c, optionError("Clock", c.Clock, "unknown")
	}
	for _, n := range c.Bots.Nets {
		if !n.IsValid() {
			return c, optionError("Bots.Nets", n, "not a network")
		}
	}
	for _, f := range []struct {
		name string
		v    float64
	}{
		{"Bots.Rate", float64(c.Bots.Rate)},
		{"Bots.Speed", c.Bots.Speed},
		{"Bots.QuickPages", float64(c.Bots.QuickPages)},
		{"Bots.Dwell", c.Bots.Dwell.Seconds()},
	} {
		if !(f.v >= 0) || math.IsInf(f.v, 0) {
			return c, optionError(f.name, f.v, "must not be negative")
		}
	}
	c.Bots = c.Bots.withDefaults()
	if c.Retain.Horizon == 0 {
		c.Retain.Horizon = 400 * day
	}
	if c.Retain.Horizon < day {
		return c, optionError("Retain.Horizon", c.Retain.Horizon, "must be at least 24h")
	}
	if c.DedupeWindow == 0 {
		c.DedupeWindow = 7 * day
	}
	if c.DedupeWindow < time.Second {
		return c, optionError("DedupeWindow", c.DedupeWindow, "must be at least 1s")
	}
	if c.DedupeError == 0 {
		c.DedupeError = 1e-6
	}
	if !(c.DedupeError >= 1e-9 && c.DedupeError <= 0.01) {
		return c, optionError("DedupeError", c.DedupeError, "must be from 1e-9 to 0.01")
	}
	if c.DedupeEvents < 0 || int64(c.DedupeEvents) > 1<<40 {
		return c, optionError("DedupeEvents", c.DedupeEvents, "must not be negative or above 2^40")
	}
	if c.MaxLateness < 0 {
		return c, optionError("MaxLateness", c.MaxLateness, "must not be negative")
	}
	if c.MaxAhead < 0 {
		return c, optionError("MaxAhead", c.MaxAhead, "must not be negative")
	}
	if c.Late > FlagLate {
		return c, optionError("Late", c.Late, "unknown")
	}
	if c.Priority == nil {
		c.Priority = []string{"user_id", "email", "phone", "loyalty_id"}
	}
	for i, k := range c.Priority {
		if slices.Contains(c.Priority[:i], k) {
			return c, optionError("Priority", k, "named twice")
		}
	}
	if c.Limits == nil {
		c.Limits = map[string]int{"user_id": 1}
	}
	c.Limits = maps.Clone(c.Limits)
	for _, k := range slices.Sorted(maps.Keys(c.Limits)) {
		if c.Limits[k] < 1 {
			return c, optionError(fmt.Sprintf("Limits[%q]", k), c.Limits[k], "must be positive")
		}
	}
	c.Priority = slices.Clone(c.Priority)
	c.LimitWindows = maps.Clone(c.LimitWindows)
	for _, k := range slices.Sorted(maps.Keys(c.LimitWindows)) {
		switch {
		case c.LimitWindows[k] < time.Second:
			return c, optionError(fmt.Sprintf("LimitWindows[%q]", k), c.LimitWindows[k], "must be at least 1s")
		case c.Limits[k] == 0:
			return c, optionError(fmt.Sprintf("LimitWindows[%q]", k), c.LimitWindows[k], "the kind has no limit")
		}
	}
	if c.LastAccount < 0 || c.LastAccount > c.Retain.Horizon {
		return c, optionError("LastAccount", c.LastAccount, "must not be negative or longer than Retain.Horizon")
	}
	if c.Resets == nil {
		c.Resets = []string{"Signed Out", "Logged Out", "reset"}
	}
	c.Resets = slices.Clone(c.Resets)
	slices.Sort(c.Resets)
	c.Blocked = slices.Clone(c.Blocked)
	for i, v := range c.Blocked {
		c.Blocked[i] = strings.ToLower(strings.TrimSpace(v))
	}
	if i := slices.Index(c.BlockedPatterns, nil); i >= 0 {
		return c, optionError(fmt.Sprintf("BlockedPatterns[%d]", i), nil, "missing")
	}
	c.BlockedPatterns = slices.Clone(c.BlockedPatterns)
	c.Retain.Events = slices.Clone(c.Retain.Events)
	c.OptOut = slices.Clone(c.OptOut)
	if c.RegionAttribute == "" {
		c.RegionAttribute = "country"
	}
	regions := c.Regions
	c.Regions = make(map[string][]string, len(regions))
	for r, purposes := range regions {
		c.Regions[strings.ToLower(strings.TrimSpace(r))] = slices.Clone(purposes)
	}
	c.ConsentExpiry = maps.Clone(c.ConsentExpiry)
	for _, p := range slices.Sorted(maps.Keys(c.ConsentExpiry)) {
		if c.ConsentExpiry[p] < time.Second {
			return c, optionError(fmt.Sprintf("ConsentExpiry[%q]", p), c.ConsentExpiry[p], "must be at least 1s")
		}
	}
	c.Secret = slices.Clone(c.Secret)
	c.Traits = slices.Clone(c.Traits)
	for i := range c.Traits {
		if err := c.Traits[i].check(&c); err != nil {
			return c, err
		}
		for j := range i {
			if c.Traits[j].Name == c.Traits[i].Name {
				return c, optionError("Traits", c.Traits[i].Name, "declared twice")
			}
		}
	}
	return c, nil
}
