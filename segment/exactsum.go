package segment

import (
	"math"
	"math/big"
)

// exactSum is a sum that is rounded once, at the end, hence independent of
// order: partial sums that do not overlap (Shewchuk, "Adaptive Precision
// Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997), and
// an arbitrary-precision sum once one of them overflows.
type exactSum struct {
	small [8]float64
	parts []float64
	big   *big.Float
}

// bigPrecision holds every sum of up to 2^100 float64 exactly.
const bigPrecision = 2200

func (s *exactSum) add(x float64) {
	if s.big != nil {
		s.big.Add(s.big, big.NewFloat(x))
		return
	}
	if s.parts == nil {
		s.parts = s.small[:0]
	}
	kept := 0
	for i, y := range s.parts {
		if math.Abs(x) < math.Abs(y) {
			x, y = y, x
		}
		hi := x + y
		if math.IsInf(hi, 0) {
			s.big = new(big.Float).SetPrec(bigPrecision)
			for _, p := range [][]float64{s.parts[:kept], {x, y}, s.parts[i+1:]} {
				for _, v := range p {
					s.big.Add(s.big, big.NewFloat(v))
				}
			}
			return
		}
		if lo := y - (hi - x); lo != 0 {
			s.parts[kept] = lo
			kept++
		}
		x = hi
	}
	s.parts = append(s.parts[:kept], x)
}

// value returns the sum rounded to nearest, ties to even; infinite beyond the
// largest float64.
func (s *exactSum) value() float64 {
	if s.big != nil {
		f, _ := s.big.Float64()
		return f
	}
	n := len(s.parts)
	if n == 0 {
		return 0
	}
	n--
	hi, lo := s.parts[n], 0.0
	for n > 0 {
		n--
		x, y := hi, s.parts[n]
		hi = x + y
		if lo = y - (hi - x); lo != 0 {
			break
		}
	}
	// Half-way cases: what is left below decides the rounding.
	if n > 0 && (lo < 0 && s.parts[n-1] < 0 || lo > 0 && s.parts[n-1] > 0) {
		y := lo * 2
		if x := hi + y; y == x-hi {
			hi = x
		}
	}
	return hi + 0
}
