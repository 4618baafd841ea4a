package profile

import (
	"cmp"
	"fmt"
	"strings"
)

// LinkRule says what made a link between two keys.
type LinkRule uint8

// The rules by which keys are linked. All are certain: nothing is guessed.
const (
	LinkEvent    LinkRule = iota // an event named both
	LinkIdentify                 // an identify event named both
	LinkAlias                    // an alias event named both, one as the former name of the other
)

// String returns "event", "identify" or "alias".
func (r LinkRule) String() string {
	switch r {
	case LinkEvent:
		return "event"
	case LinkIdentify:
		return "identify"
	case LinkAlias:
		return "alias"
	}
	return fmt.Sprintf("LinkRule(%d)", uint8(r))
}

func linkRuleOf(name string) (LinkRule, bool) {
	for r := LinkEvent; r <= LinkAlias; r++ {
		if r.String() == name {
			return r, true
		}
	}
	return 0, name == ""
}

func (t Type) linkRule() LinkRule {
	switch t {
	case Identify:
		return LinkIdentify
	case Alias:
		return LinkAlias
	}
	return LinkEvent
}

// origin is the event that a combination of keys first came with.
type origin struct {
	id     string
	rule   LinkRule
	source string
}

// origin returns where the event that is being applied comes from.
func (s *Store) origin(c *cleaned) origin {
	fields := s.fields
	if c.bare {
		fields = s.spare
		s.log.readFields(c.content, fields)
	}
	return origin{c.id, c.typ.linkRule(), sourceOf(fields)}
}

// originAt is origin for an event that is held.
func (s *Store) originAt(r row) origin {
	var d decoded
	s.log.decode(r.pos(), &d)
	return origin{d.id, d.typ.linkRule(), sourceOf(d.fields)}
}

// sourceOf returns the source of an event: what sent it, if it says so.
func sourceOf(fields map[string]any) string {
	for _, name := range [...]string{"context.source", "context.library.name"} {
		if v, ok := fields[name].(string); ok && v != "" && len(v) <= maxName {
			return v
		}
	}
	return ""
}

// A combination keeps the number of its source, its rule and its subject in one
// word: 22, 2 and 40 bits. There are as many combinations as keys and more.
const (
	subjectBits = 40
	ruleBits    = 2
	maxSubject  = 1<<subjectBits - 1 // of 30 million a day for a century
	maxSources  = 1<<(64-subjectBits-ruleBits) - 1
)

func (k *keyset) subject() uint64 { return k.mark & maxSubject }

// setSubject notes whose key seals the combination's statements in the
// journal; of one beyond all that are handed out nothing is noted.
func (k *keyset) setSubject(x uint64) {
	if x <= maxSubject {
		k.mark = k.mark&^maxSubject | x
	}
}

func (k *keyset) rule() LinkRule { return LinkRule(k.mark >> subjectBits & (1<<ruleBits - 1)) }

func (k *keyset) source() uint32 { return uint32(k.mark >> (subjectBits + ruleBits)) }

func (k *keyset) setOrigin(r LinkRule, source uint32) {
	k.mark = k.mark&maxSubject | uint64(r)<<subjectBits | uint64(source)<<(subjectBits+ruleBits)
}

// sources number the texts that say where combinations come from. One that no
// combination names any more is forgotten.
type sources struct {
	index map[string]uint32
	texts []string // by number, less one
	uses  []uint32
	free  []uint32
}

// take returns the number of a source for one more combination, 0 for none.
// Beyond four million at a time further ones are not noted.
func (x *sources) take(text string) uint32 {
	if text == "" {
		return 0
	}
	n, ok := x.index[text]
	switch f := len(x.free); {
	case ok:
	case f > 0:
		n, x.free = x.free[f-1], x.free[:f-1]
	case len(x.texts) >= maxSources:
		return 0
	default:
		x.texts, x.uses = append(x.texts, ""), append(x.uses, 0)
		n = uint32(len(x.texts))
	}
	if !ok {
		if x.index == nil {
			x.index = make(map[string]uint32)
		}
		text = strings.Clone(text)
		x.texts[n-1], x.index[text] = text, n
	}
	x.uses[n-1]++
	return n
}

// drop takes a source from one combination.
func (x *sources) drop(n uint32) {
	if n == 0 {
		return
	}
	if x.uses[n-1]--; x.uses[n-1] == 0 {
		delete(x.index, x.texts[n-1])
		x.texts[n-1] = ""
		x.free = append(x.free, n)
	}
}

func (x *sources) text(n uint32) string {
	if n == 0 {
		return ""
	}
	return x.texts[n-1]
}

// originOf returns the event that a combination first came with.
func (g *identity) originOf(k *keyset) origin {
	return origin{k.firstID, k.rule(), g.sources.text(k.source())}
}

// seenAlone stands for the id of the event that a key alone first came with,
// which nobody asks for.
const seenAlone = "*"

// see notes the event that a combination first came with, if one did.
func (g *identity) see(k *keyset, o origin) {
	switch {
	case o.id == "":
	case len(k.nodes) > 1:
		k.firstID = strings.Clone(o.id)
		now := g.sources.take(o.source)
		g.sources.drop(k.source())
		k.setOrigin(o.rule, now)
	default:
		k.firstID = seenAlone
	}
}

// seen reports whether an event came with the combination, not only
// statements of the host.
func (k *keyset) seen() bool { return k.firstID != "" }

// precedes reports whether an event comes before the one that a combination
// is known to have come with first: by time, then id. Two that agree in both
// are one event, of which stores that are merged may know different things.
func (g *identity) precedes(at packed, o origin, k *keyset) bool {
	if c := at.compare(k.first); c != 0 || len(k.nodes) == 1 {
		return c < 0
	}
	have := g.originOf(k)
	return cmp.Or(strings.Compare(o.id, have.id), cmp.Compare(o.rule, have.rule), strings.Compare(o.source, have.source)) < 0
}
