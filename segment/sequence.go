package segment

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// maxSteps bounds the steps of a sequence.
const maxSteps = 32

// sequence compiles sequence("7d", step, step, …): the steps in this order,
// not necessarily one right after the other, with at most the given time from
// the first to the last. A step is the name of an event or a list of events.
// Times are compared in full; events at the same time satisfy either order.
func (k *compiler) sequence(n ast.Node, args []ast.Node) *node {
	k.want(n, "sequence", args, 3, 1+maxSteps, `sequence("7d", "first event", "second event", …)`)
	span := k.window(args[0])
	var steps []*list
	keys := []string{quote(formatWindow(span))}
	e := &node{kind: Bool}
	for _, a := range args[1:] {
		l := k.step(a, "sequence")
		keys = append(keys, l.key)
		steps = append(steps, l)
		e.deps.add(&l.deps)
	}
	e.deps.elem = false
	e.key = "sequence(" + strings.Join(keys, ", ") + ")"
	e.b = func(c *scan) bool { return follows(c, span, steps) }
	return e
}

// step compiles an argument that is the name of an event or a list of events.
func (k *compiler) step(a ast.Node, name string) *list {
	if s, ok := a.(*ast.StringNode); ok {
		return k.events(s, []ast.Node{s}).l
	}
	l := k.list(a, name)
	if l.event == nil || l.sc.event == nil {
		k.fail(a, ErrType, "a step is the name of an event or a list of events")
	}
	return l
}

// candidate is a row that can serve some of the steps.
type candidate struct {
	at    stamp
	event uint32
	row   int
	steps uint64
}

// same reports whether two candidates are one row.
func (a candidate) same(b candidate) bool {
	return a.at == b.at && a.event == b.event && a.row == b.row
}

// rowsOf returns the rows of the steps by time, each row once.
func rowsOf(c *scan, steps ...*list) []candidate {
	var rows []candidate
	for i, l := range steps {
		l.each(c, func() bool {
			rows = append(rows, candidate{c.st.at(c.i), l.event.id, c.i, 1 << i})
			return true
		})
	}
	slices.SortFunc(rows, func(a, b candidate) int {
		if s := a.at.compare(b.at); s != 0 {
			return s
		}
		if a.event != b.event {
			return int(a.event) - int(b.event)
		}
		return a.row - b.row
	})
	merged := rows[:0]
	for _, r := range rows {
		if n := len(merged); n > 0 && merged[n-1].same(r) {
			merged[n-1].steps |= r.steps
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// follows looks for the steps in order within span seconds. It keeps for each
// number of steps done the latest start of such a chain: that one leaves the
// most time for the rest.
func follows(c *scan, span int64, steps []*list) bool {
	merged := rowsOf(c, steps...)
	n := len(steps)
	start := make([]stamp, n+1)
	done := make([]bool, n+1)
	for len(merged) > 0 {
		at := merged[0].at
		group := 1
		for group < len(merged) && merged[group].at == at {
			group++
		}
		// From the back, so that a chain grows by this instant only once.
		for i := n - 1; i >= 0; i-- {
			if i > 0 && !done[i] {
				continue
			}
			from := at
			if i > 0 {
				from = start[i]
			}
			for j := i + matchable(merged[:group], i, n); j > i; j-- {
				if !done[j] || from.compare(start[j]) > 0 {
					start[j], done[j] = from, true
				}
			}
		}
		if done[n] {
			end := stamp{start[n].sec + span, start[n].ns}
			if at.compare(end) <= 0 {
				return true
			}
			// Too long; a later start may still do.
			done[n] = false
		}
		merged = merged[group:]
	}
	return false
}

// matchable returns how many steps from i on can be served by distinct rows of
// one instant, each step by one row: a matching grown step by step.
func matchable(rows []candidate, i, n int) int {
	if len(rows) == 1 {
		return int(rows[0].steps >> i & 1)
	}
	serves := make([]int, len(rows)) // row → step, or −1
	for r := range serves {
		serves[r] = -1
	}
	var place func(step int, tried []bool) bool
	place = func(step int, tried []bool) bool {
		for r := range rows {
			if rows[r].steps>>step&1 == 0 || tried[r] {
				continue
			}
			tried[r] = true
			if serves[r] < 0 || place(serves[r], tried) {
				serves[r] = step
				return true
			}
		}
		return false
	}
	count := 0
	for step := i; step < n && place(step, make([]bool, len(rows))); step++ {
		count++
	}
	return count
}

// active compiles active(list or name, "7d", n, m): of the last n periods of
// the given length at least m hold an event.
func (k *compiler) active(n ast.Node, args []ast.Node) *node {
	k.want(n, "active", args, 4, 4, `active("event", "7d", 8, 6): events in at least 6 of the last 8 periods`)
	l := k.step(args[0], "active")
	period := k.window(args[1])
	of, ok := k.node(args[2]).k.(float64)
	least, ok2 := k.node(args[3]).k.(float64)
	if !ok || !ok2 || of != float64(int64(of)) || least != float64(int64(least)) || of < 1 || of > 1000 || least < 1 || least > of {
		k.fail(n, ErrType, "active takes constant numbers of periods, from 1 to 1000, the second not above the first")
	}
	count, want := int64(of), int(least)
	if period*count > k.x.retain {
		k.fail(args[1], ErrNotRetained, "%d periods of %s reach beyond what is retained, %s", count, formatWindow(period), formatWindow(k.x.retain))
	}
	e := &node{kind: Bool, key: "active(" + l.key + ", " + quote(formatWindow(period)) + ", " + itoa(count) + ", " + itoa(int64(want)) + ")"}
	e.deps.add(&l.deps)
	e.deps.elem = false
	e.b = func(c *scan) bool {
		hit, last := 0, int64(-1)
		// Rows come by time, so those of one period come together.
		l.each(c, func() bool {
			age := (c.now - c.st.sec(c.i)) / period
			if age < count {
				c.limit(c.st.sec(c.i) + (age+1)*period)
				if age != last {
					hit, last = hit+1, age
				}
			}
			return true
		})
		return hit >= want
	}
	return e
}
