package exact

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
)

// Options of resampling. The zero value and nil are the defaults.
type Options struct {
	// Runs is how often to resample. Default: 9,999. At most 10 million.
	Runs int
	// Seed of the random numbers. The same seed gives the same result.
	Seed uint64
	// Level of intervals, at least 1e-9 and below 1. Default: 0.95.
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
	case !(r.Level >= 1e-9 && r.Level < 1):
		return r, invalid(fn, "Level", r.Level, "want 1e-9 ≤ Level < 1, or 0 for 0.95")
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
		if err := measurable(fn, i, arm, 2); err != nil {
			return Permuted{}, err
		}
	}
	all := slices.Concat(control, treatment)
	// Around the mean, plain sums of squares are good.
	center := mean(all)
	// The unit of values is nothing to t, and squares of others leave the range of
	// numbers.
	largest := 0.0
	for i := range all {
		all[i] -= center
		largest = max(largest, math.Abs(all[i]))
	}
	_, unit := math.Frexp(largest)
	for i := range all {
		all[i] = math.Ldexp(all[i], -unit)
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
