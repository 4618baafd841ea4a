package experiment

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/zhun-go/zhun/internal/laws"
)

var day0 = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func mustReadout(t testing.TB, opts *ReadoutOptions) *Readout {
	t.Helper()
	r, err := NewReadout("exp", opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReadoutLaws(t *testing.T) {
	laws.CheckView(t, laws.ViewSpec[*Readout]{
		New: func() *Readout { return mustReadout(t, nil) },
		Row: func(r *rand.Rand) laws.Row {
			row := laws.Row{User: uint32(1 + r.IntN(5)), At: day0.Add(time.Duration(r.IntN(6)) * 500 * time.Millisecond)}
			switch r.IntN(8) {
			case 0, 1, 2:
				row.Event = "Experiment Viewed"
				row.Fields = map[string]any{"experiment_id": "exp", "variation_id": []any{"a", "b", int64(3), "", nil}[r.IntN(5)]}
				if r.IntN(2) == 0 {
					row.Fields["epoch"] = []any{int64(1), "2", -1, 1.5}[r.IntN(4)]
				}
				if r.IntN(2) == 0 {
					row.Fields["unit"] = []any{"house", int64(7), true}[r.IntN(3)]
				}
			case 3:
				row.Event = "Page Viewed"
			case 4:
				row.Event = "Experiment Viewed"
				row.Fields = map[string]any{"experiment_id": "other", "variation_id": "a"}
			default:
				row.Event = "Order Completed"
				row.Fields = map[string]any{"revenue": []any{int64(5), 2.5, -1.5, 0.0, "x"}[r.IntN(5)]}
			}
			return row
		},
	})
}

func TestMomentsLaws(t *testing.T) {
	for _, kind := range []Kind{Mean, Proportion} {
		t.Run(kind.String(), func(t *testing.T) {
			laws.CheckSummary(t, laws.SummarySpec[*Moments, float64]{
				New: func() *Moments { return &Moments{Kind: kind} },
				Sample: func(r *rand.Rand) float64 {
					if kind == Proportion {
						return float64(r.IntN(2))
					}
					return float64(r.Int64N(2e15) - 1e15)
				},
				Add:   func(m *Moments, x float64) error { m.Add(x); return m.Err() },
				Sub:   func(m *Moments, x float64) error { m.Sub(x); return m.Err() },
				Merge: func(dst, src *Moments) error { return dst.Merge(src) },
			})
		})
	}
}

func TestJointLaws(t *testing.T) {
	laws.CheckSummary(t, laws.SummarySpec[*Joint, [3]float64]{
		New: func() *Joint {
			j, err := NewJoint(Mean, Mean, Proportion)
			if err != nil {
				t.Fatal(err)
			}
			return j
		},
		Sample: func(r *rand.Rand) [3]float64 {
			return [3]float64{float64(r.Int64N(2e15) - 1e15), float64(r.IntN(100)), float64(r.IntN(2))}
		},
		Add:   func(j *Joint, x [3]float64) error { j.Add(x[:]...); return j.Err() },
		Sub:   func(j *Joint, x [3]float64) error { j.Sub(x[:]...); return j.Err() },
		Merge: func(dst, src *Joint) error { return dst.Merge(src) },
	})
}

func TestSketchLaws(t *testing.T) {
	laws.CheckSummary(t, laws.SummarySpec[*Sketch, float64]{
		New: func() *Sketch { return new(Sketch) },
		Sample: func(r *rand.Rand) float64 {
			return float64(r.Int64N(2000)-1000) * []float64{0, 1, 1e-9, 1e12}[r.IntN(4)]
		},
		Add:   func(s *Sketch, x float64) error { s.Add(x); return s.Err() },
		Sub:   func(s *Sketch, x float64) error { s.Sub(x); return s.Err() },
		Merge: func(dst, src *Sketch) error { return dst.Merge(src) },
	})
}
