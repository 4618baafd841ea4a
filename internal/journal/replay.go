package journal

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// What Replay reads at once. No transaction is open while the caller's
// function runs.
const (
	chunkRecords = 4096
	chunkBytes   = 1 << 20
)

// Replay calls f with every acknowledged record whose sequence is above
// after, in order, until f returns an error, which Replay returns. The record
// and its slices are valid during the call only. Records that are appended
// meanwhile may be among them. A record whose subject was forgotten comes
// with Shredded set and without Data; once a snapshot covers it and Compact
// has removed it, it does not come at all.
//
// Errors: [ErrCut] if records above after have been cut, [ErrCorrupt],
// [ErrClosed]. A journal that can no longer append can still replay.
func (j *Journal) Replay(after uint64, f func(seq uint64, r *Record) error) error {
	rd := reader{j: j, next: after + 1}
	for {
		n, err := rd.fill()
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		for i := range rd.items {
			it := &rd.items[i]
			if err := rd.open(it); err != nil {
				return err
			}
			if err := f(it.seq, &it.record); err != nil {
				return err
			}
		}
	}
}

// reader reads records in chunks.
type reader struct {
	j       *Journal
	next    uint64 // sequence to be read
	forgets uint64 // the count that cache belongs to
	cache   aeads
	arena   []byte
	items   []item
	more    []byte
}

type item struct {
	seq    uint64
	start  int // in the arena
	end    int
	aead   cipher.AEAD
	record Record
	stored stored
}

// fill reads the next chunk and returns how many sequences it passed.
func (rd *reader) fill() (passed uint64, err error) {
	j := rd.j
	rd.arena, rd.items = rd.arena[:0], rd.items[:0]
	begin := rd.next
	// A key destroyed after this is dropped with the next chunk.
	if n := j.forgets.Load(); n != rd.forgets {
		rd.forgets, rd.cache = n, aeads{}
	}
	err = j.look(func(tx *bbolt.Tx) error {
		// What the transaction shows beyond the last acknowledged record is
		// what a failed commit left behind.
		var h head
		v, wrong := checkMeta(metaHead, tx.Bucket([]byte(bucketMeta)).Get([]byte(metaHead)))
		if wrong != "" || !h.decode(v) {
			return corrupt(dbFile, -1, "bad head: %s", wrong)
		}
		last := min(h.last, j.last.Load())
		if rd.next < h.first {
			return &Error{Offset: -1, Err: ErrCut, Reason: fmt.Sprintf("record %d, the first is %d", rd.next, h.first)}
		}
		if rd.next > last {
			return nil
		}
		keys := tx.Bucket([]byte(bucketKeys))
		c := tx.Bucket([]byte(bucketRecords)).Cursor()
		k, v, err := j.seek(c, &rd.next)
		if err != nil {
			return err
		}
		for ; rd.next <= last && len(rd.items) < chunkRecords && len(rd.arena) < chunkBytes; k, v = c.Next() {
			passed, err := rd.take(k, v, keys)
			if err != nil {
				return err
			}
			rd.next += passed
		}
		return nil
	})
	return rd.next - begin, err
}

// seek moves to the record of a sequence, or, when that lies in a gap, moves
// the sequence to the gap's end.
func (j *Journal) seek(c *bbolt.Cursor, seq *uint64) (k, v []byte, err error) {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], *seq)
	k, v = c.Seek(id[:])
	if k != nil && binary.BigEndian.Uint64(k) == *seq {
		return k, v, nil
	}
	if k, v = c.Prev(); k != nil {
		at := binary.BigEndian.Uint64(k)
		n, wrong := j.span(at, v)
		if wrong != "" {
			return nil, nil, j.damaged(at, wrong)
		}
		if at+n > *seq {
			*seq = at + n
			k, v = c.Next()
			return k, v, nil
		}
	}
	return nil, nil, j.damaged(*seq, "record is missing")
}

// take adds the record at the cursor to the chunk.
func (rd *reader) take(k, v []byte, keys *bbolt.Bucket) (passed uint64, err error) {
	if len(k) != 8 || binary.BigEndian.Uint64(k) != rd.next {
		return 0, rd.j.damaged(rd.next, "record is missing")
	}
	start := len(rd.arena)
	rd.arena = append(rd.arena, v...)
	rd.items = append(rd.items, item{seq: rd.next, start: start, end: len(rd.arena)})
	it := &rd.items[len(rd.items)-1]
	if wrong := it.stored.parse(v, rd.next, rd.j.opts.bugs); wrong != "" {
		return 0, rd.j.damaged(rd.next, wrong)
	}
	if it.stored.state == hole {
		n := it.stored.n
		rd.items = rd.items[:len(rd.items)-1]
		return n, nil
	}
	if it.stored.state == sealed {
		if it.aead, err = rd.cipher(it.stored.subject, keys); err != nil {
			return 0, err
		}
	}
	return 1, nil
}

// cipher returns the cipher of a subject, nil if its key was destroyed.
func (rd *reader) cipher(subject uint64, keys *bbolt.Bucket) (cipher.AEAD, error) {
	if a := rd.cache.get(subject); a != nil {
		return a, nil
	}
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], subject)
	v := keys.Get(id[:])
	if v == nil {
		return nil, corrupt(dbFile, -1, "no key of subject %d", subject)
	}
	k, live, wrong := decodeKey(subject, v)
	if wrong != "" {
		return nil, corrupt(dbFile, -1, "%s of subject %d", wrong, subject)
	}
	if !live {
		return nil, nil
	}
	a, err := newAEAD(&k)
	if err != nil {
		return nil, err
	}
	rd.cache.put(subject, a)
	return a, nil
}

// open makes the caller's record of an item.
func (rd *reader) open(it *item) error {
	// The chunk may have moved while it grew.
	if wrong := it.stored.parse(rd.arena[it.start:it.end], it.seq, rd.j.opts.bugs); wrong != "" {
		return rd.j.damaged(it.seq, wrong)
	}
	s := &it.stored
	it.record = Record{Subject: s.subject, Kind: s.kind, Clear: s.clear}
	switch {
	case s.state == plain:
		it.record.Data = s.data
	case s.state == shredded, it.aead == nil:
		it.record.Shredded = true
	default:
		rd.more = appendAdditional(rd.more[:0], it.seq, s.kind, s.clear)
		data, err := it.aead.Open(s.data[nonceSize:nonceSize], s.data[:nonceSize], s.data[nonceSize:], rd.more)
		if err != nil {
			return rd.j.damaged(it.seq, "sealed part cannot be opened")
		}
		it.record.Data = data
	}
	return nil
}

// look runs f in a read-only transaction.
func (j *Journal) look(f func(tx *bbolt.Tx) error) error {
	j.handle.RLock()
	defer j.handle.RUnlock()
	if j.db == nil {
		return ErrClosed
	}
	return guard(dbFile, func() error {
		if err := j.checkSize(); err != nil {
			return err
		}
		tx, err := j.db.Begin(false)
		if err != nil {
			return system(dbFile, "reading", err)
		}
		defer rollback(tx)
		return f(tx)
	})
}

// damaged says where in the file a damaged record is.
func (j *Journal) damaged(seq uint64, wrong string) error {
	return corrupt(dbFile, locate(j.path, seq), "%s (sequence %d)", wrong, seq)
}
