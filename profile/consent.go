package profile

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// consent is one statement about one purpose. All of them are kept, as the
// history that an audit asks for.
type consent struct {
	purpose string
	set     uint32 // the combination of keys that it came with
	at      instant
	granted bool
	source  string
}

// compare orders consents by purpose, then time, then what was said.
func (c consent) compare(o consent) int {
	return cmp.Or(strings.Compare(c.purpose, o.purpose), c.at.compare(o.at), compareBools(c.granted, o.granted),
		strings.Compare(c.source, o.source), cmp.Compare(c.set, o.set))
}

// compareBools orders false, which denies, after true: it wins a tie.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// consentIndex knows the users who granted and denied each purpose.
type consentIndex struct {
	optOut          map[string]bool
	granted, denied map[string]*roaring.Bitmap
	// pending are the timers for consents. Each is there once: a person is looked
	// at whenever one fires, and would arm those that follow again and again.
	pending map[timer]bool
}

func (x *consentIndex) init(optOut []string) {
	x.optOut = make(map[string]bool)
	for _, p := range optOut {
		x.optOut[p] = true
	}
	x.granted = make(map[string]*roaring.Bitmap)
	x.denied = make(map[string]*roaring.Bitmap)
	x.pending = make(map[timer]bool)
}

func mark(m map[string]*roaring.Bitmap, purpose string, user uint32) {
	b := m[purpose]
	if b == nil {
		b = roaring.New()
		m[purpose] = b
	}
	b.Add(user)
}

func unmark(m map[string]*roaring.Bitmap, purpose string, user uint32) {
	if b := m[purpose]; b != nil {
		if b.Remove(user); b.IsEmpty() {
			delete(m, purpose)
		}
	}
}

// deciding returns the statement that holds for each purpose, by purpose: the
// latest, and the denial of two at one instant.
func (p *person) deciding(f func(consent)) {
	for i, c := range p.consents() {
		if i+1 == len(p.consents()) || p.consents()[i+1].purpose != c.purpose {
			f(c)
		}
	}
}

func (s *Store) indexConsents(p *person) {
	p.deciding(func(c consent) { s.indexConsent(p, &c) })
}

// indexConsent notes the statement that holds for a purpose.
func (s *Store) indexConsent(p *person, c *consent) {
	lapse := s.lapse(c)
	if lapse != 0 && lapse > s.clock.sec {
		if t := (timer{lapse, p.number, consentTimer}); !s.consent.pending[t] {
			s.consent.pending[t] = true
			s.timers.push(t)
		}
	}
	if c.granted && lapse != 0 && lapse <= s.clock.sec {
		unmark(s.consent.granted, c.purpose, p.number)
		unmark(s.consent.denied, c.purpose, p.number)
	} else if c.granted {
		mark(s.consent.granted, c.purpose, p.number)
		unmark(s.consent.denied, c.purpose, p.number)
	} else {
		mark(s.consent.denied, c.purpose, p.number)
		unmark(s.consent.granted, c.purpose, p.number)
	}
}

func (s *Store) unindexConsents(p *person) {
	p.deciding(func(c consent) {
		unmark(s.consent.granted, c.purpose, p.number)
		unmark(s.consent.denied, c.purpose, p.number)
	})
}

// allows reports whether a person may be used for a purpose.
func (s *Store) allows(p *person, purpose string) bool {
	i, _ := slices.BinarySearchFunc(p.consents(), purpose, func(c consent, purpose string) int {
		if strings.Compare(c.purpose, purpose) <= 0 {
			return -1
		}
		return 1
	})
	if i > 0 && p.consents()[i-1].purpose == purpose {
		c := &p.consents()[i-1]
		if lapse := s.lapse(c); lapse == 0 || lapse > s.clock.sec {
			return c.granted
		}
	}
	return s.unasked(p, purpose)
}

// unasked reports whether a purpose is allowed to a person who said nothing.
func (s *Store) unasked(p *person, purpose string) bool {
	if len(s.opts.Regions) > 0 {
		if id, ok := s.attributes.Lookup(s.opts.RegionAttribute); ok {
			if w := p.winner(id); w != nil {
				region, _ := w.value.(string)
				if list, ok := s.opts.Regions[strings.ToLower(region)]; ok {
					return slices.Contains(list, purpose)
				}
			}
		}
	}
	return s.consent.optOut[purpose]
}

// consentTimer stands in for a trait in timers that look at consents.
const consentTimer = -1

// lapse returns the second at which a grant holds no longer, 0 for never.
func (s *Store) lapse(c *consent) int64 {
	if d := s.opts.ConsentExpiry[c.purpose]; c.granted && d > 0 {
		return c.at.sec + int64(d/time.Second)
	}
	return 0
}

// reconsider takes the grants that lapsed into account.
func (s *Store) reconsider(p *person) {
	s.indexConsents(p)
	s.permit(p)
}

// ConsentRecord is one statement of a person's about a purpose.
type ConsentRecord struct {
	Purpose string
	Granted bool
	At      time.Time
	// Expires is when a grant holds no longer, zero for never.
	Expires time.Time
	// Source is what Grant and Deny were told, "event" for consent events.
	Source string
}

// Consents returns everything a person ever said about purposes, by purpose,
// then time, for an audit.
func (s *Store) Consents(user uint32) []ConsentRecord {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.people.of(user)
	if p == nil {
		return nil
	}
	out := make([]ConsentRecord, len(p.consents()))
	for i := range p.consents() {
		c := &p.consents()[i]
		out[i] = ConsentRecord{Purpose: c.purpose, Granted: c.granted, At: c.at.time(), Source: c.source}
		if lapse := s.lapse(c); lapse != 0 {
			out[i].Expires = instant{sec: lapse}.time()
		}
	}
	return out
}

// consentTo adds a statement to a person.
func (s *Store) consentTo(p *person, c consent) {
	i, twice := slices.BinarySearchFunc(p.consents(), c, consent.compare)
	if twice {
		return
	}
	all := slices.Insert(p.consents(), i, c)
	p.setConsents(all)
	// What holds for other purposes is as it was.
	for i+1 < len(all) && all[i+1].purpose == c.purpose {
		i++
	}
	s.indexConsent(p, &all[i])
}

// Grant records that a person allows a purpose since an instant, and where
// that was said. The latest statement holds, whatever the order of the calls;
// of two at the same instant the denial. Views attached for the purpose are
// given all that is known of the person. Errors: [ErrUser], [ErrPurpose],
// [ErrTime], [ErrClosed].
func (s *Store) Grant(user uint32, purpose string, at time.Time, source string) error {
	return s.decide(user, purpose, at, source, true)
}

// Deny records that a person does not allow a purpose since an instant. The
// person is erased from the views attached for it. See [Store.Grant].
func (s *Store) Deny(user uint32, purpose string, at time.Time, source string) error {
	return s.decide(user, purpose, at, source, false)
}

func (s *Store) decide(user uint32, purpose string, at time.Time, source string, granted bool) error {
	v := statementVerb{user: user, purpose: strings.TrimSpace(purpose), source: source, at: at, granted: granted}
	if err := s.run(&v); err != nil {
		return err
	}
	return v.err
}

func (s *Store) decideLocked(user uint32, purpose string, at time.Time, source string, granted bool) error {
	p := s.people.of(user)
	if p == nil {
		return userError(user)
	}
	s.consentTo(p, consent{strings.Clone(purpose), s.spoken(p, at), instantOf(at), granted, strings.Clone(source)})
	s.permit(p)
	return nil
}

// Allowed returns the users who may be used for a purpose now, as a private
// copy. With Options.Regions it looks at every person, without holding up who
// writes: what changes meanwhile may count or not.
func (s *Store) Allowed(purpose string) *roaring.Bitmap {
	if len(s.opts.Regions) > 0 {
		return s.usersThat(func(p *person) bool { return s.allows(p, purpose) })
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.consent.optOut[purpose] {
		out := s.live.Clone()
		if d := s.consent.denied[purpose]; d != nil {
			out.AndNot(d)
		}
		return out
	}
	if b := s.consent.granted[purpose]; b != nil {
		return b.Clone()
	}
	return roaring.New()
}
