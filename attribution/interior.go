package attribution

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// interior finds the best point of concave envelopes within a polytope with a
// point inside, by a primal-dual interior-point method (Boyd and
// Vandenberghe, "Convex Optimization", 2004, section 11.7, with slacks and
// from a start that need not be feasible), and a bound that holds whatever the
// method did: by the prices that it ends with, no point can be worth more than
// what each channel would take at them (weak duality).
type interior struct {
	*polytope
	envelopes []envelope
	unit      float64 // of spend
	worth     float64 // of value
	rows      []side  // the budget first, if there is one; scaled
	x         []float64
	slack     []float64
	price     []float64 // by row
	below     []float64 // price of the lower bound, by channel
	above     []float64
}

func newInterior(p *polytope, envelopes []envelope, start []float64) *interior {
	n := len(p.lo)
	in := &interior{polytope: p, envelopes: envelopes, unit: max(p.budget, 1e-300)}
	ones := make([]float64, n)
	for i := range envelopes {
		ones[i] = 1
		in.worth += math.Abs(envelopes[i].value(min(p.hi[i], max(p.lo[i], in.unit))))
	}
	if in.worth == 0 {
		in.worth = 1
	}
	if p.spent || p.capped {
		in.rows = append(in.rows, side{linearRow: linearRow{ones, p.budget / in.unit, p.spent}})
	}
	for _, s := range p.sides {
		size := 0.0
		for _, x := range s.a {
			size = max(size, math.Abs(x))
		}
		if size == 0 {
			continue
		}
		row := linearRow{a: make([]float64, n), b: s.b / size / in.unit, equal: s.equal}
		for i, x := range s.a {
			row.a[i] = x / size
		}
		in.rows = append(in.rows, side{linearRow: row})
	}
	in.x, in.below, in.above = make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range in.x {
		// Off the bounds by a good part of the room.
		lo, hi := in.box(i)
		in.x[i] = lo
		if hi > lo {
			in.x[i] = min(max(start[i]/in.unit, lo+0.1*(hi-lo)), hi-0.1*(hi-lo))
			in.below[i], in.above[i] = 1, 1
		}
	}
	in.slack, in.price = make([]float64, len(in.rows)), make([]float64, len(in.rows))
	for r := range in.rows {
		if !in.rows[r].equal {
			in.slack[r], in.price[r] = max(in.left(r, in.x), 0.05), 1
		}
	}
	return in
}

// box returns the scaled bounds of a channel; without an upper one, nobody can
// spend more than the budget.
func (in *interior) box(i int) (lo, hi float64) {
	lo, hi = in.lo[i]/in.unit, in.hi[i]/in.unit
	return lo, hi
}

// left is what a row leaves: b − a·x.
func (in *interior) left(r int, x []float64) float64 {
	sum := in.rows[r].b
	for i, a := range in.rows[r].a {
		sum -= a * x[i]
	}
	return sum
}

// slopes returns the scaled slope of an envelope and how fast it falls.
func (in *interior) slopes(i int, x float64) (slope, fall float64) {
	e := &in.envelopes[i]
	at := x * in.unit
	scale := in.unit / in.worth
	if at < e.tangent {
		return e.slope * scale, 0
	}
	d := 1e-6 * at
	fall = max(0, (e.Marginal(at-d)-e.Marginal(at+d))/(2*d))
	return e.Marginal(at) * scale, fall * scale * in.unit
}

// run iterates until the gap is closed, and returns the spends.
func (in *interior) run() []float64 {
	n, m := len(in.x), len(in.rows)
	var pairs float64
	for i := range in.x {
		if lo, hi := in.box(i); hi > lo {
			pairs += 2
		}
	}
	for _, r := range in.rows {
		if !r.equal {
			pairs++
		}
	}
	weight, pull := make([]float64, n), make([]float64, n)
	dx := make([]float64, n)
	for range 300 {
		mu, worst := 0.0, 0.0
		for i, x := range in.x {
			if lo, hi := in.box(i); hi > lo {
				mu += in.below[i]*(x-lo) + in.above[i]*(hi-x)
			}
		}
		for r := range in.rows {
			mu += in.slack[r] * in.price[r]
			worst = max(worst, math.Abs(in.left(r, in.x)-in.slack[r]))
		}
		if pairs > 0 {
			mu /= pairs
		}
		for i, x := range in.x {
			lo, hi := in.box(i)
			if hi <= lo {
				weight[i] = 0
				continue
			}
			slope, _ := in.slopes(i, x)
			rest := -slope - in.below[i] + in.above[i]
			for r := range in.rows {
				rest += in.rows[r].a[i] * in.price[r]
			}
			worst = max(worst, math.Abs(rest)*(x-lo)*(hi-x))
		}
		if mu < 1e-14 && worst < 1e-13 {
			break
		}
		aim := 0.15 * mu
		for i, x := range in.x {
			lo, hi := in.box(i)
			if hi <= lo {
				continue
			}
			slope, fall := in.slopes(i, x)
			weight[i] = 1 / (fall + in.below[i]/(x-lo) + in.above[i]/(hi-x))
			pull[i] = slope + aim/(x-lo) - aim/(hi-x)
			for r := range in.rows {
				pull[i] -= in.rows[r].a[i] * in.price[r]
			}
		}
		// One equation for the change of each price.
		h, right := mat.NewDense(max(m, 1), max(m, 1), nil), mat.NewVecDense(max(m, 1), nil)
		for r, a := range in.rows {
			sum := -in.left(r, in.x)
			if !a.equal {
				sum += aim / in.price[r]
			}
			for i := range dx {
				sum += a.a[i] * weight[i] * pull[i]
			}
			right.SetVec(r, sum)
			for q, b := range in.rows[:r+1] {
				sum := 0.0
				for i := range dx {
					sum += a.a[i] * weight[i] * b.a[i]
				}
				h.Set(r, q, sum)
				h.Set(q, r, sum)
			}
			if a.equal {
				h.Set(r, r, h.At(r, r)*(1+1e-13)+1e-18)
			} else {
				h.Set(r, r, h.At(r, r)+in.slack[r]/in.price[r])
			}
		}
		dy := mat.NewVecDense(max(m, 1), nil)
		if m > 0 && dy.SolveVec(h, right) != nil && !finite(mat.Norm(dy, 2)) {
			break
		}
		step := 1.0
		shrink := func(x, d float64) {
			if d < 0 {
				step = min(step, -0.995*x/d)
			}
		}
		dlo, dhi := make([]float64, n), make([]float64, n)
		for i, x := range in.x {
			dx[i] = 0
			lo, hi := in.box(i)
			if hi <= lo {
				continue
			}
			d := pull[i]
			for r := range in.rows {
				d -= in.rows[r].a[i] * dy.AtVec(r)
			}
			dx[i] = weight[i] * d
			dlo[i] = aim/(x-lo) - in.below[i] - in.below[i]/(x-lo)*dx[i]
			dhi[i] = aim/(hi-x) - in.above[i] + in.above[i]/(hi-x)*dx[i]
			shrink(x-lo, dx[i])
			shrink(hi-x, -dx[i])
			shrink(in.below[i], dlo[i])
			shrink(in.above[i], dhi[i])
		}
		ds := make([]float64, m)
		for r := range in.rows {
			if in.rows[r].equal {
				continue
			}
			ds[r] = aim/in.price[r] - in.slack[r] - in.slack[r]/in.price[r]*dy.AtVec(r)
			shrink(in.slack[r], ds[r])
			shrink(in.price[r], dy.AtVec(r))
		}
		// Where the point has nowhere to go, numbers end before the gap does.
		if !sane(step) || !sane(dx...) || !sane(dlo...) || !sane(dhi...) || !sane(ds...) || m > 0 && !sane(dy.RawVector().Data[:m]...) {
			break
		}
		for i := range in.x {
			in.x[i] += step * dx[i]
			in.below[i] += step * dlo[i]
			in.above[i] += step * dhi[i]
		}
		for r := range in.rows {
			in.slack[r] += step * ds[r]
			in.price[r] += step * dy.AtVec(r)
		}
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = min(max(in.x[i]*in.unit, in.lo[i]), in.hi[i])
	}
	return x
}

// sane tells whether all are numbers.
func sane(xs ...float64) bool {
	return !slices.ContainsFunc(xs, func(x float64) bool { return math.IsNaN(x - x) })
}

// bound is what no point of the polytope is worth more than.
func (in *interior) bound() float64 {
	sum := 0.0
	scale := in.worth / in.unit
	for r := range in.rows {
		sum += in.rows[r].b * in.unit * in.price[r] * scale
	}
	for i := range in.envelopes {
		price := 0.0
		for r := range in.rows {
			price += in.rows[r].a[i] * in.price[r] * scale
		}
		e := &in.envelopes[i]
		x := in.hi[i]
		if price > 0 {
			x = e.spend(price)
		}
		sum += e.value(x) - price*x
	}
	return sum
}
