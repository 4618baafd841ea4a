package design

import "math"

// RatioStdDev returns the standard deviation of one user in a ratio of sums,
// such as revenue per session, for [MeanSize], [MeanEffect] and the like: by the
// delta method from the mean and standard deviation of the numerator and the
// denominator per user, and their correlation. The effect there is of the
// ratio.
func RatioStdDev(meanN, sdN, meanD, sdD, correlation float64) (float64, error) {
	const fn = "RatioStdDev"
	switch {
	case math.IsNaN(meanN - meanN):
		return 0, &Error{fn, "meanN", meanN, "want a finite number"}
	case math.IsNaN(meanD-meanD) || meanD == 0:
		return 0, &Error{fn, "meanD", meanD, "want a finite number other than 0"}
	case !(sdN >= 0) || math.IsInf(sdN, 1):
		return 0, &Error{fn, "sdN", sdN, "want a finite number, not negative"}
	case !(sdD >= 0) || math.IsInf(sdD, 1):
		return 0, &Error{fn, "sdD", sdD, "want a finite number, not negative"}
	case !(correlation >= -1 && correlation <= 1):
		return 0, &Error{fn, "correlation", correlation, "want −1 to 1"}
	}
	r := meanN / meanD
	v := sdN*sdN + r*r*sdD*sdD - 2*r*correlation*sdN*sdD
	return math.Sqrt(max(0, v)) / math.Abs(meanD), nil
}
