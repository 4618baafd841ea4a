package fairness

import (
	"errors"
	"iter"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
	"github.com/zhun-go/zhun/internal/extremes"
	"github.com/zhun-go/zhun/internal/wire"
)

func typed(err error) bool {
	return slices.ContainsFunc([]error{
		experiment.ErrInvalid, experiment.ErrNotFinite, experiment.ErrTooFew, experiment.ErrOptions, wire.ErrCorrupt, wire.ErrVersion,
	}, func(sentinel error) bool { return errors.Is(err, sentinel) })
}

func sound(v any) string {
	chance := func(p ...float64) bool {
		return !slices.ContainsFunc(p, func(p float64) bool { return !(p >= 0 && p <= 1) })
	}
	switch v := v.(type) {
	case experiment.Estimate:
		if v.Value == v.Value && !(v.Lo <= v.Value && v.Value <= v.Hi) {
			return "the interval does not hold the value"
		}
	case Pair:
		if v.Group != "" && (!chance(v.P, v.Adjusted) || v.P > v.Adjusted) {
			return "no p-value"
		}
		if i := v.Impact; v.Group != "" && i.Value == i.Value && v.FourFifths != (i.Value < .8) && math.Abs(i.Value-.8) > 1e-12 {
			return "four fifths by another figure"
		}
	case Conditional:
		if v.Strata > 0 && !chance(v.P, v.HeterogeneityP) {
			return "no p-value"
		}
	}
	return ""
}

func TestExtremes(t *testing.T) {
	level := func(g *extremes.Gen) float64 {
		return extremes.One(g, 0, 0, .9, .5, 1e-9, 1-1e-9, 1e-10, 1-1e-10, 1-1e-15, 1e-320, 1, g.Float())
	}
	counts := func(g *extremes.Gen) exact.Count {
		n := extremes.One[int64](g, 0, 1, 2, 3, 50, 51, 1000, 1<<30, 1<<53, 1<<53+1, -1, math.MaxInt64)
		return exact.Count{Successes: extremes.One(g, 0, 0, n, n, n/2, n/3, 1, -1), Users: n}
	}
	extremes.Check(t, extremes.Spec{
		Functions: map[string]any{
			"Audit": Audit, "ConditionalOffers": ConditionalOffers, "ConditionalPrices": ConditionalPrices, "Flip": Flip, "NewTally": NewTally,
		},
		Types: []any{&Tally{}, Report{}, Pair{}, Conditional{}, Flipped{}, Change{}},
		Make: map[reflect.Type]func(g *extremes.Gen) any{
			reflect.TypeFor[*Options](): func(g *extremes.Gen) any {
				return &Options{
					Reference: extremes.One(g, "", "", "", "a", "b"), MinGroup: extremes.One[int64](g, 0, 2, 2, 3, 1<<53, -1), Level: level(g),
					Correction: extremes.One(g, experiment.Holm, experiment.Bonferroni, experiment.BY, experiment.Correction(g.IntN(12))),
				}
			},
			reflect.TypeFor[*FlipOptions](): func(g *extremes.Gen) any { return &FlipOptions{Tolerance: g.Float(), Level: level(g)} },
			reflect.TypeFor[Group](): func(g *extremes.Gen) any {
				x := Group{Name: g.Text(), All: counts(g)}
				if s, n := x.All.Successes, x.All.Users; g.IntN(2) == 0 {
					x.Positive = exact.Count{Successes: s / 2, Users: n / 2}
					x.Negative = exact.Count{Successes: s - s/2, Users: n - n/2}
				}
				return x
			},
			reflect.TypeFor[exact.Count](): func(g *extremes.Gen) any { return counts(g) },
			reflect.TypeFor[*experiment.Moments](): func(g *extremes.Gen) any {
				m := new(experiment.Moments)
				for range extremes.One(g, 0, 1, 2, 3, 60) {
					if x := g.Float(); x-x == 0 && x*x < 1e288 {
						m.Add(x)
					}
				}
				return m
			},
			reflect.TypeFor[iter.Seq[map[string]any]](): func(g *extremes.Gen) any {
				users := extremes.One(g, nil, []map[string]any{nil, {}, {"a": 1.}, {"a": math.NaN(), "b": []string{"x"}}})
				return slices.Values(users)
			},
			reflect.TypeFor[*Tally](): func(g *extremes.Gen) any {
				x, _ := NewTally("a", "b")
				for range g.IntN(8) {
					_ = x.Add([]string{g.Text(), g.Text()}, g.IntN(2) == 0, Outcome(g.IntN(3)))
				}
				return x
			},
		},
		Typed: typed,
		Sound: sound,
		// What cannot be made is not a number, and a ratio to nothing is infinite.
		Finite: func(path string, x float64) bool {
			return strings.HasSuffix(path, ".P") || strings.HasSuffix(path, ".Adjusted") ||
				strings.Contains(path, "Heterogeneity") || strings.HasSuffix(path, "Changed.Value") || strings.HasSuffix(path, "Difference.Value")
		},
		Texts:  []string{"a", "b", "c", ""},
		Rounds: 400,
	})
}
