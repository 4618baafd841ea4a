package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"time"
)

// Frame is a frame whose checksums have been verified. It aliases the bytes
// it was opened on. Immutable; safe for concurrent use.
type Frame struct {
	Kind    string
	Version byte
	names   []string
	bodies  [][]byte
}

// Open verifies data as one whole frame of the kind, of a version up to
// maxVersion. Errors are of type [*Error].
func Open(data []byte, kind string, maxVersion byte) (*Frame, error) {
	f, err := Inspect(data)
	if err != nil {
		if e, ok := err.(*Error); ok {
			e.Kind = kind
		}
		return nil, err
	}
	if f.Kind != kind {
		return nil, &Error{Kind: kind, Offset: len(magic) + 1, Reason: fmt.Sprintf("bytes of kind %q", f.Kind), Err: ErrCorrupt}
	}
	if f.Version > maxVersion {
		return nil, &Error{Kind: kind, Offset: len(magic), Reason: fmt.Sprintf("version %d, this build reads up to %d", f.Version, maxVersion), Err: ErrVersion}
	}
	return f, nil
}

// Inspect verifies data as one whole frame of any kind and version.
func Inspect(data []byte) (*Frame, error) {
	r := &Reader{kind: "frame", data: data}
	if len(data) < len(magic)+1 || string(data[:len(magic)]) != magic {
		return nil, &Error{Kind: "frame", Reason: "not a zhun frame", Err: ErrCorrupt}
	}
	r.pos = len(magic)
	f := &Frame{Version: r.Byte()}
	f.Kind = r.String()
	n := r.Count(6)
	if n > maxSections {
		r.fail("more sections than a frame may have")
	}
	type entry struct {
		length uint64
		crc    uint32
	}
	var entries []entry
	for range n {
		if r.err != nil {
			break
		}
		f.names = append(f.names, r.String())
		entries = append(entries, entry{r.Uvarint(), r.uint32()})
	}
	end := r.pos
	crc := r.uint32()
	if r.err != nil {
		return nil, r.err
	}
	if crc32.Checksum(data[:end], castagnoli) != crc {
		r.fail("header checksum differs")
		return nil, r.err
	}
	for i, e := range entries {
		if e.length > uint64(len(data)-r.pos) {
			r.fail("section longer than the frame")
			return nil, r.err
		}
		body := data[r.pos : r.pos+int(e.length)]
		if crc32.Checksum(body, castagnoli) != e.crc {
			return nil, &Error{Kind: f.Kind, Section: f.names[i], Reason: "checksum differs", Err: ErrCorrupt}
		}
		f.bodies = append(f.bodies, body)
		r.pos += int(e.length)
	}
	if r.pos != len(data) {
		r.fail("bytes after the end")
		return nil, r.err
	}
	return f, nil
}

// Names returns the names of the sections in their order.
func (f *Frame) Names() []string { return f.names }

// Section returns a reader over the named section; a missing one is an error
// at the reader's first use.
func (f *Frame) Section(name string) *Reader {
	for i, n := range f.names {
		if n == name {
			return &Reader{kind: f.Kind, section: name, data: f.bodies[i]}
		}
	}
	r := &Reader{kind: f.Kind, section: name}
	r.fail("section missing")
	return r
}

// Reader reads one section's payload. The first failure sticks: later reads
// return zero values, and [Reader.Close] returns it, so a decoder checks once
// at its end. Not safe for concurrent use.
type Reader struct {
	kind    string
	section string
	data    []byte
	pos     int
	err     error
}

func (r *Reader) fail(reason string) {
	if r.err == nil {
		r.err = &Error{Kind: r.kind, Section: r.section, Offset: r.pos, Reason: reason, Err: ErrCorrupt}
	}
}

// Fail records that what was read cannot be: the decoder's own check failed.
func (r *Reader) Fail(format string, args ...any) { r.fail(fmt.Sprintf(format, args...)) }

// Err returns the first failure.
func (r *Reader) Err() error { return r.err }

// Close returns the first failure; bytes that nobody read are one too.
func (r *Reader) Close() error {
	if r.err == nil && r.pos != len(r.data) {
		r.fail("bytes left over")
	}
	return r.err
}

// Left returns how many bytes are unread.
func (r *Reader) Left() int { return len(r.data) - r.pos }

func (r *Reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.data)-r.pos {
		r.fail("ends early")
		return nil
	}
	b := r.data[r.pos : r.pos+n]
	r.pos += n
	return b
}

// Uvarint reads an unsigned integer. Only the shortest form is accepted, so
// that one state has one encoding.
func (r *Reader) Uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	if r.pos < len(r.data) && r.data[r.pos] < 0x80 {
		r.pos++
		return uint64(r.data[r.pos-1])
	}
	v, n := binary.Uvarint(r.data[r.pos:])
	if n <= 0 || n > 1 && r.data[r.pos+n-1] == 0 {
		r.fail("bad integer")
		return 0
	}
	r.pos += n
	return v
}

// Varint reads a signed integer.
func (r *Reader) Varint() int64 {
	u := r.Uvarint()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}

// Count reads a length and refuses one for which the rest of the section is
// too short when each element takes at least size bytes. Size is at least 1,
// which bounds what a decoder allocates by a multiple of its input.
func (r *Reader) Count(size int) int {
	n := r.Uvarint()
	if n > uint64(r.Left()/max(size, 1)) {
		r.fail(fmt.Sprintf("count %d exceeds the bytes left", n))
		return 0
	}
	return int(n)
}

// Room returns for how many of n things to make room before they are read: no
// more than are there if each takes size bytes, as most do. A count that lies
// then costs little more than the bytes it came with.
func (r *Reader) Room(n, size int) int { return min(n, r.Left()/size) }

// Uint32 reads an unsigned integer and refuses one beyond 32 bits.
func (r *Reader) Uint32() uint32 {
	v := r.Uvarint()
	if v > math.MaxUint32 {
		r.fail("integer beyond 32 bits")
		return 0
	}
	return uint32(v)
}

// Index reads an unsigned integer and refuses one that is not below n.
func (r *Reader) Index(n int) int {
	v := r.Uvarint()
	if v >= uint64(n) {
		r.fail(fmt.Sprintf("index %d of %d", v, n))
		return 0
	}
	return int(v)
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// Bool reads a truth value.
func (r *Reader) Bool() bool {
	b := r.Byte()
	if b > 1 {
		r.fail("bad truth value")
	}
	return b == 1
}

func (r *Reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads eight bytes.
func (r *Reader) Uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Float reads a float and refuses NaN, which no accumulator holds.
func (r *Reader) Float() float64 {
	v := math.Float64frombits(r.Uint64())
	if v != v {
		r.fail("NaN")
		return 0
	}
	return v
}

// String reads a string; it is a copy.
func (r *Reader) String() string { return string(r.raw()) }

// Bytes reads bytes; they are a copy.
func (r *Reader) Bytes() []byte { return append([]byte(nil), r.raw()...) }

func (r *Reader) raw() []byte { return r.take(r.Count(1)) }

// Time reads an instant, in UTC.
func (r *Reader) Time() time.Time {
	sec, ns := r.Varint(), r.Uvarint()
	if ns >= 1e9 {
		r.fail("bad nanoseconds")
		return time.Time{}
	}
	return time.Unix(sec, int64(ns)).UTC()
}

// Strings reads a list of strings. They are looked at before there is room
// made for them.
func (r *Reader) Strings() []string {
	n := r.Count(1)
	start := r.pos
	for range n {
		r.raw()
	}
	if r.err != nil {
		return nil
	}
	r.pos = start
	out := make([]string, n)
	for i := range out {
		out[i] = r.String()
	}
	return out
}

// Names reads a list of different strings, the shorter before the longer, those
// of one length by their bytes, as dictionaries are written. Another order is
// a failure at once: no bytes are many names.
func (r *Reader) Names() []string {
	n := r.Count(1)
	out := make([]string, 0, r.Room(n, 4))
	for i := range n {
		name := r.String()
		if i > 0 && (len(name) < len(out[i-1]) || len(name) == len(out[i-1]) && name <= out[i-1]) {
			r.fail(fmt.Sprintf("name %.60q out of order", name))
		}
		if r.err != nil {
			return nil
		}
		out = append(out, name)
	}
	return out
}

// Payload returns the bytes of the named section, nil if there is none. They
// alias what the frame was opened on.
func (f *Frame) Payload(name string) []byte {
	for i, n := range f.names {
		if n == name {
			return f.bodies[i]
		}
	}
	return nil
}
