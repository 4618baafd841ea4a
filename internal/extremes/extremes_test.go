package extremes

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type said []string

func (s *said) Helper()                           {}
func (s *said) Errorf(format string, args ...any) { *s = append(*s, fmt.Sprintf(format, args...)) }
func (s *said) Fatal(args ...any)                 { *s = append(*s, fmt.Sprint(args...)) }

type counter struct{ n int }

func (c *counter) Add(xs []float64) { c.n += len(xs) }

// Each kind of fault is found, and what is right is not.
func TestCheck(t *testing.T) {
	typed := errors.New("typed")
	faults := map[string]struct {
		f    any
		want string
	}{
		"Right":   {func(xs []float64) int { return len(xs) }, ""},
		"Index":   {func(xs []float64) float64 { return min(1, xs[1]) }, "panics"},
		"Square":  {func(x float64) float64 { return x * x }, "Square: float64 is"},
		"Foreign": {func(x float64) error { return errors.New("foreign") }, "untyped"},
		"Typed":   {func(x float64) error { return typed }, ""},
		"Writes": {func(xs []float64) {
			for i := range xs {
				xs[i] = 7
			}
		}, "writes to its argument"},
	}
	for name, f := range faults {
		var out said
		Check(&out, Spec{
			Functions: map[string]any{name: f.f},
			Types:     []any{&counter{}},
			Typed:     func(err error) bool { return err == typed },
			Finite:    func(_ string, x float64) bool { return math.IsNaN(x - x) },
			Skip:      []string{"Check", "Spec", "Gen", "One", "Kept"},
			Rounds:    200,
		})
		if f.want == "" {
			require.Empty(t, out, name)
			continue
		}
		require.NotEmpty(t, out, name)
		require.Contains(t, strings.Join(out, "\n"), f.want)
	}
}
