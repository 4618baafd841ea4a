// Package wire frames and checks the bytes that the library's accumulators
// are written to.
//
// A frame is
//
//	"zhun"                       magic
//	version   byte               format version of the kind
//	kind      uvarint, bytes     what is inside, such as "recommend.History"
//	n         uvarint            number of sections, at most 64
//	n ×       name    uvarint, bytes
//	          length  uvarint    of the payload
//	          crc     4 bytes    CRC-32C of the payload, little endian
//	crc       4 bytes            CRC-32C of everything above
//	n ×       payload
//
// and nothing after the last payload. CRC-32C finds every error of a single
// bit, and every burst of up to 32 bits, so one damaged byte anywhere is an
// error. Lengths are compared with what is left before anything is
// allocated.
//
// Within a payload integers are variable-length, floats are their IEEE 754
// bits in little endian, strings carry their length, and times are seconds
// since 1970 and nanoseconds, in UTC. The same values always give the same
// bytes.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"time"
)

// Meta is the name of the section that holds what lies outside the laws of
// state: the clock, definitions and option fingerprints.
const Meta = "meta"

const (
	magic       = "zhun"
	maxSections = 64
)

var (
	// ErrCorrupt is wrapped by every error about bytes that are not what was
	// written: damaged, truncated, with something after the end, or of
	// another kind.
	ErrCorrupt = errors.New("corrupt bytes")
	// ErrVersion is wrapped by errors about bytes of a format version that
	// this build does not read.
	ErrVersion = errors.New("unknown format version")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Error says where bytes stopped making sense. It wraps [ErrCorrupt] or
// [ErrVersion].
type Error struct {
	Kind    string // what was being read, such as "recommend.History"
	Section string // the section, empty for the frame itself
	Offset  int    // in the section's payload, or in the frame
	Reason  string
	Err     error
}

func (e *Error) Error() string {
	where := "frame"
	if e.Section != "" {
		where = fmt.Sprintf("section %q", e.Section)
	}
	return fmt.Sprintf("%s: %v: %s at offset %d of the %s", e.Kind, e.Err, e.Reason, e.Offset, where)
}

// Unwrap returns [ErrCorrupt] or [ErrVersion].
func (e *Error) Unwrap() error { return e.Err }

// Writer collects the sections of one frame. Not safe for concurrent use.
type Writer struct {
	kind     string
	version  byte
	sections []*Section
}

// NewWriter starts a frame of a kind and format version.
func NewWriter(kind string, version byte) *Writer {
	return &Writer{kind: kind, version: version}
}

// Section starts the next section. Names are unique within a frame.
func (w *Writer) Section(name string) *Section {
	s := &Section{name: name}
	w.sections = append(w.sections, s)
	return s
}

// Payload returns what was written to the named section so far, nil if there
// is none.
func (w *Writer) Payload(name string) []byte {
	for _, s := range w.sections {
		if s.name == name {
			return s.b
		}
	}
	return nil
}

// AppendTo appends the whole frame to b.
func (w *Writer) AppendTo(b []byte) []byte {
	start, room := len(b), len(magic)+len(w.kind)+32
	for _, s := range w.sections {
		room += len(s.name) + len(s.b) + 24
	}
	b = slices.Grow(b, room)
	b = append(b, magic...)
	b = append(b, w.version)
	b = appendString(b, w.kind)
	b = binary.AppendUvarint(b, uint64(len(w.sections)))
	for _, s := range w.sections {
		b = appendString(b, s.name)
		b = binary.AppendUvarint(b, uint64(len(s.b)))
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(s.b, castagnoli))
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
	for _, s := range w.sections {
		b = append(b, s.b...)
	}
	return b
}

// Section is the payload of one section being written. Not safe for
// concurrent use.
type Section struct {
	name string
	b    []byte
}

// Grow makes room for n bytes more, so that writing them moves nothing. It is
// a hint: more may be written, or less.
func (s *Section) Grow(n int) { s.b = slices.Grow(s.b, n) }

// Uvarint writes an unsigned integer.
func (s *Section) Uvarint(v uint64) {
	if v < 0x80 {
		s.b = append(s.b, byte(v))
		return
	}
	s.b = binary.AppendUvarint(s.b, v)
}

// Varint writes a signed integer.
func (s *Section) Varint(v int64) { s.Uvarint(uint64(v)<<1 ^ uint64(v>>63)) }

// Count writes the length of what follows.
func (s *Section) Count(n int) { s.Uvarint(uint64(n)) }

// Byte writes one byte.
func (s *Section) Byte(v byte) { s.b = append(s.b, v) }

// Bool writes a truth value as one byte.
func (s *Section) Bool(v bool) {
	if v {
		s.b = append(s.b, 1)
	} else {
		s.b = append(s.b, 0)
	}
}

// Uint64 writes eight bytes.
func (s *Section) Uint64(v uint64) { s.b = binary.LittleEndian.AppendUint64(s.b, v) }

// Float writes the bits of a float.
func (s *Section) Float(v float64) { s.Uint64(math.Float64bits(v)) }

// String writes a string with its length.
func (s *Section) String(v string) {
	s.Uvarint(uint64(len(v)))
	s.b = append(s.b, v...)
}

// Bytes writes bytes with their length.
func (s *Section) Bytes(v []byte) {
	s.Uvarint(uint64(len(v)))
	s.b = append(s.b, v...)
}

// Raw writes bytes as they are.
func (s *Section) Raw(v []byte) { s.b = append(s.b, v...) }

// Time writes an instant; the location is not kept.
func (s *Section) Time(t time.Time) {
	s.Varint(t.Unix())
	s.Uvarint(uint64(t.Nanosecond()))
}

// Strings writes a list of strings.
func (s *Section) Strings(v []string) {
	s.Count(len(v))
	for _, x := range v {
		s.String(x)
	}
}

func appendString(b []byte, v string) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}
