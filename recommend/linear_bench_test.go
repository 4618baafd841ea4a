package recommend

import (
	"context"
	"fmt"
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

// multiplyAdd does n scalar multiply-adds in four chains, the limit loop of
// the linear models: a machine of this class does about 1.5e9 a second.
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

// The guide is 5 CPU-seconds at 3,500 items; the goal is an eighth of the time
// of items³/2 scalar multiply-adds.
func BenchmarkFitEASE(b *testing.B) {
	h := synthetic(b, 6_000, 3_500, 600_000)
	b.Run("items=3500/workers=1", func(b *testing.B) {
		var m *Model
		for b.Loop() {
			var err error
			if m, err = FitEASE(context.Background(), h, &EASEOptions{Lambda: 500, Workers: 1}); err != nil {
				b.Fatal(err)
			}
		}
		n := m.Len()
		b.ReportMetric(limit(b, func() float64 { return multiplyAdd(n * n * n / 2) }), "rival-ns")
		b.ReportMetric(20e9, "rival-guide-ns")
		b.ReportMetric(0.25, "goal-ratio")
		b.ReportMetric(8, "bytes/weight")
	})
}

// The guides are 15 and 50 CPU-seconds.
func BenchmarkFitLocalRidge(b *testing.B) {
	if testing.Short() {
		b.Skip("a minute")
	}
	h := synthetic(b, 20_000, 41_000, 800_000)
	for _, c := range []int{100, 200} {
		b.Run(fmt.Sprintf("items=41000/c=%d/workers=1", c), func(b *testing.B) {
			var m *Model
			for b.Loop() {
				var err error
				if m, err = FitLocalRidge(context.Background(), h, &LocalRidgeOptions{Candidates: c, Workers: 1}); err != nil {
					b.Fatal(err)
				}
			}
			// As many systems of that order by scalar arithmetic, without
			// finding or gathering them.
			b.ReportMetric(limit(b, func() float64 { return multiplyAdd(m.Len() * c * c * c / 6) }), "rival-ns")
			b.ReportMetric(map[int]float64{100: 6e9, 200: 48e9}[c], "rival-guide-ns")
			b.ReportMetric(map[int]float64{100: 2.5, 200: 1}[c], "goal-ratio")
			b.ReportMetric(float64(m.Weights())/float64(m.Len()), "weights/item")
			b.ReportMetric(12, "bytes/weight")
		})
	}
}
