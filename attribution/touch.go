package attribution

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"
)

// Kind says how a user met a channel.
type Kind uint8

const (
	// Click is a visit, or another act of the user's own.
	Click Kind = iota
	// View is an impression, an opened mail: something shown.
	View
)

func (k Kind) String() string {
	switch k {
	case Click:
		return "click"
	case View:
		return "view"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Touch is one meeting of a user with a channel.
type Touch struct {
	Channel  string    // required
	Campaign string    // touches of another campaign are not repetitions
	Time     time.Time // required; its location is not kept
	Kind     Kind      // default Click
	Cost     float64   // what the touch cost, ≥ 0; see [Journeys.Spend] for what has no touch
}

// Conversion is one success of a user: an order, a subscription.
type Conversion struct {
	// ID is the order's. Conversions of one user with one ID count once, and
	// refunds find their order by it; without one, each counts.
	ID       string
	Time     time.Time // required; its location is not kept
	Value    float64   // ≥ 0
	Currency string    // default [JourneysOptions].Currency
}

// instant is a time as the rows hold it. Unlike a time.Time it compares and
// hashes by what it means.
type instant struct {
	sec int64
	ns  int32
}

func instantOf(t time.Time) (instant, bool) {
	if t.IsZero() {
		return instant{}, false
	}
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return instant{}, false
	}
	return instant{t.Unix(), int32(t.Nanosecond())}, true
}

func (a instant) compare(b instant) int {
	if c := cmp.Compare(a.sec, b.sec); c != 0 {
		return c
	}
	return cmp.Compare(a.ns, b.ns)
}

func (a instant) before(b instant) bool { return a.compare(b) < 0 }

func (a instant) time() time.Time { return time.Unix(a.sec, int64(a.ns)).UTC() }

// since returns a − b, held within what a Duration can say.
func (a instant) since(b instant) time.Duration {
	d := a.sec - b.sec
	const limit = math.MaxInt64/int64(time.Second) - 1
	switch {
	case d > limit:
		return math.MaxInt64
	case d < -limit:
		return math.MinInt64
	}
	return time.Duration(d)*time.Second + time.Duration(a.ns-b.ns)
}

// minus returns a − d.
func (a instant) minus(d time.Duration) instant {
	s, ns := int64(d/time.Second), int32(d%time.Second)
	a.sec -= s
	a.ns -= ns
	if a.ns < 0 {
		a.ns += int32(time.Second)
		a.sec--
	} else if a.ns >= int32(time.Second) {
		a.ns -= int32(time.Second)
		a.sec++
	}
	return a
}

// touchRow is a touch as it is held; names are numbers of the journeys'
// dictionaries.
type touchRow struct {
	at       instant
	channel  uint32
	campaign uint32
	kind     Kind
	cost     float64
}

// conversionRow is a conversion as it is held.
type conversionRow struct {
	at       instant
	id       string
	currency uint32
	value    float64
}

// refundRow is a refund or, when whole, a cancellation.
type refundRow struct {
	at    instant
	id    string
	whole bool
	value float64
}

// compareTouches is the order of a user's touches: by time, then a view
// before a click, so that a click stands last among equals, then by channel
// name in bytes, cost and campaign.
func compareTouches(names []string, a, b touchRow) int {
	if c := a.at.compare(b.at); c != 0 {
		return c
	}
	if c := cmp.Compare(b.kind, a.kind); c != 0 {
		return c
	}
	if a.channel != b.channel {
		if c := strings.Compare(names[a.channel], names[b.channel]); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(a.cost, b.cost); c != 0 {
		return c
	}
	return strings.Compare(names[a.campaign], names[b.campaign])
}

func compareConversions(names []string, a, b conversionRow) int {
	if c := a.at.compare(b.at); c != 0 {
		return c
	}
	if c := strings.Compare(a.id, b.id); c != 0 {
		return c
	}
	if c := cmp.Compare(a.value, b.value); c != 0 {
		return c
	}
	return strings.Compare(names[a.currency], names[b.currency])
}

func compareRefunds(a, b refundRow) int {
	if c := a.at.compare(b.at); c != 0 {
		return c
	}
	if c := strings.Compare(a.id, b.id); c != 0 {
		return c
	}
	if a.whole != b.whole {
		if a.whole {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.value, b.value)
}

// person is what is held about one user. The slices are sorted, and what a
// slice has shown is never changed in place: a reader that took the slices
// under the lock goes on without it.
type person struct {
	touches     []touchRow
	conversions []conversionRow
	refunds     []refundRow
}

func (p *person) empty() bool { return p.len() == 0 }

// len returns how many rows there are.
func (p *person) len() int { return len(p.touches) + len(p.conversions) + len(p.refunds) }

// insert puts x into the sorted rows, behind its equals. Appending leaves the
// shown elements alone; anything else makes a new slice.
func insert[R any](rows []R, x R, compare func(a, b R) int) []R {
	n := len(rows)
	if n == 0 || compare(rows[n-1], x) <= 0 {
		return append(rows, x)
	}
	lo, hi := 0, n
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if compare(rows[mid], x) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	out := make([]R, n+1, n+1+n/4)
	copy(out, rows[:lo])
	out[lo] = x
	copy(out[lo+1:], rows[lo:])
	return out
}

// union merges two sorted lists into a new one.
func union[R any](a, b []R, compare func(a, b R) int) []R {
	if len(b) == 0 {
		return a
	}
	if len(a) == 0 {
		return b
	}
	out := make([]R, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	out = append(out, a...)
	return append(out, b...)
}
