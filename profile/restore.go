package profile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/zhun-go/zhun/internal/value"
	"github.com/zhun-go/zhun/internal/wire"
)

// decoder reads what an encoder wrote into an empty store.
type decoder struct {
	s          *Store
	f          *wire.Frame
	attributes []uint32 // by place
	nodes      []uint32 // by place
	ofNode     []uint32 // the place of the person, by place
	ofSet      []uint32
	people     []*person
	same       bool // the options are those of the writer
	sameKeys   bool
}

// restore replaces the state by what was written. Strict bytes are refused
// when they are not what a store writes.
func (s *Store) restore(data []byte, strict bool) error {
	o, err := s.decode(data, strict)
	if err != nil {
		return err
	}
	s.adoptState(o)
	return nil
}

// decode returns a store with the same options that is what was written.
func (s *Store) decode(data []byte, strict bool) (*Store, error) {
	f, err := wire.Open(data, stateKind, stateVersion)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	opts := s.opts
	o, err := New(&opts)
	if err != nil {
		return nil, err
	}
	d := decoder{s: o, f: f}
	for _, read := range []func() error{d.meta, d.names, d.keys, d.combinations, d.persons, d.events, d.stamps, d.rest} {
		if err := read(); errors.Is(err, ErrOptions) {
			return nil, err
		} else if err != nil {
			return nil, fmt.Errorf("profile: %w", err)
		}
	}
	o.otherKeys, o.otherTraits = !d.sameKeys, !d.same
	if !d.sameKeys {
		o.reconsiderAll()
	}
	if strict && d.same && d.sameKeys && f.Version == stateVersion {
		w := o.encode()
		for _, name := range f.Names() {
			if name != wire.Meta && !bytes.Equal(f.Payload(name), w.Payload(name)) {
				return nil, fmt.Errorf("profile: %w", &wire.Error{Kind: stateKind, Section: name, Reason: "not in the order of a store", Err: wire.ErrCorrupt})
			}
		}
	}
	return o, nil
}

// reconsiderAll works out who is who by the options in force.
func (s *Store) reconsiderAll() {
	g := &s.graph
	var all, flipped []uint32
	for n := range g.nodes {
		if g.nodes[n].person == nil {
			continue
		}
		all = append(all, uint32(n))
		if g.refresh(uint32(n)) {
			flipped = append(flipped, uint32(n))
		}
	}
	if len(all) > 0 {
		// A list of flipped nodes makes regroup compare all groups.
		s.regroup(g.partition(all), append(flipped, all[0]))
	}
}

func readInstant(r *wire.Reader) instant {
	i := instant{r.Varint(), 0}
	ns := r.Uvarint()
	if ns >= 1e9 {
		r.Fail("bad nanoseconds")
	}
	i.nsec = uint32(ns)
	if i != never() && !usable(i.time()) {
		r.Fail("time out of range")
	}
	return i
}

func (d *decoder) meta() error {
	r, s := d.f.Section(wire.Meta), d.s
	shard, shards := r.Uint32(), r.Uint32()
	secret, identity, derived := r.Bytes(), r.Bytes(), r.Bytes()
	if r.Err() != nil {
		return r.Err()
	}
	if shard != s.opts.Shard || shards != s.opts.Shards {
		return fmt.Errorf("%w: Shard = %d of %d: the bytes are of %d of %d", ErrOptions, s.opts.Shard, s.opts.Shards, shard, shards)
	}
	if !bytes.Equal(secret, s.optionMarks.secret) {
		return fmt.Errorf("%w: Secret is another than the one these were written with", ErrOptions)
	}
	d.sameKeys = bytes.Equal(identity, s.optionMarks.identity)
	d.same = bytes.Equal(derived, s.optionMarks.derived)
	s.clock = readInstant(r)
	s.seq, s.next, s.subjects = r.Uvarint(), r.Uvarint(), r.Uvarint()
	if s.next == 0 || s.next > 1<<33 || s.next%uint64(shards) != uint64(shard) || s.subjects > maxSubject {
		r.Fail("next number %d, or subject %d", s.next, s.subjects)
	}
	for i := range r.Count(1) {
		s.doomed = append(s.doomed, r.Uvarint())
		if i > 0 && s.doomed[i] <= s.doomed[i-1] {
			r.Fail("subjects out of order")
		}
	}
	for range r.Count(2) {
		s.marks = append(s.marks, reach{r.Varint(), r.Uvarint()})
	}
	counters := s.stats.counters()
	if n := r.Count(1); n != len(counters) {
		r.Fail("%d counters, want %d", n, len(counters))
	}
	for _, c := range counters {
		*c = r.Uvarint()
	}
	for range r.Count(3) {
		name, risk, lapse := r.String(), time.Duration(r.Varint()), time.Duration(r.Varint())
		i, ok := s.traitNames[name]
		if !ok || s.opts.Traits[i].Kind != Stage {
			continue
		}
		t := &s.opts.Traits[i]
		if risk < time.Second || lapse <= risk {
			r.Fail("stages of trait %q", name)
			continue
		}
		if t.Stages.AtRiskAfter == 0 {
			t.stages.AtRiskAfter = risk
		}
		if t.Stages.LapsedAfter == 0 {
			t.stages.LapsedAfter = max(lapse, t.stages.AtRiskAfter+time.Second)
		}
		t.stages.AtRiskAfter = min(t.stages.AtRiskAfter, t.stages.LapsedAfter-time.Second)
	}
	return r.Close()
}

func (d *decoder) persons() error {
	r, s, g := d.f.Section(partPersons), d.s, &d.s.graph
	n := r.Count(7)
	if n > len(d.nodes) {
		r.Fail("more persons than keys")
		return r.Err()
	}
	d.people = make([]*person, n)
	for i := range d.people {
		d.people[i] = &person{}
	}
	size := make([]uint32, n) // of the persons' lists
	for i, of := range d.ofNode {
		if int(of) >= n {
			r.Fail("key of person %d of %d", of, n)
			return r.Err()
		}
		if len(g.nodes[d.nodes[i]].sets) == 0 {
			r.Fail("key in no combination")
			return r.Err()
		}
		size[of]++
	}
	for _, of := range d.ofSet {
		if int(of) >= n {
			r.Fail("combination of person %d of %d", of, n)
			return r.Err()
		}
		size[of]++
	}
	for i, p := range d.people {
		p.ids = make([]uint32, 0, size[i])
	}
	for i, of := range d.ofNode {
		p := d.people[of]
		g.nodes[d.nodes[i]].person = p
		p.ids = append(p.ids, d.nodes[i])
		p.keys += 2 // one key more
	}
	for k, of := range d.ofSet {
		s.own(d.people[of], uint32(k))
	}
	before := uint32(0)
	for _, p := range d.people {
		if len(p.nodes()) == 0 {
			r.Fail("person without a key")
			return r.Err()
		}
		slices.SortFunc(p.nodes(), g.stronger)
		d.person(r, p)
		if r.Err() != nil {
			return r.Err()
		}
		if p.number <= before {
			r.Fail("persons out of order")
		}
		before = p.number
	}
	return r.Close()
}

func (d *decoder) person(r *wire.Reader, p *person) {
	s, g := d.s, &d.s.graph
	p.contest(r.Bool())
	n := r.Count(2)
	pins := make([]pin, 0, n)
	for i := range n {
		number, place := r.Uint32(), r.Index(len(d.nodes))
		if r.Err() != nil {
			return
		}
		node := d.nodes[place]
		if number == 0 || i > 0 && number <= pins[i-1].number || s.people.of(number) != nil || g.nodes[node].person != p {
			r.Fail("number %d", number)
			return
		}
		pins = append(pins, pin{number, node})
		s.people.put(number, p)
	}
	if len(pins) == 0 {
		r.Fail("person without a number")
		return
	}
	p.setPins(pins)
	p.number = pins[0].number
	s.live.Add(p.number)
	// What is stated belongs to whom the combination belongs to.
	set := func() uint32 {
		k := r.Index(len(d.ofSet))
		if r.Err() == nil && g.sets[k].owner != p {
			r.Fail("combination of another person")
		}
		return uint32(k)
	}
	n = r.Count(5)
	cells := make([]cell, 0, n)
	for i := range n {
		k := r.Index(len(d.attributes))
		c := cell{set: set(), at: readInstant(r), value: value.Read(r)}
		if r.Err() != nil {
			return
		}
		c.name = d.attributes[k]
		if i > 0 && cmp.Or(cmp.Compare(cells[i-1].name, c.name), cmp.Compare(cells[i-1].set, c.set)) >= 0 {
			r.Fail("attributes out of order")
		}
		cells = append(cells, c)
	}
	p.setCells(cells)
	n = r.Count(6)
	consents := make([]consent, 0, n)
	for i := range n {
		c := consent{purpose: r.String(), at: readInstant(r), granted: r.Bool(), source: r.String(), set: set()}
		if r.Err() != nil {
			return
		}
		if i > 0 && consents[i-1].compare(c) >= 0 {
			r.Fail("consents out of order")
		}
		consents = append(consents, c)
	}
	p.setConsents(consents)
	n = r.Count(15)
	tags := make([]tagging, 0, n)
	for i := range n {
		t := tagging{name: r.String(), source: r.String(), set: set(), at: readInstant(r), until: never()}
		if r.Bool() {
			if t.until = readInstant(r); t.until == never() {
				r.Fail("bad expiry")
			}
		}
		t.confidence = r.Float()
		if !(t.confidence >= 0 && t.confidence <= 1) {
			r.Fail("confidence %v", t.confidence)
		}
		if r.Err() != nil {
			return
		}
		if i > 0 && tags[i-1].place(t) >= 0 {
			r.Fail("tags out of order")
		}
		tags = append(tags, t)
	}
	p.setTags(tags)
}

// stamps computes the traits anew and says when they last changed.
func (d *decoder) stamps() error {
	r, s := d.f.Section(partTraits), d.s
	names := readSorted(r, "traits")
	if r.Err() != nil {
		return r.Err()
	}
	known := func(trait uint32) bool {
		_, ok := slices.BinarySearch(names, s.opts.Traits[trait].Name)
		return ok
	}
	recount := s.recountUnstamped
	for i := range s.opts.Traits {
		if !known(uint32(i)) {
			recount = s.recount
		}
	}
	for _, p := range d.people {
		recount(p)
		s.indexConsents(p)
		s.noteOldest(p)
		for i := range p.traits() {
			if c := &p.traits()[i]; known(c.trait) {
				c.stamp = packed{}
			}
		}
		for i := range p.windows() {
			if w := &p.windows()[i]; known(w.trait) {
				w.stamp = packed{}
			}
		}
		if len(names) == 0 {
			continue
		}
		last := -1
		for range r.Count(3) {
			k, stamp := r.Index(len(names)), readInstant(r)
			if r.Err() != nil {
				return r.Err()
			}
			if k <= last || stamp == never() {
				r.Fail("stamps out of order")
				return r.Err()
			}
			last = k
			if i, ok := s.traitNames[names[k]]; ok {
				d.stamp(p, i, stamp)
			}
		}
	}
	return r.Close()
}

func (d *decoder) stamp(p *person, trait int, at instant) {
	if c := p.cell(trait); c != nil {
		c.stamp = pack(at)
		return
	}
	w := p.window(trait)
	if w == nil {
		if t := &d.s.opts.Traits[trait]; t.Window == 0 && t.Kind != Tags {
			return // there was an event that the options of now do not count
		}
		w = p.newWindow(trait)
	}
	w.stamp = pack(at)
}

func (d *decoder) rest() error {
	s := d.s
	r := d.f.Section(partRefusals)
	var last [32]byte
	for i := range r.Count(34) {
		var h [32]byte
		for j := 0; j < len(h); j += 8 {
			putUint64(h[j:], r.Uint64())
		}
		until := readInstant(r)
		if i > 0 && bytes.Compare(last[:], h[:]) >= 0 || until == never() && r.Err() == nil {
			r.Fail("refusals out of order")
		}
		last = h
		s.tombs.until[h] = until
	}
	if err := r.Close(); err != nil {
		return err
	}
	r = d.f.Section(partIDs)
	turn := r.Varint()
	buckets, width := r.Uvarint(), r.Uvarint()
	var lists [2][]xxh3.Uint128
	for i := range lists {
		n := r.Count(16)
		lists[i] = make([]xxh3.Uint128, 0, n)
		for k := range n {
			h := xxh3.Uint128{Hi: r.Uint64(), Lo: r.Uint64()}
			if k > 0 && compareHashes(lists[i][k-1], h) >= 0 {
				r.Fail("ids out of order")
			}
			lists[i] = append(lists[i], h)
		}
	}
	if r.Err() == nil && !s.seen.restore(turn, buckets, uint(width), lists[0], lists[1]) {
		r.Fail("ids that no sieve holds")
	}
	if err := r.Close(); err != nil {
		return err
	}
	r = d.f.Section(partRecords)
	key := ""
	for range r.Count(2) {
		k := r.String()
		if strings.Compare(key, k) >= 0 {
			r.Fail("records out of order")
		}
		key = k
		s.records[k] = r.Bytes()
	}
	return r.Close()
}
