package attribution

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/sim"
)

// hazardWorld are the journeys of the design in continuous time: six channels,
// one window of 30 days, in which a conversion ends the observation.
type hazardWorld struct {
	journeys *Journeys
	everyone *roaring.Bitmap
	groups   []*roaring.Bitmap // by parts of equal size of the propensity
	truth    [6]float64
}

const hazardWindow = 30 * 24 * time.Hour

func inWindow(u float64) time.Time { return noon.Add(time.Duration(u * float64(hazardWindow))) }

func newHazardWorld(t testing.TB, o sim.HazardOptions, parts int) *hazardWorld {
	t.Helper()
	h, err := sim.NewHazard(&o)
	require.NoError(t, err)
	w := &hazardWorld{journeys: newJourneys(t, nil), everyone: roaring.New(), groups: make([]*roaring.Bitmap, parts), truth: h.Truth().Shapley}
	w.everyone.AddRange(1, uint64(o.Users)+1)
	for i := range w.groups {
		w.groups[i] = roaring.New()
	}
	for u := range h.Journeys() {
		w.groups[part(u.Propensity, parts)].Add(u.User)
		for _, touch := range u.Touches {
			if err := w.journeys.Touch(u.User, Touch{Channel: touch.Name(), Time: inWindow(touch.Time)}); err != nil {
				t.Fatal(err)
			}
		}
		if u.Converted {
			if err := w.journeys.Convert(u.User, Conversion{Time: inWindow(u.End), Value: 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return w
}

// whole are journeys to their end, as the rules and games want them.
func (w *hazardWorld) whole(t testing.TB) *Paths {
	t.Helper()
	p, err := w.journeys.Paths(&PathOptions{AsOf: inWindow(3), Users: w.everyone, SessionGap: -1})
	require.NoError(t, err)
	return p
}

// timed say what is observed in the window, and of whom.
func (w *hazardWorld) timed(users *roaring.Bitmap) *PathOptions {
	return &PathOptions{Start: noon, AsOf: inWindow(1), Users: users, SessionGap: -1, NewCustomers: true}
}

// distance is half the sum of absolute differences of shares, a share being a
// credit divided by the sum of absolute credits.
func distance(c Credits, truth [sim.HazardChannels]float64) float64 {
	shares := func(of func(i int) float64) (s [sim.HazardChannels]float64) {
		sum := 0.0
		for i := range s {
			s[i] = of(i)
			sum += math.Abs(s[i])
		}
		for i := range s {
			s[i] /= sum
		}
		return s
	}
	want := shares(func(i int) float64 { return truth[i] })
	got := shares(func(i int) float64 {
		k, _ := c.Of(string(rune('A' + i)))
		return k.Conversions
	})
	d := 0.0
	for i := range got {
		d += math.Abs(got[i]-want[i]) / 2
	}
	return d
}

// aggregated are the models that read no times.
func aggregated() []struct {
	name string
	run  func(p *Paths) (Credits, error)
} {
	game := func(g Game) func(p *Paths) (Credits, error) {
		return func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: g}) }
	}
	markov := func(o MarkovOptions) func(p *Paths) (Credits, error) {
		return func(p *Paths) (Credits, error) { return Markov(p, &o) }
	}
	return []struct {
		name string
		run  func(p *Paths) (Credits, error)
	}{
		{"first touch", FirstTouch},
		{"last touch", LastTouch},
		{"last non F", func(p *Paths) (Credits, error) { return LastNon(p, "F") }},
		{"linear", Linear},
		{"position 40/20/40", func(p *Paths) (Credits, error) { return Position(p, nil) }},
		{"position decay", PositionDecay},
		{"geometric decay 0.5", func(p *Paths) (Credits, error) { return GeometricDecay(p, 0.5) }},
		{"SumSubset, TouchAny (v1, v5)", game(SumSubset)},
		{"RateSubset (v2)", game(RateSubset)},
		{"RateExact (v3)", game(RateExact)},
		{"SumExact (v4)", game(SumExact)},
		{"MarkovChain (v6)", game(MarkovChain)},
		{"Banzhaf, SumSubset", func(p *Paths) (Credits, error) { return Banzhaf(p, nil) }},
		{"PerPath", game(PerPath)},
		{"leave one out", LeaveOneOut},
		{"Shao–Li", ShaoLi},
		{"Markov, order 1", markov(MarkovOptions{})},
		{"Markov, order 2", markov(MarkovOptions{Order: 2})},
		{"Markov, order 3", markov(MarkovOptions{Order: 3})},
		{"Markov, renormalized", markov(MarkovOptions{Removal: Renormalize})},
		{"last in, Cohort", LastIn},
		{"Cohort (v7)", game(Cohort)},
	}
}

// truthTable collects the mean distances of models by design.
type truthTable struct {
	names   []string
	designs []string
	mean    map[[2]string]float64
}

func (tt *truthTable) add(model, design string, d float64, seeds int) {
	if _, ok := tt.mean[[2]string{model, design}]; !ok {
		tt.names = appendNew(tt.names, model)
		tt.designs = appendNew(tt.designs, design)
	}
	tt.mean[[2]string{model, design}] += d / float64(seeds)
}

func appendNew(list []string, x string) []string {
	for _, y := range list {
		if x == y {
			return list
		}
	}
	return append(list, x)
}

func (tt *truthTable) at(model, design string) float64 {
	d, ok := tt.mean[[2]string{model, design}]
	if !ok {
		return math.NaN()
	}
	return d
}

func (tt *truthTable) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-30s", "")
	for _, d := range tt.designs {
		fmt.Fprintf(&b, "%13s", d)
	}
	b.WriteByte('\n')
	for _, n := range tt.names {
		fmt.Fprintf(&b, "%-30s", n)
		for _, d := range tt.designs {
			if x := tt.at(n, d); math.IsNaN(x) {
				fmt.Fprintf(&b, "%13s", "")
			} else {
				fmt.Fprintf(&b, "%13.3f", x)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// truthSize is how many people and seeds, and into how many parts by
// propensity: a single draw of 60,000, or the mean of five of 600,000.
func truthSize() (users, seeds, parts int, long bool) {
	if os.Getenv("ZHUN_LONG") != "" {
		return 600_000, 5, 30, true
	}
	return 60_000, 1, 10, false
}

// Which models recover what channels caused whose exposure is fixed before
// the outcome?
func TestStaticTruth(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	users, seeds, parts, long := truthSize()
	table := &truthTable{mean: map[[2]string]float64{}}
	cohort := func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: Cohort}) }
	means := &LogisticOptions{}
	for i := range parts {
		means.Covariates = append(means.Covariates, []float64{normalMean(i, parts)})
	}
	for _, d := range []struct {
		name   string
		design staticDesign
	}{
		{"random", staticDesign{}},
		{"interactions", staticDesign{interactions: true}},
		{"order", staticDesign{ordered: true}},
		{"targeted", staticDesign{interactions: true, confounded: true}},
	} {
		for seed := range seeds {
			all, by, truth := d.design.population(t, uint64(seed+1), users, parts)
			for _, m := range aggregated() {
				c, err := m.run(all)
				require.NoError(t, err)
				table.add(m.name, d.name, distance(c, truth), seeds)
			}
			c, err := Stratified(by, cohort)
			require.NoError(t, err)
			requireWhole(t, c)
			table.add("Cohort in strata", d.name, distance(c, truth), seeds)
			table.add("logistic", d.name, distance(fitLogistic(t, []*Paths{all}, nil).Credits, truth), seeds)
			table.add("logistic, covariate", d.name, distance(fitLogistic(t, by, means).Credits, truth), seeds)
		}
	}
	t.Logf("\n%v", table)
	// One draw of 60,000 has a noise of about .05 in the causal games.
	bound, targeted := 0.08, 0.13
	if long {
		bound, targeted = 0.03, 0.04
	}
	for _, d := range []string{"random", "interactions"} {
		require.LessOrEqual(t, table.at("Cohort (v7)", d), bound, d)
		require.LessOrEqual(t, table.at("logistic", d), bound, d)
		require.LessOrEqual(t, table.at("logistic, covariate", d), bound, d)
	}
	require.LessOrEqual(t, table.at("Cohort in strata", "targeted"), targeted)
	require.LessOrEqual(t, table.at("logistic, covariate", "targeted"), targeted)
	for _, name := range []string{"first touch", "last touch", "linear", "SumSubset, TouchAny (v1, v5)", "Markov, order 1"} {
		for _, d := range table.designs {
			require.Greater(t, table.at(name, d), 0.2, "%s, %s", name, d)
		}
	}
	for _, name := range []string{"Cohort (v7)", "logistic"} {
		require.Greater(t, table.at(name, "targeted"), 0.25, "targeted without its cause")
	}
}

// And where touches and conversions come in time, and a conversion ends the
// observation?
func TestHazardTruth(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	users, seeds, parts, long := truthSize()
	table := &truthTable{mean: map[[2]string]float64{}}
	personTime := func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: PersonTime}) }
	for _, d := range []struct {
		name string
		o    sim.HazardOptions
	}{
		{"random", sim.HazardOptions{}},
		{"order", sim.HazardOptions{Order: 1}},
		{"fading", sim.HazardOptions{HalfLife: 0.2}},
		{"targeted", sim.HazardOptions{Targeting: 1.5}},
	} {
		for seed := range seeds {
			d.o.Seed, d.o.Users = uint64(seed+1), users
			w := newHazardWorld(t, d.o, parts)
			add := func(name string, c Credits, err error) {
				require.NoError(t, err)
				requireWhole(t, c)
				table.add(name, d.name, distance(c, w.truth), seeds)
			}
			whole := w.whole(t)
			for _, m := range aggregated() {
				c, err := m.run(whole)
				require.NoError(t, err)
				table.add(m.name, d.name, distance(c, w.truth), seeds)
			}
			c, err := TimeDecay(whole, 0)
			add("time decay, 7 days", c, err)
			timed, err := w.journeys.Paths(w.timed(w.everyone))
			require.NoError(t, err)
			c, err = personTime(timed)
			add("PersonTime (v8)", c, err)
			var strata []*Paths
			for _, g := range w.groups {
				p, err := w.journeys.Paths(w.timed(g))
				require.NoError(t, err)
				strata = append(strata, p)
			}
			c, err = Stratified(strata, personTime)
			add("PersonTime in strata", c, err)
			day := 24 * time.Hour
			o := &HazardOptions{Paths: w.timed(w.everyone), Grid: []time.Duration{3 * day, 6 * day, 12 * day, Forever}}
			fit, err := FitHazard(context.Background(), w.journeys, o)
			add("additive hazard", fit.Credits, err)
			o.Groups = w.groups
			fit, err = FitHazard(context.Background(), w.journeys, o)
			add("additive hazard, groups", fit.Credits, err)
		}
	}
	t.Logf("\n%v", table)
	bound := 0.06
	if long {
		bound = 0.03
	}
	require.LessOrEqual(t, table.at("PersonTime (v8)", "random"), bound)
	for _, name := range []string{"first touch", "last touch", "linear", "SumSubset, TouchAny (v1, v5)", "Markov, order 1"} {
		require.Greater(t, table.at(name, "random"), 0.2, name)
	}
	require.Greater(t, table.at("Cohort (v7)", "random"), 0.3)
	require.Greater(t, table.at("PersonTime (v8)", "targeted"), 0.15)
	require.Less(t, table.at("additive hazard, groups", "targeted"), table.at("additive hazard", "targeted"))
}
