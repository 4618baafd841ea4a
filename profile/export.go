package profile

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Export returns everything held of a person as one JSON object:
//
//	user, numbers  the number, and all that lead to it
//	keys           identifiers, the strongest first
//	cut            those, and others that events of theirs named, that were unmerged, if any
//	combinations   keys that came together in events, when, and in which event first:
//	               its id, its rule if it was an identify or an alias, and its source
//	               if it had one; of a key alone whether an event came, or statements
//	               of the host only
//	attributes     every statement that may still hold, with its time
//	traits         computed traits
//	consents       the whole history
//	tags           every statement that may still hold, a confidence of 0 for one taken back; if any
//	events         retained events by time
//
// Attributes, consents and events name the combination they came with by its
// index. The bytes are a function of what is held. Integers and floats stay
// apart (3 and 3.0), times within fields are {"$time": …}.
//
// Errors: [ErrUser], [ErrClosed].
func (s *Store) Export(user uint32) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	p := s.people.of(user)
	if p == nil {
		return nil, userError(user)
	}
	b := append([]byte(nil), `{"user":`...)
	b = strconv.AppendUint(b, uint64(p.number), 10)
	b = append(b, `,"numbers":[`...)
	for i, x := range p.pins() {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(x.number), 10)
	}
	b = append(b, "],"...)
	return append(s.appendPerson(b, p), '}'), nil
}

// appendPerson appends what is held of a person, without its numbers.
func (s *Store) appendPerson(b []byte, p *person) []byte {
	nodes := slices.Clone(p.nodes())
	slices.SortFunc(nodes, s.graph.stronger)
	b = append(b, `"keys":`...)
	b = s.appendKeys(b, nodes)

	sets := slices.Clone(p.sets())
	cut := nodes
	for _, k := range sets {
		cut = append(cut, s.graph.sets[k].nodes...)
	}
	cut = slices.DeleteFunc(cut, func(n uint32) bool { return !s.graph.nodes[n].cut })
	if len(cut) > 0 {
		slices.SortFunc(cut, s.graph.stronger)
		b = append(b, `,"cut":`...)
		b = s.appendKeys(b, slices.Compact(cut))
	}
	slices.SortFunc(sets, func(x, y uint32) int {
		i, j := s.graph.sets[x].nodes, s.graph.sets[y].nodes
		return slices.CompareFunc(i, j, s.graph.stronger)
	})
	place := make(map[uint32]int, len(sets))
	b = append(b, `,"combinations":[`...)
	for i, x := range s.combined(sets) {
		for _, k := range x.sets {
			place[k] = i
		}
		set := &x.keyset
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"keys":`...)
		b = s.appendKeys(b, set.nodes)
		b = append(b, `,"first":`...)
		b = appendTime(b, set.first.time())
		b = append(b, `,"last":`...)
		b = appendTime(b, set.last.time())
		if len(set.nodes) > 1 {
			b = appendOrigin(b, x.origin)
		} else {
			b = append(b, `,"seen":`...)
			b = strconv.AppendBool(b, set.seen())
		}
		b = append(b, '}')
	}

	b = append(b, `],"attributes":[`...)
	cells := slices.Clone(p.cells())
	slices.SortFunc(cells, func(x, y cell) int {
		return cmp.Or(strings.Compare(s.attributes.Name(x.name), s.attributes.Name(y.name)), cmp.Compare(place[x.set], place[y.set]))
	})
	for i, c := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = appendQuoted(b, s.attributes.Name(c.name))
		b = append(b, `,"value":`...)
		b = appendJSON(b, c.value)
		b = append(b, `,"at":`...)
		b = appendTime(b, c.at.time())
		b = appendPlace(b, place[c.set])
	}

	b = append(b, `],"traits":{`...)
	first := true
	for i := range s.opts.Traits {
		v := p.traitValue(i)
		if v == nil {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendQuoted(b, s.opts.Traits[i].Name)
		b = append(b, ':')
		b = appendJSON(b, v)
	}

	b = append(b, `},"consents":[`...)
	consents := slices.Clone(p.consents())
	slices.SortStableFunc(consents, func(x, y consent) int {
		x.set, y.set = uint32(place[x.set]), uint32(place[y.set])
		return x.compare(y)
	})
	for i, c := range consents {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"purpose":`...)
		b = appendQuoted(b, c.purpose)
		b = append(b, `,"granted":`...)
		b = strconv.AppendBool(b, c.granted)
		b = append(b, `,"at":`...)
		b = appendTime(b, c.at.time())
		b = append(b, `,"source":`...)
		b = appendQuoted(b, c.source)
		b = appendPlace(b, place[c.set])
	}

	b = append(b, ']')
	if len(p.tags()) > 0 {
		b = appendTags(b, p.tags(), place)
	}
	b = append(b, `,"events":[`...)
	var d decoded
	for i, r := range p.rows {
		s.log.decode(r.pos(), &d)
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = appendQuoted(b, d.id)
		b = append(b, `,"type":`...)
		b = appendQuoted(b, d.typ.String())
		b = append(b, `,"name":`...)
		b = appendQuoted(b, d.name)
		b = append(b, `,"time":`...)
		b = appendTime(b, r.time())
		b = append(b, `,"fields":`...)
		b = appendObject(b, d.fields)
		b = appendPlace(b, place[r.set])
	}
	return append(b, ']')
}

func appendOrigin(b []byte, o origin) []byte {
	b = append(b, `,"event":`...)
	b = appendQuoted(b, o.id)
	if o.rule != LinkEvent {
		b = append(b, `,"rule":`...)
		b = appendQuoted(b, o.rule.String())
	}
	if o.source != "" {
		b = append(b, `,"source":`...)
		b = appendQuoted(b, o.source)
	}
	return b
}

// combined is one combination as Export shows it.
type combined struct {
	keyset
	origin
	sets []uint32
}

// combined returns combinations, which are in order, with those of equal keys,
// lent to one person by several accounts of theirs, as one.
func (s *Store) combined(sets []uint32) []combined {
	var out []combined
	for _, k := range sets {
		x := combined{s.graph.sets[k], s.graph.originOf(&s.graph.sets[k]), []uint32{k}}
		if s.graph.isLoan(k) {
			first, last := s.loanSpan(k)
			x.first, x.last, x.origin = pack(first.instant()), pack(last.instant()), s.originAt(first)
		}
		if n := len(out); n > 0 && slices.Equal(out[n-1].nodes, x.nodes) {
			y := &out[n-1]
			if x.first.before(y.first) || x.first == y.first && x.id < y.id {
				y.first, y.origin = x.first, x.origin
			}
			y.last = y.last.latest(x.last)
			y.sets = append(y.sets, k)
			continue
		}
		out = append(out, x)
	}
	return out
}

func appendTags(b []byte, tags []tagging, place map[uint32]int) []byte {
	tags = slices.Clone(tags)
	slices.SortFunc(tags, func(x, y tagging) int {
		x.set, y.set = uint32(place[x.set]), uint32(place[y.set])
		return x.place(y)
	})
	b = append(b, `,"tags":[`...)
	for i, t := range tags {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = appendQuoted(b, t.name)
		b = append(b, `,"source":`...)
		b = appendQuoted(b, t.source)
		b = append(b, `,"confidence":`...)
		b = appendJSON(b, t.confidence)
		b = append(b, `,"at":`...)
		b = appendTime(b, t.at.time())
		if t.until != never() {
			b = append(b, `,"until":`...)
			b = appendTime(b, t.until.time())
		}
		b = appendPlace(b, place[t.set])
	}
	return append(b, ']')
}

func (s *Store) appendKeys(b []byte, nodes []uint32) []byte {
	b = append(b, '[')
	for i, n := range nodes {
		if i > 0 {
			b = append(b, ',')
		}
		k := s.graph.key(n)
		b = append(b, `{"kind":`...)
		b = appendQuoted(b, k.Kind)
		b = append(b, `,"value":`...)
		b = appendQuoted(b, k.Value)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendPlace(b []byte, i int) []byte {
	b = append(b, `,"combination":`...)
	b = strconv.AppendInt(b, int64(i), 10)
	return append(b, '}')
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendObject(b []byte, m map[string]any) []byte {
	b = append(b, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, k)
		b = append(b, ':')
		b = appendJSON(b, m[k])
	}
	return append(b, '}')
}

// appendJSON appends a value that a field may hold.
func appendJSON(b []byte, v any) []byte {
	switch x := v.(type) {
	case bool:
		return strconv.AppendBool(b, x)
	case int64:
		return strconv.AppendInt(b, x, 10)
	case float64:
		n := len(b)
		b = strconv.AppendFloat(b, x, 'g', -1, 64)
		if !strings.ContainsAny(string(b[n:]), ".e") {
			b = append(b, ".0"...)
		}
		return b
	case string:
		return appendQuoted(b, x)
	case time.Time:
		b = append(b, `{"$time":`...)
		return append(appendTime(b, x), '}')
	case []string:
		b = append(b, '[')
		for i, s := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendQuoted(b, s)
		}
		return append(b, ']')
	case []map[string]any:
		b = append(b, '[')
		for i, m := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendObject(b, m)
		}
		return append(b, ']')
	}
	return append(b, "null"...)
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends a JSON string; s is valid UTF-8.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		start = i + 1
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
