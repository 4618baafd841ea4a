// Package byuser keeps a value for each user and gives pictures of all of
// them at once, while they go on changing.
//
// A map would have to be copied under a lock. Here the values lie in leaves of
// up to 256 users, ascending, with a list of leaves above: a picture is a copy
// of that list, and a leaf that is part of one is copied before it changes.
package byuser

import (
	"iter"
	"slices"
)

// Table holds values by user number. The zero value is empty. A copy of a
// Table is not a picture: see [Table.Freeze]. Not safe for concurrent use;
// pictures are safe beside the table they were taken of.
type Table[V any] struct {
	firsts []uint32 // the lowest user of each leaf when it was made, ascending
	leaves []*leaf[V]
	n      int
	epoch  uint32 // how many pictures were taken
}

const leafSize = 256

type leaf[V any] struct {
	users  []uint32
	values []V
	epoch  uint32 // when it was made: an earlier one may be part of a picture
}

// Len returns how many users have a value.
func (t *Table[V]) Len() int { return t.n }

// place returns the leaf where a user is, or would be, and the place in it.
func (t *Table[V]) place(user uint32) (i, k int, found bool) {
	if len(t.leaves) == 0 {
		return 0, 0, false
	}
	i, found = search(t.firsts, user)
	if !found {
		i = max(i-1, 0)
	}
	k, found = search(t.leaves[i].users, user)
	return i, k, found
}

// search returns where x is in an ascending list, or would be.
func search(list []uint32, x uint32) (int, bool) {
	lo, hi := 0, len(list)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); list[mid] < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(list) && list[lo] == x
}

// Get returns the value of a user.
func (t *Table[V]) Get(user uint32) (v V, ok bool) {
	if i, k, ok := t.place(user); ok {
		return t.leaves[i].values[k], true
	}
	return v, false
}

// Find returns the value of a user for change, nil if there is none. It is
// valid until the next call.
func (t *Table[V]) Find(user uint32) *V {
	i, k, ok := t.place(user)
	if !ok {
		return nil
	}
	return &t.own(i).values[k]
}

// Own is Find, and makes a value where there is none.
func (t *Table[V]) Own(user uint32) *V {
	i, k, ok := t.place(user)
	if ok {
		return &t.own(i).values[k]
	}
	t.n++
	if len(t.leaves) == 0 {
		t.leaves, t.firsts = append(t.leaves, &leaf[V]{epoch: t.epoch}), append(t.firsts, user)
	}
	l := t.own(i)
	if len(l.users) == leafSize {
		i, k = t.split(i, k)
		l = t.leaves[i]
	}
	var none V
	l.users, l.values = slices.Insert(l.users, k, user), slices.Insert(l.values, k, none)
	if k == 0 {
		t.firsts[i] = user
	}
	return &l.values[k]
}

// split makes room at a place of a full leaf, and returns where that is now.
// Users mostly come in order: then full leaves stay full.
func (t *Table[V]) split(i, k int) (int, int) {
	l := t.leaves[i]
	at := leafSize / 2
	if k == leafSize {
		at = leafSize
	}
	right := &leaf[V]{users: slices.Clone(l.users[at:]), values: slices.Clone(l.values[at:]), epoch: t.epoch}
	clear(l.values[at:])
	l.users, l.values = l.users[:at], l.values[:at]
	first := uint32(0)
	if len(right.users) > 0 {
		first = right.users[0]
	}
	t.leaves, t.firsts = slices.Insert(t.leaves, i+1, right), slices.Insert(t.firsts, i+1, first)
	if k > at || k == leafSize {
		return i + 1, k - at
	}
	return i, k
}

// Delete takes a user's value out and reports whether there was one.
func (t *Table[V]) Delete(user uint32) bool {
	i, k, ok := t.place(user)
	if !ok {
		return false
	}
	t.n--
	if l := t.leaves[i]; len(l.users) == 1 {
		t.leaves, t.firsts = slices.Delete(t.leaves, i, i+1), slices.Delete(t.firsts, i, i+1)
		return true
	}
	l := t.own(i)
	l.users, l.values = slices.Delete(l.users, k, k+1), slices.Delete(l.values, k, k+1)
	return true
}

// own returns a leaf for change.
func (t *Table[V]) own(i int) *leaf[V] {
	l := t.leaves[i]
	if l.epoch != t.epoch {
		l = &leaf[V]{users: slices.Clone(l.users), values: slices.Clone(l.values), epoch: t.epoch}
		t.leaves[i] = l
	}
	return l
}

// All yields the users and their values, which must not be changed, by
// ascending user. The table must not change meanwhile.
func (t *Table[V]) All() iter.Seq2[uint32, *V] {
	return func(yield func(uint32, *V) bool) {
		for _, l := range t.leaves {
			for k, u := range l.users {
				if !yield(u, &l.values[k]) {
					return
				}
			}
		}
	}
}

// Freeze returns the table as it is now, for reading while this one changes.
// It copies 12 bytes for a leaf.
func (t *Table[V]) Freeze() Table[V] {
	t.epoch++
	return Table[V]{firsts: slices.Clone(t.firsts), leaves: slices.Clone(t.leaves), n: t.n}
}
