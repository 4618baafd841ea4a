package profile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/value"
)

// model is the slow, obvious store: a list of events, from which everything
// is computed anew when asked, by the rules as they are documented.
type model struct {
	opts   Options
	events []Event // with ids, cleaned keys, distinct
	now    time.Time
	cut    map[Key]bool
}

func keyLess(o *Options) func(a, b Key) int {
	rank := func(k Key) int {
		if i := slices.Index(o.Priority, k.Kind); i >= 0 {
			return i
		}
		if k.Kind == AnonymousID {
			return len(o.Priority) + 1
		}
		return len(o.Priority)
	}
	return func(a, b Key) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Kind, b.Kind), ids.Compare(a.Value, b.Value))
	}
}

func (m *model) sorted(keys []Key) []Key {
	out := slices.Clone(keys)
	slices.SortFunc(out, keyLess(&m.opts))
	return slices.Compact(out)
}

type modelSet struct {
	keys  []Key
	first time.Time
	id    string
}

// groups returns whom each key belongs to: the keys of its person, sorted;
// and which keys are shared.
func (m *model) groups() (group map[Key][]Key, shared map[Key]bool) {
	sets := map[string]*modelSet{}
	for _, e := range m.events {
		keys := m.sorted(e.Keys)
		name := fmt.Sprint(keys)
		s := sets[name]
		if s == nil {
			sets[name] = &modelSet{keys, e.Time, e.ID}
		} else if e.Time.Before(s.first) || e.Time.Equal(s.first) && e.ID < s.id {
			s.first, s.id = e.Time, e.ID
		}
	}
	less := keyLess(&m.opts)
	rank := func(k Key) int {
		if i := slices.Index(m.opts.Priority, k.Kind); i >= 0 {
			return i
		}
		return 100 + len(k.Kind)
	}
	all := map[Key]bool{}
	combos := map[Key]int{}
	strong := map[Key]map[string]map[string]time.Time{}
	since := map[Key]time.Time{}
	for _, s := range sets {
		for i, k := range s.keys {
			all[k] = true
			if t, ok := since[k]; !ok || s.first.Before(t) {
				since[k] = s.first
			}
			if len(s.keys) > 1 {
				combos[k]++
			}
			if c := s.keys[0]; i > 0 && m.opts.Limits[c.Kind] > 0 && rank(c) < rank(k) {
				if strong[k] == nil {
					strong[k] = map[string]map[string]time.Time{}
				}
				if strong[k][c.Kind] == nil {
					strong[k][c.Kind] = map[string]time.Time{}
				}
				if t, ok := strong[k][c.Kind][c.Value]; !ok || s.first.Before(t) {
					strong[k][c.Kind][c.Value] = s.first
				}
			}
		}
	}
	shared = map[Key]bool{}
	for k := range all {
		shared[k] = combos[k] > m.opts.MaxKeyLinks || m.cut[k]
		for kind, values := range strong[k] {
			shared[k] = shared[k] || m.tooMany(kind, slices.Collect(maps.Values(values)))
		}
	}
	type edge struct {
		a, b   Key
		strong bool
		first  time.Time
		id     string
	}
	var edges []edge
	for _, s := range sets {
		for _, k := range s.keys[1:] {
			if !shared[k] && !shared[s.keys[0]] {
				edges = append(edges, edge{s.keys[0], k, m.opts.Limits[s.keys[0].Kind] == 1, s.first, s.id})
			}
		}
	}
	slices.SortFunc(edges, func(x, y edge) int {
		if x.strong != y.strong {
			if x.strong {
				return -1
			}
			return 1
		}
		return cmp.Or(x.first.Compare(y.first), strings.Compare(x.id, y.id), less(x.a, y.a), less(x.b, y.b))
	})
	join := func(allowed func(a, b []Key) bool) map[Key][]Key {
		g := map[Key][]Key{}
		for k := range all {
			g[k] = []Key{k}
		}
		for _, e := range edges {
			a, b := g[e.a], g[e.b]
			if slices.Contains(a, e.b) || !allowed(a, b) {
				continue
			}
			both := m.sorted(append(slices.Clone(a), b...))
			for _, k := range both {
				g[k] = both
			}
		}
		return g
	}
	within := func(keys []Key) bool {
		n := map[string][]time.Time{}
		for _, k := range keys {
			n[k.Kind] = append(n[k.Kind], since[k])
			if m.opts.Limits[k.Kind] > 0 && m.tooMany(k.Kind, n[k.Kind]) {
				return false
			}
		}
		return true
	}
	webs := join(func(_, _ []Key) bool { return true })
	group = join(func(a, b []Key) bool {
		return len(webs[a[0]]) <= m.opts.MaxPersonKeys && within(append(slices.Clone(a), b...))
	})
	// Within a person, links by time; the one merge that is too many is left.
	slices.SortFunc(edges, func(x, y edge) int {
		return cmp.Or(x.first.Compare(y.first), strings.Compare(x.id, y.id), less(x.a, y.a), less(x.b, y.b))
	})
	parts, merges := map[Key][]Key{}, map[Key]int{}
	for k := range all {
		parts[k] = []Key{k}
	}
	for _, e := range edges {
		a, b := parts[e.a], parts[e.b]
		if slices.Contains(a, e.b) || !slices.Contains(group[e.a], e.b) {
			continue
		}
		older := func(k Key) bool { return since[k].Before(e.first) }
		n := merges[e.a] + merges[e.b]
		if slices.ContainsFunc(a, older) && slices.ContainsFunc(b, older) {
			n++
		}
		if n > m.opts.MaxMerges {
			continue
		}
		both := m.sorted(append(slices.Clone(a), b...))
		for _, k := range both {
			parts[k], merges[k] = both, n
		}
	}
	return parts, shared
}

// links returns what every combination of several keys first came with.
func (m *model) links() []string {
	first := map[string]Event{}
	for _, e := range m.events {
		keys := fmt.Sprint(m.sorted(e.Keys))
		if f, ok := first[keys]; len(m.sorted(e.Keys)) > 1 && (!ok || e.Time.Before(f.Time) || e.Time.Equal(f.Time) && e.ID < f.ID) {
			first[keys] = e
		}
	}
	var out []string
	for keys, e := range first {
		source, _ := e.Fields["context.source"].(string)
		if source == "" {
			source, _ = e.Fields["context.library.name"].(string)
		}
		rule := map[Type]LinkRule{Identify: LinkIdentify, Alias: LinkAlias}[e.Type]
		out = append(out, fmt.Sprintf("%v %v %s %v %s", keys, e.Time, e.ID, rule, source))
	}
	slices.Sort(out)
	return out
}

// links returns the same of the store, and holds it to naming no source that
// no combination came from.
func (s *Store) links(t testing.TB) []string {
	g := &s.graph
	var out []string
	uses := make([]uint32, len(g.sources.texts))
	for k := range g.sets {
		set := &g.sets[k]
		if set.source() > 0 {
			uses[set.source()-1]++
		}
		if len(set.nodes) < 2 || g.isLoan(uint32(k)) {
			require.Zero(t, set.source())
			continue
		}
		var keys []Key
		for _, n := range set.nodes {
			keys = append(keys, g.key(n))
		}
		o := g.originOf(set)
		out = append(out, fmt.Sprintf("%v %v %s %v %s", keys, set.first.time(), o.id, o.rule, o.source))
	}
	require.Equal(t, uses, append([]uint32{}, g.sources.uses...))
	for i, n := range uses {
		require.Equal(t, n > 0, g.sources.texts[i] != "")
	}
	require.Len(t, g.sources.index, len(uses)-len(g.sources.free))
	slices.Sort(out)
	return out
}

// tooMany reports whether keys of a kind that were linked at these times are
// more than the limit.
func (m *model) tooMany(kind string, times []time.Time) bool {
	limit, window := m.opts.Limits[kind], m.opts.LimitWindows[kind]
	for _, from := range times {
		n := 0
		for _, at := range times {
			if d := at.Unix() - from.Unix(); d >= 0 && (window == 0 || d < int64(window/time.Second)) {
				n++
			}
		}
		if n > limit {
			return true
		}
	}
	return false
}

// owned returns the events of each person, by the person's first key, in
// canonical order.
func (m *model) owned() (events map[Key][]Event, group map[Key][]Key) {
	group, shared := m.groups()
	events = map[Key][]Event{}
	for _, e := range m.events {
		keys := m.sorted(e.Keys)
		owner := keys[0]
		for _, k := range keys {
			if !shared[k] || m.cut[k] {
				owner = k
				break
			}
		}
		if k, ok := m.lastAccount(e, shared); ok {
			owner = k
		}
		events[group[owner][0]] = append(events[group[owner][0]], e)
	}
	for _, es := range events {
		slices.SortFunc(es, func(a, b Event) int { return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.ID, b.ID)) })
	}
	return events, group
}

// lastAccount returns the account that was last seen with the keys of an event
// that names shared ones only.
func (m *model) lastAccount(e Event, shared map[Key]bool) (Key, bool) {
	limited := func(k Key) bool { return m.opts.Limits[k.Kind] > 0 }
	if m.opts.LastAccount == 0 || e.Type == Identify || e.Type == Consent ||
		slices.ContainsFunc(e.Keys, func(k Key) bool { return limited(k) || !shared[k] || m.cut[k] }) {
		return Key{}, false
	}
	var last *Event
	before := func(a, b *Event) bool {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.ID, b.ID)) < 0
	}
	for i := range m.events {
		v := &m.events[i]
		meets := slices.ContainsFunc(v.Keys, func(k Key) bool { return slices.Contains(e.Keys, k) })
		says := slices.ContainsFunc(v.Keys, limited) || slices.Contains(m.opts.Resets, v.Name) && v.Type == Track
		if meets && says && before(v, &e) && (last == nil || before(last, v)) {
			last = v
		}
	}
	if last == nil || slices.Contains(m.opts.Resets, last.Name) && last.Type == Track || e.Time.Sub(last.Time) > m.opts.LastAccount {
		return Key{}, false
	}
	for _, k := range m.sorted(last.Keys) {
		if !shared[k] || m.cut[k] {
			return k, limited(k)
		}
	}
	return Key{}, false
}

// attributes computes the attributes and traits of a person from its events.
func (m *model) attributes(es []Event) map[string]any {
	out := map[string]any{}
	at := map[string]time.Time{}
	said := map[string]any{}
	for _, e := range es {
		if e.Type != Identify {
			continue
		}
		for k, v := range e.Fields {
			if strings.HasPrefix(k, "context.") {
				continue
			}
			if old, ok := at[k]; !ok || e.Time.After(old) || e.Time.Equal(old) && value.Compare(v, said[k]) > 0 {
				at[k], said[k] = e.Time, v
			}
		}
	}
	for k, v := range said {
		if v != nil {
			out[k] = v
		}
	}
	for _, t := range m.opts.Traits {
		if v := m.trait(t, es); v != nil {
			out[t.Name] = v
		}
	}
	return out
}

// consents computes the purposes that a person has spoken about.
func (m *model) consents(es []Event) map[string]bool {
	out := map[string]bool{}
	at := map[string]time.Time{}
	for _, e := range es {
		if e.Type != Consent {
			continue
		}
		for k, v := range e.Fields {
			if old, ok := at[k]; !ok || e.Time.After(old) || e.Time.Equal(old) && v == false {
				at[k], out[k] = e.Time, v.(bool)
			}
		}
	}
	return out
}

// erase drops every event that names a key of the person with a key.
func (m *model) erase(key Key) {
	group, _ := m.groups()
	keys := group[key]
	m.events = slices.DeleteFunc(m.events, func(e Event) bool {
		return slices.ContainsFunc(e.Keys, func(k Key) bool { return slices.Contains(keys, k) })
	})
	// What is known of a key no event names any more is gone with it.
	maps.DeleteFunc(m.cut, func(k Key, _ bool) bool {
		return !slices.ContainsFunc(m.events, func(e Event) bool { return slices.Contains(e.Keys, k) })
	})
}

// shown is what is compared of one person.
type shown struct {
	Keys       []Key
	Events     []string
	Attributes string
	Consents   map[string]bool
}

func text(m map[string]any) string {
	var b []byte
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = fmt.Appendf(b, "%s=", k)
		b = append(appendJSON(b, m[k]), ' ')
	}
	return string(b)
}

// show returns all persons of the model by their first key.
func (m *model) show() map[Key]shown {
	events, group := m.owned()
	out := map[Key]shown{}
	for k, keys := range group {
		if k != keys[0] {
			continue
		}
		x := shown{Keys: keys, Attributes: text(m.attributes(events[k])), Consents: m.consents(events[k])}
		for _, e := range events[k] {
			x.Events = append(x.Events, e.ID)
		}
		out[k] = x
	}
	return out
}

// show returns all persons of the store by their first key.
func (s *Store) picture() map[Key]shown {
	out := map[Key]shown{}
	for _, u := range s.Users() {
		p, _ := s.Profile(u)
		x := shown{Keys: p.Keys, Attributes: text(p.Attributes), Consents: p.Consents}
		if x.Consents == nil {
			x.Consents = map[string]bool{}
		}
		data, err := s.Export(u)
		if err != nil {
			panic(err)
		}
		var exported struct{ Events []struct{ ID string } }
		if err := json.Unmarshal(data, &exported); err != nil {
			panic(err)
		}
		for _, e := range exported.Events {
			x.Events = append(x.Events, e.ID)
		}
		out[p.Keys[0]] = x
	}
	return out
}
