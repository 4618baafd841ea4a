package segment

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
)

// functions are the functions of rules, for the nearest name of an unknown one.
func functions() []string {
	return []string{
		"abs", "active", "ago", "ahead", "all", "anniversary", "any", "ceil", "count", "date", "events", "filter",
		"find", "findLast", "first", "floor", "last", "len", "lower", "map", "max", "mean", "min", "mode", "none",
		"notFollowed", "now", "one", "round", "score", "segment", "sequence", "sessions", "startOfDay", "startOfMonth", "startOfWeek", "startOfYear",
		"sum", "trim", "under", "uniq", "upper",
	}
}

// call compiles a function call.
func (k *compiler) call(n ast.Node, name string, args []ast.Node) *node {
	switch name {
	case "events":
		return k.events(n, args)
	case "filter", "map", "uniq":
		return k.derived(n, name, args)
	case "count", "len", "sum", "mean", "min", "max", "mode":
		return k.aggregate(n, name, args)
	case "any", "all", "none", "one":
		return k.quantifier(n, name, args)
	case "first", "last", "find", "findLast":
		return k.pick(n, name, args)
	case "lower", "upper", "trim":
		return k.stringFunction(n, name, args)
	case "abs", "ceil", "floor", "round":
		return k.numberFunction(n, name, args)
	case "now", "ago", "ahead", "date", "startOfDay", "startOfWeek", "startOfMonth", "startOfYear", "anniversary":
		return k.timeFunction(n, name, args)
	case "sequence":
		return k.sequence(n, args)
	case "notFollowed":
		return k.notFollowed(n, args)
	case "sessions":
		return k.sessions(n, args)
	case "score":
		return k.score(n, args)
	case "active":
		return k.active(n, args)
	case "under":
		return k.under(n, args)
	case "segment":
		k.fail(n, ErrUnsupported, "segment stands only at the root of a rule, under and, or, not and ?:")
	}
	known := functions()
	near := nearest(name, known)
	message := "unknown function " + quote(name)
	if near != "" {
		message += ", did you mean " + quote(near) + "?"
	}
	sentinel := ErrUnknown
	for _, b := range unsupportedBuiltins() {
		if b == name {
			message, near, sentinel = "function "+name+" is not part of rules", "", ErrUnsupported
		}
	}
	e := ruleError(k.rule, n.Location().From, sentinel, "%s", message)
	e.Nearest = near
	panic(e)
}

// unsupportedBuiltins are functions of the expr language that rules do not have.
func unsupportedBuiltins() []string {
	return []string{
		"bitand", "bitnand", "bitnot", "bitor", "bitshl", "bitshr", "bitushr", "bitxor", "concat", "duration",
		"findIndex", "findLastIndex", "flatten", "float", "fromBase64", "fromJSON", "fromPairs", "get", "groupBy",
		"hasPrefix", "hasSuffix", "indexOf", "int", "join", "keys", "lastIndexOf", "median", "reduce", "repeat",
		"replace", "reverse", "sort", "sortBy", "split", "splitAfter", "string", "take", "timezone", "toBase64",
		"toJSON", "toPairs", "trimPrefix", "trimSuffix", "type", "values",
	}
}

// want refuses a call with too few or too many arguments.
func (k *compiler) want(n ast.Node, name string, args []ast.Node, least, most int, usage string) {
	if len(args) < least || len(args) > most {
		k.fail(n, ErrType, "%s is called as %s", name, usage)
	}
}

// stringConstant compiles an argument that must be a literal string.
func (k *compiler) stringConstant(n ast.Node, what string) string {
	s, ok := k.node(n).k.(string)
	if !ok {
		k.fail(n, ErrType, "%s is a constant string", what)
	}
	return s
}

// predicate compiles what stands for each element of the list.
func (k *compiler) predicate(n ast.Node, l *list) *node {
	p, ok := n.(*ast.PredicateNode)
	if !ok {
		k.fail(n, ErrUnsupported, "a predicate is wanted here")
	}
	k.scopes = append(k.scopes, l.sc)
	e := k.node(p.Node)
	k.scopes = k.scopes[:len(k.scopes)-1]
	return e
}

// condition is a predicate that is true or false.
func (k *compiler) condition(n ast.Node, l *list) *node {
	e := k.predicate(n, l)
	b := e.truth()
	if b == nil {
		k.fail(n, ErrType, "a condition is wanted here, not %s", e.what())
	}
	if e.kind != Bool {
		e = (&node{kind: Bool, key: e.key, b: b, from: e.from}).depend(e)
	}
	return e
}

func (k *compiler) stringFunction(n ast.Node, name string, args []ast.Node) *node {
	k.want(n, name, args, 1, 1, name+"(text)")
	a := k.node(args[0])
	s := a.text()
	if s == nil {
		k.fail(n, ErrType, "%s needs a string, not %s", name, a.what())
	}
	f := map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper, "trim": strings.TrimSpace}[name]
	e := &node{kind: String, key: name + "(" + a.key + ")", s: func(c *scan) (string, bool) {
		v, ok := s(c)
		if !ok {
			return "", false
		}
		return f(v), true
	}}
	return fold(e.depend(a), a)
}

func (k *compiler) numberFunction(n ast.Node, name string, args []ast.Node) *node {
	k.want(n, name, args, 1, 1, name+"(number)")
	a := k.node(args[0])
	x := a.number()
	if x == nil {
		k.fail(n, ErrType, "%s needs a number, not %s", name, a.what())
	}
	f := map[string]func(float64) float64{"abs": math.Abs, "ceil": math.Ceil, "floor": math.Floor, "round": math.Round}[name]
	e := &node{kind: Number, key: name + "(" + a.key + ")", n: func(c *scan) float64 { return f(x(c)) + 0 }}
	return fold(e.depend(a), a)
}

// under is true when a tag, or one of a list of tags, is the given one or lies
// below it in a hierarchy with dots.
func (k *compiler) under(n ast.Node, args []ast.Node) *node {
	k.want(n, "under", args, 2, 2, `under(tags, "interest")`)
	a := k.node(args[0])
	root := k.stringConstant(args[1], "the tag")
	below := func(s string) bool {
		return strings.HasPrefix(s, root) && (len(s) == len(root) || s[len(root)] == '.')
	}
	e := &node{kind: Bool, key: "under(" + a.key + ", " + quote(root) + ")"}
	switch {
	case a.kind == String && a.s != nil:
		e.b = func(c *scan) bool { s, ok := a.s(c); return ok && below(s) }
	case (a.kind == Strings || a.kind == Any) && a.v != nil:
		e.b = func(c *scan) bool {
			switch v := a.v(c).(type) {
			case string:
				return below(v)
			case []string:
				return slices.ContainsFunc(v, below)
			}
			return false
		}
	default:
		k.fail(n, ErrType, "under needs a string or a list of strings, not %s", a.what())
	}
	return e.depend(a)
}

// window reads a length of time: a sum of whole numbers with the units s, m,
// h, d, w (7 d) and y (365 d), such as "90d" or "1h30m".
func (k *compiler) window(n ast.Node) int64 {
	text := k.stringConstant(n, "a length of time")
	sec, ok := parseWindow(text)
	if !ok {
		k.fail(n, ErrType, "%q is no length of time; write whole numbers with s, m, h, d, w or y, such as \"90d\" or \"1h30m\"", text)
	}
	return sec
}

func parseWindow(text string) (sec int64, ok bool) {
	const most = 10000 * 365 * day
	for text != "" {
		i := 0
		var v int64
		for i < len(text) && text[i] >= '0' && text[i] <= '9' {
			if v = v*10 + int64(text[i]-'0'); v > most {
				return 0, false
			}
			i++
		}
		if i == 0 || i == len(text) {
			return 0, false
		}
		unit, known := map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': day, 'w': 7 * day, 'y': 365 * day}[text[i]]
		if !known || v > most/unit {
			return 0, false
		}
		if sec += v * unit; sec > most {
			return 0, false
		}
		text = text[i+1:]
	}
	return sec, sec > 0
}

// formatWindow writes a length of time the shortest way in one unit.
func formatWindow(sec int64) string {
	for _, u := range []struct {
		unit string
		sec  int64
	}{{"d", day}, {"h", 3600}, {"m", 60}} {
		if sec%u.sec == 0 {
			return itoa(sec/u.sec) + u.unit
		}
	}
	return itoa(sec) + "s"
}

func itoa(v int64) string { return constant(float64(v)).key }

// timeConstant is a fixed instant.
func timeConstant(t time.Time, key string) *node {
	at := stampOf(t)
	return &node{kind: Time, key: key, k: at.time(), t: func(*scan) (stamp, bool) { return at, true }}
}
