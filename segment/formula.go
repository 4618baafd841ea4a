package segment

import (
	"math"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// formula is the boolean skeleton of a rule: and, or and not over predicates
// and references to other audiences.
type formula struct {
	op   formulaOp
	kids []*formula
	pred *predicate // opLeaf
	ref  string     // opRef: the name of an audience
	to   *audience  // opRef: resolved when the formula is put to use
	sum  *weights   // opScore
	from int        // character offset in the rule
	size int        // nodes, shared ones counted as often as they are reached
}

type formulaOp uint8

const (
	opTrue formulaOp = iota
	opFalse
	opLeaf
	opRef
	opNot
	opAnd
	opOr
	opScore // the sum of the points of the parts that hold, compared
)

func always(b bool) *formula {
	if b {
		return &formula{op: opTrue}
	}
	return &formula{op: opFalse}
}

func not(f *formula) *formula {
	switch f.op {
	case opTrue:
		return always(false)
	case opFalse:
		return always(true)
	case opNot:
		return f.kids[0]
	}
	return &formula{op: opNot, kids: []*formula{f}, from: f.from, size: f.size + 1}
}

// join is and, or or over its parts; constants fall away, nested joins of the
// same kind become one.
func join(op formulaOp, parts ...*formula) *formula {
	absorbing, neutral := opFalse, opTrue
	if op == opOr {
		absorbing, neutral = opTrue, opFalse
	}
	out := &formula{op: op}
	for _, p := range parts {
		switch p.op {
		case absorbing:
			return p
		case neutral:
		case op:
			out.kids = append(out.kids, p.kids...)
		default:
			out.kids = append(out.kids, p)
		}
	}
	switch len(out.kids) {
	case 0:
		return &formula{op: neutral}
	case 1:
		return out.kids[0]
	}
	out.from = out.kids[0].from
	for _, kid := range out.kids {
		out.size += kid.size + 1
	}
	return out
}

// formula compiles a condition at the root of a rule.
func (k *compiler) formula(n ast.Node) *formula {
	if k.x.opts.PerUser {
		return k.formulaOrPerUser(n)
	}
	return k.indexed(n)
}

// indexed compiles a condition that the index keeps by itself.
func (k *compiler) indexed(n ast.Node) *formula {
	k.enter(n)
	defer func() { k.depth-- }()
	switch n := n.(type) {
	case *ast.BoolNode:
		return always(n.Value)
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return not(k.formula(n.Node))
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			return join(opAnd, k.formula(n.Left), k.formula(n.Right))
		case "or", "||":
			return join(opOr, k.formula(n.Left), k.formula(n.Right))
		case "!=":
			eq := *n
			eq.Operator = "=="
			return not(k.formula(&eq))
		case "==", "<", "<=", ">", ">=":
			if f := k.counts(n); f != nil {
				return f
			}
			if f := k.scored(n); f != nil {
				return f
			}
		}
	case *ast.ConditionalNode:
		c, a, b := k.formula(n.Cond), k.formula(n.Exp1), k.formula(n.Exp2)
		// The condition stands twice, and a chain of such choices doubles it
		// again and again.
		if c.size+a.size+b.size > 8*k.x.opts.MaxNodes {
			k.fail(n, ErrLimit, "compiles to too many nodes")
		}
		return join(opOr, join(opAnd, c, a), join(opAnd, not(c), b))
	case *ast.BuiltinNode:
		if f := k.quantified(n); f != nil {
			return f
		}
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok && id.Value == "segment" {
			k.want(n, "segment", n.Arguments, 1, 1, `segment("name")`)
			return &formula{op: opRef, ref: k.stringConstant(n.Arguments[0], "the name of an audience"), from: n.Arguments[0].Location().From}
		}
	}
	e := k.node(n)
	b := e.truth()
	if b == nil {
		k.fail(n, ErrType, "a rule is a condition, true or false, not %s", e.what())
	}
	if v, ok := e.k.(bool); ok {
		return always(v)
	}
	return &formula{op: opLeaf, from: n.Location().From, pred: &predicate{
		key: bare(e.key), eval: b, deps: e.deps, shape: e.shape, date: e.date, moment: e.moment,
	}}
}

// bare drops the parentheses around a whole expression.
func bare(key string) string {
	if !strings.HasPrefix(key, "(") {
		return key
	}
	depth, quoted := 0, false
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case quoted:
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 && i < len(key)-1 {
				return key
			}
		}
	}
	return key[1 : len(key)-1]
}

// counts turns the comparison of the length of a window of events with a
// constant into "at least n" predicates, which share their matcher; nil when
// the comparison is another one.
func (k *compiler) counts(n *ast.BinaryNode) *formula {
	nodes := k.nodes
	a, b := k.node(n.Left), k.node(n.Right)
	k.nodes = nodes
	op := n.Operator
	if a.k != nil {
		a, b, op = b, a, mirror(op)
	}
	c, ok := b.k.(float64)
	if !ok || a.kind != Number || a.count == nil || a.count.event == nil {
		return nil
	}
	least := func(v float64) *formula { return k.atLeast(a.count, v, n.Location().From) }
	switch op {
	case ">=":
		return least(math.Ceil(c))
	case ">":
		return least(math.Floor(c) + 1)
	case "<":
		return not(least(math.Ceil(c)))
	case "<=":
		return not(least(math.Floor(c) + 1))
	}
	if c != math.Trunc(c) {
		return always(false)
	}
	return join(opAnd, least(c), not(least(c+1)))
}

// quantified turns any, all, none and one over a window of events into counts.
func (k *compiler) quantified(n *ast.BuiltinNode) *formula {
	switch n.Name {
	case "any", "all", "none", "one":
	default:
		return nil
	}
	if len(n.Arguments) != 2 {
		return nil
	}
	nodes := k.nodes
	defer func() { k.nodes = nodes }()
	l := k.list(n.Arguments[0], n.Name)
	if l.event == nil || l.sc.event == nil {
		return nil
	}
	p := k.condition(n.Arguments[1], l)
	if n.Name == "all" {
		holds := p.b
		p = (&node{kind: Bool, key: "not " + p.key, b: func(c *scan) bool { return !holds(c) }}).depend(p)
	}
	least := k.atLeast(l.where(p), 1, n.Location().From)
	switch n.Name {
	case "any":
		return least
	case "one":
		return join(opAnd, least, not(k.atLeast(l.where(p), 2, n.Location().From)))
	}
	return not(least)
}

// atLeast is the predicate that a window holds at least n events.
func (k *compiler) atLeast(l *list, v float64, from int) *formula {
	switch {
	case v <= 0:
		return always(true)
	case v > math.MaxInt32:
		return always(false)
	}
	n := int(v)
	base := "events(" + quote(l.event.name) + ", " + quote(formatWindow(l.from))
	if l.to > 0 {
		base += ", " + quote(formatWindow(l.to))
	}
	key := "len(" + base + "))"
	filter := ""
	if l.filter != nil {
		filter = l.filter.key
		key = "count(" + base + "), " + bare(filter) + ")"
	}
	p := &predicate{key: key + " >= " + itoa(int64(n)), count: l, least: n, filter: filter}
	p.eval = func(c *scan) bool { return l.atLeast(c, n) }
	p.deps.add(&l.deps)
	if l.filter != nil {
		p.deps.add(&l.filter.deps)
	}
	p.deps.elem = false
	return &formula{op: opLeaf, pred: p, from: from}
}

// eval computes the formula for one user from the values themselves.
func (f *formula) eval(c *scan) bool {
	switch f.op {
	case opTrue:
		return true
	case opLeaf:
		return f.pred.eval(c)
	case opRef:
		if c.deep {
			return f.to.formula.eval(c)
		}
		return c.r.in(f.to.id)
	case opNot:
		return !f.kids[0].eval(c)
	case opScore:
		sum := 0.0
		for i, kid := range f.kids {
			if kid.eval(c) {
				sum += f.sum.points[i]
			}
		}
		return f.sum.holds(sum)
	case opAnd:
		for _, kid := range f.kids {
			if !kid.eval(c) {
				return false
			}
		}
		return true
	case opOr:
		for _, kid := range f.kids {
			if kid.eval(c) {
				return true
			}
		}
	}
	return false
}

// walk calls f for the formula and everything below it.
func (f *formula) walk(visit func(*formula)) {
	visit(f)
	for _, kid := range f.kids {
		kid.walk(visit)
	}
}

// text writes the formula as a rule.
func (f *formula) text() string {
	switch f.op {
	case opTrue:
		return "true"
	case opLeaf:
		return f.pred.key
	case opRef:
		return "segment(" + quote(f.ref) + ")"
	case opNot:
		return "not (" + f.kids[0].text() + ")"
	case opScore:
		parts := make([]string, len(f.kids))
		for i, kid := range f.kids {
			parts[i] = constant(f.sum.points[i]).key + ", " + kid.text()
		}
		return "score(" + strings.Join(parts, ", ") + ") " + f.sum.op + " " + constant(f.sum.limit).key
	case opAnd, opOr:
		word := " and "
		if f.op == opOr {
			word = " or "
		}
		parts := make([]string, len(f.kids))
		for i, kid := range f.kids {
			parts[i] = kid.text()
			if kid.op == opAnd || kid.op == opOr {
				parts[i] = "(" + parts[i] + ")"
			}
		}
		return strings.Join(parts, word)
	}
	return "false"
}
