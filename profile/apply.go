package profile

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/value"
)

// Apply takes one event in: cleans it, recognizes a redelivery, finds out
// whose it is, updates the person's attributes, traits and consents, and
// hands it to the views. The clock, unless Options.Clock is Manual, has moved
// to the event's Received, else its time, before.
//
// An event that is refused changes nothing; the error is a [*RefusedError]
// with the reason. Other errors: [ErrExhausted], [ErrClosed].
func (s *Store) Apply(e Event) (Change, error) {
	if s.durable != nil {
		r := request{one: [1]Event{e}}
		r.events = r.one[:]
		s.submit(&r)
		return r.changes[0], cmp.Or(r.err, r.errs[0])
	}
	s.mu.Lock()
	c, err := s.apply(&e)
	d := s.deliverers
	s.mu.Unlock()
	deliver(d)
	return c, err
}

// ApplyAll applies a sequence of events. Each, unless nil, is called after
// every event with the change or the error, that of the sequence included,
// and stops the run by returning false. It returns what this run counted,
// with what the store holds at its end.
//
// In a store of [Open] it is the way to bring in many events: it writes some
// hundreds in one transaction, where a loop of [Store.Apply] waits for the disk
// after each. Each is then called when the transaction stands, and a run that
// it stops has applied the rest of that transaction.
//
// Errors: the context's, [ErrClosed], [ErrExhausted], a [*JournalError].
func (s *Store) ApplyAll(ctx context.Context, es iter.Seq2[Event, error], each func(Change, error) bool) (Stats, error) {
	s.mu.RLock()
	before := s.statsLocked()
	s.mu.RUnlock()
	if s.durable != nil {
		return s.applyAllDurable(ctx, es, each, before)
	}
	var stop error
	n := 0
	for e, err := range es {
		if n++; n%64 == 1 && ctx.Err() != nil {
			stop = ctx.Err()
			break
		}
		var c Change
		if err != nil {
			s.mu.Lock()
			s.stats.Events++
			s.stats.Refused.Malformed++
			s.mu.Unlock()
		} else if c, err = s.Apply(e); errors.Is(err, ErrClosed) || errors.Is(err, ErrExhausted) {
			stop = err
			break
		}
		if each != nil && !each(c, err) {
			break
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.statsLocked().since(before), stop
}

// Batch is what [Store.Commit] takes in as one transaction: events, and
// records of the host's own, such as the offset of the stream that the events
// came from.
type Batch struct {
	Events []Event
	// Records are stored under their keys; a nil one is removed.
	Records map[string][]byte
}

// Commit applies the events of a batch in their order and stores its records.
// Nobody sees some of it without the rest. Events that are refused have a
// zero Change and are named by a [*BatchError], while the others and the
// records are in. Other errors leave everything as it was: [ErrClosed],
// [ErrRecord], [ErrExhausted], and in a store of [Open] a [*JournalError], or
// [ErrTooLarge] beyond 128 MiB of events or 32 MiB of records.
func (s *Store) Commit(b Batch) ([]Change, error) {
	if s.durable != nil {
		return s.commitDurable(b)
	}
	s.mu.Lock()
	out, err := s.commitLocked(b)
	d := s.deliverers
	s.mu.Unlock()
	deliver(d)
	return out, err
}

func (s *Store) commitLocked(b Batch) ([]Change, error) {
	if s.closed {
		return nil, ErrClosed
	}
	if _, ok := b.Records[""]; ok {
		return nil, ErrRecord
	}
	if s.left() < uint64(len(b.Events))*uint64(2*s.opts.MaxPersonKeys+s.opts.MaxEventKeys) {
		return nil, ErrExhausted
	}
	out := make([]Change, len(b.Events))
	var refused *BatchError
	for i := range b.Events {
		c, err := s.apply(&b.Events[i])
		if err != nil {
			if refused == nil {
				refused = &BatchError{Refused: make(map[int]error), first: i}
			}
			refused.Refused[i] = err
		}
		out[i] = c
	}
	s.keepRecords(b.Records)
	if refused != nil {
		return out, refused
	}
	return out, nil
}

// apply takes in an event of a store in memory.
func (s *Store) apply(e *Event) (Change, error) {
	if s.closed {
		return Change{}, ErrClosed
	}
	c, err := s.prepare(e)
	var out Change
	switch {
	case err != nil:
	case c.again:
		out = s.repeated(&c)
	default:
		out = s.take(&c)
	}
	s.release()
	return out, err
}

// prepare decides whether an event becomes a fact, and brings it into the
// store's form, without changing anything that a reader sees: the fields are
// in s.fields, the keys in s.keys. Counts go to s.counts.
func (s *Store) prepare(e *Event) (cleaned, error) {
	c, no := s.clean(e)
	if no == nil {
		for _, k := range s.keys {
			if s.tombs.refuses(k, c.at) {
				_, no = s.refuse(ErrErased, "kind %s", k.Kind)
				break
			}
		}
	}
	c.again = no == nil && (s.seen.hasHash(c.hash) || s.ahead.ids[c.id])
	if no == nil && !c.again && s.opts.Bots.watches() && !s.opts.Bots.vouched(s.fields) {
		k := slices.MaxFunc(s.keys, s.weaker)
		if why := s.watched.watch(&s.opts.Bots, k, &c, s.fields); why != "" {
			s.counts.Bots.count(why)
			_, no = s.refuse(ErrBot, "%s: %v", why, k)
		}
	}
	if no == nil && !c.again {
		c.content = s.log.encodePairs(c.typ, c.id, c.name, s.pairs)
		if len(c.content) > s.opts.MaxEventBytes {
			_, no = s.refuse(ErrTooLarge, "%d bytes", len(c.content))
		}
	}
	if no != nil {
		s.counts.Events++
		s.counts.Refused.count(no.reason)
		return c, &RefusedError{ID: e.ID, Name: e.Name, Reason: no.reason, Value: no.detail}
	}
	if c.again {
		return c, nil
	}
	if s.left() < uint64(2*s.graph.maxKeys+len(s.keys)) && !s.enrolled(s.keys) {
		return c, ErrExhausted
	}
	if c.typ == Identify {
		c.nameless = s.beyond()
	}
	return c, nil
}

// beyond returns the names of the fields that are one attribute too many for
// the store.
func (s *Store) beyond() (names []string) {
	room := s.opts.MaxAttributes - s.attributes.Len() - len(s.ahead.attributes)
	if room >= len(s.fields) && !s.ahead.on {
		return nil
	}
	for k := range s.fields {
		if _, computed := s.traitNames[k]; computed || strings.HasPrefix(k, "context.") {
			continue
		}
		if _, known := s.attributes.Lookup(k); !known && !s.ahead.attributes[k] {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	if room = min(max(room, 0), len(names)); s.ahead.on {
		for _, k := range names[:room] {
			s.ahead.attributes[strings.Clone(k)] = true
		}
	}
	return names[room:]
}

// enrolled reports whether the combination of keys is known, which is in
// s.nodes then.
func (s *Store) enrolled(keys []Key) bool {
	s.nodes = s.nodes[:0]
	for _, k := range keys {
		n, ok := s.graph.lookup(k)
		if !ok {
			return false
		}
		s.nodes = append(s.nodes, n)
	}
	slices.SortFunc(s.nodes, s.graph.stronger)
	s.nodes = slices.Compact(s.nodes)
	_, ok := s.graph.set(s.nodes)
	return ok
}

// repeated answers an event that was applied before, of the keys s.keys.
func (s *Store) repeated(c *cleaned) Change {
	s.stats.Events++
	s.stats.Duplicates++
	s.seq++
	return Change{User: s.userOf(c), Duplicate: true, Seq: s.seq}
}

// take makes a prepared event a fact. It depends on the event and the state
// alone, so that a replay of the same events gives the same state.
func (s *Store) take(c *cleaned) Change {
	s.stats.Events++
	s.detached = nil
	if s.opts.Clock == ByEvents {
		s.tick(c.tick, nil)
	}
	s.nodes = s.nodes[:0]
	for i, k := range s.keys {
		if i < len(s.sought) && s.sought[i].known {
			s.nodes = append(s.nodes, s.sought[i].node)
			continue
		}
		n := s.graph.node(k, &s.opts)
		if i < len(s.sought) && s.sought[i].plain {
			s.graph.nodes[n].plain = true
		}
		s.nodes = append(s.nodes, n)
	}
	set, m := s.enroll(s.nodes, c)
	if c.subject != 0 {
		s.graph.sets[set].setSubject(c.subject)
	}
	if len(m.gone)+len(m.renamed)+len(m.fresh) > 0 {
		s.follow(&m)
	}
	held := s.lend(set, c.typ, c.at, c.id)
	p := s.graph.sets[held].owner
	out := Change{User: p.number, New: slices.Contains(m.fresh, p.number), Merged: m.merged, Split: m.split, Late: c.late}
	place, known := s.log.search(p.rows, c.at, c.id)
	if known {
		// The id was forgotten, but the event is still in the log.
		s.stats.Duplicates++
		s.seq++
		out.Duplicate, out.Seq, out.Detached = true, s.seq, s.detached
		return out
	}
	loans := s.loansAfter(set, c.at)
	if len(loans) > 0 && m.before == nil {
		m.before = map[uint32]map[string]any{p.number: s.attributesOf(p)}
	}
	s.record(p, held, c, place)
	if after := s.settleLoans(loans, c.at); len(after.gone) > 0 {
		s.follow(&after)
	}
	if s.seen.addHash(c.hash) {
		s.stats.DedupeOverruns++
	}
	s.stats.Applied++
	if c.late {
		s.stats.Late++
	}
	if !s.opts.OmitChanges {
		out.Attributes = s.difference(p, &m)
	}
	s.seq++
	out.Seq, out.Detached = s.seq, s.detached
	return out
}

// weaker orders keys as the graph does, from the strongest.
func (s *Store) weaker(a, b Key) int {
	return cmp.Or(cmp.Compare(rank(a.Kind, &s.opts), rank(b.Kind, &s.opts)), strings.Compare(a.Kind, b.Kind), ids.Compare(a.Value, b.Value))
}

// userOf returns whom the event that is being applied would belong to, as far
// as its keys are known.
func (s *Store) userOf(c *cleaned) uint32 {
	g := &s.graph
	var nodes []uint32
	for _, k := range s.keys {
		if n, ok := g.lookup(k); ok {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		return 0
	}
	slices.SortFunc(nodes, g.stronger)
	nodes = slices.Compact(nodes)
	if k, ok := g.set(nodes); ok {
		if a, ok := s.borrower(k, c.typ, c.at, c.id); ok {
			return g.nodes[a].person.number
		}
		return g.owner(k).number
	}
	for _, n := range nodes {
		if nd := &g.nodes[n]; !nd.shared || nd.cut {
			return nd.person.number
		}
	}
	return g.nodes[nodes[0]].person.number
}

// record makes a clean event a fact about its person, whose row is to stand at
// a place among theirs, and tells the views.
func (s *Store) record(p *person, set uint32, c *cleaned, place int) {
	clear(s.changed)
	clear(s.stated)
	s.traitsChanged = s.traitsChanged[:0]
	name := viewName(c.typ, c.name)
	switch c.typ {
	case Identify:
		for _, k := range s.stating(p) {
			v := s.fields[k]
			if strings.HasPrefix(k, "context.") {
				continue
			}
			if _, computed := s.traitNames[k]; computed {
				if !slices.Contains(s.traitsOf[name], s.traitNames[k]) {
					s.stats.FieldsDropped++
				}
				continue
			}
			if len(c.nameless) > 0 && slices.Contains(c.nameless, k) {
				s.stats.FieldsDropped++
				continue
			}
			if len(p.cells()) >= s.opts.MaxPersonAttributes && p.full(s.attributes, k, s.opts.MaxPersonAttributes) {
				s.stats.FieldsDropped++
				continue
			}
			restated, changed := p.state(s.attributes.ID(k), set, c.at, v)
			if restated {
				s.stated[k] = v
			}
			if changed {
				s.changed[k] = value.Own(v)
			}
		}
		if _, moved := s.changed[s.opts.RegionAttribute]; moved && len(s.opts.Regions) > 0 {
			s.permit(p)
		}
	case Consent:
		for k, v := range s.fields {
			granted, _ := v.(bool)
			s.consentTo(p, consent{strings.Clone(k), set, c.at, granted, "event"})
		}
		s.permit(p)
	}
	s.keep(p, set, c, name, place)
	if c.typ != Identify && c.typ != Consent {
		s.observe(p, name, c)
	}
	s.tell(p, c.at)
}

// stating returns the names of the fields of the event that is being applied,
// sorted when not all of them may find room.
func (s *Store) stating(p *person) []string {
	s.names = s.names[:0]
	for k := range s.fields {
		s.names = append(s.names, k)
	}
	if len(p.cells())+len(s.names) > s.opts.MaxPersonAttributes {
		slices.Sort(s.names)
	}
	return s.names
}

// keep puts the event into the person's log and counts it.
func (s *Store) keep(p *person, set uint32, c *cleaned, name string, place int) {
	if s.retains != nil && !s.retains[name] {
		return
	}
	if c.at.sec < s.horizon() {
		s.stats.Expired++
		return
	}
	pos := s.log.put(c.content)
	r := makeRow(c.at, set, pos)
	p.rows = slices.Insert(room(p.rows), place, r)
	if len(s.graph.lending.visits) > 0 {
		s.sawVisit(r)
	}
	s.retained++
	if place == 0 {
		s.noteOldest(p)
	}
	if len(s.opts.Traits) > 0 {
		fields := s.fields
		if c.bare {
			s.readCounted(c.content)
			fields = s.read.fields
		}
		s.count(p, name, fields, c.at, place == len(p.rows)-1)
	}
}
