package segment

import (
	"time"

	"github.com/expr-lang/expr/ast"
)

// events compiles events(name, window, until): the user's rows of an event in
// (now−window, now−until], by time.
func (k *compiler) events(n ast.Node, args []ast.Node) *node {
	k.want(n, "events", args, 1, 3, `events("name", "window") or events("name", "from ago", "to ago")`)
	name := k.stringConstant(args[0], "the name of an event")
	ev := k.x.eventByName[name]
	if ev == nil && k.x.opts.Dynamic {
		if !k.define {
			l := &list{key: "events(" + quote(name) + ")", sc: &scope{object: true}, each: func(*scan, func() bool) {}}
			return &node{key: l.key, l: l, count: l}
		}
		ev = k.x.newEvent(name, nil)
	}
	if ev == nil {
		k.unknown(args[0], "event", name, k.x.eventNames())
	}
	l := &list{event: ev, from: k.x.retain, sc: &scope{event: ev}, key: "events(" + quote(name)}
	if len(args) > 1 {
		l.from = k.window(args[1])
		l.key += ", " + quote(formatWindow(l.from))
		if l.from > k.x.retain {
			k.fail(args[1], ErrNotRetained, "a window of %s reaches beyond what is retained, %s", formatWindow(l.from), formatWindow(k.x.retain))
		}
	}
	if len(args) > 2 {
		l.to = k.window(args[2])
		l.key += ", " + quote(formatWindow(l.to))
		if l.to >= l.from {
			k.fail(args[2], ErrType, "a window from %s ago to %s ago is empty", formatWindow(l.from), formatWindow(l.to))
		}
	}
	l.key += ")"
	l.deps.event(ev.id)
	l.each = func(c *scan, yield func() bool) {
		st, lo, hi := l.rows(c)
		if lo == hi {
			return
		}
		oldStream, oldRow := c.st, c.i
		c.st = st
		for i := lo; i < hi; i++ {
			if c.i = i; !yield() {
				break
			}
		}
		c.st, c.i = oldStream, oldRow
	}
	e := &node{key: l.key, l: l, count: l}
	e.deps.add(&l.deps)
	return e
}

// rows returns the rows of the window, and notes when the next one enters or
// leaves it.
func (l *list) rows(c *scan) (st *stream, lo, hi int) {
	if st = c.r.stream(l.event.id); st == nil {
		return nil, 0, 0
	}
	hi = st.upper(c.now - l.to)
	lo = st.upper(c.now - l.from)
	if hi < st.len() {
		c.limit(st.sec(hi) + l.to)
	}
	if lo < hi {
		c.limit(st.sec(lo) + l.from)
	}
	return st, lo, hi
}

// atLeast reports whether the window holds at least n rows, and notes when
// that may change: no earlier than the n-th newest row leaves.
func (l *list) atLeast(c *scan, n int) bool {
	st := c.r.stream(l.event.id)
	if st == nil {
		return false
	}
	hi := st.upper(c.now - l.to)
	if hi < st.len() {
		c.limit(st.sec(hi) + l.to)
	}
	start := c.now - l.from
	if l.filter == nil {
		if i := hi - n; i >= 0 && st.sec(i) > start {
			c.limit(st.sec(i) + l.from)
			return true
		}
		return false
	}
	oldStream, oldRow := c.st, c.i
	c.st = st
	holds, found := l.filter.b, false
	for i := hi - 1; i >= 0 && st.sec(i) > start; i-- {
		if c.i = i; !holds(c) {
			continue
		}
		if n--; n == 0 {
			c.limit(st.sec(i) + l.from)
			found = true
			break
		}
	}
	c.st, c.i = oldStream, oldRow
	return found
}

// list compiles an argument that must be a list.
func (k *compiler) list(n ast.Node, name string) *list {
	e := k.node(n)
	if e.l == nil {
		k.fail(n, ErrType, "%s needs a list, not %s", name, e.what())
	}
	return e.l
}

// where keeps the elements for which the condition holds.
func (l *list) where(p *node) *list {
	f := *l
	f.key = "filter(" + l.over() + ", " + p.key + ")"
	if l.base != "" {
		f.base = f.key
		f.key = "map(" + f.base + ", " + l.sc.val.key + ")"
	}
	f.deps = deps{}
	f.deps.add(&l.deps)
	f.deps.add(&p.deps)
	f.deps.elem = l.deps.elem
	f.filter = p
	if l.filter != nil {
		x, y := l.filter.b, p.b
		f.filter = (&node{kind: Bool, key: "(" + l.filter.key + " and " + p.key + ")", b: func(c *scan) bool { return x(c) && y(c) }}).depend(l.filter, p)
	}
	each, holds := l.each, p.b
	f.each = func(c *scan, yield func() bool) {
		each(c, func() bool { return !holds(c) || yield() })
	}
	return &f
}

func (l *list) node() *node {
	e := &node{key: l.key, l: l, count: l}
	e.deps.add(&l.deps)
	return e
}

// derived compiles filter, map and uniq.
func (k *compiler) derived(n ast.Node, name string, args []ast.Node) *node {
	switch name {
	case "filter":
		k.want(n, name, args, 2, 2, "filter(list, condition)")
		l := k.list(args[0], name)
		p := k.condition(args[1], l)
		return l.where(p).node()
	case "map":
		k.want(n, name, args, 2, 2, "map(list, value)")
		l := k.list(args[0], name)
		v := k.predicate(args[1], l)
		if v.any() == nil || v.z || v.e {
			k.fail(args[1], ErrType, "map needs a value, not %s", v.what())
		}
		m := *l
		m.base = l.over()
		m.key = "map(" + m.base + ", " + v.key + ")"
		m.deps = deps{}
		m.deps.add(&l.deps)
		m.deps.add(&v.deps)
		m.deps.elem = l.deps.elem
		m.sc = &scope{val: v}
		return m.node()
	}
	k.want(n, name, args, 1, 1, "uniq(list of values)")
	l := k.list(args[0], name)
	v := k.value(args[0], l, name)
	u := *l
	u.key = "uniq(" + l.key + ")"
	u.event, u.filter, u.base = nil, nil, ""
	val := *l.sc.val
	val.key = "#" // of the list as it is now
	u.sc = &scope{val: &val}
	each := l.each
	u.each = func(c *scan, yield func() bool) {
		seen := make(map[any]bool)
		each(c, func() bool {
			x := v(c)
			if t, ok := x.(time.Time); ok {
				x = stampOf(t)
			}
			switch x.(type) {
			case bool, float64, string, stamp:
			default:
				return true
			}
			if seen[x] {
				return true
			}
			seen[x] = true
			return yield()
		})
	}
	return u.node()
}

// value reads the current element of a list of values.
func (k *compiler) value(n ast.Node, l *list, name string) func(*scan) any {
	if l.sc.val == nil || l.sc.val.any() == nil {
		k.fail(n, ErrType, "%s needs a list of values; map(list, value) makes one", name)
	}
	return l.sc.val.any()
}

// quantifier compiles any, all, none and one.
func (k *compiler) quantifier(n ast.Node, name string, args []ast.Node) *node {
	k.want(n, name, args, 2, 2, name+"(list, condition)")
	l := k.list(args[0], name)
	p := k.condition(args[1], l)
	e := &node{kind: Bool, key: name + "(" + l.over() + ", " + p.key + ")"}
	each, holds := l.each, p.b
	stop := name != "all" // the truth of the condition that decides
	switch name {
	case "one":
		e.b = func(c *scan) bool {
			n := 0
			each(c, func() bool {
				if holds(c) {
					n++
				}
				return n < 2
			})
			return n == 1
		}
	default:
		e.b = func(c *scan) bool {
			hit := false
			each(c, func() bool {
				hit = holds(c) == stop
				return !hit
			})
			return hit == (name == "any")
		}
	}
	e.deps.add(&l.deps)
	e.deps.add(&p.deps)
	e.deps.elem = l.deps.elem
	return e
}

// pick compiles the functions that return one element.
func (k *compiler) pick(n ast.Node, name string, args []ast.Node) *node {
	want := 1
	if name == "find" || name == "findLast" {
		want = 2
	}
	k.want(n, name, args, want, want, map[int]string{1: name + "(list)", 2: name + "(list, condition)"}[want])
	l := k.list(args[0], name)
	if want == 2 {
		l = l.where(k.condition(args[1], l))
		name = map[string]string{"find": "first", "findLast": "last"}[name]
	}
	e := &node{key: name + "(" + l.key + ")", e: true, sc: l.sc}
	e.deps.add(&l.deps)
	each := l.each
	if name == "last" {
		e.at = func(c *scan, read func()) bool {
			var last scan
			found := false
			each(c, func() bool {
				last.st, last.i, last.obj, last.str = c.st, c.i, c.obj, c.str
				found = true
				return true
			})
			if found {
				old := *c
				c.st, c.i, c.obj, c.str = last.st, last.i, last.obj, last.str
				read()
				c.st, c.i, c.obj, c.str = old.st, old.i, old.obj, old.str
			}
			return found
		}
	} else {
		e.at = func(c *scan, read func()) bool {
			found := false
			each(c, func() bool {
				read()
				found = true
				return false
			})
			return found
		}
	}
	if l.sc.val != nil && !l.sc.object {
		m := k.moved(e, l.sc.val)
		m.key = e.key
		return m
	}
	return e
}

// moved reads f where the element e is under the cursor.
func (k *compiler) moved(e, f *node) *node {
	m := &node{kind: f.kind, key: e.key}
	if len(f.key) > 1 {
		m.key += f.key[1:] // "#.total" of first(…) is first(…).total
	}
	m.deps.add(&e.deps)
	elem := e.deps.elem
	m.deps.add(&f.deps)
	m.deps.elem = elem
	at := e.at
	switch {
	case f.b != nil:
		has := f.has()
		m.b = func(c *scan) (out bool) { at(c, func() { out = f.b(c) }); return out }
		m.h = func(c *scan) (out bool) { at(c, func() { out = has(c) }); return out }
	case f.n != nil:
		m.n = func(c *scan) float64 {
			out := missing
			at(c, func() { out = f.n(c) })
			return out
		}
	case f.s != nil:
		m.s = func(c *scan) (out string, ok bool) { at(c, func() { out, ok = f.s(c) }); return out, ok }
	case f.t != nil:
		m.t = func(c *scan) (out stamp, ok bool) { at(c, func() { out, ok = f.t(c) }); return out, ok }
	case f.v != nil:
		m.v = func(c *scan) (out any) { at(c, func() { out = f.v(c) }); return out }
	}
	return m
}
