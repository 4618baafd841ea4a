package recommend

import (
	"io"
	"math"
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/wire"
)

const (
	historyKind    = "recommend.History"
	historyVersion = 0
	rowBytes       = 8 // what most rows take
)

// AppendBinary appends the history's rows, clock and options fingerprint to b.
// Equal rows give equal bytes, whatever way they came. It takes a
// picture under the lock and writes it without.
func (h *History) AppendBinary(b []byte) ([]byte, error) {
	if !h.made() {
		return b, badOption("History.AppendBinary", nil, "want a history of NewHistory")
	}
	return h.snapshot().encode().AppendTo(b), nil
}

// Snapshot returns an immutable picture of the history as it is now, whose
// WriteTo writes what [History.AppendBinary] appends. Only this call holds the
// lock, for a copy of 12 bytes for 256 users; WriteTo may run at any later
// time, beside a writer, and more than once.
func (h *History) Snapshot() io.WriterTo { return h.freeze() }

// WriteTo writes the picture.
func (f *frozen) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(f.snapshotBy(1).encode().AppendTo(nil))
	return int64(n), err
}

func (s *snapshot) encode() *wire.Writer {
	used := make([]bool, len(s.names))
	for _, r := range s.rows {
		used[r.item] = true
	}
	order := s.inOrder(func(id uint32) bool { return used[id] })
	names, rank := make([]string, len(order)), make([]uint32, len(s.names))
	for i, id := range order {
		names[i], rank[id] = s.names[id], uint32(i)
	}

	w := wire.NewWriter(historyKind, historyVersion)
	w.Section("items").Strings(names)
	out := w.Section("rows")
	out.Grow(4*len(s.users) + rowBytes*len(s.rows))
	out.Count(len(s.users))
	prev := uint32(0)
	for i, user := range s.users {
		out.Uvarint(uint64(user - prev))
		prev = user
		rows := s.rows[s.start[i]:s.start[i+1]]
		out.Count(len(rows))
		last := int64(0)
		for _, r := range rows {
			out.Varint(r.sec() - last)
			last = r.sec()
			out.Uvarint(uint64(r.nsec))
			out.Uvarint(uint64(rank[r.item]))
			out.Uvarint(uint64(r.kind()))
			if r.kind() == 0 {
				out.Float(r.weight)
			}
		}
	}
	meta := w.Section(wire.Meta)
	meta.String(s.set.print)
	meta.Bool(!s.clock.IsZero())
	if !s.clock.IsZero() {
		meta.Time(s.clock)
	}
	return w
}

// UnmarshalBinary replaces the history's rows and clock by what AppendBinary
// wrote. Section "items" holds the distinct item ids in their order; section
// "rows" holds, by ascending user, the step from the user before, the number
// of rows, and of each row in canonical order the step in seconds, the
// nanoseconds, the item's place, and the kind of event, 0 with a weight
// following for what was added directly; section "meta" holds the options
// fingerprint and the clock.
//
// Bytes that are damaged, not in canonical form or of another kind wrap
// [ErrCorrupt], those of a later format [ErrVersion], those of a history with
// other options [ErrMismatch]; on an error the history is unchanged. The bytes
// are copied.
func (h *History) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, historyKind, historyVersion)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()

	meta := f.Section(wire.Meta)
	print := meta.String()
	var clock time.Time
	if meta.Bool() {
		clock = meta.Time()
		if meta.Err() == nil && !validTime(clock) {
			meta.Fail("clock outside the years 1 to 9999")
		}
	}
	if err := meta.Close(); err != nil {
		return err
	}
	if h.set == nil || print != h.set.print {
		want := "a history made by NewHistory"
		if h.set != nil {
			want = h.set.print
		}
		return &Error{Where: "History.UnmarshalBinary", Reason: print + ", want " + want, Err: ErrMismatch}
	}

	fresh := newHistory(h.set)
	fresh.clock = clock
	if err := fresh.readItems(f.Section("items")); err != nil {
		return err
	}
	if err := fresh.readRows(f.Section("rows")); err != nil {
		return err
	}
	h.clock, h.items, h.origin = clock, fresh.items, fresh.origin
	h.users, h.rows, h.old = fresh.users, fresh.rows, fresh.old
	return nil
}

func (h *History) readItems(r *wire.Reader) error {
	prev := ""
	n := r.Count(2)
	h.items.Grow(r.Room(n, 8))
	for range n {
		name := r.String()
		if r.Err() != nil {
			break
		}
		if !usableItem(name) || ids.Compare(prev, name) >= 0 {
			r.Fail("item %.60q unusable or out of order", name)
			break
		}
		h.items.ID(name)
		prev = name
	}
	return r.Close()
}

func (h *History) readRows(r *wire.Reader) error {
	limit, limited := h.horizon()
	used := make([]bool, h.items.Len())
	user := uint32(0)
	users := r.Count(6)
	for range users {
		step := r.Uint32()
		if r.Err() == nil && (step == 0 || step > math.MaxUint32-user) {
			r.Fail("users out of order")
		}
		user += step
		n := r.Count(4)
		if r.Err() == nil && n == 0 {
			r.Fail("user without rows")
		}
		rows := make([]row, 0, n)
		sec := int64(0)
		for i := range n {
			x, ok := h.readRow(r, &sec)
			if !ok {
				return r.Close()
			}
			if i > 0 && compareRows(&h.items, rows[i-1], x) > 0 {
				r.Fail("rows out of order")
				return r.Close()
			}
			used[x.item] = true
			rows = append(rows, x)
		}
		if r.Err() == nil && limited && rows[0].before(limit) {
			r.Fail("row from before the retention")
		}
		if r.Err() != nil {
			return r.Close()
		}
		h.put(user, rows)
		h.rows += n
	}
	if err := r.Close(); err != nil {
		return err
	}
	if slices.Contains(used, false) {
		r.Fail("item without rows")
	}
	return r.Err()
}

func (h *History) readRow(r *wire.Reader, sec *int64) (row, bool) {
	*sec += r.Varint()
	nsec := r.Uvarint()
	item := r.Index(h.items.Len())
	kind := r.Uvarint()
	if r.Err() != nil {
		return row{}, false
	}
	switch {
	case *sec < -year1 || *sec > year9999 || nsec >= 1e9 || *sec == -year1 && nsec == 0:
		r.Fail("bad time")
		return row{}, false
	case kind > uint64(len(h.set.kinds)):
		r.Fail("unknown kind of event %d", kind)
		return row{}, false
	}
	var w float64
	if kind > 0 {
		w = h.set.weights[kind-1]
	} else if w = r.Float(); r.Err() == nil && !(math.Abs(w) >= minWeight && math.Abs(w) <= maxWeight) {
		r.Fail("bad weight")
	}
	return row{stampOf(*sec, uint16(kind)), w, uint32(item), uint32(nsec)}, r.Err() == nil
}
