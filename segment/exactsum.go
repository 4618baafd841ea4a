package segment

import (
	"math"
	"math/big"

	"github.com/zhun-go/zhun/internal/stats"
)

// exactSum is a sum that is rounded once, at the end, hence independent of
// order, over all finite floats: an arbitrary-precision sum takes over once a
// term is too large for the fast one.
type exactSum struct {
	small [8]float64
	fast  stats.Exact
	big   *big.Float
}

// bigPrecision holds every sum of up to 2^100 float64 exactly.
const bigPrecision = 2200

func (s *exactSum) add(x float64) {
	switch {
	case s.big != nil:
		s.big.Add(s.big, big.NewFloat(x))
	case math.Abs(x) <= stats.MaxExact:
		if s.fast == nil {
			s.fast = s.small[:0]
		}
		s.fast.Add(x)
	default:
		s.big = new(big.Float).SetPrec(bigPrecision).SetFloat64(x)
		for _, v := range s.fast {
			s.big.Add(s.big, big.NewFloat(v))
		}
	}
}

// value returns the sum rounded to nearest, ties to even; infinite beyond the
// largest float64.
func (s *exactSum) value() float64 {
	if s.big != nil {
		f, _ := s.big.Float64()
		return f
	}
	return s.fast.Value() + 0
}
