package recommend

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"text/tabwriter"
)

// Candidate is a way to fit a model that [Tune] may choose, such as a call of
// [FitItemKNN] with certain options.
type Candidate func(ctx context.Context, h *History) (*Model, error)

// TuneOptions tunes [Tune]. Nil means the defaults, as do zero fields.
type TuneOptions struct {
	// Metric is what to maximize, one of those of [Report.Compare] but
	// the last three. Default: "ndcg".
	Metric string
	// K is the length of list to judge. Default 100.
	K int
	// Keep is the share of candidates that goes on to the next round, and the
	// share of training users that a round has of what the next has. Within
	// .1 and .9. Default 1/3.
	Keep float64
	// MinUsers is the number of training users below which no round goes.
	// Default 1,000.
	MinUsers int
	// Seed draws the training users of the rounds. Default 1.
	Seed uint64
	// Workers is the number of goroutines of the evaluation. Default:
	// GOMAXPROCS. The result does not depend on it.
	Workers int
}

// Trial is a candidate as it did in the last round that it was in.
type Trial struct {
	Candidate int      // its place in the list given
	Name      string   // of its model
	Round     int      // from 1; the last round uses all training users
	Users     int      // training users of the round
	Score     Estimate // of TuneOptions.Metric on the validation users
}

// Tuning is the outcome of [Tune]. It prints itself as a table.
type Tuning struct {
	Metric string
	K      int
	// Trials is best first: by last round, then by score, ties in the order
	// given.
	Trials []Trial
	// Model is the best candidate's, fitted on all of Split.Train.
	Model *Model
}

// Tune chooses among candidates by successive halving (Jamieson and Talwalkar,
// "Non-stochastic best arm identification and hyperparameter optimization",
// 2016): all are fitted on a part of the training users and judged by the
// validation users of a split, the best third goes on to a round of three
// times the users, until the few that are left are fitted on all of them.
// There are as many rounds as thin the candidates out to one, fewer when the
// first would have less than MinUsers. The test users are not looked at: judge
// Tuning.Model by them with [Evaluate].
//
// Penalties that count users, such as λ, want to grow with them, so that a
// small round leans to the small ones; a larger MinUsers tempers that.
//
// The split must have validation users, as that of [SplitStrong] has. Tune
// fails with [ErrOption], with [ErrEmpty], with the error of a candidate, whose
// place it tells, and with the context's error.
func Tune(ctx context.Context, split *Split, candidates []Candidate, opts *TuneOptions) (*Tuning, error) {
	var o TuneOptions
	if opts != nil {
		o = *opts
	}
	if err := o.check(split, candidates); err != nil {
		return nil, err
	}
	train := split.Train.snapshot()
	order := rand.New(rand.NewPCG(o.Seed, 0)).Perm(len(train.users))
	rounds := o.rounds(len(candidates), len(order))
	out := &Tuning{Metric: o.Metric, K: o.K}
	left := make([]Trial, len(candidates))
	for i := range left {
		left[i].Candidate = i
	}
	best := 0.0
	for r := 1; r <= rounds; r++ {
		h, users := split.Train, len(order)
		if r < rounds {
			users = o.users(len(order), rounds-r)
			h = newHistory(train.set)
			for _, i := range slices.Sorted(slices.Values(order[:users])) {
				train.copyRows(h, i, func(row) bool { return true })
			}
		}
		for i := range left {
			t := &left[i]
			t.Round, t.Users = r, users
			m, err := o.try(ctx, t, candidates[t.Candidate], h, split)
			if err != nil {
				return nil, fmt.Errorf("recommend: Tune: candidates[%d]: %w", t.Candidate, err)
			}
			if r == rounds && (out.Model == nil || t.Score.Value > best) {
				out.Model, best = m, t.Score.Value
			}
		}
		slices.SortFunc(left, func(a, b Trial) int {
			if c := cmp.Compare(b.Score.Value, a.Score.Value); c != 0 {
				return c
			}
			return cmp.Compare(a.Candidate, b.Candidate)
		})
		keep := 0
		if r < rounds {
			keep = max(1, int(math.Ceil(float64(len(left))*o.Keep)))
		}
		out.Trials = append(slices.Clone(left[keep:]), out.Trials...)
		left = left[:keep]
		// Ties go to the smaller place, whatever order they are tried in.
		slices.SortFunc(left, func(a, b Trial) int { return cmp.Compare(a.Candidate, b.Candidate) })
	}
	return out, nil
}

// try fits a candidate and judges it. The vocabulary is that of all training
// users in every round: what a part of them has not seen is the model's loss.
func (o *TuneOptions) try(ctx context.Context, t *Trial, fit Candidate, h *History, split *Split) (*Model, error) {
	m, err := fit(ctx, h)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, badOption("Tune", nil, "the candidate gave no model")
	}
	r, err := Evaluate(ctx, m, split.Validation.Held, &EvalOptions{
		History: split.Validation.Known, Train: split.Train, K: []int{o.K}, Workers: o.Workers,
	})
	if err != nil {
		return nil, err
	}
	t.Name = m.String()
	t.Score = mean(r.values(slices.Index(metricNames[:], o.Metric), o.K), 1.959963984540054, 0.95)
	return m, nil
}

func (o *TuneOptions) check(split *Split, candidates []Candidate) error {
	if o.Metric == "" {
		o.Metric = metricNames[metricNDCG]
	}
	if o.Keep == 0 {
		o.Keep = 1.0 / 3
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	m := slices.Index(metricNames[:], o.Metric)
	switch {
	case split == nil || !split.Train.made():
		return badOption("Tune", nil, "the split is nil")
	case !split.Validation.Known.made() || !split.Validation.Held.made():
		return badOption("Tune", nil, "the split has no validation users")
	case len(candidates) == 0:
		return badOption("Tune", nil, "no candidates")
	case m < 0 || m >= metricCalibration:
		return badOption("TuneOptions.Metric", o.Metric, "want one of "+strings.Join(metricNames[:metricCalibration], ", "))
	case !(o.Keep >= 0.1 && o.Keep <= 0.9):
		return badOption("TuneOptions.Keep", o.Keep, "must be within .1 and .9")
	}
	for i, c := range candidates {
		if c == nil {
			return badOption(fmt.Sprintf("candidates[%d]", i), nil, "is nil")
		}
	}
	var err error
	if o.K, err = positive("TuneOptions.K", o.K, 100); err != nil {
		return err
	}
	if o.MinUsers, err = positive("TuneOptions.MinUsers", o.MinUsers, 1000); err != nil {
		return err
	}
	o.Workers, err = workers("TuneOptions.Workers", o.Workers)
	return err
}

// users returns the training users of the round that has so many after it.
func (o *TuneOptions) users(all, after int) int {
	return int(math.Ceil(float64(all) * math.Pow(o.Keep, float64(after))))
}

// rounds returns how many rounds thin the candidates out to one.
func (o *TuneOptions) rounds(candidates, users int) int {
	n := 1
	for candidates > 1 && o.users(users, n) >= o.MinUsers {
		next := max(1, int(math.Ceil(float64(candidates)*o.Keep)))
		if next == candidates {
			break
		}
		candidates = next
		n++
	}
	return n
}

// String prints the trials as a table.
func (t *Tuning) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "model\tround\tusers\t%s@%d\t± se\n", t.Metric, t.K)
	for _, x := range t.Trials {
		fmt.Fprintf(w, "%s\t%d\t%d\t%.4f\t%.4f\n", x.Name, x.Round, x.Users, x.Score.Value, x.Score.StdErr)
	}
	w.Flush()
	return b.String()
}
