package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shared finds a file of the data sets that live beside the repository.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		path := filepath.Join(append([]string{filepath.Dir(dir), "shared"}, elem...)...)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skipf("the data set %s is not beside the repository", filepath.Join(elem...))
		}
		dir = parent
	}
}

const handmade = `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1001,85123A,WHITE HEART,6,2011-01-03 10:00:00,2.55,17,United Kingdom
1001,85123a,WHITE HEART,6,2011-01-03 09:59:00,2.55,17,United Kingdom
1001,85123A,WHITE HEART,6,2011-01-03 10:00:00,2.55,17,United Kingdom
1001,POST,POSTAGE,1,2011-01-03 10:00:00,18,17,United Kingdom
1001,22423,CAKESTAND,1,2011-01-03 10:00:00,0,17,United Kingdom
1002,22423,CAKESTAND,2,2011-01-02 08:00:00,12.75,,United Kingdom
C1003,22423,CAKESTAND,-1,2011-01-04 08:00:00,12.75,18,Germany
1004,D,Discount,1,2011-01-04 09:00:00,-5,18,Germany
1005,22423,CAKESTAND,two,2011-01-04 10:00:00,12.75,18,Germany
1006,22423,CAKESTAND,2,04.01.2011,12.75,18,Germany
1007,22423,CAKESTAND,2,2011-01-04 11:00:00
1008,"22423","CAKE ""STAND"", 3 TIER",2,2011-01-01 11:00:00,12.75,18.0,Germany
`

func readHandmade(t *testing.T, text string) ([]order, OrderRows, []string) {
	t.Helper()
	var wrong []string
	orders, rows, err := readOrders(strings.NewReader(text), func(e *LineError) error {
		wrong = append(wrong, e.Error())
		return nil
	})
	require.NoError(t, err)
	return orders, rows, wrong
}

func TestReadOrders(t *testing.T) {
	orders, rows, wrong := readHandmade(t, handmade)
	require.Equal(t, []string{
		`line 10, column 22: Quantity "two" not a whole number`,
		`line 11, column 24: InvoiceDate "04.01.2011" not a time like 2010-12-01 08:26:00`,
		`line 12, column 1: 5 fields, want 8`,
	}, wrong)
	require.Equal(t, OrderRows{
		Rows: 12, WithoutCustomer: 1, Cancellations: 1, Duplicates: 1, ServiceCodes: 2, NonPositive: 2,
		Invoices: 5, CancelledInvoices: 1,
		LeftBad: 3, LeftCustomer: 1, LeftDuplicate: 1, LeftService: 2, LeftNonPositive: 1, Sold: 3, Returned: 1,
		Orders: 2, Refunds: 1, WithoutProducts: 1, Customers: 2, Products: 2, RepeatedInvoices: 1,
	}, rows)
	require.Len(t, orders, 3)

	require.Equal(t, "1008", orders[0].invoice)
	require.Equal(t, "18", orders[0].customer, "a float's customer number is the same customer")
	require.Equal(t, []orderLine{{"22423", `CAKE "STAND", 3 TIER`, 2, 12.75}}, orders[0].lines)

	first := orders[1]
	require.Equal(t, "1001", first.invoice)
	require.Equal(t, time.Date(2011, 1, 3, 9, 59, 0, 0, time.UTC), first.at, "an order stands at the first time of its lines")
	require.Equal(t, []orderLine{{"85123A", "WHITE HEART", 6, 2.55}, {"85123A", "WHITE HEART", 6, 2.55}}, first.lines)
	require.InDelta(t, 30.6, first.value(), 0)
	require.InDelta(t, 18, first.services, 0)

	require.True(t, orders[2].refund)
	require.Equal(t, []orderLine{{"22423", "CAKESTAND", 1, 12.75}}, orders[2].lines)
}

// The identifier of an order is a function of its content: the same file twice
// gives the same messages, another quantity another message.
func TestOrderIDs(t *testing.T) {
	orders, _, _ := readHandmade(t, handmade)
	again, rows, _ := readHandmade(t, handmade+strings.SplitN(handmade, "\n", 2)[1])
	require.Len(t, again, len(orders))
	for i := range orders {
		require.Equal(t, orders[i].id(), again[i].id())
	}
	require.Equal(t, rows.Rows, rows.LeftBad+rows.LeftCustomer+rows.LeftDuplicate+rows.LeftService+
		rows.LeftNonPositive+rows.Sold+rows.Returned)
	orders[0].lines[0].quantity++
	require.NotEqual(t, orders[0].id(), again[0].id())
}

func TestReadOrdersRefusesHeader(t *testing.T) {
	for text, want := range map[string]string{
		"":      "empty file",
		"a,b\n": "header has no column InvoiceNo",
		"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n": "no column Country",
	} {
		_, _, err := readOrders(strings.NewReader(text), nil)
		require.ErrorContains(t, err, want)
	}
}

func TestReadOrdersStops(t *testing.T) {
	stop := errors.New("enough")
	_, _, err := readOrders(strings.NewReader(handmade), func(*LineError) error { return stop })
	require.ErrorIs(t, err, stop)
}

// Columns may stand in another order, among others.
func TestReadOrdersColumns(t *testing.T) {
	orders, _, wrong := readHandmade(t, "\ufeffCustomerID,Country,x,InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice\n"+
		"7,France,?,1,22423,CAKESTAND,3,12/1/2010 8:26,4.5\n")
	require.Empty(t, wrong)
	require.Len(t, orders, 1)
	require.Equal(t, time.Date(2010, 12, 1, 8, 26, 0, 0, time.UTC), orders[0].at)
	require.InDelta(t, 13.5, orders[0].value(), 0)
}

// Every figure was counted independently of this program, by a few lines around
// another language's CSV reader; rows, rows without customer, cancellation rows and
// invoices are also those of the data set's description.
func TestReadOrdersOnlineRetail(t *testing.T) {
	f, err := os.Open(shared(t, "data", "onlineretail", "online_retail_to_2011-09.csv.gz"))
	require.NoError(t, err)
	defer f.Close()
	gz, err := gzip.NewReader(f)
	require.NoError(t, err)
	orders, rows, err := readOrders(gz, func(e *LineError) error { return e })
	require.NoError(t, err)
	require.Equal(t, OrderRows{
		Rows: 370_931, WithoutCustomer: 98_056, Cancellations: 6_652, Duplicates: 2_848, ServiceCodes: 2_204,
		NonPositive: 1_959, Invoices: 18_786, CancelledInvoices: 2_887,
		LeftCustomer: 98_056, LeftDuplicate: 2_813, LeftService: 1_342, LeftNonPositive: 20,
		Sold: 262_637, Returned: 6_063,
		Orders: 13_081, Refunds: 2_551, WithoutProducts: 288, Customers: 3_648, Products: 3_519, RepeatedInvoices: 39,
	}, rows)
	var sold, returned float64
	for _, o := range orders {
		if o.refund {
			returned += o.value()
		} else {
			sold += o.value()
		}
	}
	require.InDelta(t, 6_086_139.00, sold, 0.01)
	require.InDelta(t, 232_958.70, returned, 0.01)
	require.Len(t, orders, rows.Orders+rows.Refunds)
}

func FuzzReadOrders(f *testing.F) {
	f.Add([]byte(handmade))
	f.Add([]byte(strings.Replace(handmade, "17,", "\"17,", 1)))
	f.Add([]byte("InvoiceNo,StockCode\n1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		bad := 0
		orders, rows, err := readOrders(io.LimitReader(bytes.NewReader(data), 1<<16), func(e *LineError) error {
			require.Positive(t, e.Line)
			bad++
			return nil
		})
		if err != nil {
			return
		}
		require.Equal(t, bad, rows.LeftBad)
		require.Equal(t, rows.Rows, rows.LeftBad+rows.LeftCustomer+rows.LeftDuplicate+rows.LeftService+
			rows.LeftNonPositive+rows.Sold+rows.Returned)
		for i, o := range orders {
			require.NotEmpty(t, o.lines)
			require.True(t, i == 0 || !o.at.Before(orders[i-1].at))
			for _, l := range o.lines {
				require.Positive(t, l.quantity)
				require.Positive(t, l.price)
			}
		}
	})
}
