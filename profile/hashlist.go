package profile

import (
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"
)

// hashList is a sorted list of hashes that were read together, in 17 bytes
// each. It takes nothing in; what is taken out is only marked.
type hashList struct {
	all   []xxh3.Uint128
	first []uint32 // where the hashes begin that have these upper bits
	shift uint     // what is below them
	gone  map[xxh3.Uint128]struct{}
}

// hashesPerPlace is how many hashes have the same upper bits, if they are as
// random as those of ids that nobody chose for their hash.
const hashesPerPlace = 8

// upperBits is how many bits to sort so many hashes by.
func upperBits(n int) uint { return uint(bits.Len(uint(n / hashesPerPlace))) }

// newHashList takes over hashes that are sorted.
func newHashList(sorted []xxh3.Uint128) hashList {
	k := upperBits(len(sorted))
	l := hashList{all: sorted, shift: 64 - k, first: make([]uint32, 1<<k+1)}
	for _, h := range sorted {
		l.first[h.Hi>>l.shift+1]++
	}
	for i := 1; i < len(l.first); i++ {
		l.first[i] += l.first[i-1]
	}
	return l
}

func (l *hashList) find(h xxh3.Uint128) bool {
	if len(l.all) == 0 {
		return false
	}
	p := h.Hi >> l.shift
	_, ok := slices.BinarySearchFunc(l.all[l.first[p]:l.first[p+1]], h, compareHashes)
	return ok
}

func (l *hashList) has(h xxh3.Uint128) bool {
	if !l.find(h) {
		return false
	}
	_, gone := l.gone[h]
	return !gone
}

func (l *hashList) remove(h xxh3.Uint128) {
	if l.find(h) {
		if l.gone == nil {
			l.gone = make(map[xxh3.Uint128]struct{})
		}
		l.gone[h] = struct{}{}
	}
}

func (l *hashList) bytes() int { return 16*len(l.all) + 4*len(l.first) + 40*len(l.gone) }

// merged returns what the list holds and others, which are sorted.
func (l *hashList) merged(others []xxh3.Uint128) []xxh3.Uint128 {
	if len(l.all) == 0 {
		return others
	}
	out := make([]xxh3.Uint128, 0, len(l.all)+len(others))
	for _, h := range l.all {
		if _, gone := l.gone[h]; gone {
			continue
		}
		for len(others) > 0 && compareHashes(others[0], h) < 0 {
			out, others = append(out, others[0]), others[1:]
		}
		out = append(out, h)
	}
	return slices.Compact(append(out, others...))
}

// sortedHashes returns hashes sorted: by their upper bits first, which are
// evenly spread, then those few that have them in common.
func sortedHashes(set []xxh3.Uint128) []xxh3.Uint128 {
	out := make([]xxh3.Uint128, len(set))
	k := upperBits(len(set))
	shift := 64 - k
	end := make([]uint32, 1<<k)
	for _, h := range set {
		end[h.Hi>>shift]++
	}
	for i := 1; i < len(end); i++ {
		end[i] += end[i-1]
	}
	for _, h := range set {
		p := &end[h.Hi>>shift]
		*p--
		out[*p] = h
	}
	for i, from := range end {
		to := uint32(len(out))
		if i+1 < len(end) {
			to = end[i+1]
		}
		slices.SortFunc(out[from:to], compareHashes)
	}
	return out
}
