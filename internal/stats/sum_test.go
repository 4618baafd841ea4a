package stats_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/wire"
)

func TestSumOfIntegersIsExactInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Int64Range(-1<<53, 1<<53), 0, 50).Draw(t, "xs")
		var fwd, back, squares stats.Sum
		want, wantSq := new(big.Int), new(big.Int)
		for i, x := range xs {
			fwd.Add(float64(x))
			back.Add(float64(xs[len(xs)-1-i]))
			squares.AddProduct(float64(x>>4), float64(x>>4))
			want.Add(want, big.NewInt(x))
			wantSq.Add(wantSq, new(big.Int).Mul(big.NewInt(x>>4), big.NewInt(x>>4)))
		}
		require.Equal(t, fwd, back)
		for _, c := range []struct {
			got  stats.Sum
			want *big.Int
		}{{fwd, want}, {squares, wantSq}} {
			hi, lo := c.got.Parts()
			got := new(big.Float).SetPrec(300).SetFloat64(hi)
			got.Add(got, big.NewFloat(lo))
			i, acc := got.Int(nil)
			require.Equal(t, big.Exact, acc)
			require.Zero(t, i.Cmp(c.want), "%v %v", i, c.want)
		}
		for _, x := range xs {
			fwd.Sub(float64(x))
		}
		require.Zero(t, fwd.Value())
	})
}

func TestSumReturnsAfterRemoval(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s stats.Sum
	xs := make([]float64, 10000)
	abs := 0.0
	for i := range xs {
		xs[i] = (r.Float64() - .5) * math.Pow(10, float64(r.IntN(20)))
		s.Add(xs[i])
		abs += math.Abs(xs[i])
	}
	r.Shuffle(len(xs), func(i, j int) { xs[i], xs[j] = xs[j], xs[i] })
	for _, x := range xs {
		s.Sub(x)
	}
	require.LessOrEqual(t, math.Abs(s.Value()), 1e-25*abs)
}

// The variance of 1e9 ± 1 is 1 exactly; plain sums of squares lose it all.
func TestVarianceAtALargeOffset(t *testing.T) {
	var s1, s2 stats.Sum
	const n = 1000
	for i := range n {
		x := 1e9 + float64(i%2*2-1)
		s1.Add(x)
		s2.AddProduct(x, x)
	}
	s2.Merge(s1.Mul(s1).Div(n).Neg())
	require.InEpsilon(t, float64(n), s2.Value(), 1e-12)
}

func TestSumBytes(t *testing.T) {
	var s stats.Sum
	s.Add(.1)
	s.Add(1e17)
	w := wire.NewWriter("s", 0)
	sec := w.Section("s")
	s.Write(sec)
	stats.Sum{}.Neg().Write(sec)
	sec.Float(1)
	sec.Float(1)
	f, err := wire.Open(w.AppendTo(nil), "s", 0)
	require.NoError(t, err)
	r := f.Section("s")
	require.Equal(t, s, stats.ReadSum(r))
	require.Equal(t, stats.Sum{}, stats.ReadSum(r))
	require.NoError(t, r.Err())
	stats.ReadSum(r)
	require.Error(t, r.Err())
}

func BenchmarkSum(b *testing.B) {
	xs := make([]float64, 1024)
	for i := range xs {
		xs[i] = float64(i) * .1
	}
	b.Run("op=add", func(b *testing.B) {
		var s stats.Sum
		for b.Loop() {
			for _, x := range xs {
				s.Add(x)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(xs)), "ns/value")
	})
	b.Run("op=square", func(b *testing.B) {
		var s stats.Sum
		for b.Loop() {
			for _, x := range xs {
				s.AddProduct(x, x)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(xs)), "ns/value")
	})
}
