// Package design plans experiments: how many users an effect needs, how likely
// a test is to find it, and what the smallest effect is that a test of a size
// finds.
//
//	n, err := design.MeanSize(0.5, 12, nil)           // users per arm for a difference of 0.5 at a standard deviation of 12
//	p, err := design.ProportionPower(20_000, .10, .11, nil)
//	d, err := design.MeanEffect(20_000, 12, &design.Options{Correlation: .7})
//
// Metrics that are no means have a standard deviation in place of one:
// [RatioStdDev], [RateStdDev], [QuantileStdDev], [TrimmedStdDev]. [ArmsSize] and
// [ArmsProportionSize] are for one test of many arms. [GroupSequential] and
// [WangTsiatis] set the boundaries of a test that is looked at a few times,
// [AlwaysValid] those of one that may be looked at whenever one likes; [Monitor]
// tells their power, and how many users they take on average.
//
// [RunningPower] tells what a test that runs will still find, and [Replay] tries
// a test on past users: whether it keeps its level on the host's own data, and
// its power.
//
// The sizes know nothing of data: standard deviations and base rates come from the
// past of the metric. Sizes are real numbers; round them up.
//
// Numbers are 0 or, in size, within 1e-60 and 1e60: others are refused, because
// designs are made of squares and quotients.
//
// All functions are pure and safe for concurrent use. Errors are of type
// [*Error], but for those of the test that [Replay] runs.
package design
