package attribution

import (
	"fmt"
	"math"
)

// BudgetPath returns the best allocation of each budget, in the order given:
// how spending grows with the budget, channel by channel, and what each more
// brings. Its errors are those of [Allocate].
func BudgetPath(curves []Curve, budgets []float64, opts *AllocateOptions) ([]Allocation, error) {
	list := make([]Allocation, len(budgets))
	for i, b := range budgets {
		var err error
		if list[i], err = Allocate(curves, b, opts); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// AllocateMarginal spends on each channel until the next unit would bring
// less than target: with a target of 1 ÷ margin, until it would not pay for
// itself. No budget is given, it is the result. An S-shaped channel that does
// not bring the target on its whole way gets its lower bound. It is exact for
// all curves.
//
// A target that is not a number above 0 and curves that cannot be are an
// [*InputError].
func AllocateMarginal(curves []Curve, target float64) (Allocation, error) {
	if !(target > 0 && target <= maxAmount) {
		return Allocation{}, inputError("AllocateMarginal", 0, "target", target, "not a number above 0")
	}
	a := Allocation{Price: target}
	for i, c := range curves {
		if err := c.check(i); err != nil {
			return Allocation{}, err
		}
		hi := c.Hi
		if hi == 0 {
			// Far enough that nobody would go there for the target.
			hi = max(c.Lo, c.B, 1)
			for hi < maxAmount && (c.Marginal(hi) >= target || c.Value(hi) >= target*hi || hi < c.inflection()) {
				hi *= 2
			}
		}
		e := c.envelope(c.Lo, hi)
		x := e.spend(target)
		a.Channels = append(a.Channels, Allotment{c.Channel, x, c.Value(x), c.Marginal(x)})
		a.Budget += x
		a.Value += c.Value(x)
	}
	a.Bound = a.Value
	return a, nil
}

// AllocateROAS finds the largest budget that, spent best, still brings target
// times itself, and spends it: the most there is at a return on spend. When
// the bounds of the curves allow no such budget the error wraps
// [ErrInfeasible] and says which return is possible.
//
// For concave curves the budget is exact, by bisection, for the return beyond
// the best point falls with every unit. With S-shaped curves it may rise
// again: then 64 budgets are tried, and the largest that brings the target
// is refined.
//
// A target that is not a number above 0 and curves that cannot be are an
// [*InputError].
func AllocateROAS(curves []Curve, target float64, opts *AllocateOptions) (Allocation, error) {
	best, err := AllocateMarginal(curves, target)
	if err != nil {
		return Allocation{}, err
	}
	if best.Value < target*best.Budget {
		return Allocation{}, fmt.Errorf("attribution: AllocateROAS: %w: a target of %g, but with these lower bounds %g return at most %g (%.6g per unit)",
			ErrInfeasible, target, best.Budget, best.Value, best.Value/best.Budget)
	}
	if best.Value-target*best.Budget <= 1e-12*best.Value {
		// Even the best point beyond the bounds only just returns the target.
		return best, nil
	}
	var least, most float64
	concave := true
	for _, c := range curves {
		least += c.Lo
		if c.Hi == 0 {
			most = math.Inf(1)
		} else {
			most += c.Hi
		}
		concave = concave && c.inflection() == 0
	}
	reaches := func(budget float64) bool {
		var a Allocation
		if err == nil {
			a, err = Allocate(curves, budget, opts)
		}
		return err == nil && a.Value >= target*budget
	}
	low, high := best.Budget, most
	if math.IsInf(most, 1) {
		// No curve keeps up with a line.
		high = max(2*low, least, 1)
		for high < maxAmount && bound(curves, high) >= target*high {
			high *= 2
		}
	}
	switch {
	case reaches(high):
		low = high
	case !concave:
		const tries = 64
		step := (high - low) / tries
		for i := tries - 1; i > 0; i-- {
			if b := low + step*float64(i); reaches(b) {
				low, high = b, b+step
				break
			}
		}
		high = min(high, low+step)
		fallthrough
	default:
		// To twelve digits: beyond, values differ by less than their rounding.
		for err == nil && high-low > 1e-12*high {
			if mid := low + (high-low)/2; reaches(mid) {
				low = mid
			} else {
				high = mid
			}
		}
	}
	if err != nil {
		return Allocation{}, err
	}
	return Allocate(curves, low, opts)
}

// bound is what no allocation of a budget can exceed.
func bound(curves []Curve, budget float64) float64 {
	sum := 0.0
	for _, c := range curves {
		hi := budget
		if c.Hi != 0 {
			hi = min(hi, c.Hi)
		}
		sum += c.Value(max(hi, c.Lo))
	}
	return sum
}
