// Package attribution shares out conversions among the marketing channels
// that touched the people who converted, and says what such a share means.
//
// It turns timed touches into paths, paths into credits under the usual rules
// and under games whose Shapley value is exact, and credits into return on
// spend and budgets. It is not for tracking (touches come from events the host
// already has), and most of its models do not measure what a channel caused:
// see "What credit means" below.
//
// # Four steps
//
//	j, err := attribution.NewJourneys(nil)      // 1. a view of the store's events,
//	err = store.Attach("journeys", j, nil)      //    or fed by Touch and Convert
//	p, err := j.Paths(nil)                      // 2. touches and orders become paths
//	c, err := attribution.Shapley(p, nil)       // 3. paths become credits
//	fmt.Print(c)                                // 4. a table; c.Channels has the figures
//
// Paths that were aggregated elsewhere are read by [ReadCSV] or added by
// [Paths.Add]; steps 3 and 4 are the same.
//
// # From events to touches
//
// [Journeys] reads the Segment vocabulary as it comes; every name can be
// changed in [JourneysOptions].
//
//   - "page" and "screen" are touches: by the campaign in their context, else
//     by the referrer, else direct. A page whose referrer has its own host is
//     a step within the site and no touch.
//   - Any other event is a touch only if it carries a source or a medium of a
//     campaign. "Ad Viewed" and "Email Opened" are of kind [View], all others
//     of kind [Click].
//   - "Order Completed" is a conversion worth its revenue, else its total.
//     "Order Refunded" takes value back from the order, "Order Cancelled" all
//     of it.
//
// The channel is named by a table of rules on source, medium, campaign and
// referrer, in the manner of the default channel groups of web analytics:
// see [DefaultChannels] for the table and [ChannelRule] for its patterns.
//
// # From touches to paths
//
// [Journeys.Paths] cuts each user's touches at their conversions. The path of
// a conversion are the touches since the one before that are young enough: up
// to 30 days for clicks and a day for views. A conversion without any is
// unattributed, on a line of its own, so that credits and that line always
// add up to all conversions. Touches after which nothing happened for a Gap
// are a journey that did not convert; younger ones are open and wait.
//
// Within a session, touches of one channel, campaign and kind count once, and
// a direct visit never replaces a known channel. Orders that were taken back
// whole never were, as of the day of the refund. Values in two currencies are
// an error unless [PathOptions].Convert makes one of them.
//
// A channel that is a symptom and no cause, such as a direct visit by somebody
// who has made up their mind, is left out by [PathOptions].Ignore: paths then
// consist of marketing only, and what nothing led to is unattributed.
//
// # From paths to credits
//
// Rules look at where a touch stands: [FirstTouch], [LastTouch], [LastNon],
// [FirstNon], [Linear], [LinearUnique], [Position], [PositionDecay],
// [GeometricDecay], [Custom]. [TimeDecay] and [LastClick] also need each
// touch's time and kind, which only paths from journeys have ([ErrNoTimes]).
// The last paid touch is LastNon of [Paths.Unpaid].
//
// [Shapley] gives a channel its average marginal worth over all orders in
// which the channels could have been switched on. With the default game each
// distinct channel of a path gets the same share, which is exact for any
// number of channels in one pass over the distinct sets. [ShapleyOptions]
// choose other games, [Banzhaf] averages over sets, [Solve] plays a game of
// one's own, exactly up to [MaxExact] players and by sampling above.
//
//	c, err := attribution.Shapley(p, &attribution.ShapleyOptions{Game: attribution.PersonTime})
//
// [Markov] shares out by removal effects in a Markov chain of any order, solved
// and not simulated; [MarkovOrder] says which order predicts journeys that it
// has not seen. [LeaveOneOut] and [ShaoLi] are there for comparison with
// tools that use them. Where tools differ, the definition is in the comment
// of the function, with the others' beside it.
//
// [FitLogistic] and [FitHazard] are fitted to people rather than counted: the
// probability of a conversion by the channels that met somebody, with
// interactions and covariates; and the rate of conversions by the touches that
// somebody had and how long ago, with effects that fade and groups that buy
// more than others.
//
// Every figure comes with its uncertainty: [Intervals] by the delta method, as
// fast as the credits themselves for most models, [Bootstrap] by resampling.
// [PerJourney] splits the credits by journey and [Journeys.Orders] by order;
// [Apportion] makes whole cents of them, [Credits.Whole] whole conversions.
//
// # What credit means
//
// A rule shares out all conversions, also those that would have happened
// without any touch, and it pays a channel for standing in paths, also one
// that only follows people who buy anyway. The default game and Markov chains
// do so, too. Their results carry [ErrDescriptive] among their warnings: use
// them to describe.
//
// Two games ask what would have been lost. [Cohort] compares people by the
// channels that met them, [PersonTime] compares the rate of conversion in the
// time after each set of touches; FitLogistic and FitHazard are their smooth
// relatives. All need people whom no channel met (PathOptions.Users), give the
// baseline to nobody, and can be negative, but for FitHazard.
//
// The tables hold the distance between the shares of credit and the true
// shares of incremental conversions (0 is equal, 1 disjoint) in simulations of
// six channels, two of them without any effect, for 600,000 people and as the
// mean of five seeds. In the first, a person's channels are fixed before the
// outcome. Exposure is random without and with interactions of channels, or
// with an effect that depends on the order of two, and at last targeted: two
// channels chase people who buy anyway.
//
//	                              random  interactions  order  targeted
//	first touch                     0.34          0.29   0.34      0.36
//	last touch                      0.34          0.29   0.34      0.36
//	last non F                      0.30          0.24   0.31      0.34
//	linear                          0.34          0.29   0.34      0.36
//	position 40/20/40               0.34          0.29   0.34      0.36
//	position decay                  0.34          0.29   0.34      0.36
//	geometric decay 0.5             0.34          0.29   0.34      0.36
//	SumSubset, TouchAny (v1, v5)    0.34          0.29   0.34      0.36
//	RateSubset (v2)                 0.06          0.05   0.04      0.38
//	RateExact (v3)                  0.08          0.10   0.07      0.28
//	SumExact (v4)                   0.42          0.39   0.38      0.55
//	MarkovChain (v6)                0.38          0.34   0.39      0.36
//	Banzhaf, SumSubset              0.33          0.28   0.33      0.36
//	PerPath                         0.17          0.12   0.15      0.33
//	leave one out                   0.26          0.22   0.25      0.34
//	Shao–Li                         0.22          0.17   0.19      0.34
//	Markov, order 1                 0.40          0.35   0.41      0.37
//	Markov, order 2                 0.38          0.34   0.38      0.37
//	Markov, order 3                 0.37          0.32   0.37      0.37
//	Markov, renormalized            0.91          0.87   0.92      0.93
//	last in, Cohort                 0.02          0.06   0.03      0.31
//	Cohort (v7)                     0.02          0.01   0.02      0.34
//	Cohort in strata                0.02          0.01   0.02      0.03
//	logistic                        0.01          0.01   0.01      0.34
//	logistic, covariate             0.01          0.01   0.01      0.01
//
// In the second, touches and conversions come in time, and a conversion ends
// the observation. Effects last, depend on the order of two touches, fade by
// half within a fifth of the time, or are those of channels of which two chase.
//
//	                              random  order  fading  targeted
//	first touch                     0.32   0.31    0.39      0.38
//	last touch                      0.31   0.31    0.35      0.37
//	last non F                      0.27   0.26    0.30      0.34
//	linear                          0.32   0.31    0.37      0.38
//	position 40/20/40               0.32   0.31    0.37      0.38
//	position decay                  0.32   0.31    0.36      0.38
//	geometric decay 0.5             0.32   0.31    0.36      0.37
//	SumSubset, TouchAny (v1, v5)    0.32   0.31    0.37      0.38
//	RateSubset (v2)                 0.18   0.18    0.22      0.54
//	RateExact (v3)                  0.24   0.20    0.30      0.45
//	SumExact (v4)                   0.48   0.46    0.55      0.60
//	MarkovChain (v6)                0.36   0.36    0.38      0.38
//	Banzhaf, SumSubset              0.31   0.30    0.37      0.37
//	PerPath                         0.04   0.04    0.18      0.42
//	leave one out                   0.16   0.15    0.34      0.42
//	Shao–Li                         0.16   0.12    0.28      0.36
//	Markov, order 1                 0.38   0.39    0.40      0.39
//	Markov, order 2                 0.35   0.35    0.38      0.39
//	Markov, order 3                 0.34   0.33    0.38      0.39
//	Markov, renormalized            0.91   0.93    0.91      0.93
//	last in, Cohort                 0.97   0.83    1.00      1.00
//	Cohort (v7)                     1.00   1.00    1.00      1.00
//	time decay, 7 days              0.31   0.31    0.36      0.38
//	PersonTime (v8)                 0.02   0.01    0.06      0.35
//	PersonTime in strata            0.02   0.01    0.05      0.01
//	additive hazard                 0.02   0.03    0.04      0.35
//	additive hazard, groups         0.02   0.03    0.04      0.06
//
// So: where channels are fixed beforehand, Cohort tells the truth and
// FitLogistic needs fewer people for it. On journeys, Cohort is wrong for every
// channel, as converters met fewer channels because their journey ended, and
// PersonTime or FitHazard is right; each warns outside its design. A game that
// comes near in one column, such as PerPath, does so by chance of that column.
//
// When exposure is targeted at people who are likely to buy, no model here is
// right by itself. If it is known whom it was targeted at, strata, covariates
// and groups mend it: [Stratified] plays a model among people who are alike.
// Otherwise only an experiment tells, and [Calibrate] corrects the credits of a
// model by what experiments found.
//
// # What to do with it
//
// Credits carry what each channel cost, from the ledger of [Journeys.Spend] or
// the costs of its touches, and give [Credit.ROAS], [Credit.ROI] and
// [Credit.CPA], which are undefined without spend rather than infinite.
// [Credits.Paid] sums up the channels that cost something, Total is blended;
// with [PathOptions].NewCustomers the CPA is the cost of a new customer.
// [Assists], [PathLengths], [TimeLags], [TopPaths], [Transitions],
// [FirstLasts], [Funnels], [Steps] and [OrderedShapley] tell how journeys run.
//
// [FitCurve] makes a response curve of what was spent and what came of it,
// with intervals. [Allocate] spends a budget on such curves so that they bring
// the most together, S-shaped ones included, with a proof, within the bounds of
// channels, groups and linear limits, and names those that cannot hold
// together; [BudgetPath] does so for many budgets, [AllocateROAS] and
// [AllocateMarginal] find the budget for a return.
//
// # State
//
// [Journeys] are rows per user and obey the laws of the library's views: rows
// in any order give the same bytes; a user can be erased, as if never seen, or
// renamed; shards of the rows merge into the whole. [Paths] are a summary:
// rows can be added, taken out and merged. Counts and values are kept in
// double-double arithmetic, so that for integers (counts; money in minor
// units) results are equal to the last bit whatever the order, and otherwise
// to 1e-12 of the sum of absolute values.
package attribution
