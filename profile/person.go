package profile

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/value"
)

// person is what the store holds of one person. What is stated by an event
// (rows, attributes, consents) remembers the combination of keys it came
// with, so that a person can be taken apart again along those.
type person struct {
	number   uint32 // the smallest of pins
	keys     uint32 // how many of ids are keys, above the bit that says contested
	only     [1]pin // the only pin, if there is one
	ids      []uint32
	rows     []row
	said     *statements // what few persons have, nil for nothing
	computed *computed   // of the traits, nil for nothing
}

func newPerson(g group) *person {
	p := &person{}
	p.setNodes(g.nodes)
	p.contest(g.contested)
	return p
}

// contested reports whether a link between its keys and another person's is
// suspended.
func (p *person) contested() bool { return p.keys&1 > 0 }

func (p *person) contest(on bool) {
	if p.keys &^= 1; on {
		p.keys |= 1
	}
}

// nodes are the person's keys. The slice must not be appended to.
func (p *person) nodes() []uint32 {
	n := p.keys >> 1
	return p.ids[:n:n]
}

// sets are the combinations whose statements the person owns.
func (p *person) sets() []uint32 { return p.ids[p.keys>>1:] }

func (p *person) setNodes(nodes []uint32) { p.setIDs(nodes, p.sets()) }

func (p *person) setSets(sets []uint32) { p.setIDs(p.nodes(), sets) }

func (p *person) setIDs(nodes, sets []uint32) {
	ids := append(make([]uint32, 0, len(nodes)+len(sets)), nodes...)
	p.ids = append(ids, sets...)
	p.keys = uint32(len(nodes))<<1 | p.keys&1
}

// statements are what was stated of a person, and further numbers.
type statements struct {
	pins     []pin  // by number, when there are several
	cells    []cell // by name, then set
	consents []consent
	tags     []tagging // by name, source, then set
}

// computed are the traits of a person, both lists by trait.
type computed struct {
	traits   []traitCell
	windows  []window
	cellsOf  held
	slidesOf held
}

// held says which of the first 64 traits a list by trait has, so that one is
// found without a look at the others.
type held uint64

// place returns where a trait stands in the list, or would stand. Beyond the
// first 64 it asks for the traits of the list.
func (h held) place(trait, n int, at func(i int) uint32) (i int, ok bool) {
	if trait < 64 {
		return bits.OnesCount64(uint64(h) & (1<<trait - 1)), h>>trait&1 == 1
	}
	i = bits.OnesCount64(uint64(h))
	for i < n && at(i) < uint32(trait) {
		i++
	}
	return i, i < n && at(i) == uint32(trait)
}

func (h *held) note(trait int) {
	if trait < 64 {
		*h |= 1 << trait
	}
}

func (c *computed) cell(trait int) (int, bool) {
	return c.cellsOf.place(trait, len(c.traits), func(i int) uint32 { return c.traits[i].trait })
}

func (c *computed) window(trait int) (int, bool) {
	return c.slidesOf.place(trait, len(c.windows), func(i int) uint32 { return c.windows[i].trait })
}

// pins ties the person's numbers to its keys, by number.
func (p *person) pins() []pin {
	switch {
	case p.said != nil && len(p.said.pins) > 0:
		return p.said.pins
	case p.only[0].number == 0:
		return nil
	}
	return p.only[:]
}

func (p *person) setPins(pins []pin) {
	switch len(pins) {
	case 0:
		p.only = [1]pin{}
	case 1:
		p.only = [1]pin(pins)
	default:
		p.speaks().pins = pins
		return
	}
	if p.said != nil {
		p.said.pins = nil
	}
}

func (p *person) speaks() *statements {
	if p.said == nil {
		p.said = new(statements)
	}
	return p.said
}

func (p *person) cells() []cell {
	if p.said == nil {
		return nil
	}
	return p.said.cells
}

func (p *person) setCells(c []cell) {
	if p.said != nil || len(c) > 0 {
		p.speaks().cells = c
	}
}

func (p *person) consents() []consent {
	if p.said == nil {
		return nil
	}
	return p.said.consents
}

func (p *person) setConsents(c []consent) {
	if p.said != nil || len(c) > 0 {
		p.speaks().consents = c
	}
}

func (p *person) tags() []tagging {
	if p.said == nil {
		return nil
	}
	return p.said.tags
}

func (p *person) setTags(t []tagging) {
	if p.said != nil || len(t) > 0 {
		p.speaks().tags = t
	}
}

func (p *person) traits() []traitCell {
	if p.computed == nil {
		return nil
	}
	return p.computed.traits
}

func (p *person) windows() []window {
	if p.computed == nil {
		return nil
	}
	return p.computed.windows
}

// pin ties a user number to one key: whoever has the key has the number.
type pin struct{ number, node uint32 }

// cell is the latest statement of one attribute that came with one
// combination of keys; a nil value removes the attribute.
type cell struct {
	name  uint32
	set   uint32
	at    instant
	value any
}

// newer orders statements of one attribute: the later wins, ties the larger
// value.
func (c *cell) newer(at instant, v any) bool {
	if d := c.at.compare(at); d != 0 {
		return d > 0
	}
	return value.Compare(c.value, v) >= 0
}

func (p *person) findCell(name, set uint32) (int, bool) {
	return slices.BinarySearchFunc(p.cells(), cell{name: name, set: set}, func(a, b cell) int {
		if c := cmp.Compare(a.name, b.name); c != 0 {
			return c
		}
		return cmp.Compare(a.set, b.set)
	})
}

// full reports whether one attribute more is too many.
func (p *person) full(names ids.Dict, name string, most int) bool {
	id, known := names.Lookup(name)
	if known && p.winner(id) != nil {
		return false
	}
	n := 0
	for i := range p.cells() {
		if i == 0 || p.cells()[i].name != p.cells()[i-1].name {
			n++
		}
	}
	return n >= most
}

// winner returns the statement that holds for an attribute, nil if there is
// none.
func (p *person) winner(name uint32) *cell {
	i, _ := p.findCell(name, 0)
	var best *cell
	for ; i < len(p.cells()) && p.cells()[i].name == name; i++ {
		if c := &p.cells()[i]; best == nil || !best.newer(c.at, c.value) {
			best = c
		}
	}
	return best
}

// state adds a statement about an attribute and reports whether another
// statement holds now, and whether that changed the value.
func (p *person) state(name, set uint32, at instant, v any) (restated, changed bool) {
	before := cell{at: never()}
	if w := p.winner(name); w != nil {
		before = *w
	}
	i, found := p.findCell(name, set)
	switch {
	case !found:
		p.setCells(slices.Insert(p.cells(), i, cell{name, set, at, value.Own(v)}))
	case p.cells()[i].newer(at, v):
		return false, false
	default:
		p.cells()[i].at, p.cells()[i].value = at, value.Own(v)
	}
	after := p.winner(name)
	changed = value.Compare(before.value, after.value) != 0
	return changed || before.at != after.at, changed
}

// winners returns the statement that holds for each attribute, by time, then
// name.
func (s *Store) winners(p *person) []*cell {
	var out []*cell
	for i := 0; i < len(p.cells()); {
		w := p.winner(p.cells()[i].name)
		out = append(out, w)
		for name := w.name; i < len(p.cells()) && p.cells()[i].name == name; {
			i++
		}
	}
	slices.SortFunc(out, func(a, b *cell) int {
		if c := a.at.compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(s.attributes.Name(a.name), s.attributes.Name(b.name))
	})
	return out
}

// traitValue returns the value of a computed trait, nil if it has none.
func (p *person) traitValue(i int) any {
	if c := p.cell(i); c != nil {
		return c.value
	}
	if w := p.window(i); w != nil {
		return w.value
	}
	return nil
}

// stamped is a computed trait with the time of its last change as views saw
// it: that of the event, or a nanosecond after the change before.
type stamped struct {
	trait int
	stamp instant
	value any
}

// stampedTraits returns the computed traits by the time of their last
// change; those whose window ran empty have no value.
func (p *person) stampedTraits() []stamped {
	var out []stamped
	for i := range p.traits() {
		if c := &p.traits()[i]; c.stamp != (packed{}) {
			out = append(out, stamped{int(c.trait), c.stamp.instant(), c.value})
		}
	}
	for i := range p.windows() {
		if w := &p.windows()[i]; w.stamp != (packed{}) {
			out = append(out, stamped{int(w.trait), w.stamp.instant(), w.value})
		}
	}
	slices.SortFunc(out, func(a, b stamped) int {
		return cmp.Or(a.stamp.compare(b.stamp), cmp.Compare(a.trait, b.trait))
	})
	return out
}

// restamp sets the time of a trait's last change after its value was computed
// anew, and reports whether it differs from what views saw.
func (p *person) restamp(seen stamped, now any, at instant) bool {
	changed := value.Compare(seen.value, now) != 0
	if !changed {
		at = seen.stamp
	}
	if c := p.cell(seen.trait); c != nil {
		c.stamp = pack(at)
	}
	if w := p.window(seen.trait); w != nil {
		w.stamp = pack(at)
	}
	return changed
}

// stampAfter is the time that views are told of a change at an instant, so
// that it comes after the change before.
func stampAfter(last, at instant) instant {
	if last != never() && !last.before(at) {
		return last.next()
	}
	return at
}

// persons returns all persons by ascending number.
func (s *Store) persons() []*person {
	out := make([]*person, 0, s.people.n)
	for n, p := range s.people.all() {
		if p.number == n {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *person) int { return cmp.Compare(a.number, b.number) })
	return out
}
