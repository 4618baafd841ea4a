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
// [Bootstrap] tells how much any of these figures would vary, [ShapleyIntervals]
// the same for the default and the causal games without resampling.
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
// time after each set of touches. Both need people whom no channel met
// (PathOptions.Users), give the baseline to nobody, and can be negative. On
// journeys, Cohort is wrong for every channel: converters met fewer channels
// because their journey ended. This is the distance between the shares of
// credit and the true shares of incremental conversions (0 is equal, 1
// disjoint) in a simulation with random exposure, six channels in continuous
// time, two of them without any effect, 600,000 people, mean of five seeds:
//
//	last touch           0.31
//	linear               0.32
//	simplified Shapley   0.32
//	Markov, order 1      0.38
//	cohort               1.00
//	person-time          0.02
//
// Where a person's channels are fixed before the outcome, it is Cohort that
// tells the truth, under random exposure without and with interactions. The
// third column has interactions, and two channels that chase people who buy
// anyway:
//
//	                     random  interactions  targeted
//	first, last, linear    0.34          0.29      0.36
//	simplified Shapley     0.34          0.29      0.36
//	Markov, order 1        0.40          0.35      0.37
//	per path               0.17          0.12      0.33
//	cohort                 0.01          0.01      0.34
//	cohort in 30 strata    0.01          0.01      0.03
//
// When exposure is targeted at people who are likely to buy, no model here is
// right by itself, PersonTime included. If it is known whom it was targeted
// at, [Stratified] plays a model among people who are alike: the last line of
// the table. Otherwise only an experiment tells, and [Calibrate] corrects the
// credits of a model by what experiments found.
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
// the most together, S-shaped ones included, with a proof; [BudgetPath] does
// so for many budgets, [AllocateROAS] and [AllocateMarginal] find the budget
// for a return.
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
