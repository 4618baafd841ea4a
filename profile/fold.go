package profile

import (
	"math"
	"time"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/value"
)

// fold is what a timed kind remembers of the events within its window, so
// that an event at its end costs no second look at the others. It is a cache.
type fold struct {
	n       int   // of how many events, from the earliest
	count   int64 // sessions, or days of the present streak
	longest int64
	span    int64 // of all sessions, in nanoseconds
	day     int64 // that a score is of
	sum     stats.Exact
}

func (f *fold) reset() { *f = fold{sum: f.sum[:0]} }

// result returns the value of a timed kind over the events of the window, by
// time, and the second at which it changes if nothing happens, 0 for never.
func (f *fold) result(t *Trait, in []packed, values []any, now int64) (v any, turn int64) {
	if len(in) == 0 {
		return nil, 0
	}
	last := in[len(in)-1].instant()
	today := instant{sec: now}.day()
	switch t.Kind {
	case Recency:
		d := (now - last.sec) / 86400
		return d, last.sec + (d+1)*86400
	case Streak, LongestStreak:
		f.streaks(in)
		if t.Kind == LongestStreak {
			return f.longest, 0
		}
		if last.day() < today-1 {
			return nil, 0
		}
		return f.count, (last.day() + 2) * 86400
	case Sessions, SessionLength:
		f.sessions(in, t.Gap)
		if t.Kind == Sessions {
			return f.count, 0
		}
		return float64(f.span) / 1e9 / float64(f.count), 0
	}
	if v := f.score(t, in, values, today); v != 0 {
		return v, (today + 1) * 86400
	}
	return nil, (today + 1) * 86400
}

func (f *fold) streaks(in []packed) {
	for ; f.n < len(in); f.n++ {
		d := in[f.n].instant().day()
		switch {
		case f.n > 0 && d == in[f.n-1].instant().day():
		case f.n > 0 && d == in[f.n-1].instant().day()+1:
			f.count++
		default:
			f.count = 1
		}
		f.longest = max(f.longest, f.count)
	}
}

func (f *fold) sessions(in []packed, gap time.Duration) {
	for ; f.n < len(in); f.n++ {
		if f.n == 0 {
			f.count = 1
			continue
		}
		a, b := in[f.n-1].instant(), in[f.n].instant()
		if pause := time.Duration(b.sec-a.sec)*time.Second + time.Duration(b.nsec) - time.Duration(a.nsec); pause > gap {
			f.count++
		} else {
			f.span += int64(pause)
		}
	}
}

// score sums what the events count on a day, exactly, so that the order of
// those of one instant does not matter.
func (f *fold) score(t *Trait, in []packed, values []any, today int64) float64 {
	half := t.HalfLife.Hours() / 24
	if f.day != today {
		f.reset()
		f.day = today
	}
	for i := len(in) - 1; i >= f.n; i-- {
		age := float64(today - in[i].instant().day())
		if age > 64*half {
			break
		}
		x := 1.0
		if t.Field != "" {
			x, _ = value.Float(values[i])
		}
		f.sum.Add(x * math.Exp2(-age/half))
	}
	f.n = len(in)
	return f.sum.Value()
}
