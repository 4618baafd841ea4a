package segment

import (
	"math"
	"math/bits"
	"slices"
)

// buckets are the numbers of a column in 12 bits each: 0 for missing, else the
// place of the number among a few thousand bounds, plus one. Whether a number
// lies in an interval is settled by these codes for all but the users of the
// two buckets at its ends; those are looked up.
//
// Codes are held bit by bit (O'Neil and Quass, "Improved Query Performance with
// Variant Indexes", 1997), so that 64 users are compared with a constant in one
// operation a bit.
type buckets struct {
	bounds []float64 // ascending; bucket k+1 holds bounds[k−1] ≤ v < bounds[k]
	codes  []*planes
}

const (
	codeBits = 12
	// maxBounds makes use of all codes, and a bucket a small part of all users.
	maxBounds = 1<<codeBits - 2
	lastCode  = maxBounds + 1
)

// planes are the codes of a block: the k-th plane holds bit k of each.
type planes [codeBits]mask

// newBuckets chooses bounds that split a sample into equal parts.
func newBuckets(sample []float64) *buckets {
	slices.Sort(sample)
	b := &buckets{}
	for i := 1; i <= maxBounds && len(sample) > 0; i++ {
		b.bounds = append(b.bounds, sample[i*(len(sample)-1)/(maxBounds+1)])
	}
	b.bounds = slices.Compact(b.bounds)
	return b
}

func (b *buckets) codeOf(v float64) uint64 {
	if v != v {
		return 0
	}
	lo, hi := 0, len(b.bounds)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); b.bounds[mid] <= v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return uint64(lo + 1)
}

// set changes a number from an old value to a new one.
func (b *buckets) set(block int, i uint32, old, v float64) {
	if block >= len(b.codes) {
		b.codes = append(b.codes, make([]*planes, block+1-len(b.codes))...)
	}
	if b.codes[block] == nil {
		b.codes[block] = new(planes)
	}
	p := b.codes[block]
	for x := b.codeOf(old) ^ b.codeOf(v); x != 0; x &= x - 1 {
		p[bits.TrailingZeros64(x)][i/64] ^= 1 << (i % 64)
	}
}

// atLeast sets out to the users whose code is k or more. Bit by bit from the
// lowest: with a 1 in k the bit must be set and the rest be enough, with a 0
// either will do.
func (p *planes) atLeast(k uint64, out *mask) {
	switch {
	case k == 0:
		for w := range out {
			out[w] = ^uint64(0)
		}
		return
	case k > lastCode:
		*out = mask{}
		return
	}
	// Below its lowest 1 any code is enough.
	b := bits.TrailingZeros64(k)
	*out = p[b]
	b++
	if (codeBits-b)%2 != 0 {
		q := &p[b]
		if k>>b&1 != 0 {
			for w := range out {
				out[w] &= q[w]
			}
		} else {
			for w := range out {
				out[w] |= q[w]
			}
		}
		b++
	}
	for ; b < codeBits; b += 2 {
		q, r := &p[b], &p[b+1]
		switch k >> b & 3 {
		case 0:
			for w := range out {
				out[w] |= q[w] | r[w]
			}
		case 1:
			for w := range out {
				out[w] = out[w]&q[w] | r[w]
			}
		case 2:
			for w := range out {
				out[w] = (out[w] | q[w]) & r[w]
			}
		default:
			for w := range out {
				out[w] &= q[w] & r[w]
			}
		}
	}
}

// interval is the numbers from lo to hi, both included.
type interval struct{ lo, hi float64 }

// intervalOf returns the numbers for which a comparison with a constant holds.
func intervalOf(op string, lit float64) interval {
	inf := math.Inf(1)
	switch op {
	case "<":
		return interval{-inf, math.Nextafter(lit, -inf)}
	case "<=":
		return interval{-inf, lit}
	case ">":
		return interval{math.Nextafter(lit, inf), inf}
	case ">=":
		return interval{lit, inf}
	}
	return interval{lit, lit}
}

// fewUsers is up to how many users are looked up one by one.
const fewUsers = 96

// span returns the codes that may hold numbers of the interval; those at its
// ends may hold others, too.
func (b *buckets) span(v interval) (first, last uint64) {
	first, last = 1, lastCode
	if !math.IsInf(v.lo, -1) {
		first = b.codeOf(v.lo)
	}
	if !math.IsInf(v.hi, 1) {
		last = b.codeOf(v.hi)
	}
	return first, last
}

// within returns how to find the numbers of an interval among the users of a
// block that are asked for.
func (b *buckets) within(v interval) func(codes *planes, values *[blockUsers]float64, in, out *mask) {
	first, last := b.span(v)
	openLo, openHi := !math.IsInf(v.lo, -1), !math.IsInf(v.hi, 1)
	return func(codes *planes, values *[blockUsers]float64, in, out *mask) {
		if in.count() <= fewUsers {
			v.look(values, in, out)
			return
		}
		var from, above, edge, next mask
		codes.atLeast(first, &from)
		if last < lastCode {
			codes.atLeast(last+1, &above)
		}
		if openLo {
			codes.atLeast(first+1, &next)
			for w := range edge {
				edge[w] = from[w] &^ next[w]
			}
		}
		if openHi {
			codes.atLeast(last, &next)
			for w := range edge {
				edge[w] |= next[w] &^ above[w]
			}
		}
		for w := range edge {
			some := from[w] &^ above[w] & in[w]
			out[w] = some &^ edge[w]
			if open := some & edge[w]; open != 0 {
				out[w] |= v.lookWord((*[64]float64)(values[w*64:]), open)
			}
		}
	}
}

// look compares the users of in one by one.
func (v interval) look(values *[blockUsers]float64, in, out *mask) {
	for w, open := range in {
		out[w] = 0
		if open != 0 {
			out[w] = v.lookWord((*[64]float64)(values[w*64:]), open)
		}
	}
}

func (v interval) lookWord(values *[64]float64, open uint64) (out uint64) {
	for ; open != 0; open &= open - 1 {
		j := bits.TrailingZeros64(open)
		if x := values[j&63]; x >= v.lo && x <= v.hi {
			out |= 1 << (j & 63)
		}
	}
	return out
}
