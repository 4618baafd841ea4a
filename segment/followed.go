package segment

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// notFollowed compiles notFollowed("1h", first, second): a first event with no
// second one from it up to the span after it, once that is over. Steps are as
// in sequence, times are compared in full, and a second event at the same time
// follows, unless it is the first one itself.
func (k *compiler) notFollowed(n ast.Node, args []ast.Node) *node {
	k.want(n, "notFollowed", args, 3, 3, `notFollowed("1h", "first event", "second event")`)
	span := k.window(args[0])
	first, second := k.step(args[1], "notFollowed"), k.step(args[2], "notFollowed")
	e := &node{kind: Bool, key: "notFollowed(" + quote(formatWindow(span)) + ", " + first.key + ", " + second.key + ")"}
	e.deps.add(&first.deps)
	e.deps.add(&second.deps)
	e.deps.elem = false
	e.b = func(c *scan) bool {
		answers := rowsOf(c, second)
		open := false
		first.each(c, func() bool {
			self := candidate{at: c.st.at(c.i), event: first.event.id, row: c.i}
			end := stamp{self.at.sec + span, self.at.ns}
			i, _ := slices.BinarySearchFunc(answers, self.at, func(a candidate, at stamp) int {
				if a.at.compare(at) < 0 {
					return -1
				}
				return 1
			})
			if i < len(answers) && answers[i].same(self) {
				i++
			}
			switch {
			case i < len(answers) && answers[i].at.compare(end) <= 0:
			case c.now > end.sec:
				open = true
			default:
				// An event of the last second may still follow; only in the next
				// one the span is over.
				c.limit(end.sec + 1)
			}
			return !open
		})
		return open
	}
	return e
}
