package recommend

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// onlineRetail is two thirds of a year of orders and returns of a wholesaler.
func onlineRetail(t testing.TB) *History {
	h := newTestHistory(t, nil)
	records(t, sharedFile(t, "onlineretail/online_retail_to_2011-09.csv.gz"), func(rec []string) {
		invoice, item, customer := rec[0], rec[1], rec[6]
		if customer == "" || len(item) < 5 || strings.HasPrefix(item, "BANK") {
			return // no customer, or a service and no product
		}
		at, err := time.Parse("2006-01-02 15:04:05", rec[4])
		require.NoError(t, err)
		event := "Order Completed"
		if strings.HasPrefix(invoice, "C") {
			event = "Order Refunded"
		}
		require.NoError(t, h.Observe(uint32(number(t, customer)), event, map[string]any{"product_id": item}, at))
	})
	return h
}

// On real orders, by time, on items new to the customer: the model must be at
// least twice as good as popularity.
func TestOnlineRetailByTime(t *testing.T) {
	if raceEnabled {
		t.Skip("too slow under the race detector")
	}
	h := onlineRetail(t)
	s, err := SplitTime(h, time.Date(2011, 8, 1, 0, 0, 0, 0, time.UTC), nil)
	require.NoError(t, err)
	popular, err := FitPopularity(t.Context(), s.Train)
	require.NoError(t, err)
	knn, err := FitItemKNN(t.Context(), s.Train, nil)
	require.NoError(t, err)
	all := []Recommender{popular, knn}
	if os.Getenv("ZHUN_LONG") != "" {
		tuned, err := Fit(t.Context(), s.Train, nil)
		require.NoError(t, err)
		all = append(all, tuned)
	}
	var recall []float64
	for _, r := range all {
		report, err := Evaluate(t.Context(), r, s.Test.Held, &EvalOptions{History: s.Test.Known})
		require.NoError(t, err)
		t.Log("\n" + report.String())
		cut, _ := report.At(20)
		recall = append(recall, cut.Recall.Value)
	}
	for _, x := range recall[1:] {
		require.Greater(t, x, 2*recall[0])
	}
}
