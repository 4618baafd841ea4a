package attribution

import (
	"fmt"
	"math"
)

// Shape names a family of response curves.
type Shape uint8

const (
	// Log is A·ln(1 + x/B).
	Log Shape = iota
	// Power is A·x^B with 0 < B < 1.
	Power
	// Exponential is A·(1 − e^(−x/B)).
	Exponential
	// Hill is A·x^S ÷ (x^S + B^S); above S = 1 it is S-shaped.
	Hill

	shapeCount
)

func (s Shape) String() string {
	switch s {
	case Log:
		return "log"
	case Power:
		return "power"
	case Exponential:
		return "exponential"
	case Hill:
		return "Hill"
	}
	return fmt.Sprintf("Shape(%d)", uint8(s))
}

// Curve says what a channel brings for what is spent on it in one period, in
// any unit of value and of spend.
type Curve struct {
	Channel string
	Shape   Shape
	A       float64 // from 1e-100 to 1e100: the scale, for Exponential and Hill the most there is to gain
	B       float64 // the same: where the curve bends, in spend; for Power the exponent
	S       float64 // > 0, up to 100: the steepness of a Hill; 0 means 1, others do not use it
	Lo, Hi  float64 // bounds of the spend; Hi = 0 means no upper bound, Lo = Hi pins it
}

// Value returns what a spend of x brings, 0 for one below 0.
func (c Curve) Value(x float64) float64 {
	if x <= 0 {
		return 0
	}
	switch c.Shape {
	case Log:
		if r := x / c.B; r <= math.MaxFloat64 {
			return c.A * math.Log1p(r)
		}
		return c.A * (math.Log(x) - math.Log(c.B))
	case Power:
		return c.A * math.Pow(x, c.B)
	case Exponential:
		return -c.A * math.Expm1(-x/c.B)
	default:
		// 1 ÷ (1 + (B/x)^S) does not overflow to NaN at either end.
		return c.A / (1 + math.Pow(c.B/x, c.slope()))
	}
}

// Marginal returns what the next unit brings at a spend of x, the slope of
// the curve; below 0 that at 0. It is +Inf at 0 for Power, and for Hill below
// S = 1, and so near to it that the slope is beyond all numbers.
func (c Curve) Marginal(x float64) float64 {
	x = max(x, 0)
	switch c.Shape {
	case Log:
		return c.A / (c.B + x)
	case Power:
		return c.A * c.B * math.Pow(x, c.B-1)
	case Exponential:
		return c.A / c.B * math.Exp(-x/c.B)
	default:
		s := c.slope()
		if x == 0 {
			switch {
			case s < 1:
				return math.Inf(1)
			case s == 1:
				return c.A / c.B
			}
			return 0
		}
		r := math.Pow(x/c.B, s)
		if math.IsInf(r, 1) {
			return 0
		}
		return c.A * s * (r / (1 + r)) / (1 + r) / x
	}
}

func (c Curve) slope() float64 {
	if c.S == 0 {
		return 1
	}
	return c.S
}

// inflection is the spend from which on the curve is concave.
func (c Curve) inflection() float64 {
	s := c.slope()
	if c.Shape != Hill || s <= 1 {
		return 0
	}
	return c.B * math.Pow((s-1)/(s+1), 1/s)
}

// check reports why a curve cannot be.
func (c Curve) check(i int) error {
	bad := func(field string, value float64, reason string) error {
		return inputError("Allocate", 0, fmt.Sprintf("curve %d (%s): %s", i, c.Channel, field), value, reason)
	}
	positive := func(x float64) bool { return x >= minAmount && x <= maxAmount }
	switch {
	case c.Shape >= shapeCount:
		return bad("Shape", float64(c.Shape), "unknown")
	case !positive(c.A):
		return bad("A", c.A, "not a number from 1e-100 to 1e100")
	case !positive(c.B):
		return bad("B", c.B, "not a number from 1e-100 to 1e100")
	case c.Shape == Power && c.B >= 1:
		return bad("B", c.B, "an exponent must be below 1, or all would go to this one channel")
	case c.Shape == Hill && c.S != 0 && !(c.S > 0 && c.S <= 100):
		return bad("S", c.S, "not a number above 0 and up to 100")
	case !amount(c.Lo):
		return bad("Lo", c.Lo, "not a number within 0 and 1e100")
	case !amount(c.Hi):
		return bad("Hi", c.Hi, "not a number within 0 and 1e100")
	case c.Hi != 0 && c.Hi < c.Lo:
		return bad("Hi", c.Hi, fmt.Sprintf("below Lo %v", c.Lo))
	}
	return nil
}

// envelope is the smallest concave function above a curve between two spends:
// a chord from lo up to tangent, and the curve from there on.
type envelope struct {
	Curve
	lo, hi  float64
	tangent float64
	slope   float64 // of the chord
}

func (c Curve) envelope(lo, hi float64) envelope {
	e := envelope{Curve: c, lo: lo, hi: hi, tangent: lo}
	bend := c.inflection()
	if lo >= bend || lo >= hi {
		return e
	}
	// From the inflection on, the line from lo falls ever further behind the
	// slope; it touches where the two are equal.
	at := func(t float64) float64 { return c.Value(t) - c.Value(lo) - c.Marginal(t)*(t-lo) }
	switch {
	case hi <= bend || at(hi) <= 0:
		e.tangent = hi
	default:
		e.tangent = bisect(max(bend, lo), hi, func(t float64) bool { return at(t) < 0 })
	}
	e.slope = (c.Value(e.tangent) - c.Value(lo)) / (e.tangent - lo)
	return e
}

// value returns the envelope at x.
func (e *envelope) value(x float64) float64 {
	if x >= e.tangent {
		return e.Value(x)
	}
	return e.Value(e.lo) + e.slope*(x-e.lo)
}

// spend returns the least spend within the bounds from which on a further
// unit brings less than price.
func (e *envelope) spend(price float64) float64 {
	if e.tangent > e.lo && e.slope < price {
		return e.lo
	}
	lo := e.tangent
	if lo >= e.hi || e.Marginal(e.hi) >= price {
		return e.hi
	}
	if e.Marginal(lo) < price {
		return lo
	}
	x := lo
	switch e.Shape {
	case Log:
		x = e.A/price - e.B
	case Power:
		x = math.Pow(e.A*e.B/price, 1/(1-e.B))
	case Exponential:
		x = e.B * math.Log(e.A/(e.B*price))
	case Hill:
		x = bisect(lo, e.hi, func(x float64) bool { return e.Marginal(x) >= price })
	}
	return min(max(x, lo), e.hi)
}

// bisect returns where a predicate that holds at lo stops to hold, to
// neighboring floats.
func bisect(lo, hi float64, holds func(x float64) bool) float64 {
	for {
		mid := lo + (hi-lo)/2
		if !(mid > lo && mid < hi) {
			return lo
		}
		if holds(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
}
