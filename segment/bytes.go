package segment

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/value"
	"github.com/zhun-go/zhun/internal/wire"
)

const (
	wireKind    = "segment.Index"
	wireVersion = 0
)

// AppendBinary appends the index as bytes: the rows by ascending user, with
// sorted dictionaries of the names in use, and in a section of their own the
// clock, the definitions, the last transitions and a fingerprint of the
// options. The same rows give the same bytes, whatever the order they came in.
func (x *Index) AppendBinary(b []byte) ([]byte, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	p := x.picture()
	p.table = x.table
	return p.appendTo(b), nil
}

// MarshalBinary is AppendBinary to nothing.
func (x *Index) MarshalBinary() ([]byte, error) { return x.AppendBinary(nil) }

// Snapshot returns the index as it is now, as the bytes that AppendBinary would
// append. They are made when they are written, outside the lock, while the
// index goes on; what changes meanwhile is copied first, user by user. Taking
// it costs 8 bytes for 4,096 users.
//
// The result is immutable; safe for concurrent use, and may be written more
// than once.
func (x *Index) Snapshot() io.WriterTo {
	x.mu.Lock()
	defer x.release()
	p := x.picture()
	p.table = x.table.freeze()
	return p
}

// picture is what bytes hold of an index.
type picture struct {
	meta        snapshot
	fingerprint string
	dynamic     bool
	attrs       []*attribute // of which only names and kinds are read
	events      []*eventType
	table       table
}

// picture returns the state but for the rows.
func (x *Index) picture() *picture {
	p := &picture{
		fingerprint: x.fingerprint, dynamic: x.opts.Dynamic,
		attrs: slices.Clone(x.attrs), events: slices.Clone(x.events),
		meta: snapshot{now: x.time(), pruned: x.pruned, seq: x.seq, recent: slices.Collect(x.recent.all())},
	}
	defs := slices.Clone(x.ordered)
	slices.SortStableFunc(defs, func(a, b *audience) int { return a.level - b.level })
	for _, a := range defs {
		p.meta.defs = append(p.meta.defs, *a.public)
	}
	return p
}

// WriteTo writes the bytes.
func (x *picture) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(x.appendTo(nil))
	return int64(n), err
}

func (x *picture) appendTo(b []byte) []byte {
	w := wire.NewWriter(wireKind, wireVersion)
	x.writeMeta(w.Section(wire.Meta))
	attrRank, eventRank := x.writeNames(w.Section("names"))
	s := w.Section("rows")
	s.Grow(x.size())
	s.Count(x.table.n)
	last := uint32(0)
	for r := range x.table.all() {
		s.Uvarint(uint64(r.user - last))
		last = r.user
		x.writeRow(s, r, attrRank, eventRank)
	}
	return w.AppendTo(b)
}

// writeNames writes the names of attributes and events in use, in order, and
// returns the place of each number.
func (x *picture) writeNames(s *wire.Section) (attrRank, eventRank []int) {
	attrUsed, eventUsed := make([]bool, len(x.attrs)), make([]bool, len(x.events))
	for r := range x.table.all() {
		for _, n := range r.numbers {
			attrUsed[n.attr] = true
		}
		for _, o := range r.objects() {
			attrUsed[o.attr] = true
		}
		for st := range r.streams() {
			if st.upper(x.meta.pruned) < st.len() {
				eventUsed[st.event] = true
			}
		}
	}
	write := func(used []bool, name func(int) string) []int {
		var order []int
		for i, u := range used {
			if u {
				order = append(order, i)
			}
		}
		slices.SortFunc(order, func(i, j int) int { return ids.Compare(name(i), name(j)) })
		rank := make([]int, len(used))
		s.Count(len(order))
		for place, i := range order {
			rank[i] = place
			s.String(name(i))
		}
		return rank
	}
	attrRank = write(attrUsed, func(i int) string { return x.attrs[i].name })
	eventRank = write(eventUsed, func(i int) string { return x.events[i].name })
	return attrRank, eventRank
}

// cell is an attribute on its way to bytes.
type cell struct {
	rank int
	at   stamp
	v    any
}

func (x *picture) writeRow(s *wire.Section, r *row, attrRank, eventRank []int) {
	cells := make([]cell, 0, len(r.numbers)+len(r.objects()))
	for _, n := range r.numbers {
		cells = append(cells, cell{attrRank[n.attr], stamp{n.sec, n.ns}, x.attrs[n.attr].kind.outside(n.num)})
	}
	for _, o := range r.objects() {
		cells = append(cells, cell{attrRank[o.attr], stamp{o.sec, o.ns}, o.obj})
	}
	slices.SortFunc(cells, func(a, b cell) int { return a.rank - b.rank })
	s.Count(len(cells))
	for _, c := range cells {
		s.Uvarint(uint64(c.rank))
		s.Time(c.at.time())
		writeValue(s, c.v)
	}
	var streams []*stream
	for st := range r.streams() {
		if st.upper(x.meta.pruned) < st.len() {
			streams = append(streams, st)
		}
	}
	slices.SortFunc(streams, func(a, b *stream) int { return eventRank[a.event] - eventRank[b.event] })
	s.Count(len(streams))
	for _, st := range streams {
		e := x.events[st.event]
		s.Uvarint(uint64(eventRank[st.event]))
		lo := st.upper(x.meta.pruned)
		s.Count(st.len() - lo)
		for i := lo; i < st.len(); i++ {
			s.Time(st.at(i).time())
			obj := st.objRow(i)
			for _, f := range e.places {
				if f.kind.numeric() {
					writeNumber(s, f.kind, st.num(i, f.col))
				} else {
					writeValue(s, obj[f.col])
				}
			}
			if x.dynamic {
				fields, _ := obj[e.objs-1].(extra)
				value.WriteFields(s, fields)
			}
		}
	}
}

// size is about how many bytes the rows take.
func (x *picture) size() (n int) {
	for r := range x.table.all() {
		n += 8
		for st := range r.streams() {
			n += st.len() * (timeBytes + fieldBytes*len(x.events[st.event].places))
		}
	}
	return n
}

// What most events take: a time, and each field.
const timeBytes, fieldBytes = 10, 6

// writeNumber is writeValue of a number as it is held.
func writeNumber(s *wire.Section, k Kind, num float64) {
	switch {
	case num == num && k != Bool && num == math.Trunc(num) && math.Abs(num) <= value.MaxInt:
		value.WriteInt(s, int64(num))
	case num == num && k != Bool:
		value.WriteFloat(s, num)
	default:
		value.Write(s, k.outside(num)) // nil or a bool
	}
}

// outside turns a number as it is held into a value, nil when missing.
func (k Kind) outside(num float64) any {
	switch {
	case num != num:
		return nil
	case k == Bool:
		return num == 1
	}
	return num
}

// writeValue writes whole numbers as integers, which are shorter.
func writeValue(s *wire.Section, v any) {
	if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) <= value.MaxInt {
		v = int64(f)
	}
	value.Write(s, v)
}

func (x *picture) writeMeta(s *wire.Section) {
	s.String(x.fingerprint)
	s.Bool(!x.meta.now.IsZero())
	if !x.meta.now.IsZero() {
		s.Time(x.meta.now)
	}
	s.Varint(x.meta.pruned)
	s.Uvarint(x.meta.seq)
	s.Count(len(x.meta.defs))
	for _, a := range x.meta.defs {
		s.String(a.Name)
		s.String(a.Rule)
	}
	s.Count(len(x.meta.recent))
	for _, t := range x.meta.recent {
		s.Uvarint(uint64(t.User))
		s.String(t.Audience)
		s.Bool(t.Entered)
		s.Time(t.At)
		s.Byte(byte(t.Cause.Kind))
		s.String(t.Cause.Name)
		s.String(t.Cause.Predicate)
		s.Uvarint(t.Seq)
	}
}

// snapshot is what bytes hold, before it becomes the state.
type snapshot struct {
	now    time.Time
	pruned int64
	seq    uint64
	defs   []Audience
	recent []Transition
	table  table
	attrs  []*attribute // new ones of a dynamic index, numbered from the end
	events []*eventType
}

// UnmarshalBinary replaces the rows, the clock and the transitions with those
// of bytes that AppendBinary wrote. Audiences defined here keep their rules;
// those known only to the bytes are defined as well. Nothing is emitted but
// what a watcher asked to see again.
//
// Bytes written under another schema or retention give an error that wraps
// [ErrOptions]: rebuild from the log. Damaged bytes give one that wraps
// [ErrCorrupt], newer ones [ErrVersion]; the index is then unchanged.
func (x *Index) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, wireKind, wireVersion)
	if err != nil {
		return fmt.Errorf("segment: unmarshal: %w", err)
	}
	x.mu.Lock()
	defer x.release()
	snap := &snapshot{}
	if err := x.readMeta(f.Section(wire.Meta), snap); err != nil {
		return err
	}
	if err := x.readRows(f, snap); err != nil {
		return fmt.Errorf("segment: unmarshal: %w", err)
	}
	for _, d := range snap.defs {
		// Rules are checked before anything changes; those that name one
		// another are resolved as they are defined, in the order written.
		if _, err := x.compile(d.Rule, false); err != nil {
			return fmt.Errorf("segment: unmarshal: audience %q: %w: %w", d.Name, ErrCorrupt, err)
		}
	}
	x.adopt(snap)
	return nil
}

// adopt makes a snapshot the state.
func (x *Index) adopt(snap *snapshot) {
	for _, a := range snap.attrs {
		x.attrs = append(x.attrs, a)
		x.attrByName[a.name] = a
	}
	for _, e := range snap.events {
		x.events = append(x.events, e)
		x.eventByName[e.name] = e
	}
	x.table, x.pruned, x.swept, x.seq = table{}, snap.pruned, -never, snap.seq
	if x.now = (stamp{sec: unset}); !snap.now.IsZero() {
		x.now = stampOf(snap.now)
	}
	x.rebuild() // an empty index, in which definitions emit nothing
	for _, d := range snap.defs {
		if x.byName[d.Name] == nil {
			// A rule whose references no longer fit the receiver's own
			// definitions is left out.
			_, _ = x.define(d.Name, d.Rule)
		}
	}
	x.table = snap.table
	x.rebuild()
	x.recent.list, x.recent.head = snap.recent[max(0, len(snap.recent)-x.recent.size):], 0
	for _, w := range x.watch.list() {
		x.resend(w)
	}
}

func (x *Index) readMeta(r *wire.Reader, snap *snapshot) error {
	print := r.String()
	if r.Err() == nil && print != x.fingerprint {
		return fmt.Errorf("segment: unmarshal: %w: written with %s; this index has %s", ErrOptions, print, x.fingerprint)
	}
	if r.Bool() {
		if snap.now = r.Time(); !validTime(snap.now) {
			r.Fail("clock out of range")
		}
	}
	snap.pruned = r.Varint()
	snap.seq = r.Uvarint()
	for range r.Count(2) {
		d := Audience{Name: r.String(), Rule: r.String()}
		if d.Name == "" || !utf8.ValidString(d.Name) {
			r.Fail("bad name of an audience")
			break
		}
		snap.defs = append(snap.defs, d)
	}
	transitions := r.Count(9)
	snap.recent = make([]Transition, 0, transitions)
	for range transitions {
		snap.recent = append(snap.recent, Transition{
			User: r.Uint32(), Audience: r.String(), Entered: r.Bool(), At: r.Time(),
			Cause: Cause{Kind: CauseKind(r.Byte()), Name: r.String(), Predicate: r.String()}, Seq: r.Uvarint(),
		})
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("segment: unmarshal: %w", err)
	}
	return nil
}
