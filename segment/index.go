package segment

import (
	"encoding"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/internal/ids"
)

var (
	_ encoding.BinaryAppender    = (*Index)(nil)
	_ encoding.BinaryUnmarshaler = (*Index)(nil)
)

// Index holds users' attributes and events and the audiences over them.
//
// Its truth is one row per user: the attributes, last writer wins by time, and
// the declared events within Options.Retain, a multiset by time. Everything
// else is derived from it. A user is held from the first Update or Observe
// until Erase, whatever that first call brought; "not" and "!=" are
// complements among the users held.
//
// Safe for concurrent use: any number of readers beside one writer at a time.
// Make it with [NewIndex]; it must not be copied.
type Index struct {
	mu          sync.RWMutex
	opts        Options
	schema      Schema
	fingerprint string
	retain      int64 // seconds

	attrs       []*attribute
	attrByName  map[string]*attribute
	events      []*eventType
	eventByName map[string]*eventType
	zoneAttr    *attribute
	zones       zones

	making    sync.Mutex              // held by the reader that makes a column
	circuit   atomic.Pointer[circuit] // of the definitions, nil until asked for
	matchings sync.Pool
	settling  sync.Mutex // held by the reader that brings the sets up to date
	table     table
	now       stamp // of second unset at first
	pruned    int64 // rows up to this second are gone; set by Advance
	swept     int64 // the horizon of the last sweep over all rows
	fresh     int   // events added since
	timers    calendar

	preds     []*predicate // by number, nil when free
	freePreds []uint32
	predByKey map[string]*predicate
	matchers  []*matcher   // by number, nil when free
	blank     words        // truth for a user of whom nothing is known
	moving    []*predicate // whose blank truth changes with the clock

	audiences []*audience // by number, nil when free
	freeAuds  []uint32
	byName    map[string]*audience
	ordered   []*audience // by name
	blankIn   []*audience // to look at for a new user
	levels    int         // of references among audiences

	scan    scan       // of the writer
	last    *eventType // asked for by the writer
	neared  uint64
	step    uint64
	dirty   []*audience
	moved   []uint32     // changed in this step, by rank
	byRank  words        // the same while it is put in order
	touched []*predicate // they read what changed, and are evaluated once all of it is set
	changes []change
	moves   []uint64 // of audience, user and direction, not in the sets yet
	sorted  []uint64
	numBuf  []float64
	objBuf  []any
	attach  bool
	seq     uint64
	recent  ring
	watch   watchers
	replays bool
	queued  bool // transitions wait for release to deliver them
	stats   Stats
}

// Stats counts what an index holds and what it could not use.
type Stats struct {
	Users      int    // users held
	Audiences  int    // audiences defined
	Predicates int    // distinct predicates that rules share
	Timers     int    // pending expiries; rules about dates have none
	Seq        uint64 // of the last transition

	BadTimes      int // calls with a zero or impossible time, ignored
	OtherEvents   int // events that are not declared, of which only the user is kept
	LateEvents    int // events beyond the retention when they arrived, ignored
	UnknownNames  int // attributes that are not declared, ignored
	BadAttributes int // attribute values of another kind, ignored
	BadFields     int // event fields of another kind, which count as missing
}

// NewIndex returns an empty index of users with the attributes of the schema.
// Errors are of type [*OptionError].
func NewIndex(schema Schema, opts *Options) (*Index, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := schema.check("Schema"); err != nil {
		return nil, err
	}
	events := make([]string, 0, len(o.Events))
	for name := range o.Events {
		events = append(events, name)
	}
	slices.SortFunc(events, ids.Compare)
	x := &Index{opts: o, schema: schema, retain: int64(o.Retain / time.Second), fingerprint: fingerprint(schema, &o)}
	x.clear()
	for _, name := range schema.names() {
		x.newAttribute(name, schema[name])
	}
	for _, name := range events {
		if name == "" {
			return nil, &OptionError{"Events", `""`, "an event has a name"}
		}
		if err := o.Events[name].check(fmt.Sprintf("Events[%q]", name)); err != nil {
			return nil, err
		}
		if n := len(o.Events[name]); n > maxFields {
			return nil, &OptionError{fmt.Sprintf("Events[%q]", name), n, "has too many fields"}
		}
		x.newEvent(name, o.Events[name])
	}
	if o.ZoneAttribute != "" {
		x.zoneAttr = x.attrByName[o.ZoneAttribute]
		if x.zoneAttr == nil || x.zoneAttr.kind != String {
			return nil, &OptionError{"ZoneAttribute", o.ZoneAttribute, "must name an attribute of kind String"}
		}
	}
	x.recent.size = o.Recent
	x.scan.x = x
	return x, nil
}

// clear makes everything empty but the options.
func (x *Index) clear() {
	x.attrs, x.attrByName = nil, make(map[string]*attribute)
	x.events, x.eventByName, x.last = nil, make(map[string]*eventType), nil
	x.predByKey, x.byName = make(map[string]*predicate), make(map[string]*audience)
	x.now, x.pruned, x.swept = stamp{sec: unset}, -never, -never
	x.timers.fill = x.due
}

// String tells how much is held, and of nobody what.
func (x *Index) String() string {
	n := x.Stats()
	return fmt.Sprintf("index of %d users, %d audiences", n.Users, n.Audiences)
}

// Stats returns the counts. Safe for concurrent use.
func (x *Index) Stats() Stats {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := x.stats
	s.Users, s.Audiences, s.Timers, s.Seq = x.table.n, len(x.ordered), x.timers.len(), x.seq
	s.Predicates = len(x.predByKey)
	return s
}

// Now returns the index's clock, the zero time before it was first set.
func (x *Index) Now() time.Time {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.time()
}

// Contains reports whether the user is in the audience now. It is false for a
// user not held and for an audience that is not defined.
func (x *Index) Contains(name string, user uint32) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	a := x.byName[name]
	if a == nil {
		return false
	}
	r := x.table.get(user)
	return r != nil && r.in(a.id)
}

// Members returns the users who are in the audience now, as a private copy.
// The error wraps [ErrAudience].
func (x *Index) Members(name string) (*roaring.Bitmap, error) { return x.all().Members(name) }

// Size returns how many users are in the audience now, 0 when it is not defined.
func (x *Index) Size(name string) int { return x.all().Size(name) }

// Users returns the users held, as a private copy.
func (x *Index) Users() *roaring.Bitmap { return x.all().Users() }

// Of yields the names of the audiences the user is in, by name. The names are
// those of the moment at which an iteration begins.
func (x *Index) Of(user uint32) iter.Seq[string] {
	return func(yield func(string) bool) {
		var few [16]string
		for _, name := range x.AppendOf(few[:0], user) {
			if !yield(name) {
				return
			}
		}
	}
}

// AppendOf appends the names that Of yields. It allocates nothing when dst has
// room and the user is in at most 64 audiences.
func (x *Index) AppendOf(dst []string, user uint32) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	r := x.table.get(user)
	if r == nil {
		return dst
	}
	// The row's bits are few words, and mostly clear.
	var few [64]uint32
	ranks := few[:0]
	for w, open := range r.audiences() {
		for ; open != 0; open &= open - 1 {
			ranks = append(ranks, x.audiences[w*64+bits.TrailingZeros64(open)].rank)
		}
	}
	slices.Sort(ranks)
	dst = slices.Grow(dst, len(ranks))
	for _, rank := range ranks {
		dst = append(dst, x.ordered[rank].public.Name)
	}
	return dst
}
