package exact

import (
	"fmt"
	"math"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/stats"
)

// FisherOddsRatio returns the odds ratio of treatment to control that goes with
// [Fisher]: the likeliest one given all margins, and the interval of the ratios
// that neither one-sided exact test rejects, as R's fisher.test does (R. A.
// Fisher, "The logic of inductive inference", JRSS 98 (1935)). The interval
// holds the truth at least as often as it says. It is 0 or infinite where the
// table leaves no other choice, and not a number where all margins are 0. The
// standard error is of the logarithm. Level 0 is 0.95. Each of some hundred
// steps takes as long as [Fisher]; where the margins allow more than 2²⁴ counts
// it is refused, and [experiment.Proportions] is as good.
func FisherOddsRatio(t Table, level float64) (experiment.Estimate, error) {
	const fn = "FisherOddsRatio"
	if level == 0 {
		level = .95
	}
	if !(level >= 1e-9 && level < 1) {
		return experiment.Estimate{}, invalid(fn, "level", level, "want 1e-9 ≤ level < 1, or 0 for 0.95")
	}
	if err := t.check(fn, "t"); err != nil {
		return experiment.Estimate{}, err
	}
	if n := t.free(); n > mostFree {
		return experiment.Estimate{}, invalid(fn, "t", t, fmt.Sprintf("want margins that allow at most %d counts", mostFree))
	}
	h := newHypergeometric(t)
	e := experiment.Estimate{Hi: math.Inf(1), Level: level, StdErr: math.Inf(1)}
	if h.lo == h.hi {
		e.Value = math.NaN()
		return e, nil
	}
	tail := (1 - level) / 2
	switch h.x {
	case h.lo:
		e.Value = 0
	case h.hi:
		e.Value = math.Inf(1)
	default:
		at := h.solve(func(m moments) bool { return m.mean < h.x })
		e.Value, e.StdErr = math.Exp(at), 1/math.Sqrt(h.at(at).variance)
	}
	if h.x > h.lo {
		e.Lo = math.Exp(h.solve(func(m moments) bool { return m.above < tail }))
	}
	if h.x < h.hi {
		e.Hi = math.Exp(h.solve(func(m moments) bool { return m.below > tail }))
	}
	return e, nil
}

// mostFree bounds the counts whose densities are held.
const mostFree = 1 << 24

// free is how many more successes one arm can have than at least, given all
// margins.
func (t Table) free() int64 {
	total := t.Control.Successes + t.Treatment.Successes
	return min(t.Treatment.Users, total) - max(0, total-t.Control.Users)
}

// hypergeometric is the number of successes in treatment given all margins;
// logs holds the logarithms of its densities at an odds ratio of 1, up to a
// constant.
type hypergeometric struct {
	x, lo, hi float64
	logs      []float64
}

// moments at an odds ratio; above and below are the tails with x itself.
type moments struct{ mean, variance, above, below float64 }

func newHypergeometric(t Table) hypergeometric {
	n0, n1 := float64(t.Control.Users), float64(t.Treatment.Users)
	x := float64(t.Treatment.Successes)
	total := x + float64(t.Control.Successes)
	h := hypergeometric{x: x, lo: max(0, total-n0), hi: min(n1, total)}
	value := 0.0
	for k := h.lo; k <= h.hi; k++ {
		h.logs = append(h.logs, value)
		// The next density is this one times a ratio of counts.
		value += math.Log((n1 - k) / (k + 1) * (total - k) / (n0 - total + k + 1))
	}
	return h
}

// at returns the moments at the logarithm of an odds ratio.
func (h hypergeometric) at(odds float64) (m moments) {
	top := math.Inf(-1)
	for i, l := range h.logs {
		top = max(top, l+odds*float64(i))
	}
	var sum, first, above, below stats.Sum
	second := 0.0
	for i, l := range h.logs {
		d, k := math.Exp(l+odds*float64(i)-top), h.lo+float64(i)
		sum.Add(d)
		first.AddProduct(d, k-h.x) // around x, so that the variance keeps its digits
		second += d * (k - h.x) * (k - h.x)
		if k >= h.x {
			above.Add(d)
		}
		if k <= h.x {
			below.Add(d)
		}
	}
	all := sum.Value()
	shift := first.Value() / all
	return moments{h.x + shift, second/all - shift*shift, above.Value() / all, below.Value() / all}
}

// solve returns the logarithm of the odds ratio up to which a condition holds.
func (h hypergeometric) solve(holds func(moments) bool) float64 {
	lo, hi := -1.0, 1.0
	for !holds(h.at(lo)) && lo > -700 {
		lo *= 2
	}
	for holds(h.at(hi)) && hi < 700 {
		hi *= 2
	}
	for range 60 {
		mid := lo + (hi-lo)/2
		if holds(h.at(mid)) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + (hi-lo)/2
}
