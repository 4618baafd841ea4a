package recommend

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// limit runs f once and returns its time: what the arithmetic alone takes.
func limit(b *testing.B, f func() float64) float64 {
	start := time.Now()
	if x := f(); x != x {
		b.Fatal("the limit loop gave NaN")
	}
	return float64(time.Since(start))
}

// perSecond is how many scalar multiply-adds a quiet machine of this class does
// in the limit loop.
const perSecond = 2.4e9

// reportGoal reports a goal in CPU-seconds as a ratio to the limit loop: on a
// quiet machine of this class the ratio allows just that time. The loop is run
// for a fraction of the multiply-adds, since its time is proportional to them.
func reportGoal(b *testing.B, goal time.Duration, multiplyAdds int) {
	const sample = 1 << 29
	b.ReportMetric(limit(b, func() float64 { return multiplyAdd(sample) })/sample*float64(multiplyAdds), "rival-ns")
	guide := float64(multiplyAdds) / perSecond * 1e9
	b.ReportMetric(guide, "rival-guide-ns")
	b.ReportMetric(float64(goal)/guide, "goal-ratio")
}

// multiplyAdd does n scalar multiply-adds in four chains, the limit loop of
// the linear models.
func multiplyAdd(n int) float64 {
	a, b, c, d := 1.0, 1.0, 1.0, 1.0
	for range n / 4 {
		a = a*0.999 + 1
		b = b*0.999 + 2
		c = c*0.999 + 3
		d = d*0.999 + 4
	}
	return a + b + c + d
}

// The goal is 5 CPU-seconds at 3,500 items.
func BenchmarkFitEASE(b *testing.B) {
	h := fixture(b, 6_000, 3_500, 600_000)
	b.Run("items=3500/workers=1", func(b *testing.B) {
		var m *Model
		fit := func() {
			var err error
			if m, err = FitEASE(context.Background(), h, &EASEOptions{Lambda: 500, Workers: 1}); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			fit()
		}
		n := m.Len()
		reportMemory(b, m, fit)
		reportGoal(b, 5*time.Second, n*n*n/2)
	})
}

// The goals are 15 and 50 CPU-seconds for as many systems of order C, of which
// the limit loop neither finds nor gathers any. ZHUN_LONG=1 runs C = 200 too.
func BenchmarkFitLocalRidge(b *testing.B) {
	h := fixture(b, 20_000, 41_000, 800_000)
	for _, x := range []struct {
		c    int
		goal time.Duration
	}{{100, 15 * time.Second}, {200, 50 * time.Second}} {
		c, goal := x.c, x.goal
		if c > 100 && os.Getenv("ZHUN_LONG") == "" {
			continue
		}
		b.Run(fmt.Sprintf("items=41000/c=%d/workers=1", c), func(b *testing.B) {
			var m *Model
			// The fit is too long to be run again for its memory.
			var most float64
			for b.Loop() {
				most = peak(func() {
					var err error
					if m, err = FitLocalRidge(context.Background(), h, &LocalRidgeOptions{Candidates: c, Workers: 1}); err != nil {
						b.Fatal(err)
					}
				})
			}
			reportGoal(b, goal, m.Len()*c*c*c/6)
			reportMemory(b, m, nil)
			b.ReportMetric(most, "peak-bytes")
			b.ReportMetric(float64(m.Weights())/float64(m.Len()), "weights/item")
		})
	}
}
