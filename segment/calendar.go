package segment

import (
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
)

// timeFunction compiles the functions that return an instant.
func (k *compiler) timeFunction(n ast.Node, name string, args []ast.Node) *node {
	switch name {
	case "now":
		k.want(n, name, args, 0, 0, "now()")
		e := &node{kind: Time, key: "now()", m: true, t: func(c *scan) (stamp, bool) { return stamp{sec: c.now}, !c.unset() }}
		return e
	case "ago", "ahead":
		k.want(n, name, args, 1, 1, name+`("30d")`)
		shift := k.window(args[0])
		e := &node{kind: Time, key: name + "(" + quote(formatWindow(shift)) + ")", m: true}
		if name == "ago" {
			shift = -shift
		}
		e.d = shift
		e.t = func(c *scan) (stamp, bool) { return stamp{sec: c.now + shift}, !c.unset() }
		return e
	case "date":
		return k.date(n, args)
	case "anniversary":
		return k.anniversary(n, args)
	}
	return k.period(n, name, args)
}

// zone returns the time zone of the user under evaluation: the attribute's,
// when one is named and the zone known, else the index's.
func (k *compiler) zone(e *node) func(c *scan) *time.Location {
	x := k.x
	if x.zoneAttr == nil {
		zone := x.opts.Zone
		return func(*scan) *time.Location { return zone }
	}
	id := x.zoneAttr.id
	e.deps.attr(id)
	return func(c *scan) *time.Location {
		name, _ := c.r.object(id).(string)
		return x.zones.location(name, x.opts.Zone)
	}
}

// date is a calendar day, at its first instant, or an instant with an offset.
func (k *compiler) date(n ast.Node, args []ast.Node) *node {
	k.want(n, "date", args, 1, 1, `date("2026-01-31") or date("2026-01-31T12:00:00Z")`)
	text := k.stringConstant(args[0], "a date")
	key := "date(" + quote(text) + ")"
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return timeConstant(t, key)
	}
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		k.fail(args[0], ErrType, "%q is no date; write 2026-01-31 or 2026-01-31T12:00:00Z", text)
	}
	if k.x.zoneAttr == nil {
		return timeConstant(midnight(d.Year(), d.Month(), d.Day(), k.x.opts.Zone), key)
	}
	e := &node{kind: Time, key: key}
	zone := k.zone(e)
	e.t = func(c *scan) (stamp, bool) {
		return stampOf(midnight(d.Year(), d.Month(), d.Day(), zone(c))), true
	}
	return e
}

// midnight is the first instant of a calendar day. Where the clocks jump over
// midnight that is the instant of the jump.
func midnight(year int, month time.Month, d int, zone *time.Location) time.Time {
	t := time.Date(year, month, d, 0, 0, 0, 0, zone)
	if t.Hour() != 0 {
		// Go resolves a midnight that does not exist with the offset before or
		// after the jump; the day begins at the jump itself.
		if start, _ := t.ZoneBounds(); !start.IsZero() && t.Sub(start) < 24*time.Hour && start.In(zone).Day() == t.Day() {
			return start
		}
		if _, end := t.ZoneBounds(); !end.IsZero() {
			return end
		}
	}
	return t
}

// period compiles startOfDay(n), startOfWeek(n), startOfMonth(n) and
// startOfYear(n): the first instant of the n-th period from the current one.
func (k *compiler) period(n ast.Node, name string, args []ast.Node) *node {
	k.want(n, name, args, 0, 1, name+"() or "+name+"(-1)")
	offset := 0.0
	if len(args) == 1 {
		v, ok := k.node(args[0]).k.(float64)
		if !ok || v != float64(int(v)) || v < -1e4 || v > 1e4 {
			k.fail(args[0], ErrType, "%s takes a constant number of periods within ±10000", name)
		}
		offset = v
	}
	e := &node{kind: Time, key: name + "(" + itoa(int64(offset)) + ")"}
	e.deps.clock = true
	zone := k.zone(e)
	begin := func(y int, m time.Month, d, shift int, z *time.Location) time.Time {
		switch strings.TrimPrefix(name, "startOf") {
		case "Day":
			d += shift
		case "Week":
			back := (int(time.Date(y, m, d, 12, 0, 0, 0, time.UTC).Weekday()) + 6) % 7
			d += 7*shift - back
		case "Month":
			m, d = m+time.Month(shift), 1
		default:
			y, m, d = y+shift, time.January, 1
		}
		return midnight(y, m, d, z)
	}
	shift := int(offset)
	e.t = func(c *scan) (stamp, bool) {
		if c.unset() {
			return stamp{}, false
		}
		z := zone(c)
		y, m, d := time.Unix(c.now, 0).In(z).Date()
		c.limit(begin(y, m, d, 1, z).Unix())
		return stampOf(begin(y, m, d, shift, z)), true
	}
	return e
}

// anniversary is the first instant of the next day, today included, with the
// month and day of the argument; 29 February is kept on the 28th.
func (k *compiler) anniversary(n ast.Node, args []ast.Node) *node {
	k.want(n, "anniversary", args, 1, 1, "anniversary(time)")
	a := k.node(args[0])
	at := a.instant()
	if at == nil || a.m {
		k.fail(args[0], ErrType, "anniversary needs a date, not %s", a.what())
	}
	e := &node{kind: Time, key: "anniversary(" + a.key + ")"}
	e.depend(a)
	e.deps.clock = true
	zone := k.zone(e)
	e.t = func(c *scan) (stamp, bool) {
		s, ok := at(c)
		if !ok {
			return stamp{}, false
		}
		if c.unset() {
			return stamp{}, false
		}
		z := zone(c)
		y, m, d := time.Unix(c.now, 0).In(z).Date()
		_, bm, bd := s.time().In(z).Date()
		next := kept(y, bm, bd)
		if bm < m || bm == m && next < d {
			y++
			next = kept(y, bm, bd)
		}
		c.limit(midnight(y, bm, next+1, z).Unix())
		return stampOf(midnight(y, bm, next, z)), true
	}
	return e
}

// kept is the day of the month on which a date is kept in a year.
func kept(year int, m time.Month, d int) int {
	if m == time.February && d == 29 && time.Date(year, m, 29, 0, 0, 0, 0, time.UTC).Month() != m {
		return 28
	}
	return d
}
