package stats

import "math"

// Exact is the sum of what was added, without any error: an expansion of
// floats that do not overlap, smallest first (J. R. Shewchuk, "Adaptive
// precision floating-point arithmetic and fast robust geometric predicates",
// Discrete & Computational Geometry 18 (1997), theorem 10). Its value is
// rounded once, so it depends neither on the order nor on what was added and
// taken out in between. [Sum] is smaller and faster where 106 bits do.
//
// Terms must stay within ±[MaxExact], so that no sum of fewer than 2^58 of
// them overflows. The zero value is an empty sum; an empty slice with capacity
// spares the first allocations. Not safe for concurrent use.
type Exact []float64

// MaxExact bounds the terms of an [Exact].
const MaxExact = 1e290

// Add adds x.
func (e *Exact) Add(x float64) {
	p := *e
	kept := p[:0]
	for _, y := range p {
		if math.Abs(x) < math.Abs(y) {
			x, y = y, x
		}
		hi := x + y
		if lo := y - (hi - x); lo != 0 {
			kept = append(kept, lo)
		}
		x = hi
	}
	if x != 0 {
		kept = append(kept, x)
	}
	*e = kept
}

// Merge adds another sum.
func (e *Exact) Merge(o Exact) {
	for _, x := range o {
		e.Add(x)
	}
}

// Value returns the sum rounded to nearest, ties to even.
func (e Exact) Value() float64 {
	n := len(e)
	if n == 0 {
		return 0
	}
	n--
	hi, lo := e[n], 0.0
	for n > 0 {
		n--
		x, y := hi, e[n]
		hi = x + y
		if lo = y - (hi - x); lo != 0 {
			break
		}
	}
	// What is left below decides when exactly half a unit was rounded off.
	if n > 0 && (lo < 0 && e[n-1] < 0 || lo > 0 && e[n-1] > 0) {
		y := lo * 2
		if x := hi + y; y == x-hi {
			hi = x
		}
	}
	return hi
}
