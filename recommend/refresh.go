package recommend

import (
	"context"
	"fmt"
)

// RefreshLocalRidge returns a local ridge model in which the weights for the
// given target items, and for items that the model does not know, are those
// that [FitLocalRidge] would fit on the history as it is now; the weights for
// all other targets stay as they were in the model, which does not change.
// Items that nobody has any more are left out, also as targets.
//
// It is for what cannot wait for the next fit, such as an item that has just
// begun to sell: a pass over the history and, for each target, C³/6
// multiply-adds and the counting of its neighbourhood.
//
// The options should be those of the fit; Budget is not used. Errors are those
// of FitLocalRidge, and [ErrOption] for a nil model and for one that keeps
// every weight, as [FitEASE] gives.
func RefreshLocalRidge(ctx context.Context, h *History, model *Model, targets []string, opts *LocalRidgeOptions) (*Model, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if model == nil || model.cat == nil || model.full {
		return nil, badOption("RefreshLocalRidge", model.describe(), "want a local ridge model")
	}
	m, err := fittable("RefreshLocalRidge", h, o.Workers)
	if err != nil {
		return nil, err
	}
	cat := m.catalogue(o.Workers)
	dirty := make([]bool, m.items())
	for i, name := range m.names {
		_, known := model.cat.number[name]
		dirty[i] = !known
	}
	for _, name := range targets {
		if i, ok := cat.number[name]; ok {
			dirty[i] = true
		}
	}
	nb := newNeighbours(m, cat.popular, nil, min(o.Candidates, m.items()), o.Workers)
	nb.rule = Cosine{}.plan(m).rule(cat.popular, false)
	nb.only = dirty
	if err := nb.run(ctx, o.Workers); err != nil {
		return nil, err
	}
	nb.sort()
	// Without a table: a sum goes over the same users in the same order.
	g := newGram(m, nb, 0)
	if err := g.eachTarget(ctx, o.Workers, func() func(uint32, []entry) {
		return newRidge(g, o.Lambda).solve
	}, nb.of); err != nil {
		return nil, err
	}
	kept := model.columns(cat)
	return newModel(fmt.Sprintf("local ridge C=%d lambda=%g", o.Candidates, o.Lambda), cat, func(j uint32) []entry {
		if dirty[j] {
			return nb.of(j)
		}
		return kept[j]
	}, false, nil, o.Workers), nil
}

func (m *Model) describe() any {
	if m == nil {
		return nil
	}
	return m.name
}

// columns returns the sources of each target in another catalogue, ascending,
// as far as both are in it.
func (m *Model) columns(cat *catalogue) [][]entry {
	const gone = ^uint32(0)
	number := make([]uint32, m.Len())
	for i, name := range m.cat.names {
		number[i] = gone
		if k, ok := cat.number[name]; ok {
			number[i] = k
		}
	}
	out := make([][]entry, len(cat.names))
	for i := range m.cat.names {
		for k, j := range m.row(uint32(i)) {
			if source, j := number[i], number[j]; source != gone && j != gone {
				out[j] = append(out[j], entry{source, m.weightAt(m.ptr[i] + k)})
			}
		}
	}
	return out
}
