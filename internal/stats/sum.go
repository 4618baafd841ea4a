// Package stats holds the numerics that several packages share: sums that do
// not forget, and the tails and quantiles of the usual distributions.
package stats

import (
	"math"

	"github.com/zhun-go/zhun/internal/wire"
)

// Sum is a running sum in double-double arithmetic, about 106 bits. Sums of
// integers below 2^104, and of products of integers, are exact, so what was
// added can be taken out again to the last bit, in any order; other sums
// return to within 1e-12 of the sum of absolute values, in practice to 1e-30.
// Nothing is shifted, so two sums merge by addition.
//
// The arithmetic is Dekker's and Knuth's error-free transformations with the
// accurate addition of Joldes, Muller and Popescu, "Tight and rigorous error
// bounds for basic building blocks of double-word arithmetic", ACM TOMS 44
// (2017), algorithms 4 and 6.
//
// The zero value is an empty sum. A Sum is a value: copying it copies the sum.
type Sum struct {
	hi, lo float64
}

// twoSum returns s = a + b rounded and e, the exact error.
func twoSum(a, b float64) (s, e float64) {
	s = a + b
	bb := s - a
	e = (a - (s - bb)) + (b - bb)
	return s, e
}

// fastTwoSum is twoSum for |a| ≥ |b|.
func fastTwoSum(a, b float64) (s, e float64) {
	s = a + b
	e = b - (s - a)
	return s, e
}

// Add adds x.
func (s *Sum) Add(x float64) {
	h, l := twoSum(s.hi, x)
	s.hi, s.lo = fastTwoSum(h, s.lo+l)
}

// Sub takes x out.
func (s *Sum) Sub(x float64) { s.Add(-x) }

// AddProduct adds x·y, the product exact.
func (s *Sum) AddProduct(x, y float64) {
	// The conversion keeps the product from being fused into a later addition,
	// which would lose its error.
	p := float64(x * y)
	s.Merge(Sum{p, math.FMA(x, y, -p)})
}

// SubProduct takes x·y out.
func (s *Sum) SubProduct(x, y float64) { s.AddProduct(-x, y) }

// Merge adds another sum.
func (s *Sum) Merge(o Sum) {
	sh, sl := twoSum(s.hi, o.hi)
	th, tl := twoSum(s.lo, o.lo)
	vh, vl := fastTwoSum(sh, sl+th)
	s.hi, s.lo = fastTwoSum(vh, tl+vl)
}

// Neg returns the sum with the other sign.
func (s Sum) Neg() Sum { return Sum{-s.hi, -s.lo} }

// Value returns the sum rounded to the nearest float64.
func (s Sum) Value() float64 { return s.hi }

// Parts returns the sum as the unevaluated hi + lo, |lo| at most half a unit
// in the last place of hi.
func (s Sum) Parts() (hi, lo float64) { return s.hi, s.lo }

// Mul returns s·o to about 1e-31 relative.
func (s Sum) Mul(o Sum) Sum {
	p := float64(s.hi * o.hi)
	e := math.FMA(s.hi, o.hi, -p)
	e = math.FMA(s.hi, o.lo, e)
	e = math.FMA(s.lo, o.hi, e)
	h, l := fastTwoSum(p, e)
	return Sum{h, l}
}

// Scale returns s·x to about 1e-31 relative.
func (s Sum) Scale(x float64) Sum { return s.Mul(Sum{x, 0}) }

// Div returns s/x to about 1e-31 relative.
func (s Sum) Div(x float64) Sum {
	q := s.hi / x
	r := math.FMA(-q, x, s.hi) + s.lo
	h, l := fastTwoSum(q, r/x)
	return Sum{h, l}
}

// Write writes the sum. Zero of either sign is written as zero, so that equal
// sums have equal bytes.
func (s Sum) Write(w *wire.Section) {
	w.Float(s.hi + 0)
	w.Float(s.lo + 0)
}

// ReadSum reads a sum; a pair that is not normalized, or not finite, or holds
// a negative zero is a failure of r.
func ReadSum(r *wire.Reader) Sum {
	s := Sum{r.Float(), r.Float()}
	h, l := twoSum(s.hi, s.lo)
	if math.IsInf(s.hi, 0) || h != s.hi || l != s.lo || negativeZero(s.hi) || negativeZero(s.lo) {
		r.Fail("sum not normalized")
		return Sum{}
	}
	return s
}

func negativeZero(x float64) bool { return x == 0 && math.Signbit(x) }
