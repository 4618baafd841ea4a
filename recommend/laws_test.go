package recommend

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/laws"
)

func TestHistoryLaws(t *testing.T) {
	events := []string{"Product Viewed", "Product Added", "Order Completed", "Order Refunded", "Application Opened"}
	laws.CheckView(t, laws.ViewSpec[*History]{
		New: func() *History {
			h, err := NewHistory(&HistoryOptions{Value: Log1p()})
			require.NoError(t, err)
			return h
		},
		Row: func(r *rand.Rand) laws.Row {
			item := func() string { return strconv.Itoa(r.IntN(12)) }
			row := laws.Row{
				User:   uint32(1 + r.IntN(5)),
				Event:  events[r.IntN(len(events))],
				Fields: map[string]any{},
				At:     day0.Add(time.Duration(r.IntN(6)) * 500 * time.Millisecond),
			}
			switch r.IntN(4) {
			case 0:
				row.Fields["product_id"] = item()
			case 1:
				row.Fields["sku"] = int64(r.IntN(12))
			case 2:
				row.Fields["products"] = []map[string]any{{"product_id": item()}, {"sku": item()}, {"name": "no id"}, {"product_id": item()}}
			}
			return row
		},
	})
}
