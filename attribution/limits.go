package attribution

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/zhun-go/zhun/internal/ids"
)

// Group bounds what some channels get together.
type Group struct {
	Name     string
	Channels []string
	Lo, Hi   float64 // Hi = 0 means no upper bound, Lo = Hi pins it
}

// Limit is a linear side constraint: Σ weight × spend of the channels with a
// weight is at most Most. Weights may be negative, so that a limit can hold a
// channel above a share of another one.
type Limit struct {
	Name    string
	Weights map[string]float64
	Most    float64
}

// InfeasibleError says which demands on a budget cannot hold together. It
// wraps [ErrInfeasible].
type InfeasibleError struct {
	Verb string
	// Conflict are the demands: without any single one of them, the others could
	// hold.
	Conflict []string
}

func (e *InfeasibleError) Error() string {
	return fmt.Sprintf("attribution: %s: %v: %s", e.Verb, ErrInfeasible, strings.Join(e.Conflict, ", "))
}

// Unwrap returns the sentinel.
func (e *InfeasibleError) Unwrap() error { return ErrInfeasible }

// side is a side constraint over the curves: a·x ≤ b, or a·x = b.
type side struct {
	linearRow
	name string
}

// sides are those of groups and limits.
func (o *AllocateOptions) sides(curves []Curve) ([]side, error) {
	bad := func(field string, value any, reason string) error {
		return inputError("Allocate", 0, field, value, reason)
	}
	at := make(map[string]int)
	for i, c := range curves {
		if _, twice := at[c.Channel]; twice {
			at[c.Channel] = -1
		} else {
			at[c.Channel] = i
		}
	}
	find := func(field, name string) (int, error) {
		i, ok := at[name]
		switch {
		case !ok:
			return 0, bad(field, name, "no curve of this channel")
		case i < 0:
			return 0, bad(field, name, "several curves of this channel")
		}
		return i, nil
	}
	var list []side
	for i, g := range o.Groups {
		field := func(s string) string { return fmt.Sprintf("Groups[%d] (%s).%s", i, g.Name, s) }
		switch {
		case !amount(g.Lo):
			return nil, bad(field("Lo"), g.Lo, "not a number within 0 and 1e100")
		case !amount(g.Hi):
			return nil, bad(field("Hi"), g.Hi, "not a number within 0 and 1e100")
		case g.Hi != 0 && g.Hi < g.Lo:
			return nil, bad(field("Hi"), g.Hi, fmt.Sprintf("below Lo %v", g.Lo))
		}
		a, minus := make([]float64, len(curves)), make([]float64, len(curves))
		for _, name := range g.Channels {
			k, err := find(field("Channels"), name)
			if err != nil {
				return nil, err
			}
			if a[k] != 0 {
				return nil, bad(field("Channels"), name, "comes twice")
			}
			a[k], minus[k] = 1, -1
		}
		if g.Hi != 0 && g.Lo == g.Hi {
			list = append(list, side{linearRow{a, g.Hi, true}, fmt.Sprintf("group %q at %g", g.Name, g.Hi)})
			continue
		}
		if g.Hi != 0 {
			list = append(list, side{linearRow{a, g.Hi, false}, fmt.Sprintf("group %q at most %g", g.Name, g.Hi)})
		}
		if g.Lo != 0 {
			list = append(list, side{linearRow{minus, -g.Lo, false}, fmt.Sprintf("group %q at least %g", g.Name, g.Lo)})
		}
	}
	for i, l := range o.Limits {
		field := func(s string) string { return fmt.Sprintf("Limits[%d] (%s).%s", i, l.Name, s) }
		if !finite(l.Most) {
			return nil, bad(field("Most"), l.Most, "not a number within ±1e100")
		}
		a := make([]float64, len(curves))
		for _, name := range slices.SortedFunc(maps.Keys(l.Weights), ids.Compare) {
			k, err := find(field("Weights"), name)
			if err != nil {
				return nil, err
			}
			if !finite(l.Weights[name]) {
				return nil, bad(field("Weights"), l.Weights[name], "not a number within ±1e100")
			}
			a[k] = l.Weights[name]
		}
		list = append(list, side{linearRow{a, l.Most, false}, fmt.Sprintf("limit %q at most %g", l.Name, l.Most)})
	}
	return list, nil
}

// polytope are all demands on the spends of curves: their bounds, the side
// constraints, and the budget, if there is one.
type polytope struct {
	lo, hi []float64 // hi may be infinite
	sides  []side
	budget float64
	spent  bool // the budget is spent in full
	capped bool // the budget is not exceeded
}

// loose tells whether a side constraint binds nothing within the bounds. Those
// with figures beyond all others would drown them.
func (p *polytope) loose(s side) bool {
	if s.equal {
		return false
	}
	most := 0.0
	for i, a := range s.a {
		most += max(a*p.lo[i], a*p.hi[i])
	}
	return most <= s.b
}

// linear writes the demands that keep says for variables from lo on, and
// scaled. Demands are numbered: the budget, the side constraints, the lower
// bounds, the upper bounds.
func (p *polytope) linear(keep func(demand int) bool) (l linear, lo []float64, unit float64) {
	n := len(p.lo)
	lo = make([]float64, n)
	unit = p.budget
	for i := range lo {
		if keep(1 + len(p.sides) + i) {
			lo[i] = p.lo[i]
		}
		unit = max(unit, p.lo[i])
	}
	if unit == 0 {
		unit = 1
	}
	l.vars = n
	add := func(a []float64, b float64, equal bool) {
		size := 0.0
		for i, x := range a {
			b -= x * lo[i]
			size = max(size, math.Abs(x))
		}
		row := linearRow{a: make([]float64, n), b: b, equal: equal}
		if size == 0 {
			size = 1 // nothing but a figure
		}
		for i, x := range a {
			row.a[i] = x / size
		}
		row.b = b / size / unit
		l.rows = append(l.rows, row)
	}
	ones := slices.Repeat([]float64{1}, n)
	if (p.spent || p.capped) && keep(0) {
		add(ones, p.budget, p.spent)
	}
	for i, s := range p.sides {
		if keep(1 + i) {
			add(s.a, s.b, s.equal)
		}
	}
	for i, h := range p.hi {
		if !math.IsInf(h, 1) && keep(1+len(p.sides)+n+i) {
			a := make([]float64, n)
			a[i] = 1
			add(a, h, false)
		}
	}
	return l, lo, unit
}

func everyDemand(int) bool { return true }

// point returns a point within, the one of the least Σ cost·x if there are
// costs, and whether there is any.
func (p *polytope) point(cost []float64) ([]float64, bool) {
	l, lo, unit := p.linear(everyDemand)
	x, ok := l.solve(cost)
	for i := range x {
		x[i] = lo[i] + x[i]*unit
	}
	return x, ok
}

// conflict names demands that cannot hold together, as few as possible: of the
// others, one after the other was left out and the rest still could not.
func (p *polytope) conflict(curves []Curve) []string {
	n := len(p.lo)
	dropped := make([]bool, 1+len(p.sides)+2*n)
	names := make([]string, len(dropped))
	names[0] = fmt.Sprintf("budget of %g", p.budget)
	for i, s := range p.sides {
		names[1+i] = s.name
	}
	for i, c := range curves {
		names[1+len(p.sides)+i] = fmt.Sprintf("%q at least %g", c.Channel, p.lo[i])
		names[1+len(p.sides)+n+i] = fmt.Sprintf("%q at most %g", c.Channel, p.hi[i])
	}
	var list []string
	for d := len(dropped) - 1; d >= 0; d-- {
		dropped[d] = true
		l, _, _ := p.linear(func(k int) bool { return !dropped[k] })
		if _, ok := l.solve(nil); ok {
			dropped[d] = false
		}
	}
	for d, name := range names {
		if !dropped[d] {
			list = append(list, name)
		}
	}
	return list
}
