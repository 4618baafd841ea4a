package recommend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/zhun-go/zhun/recommend/internal/dense"
)

// EASEOptions tunes [FitEASE]. Nil means the defaults, as do zero fields.
type EASEOptions struct {
	// Lambda is the ridge penalty, in units of users. Default 100. Several
	// hundred suit dense data such as film ratings; [Fit] chooses it.
	Lambda float64
	// Dropout is p of EDLAE: the penalty of an item grows by p/(1−p) times
	// its own co-count, as if each item of each user were hidden with
	// probability p while fitting. 0, the default, is EASE; .3 to .6 often
	// does a little better.
	Dropout float64
	// Keep is the number of weights kept per target, the largest by absolute
	// value. Default 0: all, items² · 8 bytes.
	Keep int
	// Budget bounds the bytes in use while fitting, besides the history; a
	// catalogue that needs more is [ErrBudget], and one for [FitLocalRidge].
	// Default 1 GiB, enough for 11,000 items.
	Budget int64
	// Workers is the number of goroutines. Default: GOMAXPROCS. The result
	// does not depend on it.
	Workers int
}

// FitEASE fits the embarrassingly shallow autoencoder (Steck, "Embarrassingly
// shallow autoencoders for sparse data", 2019) or, with Dropout, EDLAE (Steck,
// "Autoencoders that don't overfit towards the identity", 2020): the linear
// model W with zero diagonal that best rebuilds every user's items from the
// others,
//
//	P = (G + Λ)⁻¹,  W_ij = −P_ij / P_jj,  Λ = λI + p/(1−p)·diag(G),  G = XᵀX.
//
// It needs no tuning but λ and is as accurate as far heavier models on most
// data of up to some 20,000 items. Weights may be negative. Time is
// O(items³/2) multiply-adds; a model that keeps all weights also costs items
// multiply-adds for each item of a history.
//
// It fails with [ErrBudget], else like [FitItemKNN].
func FitEASE(ctx context.Context, h *History, opts *EASEOptions) (*Model, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	m, err := fittable("FitEASE", h, o.Workers)
	if err != nil {
		return nil, err
	}
	return m.fitEASE(ctx, o)
}

func (o *EASEOptions) withDefaults() (EASEOptions, error) {
	var out EASEOptions
	if o != nil {
		out = *o
	}
	var err error
	if out.Lambda, err = penalty("EASEOptions.Lambda", out.Lambda, 100); err != nil {
		return out, err
	}
	if !(out.Dropout >= 0 && out.Dropout <= 0.99) {
		return out, badOption("EASEOptions.Dropout", out.Dropout, "must be within 0 and 0.99")
	}
	if out.Keep < 0 {
		return out, badOption("EASEOptions.Keep", out.Keep, "must not be negative")
	}
	if out.Budget < 0 {
		return out, badOption("EASEOptions.Budget", out.Budget, "must not be negative")
	}
	if out.Budget == 0 {
		out.Budget = 1 << 30
	}
	out.Workers, err = workers("EASEOptions.Workers", out.Workers)
	return out, err
}

// bytes returns what a fit on n items takes.
func (o *EASEOptions) bytes(n int) int64 {
	need := dense.Bytes(n)
	if o.Keep > 0 && o.Keep < n-1 {
		// The lists, the model made of them, and a column for each worker.
		need += 28*int64(n)*int64(o.Keep) + 16*int64(n)*int64(o.Workers)
	}
	return need
}

func (m *matrix) fitEASE(ctx context.Context, o EASEOptions) (*Model, error) {
	n := m.items()
	if need := o.bytes(n); need > o.Budget {
		return nil, &Error{
			Where: "EASEOptions.Budget", Value: o.Budget, Err: ErrBudget,
			Reason: fmt.Sprintf("%d items need %d bytes; FitLocalRidge needs no table of all pairs", n, need),
		}
	}
	cat := m.catalogue(o.Workers)
	g := &gram{m: m, order: sequenceOf(n), head: uint32(n), table: make([]float64, n*n)}
	g.rows = m.byRow(g.order, o.Workers)
	if err := g.fill(ctx, o.Workers); err != nil {
		return nil, err
	}
	w := g.table
	for i := range n {
		g := w[i*n+i]
		w[i*n+i] = g + o.Dropout/(1-o.Dropout)*g + o.Lambda
	}
	if err := dense.Invert(ctx, dense.New(), w, n, o.Workers); err != nil {
		if errors.Is(err, dense.ErrNotPositive) {
			return nil, badOption("EASEOptions.Lambda", o.Lambda, "too small beside the values: the system is singular")
		}
		return nil, err
	}
	diagonal := make([]float64, n)
	for j := range n {
		diagonal[j] = w[j*n+j]
	}
	for i := range n {
		row := w[i*n:][:n]
		for j := range row {
			row[j] /= -diagonal[j]
		}
		row[i] = 0
	}
	name := fmt.Sprintf("ease lambda=%g", o.Lambda)
	if o.Dropout > 0 {
		name = fmt.Sprintf("edlae p=%g lambda=%g", o.Dropout, o.Lambda)
	}
	if o.Keep == 0 || o.Keep >= n-1 {
		return &Model{name: name, cat: cat, weight: w, full: true}, nil
	}
	lists := make([][]entry, n)
	if err := inTurn(ctx, o.Workers, n, func() func(int) {
		column := make([]entry, 0, n)
		return func(j int) { lists[j] = largest(column, w, n, j, o.Keep) }
	}); err != nil {
		return nil, err
	}
	return newModel(fmt.Sprintf("%s keep=%d", name, o.Keep), cat, func(j uint32) []entry { return lists[j] }, false, nil, o.Workers), nil
}

// largest returns the k largest weights of a column by absolute value, ties to
// the smaller source, by ascending source. All is scratch.
func largest(all []entry, w []float64, n, j, k int) []entry {
	all = all[:0]
	for i := range n {
		if x := w[i*n+j]; x != 0 {
			all = append(all, entry{uint32(i), x})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(math.Abs(b.weight), math.Abs(a.weight)) })
	all = slices.Clone(all[:min(k, len(all))])
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.other, b.other) })
	return all
}
