package profile

import (
	"bytes"
	"cmp"
	"encoding"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/value"
	"github.com/zhun-go/zhun/internal/wire"
)

// ErrCorrupt and ErrVersion are wrapped by errors about bytes and files that
// are not what a store wrote, or of a version this build does not read.
var (
	ErrCorrupt = wire.ErrCorrupt
	ErrVersion = wire.ErrVersion
)

var (
	_ encoding.BinaryAppender    = (*Store)(nil)
	_ encoding.BinaryUnmarshaler = (*Store)(nil)
)

const (
	stateKind    = "profile.Store"
	stateVersion = 2 // 1 lacks what combinations first came from
)

// Sections of the bytes of a store.
const (
	partNames    = "names"        // of attributes, events and fields, sorted
	partKeys     = "keys"         // by kind, then value, with whom they belong to
	partSets     = "combinations" // of keys, by their keys
	partPersons  = "persons"      // by number: numbers, attributes, consents, tags
	partEvents   = "events"       // by person, time, id
	partTraits   = "traits"       // when each last changed, as views saw it
	partRefusals = "refusals"     // of erased keys
	partIDs      = "ids"          // of the dedupe window
	partRecords  = "records"      // of the host
)

// eventBytes is what most events take beside their content: the time since
// the one before, the combination, the length.
const eventBytes = 12

// AppendBinary appends the whole of the store as it is between two changes:
// who is who, with the numbers they have, statements, events, refusals, the
// dedupe window, host records, clock and counts. What follows from those
// (values of traits, windows, who allows what) is not among it, nor are views
// and what [BotRules] have seen of keys. Equal stores have equal bytes,
// however they came to be. Changes wait meanwhile. Errors: [ErrClosed].
//
// The bytes hold the identifiers of persons, and a hash of Options.Secret.
func (s *Store) AppendBinary(b []byte) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	return s.encode().AppendTo(b), nil
}

// UnmarshalBinary makes the store what AppendBinary wrote. Its options must
// have the same Shard, Shards and Secret; with other traits, limits or
// retention the state is what follows from those. No views may be attached,
// and the store must not be one of [Open].
//
// Errors wrap [ErrCorrupt], [ErrVersion], [ErrOptions], [ErrView] or
// [ErrClosed]; they change nothing.
func (s *Store) UnmarshalBinary(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.durable != nil:
		return fmt.Errorf("%w: the store is that of a directory", ErrOptions)
	case len(s.views) > 0:
		return fmt.Errorf("%w: views are attached", ErrView)
	}
	return s.restore(data, true)
}

// encoder writes a store in an order that depends on its content only.
type encoder struct {
	s       *Store
	people  []*person
	persons map[*person]int
	nodes   []uint32 // sorted
	places  []uint32 // of nodes, by node
	sets    []uint32 // sorted
	ranks   []uint32 // of sets, by set
	content transcoder
}

func (s *Store) encode() *wire.Writer {
	e := encoder{s: s, people: s.persons()}
	e.order()
	w := wire.NewWriter(stateKind, stateVersion)
	e.meta(w.Section(wire.Meta))
	attributes, rank := e.attributes()
	e.content.learn(s, e.people)
	names := w.Section(partNames)
	names.Strings(attributes)
	names.Strings(e.content.names)
	e.keys(w.Section(partKeys))
	e.combinations(w.Section(partSets))
	persons := w.Section(partPersons)
	persons.Count(len(e.people))
	for _, p := range e.people {
		e.person(persons, p, rank)
	}
	events := w.Section(partEvents)
	events.Grow(max(0, s.log.used-s.log.garbage) + eventBytes*s.retained)
	for _, p := range e.people {
		e.rows(events, p)
	}
	e.stamps(w.Section(partTraits))
	e.refusals(w.Section(partRefusals))
	e.ids(w.Section(partIDs))
	records := w.Section(partRecords)
	records.Count(len(s.records))
	for _, k := range slices.Sorted(maps.Keys(s.records)) {
		records.String(k)
		records.Bytes(s.records[k])
	}
	return w
}

// order finds the places of keys and combinations.
func (e *encoder) order() {
	g := &e.s.graph
	e.persons = make(map[*person]int, len(e.people))
	for i, p := range e.people {
		e.persons[p] = i
	}
	e.nodes = make([]uint32, 0, g.size())
	for n := range g.nodes {
		if g.nodes[n].person != nil {
			e.nodes = append(e.nodes, uint32(n))
		}
	}
	slices.SortFunc(e.nodes, func(a, b uint32) int {
		x, y := &g.nodes[a], &g.nodes[b]
		if x.kind != y.kind {
			return strings.Compare(g.kinds[x.kind].name, g.kinds[y.kind].name)
		}
		return ids.Compare(x.value, y.value)
	})
	e.places = make([]uint32, len(g.nodes))
	for i, n := range e.nodes {
		e.places[n] = uint32(i)
	}
	e.sets = make([]uint32, 0, len(g.sets))
	lists := make([][]uint32, len(g.sets))
	all := make([]uint32, 0, 2*len(g.sets))
	for k := range g.sets {
		if len(g.sets[k].nodes) == 0 || g.isLoan(uint32(k)) {
			continue
		}
		from := len(all)
		for _, n := range g.sets[k].nodes {
			all = append(all, e.places[n])
		}
		lists[k] = all[from:len(all):len(all)]
		slices.Sort(lists[k])
		e.sets = append(e.sets, uint32(k))
	}
	slices.SortFunc(e.sets, func(a, b uint32) int { return slices.Compare(lists[a], lists[b]) })
	e.ranks = make([]uint32, len(g.sets))
	for i, k := range e.sets {
		e.ranks[k] = uint32(i)
	}
	for l, x := range g.lending.loans {
		e.ranks[l] = e.ranks[x.base]
	}
}

func writeInstant(w *wire.Section, i instant) {
	w.Varint(i.sec)
	w.Uvarint(uint64(i.nsec))
}

func (e *encoder) meta(w *wire.Section) {
	s := e.s
	w.Uvarint(uint64(s.opts.Shard))
	w.Uvarint(uint64(s.opts.Shards))
	w.Bytes(s.optionMarks.secret)
	w.Bytes(s.optionMarks.identity)
	w.Bytes(s.optionMarks.derived)
	writeInstant(w, s.clock)
	w.Uvarint(s.seq)
	w.Uvarint(s.next)
	w.Uvarint(s.subjects)
	w.Count(len(s.doomed))
	for _, x := range s.doomed {
		w.Uvarint(x)
	}
	w.Count(len(s.marks))
	for _, m := range s.marks {
		w.Varint(m.day)
		w.Uvarint(m.seq)
	}
	counters := s.stats.counters()
	w.Count(len(counters))
	for _, c := range counters {
		w.Uvarint(*c)
	}
	var learned []*Trait
	for _, i := range s.stageTraits {
		learned = append(learned, &s.opts.Traits[i])
	}
	slices.SortFunc(learned, func(a, b *Trait) int { return strings.Compare(a.Name, b.Name) })
	w.Count(len(learned))
	for _, t := range learned {
		w.String(t.Name)
		w.Varint(int64(t.stages.AtRiskAfter))
		w.Varint(int64(t.stages.LapsedAfter))
	}
}

// attributes returns the names of the attributes that somebody has, sorted,
// and the place of each by its number.
func (e *encoder) attributes() (names []string, rank []int) {
	used := make([]bool, e.s.attributes.Len())
	for _, p := range e.people {
		for i := range p.cells() {
			used[p.cells()[i].name] = true
		}
	}
	return e.s.attributes.Sorted(func(id uint32) bool { return used[id] })
}

const (
	markShared byte = 1 << iota
	markCut
	markCrowded
)

func (e *encoder) keys(w *wire.Section) {
	g := &e.s.graph
	kinds := 0
	for i, n := range e.nodes {
		if i == 0 || g.nodes[n].kind != g.nodes[e.nodes[i-1]].kind {
			kinds++
		}
	}
	w.Count(kinds)
	for i := 0; i < len(e.nodes); {
		k := g.nodes[e.nodes[i]].kind
		end := i
		for end < len(e.nodes) && g.nodes[e.nodes[end]].kind == k {
			end++
		}
		w.String(g.kinds[k].name)
		w.Count(end - i)
		for ; i < end; i++ {
			nd := &g.nodes[e.nodes[i]]
			var mark byte
			for b, on := range [...]bool{nd.shared, nd.cut, nd.crowded} {
				if on {
					mark |= 1 << b
				}
			}
			w.String(nd.value)
			w.Byte(mark)
			w.Uvarint(uint64(e.persons[nd.person]))
		}
	}
}

func (e *encoder) combinations(w *wire.Section) {
	g := &e.s.graph
	named := make([]uint32, 0, len(g.sources.index))
	for _, n := range g.sources.index {
		named = append(named, n)
	}
	slices.SortFunc(named, func(a, b uint32) int { return strings.Compare(g.sources.text(a), g.sources.text(b)) })
	source := make([]uint64, len(g.sources.texts)+1)
	w.Count(len(named))
	for i, n := range named {
		source[n] = uint64(i) + 1
		w.String(g.sources.text(n))
	}
	w.Count(len(e.sets))
	var places []uint32
	for _, k := range e.sets {
		set := &g.sets[k]
		places = places[:0]
		for _, n := range set.nodes {
			places = append(places, e.places[n])
		}
		slices.Sort(places)
		w.Count(len(places))
		for _, p := range places {
			w.Uvarint(uint64(p))
		}
		writeInstant(w, set.first.instant())
		writeInstant(w, set.last.instant())
		w.String(set.firstID)
		if len(places) > 1 {
			w.Byte(byte(set.rule()))
			w.Uvarint(source[set.source()])
		}
		w.Uvarint(set.subject())
		w.Uvarint(uint64(e.persons[set.owner]))
	}
}

func (e *encoder) person(w *wire.Section, p *person, rank []int) {
	w.Bool(p.contested())
	w.Count(len(p.pins()))
	for _, x := range p.pins() {
		w.Uvarint(uint64(x.number))
		w.Uvarint(uint64(e.places[x.node]))
	}
	cells := slices.Clone(p.cells())
	slices.SortFunc(cells, func(a, b cell) int {
		return cmp.Or(cmp.Compare(rank[a.name], rank[b.name]), cmp.Compare(e.ranks[a.set], e.ranks[b.set]))
	})
	w.Count(len(cells))
	for i := range cells {
		c := &cells[i]
		w.Uvarint(uint64(rank[c.name]))
		w.Uvarint(uint64(e.ranks[c.set]))
		writeInstant(w, c.at)
		value.Write(w, c.value)
	}
	consents := slices.Clone(p.consents())
	for i := range consents {
		consents[i].set = e.ranks[consents[i].set]
	}
	slices.SortFunc(consents, consent.compare)
	w.Count(len(consents))
	for _, c := range consents {
		w.String(c.purpose)
		writeInstant(w, c.at)
		w.Bool(c.granted)
		w.String(c.source)
		w.Uvarint(uint64(c.set))
	}
	tags := slices.Clone(p.tags())
	for i := range tags {
		tags[i].set = e.ranks[tags[i].set]
	}
	slices.SortFunc(tags, tagging.place)
	w.Count(len(tags))
	for _, t := range tags {
		w.String(t.name)
		w.String(t.source)
		w.Uvarint(uint64(t.set))
		writeInstant(w, t.at)
		w.Bool(t.until != never())
		if t.until != never() {
			writeInstant(w, t.until)
		}
		w.Float(t.confidence)
	}
}

func (e *encoder) rows(w *wire.Section, p *person) {
	rows := e.s.unlent(p)
	w.Count(len(rows))
	before := int64(0)
	for _, r := range rows {
		at := r.instant()
		w.Varint(at.sec - before)
		before = at.sec
		w.Uvarint(uint64(at.nsec))
		w.Uvarint(uint64(e.ranks[r.set]))
		w.Bytes(e.content.event(e.s.log.content(r.pos())))
	}
}

// stamps writes when traits last changed, by person and trait.
func (e *encoder) stamps(w *wire.Section) {
	traits := e.s.opts.Traits
	order := make([]int, len(traits))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(traits[a].Name, traits[b].Name) })
	rank := make([]int, len(traits))
	w.Count(len(traits))
	for i, t := range order {
		rank[t] = i
		w.String(traits[t].Name)
	}
	if len(traits) == 0 {
		return
	}
	for _, p := range e.people {
		list := p.stampedTraits()
		slices.SortFunc(list, func(a, b stamped) int { return cmp.Compare(rank[a.trait], rank[b.trait]) })
		w.Count(len(list))
		for _, x := range list {
			w.Uvarint(uint64(rank[x.trait]))
			writeInstant(w, x.stamp)
		}
	}
}

func (e *encoder) refusals(w *wire.Section) {
	t := &e.s.tombs
	w.Count(len(t.until))
	for _, h := range slices.SortedFunc(maps.Keys(t.until), func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) }) {
		w.Raw(h[:])
		writeInstant(w, t.until[h])
	}
}

func (e *encoder) ids(w *wire.Section) {
	seen := &e.s.seen
	w.Varint(seen.turn)
	buckets, width := seen.shape()
	w.Uvarint(buckets)
	w.Uvarint(uint64(width))
	for _, g := range []*generation{&seen.young, &seen.old} {
		list := g.list()
		w.Grow(16*len(list) + 10)
		w.Count(len(list))
		for _, h := range list {
			w.Uint64(h.Hi)
			w.Uint64(h.Lo)
		}
	}
}
