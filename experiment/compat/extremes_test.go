package compat

import (
	"strings"
	"testing"

	"github.com/zhun-go/zhun/internal/extremes"
)

func TestExtremes(t *testing.T) {
	extremes.Check(t, extremes.Spec{
		Functions: map[string]any{
			"GrowthBookChoose": GrowthBookChoose, "GrowthBookHash": GrowthBookHash, "GrowthBookNamespace": GrowthBookNamespace, "GrowthBookRanges": GrowthBookRanges,
		},
		Types:  []any{GrowthBook{}, PlanOut{}, Range{}},
		Typed:  func(err error) bool { return strings.HasPrefix(err.Error(), "compat: ") },
		Finite: func(path string, _ float64) bool { return !strings.HasPrefix(path, "PlanOut.Float") },
		Rounds: 400,
	})
}
