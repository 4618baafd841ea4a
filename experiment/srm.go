package experiment

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/mat"

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
	DF        int       // arms with positive weight less one, unless epochs share no arm
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
	s.test()
	return s, nil
}

func (s *SampleRatio) test() {
	switch {
	case math.IsInf(s.ChiSquare, 1):
		s.P = 0
	case s.DF == 0:
		s.P = 1
	default:
		s.P = stats.ChiSquareSF(s.ChiSquare, float64(s.DF))
	}
}

// overEpochs tests counts that were made under several weights: expected holds
// each epoch's part. Such counts are less spread than those of one multinomial
// distribution of the same means.
func (s *SampleRatio) overEpochs(expected [][]float64, misplaced int) {
	if math.IsInf(s.ChiSquare, 1) {
		return
	}
	if misplaced > 0 {
		s.ChiSquare, s.P = math.Inf(1), 0
		s.Warnings = append(s.Warnings, fmt.Errorf("experiment: %w: %d units in an arm of weight 0 in their epoch", ErrSampleRatio, misplaced))
		return
	}
	var arms []int
	var roots, distance []float64 // in square roots of what is expected
	same := true
	for i, e := range s.Expected {
		if e > 0 {
			arms = append(arms, i)
			roots = append(roots, math.Sqrt(e))
			distance = append(distance, (float64(s.Counts[i])-e)/math.Sqrt(e))
		}
	}
	totals := make([]float64, len(expected))
	for k, part := range expected {
		for _, e := range part {
			totals[k] += e
		}
		for i, e := range part {
			same = same && math.Abs(e/totals[k]-expected[0][i]/totals[0]) <= 1e-12
		}
	}
	if same {
		return
	}
	v := mat.NewSymDense(len(arms), nil)
	for i, a := range arms {
		for j, b := range arms[:i+1] {
			x := 0.0
			for k, part := range expected {
				x -= part[a] / totals[k] * part[b]
				if a == b {
					x += part[a]
				}
			}
			v.SetSym(i, j, x/roots[i]/roots[j])
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(v, true) {
		return
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	s.ChiSquare, s.DF = 0, 0
	for k, size := range eigen.Values(nil) {
		if size < 1e-12 { // of 1: what the totals fix
			continue
		}
		x := 0.0
		for i, d := range distance {
			x += vectors.At(i, k) * d
		}
		s.ChiSquare += x * x / size
		s.DF++
	}
	s.test()
}
