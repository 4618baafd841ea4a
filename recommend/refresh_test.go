package recommend

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Refreshed and new targets are as in a fit of now, the others as they were.
func TestRefreshIsAFitOfItsTargets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &LocalRidgeOptions{Candidates: rapid.IntRange(1, 6).Draw(t, "c"), Lambda: 3}
		h := histories().Draw(t, "history")
		before, err := FitLocalRidge(t.Context(), h, o)
		if err != nil {
			t.Skip("empty")
		}
		for range rapid.IntRange(0, 20).Draw(t, "more") {
			item := rapid.SampledFrom([]string{"1", "2", "3", "4", "new", "newer"}).Draw(t, "item")
			user := uint32(rapid.IntRange(1, 12).Draw(t, "user"))
			require.NoError(t, h.Add(user, item, 1, day0.Add(time.Hour)))
		}
		if rapid.Bool().Draw(t, "erase") {
			require.NoError(t, h.Erase(1))
		}
		now, err := FitLocalRidge(t.Context(), h, o)
		if err != nil {
			t.Skip("empty")
		}
		targets := rapid.SliceOf(rapid.SampledFrom([]string{"1", "2", "3", "5", "8", "new", "unknown"})).Draw(t, "targets")
		o.Workers = rapid.IntRange(1, 3).Draw(t, "workers")
		got, err := RefreshLocalRidge(t.Context(), h, before, targets, o)
		require.NoError(t, err)
		require.Equal(t, now.cat.names, got.cat.names)
		require.Equal(t, now.cat.counts, got.cat.counts)
		fresh := map[string]bool{}
		for _, i := range targets {
			fresh[i] = true
		}
		for _, j := range now.cat.names {
			want := before
			if fresh[j] || before.Users(j) == 0 {
				want = now
			}
			for _, i := range now.cat.names {
				require.Equal(t, want.Weight(i, j), got.Weight(i, j), "%s for %s", i, j)
			}
		}
		all, err := RefreshLocalRidge(t.Context(), h, before, now.cat.names, o)
		require.NoError(t, err)
		a, err := now.AppendBinary(nil)
		require.NoError(t, err)
		b, err := all.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, a, b, "all targets: the fit, to the last bit")
	})
}

func TestRefreshRefusesBadInput(t *testing.T) {
	h := shop(t)
	m, err := FitLocalRidge(t.Context(), h, nil)
	require.NoError(t, err)
	ease, err := FitEASE(t.Context(), h, nil)
	require.NoError(t, err)
	refresh := func(ctx context.Context, h *History, m *Model, o *LocalRidgeOptions) error {
		return second(RefreshLocalRidge(ctx, h, m, nil, o))
	}
	require.ErrorIs(t, refresh(t.Context(), h, nil, nil), ErrOption)
	require.ErrorIs(t, refresh(t.Context(), h, &Model{}, nil), ErrOption)
	require.ErrorIs(t, refresh(t.Context(), h, ease, nil), ErrOption)
	require.ErrorIs(t, refresh(t.Context(), nil, m, nil), ErrOption)
	require.ErrorIs(t, refresh(t.Context(), h, m, &LocalRidgeOptions{Candidates: -1}), ErrOption)
	require.ErrorIs(t, refresh(t.Context(), newTestHistory(t, nil), m, nil), ErrEmpty)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, refresh(cancelled, h, m, nil), context.Canceled)
}
