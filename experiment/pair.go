package experiment

import (
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// pair is a sum and the rounding errors on the way, not normalized: the loop
// over values then waits for one addition per value only (T. Ogita, S. M. Rump
// and S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26
// (2005), algorithm 4.4). The value is hi + lo.
//
// Errors are integers when values are, and lo is exact while it stays below
// 2⁵³. Of settle additions to a sum below 2⁹⁹ each leaves at most 2⁴⁵ for its
// own rounding and 2⁴⁵ for that of its product, and normalizing leaves 2⁴⁵: at
// most 2⁵² + 2⁴⁵ in all. So a pair that is normalized every settle additions is
// exact for integers below 2⁹⁹, however many.
type pair struct{ hi, lo float64 }

const settle = 64

// sum returns the normalized sum, the same for every order of integers.
func (p pair) sum() stats.Sum {
	var s stats.Sum
	s.Add(p.hi)
	s.Add(p.lo)
	return s
}

func (p *pair) set(s stats.Sum) { p.hi, p.lo = s.Parts() }

func (p *pair) normalize() {
	s := p.hi + p.lo
	b := s - p.hi
	p.hi, p.lo = s, (p.hi-(s-b))+(p.lo-b)
}

// add3 adds the sum of a block and normalizes.
func (p *pair) add3(b block) {
	s := p.sum()
	s.Merge(pair{b.hi, b.lo}.sum())
	s.Add(b.tail)
	p.set(s)
}

// merge adds another pair and normalizes.
func (p *pair) merge(o pair) {
	s := p.sum()
	s.Merge(o.sum())
	p.set(s)
}

// Sums over a block start at a power of two so large that no partial sum comes
// near its edges. Each addition then rounds in one and the same place, and two
// operations instead of five give the rounding error (the "error-free
// extraction" of S. M. Rump, T. Ogita and S. Oishi, "Accurate floating-point
// summation, part I", SIAM J. Sci. Comput. 31 (2008)). The offset is taken out
// exactly. The errors of a block add up to less than 2⁻³⁶ of the largest term,
// so they are exact for integer terms up to 2⁸⁸. Two sums run side by side,
// because a processor adds faster than one addition can wait for another.
const blockSize = 128

// block is the sum of a block: rounding errors of additions and of products
// are of different sizes, and each kind has its own sum.
type block struct{ hi, lo, tail float64 }

// largest returns the largest absolute value; NaN and infinities are larger
// than all numbers, as they are in bits.
func largest(xs []float64) float64 {
	top := uint64(0)
	for _, x := range xs {
		top = max(top, math.Float64bits(x)&^(1<<63))
	}
	return math.Float64frombits(top)
}

// smooth tells whether a block with a largest value can be summed with an
// offset: its squares neither vanish nor pass 2⁸⁸.
func smooth(top float64) bool { return top >= 1e-100 && top <= 1<<44 }

// offset returns a power of two that is more than blockSize times top.
func offset(top float64) float64 {
	return math.Float64frombits((math.Float64bits(top)>>52 + 9) << 52)
}

// blockMoments returns the sum and the sum of squares of a smooth block.
func blockMoments(xs []float64, top float64) (sum, squares block) {
	o1, o2 := offset(top), offset(float64(top*top))
	s, q := o1, o2
	var sl, ql, tail float64
	for _, x := range xs {
		t := s + x
		sl += x - (t - s)
		s = t
		// The conversion forbids fusing the product into the sum, which would
		// differ between architectures.
		p := float64(x * x)
		e := math.FMA(x, x, -p)
		t = q + p
		ql += p - (t - q)
		tail += e
		q = t
	}
	return block{s - o1, sl, 0}, block{q - o2, ql, tail}
}

// blockSum returns the sum of a block with an offset.
func blockSum(xs []float64, offset float64) block {
	s, lo := offset, 0.0
	for _, x := range xs {
		t := s + x
		lo += x - (t - s)
		s = t
	}
	return block{s - offset, lo, 0}
}

// blockDot returns the sum of products of two blocks with an offset.
func blockDot(xs, ys []float64, offset float64) block {
	s, u := offset, offset
	var sl, ul, se, ue float64
	ys = ys[:len(xs)]
	for len(xs) > 1 && len(ys) > 1 {
		x, y := xs[0], ys[0]
		p := float64(x * y)
		e := math.FMA(x, y, -p)
		t := s + p
		sl += p - (t - s)
		se += e
		s = t
		x, y = xs[1], ys[1]
		p = float64(x * y)
		e = math.FMA(x, y, -p)
		t = u + p
		ul += p - (t - u)
		ue += e
		u = t
		xs, ys = xs[2:], ys[2:]
	}
	if len(xs) > 0 {
		p := float64(xs[0] * ys[0])
		e := math.FMA(xs[0], ys[0], -p)
		t := s + p
		sl += p - (t - s)
		se += e
		s = t
	}
	return block{(s - offset) + (u - offset), sl + ul, se + ue}
}
