package attribution

import (
	"errors"
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
// A target that is not a number from 1e-100 to 1e100 and curves that cannot be are an
// [*InputError].
func AllocateMarginal(curves []Curve, target float64) (Allocation, error) {
	if !(target >= minAmount && target <= maxAmount) {
		return Allocation{}, inputError("AllocateMarginal", 0, "target", target, "not a number from 1e-100 to 1e100")
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
// bounds, groups and limits allow no such budget the error wraps
// [ErrInfeasible].
//
// For concave curves without side constraints the budget is exact, by
// bisection, for the return beyond the best point falls with every unit. With
// S-shaped curves it may rise again, and side constraints may spoil what a
// larger budget could buy. Then intervals of budgets are searched, the highest
// first: if no budget from b to c can bring more than W, none between W ÷
// target and c can return the target, and when W is below target × b none of
// them; what is left is split. So nothing above the result is left out, to a
// millionth of the largest budget; after 2,000 allocations the search stops,
// and a warning says up to where a larger budget may lie.
//
// A target that is not a number from 1e-100 to 1e100 and curves that cannot be are an
// [*InputError].
func AllocateROAS(curves []Curve, target float64, opts *AllocateOptions) (Allocation, error) {
	const verb = "AllocateROAS"
	best, err := AllocateMarginal(curves, target)
	if err != nil {
		return Allocation{}, err
	}
	_, sides, err := opts.resolve(curves)
	if err != nil {
		return Allocation{}, err
	}
	var least, most float64
	concave := len(sides) == 0
	for _, c := range curves {
		least += c.Lo
		if c.Hi == 0 {
			most = math.Inf(1)
		} else {
			most += c.Hi
		}
		concave = concave && c.inflection() == 0
	}
	if len(sides) == 0 && best.Value < target*best.Budget {
		return Allocation{}, fmt.Errorf("attribution: %s: %w: a target of %g, but with these lower bounds %g return at most %g (%.6g per unit)",
			verb, ErrInfeasible, target, best.Budget, best.Value, best.Value/best.Budget)
	}
	if len(sides) == 0 && best.Value-target*best.Budget <= 1e-12*best.Value {
		// Even the best point beyond the bounds only just returns the target.
		return best, nil
	}
	high := most
	if math.IsInf(most, 1) {
		// No curve keeps up with a line.
		high = max(2*best.Budget, least, 1)
		for high < maxAmount && bound(curves, high) >= target*high {
			high *= 2
		}
	}
	if !concave {
		known := best.Budget
		if len(sides) > 0 {
			known = -1
		}
		return roas(verb, curves, target, opts, sides, known, high)
	}
	reaches := func(budget float64) bool {
		var a Allocation
		if err == nil {
			a, err = Allocate(curves, budget, opts)
		}
		return err == nil && a.Value >= target*budget
	}
	low := best.Budget
	if reaches(high) {
		low = high
	}
	// To twelve digits: beyond, values differ by less than their rounding.
	for err == nil && high-low > 1e-12*high {
		if mid := low + (high-low)/2; reaches(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	if err != nil {
		return Allocation{}, err
	}
	return Allocate(curves, low, opts)
}

// roasTries bounds the allocations of one search for a return.
const roasTries = 2000

// roas goes down from the largest budget to the largest that returns the
// target. Known returns it, if it is not negative.
func roas(verb string, curves []Curve, target float64, opts *AllocateOptions, sides []side, known, high float64) (Allocation, error) {
	p := polytope{sides: sides, budget: high, capped: true}
	cost := make([]float64, len(curves))
	for i, c := range curves {
		p.lo, p.hi = append(p.lo, c.Lo), append(p.hi, c.Hi)
		if room := max(high, c.Lo); c.Hi == 0 || c.Hi > room {
			p.hi[i] = room
		}
		cost[i] = 1
	}
	ends := [2]float64{}
	for k := range ends {
		x, ok := p.point(cost)
		if !ok {
			return Allocation{}, &InfeasibleError{verb, p.conflict(curves)}
		}
		for i := range x {
			ends[k] += x[i]
			cost[i] = -1
		}
	}
	const near = 1e-6
	var found Allocation
	low := -1.0 // the largest budget that is known to return the target
	take := func(a Allocation) {
		if a.Value >= target*a.Budget*(1-1e-12) && a.Budget > low {
			found, low = a, a.Budget
		}
	}
	// What a budget within an interval can bring, at most.
	most := func(from, to float64) (Allocation, bool, error) {
		if len(sides) == 0 {
			// More budget never brings less.
			a, err := Allocate(curves, to, opts)
			return a, err == nil, err
		}
		var o AllocateOptions
		if opts != nil {
			o = *opts
		}
		all := Group{Name: verb, Lo: from}
		for _, c := range curves {
			all.Channels = append(all.Channels, c.Channel)
		}
		o.Groups = append(append([]Group(nil), o.Groups...), all)
		a, err := allocate(verb, curves, to, &o, false)
		if errors.Is(err, ErrInfeasible) {
			return a, false, nil
		}
		return a, err == nil, err
	}
	if known >= 0 {
		a, err := Allocate(curves, known, opts)
		if err != nil {
			return Allocation{}, err
		}
		take(a)
	}
	type interval struct{ from, to float64 }
	open := []interval{{ends[0], min(high, ends[1])}} // the highest last
	tries, left := 0, 0.0
	for ; len(open) > 0; tries++ {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		i.from = max(i.from, low)
		if i.to < i.from || low >= 0 && i.to <= low*(1+near) {
			break // the others are lower still
		}
		if tries == roasTries {
			left = i.to
			break
		}
		a, ok, err := most(i.from, i.to)
		if err != nil {
			return Allocation{}, err
		}
		if !ok || a.Bound < target*i.from {
			continue
		}
		take(a)
		if i.to = min(i.to, a.Bound/target); i.to <= max(i.from, low)+near*high/2 {
			continue
		}
		mid := i.from + (i.to-i.from)/2
		open = append(open, interval{i.from, mid}, interval{mid, i.to})
	}
	switch {
	case low < 0 && left > 0:
		return Allocation{}, fmt.Errorf("attribution: %s: %w: none of %d budgets returned %g; one up to %g may", verb, ErrInfeasible, tries, target, left)
	case low < 0:
		return Allocation{}, fmt.Errorf("attribution: %s: %w: no budget within the bounds returns %g", verb, ErrInfeasible, target)
	case left > 0:
		found.Warnings = append(found.Warnings, fmt.Errorf("%s: the search stopped after %d allocations: a budget of up to %g may return the target, too", verb, tries, left))
	}
	return found, nil
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
