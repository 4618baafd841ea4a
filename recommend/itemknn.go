package recommend

import (
	"context"
	"fmt"
	"runtime"
)

// ItemKNNOptions tunes [FitItemKNN]. Nil means the defaults, as do zero
// fields.
type ItemKNNOptions struct {
	// Similarity between source and target. Default: Cosine{}.
	Similarity Similarity
	// K is the number of neighbours kept. Default 200.
	K int
	// PerSource keeps, for each source, its K best targets, as most
	// libraries do. The default keeps, for each target, its K best sources:
	// the same formula then ranks better by several hundredths of NDCG, since
	// every item, and not only the popular ones, can be reached.
	PerSource bool
	// MinLLR keeps only pairs that occur together more often than by chance,
	// with a log-likelihood ratio (see [LLR]) of at least this, whatever the
	// similarity: 3.84, 6.63 and 10.83 are exceeded by chance by about 2.5, .5
	// and .05 % of independent pairs, half of what the chi-square distribution
	// says, as pairs that avoid each other count 0. It keeps out associations that rest on little, for
	// smaller models that explain themselves better; accuracy it left as it
	// was at 3.84 on RetailRocket, and cost .04 of NDCG@100 on msweb. Weighted
	// similarities then count pairs besides. Default 0: no filter.
	MinLLR float64
	// RowLimit cuts the row of each source to its largest weights. Neighbours
	// chosen per target leave popular sources with long rows, and a request
	// costs the sum of the rows of its history; a limit of some hundreds
	// bounds it, at a price in accuracy that [Model.Cut] tells. Default 0: no
	// limit.
	RowLimit int
	// Workers is the number of goroutines. Default: GOMAXPROCS. The result
	// does not depend on it.
	Workers int
}

// FitItemKNN fits an item-based nearest-neighbour model (Deshpande and
// Karypis, "Item-based top-N recommendation algorithms", 2004): item × item
// weights by a similarity, of which each target keeps the K largest positive
// ones, ties going to the smaller item id.
//
// For each target the items of its users are counted; time grows with
// Σ (items of the user)² and memory with items · K · 28 bytes besides the
// rows, 12 of them the model's. The fit copies the history's rows under its read lock and computes
// without it. It fails with [ErrOption], with [ErrEmpty] when no pair of user
// and item has a positive value, and with the context's error.
func FitItemKNN(ctx context.Context, h *History, opts *ItemKNNOptions) (*Model, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	m, err := fittable("FitItemKNN", h, o.Workers)
	if err != nil {
		return nil, err
	}
	return m.fitItemKNN(ctx, o)
}

func (o *ItemKNNOptions) withDefaults() (ItemKNNOptions, error) {
	var out ItemKNNOptions
	if o != nil {
		out = *o
	}
	if out.Similarity == nil {
		out.Similarity = Cosine{}
	}
	if err := out.Similarity.validate(); err != nil {
		return out, err
	}
	var err error
	if out.K, err = positive("ItemKNNOptions.K", out.K, 200); err != nil {
		return out, err
	}
	if err := within("ItemKNNOptions.MinLLR", out.MinLLR, maxWeight); err != nil {
		return out, err
	}
	if out.RowLimit < 0 {
		return out, badOption("ItemKNNOptions.RowLimit", out.RowLimit, "must not be negative")
	}
	out.Workers, err = workers("ItemKNNOptions.Workers", out.Workers)
	return out, err
}

// positive returns v, or the default for zero.
func positive(where string, v, def int) (int, error) {
	if v < 0 {
		return 0, badOption(where, v, "must not be negative")
	}
	if v == 0 {
		return def, nil
	}
	return v, nil
}

// workers returns the number of goroutines for an option: GOMAXPROCS for zero,
// and at most as many as any machine has use for, since each takes memory.
func workers(where string, n int) (int, error) {
	n, err := positive(where, n, runtime.GOMAXPROCS(0))
	return min(n, 1024), err
}

// fittable returns the matrix of a history that has interactions.
func fittable(where string, h *History, workers int) (*matrix, error) {
	if !h.made() {
		return nil, badOption(where, nil, "want a history of NewHistory")
	}
	m := h.snapshotBy(workers).matrix(workers)
	if m.items() == 0 {
		return nil, &Error{Where: where, Err: ErrEmpty}
	}
	return m, nil
}

func (m *matrix) fitItemKNN(ctx context.Context, o ItemKNNOptions) (*Model, error) {
	cat := m.catalogue(o.Workers)
	if err := suits(o.Similarity, m); err != nil {
		return nil, err
	}
	plan := o.Similarity.plan(m)
	nb := newNeighbours(plan.m, cat.popular, plan.weight, min(o.K, m.items()), o.Workers)
	nb.signed = plan.signed
	nb.rule = plan.rule(cat.popular, o.PerSource)
	nb.minLLR = o.MinLLR
	if err := nb.run(ctx, o.Workers); err != nil {
		return nil, err
	}
	side := "target"
	if o.PerSource {
		side = "source"
	}
	if o.PerSource {
		nb.sort()
	}
	name := fmt.Sprintf("%s K=%d per %s", o.Similarity, o.K, side)
	if o.MinLLR > 0 {
		name += fmt.Sprintf(" llr>=%g", o.MinLLR)
	}
	model := newModel(name, cat, nb.of, o.PerSource, nb.uses, o.Workers)
	if o.RowLimit > 0 {
		model.limitRows(o.RowLimit)
	}
	return model, nil
}

// rule orders the neighbours of an item: sources of a target, or targets of a
// source. It works on ranks, the plan on item numbers.
func (p plan) rule(order []uint32, perSource bool) rule {
	byRank := func(x []float64) []float64 {
		out := make([]float64, len(order))
		for r, i := range order {
			out[r] = x[i]
		}
		return out
	}
	switch {
	case p.exact:
		return rule{exact: true, n: byRank(p.n)}
	case p.weigh != nil && perSource:
		return rule{weigh: func(s float64, own, other uint32) float64 { return p.weigh(s, order[own], order[other]) }}
	case p.weigh != nil:
		return rule{weigh: func(s float64, own, other uint32) float64 { return p.weigh(s, order[other], order[own]) }}
	case perSource:
		return rule{scale: byRank(p.target), own: byRank(p.source)}
	}
	return rule{scale: byRank(p.source), own: byRank(p.target)}
}
