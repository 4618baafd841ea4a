package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// orderColumns are the columns of the Online Retail data set, in its order.
// A file may have them in another order and may have more.
var orderColumns = [...]string{
	"InvoiceNo", "StockCode", "Description", "Quantity",
	"InvoiceDate", "UnitPrice", "CustomerID", "Country",
}

const (
	colInvoice = iota
	colStock
	colDescription
	colQuantity
	colDate
	colPrice
	colCustomer
	colCountry
)

// currency of the Online Retail data set, whose wall-clock times are read as UTC.
const ordersCurrency = "GBP"

// order is one invoice of one customer.
type order struct {
	invoice  string
	customer string
	country  string
	at       time.Time // the first time among its lines
	refund   bool      // a cancellation: the lines came back
	lines    []orderLine
	services float64 // money of its service lines: postage, manual corrections
}

// orderLine is one product of an order. Quantity and price are positive, in a refund too.
type orderLine struct {
	item     string
	name     string
	quantity int64
	price    float64
}

// OrderRows counts what the rows of an order file were. The first block
// describes the file, and a row may count in several of its lines. The second
// block says what became of the rows: it adds up to Rows.
type OrderRows struct {
	Rows              int `json:"rows"`
	WithoutCustomer   int `json:"without_customer"`
	Cancellations     int `json:"cancellations"`
	Duplicates        int `json:"duplicates"`
	ServiceCodes      int `json:"service_codes"`
	NonPositive       int `json:"non_positive"` // quantity ≤ 0 outside a cancellation, or price ≤ 0
	Invoices          int `json:"invoices"`
	CancelledInvoices int `json:"cancelled_invoices"`

	LeftBad         int `json:"left_out_unreadable"`
	LeftCustomer    int `json:"left_out_without_customer"`
	LeftDuplicate   int `json:"left_out_duplicate"`
	LeftService     int `json:"left_out_service"`
	LeftNonPositive int `json:"left_out_non_positive"`
	Sold            int `json:"lines_sold"`
	Returned        int `json:"lines_returned"`

	Orders           int `json:"orders"`
	Refunds          int `json:"refunds"`
	WithoutProducts  int `json:"invoices_without_products"` // of known customers: nothing but services or free goods
	Customers        int `json:"customers"`
	Products         int `json:"products"`
	RepeatedInvoices int `json:"invoices_at_several_times"`
}

// readOrders reads Online Retail rows and returns one order per invoice and
// customer, ordered by time and then by invoice, and what the rows were. A row
// that cannot be read is given to bad with its place; reading goes on unless bad
// returns an error, which is then returned. Other errors are those of r
// and of a missing header.
//
// Memory is that of the orders and one hash per row: an invoice may continue
// anywhere in the file, so nothing can be given away before its end.
func readOrders(r io.Reader, bad func(*LineError) error) ([]order, OrderRows, error) {
	var rows OrderRows
	in := csv.NewReader(r)
	in.ReuseRecord = true
	in.LazyQuotes = true // descriptions hold single quotation marks
	place, err := orderHeader(in)
	if err != nil {
		return nil, rows, err
	}
	b := newOrderBook(&rows)
	for {
		record, err := in.Read()
		if err == io.EOF {
			break
		}
		var wrong *csv.ParseError
		switch {
		case err == nil:
		case errors.As(err, &wrong):
			rows.Rows++
			rows.LeftBad++
			e := &LineError{Line: wrong.StartLine, Column: wrong.Column, Reason: wrong.Err.Error()}
			if errors.Is(err, csv.ErrFieldCount) {
				e.Reason = fmt.Sprintf("%d fields, want %d", len(record), in.FieldsPerRecord)
			}
			if err := bad(e); err != nil {
				return nil, rows, err
			}
			continue
		default:
			return nil, rows, err
		}
		rows.Rows++
		var f [len(orderColumns)]string
		for i, p := range place {
			f[i] = strings.TrimSpace(record[p])
		}
		if e := b.add(&f); e != nil {
			rows.LeftBad++
			e.Line, e.Column = in.FieldPos(place[e.field])
			if err := bad(e); err != nil {
				return nil, rows, err
			}
		}
	}
	return b.orders(), rows, nil
}

// orderHeader reads the first line and says where the eight columns stand.
func orderHeader(in *csv.Reader) ([len(orderColumns)]int, error) {
	var place [len(orderColumns)]int
	header, err := in.Read()
	if err == io.EOF {
		return place, errors.New("empty file, want a header line of the Online Retail columns")
	}
	if err != nil {
		return place, err
	}
	for i, name := range orderColumns {
		place[i] = slices.IndexFunc(header, func(h string) bool {
			return strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")), name)
		})
		if place[i] < 0 {
			return place, fmt.Errorf("header has no column %s, want %s", name, strings.Join(orderColumns[:], ","))
		}
	}
	return place, nil
}

// orderKey tells orders apart. An invoice belongs to one customer, but nothing
// in the format makes sure of it.
type orderKey struct{ invoice, customer string }

// orderBook gathers rows into orders.
type orderBook struct {
	rows      *OrderRows
	seen      map[[16]byte]struct{}
	invoices  map[string]time.Time
	moved     map[string]struct{} // invoices with rows at several times
	cancelled int
	book      map[orderKey]*order
	customers map[string]struct{}
	products  map[string]struct{}
	content   []byte
}

func newOrderBook(rows *OrderRows) *orderBook {
	return &orderBook{
		rows:      rows,
		seen:      make(map[[16]byte]struct{}),
		invoices:  make(map[string]time.Time),
		moved:     make(map[string]struct{}),
		book:      make(map[orderKey]*order),
		customers: make(map[string]struct{}),
		products:  make(map[string]struct{}),
	}
}

// add counts one row and takes it into its order. It returns an error for a row that cannot be read.
func (b *orderBook) add(f *[len(orderColumns)]string) *LineError {
	invoice := strings.ToUpper(f[colInvoice])
	item := strings.ToUpper(f[colStock]) // 85123a is 85123A
	if invoice == "" {
		return badField(colInvoice, "", "empty")
	}
	if item == "" {
		return badField(colStock, "", "empty")
	}
	quantity, err := strconv.ParseInt(f[colQuantity], 10, 32)
	if err != nil {
		return badField(colQuantity, f[colQuantity], "not a whole number")
	}
	price, err := strconv.ParseFloat(f[colPrice], 64)
	if err != nil || math.IsNaN(price) || math.Abs(price) > 1e9 {
		return badField(colPrice, f[colPrice], "not a price")
	}
	at, ok := orderTime(f[colDate])
	if !ok {
		return badField(colDate, f[colDate], "not a time like 2010-12-01 08:26:00")
	}

	refund := strings.HasPrefix(invoice, "C")
	customer := strings.TrimSuffix(f[colCustomer], ".0") // as some exports write it
	service := serviceCode(item)
	free := price <= 0 || quantity == 0 || (quantity < 0 && !refund) || (quantity > 0 && refund)
	repeated := b.repeated(f)
	b.describe(invoice, at, refund, customer == "", repeated, service, free)

	switch {
	case customer == "":
		b.rows.LeftCustomer++
		return nil
	case repeated:
		b.rows.LeftDuplicate++
		return nil
	}
	key := orderKey{invoice, customer}
	o := b.book[key]
	if o == nil {
		o = &order{invoice: invoice, customer: customer, country: f[colCountry], at: at, refund: refund}
		b.book[key] = o
	}
	if at.Before(o.at) {
		o.at = at
	}
	switch {
	case service:
		b.rows.LeftService++
		o.services += float64(quantity) * price
	case free:
		b.rows.LeftNonPositive++
	default:
		if refund {
			quantity = -quantity
			b.rows.Returned++
		} else {
			b.rows.Sold++
		}
		o.lines = append(o.lines, orderLine{item: item, name: strings.Join(strings.Fields(f[colDescription]), " "), quantity: quantity, price: price})
	}
	return nil
}

// describe counts what a row is, whether or not it is used.
func (b *orderBook) describe(invoice string, at time.Time, refund, nobody, repeated, service, free bool) {
	count := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	count(&b.rows.Cancellations, refund)
	count(&b.rows.WithoutCustomer, nobody)
	count(&b.rows.Duplicates, repeated)
	count(&b.rows.ServiceCodes, service)
	count(&b.rows.NonPositive, free)
	switch first, known := b.invoices[invoice]; {
	case !known:
		b.invoices[invoice] = at
		count(&b.cancelled, refund)
	case !first.Equal(at):
		b.moved[invoice] = struct{}{}
	}
}

// repeated reports whether a row equal in all eight columns has come before.
func (b *orderBook) repeated(f *[len(orderColumns)]string) bool {
	b.content = b.content[:0]
	for _, s := range f {
		b.content = append(append(b.content, s...), 0)
	}
	sum := [16]byte(sha256Prefix(b.content))
	if _, ok := b.seen[sum]; ok {
		return true
	}
	b.seen[sum] = struct{}{}
	return false
}

// orders returns the gathered orders in time order and completes the counts.
func (b *orderBook) orders() []order {
	var list []order
	for _, key := range slices.SortedFunc(maps.Keys(b.book), func(x, y orderKey) int {
		return cmp.Or(strings.Compare(x.invoice, y.invoice), strings.Compare(x.customer, y.customer))
	}) {
		o := b.book[key]
		if len(o.lines) == 0 {
			b.rows.WithoutProducts++
			continue
		}
		b.customers[o.customer] = struct{}{}
		for _, l := range o.lines {
			b.products[l.item] = struct{}{}
		}
		if o.refund {
			b.rows.Refunds++
		} else {
			b.rows.Orders++
		}
		list = append(list, *o)
	}
	slices.SortStableFunc(list, func(x, y order) int { return x.at.Compare(y.at) })
	b.rows.Invoices = len(b.invoices)
	b.rows.CancelledInvoices = b.cancelled
	b.rows.RepeatedInvoices = len(b.moved)
	b.rows.Customers = len(b.customers)
	b.rows.Products = len(b.products)
	return list
}

// value is the money of the products.
func (o *order) value() float64 {
	sum := 0.0
	for _, l := range o.lines {
		sum += float64(l.quantity) * l.price
	}
	return pence(sum)
}

// id is a hash of the content, so that the same order read twice is one message.
func (o *order) id() string {
	b := fmt.Appendf(nil, "%s\x00%s\x00%d\x00", o.invoice, o.customer, o.at.Unix())
	for _, l := range o.lines {
		b = fmt.Appendf(b, "%s\x00%d\x00%g\x00", l.item, l.quantity, l.price)
	}
	return hex.EncodeToString(sha256Prefix(b))
}

func sha256Prefix(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:16]
}

// pence rounds to a thousandth, the smallest unit in the prices, which
// takes away the noise of binary fractions.
func pence(x float64) float64 { return math.Round(x*1000) / 1000 }

// serviceCode reports whether a stock code is no product: postage, manual
// corrections, discounts, samples, charges and fees, vouchers, tests.
func serviceCode(code string) bool {
	switch code {
	case "POST", "DOT", "C2", "C3", "M", "D", "S", "B", "PADS", "CRUK",
		"BANK CHARGES", "AMAZONFEE", "ADJUST", "ADJUST2", "SP1002":
		return true
	}
	return strings.HasPrefix(code, "GIFT") || strings.HasPrefix(code, "TEST")
}

// orderTime reads the times that the published copies of the data use.
func orderTime(s string) (time.Time, bool) {
	for _, layout := range [...]string{time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "1/2/2006 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, t.Year() >= 1 && t.Year() <= 9999
		}
	}
	return time.Time{}, false
}

func badField(field int, value, reason string) *LineError {
	return &LineError{Field: orderColumns[field], Value: value, Reason: reason, field: field}
}
