package segment

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"github.com/zhun-go/zhun/internal/value"
)

// maxPattern is the longest pattern of "matches" in bytes.
const maxPattern = 1000

func quote(s string) string { return strconv.Quote(s) }

func (k *compiler) binary(n *ast.BinaryNode) *node {
	switch op := n.Operator; op {
	case "and", "&&", "or", "||":
		return k.logic(n, op == "and" || op == "&&")
	case "==", "!=":
		return k.equality(n)
	case "<", "<=", ">", ">=":
		return k.ordering(n, op, k.node(n.Left), k.node(n.Right))
	case "in":
		return k.membership(n)
	case "contains", "startsWith", "endsWith":
		return k.substring(n)
	case "matches":
		return k.matches(n)
	case "+", "-", "*", "/", "%", "**", "^":
		return k.arithmetic(n)
	case "??":
		a, b := k.node(n.Left), k.node(n.Right)
		has := a.has()
		if has == nil || a.e || a.m {
			k.fail(n.Left, ErrType, "?? cannot follow %s", a.what())
		}
		e := k.either(n, a, b, has)
		e.key = fmt.Sprintf("(%s ?? %s)", a.key, b.key)
		return e.depend(a, b)
	case "..":
		k.fail(n, ErrUnsupported, "a range stands only right of \"in\", between two integers")
	}
	k.fail(n, ErrUnsupported, "operator %s is not part of rules", n.Operator)
	return nil
}

func (k *compiler) logic(n *ast.BinaryNode, and bool) *node {
	a, b := k.node(n.Left), k.node(n.Right)
	x, y := a.truth(), b.truth()
	if x == nil {
		k.fail(n.Left, ErrType, "%s needs conditions, not %s", n.Operator, a.what())
	}
	if y == nil {
		k.fail(n.Right, ErrType, "%s needs conditions, not %s", n.Operator, b.what())
	}
	e := &node{kind: Bool}
	if and {
		e.key = "(" + a.key + " and " + b.key + ")"
		e.b = func(c *scan) bool { return x(c) && y(c) }
	} else {
		e.key = "(" + a.key + " or " + b.key + ")"
		e.b = func(c *scan) bool { return x(c) || y(c) }
	}
	return fold(e.depend(a, b), a, b)
}

// equality compiles == and !=, the second as the complement of the first.
func (k *compiler) equality(n *ast.BinaryNode) *node {
	a, b := k.node(n.Left), k.node(n.Right)
	if a.z || a.k != nil && !b.z {
		a, b = b, a
	}
	e := k.equal(n, a, b)
	if n.Operator == "!=" {
		eq := e.b
		e = fold((&node{kind: Bool, key: "not " + e.key, b: func(c *scan) bool { return !eq(c) }}).depend(e), a, b)
	}
	return e
}

func (k *compiler) equal(n ast.Node, a, b *node) *node {
	e := &node{kind: Bool, key: "(" + a.key + " == " + b.key + ")"}
	e.depend(a, b)
	if b.z {
		if a.z {
			return constant(true)
		}
		has := a.has()
		if a.e {
			has = func(c *scan) bool { return a.at != nil && a.at(c, func() {}) }
		}
		if has == nil {
			k.fail(n, ErrType, "%s is never nil", a.what())
		}
		e.b = func(c *scan) bool { return !has(c) }
		if a.attr != nil {
			e.shape = &shape{attr: a.attr, op: "nil"}
		}
		return fold(e, a)
	}
	switch {
	case a.number() != nil && b.number() != nil && (a.kind == Number || b.kind == Number):
		return k.ordering(n, "==", a, b)
	case a.text() != nil && b.text() != nil && (a.kind == String || b.kind == String):
		x, y := a.text(), b.text()
		e.b = func(c *scan) bool {
			s, ok := x(c)
			if !ok {
				return false
			}
			t, ok := y(c)
			return ok && s == t
		}
		if lit, ok := b.k.(string); ok {
			e.b = func(c *scan) bool { s, ok := x(c); return ok && s == lit }
			if a.attr != nil && a.kind == String {
				e.shape = &shape{attr: a.attr, op: "in", strs: []string{lit}}
			}
		}
	case a.instant() != nil && b.instant() != nil && (a.kind == Time || b.kind == Time):
		return k.ordering(n, "==", a, b)
	case a.truth() != nil && b.truth() != nil && (a.kind == Bool || b.kind == Bool):
		x, y, hx, hy := a.truth(), b.truth(), a.hasBool(), b.hasBool()
		e.b = func(c *scan) bool { return hx(c) && hy(c) && x(c) == y(c) }
		if a.k != nil {
			a, b = b, a
		}
		if lit, ok := b.k.(bool); ok && a.attr != nil && a.kind == Bool {
			e.shape = &shape{attr: a.attr, op: "true", num: float64(bit(lit))}
		}
	case a.kind == Any && b.kind == Any && a.v != nil && b.v != nil:
		x, y := a.v, b.v
		e.b = func(c *scan) bool {
			v := x(c)
			return v != nil && value.Compare(v, y(c)) == 0
		}
	default:
		k.mismatch(n, "==", a, b)
	}
	return fold(e, a, b)
}

// hasBool is has, for a value that must be a bool to count as there.
func (e *node) hasBool() func(*scan) bool {
	if e.kind != Any {
		return e.has()
	}
	v := e.v
	return func(c *scan) bool { _, ok := v(c).(bool); return ok }
}

func (k *compiler) mismatch(n ast.Node, op string, a, b *node) {
	k.fail(n, ErrType, "%s cannot compare %s with %s", op, a.what(), b.what())
}

// mirror is the operator that says the same with its operands swapped.
func mirror(op string) string {
	switch op {
	case "<":
		return ">"
	case "<=":
		return ">="
	case ">":
		return "<"
	case ">=":
		return "<="
	}
	return op
}

// ordering compiles <, <=, >, >= and the == of numbers and times.
func (k *compiler) ordering(n ast.Node, op string, a, b *node) *node {
	if a.k != nil && b.k == nil {
		a, b, op = b, a, mirror(op)
	}
	e := &node{kind: Bool, key: "(" + a.key + " " + op + " " + b.key + ")"}
	e.depend(a, b)
	switch {
	case a.number() != nil && b.number() != nil && (a.kind == Number || b.kind == Number || op != "=="):
		if a.kind == Any && b.kind == Any {
			return k.orderAny(e, op, a, b)
		}
		x, y := a.number(), b.number()
		if lit, ok := b.k.(float64); ok {
			e.b = compareConst(op, x, lit)
			if a.attr != nil && a.kind == Number {
				e.shape = &shape{attr: a.attr, op: op, num: lit}
			}
			break
		}
		switch op {
		case "<":
			e.b = func(c *scan) bool { return x(c) < y(c) }
		case "<=":
			e.b = func(c *scan) bool { return x(c) <= y(c) }
		case ">":
			e.b = func(c *scan) bool { return x(c) > y(c) }
		case ">=":
			e.b = func(c *scan) bool { return x(c) >= y(c) }
		default:
			e.b = func(c *scan) bool { return x(c) == y(c) }
		}
	case a.text() != nil && b.text() != nil && (a.kind == String || b.kind == String):
		x, y, holds := a.text(), b.text(), ordered(op)
		e.b = func(c *scan) bool {
			s, ok := x(c)
			if !ok {
				return false
			}
			t, ok := y(c)
			return ok && holds(strings.Compare(s, t))
		}
	case a.instant() != nil && b.instant() != nil && (a.kind == Time || b.kind == Time):
		return k.orderTimes(e, op, a, b)
	default:
		k.mismatch(n, op, a, b)
	}
	return fold(e, a, b)
}

// compareConst is the comparison that rules are mostly made of. A missing
// number is NaN, for which every comparison is false.
func compareConst(op string, x func(*scan) float64, lit float64) func(*scan) bool {
	switch op {
	case "<":
		return func(c *scan) bool { return x(c) < lit }
	case "<=":
		return func(c *scan) bool { return x(c) <= lit }
	case ">":
		return func(c *scan) bool { return x(c) > lit }
	case ">=":
		return func(c *scan) bool { return x(c) >= lit }
	}
	return func(c *scan) bool { return x(c) == lit }
}

// ordered turns the sign of a comparison into the truth of an operator.
func ordered(op string) func(int) bool {
	switch op {
	case "<":
		return func(c int) bool { return c < 0 }
	case "<=":
		return func(c int) bool { return c <= 0 }
	case ">":
		return func(c int) bool { return c > 0 }
	case ">=":
		return func(c int) bool { return c >= 0 }
	}
	return func(c int) bool { return c == 0 }
}

// orderAny compares two values of unknown kind: numbers with numbers, text
// with text, instants with instants; anything else is false.
func (k *compiler) orderAny(e *node, op string, a, b *node) *node {
	x, y, holds := a.v, b.v, ordered(op)
	e.b = func(c *scan) bool {
		v, w := x(c), y(c)
		var same bool
		switch v.(type) {
		case float64:
			_, same = w.(float64)
		case string:
			_, same = w.(string)
		case time.Time:
			_, same = w.(time.Time)
		}
		return same && holds(value.Compare(v, w))
	}
	return e
}

// orderTimes compares two instants. When one of them moves with the clock,
// the comparison says when it will change.
func (k *compiler) orderTimes(e *node, op string, a, b *node) *node {
	if a.m && !b.m {
		a, b, op = b, a, mirror(op)
		e.key = "(" + a.key + " " + op + " " + b.key + ")"
	}
	x, y, holds, moves := a.instant(), b.instant(), ordered(op), b.m && !a.m
	e.b = func(c *scan) bool {
		s, ok := x(c)
		if !ok {
			return false
		}
		t, ok := y(c)
		if !ok {
			return false
		}
		sign := s.compare(t)
		if moves {
			switch {
			case sign == 0:
				c.limit(c.now + 1)
			case sign > 0:
				// t reaches s after whole seconds, rounded up.
				steps := s.sec - t.sec
				if s.ns > t.ns {
					steps++
				}
				c.limit(c.now + max(steps, 1))
			}
		}
		return holds(sign)
	}
	e.deps.clock = e.deps.clock || moves
	if moves && a.attr != nil && a.kind == Time && op != "==" {
		e.date = &dateRule{attr: a.attr, op: op, shift: b.d}
	}
	switch {
	case a.attr != nil && a.kind == Time && b.everyones():
		e.moment = &moment{attr: a.attr, op: op, at: y}
	case b.attr != nil && b.kind == Time && a.everyones():
		e.moment = &moment{attr: b.attr, op: mirror(op), at: x}
	}
	return e
}

func (k *compiler) substring(n *ast.BinaryNode) *node {
	a, b := k.node(n.Left), k.node(n.Right)
	x, y := a.text(), b.text()
	if x == nil || y == nil {
		k.fail(n, ErrType, "%s needs two strings, not %s and %s", n.Operator, a.what(), b.what())
	}
	test := strings.Contains
	switch n.Operator {
	case "startsWith":
		test = strings.HasPrefix
	case "endsWith":
		test = strings.HasSuffix
	}
	e := &node{kind: Bool, key: "(" + a.key + " " + n.Operator + " " + b.key + ")"}
	e.b = func(c *scan) bool {
		s, ok := x(c)
		if !ok {
			return false
		}
		t, ok := y(c)
		return ok && test(s, t)
	}
	return fold(e.depend(a, b), a, b)
}

func (k *compiler) matches(n *ast.BinaryNode) *node {
	a, b := k.node(n.Left), k.node(n.Right)
	pattern, ok := b.k.(string)
	if !ok {
		k.fail(n.Right, ErrUnsupported, "a pattern is a constant string")
	}
	if len(pattern) > maxPattern {
		k.fail(n.Right, ErrLimit, "pattern of %d bytes, the limit is %d", len(pattern), maxPattern)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		k.fail(n.Right, ErrSyntax, "bad pattern: %s", err)
	}
	x := a.text()
	if x == nil {
		k.fail(n.Left, ErrType, "matches needs a string, not %s", a.what())
	}
	e := &node{kind: Bool, key: "(" + a.key + " matches " + b.key + ")"}
	e.b = func(c *scan) bool {
		s, ok := x(c)
		return ok && re.MatchString(s)
	}
	return fold(e.depend(a), a, b)
}

// finite makes what is no number missing: a division by zero, an overflow.
func finite(f float64) float64 {
	if f-f != 0 {
		return missing
	}
	return f + 0
}

func (k *compiler) arithmetic(n *ast.BinaryNode) *node {
	a, b := k.node(n.Left), k.node(n.Right)
	if n.Operator == "+" && a.kind == String && b.kind == String && a.s != nil && b.s != nil {
		x, y := a.s, b.s
		e := &node{kind: String, key: "(" + a.key + " + " + b.key + ")", s: func(c *scan) (string, bool) {
			s, ok := x(c)
			if !ok {
				return "", false
			}
			t, ok := y(c)
			return s + t, ok
		}}
		return fold(e.depend(a, b), a, b)
	}
	x, y := a.number(), b.number()
	if x == nil || y == nil {
		k.fail(n, ErrType, "%s needs two numbers, not %s and %s", n.Operator, a.what(), b.what())
	}
	op := n.Operator
	if op == "^" {
		op = "**"
	}
	e := &node{kind: Number, key: "(" + a.key + " " + op + " " + b.key + ")"}
	switch op {
	case "+":
		e.n = func(c *scan) float64 { return finite(x(c) + y(c)) }
	case "-":
		e.n = func(c *scan) float64 { return finite(x(c) - y(c)) }
	case "*":
		e.n = func(c *scan) float64 { return finite(x(c) * y(c)) }
	case "/":
		e.n = func(c *scan) float64 { return finite(x(c) / y(c)) }
	case "**":
		e.n = func(c *scan) float64 {
			base, exp := x(c), y(c)
			if base != base || exp != exp {
				return missing
			}
			return finite(math.Pow(base, exp))
		}
	default:
		e.n = func(c *scan) float64 {
			p, q := x(c), y(c)
			if p != math.Trunc(p) || q != math.Trunc(q) {
				return missing
			}
			return finite(math.Mod(p, q))
		}
	}
	return fold(e.depend(a, b), a, b)
}
