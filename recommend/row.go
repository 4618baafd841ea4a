package recommend

import (
	"cmp"
	"time"

	"github.com/zhun-go/zhun/internal/ids"
)

// row is one weighted interaction of a user, packed into 24 bytes: a history
// of half a billion events is 12 GB.
type row struct {
	// stamp holds the seconds since the year 1 above kindBits, and the kind
	// of event (0: added directly) below.
	stamp  uint64
	weight float64 // negative for what takes back
	item   uint32  // number in the history's dictionary
	nsec   uint32
}

const (
	kindBits = 16
	maxKinds = 1<<kindBits - 1
	// year1 is the number of seconds from 1 January of the year 1 to 1970.
	year1 = 62135596800
	// year9999 is the last second of that year.
	year9999 = 253402300799
)

func newRow(item uint32, kind uint16, weight float64, at time.Time) row {
	return row{
		stamp:  stampOf(at.Unix(), kind),
		weight: weight,
		item:   item,
		nsec:   uint32(at.Nanosecond()),
	}
}

func stampOf(sec int64, kind uint16) uint64 { return uint64(sec+year1)<<kindBits | uint64(kind) }

func (r row) sec() int64   { return int64(r.stamp>>kindBits) - year1 }
func (r row) kind() uint16 { return uint16(r.stamp & (1<<kindBits - 1)) }

func (r row) time() time.Time { return time.Unix(r.sec(), int64(r.nsec)).UTC() }

func (r row) before(t time.Time) bool {
	s := t.Unix()
	return r.sec() < s || r.sec() == s && int(r.nsec) < t.Nanosecond()
}

// compareTimes orders rows by time alone.
func compareTimes(a, b row) int {
	if c := cmp.Compare(a.stamp>>kindBits, b.stamp>>kindBits); c != 0 {
		return c
	}
	return cmp.Compare(a.nsec, b.nsec)
}

// compareRows is the canonical order of a user's rows: time, then content.
// Item numbers depend on arrival, so names decide.
func compareRows(items *ids.Dict, a, b row) int {
	if c := compareTimes(a, b); c != 0 {
		return c
	}
	if a.item != b.item {
		return ids.Compare(items.Name(a.item), items.Name(b.item))
	}
	if c := cmp.Compare(a.kind(), b.kind()); c != 0 {
		return c
	}
	return cmp.Compare(a.weight, b.weight)
}

// validTime reports whether an instant can be held.
func validTime(t time.Time) bool {
	if t.IsZero() {
		return false
	}
	y := t.UTC().Year()
	return y >= 1 && y <= 9999
}
