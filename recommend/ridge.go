package recommend

import (
	"context"
	"fmt"

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
// sparse linear methods for top-N recommender systems", 2011, where SLIM with
// such a feature selection is fsSLIM): nearly the accuracy of EASE without its n × n inverse, so it is the model
// for large catalogues. Weights may be negative.
//
// Time is that of a neighbourhood fit plus O(n·C³/6), memory n · C · 28 bytes
// besides the rows and the table of the Budget. Errors are those of [FitItemKNN].
func FitLocalRidge(ctx context.Context, h *History, opts *LocalRidgeOptions) (*Model, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	m, err := fittable("FitLocalRidge", h, o.Workers)
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
	out.Workers, err = workers("LocalRidgeOptions.Workers", out.Workers)
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
	cat := m.catalogue(o.Workers)
	nb, g, err := m.neighbourhoods(ctx, cat, o.Candidates, o.Budget, o.Workers)
	if err != nil {
		return nil, err
	}
	if err := g.eachTarget(ctx, o.Workers, func() func(uint32, []entry) {
		return newRidge(g, o.Lambda).solve
	}, nb.of); err != nil {
		return nil, err
	}
	return newModel(fmt.Sprintf("local ridge C=%d lambda=%g", o.Candidates, o.Lambda), cat, nb.of, false, nb.uses, o.Workers), nil
}

// ridge is the scratch of one worker.
type ridge struct {
	*system
	lambda float64
	solver *dense.Solver
}

func newRidge(g *gram, lambda float64) *ridge {
	return &ridge{newSystem(g), lambda, dense.NewSolver(dense.New())}
}

// solve replaces the weights of a list of candidates, ascending, by those of
// the regression of j on them.
func (r *ridge) solve(j uint32, list []entry) {
	c := len(list)
	if c == 0 {
		return
	}
	r.gather(r.rank[j], list)
	for x, e := range list {
		r.a[x*c+x] = r.diagonal[e.other] + r.lambda
	}
	r.solver.Solve(r.a, r.b, c)
	for x := range list {
		list[x].weight = r.b[x]
	}
}
