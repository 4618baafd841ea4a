package recommend

import (
	"context"
	"math"
	"testing"
	"time"
)

// plainCosine is the rival: per target a dense array of int32 counts, a list
// of touched items and a bounded heap, over X by user and by item. No maps, no
// allocation in the loop.
func plainCosine(ptr []int, col []uint32, m *matrix, k int) (lists [][]ranked) {
	n := m.items()
	inverse := make([]float64, n)
	for i := range inverse {
		inverse[i] = 1 / math.Sqrt(float64(m.ptr[i+1]-m.ptr[i]))
	}
	count := make([]int32, n)
	touched := make([]uint32, 0, n)
	var best top
	lists = make([][]ranked, n)
	for j := range n {
		for _, u := range m.column(j) {
			for _, i := range col[ptr[u]:ptr[u+1]] {
				if count[i] == 0 {
					touched = append(touched, i)
				}
				count[i]++
			}
		}
		best.reset(k)
		for _, i := range touched {
			x := float64(count[i]) * inverse[i]
			count[i] = 0
			if int(i) == j {
				continue
			}
			if !best.full() || x >= best.heap[0].score {
				best.offer(ranked{x, i})
			}
		}
		touched = touched[:0]
		lists[j] = append(lists[j], best.heap...)
	}
	return lists
}

// Fits of K = 100 by one worker, against the plain loop; by two, against one;
// of K = 200 against K = 20, which on the sparse set stores eight times the
// weights: putting each into the row of its source, a write to another place in
// memory, is what the difference is. Guides are the rival's time on a quiet machine of
// this class.
func BenchmarkFitItemKNN(b *testing.B) {
	for _, size := range sizes {
		h := fixture(b, size.users, size.items, size.pairs)
		m := h.snapshot().matrix(1)
		r := m.byRow(sequenceOf(m.items()), 1)
		fit := func(o ItemKNNOptions) *Model {
			model, err := FitItemKNN(context.Background(), h, &o)
			if err != nil {
				b.Fatal(err)
			}
			return model
		}
		for _, c := range []struct {
			name        string
			o           ItemKNNOptions
			rival       func()
			guide, goal float64
		}{
			{
				"k=100/workers=1",
				ItemKNNOptions{K: 100, Workers: 1},
				func() { plainCosine(r.ptr, r.col, m, 100) }, 400e6, 0.65,
			},
			{
				"k=100/workers=2",
				ItemKNNOptions{K: 100, Workers: 2},
				func() { fit(ItemKNNOptions{K: 100, Workers: 1}) }, 220e6, 1 / 1.8,
			},
			{
				"k=200/workers=1",
				ItemKNNOptions{K: 200, Workers: 1},
				func() { fit(ItemKNNOptions{K: 20, Workers: 1}) }, 200e6, 1.25,
			},
		} {
			b.Run("set="+size.name+"/"+c.name, func(b *testing.B) {
				var rival time.Duration
				var model *Model
				runs := 0
				for b.Loop() {
					model = fit(c.o)
					b.StopTimer()
					start := time.Now()
					c.rival()
					rival += time.Since(start)
					runs++
					b.StartTimer()
				}
				b.ReportMetric(float64(rival)/float64(runs), "rival-ns")
				b.ReportMetric(c.guide, "rival-guide-ns")
				b.ReportMetric(c.goal, "goal-ratio")
				reportMemory(b, model, func() { fit(c.o) })
			})
		}
	}
}
