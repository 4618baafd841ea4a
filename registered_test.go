package zhun_test

import (
	"bufio"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every exported accumulator, a type with Merge and AppendBinary or Export,
// is held to the laws of state by a call in its own package's tests, and what
// else can be read from bytes to the law of bytes. The types are found in the
// type information of the compiled packages, the calls in the source of the
// tests.
func TestEveryAccumulatorIsHeldToTheLaws(t *testing.T) {
	export := map[string]string{}
	var packages []string
	args := []string{"-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}\t{{.DepOnly}}"}
	for _, name := range public {
		args = append(args, "./"+name+"/...")
	}
	out := list(t, args...)
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		export[f[0]] = f[1]
		if f[2] == "false" && !strings.Contains(f[0], "/internal/") {
			packages = append(packages, f[0])
		}
	}
	imp := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(export[path])
	})
	accumulators, others := 0, 0
	for _, path := range packages {
		p, err := imp.Import(path)
		require.NoError(t, err)
		name := strings.TrimPrefix(path, module+"/")
		registered := registrations(t, name)
		for _, n := range p.Scope().Names() {
			obj, ok := p.Scope().Lookup(n).(*types.TypeName)
			if !ok || !obj.Exported() || obj.IsAlias() {
				continue
			}
			methods := types.NewMethodSet(types.NewPointer(obj.Type()))
			has := func(m string) bool { return methods.Lookup(p, m) != nil }
			switch accumulator := has("Merge") && (has("AppendBinary") || has("Export")); {
			case accumulator:
				accumulators++
				if spec := registered[n]; spec == "" || spec == "BytesSpec" {
					t.Errorf("%s.%s is an accumulator, but no test of the package holds it to the laws", name, n)
				}
			case has("UnmarshalBinary"):
				others++
				if registered[n] == "" {
					t.Errorf("%s.%s has bytes, but no test of the package holds it to their law", name, n)
				}
			}
		}
	}
	require.GreaterOrEqual(t, accumulators, 9, "accumulators found: is the search broken?")
	require.GreaterOrEqual(t, others, 2, "other types with bytes found: is the search broken?")
}

// registrations returns the names of the types that a package's tests check,
// and how: the T of each laws.ViewSpec[*T], laws.SummarySpec[*T, S],
// laws.StoreSpec[*T, E] and laws.BytesSpec[*T].
func registrations(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	found := map[string]string{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			var generic ast.Expr
			var arg ast.Expr
			switch x := lit.Type.(type) {
			case *ast.IndexExpr:
				generic, arg = x.X, x.Index
			case *ast.IndexListExpr:
				generic, arg = x.X, x.Indices[0]
			default:
				return true
			}
			sel, ok := generic.(*ast.SelectorExpr)
			if !ok || !strings.HasSuffix(sel.Sel.Name, "Spec") {
				return true
			}
			if star, ok := arg.(*ast.StarExpr); ok {
				arg = star.X
			}
			name := ""
			switch x := arg.(type) {
			case *ast.Ident:
				name = x.Name
			case *ast.SelectorExpr:
				name = x.Sel.Name
			}
			// The law of bytes alone may be checked beside the others.
			if found[name] == "" || sel.Sel.Name != "BytesSpec" {
				found[name] = sel.Sel.Name
			}
			return true
		})
	}
	return found
}
