package experiment

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/zhun-go/zhun/internal/ids"
)

// Report is every declared metric of every arm against the control.
// Immutable; safe for concurrent use.
type Report struct {
	Experiment  string
	Control     string
	SampleRatio SampleRatio
	// Comparisons by segment, then arm, then in the order of the metrics.
	Comparisons []Comparison
	// Adjusted are their p-values, corrected for each other.
	Adjusted   []float64
	Correction Correction
	// Warnings tell of comparisons that could not be made.
	Warnings []error
}

// Report compares every arm with the control in every declared metric, and
// corrects the p-values for being looked at together. What cannot be compared
// is left out with a warning.
func (r *Readout) Report(control string, correction Correction, opts *TestOptions) (Report, error) {
	return r.report("Report", control, correction, opts, nil)
}

// Segments is [Readout.Report] within each segment of users, ordered by name:
// one table of metrics, arms and segments, with p-values corrected for all of
// them together. Segments must be of what users were before the exposure; an
// effect in one of many segments is more often luck than not.
func (r *Readout) Segments(segment func(user uint32) string, control string, correction Correction, opts *TestOptions) (Report, error) {
	if segment == nil {
		return Report{}, &OptionError{"Segments", "segment", "nil", "want a function"}
	}
	return r.report("Segments", control, correction, opts, segment)
}

func (r *Readout) report(fn, control string, correction Correction, opts *TestOptions, segment func(user uint32) string) (Report, error) {
	out := Report{Experiment: r.set.experiment, Control: control, Correction: correction}
	o, err := opts.resolve(fn)
	if err != nil {
		return Report{}, err
	}
	if out.SampleRatio, err = r.SRM(opts); err != nil {
		return Report{}, err
	}
	if !slices.Contains(out.SampleRatio.Arms, control) {
		return Report{}, fmt.Errorf("experiment: %s: %w: %q, seen are %q", fn, ErrArm, control, out.SampleRatio.Arms)
	}
	arms := slices.Clone(out.SampleRatio.Arms)
	slices.SortFunc(arms, ids.Compare)
	names := []string{""}
	within := map[string]func(user uint32) bool{"": o.Within}
	if segment != nil {
		members := map[string]map[uint32]bool{}
		for _, s := range r.join(nil, nil, nil, o.AsOf).subjects {
			if o.Within == nil || o.Within(s.user) {
				name := segment(s.user)
				if members[name] == nil {
					members[name] = map[uint32]bool{}
				}
				members[name][s.user] = true
			}
		}
		names = slices.SortedFunc(maps.Keys(members), ids.Compare)
		for name, in := range members {
			within[name] = func(user uint32) bool { return in[user] }
		}
	}
	var p []float64
	for _, name := range names {
		o.Within = within[name]
		for _, arm := range arms {
			if arm == control {
				continue
			}
			for _, m := range r.set.metrics {
				c, err := r.Compare(m.Name, control, arm, &o)
				if errors.Is(err, ErrTooFew) || errors.Is(err, ErrZero) {
					of := arm
					if segment != nil {
						of += " in " + name
					}
					out.Warnings = append(out.Warnings, fmt.Errorf("%s of %s: %w", m.Name, of, err))
					continue
				}
				if err != nil {
					return Report{}, err
				}
				c.Segment = name
				out.Comparisons = append(out.Comparisons, c)
				p = append(p, c.P)
			}
		}
	}
	out.Adjusted, err = Adjust(p, correction)
	return out, err
}

// String prints a table.
func (r Report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	segmented := slices.ContainsFunc(r.Comparisons, func(c Comparison) bool { return c.Segment != "" })
	if segmented {
		fmt.Fprint(w, "segment\t")
	}
	fmt.Fprintf(w, "arm\tmetric\tusers\tcontrol\ttreatment\trelative\tinterval\tp\t%v\tdoubts\n", r.Correction)
	for i, c := range r.Comparisons {
		relative, interval := "", ""
		if !math.IsNaN(c.Relative.Value) {
			relative = signedPercent(c.Relative.Value)
			interval = signedPercent(c.Relative.Lo) + " … " + signedPercent(c.Relative.Hi)
		}
		doubts := "none"
		if len(c.Warnings) > 0 {
			short := make([]string, len(c.Warnings))
			for k, w := range c.Warnings {
				short[k], _, _ = strings.Cut(strings.TrimPrefix(w.Error(), "experiment: "), ":")
			}
			doubts = strings.Join(short, ", ")
		}
		if segmented {
			fmt.Fprintf(w, "%s\t", c.Segment)
		}
		fmt.Fprintf(w, "%s\t%s\t%d + %d\t%.5g\t%.5g\t%s\t%s\t%.3g\t%.3g\t%s\n", c.Treatment.Arm, c.Metric,
			c.Control.N, c.Treatment.N, c.Control.Mean, c.Treatment.Mean, relative, interval, c.P, r.Adjusted[i], doubts)
	}
	_ = w.Flush() // of a strings.Builder, which takes everything
	table := b.String()
	b.Reset()
	fmt.Fprintf(&b, "%s, against %s\n%s%s", r.Experiment, r.Control, table, r.SampleRatio)
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "\nwarning: %v", w)
	}
	return b.String()
}
