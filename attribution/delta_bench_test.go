package attribution

import (
	"testing"
	"time"
)

// What intervals cost beside the point estimate that they are about.
func BenchmarkShapleyIntervals(b *testing.B) {
	sets := benchPaths(b, 100_000, 20)
	timed := randomJourneys(b, 7, 20_000)
	for _, c := range []struct {
		name string
		p    *Paths
		game Game
	}{{"game=sum", sets, SumSubset}, {"game=cohort", timed, Cohort}, {"game=persontime", timed, PersonTime}} {
		b.Run(c.name, func(b *testing.B) {
			o := &ShapleyOptions{Game: c.game}
			start := time.Now()
			const runs = 5
			for range runs {
				if _, err := Shapley(c.p, o); err != nil {
					b.Fatal(err)
				}
			}
			rival := float64(time.Since(start).Nanoseconds()) / runs
			for b.Loop() {
				if _, err := ShapleyIntervals(c.p, o, 0.95); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(rival, "rival-ns")
			b.ReportMetric(2, "goal-ratio")
		})
	}
}
