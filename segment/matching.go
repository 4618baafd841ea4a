package segment

import (
	"encoding/binary"
	"slices"
)

// matching is what one call of AppendMatching works with.
type matching struct {
	values  []byte
	row     row
	far     farther
	scan    scan
	touched []*predicate // they read what changed, and are evaluated once all of it is set
}

// AppendMatching appends the names, in order, of the audiences the user would
// be in now if the attributes were these: computed, and nothing is stored. Nil
// removes an attribute; those that are not named stay as they are. The user 0
// is one of whom nothing else is known, such as an anonymous visitor, whom the
// index need not hold; so is a user who is not held.
//
// It allocates nothing when dst has room and rules need no lists.
func (x *Index) AppendMatching(dst []string, user uint32, attributes map[string]any) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c := x.circuitOf()
	m, _ := x.matchings.Get().(*matching)
	if m == nil {
		m = &matching{}
	}
	m.values = slices.Grow(m.values[:0], c.bytes())[:c.bytes()]
	m.begin(x, c, user)
	// Whichever is the shorter way.
	if len(attributes) < len(x.attrs)/2 {
		for name, v := range attributes {
			if a := x.attrByName[name]; a != nil {
				m.set(c, a, v)
			}
		}
	} else {
		for _, a := range x.attrs {
			if v, ok := attributes[a.name]; ok {
				m.set(c, a, v)
			}
		}
	}
	for _, p := range m.touched {
		m.values[c.slot[p.id]] = byte(bit(p.eval(&m.scan)))
	}
	c.compute(m.values)
	dst = m.appendNames(dst, c)
	m.end()
	x.matchings.Put(m)
	return dst
}

// appendNames appends the names of the audiences that hold.
func (m *matching) appendNames(dst []string, c *circuit) []string {
	out := dst[len(dst):cap(dst)]
	if len(out) < len(c.names) {
		n := 0
		for _, s := range c.roots {
			for _, v := range m.values[s.first:][:s.n] {
				n += int(v)
			}
		}
		// Room for those that hold is enough for the others to be tried there.
		if len(out) <= n+eight {
			dst = slices.Grow(dst, n+eight)
			out = dst[len(dst):cap(dst)]
		}
	}
	n, names := 0, c.names
	for _, s := range c.roots {
		values := m.values[s.first:][:s.n]
		for len(values) >= eight && len(out)-n >= eight {
			if binary.LittleEndian.Uint64(values) != 0 {
				// Without a branch on which of them hold.
				names, values := (*[eight]string)(names), (*[eight]byte)(values)
				for i := range names {
					out[n] = names[i]
					n += int(values[i])
				}
			}
			values, names = values[eight:], names[eight:]
		}
		for i, v := range values {
			if v != 0 {
				out[n] = names[i]
				n++
			}
		}
		names = names[len(values):]
	}
	return dst[:len(dst)+n]
}

// eight is how many bytes of truth are looked at together.
const eight = 8

// begin sets out from what is known of the user.
func (m *matching) begin(x *Index, c *circuit, user uint32) {
	m.scan = scan{x: x, r: &m.row, now: x.second()}
	copy(m.values, c.blank)
	m.row.far = &m.far
	r := x.table.get(user)
	if r == nil {
		m.row.user = 0
		m.touched = append(m.touched, c.moving...)
		return
	}
	truth := r.truths()
	for id, slot := range c.slot {
		if x.preds[id] != nil {
			m.values[slot] = byte(bit(truth.has(uint32(id))))
		}
	}
	m.row.user, m.row.log = user, r.log
	if r.far != nil {
		m.far.logs = r.far.logs
		m.far.objects = append(m.far.objects, r.far.objects...)
	}
	m.row.numbers = append(m.row.numbers, r.numbers...)
}

// end lets go of what belongs to others.
func (m *matching) end() {
	clear(m.far.objects)
	clear(m.touched)
	m.far.logs, m.far.objects = nil, m.far.objects[:0]
	m.row.log, m.row.numbers, m.touched = stream{}, m.row.numbers[:0], m.touched[:0]
	m.scan = scan{}
}

// set gives an attribute a value, as Update would.
func (m *matching) set(c *circuit, a *attribute, v any) {
	w := &c.attrs[a.id]
	if f, ok := v.(float64); ok && w.plain && f-f == 0 {
		w.cuts.set(m.values, f)
		return
	}
	num, obj := missing, any(nil)
	if _, ok := v.(string); ok && a.kind == String {
		obj = v // not kept, so not copied
	} else if v != nil {
		if num, obj, ok = a.kind.admit(v); !ok {
			return
		}
	}
	for _, slot := range w.resets {
		m.values[slot] = 0
	}
	if a.kind.numeric() {
		w.cuts.set(m.values, num)
		if w.plain {
			return // nobody reads the row
		}
		m.row.overrideNumber(a.id, num)
		m.mark(c, a.equals[num])
	} else {
		m.row.overrideObject(a.id, obj)
		if s, ok := obj.(string); ok {
			m.mark(c, a.texts[s])
		}
	}
	for _, p := range a.exists {
		m.values[c.slot[p.id]] = byte(bit(a.kind.numeric() && num != num || !a.kind.numeric() && obj == nil))
	}
	m.touched = append(m.touched, w.others...)
}

// mark sets predicates that hold.
func (m *matching) mark(c *circuit, preds []*predicate) {
	for _, p := range preds {
		m.values[c.slot[p.id]] = 1
	}
}

// overrideNumber sets a number whatever its time.
func (r *row) overrideNumber(attr uint32, num float64) {
	i, ok := r.findNumber(attr)
	if !ok {
		r.numbers = slices.Insert(r.numbers, i, number{attr: attr})
	}
	r.numbers[i].num = num
}

func (r *row) overrideObject(attr uint32, obj any) {
	i, ok := r.findObject(attr)
	if !ok {
		f := r.further()
		f.objects = slices.Insert(f.objects, i, object{attr: attr})
	}
	r.far.objects[i].obj = obj
}
