package attribution

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Coefficient is one fitted figure of a model.
type Coefficient struct {
	Name string
	Estimate
}

// Modelled is what a model fitted to people says: see [FitLogistic] and
// [FitHazard].
//
// It is the caller's own copy.
type Modelled struct {
	Credits      Credits
	Intervals    []Interval // by channel, in the order of the credits
	Coefficients []Coefficient
	// LogLikelihood is the natural logarithm of the probability of what was
	// seen, but for a constant: of two models for the same people, the one with
	// the larger figure fits better.
	LogLikelihood float64
}

// String returns the credits with their intervals, and the coefficients, as
// tables.
func (m Modelled) String() string {
	var b strings.Builder
	b.WriteString(m.Credits.String())
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := 0
	for _, i := range m.Intervals {
		width = max(width, len([]rune(i.Channel)))
	}
	for _, c := range m.Coefficients {
		width = max(width, len([]rune(c.Name)))
	}
	row := func(name string, e Estimate) {
		fmt.Fprintf(t, "%-*s\t%.4g\t%.4g to %.4g\t\n", width, name, e.Value, e.Lo, e.Hi)
	}
	for _, i := range m.Intervals {
		row(i.Channel, i.Conversions)
	}
	for _, c := range m.Coefficients {
		row(c.Name, c.Estimate)
	}
	_ = t.Flush() // a strings.Builder takes everything
	return b.String()
}
