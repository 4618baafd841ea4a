package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/bbolt"

	"github.com/zhun-go/zhun/internal/wire"
)

// layout is the version of the journal's own file format.
const layout = 1

// The buckets of the file and the keys of the bucket meta are constant.
const (
	bucketRecords = "records" // sequence, big endian → stored record
	bucketKeys    = "keys"    // subject, big endian → stored key
	bucketMeta    = "meta"
	metaHead      = "head"
	metaFormat    = "format"
	metaSets      = "sets"
)

// head says what the file must hold, so that something missing at its ends is
// noticed. It is part of every transaction.
type head struct {
	first     uint64 // the lowest sequence that has not been cut
	last      uint64 // the highest sequence, first-1 if there is none
	live      uint64 // subjects with a key
	destroyed uint64 // subjects whose key was destroyed
	keys      uint64 // sum of the checksums of all stored keys
	serial    uint64 // number of snapshot sets ever begun to publish
}

func (h *head) encode() []byte {
	b := make([]byte, 0, 6*8)
	for _, v := range []uint64{h.first, h.last, h.live, h.destroyed, h.keys, h.serial} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

func (h *head) decode(b []byte) bool {
	if len(b) != 6*8 {
		return false
	}
	for i, v := range []*uint64{&h.first, &h.last, &h.live, &h.destroyed, &h.keys, &h.serial} {
		*v = binary.LittleEndian.Uint64(b[8*i:])
	}
	return h.first > 0 && h.last+1 >= h.first
}

// meta is what the bucket meta holds.
type meta struct {
	head   head
	format string
	sets   []Set
}

// putMeta stores a value of the bucket meta with a CRC-32C over its key and
// itself.
func putMeta(tx *bbolt.Tx, name string, value []byte) error {
	v := make([]byte, 4, 4+len(value))
	binary.LittleEndian.PutUint32(v, metaCRC(name, value))
	return tx.Bucket([]byte(bucketMeta)).Put([]byte(name), append(v, value...))
}

func metaCRC(name string, value []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, []byte(name)), castagnoli, value)
}

func checkMeta(name string, v []byte) (value []byte, wrong string) {
	if v == nil {
		return nil, fmt.Sprintf("no %q", name)
	}
	if len(v) < 4 || binary.LittleEndian.Uint32(v) != metaCRC(name, v[4:]) {
		return nil, fmt.Sprintf("checksum of %q differs", name)
	}
	return v[4:], ""
}

// decodeMeta reads the whole bucket meta through get.
func decodeMeta(get func(name string) []byte) (m meta, err error) {
	values := map[string][]byte{}
	for _, name := range []string{metaFormat, metaHead, metaSets} {
		v, wrong := checkMeta(name, get(name))
		if wrong != "" {
			return m, corrupt(dbFile, -1, "%s", wrong)
		}
		values[name] = v
	}
	format := values[metaFormat]
	if len(format) == 0 {
		return m, corrupt(dbFile, -1, "no layout version")
	}
	if format[0] != layout {
		return m, &Error{
			File: dbFile, Offset: -1, Err: ErrVersion,
			Reason: fmt.Sprintf("layout %d, this build reads %d", format[0], layout),
		}
	}
	m.format = string(format[1:])
	if !m.head.decode(values[metaHead]) {
		return m, corrupt(dbFile, -1, "bad head")
	}
	if m.sets, err = decodeSets(values[metaSets]); err != nil {
		return m, &Error{File: dbFile, Offset: -1, Reason: "list of snapshots", Err: ErrCorrupt, Cause: err}
	}
	return m, nil
}

const setsKind = "journal.Sets"

func encodeSets(sets []Set) []byte {
	w := wire.NewWriter(setsKind, layout)
	s := w.Section("sets")
	s.Count(len(sets))
	for _, set := range sets {
		s.Uvarint(set.Seq)
		s.Uvarint(set.serial)
		s.Count(len(set.files))
		for i, f := range set.files {
			s.String(set.Parts[i])
			s.Uvarint(uint64(f.size))
			s.Uvarint(uint64(f.content))
			s.Uvarint(uint64(f.crc))
		}
	}
	return w.AppendTo(nil)
}

func decodeSets(b []byte) ([]Set, error) {
	f, err := wire.Open(b, setsKind, layout)
	if err != nil {
		return nil, err
	}
	r := f.Section("sets")
	var sets []Set
	for range r.Count(3) {
		set := Set{Seq: r.Uvarint(), serial: r.Uvarint()}
		for range r.Count(4) {
			set.Parts = append(set.Parts, r.String())
			set.files = append(set.files, file{size: int64(r.Uvarint()), content: int64(r.Uvarint()), crc: r.Uint32()})
		}
		sets = append(sets, set)
	}
	return sets, r.Close()
}
