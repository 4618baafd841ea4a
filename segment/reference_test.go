package segment

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/zhun-go/zhun/internal/value"
)

// reference is the meaning of rules, spelled out: it keeps every call, and to
// answer it reads expr's tree over the whole log. Slow and obvious.
type reference struct {
	schema Schema
	events map[string]Schema
	retain time.Duration
	zone   *time.Location
	calls  []call
	rules  map[string]string
	now    time.Time
}

// call is one Update (no event) or Observe.
type call struct {
	user   uint32
	event  string
	fields map[string]any
	at     time.Time
}

func (f *reference) erase(user uint32) {
	f.calls = slices.DeleteFunc(f.calls, func(c call) bool { return c.user == user })
}

func (f *reference) rename(from, to uint32) {
	for i := range f.calls {
		if f.calls[i].user == from {
			f.calls[i].user = to
		}
	}
}

func (f *reference) users() []uint32 {
	var users []uint32
	for _, c := range f.calls {
		users = append(users, c.user)
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// members answers a rule: the users for whom it holds.
func (f *reference) members(rule string) []uint32 {
	members := []uint32{}
	for _, u := range f.users() {
		if ok, _ := f.holds(rule, u); ok {
			members = append(members, u)
		}
	}
	return members
}

// holds answers a rule for a user, and whether nothing it read was missing.
func (f *reference) holds(rule string, user uint32) (ok, whole bool) {
	tree, err := parser.Parse(rule)
	if err != nil {
		panic(err)
	}
	e := &refEval{f: f, user: user, now: f.now.Truncate(time.Second), whole: true}
	v := e.eval(tree.Node)
	b, _ := v.(bool)
	return b, e.whole
}

// admissible returns the value when it is of the declared kind.
func admissible(k Kind, v any) (any, bool) {
	v, ok := value.Normalize(v)
	if !ok {
		return nil, false
	}
	switch w := v.(type) {
	case bool:
		ok = k == Bool
	case int64, float64:
		ok = k == Number
	case string:
		ok = k == String
	case time.Time:
		ok = k == Time
	case []string:
		ok = k == Strings || k == Objects && len(w) == 0
	case []map[string]any:
		ok = k == Objects
	}
	return v, ok || k == Any
}

// attribute is the value whose writer is last, of equal times the largest.
func (e *refEval) attribute(name string) any {
	k := e.f.schema[name]
	var best any
	var at time.Time
	for _, c := range e.f.calls {
		if c.user != e.user || c.event != "" {
			continue
		}
		v, set := c.fields[name]
		if !set {
			continue
		}
		if v != nil {
			var ok bool
			if v, ok = admissible(k, v); !ok {
				continue
			}
		}
		if at.IsZero() || c.at.After(at) || c.at.Equal(at) && value.Compare(v, best) > 0 {
			best, at = v, c.at
		}
	}
	return best
}

// refRow is an event with its fields of the declared kinds.
type refRow struct {
	at     time.Time
	event  string
	n      int // among the calls, to tell rows apart
	fields map[string]any
}

func (e *refEval) rows(event string, from, to time.Duration) []refRow {
	var rows []refRow
	for n, c := range e.f.calls {
		if c.user != e.user || c.event != event {
			continue
		}
		at := c.at.Truncate(time.Second)
		if !at.After(e.now.Add(-from)) || at.After(e.now.Add(-to)) {
			continue
		}
		schema := e.f.events[event]
		row := refRow{at: c.at, event: event, n: n, fields: map[string]any{}}
		for name, k := range schema {
			if v, ok := admissible(k, c.fields[name]); ok {
				if list, ok := v.([]map[string]any); ok {
					v = e.objects(name, schema, list)
				}
				row.fields[name] = v
			}
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b refRow) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return e.content(a, b)
	})
	return rows
}

// content orders rows of one time: numbers and truth values by name first,
// then the rest, by name, as the library orders names.
func (e *refEval) content(a, b refRow) int {
	names := e.f.events[a.event].names()
	for _, numeric := range []bool{true, false} {
		for _, n := range names {
			if e.f.events[a.event][n].numeric() != numeric {
				continue
			}
			if c := value.Compare(canon(a.fields[n]), canon(b.fields[n])); c != 0 {
				return c
			}
		}
	}
	return 0
}

func (e *refEval) objects(field string, schema Schema, list []map[string]any) []map[string]any {
	declared := map[string]Kind{}
	for n, k := range schema {
		if rest, ok := strings.CutPrefix(n, field+"."); ok {
			declared[rest] = k
		}
	}
	if len(declared) == 0 {
		return list
	}
	var out []map[string]any
	for _, m := range list {
		kept := map[string]any{}
		for n, k := range declared {
			if v, ok := admissible(k, m[n]); ok {
				kept[n] = v
			}
		}
		out = append(out, kept)
	}
	return out
}

type refEval struct {
	f     *reference
	user  uint32
	now   time.Time
	elem  []any // what # is, innermost last: refRow, map[string]any or a value
	whole bool  // nothing read so far was missing
}

// read notes a missing value.
func (e *refEval) read(v any) any {
	if v == nil {
		e.whole = false
	}
	return v
}

func (e *refEval) eval(n ast.Node) any {
	switch n := n.(type) {
	case *ast.NilNode:
		return nil
	case *ast.BoolNode:
		return n.Value
	case *ast.IntegerNode:
		return int64(n.Value)
	case *ast.FloatNode:
		return n.Value
	case *ast.StringNode:
		return n.Value
	case *ast.IdentifierNode:
		return e.read(e.attribute(n.Value))
	case *ast.PointerNode:
		return e.elem[len(e.elem)-1]
	case *ast.MemberNode:
		return e.member(n)
	case *ast.UnaryNode:
		v := e.eval(n.Node)
		if n.Operator == "not" || n.Operator == "!" {
			return v != true
		}
		f, ok := toFloat(v)
		if !ok {
			return nil
		}
		if n.Operator == "-" {
			return -f
		}
		return f
	case *ast.BinaryNode:
		return e.binary(n)
	case *ast.ConditionalNode:
		if e.eval(n.Cond) == true {
			return e.eval(n.Exp1)
		}
		return e.eval(n.Exp2)
	case *ast.ArrayNode:
		var list []any
		for _, el := range n.Nodes {
			list = append(list, e.eval(el))
		}
		return list
	case *ast.BuiltinNode:
		return e.call(n.Name, n.Arguments)
	case *ast.CallNode:
		return e.call(n.Callee.(*ast.IdentifierNode).Value, n.Arguments)
	}
	panic(fmt.Sprintf("reference: %T", n))
}

func (e *refEval) member(n *ast.MemberNode) any {
	name := n.Property.(*ast.StringNode).Value
	switch o := e.eval(n.Node).(type) {
	case refRow:
		return e.read(o.fields[name])
	case map[string]any:
		v, _ := value.Normalize(o[name])
		return e.read(v)
	}
	return e.read(nil)
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}

// compare orders two values of one kind; ok is false when they are not.
func compare(a, b any) (sign int, ok bool) {
	if x, isNum := toFloat(a); isNum {
		if y, isNum := toFloat(b); isNum {
			return big.NewFloat(x).Cmp(big.NewFloat(y)), true
		}
		return 0, false
	}
	switch x := a.(type) {
	case string:
		if y, is := b.(string); is {
			return strings.Compare(x, y), true
		}
	case time.Time:
		if y, is := b.(time.Time); is {
			return x.Compare(y), true
		}
	case bool:
		if y, is := b.(bool); is && x == y {
			return 0, true
		} else if is {
			return 1, true
		}
	}
	return 0, false
}

func (e *refEval) binary(n *ast.BinaryNode) any {
	switch n.Operator {
	case "and", "&&":
		return e.eval(n.Left) == true && e.eval(n.Right) == true
	case "or", "||":
		return e.eval(n.Left) == true || e.eval(n.Right) == true
	case "??":
		if v := e.eval(n.Left); v != nil {
			return v
		}
		return e.eval(n.Right)
	}
	a := e.eval(n.Left)
	if r, ok := n.Right.(*ast.BinaryNode); ok && r.Operator == ".." {
		x, _ := toFloat(a)
		lo, _ := toFloat(e.eval(r.Left))
		hi, _ := toFloat(e.eval(r.Right))
		return a != nil && x == math.Trunc(x) && lo <= x && x <= hi
	}
	b := e.eval(n.Right)
	if _, isNil := n.Right.(*ast.NilNode); isNil {
		return (a == nil) == (n.Operator == "==")
	}
	switch n.Operator {
	case "==", "!=":
		c, ok := compare(a, b)
		return (ok && c == 0) == (n.Operator == "==")
	case "<", "<=", ">", ">=":
		c, ok := compare(a, b)
		return ok && ordered(n.Operator)(c)
	case "in":
		switch list := b.(type) {
		case []any:
			return slices.ContainsFunc(list, func(v any) bool { c, ok := compare(a, v); return ok && c == 0 })
		case []string:
			s, ok := a.(string)
			return ok && slices.Contains(list, s)
		}
		return false
	case "contains", "startsWith", "endsWith", "matches":
		s, ok := a.(string)
		t, ok2 := b.(string)
		if !ok || !ok2 {
			return false
		}
		switch n.Operator {
		case "contains":
			return strings.Contains(s, t)
		case "startsWith":
			return strings.HasPrefix(s, t)
		case "endsWith":
			return strings.HasSuffix(s, t)
		}
		return regexp.MustCompile(t).MatchString(s)
	}
	if s, ok := a.(string); ok && n.Operator == "+" {
		if t, ok := b.(string); ok {
			return s + t
		}
		return nil
	}
	x, ok := toFloat(a)
	y, ok2 := toFloat(b)
	if !ok || !ok2 {
		return nil
	}
	var v float64
	switch n.Operator {
	case "+":
		v = x + y
	case "-":
		v = x - y
	case "*":
		v = x * y
	case "/":
		v = x / y
	case "%":
		if x != math.Trunc(x) || y != math.Trunc(y) {
			return e.read(nil)
		}
		v = math.Mod(x, y)
	case "**":
		v = math.Pow(x, y)
	default:
		panic(n.Operator)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return e.read(nil)
	}
	return v
}

func span(n ast.Node) time.Duration {
	sec, ok := parseWindow(n.(*ast.StringNode).Value)
	if !ok {
		panic(n)
	}
	return time.Duration(sec) * time.Second
}
