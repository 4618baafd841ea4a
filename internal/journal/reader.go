package journal

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"go.etcd.io/bbolt"
)

// reader reads records in chunks.
type reader struct {
	j       *Journal
	next    uint64 // sequence to be read
	forgets uint64 // the count that keys belongs to
	keys    keyring
	tried   bool   // to load keys
	cache   *aeads // of those who open what is read; another one after a key was destroyed
}

// When a Replay will read at least so many records it loads all keys first,
// up to so many: one walk costs less than a search for each record.
const (
	loadFrom = 4096
	loadMost = 1 << 20 // about 50 MB
)

// fill reads the next records into c; more says that there may be others
// after them. An error is left in c.
func (rd *reader) fill(c *chunk) (more bool) {
	c.arena, c.items, c.err = c.arena[:0], c.items[:0], nil
	// A key destroyed after this is dropped with the next chunk.
	if n := rd.j.forgets.Load(); n != rd.forgets {
		rd.forgets, rd.keys, rd.tried, rd.cache = n, nil, false, nil
	}
	begin := rd.next
	c.err = rd.j.look(func(tx *bbolt.Tx) error { return rd.read(tx, c) })
	return c.err == nil && rd.next != begin
}

func (rd *reader) read(tx *bbolt.Tx, c *chunk) error {
	// What the transaction shows beyond the last acknowledged record is what
	// a failed commit left behind.
	var h head
	v, wrong := checkMeta(metaHead, tx.Bucket([]byte(bucketMeta)).Get([]byte(metaHead)))
	if wrong != "" || !h.decode(v) {
		return corrupt(dbFile, -1, "bad head: %s", wrong)
	}
	last := min(h.last, rd.j.last.Load())
	if rd.next < h.first {
		return &Error{Offset: -1, Err: ErrCut, Reason: fmt.Sprintf("record %d, the first is %d", rd.next, h.first)}
	}
	if rd.next > last {
		return nil
	}
	if rd.cache == nil {
		rd.cache = &aeads{bits: min(cacheBits, bits.Len64(last-rd.next)+1)}
		rd.cache.make()
	}
	c.cache = rd.cache
	keys := tx.Bucket([]byte(bucketKeys))
	if !rd.tried && last-rd.next >= max(loadFrom, h.live/4) && h.live+h.destroyed <= loadMost {
		if err := rd.load(keys, h.live+h.destroyed); err != nil {
			return err
		}
	}
	cursor := tx.Bucket([]byte(bucketRecords)).Cursor()
	k, v, err := rd.j.seek(cursor, &rd.next)
	if err != nil {
		return err
	}
	for ; rd.next <= last && len(c.items) < chunkRecords && len(c.arena) < chunkBytes; k, v = cursor.Next() {
		if len(k) != 8 || binary.BigEndian.Uint64(k) != rd.next {
			return rd.j.damaged(rd.next, "record is missing")
		}
		n, err := rd.take(c, v, keys)
		if err != nil {
			return err
		}
		rd.next += n
	}
	return nil
}

// take adds the record rd.next to a chunk, and returns how many sequences it
// stands for.
func (rd *reader) take(c *chunk, v []byte, keys *bbolt.Bucket) (n uint64, err error) {
	state, subject := peek(v)
	if state == hole {
		n, wrong := rd.j.span(rd.next, v)
		if wrong != "" {
			return 0, rd.j.damaged(rd.next, wrong)
		}
		return n, nil
	}
	start := len(c.arena)
	c.arena = append(c.arena, v...)
	c.items = append(c.items, item{seq: rd.next, start: start, end: len(c.arena)})
	if state == sealed {
		it := &c.items[len(c.items)-1]
		if it.key, it.live, err = rd.key(subject, keys); err != nil {
			if _, wrong := rd.j.span(rd.next, v); wrong != "" {
				err = rd.j.damaged(rd.next, wrong)
			}
			c.items = c.items[:len(c.items)-1]
			return 0, err
		}
	}
	return 1, nil
}

// key returns the key of a subject; live is false if it was destroyed.
func (rd *reader) key(subject uint64, keys *bbolt.Bucket) (k key, live bool, err error) {
	if r := rd.keys.find(subject); r != nil {
		return r.key, r.live, nil
	}
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], subject)
	v := keys.Get(id[:])
	if v == nil {
		return k, false, corrupt(dbFile, -1, "no key of subject %d", subject)
	}
	k, live, wrong := decodeKey(subject, v)
	if wrong != "" {
		return k, false, corrupt(dbFile, -1, "%s of subject %d", wrong, subject)
	}
	return k, live, nil
}

// keyring holds keys by ascending subject.
type keyring []ring

type ring struct {
	subject uint64
	key     key
	live    bool
}

// find returns what is known of a subject, nil if nothing is. Subjects are
// mostly consecutive numbers, so that the place of one is known by that of the
// first.
func (r keyring) find(subject uint64) *ring {
	if len(r) == 0 {
		return nil
	}
	if i := subject - r[0].subject; i < uint64(len(r)) && r[i].subject == subject {
		return &r[i]
	}
	i, ok := slices.BinarySearchFunc(r, subject, func(x ring, s uint64) int { return cmp.Compare(x.subject, s) })
	if !ok {
		return nil
	}
	return &r[i]
}

// load reads all keys.
func (rd *reader) load(keys *bbolt.Bucket, n uint64) error {
	rd.tried = true
	rd.keys = make(keyring, 0, n)
	return keys.ForEach(func(id, v []byte) error {
		if len(id) != 8 {
			return corrupt(dbFile, -1, "bad subject")
		}
		subject := binary.BigEndian.Uint64(id)
		k, live, wrong := decodeKey(subject, v)
		if wrong != "" {
			return corrupt(dbFile, -1, "%s of subject %d", wrong, subject)
		}
		rd.keys = append(rd.keys, ring{subject, k, live})
		return nil
	})
}

// seek moves to the record of a sequence, or, when that lies in a gap, moves
// the sequence to the gap's end.
func (j *Journal) seek(c *bbolt.Cursor, seq *uint64) (k, v []byte, err error) {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], *seq)
	k, v = c.Seek(id[:])
	if len(k) == 8 && binary.BigEndian.Uint64(k) == *seq {
		return k, v, nil
	}
	if k == nil {
		k, v = c.Last()
	} else {
		k, v = c.Prev()
	}
	if len(k) == 8 {
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
