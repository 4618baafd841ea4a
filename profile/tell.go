package profile

import (
	"maps"

	"github.com/zhun-go/zhun/internal/value"
)

// observe hands the event to the views.
func (s *Store) observe(p *person, name string, c *cleaned) {
	if len(s.views) == 0 {
		return
	}
	s.ownFields()
	s.fields["message_id"] = c.id
	at := c.at.time()
	for _, w := range s.views {
		if w.holds(p) {
			s.do(w, "Observe", w.v.Observe(p.number, name, s.fields, at))
		}
	}
}

// tell hands the attributes that were stated anew and the traits that changed
// to the views.
func (s *Store) tell(p *person, at instant) {
	if len(s.views) == 0 || len(s.stated)+len(s.traitsChanged) == 0 {
		return
	}
	later := false
	for _, x := range s.traitsChanged {
		if x.stamp == at {
			s.stated[s.opts.Traits[x.trait].Name] = x.value
		} else {
			later = true
		}
	}
	if len(s.stated) > 0 {
		s.update(p, s.stated, at)
	}
	if !later {
		return
	}
	for _, x := range s.traitsChanged {
		if x.stamp != at {
			s.updateTrait(p, x)
		}
	}
}

func (s *Store) updateTrait(p *person, x stamped) {
	if len(s.views) == 0 {
		return
	}
	clear(s.told)
	s.told[s.opts.Traits[x.trait].Name] = x.value
	s.update(p, s.told, x.stamp)
}

func (s *Store) update(p *person, changed map[string]any, at instant) {
	for _, w := range s.views {
		if w.updater != nil && w.holds(p) {
			s.do(w, "Update", w.updater.Update(p.number, changed, at.time()))
		}
	}
}

// difference returns the attributes that the event changed, against those
// that the surviving number had before.
func (s *Store) difference(p *person, m *moved) map[string]any {
	if m.before == nil {
		if len(s.changed)+len(s.traitsChanged) == 0 {
			return nil
		}
		out := maps.Clone(s.changed)
		for _, x := range s.traitsChanged {
			out[s.opts.Traits[x.trait].Name] = x.value
		}
		return out
	}
	before, after := m.before[p.number], s.attributesOf(p)
	out := make(map[string]any)
	for k, v := range after {
		if old, ok := before[k]; !ok || value.Compare(old, v) != 0 {
			out[k] = value.Clone(v)
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			out[k] = nil
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
