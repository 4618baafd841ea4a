package recommend

import (
	"context"
	"fmt"
	"math"
	"runtime"
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

// The goal is on one worker against the rival on one; guides are the rival's
// time on a quiet machine of this class.
func BenchmarkFitItemKNN(b *testing.B) {
	guide := map[string]float64{"sparse": 400e6, "dense": 400e6}
	for _, size := range sizes {
		h := fixture(b, size.users, size.items, size.pairs)
		m := h.snapshot().matrix()
		order := make([]uint32, m.items())
		for i := range order {
			order[i] = uint32(i)
		}
		r := m.byRow(order)
		for _, k := range []int{20, 100, 200} {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("set=%s/k=%d/workers=%d", size.name, k, workers), func(b *testing.B) {
					o := &ItemKNNOptions{K: k, Workers: workers}
					var rival time.Duration
					var model *Model
					runs := 0
					for b.Loop() {
						var err error
						if model, err = FitItemKNN(context.Background(), h, o); err != nil {
							b.Fatal(err)
						}
						if k == 100 && workers == 1 {
							b.StopTimer()
							start := time.Now()
							plainCosine(r.ptr, r.col, m, k)
							rival += time.Since(start)
							b.StartTimer()
						}
						runs++
					}
					if rival > 0 {
						b.ReportMetric(float64(rival)/float64(runs), "rival-ns")
						b.ReportMetric(guide[size.name], "rival-guide-ns")
						b.ReportMetric(0.65, "goal-ratio")
					}
					b.ReportMetric(float64(model.Weights()), "weights")
				})
			}
		}
	}
}

func BenchmarkRecommend(b *testing.B) {
	h := fixture(b, 40_000, 35_000, 800_000)
	m, err := FitItemKNN(context.Background(), h, &ItemKNNOptions{K: 100})
	if err != nil {
		b.Fatal(err)
	}
	var users []uint32
	for _, u := range h.Users() {
		if n := len(h.Of(u)); n >= 50 && n <= 100 {
			users = append(users, u)
		}
	}
	names := make([]string, 0, m.Len()/2)
	for i, n := range m.cat.names {
		if i%2 == 0 {
			names = append(names, n)
		}
	}
	// The limit: the additions alone, into an array that stays.
	scores := make([]float64, m.Len())
	var work []int
	bare := func(user uint32) {
		sources, _ := h.sources(nil, user, m.cat)
		for _, p := range sources {
			weight := m.weight[m.ptr[p.item]:m.ptr[p.item+1]]
			for k, j := range m.target[m.ptr[p.item]:m.ptr[p.item+1]] {
				scores[j] += p.value * weight[k]
			}
			work = append(work, len(weight))
		}
	}
	for _, c := range []struct {
		name string
		q    Query
	}{
		{"all", Query{History: h}},
		{"half", Query{History: h, Allow: m.Items(names...)}},
		{"few", Query{History: h, Allow: m.Items(names[:100]...)}},
	} {
		b.Run("n=20/allow="+c.name, func(b *testing.B) {
			b.ReportAllocs()
			dst := make([]Scored, 0, 20)
			q := c.q
			i := 0
			for b.Loop() {
				q.User = users[i%len(users)]
				i++
				if dst, err = m.AppendRecommend(dst[:0], q); err != nil {
					b.Fatal(err)
				}
			}
			work = work[:0]
			rival := limit(b, func() float64 {
				for _, u := range users {
					bare(u)
				}
				return scores[0]
			})
			all := 0
			for _, n := range work {
				all += n
			}
			b.ReportMetric(rival/float64(len(users)), "rival-ns")
			b.ReportMetric(60e3, "rival-guide-ns")
			b.ReportMetric(1.5, "goal-ratio")
			b.ReportMetric(float64(all)/float64(len(users)), "weights/op")
		})
	}
	for _, rows := range []int{100, 300} {
		short, err := FitItemKNN(context.Background(), h, &ItemKNNOptions{K: 100, RowLimit: rows})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("n=20/rows=%d", rows), func(b *testing.B) {
			b.ReportAllocs()
			dst := make([]Scored, 0, 20)
			i := 0
			for b.Loop() {
				if dst, err = short.AppendRecommend(dst[:0], Query{History: h, User: users[i%len(users)]}); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(short.Cut(), "share-cut")
		})
	}
	b.Run("n=20/parallel="+fmt.Sprint(runtime.GOMAXPROCS(0)), func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			dst := make([]Scored, 0, 20)
			for i := 0; pb.Next(); i++ {
				dst, _ = m.AppendRecommend(dst[:0], Query{History: h, User: users[i%len(users)]})
			}
		})
	})
}
