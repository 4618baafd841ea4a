package segment

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/expr-lang/expr/ast"

	"github.com/zhun-go/zhun/internal/ids"
)

// name compiles an attribute, the element # of a predicate, or a field of an
// element. A chain of names reads the flat name with dots.
func (k *compiler) name(n ast.Node) *node {
	root, path := k.chain(n)
	switch r := root.(type) {
	case *ast.IdentifierNode:
		if r.Value == "$env" {
			if len(path) == 0 {
				k.fail(n, ErrUnsupported, "$env stands only before a name, as in $env[\"first name\"]")
			}
			return k.attribute(n, strings.Join(path, "."))
		}
		return k.attribute(n, strings.Join(append([]string{r.Value}, path...), "."))
	case *ast.PointerNode:
		if r.Name != "" {
			k.fail(r, ErrUnsupported, "#%s is not part of rules", r.Name)
		}
		if len(k.scopes) == 0 {
			k.fail(r, ErrUnsupported, "# stands only inside a predicate")
		}
		return k.element(n, k.scopes[len(k.scopes)-1], path)
	}
	// A field of an element that a function picked: first(…).total.
	e := k.node(root)
	if !e.e {
		k.fail(n, ErrType, "%s has no fields", e.what())
	}
	f := k.element(n, e.sc, path)
	return k.moved(e, f)
}

// chain takes a chain of member accesses apart into its root and the names.
func (k *compiler) chain(n ast.Node) (root ast.Node, path []string) {
	for {
		k.nodes++
		switch m := n.(type) {
		case *ast.ChainNode:
			n = m.Node
		case *ast.MemberNode:
			if m.Method {
				k.fail(m, ErrUnsupported, "methods are not part of rules")
			}
			p, ok := m.Property.(*ast.StringNode)
			if !ok {
				k.fail(m, ErrUnsupported, "only names stand in brackets; a list is not indexed")
			}
			path = append(path, p.Value)
			n = m.Node
		default:
			slices.Reverse(path)
			return n, path
		}
	}
}

// attribute reads an attribute of the user.
func (k *compiler) attribute(n ast.Node, name string) *node {
	a := k.x.attrByName[name]
	if a == nil && k.x.opts.Dynamic {
		if !k.define {
			// Nothing of this name was ever seen or defined.
			e := &node{kind: Any, key: spelled(name), v: func(*scan) any { return nil }}
			return e
		}
		a = k.x.newAttribute(name, Any)
	}
	if a == nil {
		k.unknown(n, "attribute", name, k.x.attrNames())
	}
	e := &node{kind: a.kind, key: spelled(name), attr: a}
	e.deps.attr(a.id)
	id := a.id
	switch a.kind {
	case Bool:
		e.b = func(c *scan) bool { return c.r.number(id) == 1 }
		e.h = func(c *scan) bool { v := c.r.number(id); return v == v }
		e.shape = &shape{attr: a, op: "true", num: 1}
	case Number:
		e.n = func(c *scan) float64 { return c.r.number(id) }
	case String:
		e.s = func(c *scan) (string, bool) { s, ok := c.r.object(id).(string); return s, ok }
	case Time:
		e.t = func(c *scan) (stamp, bool) { t, ok := c.r.object(id).(time.Time); return stampOf(t), ok }
	default:
		e.v = func(c *scan) any { return c.r.object(id) }
	}
	if a.kind == Strings || a.kind == Objects || a.kind == Any {
		e.l = k.held(e, a.kind, nil)
	}
	return e
}

// element reads the element under the cursor, or a field of it.
func (k *compiler) element(n ast.Node, sc *scope, path []string) *node {
	name := strings.Join(path, ".")
	e := &node{key: "#"}
	switch {
	case name == "" && sc.val != nil:
		v := *sc.val
		return &v
	case name == "":
		e.e, e.sc = true, sc
	case sc.event != nil:
		e = k.rowField(n, sc.event, name)
	case sc.object:
		e = k.objectField(n, sc.schema, name)
	default:
		k.fail(n, ErrType, "%s has no field %q", sc.val.what(), name)
	}
	e.deps.elem = true
	return e
}

// rowField reads a field of a row of an event.
func (k *compiler) rowField(n ast.Node, ev *eventType, name string) *node {
	f, ok := ev.fields[name]
	if !ok {
		if !k.x.opts.Dynamic {
			k.unknown(n, "field of "+quote(ev.name), name, ev.names)
		}
		last := ev.objs - 1
		e := &node{kind: Any, key: dotted(name), v: func(c *scan) any {
			x, _ := c.st.objRow(c.i)[last].(extra)
			return x[name]
		}}
		e.l = k.held(e, Any, nil)
		return e
	}
	e := &node{kind: f.kind, key: dotted(name)}
	col := f.col
	switch f.kind {
	case Bool:
		e.b = func(c *scan) bool { return c.st.num(c.i, col) == 1 }
		e.h = func(c *scan) bool { v := c.st.num(c.i, col); return v == v }
	case Number:
		e.n = func(c *scan) float64 { return c.st.num(c.i, col) }
	case String:
		e.s = func(c *scan) (string, bool) { s, ok := c.st.objRow(c.i)[col].(string); return s, ok }
	case Time:
		e.t = func(c *scan) (stamp, bool) {
			t, ok := c.st.objRow(c.i)[col].(time.Time)
			return stampOf(t), ok
		}
	default:
		e.v = func(c *scan) any { return c.st.objRow(c.i)[col] }
		e.l = k.held(e, f.kind, f.schema)
	}
	return e
}

// objectField reads a field of an object.
func (k *compiler) objectField(n ast.Node, schema Schema, name string) *node {
	kind := Any
	if schema != nil {
		declared, ok := schema[name]
		if !ok {
			k.unknown(n, "field", name, schema.names())
		}
		kind = declared
	}
	e := &node{kind: kind, key: dotted(name)}
	switch kind {
	case Bool:
		e.b = func(c *scan) bool { b, _ := c.obj[name].(bool); return b }
		e.h = func(c *scan) bool { _, ok := c.obj[name].(bool); return ok }
	case Number:
		e.n = func(c *scan) float64 {
			if f, ok := c.obj[name].(float64); ok {
				return f
			}
			return missing
		}
	case String:
		e.s = func(c *scan) (string, bool) { s, ok := c.obj[name].(string); return s, ok }
	case Time:
		e.t = func(c *scan) (stamp, bool) { t, ok := c.obj[name].(time.Time); return stampOf(t), ok }
	default:
		e.v = func(c *scan) any { return c.obj[name] }
		e.l = k.held(e, kind, schema.below(name))
	}
	return e
}

// held is the list that a value of kind Strings, Objects or Any holds; a
// missing one is empty.
func (k *compiler) held(e *node, kind Kind, schema Schema) *list {
	l := &list{key: e.key, deps: e.deps}
	v := e.v
	element := &node{kind: String, key: "#", s: func(c *scan) (string, bool) { return c.str, true }}
	element.deps.elem = true
	switch kind {
	case Strings:
		l.sc = &scope{val: element}
		l.each = func(c *scan, yield func() bool) {
			list, _ := v(c).([]string)
			old := c.str
			for _, s := range list {
				if c.str = s; !yield() {
					break
				}
			}
			c.str = old
		}
	case Objects:
		l.sc = &scope{object: true, schema: schema}
		l.each = func(c *scan, yield func() bool) {
			list, _ := v(c).([]map[string]any)
			old := c.obj
			for _, m := range list {
				if c.obj = m; !yield() {
					break
				}
			}
			c.obj = old
		}
	default:
		// What the list holds shows when it is there: objects with fields, or
		// strings, which read as themselves.
		element.s = func(c *scan) (string, bool) { return c.str, c.obj == nil }
		l.sc = &scope{object: true, val: element}
		l.each = func(c *scan, yield func() bool) {
			oldStr, oldObj := c.str, c.obj
			switch list := v(c).(type) {
			case []string:
				c.obj = nil
				for _, s := range list {
					if c.str = s; !yield() {
						break
					}
				}
			case []map[string]any:
				for _, m := range list {
					if c.obj = m; !yield() {
						break
					}
				}
			}
			c.str, c.obj = oldStr, oldObj
		}
	}
	return l
}

// spelled writes an attribute's name as a rule may spell it.
func spelled(name string) string {
	if identifier(name) {
		return name
	}
	return "$env[" + quote(name) + "]"
}

// dotted writes a field's name as a rule may spell it.
func dotted(name string) string {
	if identifier(name) {
		return "#." + name
	}
	return "#[" + quote(name) + "]"
}

// identifier reports whether a name, or each part of one with dots, can stand
// in a rule as it is.
func identifier(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		switch part {
		case "", "nil", "true", "false", "not", "in", "and", "or", "let", "if", "else", "matches", "contains", "startsWith", "endsWith":
			return false
		}
		for i, r := range part {
			if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
				return false
			}
		}
	}
	return true
}

// unknown refuses a name, with the nearest one known.
func (k *compiler) unknown(n ast.Node, what, name string, known []string) {
	near := nearest(name, known)
	message := "unknown " + what + " " + quote(name)
	if near != "" {
		message += ", did you mean " + quote(near) + "?"
	} else if what == "attribute" {
		message += "; a text stands in quotes"
	}
	e := ruleError(k.rule, n.Location().From, ErrUnknown, "%s", message)
	e.Nearest = near
	panic(e)
}

// nearest returns the known name with the smallest edit distance, if that is
// at most a third of the name or 2; ties go to the smaller name.
func nearest(name string, known []string) string {
	best, at := "", max(2, len(name)/3)+1
	for _, n := range known {
		d := distance(strings.ToLower(name), strings.ToLower(n), at+1)
		if d < at || d == at && best != "" && ids.Compare(n, best) < 0 {
			best, at = n, d
		}
	}
	return best
}

// distance is the edit distance of two names with swaps of neighbours
// (optimal string alignment), or limit when it is not smaller.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return min(prev[len(b)], limit)
}
