package segment

import (
	"errors"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// formulaOrPerUser compiles a condition, and hands it to expr's own machine
// when it holds a construct that rules do not have.
func (k *compiler) formulaOrPerUser(n ast.Node) (f *formula) {
	depth, nodes, scopes := k.depth, k.nodes, len(k.scopes)
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		e, ok := r.(*RuleError)
		if !ok || !errors.Is(e, ErrUnsupported) {
			panic(r)
		}
		k.depth, k.nodes, k.scopes = depth, nodes, k.scopes[:scopes]
		f = k.perUser(n, e)
	}()
	return k.indexed(n)
}

// machine is a condition that expr's machine evaluates.
type machine struct {
	k     *compiler
	why   *RuleError
	own   map[*ast.IdentifierNode]bool // names that are no attributes
	let   map[string]bool              // names of variables
	attrs map[uint32]bool
	lists map[string]*list // by the arguments of events
	deps  deps
}

// perUser compiles a condition for expr's machine, or fails for the reason it
// could not be compiled otherwise.
func (k *compiler) perUser(n ast.Node, why *RuleError) *formula {
	m := &machine{
		k: k, why: why, own: make(map[*ast.IdentifierNode]bool), let: make(map[string]bool),
		attrs: make(map[uint32]bool), lists: make(map[string]*list),
	}
	ast.Walk(&n, visitor(m.calls))
	ast.Walk(&n, visitor(m.names))
	text := n.String()
	options := []expr.Option{
		expr.Env(map[string]any{"events": func(...string) []any { return nil }}),
		expr.AllowUndefinedVariables(), expr.AsBool(), expr.MaxNodes(uint(k.x.opts.MaxNodes)),
	}
	for _, name := range []string{"now", "date", "duration", "timezone", "get"} {
		options = append(options, expr.DisableBuiltin(name))
	}
	program, err := expr.Compile(text, options...)
	if err != nil {
		panic(why)
	}
	p := &predicate{key: text, machine: true, deps: m.deps}
	p.eval = func(c *scan) bool {
		out, err := expr.Run(program, m.env(c))
		holds, _ := out.(bool)
		return err == nil && holds
	}
	return &formula{op: opLeaf, from: n.Location().From, pred: p}
}

type visitor func(ast.Node)

// Visit calls the function.
func (v visitor) Visit(n *ast.Node) { v(*n) }

// calls finds the windows of events. Other functions of rules have a meaning
// that only rules know.
func (m *machine) calls(n ast.Node) {
	switch n := n.(type) {
	case *ast.VariableDeclaratorNode:
		m.let[n.Name] = true
	case *ast.CallNode:
		id, ok := n.Callee.(*ast.IdentifierNode)
		if !ok || id.Value != "events" {
			panic(m.why)
		}
		m.own[id] = true
		l := m.k.events(n, n.Arguments).l
		if l.event == nil {
			return // of a dynamic index that never saw one
		}
		var args []string
		for _, a := range n.Arguments {
			args = append(args, m.k.stringConstant(a, "an argument"))
		}
		m.lists[strings.Join(args, "\x00")] = l
		m.deps.add(&l.deps)
	}
}

// names finds the attributes. A name is the root of all flat names that begin
// with it.
func (m *machine) names(n ast.Node) {
	id, ok := n.(*ast.IdentifierNode)
	if !ok || m.own[id] || m.let[id.Value] {
		return
	}
	if id.Value == "$env" {
		panic(m.why)
	}
	found := false
	for _, a := range m.k.x.attrs {
		if a.name == id.Value || strings.HasPrefix(a.name, id.Value+".") {
			found = true
			m.attrs[a.id] = true
			m.deps.attr(a.id)
		}
	}
	switch {
	case found:
	case !m.k.x.opts.Dynamic:
		m.k.unknown(id, "attribute", id.Value, m.k.x.attrNames())
	case m.k.define:
		a := m.k.x.newAttribute(id.Value, Any)
		m.attrs[a.id] = true
		m.deps.attr(a.id)
	}
}

// env is what the machine sees of a user.
func (m *machine) env(c *scan) map[string]any {
	env := map[string]any{"events": func(args ...string) []any { return m.rows(c, args) }}
	for id := range m.attrs {
		a := c.x.attrs[id]
		v := c.r.object(id)
		if a.kind.numeric() {
			v = a.kind.outside(c.r.number(id))
		}
		nest(env, a.name, v)
	}
	return env
}

// rows are the rows of a window as maps.
func (m *machine) rows(c *scan, args []string) []any {
	l := m.lists[strings.Join(args, "\x00")]
	if l == nil {
		return nil
	}
	var rows []any
	l.each(c, func() bool {
		row := make(map[string]any, len(l.event.names))
		obj := c.st.objRow(c.i)
		for _, name := range l.event.names {
			if f := l.event.fields[name]; f.kind.numeric() {
				nest(row, name, f.kind.outside(c.st.num(c.i, f.col)))
			} else {
				nest(row, name, obj[f.col])
			}
		}
		if c.x.opts.Dynamic {
			more, _ := obj[len(obj)-1].(extra)
			names := make([]string, 0, len(more))
			for name := range more {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				nest(row, name, more[name])
			}
		}
		rows = append(rows, row)
		return true
	})
	return rows
}

// nest puts a value under a name with dots. Of two names that exclude each
// other, such as a and a.b, the map stays.
func nest(m map[string]any, name string, v any) {
	for {
		root, rest, deeper := strings.Cut(name, ".")
		if !deeper {
			if _, ok := m[name].(map[string]any); !ok {
				m[name] = v
			}
			return
		}
		below, ok := m[root].(map[string]any)
		if !ok {
			below = make(map[string]any)
			m[root] = below
		}
		m, name = below, rest
	}
}
