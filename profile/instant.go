package profile

import (
	"cmp"
	"math"
	"time"
)

// instant is a time in 12 bytes, over all the years that an event may have.
type instant struct {
	sec  int64
	nsec uint32
}

func instantOf(t time.Time) instant { return instant{t.Unix(), uint32(t.Nanosecond())} }

// never is before every instant that an event may have.
func never() instant { return instant{sec: math.MinInt64} }

func (i instant) time() time.Time {
	if i == never() {
		return time.Time{}
	}
	return time.Unix(i.sec, int64(i.nsec)).UTC()
}

func (i instant) compare(o instant) int {
	if c := cmp.Compare(i.sec, o.sec); c != 0 {
		return c
	}
	return cmp.Compare(i.nsec, o.nsec)
}

func (i instant) before(o instant) bool { return i.compare(o) < 0 }

// next is the instant one nanosecond later.
func (i instant) next() instant {
	if i.nsec++; i.nsec == 1e9 {
		i.sec, i.nsec = i.sec+1, 0
	}
	return i
}

func (i instant) day() int64 {
	d := i.sec / 86400
	if i.sec%86400 < 0 {
		d--
	}
	return d
}

// packed is an instant in 12 bytes, for what is held of many. The zero value is
// never.
type packed [3]uint32

func pack(i instant) packed {
	s := uint64(i.sec) ^ bias
	return packed{uint32(s >> 32), uint32(s), i.nsec}
}

func (p packed) sec() int64 { return int64((uint64(p[0])<<32 | uint64(p[1])) ^ bias) }

func (p packed) instant() instant { return instant{p.sec(), p[2]} }

func (p packed) time() time.Time { return p.instant().time() }

func (p packed) compare(o packed) int {
	return cmp.Or(cmp.Compare(p[0], o[0]), cmp.Compare(p[1], o[1]), cmp.Compare(p[2], o[2]))
}

func (p packed) before(o packed) bool {
	if p[0] != o[0] {
		return p[0] < o[0]
	}
	if p[1] != o[1] {
		return p[1] < o[1]
	}
	return p[2] < o[2]
}

func (p packed) latest(o packed) packed {
	if p.before(o) {
		return o
	}
	return p
}

// after moves the time of a change, as views see it, to that of the next.
func (p *packed) after(at instant) instant {
	at = stampAfter(p.instant(), at)
	*p = pack(at)
	return at
}

func usable(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 && !t.IsZero() }

func inYears(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

func earliestOf(a, b instant) instant {
	if b.before(a) {
		return b
	}
	return a
}

func latestOf(a, b instant) instant {
	if a.before(b) {
		return b
	}
	return a
}
