package segment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/zhun-go/zhun/internal/value"
)

// membership compiles "in": a value in an array of constants or a range of
// integers, or a string in a list.
func (k *compiler) membership(n *ast.BinaryNode) *node {
	a := k.node(n.Left)
	if r, ok := n.Right.(*ast.BinaryNode); ok && r.Operator == ".." {
		return k.inRange(n, a, r)
	}
	b := k.node(n.Right)
	e := &node{kind: Bool, key: "(" + a.key + " in " + b.key + ")"}
	e.depend(a, b)
	switch {
	case b.c != nil:
		return k.inArray(n, e, a, b)
	case b.l != nil && (b.kind == Strings || b.kind == Any) && b.v != nil:
		s := a.text()
		if s == nil {
			k.fail(n, ErrType, "in looks for a string in %s, not for %s", b.what(), a.what())
		}
		v := b.v
		e.b = func(c *scan) bool {
			want, ok := s(c)
			if !ok {
				return false
			}
			held, _ := v(c).([]string)
			return slices.Contains(held, want)
		}
		return e
	case b.l != nil && b.l.sc.val != nil:
		// A list made by map: equal to one of its values.
		x, each := b.l.sc.val.any(), b.l.each
		v := a.any()
		if v == nil || x == nil || a.kind != b.l.sc.val.kind && a.kind != Any && b.l.sc.val.kind != Any {
			k.fail(n, ErrType, "in looks for %s in a list of another kind", a.what())
		}
		e.b = func(c *scan) bool {
			want := v(c)
			if want == nil {
				return false
			}
			found := false
			each(c, func() bool {
				found = value.Compare(x(c), want) == 0
				return !found
			})
			return found
		}
		return e
	}
	k.fail(n, ErrType, "in needs an array, a range or a list of strings at its right, not %s", b.what())
	return nil
}

func (k *compiler) inArray(n ast.Node, e, a, b *node) *node {
	var nums []float64
	var strs []string
	for _, c := range b.c {
		switch v := c.k.(type) {
		case float64:
			nums = append(nums, v)
		case string:
			strs = append(strs, v)
		default:
			k.fail(n, ErrType, "an array right of in holds numbers or strings, not %s", c.what())
		}
	}
	num, text := a.number(), a.text()
	if num == nil && text == nil || num == nil && len(nums) > 0 || text == nil && len(strs) > 0 {
		k.fail(n, ErrType, "in cannot look for %s among %s", a.what(), b.key)
	}
	slices.Sort(nums)
	slices.Sort(strs)
	nums, strs = slices.Compact(nums), slices.Compact(strs)
	var parts []string
	for _, v := range nums {
		parts = append(parts, constant(v).key)
	}
	for _, v := range strs {
		parts = append(parts, quote(v))
	}
	e.key = "(" + a.key + " in [" + strings.Join(parts, ", ") + "])"
	inNums := func(c *scan) bool {
		v := num(c)
		if v != v {
			return false
		}
		_, ok := slices.BinarySearch(nums, v)
		return ok
	}
	inStrs := func(c *scan) bool {
		v, ok := text(c)
		if !ok {
			return false
		}
		_, ok = slices.BinarySearch(strs, v)
		return ok
	}
	switch {
	case len(nums) == 0 && len(strs) == 0:
		return constant(false)
	case len(strs) == 0:
		e.b = inNums
	case len(nums) == 0:
		e.b = inStrs
	default:
		e.b = func(c *scan) bool { return inNums(c) || inStrs(c) }
	}
	if a.attr != nil && a.kind != Any {
		e.shape = &shape{attr: a.attr, op: "in", nums: nums, strs: strs}
	}
	return fold(e, a)
}

// inRange is x in 1..10: an integer, both ends included.
func (k *compiler) inRange(n ast.Node, a *node, r *ast.BinaryNode) *node {
	lo, hi := k.node(r.Left), k.node(r.Right)
	first, ok := lo.k.(float64)
	last, ok2 := hi.k.(float64)
	if !ok || !ok2 || first != math.Trunc(first) || last != math.Trunc(last) {
		k.fail(r, ErrUnsupported, "a range has constant integers as its ends")
	}
	x := a.number()
	if x == nil {
		k.fail(n, ErrType, "in looks for a number in a range, not for %s", a.what())
	}
	e := &node{kind: Bool, key: fmt.Sprintf("(%s in %s..%s)", a.key, lo.key, hi.key)}
	e.b = func(c *scan) bool {
		v := x(c)
		return v >= first && v <= last && v == math.Trunc(v)
	}
	return fold(e.depend(a), a)
}
