package attribution

import (
	"fmt"
	"slices"
)

// restricted solves many games of one worth, each among the channels of one
// set only, for conversions and for value at once. Their cost is 2^|T| for each
// set T, whatever the number of channels.
type restricted struct {
	sets   *sequences
	worth  func(set uint32) (cell, bool) // of a set by its number; false if it was never seen
	bits   []uint64                      // sets as bits, when there are at most 64 channels
	tables [2][]float64
	key    []uint32

	// The subsets of the last set that were seen, the empty one left out.
	found []seen
}

// seen is a subset, as bits of its set, and its number.
type seen struct{ mask, id uint32 }

func newRestricted(sets *sequences, channels int, worth func(set uint32) (cell, bool)) *restricted {
	r := &restricted{sets: sets, worth: worth}
	if channels <= 64 {
		r.bits = make([]uint64, sets.len())
		for id := range r.bits {
			for _, c := range sets.seq(uint32(id)) {
				r.bits[id] |= 1 << c
			}
		}
	}
	return r
}

// solve returns the Shapley values of the worth restricted to the subsets of
// one set; the empty set, and subsets never seen, are worth base.
func (r *restricted) solve(set []uint32, base cell) (conv, value []float64, err error) {
	n := len(set)
	if n > MaxExact {
		return nil, nil, fmt.Errorf("%w in one journey: %d, at most %d", ErrChannels, n, MaxExact)
	}
	r.found = r.found[:0]
	if r.bits != nil && r.sets.len() < 1<<n {
		r.scan(set)
	} else {
		r.list(set)
	}
	for i, b := range [2]float64{base.conv, base.value} {
		if cap(r.tables[i]) < 1<<n {
			r.tables[i] = make([]float64, 1<<n)
		}
		r.tables[i] = r.tables[i][:1<<n]
		for m := range r.tables[i] {
			r.tables[i][m] = b
		}
	}
	known := r.found[:0]
	for _, f := range r.found {
		if w, ok := r.worth(f.id); ok {
			r.tables[0][f.mask], r.tables[1][f.mask] = w.conv, w.value
			known = append(known, f)
		}
	}
	r.found = known
	return shapley(r.tables[0], n), shapley(r.tables[1], n), nil
}

// scan asks of each set whether it lies within.
func (r *restricted) scan(set []uint32) {
	var within uint64
	place := [64]uint32{}
	for i, c := range set {
		within |= 1 << c
		place[c] = uint32(i)
	}
	for id, b := range r.bits {
		if b&^within != 0 || b == 0 {
			continue
		}
		m := uint32(0)
		for _, c := range r.sets.seq(uint32(id)) {
			m |= 1 << place[c]
		}
		r.found = append(r.found, seen{m, uint32(id)})
	}
}

// list looks every subset up.
func (r *restricted) list(set []uint32) {
	// Sets are interned by ascending number.
	order := make([]int, len(set))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(set[a]) - int(set[b]) })
	for m := uint32(1); m < 1<<len(set); m++ {
		r.key = r.key[:0]
		for _, i := range order {
			if m>>i&1 != 0 {
				r.key = append(r.key, set[i])
			}
		}
		if id, ok := r.sets.lookup(r.key); ok {
			r.found = append(r.found, seen{m, id})
		}
	}
}

// eachSet goes through the sets in an order that does not depend on how they
// came: by size, then by their channels' names.
func (p *Paths) eachSet(f func(id uint32, set []uint32) error) error {
	_, rank := sortedNames(p.channels.Names(), slices.Repeat([]bool{true}, p.channels.Len()))
	order := make([]uint32, p.sets.len())
	key := make([][]uint32, p.sets.len())
	for id := range order {
		order[id] = uint32(id)
		for _, c := range p.sets.seq(uint32(id)) {
			key[id] = append(key[id], uint32(rank[c]))
		}
		slices.Sort(key[id])
	}
	slices.SortFunc(order, func(a, b uint32) int {
		if c := len(key[a]) - len(key[b]); c != 0 {
			return c
		}
		return slices.Compare(key[a], key[b])
	})
	inOrder := make([]int, p.channels.Len())
	for c, r := range rank {
		inOrder[r] = c
	}
	var set []uint32
	for _, id := range order {
		set = set[:0]
		for _, r := range key[id] {
			set = append(set, uint32(inOrder[r]))
		}
		if err := f(id, set); err != nil {
			return err
		}
	}
	return nil
}
