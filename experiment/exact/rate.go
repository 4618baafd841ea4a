package exact

import (
	"math"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/stats"
)

// Rate is a number of events that came independently of each other over an
// exposure: user-days, sessions, impressions.
type Rate struct {
	Events   int64
	Exposure float64
}

// Rates is the result of [RateRatio].
type Rates struct {
	Ratio experiment.Estimate // treatment over control, without a standard error
	P     float64
}

// RateRatio compares two Poisson rates exactly: given all events, those of
// treatment are binomial (J. Przyborowski and H. Wilenski, "Homogeneity of
// results in testing samples from Poisson series", Biometrika 31 (1940); R's
// poisson.test). The interval inverts the binomial of Clopper and Pearson. An
// event that makes others likely, such as the orders of one buyer, is not
// Poisson: compare the counts per user then. Level 0 is 0.95; no events at all
// are [experiment.ErrTooFew].
func RateRatio(control, treatment Rate, alternative experiment.Alternative, level float64) (Rates, error) {
	const fn = "RateRatio"
	if level == 0 {
		level = .95
	}
	for i, r := range []Rate{control, treatment} {
		if r.Events < 0 || !(r.Exposure > 0) || math.IsInf(r.Exposure, 1) {
			return Rates{}, invalid(fn, [2]string{"control", "treatment"}[i], r, "want Events of at least 0 and a positive, finite Exposure")
		}
	}
	if !(level >= 1e-9 && level < 1) {
		return Rates{}, invalid(fn, "level", level, "want 1e-9 ≤ level < 1, or 0 for 0.95")
	}
	if alternative > experiment.Less {
		return Rates{}, invalid(fn, "alternative", alternative, "want TwoSided, Greater or Less")
	}
	x, y := float64(treatment.Events), float64(control.Events)
	n := x + y
	if n == 0 {
		return Rates{}, tooFew(fn, "events", 0)
	}
	share := treatment.Exposure / (treatment.Exposure + control.Exposure)
	out := Rates{Ratio: experiment.Estimate{
		Value: x / treatment.Exposure / (y / control.Exposure), StdErr: math.NaN(), Hi: math.Inf(1), Level: level,
	}}
	switch alternative {
	case experiment.Greater:
		out.P = stats.BinomialSF(x-1, n, share)
	case experiment.Less:
		out.P = stats.BinomialCDF(x, n, share)
	default:
		out.P = twoSidedBinomial(x, n, share)
	}
	miss := 1 - level
	if alternative == experiment.TwoSided {
		miss /= 2
	}
	// A share of nearly 1 leaves no digits for what it lacks: that comes by itself.
	ratio := func(share, rest float64) float64 { return share / rest * control.Exposure / treatment.Exposure }
	if x > 0 && alternative != experiment.Less {
		out.Ratio.Lo = ratio(stats.BetaQuantile(miss, x, n-x+1), stats.BetaISF(miss, n-x+1, x))
	}
	if y > 0 && alternative != experiment.Greater {
		out.Ratio.Hi = ratio(stats.BetaISF(miss, x+1, n-x), stats.BetaQuantile(miss, n-x, x+1))
	}
	return out, nil
}

// twoSidedBinomial adds the counts that are no more likely than x: all on its
// side of the mean, and on the other side those beyond the first as unlikely,
// which is found by bisection since probabilities fall away from the mode.
func twoSidedBinomial(x, n, p float64) float64 {
	seen := stats.BinomialPMF(x, n, p) * (1 + 1e-7)
	mode := math.Floor((n + 1) * p)
	in := func(k float64) bool { return stats.BinomialPMF(k, n, p) <= seen }
	switch {
	case in(mode):
		return 1
	case x < mode:
		lo, hi := mode, n+1 // the first k in, n+1 if none
		for hi-lo > 1 {
			if mid := math.Floor((lo + hi) / 2); in(mid) {
				hi = mid
			} else {
				lo = mid
			}
		}
		return min(1, stats.BinomialCDF(x, n, p)+stats.BinomialSF(hi-1, n, p))
	default:
		lo, hi := -1., mode // the last k in, −1 if none
		for hi-lo > 1 {
			if mid := math.Floor((lo + hi) / 2); in(mid) {
				lo = mid
			} else {
				hi = mid
			}
		}
		return min(1, stats.BinomialSF(x-1, n, p)+stats.BinomialCDF(lo, n, p))
	}
}
