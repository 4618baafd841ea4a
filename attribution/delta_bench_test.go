package attribution

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/zhun-go/zhun/internal/sim"
)

// What intervals cost beside the point estimate that they are about.
func BenchmarkIntervals(b *testing.B) {
	paths := benchPaths(b, 100_000, 20)
	timed := randomJourneys(b, 7, 20_000)
	sets := new(Paths)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		path := make([]string, 1+r.IntN(8))
		for i := range path {
			path[i] = fmt.Sprint(r.IntN(30))
		}
		if err := sets.Add(path, float64(r.IntN(2)), 1, float64(r.IntN(9))); err != nil {
			b.Fatal(err)
		}
	}
	game := func(g Game) func(p *Paths) (Credits, error) {
		return func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: g}) }
	}
	for _, c := range []struct {
		name  string
		p     *Paths
		model func(p *Paths) (Credits, error)
	}{
		{"last", paths, LastTouch},
		{"linear", paths, Linear},
		{"position", paths, func(p *Paths) (Credits, error) { return Position(p, nil) }},
		{"shapley", paths, game(SumSubset)},
		{"cohort", sets, game(Cohort)},
		{"persontime", timed, game(PersonTime)},
		{"markov", paths, func(p *Paths) (Credits, error) { return Markov(p, nil) }},
		{"markov3", paths, func(p *Paths) (Credits, error) { return Markov(p, &MarkovOptions{Order: 3}) }},
	} {
		b.Run("model="+c.name, func(b *testing.B) {
			rival := meanTime(func() {
				if _, err := c.model(c.p); err != nil {
					b.Fatal(err)
				}
			})
			for b.Loop() {
				if _, err := Intervals(context.Background(), c.p, c.model, 0.95); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(rival, "rival-ns")
			b.ReportMetric(2, "goal-ratio")
		})
	}
}

// The models that are fitted to people, on 60,000 of them.
func BenchmarkFit(b *testing.B) {
	_, by, _ := staticDesign{interactions: true, confounded: true}.population(b, 1, 60_000, 30)
	o := &LogisticOptions{}
	for i := range by {
		o.Covariates = append(o.Covariates, []float64{normalMean(i, len(by))})
	}
	b.Run("model=logistic", func(b *testing.B) {
		for b.Loop() {
			if _, err := FitLogistic(context.Background(), by, o); err != nil {
				b.Fatal(err)
			}
		}
	})
	w := newHazardWorld(b, sim.HazardOptions{Users: 60_000}, 10)
	h := &HazardOptions{Paths: w.timed(w.everyone), Groups: w.groups}
	b.Run("model=hazard", func(b *testing.B) {
		for b.Loop() {
			if _, err := FitHazard(context.Background(), w.journeys, h); err != nil {
				b.Fatal(err)
			}
		}
	})
}
