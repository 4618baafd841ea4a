package experiment

import (
	"fmt"
	"math"
	"strings"

	"github.com/zhun-go/zhun/internal/stats"
)

// SampleRatio is the result of a test for a sample ratio mismatch: whether the
// arms were filled in the ratio of their weights. When they were not, whatever
// filled them otherwise (a crash in one arm, a filter, a redirect) may well
// have made the effect too, and no estimate can be trusted. Immutable; safe
// for concurrent use.
type SampleRatio struct {
	Arms      []string  // may be nil
	Counts    []int     // observed
	Expected  []float64 // the same total in the ratio of the weights
	ChiSquare float64   // infinite where units are in an arm of weight 0
	DF        int       // arms with positive weight less one
	P         float64
	// Segment, in [Readout.SampleRatios], are the users tested, and Adjusted is
	// the p-value corrected for there being several segments (Holm).
	Segment  string
	Adjusted float64
	// Warnings are reasons for doubt about the test itself.
	Warnings []error
}

// Mismatch tells whether the p-value is below 0.001, the customary line: the
// test is meant to look at every experiment, at every look. Of several
// segments it is the adjusted p-value that counts.
func (s SampleRatio) Mismatch() bool { return max(s.P, s.Adjusted) < .001 }

// String prints counts, expected counts and the test.
func (s SampleRatio) String() string {
	var b strings.Builder
	if s.Segment != "" {
		fmt.Fprintf(&b, "%s: ", s.Segment)
	}
	fmt.Fprintf(&b, "sample ratio: chi-square %.4g, df %d, p %.3g", s.ChiSquare, s.DF, s.P)
	for i, n := range s.Counts {
		name := fmt.Sprintf("arm %d", i)
		if i < len(s.Arms) {
			name = s.Arms[i]
		}
		fmt.Fprintf(&b, "\n  %s: %d, expected %.1f", name, n, s.Expected[i])
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(&b, "\n  warning: %s", strings.TrimPrefix(w.Error(), "experiment: "))
	}
	return b.String()
}

// SRM tests counts of units against the weights of their arms by Pearson's
// chi-square test (A. Fabijan et al., "Diagnosing sample ratio mismatch in
// online controlled experiments", KDD 2019). Weights are relative. An arm of
// weight 0 does not count towards the degrees of freedom; units in it are a
// certain mismatch: p = 0. No units at all are [ErrTooFew].
func SRM(counts []int, weights []float64) (SampleRatio, error) {
	if len(counts) != len(weights) || len(counts) == 0 {
		return SampleRatio{}, &OptionError{"SRM", "weights", weights, fmt.Sprintf("want one for each of the counts %v", counts)}
	}
	total, sum := 0.0, 0.0
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return SampleRatio{}, &OptionError{"SRM", fmt.Sprintf("weights[%d]", i), w, "want a finite number, not negative"}
		}
		if counts[i] < 0 {
			return SampleRatio{}, &OptionError{"SRM", fmt.Sprintf("counts[%d]", i), counts[i], "want at least 0"}
		}
		sum += w
		total += float64(counts[i])
	}
	if !(sum > 0) || math.IsInf(sum, 1) {
		return SampleRatio{}, &OptionError{"SRM", "weights", weights, "want a positive finite sum"}
	}
	expected := make([]float64, len(weights))
	for i, w := range weights {
		expected[i] = total * (w / sum)
	}
	return sampleRatio(nil, counts, expected)
}

func sampleRatio(arms []string, counts []int, expected []float64) (SampleRatio, error) {
	s := SampleRatio{Arms: arms, Counts: append([]int(nil), counts...), Expected: expected, DF: -1}
	units := false
	for i, e := range expected {
		units = units || counts[i] > 0
		if e > 0 {
			s.DF++
			d := float64(counts[i]) - e
			s.ChiSquare += d * d / e
		} else if counts[i] > 0 {
			s.ChiSquare = math.Inf(1)
			s.Warnings = append(s.Warnings, fmt.Errorf("experiment: %w: %d units in an arm of weight 0", ErrSampleRatio, counts[i]))
		}
	}
	if !units {
		return SampleRatio{}, &ValueError{"SRM", "units", 0, ErrTooFew}
	}
	switch {
	case math.IsInf(s.ChiSquare, 1):
		s.P = 0
	case s.DF == 0:
		s.P = 1
	default:
		s.P = stats.ChiSquareSF(s.ChiSquare, float64(s.DF))
	}
	return s, nil
}
