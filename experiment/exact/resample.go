package exact

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/stats"
)

// Options of resampling. The zero value and nil are the defaults.
type Options struct {
	// Runs is how often to resample. Default: 9,999. At most 10 million.
	Runs int
	// Seed of the random numbers. The same seed gives the same result.
	Seed uint64
	// Level of intervals. Default: 0.95.
	Level float64
}

func (o *Options) resolve(fn string) (Options, error) {
	var r Options
	if o != nil {
		r = *o
	}
	if r.Runs == 0 {
		r.Runs = 9_999
	}
	if r.Level == 0 {
		r.Level = .95
	}
	switch {
	case r.Runs < 1 || r.Runs > 10_000_000:
		return r, invalid(fn, "Runs", r.Runs, "want 1 to 10 million, or 0 for 9,999")
	case !(r.Level > 0 && r.Level < 1):
		return r, invalid(fn, "Level", r.Level, "want 0 < Level < 1, or 0 for 0.95")
	}
	return r, nil
}

func (o Options) random() *rand.Rand { return rand.New(rand.NewPCG(o.Seed, 0x9e3779b97f4a7c15)) }

// Permuted is the result of [Permutation].
type Permuted struct {
	Difference float64 // of means
	T          float64 // that over its Welch standard error
	P          float64 // two-sided
	PGreater   float64 // one-sided
	PLess      float64
	Runs       int  // permutations looked at
	Exact      bool // these were all there are
}

// Permutation tests the difference of means by exchanging users between arms.
// The statistic is Welch's t, so that the test holds its level exactly when the
// arms are alike, and asymptotically when they only have the same mean (A.
// Janssen, "Studentized permutation tests for non-i.i.d. hypotheses", Statistics
// & Probability Letters 36 (1997)). All permutations are taken when there are
// no more than Runs, else Runs random ones, the data themselves counted in: p
// is never below 1/(Runs + 1). Fewer than two values in an arm are
// [experiment.ErrTooFew].
func Permutation(control, treatment []float64, opts *Options) (Permuted, error) {
	const fn = "Permutation"
	o, err := opts.resolve(fn)
	if err != nil {
		return Permuted{}, err
	}
	for i, arm := range [][]float64{control, treatment} {
		if err := finite(fn, i, arm, 2); err != nil {
			return Permuted{}, err
		}
	}
	all := slices.Concat(control, treatment)
	// Around the mean, plain sums of squares are good.
	center := mean(all)
	for i := range all {
		all[i] -= center
	}
	n, na := len(all), len(control)
	var s1, s2 float64
	for _, x := range all {
		s1, s2 = s1+x, s2+float64(x*x)
	}
	out := Permuted{Difference: mean(treatment) - mean(control)}
	t := func(b1, b2 float64) float64 { return welchT(s1-b1, s2-b2, float64(na), b1, b2, float64(n-na)) }
	sums := func(xs []float64) (b1, b2 float64) {
		for _, x := range xs {
			b1, b2 = b1+x, b2+float64(x*x)
		}
		return b1, b2
	}
	out.T = t(sums(all[na:]))
	// Sums in another order differ by rounding; ties must count.
	least, slack := math.Abs(out.T)*(1-1e-10), 1e-10*math.Abs(out.T)
	if math.IsInf(out.T, 0) {
		slack = 0
	}
	var two, greater, less int
	count := func(x float64) {
		if math.Abs(x) >= least {
			two++
		}
		if x >= out.T-slack {
			greater++
		}
		if x <= out.T+slack {
			less++
		}
		out.Runs++
	}
	if ways := choose(n, n-na); ways <= float64(o.Runs) {
		out.Exact = true
		combinations(n, n-na, func(in []int) {
			b1, b2 := 0.0, 0.0
			for _, i := range in {
				b1, b2 = b1+all[i], b2+float64(all[i]*all[i])
			}
			count(t(b1, b2))
		})
	} else {
		count(out.T)
		r := o.random()
		k := min(na, n-na) // it is enough to draw the smaller arm
		for range o.Runs {
			for i := range k {
				j := i + r.IntN(n-i)
				all[i], all[j] = all[j], all[i]
			}
			b1, b2 := sums(all[:k])
			if k != n-na {
				b1, b2 = s1-b1, s2-b2
			}
			count(t(b1, b2))
		}
	}
	f := float64(out.Runs)
	out.P, out.PGreater, out.PLess = float64(two)/f, float64(greater)/f, float64(less)/f
	return out, nil
}

func welchT(a1, a2, na, b1, b2, nb float64) float64 {
	ma, mb := a1/na, b1/nb
	v := max(0, a2-a1*ma)/(na*(na-1)) + max(0, b2-b1*mb)/(nb*(nb-1))
	d := mb - ma
	if d == 0 {
		return 0
	}
	return d / math.Sqrt(v) // infinite where there is no variance left
}

func mean(xs []float64) float64 {
	var s stats.Sum
	for _, x := range xs {
		s.Add(x)
	}
	return s.Value() / float64(len(xs))
}

func choose(n, k int) float64 {
	c := 1.0
	for i := range min(k, n-k) {
		c *= float64(n-i) / float64(i+1)
	}
	return c
}

// combinations calls f with every choice of k of n, in order.
func combinations(n, k int, f func(in []int)) {
	in := make([]int, k)
	for i := range in {
		in[i] = i
	}
	for {
		f(in)
		i := k - 1
		for i >= 0 && in[i] == n-k+i {
			i--
		}
		if i < 0 {
			return
		}
		in[i]++
		for j := i + 1; j < k; j++ {
			in[j] = in[j-1] + 1
		}
	}
}

// Method is how an interval is made of bootstrap samples.
type Method uint8

const (
	// BCa corrects the quantiles for bias and acceleration (B. Efron, "Better
	// bootstrap confidence intervals", JASA 82 (1987)).
	BCa Method = iota
	// Studentized takes the quantiles of t (P. Hall, 1988); of means only, where
	// it is the best for skewed values.
	Studentized
	// Percentile takes the quantiles as they are.
	Percentile
)

// Bootstrap returns the difference treatment − control of a statistic, its
// standard error and interval, by resampling the users of each arm. A nil
// statistic is the mean. The statistic must be finite for every sample of two
// or more values, must not keep or change its argument, and must be safe to
// call as often as Runs and users together. Fewer than two values in an arm are
// [experiment.ErrTooFew].
func Bootstrap(control, treatment []float64, statistic func([]float64) float64, method Method, opts *Options) (experiment.Estimate, error) {
	const fn = "Bootstrap"
	o, err := opts.resolve(fn)
	if err != nil {
		return experiment.Estimate{}, err
	}
	if method > Percentile {
		return experiment.Estimate{}, invalid(fn, "method", method, "want BCa, Studentized or Percentile")
	}
	if method == Studentized && statistic != nil {
		return experiment.Estimate{}, invalid(fn, "method", method, "want a nil statistic with Studentized")
	}
	arms := [2][]float64{control, treatment}
	for i, arm := range arms {
		if err := finite(fn, i, arm, 2); err != nil {
			return experiment.Estimate{}, err
		}
	}
	plain := statistic == nil
	if plain {
		statistic = mean
	}
	e := experiment.Estimate{Value: statistic(treatment) - statistic(control), Level: o.Level}
	r := o.random()
	draws, ts := make([]float64, o.Runs), make([]float64, o.Runs)
	var buffer [2][]float64
	for i, arm := range arms {
		buffer[i] = make([]float64, len(arm))
	}
	for run := range draws {
		for i, arm := range arms {
			for k := range buffer[i] {
				buffer[i][k] = arm[r.IntN(len(arm))]
			}
		}
		draws[run] = statistic(buffer[1]) - statistic(buffer[0])
		if math.IsNaN(draws[run] - draws[run]) {
			return experiment.Estimate{}, &experiment.ValueError{Func: "exact." + fn, What: "statistic", Value: draws[run], Err: experiment.ErrNotFinite}
		}
		if method == Studentized {
			ts[run] = studentized(draws[run]-e.Value, standardError(buffer))
		}
	}
	m := mean(draws)
	var squares stats.Sum
	for _, d := range draws {
		squares.AddProduct(d-m, d-m)
	}
	e.StdErr = math.Sqrt(squares.Value() / float64(max(1, o.Runs-1)))
	tail := (1 - o.Level) / 2
	if method == Studentized {
		slices.Sort(ts)
		se := standardError(arms)
		e.Lo, e.Hi = e.Value-at(ts, 1-tail)*se, e.Value-at(ts, tail)*se
		return e, nil
	}
	slices.Sort(draws)
	lo, hi := tail, 1-tail
	if method == BCa {
		lo, hi = corrected(draws, arms, statistic, e.Value, tail)
	}
	e.Lo, e.Hi = at(draws, lo), at(draws, hi)
	return e, nil
}

// studentized is d/se; a sample of equal values says nothing of either side.
func studentized(d, se float64) float64 {
	if se == 0 {
		return 0
	}
	return d / se
}

func standardError(arms [2][]float64) float64 {
	v := 0.0
	for _, xs := range arms {
		m := mean(xs)
		var s stats.Sum
		for _, x := range xs {
			s.AddProduct(x-m, x-m)
		}
		n := float64(len(xs))
		v += s.Value() / (n * (n - 1))
	}
	return math.Sqrt(v)
}

// at is the quantile of sorted draws, linear between them.
func at(sorted []float64, p float64) float64 {
	h := p*float64(len(sorted)+1) - 1
	i := int(math.Floor(h))
	if i < 0 {
		return sorted[0]
	}
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}

// corrected returns the shares at which BCa reads the draws: the bias from the
// share of draws below the estimate, the acceleration from the jackknife of
// each arm.
func corrected(draws []float64, arms [2][]float64, statistic func([]float64) float64, value, tail float64) (lo, hi float64) {
	below := 0.0
	for _, d := range draws {
		if d < value {
			below++
		} else if d == value {
			below += .5
		}
	}
	n := float64(len(draws))
	z0 := stats.NormalQuantile(min(max(below/n, .5/n), 1-.5/n))
	var cubes, squares float64
	for i, xs := range arms {
		f := float64(len(xs))
		sign := float64(2*i - 1)
		without := make([]float64, len(xs))
		rest := slices.Clone(xs[1:])
		for k := range xs {
			without[k] = statistic(rest)
			if k < len(rest) {
				rest[k] = xs[k]
			}
		}
		m := mean(without)
		for _, w := range without {
			u := sign * (f - 1) * (m - w) / f
			cubes += u * u * u
			squares += u * u
		}
	}
	a := 0.0
	if squares > 0 {
		a = cubes / (6 * math.Pow(squares, 1.5))
	}
	z := -stats.NormalQuantile(tail)
	share := func(z float64) float64 {
		left := 1 - a*(z0+z)
		if left <= 0 { // beyond where the correction means anything
			return stats.NormalCDF(math.Copysign(40, z0+z))
		}
		return stats.NormalCDF(z0 + (z0+z)/left)
	}
	return share(-z), share(z)
}
