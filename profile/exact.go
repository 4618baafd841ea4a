package profile

import "math"

// exactSum holds the sum of what was added without error, as an expansion of
// non-overlapping floats (Shewchuk, "Adaptive precision floating-point
// arithmetic and fast robust geometric predicates", 1997, theorem 10), so that
// its value is the correctly rounded sum whatever the order.
//
// Terms must stay below maxTerm in magnitude, so that no sum overflows.
type exactSum []float64

const maxTerm = 1e290

func (s *exactSum) add(x float64) {
	p := *s
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
	*s = kept
}

func (s *exactSum) merge(o exactSum) {
	for _, x := range o {
		s.add(x)
	}
}

// value rounds the sum once, to nearest, ties to even.
func (s exactSum) value() float64 {
	n := len(s)
	if n == 0 {
		return 0
	}
	hi, lo := s[n-1], 0.0
	i := n - 1
	for i > 0 {
		i--
		x, y := hi, s[i]
		hi = x + y
		lo = y - (hi - x)
		if lo != 0 {
			break
		}
	}
	// The rest decides when what was rounded off is exactly half a unit.
	if i > 0 && (lo < 0 && s[i-1] < 0 || lo > 0 && s[i-1] > 0) {
		y := lo * 2
		if x := hi + y; y == x-hi {
			hi = x
		}
	}
	return hi
}
