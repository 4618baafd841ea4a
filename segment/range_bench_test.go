package segment

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/zhun-go/zhun/internal/bits"
)

// BenchmarkRange counts the users of a range of one number, log-uniform up to
// 2^20. The rival is roaring's 64-bit bit-sliced index; the limit is a pass
// over the same numbers that adds them up. first-ns is the first question about
// the number, which has to read it from the rows: rows-ns is that alone, by as
// many workers.
func BenchmarkRange(b *testing.B) {
	users := 1_000_000
	if os.Getenv("ZHUN_LONG") != "" {
		users = 10_000_000
	}
	x, err := NewIndex(Schema{"v": Number}, &Options{Events: map[string]Schema{}, Clock: Manual})
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	rival := roaring64.NewDefaultBSI()
	values := make([]float64, users)
	for u := range users {
		v := int64(math.Exp2(20 * r.Float64()))
		values[u] = float64(v)
		if err := x.Update(uint32(u+1), map[string]any{"v": v}, modelEpoch); err != nil {
			b.Fatal(err)
		}
		rival.SetValue(uint64(u+1), v)
	}
	// A range without an upper end is asked of the rival as such: with both ends
	// it goes through every value.
	for _, c := range []struct {
		name, rule string
		op         roaring64.Operation
		lo, hi     int64
	}{
		{"narrow", "1000 <= v <= 1055", roaring64.RANGE, 1000, 1055},
		{"wide", "v >= 1024", roaring64.GE, 1024, 0},
	} {
		b.Run(fmt.Sprintf("range=%s/users=%d", c.name, users), func(b *testing.B) {
			var n int
			x.dropColumns()
			cold := timeOf(1, func() { n, err = x.Count(c.rule) })
			for b.Loop() {
				if n, err = x.Count(c.rule); err != nil {
					b.Fatal(err)
				}
			}
			var want uint64
			b.ReportMetric(timeOf(5, func() {
				want = rival.CompareValue(1, c.op, c.lo, c.hi, nil).GetCardinality()
			}), "rival-ns")
			if uint64(n) != want {
				b.Fatalf("counted %d, the rival %d", n, want)
			}
			b.ReportMetric(cold, "first-ns")
			sums := make([]float64, users/blockUsers)
			b.ReportMetric(timeOf(3, func() {
				bits.Split(len(sums), x.opts.Workers, func(mine iter.Seq[int]) {
					for i := range mine {
						for r := range x.table.page(i).all() {
							sums[i] += r.number(0)
						}
					}
				})
			}), "rows-ns")
			b.ReportMetric(0.25, "goal-ratio")
			// 48 and 36 ms for ten million on a quiet machine.
			b.ReportMetric(map[string]float64{"narrow": 4.8, "wide": 3.6}[c.name]*float64(users), "rival-guide-ns")
			sum := 0.0
			b.ReportMetric(timeOf(20, func() {
				for _, v := range values {
					sum += v
				}
			}), "limit-ns")
			b.ReportMetric(float64(n)/float64(users), "share")
		})
	}
}
