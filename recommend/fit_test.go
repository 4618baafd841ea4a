package recommend

import (
	"context"
	"encoding/csv"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Within 3 % of the best row of testdata/sg.csv, without being told anything.
func TestFitNeedsNoTuning(t *testing.T) {
	best := map[string]float64{}
	f, err := os.Open("testdata/sg.csv")
	require.NoError(t, err)
	defer f.Close()
	records(t, csv.NewReader(f), func(rec []string) {
		best[rec[0]] = max(best[rec[0]], number(t, rec[8]))
	})
	for _, set := range []string{"msweb", "movielens-latest-small", "retailrocket-filtered"} {
		t.Run(set, func(t *testing.T) {
			if set != "msweb" && os.Getenv("ZHUN_LONG") == "" {
				t.Skip("minutes of arithmetic; set ZHUN_LONG=1")
			}
			s, err := SplitStrong(dataset(t, set), nil)
			require.NoError(t, err)
			m, err := Fit(t.Context(), s.Train, nil)
			require.NoError(t, err)
			r, err := Evaluate(t.Context(), m, s.Test.Held, &EvalOptions{History: s.Test.Known})
			require.NoError(t, err)
			at100, _ := r.At(100)
			t.Logf("%v: NDCG@100 %.4f, best known row %.4f", m, at100.NDCG.Value, best[set])
			require.Greater(t, at100.NDCG.Value, 0.97*best[set])
		})
	}
}

// The same on grocery baskets, of which there is no reference: beside the best
// of many models by what is held out of the test users themselves.
func TestFitOnBaskets(t *testing.T) {
	if raceEnabled {
		t.Skip("too slow under the race detector")
	}
	s, err := SplitStrong(dataset(t, "groceries"), nil)
	require.NoError(t, err)
	judge := func(m *Model, err error) float64 {
		require.NoError(t, err)
		r, err := Evaluate(t.Context(), m, s.Test.Held, &EvalOptions{History: s.Test.Known})
		require.NoError(t, err)
		at100, _ := r.At(100)
		t.Logf("%v: NDCG@100 %.4f ± %.4f", m, at100.NDCG.Value, at100.NDCG.StdErr)
		return at100.NDCG.Value
	}
	best := 0.0
	for _, x := range []Similarity{Cosine{}, Cosine{20}, AsymmetricCosine{0.8, 50}, Tversky{1, 0.1}, TFIDF{}, BM25{1.2, 0.75}, P3Alpha{1}, RP3Beta{0.6, 0.5}} {
		best = max(best, judge(FitItemKNN(t.Context(), s.Train, &ItemKNNOptions{Similarity: x})))
	}
	for _, lambda := range []float64{20, 100, 500, 2000} {
		best = max(best, judge(FitEASE(t.Context(), s.Train, &EASEOptions{Lambda: lambda})))
		best = max(best, judge(FitEASE(t.Context(), s.Train, &EASEOptions{Lambda: lambda, Dropout: 0.5})))
	}
	require.Greater(t, judge(Fit(t.Context(), s.Train, nil)), 0.97*best)
}

func TestFitChoosesByBudget(t *testing.T) {
	h := synthetic(t, 300, 80, 5000)
	m, err := Fit(t.Context(), h, nil)
	require.NoError(t, err)
	require.Contains(t, m.String(), "ease lambda=")
	var want []byte
	for workers := 1; workers <= 3; workers++ {
		m, err = Fit(t.Context(), h, &FitOptions{Budget: 1, Workers: workers})
		require.NoError(t, err)
		require.Contains(t, m.String(), "local ridge C=200 lambda=")
		b, err := m.AppendBinary(nil)
		require.NoError(t, err)
		if want == nil {
			want = b
		}
		require.Equal(t, want, b)
	}
	m, err = Fit(t.Context(), h, &FitOptions{Keep: 10})
	require.NoError(t, err)
	require.Contains(t, m.String(), "keep=10")
	require.Equal(t, 10*m.Len(), m.Weights())
	m, err = Fit(t.Context(), shop(t), nil)
	require.NoError(t, err)
	require.Equal(t, "ease lambda=100", m.String(), "too few to choose by")

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		err  error
		want error
	}{
		{second(Fit(t.Context(), nil, nil)), ErrOption},
		{second(Fit(t.Context(), newTestHistory(t, nil), nil)), ErrEmpty},
		{second(Fit(t.Context(), h, &FitOptions{Budget: -1})), ErrOption},
		{second(Fit(t.Context(), h, &FitOptions{Candidates: -1})), ErrOption},
		{second(Fit(t.Context(), h, &FitOptions{Keep: -1})), ErrOption},
		{second(Fit(t.Context(), h, &FitOptions{Workers: -1})), ErrOption},
		{second(Fit(cancelled, h, nil)), context.Canceled},
	} {
		require.ErrorIs(t, c.err, c.want)
	}
}
