package profile

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/zhun-go/zhun/internal/value"
)

// cleaned is an event as the store takes it. Its fields are in s.fields, its
// keys in s.keys.
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
	clear(s.fields)
	for k, v := range e.Fields {
		s.clean1(k, v, e.Type, 0)
	}
	if len(s.fields) > s.opts.MaxFields {
		return s.refuse(ErrTooLarge, "%d fields", len(s.fields))
	}
	if why := s.opts.Bots.judge(s.fields, &s.agents); why != "" {
		agent, _ := s.fields["context.userAgent"].(string)
		s.counts.Bots.count(why)
		return s.refuse(ErrBot, "%s: %.80q", why, agent)
	}
	s.keys = s.keys[:0]
	for _, k := range e.Keys {
		clean, blocked, ok := s.cleanKey(k)
		switch {
		case ok:
			s.keys = append(s.keys, clean)
		case blocked:
			s.counts.KeysBlocked++
		default:
			s.counts.KeysDropped++
		}
	}
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

// clean1 puts a field into s.fields. When two fields come to the same name,
// the larger value stays.
func (s *Store) clean1(name string, v any, typ Type, depth int) {
	if m, ok := v.(map[string]any); ok {
		if depth == maxNesting {
			s.counts.FieldsDropped++
			return
		}
		for k, v := range m {
			s.clean1(name+"."+k, v, typ, depth+1)
		}
		return
	}
	if v == nil && typ != Identify {
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
	}
	if ok && typ == Consent {
		_, ok = clean.(bool)
	}
	if !ok || name == "" || len(name) > maxName || !utf8.ValidString(name) {
		s.counts.FieldsDropped++
		return
	}
	if typ != Consent {
		if clean, ok = s.normalize(name, clean); !ok {
			return
		}
	}
	if depth > 0 || len(s.fields) > 0 {
		if old, twice := s.fields[name]; twice && value.Compare(old, clean) > 0 {
			return
		}
	}
	s.fields[name] = clean
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
	b = appendCanonical(b, s.fields)
	h := xxh3.Hash128(b).Bytes()
	return hex.EncodeToString(h[:])
}

// appendCanonical appends fields by ascending name, with names written out.
func appendCanonical(b []byte, m map[string]any) []byte {
	var l eventLog
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = appendText(b, k)
		if objects, ok := m[k].([]map[string]any); ok {
			b = binary.AppendUvarint(append(b, tagObjects), uint64(len(objects)))
			for _, o := range objects {
				b = binary.AppendUvarint(b, uint64(len(o)))
				b = appendCanonical(b, o)
			}
			continue
		}
		b = l.appendValue(b, m[k])
	}
	return b
}
