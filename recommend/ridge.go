package recommend

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/zhun-go/zhun/recommend/internal/dense"
)

// LocalRidgeOptions tunes [FitLocalRidge]. Nil means the defaults, as do zero
// fields.
type LocalRidgeOptions struct {
	// Candidates is C, the number of sources considered for, and kept by,
	// each target. Default 200.
	Candidates int
	// Lambda is the ridge penalty, in units of users. Default 100. Some tens
	// suit sparse data, several hundred dense data; [Fit] chooses it.
	Lambda float64
	// Budget bounds the bytes of a table of the co-counts of the most popular
	// items, which saves time; those of other items are counted again in each
	// neighbourhood. The weights are the same. Default 256 MiB.
	Budget int64
	// Workers is the number of goroutines. Default: GOMAXPROCS. The result
	// does not depend on it.
	Workers int
}

// FitLocalRidge fits, for each target j by itself, a ridge regression of the
// target on its C nearest items: with c the C items of highest cosine to j
// among those that share a user with it,
//
//	W_cj = (G_cc + λI)⁻¹ G_cj,   G = XᵀX.
//
// It is EASE ([FitEASE]) restricted to a neighbourhood, or SLIM without its
// constraints and with neighbours chosen beforehand (Ning and Karypis, "SLIM:
// sparse linear methods for top-N recommender systems", 2011, section 5.3):
// nearly the accuracy of EASE without its n × n inverse, so it is the model
// for large catalogues. Weights may be negative.
//
// Time is that of a neighbourhood fit plus O(n·C³/6), memory n · C · 16 bytes
// besides the rows. Errors are those of [FitItemKNN].
func FitLocalRidge(ctx context.Context, h *History, opts *LocalRidgeOptions) (*Model, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	m, err := fittable("FitLocalRidge", h)
	if err != nil {
		return nil, err
	}
	return m.fitLocalRidge(ctx, o)
}

func (o *LocalRidgeOptions) withDefaults() (LocalRidgeOptions, error) {
	var out LocalRidgeOptions
	if o != nil {
		out = *o
	}
	var err error
	if out.Candidates, err = positive("LocalRidgeOptions.Candidates", out.Candidates, 200); err != nil {
		return out, err
	}
	if out.Lambda, err = penalty("LocalRidgeOptions.Lambda", out.Lambda, 100); err != nil {
		return out, err
	}
	if out.Budget < 0 {
		return out, badOption("LocalRidgeOptions.Budget", out.Budget, "must not be negative")
	}
	if out.Budget == 0 {
		out.Budget = 256 << 20
	}
	out.Workers, err = positive("LocalRidgeOptions.Workers", out.Workers, runtime.GOMAXPROCS(0))
	return out, err
}

// penalty checks a ridge penalty, 0 standing for the default.
func penalty(where string, v, def float64) (float64, error) {
	if v == 0 {
		return def, nil
	}
	if !(v >= 1e-6 && v <= maxWeight) {
		return 0, badOption(where, v, "must be within 1e-6 and 1e12")
	}
	return v, nil
}

func (m *matrix) fitLocalRidge(ctx context.Context, o LocalRidgeOptions) (*Model, error) {
	cat := newCatalogue(m.names, m.counts(), len(m.users))
	plan := Cosine{}.plan(m)
	nb := newNeighbours(m, cat.popular, nil, min(o.Candidates, m.items()))
	nb.rule = plan.rule(cat.popular, false)
	if err := nb.run(ctx, o.Workers); err != nil {
		return nil, err
	}
	// The order of elimination must not depend on how the best were found.
	nb.sort()

	g := newGram(m, nb, o.Budget)
	if err := g.fill(ctx, o.Workers); err != nil {
		return nil, err
	}
	n := m.items()
	var wait sync.WaitGroup
	for me := range max(1, min(o.Workers, n)) {
		wait.Go(func() {
			r := newRidge(g, o.Lambda)
			for j, done := me, 0; j < n; j, done = j+o.Workers, done+1 {
				if done%ctxEvery == 0 && ctx.Err() != nil {
					return
				}
				r.solve(uint32(j), nb.of(uint32(j)))
			}
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return newModel(fmt.Sprintf("local ridge C=%d lambda=%g", o.Candidates, o.Lambda), cat, nb.of, false), nil
}

// ridge is the scratch of one worker.
type ridge struct {
	*gram
	lambda float64
	solver *dense.Solver
	a, b   []float64 // the system, row by row of the lower half; the right side
	local  []int32   // by rank: place in the list + 1, all zero between targets
}

func newRidge(g *gram, lambda float64) *ridge {
	return &ridge{gram: g, lambda: lambda, solver: dense.NewSolver(dense.New()), local: make([]int32, g.m.items())}
}

// solve replaces the weights of a list of candidates, ascending, by those of
// the regression of j on them.
func (r *ridge) solve(j uint32, list []entry) {
	c := len(list)
	if c == 0 {
		return
	}
	r.a = slices.Grow(r.a[:0], c*c)[:c*c]
	r.b = slices.Grow(r.b[:0], c)[:c]
	r.gather(r.rank[j], list)
	for x, e := range list {
		r.a[x*c+x] = r.diagonal[e.other] + r.lambda
	}
	r.solver.Solve(r.a, r.b, c)
	for x := range list {
		list[x].weight = r.b[x]
	}
}

// gather fills the system below its diagonal with G among the candidates, and
// the right side with G of each and the target: from the table where both
// items are popular, else from the rows of the users of the rarer one, who are
// few. Either way a sum goes over users in ascending order.
func (r *ridge) gather(target uint32, list []entry) {
	c := len(list)
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
		r.each(target, func(y int32, v float64) { r.b[y] += v })
	}
	for x, e := range list {
		if rank := r.rank[e.other]; rank >= r.head {
			if target < r.head {
				r.local[target] = int32(c) + 1
			}
			r.each(rank, func(y int32, v float64) {
				switch {
				case y == int32(c):
					r.b[x] += v
				case r.rank[list[y].other] < r.head && y > int32(x):
					r.a[int(y)*c+x] += v
				case y < int32(x):
					r.a[x*c+int(y)] += v
				}
			})
			r.local[target] = 0
		}
	}
	for _, e := range list {
		r.local[r.rank[e.other]] = 0
	}
}

// each calls f with each item in the rows of an item's users that has a local
// place, and the product of the two values.
func (r *ridge) each(rank uint32, f func(y int32, v float64)) {
	item := r.order[rank]
	for e := r.m.ptr[item]; e < r.m.ptr[item+1]; e++ {
		u, x := r.m.row[e], r.m.value(e)
		lo, hi := r.rows.ptr[u], r.rows.ptr[u+1]
		for k, i := range r.rows.col[lo:hi] {
			if y := r.local[i]; y != 0 {
				v := x
				if r.rows.val != nil {
					v *= r.rows.val[lo+k]
				}
				f(y-1, v)
			}
		}
	}
}
