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

	"github.com/zhun-go/zhun/internal/ids"
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
	switch v.(type) {
	case bool:
		ok = k == Bool
	case int64, float64:
		ok = k == Number
	case string:
		ok = k == String
	case time.Time:
		ok = k == Time
	case []string:
		ok = k == Strings || k == Objects && len(v.([]string)) == 0
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

// list evaluates a list to its elements.
func (e *refEval) list(n ast.Node) []any {
	var out []any
	switch v := e.eval(n).(type) {
	case nil:
	case []any:
		out = v
	case []refRow:
		for _, r := range v {
			out = append(out, r)
		}
	case []string:
		for _, s := range v {
			out = append(out, s)
		}
	case []map[string]any:
		for _, m := range v {
			out = append(out, m)
		}
	default:
		panic(fmt.Sprintf("reference: list of %T", v))
	}
	return out
}

// each evaluates a predicate with # as the element.
func (e *refEval) each(elem any, p ast.Node) any {
	e.elem = append(e.elem, elem)
	v := e.eval(p.(*ast.PredicateNode).Node)
	e.elem = e.elem[:len(e.elem)-1]
	return v
}

func (e *refEval) call(name string, args []ast.Node) any {
	switch name {
	case "events":
		from, to := e.f.retain, time.Duration(0)
		if len(args) > 1 {
			from = span(args[1])
		}
		if len(args) > 2 {
			to = span(args[2])
		}
		return e.rows(args[0].(*ast.StringNode).Value, from, to)
	case "now", "ago", "ahead", "startOfDay", "startOfWeek", "startOfMonth", "startOfYear", "anniversary":
		if e.f.now.IsZero() {
			return e.read(nil)
		}
	}
	switch name {
	case "now":
		return e.now
	case "ago":
		return e.now.Add(-span(args[0]))
	case "ahead":
		return e.now.Add(span(args[0]))
	case "date":
		s := args[0].(*ast.StringNode).Value
		if t, err := time.ParseInLocation(time.DateOnly, s, e.f.zone); err == nil {
			return t
		}
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			panic(err)
		}
		return t
	case "segment":
		rule := e.f.rules[args[0].(*ast.StringNode).Value]
		ok, whole := e.f.holds(rule, e.user)
		e.whole = e.whole && whole
		return ok
	case "sequence":
		return e.sequence(span(args[0]), args[1:])
	case "active":
		return e.active(args)
	case "under":
		root := args[1].(*ast.StringNode).Value
		for _, v := range e.list(args[0]) {
			if s := v.(string); s == root || strings.HasPrefix(s, root+".") {
				return true
			}
		}
		return false
	case "lower", "upper", "trim":
		s, ok := e.eval(args[0]).(string)
		if !ok {
			return nil
		}
		return map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper, "trim": strings.TrimSpace}[name](s)
	case "abs", "ceil", "floor", "round":
		f, ok := toFloat(e.eval(args[0]))
		if !ok {
			return nil
		}
		return map[string]func(float64) float64{"abs": math.Abs, "ceil": math.Ceil, "floor": math.Floor, "round": math.Round}[name](f)
	case "len":
		if s, ok := e.eval(args[0]).(string); ok {
			return int64(len([]rune(s)))
		}
		if id, ok := args[0].(*ast.IdentifierNode); ok && e.f.schema[id.Value] == String {
			return nil
		}
		return int64(len(e.list(args[0])))
	case "startOfDay", "startOfWeek", "startOfMonth", "startOfYear", "anniversary":
		return e.calendar(name, args)
	}
	list := e.list(args[0])
	var p ast.Node
	if len(args) > 1 {
		p = args[1]
	}
	return e.reduce(name, list, p)
}

func (e *refEval) reduce(name string, list []any, p ast.Node) any {
	kept := list
	if p != nil && name != "map" && name != "sum" {
		kept = nil
		for _, el := range list {
			if e.each(el, p) == true {
				kept = append(kept, el)
			}
		}
	}
	switch name {
	case "filter":
		return kept
	case "count":
		if p == nil {
			n := 0
			for _, el := range list {
				if el == true {
					n++
				}
			}
			return int64(n)
		}
		return int64(len(kept))
	case "any":
		return len(kept) > 0
	case "all":
		return len(kept) == len(list)
	case "none":
		return len(kept) == 0
	case "one":
		return len(kept) == 1
	case "first", "find":
		if len(kept) == 0 {
			return e.read(nil)
		}
		return kept[0]
	case "last", "findLast":
		if len(kept) == 0 {
			return e.read(nil)
		}
		return kept[len(kept)-1]
	}
	if p != nil {
		list = slices.Clone(list)
		for i, el := range list {
			list[i] = e.each(el, p)
		}
	}
	switch name {
	case "map":
		return list
	case "uniq":
		var out []any
		for _, v := range list {
			if v != nil && !slices.ContainsFunc(out, func(w any) bool { c, ok := compare(v, w); return ok && c == 0 }) {
				out = append(out, v)
			}
		}
		return out
	case "mode":
		var best any
		most := 0
		for _, v := range list {
			if v == nil {
				continue
			}
			n := 0
			for _, w := range list {
				if c, ok := compare(v, w); ok && c == 0 {
					n++
				}
			}
			if n > most || n == most && before(v, best) {
				best, most = v, n
			}
		}
		return e.read(best)
	}
	var nums []float64
	for _, v := range list {
		if f, ok := toFloat(v); ok {
			nums = append(nums, f)
		}
	}
	if len(nums) == 0 && name != "sum" {
		return e.read(nil)
	}
	switch name {
	case "min":
		return slices.Min(nums)
	case "max":
		return slices.Max(nums)
	case "sum", "mean":
		s := new(big.Float).SetPrec(4000)
		for _, f := range nums {
			s.Add(s, big.NewFloat(f))
		}
		f, _ := s.Float64()
		if math.IsInf(f, 0) {
			return e.read(nil)
		}
		if name == "mean" {
			return f / float64(len(nums))
		}
		return f
	}
	panic("reference: " + name)
}

func before(a, b any) bool {
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return ids.Compare(s, t) < 0
		}
	}
	return value.Compare(canon(a), canon(b)) < 0
}

// steps are the rows each step of a sequence may be.
func (e *refEval) step(n ast.Node) []refRow {
	if s, ok := n.(*ast.StringNode); ok {
		return e.rows(s.Value, e.f.retain, 0)
	}
	var rows []refRow
	for _, el := range e.list(n) {
		rows = append(rows, el.(refRow))
	}
	return rows
}

// sequence tries every choice of distinct rows.
func (e *refEval) sequence(span time.Duration, args []ast.Node) bool {
	var used []refRow
	var try func(i int) bool
	try = func(i int) bool {
		if i == len(args) {
			return true
		}
		for _, r := range e.step(args[i]) {
			if slices.ContainsFunc(used, func(u refRow) bool { return u.n == r.n }) {
				continue
			}
			if i > 0 && (r.at.Before(used[i-1].at) || r.at.Sub(used[0].at) > span) {
				continue
			}
			used = append(used, r)
			if try(i + 1) {
				return true
			}
			used = used[:i]
		}
		return false
	}
	return try(0)
}

func (e *refEval) active(args []ast.Node) bool {
	period := span(args[1])
	of, least := args[2].(*ast.IntegerNode).Value, args[3].(*ast.IntegerNode).Value
	hit := 0
	for i := range of {
		for _, r := range e.step(args[0]) {
			at := r.at.Truncate(time.Second)
			if at.After(e.now.Add(-time.Duration(i+1)*period)) && !at.After(e.now.Add(-time.Duration(i)*period)) {
				hit++
				break
			}
		}
	}
	return hit >= least
}

func (e *refEval) calendar(name string, args []ast.Node) any {
	y, m, d := e.now.In(e.f.zone).Date()
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, e.f.zone) }
	if name == "anniversary" {
		t, ok := e.eval(args[0]).(time.Time)
		if !ok {
			return nil
		}
		_, bm, bd := t.In(e.f.zone).Date()
		// The first day from today on that keeps the date.
		for i := 0; ; i++ {
			c := day(y, m, d+i)
			leap := day(c.Year(), 2, 29).Month() == 2
			if c.Month() == bm && (c.Day() == bd || bm == 2 && bd == 29 && !leap && c.Day() == 28) {
				return c
			}
		}
	}
	n := 0
	if len(args) == 1 {
		f, _ := toFloat(e.eval(args[0]))
		n = int(f)
	}
	switch name {
	case "startOfDay":
		return day(y, m, d+n)
	case "startOfWeek":
		for day(y, m, d).Weekday() != time.Monday {
			d--
		}
		return day(y, m, d+7*n)
	case "startOfMonth":
		return day(y, m+time.Month(n), 1)
	}
	return day(y+n, 1, 1)
}
