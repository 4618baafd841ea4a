package profile

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
