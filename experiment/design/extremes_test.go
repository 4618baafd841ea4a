package design

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/zhun-go/zhun/internal/extremes"
)

func TestExtremes(t *testing.T) {
	chance := func(p ...float64) bool {
		return !slices.ContainsFunc(p, func(p float64) bool { return !(p >= 0 && p <= 1) })
	}
	extremes.Check(t, extremes.Spec{
		Functions: map[string]any{
			"Arcsine": Arcsine, "ArmsPower": ArmsPower, "ArmsProportionPower": ArmsProportionPower, "ArmsProportionSize": ArmsProportionSize,
			"ArmsSize": ArmsSize, "Duration": Duration, "Effect": Effect, "MeanEffect": MeanEffect, "MeanPower": MeanPower, "MeanSize": MeanSize,
			"NormalPower": NormalPower, "NormalSize": NormalSize, "ProportionEffect": ProportionEffect, "ProportionPower": ProportionPower,
			"ProportionSize": ProportionSize, "QuantileStdDev": QuantileStdDev, "RateStdDev": RateStdDev, "RatioStdDev": RatioStdDev,
			"RunningPower": RunningPower, "TrimmedStdDev": TrimmedStdDev, "AlwaysValid": AlwaysValid, "Monitor": Monitor, "Replay": Replay,
			"GroupSequential": GroupSequential, "WangTsiatis": WangTsiatis, "OBrienFlemingSpending": OBrienFlemingSpending, "PocockSpending": PocockSpending,
			"PowerSpending": PowerSpending, "HwangShihDeCaniSpending": HwangShihDeCaniSpending,
		},
		Types: []any{Replayed{}, Look{}},
		Make: map[reflect.Type]func(g *extremes.Gen) any{
			reflect.TypeFor[*ReplayOptions](): func(g *extremes.Gen) any {
				return &ReplayOptions{Runs: extremes.One(g, 1, 5, -1, math.MaxInt>>2, math.MaxInt), Share: extremes.One(g, 0, .5, .1, g.Float()), Alpha: extremes.One(g, 0, .1, g.Float())}
			},
			reflect.TypeFor[func(a, b []float64) (float64, error)](): func(g *extremes.Gen) any {
				p := extremes.One(g, .5, .01, 0, 1, g.Float())
				return func(a, b []float64) (float64, error) { return p, nil }
			},
		},
		Typed: func(err error) bool { return errors.Is(err, ErrInput) && strings.HasPrefix(err.Error(), "design: ") },
		Finite: func(path string, x float64) bool {
			return !strings.Contains(path, "Spending") && !(strings.HasSuffix(path, "Look.Boundary") && x > 0)
		},
		Sound: func(v any) string {
			switch v := v.(type) {
			case Monitored:
				if !chance(v.Power, v.Wrong) {
					return "no chance"
				}
			case Replayed:
				if !chance(v.Share, v.Lo, v.Hi, v.Uniform) {
					return "no share"
				}
			}
			return ""
		},
		Skip:   []string{"Error"},
		Rounds: 150,
	})
}
