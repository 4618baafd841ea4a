package attribution

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// An arbitrary game in 20 and 25 channels, from the paths: conversions and
// value, each a table of all sets. The limit goes once over a table of that
// size.
func BenchmarkGame(b *testing.B) {
	for _, c := range []struct {
		channels     int
		wanted, pass float64 // the goal, and what the limit takes on a quiet machine
	}{{20, 200e6, 0.7e6}, {25, 3e9, 25e6}} {
		b.Run(fmt.Sprintf("channels=%d", c.channels), func(b *testing.B) {
			if testing.Short() && c.channels > 20 {
				b.Skip("half a gigabyte")
			}
			p := benchPaths(b, 20_000, c.channels)
			table := make([]float64, 1<<c.channels)
			rival := meanTime(func() {
				for i := range table {
					table[i]++
				}
			})
			table = nil
			for b.Loop() {
				if _, err := Shapley(p, &ShapleyOptions{Game: RateSubset}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(rival, "rival-ns")
			b.ReportMetric(c.pass, "rival-guide-ns")
			b.ReportMetric(c.wanted/c.pass, "goal-ratio")
		})
	}
}

func BenchmarkCohort(b *testing.B) {
	for _, channels := range []int{12, 200} {
		b.Run(fmt.Sprintf("channels=%d", channels), func(b *testing.B) {
			p := new(Paths)
			r := rand.New(rand.NewPCG(1, 2))
			for range 20_000 {
				path := make([]string, 1+r.IntN(10))
				for i := range path {
					path[i] = fmt.Sprint(r.IntN(channels))
				}
				if err := p.Add(path, float64(r.IntN(2)), 1, float64(r.IntN(9))); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := Shapley(p, &ShapleyOptions{Game: Cohort}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(p.sets.len()), "sets")
		})
	}
}

// Markov chains of order 1 and 3 through a million journeys; the limit is one
// pass over their interned paths.
func BenchmarkMarkov(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	p := new(Paths)
	for range 1_000_000 {
		// A walk that prefers to stay keeps the number of windows realistic.
		path := []string{fmt.Sprint(r.IntN(12))}
		for r.IntN(4) > 0 && len(path) < 40 {
			if r.IntN(2) == 0 {
				path = append(path, path[len(path)-1])
			} else {
				path = append(path, fmt.Sprint(r.IntN(12)))
			}
		}
		if err := p.Add(path, float64(r.IntN(3)/2), float64(r.IntN(100)), float64(r.IntN(9))); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		order  int
		wanted float64
	}{{1, 100e6}, {3, 600e6}} {
		b.Run(fmt.Sprintf("order=%d", c.order), func(b *testing.B) {
			rows := float64(len(p.rows))
			rival := limitTime(p)
			for b.Loop() {
				if _, err := Markov(p, &MarkovOptions{Order: c.order}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(rows, "paths")
			b.ReportMetric(rival, "rival-ns")
			b.ReportMetric(limitPerPath*rows, "rival-guide-ns")
			b.ReportMetric(c.wanted/(limitPerPath*rows), "goal-ratio")
		})
	}
}

func BenchmarkAllocate(b *testing.B) {
	for _, shape := range []Shape{Log, Hill} {
		b.Run("shape="+shape.String(), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 3))
			curves := make([]Curve, 20)
			for i := range curves {
				curves[i] = Curve{Shape: shape, A: 1 + 100*r.Float64(), B: 1 + 100*r.Float64(), S: 2}
			}
			for b.Loop() {
				a, err := Allocate(curves, 1000, nil)
				if err != nil || len(a.Warnings) > 0 {
					b.Fatal(err, a.Warnings)
				}
			}
		})
	}
}
