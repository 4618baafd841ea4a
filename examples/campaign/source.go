package main

import (
	"fmt"
	"io"
	"iter"
	"path/filepath"

	"github.com/zhun-go/zhun/profile"
)

// source is where the events come from, in the order in which they arrived.
type source struct {
	input    Input
	events   iter.Seq2[profile.Event, error] // after a *profile.SyntaxError the events go on
	total    int64                           // for the progress bar, in any unit; 0 if not known
	position func() int64
	truth    *truth               // of the simulator
	weights  []map[string]float64 // of the experiment's arms, where the program itself assigns them
	closer   io.Closer
}

func (s *source) close() {
	if s.closer != nil {
		_ = s.closer.Close()
	}
}

// openSource opens the input that the flags ask for.
func openSource(c config, stdin io.Reader, bad *badLines) (*source, error) {
	switch {
	case c.orders != "":
		return fromOrders(c, stdin, bad)
	case c.events != "":
		return fromEvents(c, stdin)
	}
	return simulated(c)
}

// shownName is what the report calls a file.
func shownName(file string) string {
	if file == "-" {
		return "the standard input"
	}
	return filepath.Base(file)
}

// fromOrders reads a whole order file: its invoices may lie in pieces, and the
// orders have to be put in the order of time.
func fromOrders(c config, stdin io.Reader, bad *badLines) (*source, error) {
	in, err := openInput(c.orders, stdin)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	orders, rows, err := readOrders(in, bad.add)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.orders, err)
	}
	done := int64(0)
	return &source{
		input:    Input{Kind: "orders", File: shownName(c.orders), Currency: ordersCurrency, Rows: &rows},
		total:    int64(len(orders)),
		position: func() int64 { return done },
		events: func(yield func(profile.Event, error) bool) {
			country := make(map[string]string)
			for i := range orders {
				o := &orders[i]
				if country[o.customer] != o.country {
					country[o.customer] = o.country
					if !yield(o.identify(), nil) {
						return
					}
				}
				if !yield(o.event(), nil) {
					return
				}
				done++
			}
		},
	}, nil
}

// event is the order in the vocabulary that the library reads.
func (o *order) event() profile.Event {
	products := make([]map[string]any, len(o.lines))
	for i, l := range o.lines {
		products[i] = map[string]any{
			"product_id": l.item, "name": l.name, "quantity": l.quantity, "price": l.price,
		}
	}
	e := profile.Event{
		ID:   o.id(),
		Name: profile.OrderCompleted,
		Time: o.at,
		Keys: []profile.Key{{Kind: profile.UserID, Value: o.customer}},
		Fields: map[string]any{
			"order_id": o.invoice, "revenue": o.value(), "currency": ordersCurrency, "products": products,
		},
	}
	if o.services != 0 {
		e.Fields["total"] = pence(o.value() + o.services)
	}
	if o.refund {
		// The data does not say which order is cancelled, so the refund names none.
		e.Name = profile.OrderRefunded
		e.Fields["total"] = o.value()
		e.Fields["refund_id"] = o.invoice
		delete(e.Fields, "order_id")
		delete(e.Fields, "revenue")
	}
	return e
}

// identify tells the customer's country, as of the order.
func (o *order) identify() profile.Event {
	return profile.Event{
		ID:     "country-" + o.id(),
		Type:   profile.Identify,
		Time:   o.at,
		Keys:   []profile.Key{{Kind: profile.UserID, Value: o.customer}},
		Fields: map[string]any{"country": o.country},
	}
}
