package exact

import (
	"math"
	"slices"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/stats"
)

// Method is how an interval is made of bootstrap samples.
type Method uint8

const (
	// BCa corrects the quantiles for bias and acceleration (B. Efron, "Better
	// bootstrap confidence intervals", JASA 82 (1987)).
	BCa Method = iota
	// Studentized takes the quantiles of t (P. Hall, "Theoretical comparison of
	// bootstrap confidence intervals", Annals of Statistics 16 (1988)); of means
	// only, where it is the best for skewed values.
	Studentized
	// Percentile takes the quantiles as they are.
	Percentile
)

// Bootstrap returns the difference treatment − control of a statistic, its
// standard error and interval, by resampling the users of each arm. A nil
// statistic is the mean. The statistic must be finite for every sample of two
// or more values, must not keep or change its argument, and must be safe to
// call as often as Runs and users together. BCa leaves each user out in turn: the
// square of their number in steps. Fewer than two values in an arm are
// [experiment.ErrTooFew].
func Bootstrap(control, treatment []float64, statistic func([]float64) float64, method Method, opts *Options) (experiment.Estimate, error) {
	const fn = "Bootstrap"
	o, err := opts.resolveMethod(fn, statistic, method)
	if err != nil {
		return experiment.Estimate{}, err
	}
	for i, arm := range [][]float64{control, treatment} {
		if err := measurable(fn, i, arm, 2); err != nil {
			return experiment.Estimate{}, err
		}
	}
	return bootstrap(fn, [2]sample{single(control), single(treatment)}, statistic, method, o)
}

func (o *Options) resolveMethod(fn string, statistic func([]float64) float64, method Method) (Options, error) {
	r, err := o.resolve(fn)
	switch {
	case err != nil:
		return r, err
	case method > Percentile:
		return r, invalid(fn, "method", method, "want BCa, Studentized or Percentile")
	case method == Studentized && statistic != nil:
		return r, invalid(fn, "method", method, "want a nil statistic with Studentized")
	}
	return r, nil
}

// sample is an arm as the bootstrap sees it: units that are drawn, and values
// that a statistic sees.
type sample interface {
	units() int
	// draw appends the values of a unit.
	draw(dst []float64, unit int) []float64
	// variance returns the variance of the mean of all values of some units.
	variance(units []int) float64
}

type single []float64

func (s single) units() int                             { return len(s) }
func (s single) draw(dst []float64, unit int) []float64 { return append(dst, s[unit]) }

func (s single) variance(units []int) float64 {
	var sum, squares stats.Sum
	for _, u := range units {
		sum.Add(s[u])
	}
	n := float64(len(units))
	m := sum.Value() / n
	for _, u := range units {
		squares.AddProduct(s[u]-m, s[u]-m)
	}
	return squares.Value() / (n * (n - 1))
}

func bootstrap(fn string, arms [2]sample, statistic func([]float64) float64, method Method, o Options) (experiment.Estimate, error) {
	if statistic == nil {
		statistic = mean
	}
	var units [2][]int
	var buffer [2][]float64
	for i, arm := range arms {
		units[i] = make([]int, arm.units())
		for u := range units[i] {
			units[i][u] = u
			buffer[i] = arm.draw(buffer[i], u)
		}
	}
	e := experiment.Estimate{Value: statistic(buffer[1]) - statistic(buffer[0]), Level: o.Level}
	se := standardError(arms, units)
	r := o.random()
	draws, ts := make([]float64, o.Runs), make([]float64, o.Runs)
	for run := range draws {
		for i, arm := range arms {
			buffer[i] = buffer[i][:0]
			for k := range units[i] {
				u := r.IntN(len(units[i]))
				units[i][k] = u
				buffer[i] = arm.draw(buffer[i], u)
			}
		}
		draws[run] = statistic(buffer[1]) - statistic(buffer[0])
		if !(math.Abs(draws[run]) <= most) {
			return experiment.Estimate{}, &experiment.ValueError{Func: "exact." + fn, What: "statistic", Value: draws[run], Err: experiment.ErrNotFinite}
		}
		if method == Studentized {
			ts[run] = studentized(draws[run]-e.Value, standardError(arms, units))
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

func standardError(arms [2]sample, units [2][]int) float64 {
	return math.Sqrt(arms[0].variance(units[0]) + arms[1].variance(units[1]))
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
func corrected(draws []float64, arms [2]sample, statistic func([]float64) float64, value, tail float64) (lo, hi float64) {
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
	for i, arm := range arms {
		k := arm.units()
		f, sign := float64(k), float64(2*i-1)
		without := make([]float64, k)
		var rest []float64
		for u := range k {
			rest = rest[:0]
			for other := range k {
				if other != u {
					rest = arm.draw(rest, other)
				}
			}
			without[u] = statistic(rest)
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
