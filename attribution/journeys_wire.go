package attribution

import (
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/byuser"
	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/wire"
)

const (
	journeysKind    = "attribution.Journeys"
	journeysVersion = 0

	// What most rows take.
	touchBytes = 18
	paidBytes  = 32
)

// AppendBinary appends the rows by ascending user, the ledger, the clock and
// a fingerprint of the options. Equal rows give equal bytes, however they
// arrived.
func (j *Journeys) AppendBinary(b []byte) ([]byte, error) {
	s := j.snapshot()
	return s.append(b, j.fingerprint), nil
}

// Snapshot returns a picture of the present state that later changes do not
// touch; it writes the bytes of [Journeys.AppendBinary]. Taking it costs 12 bytes
// for 256 users and the ledger; the encoding is done by the picture, outside
// of the lock. The picture is immutable and safe for concurrent use.
func (j *Journeys) Snapshot() io.WriterTo {
	return &picture{j.frozen(), j.fingerprint}
}

// picture is a snapshot that can be written.
type picture struct {
	*frozen
	fingerprint uint64
}

// WriteTo writes the picture in one piece.
func (p *picture) WriteTo(w io.Writer) (int64, error) {
	s := p.snapshot()
	n, err := w.Write(s.append(nil, p.fingerprint))
	return int64(n), err
}

// append encodes the picture.
func (s *snapshot) append(b []byte, fingerprint uint64) []byte {
	used := make([]bool, len(s.names))
	for _, u := range s.users {
		for _, t := range u.touches {
			used[t.channel], used[t.campaign] = true, true
		}
		for _, c := range u.conversions {
			used[c.currency] = true
		}
	}
	names, rank := sortedNames(s.names, used)

	w := wire.NewWriter(journeysKind, journeysVersion)
	w.Section("names").Strings(names)
	rows := w.Section("rows")
	room := 10
	for _, u := range s.users {
		room += 8 + touchBytes*len(u.touches) + paidBytes*(len(u.conversions)+len(u.refunds))
	}
	rows.Grow(room)
	rows.Count(len(s.users))
	for _, u := range s.users {
		rows.Uvarint(uint64(u.user))
		rows.Count(len(u.touches))
		for _, t := range u.touches {
			writeInstant(rows, t.at)
			rows.Uvarint(uint64(rank[t.channel]))
			rows.Uvarint(uint64(rank[t.campaign]))
			rows.Byte(byte(t.kind))
			rows.Float(t.cost)
		}
		rows.Count(len(u.conversions))
		for _, c := range u.conversions {
			writeInstant(rows, c.at)
			rows.String(c.id)
			rows.Uvarint(uint64(rank[c.currency]))
			rows.Float(c.value)
		}
		rows.Count(len(u.refunds))
		for _, r := range u.refunds {
			writeInstant(rows, r.at)
			rows.String(r.id)
			rows.Bool(r.whole)
			rows.Float(r.value)
		}
	}
	ledger := w.Section("ledger")
	ledger.Count(len(s.ledger))
	for _, r := range s.ledger {
		ledger.String(r.channel)
		ledger.Varint(r.day)
		r.cost.Write(ledger)
	}
	meta := w.Section(wire.Meta)
	meta.Uint64(fingerprint)
	writeInstant(meta, s.clock)
	return w.AppendTo(b)
}

// sortedNames returns the used names in their order, and the place of each.
func sortedNames(names []string, used []bool) ([]string, []int) {
	order := make([]int, 0, len(names))
	for i, u := range used {
		if u {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return ids.Compare(names[a], names[b]) })
	sorted, rank := make([]string, len(order)), make([]int, len(names))
	for i, o := range order {
		sorted[i], rank[o] = names[o], i
	}
	return sorted, rank
}

// UnmarshalBinary replaces the state by one that [Journeys.AppendBinary]
// wrote. Section "names" holds the channels, campaigns and currencies in their
// order. Section "rows" holds by ascending user three lists in canonical order,
// each with its length: of touches the instant, the places of channel and
// campaign, the kind and the cost; of conversions the instant, the id, the
// place of the currency and the value; of refunds the instant, the id, whether
// it is the whole order, and the value. Section "ledger" holds by channel and
// day the channel, the day since 1970 and the cost, as two floats that add up
// to it; section "meta" the options fingerprint and the clock. Instants are
// seconds since 1970 and nanoseconds.
//
// On an error the journeys stay as they were: damaged bytes are [ErrCorrupt],
// those of a later format [ErrVersion], and those of journeys made with other
// options [ErrOptions]. The data is copied.
func (j *Journeys) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, journeysKind, journeysVersion)
	if err != nil {
		return err
	}
	meta := f.Section(wire.Meta)
	fingerprint, clock := meta.Uint64(), readInstant(meta)
	if err := meta.Close(); err != nil {
		return err
	}
	if fingerprint != j.fingerprint {
		return &InputError{Verb: "UnmarshalBinary", Err: ErrOptions}
	}
	dict, err := readNames(f.Section("names"))
	if err != nil {
		return err
	}
	people, err := readPeople(f.Section("rows"), dict.Names())
	if err != nil {
		return err
	}
	ledger, err := readLedger(f.Section("ledger"))
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.names, j.people, j.ledger = dict, people, ledger
	j.clock, j.pruned, j.stats = clock, instant{}, Stats{}
	return nil
}

// readNames reads a dictionary in its order.
func readNames(r *wire.Reader) (ids.Dict, error) {
	names := r.Names()
	var d ids.Dict
	d.Grow(len(names))
	for i, n := range names {
		if !utf8.ValidString(n) || i > 0 && ids.Compare(names[i-1], n) >= 0 {
			r.Fail("name %q out of order", n)
			break
		}
		d.ID(n)
	}
	return d, r.Close()
}

func readPeople(r *wire.Reader, names []string) (byuser.Table[person], error) {
	touches := func(a, b touchRow) int { return compareTouches(names, a, b) }
	conversions := func(a, b conversionRow) int { return compareConversions(names, a, b) }
	used := make([]bool, len(names))
	name := func() uint32 {
		i := r.Index(len(names))
		if r.Err() == nil {
			used[i] = true
		}
		return uint32(i)
	}
	var people byuser.Table[person]
	var last uint32
	for range r.Count(4) {
		u := r.Uint32()
		if u <= last {
			r.Fail("user %d out of order", u)
		}
		last = u
		var p person
		p.touches = readRows(r, 14, touches, func() touchRow {
			return touchRow{
				at: readInstant(r), channel: name(), campaign: name(),
				kind: readKind(r), cost: readAmount(r),
			}
		})
		p.conversions = readRows(r, 12, conversions, func() conversionRow {
			return conversionRow{at: readInstant(r), id: r.String(), currency: name(), value: readAmount(r)}
		})
		p.refunds = readRows(r, 12, compareRefunds, func() refundRow {
			return refundRow{at: readInstant(r), id: r.String(), whole: r.Bool(), value: readAmount(r)}
		})
		if r.Err() != nil {
			break
		}
		if p.empty() {
			r.Fail("user %d without rows", u)
			break
		}
		*people.Own(u) = p
	}
	if i := slices.Index(used, false); i >= 0 {
		r.Fail("nobody uses the name %q", names[i])
	}
	return people, r.Close()
}

func readRows[R any](r *wire.Reader, size int, compare func(a, b R) int, read func() R) []R {
	n := r.Count(size)
	if n == 0 {
		return nil
	}
	rows := make([]R, 0, n)
	for i := range n {
		row := read()
		if r.Err() != nil {
			return nil
		}
		if i > 0 && compare(rows[i-1], row) > 0 {
			r.Fail("row out of order")
			return nil
		}
		rows = append(rows, row)
	}
	return rows
}

func readLedger(r *wire.Reader) (map[ledgerKey]stats.Sum, error) {
	n := r.Count(18)
	ledger := make(map[ledgerKey]stats.Sum, r.Room(n, 24))
	var last ledgerKey
	for i := range n {
		k := ledgerKey{r.String(), r.Varint()}
		cost := stats.ReadSum(r)
		if r.Err() == nil && (k.channel == "" || i > 0 && compareLedger(last, k) >= 0) {
			r.Fail("ledger out of order")
		}
		if r.Err() != nil {
			break
		}
		last, ledger[k] = k, cost
	}
	return ledger, r.Close()
}

func writeInstant(w *wire.Section, t instant) {
	w.Varint(t.sec)
	w.Uvarint(uint64(t.ns))
}

// The seconds of the first instant of year 1 and of year 10000.
const (
	firstSecond = -62135596800
	endSecond   = 253402300800
)

func readInstant(r *wire.Reader) instant {
	sec, ns := r.Varint(), r.Uvarint()
	if sec < firstSecond || sec >= endSecond || ns >= 1e9 {
		r.Fail("time %d.%09d out of range", sec, ns)
		return instant{}
	}
	return instant{sec, int32(ns)}
}

func readKind(r *wire.Reader) Kind {
	k := Kind(r.Byte())
	if k > View {
		r.Fail("unknown kind %d", k)
	}
	return k
}

func readAmount(r *wire.Reader) float64 {
	v := r.Float()
	if !amount(v) || math.Signbit(v) {
		r.Fail("amount %v", v)
		return 0
	}
	return v
}
