package attribution

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/zhun-go/zhun/internal/ids"
)

// LogisticOptions are options of [FitLogistic]. Nil and zero fields mean the
// defaults.
type LogisticOptions struct {
	// Covariates say of each stratum what was known of its people before they
	// met a channel, such as the mean of a score in each of thirty parts: one
	// list of the same length for each. Default: nothing is known.
	Covariates [][]float64
	// NoPairs leaves out the interactions of pairs of channels.
	NoPairs bool
	// MinPair is how many journeys must have met both channels of a pair for it
	// to have a term of its own; default 50.
	MinPair float64
	// Prior is the standard deviation of what a coefficient is expected to be
	// before anything is seen, in units of log odds, and for a covariate per
	// its own standard deviation; default 10, which holds back what the journeys
	// do not determine and nothing else.
	Prior float64
	Level float64 // of the intervals; default 0.95
}

// maxCoefficients bounds a logistic model.
const maxCoefficients = 1500

// FitLogistic fits the probability of a conversion to the set of channels that
// met a journey and to covariates of its stratum,
//
//	log odds = a + Σ b(c) + Σ b(c,d) + γ·x,
//
// over its channels c and their pairs c, d, by penalized maximum likelihood.
// Each journey then credits its channels with the Shapley value of its own
// probability over the subsets of the channels that it met, and nobody with
// what the probability is without any. It is a [Cohort] game with a smooth
// rate in place of the rate of exactly such a set: it needs fewer journeys,
// and takes covariates. See Shao and Li (2011) for logistic models of
// attribution; the sum over subsets is the package's own.
//
// It assumes what Cohort assumes: that a journey's channels are fixed before
// its outcome is observed, that exposure is as good as random among people
// with equal covariates, and that some met no channel; and besides that
// effects have the form above. Strata are paths of groups of people, made by
// [PathOptions].Users, or one. Values follow conversions, at the mean value of
// a conversion in the stratum. Intervals are normal and by the delta method,
// for counts of journeys that are Poisson.
//
// No strata, covariates of different lengths or not finite, and one that is
// the same in all strata are an [*InputError]; more than 1,500 coefficients,
// or a journey with more than [MaxExact] channels, are [ErrChannels]. Journeys
// of which all or none converted are [ErrDesign], negative counts
// [ErrNegative], strata in two currencies [ErrCurrency]; ctx's own error ends
// it.
func FitLogistic(ctx context.Context, strata []*Paths, opts *LogisticOptions) (Modelled, error) {
	var o LogisticOptions
	if opts != nil {
		o = *opts
	}
	m, err := newLogistic(strata, &o)
	if err != nil {
		return Modelled{}, err
	}
	if err := m.fit(ctx); err != nil {
		return Modelled{}, err
	}
	return m.finish(ctx)
}

// journeyCell are the journeys of one stratum that met one set of channels.
type journeyCell struct {
	stratum    int
	set        []int // players, ascending
	conv, null float64
	active     []int // coefficients that are 1
}

type logistic struct {
	opts    LogisticOptions
	strata  []*Paths
	names   []string // players, in their order
	pairs   map[[2]int]int
	labels  []string
	size    int // of the coefficients, the covariates last
	cov     [][]float64
	mean    []float64
	scale   []float64
	cells   []journeyCell
	each    []float64 // mean value of a conversion, by stratum
	beta    []float64
	factor  mat.Cholesky
	loglike float64
}

func newLogistic(strata []*Paths, o *LogisticOptions) (*logistic, error) {
	const verb = "FitLogistic"
	bad := func(field string, value any, reason string) error { return inputError(verb, 0, field, value, reason) }
	for _, d := range []struct {
		value *float64
		deflt float64
	}{{&o.MinPair, 50}, {&o.Prior, 10}, {&o.Level, 0.95}} {
		if *d.value == 0 {
			*d.value = d.deflt
		}
	}
	switch {
	case len(strata) == 0:
		return nil, bad("strata", 0, "none")
	case !(o.Level > 0 && o.Level < 1):
		return nil, bad("Level", o.Level, "not within 0 and 1")
	case !(o.Prior > 0 && o.Prior <= 1e6):
		return nil, bad("Prior", o.Prior, "not within 0 and 1e6")
	case !amount(o.MinPair):
		return nil, bad("MinPair", o.MinPair, "not a number within 0 and 1e100")
	case o.Covariates != nil && len(o.Covariates) != len(strata):
		return nil, bad("Covariates", len(o.Covariates), fmt.Sprintf("lists for %d strata", len(strata)))
	}
	m := &logistic{opts: *o, strata: strata, cov: o.Covariates, each: make([]float64, len(strata))}
	if m.cov == nil {
		m.cov = make([][]float64, len(strata))
	}
	used := make(map[string]bool)
	for i, p := range strata {
		if err := p.check("logistic"); err != nil {
			return nil, fmt.Errorf("attribution: FitLogistic: stratum %d: %w", i, err)
		}
		for _, c := range p.players() {
			used[p.channels.Name(c)] = true
		}
		if t := p.total(); t.conv.Value() != 0 {
			m.each[i] = t.value.Value() / t.conv.Value()
		}
		if len(m.cov[i]) != len(m.cov[0]) {
			return nil, bad(fmt.Sprintf("Covariates[%d]", i), len(m.cov[i]), fmt.Sprintf("figures, and the first has %d", len(m.cov[0])))
		}
		for k, x := range m.cov[i] {
			if !finite(x) {
				return nil, bad(fmt.Sprintf("Covariates[%d][%d]", i, k), x, "not a number within ±1e100")
			}
		}
	}
	for name := range used {
		m.names = append(m.names, name)
	}
	slices.SortFunc(m.names, ids.Compare)
	if err := m.count(); err != nil {
		return nil, err
	}
	return m, m.standardize()
}

// count makes the cells, and a coefficient for each pair that was met often
// enough.
func (m *logistic) count() error {
	together := make(map[[2]int]float64)
	for i, p := range m.strata {
		player := make([]int, p.channels.Len())
		for c := range player {
			player[c], _ = slices.BinarySearchFunc(m.names, p.channels.Name(uint32(c)), ids.Compare)
		}
		err := p.eachSet(func(id uint32, set []uint32) error {
			t := &p.bySet[id]
			c := journeyCell{stratum: i, conv: t.conv.Value(), null: t.null.Value()}
			if c.conv+c.null == 0 {
				return nil
			}
			if len(set) > MaxExact {
				return fmt.Errorf("attribution: FitLogistic: %w in one journey: %d, at most %d", ErrChannels, len(set), MaxExact)
			}
			for _, ch := range set {
				c.set = append(c.set, player[ch])
			}
			slices.Sort(c.set)
			for k, a := range c.set {
				for _, b := range c.set[k+1:] {
					together[[2]int{a, b}] += c.conv + c.null
				}
			}
			m.cells = append(m.cells, c)
			return nil
		})
		if err != nil {
			return err
		}
	}
	m.labels = append(m.labels, "(constant)")
	m.labels = append(m.labels, m.names...)
	m.pairs = make(map[[2]int]int)
	if !m.opts.NoPairs {
		for a := range m.names {
			for b := a + 1; b < len(m.names); b++ {
				if together[[2]int{a, b}] >= m.opts.MinPair {
					m.pairs[[2]int{a, b}] = len(m.labels)
					m.labels = append(m.labels, m.names[a]+" × "+m.names[b])
				}
			}
		}
	}
	for k := range m.cov[0] {
		m.labels = append(m.labels, fmt.Sprintf("covariate %d", k))
	}
	m.size = len(m.labels)
	if m.size > maxCoefficients {
		return fmt.Errorf("attribution: FitLogistic: %w: %d coefficients, at most %d; see NoPairs and MinPair", ErrChannels, m.size, maxCoefficients)
	}
	for i := range m.cells {
		c := &m.cells[i]
		c.active = append(c.active, 0)
		for k, a := range c.set {
			c.active = append(c.active, 1+a)
			for _, b := range c.set[k+1:] {
				if at, ok := m.pairs[[2]int{a, b}]; ok {
					c.active = append(c.active, at)
				}
			}
		}
	}
	return nil
}

// standardize moves covariates to mean 0 and standard deviation 1.
func (m *logistic) standardize() error {
	n := len(m.cov[0])
	m.mean, m.scale = make([]float64, n), make([]float64, n)
	var journeys float64
	for _, c := range m.cells {
		journeys += c.conv + c.null
	}
	for k := range n {
		for _, c := range m.cells {
			m.mean[k] += (c.conv + c.null) / journeys * m.cov[c.stratum][k]
		}
		for _, c := range m.cells {
			d := m.cov[c.stratum][k] - m.mean[k]
			m.scale[k] += (c.conv + c.null) / journeys * d * d
		}
		m.scale[k] = math.Sqrt(m.scale[k])
		if journeys > 0 && !(m.scale[k] > 1e-12*math.Abs(m.mean[k])) {
			return inputError("FitLogistic", 0, fmt.Sprintf("Covariates[…][%d]", k), m.mean[k], "the same in all strata")
		}
	}
	standard := make([][]float64, len(m.cov))
	for i, x := range m.cov {
		for k := range x {
			standard[i] = append(standard[i], (x[k]-m.mean[k])/m.scale[k])
		}
	}
	m.cov = standard
	return nil
}

// eta is the log odds of a cell.
func (m *logistic) eta(c *journeyCell, beta []float64) float64 {
	sum := 0.0
	for _, k := range c.active {
		sum += beta[k]
	}
	return sum + m.offset(c.stratum, beta)
}

// offset is what the covariates of a stratum add.
func (m *logistic) offset(stratum int, beta []float64) float64 {
	sum := 0.0
	for k, x := range m.cov[stratum] {
		sum += x * beta[m.size-len(m.cov[stratum])+k]
	}
	return sum
}

// each calls f for the coefficients of a cell and what they are multiplied by.
func (m *logistic) eachOf(c *journeyCell, f func(k int, x float64)) {
	for _, k := range c.active {
		f(k, 1)
	}
	for k, x := range m.cov[c.stratum] {
		f(m.size-len(m.cov[c.stratum])+k, x)
	}
}

func (m *logistic) penalty(k int) float64 {
	if k == 0 {
		return 0
	}
	return 1 / (m.opts.Prior * m.opts.Prior)
}

// logLike returns the logarithm of the likelihood, penalty included.
func (m *logistic) logLike(beta []float64) float64 {
	sum := 0.0
	for i := range m.cells {
		c := &m.cells[i]
		x := m.eta(c, beta)
		// log(1 + e^x) without overflow
		soft := max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
		sum += c.conv*x - (c.conv+c.null)*soft
	}
	for k, b := range beta {
		sum -= m.penalty(k) * b * b / 2
	}
	return sum
}

// fit climbs to the top by Newton's method; the function is concave.
func (m *logistic) fit(ctx context.Context) error {
	m.beta = make([]float64, m.size)
	var conv, all float64
	for _, c := range m.cells {
		conv += c.conv
		all += c.conv + c.null
	}
	if conv == 0 || conv == all {
		return fmt.Errorf("attribution: FitLogistic: %w: %g of %g journeys converted", ErrDesign, conv, all)
	}
	m.beta[0] = math.Log(conv / (all - conv))
	like := m.logLike(m.beta)
	for range 200 {
		if err := ctx.Err(); err != nil {
			return err
		}
		gradient := mat.NewVecDense(m.size, nil)
		hessian := mat.NewSymDense(m.size, nil)
		raw := hessian.RawSymmetric().Data // its upper half
		for i := range m.cells {
			c := &m.cells[i]
			n := c.conv + c.null
			p := expit(m.eta(c, m.beta))
			w := n * p * (1 - p)
			m.eachOf(c, func(a int, x float64) {
				gradient.SetVec(a, gradient.AtVec(a)+x*(c.conv-n*p))
				m.eachOf(c, func(b int, y float64) {
					if b >= a {
						raw[a*m.size+b] += w * x * y
					}
				})
			})
		}
		for k, b := range m.beta {
			gradient.SetVec(k, gradient.AtVec(k)-m.penalty(k)*b)
			raw[k*m.size+k] += m.penalty(k) + 1e-12*(1+all)
		}
		if !m.factor.Factorize(hessian) {
			break
		}
		var step mat.VecDense
		if m.factor.SolveVecTo(&step, gradient) != nil {
			break // a bad condition; the step was made all the same
		}
		if mat.Dot(&step, gradient) <= 1e-14*(1+math.Abs(like)) {
			m.loglike = like
			return nil
		}
		next, moved := make([]float64, m.size), false
		for size := 1.0; size > 1e-9; size /= 2 {
			for k := range next {
				next[k] = m.beta[k] + size*step.AtVec(k)
			}
			if l := m.logLike(next); l > like {
				m.beta, like, moved = next, l, true
				break
			}
		}
		if !moved {
			m.loglike = like
			return nil
		}
	}
	return fmt.Errorf("attribution: FitLogistic: %w: the likelihood has no top that could be found", ErrDesign)
}
