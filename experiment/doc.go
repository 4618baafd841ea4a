// Package experiment runs controlled experiments inside a Go program: it
// assigns units to arms, records who saw which arm and what they did, and
// estimates what the arms did, with no server and no warehouse.
//
// It is not a feature-flag service, it draws no dashboards, and it does not
// decide for you: every result says how sure it is and why it may be wrong.
//
// # Four steps
//
//	e, err := experiment.New("free-shipping", []experiment.Arm{{Name: "control", Weight: 1}, {Name: "free", Weight: 1}}, nil)
//	arm, in := e.Assign(cookie)                                  // a pure hash
//	r, err := experiment.NewReadout("free-shipping", nil)        // attach it to the store, or Expose and Record
//	c, err := r.Compare("revenue", "control", "free", nil)       // an effect, an interval, a p-value, warnings
//
// # Assignment
//
// The arm of a unit is a hash of the unit's name under the experiment's salt,
// and nothing else: the same in every process, service and language that
// computes it, with nothing to store and nothing to look up. What is
// randomized is a string that stays with it (a cookie, an account, a
// household), never the store's user number, which changes when two identities
// turn out to be one person.
//
// Two halves of a 128-bit hash decide, independently of each other, whether a
// unit takes part and in which arm. So a ramp from 1 % to 100 % only adds
// units, and none changes its arm. When weights change on the way, put the
// earlier ones into Options.Past: the change then moves the least mass that
// any change must, and starts a new epoch.
//
// A [Layer] gives experiments disjoint parts of the units; a [Holdout] keeps a
// share out of all of them, to measure what they did together. Both are hashes
// too. [Experiment.Decide] adds what is not: an audience, forced units, and
// assignments that are remembered; [Experiment.Peek] looks without remembering,
// [Exposures] sends each exposure once, and Options.Period switches whole units
// back and forth in time. An experiment reads and writes JSON ([Parse]).
//
// Hashes are not all alike: some schemes in wide use make the arms of two
// experiments depend on each other, so that the effect of one leaks into the
// other. The tests of this package hold its own to |z| < 4 in uniformity and
// pair independence, for three shapes of ids. Package compat has the schemes
// of GrowthBook and PlanOut, for what runs there.
//
// # From exposure to effect
//
// An assignment is no exposure: only users who saw something different can
// tell the arms apart. [Readout] takes exposures ("Experiment Viewed") and
// outcomes ("Order Completed"), keeps them as rows per user, and joins them
// when asked:
//
//   - the first exposure, by time, then arm, decides a user's arm;
//   - outcomes count from that instant on, for the metric's window, and not
//     before; an outcome may reach the readout before its exposure does;
//   - a user whose window is still open is left out, because early buyers
//     would otherwise stand for all;
//   - a user seen in several arms, also after two identities were merged, is
//     left out of all;
//   - where the weights were changed, effects are estimated within each epoch
//     and then weighted; pooling 90/10 weeks with 50/50 weeks compares early
//     users with late ones (Simpson's paradox);
//   - where a unit, such as a household, covers several users, the variance is
//     that of units.
//
// Everything that was left out or adjusted is in the result with its numbers.
//
// # Estimates
//
// [Moments] are the count, sum and sum of squares of a metric in an arm, in
// double-double arithmetic: values can be taken out again, shards merge, and a
// variance at 1e9 ± 1 is right. [Joint] adds the sums of products of several
// values per user, [Timeline] keeps moments by day or hour, [Sketch] what
// quantiles need. The estimators are functions of them:
//
//	Welch                    means and proportions
//	Ratio                    ratios of sums, such as revenue per session
//	CUPED, CUPEDRatio        either, adjusted by what was before the exposure
//	Quantiles                quantiles, also of values that cluster in users;
//	                         of rows, or of a [Sketch] that merges
//	Proportions              small arms, margins of non-inferiority
//	AnyDifference            one test of many arms
//	Lin                      regression, with robust or clustered errors
//	Interaction              whether two experiments change each other's effect
//
// All but AnyDifference return a [Comparison]: the absolute and the relative
// effect (by the delta method, the logarithm or Fieller), intervals, two- and
// one-sided p-values down to 1e-300, every adjustment with its numbers, and
// reasons for doubt. It prints itself. [Adjust] corrects p-values that are looked at
// together; [Comparison.Equivalence] tests that an effect is within margins;
// [Comparison.Posterior] is what to believe of it under a prior, with the chance
// to win and what either choice loses on average.
// Package design says how many users a test needs, also one that may end early,
// package exact has tests for small counts and for rows: Fisher, ranks,
// permutations, the bootstrap of users or of clusters. [Readout.Values] hands
// the rows to them. Package fairness compares groups of people.
//
// In a [Readout] a metric may itself be a ratio ([Metric].Per), winsorized from
// either side, trimmed or a quantile; each works with covariates (one
// coefficient for both arms, or TestOptions.Regression), with strata of users
// and with units, because each is a mean of one value per user there.
//
// # What can go wrong
//
// Sample ratio. When the arms are not filled in the ratio of their weights
// ([SRM], p < 0.001), something filled them otherwise, and may have made the
// effect too. A comparison warns when the weights are known.
//
// Looking again and again. A fixed test that is read at K equally spaced looks,
// and stopped at the first p < 0.05, is wrong far more often than 5 %:
//
//	looks            2     5    10    20    30    50
//	false positives  8.3  14.2  19.3  24.8  28.0  32.1  %
//
// Decide the end before the start, or set TestOptions.Sequential: intervals and
// p-values then hold at every look, for an interval about 1.5 times as wide at
// the planned end. An effect that the fixed test finds in 80 % is found by then
// in 50 %, over 30 looks; one half as large again in 91 %, after little more
// than half of the users on average. Package design has the figures for other
// plans, and group-sequential boundaries for a few looks at set times: narrower,
// each look being a comparison at its own TestOptions.Level. [SequentialSRM] is the same for the sample ratio.
//
// Skew. Means of skewed values are slow to become normal, the more so with
// unequal arms. Measured false positives of a 5 % test, 20,000 runs each:
//
//	                          log-normal, σ = 2     1 % buyers, exponential
//	500 and 4,500 users             11.0                  15.6  %
//	1,000 and 9,000 users           10.2                  10.8  %
//	1,000 and 1,000 users            4.0                   4.4  %
//
// A result warns when the smaller arm has fewer than 355·skewness² users.
// [Readout.Influence] names the users on whom an effect hangs.
//
// Arms that were different before. [Readout.Balance] compares what happened
// before the exposure, which the treatment cannot have touched.
//
// Novelty. An effect of the first days may wear off: [Readout.Novelty] compares
// by time since the exposure and tests the slope.
//
// Segments. [Readout.SampleRatios] finds the browser in which one arm loses its
// users.
//
// # Concurrency and state
//
// [Experiment] is immutable. [Readout] is safe for any readers beside one
// writer, and obeys the laws of a user view: order of arrival, merges of shards
// and of identities, and erasures leave the bytes that there would have been if
// everything had been known from the start. Results are bit-equal too, because
// sums run over users in order. [Readout.Snapshot] is a picture that is written
// while the readout goes on.
package experiment
