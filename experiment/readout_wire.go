package experiment

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/zhun-go/zhun/internal/byuser"
	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/wire"
)

const readoutKind, readoutVersion = "experiment.Readout", 0

// What most rows take.
const exposureBytes, outcomeBytes = 9, 15

// picture is what a readout held at an instant. Rows are shared with the
// readout, which never changes one that is there.
type picture struct {
	fingerprint string
	names       [3][]string // arms, units, sources
	users       byuser.Table[rows]
	clock       instant
	clocked     bool
}

func (r *Readout) picture() *picture {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &picture{fingerprint: r.set.fingerprint, clock: r.clock, clocked: r.clocked, users: r.users.Freeze()}
	for i, d := range []*ids.Dict{&r.names.arms, &r.names.units, &r.names.sources} {
		p.names[i] = slices.Clip(d.Names()) // which only grow
	}
	return p
}

// Snapshot returns a picture of the present state that later changes do not
// touch; it writes the bytes of [Readout.AppendBinary]. Taking it costs 12 bytes
// for 256 users, and the encoding is done outside the lock. The picture is
// immutable and safe for concurrent use.
func (r *Readout) Snapshot() io.WriterTo { return r.picture() }

// WriteTo writes the picture in one piece.
func (p *picture) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(p.append(nil))
	return int64(n), err
}

// AppendBinary appends the state to b: the rows of each user by ascending
// number, with dictionaries of the names in use, and beside them the clock and
// a fingerprint of the options. It cannot fail, and encodes outside the lock.
func (r *Readout) AppendBinary(b []byte) ([]byte, error) { return r.picture().append(b), nil }

func (p *picture) append(b []byte) []byte {
	var used [3][]bool
	for i, names := range p.names {
		used[i] = make([]bool, len(names))
	}
	for _, u := range p.users.All() {
		for _, e := range u.exposures {
			used[0][e.arm], used[1][e.unit] = true, true
		}
		for _, o := range u.outcomes {
			used[2][o.source] = true
		}
	}
	w := wire.NewWriter(readoutKind, readoutVersion)
	names := w.Section("names")
	var rank [3][]int
	for i := range p.names {
		var list []string
		list, rank[i] = inOrder(p.names[i], used[i])
		names.Strings(list)
	}
	s := w.Section("rows")
	room := 10
	for _, u := range p.users.All() {
		room += 6 + exposureBytes*len(u.exposures) + outcomeBytes*len(u.outcomes)
	}
	s.Grow(room)
	s.Count(p.users.Len())
	last := uint32(0)
	for user, u := range p.users.All() {
		s.Uvarint(uint64(user - last))
		last = user
		s.Count(len(u.exposures))
		at := int64(0)
		for _, e := range u.exposures {
			at = writeAt(s, e.at, at)
			s.Uvarint(uint64(rank[0][e.arm]))
			s.Uvarint(uint64(e.epoch))
			s.Uvarint(uint64(rank[1][e.unit]))
		}
		s.Count(len(u.outcomes))
		at = 0
		for _, o := range u.outcomes {
			at = writeAt(s, o.at, at)
			s.Uvarint(uint64(rank[2][o.source]))
			s.Float(o.value)
		}
	}
	meta := w.Section(wire.Meta)
	meta.String(p.fingerprint)
	meta.Bool(p.clocked)
	meta.Varint(p.clock.sec)
	meta.Uvarint(uint64(p.clock.nsec))
	return w.AppendTo(b)
}

// inOrder returns the names in use in the order of the library, and the place
// of each there.
func inOrder(names []string, used []bool) (list []string, rank []int) {
	var order []int
	for i := range names {
		if used[i] {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return ids.Compare(names[a], names[b]) })
	rank = make([]int, len(names))
	for place, i := range order {
		list = append(list, names[i])
		rank[i] = place
	}
	return list, rank
}

// writeAt writes a time as seconds since the row before.
func writeAt(s *wire.Section, at instant, before int64) int64 {
	s.Varint(at.sec - before)
	s.Uvarint(uint64(at.nsec))
	return at.sec
}

// MarshalBinary is AppendBinary of nothing.
func (r *Readout) MarshalBinary() ([]byte, error) { return r.AppendBinary(nil) }

// UnmarshalBinary replaces the state by what AppendBinary wrote. Damaged bytes
// are an error that wraps [ErrCorrupt] or [ErrVersion]; bytes of another
// experiment, or of a readout that read events differently, wrap [ErrOptions];
// both leave the readout as it was. The options stay the receiver's.
func (r *Readout) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, readoutKind, readoutVersion)
	if err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	d := new(Readout)
	meta := f.Section(wire.Meta)
	fingerprint := meta.String()
	d.clocked = meta.Bool()
	d.clock = readAt(meta, 0)
	if !d.clocked && d.clock != (instant{}) {
		meta.Fail("a time on a clock that never moved")
	}
	if err := meta.Close(); err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	if fingerprint != r.set.fingerprint {
		return &ValueError{"UnmarshalBinary", "options", fingerprint, ErrOptions}
	}
	n := f.Section("names")
	var used [3][]bool
	for i, dict := range []*ids.Dict{&d.names.arms, &d.names.units, &d.names.sources} {
		list := n.Names()
		dict.Grow(len(list))
		for j, name := range list {
			if j > 0 && ids.Compare(list[j-1], name) >= 0 {
				n.Fail("names out of order")
			}
			dict.ID(name)
		}
		used[i] = make([]bool, len(list))
	}
	if err := n.Close(); err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	s := f.Section("rows")
	users := s.Count(3)
	user := uint64(0)
	for range users {
		step := s.Uvarint()
		if step == 0 || step > math.MaxUint32-user {
			s.Fail("users out of order")
		}
		user += step
		u := d.readRows(s, &used)
		if s.Err() != nil {
			break
		}
		*d.users.Own(uint32(user)) = *u
	}
	for _, list := range used {
		if s.Err() == nil && slices.Contains(list, false) {
			s.Fail("a name that no row uses")
		}
	}
	if err := s.Close(); err != nil {
		return fmt.Errorf("experiment: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names, r.users, r.clock, r.clocked = d.names, d.users, d.clock, d.clocked
	r.old.Clear()
	for user, u := range r.users.All() {
		r.noteOldest(user, u)
	}
	r.prune()
	return nil
}

func (r *Readout) readRows(s *wire.Reader, used *[3][]bool) *rows {
	u := new(rows)
	index := func(dict int) uint32 {
		i := s.Index(len(used[dict]))
		if s.Err() == nil {
			used[dict][i] = true
		}
		return uint32(i)
	}
	at := int64(0)
	n := s.Count(5)
	if n > 0 {
		u.exposures = make([]exposure, 0, n)
	}
	for range n {
		var e exposure
		e.at = readAt(s, at)
		at = e.at.sec
		e.arm = index(0)
		e.epoch = s.Uint32()
		e.unit = index(1)
		if s.Err() != nil {
			return nil
		}
		if e.epoch > math.MaxInt32 || r.names.arms.Name(e.arm) == "" {
			s.Fail("bad exposure")
		}
		if k := len(u.exposures); k > 0 && r.names.compareExposures(u.exposures[k-1], e) > 0 {
			s.Fail("exposures out of order")
		}
		u.exposures = append(u.exposures, e)
	}
	at = 0
	if n = s.Count(11); n > 0 {
		u.outcomes = make([]outcome, 0, n)
	}
	for range n {
		var o outcome
		o.at = readAt(s, at)
		at = o.at.sec
		o.source = index(2)
		o.value = s.Float()
		if s.Err() != nil {
			return nil
		}
		if math.Abs(o.value) > maxValue || o.value == 0 && math.Signbit(o.value) {
			s.Fail("bad value")
		}
		if k := len(u.outcomes); k > 0 && r.names.compareOutcomes(u.outcomes[k-1], o) > 0 {
			s.Fail("outcomes out of order")
		}
		u.outcomes = append(u.outcomes, o)
	}
	if len(u.exposures) == 0 && len(u.outcomes) == 0 {
		s.Fail("a user without rows")
	}
	return u
}

// minSecond and maxSecond bound the years 1 to 9999.
const minSecond, maxSecond = -62135596800, 253402300799

func readAt(s *wire.Reader, before int64) instant {
	step, nsec := s.Varint(), s.Uvarint()
	if step > maxSecond-minSecond || step < minSecond-maxSecond || nsec >= 1e9 {
		s.Fail("bad time")
		return instant{}
	}
	at := instant{before + step, uint32(nsec)}
	if at.sec < minSecond || at.sec > maxSecond {
		s.Fail("time outside the years 1 to 9999")
	}
	return at
}
