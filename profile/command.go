package profile

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/zhun-go/zhun/internal/journal"
	"github.com/zhun-go/zhun/internal/wire"
)

// The journal holds what was asked of the store and accepted, in order. A
// record says in clear only what no person can be told by: instants, counts
// and numbers handed out. The rest of what concerns a person is sealed for the
// combination of keys that it came with.
//
// The first record of each transaction begins with
//
//	1        byte, with 2 for numbers and 4 for counts
//	seq      uvarint   of the last change before
//	next     uvarint   the number to be handed out next
//	n, n ×   uvarint   how many numbers each record of the transaction before took
//	n, n ×   uvarint   all counters of Stats
//
// and every other one with 0. So numbers stay what they are when what took
// one of them can no longer be read.
const (
	recordEvent byte = iota + 1
	recordHost       // records of the host
	recordMore       // the rest of a long record
	recordAdvance
	recordStatement // Grant and Deny
	recordTag
	recordUnmerge
	recordErase
	recordImport
	recordMerge
	recordLearn
	recordOptions
)

// journalFormat names the records; another one is refused.
const journalFormat = "profile.Store 1"

const (
	headFirst byte = 1 << iota
	headNumbers
	headCounts
)

// newSubject asks for a subject that nobody has.
const newSubject = math.MaxUint64

// command is a verb as the journal holds it.
type command struct {
	subject uint64
	clear   []byte
	data    []byte
	more    [][]byte
	forget  []uint64
	recount bool // what cannot be replayed any more must stay counted
}

// verb is a change of the state other than an event. What prepare decides
// and apply does depends on the verb and the state alone.
type verb interface {
	kind() byte
	// prepare refuses what cannot be done, and encodes the rest.
	prepare(s *Store) (command, error)
	// apply does it, and keeps the result.
	apply(s *Store, subject uint64)
}

// header begins the next transaction.
func (d *durable) header(recount bool) []byte {
	s := d.s
	flags := headFirst
	if slices.ContainsFunc(d.handed, func(n uint64) bool { return n > 0 }) {
		flags |= headNumbers
	}
	if d.countDue || recount || d.counts != (Stats{}) {
		flags |= headCounts
	}
	b := binary.AppendUvarint([]byte{flags}, s.seq)
	b = binary.AppendUvarint(b, s.next)
	if flags&headNumbers != 0 {
		b = binary.AppendUvarint(b, uint64(len(d.handed)))
		for _, n := range d.handed {
			b = binary.AppendUvarint(b, n)
		}
	}
	if flags&headCounts != 0 {
		from := d.counts.counters()
		b = binary.AppendUvarint(b, uint64(len(from)))
		for i, c := range s.stats.counters() {
			b = binary.AppendUvarint(b, *c+*from[i])
		}
		// What is counted now is known; addCounts makes it due again.
		d.countDue = false
	}
	return b
}

// head is what a header says.
type head struct {
	seq, next uint64
	handed    []uint64
	counts    []uint64
}

func (x *eventScan) head(flags byte) (h head) {
	h.seq, h.next = x.uvarint(), x.uvarint()
	if flags&headNumbers != 0 {
		h.handed = make([]uint64, x.count(1))
		for i := range h.handed {
			h.handed[i] = x.uvarint()
		}
	}
	if flags&headCounts != 0 {
		h.counts = make([]uint64, x.count(1))
		for i := range h.counts {
			h.counts[i] = x.uvarint()
		}
	}
	return h
}

// appendTick appends what is in clear of an event: how many events that were
// applied before came before it, and where it moves the clock.
func appendTick(b []byte, repeats uint64, tick instant) []byte {
	b = binary.AppendUvarint(b, repeats)
	return appendInstant(b, tick)
}

func appendInstant(b []byte, i instant) []byte {
	b = binary.AppendVarint(b, i.sec)
	return binary.AppendUvarint(b, uint64(i.nsec))
}

func (x *eventScan) instant() instant {
	i := instant{sec: x.varint()}
	ns := x.uvarint()
	if ns >= 1e9 || i.sec != never().sec && x.wrong == "" && !inYears(i.time()) {
		x.fail("time out of range")
	}
	i.nsec = uint32(ns)
	return i
}

// appendEvent appends a prepared event:
//
//	type     byte
//	late     byte
//	at       varint, uvarint
//	id, name text
//	n, n ×   kind, value
//	n, n ×   fields that cannot become attributes
//	n, n ×   fields by name, with names written out
func appendEvent(b []byte, c *cleaned, keys []Key, fields []pair) []byte {
	b = append(b, byte(c.typ), 0)
	if c.late {
		b[len(b)-1] = 1
	}
	b = appendInstant(b, c.at)
	b = appendText(appendText(b, c.id), c.name)
	b = binary.AppendUvarint(b, uint64(len(keys)))
	for _, k := range keys {
		b = appendText(appendText(b, k.Kind), k.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(c.nameless)))
	for _, n := range c.nameless {
		b = appendText(b, n)
	}
	b = binary.AppendUvarint(b, uint64(len(fields)))
	return appendPairs(b, fields)
}

// recordReader reads records. What it returns shares no memory with them.
//
// Records are much alike: what stood at the same place of the one before is
// looked at before names are looked up.
type recordReader struct {
	x     eventScan
	names interned[string]
	texts []string // names and kinds of keys by their places
	refs  []uint32 // the log's numbers of names of fields by their places
	at    int      // the place in texts
	field int      // the place in refs
}

// maxGuessed is how many places are remembered.
const maxGuessed = 64

func (r *recordReader) name() string {
	b := r.x.raw()
	i := r.at
	if r.at++; i < len(r.texts) && r.texts[i] == string(b) {
		return r.texts[i]
	}
	n, ok := r.names[string(b)]
	if !ok {
		n = string(b)
		r.names.put(n, n)
	}
	if i < len(r.texts) {
		r.texts[i] = n
	} else if i < maxGuessed && i == len(r.texts) {
		r.texts = append(r.texts, n)
	}
	return n
}

// appendRef appends the log's reference to the name that is next.
func (r *recordReader) appendRef(b []byte, l *eventLog) []byte {
	name := r.x.raw()
	i := r.field
	r.field++
	if i < len(r.refs) {
		if id := r.refs[i]; id < uint32(l.names.Len()) && l.names.Name(id) == string(name) {
			return binary.AppendUvarint(b, uint64(id)+1)
		}
	}
	id, ok := l.names.Find(name)
	if !ok {
		return l.appendRef(b, string(name))
	}
	if i < len(r.refs) {
		r.refs[i] = id
	} else if i < maxGuessed && i == len(r.refs) {
		r.refs = append(r.refs, id)
	}
	return binary.AppendUvarint(b, uint64(id)+1)
}

// event reads an event into the fields and keys of a store. What is wrong
// with it is in r.x.
func (r *recordReader) event(tick instant, data []byte, s *Store) (c cleaned) {
	r.x, r.at, r.field = eventScan{b: data, size: len(data)}, 0, 0
	x := &r.x
	if t := x.take(2); t != nil {
		if int(t[0]) >= typeCount || t[1] > 1 {
			x.fail("unknown type")
		}
		c.typ, c.late = Type(t[0]), t[1] == 1
	}
	c.at, c.tick = x.instant(), tick
	c.id, c.name = string(x.raw()), r.name()
	c.hash = xxh3.HashString128(c.id)
	s.fields, s.borrowed = s.spare, false
	s.keys, s.sought = s.keys[:0], s.sought[:0]
	for range x.count(2) {
		s.keys = append(s.keys, Key{r.name(), string(x.raw())})
	}
	for range x.count(1) {
		c.nameless = append(c.nameless, string(x.text()))
	}
	if len(s.keys) == 0 {
		x.fail("event without a key")
	}
	l := &s.log
	l.scratch = r.transcode(l.appendHead(c.typ, c.id, c.name), l, 0)
	if x.wrong != "" {
		return c
	}
	c.content = l.scratch
	if c.bare = c.typ != Identify && c.typ != Consent && len(s.views) == 0; !c.bare {
		l.readFields(c.content, s.spare)
	}
	return c
}

// transcode appends fields as the log holds them: what differs are the names.
func (r *recordReader) transcode(b []byte, l *eventLog, depth int) []byte {
	x := &r.x
	n := x.count(2)
	b = binary.AppendUvarint(b, uint64(n))
	for range n {
		b = r.appendRef(b, l)
		tag := x.take(1)
		if tag == nil {
			return b
		}
		if b = append(b, tag[0]); tag[0] == tagObjects {
			if depth > maxNesting {
				x.fail("objects nested too deeply")
				return b
			}
			n := x.count(1)
			b = binary.AppendUvarint(b, uint64(n))
			for range n {
				b = r.transcode(b, l, depth+1)
			}
			continue
		}
		from := x.b
		x.skip(tag[0])
		if x.wrong != "" {
			return b
		}
		b = append(b, from[:len(from)-len(x.b)]...)
	}
	return b
}

// skip passes over a value other than a list of objects.
func (x *eventScan) skip(tag byte) {
	switch tag {
	case tagFalse, tagTrue, tagNil:
	case tagInt:
		x.uvarint()
	case tagFloat:
		x.take(8)
	case tagString:
		x.raw()
	case tagTime:
		x.uvarint()
		x.uvarint()
	case tagStrings:
		for range x.count(1) {
			x.raw()
		}
	default:
		x.fail("unknown kind of value")
	}
}

func (r *recordReader) fields(m map[string]any, depth int) {
	for range r.x.count(2) {
		k := r.name()
		m[k] = r.value(depth)
		if r.x.wrong != "" {
			return
		}
	}
}

func (r *recordReader) value(depth int) any {
	x := &r.x
	tag := x.take(1)
	if tag == nil {
		return nil
	}
	switch tag[0] {
	case tagFalse:
		return false
	case tagTrue:
		return true
	case tagInt:
		return x.varint()
	case tagFloat:
		if b := x.take(8); b != nil {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	case tagString:
		return string(x.raw())
	case tagTime:
		sec := x.varint()
		return time.Unix(sec, int64(x.uvarint())).UTC()
	case tagStrings:
		out := make([]string, x.count(1))
		for i := range out {
			out[i] = string(x.raw())
		}
		return out
	case tagObjects:
		if depth > maxNesting {
			x.fail("objects nested too deeply")
			return nil
		}
		out := make([]map[string]any, x.count(1))
		for i := range out {
			out[i] = make(map[string]any)
			r.fields(out[i], depth+1)
		}
		return out
	case tagNil:
	default:
		x.fail("unknown kind of value")
	}
	return nil
}

func appendRecords(b []byte, records map[string][]byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(records)))
	for _, k := range slices.Sorted(maps.Keys(records)) {
		b = appendText(b, k)
		if records[k] == nil {
			b = append(b, 0)
			continue
		}
		b = appendText(append(b, 1), string(records[k]))
	}
	return b
}

func (x *eventScan) records() map[string][]byte {
	out := make(map[string][]byte)
	for range x.count(2) {
		k := string(x.take(x.count(1)))
		if t := x.take(1); t != nil && t[0] == 1 {
			out[k] = append([]byte{}, x.take(x.count(1))...)
		} else {
			out[k] = nil
		}
	}
	return out
}

// keepRecords stores records of the host.
func (s *Store) keepRecords(records map[string][]byte) {
	for k, r := range records {
		if r == nil {
			delete(s.records, k)
		} else {
			s.records[k] = slices.Clone(r)
		}
	}
}

// subject returns whose key seals an event of these keys: that of their
// combination.
func (d *durable) subject(keys []Key) uint64 {
	s := d.s
	if s.enrolled(keys) {
		k, _ := s.graph.set(s.nodes)
		if x := s.graph.sets[k].subject(); x != 0 {
			return x
		}
	}
	sorted := slices.Clone(keys)
	slices.SortFunc(sorted, s.weaker)
	var name []byte
	for _, k := range slices.Compact(sorted) {
		name = appendText(appendText(name, k.Kind), k.Value)
	}
	x, ok := s.ahead.subjects[string(name)]
	if !ok {
		d.subjects++
		x = d.subjects
		s.ahead.subjects[string(name)] = x
	}
	return x
}

// reached takes note of how far the journal reaches.
func (s *Store) reached(seq uint64, day int64) {
	if n := len(s.marks); n > 0 && s.marks[n-1].day >= day {
		s.marks[n-1].seq = seq
	} else {
		s.marks = append(s.marks, reach{day, seq})
	}
}

// reach says that the records of the journal up to seq are of no later day
// than this.
type reach struct {
	day int64
	seq uint64
}

// badRecord says that a record cannot be one of a store.
func badRecord(seq uint64, r *journal.Record, why string) error {
	return journalError(&wire.Error{
		Kind: journalFormat, Section: fmt.Sprintf("record %d of kind %d", seq, r.Kind), Reason: strings.TrimSpace(why), Err: wire.ErrCorrupt,
	})
}
