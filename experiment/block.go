package experiment

import "math"

// Many values are added block by block: plain sums within a block, which a
// processor makes as fast as it reads, exact ones over blocks. Three properties
// make that as good as it must be.
//
// Plain sums of integers are exact while they stay below 2⁵³. Of a block whose
// squares stay below it every sum does, products with other such blocks
// included (Cauchy and Schwarz), so nobody needs to ask whether values are
// integers.
//
// Of other values a plain sum of n is off by n·2⁻⁵³ of the absolute values at
// most: 1.4e-14 for a block.
//
// What is off in the sum is off in the squares in the same sense, unless the
// mean is large against the deviations: an error ε of the sums is one of
// ε·(1 + mean²/variance) in the variance. Where mean² is above 63 variances the
// sums are taken around one of the values, and set back exactly: the variance
// of 1e9 ± 1 keeps 12 digits, and what is added is still Σx and Σx².
//
// A block that is beyond all this is added value by value, in double-double.
const blockSize = 128

// block is the sum and the sum of squares of n values around a shift.
type block struct{ n, shift, sum, squares float64 }

const (
	exactBelow = 1 << 53
	tiny       = 1e-200 // below it squares lose what they are made of
)

// blockOf sums up to blockSize values. It is not ok where plain sums are not
// good enough, or a value is not finite.
func blockOf(xs []float64) (b block, ok bool) {
	b.n = float64(len(xs))
	for _, x := range xs {
		b.sum += x
		// Conversions forbid fusing products into sums, which would differ
		// between architectures.
		b.squares += float64(x * x)
	}
	if b.accurate() {
		return b, true
	}
	if !(b.squares <= maxValue*maxValue) {
		return b, false // a value may be one that is refused
	}
	// The shift has so few bits that n·shift² and its like are exact.
	b = block{n: b.n, shift: math.Float64frombits(math.Float64bits(xs[0]) &^ (1<<7 - 1))}
	for _, x := range xs {
		x -= b.shift
		b.sum += x
		b.squares += float64(x * x)
	}
	return b, b.accurate()
}

func (b block) accurate() bool {
	if b.squares < tiny {
		return b.squares == 0 && b.sum == 0
	}
	return b.squares < exactBelow && b.squares <= 64*(b.squares-float64(b.sum*b.sum)/b.n)
}

// addTo adds the sums to those around zero.
func (b block) addTo(s1, s2 *pair) {
	if b.shift == 0 {
		s1.plus(b.sum)
		s2.plus(b.squares)
		return
	}
	s1.plus(float64(b.n * b.shift))
	s1.plus(b.sum)
	s2.plusProduct(float64(b.n*b.shift), b.shift)
	s2.plusProduct(2*b.shift, b.sum)
	s2.plus(b.squares)
}

// addCross adds the sum of products of two blocks of the same users, of which
// dot is the part around the shifts.
func (b block) addCross(o block, dot float64, to *pair) {
	if b.shift != 0 && o.shift != 0 {
		to.plusProduct(float64(b.n*b.shift), o.shift)
	}
	if b.shift != 0 {
		to.plusProduct(b.shift, o.sum)
	}
	if o.shift != 0 {
		to.plusProduct(o.shift, b.sum)
	}
	to.plus(dot)
}

// binary tells whether all values are 0 or 1.
func binary(xs []float64) bool {
	for _, x := range xs {
		if x != 0 && x != 1 {
			return false
		}
	}
	return true
}

// dot returns the plain sum of products.
func dot(xs, ys []float64) (s float64) {
	ys = ys[:len(xs)]
	for i, x := range xs {
		s += float64(x * ys[i])
	}
	return s
}

// The following are the sums and squares of a list, and its products with
// others, in one pass: additions to one sum need not wait for those to another.
// Each sum is the one that blockOf and dot make.

func with1(xs, as []float64) (s, q, a float64) {
	as = as[:len(xs)]
	for i, x := range xs {
		s += x
		q += float64(x * x)
		a += float64(x * as[i])
	}
	return s, q, a
}

func with2(xs, as, bs []float64) (s, q, a, b float64) {
	as, bs = as[:len(xs)], bs[:len(xs)]
	for i, x := range xs {
		s += x
		q += float64(x * x)
		a += float64(x * as[i])
		b += float64(x * bs[i])
	}
	return s, q, a, b
}

func with3(xs, as, bs, cs []float64) (s, q, a, b, c float64) {
	as, bs, cs = as[:len(xs)], bs[:len(xs)], cs[:len(xs)]
	for i, x := range xs {
		s += x
		q += float64(x * x)
		a += float64(x * as[i])
		b += float64(x * bs[i])
		c += float64(x * cs[i])
	}
	return s, q, a, b, c
}
