package segment

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/zhun-go/zhun/internal/value"
)

// compiler turns expr's parsed tree into nodes and formulas. It reads the
// names the index knows; with define it may number new ones, which only
// Options.Dynamic has.
type compiler struct {
	x      *Index
	rule   string
	define bool
	depth  int
	nodes  int
	scopes []*scope
}

// parse checks the size of a rule and parses it with expr's parser.
func parse(rule string, opts *Options) (ast.Node, error) {
	if len(rule) > opts.MaxRule {
		return nil, ruleError("", 0, ErrLimit, "rule of %d bytes, the limit is %d", len(rule), opts.MaxRule)
	}
	config := conf.CreateNew()
	config.MaxNodes = uint(opts.MaxNodes)
	for _, name := range []string{"now", "date", "duration", "timezone", "get"} {
		config.Disabled[name] = true
	}
	tree, err := parser.ParseWithConfig(rule, config)
	if err != nil {
		sentinel := ErrSyntax
		if strings.Contains(err.Error(), "exceeds maximum allowed nodes") {
			sentinel = ErrLimit
		}
		var e *file.Error
		if errors.As(err, &e) {
			return nil, ruleError(rule, e.From, sentinel, "%s", clearer(rule, e.Message))
		}
		return nil, ruleError(rule, 0, sentinel, "%s", err)
	}
	return tree.Node, nil
}

// clearer says what the parser means by a message about a token.
func clearer(rule, message string) string {
	switch {
	case strings.TrimSpace(rule) == "":
		return "the rule is empty"
	case message == "unexpected token EOF":
		return "the rule ends too early"
	case message == `unexpected token Operator("=")`:
		return `unexpected "=", which compares as "=="`
	}
	return message
}

// compile parses and compiles a whole rule. With define the rule is to be
// kept, and names new to a dynamic index are numbered.
func (x *Index) compile(rule string, define bool) (f *formula, err error) {
	tree, err := parse(rule, &x.opts)
	if err != nil {
		return nil, err
	}
	k := &compiler{x: x, rule: rule, define: define}
	defer func() {
		// The compiler descends deeply; it leaves by panicking with the one
		// type that is its own.
		if r := recover(); r != nil {
			e, ok := r.(*RuleError)
			if !ok {
				panic(r)
			}
			f, err = nil, e
		}
	}()
	return k.formula(tree), nil
}

// fail ends the compilation with the caret under n.
func (k *compiler) fail(n ast.Node, err error, format string, args ...any) {
	panic(ruleError(k.rule, n.Location().From, err, format, args...))
}

// enter counts a node and its depth.
func (k *compiler) enter(n ast.Node) {
	k.nodes++
	if k.depth++; k.depth > k.x.opts.MaxDepth {
		k.fail(n, ErrLimit, "nested more than %d deep", k.x.opts.MaxDepth)
	}
	if k.nodes > 16*k.x.opts.MaxNodes {
		k.fail(n, ErrLimit, "compiles to too many nodes")
	}
}

// node compiles an expression.
func (k *compiler) node(n ast.Node) *node {
	k.enter(n)
	defer func() { k.depth-- }()
	e := k.expression(n)
	e.from = n.Location().From
	return e
}

func (k *compiler) expression(n ast.Node) *node {
	switch n := n.(type) {
	case *ast.NilNode:
		return &node{key: "nil", z: true}
	case *ast.BoolNode:
		return constant(n.Value)
	case *ast.IntegerNode:
		if v := int64(n.Value); v > value.MaxInt || v < -value.MaxInt {
			k.fail(n, ErrLimit, "integer %d is beyond ±2^53", n.Value)
		}
		return constant(float64(n.Value))
	case *ast.FloatNode:
		return constant(n.Value + 0)
	case *ast.StringNode:
		return constant(n.Value)
	case *ast.IdentifierNode, *ast.PointerNode, *ast.MemberNode, *ast.ChainNode:
		return k.name(n)
	case *ast.UnaryNode:
		return k.unary(n)
	case *ast.BinaryNode:
		return k.binary(n)
	case *ast.ConditionalNode:
		return k.conditional(n)
	case *ast.ArrayNode:
		return k.array(n)
	case *ast.BuiltinNode:
		return k.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok {
			return k.call(n, id.Value, n.Arguments)
		}
		k.fail(n, ErrUnsupported, "calls of methods are not part of rules")
	case *ast.SliceNode:
		k.fail(n, ErrUnsupported, "slices are not part of rules")
	case *ast.VariableDeclaratorNode:
		k.fail(n, ErrUnsupported, "variables are not part of rules")
	case *ast.SequenceNode:
		k.fail(n, ErrUnsupported, "a rule is one expression; sequences with ; are not part of rules")
	case *ast.MapNode:
		k.fail(n, ErrUnsupported, "maps are not part of rules")
	case *ast.BytesNode:
		k.fail(n, ErrUnsupported, "bytes are not part of rules")
	case *ast.PredicateNode:
		k.fail(n, ErrUnsupported, "a predicate stands only as the second argument of count, any, all, …")
	}
	k.fail(n, ErrUnsupported, "%s is not part of rules", n)
	return nil
}

// constant is a literal.
func constant(v any) *node {
	e := &node{k: v}
	switch v := v.(type) {
	case bool:
		e.kind, e.key = Bool, strconv.FormatBool(v)
		e.b = func(*scan) bool { return v }
	case float64:
		e.kind, e.key = Number, strconv.FormatFloat(v, 'g', -1, 64)
		e.n = func(*scan) float64 { return v }
	case string:
		e.kind, e.key = String, strconv.Quote(v)
		e.s = func(*scan) (string, bool) { return v, true }
	}
	return e
}

// fold turns an expression over constants into a constant, or into one that
// is always missing.
func fold(e *node, operands ...*node) *node {
	for _, o := range operands {
		if o.k == nil {
			return e
		}
	}
	switch v := e.any()(&scan{r: &row{}}).(type) {
	case bool, float64, string:
		c := constant(v)
		c.attr, c.shape = nil, nil
		return c
	}
	return e
}

// depend merges what the operands depend on into e.
func (e *node) depend(operands ...*node) *node {
	for _, o := range operands {
		e.deps.add(&o.deps)
	}
	return e
}

func (k *compiler) unary(n *ast.UnaryNode) *node {
	switch n.Operator {
	case "not", "!":
		a := k.node(n.Node)
		b := a.truth()
		if b == nil {
			k.fail(n.Node, ErrType, "not needs a condition, not %s", a.what())
		}
		e := &node{kind: Bool, key: "not " + a.key, b: func(c *scan) bool { return !b(c) }}
		return fold(e.depend(a), a)
	case "-", "+":
		a := k.node(n.Node)
		num := a.number()
		if num == nil {
			k.fail(n.Node, ErrType, "%s needs a number, not %s", n.Operator, a.what())
		}
		if n.Operator == "+" {
			e := *a
			e.kind, e.n, e.v = Number, num, nil
			return &e
		}
		e := &node{kind: Number, key: "-" + a.key, n: func(c *scan) float64 { return -num(c) + 0 }}
		return fold(e.depend(a), a)
	}
	k.fail(n, ErrUnsupported, "operator %s is not part of rules", n.Operator)
	return nil
}

// conditional is a ? b : c. Both branches are of one kind.
func (k *compiler) conditional(n *ast.ConditionalNode) *node {
	cond, a, b := k.node(n.Cond), k.node(n.Exp1), k.node(n.Exp2)
	test := cond.truth()
	if test == nil {
		k.fail(n.Cond, ErrType, "a choice needs a condition, not %s", cond.what())
	}
	e := k.either(n, a, b, func(c *scan) bool { return test(c) })
	e.key = fmt.Sprintf("(%s ? %s : %s)", cond.key, a.key, b.key)
	return e.depend(cond, a, b)
}

// either reads a where test holds, else b.
func (k *compiler) either(n ast.Node, a, b *node, test func(*scan) bool) *node {
	switch {
	case a.truth() != nil && b.truth() != nil && a.kind == Bool && b.kind == Bool:
		x, y, hx, hy := a.b, b.b, a.has(), b.has()
		return &node{
			kind: Bool,
			b: func(c *scan) bool {
				if test(c) {
					return x(c)
				}
				return y(c)
			},
			h: func(c *scan) bool {
				if test(c) {
					return hx(c)
				}
				return hy(c)
			},
		}
	case a.number() != nil && b.number() != nil && a.kind == b.kind:
		x, y := a.number(), b.number()
		return &node{kind: Number, n: func(c *scan) float64 {
			if test(c) {
				return x(c)
			}
			return y(c)
		}}
	case a.kind == String && b.kind == String && a.s != nil && b.s != nil:
		x, y := a.s, b.s
		return &node{kind: String, s: func(c *scan) (string, bool) {
			if test(c) {
				return x(c)
			}
			return y(c)
		}}
	case a.kind == Any && a.v != nil && b.any() != nil, b.kind == Any && b.v != nil && a.any() != nil:
		x, y := a.any(), b.any()
		if a.m || b.m {
			break
		}
		return &node{kind: Any, v: func(c *scan) any {
			if test(c) {
				return x(c)
			}
			return y(c)
		}}
	}
	k.fail(n, ErrType, "%s and %s cannot stand for each other", a.what(), b.what())
	return nil
}

// array is a list of constants, right of "in".
func (k *compiler) array(n *ast.ArrayNode) *node {
	e := &node{c: make([]*node, 0, len(n.Nodes))}
	var keys []string
	for _, el := range n.Nodes {
		a := k.node(el)
		if a.k == nil {
			k.fail(el, ErrUnsupported, "an array holds constants only")
		}
		e.c = append(e.c, a)
		keys = append(keys, a.key)
	}
	e.key = "[" + strings.Join(keys, ", ") + "]"
	return e
}
