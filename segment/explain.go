package segment

import (
	"fmt"
	"strings"
	"time"
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
}

// Explain shows the rule of an audience as a tree, with the truth of each part
// for the user and the instant at which it next changes by itself. The error
// wraps [ErrAudience] or [ErrNotHeld].
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
	for _, kid := range f.kids {
		out.Parts = append(out.Parts, x.condition(kid, r))
	}
	if f.op == opRef {
		out.Parts = append(out.Parts, x.condition(f.to.formula, r))
	}
	return out
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
	if !c.Next.IsZero() {
		fmt.Fprintf(b, " (until %s)", c.Next.Format(time.RFC3339))
	}
	b.WriteByte('\n')
	for _, p := range c.Parts {
		p.print(b, depth+1)
	}
}
