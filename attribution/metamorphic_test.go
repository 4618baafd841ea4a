package attribution

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/RoaringBitmap/roaring/v2"
)

// timeless are the models of rows without times.
var timeless = map[string]func(*Paths) (Credits, error){
	"first": FirstTouch, "last": LastTouch, "linear": Linear, "unique": LinearUnique, "decay": PositionDecay, "loo": LeaveOneOut,
	"shao": ShaoLi, "last in": LastIn,
	"position":  func(p *Paths) (Credits, error) { return Position(p, nil) },
	"geometric": func(p *Paths) (Credits, error) { return GeometricDecay(p, .5) },
	"markov":    func(p *Paths) (Credits, error) { return Markov(p, nil) },
	"markov 2":  func(p *Paths) (Credits, error) { return Markov(p, &MarkovOptions{Order: 2}) },
	"renorm":    func(p *Paths) (Credits, error) { return Markov(p, &MarkovOptions{Removal: Renormalize}) },
	"cohort":    func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: Cohort}) },
	"per path":  func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: PerPath}) },
	"subsets":   func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: RateSubset}) },
	"exact":     func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: RateExact}) },
	"chain":     func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: MarkovChain}) },
	"banzhaf":   func(p *Paths) (Credits, error) { return Banzhaf(p, &ShapleyOptions{Game: SumExact}) },
}

type someRow struct {
	path              []int
	conv, value, null float64
}

func someRows(r *rand.Rand) (rows []someRow) {
	for range 12 + r.IntN(20) {
		row := someRow{conv: float64(r.IntN(9)), null: float64(1 + r.IntN(20))}
		if row.conv > 0 {
			row.value = float64(r.IntN(500))
		}
		for range 1 + r.IntN(5) {
			row.path = append(row.path, r.IntN(6))
		}
		rows = append(rows, row)
	}
	return append(rows, someRow{conv: 3, value: 40, null: 100})
}

func pathsOfRows(t require.TestingT, rows []someRow, name func(int) string, counts, values float64) *Paths {
	p := new(Paths)
	for _, row := range rows {
		channels := make([]string, len(row.path))
		for i, c := range row.path {
			channels[i] = name(c)
		}
		require.NoError(t, p.Add(channels, row.conv*counts, row.value*values, row.null*counts))
	}
	return p
}

func letter(c int) string { return string(rune('a' + c)) }

// sameCredits compares credits in which channels, counts and values have other
// names and units. Effects that are rates have no unit.
func sameCredits(t require.TestingT, want, got Credits, from, to func(int) string, counts, values float64, msg string) {
	size, worth := 1e-9*math.Abs(want.Total.Conversions), 1e-9*math.Abs(want.Total.Value)
	for c := range 6 {
		w, ok := want.Of(from(c))
		g, ok2 := got.Of(to(c))
		require.Equal(t, ok, ok2, msg)
		require.InDelta(t, w.Conversions, g.Conversions/counts, size, "%s: %s", msg, from(c))
		require.InDelta(t, w.Value, g.Value/values, worth, "%s: %s", msg, from(c))
	}
	require.InDelta(t, want.Unattributed.Conversions, got.Unattributed.Conversions/counts, size, msg)
	require.InDelta(t, want.Unattributed.Value, got.Unattributed.Value/values, worth, msg)
	require.Len(t, got.Warnings, len(want.Warnings), msg)
}

// What channels are called, in what unit counts and values come, in how many
// rows, and in what order, is nothing to a model.
func TestCreditsDoNotDependOnUnits(t *testing.T) {
	r := rand.New(rand.NewPCG(93, 1))
	for range 25 {
		rows := someRows(r)
		names := r.Perm(6)
		renamed := func(c int) string { return fmt.Sprintf("%d channel", names[c]*names[c]) }
		split := slices.Clone(rows)
		for i := range rows {
			split[i].conv, split[i].value, split[i].null = rows[i].conv/4, rows[i].value/4, rows[i].null/4
			rest := rows[i]
			rest.conv, rest.value, rest.null = rest.conv*.75, rest.value*.75, rest.null*.75
			split = append(split, rest)
		}
		r.Shuffle(len(split), func(i, j int) { split[i], split[j] = split[j], split[i] })
		plain := pathsOfRows(t, rows, letter, 1, 1)
		for model, play := range timeless {
			want, err := play(plain)
			require.NoError(t, err, model)
			for _, other := range []struct {
				what           string
				p              *Paths
				name           func(int) string
				counts, values float64
			}{
				{"renamed", pathsOfRows(t, rows, renamed, 1, 1), renamed, 1, 1},
				{"many", pathsOfRows(t, rows, letter, 0x1p200, 1), letter, 0x1p200, 1},
				{"few", pathsOfRows(t, rows, letter, 0x1p-200, 0x1p-200), letter, 0x1p-200, 0x1p-200},
				{"dear", pathsOfRows(t, rows, letter, 1, 0x1p200), letter, 1, 0x1p200},
				{"cheap", pathsOfRows(t, rows, letter, 1, 0x1p-200), letter, 1, 0x1p-200},
				{"split", pathsOfRows(t, split, letter, 1, 1), letter, 1, 1},
			} {
				got, err := play(other.p)
				require.NoError(t, err, model)
				sameCredits(t, want, got, letter, other.name, other.counts, other.values, model+", "+other.what)
			}
		}
	}
}

// Four times as many journeys have half the relative uncertainty.
func TestIntervalsOfMoreJourneys(t *testing.T) {
	r := rand.New(rand.NewPCG(94, 1))
	for range 6 {
		rows := someRows(r)
		few, many := pathsOfRows(t, rows, letter, 1, 1), pathsOfRows(t, rows, letter, 4, 4)
		huge := pathsOfRows(t, rows, letter, 0x1p120, 0x1p150)
		for model, play := range timeless {
			if model == "loo" {
				continue // it has no slopes where it is cut off
			}
			a, err := Intervals(context.Background(), few, play, 0)
			require.NoError(t, err, model)
			b, err := Intervals(context.Background(), many, play, 0)
			require.NoError(t, err, model)
			c, err := Intervals(context.Background(), huge, play, 0)
			require.NoError(t, err, model)
			for i := range a {
				x, y, z := a[i], b[i], c[i]
				require.InDelta(t, 2*x.Conversions.StdErr, y.Conversions.StdErr, 1e-5*(1+x.Conversions.StdErr), "%s: %s", model, x.Channel)
				require.InDelta(t, 2*x.Value.StdErr, y.Value.StdErr, 1e-5*(1+x.Value.StdErr), "%s: %s", model, x.Channel)
				require.InDelta(t, x.Conversions.StdErr, z.Conversions.StdErr*0x1p-60, 1e-5*(1+x.Conversions.StdErr), "%s: %s", model, x.Channel)
				require.InDelta(t, x.Value.StdErr, z.Value.StdErr*0x1p-90, 1e-5*(1+x.Value.StdErr), "%s: %s", model, x.Channel)
			}
		}
	}
}

// Journeys do not know when time began, nor what the clock on the wall says,
// nor the numbers of users.
func TestJourneysElsewhere(t *testing.T) {
	r := rand.New(rand.NewPCG(95, 1))
	zone := time.FixedZone("", -9*3600)
	models := map[string]func(*Paths) (Credits, error){
		"time decay":  func(p *Paths) (Credits, error) { return TimeDecay(p, 30*time.Hour) },
		"last click":  LastClick,
		"person-time": func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: PersonTime}) },
		"markov":      timeless["markov"], "cohort": timeless["cohort"],
	}
	for range 10 {
		shift := time.Duration(r.Int64N(1e9)) * time.Second
		users := r.Perm(60)
		var here, there [2]*Journeys
		for i := range here {
			var err error
			here[i], err = NewJourneys(&JourneysOptions{Retain: 1e5 * time.Hour})
			require.NoError(t, err)
			there[i], err = NewJourneys(&JourneysOptions{Retain: 1e5 * time.Hour})
			require.NoError(t, err)
		}
		all, renumbered := roaring.New(), roaring.New()
		for u := range 60 {
			all.Add(uint32(1 + u))
			renumbered.Add(uint32(1 + users[u]))
		}
		for range 300 {
			u := r.IntN(50)
			from, to := uint32(1+u), uint32(1+users[u])
			at := extremeDay.Add(time.Duration(r.IntN(2000)) * time.Hour)
			moved := at.Add(shift).In(zone)
			if r.IntN(4) == 0 {
				v := float64(r.IntN(90))
				require.NoError(t, here[0].Convert(from, Conversion{Time: at, Value: v}))
				require.NoError(t, there[0].Convert(to, Conversion{Time: moved, Value: v}))
				continue
			}
			c, kind := letter(r.IntN(6)), Kind(r.IntN(2))
			require.NoError(t, here[0].Touch(from, Touch{Channel: c, Time: at, Kind: kind, Cost: 1}))
			require.NoError(t, there[0].Touch(to, Touch{Channel: c, Time: moved, Kind: kind, Cost: 1}))
		}
		for _, o := range []PathOptions{
			{AsOf: extremeDay.Add(2100 * time.Hour), Users: all},
			{AsOf: extremeDay.Add(1500 * time.Hour), Start: extremeDay.Add(300 * time.Hour), Users: all, NewCustomers: true},
			{AsOf: extremeDay.Add(1900 * time.Hour), Users: all, View: 9 * time.Hour, Gap: 40 * time.Hour, Transform: Collapse},
		} {
			moved := o
			moved.AsOf, moved.Users = o.AsOf.Add(shift).In(zone), renumbered
			if !o.Start.IsZero() {
				moved.Start = o.Start.Add(shift)
			}
			p, err := here[0].Paths(&o)
			require.NoError(t, err)
			q, err := there[0].Paths(&moved)
			require.NoError(t, err)
			require.Equal(t, p.Summary(), q.Summary())
			for model, play := range models {
				want, err := play(p)
				require.NoError(t, err, model)
				got, err := play(q)
				require.NoError(t, err, model)
				sameCredits(t, want, got, letter, letter, 1, 1, model)
			}
		}
	}
}

// A budget knows no unit of spend, nor of value.
func TestBudgetsDoNotDependOnUnits(t *testing.T) {
	r := rand.New(rand.NewPCG(96, 1))
	for range 40 {
		var curves []Curve
		for i := range 2 + r.IntN(4) {
			c := Curve{Channel: letter(i), Shape: []Shape{Log, Exponential, Hill}[r.IntN(3)], A: 1 + 9*r.Float64(), B: 1 + 20*r.Float64()}
			if c.Shape == Hill {
				c.S = []float64{.7, 1, 2}[r.IntN(3)]
			}
			if r.IntN(2) == 0 {
				c.Lo, c.Hi = 3*r.Float64(), 20+20*r.Float64()
			}
			curves = append(curves, c)
		}
		budget := 20 + 15*r.Float64()
		spend, worth := math.Ldexp(1, r.IntN(400)-200), math.Ldexp(1, r.IntN(400)-200)
		scaled := slices.Clone(curves)
		for i := range scaled {
			c := &scaled[i]
			c.A, c.B, c.Lo, c.Hi = c.A*worth, c.B*spend, c.Lo*spend, c.Hi*spend
		}
		var group, scaledGroup *AllocateOptions
		if r.IntN(2) == 0 {
			group = &AllocateOptions{Groups: []Group{{Name: "g", Channels: []string{"a", "b"}, Hi: .5 * budget, Lo: .1 * budget}}}
			scaledGroup = &AllocateOptions{Groups: []Group{{Name: "g", Channels: []string{"a", "b"}, Hi: .5 * budget * spend, Lo: .1 * budget * spend}}}
		}
		want, err := Allocate(curves, budget, group)
		got, err2 := Allocate(scaled, budget*spend, scaledGroup)
		require.Equal(t, err == nil, err2 == nil, "%v\n%v", err, err2)
		if err != nil {
			continue
		}
		require.InEpsilon(t, want.Value, got.Value/worth, 1e-6)
		require.InEpsilon(t, want.Bound, got.Bound/worth, 1e-6)
		if group != nil {
			continue // prices and spends of flat optima have few digits
		}
		require.InEpsilon(t, want.Price, got.Price*spend/worth, 1e-6)
		require.InDelta(t, want.Value, got.Value/worth, 1e-6*want.Value)
	}
}
