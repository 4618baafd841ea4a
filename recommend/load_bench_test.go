package recommend

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"
)

// The rival is what cannot be avoided: finding the lines, and adding as many
// rows that are already parsed.
func BenchmarkLoad(b *testing.B) {
	var table bytes.Buffer
	const lines = 50_000
	for i := range lines {
		fmt.Fprintf(&table, "%d::%d::%d::%d\n", i/50+1, i*7919%3000, i%5+1, 978300760+i)
	}
	b.SetBytes(int64(table.Len()))
	var rival time.Duration
	runs := 0
	for b.Loop() {
		h := newTestHistory(b, nil)
		if n, err := Load(h, bytes.NewReader(table.Bytes()), nil); err != nil || n != lines {
			b.Fatal(n, err)
		}
		b.StopTimer()
		start := time.Now()
		bare := newTestHistory(b, nil)
		in := bufio.NewScanner(bytes.NewReader(table.Bytes()))
		for i := 0; in.Scan(); i++ {
			if err := bare.Add(uint32(i/50+1), h.items.Name(uint32(i%3000)), 1, day0.Add(time.Duration(i)*time.Second)); err != nil {
				b.Fatal(err)
			}
		}
		rival += time.Since(start)
		runs++
		b.StartTimer()
	}
	b.ReportMetric(float64(rival)/float64(runs), "rival-ns")
}

// Ten of 41,000 targets; the rival is the pass over the history that every fit
// begins with.
func BenchmarkRefreshLocalRidge(b *testing.B) {
	h := fixture(b, 20_000, 41_000, 800_000)
	m, err := FitLocalRidge(context.Background(), h, &LocalRidgeOptions{Candidates: 20, Workers: 2})
	if err != nil {
		b.Fatal(err)
	}
	targets := m.cat.names[1000:1010]
	b.Run("items=41000/targets=10/c=100", func(b *testing.B) {
		for b.Loop() {
			if _, err := RefreshLocalRidge(context.Background(), h, m, targets, &LocalRidgeOptions{Candidates: 100}); err != nil {
				b.Fatal(err)
			}
		}
		start := time.Now()
		h.snapshot().matrix(1)
		b.ReportMetric(float64(time.Since(start)), "rival-ns")
	})
}
