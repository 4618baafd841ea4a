package dense

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// positive draws a positive definite matrix, both halves.
func positive(r *rand.Rand, n int) []float64 {
	a := make([]float64, n*n)
	x := make([]float64, n*n)
	for i := range x {
		x[i] = float64(r.IntN(4))
	}
	for i := range n {
		for j := range i + 1 {
			v := dot(x[i*n:][:n], x[j*n:][:n])
			if i == j {
				v += float64(n)
			}
			a[i*n+j], a[j*n+i] = v, v
		}
	}
	return a
}

// onlyLower puts garbage where nothing may look.
func onlyLower(a []float64, n int) []float64 {
	a = slices.Clone(a)
	for i := range n {
		for j := i + 1; j < n; j++ {
			a[i*n+j] = math.NaN()
		}
	}
	return a
}

func TestSolveAndInvert(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 5, 6, 7, 8, 15, 16, 17, 31, 48, 100, 129, 200, 300} {
		a := positive(r, n)
		b := make([]float64, n)
		for i := range b {
			b[i] = r.NormFloat64()
		}
		for _, k := range []*Kernel{New(), Portable()} {
			x := slices.Clone(b)
			NewSolver(k).Solve(onlyLower(a, n), x, n)
			inv := onlyLower(a, n)
			require.NoError(t, Invert(t.Context(), k, inv, n, 2))
			for i := range n {
				require.InDelta(t, b[i], dot(a[i*n:][:n], x), 1e-9*float64(n), "n %d, row %d of A·x", n, i)
				for j := range n {
					want := 0.0
					if i == j {
						want = 1
					}
					require.InDelta(t, want, dot(a[i*n:][:n], inv[j*n:][:n]), 1e-9, "n %d, (%d, %d) of A·A⁻¹", n, i, j)
					require.Equal(t, inv[i*n+j], inv[j*n+i])
				}
			}
		}
	}
}

// The assembly kernel, the portable one and every number of workers give the
// same bits.
func TestBitsAreTheSameEverywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	n := 301
	a := positive(r, n)
	want := slices.Clone(a)
	require.NoError(t, Invert(t.Context(), Portable(), want, n, 1))
	for workers := 1; workers <= 3; workers++ {
		got := slices.Clone(a)
		require.NoError(t, Invert(t.Context(), New(), got, n, workers))
		require.True(t, slices.Equal(want, got), "%d workers on kernel %s", workers, New().Name())
	}
	b := slices.Clone(a[:n])
	x := slices.Clone(b)
	NewSolver(Portable()).Solve(slices.Clone(a), x, n)
	y := slices.Clone(b)
	NewSolver(New()).Solve(slices.Clone(a), y, n)
	require.Equal(t, x, y)
}

func TestInvertRefuses(t *testing.T) {
	a := []float64{1, 2, 2, 1}
	require.ErrorIs(t, Invert(t.Context(), New(), a, 2, 1), ErrNotPositive)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Invert(ctx, New(), []float64{1}, 1, 1), context.Canceled)
}

// The rival is gonum's Cholesky and inverse, both on one core; the limit of
// what Go without assembly can do is the portable kernel.
func BenchmarkInvert(b *testing.B) {
	n := 1000
	a := positive(rand.New(rand.NewPCG(1, 1)), n)
	for _, k := range []*Kernel{New(), Portable()} {
		b.Run(fmt.Sprintf("n=%d/kernel=%s", n, k.Name()), func(b *testing.B) {
			var rival time.Duration
			work := make([]float64, n*n)
			runs := 0
			for b.Loop() {
				copy(work, a)
				if err := Invert(context.Background(), k, work, n, 1); err != nil {
					b.Fatal(err)
				}
				if runs++; runs == 1 && k.tile != nil {
					b.StopTimer()
					start := time.Now()
					var c mat.Cholesky
					c.Factorize(mat.NewSymDense(n, slices.Clone(a)))
					var inv mat.SymDense
					if err := c.InverseTo(&inv); err != nil {
						b.Fatal(err)
					}
					rival = time.Since(start)
					b.StartTimer()
				}
			}
			if rival > 0 {
				b.ReportMetric(float64(rival), "rival-ns")
				b.ReportMetric(350e6, "rival-guide-ns")
				b.ReportMetric(0.5, "goal-ratio")
			}
			b.ReportMetric(float64(n)*float64(n)*float64(n)/2*float64(runs)/b.Elapsed().Seconds()/1e9, "GFMA/s")
		})
	}
}

func BenchmarkSolve(b *testing.B) {
	for _, n := range []int{100, 200} {
		a := positive(rand.New(rand.NewPCG(1, 1)), n)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			s := NewSolver(New())
			work, x := make([]float64, n*n), make([]float64, n)
			for b.Loop() {
				copy(work, a)
				copy(x, a)
				s.Solve(work, x, n)
			}
		})
	}
}
