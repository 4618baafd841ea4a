package segment

import (
	"fmt"
	"strings"
	"time"
)

// source draws numbers below n: a random generator, or rapid.
type source interface{ IntN(n int) int }

// writer draws random rules over the schema of modelIndex.
type writer struct {
	source
	depth     int
	audiences []string // that may be referred to
	plain     bool     // only what expr's own machine understands
}

func pick[E any](s source, list ...E) E { return list[s.IntN(len(list))] }

var (
	modelSchema = Schema{"n": Number, "m": Number, "s": String, "b": Bool, "t": Time, "tags": Strings}
	modelEvents = map[string]Schema{
		"A": {"x": Number, "y": String, "flag": Bool, "products": Objects, "products.p": Number, "products.c": String},
		"B": {"x": Number},
		"C": {},
	}
)

func (w *writer) cmp() string   { return pick(w, "<", "<=", ">", ">=", "==", "!=") }
func (w *writer) num() string   { return pick(w, "0", "1", "2", "3", "4", "1.5", "2.5", "-1") }
func (w *writer) str() string   { return pick(w, `"u"`, `"v"`, `"uv"`, `""`, `"w"`) }
func (w *writer) smallInt() int { return w.IntN(4) }

func (w *writer) window() string {
	return pick(w, "10m", "1h", "90m", "5h", "1d", "1s", "2d", "1h30s")
}

// rule draws a condition at the root.
func (w *writer) rule() string {
	w.depth++
	defer func() { w.depth-- }()
	if w.depth < 4 {
		switch w.IntN(6) {
		case 0:
			return "not (" + w.rule() + ")"
		case 1, 2:
			return "(" + w.rule() + pick(w, " and ", " or ") + w.rule() + ")"
		case 3:
			if w.IntN(3) == 0 {
				return "(" + w.rule() + " ? " + w.rule() + " : " + w.rule() + ")"
			}
		}
	}
	if len(w.audiences) > 0 && w.IntN(6) == 0 {
		return fmt.Sprintf("segment(%q)", pick(w, w.audiences...))
	}
	return w.condition(w.attribute)
}

// reader draws names of numbers, strings and truth values in scope.
type reader func(kind Kind) string

func (w *writer) attribute(k Kind) string {
	switch k {
	case Number:
		return pick(w, "n", "m")
	case String:
		return "s"
	}
	return "b"
}

func (w *writer) fieldsOfA(k Kind) string {
	switch k {
	case Number:
		return pick(w, ".x", "n", "#.x")
	case String:
		return ".y"
	}
	return ".flag"
}

func (w *writer) fieldsOfProduct(k Kind) string {
	switch k {
	case Number:
		return ".p"
	case String:
		return ".c"
	}
	return "b"
}

func (w *writer) condition(read reader) string {
	limit := 13
	if w.plain {
		limit = 8
	}
	switch w.IntN(limit) {
	case 0, 1:
		return w.number(read) + " " + w.cmp() + " " + pick(w, w.num(), w.num(), w.number(read))
	case 2:
		return read(String) + " " + pick(w, "==", "!=", "<", ">=", "contains", "startsWith", "endsWith", "matches") + " " + w.str()
	case 3:
		return pick(w,
			read(String)+" in ["+w.str()+", "+w.str()+"]", read(String)+" not in ["+w.str()+"]",
			read(Number)+" in [1, 2, 4]", w.str()+" in tags")
	case 4:
		return pick(w, read(Bool), read(Bool)+" == false", read(Bool)+" != true")
	case 5:
		return w.list(func(list string, of reader) string {
			return pick(w, "any", "all", "none", "one") + "(" + list + ", " + w.shallow(of) + ")"
		})
	case 6:
		return w.list(func(list string, of reader) string {
			return fmt.Sprintf("count(%s, %s) %s %d", list, w.shallow(of), w.cmp(), w.smallInt())
		})
	case 7:
		return fmt.Sprintf("len(%s) %s %s", pick(w, w.events(), w.events(), "tags"), w.cmp(), pick(w, "0", "1", "2", "3"))
	case 8:
		return pick(w, read(Number), read(String), "t", "tags") + pick(w, " == nil", " != nil")
	case 9:
		return pick(w, "t", `date("2026-01-01")`, `date("2026-01-01T02:30:00+01:00")`) + " " + w.cmp() + " " +
			pick(w, "now()", `ago("`+w.window()+`")`, `ahead("`+w.window()+`")`, "startOfDay()", "startOfWeek(1)", "startOfMonth()")
	case 10:
		if w.depth > 4 {
			return "true"
		}
		if w.IntN(2) == 0 {
			return w.journey(read)
		}
		return pick(w,
			fmt.Sprintf(`sequence(%q, "A", "B")`, w.window()), `sequence("1h", "A", "A", "C")`,
			fmt.Sprintf(`sequence(%q, filter(events("A"), %s), "B", "A")`, w.window(), w.shallow(w.fieldsOfA)),
			fmt.Sprintf(`active(%q, %q, %d, %d)`, pick(w, "A", "B"), pick(w, "1h", "30m"), 3+w.smallInt(), 1+w.IntN(3)),
			"anniversary(t) "+w.cmp()+" startOfDay()", `under(tags, "u")`)
	case 11:
		return fmt.Sprintf(`%s(events("A", %q)).%s`, pick(w, "first", "last"), w.window(),
			pick(w, "x "+w.cmp()+" "+w.num(), "y == "+w.str(), "flag", "x == nil"))
	}
	return pick(w, read(Number)+" in 1..3", w.str()+" == "+read(String), "n == m", "t > t", "lower(s) == s",
		`mode(map(events("A"), .y)) == `+w.str(), `("u" + s) == "uu"`,
		fmt.Sprintf(`count(map(events("A", %q), .x), # > %s) %s %d`, w.window(), w.num(), w.cmp(), w.smallInt()),
		fmt.Sprintf(`first(filter(map(events("B", %q), .x), # > %s)) == %s`, w.window(), w.num(), w.num()),
		fmt.Sprintf(`any(uniq(map(events("A", %q), .x)), # > %s)`, w.window(), w.num()))
}

// journey is a condition on what followed what, on sessions, or on a score.
func (w *writer) journey(read reader) string {
	step := func() string {
		return pick(w, `"A"`, `"B"`, `"C"`, w.events(), fmt.Sprintf(`filter(%s, .x > %s)`, pick(w, `events("A", "1d")`, `events("B")`), w.num()))
	}
	sessions := fmt.Sprintf("sessions(%q, %s, %s)", w.window(), step(), step())
	switch w.IntN(6) {
	case 0, 1:
		return fmt.Sprintf("notFollowed(%q, %s, %s)", w.window(), step(), step())
	case 2:
		return fmt.Sprintf("len(%s) %s %d", sessions, w.cmp(), w.smallInt())
	case 3:
		return fmt.Sprintf("%s(map(%s, %s)) %s %s", pick(w, "min", "max", "mean", "sum"), sessions, pick(w, ".events", ".duration / 600"), w.cmp(), w.num())
	case 4:
		return fmt.Sprintf("%s(%s).%s", pick(w, "first", "last"), sessions, pick(w, `end > ago("1h")`, "start < t", "duration == 0", "events >= 2"))
	}
	return fmt.Sprintf("score(%s, %s, %s, %s, -2, any(%s, .events > 1)) %s %s",
		w.num(), w.shallow(read), w.num(), w.shallow(read), sessions, w.cmp(), w.num())
}

// shallow is a condition that does not go deeper.
func (w *writer) shallow(read reader) string {
	switch w.IntN(5) {
	case 0:
		return read(Number) + " " + w.cmp() + " " + w.num()
	case 1:
		return read(String) + " == " + w.str()
	case 2:
		if w.plain {
			return read(Bool)
		}
		return read(Number) + pick(w, " == nil", " != nil")
	case 3:
		return "(" + read(Number) + " > " + w.num() + pick(w, " and ", " or ") + read(String) + " != " + w.str() + ")"
	}
	return read(Bool)
}

func (w *writer) events() string {
	name := pick(w, "A", "B", "C")
	if w.IntN(3) == 0 {
		return fmt.Sprintf("events(%q)", name)
	}
	if w.IntN(5) == 0 {
		return fmt.Sprintf(`events(%q, "5h", "1h")`, name)
	}
	return fmt.Sprintf("events(%q, %q)", name, w.window())
}

// list draws a list of A's rows, or products of the last one.
func (w *writer) list(then func(list string, of reader) string) string {
	switch w.IntN(4) {
	case 0:
		return fmt.Sprintf(`any(events("A", %q), %s)`, w.window(), then(".products", w.fieldsOfProduct))
	case 1:
		return then(fmt.Sprintf(`filter(events("A", %q), %s)`, w.window(), w.shallow(w.fieldsOfA)), w.fieldsOfA)
	}
	return then(fmt.Sprintf(`events("A", %q)`, w.window()), w.fieldsOfA)
}

func (w *writer) number(read reader) string {
	switch w.IntN(7) {
	case 0:
		return "(" + read(Number) + pick(w, " + ", " - ", " * ", " / ") + pick(w, w.num(), read(Number)) + ")"
	case 1:
		return fmt.Sprintf("sum(events(%q, %q), .x)", pick(w, "A", "B"), w.window())
	case 2:
		return fmt.Sprintf("%s(map(events(%q, %q), .x))", pick(w, "mean", "min", "max", "sum"), pick(w, "A", "B"), w.window())
	case 3:
		return fmt.Sprintf(`len(uniq(map(events("A", %q), %s)))`, w.window(), pick(w, ".x", ".y"))
	case 4:
		if w.plain {
			break
		}
		return "(" + read(Number) + " ?? " + w.num() + ")"
	}
	return read(Number)
}

var modelEpoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// fields draws the fields of an event; whole ones miss nothing.
func fieldsOf(s source, event string, whole bool) map[string]any {
	f := map[string]any{}
	set := func(name string, v any) {
		if whole || s.IntN(5) > 0 {
			f[name] = v
		}
	}
	number := func() any {
		if whole || s.IntN(2) == 0 {
			return s.IntN(5)
		}
		return pick[any](s, 0.1, 0.2, 0.3, 2.5, 1e16, "wrong", nil)
	}
	switch event {
	case "A":
		set("x", number())
		set("y", pick(s, "u", "v", "uv", ""))
		set("flag", s.IntN(2) == 0)
		var list []map[string]any
		for range s.IntN(3) {
			p := map[string]any{"p": number(), "c": pick(s, "u", "v")}
			if !whole && s.IntN(4) == 0 {
				delete(p, "p")
			}
			list = append(list, p)
		}
		set("products", list)
	case "B":
		set("x", number())
	}
	return f
}

// attributesOf draws changed attributes.
func attributesOf(s source, whole bool) map[string]any {
	all := map[string]any{
		"n": s.IntN(5), "m": s.IntN(5), "s": pick(s, "u", "v", "uv", ""), "b": s.IntN(2) == 0,
		"t": modelEpoch.Add(time.Duration(s.IntN(100)) * 7 * time.Minute), "tags": pick(s, []string{}, []string{"u"}, []string{"v", "u.w"}),
	}
	if whole {
		return all
	}
	out := map[string]any{}
	for _, name := range strings.Fields("n m s b t tags") {
		switch s.IntN(6) {
		case 0:
			out[name] = nil
		case 1:
			out[name] = pick[any](s, 1.5, "u", 7, true)
		case 2, 3:
			out[name] = all[name]
		}
	}
	return out
}
