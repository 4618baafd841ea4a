package segment

import (
	"maps"
	"math"
	"slices"
	"time"
)

// never is the second at which nothing changes any more.
const never = math.MaxInt64

// scan is one evaluation: a user at an instant. It is reused between users.
type scan struct {
	x   *Index
	r   *row
	now int64 // the instant, in seconds
	// until is the first second after now at which a value read so far may be
	// another one although nothing was observed; evaluation lowers it.
	until int64
	deep  bool // references to audiences are evaluated, not looked up

	// The element that # stands for: row i of st, or obj, or str.
	st  *stream
	i   int
	obj map[string]any
	str string
}

// limit says that what was read holds until the second.
func (c *scan) limit(sec int64) {
	if sec < c.until {
		c.until = sec
	}
}

// node is a compiled expression. Exactly one of the functions is set,
// according to the kind; none for lists, which are iterated.
type node struct {
	kind Kind
	from int    // character offset in the rule
	key  string // canonical text: equal keys mean equal values

	b  func(*scan) bool           // Bool: present and true
	n  func(*scan) float64        // Number: NaN when missing
	s  func(*scan) (string, bool) // String
	t  func(*scan) (stamp, bool)  // Time
	v  func(*scan) any            // Any, Strings, Objects: nil when missing
	h  func(*scan) bool           // Bool: present; nil when always
	l  *list                      // a list to iterate
	c  []*node                    // an array of constants, right of "in"
	k  any                        // the value of a constant: bool, float64, string or time.Time
	z  bool                       // the literal nil
	m  bool                       // a Time that moves with the clock, second by second: now and so many
	d  int64                      // seconds
	e  bool                       // an element of a list of rows or objects, of which only fields have values
	sc *scope                     // the scope of such an element
	at func(*scan, func()) bool   // moves the cursor to such an element and calls back

	attr   *attribute // set when the expression is simply this attribute
	shape  *shape     // set for a comparison that indexes know
	date   *dateRule  // set for a comparison with an instant that moves
	moment *moment    // set for a comparison of a time with an instant that is the same for all
	count  *list      // set when the value is the length of this list
	deps   deps
}

// deps is what the value of an expression depends on.
type deps struct {
	attrs  map[uint32]bool
	events map[uint32]bool
	clock  bool // the clock, other than through windows
	elem   bool // the element #
}

func (d *deps) add(o *deps) {
	for a := range o.attrs {
		d.attr(a)
	}
	for e := range o.events {
		d.event(e)
	}
	d.clock = d.clock || o.clock
	d.elem = d.elem || o.elem
}

func (d *deps) attr(a uint32) {
	if d.attrs == nil {
		d.attrs = make(map[uint32]bool)
	}
	d.attrs[a] = true
}

func (d *deps) event(e uint32) {
	if d.events == nil {
		d.events = make(map[uint32]bool)
	}
	d.events[e] = true
}

// pure reports whether the value depends on nothing but the element.
func (d *deps) pure() bool { return len(d.attrs) == 0 && len(d.events) == 0 && !d.clock }

func (d *deps) attrList() []uint32 { return slices.Sorted(maps.Keys(d.attrs)) }

func (d *deps) eventList() []uint32 { return slices.Sorted(maps.Keys(d.events)) }

// shape is a comparison of an attribute with constants.
type shape struct {
	attr *attribute
	op   string  // "<", "<=", ">", ">=", "==", "in", "nil", "true"
	num  float64 // the constant; of "true" 1, or 0 when it is false
	nums []float64
	strs []string
}

// moment is a comparison of an attribute with an instant that depends on nobody:
// a constant, or one that the clock decides.
type moment struct {
	attr *attribute
	op   string // as of a shape
	at   func(*scan) (stamp, bool)
}

// everyones reports whether the value is the same for all users.
func (e *node) everyones() bool {
	return len(e.deps.attrs) == 0 && len(e.deps.events) == 0 && !e.deps.elem
}

// scope is what # and .field mean inside a predicate.
type scope struct {
	event  *eventType // rows of this event
	schema Schema     // objects with these fields; nil: any
	object bool
	val    *node // values: the expression that reads the current one
}

// list is a list that is iterated, its elements under the cursor.
type list struct {
	key  string
	base string // key of the list that map reads, empty when it is none
	deps deps
	sc   *scope
	each func(c *scan, yield func() bool)

	// A window of events, which counts are indexed by.
	event    *eventType
	from, to int64 // rows with now−from < t ≤ now−to
	filter   *node // only rows for which this holds; nil for all
}

// over returns the key of the list that a condition on the elements is about.
// For map that is the list it reads, since the condition is written with the
// value spelled out.
func (l *list) over() string {
	if l.base != "" {
		return l.base
	}
	return l.key
}

// number returns the expression as a number, if it may be one.
func (e *node) number() func(*scan) float64 {
	switch e.kind {
	case Number:
		return e.n
	case Any:
		if e.v == nil {
			return nil
		}
		v := e.v
		return func(c *scan) float64 {
			if f, ok := v(c).(float64); ok {
				return f
			}
			return missing
		}
	}
	return nil
}

// text returns the expression as a string, if it may be one.
func (e *node) text() func(*scan) (string, bool) {
	switch e.kind {
	case String:
		return e.s
	case Any:
		if e.v == nil {
			return nil
		}
		v := e.v
		return func(c *scan) (string, bool) {
			s, ok := v(c).(string)
			return s, ok
		}
	}
	return nil
}

// instant returns the expression as a time, if it may be one.
func (e *node) instant() func(*scan) (stamp, bool) {
	switch e.kind {
	case Time:
		return e.t
	case Any:
		if e.v == nil {
			return nil
		}
		v := e.v
		return func(c *scan) (stamp, bool) {
			t, ok := v(c).(time.Time)
			return stampOf(t), ok
		}
	}
	return nil
}

// truth returns the expression as a condition, if it may be one: present and
// true.
func (e *node) truth() func(*scan) bool {
	switch e.kind {
	case Bool:
		return e.b
	case Any:
		if e.v == nil {
			return nil
		}
		v := e.v
		return func(c *scan) bool {
			b, _ := v(c).(bool)
			return b
		}
	}
	return nil
}

// has returns whether the expression has a value.
func (e *node) has() func(*scan) bool {
	switch e.kind {
	case Bool:
		if e.h == nil {
			return func(*scan) bool { return true }
		}
		return e.h
	case Number:
		n := e.n
		return func(c *scan) bool { v := n(c); return v == v }
	case String:
		s := e.s
		return func(c *scan) bool { _, ok := s(c); return ok }
	case Time:
		t := e.t
		return func(c *scan) bool { _, ok := t(c); return ok }
	}
	if e.v == nil {
		return nil
	}
	v := e.v
	return func(c *scan) bool { return v(c) != nil }
}

// any returns the expression as a value of whatever kind, nil when missing.
func (e *node) any() func(*scan) any {
	switch e.kind {
	case Bool:
		b, h := e.b, e.has()
		return func(c *scan) any {
			if !h(c) {
				return nil
			}
			return b(c)
		}
	case Number:
		n := e.n
		return func(c *scan) any {
			if v := n(c); v == v {
				return v
			}
			return nil
		}
	case String:
		s := e.s
		return func(c *scan) any {
			if v, ok := s(c); ok {
				return v
			}
			return nil
		}
	case Time:
		t := e.t
		return func(c *scan) any {
			if v, ok := t(c); ok {
				return v.time()
			}
			return nil
		}
	}
	return e.v
}

// what names the kind for messages.
func (e *node) what() string {
	switch {
	case e.z:
		return "nil"
	case e.e:
		return "an element of a list"
	case e.c != nil:
		return "an array"
	case e.l != nil && e.v == nil:
		return "a list"
	}
	return e.kind.String()
}
