package profile

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/value"
)

// TraitKind says how a computed trait sums up events.
type TraitKind uint8

// The kinds of computed traits. A trait of a person without a matching event
// is absent.
const (
	Count         TraitKind = iota // how many events, an int64
	Sum                            // sum of the field, a float64, correctly rounded whatever the order
	Mean                           // mean of the field, a float64
	Min                            // smallest number in the field
	Max                            // largest number in the field
	First                          // the field's value at the earliest event, ties the smaller
	Last                           // the field's value at the latest event, ties the larger
	MostFrequent                   // the field's most frequent value, ties the smaller; lists have none
	DistinctCount                  // how many different values the field had, an int64; lists have none
	Distinct                       // the different texts in the field, those of lists included, sorted, a []string
	FirstTime                      // when the earliest event was, a time.Time
	LastTime                       // when the latest event was, a time.Time
	MeanInterval                   // mean seconds between one event and the next, a float64; absent with one event

	// The kinds below follow the passing of time also without a window;
	// theirs is then Retain.Horizon.

	Stage         // the stage of the lifecycle by [Stages], a string; "prospect" for persons without a matching event
	Recency       // whole days since the latest event, an int64
	Streak        // how many days in a row (UTC), today or yesterday the last of them, had an event, an int64
	LongestStreak // the most days in a row (UTC) that had an event, an int64
	Sessions      // how many sessions, which end by a pause longer than Gap, an int64
	SessionLength // mean seconds from the first to the last event of a session, a float64
	Tags          // the tags that hold, those they imply included, a sorted []string; with a Field, those below it
	Score         // sum of the field, or one for each event, times 2^(−age/HalfLife) with the age in whole days (UTC), a float64
)

const kindCount = int(Score) + 1

// needsField reports whether the kind is about a field.
func (k TraitKind) needsField() bool {
	return k != Count && k != FirstTime && k != LastTime && k != MeanInterval && k < Stage
}

// keepsTexts reports whether the field's values may be texts that are held.
func (k TraitKind) keepsTexts() bool { return k >= First && k <= Distinct }

// holdsValues reports whether a window holds the field's values.
func (t *Trait) holdsValues() bool {
	return t.Kind.needsField() || t.Kind == Score && t.Field != ""
}

// timed reports whether the kind depends on the clock even without a window.
func (k TraitKind) timed() bool { return k >= Stage }

// Trait declares an attribute that the store computes from the events it
// keeps. Views receive it by Update, like an attribute that was sent. Every
// kind is independent of the order in which events come.
//
// A trait over "identify" says which of the values of an attribute survives
// when the latest should not: {Name: "plan", Kind: First, Events:
// []string{"identify"}, Field: "plan"} keeps the first, Max the largest
// number, MostFrequent the most usual, Distinct the union of all, and Last
// with Sources that of the most trusted source. It lasts as long as the
// events are retained.
type Trait struct {
	// Name of the attribute. Attributes of that name in identify events
	// count for traits only.
	Name string
	Kind TraitKind
	// Events are the names of the events that count, as views see them:
	// track events under their own name, others as "page", "screen",
	// "group", "alias" and, though no view sees those, "identify". At least one, except for Tags.
	Events []string
	// Field is what is summed up. Count, FirstTime, LastTime, MeanInterval
	// and the kinds from Stage on need none; with one, they skip events
	// without it. Nested names are joined by dots. Sum, Mean, Min, Max and
	// Score skip what is not a number, and Sum, Mean and Score what exceeds
	// ±1e290.
	Field string
	// Where are fields that the event must have, with exactly these values;
	// numbers are equal across integers and floats.
	Where map[string]any
	// Window counts only events within (now − Window, now] by the store's
	// clock, in whole seconds. Zero means all events kept.
	Window time.Duration
	// Sources are values of the field SourceField, the most trusted first. For
	// First and Last, which then have no Window, an event of a more trusted
	// source wins whatever its time; sources not named are trusted least.
	// SourceField is "context.source" by default.
	Sources     []string
	SourceField string
	// Stages are the rules of a Stage.
	Stages Stages
	// HalfLife is after how long an event counts half in a Score, at least
	// an hour; default 30 days. Events of more than 64 half-lives ago count
	// nothing.
	HalfLife time.Duration
	// Gap is the longest pause within a session; default 30 minutes.
	Gap time.Duration

	stages Stages // those in force
	where  []condition
}

// condition is one entry of Where.
type condition struct {
	field string
	value any
}

func (t *Trait) check(o *Options) error {
	bad := func(field string, v any, why string) error {
		return optionError(fmt.Sprintf("Traits[%q].%s", t.Name, field), v, why)
	}
	switch {
	case t.Name == "":
		return bad("Name", `""`, "missing")
	case int(t.Kind) >= kindCount:
		return bad("Kind", t.Kind, "unknown")
	case t.Kind == Tags && (len(t.Events) > 0 || len(t.Where) > 0 || t.Window > 0 && t.Window != o.Retain.Horizon):
		return bad("Events", t.Events, "tags do not come from events")
	case len(t.Events) == 0 && t.Kind != Tags:
		return bad("Events", t.Events, "name at least one event")
	case t.Field == "" && t.Kind.needsField():
		return bad("Field", `""`, "required by this kind")
	case t.Window < 0 || t.Window > 0 && t.Window < time.Second:
		return bad("Window", t.Window, "must be at least 1s, or 0 for none")
	case t.Window > o.Retain.Horizon:
		return bad("Window", t.Window, "longer than Retain.Horizon")
	}
	if len(t.Sources) > 0 && (t.Window > 0 || t.Kind != First && t.Kind != Last) {
		return bad("Sources", t.Sources, "only for First and Last without a window")
	}
	t.Sources = slices.Clone(t.Sources)
	if t.SourceField == "" {
		t.SourceField = "context.source"
	}
	if err := t.checkTimed(o, bad); err != nil {
		return err
	}
	t.Events = slices.Clone(t.Events)
	for i, e := range t.Events {
		t.Events[i] = currentName(e)
		if len(o.Retain.Events) > 0 && !slices.Contains(o.Retain.Events, t.Events[i]) {
			return bad("Events", e, "not among Retain.Events")
		}
	}
	t.Where, t.where = maps.Clone(t.Where), nil
	for _, k := range slices.Sorted(maps.Keys(t.Where)) {
		v, ok := value.Normalize(t.Where[k])
		if !ok {
			return bad("Where", t.Where[k], "not a value that a field may hold")
		}
		t.Where[k] = value.Own(v)
		t.where = append(t.where, condition{k, t.Where[k]})
	}
	return nil
}

func (t *Trait) checkTimed(o *Options, bad func(field string, v any, why string) error) error {
	if !t.Kind.timed() {
		return nil
	}
	if t.Window == 0 {
		t.Window = o.Retain.Horizon
	}
	if t.HalfLife == 0 {
		t.HalfLife = 30 * day
	}
	if t.HalfLife < time.Hour {
		return bad("HalfLife", t.HalfLife, "must be at least 1h")
	}
	if t.Gap == 0 {
		t.Gap = 30 * time.Minute
	}
	if t.Gap < 0 {
		return bad("Gap", t.Gap, "must not be negative")
	}
	var err error
	if t.stages, err = t.Stages.withDefaults(); err != nil {
		return bad("Stages", err, "")
	}
	return nil
}

// matches reports whether an event counts, and the value it adds.
func (t *Trait) matches(fields map[string]any) (any, bool) {
	for _, c := range t.where {
		got, ok := fields[c.field]
		if !ok || !sameValue(got, c.value) {
			return nil, false
		}
	}
	if t.Field == "" {
		return nil, true
	}
	v, ok := fields[t.Field]
	if !ok {
		return nil, false
	}
	switch t.Kind {
	case Sum, Mean, Score:
		f, ok := value.Float(v)
		return v, ok && f <= stats.MaxExact && f >= -stats.MaxExact
	case Min, Max:
		_, ok := value.Float(v)
		return v, ok
	case Distinct:
		switch x := v.(type) {
		case string:
			return v, true
		case []string:
			return v, len(x) > 0
		}
		return nil, false
	case MostFrequent, DistinctCount:
		return v, countable(v)
	}
	return v, true
}

func countable(v any) bool {
	switch v.(type) {
	case bool, int64, float64, string, time.Time:
		return true
	}
	return false
}

func sameValue(a, b any) bool {
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return ok && x == y
	case int64:
		if y, ok := b.(float64); ok {
			return value.CompareIntFloat(x, y) == 0
		}
	case float64:
		switch y := b.(type) {
		case int64:
			return value.CompareIntFloat(y, x) == 0
		case float64:
			return x == y
		}
	}
	return value.Compare(a, b) == 0
}

// trust returns the rank of an event's source, 0 for the most trusted.
func (t *Trait) trust(fields map[string]any) int32 {
	if len(t.Sources) == 0 {
		return 0
	}
	source, _ := fields[t.SourceField].(string)
	if i := slices.Index(t.Sources, source); i >= 0 {
		return int32(i)
	}
	return int32(len(t.Sources))
}

// cell returns the person's cell of a trait, nil if it has none.
func (p *person) cell(trait int) *traitCell {
	if p.computed == nil {
		return nil
	}
	i, ok := p.computed.cell(trait)
	if !ok {
		return nil
	}
	return &p.computed.traits[i]
}

// addCell adds the cell of a trait that the person has none of. Cells grow by
// one or two: they are few, and every person has them.
func (p *person) addCell(cell traitCell) *traitCell {
	if p.computed == nil {
		p.computed = new(computed)
	}
	c := p.computed
	i, _ := c.cell(int(cell.trait))
	if len(c.traits) == cap(c.traits) {
		c.traits = append(make([]traitCell, 0, len(c.traits)+2), c.traits...)
	}
	c.traits = slices.Insert(c.traits, i, cell)
	c.cellsOf.note(int(cell.trait))
	return &c.traits[i]
}

// count adds one event to the traits of p and notes in s.traitsChanged which
// of them changed. Newest says that none of p's events comes after it.
func (s *Store) count(p *person, event string, fields map[string]any, at instant, newest bool) {
	for _, i := range s.traitsOf[event] {
		t := &s.opts.Traits[i]
		v, ok := t.matches(fields)
		if !ok {
			continue
		}
		if t.Window > 0 {
			if t.Kind.keepsTexts() {
				v = s.kept(v)
			}
			if w, changed := s.enter(p, i, v, at, newest); changed {
				s.traitsChanged = append(s.traitsChanged, stamped{i, w.stamp.after(at), w.value})
			}
			continue
		}
		c := p.cell(i)
		if c == nil {
			c = p.addCell(traitCell{trait: uint32(i)})
		}
		if !c.trusts(t.trust(fields)) {
			continue
		}
		if !c.moves(t.Kind, v, pack(at)) {
			c.n++
			continue
		}
		if t.Kind.keepsTexts() {
			v = s.kept(v)
		}
		if c.add(t.Kind, v, pack(at)) {
			s.traitsChanged = append(s.traitsChanged, stamped{i, c.stamp.after(at), c.value})
		}
	}
	s.prospects(p, at)
}

// prospects gives a person with an event a stage even when none of its events
// is a purchase.
func (s *Store) prospects(p *person, at instant) {
	for _, i := range s.stageTraits {
		w := p.window(i)
		if w != nil && w.value != nil {
			continue
		}
		if w == nil {
			w = p.newWindow(i)
		}
		if s.slide(p, w) {
			s.traitsChanged = append(s.traitsChanged, stamped{i, w.stamp.after(at), w.value})
		}
	}
}

// recount computes all traits of p from its rows.
func (s *Store) recount(p *person) {
	if len(s.opts.Traits) == 0 {
		return
	}
	old := p.windows()
	// What comes out is copied once, in its size.
	p.computed = &s.tally
	kept := s.traitsChanged
	s.retag(p, p.lastSaid())
	for _, r := range p.rows {
		event := s.readCounted(s.log.content(r.pos()))
		s.count(p, event, s.read.fields, r.instant(), true)
	}
	s.traitsChanged = kept
	p.computed = s.tally.take()
	// What views saw of a window stays behind it also when it is empty.
	for i := range old {
		if old[i].stamp == (packed{}) {
			continue
		}
		w := p.window(int(old[i].trait))
		if w == nil {
			w = p.newWindow(int(old[i].trait))
		}
		w.stamp = w.stamp.latest(old[i].stamp)
	}
}
