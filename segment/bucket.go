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
	// tree holds the bounds as keys, in the order of a search: those to look at
	// after tree[i] are tree[2i] and tree[2i+1] (Khuong and Morin, "Array Layouts
	// for Comparison-Based Searching", 2017). Beyond the last bound there are
	// keys that no number reaches. Bucket k+1 holds what is less than bound k and
	// not less than bound k−1.
	tree   [1 << codeBits]uint64
	bounds []float64 // ascending
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
	var bounds []float64
	for i := 1; i <= maxBounds && len(sample) > 0; i++ {
		bounds = append(bounds, sample[i*(len(sample)-1)/(maxBounds+1)])
	}
	b := &buckets{bounds: slices.Compact(bounds)}
	b.plant(1, b.bounds)
	return b
}

// plant places bounds below a place of the tree and returns the rest.
func (b *buckets) plant(i int, bounds []float64) (rest []float64) {
	if i >= len(b.tree) {
		return bounds
	}
	bounds = b.plant(2*i, bounds)
	b.tree[i] = math.MaxUint64
	if len(bounds) > 0 {
		b.tree[i], bounds = keyOf(bounds[0]), bounds[1:]
	}
	return b.plant(2*i+1, bounds)
}

// keyOf orders numbers as they compare: integers are compared sooner.
func keyOf(v float64) uint64 {
	u := math.Float64bits(v + 0) // no -0
	return u ^ (uint64(int64(u)>>63) | 1<<63)
}

func (b *buckets) codeOf(v float64) uint64 {
	codes := [4]uint16{}
	b.code4(&[4]float64{v, v, v, v}, &codes)
	return uint64(codes[0])
}

// code4 finds the codes of four numbers. Each step of a search waits for the
// one before, and which way it goes is a toss-up: so four take turns, without a
// branch.
func (b *buckets) code4(v *[4]float64, codes *[4]uint16) {
	const last = 1<<codeBits - 1
	p, q, r, s := keyOf(v[0]), keyOf(v[1]), keyOf(v[2]), keyOf(v[3])
	i, j, k, l := uint64(1), uint64(1), uint64(1), uint64(1)
	for range codeBits {
		i = 2*i + bit(b.tree[i&last] <= p)
		j = 2*j + bit(b.tree[j&last] <= q)
		k = 2*k + bit(b.tree[k&last] <= r)
		l = 2*l + bit(b.tree[l&last] <= s)
	}
	codes[0] = uint16((i - last) * bit(v[0] == v[0]))
	codes[1] = uint16((j - last) * bit(v[1] == v[1]))
	codes[2] = uint16((k - last) * bit(v[2] == v[2]))
	codes[3] = uint16((l - last) * bit(v[3] == v[3]))
}

// encode returns the codes of a block.
func (b *buckets) encode(values *[blockUsers]float64) *planes {
	p := new(planes)
	var codes [8]uint16
	for w := range blockWords {
		for at := 0; at < 64; at += 8 {
			v := values[w*64+at:][:8]
			b.code4((*[4]float64)(v), (*[4]uint16)(codes[:]))
			b.code4((*[4]float64)(v[4:]), (*[4]uint16)(codes[4:]))
			var low, high uint64
			for j, k := range codes {
				low |= uint64(k&255) << (8 * j)
				high |= uint64(k>>8) << (8 * j)
			}
			low, high = transpose8(low), transpose8(high)
			for k := range 8 {
				p[k][w] |= low >> (8 * k) & 255 << at
			}
			for k := 8; k < codeBits; k++ {
				p[k][w] |= high >> (8 * (k - 8)) & 255 << at
			}
		}
	}
	return p
}

// read returns the codes of a block side by side.
func (p *planes) read(codes *[blockUsers]uint16) {
	for w := range blockWords {
		for at := 0; at < 64; at += 8 {
			var low, high uint64
			for k := range 8 {
				low |= p[k][w] >> at & 255 << (8 * k)
			}
			for k := 8; k < codeBits; k++ {
				high |= p[k][w] >> at & 255 << (8 * (k - 8))
			}
			low, high = transpose8(low), transpose8(high)
			for j := range 8 {
				codes[w*64+at+j] = uint16(low>>(8*j)&255 | high>>(8*j)&255<<8)
			}
		}
	}
}

// transpose8 swaps the rows and the columns of eight times eight bits, each row
// a byte (Warren, "Hacker's Delight", 2nd ed. 2012, section 7-3).
func transpose8(x uint64) uint64 {
	t := (x ^ x>>7) & 0x00aa00aa00aa00aa
	x ^= t ^ t<<7
	t = (x ^ x>>14) & 0x0000cccc0000cccc
	x ^= t ^ t<<14
	t = (x ^ x>>28) & 0x00000000f0f0f0f0
	return x ^ t ^ t<<28
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

// whole reports whether a number is an integer that an int64 holds.
func whole(v float64) bool { return v == float64(int64(v)) }

// integers returns an interval of the same integers, which reaches as far as it
// can.
func (v interval) integers() interval {
	w := interval{math.Ceil(v.lo), v.hi}
	if math.Abs(v.hi) <= 1<<53-1 {
		w.hi = math.Nextafter(math.Floor(v.hi)+1, math.Inf(-1))
	}
	return w
}

// codeSpan is the codes that may hold numbers of an interval: from first to
// last, of which those from inside on, and before outside, hold no others.
type codeSpan struct{ first, last, inside, outside uint64 }

// span returns the codes of an interval.
func (b *buckets) span(v interval) codeSpan {
	s := codeSpan{1, lastCode, 1, lastCode + 1}
	if !math.IsInf(v.lo, -1) {
		s.first = b.codeOf(v.lo)
		s.inside = s.first + 1
		if i := int(s.first) - 2; i >= 0 && i < len(b.bounds) && b.bounds[i] == v.lo {
			s.inside = s.first
		}
	}
	if !math.IsInf(v.hi, 1) {
		s.last = b.codeOf(v.hi)
		s.outside = s.last
		if i := int(s.last) - 1; i < len(b.bounds) && b.bounds[i] == math.Nextafter(v.hi, math.Inf(1)) {
			s.outside = s.last + 1
		}
	}
	return s
}

// within returns how to find the numbers of an interval among the users of a
// block that are asked for.
func (b *buckets) within(v interval) func(codes *planes, values *[blockUsers]float64, in, out *mask) {
	s := b.span(v)
	return func(codes *planes, values *[blockUsers]float64, in, out *mask) {
		if in.count() <= fewUsers {
			v.look(values, in, out)
			return
		}
		var from, above, edge, next mask
		codes.atLeast(s.first, &from)
		if s.last < lastCode {
			codes.atLeast(s.last+1, &above)
		}
		if s.inside > s.first {
			codes.atLeast(s.inside, &next)
			for w := range edge {
				edge[w] = from[w] &^ next[w]
			}
		}
		if s.outside <= s.last {
			codes.atLeast(s.outside, &next)
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
