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
	// Budget bounds the bytes of a table of all co-counts, which saves time
	// where the catalogue is small; without room for one they are counted
	// again in each neighbourhood. The weights are the same. Default 256 MiB.
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

	n := m.items()
	var table *gramTable
	if int64(n)*int64(n) <= o.Budget/8 {
		table = m.gramTable(ctx, o.Workers)
	}
	diagonal := m.squares()
	var wait sync.WaitGroup
	for me := range max(1, min(o.Workers, n)) {
		wait.Go(func() {
			r := newRidge(m, table, diagonal, o.Lambda)
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

// gramTable is G = XᵀX whole, row by row.
type gramTable struct {
	n int
	g []float64
}

func (m *matrix) gramTable(ctx context.Context, workers int) *gramTable {
	n := m.items()
	t := &gramTable{n, make([]float64, n*n)}
	r := m.byRow(sequenceOf(n))
	var wait sync.WaitGroup
	for me := range max(1, workers) {
		wait.Go(func() {
			for j := me; j < n; j += max(1, workers) {
				if j%ctxEvery == 0 && ctx.Err() != nil {
					return
				}
				row := t.g[j*n:][:n]
				for e := m.ptr[j]; e < m.ptr[j+1]; e++ {
					u, x := m.row[e], m.value(e)
					items := r.col[r.ptr[u]:r.ptr[u+1]]
					if r.val == nil {
						for _, i := range items {
							row[i] += x
						}
						continue
					}
					val := r.val[r.ptr[u]:r.ptr[u+1]]
					for k, i := range items {
						row[i] += x * val[k]
					}
				}
			}
		})
	}
	wait.Wait()
	return t
}

func sequenceOf(n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32(i)
	}
	return out
}

// ridge is the scratch of one worker.
type ridge struct {
	m        *matrix
	table    *gramTable
	diagonal []float64
	lambda   float64
	solver   *dense.Solver
	a, b     []float64 // the system, row by row of the lower half; the right side
	// For counting again: the candidates that each user has, as lists linked
	// through nodes.
	head  []int32 // by row of X: first node + 1
	users []uint32
	nodes []ridgeNode
	mine  []int32
	vals  []float64
}

type ridgeNode struct {
	local int32
	next  int32
	value float64
}

func newRidge(m *matrix, table *gramTable, diagonal []float64, lambda float64) *ridge {
	r := &ridge{m: m, table: table, diagonal: diagonal, lambda: lambda, solver: dense.NewSolver(dense.New())}
	if table == nil {
		r.head = make([]int32, len(m.users))
	}
	return r
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
	if r.table != nil {
		target := r.table.g[int(j)*r.table.n:]
		for x, e := range list {
			row := r.table.g[int(e.other)*r.table.n:]
			for y, f := range list[:x] {
				r.a[x*c+y] = row[f.other]
			}
			r.b[x] = target[e.other]
		}
	} else {
		r.recount(j, list)
	}
	for x, e := range list {
		r.a[x*c+x] = r.diagonal[e.other] + r.lambda
	}
	r.solver.Solve(r.a, r.b, c)
	for x := range list {
		list[x].weight = r.b[x]
	}
}

// recount fills the system below its diagonal with G among the candidates, and
// the right side with G of each and j. Users are taken in ascending order
// where values are not counts, so that sums are those of the whole table.
func (r *ridge) recount(j uint32, list []entry) {
	c := len(list)
	clear(r.a)
	clear(r.b)
	r.users, r.nodes = r.users[:0], append(r.nodes[:0], ridgeNode{})
	push := func(local int32, item int) {
		for e := r.m.ptr[item]; e < r.m.ptr[item+1]; e++ {
			u := r.m.row[e]
			if r.head[u] == 0 {
				r.users = append(r.users, u)
			}
			r.nodes = append(r.nodes, ridgeNode{local, r.head[u], r.m.value(e)})
			r.head[u] = int32(len(r.nodes) - 1)
		}
	}
	// The list of a user comes out backwards, so the last pushed is first.
	for x, e := range list {
		push(int32(x), int(e.other))
	}
	push(int32(c), int(j))
	if r.m.val != nil {
		slices.Sort(r.users)
	}
	for _, u := range r.users {
		r.mine, r.vals = r.mine[:0], r.vals[:0]
		for k := r.head[u]; k != 0; k = r.nodes[k].next {
			r.mine = append(r.mine, r.nodes[k].local)
			r.vals = append(r.vals, r.nodes[k].value)
		}
		r.head[u] = 0
		mine, vals := r.mine, r.vals
		if mine[0] == int32(c) {
			for k := 1; k < len(mine); k++ {
				r.b[mine[k]] += vals[0] * vals[k]
			}
			mine, vals = mine[1:], vals[1:]
		}
		for k, x := range mine {
			row, v := r.a[int(x)*c:], vals[k]
			for l := k + 1; l < len(mine); l++ {
				row[mine[l]] += v * vals[l]
			}
		}
	}
}
