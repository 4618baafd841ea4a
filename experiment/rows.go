package experiment

import (
	"cmp"
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/ids"
)

// instant is a time in less memory.
type instant struct {
	sec  int64
	nsec uint32
}

func instantOf(t time.Time) instant { return instant{t.Unix(), uint32(t.Nanosecond())} }

func (i instant) time() time.Time { return time.Unix(i.sec, int64(i.nsec)).UTC() }

func (i instant) compare(o instant) int {
	if c := cmp.Compare(i.sec, o.sec); c != 0 {
		return c
	}
	return cmp.Compare(i.nsec, o.nsec)
}

func (i instant) add(d time.Duration) instant { return instantOf(i.time().Add(d)) }

// usable tells whether a time is within what the library holds.
func usable(t time.Time) bool {
	if t.IsZero() {
		return false
	}
	y := t.UTC().Year()
	return y >= 1 && y <= 9999
}

// exposure is a row: a user saw an arm.
type exposure struct {
	at    instant
	arm   uint32 // in Readout.arms
	unit  uint32 // in Readout.units
	epoch uint32
}

// outcome is a row: something was measured of a user.
type outcome struct {
	at     instant
	source uint32 // in Readout.sources
	value  float64
}

// rows are what is held of one user, each kind ordered by time, then content.
type rows struct {
	exposures []exposure
	outcomes  []outcome
}

// oldest returns the instant of the first row.
func (r *rows) oldest() (at instant, ok bool) {
	if len(r.exposures) > 0 {
		at, ok = r.exposures[0].at, true
	}
	if len(r.outcomes) > 0 && (!ok || r.outcomes[0].at.compare(at) < 0) {
		at, ok = r.outcomes[0].at, true
	}
	return at, ok
}

// insert puts a row in its place; most come last. Rows that are there stay
// where they are, because pictures share them: a row in the middle makes a new
// list.
func insert[E any](s []E, x E, compare func(a, b E) int) []E {
	if n := len(s); n == 0 || compare(s[n-1], x) <= 0 {
		return append(s, x)
	}
	i, _ := slices.BinarySearchFunc(s, x, compare)
	return slices.Concat(s[:i], []E{x}, s[i:])
}

// union merges two ordered lists into a new one.
func union[E any](a, b []E, compare func(a, b E) int) []E {
	out := make([]E, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// names are the dictionaries of a readout.
type names struct{ arms, units, sources ids.Dict }

// Rows are ordered by the names behind their numbers, which depend on arrival.
func (n *names) compareExposures(a, b exposure) int {
	if c := a.at.compare(b.at); c != 0 {
		return c
	}
	if a.arm != b.arm {
		return ids.Compare(n.arms.Name(a.arm), n.arms.Name(b.arm))
	}
	if c := cmp.Compare(a.epoch, b.epoch); c != 0 {
		return c
	}
	if a.unit != b.unit {
		return ids.Compare(n.units.Name(a.unit), n.units.Name(b.unit))
	}
	return 0
}

func (n *names) compareOutcomes(a, b outcome) int {
	if c := a.at.compare(b.at); c != 0 {
		return c
	}
	if a.source != b.source {
		return ids.Compare(n.sources.Name(a.source), n.sources.Name(b.source))
	}
	return cmp.Compare(a.value, b.value)
}

// prune returns the rows of a list that are not before the horizon.
func prune[E any](s []E, horizon instant, at func(E) instant) []E {
	i, _ := slices.BinarySearchFunc(s, horizon, func(e E, h instant) int { return at(e).compare(h) })
	if i == 0 {
		return s
	}
	return slices.Clone(s[i:])
}
