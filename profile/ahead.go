package profile

// ahead is what events that are prepared will do when they are applied, as
// far as it matters to the preparation of those after them. In memory every
// event is applied at once, and nothing is ahead.
type ahead struct {
	on         bool
	events     int
	clock      instant
	ids        map[string]bool
	attributes map[string]bool
	subjects   map[string]uint64 // of combinations, by their keys
}

func (a *ahead) reset() {
	a.events, a.clock = 0, never()
	clear(a.ids)
	clear(a.attributes)
	clear(a.subjects)
}

// blind reports whether the next event can be prepared only after those ahead
// have been applied.
func (s *Store) blind() bool {
	a := &s.ahead
	return a.events > 0 && (!s.seen.steady(a.clock.sec) || s.left() < uint64(a.events+1)*uint64(2*s.graph.maxKeys+s.opts.MaxEventKeys))
}

// prepared takes note of an event that will be applied later.
func (s *Store) prepared(c *cleaned) {
	a := &s.ahead
	a.events++
	a.ids[c.id] = true
	if s.opts.Clock == ByEvents {
		a.clock = latestOf(a.clock, c.tick)
	}
}
