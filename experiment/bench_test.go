package experiment

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/zeebo/xxh3"

	"github.com/zhun-go/zhun/internal/stats"
)

// timeOf returns the nanoseconds one call of f takes, for the rival of a
// benchmark: the mean, as the benchmark's own figure is, so that a busy machine
// is unfair to neither.
func timeOf(n int, f func()) float64 {
	f()
	start, calls := time.Now(), 0
	for time.Since(start) < 300*time.Millisecond {
		for range n {
			f()
		}
		calls += n
	}
	return float64(time.Since(start).Nanoseconds()) / float64(calls)
}

var sink struct {
	f float64
	u uint64
	s string
}

// The limit is the hash of the same id alone. On a quiet machine Assign takes
// less than 60 ns.
func BenchmarkAssign(b *testing.B) {
	const id = "7f3c2a1e-5b6d-4e8f-9a0b-1c2d3e4f5a6b" // 36 bytes
	for _, arms := range []int{2, 10} {
		var list []Arm
		for i := range arms {
			list = append(list, Arm{fmt.Sprint("arm-", i), 1})
		}
		e := mustNew(b, "checkout", list, &Options{Traffic: .9})
		b.Run(fmt.Sprintf("arms=%d", arms), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink.s, _ = e.Assign(id)
			}
			if arms == 2 {
				b.ReportMetric(timeOf(10_000, func() { h := xxh3.HashString128Seed(id, 1); sink.u += h.Lo ^ h.Hi }), "rival-ns")
				b.ReportMetric(3, "goal-ratio")
				b.ReportMetric(15, "rival-guide-ns")
			}
		})
	}
}

// Twenty experiments in five layers, four in each: the limit is the twenty
// hashes of the layers. On a quiet machine the stack takes less than 1 µs.
func BenchmarkStack(b *testing.B) {
	const id = "7f3c2a1e-5b6d-4e8f-9a0b-1c2d3e4f5a6b"
	var stack []*Experiment
	for i := range 20 {
		at := float64(i%4) / 4
		stack = append(stack, mustNew(b, fmt.Sprint("exp-", i), []Arm{{"a", 1}, {"b", 1}}, &Options{
			Layer: &Layer{Name: fmt.Sprint("layer-", i/4), From: at, To: at + .25}, Holdouts: []Holdout{{"all", .05}},
		}))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range stack {
			sink.s, _ = e.Assign(id)
		}
	}
	b.ReportMetric(timeOf(1000, func() {
		for seed := range uint64(20) {
			sink.u += xxh3.HashStringSeed(id, seed)
		}
	}), "rival-ns")
	b.ReportMetric(4, "goal-ratio")
	b.ReportMetric(250, "rival-guide-ns")
}

// bare is the limit of accumulation: a count and two plain sums. Value by
// value, as users arrive, it waits for memory as long as Moments does; over a
// slice it keeps its sums in registers, as the blocks of Moments do.
type bare struct {
	n      int64
	s1, s2 float64
}

func (m *bare) addAll(xs []float64) {
	s1, s2 := m.s1, m.s2
	for _, x := range xs {
		s1 += x
		s2 += x * x
	}
	m.n += int64(len(xs))
	m.s1, m.s2 = s1, s2
}

func (m *bare) add(x float64) {
	m.n++
	m.s1 += x
	m.s2 += x * x
}

func BenchmarkMoments(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	xs := make([]float64, 1024)
	for i := range xs {
		xs[i] = r.ExpFloat64() * 50
	}
	b.Run("by=value/n=1024", func(b *testing.B) {
		m := new(Moments)
		for b.Loop() {
			for _, x := range xs {
				m.Add(x)
			}
		}
		sink.f = m.Mean()
		rival := new(bare)
		b.ReportMetric(timeOf(20, func() {
			for _, x := range xs {
				rival.add(x)
			}
			sink.f = rival.s1
		}), "rival-ns")
		b.ReportMetric(2, "goal-ratio")
		b.ReportMetric(3500, "rival-guide-ns")
	})
	b.Run("by=slice/n=1024", func(b *testing.B) {
		m := new(Moments)
		for b.Loop() {
			m.AddAll(xs)
		}
		sink.f = m.Mean()
		rival := new(bare)
		b.ReportMetric(timeOf(20, func() { rival.addAll(xs); sink.f = rival.s1 }), "rival-ns")
		b.ReportMetric(2, "goal-ratio")
		b.ReportMetric(600, "rival-guide-ns")
	})
}

// The limit is one Student tail and one quantile: what no t-test can do
// without. On a quiet machine a comparison takes less than 1.5 µs.
func BenchmarkWelch(b *testing.B) {
	x, err := MomentsOf(Mean, 9800, 88_123.4, 1_203_456.7)
	require.NoError(b, err)
	y, err := MomentsOf(Mean, 10_200, 93_210.9, 1_305_432.1)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		c, err := Welch(x, y, nil)
		if err != nil {
			b.Fatal(err)
		}
		sink.f = c.P
	}
	b.ReportMetric(timeOf(200, func() {
		sink.f = stats.StudentSF(1.3, 19_000.5) + stats.StudentISF(.025, 19_000.5)
	}), "rival-ns")
	b.ReportMetric(3.75, "goal-ratio")
	b.ReportMetric(400, "rival-guide-ns")
}

func BenchmarkCompare(b *testing.B) {
	for _, users := range []int{10_000, 100_000} {
		r := mustReadout(b, nil)
		rnd := rand.New(rand.NewPCG(1, 3))
		for i := range users {
			expose(b, r, uint32(i+1), []string{"a", "b"}[i%2], 0)
			for range rnd.IntN(3) {
				record(b, r, uint32(i+1), "revenue", rnd.Float64(), 1+rnd.Float64())
			}
		}
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			for b.Loop() {
				if _, err := r.Compare("revenue", "a", "b", nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(users), "ns/user")
		})
	}
}

func BenchmarkObserve(b *testing.B) {
	fields := map[string]any{"order_id": "o1", "revenue": 12.5}
	r := mustReadout(b, nil)
	i := 0
	for b.Loop() {
		i++
		if err := r.Observe(uint32(i%100_000)+1, "Order Completed", fields, day0.Add(time.Duration(i)*time.Millisecond)); err != nil {
			b.Fatal(err)
		}
	}
}

// The limit is the 14 plain sums of an outcome and three covariates. On a quiet
// machine a user takes less than 8 ns, where the limit takes 5.2.
func BenchmarkJoint(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 4))
	rows := make([][4]float64, 256)
	for i := range rows {
		for l := range rows[i] {
			rows[i][l] = r.ExpFloat64()
		}
	}
	b.Run("covariates=3", func(b *testing.B) {
		j, err := NewJoint(Mean, Mean, Mean, Mean)
		require.NoError(b, err)
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			j.Add(rows[i&255][:]...)
			i++
		}
		sink.f = j.Mean(0)
		var sums [4]float64
		var cross [10]float64
		at := 0
		b.ReportMetric(timeOf(1000, func() {
			x := &rows[at&255]
			at++
			p := 0
			for i, a := range x {
				sums[i] += a
				for _, b := range x[i:] {
					cross[p] += a * b
					p++
				}
			}
		}), "rival-ns")
		b.ReportMetric(1.55, "goal-ratio")
		b.ReportMetric(5.2, "rival-guide-ns")
		sink.f += sums[0] + cross[9]
	})
}

// Columns of users: the limit is the same 14 plain sums, with sums in
// registers, one pass over the columns for each.
func BenchmarkJointColumns(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 4))
	const n = 4096
	columns := make([][]float64, 4)
	for l := range columns {
		for range n {
			columns[l] = append(columns[l], r.ExpFloat64())
		}
	}
	b.Run("covariates=3/n=4096", func(b *testing.B) {
		j, err := NewJoint(Mean, Mean, Mean, Mean)
		require.NoError(b, err)
		for b.Loop() {
			j.AddAll(columns...)
		}
		sink.f = j.Mean(0)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/user")
		b.ReportMetric(timeOf(20, func() {
			for i, c := range columns {
				s := 0.0
				for _, x := range c {
					s += x
				}
				sink.f += s
				for _, d := range columns[i:] {
					s, d := 0.0, d[:len(c)]
					for u, x := range c {
						s += x * d[u]
					}
					sink.f += s
				}
			}
		})/n, "rival-ns/user")
	})
}
