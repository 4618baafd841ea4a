// Package recommend tells what to show to whom, from who interacted with
// what: item-based collaborative filtering, its evaluation, and the history
// it works on.
//
// It is not for ranking by content or context (it looks at no field but the
// item), nor for learning embeddings; what it offers are the linear item-item
// models, which on most shop data are as good as anything published, fit in
// seconds, explain themselves, and serve new users and sessions without being
// fitted again.
//
// # A tour
//
// Keep a [History]. It is a view: a store that is given it feeds it the
// e-commerce events it knows, renames merged users and erases forgotten ones.
// A host without a store adds rows itself, or reads a table with [Load]:
//
//	h, err := recommend.NewHistory(nil)
//	err = h.Add(user, "sku-42", 1, at)
//
// Fit a [Model]. Fits copy what they need and never block the history for
// longer than that; the model is immutable and holds no user:
//
//	model, err := recommend.Fit(ctx, h, nil)
//
// Ask it, by user or by a list of items:
//
//	result, err := model.Recommend(recommend.Query{History: h, User: user, N: 10})
//	result, err := model.Recommend(recommend.Query{Items: basket, Allow: inStock})
//
// Judge it before it is trusted, against the popular items that any shop can
// show without it:
//
//	split, err := recommend.SplitTime(h, lastMonth, nil)
//	model, err := recommend.Fit(ctx, split.Train, nil)
//	report, err := recommend.Evaluate(ctx, model, split.Test.Held,
//		&recommend.EvalOptions{History: split.Test.Known})
//	fmt.Println(report)
//
// # What a user's interest is worth
//
// Each event gives its items a weight by kind (a view 1, a purchase 4, see
// [DefaultEvents]), and takes it back when it is a removal, a refund or a
// cancellation. X_ui = f(Σ weight) is what models see, with f the [Value] of
// the options: [Binary] (the default), [Log1p] or [Cap]. What sums to zero or
// less is as if it had not been.
//
// [Decay] makes a copy in which what is long ago weighs less.
//
// # One kind of model
//
// A model is a matrix of weights from a source item (which the user has) to a
// target item (which may be shown); a score is the sum over the user's items
// of value times weight. So a score is explained by its parts
// ([Model.Explain]), a user may be anybody with items, and storage and serving
// are the same whatever the weights come from:
//
//   - [FitItemKNN]: neighbourhoods by one of eleven formulas ([Similarity]), at
//     will of pairs beyond chance only; the cheapest, and positive weights only;
//   - [FitEASE]: the regression of every item on all others, and EDLAE; the
//     most accurate while items² · 8 bytes are no trouble;
//   - [FitLocalRidge]: the same within a neighbourhood, for large catalogues;
//   - [FitSLIM]: the elastic net within a neighbourhood, for smaller models;
//   - [Fit]: EASE or local ridge by the size of the catalogue, with the penalty
//     chosen on users put aside. Begin here.
//
// A model travels by its bytes, and [Model.Compact] halves it.
//
// [Tune] chooses among any of them by the validation users of a split, and
// [RefreshLocalRidge] fits single targets anew.
//
// NDCG@100 by [SplitStrong] on three public sets, with standard errors of
// .012, .027 and .011:
//
//	                               msweb  MovieLens small  RetailRocket
//	popularity                      .448             .211          .028
//	cosine K=20 per source          .546             .237          .121
//	cosine K=200                    .556             .274          .161
//	RP3Beta{.6, .5} K=200           .566             .285          .202
//	local ridge C=100 lambda=100    .593             .314          .193
//	EASE lambda=100                 .595             .322          .211
//	Fit                             .603             .322          .212
//	Fit, Keep 200                   .604             .322          .213
//
// # Which neighbours to keep
//
// A neighbourhood model keeps K weights per item, and it matters more which
// than by which formula. This package keeps, for each target, its K best
// sources. Keeping for each source its K best targets, as most libraries do
// (ItemKNNOptions.PerSource), gives popular targets to everybody, and costs
// some .03 of NDCG on MovieLens and more on shop data. The price is that the
// row of a popular source can be long; Σ over the history of those rows is
// what a request costs.
//
// Where data is sparse, shrinkage ([Cosine], 10 to 50) or [RP3Beta] with
// Alpha .6 and Beta .5 do better than the plain cosine; RP3Beta shows the most
// of the catalogue.
//
// # Ties and determinism
//
// Items order by the length of their id, then by bytes, and every tie goes to
// the smaller. Results depend neither on the order in which interactions
// arrived nor on the number of workers, to the last bit. Binary cosines are
// compared as exact integers divided once.
//
// # Exactly N
//
// A query with N items to answer gets N whenever N are admissible: after the
// items with a positive score, [Query].Fill says what follows, popular items
// by default, told apart by their score of 0 and counted in Result.Filled. The
// items of the history are never among the answer unless Query.KeepHistory
// asks for it, and sets for Allow and Deny are applied during the search, not
// after it.
//
// # Buying again
//
// Query.KeepHistory lets a query answer with what the user had before, and
// Query.Own says how much an item speaks for itself. NDCG@100 for orders of two
// months from those of the eight before, Online Retail, repeat purchases counted
// (standard error .007):
//
//	popularity                                  .165
//	EASE lambda=100, Own 0                      .367
//	what the user had most often                .399
//	cosine K=100, Log1p, Own 0, 1, 10           .309  .381  .411
//	RP3Beta{.6, .5} K=100, Log1p, Own 0, 1, 10  .335  .411  .411
//
// # Honest evaluation
//
// [SplitTime] is what a shop should use; [SplitStrong] is the protocol of the
// literature, with hashes in place of a random generator so that figures can
// be compared between programs, and [SplitLast] holds out each user's last
// items. [Evaluate] ranks the whole catalogue, tells
// the share of held-out items that no model could have known, and reports
// coverage, Gini and novelty and the recall of rare items beside the accuracy,
// because popularity alone can look good. [Report.Compare] tells whether the
// difference between two models is more than chance. Given the category of each
// item, reports also tell how far lists stray from what each user likes
// (calibration) and how mixed they are (diversity); given Train, how little their
// items have in common (dissimilarity).
package recommend
