package experiment

import (
	"fmt"
	"math"
)

// Estimate is a number with its uncertainty: the standard error, and the
// confidence interval [Lo, Hi] at a level such as 0.95. An end of a one-sided
// interval is infinite.
type Estimate struct {
	Value, StdErr, Lo, Hi, Level float64
}

// String shows the estimate and its interval.
func (e Estimate) String() string {
	return fmt.Sprintf("%.6g [%.6g, %.6g]", e.Value, e.Lo, e.Hi)
}

// percent shows the estimate as a share.
func (e Estimate) percent() string {
	return fmt.Sprintf("%+.2f%% [%s, %s]", 100*e.Value, signedPercent(e.Lo), signedPercent(e.Hi))
}

func signedPercent(x float64) string {
	if math.IsInf(x, 0) {
		return fmt.Sprintf("%+.0f", x)
	}
	return fmt.Sprintf("%+.2f%%", 100*x)
}
