package experiment

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
)

// Compare estimates what the treatment did to a metric, against the control,
// by Welch's test on one value per user.
//
// A user belongs to the arm, epoch and unit of the first exposure, by time,
// then arm. Outcomes count from that instant until the metric's window ends;
// users whose window is open at TestOptions.AsOf are left out, and so are users
// seen in several arms, with a warning above 0.5 %. Where the two arms' shares
// differ between epochs, or are not known, effects are estimated within each
// epoch and weighted by its users: pooling a 90/10 epoch with a 50/50 one would
// compare early users with late ones. Where a unit covers several users the
// variance is that of units (delta method on the units' sums).
//
// A metric nobody knows is [ErrMetric], an arm nobody saw is [ErrArm]. Too few
// users to compare are [ErrTooFew].
func (r *Readout) Compare(metric, control, treatment string, opts *TestOptions) (Comparison, error) {
	o, err := opts.resolve("Compare")
	if err != nil {
		return Comparison{}, err
	}
	m, err := r.metric(metric)
	if err != nil {
		return Comparison{}, err
	}
	if control == treatment {
		return Comparison{}, &OptionError{"Compare", "treatment", treatment, "want another arm than the control"}
	}
	j := r.join(&m, o.AsOf)
	if err := r.known(j, control, treatment); err != nil {
		return Comparison{}, err
	}
	c := Comparison{Metric: metric, Method: "Welch's t"}
	c.Control.Arm, c.Treatment.Arm = control, treatment
	members := c.admit(j, m, o)
	cells := newCells(r.set.weights, j, members, control, treatment, m)
	if err := c.fromCells(cells, o); err != nil {
		return Comparison{}, err
	}
	if err := c.checkRatio(r, j, o); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

// metric returns the declared metric, or one that was only recorded.
func (r *Readout) metric(name string) (Metric, error) {
	for _, m := range r.set.metrics {
		if m.Name == name {
			return m, nil
		}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if _, ok := r.names.sources.Lookup(recorded(name)); !ok {
		known := make([]string, len(r.set.metrics))
		for i, m := range r.set.metrics {
			known[i] = m.Name
		}
		return Metric{}, fmt.Errorf("experiment: Compare: %w: %q, declared are %q", ErrMetric, name, known)
	}
	return Metric{Name: name, Aggregate: SumValues}, nil
}

// known refuses arms that were neither seen nor given weights.
func (r *Readout) known(j joined, arms ...string) error {
	seen := map[string]bool{}
	for _, s := range j.subjects {
		seen[s.arm] = true
	}
	for _, w := range r.set.weights {
		for arm := range w {
			seen[arm] = true
		}
	}
	for _, a := range arms {
		if !seen[a] {
			return fmt.Errorf("experiment: Compare: %w: %q, seen are %q", ErrArm, a, slices.SortedFunc(maps.Keys(seen), ids.Compare))
		}
	}
	return nil
}

// admit returns the subjects of the two arms that stay in, and counts those
// that do not.
func (c *Comparison) admit(j joined, m Metric, o TestOptions) []subject {
	var in []subject
	for _, s := range j.subjects {
		if s.arm != c.Control.Arm && s.arm != c.Treatment.Arm {
			continue
		}
		c.Population.Exposed++
		if s.crossed {
			c.Population.Crossovers++
			if !o.FirstArm {
				continue
			}
		}
		if m.Window > 0 && s.at.add(m.Window).compare(j.asOf) > 0 {
			c.Population.Immature++
			if !o.Open {
				continue
			}
		}
		in = append(in, s)
	}
	p := c.Population
	if p.Crossovers > 0 {
		what := "left out"
		if o.FirstArm {
			what = "kept in their first arm"
		}
		c.Adjustments = append(c.Adjustments, fmt.Sprintf("%d users seen in several arms %s", p.Crossovers, what))
		if share := float64(p.Crossovers) / float64(p.Exposed); share > .005 {
			c.Warnings = append(c.Warnings, fmt.Errorf("experiment: %w: %d of %d exposed, %.2f %%", ErrCrossover, p.Crossovers, p.Exposed, 100*share))
		}
	}
	if p.Immature > 0 && !o.Open {
		c.Adjustments = append(c.Adjustments, fmt.Sprintf("%d users left out whose window of %v is open on %s", p.Immature, m.Window, j.asOf.time().Format("2006-01-02 15:04")))
	}
	return in
}

// cell is one arm in one stratum.
type cell struct {
	moments Moments
	values  []float64 // by ascending user
	units   []uint32  // of the values; parallel to them
	grouped []bool    // whether the value has a unit
}

// stratum is a set of epochs with the same allocation.
type stratum struct {
	epoch int // the first
	arms  [2]cell
}

// newCells distributes the values over strata and arms. Epochs in which the
// two arms have the same ratio of weights share a stratum; an epoch of unknown
// weights stands alone.
func newCells(weights []map[string]float64, j joined, members []subject, control, treatment string, m Metric) []*stratum {
	ratio := func(epoch int) (float64, bool) {
		if epoch >= len(weights) {
			return 0, false
		}
		w := weights[epoch]
		a, b := w[control], w[treatment]
		return a / (a + b), a+b > 0
	}
	kind := Mean
	if m.Aggregate == AnyEvent {
		kind = Proportion
	}
	byEpoch := map[int]*stratum{}
	var strata []*stratum
	epochs := map[int]bool{}
	for _, s := range members {
		epochs[s.epoch] = true
	}
	for _, epoch := range slices.Sorted(maps.Keys(epochs)) {
		q, ok := ratio(epoch)
		for _, s := range strata {
			if p, known := ratio(s.epoch); ok && known && math.Abs(p-q) <= 1e-12 {
				byEpoch[epoch] = s
			}
		}
		if byEpoch[epoch] == nil {
			s := &stratum{epoch: epoch}
			s.arms[0].moments.Kind, s.arms[1].moments.Kind = kind, kind
			strata = append(strata, s)
			byEpoch[epoch] = s
		}
	}
	for _, s := range members {
		i := 0
		if s.arm == treatment {
			i = 1
		}
		k := &byEpoch[s.epoch].arms[i]
		x := j.value(s, m.Aggregate)
		k.moments.Add(x)
		k.values = append(k.values, x)
		k.units = append(k.units, s.unit)
		k.grouped = append(k.grouped, s.hasUnit)
	}
	return strata
}

// fromCells post-stratifies: each stratum's means weigh as many users as it
// has, and variances add up with the squares of the weights.
func (c *Comparison) fromCells(strata []*stratum, o TestOptions) error {
	var used []*stratum
	total, clustered := int64(0), false
	for _, s := range strata {
		n := s.arms[0].moments.n + s.arms[1].moments.n
		if len(strata) > 1 && min(s.arms[0].moments.n, s.arms[1].moments.n) < 2 {
			c.Population.LeftOut += int(n)
			c.Warnings = append(c.Warnings, fmt.Errorf("experiment: %w: epoch %d has %d and %d users", ErrStratum, s.epoch, s.arms[0].moments.n, s.arms[1].moments.n))
			continue
		}
		used = append(used, s)
		total += n
		clustered = clustered || s.arms[0].clustered() || s.arms[1].clustered()
	}
	var arms [2]armEstimate
	var skew [2]skewness
	units := 0
	for _, s := range used {
		w := float64(s.arms[0].moments.n+s.arms[1].moments.n) / float64(total)
		for i := range arms {
			name := c.Control.Arm
			if i == 1 {
				name = c.Treatment.Arm
			}
			e, err := s.arms[i].moments.estimate("Compare", fmt.Sprintf("arm %q", name))
			if err != nil {
				return err
			}
			df := float64(e.n - 1)
			if clustered {
				var k int
				if e.v, k = s.arms[i].clusterVariance(); k < 2 {
					return &ValueError{"Compare", fmt.Sprintf("arm %q with units", name), k, ErrTooFew}
				}
				df = float64(k - 1)
				units += k
			}
			arms[i].n += e.n
			arms[i].mean += w * e.mean
			arms[i].unadjusted = arms[i].mean
			arms[i].v += w * w * e.v
			arms[i].satter += math.Pow(w, 4) * e.v * e.v / df
			if len(used) == 1 {
				arms[i].sd = e.sd
			}
			skew[i].add(s.arms[i].values, e.mean)
		}
	}
	if len(used) == 0 {
		return &ValueError{"Compare", "users in", fmt.Sprintf("%s and %s", c.Control.Arm, c.Treatment.Arm), ErrTooFew}
	}
	if len(strata) > 1 {
		parts := make([]string, len(used))
		for i, s := range used {
			n := s.arms[0].moments.n + s.arms[1].moments.n
			parts[i] = fmt.Sprintf("epoch %d of weight %.4g", s.epoch, float64(n)/float64(total))
		}
		c.Method += ", stratified by epoch"
		c.Adjustments = append(c.Adjustments, fmt.Sprintf("stratified by allocation: %s", strings.Join(parts, ", ")))
	}
	if clustered {
		c.Method += ", clustered by unit"
		c.Adjustments = append(c.Adjustments, fmt.Sprintf("variance of %d units for %d users", units, total))
	}
	if err := c.finish(arms[0], arms[1], o); err != nil {
		return err
	}
	c.warnSkew(max(skew[0].value(), skew[1].value()), min(arms[0].n, arms[1].n))
	return nil
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
func (k *cell) clusterVariance() (v float64, clusters int) {
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
	mean, n := k.moments.Mean(), float64(k.moments.n)
	var q stats.Sum
	for i, s := range sums {
		d := s - mean*sizes[i]
		q.AddProduct(d, d)
	}
	clusters = len(sums)
	f := float64(clusters)
	return q.Value() * f / (f - 1) / (n * n), clusters
}

// skewness pools the third central moments of the strata of an arm.
type skewness struct{ n, m2, m3 float64 }

func (s *skewness) add(values []float64, mean float64) {
	for _, x := range values {
		d := x - mean
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

// checkRatio warns of a sample ratio mismatch where the weights are known.
func (c *Comparison) checkRatio(r *Readout, j joined, o TestOptions) error {
	if len(r.set.weights) == 0 {
		return nil
	}
	s, err := r.ratio(j, o)
	if err != nil && !errors.Is(err, ErrTooFew) {
		return err
	}
	c.Warnings = append(c.Warnings, s.Warnings...)
	if err == nil && s.Mismatch() {
		c.Warnings = append(c.Warnings, fmt.Errorf("experiment: %w: p %.3g, %d users against %.1f expected, of arms %q", ErrSampleRatio, s.P, s.Counts, s.Expected, s.Arms))
	}
	return nil
}

// SRM tests whether the arms were filled in the ratio of their weights: each
// user, in the arm of the first exposure, is expected by the weights of the
// epoch of that exposure. Users seen in several arms are left out as in
// [Readout.Compare]. Without ReadoutOptions.Weights all arms seen are taken to
// have equal weights.
func (r *Readout) SRM(opts *TestOptions) (SampleRatio, error) {
	o, err := opts.resolve("SRM")
	if err != nil {
		return SampleRatio{}, err
	}
	return r.ratio(r.join(nil, o.AsOf), o)
}

func (r *Readout) ratio(j joined, o TestOptions) (SampleRatio, error) {
	counts := map[string]int{}
	epochs := map[int]int{}
	unknown := 0
	for _, w := range r.set.weights {
		for arm := range w {
			counts[arm] = 0
		}
	}
	for _, s := range j.subjects {
		if s.crossed && !o.FirstArm {
			continue
		}
		if len(r.set.weights) > 0 && s.epoch >= len(r.set.weights) {
			unknown++
			continue
		}
		counts[s.arm]++
		epochs[s.epoch]++
	}
	arms := slices.SortedFunc(maps.Keys(counts), ids.Compare)
	n := make([]int, len(arms))
	expected := make([]float64, len(arms))
	for i, a := range arms {
		n[i] = counts[a]
	}
	for _, epoch := range slices.Sorted(maps.Keys(epochs)) {
		total := 0.0
		for _, a := range arms {
			total += r.weight(epoch, a)
		}
		for i, a := range arms {
			expected[i] += float64(epochs[epoch]) * (r.weight(epoch, a) / total)
		}
	}
	s, err := sampleRatio(arms, n, expected)
	if unknown > 0 {
		s.Warnings = append(s.Warnings, fmt.Errorf("experiment: %w: %d users were first exposed in epochs beyond %d", ErrWeights, unknown, len(r.set.weights)-1))
	}
	return s, err
}

func (r *Readout) weight(epoch int, arm string) float64 {
	if len(r.set.weights) == 0 {
		return 1
	}
	return r.set.weights[epoch][arm]
}
