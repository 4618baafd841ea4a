package experiment

import "github.com/zhun-go/zhun/internal/stats"

// pair is a sum and the rounding errors on the way, not normalized: the loop
// over values then waits for one addition per value only (Sum2 of T. Ogita, S. M.
// Rump and S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26
// (2005)). The value is hi + lo.
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

func (p *pair) add(x float64) {
	h := p.hi
	s := h + x
	b := s - h
	p.hi = s
	p.lo += (h - (s - b)) + (x - b)
}

// plus adds a number and normalizes.
func (p *pair) plus(x float64) {
	p.normalize()
	p.add(x)
	s := p.hi + p.lo
	p.hi, p.lo = s, p.lo-(s-p.hi)
}

// plusProduct adds a product, exact, and normalizes.
func (p *pair) plusProduct(x, y float64) {
	s := p.sum()
	s.AddProduct(x, y)
	p.set(s)
}

// merge adds another pair and normalizes.
func (p *pair) merge(o pair) {
	s := p.sum()
	s.Merge(o.sum())
	p.set(s)
}
