// Package profile turns events into facts about known persons: it cleans
// them, drops redeliveries, finds out who is who, keeps what was said and
// done, watches over what it may be used for, and hands all of it to the
// views that derive something from it.
//
// It is not a database of profiles to query: audiences belong to package
// segment, whose index is attached as a view. It sends nothing and listens to
// nothing; the host feeds it and asks it.
//
// # A tour
//
// One store, its views, and events:
//
//	store, err := profile.New(&profile.Options{
//		Traits: []profile.Trait{
//			{Name: "orders", Kind: profile.Count, Events: []string{profile.OrderCompleted}},
//			{Name: "spent", Kind: profile.Sum, Events: []string{profile.OrderCompleted}, Field: "revenue"},
//		},
//	})
//	err = store.Attach("audiences", index, nil) // any View: segment.Index, recommend.History, your own
//	for event, err := range profile.ReadSegment(file) {
//		change, err := store.Apply(event)
//		…
//	}
//	user, ok := store.Resolve("email", "ann@example.com")
//	person, ok := store.Profile(user)
//	receipt, err := store.Erase(user)
//
// # Events
//
// An [Event] names its person by keys ([Key]): a cookie, an account, an
// e-mail address. [DecodeSegment], [DecodeCloudEvent] and [ReadSegment] make
// events of the usual JSON; any other source fills the struct. Fields are
// bool, int64, float64, string, time, a list of strings or a list of objects;
// nested objects become names with dots.
//
// [Store.Apply] refuses what cannot be a fact, with a [*RefusedError] that
// says why, and [Store.Stats] counts it: no usable key, no usable time, no
// name, sent by a program ([BotRules], with a [BotCode] each), too large, too
// late ([Options].Late), of an erased person. Texts are brought into Unicode's
// normal form C, those that stand for nothing ("n/a") are dropped, and fields
// declared in [Options].Schema are brought into the form declared: numbers,
// times, countries and so on. A sender's clock is corrected by received − sent,
// and no event happens after its reception. A message id is applied once within
// the dedupe window of 7 days, and at any later time as long as the event
// itself is retained; an event without an id is recognized by a hash of its
// content. [Options].DedupeEvents bounds the memory for ids at the price of a
// stated error.
//
// # Who is who
//
// Events that name a person by several keys link them. Links are kept with
// the event that they first came with, its time, its source and whether it was
// an identify or an alias, and who is who is a function of the set of links, so
// that the order in which events arrive never matters:
//
//   - Keys that are linked, over any number of steps, are one person.
//   - Values that identify nobody ("null", "anonymous", zeros; see
//     [BlockedValues]) are no keys.
//   - A person has one user_id. A browser from which two accounts logged in is
//     shared: its links hold no longer, the events that carry an account stay
//     with that account, and events that carry only the browser belong to the
//     browser's own profile. With [Options].LastAccount they belong to the
//     account last seen with it, if that was shortly before and nobody signed
//     out since.
//   - Where a chain of weaker links would still join two accounts, links of an
//     account itself come first, then the older ones, and the link that would
//     break the rule is suspended.
//   - Limits may count the keys that came within a time of each other only
//     ([Options].LimitWindows).
//   - More than [Options].MaxPersonKeys keys in one web are nobody.
//   - A person comes from [Options].MaxMerges merges at most; later links
//     between known keys are suspended.
//
// A new link can thus fold two numbers into one ([Change].Merged; the smaller
// survives and the other is retired, see [Store.Current]) or split one
// ([Change].Split). Numbers are dense, start at 1 and are never used again.
// [Store.Explain] gives the links between two keys, and [Store.Unmerge] takes a
// key out for good.
//
// # What is known
//
// Attributes come from identify events. The latest statement by event time
// holds, ties go to the larger value, and nil removes. Computed traits
// ([Trait]) are declared in the options and follow the retained events, those
// with a window also the passing of time; sums are exact. Among them are the
// stage of the lifecycle ([Stages], learned by [Store.LearnStages] or by itself), streaks,
// sessions and scores that decay. [Store.Profile]
// shows both, [Store.Export] everything as JSON, which [Store.Import] takes back.
//
// Tags are statements of the host ([Store.Tag]) under headings that form a
// hierarchy; "interest.baby" implies "interest". [ReadTaxonomy] imports the
// IAB's and others' headings. A trait of kind [Tags] hands them to views.
//
// [Store.FitPreferences] learns when and by which channel persons are reached;
// what is known of one person is weighed against the population.
//
// Purposes are allowed by consent events, [Store.Grant] and [Store.Deny]. The
// latest statement holds, and of two at one instant the denial.
// Grants may lapse, and what holds for those who were not asked may differ by
// region ([Options].ConsentExpiry, Regions). [Store.Allowed] is the set of
// users a purpose may reach, [Store.Consents] the history for an audit, and
// [ConsentMap] reads the signals of the IAB's framework, Google Consent Mode
// and Global Privacy Control.
//
// # Views
//
// A [View] is state derived from events, kept by user. [Store.Attach] fills
// it with what the store holds and keeps it up to date from then on: events,
// changed attributes, merges as Rename, splits as Erase and new observation,
// erasures, and the clock. A view attached for a purpose only ever holds
// users who allow it. A view that fails is detached and named in
// [Change].Detached; the others go on.
//
// # Time
//
// The store has one clock. It follows the events ([Options].Clock) and
// [Store.Advance], never goes back, and moves the views' clocks before the
// event that moves its own. Events are kept for [Options].Retain, 400 days
// by default; what they said about identity, attributes and consent stays.
//
// So the clock must not be a stranger's: an event that its sender dates 2999
// takes it there, and nothing else is recent enough to be kept. A host that is
// handed events by browsers and webhooks sets [Event].Received to its own time
// before it applies them, or bounds the leap by Options.MaxAhead.
//
// # Erasure
//
// [Store.Erase] leaves the store and its views as if no event that names one
// of the person's keys had ever come. Of the identifiers, keyed hashes remain,
// by which late events of that person are refused. The [Receipt] says which
// files still hold the person, until [Store.Compact]. With [Pseudonyms] the
// store never sees an identifier.
//
// # Durability
//
// [New] returns a store in memory, [Open] one in a directory:
//
//	store, err := profile.Open("/var/lib/shop/profiles", opts)
//	err = store.Attach("audiences", index, nil) // goes on from where it was
//	change, err := store.Apply(event)           // durable when it returns
//	err = store.Close()
//
// A change is written before anybody sees it. That takes one flush of the disk,
// a millisecond or several, in which a caller waits. Concurrent callers share
// a transaction, so that many of them wait once; a single one that has many
// events gives them to [Store.ApplyAll] or [Store.Commit], which write hundreds
// at a time. After a crash the
// store and its views come back to the same instant, with the same numbers; a
// view is told exactly what it would have been told, and emits nothing
// meanwhile. When a write fails, that call and every later one return a
// [*JournalError], and reading goes on: close the store and open it again when
// the cause is gone.
//
// Snapshots are written meanwhile, while nobody waits for them;
// [Store.JournalStats] says when they fail and how much has piled up.
//
// [Store.Commit] takes events and records of the host in as one transaction.
// A consumer that keeps the offset of its stream in such a record, and asks
// for it with [Store.Record] when it starts, counts every event once, whatever
// the stream delivers again.
//
// [Store.AppendBinary] writes a whole store, also one in memory.
//
// # Several stores
//
// Stores with distinct [Options].Shard take in parts of a stream, in any
// split, and [Store.Merge] makes them one, the same as if one store had seen
// everything.
package profile
