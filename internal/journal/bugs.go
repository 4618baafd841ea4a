package journal

// bugs are mistakes that a journal must not make. They exist so that the
// tests can prove that they would notice: only this package's tests can
// switch one on.
type bugs uint16

const (
	bugNoSync         bugs = 1 << iota // commits are not flushed
	bugEarlyAck                        // callers are answered before the commit
	bugSwallow                         // a failed commit is answered as a success
	bugCRCSkipsLength                  // lengths are neither covered nor compared
	bugReuse                           // every caller of a group starts at the same sequence
	bugEarlyPublish                    // a set is published before its files are written
	bugEarlyCut                        // the cut ignores the previous snapshot
	bugSplitBatch                      // the last record of a batch goes into a transaction of its own
)

func (b bugs) has(x bugs) bool { return b&x != 0 }

// commitSplit is commit with bugSplitBatch.
func (j *Journal) commitSplit(group []*request) {
	whole := make([]Batch, len(group))
	for i, r := range group {
		whole[i] = r.batch
		if n := len(r.batch.Records); n > 1 {
			r.batch.Records = r.batch.Records[:n-1]
		}
	}
	j.commit(group)
	for i, r := range group {
		r.batch = Batch{}
		if n := len(whole[i].Records); n > 1 && r.err == nil {
			r.batch.Records = whole[i].Records[n-1:]
		}
	}
	j.commit(group)
}
