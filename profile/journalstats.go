package profile

import (
	"context"
	"errors"
	"sync"
	"time"
)

// JournalStats say how the directory of a store of [Open] is doing. A host
// looks at them from time to time, since a snapshot that is due is written
// while nobody waits for it.
type JournalStats struct {
	// Records is how many records were ever written. Pending is how many of
	// them came after the newest snapshot, and PendingBytes about their size:
	// what Open has to replay after a crash. It grows to
	// Options.SnapshotEvery, and what comes while a snapshot is written;
	// beyond twice that, snapshots fail or take too long.
	Records, Pending uint64
	PendingBytes     int64
	// SnapshotErr is why the last snapshot failed, whoever wanted it; nil
	// when it succeeded. The journal and the snapshots before it are as they
	// were, and the next is tried when the journal has grown by
	// Options.SnapshotEvery again. Snapshots that a context or Close ended do
	// not count.
	SnapshotErr error
	// SnapshotFailures is how many have failed since one succeeded. The first
	// of them failed when the store's clock was at FailingSince, the last at
	// FailedAt; zero if none failed.
	SnapshotFailures       int
	FailingSince, FailedAt time.Time
	// Err is what every change returns since a write failed, see [ErrJournal];
	// nil while changes are possible.
	Err error
}

// JournalStats returns how the store's directory is doing, at once, also while
// something is written. Those of a store in memory are zero.
func (s *Store) JournalStats() JournalStats {
	d := s.durable
	if d == nil {
		return JournalStats{}
	}
	out := d.trouble.stats()
	// In this order, so that no more is pending than was written.
	sets := d.j.Snapshots()
	out.Records = d.j.Last()
	if out.Pending = out.Records; len(sets) > 0 {
		out.Pending -= sets[0].Seq
	}
	covered := d.covered.Load()
	out.PendingBytes = d.written.Load() - covered
	return out
}

// trouble is what went wrong in a directory. Safe for concurrent use.
type trouble struct {
	mu          sync.Mutex
	err         error // of writing
	snapshot    error
	failures    int
	since, last instant
}

func (x *trouble) stats() JournalStats {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := JournalStats{SnapshotErr: x.snapshot, SnapshotFailures: x.failures, Err: x.err}
	if x.failures > 0 && x.last != never() {
		out.FailedAt = x.last.time()
	}
	if x.failures > 0 && x.since != never() {
		out.FailingSince = x.since.time()
	}
	return out
}

// writing notes that nothing can be written any more.
func (x *trouble) writing(err error) {
	x.mu.Lock()
	x.err = err
	x.mu.Unlock()
}

// snapshotted notes how a snapshot ended.
func (x *trouble) snapshotted(err error, at instant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrClosed):
	case err == nil:
		x.snapshot, x.failures = nil, 0
	default:
		if x.failures++; x.failures == 1 {
			x.since = at
		}
		x.snapshot, x.last = err, at
	}
}
