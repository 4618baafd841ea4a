package attribution

import (
	"container/heap"
	"errors"
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
)

// ErrInfeasible is returned when a budget cannot be spent within the bounds.
var ErrInfeasible = errors.New("infeasible")

// AllocateOptions are options of [Allocate]. Nil and zero fields mean the
// defaults.
type AllocateOptions struct {
	// Gap is how far from the optimum, relative to its value, the search for
	// S-shaped curves may stop; default 1e-9.
	Gap float64
	// MaxNodes bounds that search; default 20,000. When it is reached, the
	// allocation says how far from the optimum it can be.
	MaxNodes int
	// Groups and Limits are side constraints. With them, Gap is at least 1e-7.
	Groups []Group
	Limits []Limit
}

// Allotment is what one channel gets.
type Allotment struct {
	Channel string
	Spend   float64
	Value   float64 // what it brings
	// Marginal is what the next unit would bring. It equals the allocation's
	// price for every channel that is not at a bound, is not above it at the
	// lower, and not below it at the upper bound.
	Marginal float64
}

// Allocation is how a budget is best spent.
type Allocation struct {
	Budget   float64
	Value    float64     // of all channels together
	Channels []Allotment // in the order of the curves
	// Price is what one more unit of budget would bring.
	Price float64
	// Bound is what no allocation can exceed. For concave curves it equals
	// Value; for S-shaped ones it is within the gap unless there is a warning.
	Bound    float64
	Warnings []error
}

// Allocate spends a budget on channels so that their curves bring the most
// together. All of it is spent; bounds, groups and limits that do not allow it
// are an [*InfeasibleError] that names the conflict, curves that cannot be an
// [*InputError].
//
// For concave curves it is exact, by water-filling: the price at which the
// channels together want the budget is found by bisection, and the marginals
// of the result prove it (the conditions of Karush, Kuhn and Tucker). Hill
// curves above S = 1 are replaced by their concave envelopes, which gives a
// bound, and where a channel then stands on a chord, its range is split there
// and both parts are searched, the better bound first, until the gap between
// the bound and the best allocation closes: the global optimum, where a local
// search returns the starting point.
func Allocate(curves []Curve, budget float64, opts *AllocateOptions) (Allocation, error) {
	return allocate("Allocate", curves, budget, opts, true)
}

// allocate spends the whole budget, or up to it.
func allocate(verb string, curves []Curve, budget float64, opts *AllocateOptions, whole bool) (Allocation, error) {
	o, sides, err := opts.resolve(curves)
	if err != nil {
		return Allocation{}, err
	}
	if !amount(budget) {
		return Allocation{}, inputError(verb, 0, "budget", budget, "not a number within 0 and 1e100")
	}
	p := &polytope{budget: budget, spent: whole, capped: !whole}
	var least, most float64
	for _, c := range curves {
		hi := c.Hi
		// Nobody can spend more than the budget.
		if room := max(budget, c.Lo); hi == 0 || hi > room {
			hi = room
		}
		p.lo, p.hi = append(p.lo, c.Lo), append(p.hi, hi)
		least += c.Lo
		most += hi
	}
	for _, s := range sides {
		if !p.loose(s) {
			p.sides = append(p.sides, s)
		}
	}
	if len(p.sides) > 0 {
		// Prices are found from the inside: a bound that is none of the caller's
		// stands well beyond the budget.
		for i, c := range curves {
			if room := max(2*budget, c.Lo); c.Hi == 0 || c.Hi > room {
				p.hi[i] = room
			}
		}
		if _, ok := p.point(nil); !ok {
			return Allocation{}, &InfeasibleError{verb, p.conflict(curves)}
		}
		o.Gap = max(o.Gap, 1e-7)
		return search(verb, curves, p, o)
	}
	switch slack := 1e-12 * budget; {
	case least > budget+slack:
		return Allocation{}, &InfeasibleError{verb, []string{fmt.Sprintf("the lower bounds add up to %g", least), fmt.Sprintf("the budget is %g", budget)}}
	case whole && most < budget-slack:
		return Allocation{}, &InfeasibleError{verb, []string{fmt.Sprintf("the upper bounds add up to %g", most), fmt.Sprintf("the budget is %g", budget)}}
	}
	if !whole {
		p.budget = min(budget, most)
	}
	return search(verb, curves, p, o)
}

// resolve fills in the defaults and checks options and curves.
func (o *AllocateOptions) resolve(curves []Curve) (AllocateOptions, []side, error) {
	var r AllocateOptions
	if o != nil {
		r = *o
	}
	if r.Gap == 0 {
		r.Gap = 1e-9
	}
	if r.MaxNodes == 0 {
		r.MaxNodes = 20_000
	}
	switch {
	case !(r.Gap > 0 && r.Gap < 1):
		return r, nil, inputError("Allocate", 0, "Gap", r.Gap, "not within 0 and 1")
	case r.MaxNodes < 0:
		return r, nil, inputError("Allocate", 0, "MaxNodes", r.MaxNodes, "negative")
	}
	for i, c := range curves {
		if err := c.check(i); err != nil {
			return r, nil, err
		}
	}
	sides, err := r.sides(curves)
	return r, sides, err
}

// node is a box of spends, the best point of its relaxation and the bound
// that this gives.
type node struct {
	lo, hi []float64
	x      []float64
	price  float64
	bound  float64
	value  float64 // of the curves at x
	split  int     // the channel furthest below its envelope, -1 if none is
	seq    int     // in the order of making, for ties
}

type nodes []*node

func (n nodes) Len() int { return len(n) }
func (n nodes) Less(i, j int) bool {
	if n[i].bound != n[j].bound {
		return n[i].bound > n[j].bound
	}
	return n[i].seq < n[j].seq
}
func (n nodes) Swap(i, j int) { n[i], n[j] = n[j], n[i] }
func (n *nodes) Push(x any)   { *n = append(*n, x.(*node)) }
func (n *nodes) Pop() any {
	old := *n
	last := old[len(old)-1]
	*n = old[:len(old)-1]
	return last
}

func search(verb string, curves []Curve, p *polytope, o AllocateOptions) (Allocation, error) {
	root := node{lo: p.lo, hi: p.hi}
	if !root.relax(curves, p) {
		return Allocation{}, &InfeasibleError{verb, p.conflict(curves)}
	}
	best := &root
	open := nodes{&root}
	bound, made := root.bound, 1
	closed := math.Inf(-1) // the bound of nodes that are as good as they get
	for len(open) > 0 {
		n := heap.Pop(&open).(*node)
		bound = n.bound
		if n.bound-best.value <= o.Gap*math.Abs(n.bound) || made >= o.MaxNodes {
			break
		}
		if n.split < 0 {
			closed = max(closed, n.bound)
			bound = best.value
			if len(open) > 0 {
				bound = max(bound, open[0].bound)
			}
			continue
		}
		for _, upper := range [2]bool{false, true} {
			child := &node{lo: append([]float64(nil), n.lo...), hi: append([]float64(nil), n.hi...), seq: made}
			at := n.x[n.split]
			if upper {
				child.lo[n.split] = at
			} else {
				child.hi[n.split] = at
			}
			made++
			if !child.relax(curves, p) {
				continue
			}
			if child.value > best.value {
				best = child
			}
			if child.bound > best.value {
				heap.Push(&open, child)
			}
		}
		bound = best.value
		if len(open) > 0 {
			bound = max(bound, open[0].bound)
		}
	}
	a := Allocation{Budget: best.spent(), Value: best.value, Price: best.price, Bound: max(bound, closed, best.value)}
	if p.spent {
		a.Budget = p.budget
	}
	for i, c := range curves {
		a.Channels = append(a.Channels, Allotment{c.Channel, best.x[i], c.Value(best.x[i]), c.Marginal(best.x[i])})
	}
	if a.Bound-a.Value > o.Gap*math.Abs(a.Bound) {
		a.Warnings = append(a.Warnings, fmt.Errorf("Allocate: the search stopped after %d nodes: up to %g more may be possible", made, a.Bound-a.Value))
	}
	return a, nil
}

func (n *node) spent() float64 {
	sum := 0.0
	for _, x := range n.x {
		sum += x
	}
	return sum
}

// relax finds the best point of the envelopes within the box, and reports
// whether the demands on it can hold.
func (n *node) relax(curves []Curve, p *polytope) bool {
	envelopes := make([]envelope, len(curves))
	for i, c := range curves {
		envelopes[i] = c.envelope(n.lo[i], n.hi[i])
	}
	if len(p.sides) > 0 {
		q := *p
		q.lo, q.hi = n.lo, n.hi
		start, ok := q.point(nil)
		if !ok {
			return false
		}
		in := newInterior(&q, envelopes, start)
		n.x = in.run()
		if q.spent {
			n.price = in.price[0] * in.worth / in.unit
			n.balance(q.budget - n.spent())
		}
		n.rate(curves, envelopes)
		n.bound = max(in.bound(), n.value)
		return true
	}
	budget := p.budget
	var least, most float64
	for i := range curves {
		least += n.lo[i]
		most += n.hi[i]
	}
	if slack := 1e-9 * budget; least > budget+slack || most < budget-slack {
		return false
	}
	n.fill(envelopes, budget)
	n.rate(curves, envelopes)
	return true
}

// fill spends the budget at one price.
func (n *node) fill(envelopes []envelope, budget float64) {
	want := func(price float64) float64 {
		sum := 0.0
		for i := range envelopes {
			sum += envelopes[i].spend(price)
		}
		return sum
	}
	// The price: first its exponent, from where everybody wants everything to
	// where hardly anybody wants anything, then its digits.
	wanted := func(price float64) bool { return want(price) >= budget }
	low, high := 0.0, math.Inf(1)
	if e := bisect(-1020, 1020, func(e float64) bool { return wanted(math.Exp2(e)) }); e < 1019 {
		low = bisect(math.Exp2(e)*0.999, math.Exp2(e)*1.001, wanted)
		high = math.Nextafter(low, high)
	} else {
		low = math.Exp2(1020)
	}
	n.price = low
	// Between the two neighboring prices the wishes jump over the budget:
	// what is left goes to one channel after the other, so that at most one
	// ends on the way.
	n.x = make([]float64, len(envelopes))
	left := budget
	for i := range envelopes {
		n.x[i] = envelopes[i].spend(high)
		left -= n.x[i]
	}
	for i := range envelopes {
		if more := min(left, envelopes[i].spend(low)-n.x[i]); more > 0 {
			n.x[i] += more
			left -= more
		}
	}
	n.balance(left)
}

// rate values the point, and finds where the envelopes promise too much.
func (n *node) rate(curves []Curve, envelopes []envelope) {
	n.bound, n.value = 0, 0
	worst := -1.0
	for i := range envelopes {
		e, v := envelopes[i].value(n.x[i]), curves[i].Value(n.x[i])
		n.bound += e
		n.value += v
		if gap := e - v; gap > worst && n.x[i] > n.lo[i] && n.x[i] < n.hi[i] {
			worst, n.split = gap, i
		}
	}
	n.bound = max(n.bound, n.value)
	if worst <= 1e-13*math.Abs(n.value) {
		n.split = -1
	}
}

// balance gives what rounding left over to the channels that have room.
func (n *node) balance(left float64) {
	for i := range n.x {
		if left == 0 {
			return
		}
		before := n.x[i]
		n.x[i] = min(max(before+left, n.lo[i]), n.hi[i])
		left -= n.x[i] - before
	}
}

// String returns the allocation as a table.
func (a Allocation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "budget %.2f brings %.2f; one more brings %.4g\n", a.Budget, a.Value, a.Price)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := len("channel")
	for _, c := range a.Channels {
		width = max(width, len([]rune(c.Channel)))
	}
	fmt.Fprintf(t, "%-*s\tspend\tvalue\tmarginal\t\n", width, "channel")
	for _, c := range a.Channels {
		fmt.Fprintf(t, "%-*s\t%.2f\t%.2f\t%.4g\t\n", width, c.Channel, c.Spend, c.Value, c.Marginal)
	}
	_ = t.Flush() // a strings.Builder takes everything
	for _, w := range a.Warnings {
		fmt.Fprintf(&b, "warning: %v\n", w)
	}
	return b.String()
}
