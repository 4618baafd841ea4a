package profile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/zhun-go/zhun/internal/journal"
	"github.com/zhun-go/zhun/internal/value"
	"github.com/zhun-go/zhun/internal/wire"
)

// Open returns the store in a directory, which is made when there is none. It
// is like one of [New], but every change is durable when the call that makes
// it returns, and after a crash the store is what it was, with the numbers it
// had handed out and the records of the host.
//
// The directory holds a journal of what was accepted, in which what concerns
// a person is sealed with a key of its own, and snapshots. It is opened by one
// store at a time. Snapshots are written when the journal has grown by
// Options.SnapshotEvery, by [Store.Snapshot] and by [Store.Close]; Open reads
// the newest that is whole and what came after. Of the two that are kept, the
// older cannot stand in for one with which keys were destroyed, of persons
// erased or stores merged before it: that is [ErrCorrupt].
//
// Shard, Shards and Secret must be those the directory was made with, or the
// error is [ErrOptions]. Traits, retention and what purposes are allowed by
// default may be others: what follows from them is worked out anew. So may
// Priority, Limits, LimitWindows, MaxPersonKeys, MaxKeyLinks, MaxMerges, LastAccount,
// Resets, DedupeWindow, DedupeEvents and DedupeError, but after a crash only
// once the store has been opened and closed with those it had.
//
// Views are written with the store, see [Store.Attach]. What a view holds that
// did not come from the store, such as what was spent on a channel, is as of
// the last snapshot.
//
// Of events that were refused, the counts since the last change may be lost in
// a crash.
//
// Errors: [ErrOptions], a [*JournalError] that wraps [ErrLocked],
// [ErrReadOnly], [ErrFull], [ErrCorrupt] or [ErrVersion].
func Open(dir string, opts *Options) (*Store, error) {
	s, err := New(opts)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		return nil, optionError("dir", `""`, "names no directory")
	}
	j, err := journal.Open(dir, &journal.Options{Format: journalFormat, LockTimeout: s.opts.LockTimeout, Hook: s.opts.hook})
	if err != nil {
		return nil, journalError(fmt.Errorf("%s: %w", dir, err))
	}
	d := &durable{s: s, j: j, opts: s.opts, every: s.opts.SnapshotEvery}
	d.opts.Traits = slices.Clone(s.opts.Traits)
	d.open, d.closing = context.WithCancel(context.Background())
	s.counts = &d.counts
	s.ahead.on = true
	s.ahead.ids = make(map[string]bool)
	s.ahead.attributes = make(map[string]bool)
	s.ahead.subjects = make(map[string]uint64)
	if err := d.recover(); err != nil {
		j.Close()
		return nil, err
	}
	s.durable = d
	return s, nil
}

// recover makes the state what the directory says.
func (d *durable) recover() error {
	s := d.s
	after, changed, err := d.load()
	if err != nil {
		return err
	}
	covered := slices.Clone(s.doomed)
	if changed && d.j.Last() > after {
		return fmt.Errorf("%w: Priority, Limits, LimitWindows, MaxPersonKeys, MaxKeyLinks, MaxMerges, LastAccount, Resets, DedupeWindow, DedupeEvents or DedupeError are others than those of the journal: open and close the store with those first", ErrOptions)
	}
	if err := d.replay(after); err != nil {
		return err
	}
	d.subjects, d.last = s.subjects, d.j.Last()
	d.countDue = true
	s.scrub()
	if changed || len(d.j.Snapshots()) == 0 && d.j.Last() == 0 {
		// The options that the next records are made under.
		return d.snapshot(context.Background(), snapshotAlone)
	}
	return d.shred(covered)
}

// load reads the newest snapshot that is whole. It reports whether options
// that the journal depends on have changed since.
func (d *durable) load() (after uint64, changed bool, err error) {
	s := d.s
	var first error
	for _, set := range d.j.Snapshots() {
		data, err := d.j.Read(set, partStore)
		if err == nil {
			var o *Store
			if o, err = s.decode(data, false); err == nil {
				changed, other := o.otherKeys, o.otherTraits
				s.adoptState(o)
				if m, err := d.readManifest(set); err == nil && !changed && !other {
					s.reserve(m)
				}
				return set.Seq, changed, nil
			}
		}
		if errors.Is(err, ErrOptions) {
			return 0, false, err
		}
		first = cmp.Or(first, err)
	}
	if first != nil && d.j.First() > 1 {
		return 0, false, journalError(first)
	}
	return 0, false, nil
}

// adoptState makes the state that of another store.
func (s *Store) adoptState(o *Store) {
	s.state = o.state
	for _, i := range s.stageTraits {
		s.opts.Traits[i].stages = o.opts.Traits[i].stages
	}
	s.scrub()
}

// reading applies records.
type reading struct {
	d      *durable
	next   uint64            // the sequence to come
	lost   bool              // something could not be read any more
	keys   map[uint64]uint64 // of what that was, the sequence by subject, unless an erasure says so
	inside int               // records since the last header
	held   []journal.Record
	from   int // the place of the first of held in its transaction
	merge  *mergeVerb
	into   uint64 // the subject of merge
}

func (d *durable) replay(after uint64) error {
	x := reading{d: d, next: after + 1}
	err := d.j.Replay(after, x.record)
	if err == nil {
		err = x.end(d.j.Last())
	}
	return replayError(err)
}

// end takes in what waited for a record to come, after the last one.
func (x *reading) end(last uint64) error {
	if err := x.release(nil); err != nil {
		return err
	}
	x.endMerge()
	for _, seq := range slices.Sorted(maps.Values(x.keys)) {
		return &wire.Error{Kind: journalFormat, Reason: fmt.Sprintf("record %d can no longer be read, and the snapshot that held it is damaged", seq), Err: wire.ErrCorrupt}
	}
	if last+1 != x.next {
		return &wire.Error{Kind: journalFormat, Reason: fmt.Sprintf("records %d to %d have been removed and no snapshot holds them", x.next, last), Err: wire.ErrCorrupt}
	}
	return nil
}

func (x *reading) record(seq uint64, r *journal.Record) error {
	s := x.d.s
	if seq != x.next {
		return &wire.Error{Kind: journalFormat, Reason: fmt.Sprintf("records %d to %d have been removed and no snapshot holds them", x.next, seq-1), Err: wire.ErrCorrupt}
	}
	x.next++
	x.d.written.Add(int64(len(r.Data) + len(r.Clear)))
	if len(r.Clear) == 0 {
		return badRecord(seq, r, "nothing in clear")
	}
	flags := r.Clear[0]
	scan := eventScan{b: r.Clear[1:], size: len(r.Clear) - 1}
	if flags&headFirst != 0 {
		h := scan.head(flags)
		if scan.wrong != "" {
			return badRecord(seq, r, scan.wrong)
		}
		if err := x.release(h.handed); err != nil {
			return err
		}
		if r.Kind != recordMore {
			x.endMerge()
		}
		if h.next != s.next && !x.lost {
			return badRecord(seq, r, fmt.Sprintf("the next number is %d, the replay has come to %d", h.next, s.next))
		}
		s.seq, s.next = h.seq, h.next
		counters := s.stats.counters()
		for i := range min(len(counters), len(h.counts)) {
			*counters[i] = h.counts[i]
		}
		x.inside = 0
	}
	x.inside++
	rest := *r
	rest.Clear = scan.b
	if len(x.held) == 0 && !r.Shredded {
		return x.apply(seq, &rest, nil)
	}
	// How many numbers something took that can no longer be read is said
	// with the next transaction.
	if len(x.held) == 0 {
		x.from = x.inside - 1
	}
	rest.Clear, rest.Data = slices.Clone(rest.Clear), slices.Clone(rest.Data)
	x.held = append(x.held, rest)
	return nil
}

// release applies what was held until the numbers it took were known.
func (x *reading) release(handed []uint64) error {
	s := x.d.s
	first := x.next - uint64(len(x.held))
	if len(x.held) > 0 && len(handed) > 0 {
		first-- // the record that says it has been counted
	}
	for i := range x.held {
		before := s.next
		var n *uint64
		if k := x.from + i; k < len(handed) {
			n = &handed[k]
		}
		if err := x.apply(first+uint64(i), &x.held[i], n); err != nil {
			return err
		}
		if n != nil {
			s.next = before + *n*uint64(s.opts.Shards)
		}
	}
	x.held = nil
	return nil
}

func (x *reading) apply(seq uint64, r *journal.Record, handed *uint64) error {
	d, s := x.d, x.d.s
	s.subjects = max(s.subjects, r.Subject)
	s.detached = nil
	scan := eventScan{b: r.Clear, size: len(r.Clear)}
	if r.Shredded {
		if x.lost = true; x.keys == nil {
			x.keys = make(map[uint64]uint64)
		}
		x.keys[r.Subject] = seq
		s.dropReserved()
		if r.Kind == recordEvent {
			s.seq += scan.uvarint() + 1
			if at := scan.instant(); s.opts.Clock == ByEvents && scan.wrong == "" {
				s.tick(at, nil)
			}
		}
		return nil
	}
	var v interface {
		verb
		read(x *eventScan)
	}
	switch r.Kind {
	case recordEvent, recordHost:
		s.seq += scan.uvarint()
		tick := scan.instant()
		if scan.wrong != "" {
			return badRecord(seq, r, scan.wrong)
		}
		if r.Kind == recordHost {
			scan = eventScan{b: r.Data, size: len(r.Data)}
			if records := scan.records(); scan.wrong == "" {
				s.keepRecords(records)
				return nil
			}
			return badRecord(seq, r, scan.wrong)
		}
		c := d.records.event(tick, r.Data, s)
		if d.records.x.wrong != "" || len(d.records.x.b) > 0 {
			return badRecord(seq, r, "event: "+d.records.x.wrong)
		}
		c.subject = r.Subject
		s.take(&c)
		s.reached(seq, c.at.day())
		return nil
	case recordMore:
		if x.merge == nil {
			return badRecord(seq, r, "the rest of nothing")
		}
		x.merge.data = append(x.merge.data, r.Data...)
		return nil
	case recordAdvance:
		v = &advanceVerb{}
		r.Data = r.Clear
	case recordStatement:
		v = &statementVerb{}
	case recordTag:
		v = &tagVerb{}
	case recordUnmerge:
		v = &unmergeVerb{}
	case recordErase:
		v = &eraseVerb{}
	case recordImport:
		v = &importVerb{}
	case recordLearn:
		v = &learnVerb{}
	case recordMerge:
		shard := eventScan{b: r.Data, size: len(r.Data)}
		x.merge = &mergeVerb{data: []byte{}, other: &Store{opts: Options{Shard: shard.user()}}}
		x.into = r.Subject
		return nil
	default:
		return badRecord(seq, r, "unknown kind")
	}
	scan = eventScan{b: r.Data, size: len(r.Data)}
	v.read(&scan)
	if scan.wrong != "" || r.Kind != recordImport && len(scan.b) > 0 {
		return badRecord(seq, r, "verb: "+scan.wrong)
	}
	if e, ok := v.(*eraseVerb); ok {
		for _, subject := range e.forget {
			delete(x.keys, subject)
		}
	}
	v.apply(s, r.Subject)
	return nil
}

// endMerge merges a store whose last part has been read.
func (x *reading) endMerge() {
	if x.merge != nil {
		x.d.s.dropReserved()
		x.merge.apply(x.d.s, x.into)
		x.merge = nil
	}
}

// commitDurable is Commit through the journal.
func (s *Store) commitDurable(b Batch) ([]Change, error) {
	r := &request{events: b.Events, records: b.Records, whole: true}
	s.submit(r)
	if r.err != nil {
		return nil, r.err
	}
	var refused *BatchError
	for i, err := range r.errs {
		if err == nil {
			continue
		}
		if refused == nil {
			refused = &BatchError{Refused: make(map[int]error), first: i}
		}
		refused.Refused[i] = err
	}
	if refused != nil {
		return r.changes, refused
	}
	return r.changes, nil
}

// applyAllDurable is ApplyAll through the journal.
func (s *Store) applyAllDurable(ctx context.Context, es iter.Seq2[Event, error], each func(Change, error) bool, before Stats) (Stats, error) {
	var (
		events []Event
		given  []error // of the sequence, nil for an event
		stop   error
		ended  bool
	)
	flush := func() {
		r := &request{events: events}
		bad := uint64(len(given) - len(events))
		if bad > 0 {
			d := s.durable
			d.write.Lock()
			d.counts.Events += bad
			d.counts.Refused.Malformed += bad
			s.mu.Lock()
			d.addCounts()
			s.mu.Unlock()
			d.write.Unlock()
		}
		if len(events) > 0 {
			s.submit(r)
		}
		k := 0
		for _, err := range given {
			var c Change
			if err == nil {
				c, err = r.result(k)
				k++
			}
			var broken *JournalError
			if errors.Is(err, ErrClosed) || errors.Is(err, ErrExhausted) || errors.As(err, &broken) {
				stop, ended = err, true
				break
			}
			if each != nil && !each(c, err) {
				ended = true
				break
			}
		}
		clear(events)
		events, given = events[:0], given[:0]
	}
	n := 0
	for e, err := range es {
		if n++; n%64 == 1 && ctx.Err() != nil {
			stop = ctx.Err()
			break
		}
		if given = append(given, err); err == nil {
			events = append(events, e.clone())
		}
		if len(given) == maxBatchEvents {
			if flush(); ended {
				break
			}
		}
	}
	if !ended && len(given) > 0 {
		flush()
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.statsLocked().since(before), stop
}

func (r *request) result(k int) (Change, error) {
	if r.err != nil {
		return Change{}, r.err
	}
	return r.changes[k], r.errs[k]
}

// clone returns a copy that shares nothing that the caller may reuse.
func (e *Event) clone() Event {
	c := *e
	c.Keys = slices.Clone(e.Keys)
	if e.Fields != nil {
		c.Fields = make(map[string]any, len(e.Fields))
		for k, v := range e.Fields {
			c.Fields[k] = cloneField(v)
		}
	}
	return c
}

func cloneField(v any) any {
	switch x := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, v := range x {
			m[k] = cloneField(v)
		}
		return m
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = cloneField(x[i])
		}
		return out
	case []string:
		return slices.Clone(x)
	case []map[string]any:
		return value.Clone(x)
	}
	return v
}

// mergeDurable is Merge into the store of a directory. The other is written
// first, so that the two are never locked at once.
func (s *Store) mergeDurable(other *Store) (map[uint32]uint32, error) {
	v := mergeVerb{other: other}
	other.mu.RLock()
	closed := other.closed
	if !closed {
		v.data = other.encode().AppendTo(nil)
		v.attached = slices.ContainsFunc(other.views, isAttached)
	}
	other.mu.RUnlock()
	if closed {
		return nil, ErrClosed
	}
	if err := s.run(&v); err != nil {
		return nil, err
	}
	return v.renamed, v.err
}
