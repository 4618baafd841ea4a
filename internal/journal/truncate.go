package journal

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// cutRecords is how many records one transaction of a cut removes.
const cutRecords = 8192

// Truncate cuts the journal: records with a sequence below before are
// removed. It refuses with [ErrUncovered] to remove what the older kept
// snapshot does not cover, since recovery may have to go back to that one.
// The cut is made in several transactions; after a crash it may have been
// made in part. The file keeps its size and reuses the space; Compact gives
// it back.
func (j *Journal) Truncate(before uint64) error {
	j.snapshots.Lock()
	defer j.snapshots.Unlock()
	for {
		done, err := j.cut(before)
		if done || err != nil {
			return err
		}
	}
}

func (j *Journal) cut(before uint64) (done bool, err error) {
	j.write.Lock()
	defer j.write.Unlock()
	if j.err != nil {
		return false, j.err
	}
	if before <= j.meta.head.first {
		return true, nil
	}
	covered := uint64(0)
	if n := len(j.meta.sets); n > 0 {
		covered = j.meta.sets[n-1].Seq
		if j.opts.bugs.has(bugEarlyCut) {
			covered = j.meta.sets[0].Seq
		}
	}
	if before-1 > covered {
		return false, &Error{Offset: -1, Err: ErrUncovered, Reason: fmt.Sprintf("cut below record %d, snapshots cover up to %d", before, covered)}
	}
	return done, j.transact("cut", overhead, func(tx *bbolt.Tx, m *meta) error {
		records := tx.Bucket([]byte(bucketRecords))
		var doomed []uint64
		first := m.head.first
		c := records.Cursor()
		for k, v := c.First(); len(doomed) < cutRecords; k, v = c.Next() {
			if k == nil || binary.BigEndian.Uint64(k) >= before {
				done = true
				break
			}
			seq := binary.BigEndian.Uint64(k)
			n, wrong := j.span(seq, v)
			if wrong != "" {
				return corrupt(dbFile, -1, "%s (sequence %d)", wrong, seq)
			}
			if seq+n > before {
				done = true // a gap that reaches further stays as it is
				break
			}
			doomed, first = append(doomed, seq), seq+n
		}
		for _, seq := range doomed {
			if err := records.Delete(binary.BigEndian.AppendUint64(nil, seq)); err != nil {
				return err
			}
		}
		m.head.first = first
		return nil
	})
}

// span returns how many sequences a stored record stands for.
func (j *Journal) span(seq uint64, v []byte) (n uint64, wrong string) {
	var s stored
	if wrong := s.parse(v, seq, j.opts.bugs); wrong != "" {
		return 0, wrong
	}
	if s.state == hole {
		return s.n, ""
	}
	return 1, ""
}
