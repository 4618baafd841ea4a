package recommend

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"testing"
	"time"
)

// The other formulas that sum values and not counts, adjusted cosine among
// them; the rival is the binary cosine.
func BenchmarkFitSimilarities(b *testing.B) {
	h := graded(b)
	fit := func(h *History, s Similarity) *Model {
		m, err := FitItemKNN(context.Background(), h, &ItemKNNOptions{Similarity: s, K: 100, Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
	bare := fixture(b, 6_000, 3_700, 600_000)
	for _, s := range []Similarity{Cosine{}, AdjustedCosine{}, TFIDF{}, BM25{1.2, 0.75}, RP3Beta{0.6, 0.5}, LLR{}} {
		b.Run(fmt.Sprintf("set=dense/values=graded/%T", s), func(b *testing.B) {
			var rival time.Duration
			runs := 0
			for b.Loop() {
				fit(h, s)
				b.StopTimer()
				start := time.Now()
				fit(bare, Cosine{})
				rival += time.Since(start)
				runs++
				b.StartTimer()
			}
			b.ReportMetric(float64(rival)/float64(runs), "rival-ns")
		})
	}
}

// graded is the dense set with values from 1 to 5.
func graded(b *testing.B) *History {
	h, err := NewHistory(&HistoryOptions{Value: Cap(5)})
	if err != nil {
		b.Fatal(err)
	}
	s := fixture(b, 6_000, 3_700, 600_000).snapshot()
	for i, u := range s.users {
		for k, r := range s.rows[s.start[i]:s.start[i+1]] {
			r.weight = float64(1 + (7*k+i)%5)
			r.item = h.items.ID(s.names[r.item])
			h.insert(u, r)
		}
	}
	return h
}

// BenchmarkDecay's rival is a copy of the history's rows.
func BenchmarkDecay(b *testing.B) {
	h := graded(b)
	now := day0.Add(365 * 24 * time.Hour)
	var rival time.Duration
	runs := 0
	for b.Loop() {
		if _, err := Decay(h, 30*24*time.Hour, now); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		start := time.Now()
		h.snapshot()
		rival += time.Since(start)
		runs++
		b.StartTimer()
	}
	b.ReportMetric(float64(rival)/float64(runs), "rival-ns")
	b.ReportMetric(float64(h.Stats().Rows), "rows")
}

// BenchmarkTune's rival is fitting and judging all candidates on all training
// users, which halving is to save: nine candidates, of which three and then one
// go on, cost (9/9 + 3/3 + 1)/9 = a third of it, besides the judging.
func BenchmarkTune(b *testing.B) {
	split, err := SplitStrong(fixture(b, 6_000, 3_700, 600_000), nil)
	if err != nil {
		b.Fatal(err)
	}
	var candidates []Candidate
	for _, k := range []int{5, 10, 20, 50, 100, 150, 200, 300, 400} {
		candidates = append(candidates, neighboursOf(k))
	}
	tune := func(o *TuneOptions) time.Duration {
		start := time.Now()
		if _, err := Tune(context.Background(), split, candidates, o); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	var rival time.Duration
	runs := 0
	for b.Loop() {
		tune(&TuneOptions{MinUsers: 100})
		b.StopTimer()
		rival += tune(&TuneOptions{MinUsers: 1 << 30})
		runs++
		b.StartTimer()
	}
	b.ReportMetric(float64(rival)/float64(runs), "rival-ns")
}

// reportMemory reports the bytes of a model per weight, ids of items left
// out, and the most bytes in use while it is fitted, by looking all the time,
// with a collector that leaves little behind.
func reportMemory(b *testing.B, m *Model, fit func()) {
	b.StopTimer()
	size := 8*len(m.ptr) + 4*len(m.target) + 8*len(m.weight) + 4*len(m.narrow)
	b.ReportMetric(float64(size)/float64(m.Weights()), "bytes/weight")
	b.ReportMetric(float64(m.Weights()), "weights")
	if fit != nil {
		b.ReportMetric(peak(fit), "peak-bytes")
	}
}

func peak(f func()) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	sample := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	look := func() uint64 {
		runtimemetrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before := look()
	most := before
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				most = max(most, look())
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	return float64(max(most, look()) - before)
}
