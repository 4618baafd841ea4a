package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Balance is the result of [Readout.Balance]. Immutable; safe for concurrent
// use.
type Balance struct {
	// Comparisons of the covariates, in their order; Adjusted are the p-values
	// corrected for each other (Holm).
	Comparisons []Comparison
	Adjusted    []float64
	// P is the least adjusted p-value: of no covariate differing. 1 without any.
	P float64
	// Warnings tell of covariates that could not be compared.
	Warnings []error
}

// Biased tells whether the p-value is below 0.001: the arms were different
// before anyone saw anything, and an effect would be theirs too.
func (b Balance) Biased() bool { return b.P < .001 }

// String prints a line for each covariate.
func (b Balance) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "before exposure: p %.3g", b.P)
	for i, c := range b.Comparisons {
		fmt.Fprintf(&s, "\n  %s: %+.4g [%+.4g, %+.4g], p %.3g, adjusted %.3g", c.Metric, c.Absolute.Value, c.Absolute.Lo, c.Absolute.Hi, c.P, b.Adjusted[i])
	}
	for _, w := range b.Warnings {
		fmt.Fprintf(&s, "\n  warning: %s", strings.TrimPrefix(w.Error(), "experiment: "))
	}
	return s.String()
}

// Balance compares two arms before the exposure, where the treatment cannot
// have done anything: the covariates of the options, by default every declared
// metric that is a plain value, over all time before the exposure. A difference
// is the mark of a broken assignment, of an earlier experiment that is carried
// over, or of exposures that are logged differently by arm.
func (r *Readout) Balance(control, treatment string, opts *TestOptions) (Balance, error) {
	o, err := opts.resolve("Balance")
	if err != nil {
		return Balance{}, err
	}
	if len(o.Covariates) == 0 {
		for _, m := range r.set.metrics {
			if !m.formed() {
				o.Covariates = append(o.Covariates, Covariate{Metric: m.Name})
			}
		}
	}
	for i, v := range o.Covariates {
		if v.Metric == "" {
			return Balance{}, &OptionError{"Balance", fmt.Sprintf("Covariates[%d].Metric", i), v.Metric, "want the name of a metric"}
		}
	}
	base, j, all, err := r.strata(Metric{Aggregate: SumValues}, control, treatment, o)
	if err != nil {
		return Balance{}, err
	}
	out := Balance{P: 1}
	var p []float64
	plain := o
	plain.Covariates = nil
	for l, v := range o.Covariates {
		c := base
		c.Metric = v.Metric + " before"
		kind := Mean
		if j.covariates[l] == AnyEvent {
			kind = Proportion
		}
		strata := remake(all, kind, func(k *cell, u int) (float64, bool) { x := k.covariates[l][u]; return x, !math.IsNaN(x) })
		if err := c.fromStrata(strata, Metric{}, plain); errors.Is(err, ErrTooFew) || errors.Is(err, ErrZero) {
			out.Warnings = append(out.Warnings, fmt.Errorf("%s: %w", c.Metric, err))
			continue
		} else if err != nil {
			return Balance{}, err
		}
		out.Comparisons, p = append(out.Comparisons, c), append(p, c.P)
	}
	if out.Adjusted, err = Adjust(p, Holm); err != nil {
		return Balance{}, err
	}
	for _, x := range out.Adjusted {
		out.P = min(out.P, x)
	}
	return out, nil
}

// remake returns strata of the same users with other values, without those
// that have none.
func remake(all []*stratum, kind Kind, value func(k *cell, u int) (float64, bool)) []*stratum {
	var out []*stratum
	for _, s := range all {
		n := &stratum{epoch: s.epoch, name: s.name, kind: kind}
		for i := range s.arms {
			from, to := &s.arms[i], &n.arms[i]
			for u := range from.users {
				if x, ok := value(from, u); ok {
					to.users, to.values = append(to.users, from.users[u]), append(to.values, x)
					to.units, to.grouped = append(to.units, from.units[u]), append(to.grouped, from.grouped[u])
				}
			}
		}
		out = append(out, n)
	}
	return out
}

// Novelty is the result of [Readout.Novelty].
type Novelty struct {
	Slice  time.Duration
	Slices []Comparison // of each slice of time since the exposure
	// Slope is by how much the effect grows from one slice to the next, by
	// least squares over each user's slices: its p-value knows that the slices
	// are of the same users. Negative for an effect that wears off.
	Slope Comparison
}

// String prints the effect of each slice and the slope.
func (n Novelty) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "effect by time since exposure: %+.4g per %v, p %.3g", n.Slope.Absolute.Value, n.Slice, n.Slope.P)
	for i, c := range n.Slices {
		fmt.Fprintf(&b, "\n  from %v: %+.4g [%+.4g, %+.4g]", time.Duration(i)*n.Slice, c.Absolute.Value, c.Absolute.Lo, c.Absolute.Hi)
	}
	return b.String()
}

// Novelty tells whether an effect wears off, or grows with use: it compares
// the arms in each of several slices of time since the users' first exposure,
// and tests the slope. Only users who were exposed long enough for all slices
// count, so that every slice is of the same users (unless TestOptions.Open).
// The metric must be a plain value; its own window and the covariates of the
// options are of no account.
func (r *Readout) Novelty(metric, control, treatment string, slice time.Duration, slices int, opts *TestOptions) (Novelty, error) {
	const fn = "Novelty"
	o, err := opts.resolve(fn)
	if err != nil {
		return Novelty{}, err
	}
	m, err := r.metric(metric)
	if err != nil {
		return Novelty{}, err
	}
	switch {
	case m.formed():
		return Novelty{}, &OptionError{fn, "metric", metric, "want one that is a plain value"}
	case slices < 2 || slices > 1000:
		return Novelty{}, &OptionError{fn, "slices", slices, "want 2 to 1000"}
	case slice < time.Second || slice > math.MaxInt64/time.Duration(slices):
		return Novelty{}, &OptionError{fn, "slice", slice, "want at least a second, and no longer than years"}
	}
	o.Covariates = nil
	m.Window, m.slice = time.Duration(slices)*slice, slice
	base, j, all, err := r.strata(m, control, treatment, o)
	if err != nil {
		return Novelty{}, err
	}
	subjects := make(map[uint32]subject, len(j.subjects))
	for _, s := range j.subjects {
		subjects[s.user] = s
	}
	value := func(k *cell, u, at int) float64 {
		return j.aggregated(subjects[k.users[u]], int32(firstSlice-at), m.Aggregate)
	}
	out := Novelty{Slice: slice}
	kind := kindOf(all)
	for at := range slices {
		c := base
		if err := c.fromStrata(remake(all, kind, func(k *cell, u int) (float64, bool) { return value(k, u, at), true }), Metric{}, o); err != nil {
			return Novelty{}, err
		}
		out.Slices = append(out.Slices, c)
	}
	middle, f := float64(slices-1)/2, float64(slices)
	squares := f * (f*f - 1) / 12
	slope := func(k *cell, u int) (float64, bool) {
		x := 0.0
		for at := range slices {
			x += (float64(at) - middle) * value(k, u, at)
		}
		return x / squares, true
	}
	out.Slope = base
	out.Slope.Metric = metric + ", change per slice"
	if err := out.Slope.fromStrata(remake(all, Mean, slope), Metric{}, o); err != nil {
		return Novelty{}, err
	}
	return out, nil
}

// kindOf is the kind of the values of strata.
func kindOf(all []*stratum) Kind {
	if len(all) == 0 {
		return Mean
	}
	return all[0].kind
}

// Influence is the result of [Readout.Influence].
type Influence struct {
	Comparison Comparison    // of all users
	Without    Comparison    // of all but those in Users
	Users      []Influential // who move the effect most, most first
}

// Influential is a user whose value moves an effect.
type Influential struct {
	User  uint32
	Arm   string
	Value float64
	Shift float64 // of the absolute effect, by the user being there
}

// String prints the effect with and without the users, and the users.
func (f Influence) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "effect %+.4g, without %d users %+.4g", f.Comparison.Absolute.Value, len(f.Users), f.Without.Absolute.Value)
	for _, u := range f.Users {
		fmt.Fprintf(&b, "\n  user %d in %s, value %.6g: %+.4g", u.User, u.Arm, u.Value, u.Shift)
	}
	return b.String()
}

// Influence finds the users who move the effect on a plain metric most, at
// most n of them, and compares without them: an effect that hangs on one user
// is none. With several strata a user's shift is that of the stratum's effect
// times its weight.
func (r *Readout) Influence(metric, control, treatment string, n int, opts *TestOptions) (Influence, error) {
	const fn = "Influence"
	o, err := opts.resolve(fn)
	if err != nil {
		return Influence{}, err
	}
	m, err := r.metric(metric)
	if err != nil {
		return Influence{}, err
	}
	if m.formed() {
		return Influence{}, &OptionError{fn, "metric", metric, "want one that is a plain value"}
	}
	if n < 1 {
		return Influence{}, &OptionError{fn, "n", n, "want at least 1"}
	}
	var out Influence
	if out.Comparison, err = r.Compare(metric, control, treatment, &o); err != nil {
		return Influence{}, err
	}
	base, _, all, err := r.strata(m, control, treatment, o)
	if err != nil {
		return Influence{}, err
	}
	used, total := base.largeEnough(all)
	for _, s := range used {
		w := float64(s.n()) / float64(total)
		for i, arm := range []string{control, treatment} {
			k := &s.arms[i]
			var sums Moments
			sums.AddAll(k.values)
			mean := sums.Mean()
			for u, x := range k.values {
				shift := w * (x - mean) / float64(len(k.values)-1)
				if i == 0 {
					shift = -shift
				}
				out.Users = append(out.Users, Influential{k.users[u], arm, x, shift})
			}
		}
	}
	slices.SortFunc(out.Users, func(a, b Influential) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Shift), math.Abs(a.Shift)), cmp.Compare(a.User, b.User))
	})
	out.Users = slices.Clone(out.Users[:min(n, len(out.Users))])
	gone := map[uint32]bool{}
	for _, u := range out.Users {
		gone[u.User] = true
	}
	rest := o
	rest.Within = func(user uint32) bool { return !gone[user] && (o.Within == nil || o.Within(user)) }
	out.Without, err = r.Compare(metric, control, treatment, &rest)
	return out, err
}
