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
