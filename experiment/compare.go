package experiment

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/zhun-go/zhun/internal/ids"
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
// A metric nobody knows is [ErrMetric], an arm that nobody saw and that has no
// weight is [ErrArm]. Too few users to compare are [ErrTooFew].
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
	c, j, strata, err := r.strata(m, control, treatment, o)
	if err != nil {
		return Comparison{}, err
	}
	if err := c.fromStrata(strata, m, o); err != nil {
		return Comparison{}, err
	}
	if err := c.checkRatio(r, j, o); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

// strata joins what a comparison of a metric needs, and says who is left out.
func (r *Readout) strata(m Metric, control, treatment string, o TestOptions) (c Comparison, j joined, all []*stratum, err error) {
	covariates := make([]Metric, len(o.Covariates))
	for i, v := range o.Covariates {
		if covariates[i], err = r.metric(or(v.Metric, m.Name)); err != nil {
			return c, j, nil, err
		}
		covariates[i].Window = v.Before
	}
	var per *Metric
	if m.Per != "" {
		p, err := r.metric(m.Per)
		if err != nil {
			return c, j, nil, err
		}
		p.Window = m.Window
		per = &p
	}
	j = r.join(&m, per, covariates, o.AsOf)
	if err := r.known(j, control, treatment); err != nil {
		return c, j, nil, err
	}
	c = Comparison{Metric: m.Name, Method: "Welch's t"}
	c.Control.Arm, c.Treatment.Arm = control, treatment
	members := c.admit(j, m, o)
	return c, j, newStrata(r.set.weights, j, members, control, treatment, m, o), nil
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
		if s.arm != c.Control.Arm && s.arm != c.Treatment.Arm || o.Within != nil && !o.Within(s.user) {
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
// epoch of that exposure, and users in an arm that had no weight in their epoch
// are a certain mismatch. Where epochs differ in their weights the chi-square is
// (O − E)ᵀ·V⁻·(O − E), V being the sum of the epochs' multinomial covariances: of
// one epoch it is Pearson's, which of several would be too small. Users seen in
// several arms are left out as in [Readout.Compare]. Without
// ReadoutOptions.Weights all arms seen are taken to have equal weights. With
// TestOptions.Sequential the test is that of [SequentialSRM], of the counts and
// the expected ones over all epochs.
func (r *Readout) SRM(opts *TestOptions) (SampleRatio, error) {
	o, err := opts.resolve("SRM")
	if err != nil {
		return SampleRatio{}, err
	}
	return r.ratio(r.join(nil, nil, nil, o.AsOf), o)
}

func (r *Readout) ratio(j joined, o TestOptions) (SampleRatio, error) {
	counts := map[string]int{}
	epochs := map[int]int{}
	unknown, misplaced := 0, 0
	for _, w := range r.set.weights {
		for arm := range w {
			counts[arm] = 0
		}
	}
	for _, s := range j.subjects {
		if s.crossed && !o.FirstArm || o.Within != nil && !o.Within(s.user) {
			continue
		}
		if len(r.set.weights) > 0 && s.epoch >= len(r.set.weights) {
			unknown++
			continue
		}
		counts[s.arm]++
		epochs[s.epoch]++
		if r.weight(s.epoch, s.arm) == 0 {
			misplaced++
		}
	}
	arms := slices.SortedFunc(maps.Keys(counts), ids.Compare)
	n := make([]int, len(arms))
	expected := make([]float64, len(arms))
	for i, a := range arms {
		n[i] = counts[a]
	}
	var parts [][]float64 // expected in each epoch
	for _, epoch := range slices.Sorted(maps.Keys(epochs)) {
		total := 0.0
		for _, a := range arms {
			total += r.weight(epoch, a)
		}
		part := make([]float64, len(arms))
		for i, a := range arms {
			part[i] = float64(epochs[epoch]) * (r.weight(epoch, a) / total)
			expected[i] += part[i]
		}
		parts = append(parts, part)
	}
	s, err := sampleRatio(arms, n, expected)
	if err == nil {
		s.overEpochs(parts, misplaced)
		if o.Sequential > 0 {
			s = s.sequential(defaultConcentration)
		}
	}
	if unknown > 0 {
		s.Warnings = append(s.Warnings, fmt.Errorf("experiment: %w: %d users were first exposed in epochs beyond %d", ErrWeights, unknown, len(r.set.weights)-1))
	}
	return s, err
}

// SampleRatios is SRM within each segment of users, ordered by name: a browser
// that loses one arm shows there before it shows in the whole. Adjusted holds
// the p-values corrected for the number of segments, by Holm's method.
func (r *Readout) SampleRatios(segment func(user uint32) string, opts *TestOptions) ([]SampleRatio, error) {
	o, err := opts.resolve("SampleRatios")
	if err != nil {
		return nil, err
	}
	if segment == nil {
		return nil, &OptionError{"SampleRatios", "segment", "nil", "want a function"}
	}
	all := r.join(nil, nil, nil, o.AsOf)
	parts := map[string][]subject{}
	for _, s := range all.subjects {
		if o.Within == nil || o.Within(s.user) {
			name := segment(s.user)
			parts[name] = append(parts[name], s)
		}
	}
	var out []SampleRatio
	var p []float64
	for _, name := range slices.SortedFunc(maps.Keys(parts), ids.Compare) {
		s, err := r.ratio(joined{subjects: parts[name], asOf: all.asOf}, o)
		if errors.Is(err, ErrTooFew) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.Segment = name
		out, p = append(out, s), append(p, s.P)
	}
	adjusted, err := Adjust(p, Holm)
	for i, x := range adjusted {
		out[i].Adjusted = x
	}
	return out, err
}

func (r *Readout) weight(epoch int, arm string) float64 {
	if len(r.set.weights) == 0 {
		return 1
	}
	return r.set.weights[epoch][arm]
}
