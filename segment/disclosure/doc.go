// Package disclosure guards what leaves a segment index: audiences and counts
// that are handed to somebody who must not learn anything of single users.
//
// It does not decide who may ask (a mask of consent does, see segment's
// Within), and it does not hide that a user exists from whoever runs the
// program.
//
// A tour in three steps:
//
//	g, err := disclosure.New(nil)                          // one guard for each recipient
//	n, err := g.Count(x.Within(consented), `ltv >= 500`)   // a count, or why not
//	noisy, err := g.Noisy(exact, 0.1)                      // a count of any size, blurred
//
// # Small groups and differences
//
// A group of fewer than MinGroup users is not released, and neither is one
// that would tell of such a group together with what was released before: two
// audiences that are large, of which one holds the other and three users more,
// tell how these three are. The guard remembers the groups into which
// everything it released cuts the users, and refuses what would cut off a part
// of 1 to MinGroup − 1 users from any of them, from the users not released yet,
// or from the rest of the population. So whatever can be put together from any
// number of releases by union, intersection, difference and complement is empty
// or has at least MinGroup users (but for those erased since). That is stricter
// than a comparison with each release alone, which inclusion and exclusion over
// three would pass by, and for releases of sets it is no stricter than needed:
// two audiences with three users in common are refused, because whoever holds
// both can intersect them.
//
// The same group may be released again and again. A group that changes by a few
// users from week to week may not: the difference is those few. Release it when
// the change has grown, release a noisy count, or start a new guard and answer
// for what its recipient still has of the old one. What the guard sees is what
// it is asked: two guards for two recipients who talk to each other guard
// nothing. A refusal tells something too (J. Kenthapadi, N. Mishra and K.
// Nissim, "Simulatable auditing", 2005): that some group is small; the error
// does not say which, nor how small.
//
// # Noise
//
// [Guard.Noisy] adds noise to a count so that the answer hardly depends on any
// one user: with a user more or less, every answer is at most e^ε times as
// likely. That is differential privacy, which holds for counts of any size,
// whatever else is known. The noise is discrete Laplace, P(z) ∝ e^(−ε|z|),
// sampled exactly, in integers only, by algorithm 2 of C. L. Canonne, G. Kamath
// and T. Steinke, "The discrete Gaussian for differential privacy" (2020):
// noise computed in floating point gives itself away by its last digits. What
// answers spend adds up; Options.Budget bounds it, and it is in the bytes. Time
// taken depends on the noise, a little: do not let a recipient measure it.
//
// # State
//
// A guard's bytes hold what was released and what was spent. Write them down
// before an answer is given away (profile's Commit takes them as a record), and
// call [Guard.Erase] and [Guard.Rename] where the store's views are told.
package disclosure
