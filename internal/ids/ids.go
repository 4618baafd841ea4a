// Package ids holds what the library agrees on about names: the order in
// which names are sorted and ties are broken, and the dictionary that turns
// names into dense numbers.
package ids

import (
	"cmp"
	"slices"
	"strings"
)

// Compare orders names by length, then by bytes, so that all-digit names
// order as numbers. Every tie between names in the library breaks this way,
// the smaller one first.
func Compare(a, b string) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

// Dict numbers names densely from 0 in the order in which they were first
// seen. That order is an accident of arrival: bytes that must not depend on
// it are written with [Dict.Sorted].
//
// The zero value is ready to use. Not safe for concurrent use; any number of
// readers may share it while nobody writes.
type Dict struct {
	byName map[string]uint32
	names  []string
}

// Grow makes room for n names more, so that numbering them moves nothing.
func (d *Dict) Grow(n int) {
	if d.byName == nil {
		d.byName = make(map[string]uint32, n)
	}
	d.names = slices.Grow(d.names, n)
}

// ID returns the number of name, handing out the next one if it is new.
func (d *Dict) ID(name string) uint32 {
	if id, ok := d.byName[name]; ok {
		return id
	}
	if d.byName == nil {
		d.byName = make(map[string]uint32)
	}
	id := uint32(len(d.names))
	// A name may be a slice of a much longer line; keep only what is needed.
	name = strings.Clone(name)
	d.byName[name] = id
	d.names = append(d.names, name)
	return id
}

// Lookup returns the number of name, and whether it has one.
func (d *Dict) Lookup(name string) (uint32, bool) {
	id, ok := d.byName[name]
	return id, ok
}

// Find is [Dict.Lookup] for a name in bytes.
func (d *Dict) Find(name []byte) (uint32, bool) {
	id, ok := d.byName[string(name)]
	return id, ok
}

// Name returns the name that has number id, which must be below [Dict.Len].
func (d *Dict) Name(id uint32) string { return d.names[id] }

// Len returns how many names are numbered.
func (d *Dict) Len() int { return len(d.names) }

// Names returns the names by number. The slice is the dictionary's own: read
// it only, and copy it to keep it beyond the next call of ID.
func (d *Dict) Names() []string { return d.names }

// Sorted returns, for the ids for which used reports true, their names in
// [Compare] order and the place of each id in that order (rank[id], -1 if not
// used): the garbage-free dictionary that goes into bytes. A nil used keeps
// every name.
func (d *Dict) Sorted(used func(id uint32) bool) (names []string, rank []int) {
	order := make([]uint32, 0, len(d.names))
	for id := range uint32(len(d.names)) {
		if used == nil || used(id) {
			order = append(order, id)
		}
	}
	slices.SortFunc(order, func(a, b uint32) int { return Compare(d.names[a], d.names[b]) })
	rank = make([]int, len(d.names))
	for i := range rank {
		rank[i] = -1
	}
	names = make([]string, len(order))
	for i, id := range order {
		names[i] = d.names[id]
		rank[id] = i
	}
	return names, rank
}

// Clone returns an independent copy.
func (d *Dict) Clone() Dict {
	c := Dict{byName: make(map[string]uint32, len(d.names)), names: slices.Clone(d.names)}
	for i, n := range c.names {
		c.byName[n] = uint32(i)
	}
	return c
}
