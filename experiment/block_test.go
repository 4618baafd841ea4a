package experiment

import (
	"encoding"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMaxBits(t *testing.T) {
	require.EqualValues(t, math.Float64bits(maxValue), uint64(maxBits))
}

// Blocks of every shape against exact rational arithmetic: variances keep 1e-11
// however far the mean is from zero, sums 1e-14 of the absolute values.
func TestBlocksAgainstExactArithmetic(t *testing.T) {
	for name, draw := range map[string]func(r *rand.Rand) float64{
		"around 0":        func(r *rand.Rand) float64 { return r.NormFloat64() },
		"around 5":        func(r *rand.Rand) float64 { return 5 + r.NormFloat64() },
		"around 40":       func(r *rand.Rand) float64 { return 40 + r.NormFloat64() },
		"around 1e9":      func(r *rand.Rand) float64 { return 1e9 + r.NormFloat64() },
		"around -1e12":    func(r *rand.Rand) float64 { return -1e12 + 100*r.NormFloat64() },
		"small, narrow":   func(r *rand.Rand) float64 { return 1e-3 * (1 + 1e-6*r.NormFloat64()) },
		"large":           func(r *rand.Rand) float64 { return 1e12 * r.NormFloat64() },
		"large integers":  func(r *rand.Rand) float64 { return float64(r.Int64N(1 << 40)) },
		"minute":          func(r *rand.Rand) float64 { return 1e-150 * r.NormFloat64() },
		"skewed":          func(r *rand.Rand) float64 { return math.Exp(4 * r.NormFloat64()) },
		"mostly 0":        func(r *rand.Rand) float64 { return max(0, r.NormFloat64()-2) },
		"0.1":             func(*rand.Rand) float64 { return .1 },
		"sometimes far":   func(r *rand.Rand) float64 { return 1e6*float64(r.IntN(300)/299) + r.Float64() },
		"prices in cents": func(r *rand.Rand) float64 { return float64(r.IntN(20_000)) / 100 },
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 7))
			const n = 700 // blocks, and a part of one
			var m, single Moments
			rows, err := NewJoint(Mean, Mean, Proportion, Mean, Mean, Mean)
			require.NoError(t, err)
			columns := rows.Clone()
			lists := make([][]float64, 6)
			for range n {
				x, y := draw(r), r.NormFloat64()
				row := []float64{x, x + y, float64(r.IntN(2)), 1, 1e9 + y, y}
				rows.Add(row...)
				for i, v := range row {
					lists[i] = append(lists[i], v)
				}
				single.Add(x)
			}
			m.AddAll(lists[0])
			columns.AddAll(lists...)
			mean, variance := slowMoments(lists[0])
			absolute, squares := 0.0, 0.0
			for _, x := range lists[0] {
				absolute, squares = absolute+math.Abs(x), squares+x*x
			}
			for _, got := range []*Moments{&m, &single, rows.Moments(0), columns.Moments(0)} {
				require.InDelta(t, mean, got.Mean(), 1e-14*absolute/n)
				require.InDelta(t, variance, got.Variance(), 1e-11*variance+1e-30*squares/n)
				require.InDelta(t, single.SumOfSquares(), got.SumOfSquares(), 1e-14*squares)
			}
			for a := range 6 {
				for b := range a + 1 {
					want := slowCovariance(lists[a], lists[b])
					if a == 2 && b == 2 { // a proportion, with the divisor n
						want *= (n - 1.) / n
					}
					scale := math.Sqrt(columns.Covariance(a, a) * columns.Covariance(b, b))
					require.InDelta(t, want, rows.Covariance(a, b), 1e-11*scale+1e-30*rms(lists[a])*rms(lists[b])+1e-300, "%d %d", a, b)
				}
			}
			// One by one and by columns make the same bytes.
			want, err := columns.MarshalBinary()
			require.NoError(t, err)
			got, err := rows.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, want, got)
			// And what was added so can be taken out value by value.
			for u := range n - 1 {
				m.Sub(lists[0][u])
			}
			require.InDelta(t, lists[0][n-1], m.Sum(), 1e-14*absolute)
			require.InDelta(t, lists[0][n-1]*lists[0][n-1], m.SumOfSquares(), 1e-14*squares)
		})
	}
}

func rms(xs []float64) (s float64) {
	for _, x := range xs {
		s += x * x
	}
	return math.Sqrt(s / float64(len(xs)))
}

// slowCovariance is the mean product of differences from means that are right
// to the last bit.
func slowCovariance(xs, ys []float64) (s float64) {
	mx, _ := slowMoments(xs)
	my, _ := slowMoments(ys)
	ex, ey := 0.0, 0.0
	for i, x := range xs {
		s += (x - mx) * (ys[i] - my)
		ex, ey = ex+x-mx, ey+ys[i]-my
	}
	n := float64(len(xs))
	return (s - ex*ey/n) / (n - 1)
}

// Reading a joint, of which users are pending, writes nothing.
func TestReadingDoesNotWrite(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var arms [2]*Joint
	for i := range arms {
		arms[i], _ = NewJoint(Mean, Mean)
		for range blockSize + 5 {
			arms[i].Add(r.Float64(), r.Float64())
		}
	}
	before := fmt.Sprintf("%v %v", *arms[0], *arms[1])
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := CUPED(arms[0], arms[1], nil)
			_ = arms[0].Moments(0).Variance() + arms[0].Covariance(0, 1) + arms[0].Mean(1) + arms[1].Select(1).Mean(0)
			done <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	require.Equal(t, before, fmt.Sprintf("%v %v", *arms[0], *arms[1]))
}

// Whole numbers of any size, added one by one, in lists of any length and
// order, or in shards that merge, are the same bytes; taken out again they are
// nothing.
func TestBlocksOfIntegersAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.SampledFrom([]int64{0, 7, 1_000_000_000, -1_000_000_000_000, 1<<43 + 77}).Draw(t, "offset")
		top := rapid.SampledFrom([]int64{1, 1000, 1 << 22, 1 << 30, 1 << 43}).Draw(t, "top")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.IntRange(1, 500).Draw(t, "n")
		columns := make([][]float64, 3)
		for range n {
			x := float64(offset + r.Int64N(2*top) - top)
			columns[0] = append(columns[0], x)
			columns[1] = append(columns[1], float64(r.IntN(5)))
			columns[2] = append(columns[2], x+float64(r.IntN(9)))
		}
		var one, lists, out Moments
		rows, parts := newJoint(make([]Kind, 3)), newJoint(make([]Kind, 3))
		for u := range n {
			one.Add(columns[0][u])
			rows.Add(columns[0][u], columns[1][u], columns[2][u])
		}
		order := r.Perm(n)
		shuffled := make([][]float64, 3)
		for i, c := range columns {
			for _, u := range order {
				shuffled[i] = append(shuffled[i], c[u])
			}
		}
		for from := 0; from < n; {
			to := min(n, from+1+r.IntN(200))
			shard, joint := new(Moments), newJoint(make([]Kind, 3))
			shard.AddAll(shuffled[0][from:to])
			joint.AddAll(shuffled[0][from:to], shuffled[1][from:to], shuffled[2][from:to])
			if r.IntN(2) == 0 {
				joint.Add(1, 2, 3)
				joint.Sub(1, 2, 3)
			}
			require.NoError(t, lists.Merge(shard))
			require.NoError(t, parts.Merge(joint))
			from = to
		}
		out = lists
		bytesOf := func(x encoding.BinaryMarshaler) []byte {
			b, err := x.MarshalBinary()
			require.NoError(t, err)
			return b
		}
		require.Equal(t, bytesOf(&one), bytesOf(&lists))
		require.Equal(t, bytesOf(rows), bytesOf(parts))
		for u := range n {
			out.Sub(columns[0][u])
			parts.Sub(columns[0][u], columns[1][u], columns[2][u])
		}
		require.Equal(t, bytesOf(new(Moments)), bytesOf(&out))
		require.Equal(t, bytesOf(newJoint(make([]Kind, 3))), bytesOf(parts))
	})
}
