package zhun_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/zhun-go/zhun"

var public = []string{"profile", "segment", "recommend", "attribution", "experiment"}

// agreed are the modules that the root module may require directly.
var agreed = []string{
	"github.com/RoaringBitmap/roaring/v2",
	"github.com/cockroachdb/datadriven",
	"github.com/expr-lang/expr",
	"github.com/google/btree",
	"github.com/stretchr/testify",
	"github.com/zeebo/xxh3",
	"go.etcd.io/bbolt",
	"golang.org/x/exp",
	"golang.org/x/text",
	"gonum.org/v1/gonum",
	"pgregory.net/rapid",
}

type pkg struct {
	ImportPath string
	Deps       []string
	Module     *struct{ Path string }
}

// list asks the go command, outside any workspace, so that what is tested is
// the module as its users get it.
func list(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go list %v", args)
	return out
}

func packages(t *testing.T, args ...string) []pkg {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(list(t, append([]string{"-json=ImportPath,Deps,Module"}, args...)...))))
	var all []pkg
	for dec.More() {
		var p pkg
		require.NoError(t, dec.Decode(&p))
		all = append(all, p)
	}
	return all
}

// room returns the public package that an import path belongs to, "" if none.
func room(path string) string {
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, "/")
	if slices.Contains(public, first) {
		return first
	}
	return ""
}

func TestNoPublicPackageImportsAnother(t *testing.T) {
	for _, p := range packages(t, "./...") {
		mine := room(p.ImportPath)
		internal := strings.HasPrefix(p.ImportPath, module+"/internal/")
		if mine == "" && !internal {
			continue
		}
		for _, d := range p.Deps {
			if other := room(d); other != "" && other != mine {
				t.Errorf("%s imports %s", p.ImportPath, d)
			}
		}
	}
}

func TestEveryPublicPackageIsThere(t *testing.T) {
	var found []string
	for _, p := range packages(t, "./...") {
		if r := room(p.ImportPath); r != "" && p.ImportPath == module+"/"+r {
			found = append(found, r)
		}
	}
	require.ElementsMatch(t, public, found)
}

func TestTheRootModuleRequiresOnlyWhatWasAgreed(t *testing.T) {
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []struct{}
	}
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &mod))
	require.Empty(t, mod.Replace)
	for _, r := range mod.Require {
		if !r.Indirect {
			require.Contains(t, agreed, r.Path)
		}
	}
}

// Test-only and command-line libraries must not reach a host that imports a
// package of this module.
func TestHostsDoNotInheritTestLibraries(t *testing.T) {
	for _, p := range packages(t, "-deps", "./profile", "./segment", "./recommend", "./attribution", "./experiment") {
		if p.Module == nil {
			continue
		}
		switch p.Module.Path {
		case "github.com/stretchr/testify", "pgregory.net/rapid", "github.com/cockroachdb/datadriven":
			t.Errorf("a public package depends on %s", p.ImportPath)
		}
	}
}

var clock = regexp.MustCompile(`\btime\.(Now|Since|Until|Tick|After|NewTimer|NewTicker)\(|\blog\.(Print|Fatal|Panic)|^func init\(\)`)

// Time is an argument, and a library neither logs nor runs code on import.
func TestNoClockNoLogNoInit(t *testing.T) {
	for _, dir := range append([]string{"internal"}, public...) {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i, line := range strings.Split(string(src), "\n") {
				if code, _, _ := strings.Cut(line, "//"); clock.MatchString(code) {
					t.Errorf("%s:%d: %s", path, i+1, strings.TrimSpace(line))
				}
			}
			return nil
		}))
	}
}
