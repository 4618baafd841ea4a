package disclosure

import (
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// A release is a pass over the users released before: the limit is the walk
// through the set alone.
func BenchmarkRelease(b *testing.B) {
	everybody, set := roaring.New(), roaring.New()
	everybody.AddRange(1, 2_000_001)
	for u := uint32(1); u <= 2_000_000; u += 4 {
		set.Add(u)
	}
	g, err := New(nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := g.Release(everybody, everybody); err != nil {
		b.Fatal(err)
	}
	start, rounds, sum := time.Now(), 0, uint32(0)
	for ; rounds < 20; rounds++ {
		for it := everybody.Iterator(); it.HasNext(); {
			sum += it.Next()
		}
	}
	limit := time.Since(start) / time.Duration(rounds)
	for b.Loop() {
		if err := g.Release(set, everybody); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(limit.Nanoseconds()), "rival-guide-ns")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2_000_000, "ns/user")
	_ = sum
}

func BenchmarkNoisy(b *testing.B) {
	g, err := New(&Options{Budget: 1e6})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if g.spent > 9e11 {
			g.spent = 0
		}
		if _, err := g.Noisy(1000, .1); err != nil {
			b.Fatal(err)
		}
	}
}
