//go:build unix

package journal

import (
	"fmt"
	"time"
)

// audit opens the journal that a crash left and compares it with what was
// acknowledged: nothing of that is lost or altered, batches are whole, and
// there is nothing that was not sent.
func audit(dir string, a acked) error {
	j, err := Open(dir, &Options{Format: jobFormat, LockTimeout: 10 * time.Second})
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	defer j.Close()
	found, err := auditRecords(j, a)
	if err != nil {
		return err
	}
	if err := auditSets(j, a); err != nil {
		return err
	}
	// The journal goes on.
	last, err := j.Append(Batch{})
	if err != nil || last != j.Last() {
		return fmt.Errorf("appending nothing gave %d, %w", last, err)
	}
	if len(found) == 0 && len(a.last) > 0 && a.snapshot == 0 {
		return fmt.Errorf("no records")
	}
	return nil
}

func auditRecords(j *Journal, a acked) (map[uint64]label, error) {
	all, err := entries(j, j.First()-1)
	if err != nil {
		return nil, fmt.Errorf("replaying: %w", err)
	}
	found := map[uint64]label{}
	latest := map[int]int{} // writer → batch seen last
	var previous label
	previousSeq := j.First() - 1
	for _, e := range all {
		l, err := parseLabel(e.clear)
		if err != nil {
			return nil, fmt.Errorf("record %d: %q: %w", e.seq, e.clear, err)
		}
		want := l.record()
		if e.kind != want.Kind || e.subject != want.Subject || !e.shredded && e.data != string(want.Data) {
			return nil, fmt.Errorf("record %d (%v) was altered", e.seq, l)
		}
		if a.forgotten[e.subject] && !e.shredded {
			return nil, fmt.Errorf("record %d (%v) of subject %d, who was forgotten, can be read", e.seq, l, e.subject)
		}
		if e.shredded && !a.forgetting[e.subject] {
			return nil, fmt.Errorf("record %d (%v) of subject %d, who was not forgotten, cannot be read", e.seq, l, e.subject)
		}
		// Gaps of compaction and the cut may take parts of batches away.
		if e.seq == previousSeq+1 && e.seq != j.First() {
			if previous.place+1 < previous.size && (l.writer != previous.writer || l.batch != previous.batch || l.place != previous.place+1) {
				return nil, fmt.Errorf("record %d (%v) follows %v: a batch is not whole", e.seq, l, previous)
			}
			if previous.place+1 == previous.size && l.place != 0 {
				return nil, fmt.Errorf("record %d (%v) follows %v: a batch lacks its beginning", e.seq, l, previous)
			}
		}
		if n, ok := latest[l.writer]; ok && (l.batch < n || l.batch == n && l.place == 0) {
			return nil, fmt.Errorf("record %d (%v): writer %d was at batch %d", e.seq, l, l.writer, n)
		}
		latest[l.writer] = l.batch
		if n := a.next[l.writer]; l.writer%8 != 7 && l.batch > n {
			return nil, fmt.Errorf("record %d (%v) was not sent yet, batch %d was not acknowledged", e.seq, l, n)
		}
		found[e.seq] = l
		previous, previousSeq = l, e.seq
	}
	if len(all) > 0 && previousSeq == j.Last() && previous.place+1 != previous.size {
		return nil, fmt.Errorf("the last batch, %v, is not whole", previous)
	}
	for batch, last := range a.last {
		if last < j.First() {
			continue // cut
		}
		records := batchOf(batch[0], batch[1]).Records
		if last > j.Last() {
			return nil, fmt.Errorf("batch %v was acknowledged up to record %d, the last is %d", batch, last, j.Last())
		}
		for i, r := range records {
			seq := last - uint64(len(records)-1-i)
			want := label{batch[0], batch[1], i, len(records)}
			if got, ok := found[seq]; ok && got != want {
				return nil, fmt.Errorf("record %d is %v, acknowledged was %v", seq, got, want)
			} else if !ok && seq >= j.First() && !a.forgetting[r.Subject] {
				return nil, fmt.Errorf("record %d (%v) was acknowledged and is lost", seq, want)
			}
		}
	}
	return found, nil
}

func auditSets(j *Journal, a acked) error {
	sets := j.Snapshots()
	if a.snapshot > 0 && (len(sets) == 0 || sets[0].Seq < a.snapshot) {
		return fmt.Errorf("the snapshot after record %d was acknowledged, there are %v", a.snapshot, sets)
	}
	for _, set := range sets {
		for i, part := range set.Parts {
			b, err := j.Read(set, part)
			if err != nil {
				return fmt.Errorf("reading %q of the snapshot after %d: %w", part, set.Seq, err)
			}
			if string(b) != string(stateAt(set.Seq+uint64(i))) {
				return fmt.Errorf("%q of the snapshot after %d was altered", part, set.Seq)
			}
		}
		if _, err := entries(j, set.Seq); err != nil {
			return fmt.Errorf("replaying after the snapshot of %d: %w", set.Seq, err)
		}
	}
	return nil
}
