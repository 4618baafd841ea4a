package journal

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// Compact makes forgetting physical: it writes the journal's file anew,
// without destroyed keys, without what was sealed with them, and without the
// space that cut records left, puts it in place of the old one, and removes
// every snapshot but the newest, which it checks first. What a disk keeps of
// removed files is beyond it.
//
// Of records of forgotten subjects, those that the newest snapshot covers
// disappear; of later ones the clear part stays. Take a snapshot first to be
// rid of all. Subjects that are forgotten while Compact runs are left to the
// next one.
//
// Records are appended while most of the file is copied; the end, and the
// check of the new file, make them wait, about a second for a gigabyte. The
// context is looked at between chunks; an error leaves the journal as it was,
// except a failure to put the new file in place, which is one of Append.
func (j *Journal) Compact(ctx context.Context) error {
	j.snapshots.Lock()
	defer j.snapshots.Unlock()
	c := &compaction{j: j, forgets: j.forgets.Load()}
	sets := j.Snapshots()
	if len(sets) > 0 {
		c.sets = sets[:1]
		c.covered = sets[0].Seq
		for i, part := range sets[0].Parts {
			name := sets[0].fileName(part)
			drop := func([]byte) error { return ctx.Err() }
			if err := readPart(filepath.Join(j.dir, name), name, sets[0].files[i], drop); err != nil {
				return err
			}
		}
	}
	defer c.discard()
	if err := c.begin(); err != nil {
		return err
	}
	for {
		more, err := c.chunk(ctx)
		if err != nil {
			return system(dbFile+partial, "copying", err)
		}
		if !more {
			break
		}
	}
	// Most of it is flushed before anybody has to wait for that.
	if err := c.db.Sync(); err != nil {
		return system(dbFile+partial, "writing", err)
	}
	if err := c.finish(ctx); err != nil {
		return err
	}
	return j.clean("compact")
}

// compaction copies the database into a new one.
type compaction struct {
	j       *Journal
	db      *bbolt.DB // new; nil when closed
	sets    []Set     // that stay
	covered uint64    // by the newest set
	forgets uint64    // when the copy began
	first   uint64    // of the records that are copied
	next    uint64    // sequence to be copied
	gap     stored    // pending when n > 0
	arena   []byte
	values  []value
}

// value is a stored record on its way.
type value struct {
	seq        uint64
	start, end int // in the arena
}

func (c *compaction) path() string { return c.j.path + partial }

func (c *compaction) begin() error {
	if err := c.j.hook("compact.create"); err != nil {
		return system(dbFile+partial, "creating", err)
	}
	if err := os.Remove(c.path()); err != nil && !os.IsNotExist(err) {
		return system(dbFile+partial, "removing", err)
	}
	db, err := c.j.openDB(c.path())
	if err != nil {
		return err
	}
	c.db = db
	// Flushed once, before it gets its name.
	db.NoSync, db.NoGrowSync = true, true
	c.j.write.Lock()
	m, err := c.j.meta, c.j.err
	c.j.write.Unlock()
	if err != nil {
		return err
	}
	c.first, c.next = m.head.first, m.head.first
	m.sets = c.sets
	return system(dbFile+partial, "writing", db.Update(func(tx *bbolt.Tx) error { return initialize(tx, m) }))
}

// discard removes what did not become the journal.
func (c *compaction) discard() {
	if c.db != nil {
		c.db.Close()
		os.Remove(c.path())
	}
}

// chunk copies some records; more says that there were any.
func (c *compaction) chunk(ctx context.Context) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	c.arena, c.values = c.arena[:0], c.values[:0]
	begin := c.next
	err = c.j.look(func(tx *bbolt.Tx) error {
		last := c.j.last.Load()
		if c.next > last {
			return nil
		}
		keys := tx.Bucket([]byte(bucketKeys))
		cursor := tx.Bucket([]byte(bucketRecords)).Cursor()
		k, v, err := c.j.seek(cursor, &c.next)
		if err != nil {
			return err
		}
		for ; c.next <= last && len(c.values) < chunkRecords && len(c.arena) < chunkBytes && c.next-begin < 1<<16; k, v = cursor.Next() {
			if k == nil || binary.BigEndian.Uint64(k) != c.next {
				return c.j.damaged(c.next, "record is missing")
			}
			if err := c.take(v, keys); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || c.next == begin {
		return false, err
	}
	return true, c.flush()
}

// take adds the record c.next to the chunk, or to the gap.
func (c *compaction) take(v []byte, keys *bbolt.Bucket) error {
	var s stored
	if wrong := s.parse(v, c.next, c.j.opts.bugs); wrong != "" {
		return c.j.damaged(c.next, wrong)
	}
	n := uint64(1)
	gone := s.state == hole || s.state == shredded
	if s.state == hole {
		n = s.n
	}
	if s.state == sealed {
		var id [8]byte
		binary.BigEndian.PutUint64(id[:], s.subject)
		stored := keys.Get(id[:])
		_, live, wrong := decodeKey(s.subject, stored)
		if wrong != "" {
			return corrupt(dbFile, -1, "%s of subject %d", wrong, s.subject)
		}
		gone = !live
	}
	if gone && (s.state == hole || c.next <= c.covered) {
		if c.gap.n == 0 {
			c.gap = stored{seq: c.next, state: hole}
		}
		c.gap.n += n
		c.next += n
		return nil
	}
	c.endGap()
	start := len(c.arena)
	if gone {
		s.state, s.data = shredded, nil
		c.arena = appendStored(c.arena, &s, c.j.opts.bugs)
	} else {
		c.arena = append(c.arena, v...)
	}
	c.values = append(c.values, value{c.next, start, len(c.arena)})
	c.next++
	return nil
}

func (c *compaction) endGap() {
	if c.gap.n == 0 {
		return
	}
	start := len(c.arena)
	c.arena = appendStored(c.arena, &c.gap, c.j.opts.bugs)
	c.values = append(c.values, value{c.gap.seq, start, len(c.arena)})
	c.gap = stored{}
}

// flush writes the chunk into the new database.
func (c *compaction) flush() error {
	if err := c.j.hook("compact.write"); err != nil {
		return err
	}
	return c.db.Update(func(tx *bbolt.Tx) error {
		records := tx.Bucket([]byte(bucketRecords))
		records.FillPercent = 1
		for _, v := range c.values {
			if err := records.Put(binary.BigEndian.AppendUint64(nil, v.seq), c.arena[v.start:v.end]); err != nil {
				return err
			}
		}
		return nil
	})
}

// finish copies the rest while nobody writes, and replaces the file.
func (c *compaction) finish(ctx context.Context) error {
	j := c.j
	j.write.Lock()
	defer j.write.Unlock()
	if j.err != nil {
		return j.err
	}
	for {
		more, err := c.chunk(ctx)
		if err != nil {
			return system(dbFile+partial, "copying", err)
		}
		if !more {
			break
		}
	}
	c.arena, c.values = c.arena[:0], c.values[:0]
	c.endGap()
	m := j.meta
	m.sets = c.sets
	m.head.live, m.head.destroyed, m.head.keys = 0, 0, 0
	err := c.flush()
	if err == nil {
		err = c.keys(&m.head)
	}
	if err == nil {
		err = c.db.Update(func(tx *bbolt.Tx) error { return putMeta(tx, metaHead, m.head.encode()) })
	}
	if err == nil {
		err = j.hook("compact.written")
	}
	if err == nil {
		err = c.db.Sync()
	}
	if err == nil {
		err = c.db.Close()
	}
	if err != nil {
		return system(dbFile+partial, "writing", err)
	}
	c.db = nil
	if _, err := verify(c.path(), j.opts.bugs); err != nil {
		os.Remove(c.path())
		return err
	}
	if err := j.hook("compact.synced"); err != nil {
		os.Remove(c.path())
		return system(dbFile+partial, "writing", err)
	}
	return j.replace(m)
}

// keys copies the keys. Marks of destroyed ones stay only when some were
// destroyed since the copy began: records sealed with those may be in it.
func (c *compaction) keys(h *head) error {
	marks := c.j.forgets.Load() != c.forgets
	var ids, values []byte
	var next []byte
	for done := false; !done; {
		ids, values = ids[:0], values[:0]
		var sizes []int
		err := c.j.look(func(tx *bbolt.Tx) error {
			cursor := tx.Bucket([]byte(bucketKeys)).Cursor()
			k, v := cursor.Seek(next)
			for ; k != nil && len(sizes) < chunkRecords; k, v = cursor.Next() {
				subject := binary.BigEndian.Uint64(k)
				_, live, wrong := decodeKey(subject, v)
				if wrong != "" {
					return corrupt(dbFile, -1, "%s of subject %d", wrong, subject)
				}
				if !live && !marks {
					continue
				}
				if live {
					h.live++
				} else {
					h.destroyed++
				}
				h.keys += uint64(storedCRC(v))
				ids, values, sizes = append(ids, k...), append(values, v...), append(sizes, len(v))
			}
			done = k == nil
			next = append(next[:0], k...)
			return nil
		})
		if err != nil {
			return err
		}
		err = c.db.Update(func(tx *bbolt.Tx) error {
			keys := tx.Bucket([]byte(bucketKeys))
			keys.FillPercent = 1
			at := 0
			for i, n := range sizes {
				if err := keys.Put(ids[8*i:8*i+8], values[at:at+n]); err != nil {
					return err
				}
				at += n
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// replace puts the new file in the old one's place. The caller holds j.write.
func (j *Journal) replace(m meta) error {
	j.handle.Lock()
	defer j.handle.Unlock()
	err := guard(dbFile, j.db.Close)
	j.reserve.close()
	if err == nil {
		err = os.Rename(j.path+partial, j.path)
	}
	if err == nil {
		err = j.sync("compact.renamed")
	}
	db, opening := j.openDB(j.path)
	if opening == nil {
		j.db = db
	} else if err == nil {
		err = opening
	}
	j.size.Store(0)
	if err == nil {
		err = j.reserve.open(j.path)
	}
	if err != nil {
		j.err = system(dbFile, "putting the new file in place", err)
		return j.err
	}
	j.meta = m
	j.cache.clear()
	j.publish()
	return nil
}
