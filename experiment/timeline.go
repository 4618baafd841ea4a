package experiment

import (
	"encoding"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/wire"
)

var (
	_ encoding.BinaryAppender    = (*Timeline)(nil)
	_ encoding.BinaryMarshaler   = (*Timeline)(nil)
	_ encoding.BinaryUnmarshaler = (*Timeline)(nil)
)

// Timeline holds the [Moments] of one metric in one arm by slice of time, such
// as by day: how an arm, and against another one the effect, went over the
// weeks, where rows are not kept. Like Moments it is exact for integers,
// subtracts and merges; slices without values take no room.
//
// Values of different slices may be of the same users: compare slice by slice
// with [Welch], and the whole with the moments of one value per user, not with
// [Timeline.Total]. [Readout.Novelty] tests a slope from rows.
//
// Make it with [NewTimeline]. Not safe for concurrent use.
type Timeline struct {
	kind   Kind
	start  instant
	width  int64 // seconds
	slices map[int64]*Moments
	err    error
}

// NewTimeline returns an empty timeline of values of a kind. Slices are as long
// as width, whole seconds, and cut from start, in both directions: with the
// midnight before an experiment starts they are its days.
func NewTimeline(kind Kind, start time.Time, width time.Duration) (*Timeline, error) {
	const fn = "NewTimeline"
	switch {
	case kind > Proportion:
		return nil, &OptionError{fn, "kind", kind, "want Mean or Proportion"}
	case !usable(start):
		return nil, &ValueError{fn, "start", start, ErrTime}
	case width < time.Second || width%time.Second != 0:
		return nil, &OptionError{fn, "width", width, "want whole seconds"}
	}
	return &Timeline{kind: kind, start: instantOf(start), width: int64(width / time.Second), slices: map[int64]*Moments{}}, nil
}

// place returns the number of the slice that a time is in.
func (t *Timeline) place(at instant) int64 {
	if t.width == 0 {
		return 0
	}
	d := at.sec - t.start.sec
	if at.nsec < t.start.nsec {
		d--
	}
	i := d / t.width
	if d%t.width < 0 {
		i--
	}
	return i
}

// startOf returns when a slice starts.
func (t *Timeline) startOf(slice int64) time.Time {
	return instant{t.start.sec + slice*t.width, t.start.nsec}.time()
}

// Add adds a value at a time. What cannot be added, as in [Moments.Add] or for
// a time outside the years 1 to 9999, is left out, and [Timeline.Err] says so
// for ever.
func (t *Timeline) Add(at time.Time, x float64) { t.change("Add", at, x, (*Moments).Add) }

// Sub takes a value out that was added before at the same time, to this
// timeline or to one that is merged with it later.
func (t *Timeline) Sub(at time.Time, x float64) { t.change("Sub", at, x, (*Moments).Sub) }

func (t *Timeline) change(fn string, at time.Time, x float64, do func(*Moments, float64)) {
	if t.slices == nil {
		t.err = &OptionError{fn, "timeline", "made of nothing", "want one of NewTimeline"}
		return
	}
	if !usable(at) {
		if t.err == nil {
			t.err = &ValueError{fn, "at", at, ErrTime}
		}
		return
	}
	i := t.place(instantOf(at))
	m := t.slices[i]
	if m == nil {
		m = &Moments{Kind: t.kind}
	}
	do(m, x)
	t.put(i, m)
}

// put keeps moments that hold something, and their error for the whole.
func (t *Timeline) put(slice int64, m *Moments) {
	if m.err != nil {
		if t.err == nil {
			t.err = m.err
		}
		m.err = nil
	}
	if m.n == 0 && m.s1.sum() == (stats.Sum{}) && m.s2.sum() == (stats.Sum{}) {
		delete(t.slices, slice)
		return
	}
	t.slices[slice] = m
}

// Merge adds what o holds, which stays as it is. Timelines of other slices do
// not merge: the error wraps [ErrOptions], of other kinds [ErrKind].
func (t *Timeline) Merge(o *Timeline) error {
	if o == nil {
		return &OptionError{"Merge", "o", o, "want a timeline"}
	}
	if t.kind != o.kind {
		return &ValueError{"Merge", "kind", fmt.Sprintf("%v into %v", o.kind, t.kind), ErrKind}
	}
	if t.start != o.start || t.width != o.width {
		return &ValueError{"Merge", "slices", fmt.Sprintf("%v into %v", o, t), ErrOptions}
	}
	if t.slices == nil {
		t.slices = map[int64]*Moments{}
	}
	for i, m := range maps.Clone(o.slices) { // a copy, for o may be t
		sum := Moments{Kind: t.kind}
		if have := t.slices[i]; have != nil {
			sum = *have
		}
		from := *m
		if err := sum.Merge(&from); err != nil {
			return err
		}
		t.put(i, &sum)
	}
	if t.err == nil {
		t.err = o.err
	}
	return nil
}

// Err returns the first refusal, nil if there was none.
func (t *Timeline) Err() error { return t.err }

// All yields the slices that hold something, by time: when each starts, and a
// copy of its moments.
func (t *Timeline) All() iter.Seq2[time.Time, *Moments] {
	return func(yield func(time.Time, *Moments) bool) {
		for _, i := range slices.Sorted(maps.Keys(t.slices)) {
			m := *t.slices[i]
			if !yield(t.startOf(i), &m) {
				return
			}
		}
	}
}

// At returns a copy of the moments of the slice that a time is in, empty where
// there are none.
func (t *Timeline) At(at time.Time) *Moments {
	m := &Moments{Kind: t.kind}
	if have := t.slices[t.place(instantOf(at))]; have != nil && usable(at) {
		*m = *have
	}
	return m
}

// Total returns the moments of all values of all slices.
func (t *Timeline) Total() *Moments {
	sum := &Moments{Kind: t.kind, err: t.err}
	for _, m := range t.All() {
		_ = sum.Merge(m) // of one kind
	}
	return sum
}

// String tells the slices.
func (t *Timeline) String() string {
	return fmt.Sprintf("%d slices of %v from %s", len(t.slices), time.Duration(t.width)*time.Second, t.start.time().Format(time.RFC3339))
}

const timelineKind, timelineVersion = "experiment.Timeline", 0

// AppendBinary appends the timeline to b. One with an Err is not written.
func (t *Timeline) AppendBinary(b []byte) ([]byte, error) {
	if t.err != nil {
		return b, t.err
	}
	w := wire.NewWriter(timelineKind, timelineVersion)
	s := w.Section("slices")
	s.Byte(byte(t.kind))
	s.Varint(t.start.sec)
	s.Uvarint(uint64(t.start.nsec))
	s.Varint(t.width)
	s.Count(len(t.slices))
	last := int64(0)
	for _, i := range slices.Sorted(maps.Keys(t.slices)) {
		m := t.slices[i]
		s.Varint(i - last)
		last = i
		s.Varint(m.n)
		m.s1.sum().Write(s)
		m.s2.sum().Write(s)
	}
	return w.AppendTo(b), nil
}

// MarshalBinary is AppendBinary of nothing.
func (t *Timeline) MarshalBinary() ([]byte, error) { return t.AppendBinary(nil) }

// UnmarshalBinary replaces t, its slices too, by what AppendBinary wrote.
// Damaged bytes are an error that wraps [ErrCorrupt] or [ErrVersion] and leave
// t as it was.
func (t *Timeline) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, timelineKind, timelineVersion)
	if err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	r := f.Section("slices")
	d := Timeline{kind: Kind(r.Byte()), start: readAt(r, 0), width: r.Varint(), slices: map[int64]*Moments{}}
	const span = maxSecond - minSecond
	if d.kind > Proportion || d.width < 1 || d.width > int64(1<<63-1)/int64(time.Second) {
		r.Fail("unknown kind %d or width %d", d.kind, d.width)
	}
	last := int64(0)
	for i := range r.Count(34) {
		step := r.Varint()
		m := &Moments{Kind: d.kind, n: r.Varint()}
		m.s1.set(stats.ReadSum(r))
		m.s2.set(stats.ReadSum(r))
		if r.Err() != nil {
			break
		}
		if step < -span-1 || step > 2*span+2 || i > 0 && step < 1 {
			r.Fail("slices out of order")
			break
		}
		last += step
		if last < -span/d.width-1 || last > span/d.width+1 {
			r.Fail("slice %d outside the years 1 to 9999", last)
			break
		}
		if d.put(last, m); d.slices[last] == nil {
			r.Fail("empty slice %d", last)
		}
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	*t = d
	return nil
}
