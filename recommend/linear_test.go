package recommend

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// gauss solves A·x = b by elimination with pivoting.
func gauss(a [][]float64, b []float64) []float64 {
	n := len(b)
	for i := range a {
		a[i] = append(slices.Clone(a[i]), b[i])
	}
	for k := range n {
		p := k
		for i := k + 1; i < n; i++ {
			if math.Abs(a[i][k]) > math.Abs(a[p][k]) {
				p = i
			}
		}
		a[k], a[p] = a[p], a[k]
		for i := range n {
			if i != k {
				f := a[i][k] / a[k][k]
				for c := k; c <= n; c++ {
					a[i][c] -= f * a[k][c]
				}
			}
		}
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = a[i][n] / a[i][i]
	}
	return x
}

func (m *slowModel) gram(i, j string) (sum float64) {
	for u, x := range m.x[i] {
		sum += x * m.x[j][u]
	}
	return sum
}

// regress returns the ridge regression of a target on sources.
func (m *slowModel) regress(target string, sources []string, penalty func(i string) float64) []float64 {
	a := make([][]float64, len(sources))
	b := make([]float64, len(sources))
	for x, i := range sources {
		for _, j := range sources {
			a[x] = append(a[x], m.gram(i, j))
		}
		a[x][x] += penalty(i)
		b[x] = m.gram(i, target)
	}
	return gauss(a, b)
}

// EASE is the ridge regression of every item on all others, whatever the
// inverse says; EDLAE the same with its own penalties.
func TestEASEIsRegressionOnAllOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		o := &EASEOptions{
			Lambda:  rapid.Float64Range(0.1, 50).Draw(t, "lambda"),
			Dropout: rapid.SampledFrom([]float64{0, 0.3, 0.8}).Draw(t, "dropout"),
		}
		slow := slowMatrix(h)
		m, err := FitEASE(t.Context(), h, o)
		if len(slow.items) == 0 {
			require.ErrorIs(t, err, ErrEmpty)
			return
		}
		require.NoError(t, err)
		for _, target := range slow.items {
			others := slices.DeleteFunc(slices.Clone(slow.items), func(i string) bool { return i == target })
			want := slow.regress(target, others, func(i string) float64 {
				return o.Lambda + o.Dropout/(1-o.Dropout)*slow.gram(i, i)
			})
			require.Zero(t, m.Weight(target, target))
			for x, i := range others {
				require.InDelta(t, want[x], m.Weight(i, target), 1e-9)
			}
		}
		// Cut to the largest, the weights stay what they were.
		o.Keep = rapid.IntRange(1, 5).Draw(t, "keep")
		cut, err := FitEASE(t.Context(), h, o)
		require.NoError(t, err)
		for _, target := range slow.items {
			var kept, all []float64
			for _, i := range slow.items {
				w := m.Weight(i, target)
				if c := cut.Weight(i, target); c != 0 {
					require.Equal(t, w, c)
					kept = append(kept, math.Abs(c))
				}
				all = append(all, math.Abs(w))
			}
			slices.Sort(kept)
			slices.Sort(all)
			require.LessOrEqual(t, len(kept), max(o.Keep, len(slow.items)*bool01(o.Keep >= len(slow.items)-1)))
			require.True(t, slices.Equal(all[len(all)-len(kept):], kept))
		}
	})
}

func bool01(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Local ridge with enough candidates is the regression on every item that
// shares a user; with fewer on the nearest by exact cosine. The table of
// popular items must not show.
func TestLocalRidgeIsRegressionOnNeighbours(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		slow := slowMatrix(h)
		lambda := rapid.Float64Range(0.1, 50).Draw(t, "lambda")
		c := rapid.IntRange(1, 15).Draw(t, "c")
		if len(slow.items) == 0 {
			t.Skip("empty")
		}
		near, err := FitItemKNN(t.Context(), h, &ItemKNNOptions{K: c})
		require.NoError(t, err)
		var want []byte
		for _, budget := range []int64{1, 8 * 3 * 3, 1 << 20} {
			m, err := FitLocalRidge(t.Context(), h, &LocalRidgeOptions{
				Candidates: c, Lambda: lambda, Budget: budget, Workers: rapid.IntRange(1, 3).Draw(t, "workers"),
			})
			require.NoError(t, err)
			b, err := m.AppendBinary(nil)
			require.NoError(t, err)
			if want == nil {
				want = b
			}
			require.Equal(t, want, b, "budget %d", budget)
			for _, target := range slow.items {
				sources := slices.DeleteFunc(slices.Clone(slow.items), func(i string) bool { return near.Weight(i, target) == 0 })
				w := slow.regress(target, sources, func(string) float64 { return lambda })
				for x, i := range sources {
					require.InDelta(t, w[x], m.Weight(i, target), 1e-9)
				}
				require.LessOrEqual(t, len(sources), c)
			}
		}
	})
}

func TestLinearModelsRefuseBadInput(t *testing.T) {
	h := shop(t)
	for _, c := range []struct {
		err  error
		want error
	}{
		{second(FitEASE(t.Context(), nil, nil)), ErrOption},
		{second(FitEASE(t.Context(), newTestHistory(t, nil), nil)), ErrEmpty},
		{second(FitEASE(t.Context(), h, &EASEOptions{Lambda: -1})), ErrOption},
		{second(FitEASE(t.Context(), h, &EASEOptions{Lambda: math.NaN()})), ErrOption},
		{second(FitEASE(t.Context(), h, &EASEOptions{Dropout: 1})), ErrOption},
		{second(FitEASE(t.Context(), h, &EASEOptions{Keep: -1})), ErrOption},
		{second(FitEASE(t.Context(), h, &EASEOptions{Budget: -1})), ErrOption},
		{second(FitEASE(t.Context(), h, &EASEOptions{Budget: 1000})), ErrBudget},
		{second(FitLocalRidge(t.Context(), nil, nil)), ErrOption},
		{second(FitLocalRidge(t.Context(), newTestHistory(t, nil), nil)), ErrEmpty},
		{second(FitLocalRidge(t.Context(), h, &LocalRidgeOptions{Candidates: -1})), ErrOption},
		{second(FitLocalRidge(t.Context(), h, &LocalRidgeOptions{Lambda: math.Inf(1)})), ErrOption},
		{second(FitLocalRidge(t.Context(), h, &LocalRidgeOptions{Budget: -1})), ErrOption},
		{second(FitLocalRidge(t.Context(), h, &LocalRidgeOptions{Workers: -1})), ErrOption},
	} {
		require.ErrorIs(t, c.err, c.want)
	}
}

// A model that keeps every weight answers and travels like a sparse one.
func TestFullModel(t *testing.T) {
	h := synthetic(t, 200, 60, 2500)
	full, err := FitEASE(t.Context(), h, &EASEOptions{Lambda: 10})
	require.NoError(t, err)
	sparse, err := FitEASE(t.Context(), h, &EASEOptions{Lambda: 10, Keep: 58})
	require.NoError(t, err)
	require.Equal(t, 60*60, full.Weights())
	require.Equal(t, 60*58, sparse.Weights())
	data, err := full.AppendBinary(nil)
	require.NoError(t, err)
	var back Model
	require.NoError(t, back.UnmarshalBinary(data))
	for _, u := range h.Users()[:50] {
		q := Query{History: h, User: u, N: 60}
		want, err := full.Recommend(q)
		require.NoError(t, err)
		got, err := back.Recommend(q)
		require.NoError(t, err)
		require.Equal(t, want, got)
		near, err := sparse.Recommend(q)
		require.NoError(t, err)
		for i, x := range near.Items[:10] {
			require.InDelta(t, want.Items[i].Score, x.Score, 0.01)
		}
	}
}

// descend finds SLIM's weights for a target by going down one weight at a time
// for as long as any moves.
func (m *slowModel) descend(target string, sources []string, o *SLIMOptions) map[string]float64 {
	w := map[string]float64{}
	for round := 0; round < 1_000_000; round++ {
		moved := 0.0
		for _, i := range sources {
			slope := m.gram(i, target)
			for _, k := range sources {
				if k != i {
					slope -= m.gram(i, k) * w[k]
				}
			}
			next := max(0, slope-o.L1)
			if o.Signed && slope < 0 {
				next = min(0, slope+o.L1)
			}
			next /= m.gram(i, i) + o.L2
			moved = max(moved, math.Abs(next-w[i]))
			w[i] = next
		}
		if moved < 1e-14 {
			break
		}
	}
	return w
}

// SLIM's weights satisfy the conditions of the minimum (Karush, Kuhn and
// Tucker), which nothing else does since the problem is strictly convex, and are
// where a slow descent ends.
func TestSLIMIsTheMinimum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		slow := slowMatrix(h)
		if len(slow.items) == 0 {
			t.Skip("empty")
		}
		o := &SLIMOptions{
			Candidates: rapid.IntRange(1, 15).Draw(t, "c"),
			L1:         rapid.Float64Range(0.01, 3).Draw(t, "l1"),
			L2:         rapid.Float64Range(0.1, 20).Draw(t, "l2"),
			Signed:     rapid.Bool().Draw(t, "signed"),
			Workers:    rapid.IntRange(1, 3).Draw(t, "workers"),
		}
		near, err := FitItemKNN(t.Context(), h, &ItemKNNOptions{K: o.Candidates})
		require.NoError(t, err)
		m, err := FitSLIM(t.Context(), h, o)
		require.NoError(t, err)
		for _, j := range slow.items {
			sources := slices.DeleteFunc(slices.Clone(slow.items), func(i string) bool { return near.Weight(i, j) == 0 })
			want := slow.descend(j, sources, o)
			for _, i := range slow.items {
				w := m.Weight(i, j)
				require.InDelta(t, want[i], w, 1e-9)
				if near.Weight(i, j) == 0 {
					require.Zero(t, w)
					continue
				}
				gradient := slow.gram(i, j) - o.L2*w
				for _, k := range slow.items {
					gradient -= slow.gram(i, k) * m.Weight(k, j)
				}
				switch {
				case w > 0:
					require.InDelta(t, o.L1, gradient, 1e-8)
				case w < 0:
					require.True(t, o.Signed)
					require.InDelta(t, -o.L1, gradient, 1e-8)
				default:
					require.LessOrEqual(t, gradient, o.L1+1e-8)
					if o.Signed {
						require.GreaterOrEqual(t, gradient, -o.L1-1e-8)
					}
				}
			}
		}
	})
	h := shop(t)
	for _, err := range []error{
		second(FitSLIM(t.Context(), nil, nil)),
		second(FitSLIM(t.Context(), h, &SLIMOptions{L1: -1})),
		second(FitSLIM(t.Context(), h, &SLIMOptions{L2: math.NaN()})),
		second(FitSLIM(t.Context(), h, &SLIMOptions{Candidates: -1})),
	} {
		require.ErrorIs(t, err, ErrOption)
	}
}
