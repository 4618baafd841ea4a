package sim

import (
	"fmt"
	"testing"
	"time"
)

// The goal is a second for 1,000 customers over 90 days, written as JSON. The limit is a
// loop that copies the bytes of the same lines: no simulator delivers a record faster than
// its bytes move. It takes some 2.5 ms on a quiet machine of this class, so that a second
// is 400 times the limit.
func BenchmarkEvents(b *testing.B) {
	for _, customers := range []int{1000, 10_000} {
		w := newWorld(b, &Options{Customers: customers})
		b.Run(fmt.Sprintf("customers=%d", customers), func(b *testing.B) {
			n := 0
			for b.Loop() {
				n = 0
				for range w.Events() {
					n++
				}
			}
			rate(b, n)
		})
	}
	w := newWorld(b, nil)
	b.Run("customers=1000/json", func(b *testing.B) {
		var line []byte
		n, size := 0, 0
		for b.Loop() {
			n, size = 0, 0
			for e := range w.Events() {
				line = e.AppendSegment(line[:0])
				size += len(line) + 1
				n++
			}
		}
		rate(b, n)
		b.SetBytes(int64(size))
		record, copied := make([]byte, size), make([]byte, size)
		for i := range record {
			record[i] = '{' // untouched pages would make the copy slower or faster than it is
		}
		copy(copied, record)
		const times = 20
		start := time.Now()
		for range times {
			copy(copied, record)
		}
		b.ReportMetric(float64(time.Since(start).Nanoseconds())/times, "rival-ns")
		b.ReportMetric(400, "goal-ratio")
		b.ReportMetric(2.5e6, "rival-guide-ns")
	})
}

func rate(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(n), "events")
}

func BenchmarkAppendSegment(b *testing.B) {
	w := newWorld(b, &Options{Customers: 50})
	var events []Event
	size := 0
	for e := range w.Events() {
		events = append(events, e)
		size += len(e.AppendSegment(nil))
	}
	var line []byte
	i := 0
	b.SetBytes(int64(size / len(events)))
	b.ReportAllocs()
	for b.Loop() {
		line = events[i%len(events)].AppendSegment(line[:0])
		i++
	}
}

func BenchmarkIncrements(b *testing.B) {
	w := newWorld(b, nil)
	b.Run("customers=1000", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.Increments(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTruth(b *testing.B) {
	w := newWorld(b, nil)
	b.Run("customers=1000", func(b *testing.B) {
		for b.Loop() {
			w.Truth()
		}
	})
}

func BenchmarkHazard(b *testing.B) {
	h := newHazard(b, &HazardOptions{Users: 600_000})
	b.Run("users=600000", func(b *testing.B) {
		touches := 0
		for b.Loop() {
			touches = 0
			for j := range h.Journeys() {
				touches += len(j.Touches)
			}
		}
		b.ReportMetric(float64(touches), "touches")
	})
	b.Run("truth", func(b *testing.B) {
		for b.Loop() {
			h.Truth()
		}
	})
}
