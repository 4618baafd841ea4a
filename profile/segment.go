package profile

import (
	"strconv"
	"strings"
	"time"
)

// DecodeSegment decodes one event of the Segment specification: a track,
// identify, page, screen, group or alias call as JSON.
//
// Keys are userId, anonymousId, traits.email, traits.phone and
// traits.loyalty_id (or the same under context.traits), context.externalIds
// by their type, and an alias's previousId as "anonymous_id". Properties, and
// the traits of an identify or a group, stand at the root of the fields,
// context under "context."; a group's id is "group_id", a page's category
// "category". A track event named "Segment Consent Preference Updated" is of
// type Consent, with context.consent.categoryPreferences as its fields.
//
// Time is originalTimestamp when sentAt and receivedAt are there to correct
// it, else timestamp, which Segment has corrected already. ReceivedAt becomes
// Received; a host that does not have the call from Segment itself, but from a
// browser, sets its own time there.
//
// Errors are of type [*SyntaxError].
func DecodeSegment(line []byte) (Event, error) {
	c := scanner{s: string(line)}
	var r rawEvent
	r.read(&c, 0, nil)
	c.end()
	if c.err != nil {
		return Event{}, c.err
	}
	return r.finish(nil)
}

// DecodeSegmentBatch decodes an event, or the events of a batch call, whose
// sentAt, receivedAt and context stand in for those that an event lacks.
// Errors are of type [*SyntaxError].
func DecodeSegmentBatch(line []byte) ([]Event, error) {
	c := scanner{s: string(line)}
	var outer rawEvent
	var inner []rawEvent
	isBatch := false
	outer.read(&c, 0, func() {
		isBatch = true
		c.array(1, func() {
			var r rawEvent
			r.read(&c, 1, nil)
			inner = append(inner, r)
		})
	})
	c.end()
	if c.err != nil {
		return nil, c.err
	}
	if !isBatch {
		e, err := outer.finish(nil)
		if err != nil {
			return nil, err
		}
		return []Event{e}, nil
	}
	out := make([]Event, len(inner))
	for i := range inner {
		e, err := inner[i].finish(&outer)
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

// rawEvent is a call as it is written.
type rawEvent struct {
	column                                    int
	typ, event, name, category                string
	user, anonymous, previous, group, message string
	original, sent, received, timestamp       time.Time
	fields, traits                            map[string]any
	external                                  []Key
}

func (r *rawEvent) read(c *scanner, depth int, batch func()) {
	c.peek()
	r.column = c.i + 1
	c.object(depth, func(name string) {
		switch name {
		case "type", "action":
			r.typ = r.text(c, name)
		case "event":
			r.event = r.text(c, name)
		case "name":
			r.name = r.text(c, name)
		case "category":
			r.category = r.text(c, name)
		case "userId":
			r.user = r.text(c, name)
		case "anonymousId":
			r.anonymous = r.text(c, name)
		case "previousId":
			r.previous = r.text(c, name)
		case "groupId":
			r.group = r.text(c, name)
		case "messageId":
			r.message = r.text(c, name)
		case "originalTimestamp":
			r.original = r.time(c, name)
		case "sentAt":
			r.sent = r.time(c, name)
		case "receivedAt":
			r.received = r.time(c, name)
		case "timestamp":
			r.timestamp = r.time(c, name)
		case "properties":
			r.into(c, &r.fields, "", depth)
		case "traits":
			r.into(c, &r.traits, "", depth)
		case "context":
			r.context(c, depth)
		case "batch":
			if batch == nil {
				c.fail(c.i, "a batch where one event is expected")
				return
			}
			batch()
		default:
			c.skip(depth + 1)
		}
	})
}

// text reads a string, or a number as it is written.
func (r *rawEvent) text(c *scanner, name string) string {
	switch b := c.peek(); {
	case b == '"':
		return c.str()
	case b == 'n':
		c.literal("null")
		return ""
	case b == '-' || b >= '0' && b <= '9':
		s, _ := c.number()
		return s
	}
	c.fail(c.i, name+" is not a string")
	return ""
}

func (r *rawEvent) time(c *scanner, name string) time.Time {
	c.peek()
	at := c.i
	s := r.text(c, name)
	if c.err != nil || s == "" {
		return time.Time{}
	}
	t, ok := parseTime(s)
	if !ok {
		c.fail(at, name+" is not a time: "+strconv.Quote(s[:min(len(s), 40)]))
	}
	return t
}

// parseTime reads ISO 8601 as senders write it; without a zone it is UTC.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// into reads an object into a map that is made when it is needed; null and
// what is no object is skipped.
func (r *rawEvent) into(c *scanner, m *map[string]any, prefix string, depth int) {
	if c.peek() != '{' {
		c.skip(depth + 1)
		return
	}
	if *m == nil {
		*m = make(map[string]any, 16)
	}
	c.fields(*m, prefix, depth+1)
}

func (r *rawEvent) context(c *scanner, depth int) {
	if c.peek() != '{' {
		c.skip(depth + 1)
		return
	}
	if r.fields == nil {
		r.fields = make(map[string]any, 16)
	}
	c.object(depth+1, func(name string) {
		if name == "externalIds" && c.peek() == '[' {
			c.array(depth+2, func() { r.externalID(c, depth+3) })
			return
		}
		c.field(r.fields, c.name("context.", name), depth+1)
	})
}

func (r *rawEvent) externalID(c *scanner, depth int) {
	if c.peek() != '{' {
		c.skip(depth)
		return
	}
	var k Key
	c.object(depth, func(name string) {
		switch name {
		case "id":
			k.Value = r.text(c, "id")
		case "type":
			k.Kind = r.text(c, "type")
		default:
			c.skip(depth + 1)
		}
	})
	if k.Kind != "" && k.Value != "" {
		r.external = append(r.external, k)
	}
}

const preferences = "context.consent.categoryPreferences."

// finish makes the call an event; outer is the batch that it came in.
func (r *rawEvent) finish(outer *rawEvent) (Event, error) {
	if outer != nil {
		r.inherit(outer)
	}
	t, ok := typeOf(r.typ)
	if !ok || t == Consent {
		reason := "type is missing"
		if r.typ != "" {
			reason = "unknown type " + strconv.Quote(r.typ[:min(len(r.typ), 40)])
		}
		return Event{}, &SyntaxError{Column: r.column, Reason: reason}
	}
	e := Event{ID: r.message, Type: t, Name: r.name, Fields: r.fields, Received: r.received}
	switch {
	case !r.original.IsZero() && !r.sent.IsZero() && !r.received.IsZero():
		e.Time, e.Sent = r.original, r.sent
	case !r.timestamp.IsZero():
		e.Time = r.timestamp
	default:
		e.Time = r.original
	}
	e.Keys = r.keys()
	switch t {
	case Track:
		e.Name = r.event
		if r.event == ConsentUpdated {
			e.Type = Consent
			e.Fields = make(map[string]any)
			for k, v := range r.fields {
				if p, ok := strings.CutPrefix(k, preferences); ok {
					e.Fields[p] = v
				}
			}
		}
	case Identify, Group:
		for k, v := range r.traits {
			e.set(k, v)
		}
		if r.group != "" {
			e.set("group_id", r.group)
		}
	case Page, Screen:
		if r.category != "" {
			e.set("category", r.category)
		}
	}
	return e, nil
}

func (e *Event) set(name string, v any) {
	if e.Fields == nil {
		e.Fields = make(map[string]any)
	}
	e.Fields[name] = v
}

func (r *rawEvent) inherit(outer *rawEvent) {
	if r.sent.IsZero() {
		r.sent = outer.sent
	}
	if r.received.IsZero() {
		r.received = outer.received
	}
	for k, v := range outer.fields {
		if strings.HasPrefix(k, "context.") {
			if _, ok := r.fields[k]; !ok {
				if r.fields == nil {
					r.fields = make(map[string]any)
				}
				r.fields[k] = v
			}
		}
	}
}

func (r *rawEvent) keys() []Key {
	out := make([]Key, 0, 4)
	add := func(kind, v string) {
		if v != "" {
			out = append(out, Key{kind, v})
		}
	}
	add(UserID, r.user)
	add(AnonymousID, r.anonymous)
	add(AnonymousID, r.previous)
	for _, t := range [...]struct{ kind, name, context string }{
		{Email, "email", "context.traits.email"},
		{Phone, "phone", "context.traits.phone"},
		{LoyaltyID, "loyalty_id", "context.traits.loyalty_id"},
	} {
		v, ok := r.traits[t.name]
		if !ok || v == nil {
			v = r.fields[t.context]
		}
		switch x := v.(type) {
		case string:
			add(t.kind, x)
		case int64:
			add(t.kind, strconv.FormatInt(x, 10))
		}
	}
	return append(out, r.external...)
}
