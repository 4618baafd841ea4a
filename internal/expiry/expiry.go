// Package expiry finds the users who hold rows from before a horizon, so that
// dropping old rows costs what is dropped and not a walk over everybody.
package expiry

import "slices"

// Queue orders users by the time of their oldest row. It may hold several
// entries of a user and entries of users who are gone: whoever asks for the
// due ones looks at the rows themselves, and notes what is oldest then.
//
// The zero value is an empty queue. Not safe for concurrent use.
type Queue struct {
	heap []entry // the earliest first
}

type entry struct {
	at   int64
	user uint32
}

// Note says that a user's oldest row is at a time, in any unit. Call it when a
// user gets a first row or one older than all others.
func (q *Queue) Note(user uint32, at int64) {
	q.heap = append(q.heap, entry{at, user})
	for i := len(q.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if q.heap[up].at <= q.heap[i].at {
			break
		}
		q.heap[up], q.heap[i] = q.heap[i], q.heap[up]
		i = up
	}
}

// Due removes the entries at or before a horizon and returns their users, each
// once, ascending. Note what is left of them.
func (q *Queue) Due(horizon int64) []uint32 {
	var users []uint32
	for len(q.heap) > 0 && q.heap[0].at <= horizon {
		users = append(users, q.heap[0].user)
		q.pop()
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// Clear forgets everybody.
func (q *Queue) Clear() { q.heap = nil }

func (q *Queue) pop() {
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap = q.heap[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return
		}
		if down+1 < last && q.heap[down+1].at < q.heap[down].at {
			down++
		}
		if q.heap[i].at <= q.heap[down].at {
			return
		}
		q.heap[i], q.heap[down] = q.heap[down], q.heap[i]
		i = down
	}
}
