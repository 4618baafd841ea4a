package recommend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zhun-go/zhun/internal/extremes"
)

var extremeDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func someHistory(g *extremes.Gen) *History {
	h, err := NewHistory(&HistoryOptions{Value: extremes.One(g, Binary(), Log1p(), Cap(1e12), Cap(1e-12), Cap(3))})
	if err != nil {
		panic(err)
	}
	size := extremes.One(g, 0, 3, 20, 60)
	for range size {
		at := extremeDay.Add(time.Duration(g.IntN(1000)) * time.Hour)
		if g.IntN(30) == 0 {
			at = g.Time()
		}
		item := extremes.One(g, "a", "b", "c", "d", "e", "10", "9")
		weight := extremes.One(g, 1, 1, 2, 1e-12, 1e12, .5, math.Abs(g.Float()))
		if g.IntN(6) == 0 {
			_ = h.Remove(uint32(g.IntN(9)), item, weight, at)
		} else {
			_ = h.Add(uint32(g.IntN(9)), item, weight, at)
		}
	}
	return h
}

func someModel(g *extremes.Gen) *Model {
	ctx, h := context.Background(), someHistory(g)
	var m *Model
	switch g.IntN(6) {
	case 0:
		m, _ = FitEASE(ctx, h, nil)
	case 1:
		m, _ = FitEASE(ctx, h, &EASEOptions{Keep: 2, Dropout: .5})
	case 2:
		m, _ = FitLocalRidge(ctx, h, nil)
	case 3:
		m, _ = FitSLIM(ctx, h, &SLIMOptions{Signed: g.IntN(2) == 0})
	default:
		m, _ = FitItemKNN(ctx, h, &ItemKNNOptions{Similarity: someSimilarity(g), MinLLR: extremes.One(g, 0, 3.84)})
	}
	if m == nil {
		m = new(Model)
	}
	return m
}

func someSimilarity(g *extremes.Gen) Similarity {
	x := func() float64 { return extremes.One(g, 0, 0, 1, .5, 10, math.Abs(g.Float()), g.Float()) }
	return extremes.One[Similarity](g, Cosine{x()}, AdjustedCosine{x()}, AsymmetricCosine{x(), x()}, Jaccard{}, Tversky{x(), x()},
		Lift{}, LLR{}, TFIDF{}, BM25{x(), x()}, P3Alpha{x()}, RP3Beta{x(), x()})
}

func typed(err error) bool {
	for _, sentinel := range []error{
		ErrUser, ErrItem, ErrWeight, ErrTime, ErrOption, ErrMismatch, ErrAttached, ErrEmpty, ErrItemSet, ErrBudget, ErrCorrupt, ErrVersion, ErrTable,
	} {
		if errors.Is(err, sentinel) {
			return strings.HasPrefix(err.Error(), "recommend") || err == sentinel
		}
	}
	return false
}

func sound(v any) string {
	switch v := v.(type) {
	case Result:
		if !slices.IsSortedFunc(v.Items[:max(0, len(v.Items)-v.Filled)], func(a, b Scored) int {
			switch {
			case a.Score > b.Score:
				return -1
			case a.Score < b.Score:
				return 1
			}
			return 0
		}) {
			return "not by descending score"
		}
	case Estimate:
		if !(v.Lo <= v.Value && v.Value <= v.Hi && v.StdErr >= 0) {
			return "the figure is not within its interval"
		}
	}
	return ""
}

func TestExtremes(t *testing.T) {
	extremes.Check(t, extremes.Spec{
		Functions: map[string]any{
			"Decay": Decay, "FitEASE": FitEASE, "Evaluate": Evaluate, "Fit": Fit, "NewHistory": NewHistory, "DefaultEvents": DefaultEvents,
			"FitItemKNN": FitItemKNN, "Load": Load, "FitPopularity": FitPopularity, "RefreshLocalRidge": RefreshLocalRidge,
			"FitLocalRidge": FitLocalRidge, "FitSLIM": FitSLIM, "SplitStrong": SplitStrong, "SplitTime": SplitTime, "SplitLast": SplitLast,
			"Tune": Tune, "Binary": Binary, "Log1p": Log1p, "Cap": Cap,
		},
		Types: []any{
			AdjustedCosine{},
			AsymmetricCosine{},
			BM25{},
			Comparison{},
			Cosine{},
			Estimate{},
			Fill(0), &History{}, &ItemSet{},
			Jaccard{},
			LLR{},
			Lift{},
			&Model{},
			P3Alpha{},
			&Popularity{},
			RP3Beta{},
			Report{},
			TFIDF{},
			&Tuning{},
			Tversky{},
			Value{},
		},
		Make: map[reflect.Type]func(g *extremes.Gen) any{
			reflect.TypeFor[*History]():   func(g *extremes.Gen) any { return someHistory(g) },
			reflect.TypeFor[*Model]():     func(g *extremes.Gen) any { return someModel(g) },
			reflect.TypeFor[Similarity](): func(g *extremes.Gen) any { return someSimilarity(g) },
			reflect.TypeFor[Recommender](): func(g *extremes.Gen) any {
				if p, err := FitPopularity(context.Background(), someHistory(g)); err == nil && g.IntN(3) == 0 {
					return p
				}
				return someModel(g)
			},
			reflect.TypeFor[Candidate](): func(g *extremes.Gen) any {
				s := someSimilarity(g)
				return extremes.One[Candidate](g, nil,
					func(ctx context.Context, h *History) (*Model, error) {
						return FitItemKNN(ctx, h, &ItemKNNOptions{Similarity: s})
					},
					func(ctx context.Context, h *History) (*Model, error) { return FitEASE(ctx, h, nil) })
			},
			reflect.TypeFor[*ItemSet](): func(g *extremes.Gen) any { return someModel(g).Items("a", "b", "x") },
			reflect.TypeFor[*Split](): func(g *extremes.Gen) any {
				s, _ := SplitLast(someHistory(g), nil)
				if s != nil {
					s.Validation = s.Test
				}
				return s
			},
			reflect.TypeFor[io.Reader](): func(g *extremes.Gen) any {
				return strings.NewReader("1,a,1,1\n2,b," + fmt.Sprint(g.Float()) + ",2\n")
			},
		},
		Constructed: []reflect.Type{reflect.TypeFor[*History]()},
		Texts:       []string{"a", "b", "c", "d", "e", "10", "9", "recall", "ndcg", "Order Completed", "product_id", "products"},
		Typed:       typed,
		Sound:       sound,
		Finite:      func(path string, _ float64) bool { return !strings.Contains(path, ".AppendRecommend") }, // which returns what it was given, too
		Skip:        []string{"Error", "LoadError"},
		Rounds:      400,
	})
}
