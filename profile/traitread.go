package profile

import "github.com/zhun-go/zhun/internal/value"

// readCounted reads of an event of the log what traits look at into the fields
// of s.read, and returns the name under which they count it.
func (s *Store) readCounted(b []byte) (event string) {
	l := &s.log
	if s.read.fields == nil {
		s.read.fields = make(map[string]any)
	}
	clear(s.read.fields)
	typ := Type(b[0])
	_, b = cutText(b[1:])
	r := logReader{l, b}
	event = viewName(typ, r.ref())
	if len(s.traitsOf[event]) == 0 {
		return event
	}
	for range r.uvarint() {
		if name, ok := s.counted(&r); ok {
			s.read.fields[name] = s.readKept(&r)
		} else {
			r.b = skipValue(r.b, nil)
		}
	}
	return event
}

// counted reads the name of a field and reports whether a trait looks at it.
func (s *Store) counted(r *logReader) (name string, ok bool) {
	n := r.uvarint()
	if n == 0 {
		name = r.text()
		return name, s.traitFields[name]
	}
	l := r.log
	for k := len(l.counted); k < l.names.Len(); k++ {
		l.counted = append(l.counted, s.traitFields[l.names.Name(uint32(k))])
	}
	return l.names.Name(uint32(n - 1)), l.counted[n-1]
}

// readKept reads a value; a text that was seen lately is not copied again.
func (s *Store) readKept(r *logReader) any {
	if r.b[0] != tagString {
		return r.value()
	}
	text, rest := cutText(r.b[1:])
	r.b = rest
	if have, ok := s.texts[string(text)]; ok {
		return have
	}
	var v any = string(text)
	s.texts.put(v.(string), v)
	return v
}

// recountUnstamped is recount for a person of whose traits it is known when
// they changed: values are worked out once, not after each event.
func (s *Store) recountUnstamped(p *person) {
	if len(s.opts.Traits) == 0 {
		return
	}
	p.computed = &s.tally
	kept := s.traitsChanged
	s.retag(p, p.lastSaid())
	for _, r := range p.rows {
		event := s.readCounted(s.log.content(r.pos()))
		s.countUnstamped(p, event, s.read.fields, r.instant())
	}
	for i := range p.traits() {
		c := &p.traits()[i]
		switch kind := s.opts.Traits[c.trait].Kind; kind {
		case Count:
			c.value = c.n
		case Sum, Mean:
			c.setSum(kind)
		}
	}
	for i := range p.windows() {
		if w := &p.windows()[i]; s.opts.Traits[w.trait].Kind != Tags {
			s.slide(p, w)
		}
	}
	if len(p.rows) > 0 {
		s.prospects(p, p.rows[0].instant())
	}
	s.traitsChanged = kept
	p.computed = s.tally.take()
}

func (s *Store) countUnstamped(p *person, event string, fields map[string]any, at instant) {
	for _, i := range s.traitsOf[event] {
		t := &s.opts.Traits[i]
		v, ok := t.matches(fields)
		if !ok {
			continue
		}
		if t.Window > 0 {
			s.await(p, i, v, at)
			continue
		}
		c := p.cell(i)
		if c == nil {
			c = p.addCell(traitCell{trait: uint32(i)})
		}
		if !c.trusts(t.trust(fields)) {
			continue
		}
		switch t.Kind {
		case Count:
			c.n++
		case Sum, Mean:
			c.n++
			f, _ := value.Float(v)
			c.terms().sum.Add(f)
		default:
			if c.moves(t.Kind, v, pack(at)) {
				c.add(t.Kind, v, pack(at))
			} else {
				c.n++
			}
		}
	}
}

// await puts the latest of a person's events into the window of trait i.
func (s *Store) await(p *person, i int, v any, at instant) {
	t := &s.opts.Traits[i]
	if at.sec <= s.leaving(t.Window) {
		return
	}
	w := p.window(i)
	if w == nil {
		w = p.newWindow(i)
	}
	w.times = append(w.times, pack(at))
	if t.holdsValues() {
		f := w.terms()
		f.values = append(f.values, v)
	}
}

// take returns a copy of what was computed, nil for nothing, and leaves the
// room for what comes next.
func (c *computed) take() *computed {
	var out *computed
	if len(c.traits)+len(c.windows) > 0 {
		out = &computed{append([]traitCell(nil), c.traits...), append([]window(nil), c.windows...), c.cellsOf, c.slidesOf}
	}
	clear(c.traits)
	clear(c.windows)
	*c = computed{traits: c.traits[:0], windows: c.windows[:0]}
	return out
}
