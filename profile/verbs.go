package profile

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"
)

// appendAt appends an instant that a caller gave.
func appendAt(b []byte, t time.Time) []byte { return appendInstant(b, instantOf(t)) }

// statementVerb is Grant and Deny.
type statementVerb struct {
	user            uint32
	purpose, source string
	at              time.Time
	granted         bool
	err             error
}

func (v *statementVerb) kind() byte { return recordStatement }

func (v *statementVerb) prepare(s *Store) (command, error) {
	p := s.people.of(v.user)
	switch {
	case p == nil:
		return command{}, userError(v.user)
	case v.purpose == "":
		return command{}, ErrPurpose
	case !usable(v.at):
		return command{}, timeError(v.at)
	}
	b := binary.AppendUvarint(nil, uint64(v.user))
	b = appendText(appendText(b, v.purpose), v.source)
	b = appendAt(b, v.at)
	return command{subject: s.spokenSubject(p), data: appendFlag(b, v.granted)}, nil
}

func (v *statementVerb) read(x *eventScan) {
	v.user, v.purpose, v.source, v.at, v.granted = x.user(), string(x.text()), string(x.text()), x.instant().time(), x.flag()
}

func (v *statementVerb) apply(s *Store, subject uint64) {
	v.err = s.decideLocked(v.user, v.purpose, v.at, v.source, v.granted)
	s.seal(v.user, subject)
}

// tagVerb is Tag and Untag.
type tagVerb struct {
	user uint32
	t    Tag
	c    Change
	err  error
}

func (v *tagVerb) kind() byte { return recordTag }

func (v *tagVerb) prepare(s *Store) (command, error) {
	p := s.people.of(v.user)
	if p == nil {
		return command{}, userError(v.user)
	}
	if err := v.t.check(); err != nil {
		return command{}, err
	}
	b := binary.AppendUvarint(nil, uint64(v.user))
	b = appendText(appendText(b, v.t.Name), v.t.Source)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v.t.Confidence))
	b = appendFlag(appendAt(b, v.t.At), !v.t.Until.IsZero())
	if !v.t.Until.IsZero() {
		b = appendAt(b, v.t.Until)
	}
	return command{subject: s.spokenSubject(p), data: b}, nil
}

func (v *tagVerb) read(x *eventScan) {
	v.user, v.t.Name, v.t.Source = x.user(), string(x.text()), string(x.text())
	if b := x.take(8); b != nil {
		v.t.Confidence = math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	if v.t.At = x.instant().time(); x.flag() {
		v.t.Until = x.instant().time()
	}
}

func (v *tagVerb) apply(s *Store, subject uint64) {
	v.c, v.err = s.tagLocked(v.user, v.t)
	s.seal(v.user, subject)
}

// spokenSubject returns whose key seals what the host says of a person.
func (s *Store) spokenSubject(p *person) uint64 {
	if k, ok := s.graph.set(p.nodes()[:1]); ok && s.graph.sets[k].subject() != 0 {
		return s.graph.sets[k].subject()
	}
	return newSubject
}

// seal notes whose key seals what the host says of a person.
func (s *Store) seal(user uint32, subject uint64) {
	if p := s.people.of(user); p != nil && subject != 0 {
		if k, ok := s.graph.set(p.nodes()[:1]); ok && s.graph.sets[k].subject() == 0 {
			s.graph.sets[k].setSubject(subject)
		}
	}
}

// advanceVerb is Advance.
type advanceVerb struct {
	now  time.Time
	each func(Change)
	err  error
}

func (v *advanceVerb) kind() byte { return recordAdvance }

func (v *advanceVerb) prepare(*Store) (command, error) {
	if !usable(v.now) {
		return command{}, timeError(v.now)
	}
	return command{clear: appendFlag(appendAt(nil, v.now), v.each != nil)}, nil
}

func (v *advanceVerb) read(x *eventScan) {
	if v.now = x.instant().time(); x.flag() {
		v.each = func(Change) {}
	}
}

func (v *advanceVerb) apply(s *Store, _ uint64) { v.err = s.advanceLocked(v.now, v.each) }

// learnVerb is LearnStages.
type learnVerb struct {
	trait  string
	each   func(Change)
	stages Stages
	err    error
}

func (v *learnVerb) kind() byte { return recordLearn }

func (v *learnVerb) prepare(*Store) (command, error) {
	return command{data: appendFlag(appendText(nil, v.trait), v.each != nil)}, nil
}

func (v *learnVerb) read(x *eventScan) {
	if v.trait = string(x.text()); x.flag() {
		v.each = func(Change) {}
	}
}

func (v *learnVerb) apply(s *Store, _ uint64) { v.stages, v.err = s.learnStagesLocked(v.trait, v.each) }

// unmergeVerb is Unmerge.
type unmergeVerb struct {
	user uint32
	key  Key
	c    Change
	err  error
}

func (v *unmergeVerb) kind() byte { return recordUnmerge }

func (v *unmergeVerb) prepare(s *Store) (command, error) {
	p := s.people.of(v.user)
	if p == nil {
		return command{}, userError(v.user)
	}
	n, err := s.known(v.key)
	if err != nil {
		return command{}, err
	}
	g := &s.graph
	if g.nodes[n].person != p {
		return command{}, notTheirs(v.user, g.key(n))
	}
	if s.left() < uint64(len(p.nodes())) {
		return command{}, ErrExhausted
	}
	b := binary.AppendUvarint(nil, uint64(v.user))
	c := command{subject: newSubject, data: appendText(appendText(b, v.key.Kind), v.key.Value)}
	if x := g.sets[g.strongestSet(n)].subject(); x != 0 {
		c.subject = x
	}
	return c, nil
}

func (v *unmergeVerb) read(x *eventScan) {
	v.user, v.key = x.user(), Key{string(x.text()), string(x.text())}
}

func (v *unmergeVerb) apply(s *Store, subject uint64) {
	if n, err := s.known(v.key); err == nil && subject != 0 {
		if set := &s.graph.sets[s.graph.strongestSet(n)]; set.subject() == 0 {
			set.setSubject(subject)
		}
	}
	v.c, v.err = s.unmergeLocked(v.user, v.key)
}

// strongestSet returns the first of the combinations of a key by their keys.
func (g *identity) strongestSet(n uint32) uint32 {
	return g.base(slices.MinFunc(g.nodes[n].sets, g.compareSets))
}

// importVerb is Import.
type importVerb struct {
	data []byte
	user uint32
	err  error
}

func (v *importVerb) kind() byte { return recordImport }

// The data concern several combinations, so a key of their own seals them
// until the next snapshot.
func (v *importVerb) prepare(s *Store) (command, error) {
	if s.durable == nil {
		return command{}, nil
	}
	if _, err := parseExport(v.data); err != nil {
		return command{}, err
	}
	return command{subject: newSubject, data: v.data}, nil
}

func (v *importVerb) read(x *eventScan) { v.data = append([]byte(nil), x.take(len(x.b))...) }

func (v *importVerb) apply(s *Store, subject uint64) {
	v.user, v.err = s.importLocked(v.data)
	s.doom(subject)
}

// doom lists subjects whose keys go when the next snapshot stands.
func (s *Store) doom(subjects ...uint64) {
	for _, x := range subjects {
		if x != 0 {
			s.doomed = append(s.doomed, x)
		}
	}
	slices.Sort(s.doomed)
	s.doomed = slices.Compact(s.doomed)
}

// mergeVerb is Merge, with the other store as its bytes.
type mergeVerb struct {
	data     []byte
	other    *Store // for its options only, when there are data
	attached bool
	renamed  map[uint32]uint32
	err      error
}

func (v *mergeVerb) kind() byte { return recordMerge }

// mergePart is how many bytes of another store one record holds.
const mergePart = 1 << 20

func (v *mergeVerb) prepare(s *Store) (command, error) {
	if s.durable == nil {
		return command{}, s.mergeable(v.other, slices.ContainsFunc(v.other.views, isAttached))
	}
	if err := s.mergeable(v.other, v.attached); err != nil {
		return command{}, err
	}
	c := command{subject: newSubject, data: binary.AppendUvarint(nil, uint64(v.other.opts.Shard))}
	for part := range slices.Chunk(v.data, mergePart) {
		c.more = append(c.more, part)
	}
	return c, nil
}

func (v *mergeVerb) read(*eventScan) {}

// apply merges what was written where something was, so that a replay merges
// the same.
func (v *mergeVerb) apply(s *Store, subject uint64) {
	s.doom(subject)
	o := v.other
	if v.data != nil {
		opts := s.opts
		opts.Shard, opts.Traits = o.opts.Shard, nil
		fresh, err := New(&opts)
		if err == nil {
			o, err = fresh.decode(v.data, false)
		}
		if err != nil {
			v.err = err
			return
		}
	}
	s.dropReserved()
	v.renamed, _ = s.merge(o)
	s.compact()
	s.scrub()
}

// eraseVerb is Erase. It names all numbers of the person, who may be several
// persons when the journal is replayed without what it can no longer read.
type eraseVerb struct {
	user    uint32
	numbers []uint32
	hashes  [][32]byte
	until   instant
	doomed  []uint64 // subjects that go with the next snapshot
	forget  []uint64 // subjects that go at once
	r       Receipt
	err     error
}

func (v *eraseVerb) kind() byte { return recordErase }

func (v *eraseVerb) prepare(s *Store) (command, error) {
	p := s.people.of(v.user)
	if p == nil {
		return command{}, userError(v.user)
	}
	v.user = p.number
	for _, x := range p.pins() {
		v.numbers = append(v.numbers, x.number)
	}
	v.until = s.clock
	g := &s.graph
	sets := s.setsOf(p.nodes())
	var subjects []uint64
	free := len(s.doomed) == 0 && len(s.views) == 0 && !p.contested()
	for k := range sets {
		set := &g.sets[k]
		v.until = latestOf(v.until, set.last.instant())
		if x := set.subject(); x != 0 {
			subjects = append(subjects, x)
		}
		free = free && set.owner == p && !slices.ContainsFunc(set.nodes, func(n uint32) bool { return g.nodes[n].person != p })
	}
	for _, k := range p.sets() {
		free = free && sets[k]
	}
	for _, n := range p.nodes() {
		nd := &g.nodes[n]
		free = free && !nd.shared && !nd.cut && !nd.crowded
		v.hashes = append(v.hashes, s.tombs.hash(g.key(n)))
	}
	slices.Sort(subjects)
	if free {
		v.forget = subjects
	} else {
		v.doomed = subjects
	}
	if s.durable == nil {
		return command{}, nil
	}
	b := binary.AppendUvarint(nil, uint64(v.user))
	b = binary.AppendUvarint(b, uint64(len(v.numbers)))
	for _, n := range v.numbers {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = appendInstant(b, v.until)
	b = binary.AppendUvarint(b, uint64(len(v.hashes)))
	for _, h := range v.hashes {
		b = append(b, h[:]...)
	}
	b = binary.AppendUvarint(b, uint64(len(v.doomed)))
	for _, x := range v.doomed {
		b = binary.AppendUvarint(b, x)
	}
	b = binary.AppendUvarint(b, uint64(len(v.forget)))
	for _, x := range v.forget {
		b = binary.AppendUvarint(b, x)
	}
	return command{data: b, forget: v.forget, recount: true}, nil
}

func (v *eraseVerb) read(x *eventScan) {
	v.user = x.user()
	for range x.count(1) {
		v.numbers = append(v.numbers, x.user())
	}
	v.until = x.instant()
	for range x.count(32) {
		var h [32]byte
		copy(h[:], x.take(32))
		v.hashes = append(v.hashes, h)
	}
	for range x.count(1) {
		v.doomed = append(v.doomed, x.uvarint())
	}
	for range x.count(1) {
		v.forget = append(v.forget, x.uvarint())
	}
}

func (v *eraseVerb) apply(s *Store, _ uint64) {
	seq := s.seq + 1
	for _, n := range append([]uint32{v.user}, v.numbers...) {
		if s.people.of(n) == nil {
			continue
		}
		r, err := s.eraseLocked(n, v.until)
		if v.err = errors.Join(v.err, err); n == v.user {
			v.r = r
		}
	}
	for _, h := range v.hashes {
		s.tombs.add(h, v.until)
	}
	s.seq = seq
	s.doom(v.doomed...)
}

func appendFlag(b []byte, on bool) []byte {
	if on {
		return append(b, 1)
	}
	return append(b, 0)
}

func (x *eventScan) flag() bool {
	b := x.take(1)
	return b != nil && b[0] == 1
}

func (x *eventScan) user() uint32 {
	n := x.uvarint()
	if n > math.MaxUint32 {
		x.fail("user number beyond 32 bits")
	}
	return uint32(n)
}
