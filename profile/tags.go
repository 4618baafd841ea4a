package profile

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"
)

// Tag is one statement that a person belongs under a heading. Headings form a
// hierarchy by their dots: "interest.baby.feeding" implies "interest.baby"
// and "interest".
type Tag struct {
	// Name is the heading; its parts are not empty. At most 256 bytes.
	Name string
	// Source is who says so: a model, a survey, an import. A later statement
	// of the same source about the same heading replaces the earlier, and a
	// heading holds as long as one source says so.
	Source string
	// Confidence is above 0 and at most 1; 0 means 1.
	Confidence float64
	// At is when it was said, Until the instant from which it holds no
	// longer, zero for never.
	At, Until time.Time
}

// tagging is the latest statement of one source about one heading that came
// with one combination of keys.
type tagging struct {
	name, source string
	set          uint32
	at           instant
	until        instant // never() for none
	confidence   float64 // 0 takes the tag away
}

// place orders statements by what they are about.
func (t tagging) place(o tagging) int {
	return cmp.Or(strings.Compare(t.name, o.name), strings.Compare(t.source, o.source), cmp.Compare(t.set, o.set))
}

// compare orders statements about the same from the one that holds least: by
// time, then the lower confidence, so that a removal wins a tie, then the
// later expiry.
func (t tagging) compare(o tagging) int {
	return cmp.Or(t.at.compare(o.at), cmp.Compare(o.confidence, t.confidence), o.until.compare(t.until))
}

// holds reports whether a deciding statement holds at a second.
func (t *tagging) holds(now int64) bool {
	return t.confidence > 0 && (t.until == never() || t.until.sec > now)
}

// decided yields the statement that decides for each heading and source, by
// heading, then source.
func (p *person) decided(f func(*tagging)) {
	for i := 0; i < len(p.tags()); {
		best := &p.tags()[i]
		for i++; i < len(p.tags()) && p.tags()[i].name == best.name && p.tags()[i].source == best.source; i++ {
			if p.tags()[i].compare(*best) > 0 {
				best = &p.tags()[i]
			}
		}
		f(best)
	}
}

// orderTags sorts statements and keeps the deciding one of each place.
func (p *person) orderTags() {
	if len(p.tags()) == 0 {
		return
	}
	slices.SortFunc(p.tags(), func(a, b tagging) int { return cmp.Or(a.place(b), b.compare(a)) })
	p.setTags(slices.CompactFunc(p.tags(), func(a, b tagging) bool { return a.place(b) == 0 }))
}

// headings returns the headings below prefix that hold, those they imply
// included, sorted, and the second at which the next one expires, 0 for none.
func (p *person) headings(prefix string, now int64) (list []string, turn int64) {
	p.decided(func(t *tagging) {
		if !t.holds(now) || !under(t.name, prefix) {
			return
		}
		if t.until != never() && (turn == 0 || t.until.sec < turn) {
			turn = t.until.sec
		}
		for name := t.name; under(name, prefix); {
			i, known := slices.BinarySearch(list, name)
			if known {
				break
			}
			list = slices.Insert(list, i, name)
			dot := strings.LastIndexByte(name, '.')
			if dot < 0 {
				break
			}
			name = name[:dot]
		}
	})
	return list, turn
}

// under reports whether a heading is the other or below it.
func under(name, top string) bool {
	return top == "" || strings.HasPrefix(name, top) && (len(name) == len(top) || name[len(top)] == '.')
}

func (t *Tag) check() error {
	bad := func(why string, v any) error { return fmt.Errorf("%w %.80q: %s %v", ErrTag, t.Name, why, v) }
	switch {
	case len(t.Name) > maxName || len(t.Source) > maxName:
		return bad("name or source is longer than", maxName)
	case !utf8.ValidString(t.Name) || !utf8.ValidString(t.Source):
		return bad("name or source is not", "UTF-8")
	case slices.Contains(strings.Split(t.Name, "."), ""):
		return bad("a part of the name is", "empty")
	case math.IsNaN(t.Confidence) || t.Confidence < 0 || t.Confidence > 1:
		return bad("confidence", t.Confidence)
	case !usable(t.At):
		return timeError(t.At)
	case !t.Until.IsZero() && (!usable(t.Until) || !t.Until.After(t.At)):
		return bad("until", t.Until)
	}
	return nil
}

// Tag puts a person under a heading. Traits of kind [Tags] tell the views; the
// change says what of those changed. Expiry follows the clock, in whole
// seconds. Errors: [ErrUser], [ErrTag], also when the person would have more
// than Options.MaxTags statements, [ErrTime], [ErrClosed].
func (s *Store) Tag(user uint32, t Tag) (Change, error) {
	if t.Confidence == 0 {
		t.Confidence = 1
	}
	return s.tag(user, t)
}

// Untag takes back what a source said of a person and a heading; what other
// sources say, and what narrower headings imply, stays. See [Store.Tag].
func (s *Store) Untag(user uint32, name, source string, at time.Time) (Change, error) {
	return s.tag(user, Tag{Name: name, Source: source, At: at})
}

func (s *Store) tag(user uint32, t Tag) (Change, error) {
	v := tagVerb{user: user, t: t}
	if err := s.run(&v); err != nil {
		return Change{}, err
	}
	return v.c, v.err
}

func (s *Store) tagLocked(user uint32, t Tag) (Change, error) {
	p := s.people.of(user)
	if p == nil {
		return Change{}, userError(user)
	}
	x := tagging{strings.Clone(t.Name), strings.Clone(t.Source), s.spoken(p, t.At), instantOf(t.At), never(), t.Confidence}
	if !t.Until.IsZero() {
		x.until = instantOf(t.Until)
	}
	i, known := slices.BinarySearchFunc(p.tags(), x, tagging.place)
	switch {
	case !known && len(p.tags()) >= s.opts.MaxTags:
		return Change{}, fmt.Errorf("%w %q: user %d has %d already", ErrTag, t.Name, p.number, len(p.tags()))
	case !known:
		p.setTags(slices.Insert(p.tags(), i, x))
	case x.compare(p.tags()[i]) > 0:
		p.tags()[i] = x
	}
	s.seq++
	c := Change{User: p.number, Seq: s.seq}
	for _, x := range s.retag(p, instantOf(t.At)) {
		s.updateTrait(p, x)
		if !s.opts.OmitChanges {
			if c.Attributes == nil {
				c.Attributes = make(map[string]any)
			}
			c.Attributes[s.opts.Traits[x.trait].Name] = x.value
		}
	}
	c.Detached = s.detached
	return c, nil
}

// spoken returns the combination that a statement of the host about a person
// comes with: its strongest key alone. While no event came with that, it was
// seen when the statements were made.
func (s *Store) spoken(p *person, at time.Time) uint32 {
	top := p.nodes()[:1]
	k, ok := s.graph.set(top)
	if !ok {
		k = s.graph.addSet(top, instantOf(at), origin{})
		s.own(p, k)
	} else if set := &s.graph.sets[k]; !set.seen() {
		set.first = pack(earliestOf(set.first.instant(), instantOf(at)))
		set.last = set.last.latest(pack(instantOf(at)))
	}
	return k
}

// retag brings the traits of kind Tags up to date with what was said of a
// person, and returns those that changed.
func (s *Store) retag(p *person, at instant) (changed []stamped) {
	for _, i := range s.tagTraits {
		w := p.window(i)
		if w == nil {
			if len(p.tags()) == 0 {
				continue
			}
			w = p.newWindow(i)
		}
		w.due = 0
		if s.slide(p, w) {
			changed = append(changed, stamped{i, w.stamp.after(at), w.value})
		}
	}
	return changed
}

// lastSaid is when the latest statement about tags was made.
func (p *person) lastSaid() instant {
	at := never()
	for i := range p.tags() {
		at = latestOf(at, p.tags()[i].at)
	}
	return at
}

// slideTags is slide for a trait of kind Tags.
func (s *Store) slideTags(p *person, w *window, t *Trait) {
	list, turn := p.headings(t.Field, s.clock.sec)
	if turn != 0 && turn != w.due {
		s.timers.push(timer{turn, p.number, int(w.trait)})
	}
	w.due, w.value = turn, nil
	if len(list) > 0 {
		w.value = list
	}
}

// TagsOf returns the statements that hold of a person, by name, then source.
// The headings they imply are not among them.
func (s *Store) TagsOf(user uint32) []Tag {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.people.of(user)
	if p == nil {
		return nil
	}
	return s.tagsOf(p)
}

func (s *Store) tagsOf(p *person) []Tag {
	var out []Tag
	p.decided(func(t *tagging) {
		if t.holds(s.clock.sec) {
			out = append(out, Tag{t.name, t.source, t.confidence, t.at.time(), t.until.time()})
		}
	})
	return out
}

// Tagged returns the users under a heading, those under narrower ones
// included, whose confidence is at least min, as a private copy. It looks at
// every person, without holding up who writes: what changes meanwhile may count
// or not.
func (s *Store) Tagged(name string, min float64) *roaring.Bitmap {
	return s.usersThat(func(p *person) (yes bool) {
		p.decided(func(t *tagging) {
			yes = yes || t.holds(s.clock.sec) && under(t.name, name) && t.confidence >= min
		})
		return yes
	})
}
