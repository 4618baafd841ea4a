package segment

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/value"
)

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
	case "notFollowed":
		return e.notFollowed(span(args[0]), args[1], args[2])
	case "sessions":
		return e.sessions(span(args[0]), args[1:])
	case "score":
		sum := 0.0
		for i := 0; i < len(args); i += 2 {
			if e.eval(args[i+1]) == true {
				p, _ := toFloat(e.eval(args[i]))
				sum += p
			}
		}
		return sum
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

// notFollowed looks for a row that no other row follows in time.
func (e *refEval) notFollowed(span time.Duration, first, second ast.Node) bool {
	return slices.ContainsFunc(e.step(first), func(a refRow) bool {
		end := a.at.Add(span)
		followed := slices.ContainsFunc(e.step(second), func(b refRow) bool {
			return b.n != a.n && !b.at.Before(a.at) && !b.at.After(end)
		})
		return !followed && e.now.After(end.Truncate(time.Second))
	})
}

// sessions puts every row with the session of the row before it, or into a new
// one.
func (e *refEval) sessions(gap time.Duration, args []ast.Node) []map[string]any {
	rows := map[int]refRow{}
	for _, a := range args {
		for _, r := range e.step(a) {
			rows[r.n] = r
		}
	}
	var times []time.Time
	for _, r := range rows {
		times = append(times, r.at)
	}
	slices.SortFunc(times, time.Time.Compare)
	var out []map[string]any
	for i, at := range times {
		if i == 0 || at.Sub(times[i-1]) > gap {
			out = append(out, map[string]any{"start": at, "events": 0})
		}
		s := out[len(out)-1]
		s["end"], s["duration"] = at, at.Sub(s["start"].(time.Time)).Seconds()
		s["events"] = s["events"].(int) + 1
	}
	return out
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
