// Package exact holds tests and intervals for small counts and for rows, where
// the moments of package experiment do not suffice: tables of successes, rates
// of events, ranks, permutations and the bootstrap.
//
// Their p-values and intervals do not rest on means being normal. They cost
// more, they cannot be merged from shards, and most answer a question of their
// own: ranks say nothing of means. For large arms the estimators of package
// experiment are as good, and say what an effect is worth.
//
//	Fisher, CochranMantelHaenszel  tables of successes, one or by stratum
//	FisherOddsRatio                the odds ratio of such a table
//	ProportionInterval             one proportion
//	ProportionPosterior            two proportions under a prior, with chances and losses
//	RateRatio                      events per time
//	MannWhitney                    whether values tend to be larger
//	Permutation                    means, by exchanging users between arms
//	Bootstrap                      any statistic of the rows, by resampling them
//	ClusterBootstrap               the same where rows come in clusters
//
// Everything is a pure function, safe for concurrent use; nothing given is
// changed. Randomness comes from a seed in the options. Errors are of the types
// of package experiment.
package exact
