package profile

import (
	"iter"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// roster leads from every number that was handed out and not erased to its
// person, in a few bytes more than a pointer.
type roster struct {
	shards uint32
	pages  map[rosterPage]*rosterEntries
	n      int
}

// rosterPage names 256 numbers of one shard that follow each other.
type rosterPage struct{ shard, page uint32 }

type rosterEntries struct {
	n       int
	persons [256]*person
}

func newRoster(shards uint32) roster {
	return roster{shards: shards, pages: make(map[rosterPage]*rosterEntries)}
}

func (r *roster) place(number uint32) (rosterPage, uint32) {
	i := number / r.shards
	return rosterPage{number % r.shards, i / 256}, i % 256
}

// of returns the person whom a number leads to, nil for nobody.
func (r *roster) of(number uint32) *person {
	page, i := r.place(number)
	if e := r.pages[page]; e != nil {
		return e.persons[i]
	}
	return nil
}

func (r *roster) lookup(number uint32) (*person, bool) {
	p := r.of(number)
	return p, p != nil
}

func (r *roster) put(number uint32, p *person) {
	page, i := r.place(number)
	e := r.pages[page]
	if e == nil {
		e = new(rosterEntries)
		r.pages[page] = e
	}
	if e.persons[i] == nil {
		e.n++
		r.n++
	}
	e.persons[i] = p
}

func (r *roster) remove(number uint32) {
	page, i := r.place(number)
	e := r.pages[page]
	if e == nil || e.persons[i] == nil {
		return
	}
	e.persons[i] = nil
	r.n--
	if e.n--; e.n == 0 {
		delete(r.pages, page)
	}
}

// all yields every number with its person, in no order.
func (r *roster) all() iter.Seq2[uint32, *person] {
	return func(yield func(uint32, *person) bool) {
		for page, e := range r.pages {
			for i, p := range e.persons {
				if p != nil && !yield((page.page*256+uint32(i))*r.shards+page.shard, p) {
					return
				}
			}
		}
	}
}

// usersThat returns the users of whom f, which reads under the lock, is true.
// It locks for 256 numbers at a time, so that it delays nobody who writes: a
// change made meanwhile may be seen or not.
func (s *Store) usersThat(f func(p *person) bool) *roaring.Bitmap {
	out := roaring.New()
	s.mu.RLock()
	pages := slices.Collect(maps.Keys(s.people.pages))
	s.mu.RUnlock()
	for _, page := range pages {
		s.mu.RLock()
		if e := s.people.pages[page]; e != nil {
			for i, p := range e.persons {
				if n := (page.page*256+uint32(i))*s.people.shards + page.shard; p != nil && p.number == n && f(p) {
					out.Add(n)
				}
			}
		}
		s.mu.RUnlock()
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out.And(s.live)
	return out
}
