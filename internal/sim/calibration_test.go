package sim

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func sqrt(x float64) float64 { return math.Sqrt(x) }

// marginals are the distributions to which the simulator is calibrated, over a window of 90 days.
type marginals struct {
	gaps      []float64 // days between successive days with orders of one customer
	perBuyer  []float64 // orders of those with at least one
	prices    []float64 // one per product
	values    []float64 // of orders
	lines     []float64 // of orders
	top       []float64 // share of all lines on the first 5, 20, 50 % of the products
	refunded  float64   // share of the value
	customers int
}

type purchase struct {
	customer, product string
	order             string
	at                time.Time
	quantity, price   float64
}

// shared opens a file of the folder beside the repository that holds the public data sets.
func shared(t *testing.T, name string, row func(r map[string]string)) {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("not inside the repository")
		}
		dir = up
	}
	f, err := os.Open(filepath.Join(filepath.Dir(dir), "shared", "data", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the shared data sets are not here")
	}
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	r := csv.NewReader(z)
	head, err := r.Read()
	require.NoError(t, err)
	m := map[string]string{}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		for i, h := range head {
			m[h] = fields[i]
		}
		row(m)
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

func date(t *testing.T, s string) time.Time {
	t.Helper()
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05Z", "2006-01-02 15:04", "2006-01-02", "20060102"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at
		}
	}
	t.Fatalf("no date: %q", s)
	return time.Time{}
}

// window reduces purchases to the marginals of one window of 90 days per customer.
func window(list []purchase, from func(first time.Time) time.Time) marginals {
	var m marginals
	sort.SliceStable(list, func(i, j int) bool { return list[i].at.Before(list[j].at) })
	type order struct{ value, lines float64 }
	orders := map[string]*order{}
	firsts := map[string]time.Time{}
	days := map[string]int{}
	count := map[string]float64{}
	popular := map[string]float64{}
	for _, p := range list {
		if _, ok := firsts[p.customer]; !ok {
			firsts[p.customer] = p.at
		}
		popular[p.product]++
		o := orders[p.order]
		if o == nil {
			o = &order{}
			orders[p.order] = o
			start := from(firsts[p.customer])
			if d := int(p.at.Sub(start) / (24 * time.Hour)); !p.at.Before(start) && d < 90 {
				count[p.customer]++
				if last, ok := days[p.customer]; ok && d > last {
					m.gaps = append(m.gaps, float64(d-last))
				}
				days[p.customer] = d
			}
		}
		o.value += p.quantity * p.price
		o.lines++
	}
	for _, o := range orders {
		m.values = append(m.values, o.value)
		m.lines = append(m.lines, o.lines)
	}
	for _, n := range count {
		m.perBuyer = append(m.perBuyer, n)
	}
	m.customers = len(firsts)
	var sold []float64
	var total float64
	for _, n := range popular {
		sold = append(sold, n)
		total += n
	}
	sort.Sort(sort.Reverse(sort.Float64Slice(sold)))
	for _, f := range []float64{0.05, 0.2, 0.5} {
		var sum float64
		for _, n := range sold[:int(f*float64(len(sold)))] {
			sum += n
		}
		m.top = append(m.top, sum/total)
	}
	return m
}

func onlineRetail(t *testing.T) marginals {
	var list []purchase
	seen := map[string]bool{}
	prices := map[string][]float64{}
	var sold, back float64
	shared(t, "onlineretail/online_retail_to_2011-09.csv.gz", func(r map[string]string) {
		key := r["InvoiceNo"] + "|" + r["StockCode"] + "|" + r["Quantity"] + "|" + r["UnitPrice"] + "|" + r["Description"]
		if r["CustomerID"] == "" || seen[key] {
			return
		}
		seen[key] = true
		quantity, price := number(t, r["Quantity"]), number(t, r["UnitPrice"])
		if strings.HasPrefix(r["InvoiceNo"], "C") {
			back -= quantity * price
			return
		}
		code := r["StockCode"]
		if quantity <= 0 || price <= 0 || len(code) < 5 || strings.Trim(code[:5], "0123456789") != "" {
			return
		}
		sold += quantity * price
		prices[code] = append(prices[code], price)
		list = append(list, purchase{r["CustomerID"], code, r["InvoiceNo"], date(t, r["InvoiceDate"]), quantity, price})
	})
	third := time.Date(2011, 7, 1, 0, 0, 0, 0, time.UTC)
	m := window(list, func(time.Time) time.Time { return third })
	for _, p := range prices {
		sort.Float64s(p)
		m.prices = append(m.prices, p[len(p)/2])
	}
	m.refunded = back / sold
	return m
}

func cdnow(t *testing.T) marginals {
	var list []purchase
	var units []float64
	shared(t, "cdnow/cdnow_sample.csv.gz", func(r map[string]string) {
		n := number(t, r["number_of_cds"])
		units = append(units, n)
		order := strconv.Itoa(len(units))
		list = append(list, purchase{r["sample_id"], "cd", order, date(t, r["date"]), 1, number(t, r["dollar_value"])})
	})
	m := window(list, func(first time.Time) time.Time { return first })
	m.lines = units
	return m
}

func simulated(t *testing.T) marginals {
	w := newWorld(t, &Options{Customers: 3000})
	var list []purchase
	var sold, back float64
	for e := range w.Events() {
		if e.Hidden.Duplicate {
			continue
		}
		switch e.Name {
		case "Order Refunded":
			back += float64(e.Total)
		case "Order Completed":
			sold += float64(e.Revenue)
			for _, l := range e.Products {
				list = append(list, purchase{
					strconv.Itoa(e.Customer()), l.Product.ID, e.OrderID, e.Hidden.Time.In(w.opts.Zone), float64(l.Quantity), float64(l.Price) / 100,
				})
			}
		}
	}
	first := time.Unix(0, w.first)
	m := window(list, func(time.Time) time.Time { return first })
	for _, p := range w.shop.products {
		m.prices = append(m.prices, float64(p.Price)/100)
	}
	m.refunded = back / sold
	return m
}

func quantiles(x []float64) (q [5]float64) {
	x = append([]float64(nil), x...)
	sort.Float64s(x)
	for i, p := range []float64{0.1, 0.25, 0.5, 0.75, 0.9} {
		q[i] = x[int(p*float64(len(x)))]
	}
	return q
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func logSpread(x []float64) float64 {
	var n, s1, s2 float64
	for _, v := range x {
		if v > 0 {
			l := math.Log(v)
			n, s1, s2 = n+1, s1+l, s2+l*l
		}
	}
	return math.Sqrt(s2/n - s1/n*s1/n)
}

func share(x []float64, n float64) float64 {
	var k float64
	for _, v := range x {
		if v == n {
			k++
		}
	}
	return k / float64(len(x))
}

// The bounds say how near the simulator keeps to the shops it is calibrated to.
func TestMarginalsAreThoseOfRealShops(t *testing.T) {
	retail, music, own := onlineRetail(t), cdnow(t), simulated(t)
	for _, m := range []struct {
		name string
		m    marginals
	}{{"Online Retail", retail}, {"CDNOW", music}, {"simulated", own}} {
		t.Logf("%-13s gaps %v, orders per buyer mean %.2f =1 %.2f =2 %.2f, lines %v mean %.2f, value %.2f mean %.2f spread %.2f, price spread %.2f, top %.2f, refunded %.3f",
			m.name, quantiles(m.m.gaps), mean(m.m.perBuyer), share(m.m.perBuyer, 1), share(m.m.perBuyer, 2), quantiles(m.m.lines), mean(m.m.lines),
			quantiles(m.m.values), mean(m.m.values), logSpread(m.m.values), logSpread(append(m.m.prices, 1)), m.m.top, m.m.refunded)
	}
	a, b, s := quantiles(retail.gaps), quantiles(music.gaps), quantiles(own.gaps)
	for i := range s {
		require.InDelta(t, (a[i]+b[i])/2, s[i], max(2, 0.2*(a[i]+b[i])/2), "gap quantile %d", i)
	}
	lo, hi := mean(music.perBuyer), mean(retail.perBuyer)
	require.True(t, mean(own.perBuyer) > lo && mean(own.perBuyer) < 1.1*hi, "orders per buyer %v", mean(own.perBuyer))
	require.InDelta(t, share(retail.perBuyer, 1), share(own.perBuyer, 1), 0.12)
	require.InDelta(t, share(retail.perBuyer, 2), share(own.perBuyer, 2), 0.08)
	// a basket's lines are CDNOW's units, of which some fall on one line
	require.InDelta(t, mean(music.lines), mean(own.lines), 0.4)
	for i, q := range quantiles(music.lines) {
		require.InDelta(t, q, quantiles(own.lines)[i], 1, "lines quantile %d", i)
	}
	// prices: Online Retail's spread on CDNOW's level
	require.InDelta(t, logSpread(retail.prices), logSpread(own.prices), 0.2)
	require.InDelta(t, logSpread(retail.values), logSpread(own.values), 0.2)
	require.InDelta(t, mean(music.values), mean(own.values), 0.15*mean(music.values))
	for i, f := range []string{"5 %", "20 %", "50 %"} {
		require.InDelta(t, retail.top[i], own.top[i], 0.1, "popularity of the first %s", f)
	}
	require.InDelta(t, retail.refunded, own.refunded, 0.02)
}
