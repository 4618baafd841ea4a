package experiment

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
)

// cell is one arm in one stratum: parallel lists by ascending user.
type cell struct {
	users      []uint32
	values     []float64
	per        []float64   // denominators of a ratio
	covariates [][]float64 // by covariate, then user
	df         int         // degrees of freedom where they are not users less one
	units      []uint32
	grouped    []bool // whether the user has a unit
}

// stratum is a set of epochs with the same allocation, or the users in it who
// are in one stratum of TestOptions.
type stratum struct {
	epoch int // the first
	name  string
	kind  Kind
	arms  [2]cell
}

func (s *stratum) String() string {
	if s.name == "" {
		return fmt.Sprintf("epoch %d", s.epoch)
	}
	return fmt.Sprintf("%q in epoch %d", s.name, s.epoch)
}

func (s *stratum) n() int { return len(s.arms[0].values) + len(s.arms[1].values) }

// newStrata distributes the values over strata and arms. Epochs in which the
// two arms have the same ratio of weights share a stratum; an epoch of unknown
// weights stands alone.
func newStrata(weights []map[string]float64, j joined, members []subject, control, treatment string, m Metric, o TestOptions) []*stratum {
	ratio := func(epoch int) (float64, bool) {
		if epoch >= len(weights) {
			return 0, false
		}
		w := weights[epoch]
		a, b := w[control], w[treatment]
		return a / (a + b), a+b > 0
	}
	kind := Mean
	if m.Aggregate == AnyEvent && !m.formed() {
		kind = Proportion
	}
	first := map[int]int{} // of the epochs with the same ratio of weights
	var firsts []int
	epochs := map[int]bool{}
	for _, s := range members {
		epochs[s.epoch] = true
	}
	for _, epoch := range slices.Sorted(maps.Keys(epochs)) {
		first[epoch] = epoch
		q, ok := ratio(epoch)
		for _, f := range firsts {
			if p, known := ratio(f); ok && known && math.Abs(p-q) <= 1e-12 {
				first[epoch] = f
			}
		}
		if first[epoch] == epoch {
			firsts = append(firsts, epoch)
		}
	}
	type key struct {
		epoch int
		name  string
	}
	byKey := map[key]*stratum{}
	var strata []*stratum
	for _, s := range members {
		at := key{epoch: first[s.epoch]}
		if o.Stratum != nil {
			at.name = o.Stratum(s.user)
		}
		if byKey[at] == nil {
			n := &stratum{epoch: at.epoch, name: at.name, kind: kind}
			for i := range n.arms {
				n.arms[i].covariates = make([][]float64, len(j.covariates))
			}
			strata = append(strata, n)
			byKey[at] = n
		}
		i := 0
		if s.arm == treatment {
			i = 1
		}
		k := &byKey[at].arms[i]
		k.users = append(k.users, s.user)
		k.values = append(k.values, j.value(s))
		if m.Per != "" {
			k.per = append(k.per, j.denominator(s))
		}
		for l := range k.covariates {
			x := math.NaN() // for now: not known
			if !o.Covariates[l].Unknown || j.known(s, l) {
				x = j.covariate(s, l)
			}
			k.covariates[l] = append(k.covariates[l], x)
		}
		k.units = append(k.units, s.unit)
		k.grouped = append(k.grouped, s.hasUnit)
	}
	slices.SortFunc(strata, func(a, b *stratum) int {
		return cmp.Or(cmp.Compare(a.epoch, b.epoch), ids.Compare(a.name, b.name))
	})
	return strata
}

// impute gives users whose covariate is not known the mean of the others, and
// adds an indicator of being known. It returns how many were not.
func impute(used []*stratum, o TestOptions) (unknown int) {
	for l, c := range o.Covariates {
		if !c.Unknown {
			continue
		}
		var known Moments
		for _, s := range used {
			for i := range s.arms {
				for _, x := range s.arms[i].covariates[l] {
					if !math.IsNaN(x) {
						known.Add(x)
					}
				}
			}
		}
		mean := 0.0
		if known.n > 0 {
			mean = known.Mean()
		}
		for _, s := range used {
			for i := range s.arms {
				k := &s.arms[i]
				has := make([]float64, len(k.values))
				for u, x := range k.covariates[l] {
					if has[u] = 1; math.IsNaN(x) {
						has[u], k.covariates[l][u] = 0, mean
						unknown++
					}
				}
				k.covariates = append(k.covariates, has)
			}
		}
	}
	return unknown
}

// fromStrata post-stratifies: each stratum's means weigh as many users as it
// has, and variances add up with the squares of the weights. Covariates are
// taken out with one θ for all.
func (c *Comparison) fromStrata(all []*stratum, m Metric, o TestOptions) error {
	used, total := c.largeEnough(all)
	if len(used) == 0 {
		return &ValueError{"Compare", "users in", fmt.Sprintf("%s and %s", c.Control.Arm, c.Treatment.Arm), ErrTooFew}
	}
	clustered := false
	for _, s := range used {
		clustered = clustered || s.arms[0].clustered() || s.arms[1].clustered()
	}
	var skew [2]skewness
	c.capped(used, m)
	for _, s := range used {
		for i := range s.arms {
			skew[i].add(s.arms[i].values)
		}
	}
	if err := c.reshape(used, m); err != nil {
		return err
	}
	if n := impute(used, o); n > 0 {
		c.Adjustments = append(c.Adjustments, fmt.Sprintf("%d covariates not known, taken as the mean of those that are, with an indicator", n))
	}
	if o.Regression {
		before := c.Method
		units, err := c.regress(used, total, clustered, o)
		if err != nil {
			return err
		}
		c.Method = strings.Replace(before, "Welch's t", c.Method, 1)
		c.describe(all, used, total, clustered, units)
		c.warnShape(m, skew)
		return nil
	}
	theta, shift, err := pooledTheta(used)
	if err != nil {
		return err
	}
	c.Theta = theta
	name := func(i int) string { return fmt.Sprintf("arm %q", [2]string{c.Control.Arm, c.Treatment.Arm}[i]) }
	var e adjustedArms
	arms := [2]*armEstimate{&e.a, &e.b}
	for _, s := range used {
		w := float64(s.n()) / float64(total)
		for i := range arms {
			m, err := s.arms[i].moments("Compare", name(i), s.kind)
			if err != nil {
				return err
			}
			arms[i].unadjusted += w * m.mean
			arms[i].n += m.n
		}
	}
	// The relative effect's variance, times the square of the control mean, is
	// that of treatment values and of control values with the outcome scaled.
	k := 0.0
	if e.a.unadjusted != 0 {
		k = e.b.unadjusted / e.a.unadjusted
	}
	units := 0
	for _, s := range used {
		w := float64(s.n()) / float64(total)
		for i := range arms {
			x, err := s.arms[i].less(theta, 1).estimate("Compare", name(i), s.kindWith(theta), clustered)
			if err != nil {
				return err
			}
			units += x.units
			arms[i].mean += w * x.mean
			arms[i].v += w * w * x.v
			arms[i].satter = math.Hypot(arms[i].satter, w*w*x.satter)
			if len(used) == 1 {
				arms[i].sd = x.sd
			}
			if i == 1 {
				e.relative += w * w * x.v
			} else if scaled, err := s.arms[0].less(theta, k).estimate("Compare", name(i), Mean, clustered); err != nil {
				return err
			} else if theta == nil {
				e.relative += w * w * x.v * k * k
			} else {
				e.relative += w * w * scaled.v
			}
			if theta != nil {
				plain, err := s.arms[i].estimate("Compare", name(i), s.kind, clustered)
				if err != nil {
					return err
				}
				e.plain += w * w * plain.v
			}
		}
	}
	c.describe(all, used, total, clustered, units)
	if theta == nil {
		err = c.finishRelative(e.a, e.b, e.relative, o)
	} else {
		c.Method += ", CUPED"
		err = c.finishAdjusted(e, shift, o)
	}
	if err != nil {
		return err
	}
	c.warnShape(m, skew)
	return nil
}

// warnShape warns of skew where it is means that are compared.
func (c *Comparison) warnShape(m Metric, skew [2]skewness) {
	if m.Trim == 0 && m.Quantile == 0 {
		c.warnSkew(max(skew[0].value(), skew[1].value()), min(c.Control.N, c.Treatment.N))
	}
}

// largeEnough returns the strata that can be compared and their users.
func (c *Comparison) largeEnough(all []*stratum) (used []*stratum, total int) {
	for _, s := range all {
		a, b := len(s.arms[0].values), len(s.arms[1].values)
		if len(all) > 1 && min(a, b) < 2 {
			c.Population.LeftOut += a + b
			c.Warnings = append(c.Warnings, fmt.Errorf("experiment: %w: %s has %d and %d users", ErrStratum, s, a, b))
			continue
		}
		used = append(used, s)
		total += a + b
	}
	return used, total
}

func (c *Comparison) describe(all, used []*stratum, total int, clustered bool, units int) {
	if len(all) > 1 {
		parts := make([]string, len(used))
		for i, s := range used {
			parts[i] = fmt.Sprintf("%s of weight %.4g", s, float64(s.n())/float64(total))
		}
		by := "epoch"
		for _, s := range all {
			if s.name != "" {
				by = "stratum"
			}
		}
		c.Method += ", stratified by " + by
		c.Adjustments = append(c.Adjustments, fmt.Sprintf("stratified by %s: %s", by, strings.Join(parts, ", ")))
	}
	if clustered {
		c.Method += ", clustered by unit"
		c.Adjustments = append(c.Adjustments, fmt.Sprintf("variance of %d units for %d users", units, total))
	}
}

// pooledTheta returns the coefficients of the covariates over all users, nil
// without covariates, and what they say of the pooled mean.
func pooledTheta(used []*stratum) (theta []float64, shift float64, err error) {
	k := len(used[0].arms[0].covariates)
	if k == 0 {
		return nil, 0, nil
	}
	j, err := NewJoint(make([]Kind, k+1)...)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range used {
		for i := range s.arms {
			j.AddAll(slices.Concat([][]float64{s.arms[i].values}, s.arms[i].covariates)...)
		}
	}
	if j.err != nil {
		return nil, 0, j.err
	}
	j.settle()
	theta = j.leastSquares()
	for i, t := range theta {
		shift += t * j.Mean(i+1)
	}
	return theta, shift, nil
}

func (s *stratum) kindWith(theta []float64) Kind {
	if theta != nil {
		return Mean
	}
	return s.kind
}

// less returns the cell with k times the values less θ times the covariates.
func (k *cell) less(theta []float64, factor float64) *cell {
	if theta == nil && factor == 1 {
		return k
	}
	out := &cell{units: k.units, grouped: k.grouped, df: k.df, values: make([]float64, len(k.values))}
	for i, y := range k.values {
		y *= factor
		for l, t := range theta {
			y -= float64(t * k.covariates[l][i])
		}
		out.values[i] = y
	}
	return out
}

func (k *cell) moments(fn, arm string, kind Kind) (armEstimate, error) {
	m := Moments{Kind: kind}
	m.AddAll(k.values)
	return m.estimate(fn, arm)
}

// estimated is an estimate and the number of units behind it.
type estimated struct {
	armEstimate
	units int
}

func (k *cell) estimate(fn, arm string, kind Kind, clustered bool) (estimated, error) {
	e, err := k.moments(fn, arm, kind)
	if k.df > 0 {
		e.satter = e.v / math.Sqrt(float64(k.df))
	}
	if err != nil || !clustered {
		return estimated{e, len(k.values)}, err
	}
	v, units := k.clusterVariance(e.mean)
	if units < 2 {
		return estimated{}, &ValueError{fn, arm + " with units", units, ErrTooFew}
	}
	e.v, e.satter = v, v/math.Sqrt(float64(units-1))
	return estimated{e, units}, nil
}

// clustered tells whether a unit covers several users.
func (k *cell) clustered() bool {
	seen := map[uint32]bool{}
	for i, u := range k.units {
		if k.grouped[i] {
			if seen[u] {
				return true
			}
			seen[u] = true
		}
	}
	return false
}

// clusterVariance returns the variance of the mean when units, not users, are
// independent: of the ratio of the units' sums to their sizes, by the delta
// method with the divisor k − 1. Users without a unit are one each.
func (k *cell) clusterVariance(mean float64) (v float64, clusters int) {
	place := map[uint32]int{}
	var sums, sizes []float64
	for i, x := range k.values {
		at, ok := place[k.units[i]]
		if !ok || !k.grouped[i] {
			at = len(sums)
			sums, sizes = append(sums, 0), append(sizes, 0)
			if k.grouped[i] {
				place[k.units[i]] = at
			}
		}
		sums[at] += x
		sizes[at]++
	}
	n := float64(len(k.values))
	var q stats.Sum
	for i, s := range sums {
		d := s - mean*sizes[i]
		q.AddProduct(d, d)
	}
	clusters = len(sums)
	f := float64(clusters)
	return q.Value() * f / (f - 1) / (n * n), clusters
}

// skewness pools the third central moments of the strata of an arm, in units of
// the largest deviation: cubes of others leave the range of numbers.
type skewness struct{ n, unit, m2, m3 float64 }

func (s *skewness) add(values []float64) {
	mean := 0.0
	for _, x := range values {
		mean += x
	}
	mean /= float64(len(values))
	unit := s.unit
	for _, x := range values {
		unit = max(unit, math.Abs(x-mean))
	}
	if s.unit < unit {
		f := s.unit / unit
		s.unit, s.m2, s.m3 = unit, s.m2*f*f, s.m3*f*f*f
	}
	for _, x := range values {
		d := (x - mean) / max(s.unit, math.SmallestNonzeroFloat64)
		s.m2 += d * d
		s.m3 += d * d * d
	}
	s.n += float64(len(values))
}

func (s *skewness) value() float64 {
	if !(s.m2 > 0) {
		return 0
	}
	return math.Abs(s.m3 / s.n / math.Pow(s.m2/s.n, 1.5))
}
