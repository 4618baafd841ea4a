package experiment

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zhun-go/zhun/internal/extremes"
)

func someMoments(g *extremes.Gen) *Moments {
	m := &Moments{Kind: Kind(g.IntN(2))}
	for range g.IntN(7) {
		if m.Kind == Proportion {
			m.Add(float64(g.IntN(2)))
		} else if x := g.Float(); x-x == 0 && x*x < 1e288 || g.IntN(20) == 0 {
			m.Add(x)
		}
	}
	return m
}

func someJoint(g *extremes.Gen) *Joint {
	kinds := make([]Kind, 1+g.IntN(4))
	if g.IntN(3) == 0 {
		kinds[g.IntN(len(kinds))] = Proportion
	}
	j, _ := NewJoint(kinds...)
	x := make([]float64, len(kinds))
	for range g.IntN(12) {
		for i, k := range kinds {
			if x[i] = g.Float(); k == Proportion {
				x[i] = float64(g.IntN(2))
			} else if !(x[i]*x[i] < 1e288) && g.IntN(20) > 0 {
				x[i] = 1
			}
		}
		j.Add(x...)
	}
	return j
}

var edgeDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func someReadout(g *extremes.Gen) *Readout {
	opts := &ReadoutOptions{Window: extremes.One(g, 0, time.Hour, 100*time.Hour), Metrics: extremes.One(g, nil, append(DefaultMetrics(),
		Metric{Name: "capped", Event: "e", Fields: []string{"v"}, Aggregate: SumValues, Cap: .8, Floor: .1},
		Metric{Name: "median", Event: "e", Fields: []string{"v"}, Aggregate: SumValues, Quantile: .5},
		Metric{Name: "trimmed", Event: "e", Fields: []string{"v"}, Aggregate: SumValues, Trim: .1},
		Metric{Name: "ratio", Event: "e", Fields: []string{"v"}, Aggregate: SumValues, Per: "orders"},
	))}
	if g.IntN(3) == 0 {
		opts.Weights = []map[string]float64{{"control": 1, "treatment": extremes.One(g, 1, 2, 1e-300)}, {"control": 1, "treatment": 1}}
	}
	r, err := NewReadout("exp", opts)
	if err != nil {
		panic(err)
	}
	at := func() time.Time { return edgeDay.Add(time.Duration(g.IntN(50)) * time.Hour) }
	for user := range uint32(g.IntN(40)) {
		e := Exposure{Arm: extremes.One(g, "control", "treatment"), Epoch: extremes.One(g, 0, 0, 0, 1), At: at()}
		if g.IntN(4) == 0 {
			e.Unit = extremes.One(g, "u", "v", "w")
		}
		if g.IntN(20) == 0 {
			e.Epoch, e.At = int(g.Int()), g.Time()
		}
		_ = r.Expose(user+1, e)
		for range g.IntN(3) {
			_ = r.Record(user+1, extremes.One(g, "revenue", "orders", "conversion", "capped", "median", "trimmed", "ratio"), g.Float(), at())
		}
	}
	return r
}

// typed tells whether an error wraps a sentinel and says where it comes from.
func typed(err error) bool {
	for _, sentinel := range []error{
		ErrCorrupt, ErrVersion, ErrInvalid, ErrUser, ErrUnit, ErrArm, ErrMetric, ErrTime, ErrNotFinite, ErrKind, ErrVariance,
		ErrTooFew, ErrZero, ErrAttached, ErrOptions, ErrNoVariance,
	} {
		if errors.Is(err, sentinel) {
			return strings.HasPrefix(err.Error(), "experiment") || err == sentinel
		}
	}
	return false
}

// sound tells what is wrong with a result.
func sound(v any) string {
	between := func(e Estimate) bool { return e.Lo <= e.Value && e.Value <= e.Hi && e.StdErr >= 0 }
	chance := func(p ...float64) bool {
		return !slices.ContainsFunc(p, func(p float64) bool { return !(p >= 0 && p <= 1) })
	}
	switch v := v.(type) {
	case Comparison:
		switch {
		case v.Method == "":
		case !chance(v.P, v.PGreater, v.PLess):
			return "no p-value"
		case !between(v.Absolute):
			return "the absolute effect is not within its interval"
		case v.Relative.Value == v.Relative.Value && !between(v.Relative):
			return "the relative effect is not within its interval"
		case v.Relative.Value != v.Relative.Value && !slices.ContainsFunc(v.Warnings, func(err error) bool { return errors.Is(err, ErrZero) }):
			return "no relative effect, and no warning"
		case !(v.Control.StdErr >= 0 && v.Treatment.StdErr >= 0 && v.Control.StdDev >= 0 && v.Treatment.StdDev >= 0):
			return "negative standard error"
		}
	case Posterior:
		if v != (Posterior{}) && (!chance(v.ChanceToWin) || !between(v.Effect) || !(min(v.LossOfControl, v.LossOfTreatment) >= 0)) {
			return "no belief"
		}
	case Omnibus:
		if v.Method != "" && (!chance(v.P) || !(v.Statistic >= 0)) {
			return "no p-value"
		}
	case SampleRatio:
		if v.Counts != nil && (!chance(v.P, v.Adjusted)) {
			return "no p-value"
		}
	case Equivalence:
		if v != (Equivalence{}) && (!chance(v.P, v.PLow, v.PHigh) || !between(v.Interval)) {
			return "no p-value"
		}
	case Quantile:
		if v.N > 0 && !(v.Lo <= v.Value && v.Value <= v.Hi) {
			return "the quantile is not within its bounds"
		}
	}
	return ""
}

// finite tells which numbers must be.
func finite(path string, x float64) bool {
	end := path[strings.LastIndex(path, ".")+1:]
	switch {
	case strings.HasPrefix(path, "Moments.") || strings.HasPrefix(path, "Joint."):
		return !math.IsNaN(x) // of fewer than two values
	case strings.Contains(path, ".Relative."), strings.Contains(path, "Lo"), strings.Contains(path, "Hi"):
		return false // see sound
	case end == "ChiSquare" || end == "T" || end == "Statistic":
		return math.IsNaN(x)
	case end == "DF" || end == "DF2":
		return math.IsNaN(x)
	}
	return true
}

func TestExtremes(t *testing.T) {
	extremes.Check(t, extremes.Spec{
		Functions: map[string]any{
			"Adjust": Adjust, "Cap": Cap, "Combine": Combine, "Winsorize": Winsorize, "CUPED": CUPED, "CUPEDRatio": CUPEDRatio,
			"Interaction": Interaction, "Lin": Lin, "Proportions": Proportions, "Quantiles": Quantiles, "Ratio": Ratio, "Welch": Welch,
			"Yuen": Yuen, "New": New, "Parse": Parse, "JointOf": JointOf, "NewJoint": NewJoint, "DefaultMetrics": DefaultMetrics,
			"MomentsOf": MomentsOf, "AnyDifference": AnyDifference, "QuantileOf": QuantileOf, "NewReadout": NewReadout, "SRM": SRM,
			"SequentialSRM": SequentialSRM, "NewTimeline": NewTimeline,
		},
		Types: []any{
			Aggregate(0), Alternative(0),
			Assignment{},
			Balance{},
			Comparison{},
			Correction(0), Difference(0),
			Equivalence{},
			Estimate{},
			&Experiment{}, &Exposures{},
			Influence{},
			Interval(0), &Joint{}, Kind(0), &Moments{},
			Novelty{},
			Omnibus{},
			Posterior{},
			&OptionError{},
			Quantile{},
			&Readout{},
			Report{},
			SampleRatio{},
			Scale(0), &Sketch{}, StdErr(0), &Timeline{}, &ValueError{},
		},
		Make: map[reflect.Type]func(g *extremes.Gen) any{
			reflect.TypeFor[*Moments](): func(g *extremes.Gen) any { return someMoments(g) },
			reflect.TypeFor[*Joint]():   func(g *extremes.Gen) any { return someJoint(g) },
			reflect.TypeFor[*Readout](): func(g *extremes.Gen) any { return someReadout(g) },
			reflect.TypeFor[*Sketch](): func(g *extremes.Gen) any {
				s := &Sketch{}
				for range g.IntN(20) {
					s.Add(g.Float())
				}
				return s
			},
			reflect.TypeFor[*Timeline](): func(g *extremes.Gen) any {
				x, err := NewTimeline(Mean, edgeDay, time.Hour)
				if err != nil {
					panic(err)
				}
				for range g.IntN(20) {
					x.Add(g.Time(), g.Float())
				}
				return x
			},
			reflect.TypeFor[Observations](): func(g *extremes.Gen) any {
				n, p := g.IntN(20), g.IntN(3)
				d := Observations{Y: make([]float64, n), Treated: make([]bool, n), X: make([][]float64, n)}
				if g.IntN(3) == 0 {
					d.Cluster = make([]int, n)
				}
				for i := range n {
					d.Y[i], d.Treated[i] = g.Float(), g.IntN(2) == 0
					if d.Cluster != nil {
						d.Cluster[i] = g.IntN(5)
					}
					for range p {
						d.X[i] = append(d.X[i], g.Float())
					}
				}
				return d
			},
			reflect.TypeFor[error]():  func(*extremes.Gen) any { return fmt.Errorf("x: %w", ErrZero) },
			reflect.TypeFor[Sticky](): func(*extremes.Gen) any { return memory{} },
			reflect.TypeFor[[]Arm](): func(*extremes.Gen) any {
				return []Arm{{Name: "control", Weight: 1}, {Name: "treatment", Weight: 1}}
			},
		},
		Texts:  []string{"exp", "control", "treatment", "control", "treatment", "revenue", "orders", "conversion", "capped", "median", "trimmed", "ratio"},
		Typed:  typed,
		Sound:  sound,
		Finite: finite,
		Rounds: 600,
	})
}

type memory map[string]Memory

func (m memory) Load(experiment, unit string) (Memory, bool, error) {
	x, ok := m[experiment+unit]
	return x, ok, nil
}

func (m memory) Save(experiment, unit string, x Memory) error { m[experiment+unit] = x; return nil }
