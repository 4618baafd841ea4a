package exact

import (
	"fmt"
	"math"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/stats"
)

// ProportionMethod is how the interval of a proportion is made.
type ProportionMethod uint8

const (
	// Wilson inverts the score test; the best of all sizes (E. B. Wilson, JASA 22
	// (1927)).
	Wilson ProportionMethod = iota
	// ClopperPearson inverts the exact binomial test: never below its level,
	// and wide (C. J. Clopper and E. S. Pearson, Biometrika 26 (1934)).
	ClopperPearson
	// Jeffreys is the posterior under the Jeffreys prior, equal tails.
	Jeffreys
	// AgrestiCoull is Wald's around the middle of Wilson's (A. Agresti and B. A.
	// Coull, The American Statistician 52 (1998)).
	AgrestiCoull
	// Wald is the textbook's, and poor near 0 and 1.
	Wald
)

func (m ProportionMethod) String() string {
	if names := [...]string{"Wilson", "Clopper–Pearson", "Jeffreys", "Agresti–Coull", "Wald"}; int(m) < len(names) {
		return names[m]
	}
	return fmt.Sprintf("ProportionMethod(%d)", uint8(m))
}

// ProportionInterval returns the share of x in n with a two-sided interval at
// a level (0: 0.95). Over shares from 2 to 98 %, of 40 users, intervals at 95 %
// hold in 95.2 % (Wilson), 95.0 (Jeffreys), 95.8 (AgrestiCoull), 97.0
// (ClopperPearson) and 91.5 % (Wald) on average. The standard error is Wald's. No
// users are [experiment.ErrTooFew].
func ProportionInterval(x, n int64, level float64, method ProportionMethod) (experiment.Estimate, error) {
	const fn = "ProportionInterval"
	if level == 0 {
		level = .95
	}
	switch {
	case n < 1:
		return experiment.Estimate{}, tooFew(fn, "n", n)
	case x < 0 || x > n:
		return experiment.Estimate{}, invalid(fn, "x", x, fmt.Sprintf("want 0 to %d", n))
	case !(level >= 1e-9 && level < 1):
		return experiment.Estimate{}, invalid(fn, "level", level, "want 1e-9 ≤ level < 1, or 0 for 0.95")
	case method > Wald:
		return experiment.Estimate{}, invalid(fn, "method", method, "want one of the constants")
	}
	alpha := 1 - level
	k, f := float64(x), float64(n)
	p := k / f
	z := -stats.NormalQuantile(alpha / 2)
	e := experiment.Estimate{Value: p, StdErr: math.Sqrt(p * (1 - p) / f), Level: level}
	switch method {
	case ClopperPearson:
		if x > 0 {
			e.Lo = stats.BetaQuantile(alpha/2, k, f-k+1)
		}
		e.Hi = 1
		if x < n {
			e.Hi = stats.BetaISF(alpha/2, k+1, f-k)
		}
	case Jeffreys:
		e.Lo, e.Hi = stats.BetaQuantile(alpha/2, k+.5, f-k+.5), stats.BetaISF(alpha/2, k+.5, f-k+.5)
	case AgrestiCoull:
		m := f + z*z
		mid := (k + z*z/2) / m
		w := z * math.Sqrt(mid*(1-mid)/m)
		e.Lo, e.Hi = max(0, mid-w), min(1, mid+w)
	case Wald:
		e.Lo, e.Hi = max(0, p-z*e.StdErr), min(1, p+z*e.StdErr)
	default:
		e.Lo, e.Hi = stats.Wilson(k, f, z)
	}
	return e, nil
}
