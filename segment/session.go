package segment

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

// sessions compiles sessions("30m", step, …): the events of the steps, each
// once, cut where more than the given time lies between one and the next. An
// element has the fields start and end, the times of the first and the last
// event, duration, the seconds between them, and events, their number.
func (k *compiler) sessions(n ast.Node, args []ast.Node) *node {
	k.want(n, "sessions", args, 2, 1+maxSteps, `sessions("30m", "event", …)`)
	gap := k.window(args[0])
	l := &list{sc: &scope{object: true, schema: Schema{"start": Time, "end": Time, "duration": Number, "events": Number}}}
	keys := []string{quote(formatWindow(gap))}
	var steps []*list
	for _, a := range args[1:] {
		s := k.step(a, "sessions")
		keys = append(keys, s.key)
		steps = append(steps, s)
		l.deps.add(&s.deps)
	}
	l.deps.elem = false
	l.key = "sessions(" + strings.Join(keys, ", ") + ")"
	l.each = func(c *scan, yield func() bool) {
		rows := rowsOf(c, steps...)
		old := c.obj
		defer func() { c.obj = old }()
		for len(rows) > 0 {
			n := 1
			for n < len(rows) && rows[n].at.compare(stamp{rows[n-1].at.sec + gap, rows[n-1].at.ns}) <= 0 {
				n++
			}
			start, end := rows[0].at, rows[n-1].at
			c.obj = map[string]any{
				"start": start.time(), "end": end.time(),
				"duration": start.until(end), "events": float64(n),
			}
			if !yield() {
				return
			}
			rows = rows[n:]
		}
	}
	return l.node()
}

// until returns the seconds from one instant to a later one.
func (s stamp) until(t stamp) float64 {
	sec, ns := t.sec-s.sec, t.ns-s.ns
	if ns < 0 {
		sec, ns = sec-1, ns+1e9
	}
	return float64(sec) + float64(ns)/1e9
}
