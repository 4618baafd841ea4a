// Package segment keeps audiences: which users a rule holds for, at every
// instant.
//
// A rule is a condition over a user's attributes and events, such as
//
//	ltv >= 500 and count(events("Order Completed", "90d"), .category == "shoes") >= 3
//
// Defined under a name, it is an audience whose members are always up to date:
// users enter and leave as attributes change and events arrive, and also when
// nothing arrives, because a window of time has moved on: to the second. The
// time is what events and the host say it is; nothing runs by itself, so that
// a host whose events may pause calls Advance by a ticker. Asked with Query,
// the same rule gives the same answer once. There is no nightly job, no second
// dialect for "real time", and no rule that is only available in one of them.
//
// It is not a database of profiles (package profile keeps those), it does not
// send anything, and it does not learn: scores that other packages compute
// come in as attributes.
//
// A tour in four steps:
//
//	x, err := segment.NewIndex(segment.Schema{"ltv": segment.Number, "country": segment.String}, nil)
//	_, err = x.Define("vip", `ltv >= 500 and len(events("Order Completed", "90d")) > 0`)
//	stop := x.Watch(nil, func(t segment.Transition) { fmt.Println(t.User, t.Audience, t.Entered, t.Cause) })
//	err = store.Attach("segment", x, nil) // or call Update, Observe, ObserveAll and Advance yourself
//
// # How it works
//
// The truth is one row per user: attributes, of which the last writer by time
// wins, and a log of the declared events within Options.Retain, kept as a
// multiset by time. The order in which calls arrive does not matter; a user
// can be erased, given to another user, merged in from another index and
// written to bytes, and the result is what it would have been had it always
// been so.
//
// A rule compiles to and, or and not over predicates, which all rules share.
// Each row holds the truth of each predicate. A changed number flips the
// thresholds between its old and its new value, found by binary search in a
// sorted list. An event reaches the predicates that read events of its name
// and whose filter it passes; those that count share a ring of the user's
// newest times, as many as any of them asks for, whatever their windows, and
// have, per user, at most one timer, set to the instant at which their truth
// may change next. Rules that compare a date with an instant that moves, such
// as ago("30d"), have no timers: they share a calendar of the dates. Audiences
// are recomputed only when one of their predicates has flipped. So the work is
// in proportion to what really changes, not to the number of rules. What is
// left of it is mostly waiting for memory, of a user nobody has asked for of
// late; ObserveAll takes many users' events and changes at once and waits for
// several of them at a time.
//
// A question that nobody defined is an expression over sets where it is about
// audiences, truth values, strings that equal constants, and narrow intervals
// of numbers or instants. It is answered in blocks of 65,536 users, each
// empty, full, a short array or a page of bits. Other conditions on one
// attribute, such as a tag or a pattern, are such sets, too, once questions
// have looked at as many users for them as there are. Whom the sets leave open
// is looked at closer: one by one while they are few, else in blocks of 4,096.
// Numbers are compared in columns, several users in one step, and the parts of
// the rule come in the order that settles most users for the least work.
// Options.Workers goroutines take the blocks in turns. Count and AtLeast
// answer without a set, AtLeast as soon as it knows. AppendMatching computes
// all audiences of one visitor from attributes, held or not. Preview answers
// what a definition would change, Overlap how audiences share users, Explain
// why a user is in an audience, by which values, and until when. Within sees
// all of it through a mask, such as the users who consented to a purpose.
// Snapshot is a picture that is written while the index goes on. Package
// disclosure guards counts and audiences that leave the house.
//
// # Language
//
// Rules are written in the syntax of https://expr-lang.org. Their meaning is
// the following, for every evaluator. The examples are answered for three
// users at noon on 2026-06-15, a Monday, UTC; the numbers after // are the
// users for whom they hold.
//
//	user 1: ltv 620, country "NZ", plan "gold", subscribed, born 1990-06-18,
//	        tags interest.baby and vip; orders of 120 (shoes and hats) 3 days
//	        ago and 80 (shoes) 40 days ago
//	user 2: ltv 40, country "AU", not subscribed, tags interest.sport; an order
//	        of 30 (hats) 10 days ago, refunded 5 days ago, a cart 2 hours ago
//	user 3: only a sign-up 100 days ago
//
// Values are numbers, strings, truth values, instants, lists of strings and
// lists of objects. A value may be missing. Logic has two values: a comparison
// or a string operator with a missing operand is false, and "not" and "!=" are
// complements among the users held, so they are true of users of whom nothing
// is known. Ask for what is missing with "== nil".
//
//	ltv >= 500                                // 1
//	ltv < 500                                 // 2
//	not (ltv >= 500)                          // 2 3
//	ltv == nil                                // 3
//	country != "NZ"                           // 2 3
//	country == "NZ" or country == "AU"        // 1 2
//	country in ["NZ", "CA"]                   // 1
//	country not in ["NZ", "CA"]               // 2 3
//	ltv in 600..700                           // 1
//	100 < ltv < 1000                          // 1
//	subscribed                                // 1
//	subscribed == false                       // 2
//	(plan ?? "none") == "none"                // 2 3
//	ltv > 100 ? plan == "gold" : country == "AU"   // 1 2
//
// Numbers compare exactly, whether they came as integers or floats.
// Arithmetic (+ - * / % **) is on 64-bit floats; dividing by zero, or a result
// out of range, is missing.
//
//	ltv / 10 + 1 > 60                         // 1
//	ltv / 0 > 1                               //
//	ltv % 100 == 20                           // 1
//	round(ltv / 100) == 6                     // 1
//	abs(ltv - 50) <= 10                       // 2
//
// Strings compare by bytes; a pattern is an RE2 regular expression and constant.
//
//	plan startsWith "go"                      // 1
//	plan endsWith "ld"                        // 1
//	plan contains "ol"                        // 1
//	plan matches "^g.*d$"                     // 1
//	lower(country) == "nz"                    // 1
//	len(country) == 2                         // 1 2
//
// A list that is missing is empty. Tags may form a hierarchy with dots.
//
//	"vip" in tags                             // 1
//	under(tags, "interest")                   // 1 2
//	any(tags, # startsWith "interest.")       // 1 2
//	len(tags) == 0                            // 3
//
// events(name, window) are the user's events of a name in (now−window, now],
// on whole seconds, oldest first; events(name) are all that are retained, and
// events(name, from, to) those between from and to ago. A window is a whole
// number with s, m, h, d, w (7 d) or y (365 d), or a sum of such, "1h30m"; a
// day is 24 hours. Within a list's condition .field is a field of the element.
//
//	len(events("Order Completed", "30d")) >= 1                              // 1 2
//	len(events("Order Completed", "30d")) == 0                              // 3
//	count(events("Order Completed", "90d"), .total > 50) >= 2               // 1
//	len(events("Order Completed", "90d", "30d")) > 0                        // 1
//	any(events("Order Completed"), any(.products, .category == "hats"))     // 1 2
//	all(events("Order Completed", "30d"), .total > 100)                     // 1 3
//	none(events("Order Refunded"), true)                                    // 1 3
//	one(events("Order Completed"), .total < 100)                            // 1 2
//
// sum, mean, min and max skip missing values; sum of nothing is 0, the others
// are then missing. Sums are exact and rounded once. uniq keeps different
// values, mode is the most frequent one (of equals the shortest, then the
// smallest), first and last are the oldest and the newest element.
//
//	sum(events("Order Completed", "90d"), .total) == 200                    // 1
//	mean(map(events("Order Completed", "1y"), .total)) < 50                 // 2
//	max(map(events("Order Completed"), .total)) > 100                       // 1
//	min(map(events("Order Completed"), .total)) == nil                      // 3
//	len(uniq(map(events("Order Completed"), .currency))) == 1               // 1 2
//	mode(map(events("Order Completed"), .currency)) == "NZD"                // 1
//	first(events("Order Completed")).total == 80                            // 1
//	last(events("Order Completed")).total > 100                             // 1
//	find(events("Order Completed"), .total > 100).currency == "NZD"         // 1
//	findLast(events("Order Completed"), .total < 100).total == 80           // 1
//	sum(map(filter(events("Order Completed"), .total < 100), .total)) == 80 // 1
//
// sequence(span, step, …) is true when the steps happened in this order, not
// necessarily one right after the other, within the span from the first to the
// last; a step is the name of an event or a list of events. active(step,
// period, n, m) is true when at least m of the last n periods hold an event.
// notFollowed(span, first, second) is true when a first event had no second
// one at its time or later, within the span; it becomes true by itself in the
// second after the span is over.
//
//	sequence("7d", "Order Completed", "Order Refunded")                     // 2
//	not sequence("1d", "Product Added", "Order Completed")                  // 1 2 3
//	sequence("60d", filter(events("Order Completed"), .total < 100), "Order Completed") // 1
//	active("Order Completed", "30d", 3, 2)                                  // 1
//	notFollowed("1h", "Product Added", "Order Completed")                   // 2
//	notFollowed("4h", "Product Added", "Order Completed")                   //
//	notFollowed("7d", events("Order Completed", "90d"), "Order Refunded")   // 1
//
// sessions(gap, step, …) is a list of sessions: events of the steps, cut where
// more than the gap lies between one and the next. A session has the fields
// start, end, duration (seconds) and events (their number).
//
//	len(sessions("30m", "Order Completed", "Product Added")) == 2           // 1 2
//	last(sessions("30m", "Product Added")).end > ago("3h")                  // 2
//	max(map(sessions("6d", "Order Completed", "Order Refunded"), .events)) == 1 // 1
//	any(sessions("6d", "Order Completed", "Order Refunded"), .duration >= 432000) // 2
//	mean(map(sessions("1h", "Order Completed"), .duration)) == 0            // 1 2
//
// score(points, condition, …) adds up the points, constant numbers, whose
// condition holds.
//
//	score(10, ltv >= 500, 5, "vip" in tags, -20, country == "AU") >= 15     // 1
//	score(10, ltv >= 500, 5, "vip" in tags, -20, country == "AU") < 0       // 2
//	score(1, len(events("Order Completed", "90d")) > 0, 0.5, plan == nil) == 1.5 // 2
//
// now() is the index's clock, ago and ahead lie before and after it; date is
// the first instant of a day, or an instant with an offset. startOfDay,
// startOfWeek (Monday), startOfMonth and startOfYear begin the current period,
// or with a number the n-th from it; days in a zone may have 23 or 25 hours.
// anniversary is the next day, today included, with the month and day of a
// date; 29 February is kept on the 28th. Calendars are those of the user's
// zone (Options.ZoneAttribute), else of Options.Zone.
//
//	born < date("1995-01-01")                                               // 1
//	anniversary(born) < ahead("7d")                                         // 1
//	first(events("Signed Up")).signed < ago("90d")                          // 3
//	last(events("Product Added")).added >= startOfDay()                     // 2
//
// segment(name) is another audience, at the root of a rule.
//
//	segment("vip") and country == "NZ"                                      // 1
//
// What other systems have operators of their own for is said with these: who
// stopped, who came back after a while, who did it for the first time, one
// field against another, who never bought.
//
//	len(events("Order Completed", "7d")) == 0 and len(events("Order Completed", "90d", "7d")) > 0 // 2
//	len(events("Order Completed", "7d")) > 0 and len(events("Order Completed", "30d", "7d")) == 0 and len(events("Order Completed", "1y", "30d")) > 0 // 1
//	len(events("Order Completed", "30d")) > 0 and len(events("Order Completed", "1y", "30d")) == 0 // 2
//	first(events("Order Completed")).total < last(events("Order Completed")).total // 1
//	mean(map(events("Order Completed"), .total)) > ltv / 10                 // 1 2
//	not any(events("Order Completed", "60d"), any(.products, .category == "shoes")) // 2 3
//
// A name that is not declared is an error that shows the place and the nearest
// declared name, unless Options.Dynamic. Names with other characters are
// written $env["first name"]; a chain a.b.c reads the flat name. What expr has
// and rules have not (variables, slices, indexes, closures over several
// elements) is an error too, at its place, unless Options.PerUser lets expr's own
// machine evaluate it. A window beyond Options.Retain is [ErrNotRetained].
package segment
