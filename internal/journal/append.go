package journal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"runtime"

	"go.etcd.io/bbolt"
)

// Limits of what one transaction holds.
const (
	// MaxRecord is the most that Clear and Data of one record may have
	// together, in bytes.
	MaxRecord = 64 << 20
	// MaxBatch is the most that the records of one batch may have together.
	MaxBatch = 256 << 20

	// maxGroup bounds what callers are put together: one very large
	// transaction would make all of them wait for seconds.
	maxGroup = 8 << 20

	// What a transaction writes beside the records, about, and what a record
	// takes beside its own bytes with a key for it.
	overhead       = 64 << 10
	recordOverhead = 160

	// patience is how often a leader yields while nobody comes.
	patience = 16
)

// Batch is what becomes durable at once, or not at all.
type Batch struct {
	Records []Record
	// Forget lists subjects whose keys are destroyed in the same transaction,
	// after its records have been written. What was ever sealed for them can
	// never be read again, and no more can be appended for them.
	Forget []uint64
}

func (b *Batch) size() (n int, err error) {
	for i := range b.Records {
		r := &b.Records[i]
		size := len(r.Clear) + len(r.Data)
		if size > MaxRecord {
			return 0, &Error{Offset: -1, Err: ErrTooLarge, Reason: fmt.Sprintf("record %d of the batch has %d bytes, at most %d", i, size, MaxRecord)}
		}
		n += size
	}
	if n > MaxBatch {
		return 0, &Error{Offset: -1, Err: ErrTooLarge, Reason: fmt.Sprintf("batch of %d bytes, at most %d", n, MaxBatch)}
	}
	return n, nil
}

// request is one caller of Append.
type request struct {
	batch Batch
	size  int
	last  uint64
	err   error
	done  bool
	wake  chan struct{} // answered, or asked to lead
}

// Append makes a batch durable and returns the sequence of its last record;
// when it has none, that of the last record before. Sequences begin at 1 and
// have no holes. Batches of concurrent callers are committed as one
// transaction.
//
// A batch that cannot be is refused for its caller alone: with [ErrTooLarge],
// [ErrForgotten] or [ErrClosed]. Any other error means that a transaction
// failed: nothing is known of its records, and every later Append returns the
// same error, because a disk that failed once may show one thing and hold
// another. Reading goes on. After the cause is gone, close and open again: a
// batch whose Append failed is then there as a whole or not at all.
func (j *Journal) Append(b Batch) (last uint64, err error) {
	size, err := b.size()
	if err != nil {
		return 0, err
	}
	r := &request{batch: b, size: size, wake: make(chan struct{}, 1)}
	j.queueMu.Lock()
	if j.closed {
		j.queueMu.Unlock()
		return 0, ErrClosed
	}
	j.queue = append(j.queue, r)
	lead := !j.leading
	j.leading = true
	j.queueMu.Unlock()
	if !lead {
		<-r.wake
		if r.done {
			return r.last, r.err
		}
	}
	j.lead(r)
	return r.last, r.err
}

// lead commits what has queued up, me among it, and hands the lead on.
func (j *Journal) lead(me *request) {
	j.write.Lock()
	group := j.take()
	if j.opts.bugs.has(bugSplitBatch) {
		j.commitSplit(group)
	} else {
		j.commit(group)
	}
	j.write.Unlock()
	j.queueMu.Lock()
	j.expect = len(group) + len(j.queue)
	j.queueMu.Unlock()
	// Whoever is answered may be back before the next group is taken.
	j.answer(group, me)
	j.queueMu.Lock()
	if len(j.queue) > 0 {
		j.queue[0].wake <- struct{}{}
	} else {
		j.leading = false
	}
	j.queueMu.Unlock()
}

func (j *Journal) answer(group []*request, me *request) {
	for _, r := range group {
		if !r.done {
			r.done = true
			if r != me {
				r.wake <- struct{}{}
			}
		}
	}
}

// take returns the next group. Callers that were just answered are given the
// chance to come back with their next batch before the transaction begins: it
// yields until all wait who were answered or left over, or nobody comes.
func (j *Journal) take() []*request {
	for waiting, idle := 0, 0; ; {
		j.queueMu.Lock()
		n := len(j.queue)
		if n > waiting {
			waiting, idle = n, 0
		} else {
			idle++
		}
		if n >= j.expect || idle == patience {
			break
		}
		j.queueMu.Unlock()
		runtime.Gosched()
	}
	defer j.queueMu.Unlock()
	size, n := 0, 0
	for n < len(j.queue) && (n == 0 || size+j.queue[n].size <= maxGroup) {
		size += j.queue[n].size
		n++
	}
	group := j.queue[:n:n]
	j.queue = j.queue[n:]
	if len(j.queue) == 0 {
		j.queue = nil
	}
	return group
}

// commit makes one transaction of a group and sets each request's result.
func (j *Journal) commit(group []*request) {
	forgets := false
	need := int64(overhead)
	for _, r := range group {
		need += int64(r.size+recordOverhead*len(r.batch.Records)) * 5 / 4
	}
	err := j.transact("append", need, func(tx *bbolt.Tx, m *meta) error {
		w := writer{j: j, records: tx.Bucket([]byte(bucketRecords)), keys: tx.Bucket([]byte(bucketKeys)), head: &m.head}
		// Records come in order: full pages are never opened again.
		w.records.FillPercent, w.keys.FillPercent = 1, 1
		for _, r := range group {
			refused, err := w.admit(&r.batch)
			if err != nil {
				return err
			}
			if r.err = refused; refused != nil {
				continue
			}
			if j.opts.bugs.has(bugReuse) {
				m.head.last = j.meta.head.last
			}
			if err := w.put(&r.batch); err != nil {
				return err
			}
			r.last = m.head.last
			forgets = forgets || len(r.batch.Forget) > 0
		}
		if j.opts.bugs.has(bugEarlyAck) {
			j.answer(group, nil)
		}
		return nil
	})
	// Nothing of the transaction refers to the records any more.
	if j.arena = j.arena[:0]; cap(j.arena) > 2*maxGroup {
		j.arena = nil
	}
	if err == nil && forgets {
		j.forgets.Add(1)
	}
	for _, r := range group {
		if r.err == nil && err != nil {
			r.last, r.err = 0, err
		}
	}
}

// writer puts batches into a transaction.
type writer struct {
	j             *Journal
	records, keys *bbolt.Bucket
	head          *head
	additional    []byte
	// absent are subjects that were looked for and have no key.
	absent map[uint64]bool
}

// admit says why a batch cannot be appended, before anything of it is put.
func (w *writer) admit(b *Batch) (refused, err error) {
	for i := range b.Records {
		subject := b.Records[i].Subject
		if subject == 0 {
			continue
		}
		_, destroyed, err := w.cipher(subject)
		if err != nil {
			return nil, err
		}
		if destroyed {
			return &Error{Offset: -1, Err: ErrForgotten, Reason: fmt.Sprintf("subject %d of record %d of the batch", subject, i)}, nil
		}
	}
	for i, subject := range b.Forget {
		if subject == 0 {
			return &Error{Offset: -1, Err: ErrInvalid, Reason: fmt.Sprintf("entry %d of Forget is subject 0, which has no key", i)}, nil
		}
	}
	return nil, nil
}

// cipher returns the cipher of a subject, nil if it has no key.
func (w *writer) cipher(subject uint64) (aead cipher.AEAD, destroyed bool, err error) {
	if aead := w.j.cache.get(subject); aead != nil {
		return aead, false, nil
	}
	if w.absent[subject] {
		return nil, false, nil
	}
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], subject)
	v := w.keys.Get(id[:])
	if v == nil {
		if w.absent == nil {
			w.absent = map[uint64]bool{}
		}
		w.absent[subject] = true
		return nil, false, nil
	}
	k, live, wrong := decodeKey(subject, v)
	if wrong != "" {
		return nil, false, corrupt(dbFile, -1, "%s of subject %d", wrong, subject)
	}
	if !live {
		return nil, true, nil
	}
	if aead, err = newAEAD(&k); err != nil {
		return nil, false, err
	}
	w.j.cache.put(subject, aead)
	return aead, false, nil
}

// newKey makes a subject's key.
func (w *writer) newKey(subject uint64) (cipher.AEAD, error) {
	var k key
	rand.Read(k[:])
	aead, err := newAEAD(&k)
	if err != nil {
		return nil, err
	}
	v := encodeKey(subject, &k)
	if err := w.putKey(subject, v); err != nil {
		return nil, err
	}
	delete(w.absent, subject)
	w.head.live++
	w.head.keys += uint64(storedCRC(v))
	w.j.cache.put(subject, aead)
	return aead, nil
}

func (w *writer) putKey(subject uint64, v []byte) error {
	return w.keys.Put(binary.BigEndian.AppendUint64(nil, subject), v)
}

func (w *writer) put(b *Batch) error {
	for i := range b.Records {
		if err := w.record(&b.Records[i]); err != nil {
			return err
		}
	}
	for _, subject := range b.Forget {
		if err := w.forget(subject); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) record(r *Record) error {
	seq := w.head.last + 1
	s := stored{seq: seq, kind: r.Kind, subject: r.Subject, clear: r.Clear}
	start := len(w.j.arena)
	if r.Subject == 0 {
		w.j.arena = append(beginRecord(w.j.arena, &s), r.Data...)
	} else {
		aead, _, err := w.cipher(r.Subject)
		if err == nil && aead == nil {
			aead, err = w.newKey(r.Subject)
		}
		if err != nil {
			return err
		}
		s.state = sealed
		b := beginRecord(w.j.arena, &s)
		nonce := w.j.dice.next()
		b = append(b, nonce...)
		w.additional = appendAdditional(w.additional[:0], seq, r.Kind, r.Clear)
		w.j.arena = aead.Seal(b, nonce, r.Data, w.additional)
	}
	endRecord(w.j.arena, start, w.j.opts.bugs)
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], seq)
	if err := w.records.Put(id[:], w.j.arena[start:len(w.j.arena):len(w.j.arena)]); err != nil {
		return err
	}
	w.head.last = seq
	return nil
}

func (w *writer) forget(subject uint64) error {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], subject)
	if v := w.keys.Get(id[:]); v != nil {
		_, live, wrong := decodeKey(subject, v)
		if wrong != "" {
			return corrupt(dbFile, -1, "%s of subject %d", wrong, subject)
		}
		if !live {
			return nil
		}
		w.head.live--
		w.head.keys -= uint64(storedCRC(v))
	}
	w.j.cache.drop(subject)
	delete(w.absent, subject)
	v := encodeKey(subject, nil)
	w.head.destroyed++
	w.head.keys += uint64(storedCRC(v))
	return w.putKey(subject, v)
}

// storedCRC returns the checksum that ends a stored key.
func storedCRC(v []byte) uint32 { return binary.LittleEndian.Uint32(v[len(v)-4:]) }

// nonces draws random nonces, many at a time. They are random because a
// transaction that failed may have left a sealed record of the same sequence
// on the disk.
type nonces struct {
	buf  [nonceSize * 256]byte
	left []byte
}

func (n *nonces) next() []byte {
	if len(n.left) == 0 {
		rand.Read(n.buf[:])
		n.left = n.buf[:]
	}
	nonce := n.left[:nonceSize:nonceSize]
	n.left = n.left[nonceSize:]
	return nonce
}
