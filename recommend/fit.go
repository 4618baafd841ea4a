package recommend

import (
	"context"
	"errors"
)

// FitOptions tunes [Fit]. Nil means the defaults, as do zero fields.
type FitOptions struct {
	// Budget bounds the bytes of EASE; a catalogue that needs more gets local
	// ridge. Default 1 GiB, enough for EASE on 11,000 items.
	Budget int64
	// Keep is that of [EASEOptions]. A request to a model that keeps every
	// weight adds one for each item of the catalogue and of the history; with
	// some hundreds it is several times faster and the model a small part of
	// it, at nearly the accuracy: 200 gave NDCG@100 of .604, .322 and .213 on
	// the sets of the package comment, where all gave .603, .322 and .212.
	// Default 0: all.
	Keep int
	// Candidates of local ridge. Default 200.
	Candidates int
	// Workers is the number of goroutines. Default: GOMAXPROCS. The result
	// does not depend on it.
	Workers int
}

// Fit fits the model that needs no tuning: EASE ([FitEASE]) where it fits the
// budget, else local ridge ([FitLocalRidge]).
//
// The penalty λ is chosen on validation users: about a tenth of all users (at
// most some 2,000, by a hash of the user) are put aside, a fifth of the items
// of each is held out, and a local ridge with 100 candidates, a cheap stand-in
// that wants about the same λ, is fitted on the others for λ = 100 and then
// for neighbours of it in 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000 for
// as long as NDCG@100 rises. The model is then fitted on everybody. With fewer
// than 20 validation users λ is 100.
//
// Errors are those of [FitLocalRidge].
func Fit(ctx context.Context, h *History, opts *FitOptions) (*Model, error) {
	var o FitOptions
	if opts != nil {
		o = *opts
	}
	if o.Budget < 0 {
		return nil, badOption("FitOptions.Budget", o.Budget, "must not be negative")
	}
	if o.Keep < 0 {
		return nil, badOption("FitOptions.Keep", o.Keep, "must not be negative")
	}
	if o.Budget == 0 {
		o.Budget = 1 << 30
	}
	var err error
	if o.Workers, err = workers("FitOptions.Workers", o.Workers); err != nil {
		return nil, err
	}
	if o.Candidates, err = positive("FitOptions.Candidates", o.Candidates, 200); err != nil {
		return nil, err
	}
	if !h.made() {
		return nil, badOption("Fit", nil, "want a history of NewHistory")
	}
	s := h.snapshotBy(o.Workers)
	m := s.matrix(o.Workers)
	if m.items() == 0 {
		return nil, &Error{Where: "Fit", Err: ErrEmpty}
	}
	lambda, err := s.choosePenalty(ctx, o.Workers)
	if err != nil {
		return nil, err
	}
	ease := EASEOptions{Lambda: lambda, Keep: o.Keep, Budget: o.Budget, Workers: o.Workers}
	if ease.bytes(m.items()) <= o.Budget {
		return m.fitEASE(ctx, ease)
	}
	ridge, err := (&LocalRidgeOptions{Candidates: o.Candidates, Lambda: lambda, Workers: o.Workers}).withDefaults()
	if err != nil {
		return nil, err
	}
	return m.fitLocalRidge(ctx, ridge)
}

// choosePenalty is the rule that [Fit] documents.
func (s *snapshot) choosePenalty(ctx context.Context, workers int) (float64, error) {
	penalties := [...]float64{5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000}
	const start, enough = 4, 20
	// Both folds of the split serve to validate: there is no test here.
	split, err := s.splitStrong("penalty:", max(20, uint64(len(s.users))/1000), 5)
	if errors.Is(err, ErrEmpty) || err == nil && split.Test.Users+split.Validation.Users < enough {
		return penalties[start], nil
	}
	if err != nil {
		return 0, err
	}
	for _, x := range []struct{ to, from *History }{
		{split.Test.Known, split.Validation.Known},
		{split.Test.Held, split.Validation.Held},
	} {
		if err := x.to.Merge(x.from); err != nil {
			return 0, err
		}
	}
	m := split.Train.snapshotBy(workers).matrix(workers)
	score := func(i int) (float64, error) {
		o, err := (&LocalRidgeOptions{Candidates: 100, Lambda: penalties[i], Workers: workers}).withDefaults()
		if err != nil {
			return 0, err
		}
		model, err := m.fitLocalRidge(ctx, o)
		if err != nil {
			return 0, err
		}
		r, err := Evaluate(ctx, model, split.Test.Held, &EvalOptions{History: split.Test.Known, K: []int{100}, Workers: workers})
		if err != nil {
			return 0, err
		}
		return r.Cuts[0].NDCG.Value, nil
	}
	best := start
	top, err := score(start)
	for _, step := range []int{-1, 1} {
		for i := best + step; err == nil && best+step == i && i >= 0 && i < len(penalties); i += step {
			var x float64
			if x, err = score(i); err == nil && x > top {
				best, top = i, x
			}
		}
		if best != start {
			break
		}
	}
	return penalties[best], err
}
