package recommend

import (
	"context"
	"fmt"
	"math"
	"slices"
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
// systems", 2011, with the feature selection of its section 5.3), by coordinate
// descent on the co-counts (Friedman, Hastie and Tibshirani, "Regularization
// paths for generalized linear models via coordinate descent", 2010), until no
// weight moves by more than 1e-11, at most 1,000 rounds. Where L1 matters the
// model is smaller than the local ridge's at nearly its accuracy.
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
	m, err := fittable("FitSLIM", h)
	if err != nil {
		return nil, err
	}
	cat := newCatalogue(m.names, m.counts(), len(m.users))
	nb, g, err := m.neighbourhoods(ctx, cat, ridge.Candidates, ridge.Budget, ridge.Workers)
	if err != nil {
		return nil, err
	}
	if err := g.eachTarget(ctx, ridge.Workers, func() func(uint32, []entry) {
		return (&slim{system: newSystem(g), o: o}).solve
	}, nb.of); err != nil {
		return nil, err
	}
	lists := make([][]entry, m.items())
	for j := range lists {
		lists[j] = slices.DeleteFunc(nb.of(uint32(j)), func(e entry) bool { return e.weight == 0 })
	}
	name := fmt.Sprintf("slim C=%d l1=%g l2=%g", ridge.Candidates, o.L1, o.L2)
	return newModel(name, cat, func(j uint32) []entry { return lists[j] }, false), nil
}

// slim is the scratch of one worker.
type slim struct {
	*system
	o SLIMOptions
}

const (
	slimRounds = 1000
	slimMove   = 1e-11
)

// solve replaces the weights of a list of candidates by those of the
// regression of j on them.
func (s *slim) solve(j uint32, list []entry) {
	c := len(list)
	s.gather(s.rank[j], list)
	for x, e := range list {
		s.a[x*c+x] = s.diagonal[e.other]
		for y := range x {
			s.a[y*c+x] = s.a[x*c+y]
		}
		list[x].weight = 0
	}
	// b is kept as G_j − G·w.
	for range slimRounds {
		moved := 0.0
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
		if moved <= slimMove {
			break
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
