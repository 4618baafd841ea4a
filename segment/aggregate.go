package segment

import (
	"github.com/expr-lang/expr/ast"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/value"
)

// aggregate compiles the functions that reduce a list to one value.
func (k *compiler) aggregate(n ast.Node, name string, args []ast.Node) *node {
	most := 1
	if name == "count" || name == "sum" {
		most = 2
	}
	k.want(n, name, args, 1, most, name+"(list)")
	if name == "len" {
		return k.length(args[0])
	}
	l := k.list(args[0], name)
	if name == "count" {
		var p *node
		if len(args) == 2 {
			p = k.condition(args[1], l)
		} else if v := l.sc.val; v != nil && v.truth() != nil {
			p = (&node{kind: Bool, key: v.key, b: v.truth()}).depend(v)
		} else {
			k.fail(n, ErrType, "count needs a condition; len(list) counts all")
		}
		return counted(l.where(p), "count("+l.over()+", "+p.key+")")
	}
	if name == "mode" {
		return k.mode(args[0], l)
	}
	var val *node
	key := name + "(" + l.key
	if len(args) == 2 {
		val = k.predicate(args[1], l)
		key = name + "(" + l.over() + ", " + val.key
	} else {
		if val = l.sc.val; val == nil {
			k.fail(args[0], ErrType, "%s needs a list of numbers; map(list, value) makes one", name)
		}
	}
	num := val.number()
	if num == nil {
		k.fail(args[len(args)-1], ErrType, "%s needs numbers, not %s", name, val.what())
	}
	e := &node{kind: Number, key: key + ")", n: reduce(name, l, num)}
	e.deps.add(&l.deps)
	e.deps.add(&val.deps)
	e.deps.elem = l.deps.elem
	return e
}

// reduce is sum, mean, min or max over the numbers that are there.
func reduce(name string, l *list, num func(*scan) float64) func(*scan) float64 {
	each := l.each
	switch name {
	case "min":
		return func(c *scan) float64 {
			best := missing
			each(c, func() bool {
				if v := num(c); v < best || best != best {
					best = v
				}
				return true
			})
			return best
		}
	case "max":
		return func(c *scan) float64 {
			best := missing
			each(c, func() bool {
				if v := num(c); v > best || best != best {
					best = v
				}
				return true
			})
			return best
		}
	}
	mean := name == "mean"
	return func(c *scan) float64 {
		var s exactSum
		n := 0
		each(c, func() bool {
			if v := num(c); v == v {
				s.add(v)
				n++
			}
			return true
		})
		if mean {
			return finite(s.value() / float64(n))
		}
		return finite(s.value())
	}
}

func counted(l *list, key string) *node {
	each := l.each
	e := &node{kind: Number, key: key, count: l, n: func(c *scan) float64 {
		n := 0
		each(c, func() bool { n++; return true })
		return float64(n)
	}}
	e.deps.add(&l.deps)
	return e
}

// length is len of a list, or of a string in characters.
func (k *compiler) length(n ast.Node) *node {
	a := k.node(n)
	if a.l != nil && a.kind != Any || a.l != nil && a.v == nil {
		return counted(a.l, "len("+a.key+")")
	}
	e := &node{kind: Number, key: "len(" + a.key + ")"}
	switch {
	case a.kind == Any && a.v != nil:
		e.n = func(c *scan) float64 {
			switch v := a.v(c).(type) {
			case nil:
				return 0
			case string:
				return float64(len([]rune(v)))
			case []string:
				return float64(len(v))
			case []map[string]any:
				return float64(len(v))
			}
			return missing
		}
	case a.kind == String && a.s != nil:
		e.n = func(c *scan) float64 {
			s, ok := a.s(c)
			if !ok {
				return missing
			}
			return float64(len([]rune(s)))
		}
	default:
		k.fail(n, ErrType, "len needs a list or a string, not %s", a.what())
	}
	return fold(e.depend(a), a)
}

// mode is the most frequent value of a list; of equally frequent ones the
// smaller, strings by length, then bytes.
func (k *compiler) mode(n ast.Node, l *list) *node {
	v := k.value(n, l, "mode")
	kind := l.sc.val.kind
	e := &node{kind: kind, key: "mode(" + l.key + ")"}
	e.deps.add(&l.deps)
	each := l.each
	most := func(c *scan) any {
		counts := make(map[any]int)
		var order []any
		each(c, func() bool {
			switch x := v(c).(type) {
			case bool, float64, string:
				if counts[x]++; counts[x] == 1 {
					order = append(order, x)
				}
			}
			return true
		})
		var best any
		for _, x := range order {
			if best == nil || counts[x] > counts[best] || counts[x] == counts[best] && smaller(x, best) {
				best = x
			}
		}
		return best
	}
	switch kind {
	case Bool:
		e.b = func(c *scan) bool { b, _ := most(c).(bool); return b }
		e.h = func(c *scan) bool { return most(c) != nil }
	case Number:
		e.n = func(c *scan) float64 {
			if f, ok := most(c).(float64); ok {
				return f
			}
			return missing
		}
	case String:
		e.s = func(c *scan) (string, bool) { s, ok := most(c).(string); return s, ok }
	case Any:
		e.v = most
	default:
		k.fail(n, ErrType, "mode needs strings, numbers or truth values, not %s", l.sc.val.what())
	}
	return e
}

// smaller orders values for ties as the library does.
func smaller(a, b any) bool {
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return ids.Compare(s, t) < 0
		}
	}
	return value.Compare(a, b) < 0
}
