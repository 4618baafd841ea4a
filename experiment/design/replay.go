package design

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
)

// ReplayOptions of [Replay]. The zero value and nil are the defaults.
type ReplayOptions struct {
	// Runs is how many experiments to simulate. Default: 1,000. At most 10
	// million.
	Runs int
	// Seed of the random splits. The same seed gives the same result.
	Seed uint64
	// Share of users in treatment, 0 < Share < 1. Default: 0.5.
	Share float64
	// Treat is what the treatment does to a value. Default: nothing: the
	// simulation is of A/A tests.
	Treat func(value float64) float64
	// Alpha is the p-value from which on a test rejects. Default: 0.05.
	Alpha float64
}

// Replayed is the result of [Replay].
type Replayed struct {
	Runs     int
	Rejected int
	// Share of runs that rejected, with its 95 % interval (Wilson): of false
	// positives without a treatment, of power with one.
	Share, Lo, Hi float64
	// Uniform is the p-value of the Kolmogorov–Smirnov test that p-values are
	// uniform, as those of A/A tests should be (of exact tests of small counts
	// they are not). Not for runs with a treatment.
	Uniform float64
}

// String prints the share.
func (r Replayed) String() string {
	return fmt.Sprintf("%d of %d rejected: %.2f %% [%.2f, %.2f]", r.Rejected, r.Runs, 100*r.Share, 100*r.Lo, 100*r.Hi)
}

// Replay runs a test on experiments that never were: the values of past users
// are split at random into two arms, over and over, and the test's p-values are
// counted. Without a treatment it shows whether a metric's tests keep their
// level on the host's own data, skew, outliers and all; with one, their power.
// Test gets copies it may change, and returns a p-value; its first error ends
// the replay and is wrapped.
func Replay(values []float64, test func(control, treatment []float64) (p float64, err error), opts *ReplayOptions) (Replayed, error) {
	const fn = "Replay"
	var o ReplayOptions
	if opts != nil {
		o = *opts
	}
	if o.Runs == 0 {
		o.Runs = 1000
	}
	if o.Share == 0 {
		o.Share = .5
	}
	if o.Alpha == 0 {
		o.Alpha = .05
	}
	switch {
	case o.Runs < 1 || o.Runs > 10_000_000:
		return Replayed{}, &Error{fn, "Runs", float64(o.Runs), "want 1 to 10 million, or 0 for 1,000"}
	case !(o.Share > 0 && o.Share < 1):
		return Replayed{}, &Error{fn, "Share", o.Share, "want 0 < Share < 1, or 0 for 0.5"}
	case !(o.Alpha > 0 && o.Alpha < 1):
		return Replayed{}, &Error{fn, "Alpha", o.Alpha, "want 0 < Alpha < 1, or 0 for 0.05"}
	}
	treated := int(math.Round(float64(len(values)) * o.Share))
	if min(treated, len(values)-treated) < 2 {
		return Replayed{}, &Error{fn, "values", float64(len(values)), "want at least two in each arm"}
	}
	r := rand.New(rand.NewPCG(o.Seed, 0xa0761d6478bd642f))
	all := slices.Clone(values)
	ps := make([]float64, 0, o.Runs)
	out := Replayed{Runs: o.Runs}
	for range o.Runs {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		control, treatment := slices.Clone(all[treated:]), slices.Clone(all[:treated])
		if o.Treat != nil {
			for i, x := range treatment {
				treatment[i] = o.Treat(x)
			}
		}
		p, err := test(control, treatment)
		if err != nil {
			return Replayed{}, fmt.Errorf("design: Replay: %w", err)
		}
		if !(p >= 0 && p <= 1) {
			return Replayed{}, &Error{fn, "p-value of the test", p, "want 0 to 1"}
		}
		if p <= o.Alpha {
			out.Rejected++
		}
		ps = append(ps, p)
	}
	n := float64(o.Runs)
	out.Share = float64(out.Rejected) / n
	out.Lo, out.Hi = stats.Wilson(float64(out.Rejected), n, 1.959963984540054)
	slices.Sort(ps)
	d := 0.0
	for i, p := range ps {
		d = max(d, float64(i+1)/n-p, p-float64(i)/n)
	}
	out.Uniform = kolmogorov((math.Sqrt(n) + .12 + .11/math.Sqrt(n)) * d)
	return out, nil
}

// kolmogorov is the tail of the Kolmogorov distribution, 2·Σ(−1)^(k−1)·e^(−2k²x²);
// x comes with the correction of M. A. Stephens, JRSS B 32 (1970).
func kolmogorov(x float64) float64 {
	if x < .2 {
		return 1
	}
	sum, sign := 0.0, 1.0
	for k := 1.0; k <= 100; k++ {
		term := math.Exp(-2 * k * k * x * x)
		if sum += sign * term; term < 1e-17 {
			break
		}
		sign = -sign
	}
	return min(1, max(0, 2*sum))
}
