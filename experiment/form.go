package experiment

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A ratio, a trimmed mean and a quantile become means here: each user gets the
// value whose mean over the arm is the estimate, and whose variance is the
// estimate's times the number of users (its influence function). Strata,
// clusters and covariates then work for them as they do for means.

// formed tells whether the metric is something else than a mean of values.
func (m Metric) formed() bool {
	return m.Per != "" || m.Trim > 0 || m.Quantile > 0 || m.Cap > 0 || m.Floor > 0
}

// checkForm refuses what a metric cannot be.
func (m Metric) checkForm(at string, all []Metric) error {
	bad := func(field string, value any, reason string) error {
		return &OptionError{"NewReadout", at + "." + field, value, reason}
	}
	switch {
	case m.Per == m.Name && m.Per != "":
		return bad("Per", m.Per, "want another metric")
	case m.Per != "" && !slices.ContainsFunc(all, func(o Metric) bool { return o.Name == m.Per && !o.formed() }):
		return bad("Per", m.Per, "want a metric of these options that is a plain value")
	case !(m.Cap >= 0 && m.Cap < 1):
		return bad("Cap", m.Cap, "want 0 < Cap < 1, or 0 for none")
	case !(m.Floor >= 0 && m.Floor < 1) || m.Cap > 0 && m.Floor >= m.Cap:
		return bad("Floor", m.Floor, "want 0 < Floor < 1 and less than Cap, or 0 for none")
	case !(m.Trim >= 0 && m.Trim < .5):
		return bad("Trim", m.Trim, "want 0 < Trim < 0.5, or 0 for none")
	case !(m.Quantile >= 0 && m.Quantile < 1):
		return bad("Quantile", m.Quantile, "want 0 < Quantile < 1, or 0 for the mean")
	}
	forms := 0
	for _, on := range []bool{m.Per != "", m.Trim > 0, m.Quantile > 0} {
		if on {
			forms++
		}
	}
	if forms > 1 {
		return bad("Per, Trim and Quantile", []any{m.Per, m.Trim, m.Quantile}, "want one of them")
	}
	if m.Aggregate == AnyEvent && (m.Cap > 0 || m.Floor > 0 || m.Trim > 0 || m.Quantile > 0) {
		return bad("Aggregate", m.Aggregate, "want CountEvents or SumValues with Cap, Floor, Trim or Quantile")
	}
	return nil
}

// capped winsorizes the values of all strata and arms together.
func (c *Comparison) capped(used []*stratum, m Metric) {
	if m.Cap == 0 && m.Floor == 0 {
		return
	}
	var all []float64
	for _, s := range used {
		all = slices.Concat(all, s.arms[0].values, s.arms[1].values)
	}
	slices.Sort(all)
	lo, hi := limits(all, m.Floor, cmp.Or(m.Cap, 1))
	var raised, cut int
	for _, s := range used {
		for i := range s.arms {
			for u, x := range s.arms[i].values {
				switch {
				case x > hi:
					s.arms[i].values[u] = hi
					cut++
				case x < lo:
					s.arms[i].values[u] = lo
					raised++
				}
			}
		}
	}
	if m.Cap > 0 {
		c.Method += ", capped"
		c.Adjustments = append(c.Adjustments, fmt.Sprintf("values of %d users capped at %.6g, the %g quantile of both arms", cut, hi, m.Cap))
	}
	if m.Floor > 0 {
		c.Method += ", raised from below"
		c.Adjustments = append(c.Adjustments, fmt.Sprintf("values of %d users raised to %.6g, the %g quantile of both arms", raised, lo, m.Floor))
	}
}

// reshape replaces the values by those whose mean is the estimate.
func (c *Comparison) reshape(used []*stratum, m Metric) error {
	name := ""
	switch {
	case m.Per != "":
		name = "ratio to " + m.Per
	case m.Trim > 0:
		name = fmt.Sprintf("%g trimmed means", m.Trim)
	case m.Quantile > 0:
		name = fmt.Sprintf("%g quantile", m.Quantile)
	default:
		return nil
	}
	c.Method += ", " + name
	for _, s := range used {
		for i := range s.arms {
			k, arm := &s.arms[i], [2]string{c.Control.Arm, c.Treatment.Arm}[i]
			var err error
			switch {
			case m.Per != "":
				err = k.asRatio(arm)
			case m.Trim > 0:
				err = k.asTrimmed(arm, m.Trim)
			default:
				err = k.asQuantile(m.Quantile)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// asRatio linearizes ΣN/ΣD: R + (N − R·D)/mD (Deng, Knoblich and Lu, 2018).
func (k *cell) asRatio(arm string) error {
	var above, below Moments
	above.AddAll(k.values)
	below.AddAll(k.per)
	if err := cmp.Or(above.err, below.err); err != nil {
		return fmt.Errorf("experiment: Compare: arm %q: %w", arm, err)
	}
	d := below.Mean()
	if d == 0 {
		return fmt.Errorf("experiment: Compare: %w: the denominator of arm %q", ErrZero, arm)
	}
	r := above.Mean() / d
	for u, x := range k.values {
		k.values[u] = r + (x-r*k.per[u])/d
	}
	return nil
}

// asTrimmed gives the winsorized values, moved to the trimmed mean and
// stretched to the variance of Yuen.
func (k *cell) asTrimmed(arm string, trim float64) error {
	xs := slices.Sorted(slices.Values(k.values))
	n := len(xs)
	g := int(float64(n) * trim)
	h := n - 2*g
	if h < 2 {
		return &ValueError{"Compare", fmt.Sprintf("arm %q of n after trimming", arm), h, ErrTooFew}
	}
	var mid, wins Moments
	mid.AddAll(xs[g : n-g])
	lo, hi := xs[g], xs[n-g-1]
	for _, x := range k.values {
		wins.Add(min(max(x, lo), hi))
	}
	center, from := mid.Mean(), wins.Mean()
	f, kept := float64(n), float64(h)
	stretch := math.Sqrt(f * (f - 1) / (kept * (kept - 1)))
	for u, x := range k.values {
		k.values[u] = center + stretch*(min(max(x, lo), hi)-from)
	}
	k.df = h - 1
	return nil
}

// asQuantile gives two values, for users below and above the quantile, with
// the variance that the order statistics imply.
func (k *cell) asQuantile(level float64) error {
	q, err := QuantileOf(k.values, level)
	if err != nil {
		return err
	}
	e, err := q.estimate("")
	if err != nil {
		return err
	}
	n := len(k.values)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	// Values that are equal are told apart by the user: the share below must
	// be the level however many there are at the quantile itself.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(k.values[a], k.values[b]) })
	below := min(max(1, int(math.Round(float64(n)*level))), n-1)
	p := float64(below) / float64(n)
	s := e.sd / math.Sqrt(p*(1-p)*float64(n)/float64(n-1))
	for place, u := range order {
		if place < below {
			k.values[u] = q.Value - s*(1-p)
		} else {
			k.values[u] = q.Value + s*p
		}
	}
	return nil
}
