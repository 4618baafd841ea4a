package profile

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/zhun-go/zhun/internal/journal"
)

// durable is the directory of a store, and its one writer. Callers queue up;
// one of them leads: it prepares what the others want against the state as it
// is, makes all of it durable in one transaction of the journal, applies it,
// and answers. What readers see is thus never ahead of the disk, and they
// wait only while something is applied.
type durable struct {
	s       *Store
	j       *journal.Journal
	opts    Options // the store's, as they were declared
	every   int64   // bytes of records after which a snapshot is written
	queueMu sync.Mutex
	queue   []*request
	leading bool
	closed  bool
	due     bool // a snapshot is being written because the journal has grown

	open       context.Context // until Close
	closing    context.CancelFunc
	background sync.WaitGroup // that snapshot

	// write is held by the leader, and by whoever needs the state to stay.
	// It guards what follows.
	write    sync.Mutex
	err      error // why nothing can be written any more
	counts   Stats // of events prepared and not yet applied
	countDue bool  // counts changed that the journal does not know of
	handed   []uint64
	subjects uint64 // the last one handed out
	last     uint64 // the last record
	arena    []byte
	records  recordReader
	tried    int64 // written when the last snapshot was begun

	written atomic.Int64 // bytes of records since the snapshot that was opened
	covered atomic.Int64 // those that the newest snapshot holds

	snapshots sync.Mutex // one snapshot at a time
	trouble   trouble
}

// request is what one caller wants: a verb, or events.
type request struct {
	verb    verb
	events  []Event
	records map[string][]byte
	whole   bool // all events in one transaction, seen together
	next    int  // of the events, to be prepared
	one     [1]Event
	changes []Change
	errs    []error
	err     error
	done    bool
	wake    chan struct{} // answered, or asked to lead
}

// Bounds of one transaction.
const (
	maxBatchEvents = 1000
	maxBatchBytes  = 4 << 20
)

// Bounds of what a host wants in one transaction, below those of the journal.
const (
	maxCommitBytes = 128 << 20
	maxRecordBytes = 32 << 20
)

// do hands a request to the writer and waits for the answer.
func (d *durable) do(r *request) {
	r.wake = make(chan struct{}, 1)
	r.changes, r.errs = make([]Change, len(r.events)), make([]error, len(r.events))
	d.queueMu.Lock()
	if d.closed {
		d.queueMu.Unlock()
		r.err = ErrClosed
		return
	}
	d.queue = append(d.queue, r)
	lead := !d.leading
	d.leading = true
	d.queueMu.Unlock()
	if !lead {
		<-r.wake
		if r.done {
			return
		}
	}
	d.write.Lock()
	group := d.takeQueue()
	d.process(group)
	full := d.every > 0 && d.written.Load()-d.tried >= d.every
	d.write.Unlock()
	d.queueMu.Lock()
	if len(d.queue) > 0 {
		d.queue[0].wake <- struct{}{}
	} else {
		d.leading = false
	}
	d.queueMu.Unlock()
	for _, x := range group {
		if x.done = true; x != r {
			x.wake <- struct{}{}
		}
	}
	if full {
		d.snapshotSoon()
	}
}

// snapshotSoon has a snapshot written while callers go on, one at a time.
func (d *durable) snapshotSoon() {
	d.queueMu.Lock()
	if d.closed || d.due {
		d.queueMu.Unlock()
		return
	}
	d.due = true
	d.background.Go(func() {
		// Its failure leaves the journal as it was, is told by JournalStats,
		// and the next one tries again.
		_ = d.snapshot(d.open, snapshotDue)
		d.queueMu.Lock()
		d.due = false
		d.queueMu.Unlock()
	})
	d.queueMu.Unlock()
	if d.opts.inStep {
		d.background.Wait()
	}
}

// takeQueue returns what has queued up. Callers that were just answered are
// given the chance to come back before, else every other transaction would
// hold a single event.
func (d *durable) takeQueue() []*request {
	for waiting := 0; ; {
		d.queueMu.Lock()
		n := len(d.queue)
		if n == waiting {
			break
		}
		d.queueMu.Unlock()
		waiting = n
		runtime.Gosched()
	}
	group := d.queue
	d.queue = nil
	d.queueMu.Unlock()
	return group
}

// process answers requests in their order: verbs one by one, events together.
func (d *durable) process(group []*request) {
	var b batch
	for _, r := range group {
		switch {
		case d.err != nil:
			r.err = d.err
		case r.verb != nil:
			d.flush(&b)
			d.processVerb(r)
		case r.whole:
			d.processWhole(&b, r)
		default:
			for ; r.next < len(r.events); r.next++ {
				d.prepare(&b, r)
			}
		}
	}
	d.flush(&b)
}

// item is one event of a batch.
type item struct {
	r      *request
	k      int     // of the request's events
	fresh  bool    // its record is the next
	again  []Key   // of one applied before
	repeat cleaned // the event that was applied before
	last   bool    // of those that are seen together
}

// batch is what becomes one transaction.
type batch struct {
	items   []item
	records []journal.Record
	ticks   []instant // of the records, where they move the clock
	bytes   int
	repeats uint64 // events applied before, since the last record
}

// prepare prepares the next event of a request.
func (d *durable) prepare(b *batch, r *request) {
	s := d.s
	if !r.whole && (len(b.records) >= maxBatchEvents || b.bytes >= maxBatchBytes || s.blind()) {
		d.flush(b)
	}
	if d.err != nil {
		r.errs[r.next] = d.err
		return
	}
	s.log.frozen = true
	c, err := s.prepare(&r.events[r.next])
	s.log.frozen = false
	defer s.release()
	it := item{r: r, k: r.next, last: !r.whole}
	switch {
	case err != nil:
		r.errs[r.next] = err
		return
	case c.again:
		it.again, it.repeat = append([]Key(nil), s.keys...), c
		b.repeats++
	default:
		it.fresh = true
		subject := d.subject(s.keys)
		from := len(d.arena)
		d.arena = appendTick(d.arena, b.repeats, c.tick)
		middle := len(d.arena)
		d.arena = appendEvent(d.arena, &c, s.keys, s.pairs)
		b.records = append(b.records, journal.Record{
			Kind: recordEvent, Subject: subject, Clear: d.arena[from:middle:middle], Data: d.arena[middle:len(d.arena):len(d.arena)],
		})
		b.ticks = append(b.ticks, c.tick)
		b.bytes += len(d.arena) - from
		b.repeats = 0
		s.prepared(&c)
	}
	b.items = append(b.items, it)
}

func (d *durable) processWhole(b *batch, r *request) {
	s := d.s
	if s.blind() {
		d.flush(b)
	}
	if _, ok := r.records[""]; ok {
		r.err = ErrRecord
		return
	}
	if s.left() < uint64(len(b.items)+len(r.events))*uint64(2*s.opts.MaxPersonKeys+s.opts.MaxEventKeys) {
		d.flush(b)
		if s.left() < uint64(len(r.events))*uint64(2*s.opts.MaxPersonKeys+s.opts.MaxEventKeys) {
			r.err = ErrExhausted
			return
		}
	}
	was := *b
	for ; r.next < len(r.events); r.next++ {
		d.prepare(b, r)
	}
	data := appendRecords(nil, r.records)
	if n := b.bytes - was.bytes; n > maxCommitBytes || len(data) > maxRecordBytes {
		*b = was
		d.flush(b) // events ahead that will not be applied are forgotten
		r.err = fmt.Errorf("%w: events of %d bytes and records of %d, at most %d and %d", ErrTooLarge, n, len(data), maxCommitBytes, maxRecordBytes)
		return
	}
	// The end of what is seen together has the records of the host.
	b.items = append(b.items, item{r: r, k: -1, last: true})
	if len(r.records) > 0 {
		b.records = append(b.records, journal.Record{Kind: recordHost, Clear: appendTick(nil, b.repeats, never()), Data: data})
		b.ticks = append(b.ticks, never())
		b.bytes += len(data)
		b.repeats = 0
	}
	if b.bytes >= maxBatchBytes {
		d.flush(b)
	}
}

// flush makes a batch durable, applies it and starts the next.
func (d *durable) flush(b *batch) {
	s := d.s
	err := d.err
	if len(b.records) > 0 {
		b.records[0].Clear = append(d.header(false), b.records[0].Clear...)
		for i := range b.records[1:] {
			b.records[i+1].Clear = append([]byte{0}, b.records[i+1].Clear...)
		}
		err = d.append(journal.Batch{Records: b.records}, true)
	}
	if err != nil {
		for _, it := range b.items {
			if it.k < 0 {
				it.r.err = err
			} else if it.r.errs[it.k] = err; it.r.whole {
				it.r.err = err
			}
		}
	} else {
		d.apply(b)
	}
	s.ahead.reset()
	d.arena = d.arena[:0]
	*b = batch{items: b.items[:0], records: b.records[:0], ticks: b.ticks[:0]}
}

// readersEvery is after how many events readers get their turn.
const readersEvery = 32

// apply applies a durable batch and answers its requests.
func (d *durable) apply(b *batch) {
	s := d.s
	s.mu.Lock()
	defer s.mu.Unlock()
	d.addCounts()
	next := 0
	first := d.last + 1 - uint64(len(b.records))
	for i, it := range b.items {
		switch {
		case it.fresh:
			it.r.changes[it.k] = d.applyEvent(first+uint64(next), &b.records[next], b.ticks[next])
			next++
		case it.k < 0:
			if len(it.r.records) > 0 {
				s.keepRecords(it.r.records)
				d.handed = append(d.handed, 0)
				next++
			}
		default:
			s.keys = append(s.keys[:0], it.again...)
			it.r.changes[it.k] = s.repeated(&it.repeat)
		}
		if it.last && i%readersEvery == readersEvery-1 {
			s.mu.Unlock()
			runtime.Gosched()
			s.mu.Lock()
		}
	}
}

// applyEvent applies an event as the journal holds it.
func (d *durable) applyEvent(seq uint64, r *journal.Record, tick instant) Change {
	s := d.s
	before := s.next
	c := d.records.event(tick, r.Data, s)
	c.subject = r.Subject
	out := s.take(&c)
	d.handed = append(d.handed, (s.next-before)/uint64(s.opts.Shards))
	s.subjects = max(s.subjects, r.Subject)
	s.reached(seq, c.at.day())
	return out
}

// addCounts counts what was prepared since. The state is locked.
func (d *durable) addCounts() {
	if d.counts != (Stats{}) {
		from := d.counts.counters()
		for i, c := range d.s.stats.counters() {
			*c += *from[i]
		}
		d.counts, d.countDue = Stats{}, true
	}
}

// append writes a batch, whose records start a transaction unless it has
// none. An error stays, but for that of a batch which is too large.
func (d *durable) append(b journal.Batch, starts bool) error {
	if d.err != nil {
		return d.err
	}
	last, err := d.j.Append(b)
	if errors.Is(err, journal.ErrTooLarge) {
		d.countDue = true // nobody has written it down
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	if err != nil {
		d.err = journalError(err)
		d.trouble.writing(d.err)
		return d.err
	}
	if d.last = last; !starts {
		return nil
	}
	n := 0
	for i := range b.Records {
		n += len(b.Records[i].Data) + len(b.Records[i].Clear)
	}
	d.written.Add(int64(n))
	d.handed = d.handed[:0]
	return nil
}

// processVerb makes a verb durable and applies it.
func (d *durable) processVerb(r *request) {
	s := d.s
	c, err := r.verb.prepare(s)
	if err != nil {
		r.err = err
		return
	}
	rec := journal.Record{Kind: r.verb.kind(), Subject: c.subject, Data: c.data}
	if c.subject == newSubject {
		d.subjects++
		rec.Subject = d.subjects
	}
	rec.Clear = append(d.header(c.recount), c.clear...)
	records := []journal.Record{rec}
	for _, part := range c.more {
		records = append(records, journal.Record{Kind: recordMore, Subject: rec.Subject, Clear: []byte{0}, Data: part})
	}
	if r.err = d.append(journal.Batch{Records: records, Forget: c.forget}, true); r.err != nil {
		return
	}
	s.mu.Lock()
	d.addCounts()
	before := s.next
	s.detached = nil
	r.verb.apply(s, rec.Subject)
	d.handed = append(d.handed, (s.next-before)/uint64(s.opts.Shards))
	for range c.more {
		d.handed = append(d.handed, 0)
	}
	s.subjects = max(s.subjects, rec.Subject)
	d.countDue = d.countDue || c.recount
	s.mu.Unlock()
}

// run does a verb, through the journal if there is one.
func (s *Store) run(v verb) error {
	if s.durable != nil {
		r := &request{verb: v}
		s.durable.do(r)
		s.mu.RLock()
		ds := s.deliverers
		s.mu.RUnlock()
		deliver(ds)
		return r.err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	if _, err := v.prepare(s); err != nil {
		s.mu.Unlock()
		return err
	}
	s.detached = nil
	v.apply(s, 0)
	d := s.deliverers
	s.mu.Unlock()
	deliver(d)
	return nil
}

// submit does events through the journal.
func (s *Store) submit(r *request) {
	s.durable.do(r)
	s.mu.RLock()
	ds := s.deliverers
	s.mu.RUnlock()
	deliver(ds)
}
