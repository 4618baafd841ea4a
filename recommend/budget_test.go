package recommend

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/recommend/internal/dense"
)

// allocated returns the bytes that f allocates in all, which the bytes in use
// at any time cannot exceed.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

func TestBudgetsAreHonoured(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates besides")
	}
	h := synthetic(t, 500, 700, 6000)
	// What every fit needs, whatever the model.
	popularity := allocated(func() {
		_, err := FitPopularity(t.Context(), h)
		require.NoError(t, err)
	})
	// X by user, the catalogue and what goroutines take.
	const slack = 1 << 20

	m, err := FitEASE(t.Context(), h, nil)
	require.NoError(t, err)
	n := int64(m.Len())
	for _, o := range []EASEOptions{
		{Budget: dense.Bytes(int(n))},
		{Budget: dense.Bytes(int(n)) + 28*n*50 + 16*n*2, Keep: 50, Workers: 2},
	} {
		got := allocated(func() {
			_, err := FitEASE(t.Context(), h, &o)
			require.NoError(t, err)
		})
		require.LessOrEqual(t, got, o.Budget+popularity+slack)
		o.Budget--
		_, err := FitEASE(t.Context(), h, &o)
		require.ErrorIs(t, err, ErrBudget)
	}

	const c = 100
	var want []byte
	for _, budget := range []int64{1, 1 << 16, 1 << 20, 1 << 28} {
		got := allocated(func() {
			m, err = FitLocalRidge(t.Context(), h, &LocalRidgeOptions{Candidates: c, Budget: budget, Workers: 1})
			require.NoError(t, err)
		})
		require.LessOrEqual(t, got, min(budget, 8*n*n)+28*n*c+popularity+slack, "budget %d", budget)
		b, err := m.AppendBinary(nil)
		require.NoError(t, err)
		if want == nil {
			want = b
		}
		require.Equal(t, want, b, "the weights do not depend on the budget")
	}
}
