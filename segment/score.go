package segment

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

// score compiles score(points, condition, …): the sum of the points whose
// condition holds, added in this order.
func (k *compiler) score(n ast.Node, args []ast.Node) *node {
	const usage = "score(points, condition, points, condition, …)"
	k.want(n, "score", args, 2, 2*k.x.opts.MaxNodes, usage)
	if len(args)%2 != 0 {
		k.fail(n, ErrType, "score is called as %s", usage)
	}
	points := make([]float64, len(args)/2)
	holds := make([]func(*scan) bool, len(points))
	keys := make([]string, 0, len(args))
	e := &node{kind: Number}
	for i := range points {
		p, cond := k.node(args[2*i]), k.node(args[2*i+1])
		v, ok := p.k.(float64)
		if !ok {
			k.fail(args[2*i], ErrType, "points are a constant number, not %s", p.what())
		}
		if holds[i] = cond.truth(); holds[i] == nil {
			k.fail(args[2*i+1], ErrType, "a condition is wanted here, not %s", cond.what())
		}
		points[i] = v
		keys = append(keys, p.key, cond.key)
		e.depend(cond)
	}
	e.key = "score(" + strings.Join(keys, ", ") + ")"
	e.n = func(c *scan) float64 {
		sum := 0.0
		for i, p := range points {
			if holds[i](c) {
				sum += p
			}
		}
		return finite(sum)
	}
	return e
}

// weights are what a score is compared with, and the points of its parts.
type weights struct {
	points []float64
	op     string
	limit  float64
}

// holds compares a sum; one beyond the range of numbers is missing.
func (w *weights) holds(sum float64) bool {
	sum = finite(sum)
	switch w.op {
	case "<":
		return sum < w.limit
	case "<=":
		return sum <= w.limit
	case ">":
		return sum > w.limit
	case ">=":
		return sum >= w.limit
	}
	return sum == w.limit
}

// scored turns the comparison of a score with a constant into a formula over
// its conditions, which other rules share and Explain shows one by one; nil
// when the comparison is another one.
func (k *compiler) scored(n *ast.BinaryNode) *formula {
	call, other, op := n.Left, n.Right, n.Operator
	args, ok := scoreArguments(call)
	if !ok {
		call, other, op = n.Right, n.Left, mirror(op)
		if args, ok = scoreArguments(call); !ok {
			return nil
		}
	}
	// As an expression first: whatever is wrong with it is said there.
	nodes := k.nodes
	limit, ok := k.node(other).k.(float64)
	k.node(call)
	k.nodes = nodes
	if !ok {
		return nil
	}
	f := &formula{op: opScore, sum: &weights{op: op, limit: limit}, from: n.Location().From}
	for i := 0; i < len(args); i += 2 {
		kid := k.formula(args[i+1])
		f.sum.points = append(f.sum.points, k.node(args[i]).k.(float64))
		f.kids = append(f.kids, kid)
		f.size += kid.size + 1
	}
	return f
}

func scoreArguments(n ast.Node) (args []ast.Node, ok bool) {
	switch c := n.(type) {
	case *ast.CallNode:
		id, named := c.Callee.(*ast.IdentifierNode)
		return c.Arguments, named && id.Value == "score"
	case *ast.BuiltinNode:
		return c.Arguments, c.Name == "score"
	}
	return nil, false
}
