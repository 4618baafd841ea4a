package recommend

import (
	"context"
	"slices"
)

// neighbourhoods returns the nearest items of each item by exact cosine, in
// ascending order, since the order of arithmetic must not depend on how they
// were found, and G to regress on them.
func (m *matrix) neighbourhoods(ctx context.Context, cat *catalogue, candidates int, budget int64, workers int) (*neighbours, *gram, error) {
	plan := Cosine{}.plan(m)
	nb := newNeighbours(m, cat.popular, nil, min(candidates, m.items()), workers)
	nb.rule = plan.rule(cat.popular, false)
	if err := nb.run(ctx, workers); err != nil {
		return nil, nil, err
	}
	nb.sort()
	g := newGram(m, nb, budget)
	return nb, g, g.fill(ctx, workers)
}

// eachTarget calls, from several goroutines, a function made for each of them
// with every item and its list.
func (g *gram) eachTarget(ctx context.Context, workers int, solver func() func(uint32, []entry), of func(uint32) []entry) error {
	return inTurn(ctx, workers, g.m.items(), func() func(int) {
		solve := solver()
		return func(j int) { solve(uint32(j), of(uint32(j))) }
	})
}

// system is the normal equations of one target after another.
type system struct {
	*gram
	a, b  []float64 // G among the candidates, lower half by rows; G with the target
	local []int32   // by rank: place in the list + 1, all zero between targets
	sums  []float64
}

func newSystem(g *gram) *system {
	return &system{gram: g, local: make([]int32, g.m.items())}
}

// gather fills the system below its diagonal with G among the candidates, and
// the right side with G of each and the target: from the table where both
// items are popular, else from the rows of the users of the rarer one, who are
// few. Either way a sum goes over users in ascending order.
func (r *system) gather(target uint32, list []entry) {
	c := len(list)
	r.a = slices.Grow(r.a[:0], c*c)[:c*c]
	r.b = slices.Grow(r.b[:0], c)[:c]
	clear(r.a)
	clear(r.b)
	for x, e := range list {
		rank := r.rank[e.other]
		r.local[rank] = int32(x) + 1
		if rank >= r.head {
			continue
		}
		table, row := r.table[int(rank)*int(r.head):][:r.head], r.a[x*c:]
		for y, f := range list[:x] {
			if k := r.rank[f.other]; k < r.head {
				row[y] = table[k]
			}
		}
		if target < r.head {
			r.b[x] = table[target]
		}
	}
	if target >= r.head {
		copy(r.b, r.shared(target, c)[1:])
	} else {
		r.local[target] = int32(c) + 1
	}
	for x, e := range list {
		rank := r.rank[e.other]
		if rank < r.head {
			continue
		}
		shared := r.shared(rank, c)[1:]
		copy(r.a[x*c:][:x], shared)
		for y, f := range list[x+1:] {
			if y += x + 1; r.rank[f.other] < r.head {
				r.a[y*c+x] = shared[y]
			}
		}
		if target < r.head {
			r.b[x] = shared[c]
		}
	}
	r.local[target] = 0
	for _, e := range list {
		r.local[r.rank[e.other]] = 0
	}
}

// shared returns G of an item with each item that has a local place, by that
// place, users ascending. The result is reused.
func (r *system) shared(rank uint32, c int) []float64 {
	r.sums = slices.Grow(r.sums[:0], c+2)[:c+2]
	sums, local, ptr := r.sums, r.local, r.rows.ptr
	clear(sums)
	item := r.order[rank]
	for e := r.m.ptr[item]; e < r.m.ptr[item+1]; e++ {
		u := r.m.row[e]
		row := r.rows.col[ptr[u]:ptr[u+1]]
		if r.rows.val == nil {
			for _, i := range row {
				if y := local[i]; y != 0 {
					sums[y]++
				}
			}
			continue
		}
		x, val := r.m.val[e], r.rows.val[ptr[u]:ptr[u+1]]
		for k, i := range row {
			if y := local[i]; y != 0 {
				sums[y] += x * val[k]
			}
		}
	}
	return sums
}
