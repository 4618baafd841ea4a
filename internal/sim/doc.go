// Package sim simulates a retailer whose truth is known: who is who, of which type, what
// each marketing channel really adds, what an experiment really does. It is the input of
// the main job where there is no other, and the oracle of tests.
//
// It is not a model to learn marketing from: its effects are chosen so that methods which
// confuse cause and company are told apart from those that do not.
//
//	w, err := sim.New(&sim.Options{Customers: 1000, Days: 90})
//	for e := range w.Events() {            // in the order of receipt
//		line = e.AppendSegment(line[:0])   // Segment-spec JSON
//	}
//	truth := w.Truth()                     // identities, types, experiment, consents, range
//	inc, err := w.Increments(ctx)          // Shapley value and last-in effect per channel
//
// # Draws
//
// Every draw is a hash of (seed, customer, slot, purpose, index), and never the next number
// of a stream. A slot is a day in the shop's time zone. Switching a channel off, stopping
// to read, or asking for the truth in between therefore changes no other draw, and two
// worlds differ only in what follows from their difference.
//
// # Customers
//
// A [Type] (price-sensitive, quality-seeking, socially driven, rest) sets who is reached by
// what, what works, which of two products is taken, and the words of a review. A customer
// has a rate of buying, 1 to 3 devices with a cookie each, an e-mail address, mostly an
// account, sometimes a telephone number and a loyalty card; some neighbours share a device.
// 70 % know the shop before the first day, the rest arrive later, and some are lost on the
// way. Orders in the store come with the card alone or with the account. Bots read fast,
// under agents that say what they are, and never buy.
//
// The range has 400 products in 10 categories of 4 styles. A customer has three favourite
// categories, one style in each category and three staples for life, and products have
// complements: hence what one buys tells what one will buy.
//
// # Marketing and buying
//
// On day d a customer meets channel c by a view (an impression, an e-mail opened) or a
// click (a visit, a flyer redeemed), or not at all. The chance depends on the type; for
// search, direct and display also on the wave of the customer's need, which raises buying
// too. That is the confounder. Two touches come from the past: an abandoned cart leads to
// banners for three days, and to a reminder by e-mail on the next. Each channel has a
// stock,
//
//	s_c(d) = ρ_c · s_c(d−1) + 1 for a click, ½ for a view, 0 for nothing,
//
// and the hazard of an order on day d, r days after the last order, is
//
//	h = 1 − exp(−μ(d) · min(r, 4)/4)
//	μ(d) = rate · need(d) · season(d) · weekday(d) · promotion(d, type) · exp(η(d))
//	η(d) = Σ_c β_c(type) · g(s_c) + 1.2 · g(s_search) · g(s_video) + τ(type) if treated,   g(s) = s/(1+s).
//
// At most one order falls on a day. β is 0 for display, the null player, which chases
// people who are about to buy, and for direct, which works only through the carts that its
// visits leave behind. The tables of ρ and β stand in channel.go. An order follows the
// touches of its day. Touches carry their cost; what is spent on people who are never seen
// is not in the record.
//
// # What is simulated and what is expected
//
// In the events everything is simulated. [World.Increments] mixes both. In each of the 2^7
// worlds in which only a subset of the channels is on, touches, visits and carts are
// simulated again with the same draws (a cart that a switched off visit would have left
// leads to no banner and no reminder). They do not depend on buying. Given them, the number
// of orders is not simulated but expected: a forward recursion over the days on the
// distribution of the days since the last order gives it exactly. The Shapley values add up
// to the difference between all channels and none. Orders in the events scatter around the
// expectation like any count. The arms of the experiment are those of this world.
//
// # The experiment
//
// "free-shipping" runs on the page about delivery, which every customer opens once for
// reasons that neither marketing nor buying touch; from [Options].ExperimentDay on that is
// the exposure, and the treatment acts from the next day. [ExperimentTruth] gives both
// potential outcomes of the exposed from the same draws, for orders between exposure and
// end: the estimand of a readout over all outcomes since the first exposure. It is the
// truth of this population; the chance left in an estimate is that of the assignment. The
// treatment works by type: τ = 0.55, 0, 0.10, 0.20.
//
// # Dirt
//
// Lines come twice, late, out of order, with a clock that is wrong by up to two days, or
// lack a field; all at rates in [Options]. Amounts, order ids and the last identifier are
// never lost, so that what is missing can be found out but no truth becomes undecidable.
// [Hidden] marks each such line.
//
// # Calibration
//
// Figures of Online Retail (UCI, 2010-12 to 2011-09, without rows lacking a customer) and
// of CDNOW (the 1/10 sample), beside those of the simulator (seed 1, 3,000 customers, 90
// days):
//
//	                                 Online Retail         CDNOW                 simulated
//	days between days with orders,   4 8 17 32 48          3 7 17 35 58          4 7 15 29 44
//	  quantiles .10 .25 .50 .75 .90  (2011 Q3)             (first 90 days)
//	orders per buyer in 90 days:     1.99                  1.60                  1.89
//	  mean, share of 1 and of 2      .59 .21               .70 .17               .52 .26
//	lines (CDNOW: units) per order   2 6 15 26 44          1 1 2 3 5             1 1 2 3 4
//	value per order: mean            465                   35.28                 33
//	  standard deviation of its log  1.06                  0.73                  1.06
//	standard deviation of log price  1.04                                        0.93
//	share of lines on the first      .31 .67 .92                                 .23 .59 .88
//	  5, 20, 50 % of the products
//	share of the value refunded      .056                                        .057
//
// Online Retail sells to the trade: its baskets and order values are not imitated, their
// spread is.
//
// # The reference designs
//
// [Hazard] is a much smaller design with a truth in closed form, for estimators that work
// in person-time; its effects may fade, depend on order, or be chased. [Static] is the same
// for estimators of designs in which exposure is fixed before the outcome.
//
// # Reproducibility
//
// The same options give the same bytes, whatever else the program does. On processors that
// fuse multiplication and addition the last bit of a probability can differ, and with it,
// very rarely, a draw.
package sim
