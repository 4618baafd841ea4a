package segment

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// CauseKind says what moved a user into or out of an audience.
type CauseKind uint8

const (
	// ByUpdate: attributes changed.
	ByUpdate CauseKind = iota
	// ByEvent: an event was observed.
	ByEvent
	// ByClock: time passed.
	ByClock
	// ByDefinition: an audience was defined, redefined or removed.
	ByDefinition
	// ByRename: two users turned out to be one.
	ByRename
	// ByErase: the user was erased.
	ByErase
	// ByMerge: another index was merged in.
	ByMerge
)

// String names the kind, such as "event".
func (k CauseKind) String() string {
	return [...]string{"update", "event", "clock", "definition", "rename", "erase", "merge"}[min(k, ByMerge)]
}

// Cause is why a transition happened.
type Cause struct {
	Kind CauseKind
	// Name is the event for ByEvent and the audience for ByDefinition.
	Name string
	// Predicate is the condition whose change decided, as rules write it; of
	// several the one defined first. Empty when none changed.
	Predicate string
}

// Transition is one user entering or leaving one audience.
type Transition struct {
	User     uint32
	Audience string
	Entered  bool      // else left
	At       time.Time // the index's clock: for ByClock the very second
	Cause    Cause
	// Seq numbers the transitions of an index from 1. The same calls in the
	// same order give the same numbers.
	Seq uint64
}

// WatchOptions are the options of a watcher.
type WatchOptions struct {
	// After is the Seq of the last transition the host has handled. Those
	// after it that the index still knows (the last Options.Recent, and what a
	// replay brings) are emitted again, at least once. 0, the default, means
	// only what is new. An index that is filled anew, as after a change of
	// options, counts from 1 again: keep the Seq of the last transition that
	// was handled, which need not be the largest.
	After uint64
	// Mask limits what is emitted to transitions of its users. Nil, the
	// default, means everybody. It is copied: who leaves or joins it later is
	// not noticed, so erase a user who may no longer be addressed, as a store
	// does for the purpose an index is attached for, or watch anew.
	Mask *roaring.Bitmap
}

// Watch calls f for each transition, in order, after the call that caused it
// has released the index's lock; f may call the index, and the store. While
// the index is attached to a store, f runs when the store has answered
// ([Index.Deliver]). While it replays, nothing is new. Stop ends it.
//
// Transitions are ordered by time, then user, then audience (names by length,
// then bytes). Only one f runs at a time. Of an erased user only the exits that
// the erasure caused are emitted again; see [Index.Erase].
func (x *Index) Watch(opts *WatchOptions, f func(Transition)) (stop func()) {
	if f == nil {
		return func() {}
	}
	w := &watcher{f: f, within: x.all()}
	if opts != nil {
		w.after, w.within = opts.After, x.Within(opts.Mask)
	}
	x.mu.Lock()
	x.watch.add(w)
	x.resend(w)
	x.release()
	return func() { x.watch.remove(w) }
}

// resend queues for the watcher what it asked to see again.
func (x *Index) resend(w *watcher) {
	if w.after == 0 {
		return
	}
	for t := range x.recent.all() {
		if t.Seq > w.after && w.within.has(t.User) {
			x.watch.queue(w, t)
			x.queued = true
		}
	}
}

// Deliver calls the watchers with what is queued. A store that the index is
// attached to calls it after it has unlocked.
func (x *Index) Deliver() { x.watch.deliver() }

// Attached tells the index that a store drives it: then the store alone moves
// the clock and says when watchers run.
func (x *Index) Attached(on bool) {
	x.mu.Lock()
	x.attach = on
	x.release()
}

// Replaying tells the index that what follows is history: state changes, and
// nothing is emitted but what a watcher asked to see again.
func (x *Index) Replaying(on bool) {
	x.mu.Lock()
	x.replays = on
	x.release()
}

// release unlocks at the end of a writing call and delivers what it queued,
// unless a store does.
func (x *Index) release() {
	deliver := x.queued && !x.attach && !x.replays
	if deliver {
		x.queued = false
	}
	x.mu.Unlock()
	if deliver {
		x.watch.deliver()
	}
}

// emit numbers a transition and queues it.
func (x *Index) emit(a *audience, user uint32, entered bool, cause Cause) {
	x.seq++
	t := x.recent.next()
	t.User, t.Audience, t.Entered, t.At, t.Cause, t.Seq = user, a.public.Name, entered, x.time(), cause, x.seq
	for _, w := range x.watch.list() {
		if x.replays && (w.after == 0 || t.Seq <= w.after) || !w.within.has(t.User) {
			continue
		}
		x.watch.queue(w, *t)
		x.queued = true
	}
}

type watcher struct {
	f       func(Transition)
	after   uint64
	within  *Within
	stopped bool
}

type delivery struct {
	w *watcher
	t Transition
}

// watchers is the queue between the index and those who watch it, with a lock
// of its own so that a watcher may call the index.
type watchers struct {
	mu      sync.Mutex
	all     atomic.Pointer[[]*watcher]
	pending []delivery
	running bool
}

func (q *watchers) list() []*watcher {
	if all := q.all.Load(); all != nil {
		return *all
	}
	return nil
}

func (q *watchers) add(w *watcher) {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := append(slices.Clone(q.list()), w)
	q.all.Store(&all)
}

func (q *watchers) remove(w *watcher) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.stopped = true
	all := slices.DeleteFunc(slices.Clone(q.list()), func(o *watcher) bool { return o == w })
	q.all.Store(&all)
}

func (q *watchers) queue(w *watcher, t Transition) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = append(q.pending, delivery{w, t})
}

// deliver empties the queue. A watcher that calls the index gets here again
// from within: the outer call goes on with what it added.
func (q *watchers) deliver() {
	q.mu.Lock()
	if q.running {
		q.mu.Unlock()
		return
	}
	q.running = true
	defer func() {
		q.running = false
		q.mu.Unlock()
	}()
	for len(q.pending) > 0 {
		batch := q.pending
		q.pending = nil
		for i, d := range batch {
			if d.w.stopped {
				continue
			}
			q.mu.Unlock()
			done := false
			func() {
				// A watcher that panics has had its transition; the rest stays
				// queued for the next call.
				defer func() {
					q.mu.Lock()
					if !done {
						q.pending = append(slices.Clone(batch[i+1:]), q.pending...)
					}
				}()
				d.w.f(d.t)
				done = true
			}()
		}
	}
}

// ring keeps the last transitions.
type ring struct {
	size int
	list []Transition
	head int // of the oldest, once full
}

// next makes room for one more.
func (r *ring) next() *Transition {
	if len(r.list) < r.size {
		r.list = append(r.list, Transition{})
		return &r.list[len(r.list)-1]
	}
	t := &r.list[r.head]
	if r.head++; r.head == r.size {
		r.head = 0
	}
	return t
}

func (r *ring) all() func(yield func(Transition) bool) {
	return func(yield func(Transition) bool) {
		for i := range r.list {
			if !yield(r.list[(r.head+i)%len(r.list)]) {
				return
			}
		}
	}
}

// forget drops a user.
func (r *ring) forget(user uint32) {
	kept := make([]Transition, 0, len(r.list))
	for t := range r.all() {
		if t.User != user {
			kept = append(kept, t)
		}
	}
	r.list, r.head = kept, 0
}
