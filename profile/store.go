package profile

import (
	"fmt"
	"hash/maphash"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/internal/ids"
)

// Store turns events into facts about known persons, and hands them on to the
// views attached to it.
//
// Safe for concurrent use: one call writes at a time, and any number read
// beside each other between writes. Views are called by the writer, while
// nobody reads. What is read of one person, or of all in sets, holds up who
// writes for about as long as an event; [Store.Export] and [Store.Explain] for
// as long as there is to say of that person. [Store.AppendBinary], and Merge
// into another store, hold up who writes until the whole is written, and
// [Store.Attach] and a [Store.Commit] everybody until they are done;
// [Store.Snapshot] does not. Make it with [New] or [Open]; it must not be
// copied.
type Store struct {
	mu     sync.RWMutex
	opts   Options
	closed bool
	state
	durable *durable // nil in memory

	traitNames  map[string]int
	traitsOf    map[string][]int // by event name as views see it
	traitFields map[string]bool  // those that traits look at
	norm        normalizer
	stageTraits []int
	tagTraits   []int
	retains     map[string]bool // nil for all
	optionMarks optionMarks
	otherKeys   bool // the bytes read last were of options by which others were one person
	otherTraits bool // or by which other traits followed

	views      []*attached
	deliverers []deliverer // replaced, never changed
	failures   map[string]error

	blocked        map[string]struct{}
	longestBlocked int

	// Of the writer, to prepare events: where counts go, and what events do
	// that are prepared and not yet applied.
	counts *Stats
	ahead  ahead

	// Scratch space of the writer.
	fields        map[string]any // of the event being applied, clean: the event's own, or
	spare         map[string]any // this one
	pairs         []pair         // the same
	altered       bool           // the event's own fields were not clean
	borrowed      bool           // fields is the event's own
	sought        []sought       // by the places of keys, nothing when those were not looked up
	changed       map[string]any // attributes whose value changed
	stated        map[string]any // attributes that were stated anew
	traitsChanged []stamped
	nodes         []uint32
	names         []string
	keys          []Key
	told          map[string]any
	texts         interned[any]
	agents        interned[bool] // whether an agent is on the built-in list of programs
	read          decoded
	tally         computed // of the person whose traits are computed anew
	detached      []string
}

// state is what a store holds, apart from its options and views: what
// AppendBinary writes, and what follows from that.
type state struct {
	clock      instant
	seq        uint64
	next       uint64 // the next number to hand out
	graph      identity
	people     roster // by every number ever handed out and not erased
	live       *roaring.Bitmap
	log        eventLog
	records    map[string][]byte
	seen       dedupe
	watched    behaviour
	tombs      tombstones
	stats      Stats
	consent    consentIndex
	attributes ids.Dict
	timers     timers
	oldest     map[int64][]uint32 // persons by the day of their oldest event
	retained   int
	subjects   uint64   // the last subject of the journal that was handed out
	doomed     []uint64 // subjects whose keys go when the next snapshot stands, ascending
	marks      []reach  // how far the journal reaches, by day
}

// New returns an empty store in memory. Errors wrap [ErrOptions].
func New(opts *Options) (*Store, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{
		opts: o,
		state: state{
			clock:   never(),
			next:    uint64(o.Shard),
			people:  newRoster(o.Shards),
			live:    roaring.New(),
			records: make(map[string][]byte),
			graph: identity{
				kindIndex: make(map[string]uint32),
				seed:      maphash.MakeSeed(),
				maxKeys:   o.MaxPersonKeys,
				maxLinks:  o.MaxKeyLinks,
				maxMerges: o.MaxMerges,
			},
			oldest: make(map[int64][]uint32),
		},
		optionMarks: o.marks(),
		traitNames:  make(map[string]int),
		traitsOf:    make(map[string][]int),
		traitFields: make(map[string]bool),
		blocked:     make(map[string]struct{}),
		spare:       make(map[string]any),
		changed:     make(map[string]any),
		stated:      make(map[string]any),
		told:        make(map[string]any),
		failures:    make(map[string]error),
	}
	s.fields = s.spare
	s.counts = &s.stats
	s.ahead.reset()
	if o.Shard == 0 {
		s.next = uint64(o.Shards) // 0 is never a user
	}
	if s.norm, err = newNormalizer(&s.opts); err != nil {
		return nil, err
	}
	s.consent.init(o.OptOut)
	s.graph.lending.init(&s.opts)
	s.graph.spans = len(o.LimitWindows) > 0
	s.seen.init(&s.opts)
	s.tombs.init(o.Secret)
	for i, t := range o.Traits {
		s.traitNames[t.Name] = i
		switch t.Kind {
		case Stage:
			s.stageTraits = append(s.stageTraits, i)
		case Tags:
			s.tagTraits = append(s.tagTraits, i)
		}
		for _, e := range t.Events {
			s.traitsOf[e] = append(s.traitsOf[e], i)
		}
		s.traitFields[t.Field], s.traitFields[t.SourceField] = true, true
		for _, c := range t.where {
			s.traitFields[c.field] = true
		}
	}
	if len(o.Retain.Events) > 0 {
		s.retains = make(map[string]bool)
		for _, e := range o.Retain.Events {
			s.retains[currentName(e)] = true
		}
	}
	for _, list := range [][]string{BlockedValues(), o.Blocked} {
		for _, v := range list {
			s.blocked[strings.ToLower(v)] = struct{}{}
			s.longestBlocked = max(s.longestBlocked, len(v))
		}
	}
	return s, nil
}

// Close detaches all views and refuses whatever is asked of the store later
// with [ErrClosed]. Closing twice is no error.
func (s *Store) Close() error {
	if s.durable != nil {
		return s.closeDurable()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked()
	return nil
}

func (s *Store) closeLocked() {
	if s.closed {
		return
	}
	s.closed = true
	for _, w := range s.views {
		w.release()
	}
	s.views, s.deliverers = nil, nil
}

// Stats returns what the store has seen and holds.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.statsLocked()
}

// String tells how much is held, and of nobody what.
func (s *Store) String() string {
	n := s.Stats()
	return fmt.Sprintf("store of %d persons, %d keys, %d events", n.Profiles, n.Keys, n.Retained)
}

func (s *Store) statsLocked() Stats {
	out := s.stats
	out.Profiles = int(s.live.GetCardinality())
	out.Retained = s.retained
	out.Keys = s.graph.size()
	out.Shared = s.graph.sharing
	return out
}

// Resolve returns the number of the person with a key. The value is cleaned
// as in events. A key shared by several persons leads to its own profile, if
// it has one.
func (s *Store) Resolve(kind, value string) (user uint32, ok bool) {
	k, _, ok := s.cleanKey(Key{kind, value})
	if !ok {
		return 0, false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, ok := s.graph.lookup(k)
	if !ok {
		return 0, false
	}
	return s.graph.nodes[n].person.number, true
}

// Current returns the number that a number handed out earlier leads to now:
// itself, or that of the person whom its own was folded into. It reports
// false for numbers never handed out and for erased persons.
func (s *Store) Current(user uint32) (uint32, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.people.lookup(user)
	if !ok {
		return 0, false
	}
	return p.number, true
}

// Record returns a copy of a host record that was stored with [Store.Commit].
func (s *Store) Record(key string) ([]byte, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.records[key]
	if !ok {
		return nil, false
	}
	return append([]byte(nil), b...), true
}
