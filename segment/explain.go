package segment

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
)

// Explanation says why a user is in an audience or not. It is a value of its
// own, which later changes do not touch.
type Explanation struct {
	Audience string
	User     uint32
	At       time.Time // the index's clock
	Rule     Condition
}

// Condition is a part of a rule and its truth for a user.
type Condition struct {
	Text  string // as a rule
	Holds bool
	// Next is when Holds changes if nothing more is observed; zero for never.
	Next  time.Time
	Parts []Condition // of and, or and not; the rule of an audience referred to
	// Subject is what the condition compares with something that is the same for
	// all users, such as "ltv" in ltv >= 500, and empty in conditions of another
	// form. Value is what it is for the user: a bool, float64, string, time.Time
	// or []string, nil when it is missing.
	Subject string
	Value   any
}

// Explain shows the rule of an audience as a tree, with the truth of each part
// for the user, the value that decides it and the instant at which it next
// changes by itself. The error wraps [ErrAudience] or [ErrNotHeld].
func (x *Index) Explain(name string, user uint32) (Explanation, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	a := x.byName[name]
	if a == nil {
		return Explanation{}, audienceError("explain", name)
	}
	r := x.table.get(user)
	if r == nil {
		return Explanation{}, fmt.Errorf("segment: explain: %w: %d", ErrNotHeld, user)
	}
	return Explanation{Audience: name, User: user, At: x.time(), Rule: x.condition(a.formula, r)}, nil
}

func (x *Index) condition(f *formula, r *row) Condition {
	c := &scan{x: x, r: r, now: x.second(), until: never, deep: true}
	out := Condition{Text: f.text(), Holds: f.eval(c)}
	// What was read may change at until, but the truth need not: look on until
	// it does. The bound is for rules over thousands of rows.
	for range 10000 {
		if c.until == never {
			break
		}
		c.now, c.until = c.until, never
		if at := c.now; f.eval(c) != out.Holds {
			out.Next = time.Unix(at, 0).UTC()
			break
		}
	}
	if f.op == opLeaf {
		out.Subject, out.Value = x.compared(f.pred, r)
	}
	for _, kid := range f.kids {
		out.Parts = append(out.Parts, x.condition(kid, r))
	}
	if f.op == opRef {
		out.Parts = append(out.Parts, x.condition(f.to.formula, r))
	}
	return out
}

// compared returns what a predicate compares with something that is the same
// for all users, and its value for one. The text of a predicate compiles to
// the predicate itself, so that only who asks pays for it.
func (x *Index) compared(p *predicate, r *row) (subject string, v any) {
	if p.machine {
		return "", nil
	}
	tree, err := parse(p.key, &x.opts)
	if err != nil {
		return "", nil // the canonical text may be longer than a rule may be
	}
	n, ok := tree.(*ast.BinaryNode)
	if !ok {
		return "", nil
	}
	defer func() {
		if e := recover(); e != nil {
			if _, ok := e.(*RuleError); !ok {
				panic(e)
			}
			subject, v = "", nil // a list, which is no value, or too deep
		}
	}()
	k := &compiler{x: x, rule: p.key}
	e, other := k.node(n.Left), n.Right
	if e.everyones() {
		e, other = k.node(n.Right), n.Left
	}
	if _, list := other.(*ast.ArrayNode); !list && !k.node(other).everyones() {
		return "", nil
	}
	v, ok = e.value(&scan{x: x, r: r, now: x.second(), until: never, deep: true})
	if !ok {
		return "", nil
	}
	return bare(e.key), v
}

// value returns what the expression is for a user, nil when it is missing; ok is
// false when that is no value a condition shows, such as a list of objects.
func (e *node) value(c *scan) (v any, ok bool) {
	switch {
	case e.b != nil:
		if e.h == nil || e.h(c) {
			v = e.b(c)
		}
	case e.n != nil:
		if f := e.n(c); !math.IsNaN(f) {
			v = f
		}
	case e.s != nil:
		if s, ok := e.s(c); ok {
			v = s
		}
	case e.t != nil:
		if t, ok := e.t(c); ok {
			v = t.time()
		}
	case e.v != nil:
		v = e.v(c)
	default:
		return nil, false
	}
	switch x := v.(type) {
	case nil, bool, float64, string, time.Time:
		return v, true
	case stamp:
		return x.time(), true
	case []string:
		return slices.Clone(x), true
	}
	return nil, false
}

// String prints the tree, one condition a line.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "user %d, audience %q at %s\n", e.User, e.Audience, e.At.Format(time.RFC3339))
	e.Rule.print(&b, 0)
	return b.String()
}

func (c Condition) print(b *strings.Builder, depth int) {
	fmt.Fprintf(b, "%s%t: %s", strings.Repeat("  ", depth), c.Holds, c.Text)
	var more []string
	if c.Subject != "" {
		more = append(more, "is "+show(c.Value))
	}
	if !c.Next.IsZero() {
		more = append(more, "until "+c.Next.Format(time.RFC3339))
	}
	if len(more) > 0 {
		fmt.Fprintf(b, " (%s)", strings.Join(more, ", "))
	}
	b.WriteByte('\n')
	for _, p := range c.Parts {
		p.print(b, depth+1)
	}
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "missing"
	case float64:
		if math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	case string:
		return quote(v)
	case []string:
		return fmt.Sprintf("%q", v)
	case time.Time:
		return v.Format(time.RFC3339)
	}
	return fmt.Sprint(v)
}
