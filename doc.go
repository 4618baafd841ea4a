// Package zhun (准, "on target") is the front page of an embeddable library
// for targeting and personalization. It exports nothing; import the packages
// you need:
//
//   - [github.com/zhun-go/zhun/profile]: from any event to one person: cleaning,
//     identity, attributes and traits, consent, erasure. Its Store owns the
//     log, and everything else is a view of it.
//   - [github.com/zhun-go/zhun/segment]: audiences that are exact at every
//     instant, from rules in the expr language.
//   - [github.com/zhun-go/zhun/recommend]: item-based recommendation and its
//     honest evaluation.
//   - [github.com/zhun-go/zhun/attribution]: which touch earned the
//     conversion, and at what return.
//   - [github.com/zhun-go/zhun/experiment]: assignment, exposure, and effects
//     with their uncertainty.
//
// # One idea
//
// State is a sum over users. What the library derives from events is built so
// that one user's part can be added, taken out, given to another user, merged
// with another shard's, and written to bytes. A merge of two identities or an
// erasure therefore reaches everything that was ever derived, exactly.
//
// # One store, many views
//
// No package imports another. They meet in the host's code, through standard
// types and one interface that the store declares:
//
//	store, _ := profile.New(nil)
//	index, _ := segment.NewIndex(schema, nil)
//	history, _ := recommend.NewHistory(nil)
//	store.Attach("audiences", index, nil)
//	store.Attach("history", history, nil)
//	store.Apply(event) // identity, profile, audiences and history have moved
//
// Users are dense uint32 numbers that the store hands out, sets of users are
// roaring bitmaps, and so any set from any package intersects any other.
//
// Time is an argument and randomness a seed everywhere: the same events give
// the same state, the same bytes and the same answers, in whatever order they
// came and on however many cores.
//
// The program in examples/campaign runs the whole loop; start there.
package zhun
