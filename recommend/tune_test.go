package recommend

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func neighboursOf(k int) Candidate {
	return func(ctx context.Context, h *History) (*Model, error) {
		return FitItemKNN(ctx, h, &ItemKNNOptions{K: k})
	}
}

func TestTuneHalves(t *testing.T) {
	split, err := SplitStrong(synthetic(t, 900, 60, 9000), nil)
	require.NoError(t, err)
	all := len(split.Train.Users())
	var candidates []Candidate
	fitted := make([][]int, 9)
	for i := range fitted {
		candidates = append(candidates, func(ctx context.Context, h *History) (*Model, error) {
			fitted[i] = append(fitted[i], len(h.Users()))
			return neighboursOf(1+3*i)(ctx, h)
		})
	}
	third, ninth := (all+2)/3, (all+8)/9
	got, err := Tune(t.Context(), split, candidates, &TuneOptions{K: 10, MinUsers: 50})
	require.NoError(t, err)
	require.Len(t, got.Trials, 9)
	for i, x := range got.Trials {
		round := []int{3, 2, 2, 1, 1, 1, 1, 1, 1}[i]
		require.Equal(t, round, x.Round)
		require.Equal(t, []int{ninth, third, all}[:round], fitted[x.Candidate])
		if i > 0 && round == got.Trials[i-1].Round {
			require.LessOrEqual(t, x.Score.Value, got.Trials[i-1].Score.Value)
		}
	}
	require.Equal(t, got.Model.String(), got.Trials[0].Name)
	require.Contains(t, got.String(), "ndcg@10")

	for workers := 1; workers <= 3; workers++ {
		again, err := Tune(t.Context(), split, candidates, &TuneOptions{K: 10, MinUsers: 50, Workers: workers})
		require.NoError(t, err)
		require.Equal(t, got.Trials, again.Trials)
	}
	other, err := Tune(t.Context(), split, candidates, &TuneOptions{K: 10, MinUsers: 50, Seed: 2})
	require.NoError(t, err)
	require.NotEqual(t, got.Trials[8].Score, other.Trials[8].Score, "other users in the first round")
}

// With one round it is the largest of what Evaluate says, the first of equals.
func TestTuneAgainstTryingAll(t *testing.T) {
	split, err := SplitStrong(synthetic(t, 700, 60, 7000), nil)
	require.NoError(t, err)
	for _, metric := range metricNames[:metricCalibration] {
		ks := []int{1, 5, 20, 20, 60}
		var candidates []Candidate
		best, top := 0, -1.0
		for i, k := range ks {
			candidates = append(candidates, neighboursOf(k))
			m, err := candidates[i](t.Context(), split.Train)
			require.NoError(t, err)
			r, err := Evaluate(t.Context(), m, split.Validation.Held, &EvalOptions{History: split.Validation.Known, K: []int{20}})
			require.NoError(t, err)
			c := r.Cuts[0]
			x := map[string]Estimate{
				"recall": c.Recall, "ndcg": c.NDCG, "map": c.MAP, "mrr": c.MRR, "hit rate": c.HitRate,
				"tail recall": c.TailRecall, "stratified recall": c.StratifiedRecall,
			}[metric].Value
			if x > top {
				best, top = i, x
			}
		}
		got, err := Tune(t.Context(), split, candidates, &TuneOptions{Metric: metric, K: 20})
		require.NoError(t, err)
		require.Equal(t, best, got.Trials[0].Candidate, metric)
		require.Equal(t, top, got.Trials[0].Score.Value, metric)
		want, err := candidates[best](t.Context(), split.Train)
		require.NoError(t, err)
		a, err := want.AppendBinary(nil)
		require.NoError(t, err)
		b, err := got.Model.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, a, b)
	}
}

func TestTuneRefusesBadInput(t *testing.T) {
	h := synthetic(t, 200, 40, 2000)
	split, err := SplitStrong(h, nil)
	require.NoError(t, err)
	ok := []Candidate{neighboursOf(5)}
	tune := func(s *Split, c []Candidate, o *TuneOptions) error { return second(Tune(t.Context(), s, c, o)) }
	for _, err := range []error{
		tune(nil, ok, nil),
		tune(&Split{Train: h}, ok, nil),
		tune(split, nil, nil),
		tune(split, []Candidate{nil}, nil),
		tune(split, []Candidate{func(context.Context, *History) (*Model, error) { return nil, nil }}, nil),
		tune(split, ok, &TuneOptions{Metric: "calibration"}),
		tune(split, ok, &TuneOptions{Keep: 0.95}),
		tune(split, ok, &TuneOptions{K: -1}),
		tune(split, ok, &TuneOptions{MinUsers: -1}),
		tune(split, ok, &TuneOptions{Workers: -1}),
	} {
		require.ErrorIs(t, err, ErrOption)
	}
	broken := errors.New("broken")
	err = tune(split, append(ok, func(context.Context, *History) (*Model, error) { return nil, broken }), nil)
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "candidates[1]")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, second(Tune(cancelled, split, ok, nil)), context.Canceled)
}
