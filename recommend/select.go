package recommend

import "math/bits"

// candidate is a neighbour considered for an item's list.
type candidate struct {
	key  uint64 // bits of a positive float, which order like the float
	item uint32 // ties go to the smaller
	at   uint32 // where it came from
}

// better is the total order that makes the best k one set, whatever order the
// candidates came in.
func (a candidate) better(b candidate) bool {
	return a.key > b.key || a.key == b.key && a.item < b.item
}

// selector finds the k best of many keys. Its time hardly depends on k: the
// keys are counted in bins of their bits, which cuts all but the bin in which
// the k-th lies, and only that bin is looked at closely.
type selector struct {
	bins [1 << binBits]uint32
	out  []candidate
}

const binBits = 8

// best returns the k best, in no particular order, as the places in keys. The
// item of a place decides ties. The result is the selector's own.
func (s *selector) best(keys []uint64, k int, item func(at uint32) uint32) []candidate {
	s.out = s.out[:0]
	if len(keys) <= k {
		for at, key := range keys {
			s.out = append(s.out, candidate{key: key, at: uint32(at)})
		}
		return s.out
	}
	lo, hi := keys[0], keys[0]
	for _, key := range keys {
		lo, hi = min(lo, key), max(hi, key)
	}
	shift := max(0, bits.Len64(hi-lo)-binBits)
	clear(s.bins[:])
	for _, key := range keys {
		s.bins[(key-lo)>>shift&(1<<binBits-1)]++
	}
	bin, above := len(s.bins)-1, 0
	for above+int(s.bins[bin]) < k {
		above += int(s.bins[bin])
		bin--
	}
	floor := lo + uint64(bin)<<shift
	need := above + int(s.bins[bin])
	if cap(s.out) < need+1 {
		s.out = make([]candidate, 0, 2*need+1)
	}
	out := s.out[:cap(s.out)]
	n := 0
	for at, key := range keys {
		// Written always and kept when key ≥ floor: no branch to mispredict.
		out[n] = candidate{key: key, at: uint32(at)}
		n += int((floor - key - 1) >> 63)
		if n == need {
			break
		}
	}
	s.out = out[:n]
	if n > k {
		// Those above the boundary bin come first, then the best of the bin.
		border := floor + 1<<shift
		m := 0
		for i := range s.out {
			if s.out[i].key >= border {
				s.out[m], s.out[i] = s.out[i], s.out[m]
				m++
			}
		}
		rest := s.out[m:]
		for i := range rest {
			rest[i].item = item(rest[i].at)
		}
		partition(rest, k-m)
		s.out = s.out[:k]
	}
	return s.out
}

// partition moves the k best of c to its front (Hoare's selection, with the
// median of three as pivot).
func partition(c []candidate, k int) {
	for k > 0 && k < len(c) {
		if len(c) <= 12 {
			for i := 1; i < len(c); i++ {
				for j := i; j > 0 && c[j].better(c[j-1]); j-- {
					c[j], c[j-1] = c[j-1], c[j]
				}
			}
			return
		}
		a, b, p := c[0], c[len(c)-1], c[len(c)/2]
		if a.better(b) {
			a, b = b, a
		}
		if p.better(b) {
			p = b
		} else if a.better(p) {
			p = a
		}
		i, j := 0, len(c)-1
		for i <= j {
			for c[i].better(p) {
				i++
			}
			for p.better(c[j]) {
				j--
			}
			if i <= j {
				c[i], c[j] = c[j], c[i]
				i++
				j--
			}
		}
		switch {
		case k <= j+1:
			c = c[:j+1]
		case k >= i:
			c, k = c[i:], k-i
		default:
			return
		}
	}
}
