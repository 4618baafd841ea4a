package attribution

import (
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/internal/extremes"
)

func somePaths(g *extremes.Gen) *Paths {
	p := new(Paths)
	for range g.IntN(8) {
		channels := make([]string, g.IntN(5))
		for i := range channels {
			channels[i] = extremes.One(g, "a", "b", "c", "d", "email")
		}
		_ = p.Add(channels, math.Abs(g.Float()), g.Float(), math.Abs(g.Float()))
	}
	if g.IntN(3) == 0 {
		_ = p.AddSpend("a", g.Float())
	}
	return p
}

var extremeDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func someJourneys(g *extremes.Gen) *Journeys {
	j, err := NewJourneys(nil)
	if err != nil {
		panic(err)
	}
	at := func() time.Time {
		if g.IntN(30) == 0 {
			return g.Time()
		}
		return extremeDay.Add(time.Duration(g.IntN(1000)) * time.Hour)
	}
	for range g.IntN(60) {
		user := uint32(g.IntN(12))
		switch g.IntN(8) {
		case 0, 1:
			_ = j.Convert(user, Conversion{ID: extremes.One(g, "", "x", "y"), Time: at(), Value: math.Abs(g.Float())})
		case 2:
			_ = j.Refund(user, extremes.One(g, "x", "y"), math.Abs(g.Float()), at())
		case 3:
			_ = j.Spend(extremes.One(g, "a", "b"), at(), g.Float())
		default:
			_ = j.Touch(user, Touch{Channel: extremes.One(g, "a", "b", "c", "d"), Time: at(), Kind: Kind(g.IntN(2)), Cost: math.Abs(g.Float())})
		}
	}
	return j
}

// someModel is any of the package's, with or without options.
func someModel(g *extremes.Gen) func(*Paths) (Credits, error) {
	weight := g.Float()
	return extremes.One(g, nil, FirstTouch, LastTouch, Linear, LinearUnique, PositionDecay, LeaveOneOut, ShaoLi, LastIn, LastClick,
		func(p *Paths) (Credits, error) { return Position(p, nil) },
		func(p *Paths) (Credits, error) { return TimeDecay(p, 0) },
		func(p *Paths) (Credits, error) { return Markov(p, nil) },
		func(p *Paths) (Credits, error) { return Markov(p, &MarkovOptions{Order: 2}) },
		func(p *Paths) (Credits, error) { return Markov(p, &MarkovOptions{Removal: Renormalize}) },
		func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: PersonTime}) },
		func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: Cohort}) },
		func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: PerPath}) },
		func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: MarkovChain}) },
		func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: RateSubset}) },
		func(p *Paths) (Credits, error) { return Banzhaf(p, &ShapleyOptions{Game: RateExact}) },
		func(p *Paths) (Credits, error) { return GeometricDecay(p, weight) },
		func(p *Paths) (Credits, error) {
			return Custom(p, "weight", func(position, length int) float64 { return weight * float64(position) })
		})
}

func typed(err error) bool {
	for _, sentinel := range []error{
		ErrUser, ErrInput, ErrAttached, ErrOptions, ErrCurrency, ErrNoTimes, ErrNegative, ErrCorrupt, ErrVersion,
		ErrChannels, ErrInfeasible, ErrNoParts, ErrDesign,
	} {
		if errors.Is(err, sentinel) {
			return strings.HasPrefix(err.Error(), "attribution") || err == sentinel
		}
	}
	return false
}

// sound tells what is wrong with a result.
func sound(v any) string {
	switch v := v.(type) {
	case Credits:
		if v.Model == "" || strings.HasPrefix(v.Model, "last in") || v.Model == "made by hand" {
			return ""
		}
		conv, value, size := v.Unattributed.Conversions, v.Unattributed.Value, math.Abs(v.Unattributed.Conversions)
		worth := math.Abs(v.Unattributed.Value)
		for _, c := range v.Channels {
			conv, value = conv+c.Conversions, value+c.Value
			size, worth = size+math.Abs(c.Conversions), worth+math.Abs(c.Value)
		}
		if math.Abs(conv-v.Total.Conversions) > 1e-9*size+1e-300 {
			return fmt.Sprintf("credits add up to %v", conv)
		}
		if math.Abs(value-v.Total.Value) > 1e-9*(worth+math.Abs(v.Total.Value))+1e-300 {
			return fmt.Sprintf("values add up to %v", value)
		}
	case Estimate:
		if math.IsNaN(v.Value - v.Value) {
			break // it is looked at by itself
		}
		if !(v.Lo <= v.Hi && v.StdErr >= 0) {
			return "the interval is upside down"
		}
	case Allocation:
		sum := 0.0
		for _, c := range v.Channels {
			if sum += c.Spend; c.Spend < 0 {
				return "negative spend"
			}
		}
		if math.Abs(sum-v.Budget) > 1e-6*math.Abs(v.Budget)+1e-300 {
			return fmt.Sprintf("spends %v", sum)
		}
		if v.Value > v.Bound*(1+1e-9)+1e-300 {
			return "above its bound"
		}
	}
	return ""
}

func TestExtremes(t *testing.T) {
	extremes.Check(t, extremes.Spec{
		Functions: map[string]any{
			"Allocate": Allocate, "Bootstrap": Bootstrap, "BudgetPath": BudgetPath, "AllocateMarginal": AllocateMarginal,
			"AllocateROAS": AllocateROAS, "Calibrate": Calibrate, "DefaultChannels": DefaultChannels, "LastIn": LastIn,
			"ReadCSV": ReadCSV, "FitCurve": FitCurve, "FirstLasts": FirstLasts, "Funnels": Funnels, "Steps": Steps,
			"Shapley": Shapley, "Banzhaf": Banzhaf, "NewGrouping": NewGrouping, "FitHazard": FitHazard,
			"OrderedShapley": OrderedShapley, "LeaveOneOut": LeaveOneOut, "ShaoLi": ShaoLi, "Intervals": Intervals,
			"ShapleyIntervals": ShapleyIntervals, "NewJourneys": NewJourneys, "FitLogistic": FitLogistic, "Markov": Markov,
			"MarkovOrder": MarkovOrder, "PerJourney": PerJourney, "Position": Position, "PositionDecay": PositionDecay,
			"GeometricDecay": GeometricDecay, "Custom": Custom, "Assists": Assists, "PathLengths": PathLengths,
			"TopPaths": TopPaths, "Transitions": Transitions, "FirstTouch": FirstTouch, "LastTouch": LastTouch,
			"LastNon": LastNon, "FirstNon": FirstNon, "Linear": Linear, "LinearUnique": LinearUnique, "Solve": Solve,
			"Stratified": Stratified, "TimeDecay": TimeDecay, "LastClick": LastClick, "TimeLags": TimeLags, "Apportion": Apportion,
		},
		Types: []any{
			Allocation{},
			Assist{},
			&CSVError{},
			Credit{},
			Credits{},
			Curve{},
			Estimate{},
			Fit{},
			Funnel{},
			Game(0), &Grouping{}, &InfeasibleError{},
			&InputError{},
			Interval{},
			&Journeys{}, Kind(0),
			Modelled{},
			Path{},
			&Paths{}, Shape(0), Transform(0),
		},
		Make: map[reflect.Type]func(g *extremes.Gen) any{
			reflect.TypeFor[*Paths]():                        func(g *extremes.Gen) any { return somePaths(g) },
			reflect.TypeFor[*Journeys]():                     func(g *extremes.Gen) any { return someJourneys(g) },
			reflect.TypeFor[func(*Paths) (Credits, error)](): func(g *extremes.Gen) any { return someModel(g) },
			reflect.TypeFor[*roaring.Bitmap](): func(g *extremes.Gen) any {
				b := roaring.BitmapOf(0, 1, 2, 3, 50, math.MaxUint32)
				if g.IntN(4) == 0 {
					b.AddRange(0, 1<<20)
				}
				return b
			},
			reflect.TypeFor[Curve](): func(g *extremes.Gen) any {
				c := Curve{Channel: g.Text(), Shape: Shape(g.IntN(4)), A: math.Abs(g.Float()), B: math.Abs(g.Float()), S: extremes.One(g, 0, .5, 1, 2, 3), Lo: 0}
				if c.Shape == Power && g.IntN(4) > 0 {
					c.B = extremes.One(g, .1, .5, .9)
				}
				if g.IntN(2) == 0 {
					c.Lo, c.Hi = math.Abs(g.Float()), math.Abs(g.Float())
				}
				return c
			},
			reflect.TypeFor[Credits](): func(g *extremes.Gen) any {
				c, _ := Markov(somePaths(g), nil)
				return c
			},
			reflect.TypeFor[io.Reader](): func(g *extremes.Gen) any {
				return strings.NewReader("path,conversions,value,nulls\na>b," + fmt.Sprint(g.Float()) + "," + fmt.Sprint(g.Float()) + ",1\n")
			},
		},
		Texts: []string{"a", "b", "c", "d", "email", "Order Completed", "page"},
		Typed: typed,
		Sound: sound,
		Finite: func(path string, x float64) bool {
			return !(strings.HasPrefix(path, "FitCurve") && math.IsInf(x, 0)) && !strings.HasPrefix(path, "Credit.") && !strings.HasPrefix(path, "Curve.") && !strings.HasPrefix(path, "Fit.") && !strings.HasSuffix(path, ".Marginal")
		},
		Rounds: 300,
	})
}
