package segment

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shared finds a file of the shared data beside the repository.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		path := filepath.Join(append([]string{dir, "..", "shared"}, parts...)...)
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			if _, err := os.Stat(path); err != nil {
				t.Skipf("no shared data: %v", err)
			}
			return path
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("no shared data: the root of the repository was not found")
		}
		dir = up
	}
}

// invoice is an order of the Online Retail data.
type invoice struct {
	user    uint32
	country string
	event   string
	at      time.Time
	total   float64
	lines   []map[string]any
}

func invoices(t testing.TB) []invoice {
	t.Helper()
	f, err := os.Open(shared(t, "data", "onlineretail", "online_retail_to_2011-09.csv.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	r := csv.NewReader(z)
	_, err = r.Read()
	require.NoError(t, err)
	byNo := map[string]int{}
	var list []invoice
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		user, err := strconv.ParseUint(strings.TrimSuffix(rec[6], ".0"), 10, 32)
		if err != nil {
			continue // a row without a customer
		}
		i, ok := byNo[rec[0]]
		if !ok {
			when, err := time.Parse("2006-01-02 15:04:05", rec[4])
			if err != nil {
				when, err = time.Parse("2006-01-02 15:04", rec[4])
			}
			if err != nil {
				when, err = time.Parse("2006-01-02T15:04:05", rec[4])
			}
			require.NoError(t, err)
			event := "Order Completed"
			if strings.HasPrefix(rec[0], "C") {
				event = "Order Refunded"
			}
			i = len(list)
			byNo[rec[0]] = i
			list = append(list, invoice{user: uint32(user), country: rec[7], event: event, at: when})
		}
		quantity, err := strconv.ParseFloat(rec[3], 64)
		require.NoError(t, err)
		price, err := strconv.ParseFloat(rec[5], 64)
		require.NoError(t, err)
		list[i].total += quantity * price
		list[i].lines = append(list[i].lines, map[string]any{"sku": rec[1], "price": price, "quantity": quantity})
	}
}

// TestRetail replays ten months of a real shop and compares, every evening,
// the members kept with the answer computed anew.
func TestRetail(t *testing.T) {
	orders := invoices(t)
	x, err := NewIndex(Schema{"country": String, "orders": Number}, nil)
	require.NoError(t, err)
	rules := map[string]string{
		"abroad":    `country != "United Kingdom"`,
		"active":    `len(events("Order Completed", "30d")) > 0`,
		"regular":   `active("Order Completed", "30d", 3, 3)`,
		"big":       `sum(events("Order Completed", "90d"), .total) >= 2000 and len(events("Order Refunded", "90d")) == 0`,
		"lapsing":   `len(events("Order Completed", "90d", "30d")) >= 2 and len(events("Order Completed", "30d")) == 0`,
		"regretful": `sequence("7d", "Order Completed", "Order Refunded")`,
		"bulk":      `any(events("Order Completed", "60d"), any(.products, .quantity >= 1000))`,
		"growing":   `mean(map(events("Order Completed", "30d"), .total)) > mean(map(events("Order Completed", "200d", "30d"), .total))`,
		"target":    `segment("abroad") and not segment("active") and orders >= 2`,
	}
	for _, name := range []string{"abroad", "active", "regular", "big", "lapsing", "regretful", "bulk", "growing", "target"} {
		define(t, x, name, rules[name])
	}
	size := map[string]int{}
	x.Watch(nil, func(t Transition) {
		if t.Entered {
			size[t.Audience]++
		} else {
			size[t.Audience]--
		}
	})
	seen := map[uint32]int{}
	evening := orders[0].at.Truncate(24 * time.Hour).Add(24 * time.Hour)
	days := 0
	check := func() {
		require.NoError(t, x.Advance(evening))
		days++
		if days%7 != 0 && os.Getenv("ZHUN_LONG") == "" {
			return
		}
		for name, rule := range rules {
			kept, err := x.Members(name)
			require.NoError(t, err)
			anew, err := x.Query(rule)
			require.NoError(t, err)
			require.True(t, kept.Equals(anew), "%s on %v: kept %d, anew %d", name, evening, kept.GetCardinality(), anew.GetCardinality())
			require.Equal(t, int(kept.GetCardinality()), size[name], "%s on %v: by transitions", name, evening)
		}
	}
	for _, o := range orders {
		for o.at.After(evening) {
			check()
			evening = evening.Add(24 * time.Hour)
		}
		if o.event == "Order Completed" {
			seen[o.user]++
		}
		require.NoError(t, x.Update(o.user, map[string]any{"country": o.country, "orders": seen[o.user]}, o.at))
		require.NoError(t, x.Observe(o.user, o.event, map[string]any{"total": o.total, "products": o.lines}, o.at))
	}
	check()
	require.Equal(t, 304, days)
	require.Equal(t, 3658, x.Stats().Users)
	for name := range rules {
		require.Positive(t, size[name], name)
	}
	// Everything merged from shards by customer is the same index.
	data, err := x.AppendBinary(nil)
	require.NoError(t, err)
	y, err := NewIndex(Schema{"country": String, "orders": Number}, nil)
	require.NoError(t, err)
	require.NoError(t, y.UnmarshalBinary(data))
	for name := range rules {
		a, _ := x.Members(name)
		b, err := y.Members(name)
		require.NoError(t, err)
		require.True(t, a.Equals(b), name)
	}
}
