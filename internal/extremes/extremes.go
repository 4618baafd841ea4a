// Package extremes calls everything that a package exports with values at the
// edges of what their types hold: numbers that are not finite, subnormal or so
// large that a square overflows, empty lists, nil options, zero structs, times
// at the ends of the calendar. A call must answer with a typed error or with
// finite numbers, must leave its arguments alone, and must never panic.
//
// What one call returns is an argument of later ones, so that accumulators are
// filled and models fitted on the way.
package extremes

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Spec says what to call.
type Spec struct {
	// Functions are those that the package exports, by name.
	Functions map[string]any
	// Types are a zero value, or a pointer to one, of each exported type with
	// exported methods, of which all are called.
	Types []any
	// Make returns a value of a type that random fields cannot make: an
	// interface, or what is only worth something when it is filled.
	Make map[reflect.Type]func(g *Gen) any
	// Typed tells whether an error is one that the package promises.
	Typed func(err error) bool
	// Finite tells whether a number at a path such as
	// "Welch: Comparison.Relative.Lo" must be finite, as it must where Finite is
	// nil. It is asked about those that are not.
	Finite func(path string, x float64) bool
	// Sound tells what is wrong with a struct that a call returned, "" if
	// nothing is; nil asks nothing.
	Sound func(v any) string
	// Texts are strings that mean something to the package.
	Texts []string
	// Constructed are types of which the documentation says that their zero value
	// is of no use.
	Constructed []reflect.Type
	// Skip names functions, and methods as "Type.Method", that are not called.
	Skip []string
	// Rounds is how often each is called. Default: 50.
	Rounds int
	// Seed of the arguments.
	Seed uint64
}

// reporter is what Check needs of a test.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// Check calls everything.
func Check(t reporter, spec Spec) {
	t.Helper()
	if spec.Rounds == 0 {
		spec.Rounds = 50
	}
	complete(t, spec)
	names := make([]string, 0, len(spec.Functions))
	functions := map[string]reflect.Value{}
	for name, f := range spec.Functions {
		names = append(names, name)
		functions[name] = reflect.ValueOf(f)
	}
	for _, x := range spec.Types {
		typ := reflect.TypeOf(x)
		for i := range typ.NumMethod() {
			m := typ.Method(i)
			name := strings.TrimPrefix(typ.String()[strings.LastIndex(typ.String(), ".")+1:], "*") + "." + m.Name
			if !slices.Contains(spec.Skip, name) {
				names = append(names, name)
				functions[name] = m.Func
			}
		}
	}
	slices.Sort(names)
	g := &Gen{Rand: rand.New(rand.NewPCG(spec.Seed, 1)), spec: spec, pool: map[reflect.Type][]reflect.Value{}}
	said := map[string]bool{}
	for range spec.Rounds {
		for _, i := range g.Perm(len(names)) {
			what, call := g.call(names[i], functions[names[i]])
			// Once is enough, whatever the numbers.
			if key := names[i] + strings.Map(letter, what[:min(60, len(what))]); what != "" && !said[key] {
				said[key] = true
				t.Errorf("%s\n%s", call, what)
			}
		}
	}
}

func letter(r rune) rune {
	if unicode.IsLetter(r) {
		return r
	}
	return -1
}

// complete sees to it that nothing which the package in the working directory
// exports is forgotten.
func complete(t reporter, spec Spec) {
	t.Helper()
	known := map[string]bool{}
	for name := range spec.Functions {
		known[name] = true
	}
	for _, x := range spec.Types {
		name := reflect.TypeOf(x).String()
		known[name[strings.LastIndex(name, ".")+1:]] = true
	}
	for _, name := range spec.Skip {
		known[name] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			d, ok := d.(*ast.FuncDecl)
			if !ok || !d.Name.IsExported() {
				continue
			}
			name := d.Name.Name
			if d.Recv != nil {
				typ := d.Recv.List[0].Type
				if p, ok := typ.(*ast.StarExpr); ok {
					typ = p.X
				}
				name = typ.(*ast.Ident).Name
			}
			if ast.IsExported(name) && !known[name] {
				t.Errorf("%s is exported and not called", name)
			}
		}
	}
}

// call calls a function once and tells what is wrong with the answer.
func (g *Gen) call(name string, f reflect.Value) (what, call string) {
	g.mode, g.scale = g.IntN(4), scales[g.IntN(len(scales))]
	typ := f.Type()
	args := make([]reflect.Value, typ.NumIn())
	texts := make([]string, len(args))
	for i := range args {
		if i == 0 && strings.Contains(name, ".") {
			args[i] = g.receiver(typ.In(i))
		} else {
			args[i] = g.Value(typ.In(i))
		}
		texts[i] = show(args[i])
	}
	call = name + "(" + strings.Join(texts, ", ") + ")"
	// An endless loop says where it is.
	watch := time.AfterFunc(time.Minute, func() { panic("does not end: " + call) })
	defer watch.Stop()
	defer func() {
		if r := recover(); r != nil {
			what = fmt.Sprintf("panics: %v\n%s", r, inside(string(debug.Stack())))
		}
	}()
	var out []reflect.Value
	if typ.IsVariadic() {
		out = f.CallSlice(args)
	} else {
		out = f.Call(args)
	}
	for i, a := range args {
		if k := a.Kind(); (k == reflect.Slice || k == reflect.Map) && show(a) != texts[i] {
			return "writes to its argument: " + show(a), call
		}
	}
	if n := len(out); n > 0 && typ.Out(n-1) == errorType {
		if !out[n-1].IsNil() {
			err := out[n-1].Interface().(error)
			if _ = err.Error(); g.spec.Typed != nil && !g.spec.Typed(err) {
				return fmt.Sprintf("untyped error %T: %v", err, err), call
			}
			return "", call
		}
		out = out[:n-1]
	}
	for i, v := range out {
		label := typ.Out(i).String()
		if what := g.look(name+": "+label[strings.LastIndex(label, ".")+1:], v, 0); what != "" {
			return what, call
		}
		g.keep(v)
	}
	return "", call
}

// look walks through what a call returned.
func (g *Gen) look(path string, v reflect.Value, depth int) string {
	if depth > 6 || !v.IsValid() {
		return ""
	}
	switch v.Kind() {
	case reflect.Float64:
		if x := v.Float(); math.IsNaN(x-x) && (g.spec.Finite == nil || g.spec.Finite(path, x)) {
			return fmt.Sprintf("%s is %v", path, x)
		}
		return ""
	case reflect.Slice, reflect.Array:
		for i := range min(v.Len(), 100) {
			if what := g.look(path, v.Index(i), depth+1); what != "" {
				return what
			}
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			if what := g.look(path, v.MapIndex(k), depth+1); what != "" {
				return what
			}
		}
	case reflect.Func:
		if v.IsNil() || !v.Type().CanSeq() && !v.Type().CanSeq2() {
			return ""
		}
		n := 0
		look := func(x reflect.Value) string { n++; return g.look(path, x, depth+1) }
		if v.Type().CanSeq2() {
			for a, b := range v.Seq2() {
				if what := look(a) + look(b); what != "" || n > 200 {
					return what
				}
			}
			return ""
		}
		for a := range v.Seq() {
			if what := look(a); what != "" || n > 100 {
				return what
			}
		}
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return ""
		}
		if s, ok := v.Interface().(fmt.Stringer); ok {
			_ = s.String()
		}
		return g.look(path, v.Elem(), depth+1)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return ""
		}
		if v.CanInterface() {
			if g.spec.Sound != nil {
				if what := g.spec.Sound(v.Interface()); what != "" {
					return fmt.Sprintf("%s: %s: %+v", path, what, v.Interface())
				}
			}
			if s, ok := v.Interface().(fmt.Stringer); ok {
				_ = s.String()
			}
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				if what := g.look(path+"."+f.Name, v.Field(i), depth+1); what != "" {
					return what
				}
			}
		}
	}
	return ""
}

// keep puts what a call returned aside, for later calls.
func (g *Gen) keep(v reflect.Value) {
	t := v.Type()
	k := t
	if k.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		k = k.Elem()
	}
	if k.Kind() != reflect.Struct {
		return
	}
	if len(g.pool[t]) < 20 {
		g.pool[t] = append(g.pool[t], v)
	} else {
		g.pool[t][g.IntN(20)] = v
	}
}

var errorType = reflect.TypeFor[error]()

// inside cuts a stack trace down to the calls that matter.
func inside(stack string) string {
	lines := strings.Split(stack, "\n")
	var out []string
	for i, l := range lines {
		if strings.Contains(l, "/extremes") || strings.Contains(l, "/runtime/") || strings.Contains(l, "/reflect/") {
			continue
		}
		if strings.HasPrefix(l, "\t") && i > 0 {
			out = append(out, strings.TrimSpace(l))
		}
	}
	return strings.Join(out[:min(len(out), 8)], "\n")
}

func show(v reflect.Value) string {
	s := text(v, 0)
	if len(s) > 900 {
		h := fnv.New64()
		h.Write([]byte(s))
		s = fmt.Sprintf("%s… %x", s[:900], h.Sum64())
	}
	return s
}

func text(v reflect.Value, depth int) string {
	switch v.Kind() {
	case reflect.Func, reflect.Chan:
		return v.Type().String()
	case reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return text(v.Elem(), depth)
	case reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		if depth > 3 || v.Elem().Kind() != reflect.Struct {
			return v.Type().String()
		}
		return "&" + text(v.Elem(), depth+1)
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t.Format(time.RFC3339Nano)
		}
		var parts []string
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !v.Field(i).IsZero() {
				parts = append(parts, f.Name+": "+text(v.Field(i), depth+1))
			}
		}
		name := v.Type().String()
		return name[strings.LastIndex(name, ".")+1:] + "{" + strings.Join(parts, ", ") + "}"
	case reflect.Slice, reflect.Array:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = text(v.Index(i), depth+1)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case reflect.String:
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprint(v.Interface())
}
