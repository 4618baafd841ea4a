package recommend

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
)

// EvalOptions says how to judge a recommender. History is required; zero
// fields are the defaults.
type EvalOptions struct {
	// History is what was known of the tested users: Fold.Known.
	History *History
	// Train is what the recommender was fitted on. It gives the vocabulary,
	// against which coverage is taken and unknown held-out items are told,
	// and the popularity of items. Default: the recommender's own, for the
	// types of this package; else History.
	Train *History
	// K are the lengths of list to judge, ascending. Default 20, 50, 100.
	K []int
	// Recall chooses the denominator of recall. Default: RecallCapped.
	Recall RecallKind
	// Repeat lets items of the history be recommended, and held out: repeat
	// consumption.
	Repeat bool
	// Own is Query.Own, for Repeat.
	Own float64
	// Fill is Query.Fill. Default: FillByID.
	Fill Fill
	// Category returns the category of an item, "" for none; Cut.Calibration
	// and Cut.Diversity need it. It is asked once for each item of the
	// vocabulary.
	Category func(item string) string
	// Dissimilarity asks for Cut.Dissimilarity, which needs Train.
	Dissimilarity bool
	// Level of the confidence intervals. Default 0.95.
	Level float64
	// Workers is the number of goroutines. Default: GOMAXPROCS. The result
	// does not depend on it. A foreign recommender must bear concurrent
	// calls, or be given 1.
	Workers int
}

// RecallKind is the denominator of recall; published tables differ in it.
type RecallKind int

const (
	// RecallCapped divides by min(K, held out), so that a perfect list has
	// recall 1.
	RecallCapped RecallKind = iota
	// RecallAll divides by the number held out.
	RecallAll
)

// Evaluate asks a recommender for a full ranking of each user of test, never
// against sampled negatives (Krichene and Rendle, "On sampled metrics for item
// recommendation", 2020), and compares it with what the user really took up:
// the items with a positive value in test. Held-out items outside the
// vocabulary are left out and reported as lost; users without any other are
// not evaluated. All figures are plain means over evaluated users unless said
// otherwise in [Cut].
//
// It fails with [ErrOption], with [ErrEmpty] when no user can be evaluated,
// with the first error of the recommender and with the context's error.
func Evaluate(ctx context.Context, r Recommender, test *History, opts *EvalOptions) (Report, error) {
	var o EvalOptions
	if opts != nil {
		o = *opts
	}
	if err := o.check(r, test); err != nil {
		return Report{}, err
	}
	e, err := newEvaluation(r, test, o)
	if err != nil {
		return Report{}, err
	}
	if err := e.run(ctx); err != nil {
		return Report{}, err
	}
	return e.report(), nil
}

func (o *EvalOptions) check(r Recommender, test *History) error {
	switch {
	case r == nil:
		return badOption("Evaluate", nil, "the recommender is nil")
	case !test.made():
		return badOption("Evaluate", nil, "the test history is nil")
	case !o.History.made():
		return badOption("EvalOptions.History", nil, "required: what was known of the tested users")
	case o.Train != nil && !o.Train.made():
		return badOption("EvalOptions.Train", nil, "want a history of NewHistory")
	case o.Dissimilarity && o.Train == nil:
		return badOption("EvalOptions.Dissimilarity", true, "needs Train: items are alike by their users there")
	case o.Recall < RecallCapped || o.Recall > RecallAll:
		return badOption("EvalOptions.Recall", int(o.Recall), "unknown")
	case o.Fill < FillDefault || o.Fill > FillNone:
		return badOption("EvalOptions.Fill", o.Fill, "unknown")
	case !(o.Level >= 0 && o.Level < 1):
		return badOption("EvalOptions.Level", o.Level, "must be within 0 and 1")
	}
	if o.Fill == FillDefault {
		o.Fill = FillByID
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	if len(o.K) == 0 {
		o.K = []int{20, 50, 100}
	}
	for i, k := range o.K {
		if k <= 0 || i > 0 && k <= o.K[i-1] {
			return badOption(fmt.Sprintf("EvalOptions.K[%d]", i), k, "must be positive and ascending")
		}
	}
	var err error
	o.Workers, err = workers("EvalOptions.Workers", o.Workers)
	return err
}

// evaluation is the work of one call of Evaluate.
type evaluation struct {
	EvalOptions
	r     Recommender
	name  string
	cat   *catalogue
	tail  []bool      // items outside the head
	kinds *categories // nil without EvalOptions.Category
	alike *likeness   // nil without EvalOptions.Dissimilarity
	users []uint32    // evaluated users, ascending
	held  [][]uint32  // items held out of each, ascending
	lost  int         // held-out pairs outside the vocabulary
	pairs int         // held-out pairs in it
	score [][]perUser // by cut, then by user
	shown [][]uint32  // by cut, then by item: how often it was shown
}

// perUser holds the figures of one user at one cut.
type perUser struct {
	metric    [metrics]float64
	hasTail   bool
	novelty   float64 // sum over the list
	listed    int
	strangers int // listed items outside the vocabulary
}

func newEvaluation(r Recommender, test *History, o EvalOptions) (*evaluation, error) {
	e := &evaluation{EvalOptions: o, r: r, name: "recommender"}
	if s, ok := r.(fmt.Stringer); ok {
		e.name = s.String()
	}
	known, own := r.(catalogued)
	switch {
	case o.Train != nil:
		m := o.Train.snapshotBy(o.Workers).matrix(o.Workers)
		e.cat = m.catalogue(o.Workers)
		if o.Dissimilarity {
			e.alike = &likeness{m: m}
		}
	case own:
		if e.cat = known.catalogue(); e.cat == nil {
			return nil, &Error{Where: "Evaluate", Reason: "the recommender comes from no fit and no bytes", Err: ErrEmpty}
		}
	default:
		e.cat = o.History.snapshotBy(o.Workers).matrix(o.Workers).catalogue(o.Workers)
	}
	e.tail = e.cat.tail()
	if o.Category != nil {
		e.kinds = categoriesOf(e.cat, o.Category)
	}

	s := test.snapshot()
	for i, user := range s.users {
		var held []uint32
		for _, p := range userRow(nil, s.rows[s.start[i]:s.start[i+1]], s.set.value) {
			if k, ok := e.cat.number[s.names[p.item]]; ok {
				held = append(held, k)
			} else {
				e.lost++
			}
		}
		if len(held) > 0 {
			slices.Sort(held)
			e.users = append(e.users, user)
			e.held = append(e.held, held)
			e.pairs += len(held)
		}
	}
	if len(e.users) == 0 {
		return nil, &Error{Where: "Evaluate", Reason: "no user with a held-out item that is known", Err: ErrEmpty}
	}
	return e, nil
}

// tail returns the items outside the most popular ones that together hold a
// fifth of all interactions.
func (c *catalogue) tail() []bool {
	all := 0
	for _, n := range c.counts {
		all += int(n)
	}
	out := make([]bool, len(c.counts))
	sum := 0
	for _, i := range c.popular {
		out[i] = 5*sum >= all
		sum += int(c.counts[i])
	}
	return out
}

func (e *evaluation) run(ctx context.Context) error {
	e.score = make([][]perUser, len(e.K))
	e.shown = make([][]uint32, len(e.K))
	for c := range e.K {
		e.score[c] = make([]perUser, len(e.users))
		e.shown[c] = make([]uint32, len(e.cat.names))
	}
	var wait sync.WaitGroup
	errs := make([]error, e.Workers)
	var mu sync.Mutex
	for w := range e.Workers {
		wait.Go(func() {
			shown := make([][]uint32, len(e.K))
			for c := range shown {
				shown[c] = make([]uint32, len(e.cat.names))
			}
			errs[w] = e.some(ctx, w, shown)
			mu.Lock()
			defer mu.Unlock()
			for c := range shown {
				for i, n := range shown[c] {
					e.shown[c][i] += n
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// some evaluates the users of one residue.
func (e *evaluation) some(ctx context.Context, worker int, shown [][]uint32) error {
	var list []Scored
	var history basket
	alike := e.alike.clone()
	longest := e.K[len(e.K)-1]
	for i := worker; i < len(e.users); i += e.Workers {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		list, err = e.r.AppendRecommend(list[:0], Query{
			History: e.History, User: e.users[i], N: longest, KeepHistory: e.Repeat, Own: e.Own, Fill: e.Fill,
		})
		if err != nil {
			return fmt.Errorf("recommend: Evaluate: user %d: %w", e.users[i], err)
		}
		var interests []float64
		if e.kinds != nil {
			history.fill(&Query{History: e.History, User: e.users[i]}, e.cat)
			interests = e.kinds.interests(history.items)
		}
		alike.start()
		for c, k := range e.K {
			top := list[:min(k, len(list))]
			p := e.judge(top, e.held[i], k, shown[c])
			p.metric[metricCalibration], p.metric[metricDiversity] = e.kinds.judge(interests, top, e.cat)
			p.metric[metricDissimilarity] = alike.judge(top, e.cat)
			e.score[c][i] = p
		}
	}
	return nil
}

// judge compares one list with what was held out.
func (e *evaluation) judge(list []Scored, held []uint32, k int, shown []uint32) perUser {
	var p perUser
	var hits, tailHits, tailHeld int
	var dcg, precision, strata, allStrata float64
	for _, i := range held {
		allStrata += e.stratum(i)
		if e.tail[i] {
			tailHeld++
		}
	}
	for rank, x := range list {
		i, ok := e.cat.number[x.Item]
		p.listed++
		if !ok {
			p.strangers++
			continue
		}
		shown[i]++
		p.novelty += -math.Log2(float64(e.cat.counts[i]) / float64(e.cat.users))
		if _, hit := slices.BinarySearch(held, i); !hit {
			continue
		}
		if hits == 0 {
			p.metric[metricMRR] = 1 / float64(rank+1)
			p.metric[metricHitRate] = 1
		}
		hits++
		dcg += 1 / math.Log2(float64(rank+2))
		precision += float64(hits) / float64(rank+1)
		strata += e.stratum(i)
		if e.tail[i] {
			tailHits++
		}
	}
	reach := min(k, len(held))
	ideal := 0.0
	for rank := range reach {
		ideal += 1 / math.Log2(float64(rank+2))
	}
	p.metric[metricRecall] = e.recall(hits, k, len(held))
	p.metric[metricNDCG] = dcg / ideal
	p.metric[metricMAP] = precision / float64(reach)
	p.metric[metricStratified] = min(1, strata/allStrata)
	if p.hasTail = tailHeld > 0; p.hasTail {
		p.metric[metricTail] = e.recall(tailHits, k, tailHeld)
	}
	return p
}

func (e *evaluation) recall(hits, k, held int) float64 {
	if e.Recall == RecallCapped {
		held = min(k, held)
	}
	return float64(hits) / float64(held)
}

// stratum is the weight of an item in popularity-stratified recall.
func (e *evaluation) stratum(i uint32) float64 { return 1 / math.Sqrt(float64(e.cat.counts[i])) }
