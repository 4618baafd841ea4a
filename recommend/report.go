package recommend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/zhun-go/zhun/internal/stats"
)

// Estimate is a figure with its standard error and interval.
type Estimate struct{ Value, StdErr, Lo, Hi, Level float64 }

// String shows the figure and its interval.
func (e Estimate) String() string {
	return fmt.Sprintf("%.6g [%.6g, %.6g]", e.Value, e.Lo, e.Hi)
}

// Report says how well a recommender did. It prints itself as a table.
type Report struct {
	Name  string // of the recommender, when it has a String method
	Users int    // evaluated
	Pairs int    // held-out pairs of evaluated users in the vocabulary
	// Lost is the share of held-out pairs whose item is not in the
	// vocabulary: nothing can find them, and no figure below counts them.
	Lost  float64
	Items int // in the vocabulary
	Cuts  []Cut

	perUser    [][metrics][]float64 // by cut, then metric, then user; NaN where undefined
	users      []uint32
	categories bool
	alike      bool
}

// Cut holds the figures for lists of length K. Estimates are means over users
// with the standard error √(Σ(x−mean)²/n)/√n.
type Cut struct {
	K int
	// Recall is the share of held-out items found, by EvalOptions.Recall.
	Recall Estimate
	// NDCG is the discounted gain Σ 1/log2(rank+1) over hits, of the ideal
	// over min(K, held out).
	NDCG Estimate
	// MAP is the mean over min(K, held out) of the precision at each hit.
	MAP Estimate
	// MRR is one over the rank of the first hit, 0 without one.
	MRR Estimate
	// HitRate is the share of users with a hit.
	HitRate Estimate
	// TailRecall is the recall of items outside the most popular ones that
	// hold 20 % of training interactions, over users with such an item held
	// out.
	TailRecall Estimate
	// StratifiedRecall weighs each held-out item by 1/√(its users) (Steck,
	// "Item popularity and recommendation accuracy", 2011).
	StratifiedRecall Estimate
	// Calibration is the mean Kullback-Leibler divergence, in nats, of the
	// categories of the list from those of the user's history, each item of
	// which counts by its value: 0 when the shares are the same, at most
	// ln 100. It is zero without EvalOptions.Category, and taken over users
	// with a category in their history. (Steck, "Calibrated recommendations",
	// 2018, with its smoothing of .01.)
	Calibration Estimate
	// Diversity is the share of pairs in the list that differ in category, of
	// the pairs of items with one; zero without EvalOptions.Category.
	Diversity Estimate
	// Dissimilarity is the mean, over the pairs in the list, of 1 less the
	// cosine of their users in EvalOptions.Train: 1 when nobody has two of
	// them, 0 when all have the same users. It is zero without
	// EvalOptions.Dissimilarity. (Smyth and McClave, "Similarity vs.
	// diversity", 2001.)
	Dissimilarity Estimate
	// Coverage is the share of the vocabulary that was shown to somebody.
	Coverage float64
	// Gini is the inequality of how often each item was shown, 0 when all
	// were shown alike.
	Gini float64
	// Novelty is the mean of −log2(users of the item / users) over all shown.
	Novelty float64
}

const (
	metricRecall = iota
	metricNDCG
	metricMAP
	metricMRR
	metricHitRate
	metricTail
	metricStratified
	metricCalibration
	metricDiversity
	metricDissimilarity
	metrics
)

var metricNames = [metrics]string{"recall", "ndcg", "map", "mrr", "hit rate", "tail recall", "stratified recall", "calibration", "diversity", "dissimilarity"}

func (e *evaluation) report() Report {
	r := Report{
		Name: e.name, Users: len(e.users), Pairs: e.pairs, Items: len(e.cat.names), users: e.users, categories: e.kinds != nil, alike: e.alike != nil,
		Lost: float64(e.lost) / float64(e.lost+e.pairs),
	}
	z := math.Sqrt2 * math.Erfinv(e.Level)
	for c, k := range e.K {
		var by [metrics][]float64
		for m := range by {
			by[m] = make([]float64, len(e.users))
			for i, p := range e.score[c] {
				by[m][i] = p.metric[m]
				if m == metricTail && !p.hasTail {
					by[m][i] = math.NaN()
				}
			}
		}
		r.perUser = append(r.perUser, by)
		est := func(m int) Estimate { return mean(by[m], z, e.Level) }
		cut := Cut{
			K: k, Recall: est(metricRecall), NDCG: est(metricNDCG), MAP: est(metricMAP), MRR: est(metricMRR),
			HitRate: est(metricHitRate), TailRecall: est(metricTail), StratifiedRecall: est(metricStratified),
			Calibration: est(metricCalibration), Diversity: est(metricDiversity), Dissimilarity: est(metricDissimilarity),
		}
		cut.Coverage, cut.Gini = spread(e.shown[c])
		var novelty stats.Sum
		listed := 0
		for _, p := range e.score[c] {
			novelty.Add(p.novelty)
			listed += p.listed - p.strangers
		}
		if listed > 0 {
			cut.Novelty = novelty.Value() / float64(listed)
		}
		r.Cuts = append(r.Cuts, cut)
	}
	return r
}

// mean averages the values that are not NaN.
func mean(x []float64, z, level float64) Estimate {
	var sum, squares stats.Sum
	n := 0.0
	for _, v := range x {
		if !math.IsNaN(v) {
			sum.Add(v)
			n++
		}
	}
	if n == 0 {
		return Estimate{Level: level}
	}
	mean := sum.Value() / n
	for _, v := range x {
		if !math.IsNaN(v) {
			squares.AddProduct(v-mean, v-mean)
		}
	}
	se := math.Sqrt(squares.Value()) / n
	return Estimate{Value: mean, StdErr: se, Lo: mean - z*se, Hi: mean + z*se, Level: level}
}

// spread returns the share of items shown and the Gini coefficient.
func spread(shown []uint32) (coverage, gini float64) {
	sorted := slices.Clone(shown)
	slices.Sort(sorted)
	var all, weighted float64
	distinct := 0
	for i, n := range sorted {
		if n > 0 {
			distinct++
		}
		all += float64(n)
		weighted += float64(n) * float64(2*(i+1)-len(sorted)-1)
	}
	if all == 0 {
		return 0, 0
	}
	n := float64(len(sorted))
	return float64(distinct) / n, weighted / (n * all)
}

// At returns the figures for lists of length k, and whether they were asked
// for.
func (r Report) At(k int) (Cut, bool) {
	for _, c := range r.Cuts {
		if c.K == k {
			return c, true
		}
	}
	return Cut{}, false
}

// String prints the report as a table.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d users, %d held-out pairs (%.1f%% lost), %d items\n", r.Name, r.Users, r.Pairs, 100*r.Lost, r.Items)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "K\trecall\t± se\tndcg\t± se\tmap\tmrr\thit rate\ttail\tstratified\tcoverage\tgini\tnovelty\t")
	if r.categories {
		fmt.Fprint(t, "calibration\tdiversity\t")
	}
	if r.alike {
		fmt.Fprint(t, "dissimilarity\t")
	}
	fmt.Fprintln(t)
	for _, c := range r.Cuts {
		fmt.Fprintf(t, "%d\t%.4f\t%.4f\t%.4f\t%.4f\t%.4f\t%.4f\t%.4f\t%.4f\t%.4f\t%.3f\t%.3f\t%.2f\t", c.K,
			c.Recall.Value, c.Recall.StdErr, c.NDCG.Value, c.NDCG.StdErr, c.MAP.Value, c.MRR.Value, c.HitRate.Value,
			c.TailRecall.Value, c.StratifiedRecall.Value, c.Coverage, c.Gini, c.Novelty)
		if r.categories {
			fmt.Fprintf(t, "%.3f\t%.3f\t", c.Calibration.Value, c.Diversity.Value)
		}
		if r.alike {
			fmt.Fprintf(t, "%.3f\t", c.Dissimilarity.Value)
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	return b.String()
}

// Comparison is the difference of two recommenders on the same users.
type Comparison struct {
	Metric     string
	K          int
	Users      int
	Difference Estimate // first less second, with a bootstrap interval
	// PValue is two-sided: twice the smaller share of bootstrap means on one
	// side of zero, with one mean more on either, so that it is at least
	// 2/(resamples+1).
	PValue float64
}

// CompareOptions tunes [Report.Compare]. Nil means the defaults, as do zero
// fields.
type CompareOptions struct {
	Resamples int     // default 2,000; at most a million
	Level     float64 // default 0.95
	Seed      uint64  // default 1
}

// Compare compares this report's recommender with another's by a paired
// bootstrap over users (Efron and Tibshirani, 1993; percentile interval): far
// sharper than comparing two intervals, since users differ more than models.
// Metric is "recall", "ndcg", "map", "mrr", "hit rate", "tail recall",
// "stratified recall", "calibration" (of which less is better), "diversity" or
// "dissimilarity". Both reports must come from the same users and have the cut
// k, else it is [ErrOption].
func (r Report) Compare(other Report, metric string, k int, opts *CompareOptions) (Comparison, error) {
	o := CompareOptions{}
	if opts != nil {
		o = *opts
	}
	var err error
	if o.Resamples, err = positive("CompareOptions.Resamples", o.Resamples, 2000); err != nil {
		return Comparison{}, err
	}
	if o.Resamples > 1_000_000 {
		return Comparison{}, badOption("CompareOptions.Resamples", o.Resamples, "at most a million")
	}
	if !(o.Level >= 0 && o.Level < 1) {
		return Comparison{}, badOption("CompareOptions.Level", o.Level, "must be within 0 and 1")
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	m := slices.Index(metricNames[:], metric)
	if m < 0 {
		return Comparison{}, badOption("Report.Compare", metric, "unknown metric, want one of "+strings.Join(metricNames[:], ", "))
	}
	a, b := r.values(m, k), other.values(m, k)
	if a == nil || b == nil || !slices.Equal(r.users, other.users) {
		return Comparison{}, badOption("Report.Compare", k, "both reports must have this cut and the same users")
	}
	var diff []float64
	for i := range a {
		if d := a[i] - b[i]; !math.IsNaN(d) {
			diff = append(diff, d)
		}
	}
	c := Comparison{Metric: metric, K: k, Users: len(diff), Difference: mean(diff, 0, o.Level), PValue: 1}
	if len(diff) > 0 {
		c.bootstrap(diff, o)
	}
	return c, nil
}

func (r Report) values(metric, k int) []float64 {
	for c, cut := range r.Cuts {
		if cut.K == k && c < len(r.perUser) {
			return r.perUser[c][metric]
		}
	}
	return nil
}

func (c *Comparison) bootstrap(diff []float64, o CompareOptions) {
	rnd := rand.New(rand.NewPCG(o.Seed, 0))
	means := make([]float64, o.Resamples)
	up, down := 1, 1
	for i := range means {
		sum := 0.0
		for range diff {
			sum += diff[rnd.IntN(len(diff))]
		}
		means[i] = sum / float64(len(diff))
		if means[i] >= 0 {
			up++
		}
		if means[i] <= 0 {
			down++
		}
	}
	slices.Sort(means)
	at := func(p float64) float64 {
		return means[min(len(means)-1, int(p*float64(len(means))))]
	}
	c.Difference.Lo, c.Difference.Hi = at((1-o.Level)/2), at((1+o.Level)/2)
	c.PValue = min(1, 2*float64(min(up, down))/float64(o.Resamples+1))
}

// String prints the comparison in one line.
func (c Comparison) String() string {
	return fmt.Sprintf("%s@%d: %+.4f [%+.4f, %+.4f] at %g%%, p = %.3g, %d users",
		c.Metric, c.K, c.Difference.Value, c.Difference.Lo, c.Difference.Hi, 100*c.Difference.Level, c.PValue, c.Users)
}
