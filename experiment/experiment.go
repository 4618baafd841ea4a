package experiment

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/zhun-go/zhun/internal/ids"
)

// Arm is one variant of an experiment.
type Arm struct {
	Name string `json:"name"`
	// Weight is the arm's share relative to the other weights: 1 and 1, or
	// 0.9 and 0.1. All zero means equal shares; zero beside others takes nobody.
	Weight float64 `json:"weight"`
}

// Options of an experiment. The zero value and nil are the defaults.
type Options struct {
	// Salt makes assignments of experiments independent of each other.
	// Default: the experiment's key.
	Salt string
	// Traffic is the share of all units that take part, 0 < Traffic ≤ 1.
	// Raising it only adds units: none changes its arm. Default: 1.
	Traffic float64
	// Paused takes nobody in, whatever Traffic and Sticky say; only forced units
	// stay.
	Paused bool
	// Past holds the weights of earlier epochs, oldest first, by arm name,
	// when weights were changed on the way. With them a change moves the
	// least mass that any change must: half the sum of the absolute
	// differences of the shares. Each entry starts an epoch; the current
	// weights are epoch len(Past). An arm that is missing in an entry had
	// weight 0. Every arm named must still exist, with weight 0 if it ended.
	Past []map[string]float64
	// Layer excludes experiments from each other; nil is no layer.
	Layer *Layer
	// Holdouts are shares of units that take part in nothing, the same for
	// every experiment that names the same holdout.
	Holdouts []Holdout
	// Audience admits users to [Experiment.Decide]; nil admits all. It must be
	// safe for concurrent use.
	Audience func(user uint32) bool
	// Forced puts units into arms whatever their hash, traffic and audience
	// say: testers and allow-lists. Only [Experiment.Decide] looks at it.
	Forced map[string]string
	// Sticky remembers assignments, so that units keep their arm whatever
	// happens to weights, traffic and audience; not while Paused. Only [Experiment.Decide] looks
	// at it and writes to it. Nil: nothing is remembered, the hash decides.
	Sticky Sticky
	// Version of the experiment, remembered with each assignment. Raise it
	// when arms change their meaning.
	Version int
	// MinVersion leaves out units that were assigned under a lower version:
	// they have seen what the arms used to be.
	MinVersion int
	// Period makes a switchback: a unit, such as a city, changes its arm at
	// random from one period to the next, and what is randomized is the unit in
	// a period. For treatments whose users share something (drivers, stock), so
	// that two arms at one time would meet. Periods are cut from the zero time
	// in UTC. A [Readout] of it wants a user number for what stays within a period,
	// such as a ride: whoever was seen in both arms is left out. At least a second.
	// Only [Experiment.Decide] looks at it. Default: none.
	Period time.Duration
}

// Layer is a part of the units that is set aside for one experiment of
// several: those whose hash under the layer's name is in [From, To).
// Experiments in disjoint parts of one layer never share a unit; experiments
// of different layers, or of none, are independent.
type Layer struct {
	Name string  `json:"name"`
	From float64 `json:"from"` // 0 ≤ From < To
	To   float64 `json:"to"`   // ≤ 1
}

// Holdout is a share of all units, 0 < Share < 1, that is kept out of every
// experiment that names it, to measure what all of them together did.
type Holdout struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"`
}

// gate is a hash of the unit that must be in, or not be in, a run of buckets.
type gate struct {
	seed     uint64
	from, to uint64
}

func (g gate) holds(unit string) bool {
	b := xxh3.HashStringSeed(unit, g.seed) >> 32
	return b >= g.from && b < g.to
}

// Experiment assigns units to arms by a hash of their name alone: the same
// answer in every process, for ever, with nothing stored.
//
// A unit is a string that stays with what is randomized: a cookie, an account,
// a household; never the user number, which changes when identities merge. Its
// hash is seeded XXH3 in 128 bits, one half for traffic, one for the arm, each
// cut into 2³² buckets; the seed is a hash of the salt. The order in which
// arms are given does not matter.
//
// Immutable; safe for concurrent use.
type Experiment struct {
	key      string
	arms     []Arm // by name, the library's order
	seed     uint64
	traffic  uint64 // units whose traffic bucket is below this take part
	spans    []span
	weights  []map[string]float64 // by epoch
	layer    *gate
	holdouts []gate
	opts     Options // as given, private copies
}

// New returns an experiment with a key and at least one arm. Options may be
// nil. Errors are of type [*OptionError].
func New(key string, arms []Arm, opts *Options) (*Experiment, error) {
	if opts == nil {
		opts = &Options{}
	}
	bad := func(field string, value any, format string, args ...any) error {
		return &OptionError{"New", field, value, fmt.Sprintf(format, args...)}
	}
	if key == "" {
		return nil, bad("key", key, "want a name")
	}
	if len(arms) == 0 {
		return nil, bad("arms", arms, "want at least one")
	}
	e := &Experiment{key: key, arms: slices.Clone(arms), opts: *opts}
	e.opts.Forced = maps.Clone(opts.Forced)
	e.opts.Holdouts = slices.Clone(opts.Holdouts)
	slices.SortFunc(e.arms, func(a, b Arm) int { return ids.Compare(a.Name, b.Name) })
	total, equal := 0.0, true
	for i, a := range e.arms {
		switch {
		case a.Name == "":
			return nil, bad("arms", arms, "want every arm named")
		case i > 0 && e.arms[i-1].Name == a.Name:
			return nil, bad("arms", a.Name, "want each name once")
		case !(a.Weight >= 0) || math.IsInf(a.Weight, 1):
			return nil, bad("weight of arm "+a.Name, a.Weight, "want a finite number, not negative")
		}
		total += a.Weight
		equal = equal && a.Weight == 0
	}
	if equal {
		for i := range e.arms {
			e.arms[i].Weight = 1
		}
	} else if math.IsInf(total, 1) {
		return nil, bad("sum of weights", total, "want a finite number")
	}
	var history [][]float64
	for epoch, past := range opts.Past {
		w, err := e.weightsOf(past)
		if err != nil {
			return nil, bad(fmt.Sprintf("Past[%d]", epoch), past, "%v", err)
		}
		history = append(history, w)
	}
	now := make([]float64, len(e.arms))
	for i, a := range e.arms {
		now[i] = a.Weight
	}
	history = append(history, now)
	for _, w := range history {
		m := make(map[string]float64, len(w))
		for i, x := range w {
			m[e.arms[i].Name] = x
		}
		e.weights = append(e.weights, m)
	}
	e.spans = allocate(history)

	switch {
	case opts.Traffic == 0:
		e.traffic = buckets
	case opts.Traffic > 0 && opts.Traffic <= 1:
		e.traffic = uint64(math.Round(opts.Traffic * buckets))
	default:
		return nil, bad("Traffic", opts.Traffic, "want 0 < Traffic ≤ 1, or 0 for 1")
	}
	if opts.Paused {
		e.traffic = 0
	}
	if l := opts.Layer; l != nil {
		if l.Name == "" {
			return nil, bad("Layer.Name", l.Name, "want a name")
		}
		if !(l.From >= 0 && l.From < l.To && l.To <= 1) {
			return nil, bad("Layer", *l, "want 0 ≤ From < To ≤ 1")
		}
		c := *l
		e.opts.Layer = &c
		e.layer = &gate{xxh3.HashString("layer" + sep + l.Name), uint64(math.Round(l.From * buckets)), uint64(math.Round(l.To * buckets))}
	}
	for i, h := range opts.Holdouts {
		if h.Name == "" || !(h.Share > 0 && h.Share < 1) {
			return nil, bad(fmt.Sprintf("Holdouts[%d]", i), h, "want a name and 0 < Share < 1")
		}
		e.holdouts = append(e.holdouts, gate{xxh3.HashString("holdout" + sep + h.Name), 0, uint64(math.Round(h.Share * buckets))})
	}
	if opts.Period != 0 && opts.Period < time.Second {
		return nil, bad("Period", opts.Period, "want at least a second, or 0")
	}
	if opts.Version < 0 || opts.MinVersion < 0 || opts.MinVersion > opts.Version {
		return nil, bad("MinVersion", opts.MinVersion, "want 0 ≤ MinVersion ≤ Version, which is %d", opts.Version)
	}
	for _, unit := range slices.Sorted(maps.Keys(opts.Forced)) {
		if !e.has(opts.Forced[unit]) {
			return nil, bad("Forced["+unit+"]", opts.Forced[unit], "want one of the arms")
		}
	}
	salt := opts.Salt
	if salt == "" {
		salt = key
	}
	e.seed = xxh3.HashString(salt)
	return e, nil
}

// weightsOf returns the weights of an earlier epoch in the order of the arms.
func (e *Experiment) weightsOf(past map[string]float64) ([]float64, error) {
	w := make([]float64, len(e.arms))
	total := 0.0
	for _, name := range slices.SortedFunc(maps.Keys(past), ids.Compare) {
		i := slices.IndexFunc(e.arms, func(a Arm) bool { return a.Name == name })
		switch x := past[name]; {
		case i < 0:
			return nil, fmt.Errorf("want only arms that exist, not %q", name)
		case !(x >= 0) || math.IsInf(x, 1):
			return nil, fmt.Errorf("want finite weights, not negative, got %v for %q", x, name)
		default:
			w[i] = x
			total += x
		}
	}
	if !(total > 0) || math.IsInf(total, 1) {
		return nil, fmt.Errorf("want a positive finite sum, got %v", total)
	}
	return w, nil
}

// Assign returns the arm of a unit, and whether the unit takes part at all. It
// is a pure function of the unit and the options, allocates nothing, and tells
// nobody: an assignment that was only looked at is not an exposure. The empty
// unit never takes part.
//
// It knows units alone: audiences, forced units and sticky assignments are the
// business of [Experiment.Decide].
func (e *Experiment) Assign(unit string) (arm string, in bool) {
	if unit == "" || e.layer != nil && !e.layer.holds(unit) || e.heldOut(unit) {
		return "", false
	}
	h := xxh3.HashString128Seed(unit, e.seed)
	if h.Lo>>32 >= e.traffic {
		return "", false
	}
	return e.arms[e.armAt(h.Hi>>32)].Name, true
}

func (e *Experiment) heldOut(unit string) bool {
	for _, g := range e.holdouts {
		if g.holds(unit) {
			return true
		}
	}
	return false
}

// armAt returns the arm of a bucket. Multiply-shift of a 64-bit hash into 2³²
// buckets is the shift that the callers do.
func (e *Experiment) armAt(bucket uint64) int {
	spans := e.spans
	if len(spans) > 8 {
		return spans[sort.Search(len(spans), func(i int) bool { return bucket < spans[i].end })].arm
	}
	for _, s := range spans {
		if bucket < s.end {
			return s.arm
		}
	}
	return spans[len(spans)-1].arm
}

// Key returns the experiment's key.
func (e *Experiment) Key() string { return e.key }

// Arms returns the arms with their current weights, by name: shorter names
// first, then by bytes.
func (e *Experiment) Arms() []Arm { return slices.Clone(e.arms) }

// Epoch numbers the current weights: 0, and one more for each entry of
// Options.Past.
func (e *Experiment) Epoch() int { return len(e.weights) - 1 }

// Weights returns the weights of every epoch by arm name, what
// ReadoutOptions.Weights wants.
func (e *Experiment) Weights() []map[string]float64 {
	out := make([]map[string]float64, len(e.weights))
	for i, w := range e.weights {
		out[i] = maps.Clone(w)
	}
	return out
}

func (e *Experiment) has(arm string) bool {
	return slices.ContainsFunc(e.arms, func(a Arm) bool { return a.Name == arm })
}
