package profile

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/zhun-go/zhun/internal/value"
)

// cleaned is an event as the store takes it. Its fields are in s.fields and
// s.pairs, its keys in s.keys.
type cleaned struct {
	id   string
	hash xxh3.Uint128 // of id
	name string
	typ  Type
	at   instant
	tick instant // where the event moves the clock
	late bool

	again    bool     // it was applied before
	content  []byte   // as the log holds it; valid until the next event
	nameless []string // fields that cannot become attributes
	subject  uint64   // of its combination in the journal, 0 in memory
	bare     bool     // the fields are in content only
}

const maxNesting = 8

// refusal is a reason not to take an event, with the value that led to it.
type refusal struct {
	reason error
	detail string
}

func (s *Store) refuse(reason error, format string, args ...any) (cleaned, *refusal) {
	return cleaned{}, &refusal{reason, fmt.Sprintf(format, args...)}
}

// clean checks an event and brings it into the store's form.
func (s *Store) clean(e *Event) (cleaned, *refusal) {
	var c cleaned
	if int(e.Type) >= typeCount {
		return s.refuse(ErrType, "%v", e.Type)
	}
	c.typ = e.Type
	c.name = currentName(strings.TrimSpace(e.Name))
	if c.name == "" && e.Type == Track || len(c.name) > maxName || !utf8.ValidString(c.name) {
		return s.refuse(ErrNoName, "name %.40q", e.Name)
	}
	if len(e.Keys) > s.opts.MaxEventKeys {
		return s.refuse(ErrTooLarge, "%d keys", len(e.Keys))
	}
	if len(e.Fields) > s.opts.MaxFields {
		return s.refuse(ErrTooLarge, "%d fields", len(e.Fields))
	}
	at := s.correct(e)
	if !usable(at) {
		return s.refuse(ErrNoTime, "time %v, received %v", e.Time, e.Received)
	}
	c.at = instantOf(at)
	now := latestOf(s.clock, s.ahead.clock)
	c.late = s.opts.MaxLateness > 0 && now != never() && at.Before(now.time().Add(-s.opts.MaxLateness))
	if c.late && s.opts.Late == RejectLate {
		return s.refuse(ErrLate, "%v behind %v", at, now.time())
	}
	c.tick = c.at
	if usable(e.Received) {
		c.tick = instantOf(e.Received)
	}
	if s.opts.MaxAhead > 0 && now != never() && c.tick.time().After(now.time().Add(s.opts.MaxAhead)) {
		return s.refuse(ErrNoTime, "%v, more than MaxAhead = %v ahead of the clock, %v", c.tick.time(), s.opts.MaxAhead, now.time())
	}
	s.cleanFields(e)
	if len(s.fields) > s.opts.MaxFields {
		return s.refuse(ErrTooLarge, "%d fields", len(s.fields))
	}
	if why := s.opts.Bots.judge(s.fields, &s.agents); why != "" {
		agent, _ := s.fields["context.userAgent"].(string)
		s.counts.Bots.count(why)
		return s.refuse(ErrBot, "%s: %.80q", why, agent)
	}
	s.cleanKeys(e)
	if len(s.keys) == 0 {
		return s.refuse(ErrNoKey, "keys %.120q", fmt.Sprint(e.Keys))
	}
	c.id = e.ID
	switch {
	case c.id == "":
		c.id = s.contentID(e, &c)
	case len(c.id) > maxEventID || !utf8.ValidString(c.id):
		h := xxh3.HashString128(c.id).Bytes()
		c.id = hex.EncodeToString(h[:])
	}
	c.hash = xxh3.HashString128(c.id)
	return c, nil
}

// correct returns the event's time by the receiver's clock.
func (s *Store) correct(e *Event) time.Time {
	at := e.Time
	if at.IsZero() {
		return e.Received
	}
	if usable(e.Received) {
		if usable(e.Sent) && usable(at) {
			at = at.Add(e.Received.Sub(e.Sent))
		}
		if at.After(e.Received) {
			s.counts.TimesClamped++
			at = e.Received
		}
	}
	return at
}

// pair is one field of an event, clean.
type pair struct {
	name  string
	value any
}

// cleanFields brings the fields of an event into the store's form. When they
// have it already, as most do, the event's own map serves until the event is
// applied.
func (s *Store) cleanFields(e *Event) {
	s.pairs, s.altered = s.pairs[:0], false
	for k, v := range e.Fields {
		s.cleanField(k, v, e.Type, 0)
	}
	if s.fields, s.borrowed = e.Fields, !s.altered; s.borrowed {
		return
	}
	s.fields = s.spare
	clear(s.spare)
	for _, p := range s.pairs {
		// When two fields come to the same name, the larger value stays.
		if old, twice := s.spare[p.name]; !twice || value.Compare(old, p.value) <= 0 {
			s.spare[p.name] = p.value
		}
	}
	if len(s.spare) < len(s.pairs) {
		clear(s.pairs)
		s.pairs = s.pairs[:0]
		for k, v := range s.spare {
			s.pairs = append(s.pairs, pair{k, v})
		}
	}
}

// ownFields brings the fields into a map of the store's own, to which others may
// be added.
func (s *Store) ownFields() {
	if !s.borrowed {
		return
	}
	clear(s.spare)
	for _, p := range s.pairs {
		s.spare[p.name] = p.value
	}
	s.fields, s.borrowed = s.spare, false
}

// release forgets what is the caller's of the event that was applied.
func (s *Store) release() {
	s.fields, s.borrowed = s.spare, false
	clear(s.pairs)
	s.pairs = s.pairs[:0]
}

// cleanField puts a field into s.pairs, and notes in s.altered when it is not
// the one that the event has.
func (s *Store) cleanField(name string, v any, typ Type, depth int) {
	if m, ok := v.(map[string]any); ok {
		s.altered = true
		if depth == maxNesting {
			s.counts.FieldsDropped++
			return
		}
		for k, v := range m {
			s.cleanField(name+"."+k, v, typ, depth+1)
		}
		return
	}
	if v == nil && typ != Identify {
		s.altered = true
		return
	}
	clean, ok := v, true
	switch x := v.(type) {
	case nil, bool:
	case string:
		ok = utf8.ValidString(x)
	case int64:
		ok = x >= -value.MaxInt && x <= value.MaxInt
	case float64:
		ok = x-x == 0 // neither NaN nor infinite
	default:
		clean, ok = value.Normalize(v)
		s.altered = s.altered || !ok || !sameObjects(v, clean)
	}
	if ok && typ == Consent {
		_, ok = clean.(bool)
	}
	if !ok || name == "" || len(name) > maxName || !utf8.ValidString(name) {
		s.counts.FieldsDropped++
		s.altered = true
		return
	}
	if typ != Consent {
		var changed bool
		clean, changed, ok = s.normalized(name, clean)
		s.altered = s.altered || changed
		if !ok {
			return
		}
	}
	s.pairs = append(s.pairs, pair{name, clean})
}

// sameObjects reports whether a list of objects was normalized to itself. Of
// other values that would need a longer look it reports false.
func sameObjects(v, clean any) bool {
	x, ok := v.([]map[string]any)
	y, _ := clean.([]map[string]any)
	return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
}

// cleanKeys brings the keys of an event into the store's form. Those that the
// graph has as they come are clean.
func (s *Store) cleanKeys(e *Event) {
	s.keys, s.sought = s.keys[:0], s.sought[:0]
	for _, k := range e.Keys {
		if n, ok := s.graph.lookup(k); ok && s.graph.nodes[n].plain {
			s.keys, s.sought = append(s.keys, k), append(s.sought, sought{node: n, known: true})
			continue
		}
		clean, blocked, ok := s.cleanKey(k)
		switch {
		case ok:
			s.keys, s.sought = append(s.keys, clean), append(s.sought, sought{plain: clean == k})
		case blocked:
			s.counts.KeysBlocked++
		default:
			s.counts.KeysDropped++
		}
	}
}

// sought is what cleaning a key came upon.
type sought struct {
	node  uint32
	known bool // node is the key's
	plain bool // the key was clean as it came
}

// contentID hashes what the event says. Sent does not count, and Received
// only when it stands in for the time, since a redelivery changes both.
func (s *Store) contentID(e *Event, c *cleaned) string {
	b := append([]byte(nil), byte(c.typ))
	b = appendText(b, c.name)
	at := c.at
	if usable(e.Time) {
		at = instantOf(e.Time)
	}
	b = binary.AppendVarint(b, at.sec)
	b = binary.AppendUvarint(b, uint64(at.nsec))
	keys := slices.Clone(s.keys)
	slices.SortFunc(keys, func(x, y Key) int {
		if d := strings.Compare(x.Kind, y.Kind); d != 0 {
			return d
		}
		return strings.Compare(x.Value, y.Value)
	})
	for _, k := range slices.Compact(keys) {
		b = appendText(appendText(b, k.Kind), k.Value)
	}
	b = appendPairs(b, s.pairs)
	h := xxh3.Hash128(b).Bytes()
	return hex.EncodeToString(h[:])
}

// appendCanonical appends fields by ascending name, with names written out.
func appendCanonical(b []byte, m map[string]any) []byte { return appendPairs(b, pairsOf(m)) }

func pairsOf(m map[string]any) []pair {
	out := make([]pair, 0, len(m))
	for k, v := range m {
		out = append(out, pair{k, v})
	}
	return out
}

// appendPairs is appendCanonical for a list, which it sorts.
func appendPairs(b []byte, pairs []pair) []byte {
	slices.SortFunc(pairs, func(x, y pair) int { return strings.Compare(x.name, y.name) })
	var l eventLog
	for _, p := range pairs {
		b = appendText(b, p.name)
		if objects, ok := p.value.([]map[string]any); ok {
			b = binary.AppendUvarint(append(b, tagObjects), uint64(len(objects)))
			for _, o := range objects {
				b = binary.AppendUvarint(b, uint64(len(o)))
				b = appendCanonical(b, o)
			}
			continue
		}
		b = l.appendValue(b, p.value)
	}
	return b
}
