package recommend

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/zhun-go/zhun/recommend/internal/dense"
)

// SLIMOptions tunes [FitSLIM]. Nil means the defaults, as do zero fields.
type SLIMOptions struct {
	// Candidates is the number of sources considered for each target, the
	// nearest by cosine. Default 200.
	Candidates int
	// L1 and L2 are the elastic-net penalties, in units of users. L1 makes
	// weights zero, L2 makes them small. Defaults 1 and 100.
	L1, L2 float64
	// Signed allows negative weights, as in EASE. By default there are none.
	Signed bool
	// Budget is that of [LocalRidgeOptions].
	Budget int64
	// Workers is the number of goroutines. Default: GOMAXPROCS. The result
	// does not depend on it.
	Workers int
}

// FitSLIM fits sparse linear weights: for each target j, over its candidates,
//
//	minimize ½‖X_j − X·w‖² + L2/2·‖w‖² + L1·‖w‖₁  over w ≥ 0
//
// (Ning and Karypis, "SLIM: sparse linear methods for top-N recommender
// systems", 2011, with its feature selection, there fsSLIM), by coordinate
// descent on the co-counts (Friedman, Hastie and Tibshirani, "Regularization
// paths for generalized linear models via coordinate descent", 2010) and an
// exact solution for the weights that it leaves, until no weight moves by more
// than 1e-10. The model is smaller than the local ridge's, at nearly its
// accuracy.
//
// Errors are those of [FitItemKNN].
func FitSLIM(ctx context.Context, h *History, opts *SLIMOptions) (*Model, error) {
	var o SLIMOptions
	if opts != nil {
		o = *opts
	}
	ridge, err := (&LocalRidgeOptions{Candidates: o.Candidates, Lambda: 1, Budget: o.Budget, Workers: o.Workers}).withDefaults()
	if err != nil {
		return nil, err
	}
	if o.L1, err = penalty("SLIMOptions.L1", o.L1, 1); err != nil {
		return nil, err
	}
	if o.L2, err = penalty("SLIMOptions.L2", o.L2, 100); err != nil {
		return nil, err
	}
	m, err := fittable("FitSLIM", h, ridge.Workers)
	if err != nil {
		return nil, err
	}
	cat := m.catalogue(ridge.Workers)
	nb, g, err := m.neighbourhoods(ctx, cat, ridge.Candidates, ridge.Budget, ridge.Workers)
	if err != nil {
		return nil, err
	}
	if err := g.eachTarget(ctx, ridge.Workers, func() func(uint32, []entry) {
		return (&slim{system: newSystem(g), o: o, solver: dense.NewSolver(dense.New())}).solve
	}, nb.of); err != nil {
		return nil, err
	}
	lists := make([][]entry, m.items())
	for j := range lists {
		lists[j] = slices.DeleteFunc(nb.of(uint32(j)), func(e entry) bool { return e.weight == 0 })
	}
	name := fmt.Sprintf("slim C=%d l1=%g l2=%g", ridge.Candidates, o.L1, o.L2)
	return newModel(name, cat, func(j uint32) []entry { return lists[j] }, false, nil, ridge.Workers), nil
}

// slim is the scratch of one worker.
type slim struct {
	*system
	o      SLIMOptions
	solver *dense.Solver
	target []float64 // G of each candidate with the target
	active []int     // candidates with a weight
	sub, w []float64 // the system among them
}

const (
	slimPasses = 20
	slimRounds = 1000
	slimRough  = 1e-7
	slimDone   = 1e-10
)

// solve replaces the weights of a list of candidates by those of the
// regression of j on them. Descent finds which weights are zero, fast, and the
// values of the others, slowly where candidates are alike; so the others are
// then solved for at once, and a last round of descent confirms it all.
func (s *slim) solve(j uint32, list []entry) {
	c := len(list)
	s.gather(s.rank[j], list)
	s.target = append(s.target[:0], s.b...)
	for x, e := range list {
		s.a[x*c+x] = s.diagonal[e.other]
		for y := range x {
			s.a[y*c+x] = s.a[x*c+y]
		}
		list[x].weight = 0
	}
	for range slimPasses {
		for range slimRounds {
			if s.round(list) <= slimRough {
				break
			}
		}
		if s.finish(list); s.round(list) <= slimDone {
			return
		}
	}
}

// round descends along each weight once and returns the farthest move. The
// right side b is kept as G_j − G·w.
func (s *slim) round(list []entry) (moved float64) {
	c := len(list)
	for x := range list {
		row, old := s.a[x*c:][:c], list[x].weight
		w := shrink(s.b[x]+row[x]*old, s.o.L1, s.o.Signed) / (row[x] + s.o.L2)
		if w == old {
			continue
		}
		list[x].weight = w
		moved = max(moved, math.Abs(w-old))
		for y, g := range row {
			s.b[y] -= (w - old) * g
		}
	}
	return moved
}

// finish solves for the weights that are not zero, and keeps the solution if
// it has their signs.
func (s *slim) finish(list []entry) {
	c := len(list)
	s.active = s.active[:0]
	for x := range list {
		if list[x].weight != 0 {
			s.active = append(s.active, x)
		}
	}
	n := len(s.active)
	s.sub, s.w = slices.Grow(s.sub[:0], n*n)[:n*n], slices.Grow(s.w[:0], n)[:n]
	for p, x := range s.active {
		for q, y := range s.active[:p+1] {
			s.sub[p*n+q] = s.a[x*c+y]
		}
		s.sub[p*n+p] += s.o.L2
		s.w[p] = s.target[x] - math.Copysign(s.o.L1, list[x].weight)
	}
	s.solver.Solve(s.sub, s.w, n)
	for p, x := range s.active {
		if s.w[p]*list[x].weight <= 0 {
			return
		}
	}
	copy(s.b, s.target)
	for p, x := range s.active {
		list[x].weight = s.w[p]
		for y, g := range s.a[x*c:][:c] {
			s.b[y] -= s.w[p] * g
		}
	}
}

// shrink moves a value towards zero by l1, not across it.
func shrink(v, l1 float64, signed bool) float64 {
	switch {
	case v > l1:
		return v - l1
	case signed && v < -l1:
		return v + l1
	}
	return 0
}
