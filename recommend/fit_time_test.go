package recommend

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
)

// completeJourney is a year of lines from grocery receipts.
func completeJourney(t testing.TB) *History {
	h := newTestHistory(t, nil)
	records(t, sharedFile(t, "completejourney/transactions_sample.csv.gz"), func(rec []string) {
		at, err := time.Parse("2006-01-02 15:04:05", rec[10])
		require.NoError(t, err)
		require.NoError(t, h.Add(uint32(number(t, rec[0])), rec[3], 1, at))
	})
	return h
}

// own recommends what the user had most often, then what is popular: hard to
// beat where people buy the same again.
type own struct {
	*Popularity
	h *History
}

func (o own) String() string { return "own items by count" }

func (o own) AppendRecommend(dst []Scored, q Query) ([]Scored, error) {
	count := map[string]int{}
	for _, i := range o.h.Of(q.User) {
		if i.Weight > 0 && o.Users(i.Item) > 0 {
			count[i.Item]++
		}
	}
	list, err := o.Popularity.AppendRecommend(nil, Query{Items: []string{}, N: o.Len()})
	if err != nil {
		return dst, err
	}
	slices.SortStableFunc(list, func(a, b Scored) int { return cmp.Compare(count[b.Item], count[a.Item]) })
	return append(dst, list[:min(q.N, len(list))]...), nil
}

// The default by time, with and without repeat purchases, beside other models
// with parameters that suit many sets. Nothing looks at what comes after the
// split before it judges.
func TestFitByTime(t *testing.T) {
	if os.Getenv("ZHUN_LONG") == "" || raceEnabled {
		t.Skip("minutes of arithmetic; set ZHUN_LONG=1")
	}
	for _, set := range []struct {
		name string
		h    func(testing.TB) *History
		at   time.Time
		// Whether who takes what together can be seen: of the receipts of
		// Complete Journey only one line in twenty was published.
		whole bool
	}{
		{"Online Retail", onlineRetail, time.Date(2011, 8, 1, 0, 0, 0, 0, time.UTC), true},
		{"Complete Journey", completeJourney, time.Date(2017, 11, 1, 0, 0, 0, 0, time.UTC), false},
	} {
		t.Run(set.name, func(t *testing.T) {
			h := set.h(t)
			for _, repeat := range []bool{false, true} {
				s, err := SplitTime(h, set.at, &SplitTimeOptions{Repeat: repeat})
				require.NoError(t, err)
				var out strings.Builder
				w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
				fmt.Fprintf(w, "repeat %v\trecall@20\tndcg@100\tse\tcoverage@20\t\n", repeat)
				best, chosen := 0.0, 0.0
				weight := 0.0
				add := func(r Recommender, err error) float64 {
					require.NoError(t, err)
					report, err := Evaluate(t.Context(), r, s.Test.Held, &EvalOptions{
						History: s.Test.Known, Train: s.Train, Repeat: repeat, Own: weight, K: []int{20, 100},
					})
					require.NoError(t, err)
					a, b := report.Cuts[0], report.Cuts[1]
					fmt.Fprintf(w, "%s\t%.4f\t%.4f\t%.4f\t%.3f\t\n", report.Name, a.Recall.Value, b.NDCG.Value, b.NDCG.StdErr, a.Coverage)
					return b.NDCG.Value
				}
				popular, err := FitPopularity(t.Context(), s.Train)
				base := add(popular, err)
				if repeat {
					add(own{popular, s.Train}, nil)
				}
				for _, similarity := range []Similarity{Cosine{}, Cosine{20}, TFIDF{}, BM25{1.2, 0.75}, RP3Beta{0.6, 0.5}, AsymmetricCosine{0.8, 50}} {
					m, err := FitItemKNN(t.Context(), s.Train, &ItemKNNOptions{Similarity: similarity})
					best = max(best, add(m, err))
				}
				for _, lambda := range []float64{20, 100, 500} {
					m, err := FitLocalRidge(t.Context(), s.Train, &LocalRidgeOptions{Lambda: lambda})
					best = max(best, add(m, err))
					if m.Len() < 6000 {
						m, err = FitEASE(t.Context(), s.Train, &EASEOptions{Lambda: lambda})
						best = max(best, add(m, err))
					}
				}
				m, err := Fit(t.Context(), s.Train, nil)
				chosen = add(m, err)
				for _, weight = range []float64{0.1, 0.3, 1, 10} {
					if repeat {
						fmt.Fprintf(w, "own=%g\t\t\t\t\t\n", weight)
						add(m, nil)
					}
				}
				require.NoError(t, w.Flush())
				t.Logf("%d users, default %.4f of the best\n%s", s.Test.Users, chosen/best, out.String())
				if set.whole {
					require.Greater(t, chosen, base)
				}
			}
		})
	}
}
