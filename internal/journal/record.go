package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// Record is one entry of the journal.
type Record struct {
	// Subject is whose key seals Data. Records of subject 0 are not sealed.
	Subject uint64
	// Kind is the host's.
	Kind byte
	// Clear is readable for ever; it must hold nothing that identifies a
	// person.
	Clear []byte
	// Data is sealed under the subject's key with AES-256-GCM; sequence, kind
	// and Clear are its additional data.
	Data []byte
	// Shredded is set by Replay when the subject's key has been destroyed;
	// Data is then nil. Append ignores it.
	Shredded bool
}

// States of a stored record.
const (
	plain    = 0 // data as it is
	sealed   = 1 // nonce and ciphertext
	shredded = 2 // the sealed data has been removed
	hole     = 3 // this sequence and the n-1 after it have been removed
)

const (
	recordHeader = 4 + 4 + 8 + 1 + 1
	nonceSize    = 12
	tagSize      = 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A stored record is
//
//	length   4 bytes   of the whole
//	crc      4 bytes   CRC-32C of everything else
//	sequence 8 bytes
//	kind     1 byte
//	state    1 byte
//	subject  uvarint
//	n        uvarint   length of clear; of a hole the number of sequences
//	clear    n bytes
//	data               to the end
//
// with integers in little endian.
type stored struct {
	seq     uint64
	kind    byte
	state   byte
	subject uint64
	n       uint64 // of a hole
	clear   []byte
	data    []byte
}

func beginRecord(b []byte, s *stored) []byte {
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, s.seq)
	b = append(b, s.kind, s.state)
	b = binary.AppendUvarint(b, s.subject)
	n := s.n
	if s.state != hole {
		n = uint64(len(s.clear))
	}
	b = binary.AppendUvarint(b, n)
	return append(b, s.clear...)
}

// endRecord completes the record that begins at start and ends with b.
func endRecord(b []byte, start int, bug bugs) {
	v := b[start:]
	binary.LittleEndian.PutUint32(v, uint32(len(v)))
	binary.LittleEndian.PutUint32(v[4:], recordCRC(v, bug))
}

func appendStored(b []byte, s *stored, bug bugs) []byte {
	start := len(b)
	b = append(beginRecord(b, s), s.data...)
	endRecord(b, start, bug)
	return b
}

func recordCRC(v []byte, bug bugs) uint32 {
	if bug.has(bugCRCSkipsLength) {
		// The lengths are left out: of the whole and of the clear part.
		_, k := binary.Uvarint(v[recordHeader:])
		_, l := binary.Uvarint(v[recordHeader+max(k, 0):])
		k, l = max(k, 0), max(l, 0)
		crc := crc32.Update(0, castagnoli, v[8:recordHeader+k])
		return crc32.Update(crc, castagnoli, v[recordHeader+k+l:])
	}
	crc := crc32.Update(0, castagnoli, v[:4])
	return crc32.Update(crc, castagnoli, v[8:])
}

// parse checks a stored record. It returns what is wrong with it, "" if
// nothing. The slices of s alias v.
func (s *stored) parse(v []byte, seq uint64, bug bugs) (wrong string) {
	if len(v) < recordHeader+2 {
		return "record is too short"
	}
	if binary.LittleEndian.Uint32(v) != uint32(len(v)) && !bug.has(bugCRCSkipsLength) {
		return "length of the record differs"
	}
	if binary.LittleEndian.Uint32(v[4:]) != recordCRC(v, bug) {
		return "checksum of the record differs"
	}
	s.seq = binary.LittleEndian.Uint64(v[8:])
	if s.seq != seq {
		return "record carries another sequence"
	}
	s.kind, s.state = v[16], v[17]
	rest := v[recordHeader:]
	subject, k := binary.Uvarint(rest)
	if k <= 0 {
		return "bad subject"
	}
	s.subject = subject
	rest = rest[k:]
	n, k := binary.Uvarint(rest)
	if k <= 0 {
		return "bad length of the clear part"
	}
	rest = rest[k:]
	s.n = n
	if s.state == hole {
		s.clear, s.data = nil, nil
		if n == 0 || seq+n-1 < seq || len(rest) != 0 {
			return "bad gap"
		}
		return ""
	}
	if n > uint64(len(rest)) {
		return "clear part longer than the record"
	}
	s.clear, s.data = rest[:n:n], rest[n:]
	switch s.state {
	case plain:
	case sealed:
		if len(s.data) < nonceSize+tagSize || subject == 0 {
			return "bad sealed part"
		}
	case shredded:
		if len(s.data) != 0 {
			return "shredded record with data"
		}
	default:
		return "unknown state of the record"
	}
	return ""
}

// peek returns state and subject of a stored record that has not been
// checked.
func peek(v []byte) (state byte, subject uint64) {
	if len(v) < recordHeader+2 {
		return 0, 0
	}
	subject, _ = binary.Uvarint(v[recordHeader:])
	return v[17], subject
}

// appendAdditional appends what a sealed part is bound to.
func appendAdditional(b []byte, seq uint64, kind byte, clear []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, seq)
	b = append(b, kind)
	return append(b, clear...)
}
