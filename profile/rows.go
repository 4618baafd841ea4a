package profile

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/zhun-go/zhun/internal/ids"
)

// row is one retained event. A person's rows are ordered by time, then by
// message id, never by arrival. The event's content is in the store's log.
//
// It is 20 bytes without a pointer: the seconds of the years 1 to 9999 take 39
// bits when they are counted from before them, which leaves 57 for the
// position in the log.
type row struct {
	high uint32 // the upper 7 bits of the seconds, then the upper 25 of the position
	sec  uint32
	ns   uint32
	set  uint32 // the combination of keys that it came with
	low  uint32 // of the position
}

const (
	bias       = 1 << 63
	rowEpoch   = 1 << 36 // seconds before 1970 that rows count from
	posBits    = 25
	posMask    = 1<<posBits - 1
	listGrowth = 4 // a person's lists grow by a quarter
)

func makeRow(at instant, set uint32, pos uint64) row {
	s := uint64(at.sec + rowEpoch)
	return row{uint32(s>>32)<<posBits | uint32(pos>>32), uint32(s), at.nsec, set, uint32(pos)}
}

func (r row) instant() instant {
	return instant{int64(uint64(r.high>>posBits)<<32|uint64(r.sec)) - rowEpoch, r.ns}
}

// pos is where the event's content is: the chunk of the log above the offset.
func (r row) pos() uint64 { return uint64(r.high&posMask)<<32 | uint64(r.low) }

// room returns a list with space for one more. They grow by less than append
// would let them, since there is one for each person.
func room[T any](list []T) []T {
	if len(list) < cap(list) {
		return list
	}
	out := append([]T(nil), make([]T, len(list)+1+len(list)/listGrowth)...)
	return out[:copy(out, list)]
}

func (r row) time() time.Time { return r.instant().time() }

// eventLog holds the content of all retained events in chunks without
// pointers, so that the garbage collector never walks them.
//
// An event is
//
//	size    uvarint  of what follows
//	type    byte
//	id      uvarint, bytes
//	name    reference
//	n       uvarint
//	n ×     reference, value
//
// where a reference is the number of a name plus one, or 0 and the name
// itself once the dictionary is full.
type eventLog struct {
	names   ids.Dict
	chunks  [][]byte
	garbage int // bytes of events that were taken out
	used    int
	scratch []byte
	frozen  bool   // readers are at work: encode must not add names
	counted []bool // by name: whether it is a field that traits look at
}

const (
	chunkBits = 18
	chunkSize = 1 << chunkBits
	maxNames  = 1 << 16 // names beyond are written out, whatever the sender
)

const (
	tagFalse byte = iota
	tagTrue
	tagInt
	tagFloat
	tagString
	tagTime
	tagStrings
	tagObjects
	tagNil
)

func (l *eventLog) appendRef(b []byte, name string) []byte {
	id, ok := l.names.Lookup(name)
	if !ok {
		if l.names.Len() >= maxNames {
			return appendText(append(b, 0), name)
		}
		if l.frozen {
			return binary.AppendUvarint(b, uint64(l.names.Len())+1)
		}
		id = l.names.ID(name)
	}
	return binary.AppendUvarint(b, uint64(id)+1)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (l *eventLog) appendValue(b []byte, v any) []byte {
	switch x := v.(type) {
	case bool:
		if x {
			return append(b, tagTrue)
		}
		return append(b, tagFalse)
	case int64:
		return binary.AppendVarint(append(b, tagInt), x)
	case float64:
		return binary.LittleEndian.AppendUint64(append(b, tagFloat), math.Float64bits(x))
	case string:
		return appendText(append(b, tagString), x)
	case time.Time:
		b = binary.AppendVarint(append(b, tagTime), x.Unix())
		return binary.AppendUvarint(b, uint64(x.Nanosecond()))
	case []string:
		b = binary.AppendUvarint(append(b, tagStrings), uint64(len(x)))
		for _, s := range x {
			b = appendText(b, s)
		}
		return b
	case []map[string]any:
		b = binary.AppendUvarint(append(b, tagObjects), uint64(len(x)))
		for _, m := range x {
			b = l.appendFields(b, m)
		}
		return b
	}
	return append(b, tagNil)
}

func (l *eventLog) appendFields(b []byte, m map[string]any) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for k, v := range m {
		b = l.appendValue(l.appendRef(b, k), v)
	}
	return b
}

// encode returns the event's content in the log's scratch space.
func (l *eventLog) encode(typ Type, id, name string, fields map[string]any) []byte {
	l.scratch = l.appendFields(l.appendHead(typ, id, name), fields)
	return l.scratch
}

// encodePairs is encode for fields in a list.
func (l *eventLog) encodePairs(typ Type, id, name string, fields []pair) []byte {
	b := binary.AppendUvarint(l.appendHead(typ, id, name), uint64(len(fields)))
	for _, f := range fields {
		b = l.appendValue(l.appendRef(b, f.name), f.value)
	}
	l.scratch = b
	return b
}

// appendHead begins an event in the log's scratch space.
func (l *eventLog) appendHead(typ Type, id, name string) []byte {
	return l.appendRef(appendText(append(l.scratch[:0], byte(typ)), id), name)
}

// put copies an encoded event into the log and returns its position.
func (l *eventLog) put(content []byte) uint64 { return l.putSized(content, chunkSize) }

// restore is put for an event after which there are at most left bytes more.
func (l *eventLog) restore(content []byte, left int) uint64 {
	return l.putSized(content, min(chunkSize, len(content)+binary.MaxVarintLen64+left))
}

func (l *eventLog) putSized(content []byte, room int) uint64 {
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(len(content)))
	size := n + len(content)
	last := len(l.chunks) - 1
	if last < 0 || cap(l.chunks[last])-len(l.chunks[last]) < size {
		l.chunks = append(l.chunks, make([]byte, 0, max(room, size)))
		last++
	}
	c := l.chunks[last]
	pos := uint64(last)<<chunkBits | uint64(len(c)) // a larger chunk has one event, at its start
	l.chunks[last] = append(append(c, head[:n]...), content...)
	l.used += size
	return pos
}

// content returns the bytes of the event at pos.
func (l *eventLog) content(pos uint64) []byte {
	b := l.chunks[pos>>chunkBits][pos&(chunkSize-1):]
	n, k := binary.Uvarint(b)
	return b[k : k+int(n)]
}

// drop overwrites the event at pos; its place is reclaimed by compaction.
func (l *eventLog) drop(pos uint64) {
	b := l.content(pos)
	clear(b)
	l.garbage += len(b) + 1
}

// id returns the message id of the event at pos, aliasing the log.
func (l *eventLog) id(pos uint64) []byte {
	b := l.content(pos)[1:]
	n, k := binary.Uvarint(b)
	return b[k : k+int(n)]
}

// decoded is an event read back from the log.
type decoded struct {
	typ    Type
	id     string
	name   string
	fields map[string]any
}

// view returns the name under which views see the event.
func (d *decoded) view() string { return viewName(d.typ, d.name) }

func viewName(typ Type, name string) string {
	if typ == Track {
		return name
	}
	return typ.String()
}

// viewName returns the name under which views see the event at pos.
func (l *eventLog) viewName(pos uint64) string {
	r := logReader{l, l.content(pos)}
	typ := Type(r.b[0])
	if r.b = r.b[1:]; typ != Track {
		return typ.String()
	}
	r.b = r.b[r.uvarint():]
	return r.ref()
}

// decode reads the event at pos into d, whose fields map is reused.
func (l *eventLog) decode(pos uint64, d *decoded) {
	r := logReader{l, l.content(pos)}
	d.typ = Type(r.b[0])
	r.b = r.b[1:]
	d.id = r.text()
	d.name = r.ref()
	if d.fields == nil {
		d.fields = make(map[string]any)
	}
	clear(d.fields)
	r.fields(d.fields)
}

// readFields makes m the fields of an event of the log.
func (l *eventLog) readFields(content []byte, m map[string]any) {
	_, b := cutText(content[1:])
	r := logReader{l, b}
	r.ref()
	clear(m)
	r.fields(m)
}

type logReader struct {
	log *eventLog
	b   []byte
}

func (r *logReader) uvarint() uint64 {
	n, k := binary.Uvarint(r.b)
	r.b = r.b[k:]
	return n
}

func (r *logReader) varint() int64 {
	n, k := binary.Varint(r.b)
	r.b = r.b[k:]
	return n
}

func (r *logReader) text() string {
	n := r.uvarint()
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *logReader) ref() string {
	n := r.uvarint()
	if n == 0 {
		return r.text()
	}
	return r.log.names.Name(uint32(n - 1))
}

func (r *logReader) fields(m map[string]any) {
	for range r.uvarint() {
		k := r.ref()
		m[k] = r.value()
	}
}

func (r *logReader) value() any {
	tag := r.b[0]
	r.b = r.b[1:]
	switch tag {
	case tagFalse:
		return false
	case tagTrue:
		return true
	case tagInt:
		return r.varint()
	case tagFloat:
		v := math.Float64frombits(binary.LittleEndian.Uint64(r.b))
		r.b = r.b[8:]
		return v
	case tagString:
		return r.text()
	case tagTime:
		sec := r.varint()
		return time.Unix(sec, int64(r.uvarint())).UTC()
	case tagStrings:
		out := make([]string, r.uvarint())
		for i := range out {
			out[i] = r.text()
		}
		return out
	case tagObjects:
		out := make([]map[string]any, r.uvarint())
		for i := range out {
			out[i] = make(map[string]any)
			r.fields(out[i])
		}
		return out
	}
	return nil
}

// compareRows orders rows by time, then message id.
func (l *eventLog) compareRows(a, b row) int {
	if c := a.instant().compare(b.instant()); c != 0 {
		return c
	}
	return bytes.Compare(l.id(a.pos()), l.id(b.pos()))
}

// search returns where an event of that time and id stands among rows, or
// would stand.
func (l *eventLog) search(rows []row, at instant, id string) (int, bool) {
	if n := len(rows); n == 0 || rows[n-1].instant().before(at) {
		return n, false
	}
	return slices.BinarySearchFunc(rows, at, func(r row, at instant) int {
		if c := r.instant().compare(at); c != 0 {
			return c
		}
		return strings.Compare(string(l.id(r.pos())), id)
	})
}

// compact rewrites the log without the events that were taken out, when these
// are the greater part of it.
func (s *Store) compact() {
	l := &s.log
	if l.garbage < chunkSize || l.garbage < l.used/2 {
		return
	}
	fresh := eventLog{names: l.names, scratch: l.scratch}
	for _, p := range s.persons() {
		for i := range p.rows {
			r := &p.rows[i]
			*r = makeRow(r.instant(), r.set, fresh.put(l.content(r.pos())))
		}
	}
	s.log = fresh
	clear(s.graph.lending.visits)
}
