package segment

import (
	"math"
	"math/bits"
	"slices"
)

// buckets are the numbers of a column in 16 bits each: 0 for missing, else the
// place of the number among a few thousand bounds, plus one. Whether a number
// lies in an interval is settled by these codes, four users in one step, for
// all but the users of the two buckets at its ends; those are looked up.
type buckets struct {
	bounds []float64 // ascending; bucket k+1 holds bounds[k−1] ≤ v < bounds[k]
	codes  []*[blockUsers / 4]uint64
}

// maxBounds keeps codes far below 2^15, so that the top bit of each is free
// for comparing, and makes a bucket a small part of all users.
const maxBounds = 4094

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

func (b *buckets) set(block int, i uint32, v float64) {
	if block >= len(b.codes) {
		b.codes = append(b.codes, make([]*[blockUsers / 4]uint64, block+1-len(b.codes))...)
	}
	if b.codes[block] == nil {
		b.codes[block] = new([blockUsers / 4]uint64)
	}
	put(&b.codes[block][i/4], i%4, b.codeOf(v))
}

// put stores a code as the i-th of four.
func put(word *uint64, i uint32, code uint64) {
	shift := 16 * i
	*word = *word&^(0xffff<<shift) | code<<shift
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

const (
	each   = 1 | 1<<16 | 1<<32 | 1<<48
	topBit = each << 15
	gather = 1<<60 | 1<<45 | 1<<30 | 1<<15
	top4   = 0xf << 60
)

// within evaluates an interval on 64 users of whom in are asked for.
//
// Codes leave the top bit of their 16 free. With it set, a code less k keeps
// it if and only if the code is at least k, and none borrows from the next, so
// two subtractions find the codes of a range among four users. The product
// brings the four top bits together at the top.
func (b *buckets) within(v interval) func(codes *[16]uint64, values *[64]float64, in uint64) uint64 {
	// Codes that may hold numbers of the interval, and those that hold no
	// others.
	first, last := uint64(1), uint64(maxBounds+1)
	sure, until := first, last
	if !math.IsInf(v.lo, -1) {
		first = b.codeOf(v.lo)
		sure = first + 1
	}
	if !math.IsInf(v.hi, 1) {
		last = b.codeOf(v.hi)
		until = last - 1
	}
	first, last, sure, until = first*each, (last+1)*each, sure*each, (until+1)*each
	return func(codes *[16]uint64, values *[64]float64, in uint64) (out uint64) {
		var open uint64
		for _, w := range codes {
			w |= topBit
			some := (w - first) &^ (w - last) & topBit
			out, open = out>>4, open>>4
			if some == 0 {
				continue
			}
			all := (w - sure) &^ (w - until) & topBit
			out |= all >> 15 * gather & top4
			if some != all {
				open |= (some &^ all) >> 15 * gather & top4
			}
		}
		for open &= in; open != 0; open &= open - 1 {
			j := bits.TrailingZeros64(open)
			if x := values[j&63]; x >= v.lo && x <= v.hi {
				out |= 1 << (j & 63)
			}
		}
		return out & in
	}
}
