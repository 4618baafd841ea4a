package profile

import (
	"time"

	"github.com/zhun-go/zhun/internal/value"
)

// Profile is a copy of what is known of one person.
type Profile struct {
	User uint32
	// Keys are the person's identifiers, the strongest first.
	Keys []Key
	// Attributes are those stated in identify events and the computed
	// traits.
	Attributes map[string]any
	// Consents are the purposes that the person has spoken about, true where
	// allowed.
	Consents map[string]bool
	// Tags are the statements about tags that hold, by name, then source.
	Tags []Tag
	// FirstSeen and LastSeen are the times of the earliest and the latest
	// event, retained or not.
	FirstSeen, LastSeen time.Time
	// Events is how many events are retained.
	Events int
}

// Profile returns a copy of what is known of a person; numbers folded into
// another lead to that one. It reports false if there is nobody.
func (s *Store) Profile(user uint32) (Profile, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.people.lookup(user)
	if !ok {
		return Profile{}, false
	}
	out := Profile{User: p.number, Events: len(p.rows)}
	out.Attributes = make(map[string]any, len(p.cells())+len(p.traits())+len(p.windows()))
	s.eachAttribute(p, func(name string, v any) {
		switch v.(type) {
		case []string, []map[string]any:
			v = value.Clone(v)
		}
		out.Attributes[name] = v
	})
	out.Keys = make([]Key, len(p.nodes()))
	for i, n := range p.nodes() {
		out.Keys[i] = s.graph.key(n)
	}
	p.deciding(func(c consent) {
		if out.Consents == nil {
			out.Consents = make(map[string]bool)
		}
		out.Consents[c.purpose] = s.allows(p, c.purpose)
	})
	out.Tags = s.tagsOf(p)
	first, last := s.span(p)
	out.FirstSeen, out.LastSeen = first.time(), last.time()
	return out, true
}

// Attribute returns one attribute or computed trait of a person, without
// copying the rest.
func (s *Store) Attribute(user uint32, name string) (any, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.people.lookup(user)
	if !ok {
		return nil, false
	}
	var v any
	if i, computed := s.traitNames[name]; computed {
		v = p.traitValue(i)
	} else if id, ok := s.attributes.Lookup(name); ok {
		if w := p.winner(id); w != nil {
			v = value.Clone(w.value)
		}
	}
	return v, v != nil
}

// span returns the times of the person's earliest and latest event.
func (s *Store) span(p *person) (earliest, latest instant) {
	var first, last packed
	for _, k := range p.sets() {
		set := &s.graph.sets[k]
		if !set.seen() {
			continue
		}
		from, to := set.first, set.last
		if s.graph.isLoan(k) {
			first, last := s.loanSpan(k)
			from, to = pack(first.instant()), pack(last.instant())
		}
		if first == (packed{}) || from.before(first) {
			first = from
		}
		last = last.latest(to)
	}
	return first.instant(), last.instant()
}

// Users returns the numbers of all persons in ascending order.
func (s *Store) Users() []uint32 {
	s.mu.RLock()
	live := s.live.Clone()
	s.mu.RUnlock()
	return live.ToArray()
}
