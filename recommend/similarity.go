package recommend

import (
	"fmt"
	"math"
)

// Similarity is how [FitItemKNN] weighs a source item (in the history) for a
// target item (to be recommended). The implementations are [Cosine],
// [AdjustedCosine], [AsymmetricCosine], [Jaccard], [Tversky], [Lift], [LLR], [TFIDF], [BM25],
// [P3Alpha] and [RP3Beta]. Parameters are taken as they stand: a zero is a
// zero.
//
// In the formulas G_ij is the number of users of both the source i and the
// target j, n_i the number of users of i and N the number of all users. Where
// the history's values are not binary, the cosines take Σ x_ui·x_uj for G_ij
// and Σ x_ui² for n_i, and TF-IDF, BM25 and the random walks take the values
// as frequencies; the others look at who interacted only.
type Similarity interface {
	fmt.Stringer
	validate() error
	plan(m *matrix) plan
}

// plan is a similarity made ready for one matrix: the weight of a source for
// a target is weigh(sum, source, target), or sum·source·target's scale, where
// sum is taken over the users of both.
type plan struct {
	m      *matrix   // possibly with other values
	weight []float64 // of each user in the sum, or nil
	signed bool      // values may be negative
	exact  bool      // binary cosine without shrinkage
	n      []float64 // of each item, for exact
	source []float64 // scales, when weigh is nil
	target []float64
	weigh  func(sum float64, source, target uint32) float64
}

// Cosine is G_ij / (√(n_i·n_j) + Shrink). Shrinkage takes weight from pairs
// that few users support; 10 to 50 helps on most sparse data. Without it, and
// with binary values, the order of neighbours is exact: it goes by G_ij²/n in
// integers divided once. (Sarwar et al., "Item-based collaborative filtering
// recommendation algorithms", 2001.)
type Cosine struct{ Shrink float64 }

// AsymmetricCosine is G_ij / (n_i^Exponent · n_j^(1−Exponent) + Shrink). An
// exponent above a half discounts a popular source more and a popular target
// less: at 1 it is the share of i's users who have j. (Aiolli, "Efficient top-N
// recommendation for very large scale binary rated datasets", 2013.)
type AsymmetricCosine struct{ Exponent, Shrink float64 }

// Jaccard is G_ij / (n_i + n_j − G_ij). (Jaccard, "The distribution of the
// flora in the alpine zone", 1912.)
type Jaccard struct{}

// Tversky is G_ij / (G_ij + Source·(n_i − G_ij) + Target·(n_j − G_ij)):
// Jaccard is Tversky{1, 1}. A small Target weight, such as {1, 0.1}, keeps
// the popularity of the target. (Tversky, "Features of similarity", 1977.)
type Tversky struct{ Source, Target float64 }

// Lift is G_ij·N / (n_i·n_j), how much likelier j is among users of i than
// among all. It favours rare items strongly. (Brin, Motwani, Ullman and Tsur,
// "Dynamic itemset counting and implication rules for market basket data",
// 1997, who call it interest.)
type Lift struct{}

// LLR is Dunning's log-likelihood ratio of the 2×2 table of who has i and who
// has j, 0 unless the two occur together more often than by chance. It says
// how sure one can be of an association, not how strong it is, and is a
// mediocre score. (Dunning, "Accurate methods for the statistics of surprise
// and coincidence", 1993.)
type LLR struct{}

// TFIDF is the cosine between items as documents whose terms are their users,
// a user weighing ln(items) − ln(1 + items of the user): who has everything
// says little. (Salton and Buckley, "Term-weighting approaches in automatic text
// retrieval", 1988, for the weights; tools differ in the 1.)
type TFIDF struct{}

// BM25 is the dot product between items as documents whose terms are their
// users, with weights (K1+1)·x / (K1·((1−B) + B·n_i/mean n) + x) · idf(u).
// Idf is that of [TFIDF], and n_i the sum of the item's values. Usual
// parameters are K1 = 1.2 and B = 0.75. (Robertson and Zaragoza, "The
// probabilistic relevance framework: BM25 and beyond", 2009.)
type BM25 struct{ K1, B float64 }

// P3Alpha is the chance of a walk from the source to one of its users to one
// of that user's items, each step's chance raised to Alpha. (Cooper et al.,
// "Random walks in recommender systems: exact computation and simulations",
// 2014.)
type P3Alpha struct{ Alpha float64 }

// RP3Beta is P3Alpha with the target divided by n_j^Beta, n_j being the sum of
// its values, the best of the neighbourhood models in many comparisons and the
// one that shows most of the catalogue. (Paudel et al., "Updatable, accurate, diverse, and scalable
// recommendations for interactive applications", 2017.)
type RP3Beta struct{ Alpha, Beta float64 }

// String returns the name and the parameters.
func (s Cosine) String() string {
	if s.Shrink == 0 {
		return "cosine"
	}
	return fmt.Sprintf("cosine shrink=%g", s.Shrink)
}

// String returns the name and the parameters.
func (s AsymmetricCosine) String() string {
	return fmt.Sprintf("asymmetric cosine exponent=%g shrink=%g", s.Exponent, s.Shrink)
}

// String returns the name.
func (Jaccard) String() string { return "jaccard" }

// String returns the name and the parameters.
func (s Tversky) String() string {
	return fmt.Sprintf("tversky source=%g target=%g", s.Source, s.Target)
}

// String returns the name.
func (Lift) String() string { return "lift" }

// String returns the name.
func (LLR) String() string { return "llr" }

// String returns the name.
func (TFIDF) String() string { return "tfidf cosine" }

// String returns the name and the parameters.
func (s BM25) String() string { return fmt.Sprintf("bm25 k1=%g b=%g", s.K1, s.B) }

// String returns the name and the parameters.
func (s P3Alpha) String() string { return fmt.Sprintf("p3alpha alpha=%g", s.Alpha) }

// String returns the name and the parameters.
func (s RP3Beta) String() string { return fmt.Sprintf("rp3beta alpha=%g beta=%g", s.Alpha, s.Beta) }

func within(where string, v, limit float64) error {
	if !(v >= 0 && v <= limit) {
		return badOption(where, v, fmt.Sprintf("must be within 0 and %g", limit))
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s Cosine) validate() error { return within("Cosine.Shrink", s.Shrink, maxWeight) }

func (s AsymmetricCosine) validate() error {
	return firstError(within("AsymmetricCosine.Exponent", s.Exponent, 1), within("AsymmetricCosine.Shrink", s.Shrink, maxWeight))
}
func (Jaccard) validate() error { return nil }

func (s Tversky) validate() error {
	return firstError(within("Tversky.Source", s.Source, maxWeight), within("Tversky.Target", s.Target, maxWeight))
}
func (Lift) validate() error  { return nil }
func (LLR) validate() error   { return nil }
func (TFIDF) validate() error { return nil }

func (s BM25) validate() error {
	return firstError(within("BM25.K1", s.K1, 1e6), within("BM25.B", s.B, 1))
}
func (s P3Alpha) validate() error { return within("P3Alpha.Alpha", s.Alpha, 10) }

func (s RP3Beta) validate() error {
	return firstError(within("RP3Beta.Alpha", s.Alpha, 10), within("RP3Beta.Beta", s.Beta, 10))
}

func (s Cosine) plan(m *matrix) plan {
	n := m.squares()
	if m.val == nil && s.Shrink == 0 {
		return plan{m: m, exact: true, n: n}
	}
	return plan{m: m, weigh: func(g float64, i, j uint32) float64 {
		return g / (math.Sqrt(n[i]*n[j]) + s.Shrink)
	}}
}

func (s AsymmetricCosine) plan(m *matrix) plan {
	n := m.squares()
	source, target := powers(n, s.Exponent), powers(n, 1-s.Exponent)
	return plan{m: m, weigh: func(g float64, i, j uint32) float64 {
		return g / (source[i]*target[j] + s.Shrink)
	}}
}

func (s Jaccard) plan(m *matrix) plan {
	m = m.binary()
	n := m.squares()
	return plan{m: m, weigh: func(g float64, i, j uint32) float64 { return g / (n[i] + n[j] - g) }}
}

func (s Tversky) plan(m *matrix) plan {
	m = m.binary()
	n := m.squares()
	return plan{m: m, weigh: func(g float64, i, j uint32) float64 {
		return g / (g + s.Source*(n[i]-g) + s.Target*(n[j]-g))
	}}
}

func (Lift) plan(m *matrix) plan {
	m = m.binary()
	n, all := m.squares(), float64(len(m.users))
	return plan{m: m, weigh: func(g float64, i, j uint32) float64 { return g * all / (n[i] * n[j]) }}
}

func (LLR) plan(m *matrix) plan {
	m = m.binary()
	n, all := m.squares(), float64(len(m.users))
	return plan{m: m, weigh: func(g float64, i, j uint32) float64 {
		return logLikelihoodRatio(g, n[i]-g, n[j]-g, all-n[i]-n[j]+g)
	}}
}

// logLikelihoodRatio is 2·Σ k·ln(k·N / (row·column)) over the cells, 0 unless
// the association is positive. The terms cancel where the table is near
// independence, to some 1e-12 of N.
func logLikelihoodRatio(k11, k12, k21, k22 float64) float64 {
	if !(k11*k22 > k12*k21) {
		return 0
	}
	r1, r2, c1, c2 := k11+k12, k21+k22, k11+k21, k12+k22
	n := r1 + r2
	term := func(k, r, c float64) float64 {
		if k == 0 {
			return 0
		}
		return k * math.Log(k*n/(r*c))
	}
	return max(0, 2*(term(k11, r1, c1)+term(k12, r1, c2)+term(k21, r2, c1)+term(k22, r2, c2)))
}

func (TFIDF) plan(m *matrix) plan {
	idf := m.idf()
	weight := make([]float64, len(idf))
	for u, x := range idf {
		weight[u] = x * x
	}
	scale := make([]float64, m.items())
	for i := range scale {
		for e := m.ptr[i]; e < m.ptr[i+1]; e++ {
			x := m.value(e)
			scale[i] += weight[m.row[e]] * x * x
		}
		if scale[i] > 0 {
			scale[i] = 1 / math.Sqrt(scale[i])
		}
	}
	return plan{m: m, weight: weight, source: scale, target: scale}
}

func (s BM25) plan(m *matrix) plan {
	weight := m.idf()
	for u, x := range weight {
		weight[u] = x * x
	}
	length := m.sums()
	var mean float64
	for _, n := range length {
		mean += n / float64(len(length))
	}
	scale := make([]float64, m.items())
	values := *m
	if m.val != nil {
		values.val = make([]float64, len(m.val))
	}
	for i := range scale {
		norm := s.K1 * ((1 - s.B) + s.B*length[i]/mean)
		if m.val == nil {
			scale[i] = (s.K1 + 1) / (norm + 1)
			continue
		}
		scale[i] = 1
		for e := m.ptr[i]; e < m.ptr[i+1]; e++ {
			values.val[e] = (s.K1 + 1) * m.val[e] / (norm + m.val[e])
		}
	}
	return plan{m: &values, weight: weight, source: scale, target: scale}
}

func (s P3Alpha) plan(m *matrix) plan { return RP3Beta{Alpha: s.Alpha}.plan(m) }

func (s RP3Beta) plan(m *matrix) plan {
	weight := make([]float64, len(m.users))
	for e, u := range m.row {
		weight[u] += m.value(e)
	}
	for u, x := range weight {
		weight[u] = math.Pow(x, -s.Alpha)
	}
	values := *m
	if m.val != nil {
		values.val = powers(m.val, s.Alpha)
	}
	return plan{
		m:      &values,
		weight: weight,
		source: powers(m.sums(), -s.Alpha),
		target: powers(m.sums(), -s.Beta),
	}
}

func powers(x []float64, exponent float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Pow(v, exponent)
	}
	return out
}

// binary returns the matrix of who interacted.
func (m *matrix) binary() *matrix {
	b := *m
	b.val = nil
	return &b
}

// squares returns Σ_u x_ui² of each item, its count when X is binary.
func (m *matrix) squares() []float64 {
	return m.columns(func(x float64) float64 { return x * x })
}

// sums returns Σ_u x_ui of each item.
func (m *matrix) sums() []float64 {
	return m.columns(func(x float64) float64 { return x })
}

func (m *matrix) columns(f func(float64) float64) []float64 {
	out := make([]float64, m.items())
	for i := range out {
		if m.val == nil {
			out[i] = float64(m.ptr[i+1] - m.ptr[i])
			continue
		}
		for _, x := range m.val[m.ptr[i]:m.ptr[i+1]] {
			out[i] += f(x)
		}
	}
	return out
}

// idf returns ln(items) − ln(1 + items of the user) of each user.
func (m *matrix) idf() []float64 {
	out := make([]float64, len(m.users))
	for _, u := range m.row {
		out[u]++
	}
	all := math.Log(float64(m.items()))
	for u, n := range out {
		out[u] = all - math.Log(1+n)
	}
	return out
}
