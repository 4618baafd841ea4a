package sim

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// Currency of all money in the events.
const Currency = "EUR"

// ExperimentName is the readable name of the experiment in the events.
const ExperimentName = "Free shipping"

// AppendSegment appends the event as one line of Segment-spec JSON without a newline: the
// calls track, page and identify with the e-commerce vocabulary, version 2. Amounts are
// written with two decimals, times in UTC with milliseconds.
//
// Beyond the specification: the cost of a marketing touch is properties.cost in units of
// the currency; identifiers of the store's systems stand in context.externalIds and again
// in context.traits; an order made in the store has properties.channel = "store".
func (e *Event) AppendSegment(dst []byte) []byte {
	j := object{append(dst, '{'), true}
	j.text("type", e.Type)
	if e.missing != missingID {
		j.text("messageId", e.ID)
	}
	if e.missing != missingCookie {
		j.text("anonymousId", e.AnonymousID)
	}
	j.text("userId", e.UserID)
	if e.Type == "track" {
		j.text("event", e.Name)
	}
	if e.missing != missingOriginal {
		j.time("originalTimestamp", e.Original)
	}
	if e.missing != missingSent {
		j.time("sentAt", e.Sent)
	}
	j.time("receivedAt", e.Received)
	j.time("timestamp", e.Timestamp)
	switch e.Type {
	case "track":
		j.open("properties")
		e.properties(&j)
		j.end()
	case "page":
		j.open("properties")
		e.page(&j)
		j.text("title", e.Title)
		e.cost(&j)
		j.end()
	case "identify":
		if e.Traits != nil {
			j.open("traits")
			e.Traits.write(&j)
			j.end()
		}
	}
	j.open("context")
	e.context(&j)
	j.end()
	return append(j.b, '}')
}

func (e *Event) context(j *object) {
	if c := e.Campaign; c != nil {
		j.open("campaign")
		j.text("source", c.Source)
		j.text("medium", c.Medium)
		j.text("name", c.Name)
		j.text("content", c.Content)
		j.end()
	}
	if e.Type == "page" {
		j.open("page")
		e.page(j)
		j.text("title", e.Title)
		j.end()
	}
	if c := e.Consent; c != nil {
		j.open("consent")
		j.open("categoryPreferences")
		j.flag("Advertising", c.Advertising)
		j.flag("Analytics", c.Analytics)
		j.flag("Functional", c.Functional)
		j.end()
		j.end()
	}
	if x := e.External; x.Kind != "" {
		if x.Kind != "email" {
			j.name("externalIds")
			j.b = append(j.b, "[{"...)
			j.first = true
			j.text("id", x.Value)
			j.text("type", x.Kind)
			j.text("collection", "users")
			j.text("encoding", "none")
			j.b = append(j.b, "}]"...)
			j.first = false
		}
		j.open("traits")
		j.text(x.Kind, x.Value)
		j.end()
	}
	if e.missing != missingAgent {
		j.text("userAgent", e.Agent)
	}
	j.text("ip", e.IP)
	j.text("timezone", e.Zone)
	j.open("library")
	if e.Agent == "" {
		j.text("name", "server")
	} else {
		j.text("name", "analytics.js")
	}
	j.end()
}

func (e *Event) page(j *object) {
	if e.URL != "" {
		const host = "https://shop.example"
		j.text("path", e.URL[min(len(host), len(e.URL)):])
		j.text("url", e.URL)
	}
	j.text("referrer", e.Referrer)
}

func (e *Event) cost(j *object) {
	if e.Cost > 0 {
		j.name("cost")
		j.b = strconv.AppendFloat(j.b, e.Cost, 'f', -1, 64)
	}
}

// properties of a track event.
func (e *Event) properties(j *object) {
	switch e.Name {
	case "Products Searched":
		j.text("query", e.Query)
	case "Product Viewed", "Product Added", "Product Removed":
		if len(e.Products) > 0 {
			e.line(j, &e.Products[0])
			j.text("currency", Currency)
		}
	case "Cart Viewed":
		e.lines(j)
	case "Checkout Started", "Order Completed":
		j.text("order_id", e.OrderID)
		j.money("total", e.Total)
		j.money("revenue", e.Revenue)
		j.money("shipping", e.Total-e.Revenue)
		j.text("currency", Currency)
		if e.Store {
			j.text("channel", "store")
		}
		e.lines(j)
	case "Order Refunded":
		j.text("order_id", e.OrderID)
		j.money("total", e.Total)
		j.text("currency", Currency)
		e.lines(j)
	case "Product Reviewed":
		if len(e.Products) > 0 {
			j.text("product_id", e.Products[0].Product.ID)
		}
		j.number("rating", e.Rating)
		j.text("review_body", e.Review)
	case "Experiment Viewed":
		j.text("experiment_id", ExperimentID)
		j.text("experiment_name", ExperimentName)
		j.text("variation_id", e.Arm)
		j.text("variation_name", e.Arm)
		j.text("unit", e.Unit)
	}
	e.cost(j)
}

func (e *Event) lines(j *object) {
	j.name("products")
	j.b = append(j.b, '[')
	for i := range e.Products {
		if i > 0 {
			j.b = append(j.b, ',')
		}
		j.b = append(j.b, '{')
		j.first = true
		e.line(j, &e.Products[i])
		j.end()
	}
	j.b = append(j.b, ']')
}

func (e *Event) line(j *object, l *Line) {
	j.text("product_id", l.Product.ID)
	j.text("sku", l.Product.SKU)
	j.text("name", l.Product.Name)
	if e.missing != missingCategory {
		j.text("category", l.Product.Category)
	}
	if e.missing != missingPrice {
		j.money("price", l.Price)
	}
	j.number("quantity", l.Quantity)
}

func (t *Traits) write(j *object) {
	j.text("email", t.Email)
	j.text("first_name", t.FirstName)
	j.text("last_name", t.LastName)
	j.text("country", t.Country)
	j.text("city", t.City)
	j.text("birthday", t.Birthday)
	j.text("phone", t.Phone)
	j.text("loyalty_id", t.Loyalty)
	j.time("created_at", t.Created)
}

// object writes the fields of a JSON object; empty texts and zero times are left out.
type object struct {
	b     []byte
	first bool
}

func (o *object) name(s string) {
	if !o.first {
		o.b = append(o.b, ',')
	}
	o.first = false
	o.b = append(o.b, '"')
	o.b = append(o.b, s...)
	o.b = append(o.b, '"', ':')
}

func (o *object) open(name string) {
	o.name(name)
	o.b = append(o.b, '{')
	o.first = true
}

func (o *object) end() {
	o.b = append(o.b, '}')
	o.first = false
}

func (o *object) text(name, v string) {
	if v == "" {
		return
	}
	o.name(name)
	o.b = appendText(o.b, v)
}

func (o *object) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	o.name(name)
	o.b = append(o.b, '"')
	o.b = t.AppendFormat(o.b, "2006-01-02T15:04:05.000Z07:00")
	o.b = append(o.b, '"')
}

func (o *object) money(name string, cents int64) {
	o.name(name)
	if cents < 0 {
		o.b = append(o.b, '-')
		cents = -cents
	}
	o.b = strconv.AppendInt(o.b, cents/100, 10)
	o.b = append(o.b, '.', '0'+byte(cents/10%10), '0'+byte(cents%10))
}

func (o *object) number(name string, v int) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, int64(v), 10)
}

func (o *object) flag(name string, v bool) {
	o.name(name)
	o.b = strconv.AppendBool(o.b, v)
}

// appendText quotes a string. Only names of arms and zones come from outside and can need escapes.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			return appendEscaped(b, s)
		}
	}
	if !utf8.ValidString(s) {
		return appendEscaped(b, s)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...) // json.Marshal knows no error for a string
	}
	return append(b, q...)
}
