package exact

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/internal/extremes"
)

func typed(err error) bool {
	for _, sentinel := range []error{
		experiment.ErrInvalid, experiment.ErrNotFinite, experiment.ErrTooFew, experiment.ErrVariance, experiment.ErrNoVariance, experiment.ErrZero, experiment.ErrKind,
	} {
		if errors.Is(err, sentinel) {
			return strings.Contains(err.Error(), ": ")
		}
	}
	return false
}

func sound(v any) string {
	chance := func(p ...float64) bool {
		return !slices.ContainsFunc(p, func(p float64) bool { return !(p >= 0 && p <= 1) })
	}
	switch v := v.(type) {
	case experiment.Estimate:
		if !(v.Lo <= v.Hi) && v.Value == v.Value {
			return "the interval is upside down"
		}
	case Permuted:
		if !chance(v.P, v.PGreater, v.PLess) {
			return "no p-value"
		}
	case Chances:
		if !chance(v.ChanceToWin) || !(min(v.LossOfControl, v.LossOfTreatment) >= 0) {
			return "no belief"
		}
	case RankTest:
		if !chance(v.P, v.PNormal, v.Superiority) {
			return "no p-value"
		}
	case Rates:
		if !chance(v.P) {
			return "no p-value"
		}
	case Stratified:
		if !chance(v.P) {
			return "no p-value"
		}
	}
	return ""
}

// small are counts that sums over tables can go through.
func small(g *extremes.Gen) int64 {
	return extremes.One(g, 0, 0, 1, 2, 3, 5, 10, 100, int64(g.IntN(500)), -1, 1<<20)
}

func TestExtremes(t *testing.T) {
	extremes.Check(t, extremes.Spec{
		Functions: map[string]any{
			"Bootstrap": Bootstrap, "ClusterBootstrap": ClusterBootstrap, "Fisher": Fisher, "FisherOddsRatio": FisherOddsRatio,
			"ProportionInterval": ProportionInterval, "Permutation": Permutation, "MannWhitney": MannWhitney, "RateRatio": RateRatio,
			"CochranMantelHaenszel": CochranMantelHaenszel, "ProportionPosterior": ProportionPosterior,
		},
		Types: []any{ProportionMethod(0), Chances{}},
		Make: map[reflect.Type]func(g *extremes.Gen) any{
			reflect.TypeFor[*Options](): func(g *extremes.Gen) any {
				return &Options{Runs: extremes.One(g, 1, 2, 19, 99, -1, math.MaxInt>>2, math.MaxInt), Seed: g.Uint64(), Level: extremes.One(g, 0, .9, .5, 1e-320, 1-1e-16, 1, g.Float())}
			},
			reflect.TypeFor[Count](): func(g *extremes.Gen) any { return Count{small(g), small(g)} },
			reflect.TypeFor[func([]float64) float64](): func(g *extremes.Gen) any {
				return extremes.One(g, nil, slices.Max[[]float64], func(xs []float64) float64 { return xs[0] })
			},
		},
		Typed: typed,
		Sound: sound,
		Finite: func(path string, x float64) bool {
			return !strings.Contains(path, "OddsRatio") && !strings.Contains(path, "Ratio.") && !strings.Contains(path, ".T")
		},
		Rounds: 400,
	})
}
