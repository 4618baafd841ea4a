package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/value"
)

// exported is the form of Export.
type exported struct {
	User         uint32   `json:"user"`
	Numbers      []uint32 `json:"numbers"`
	Keys         []Key    `json:"keys"`
	Cut          []Key    `json:"cut"`
	Combinations []struct {
		Keys   []Key     `json:"keys"`
		First  time.Time `json:"first"`
		Last   time.Time `json:"last"`
		Event  string    `json:"event"`
		Rule   string    `json:"rule"`
		Source string    `json:"source"`
		Seen   bool      `json:"seen"`
	} `json:"combinations"`
	Attributes []struct {
		Name        string    `json:"name"`
		Value       any       `json:"value"`
		At          time.Time `json:"at"`
		Combination int       `json:"combination"`
	} `json:"attributes"`
	Consents []struct {
		Purpose     string    `json:"purpose"`
		Granted     bool      `json:"granted"`
		At          time.Time `json:"at"`
		Source      string    `json:"source"`
		Combination int       `json:"combination"`
	} `json:"consents"`
	Tags []struct {
		Name        string    `json:"name"`
		Source      string    `json:"source"`
		Confidence  float64   `json:"confidence"`
		At          time.Time `json:"at"`
		Until       time.Time `json:"until"`
		Combination int       `json:"combination"`
	} `json:"tags"`
	Events []struct {
		ID          string         `json:"id"`
		Type        string         `json:"type"`
		Name        string         `json:"name"`
		Time        time.Time      `json:"time"`
		Fields      map[string]any `json:"fields"`
		Combination int            `json:"combination"`
	} `json:"events"`
}

// Import takes in what [Store.Export] gave, from this store or another one
// with the same kinds of keys. It is the same as if the person's events had
// come again: what is known already stays once, and identity is worked out
// anew with what the store holds. The person's numbers are kept where nobody
// has them. Computed traits follow from the events. Erased persons that are
// imported are back, while late events of before the erasure stay refused.
//
// It returns the number of the person. A key of whom all is known through
// others only, such as a shared browser, comes back with those others, and its
// own export adds nothing; its number is 0 as long as nobody is known by it.
// Errors wrap [ErrImport], else [ErrExhausted] or [ErrClosed], and in a store
// of [Open] [ErrTooLarge] beyond 64 MiB; they change nothing.
func (s *Store) Import(data []byte) (uint32, error) {
	v := importVerb{data: data}
	if err := s.run(&v); err != nil {
		return 0, err
	}
	return v.user, v.err
}

func importError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrImport, fmt.Sprintf(format, args...))
}

// parseExport reads what Export wrote.
func parseExport(data []byte) (*exported, error) {
	var x exported
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&struct {
		*exported
		Traits map[string]any `json:"traits"`
	}{exported: &x}); err != nil {
		return nil, importError("%v", err)
	}
	if d.More() || !utf8.Valid(data) {
		return nil, importError("something follows the object, or it is not UTF-8")
	}
	if len(x.Keys) == 0 || len(x.Numbers) == 0 {
		return nil, importError("no keys or numbers")
	}
	return &x, nil
}

func (s *Store) importLocked(data []byte) (uint32, error) {
	x, err := parseExport(data)
	if err != nil {
		return 0, err
	}
	if len(x.Combinations)+len(x.Attributes)+len(x.Consents)+len(x.Tags)+len(x.Events) == 0 {
		if n, ok := s.graph.lookup(x.Keys[0]); ok {
			return s.graph.nodes[n].person.number, nil
		}
		return 0, nil
	}
	o, err := s.stage(x)
	if err != nil {
		return 0, err
	}
	if s.left() < uint64(o.graph.size()+2*s.opts.MaxPersonKeys) {
		return 0, ErrExhausted
	}
	// Whoever has one of the keys is about to change, with those that the
	// new links move.
	var m moved
	for _, k := range o.everyKey() {
		if n, ok := s.graph.lookup(k); ok {
			m.gone = append(m.gone, s.graph.nodes[n].person.number)
		}
	}
	until := s.tombs.until
	s.tombs.until = nil // a restored person is back
	_, links := s.merge(o)
	s.tombs.until = until
	m.gone = append(m.gone, links.gone...)
	for _, r := range links.renamed {
		m.gone = append(m.gone, r[0], r[1])
	}
	slices.Sort(m.gone)
	m.gone = slices.Compact(m.gone)
	seen := map[*person]bool{nil: true}
	show := func(p *person) {
		if !seen[p] {
			seen[p] = true
			m.shown = append(m.shown, p)
		}
	}
	for _, p := range links.shown {
		show(p)
	}
	for _, u := range m.gone {
		show(s.people.of(u))
	}
	for _, k := range o.everyKey() {
		n, _ := s.graph.lookup(k)
		show(s.graph.nodes[n].person)
	}
	s.follow(&m)
	s.seq++
	top, _ := s.graph.lookup(x.Keys[0])
	return s.graph.nodes[top].person.number, nil
}

func (s *Store) everyKey() []Key {
	var out []Key
	for n := range s.graph.nodes {
		if len(s.graph.nodes[n].sets) > 0 {
			out = append(out, s.graph.key(uint32(n)))
		}
	}
	return out
}

// stage builds a store that holds the exported person only.
func (s *Store) stage(x *exported) (*Store, error) {
	opts := s.opts
	opts.Traits = nil
	opts.MaxPersonKeys = max(opts.MaxPersonKeys, 1<<20)
	o, err := New(&opts)
	if err != nil {
		return nil, err
	}
	g := &o.graph
	p := &person{}
	node := func(k Key) (uint32, error) {
		clean, _, ok := s.cleanKey(k)
		if !ok || clean != k {
			return 0, importError("key %v", k)
		}
		n := g.node(k, &o.opts)
		g.nodes[n].person = p
		return n, nil
	}
	sets := make([]uint32, len(x.Combinations))
	for i, c := range x.Combinations {
		if len(c.Keys) == 0 || len(c.Keys) > s.opts.MaxEventKeys || !usable(c.First) || !usable(c.Last) {
			return nil, importError("combination %d", i)
		}
		var nodes []uint32
		for _, k := range c.Keys {
			n, err := node(k)
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, n)
		}
		slices.SortFunc(nodes, g.stronger)
		if len(slices.Compact(nodes)) != len(c.Keys) {
			return nil, importError("combination %d names a key twice", i)
		}
		if _, twice := g.set(nodes); twice {
			return nil, importError("combination %d comes twice", i)
		}
		rule, ok := linkRuleOf(c.Rule)
		if !ok || len(c.Source) > maxName {
			return nil, importError("combination %d: rule %q, source %q", i, c.Rule, c.Source)
		}
		from := origin{c.Event, rule, c.Source}
		if c.Seen && len(nodes) == 1 {
			from.id = seenAlone
		}
		sets[i] = g.addSet(nodes, instantOf(c.First), from)
		g.sets[sets[i]].last = pack(instantOf(c.Last))
		o.own(p, sets[i])
	}
	for _, k := range x.Keys {
		n, ok := g.lookup(k)
		if !ok {
			return nil, importError("key %v is in no combination", k)
		}
		if slices.Contains(p.nodes(), n) {
			return nil, importError("key %v comes twice", k)
		}
		p.setNodes(append(p.nodes(), n))
	}
	for _, k := range x.Cut {
		n, ok := g.lookup(k)
		if !ok {
			return nil, importError("cut key %v is in no combination", k)
		}
		g.nodes[n].cut = true
	}
	for _, u := range x.Numbers {
		// Numbers are handed out densely; a large one would use up the rest.
		if u == 0 || u > 1<<31 {
			return nil, importError("user number %d", u)
		}
		p.setPins(append(p.pins(), pin{u, p.nodes()[0]}))
		o.people.put(u, p)
	}
	p.number = slices.Min(x.Numbers)
	o.live.Add(p.number)
	return o, o.stageStatements(x, p, sets)
}

func (s *Store) stageStatements(x *exported, p *person, sets []uint32) error {
	for i, a := range x.Attributes {
		v, ok := imported(a.Value)
		if a.Combination < 0 || a.Combination >= len(sets) || !usable(a.At) || !ok || a.Name == "" || len(a.Name) > maxName {
			return importError("attribute %d, %q", i, a.Name)
		}
		p.state(s.attributes.ID(a.Name), sets[a.Combination], instantOf(a.At), v)
	}
	for i, c := range x.Consents {
		if c.Combination < 0 || c.Combination >= len(sets) || !usable(c.At) || c.Purpose == "" {
			return importError("consent %d, %q", i, c.Purpose)
		}
		p.setConsents(append(p.consents(), consent{c.Purpose, sets[c.Combination], instantOf(c.At), c.Granted, c.Source}))
	}
	for i, t := range x.Tags {
		tag := Tag{t.Name, t.Source, t.Confidence, t.At, t.Until}
		if err := tag.check(); t.Combination < 0 || t.Combination >= len(sets) || err != nil {
			return importError("tag %d, %q: %v", i, t.Name, err)
		}
		x := tagging{t.Name, t.Source, sets[t.Combination], instantOf(t.At), never(), t.Confidence}
		if !t.Until.IsZero() {
			x.until = instantOf(t.Until)
		}
		p.setTags(append(p.tags(), x))
	}
	for i, e := range x.Events {
		typ, ok := typeOf(e.Type)
		if !ok || e.Combination < 0 || e.Combination >= len(sets) || !usable(e.Time) || e.ID == "" || len(e.Name) > maxName ||
			len(e.Fields) > s.opts.MaxFields {
			return importError("event %d, %q", i, e.ID)
		}
		fields := make(map[string]any, len(e.Fields))
		for k, v := range e.Fields {
			clean, ok := imported(v)
			if !ok || k == "" || len(k) > maxName {
				return importError("event %d, %q: field %q", i, e.ID, k)
			}
			fields[k] = clean
		}
		content := s.log.encode(typ, e.ID, e.Name, fields)
		if len(content) > s.opts.MaxEventBytes {
			return importError("event %d, %q: %d bytes", i, e.ID, len(content))
		}
		p.rows = append(p.rows, makeRow(instantOf(e.Time), sets[e.Combination], s.log.put(content)))
	}
	return nil
}

// imported returns a value that Export wrote.
func imported(v any) (any, bool) {
	switch x := v.(type) {
	case nil:
		return nil, true
	case map[string]any:
		text, ok := x["$time"].(string)
		if !ok || len(x) != 1 {
			return nil, false
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		return t.UTC(), err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999
	case []any:
		for i := range x {
			m, ok := x[i].(map[string]any)
			if !ok {
				continue
			}
			for k, e := range m {
				clean, ok := imported(e)
				if !ok {
					return nil, false
				}
				m[k] = clean
			}
		}
	}
	return value.Normalize(v)
}
