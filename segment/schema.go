package segment

import (
	"math"
	"strings"
	"time"

	"github.com/zhun-go/zhun/internal/value"
)

// Kind is what an attribute or an event field holds.
type Kind uint8

const (
	// Any holds a value of whatever kind arrives; a comparison with a value of
	// another kind is false.
	Any Kind = iota
	// Bool holds true or false.
	Bool
	// Number holds an integer within ±2^53 or a finite float; both compare
	// exactly with each other.
	Number
	// String holds text, compared by bytes.
	String
	// Time holds an instant.
	Time
	// Strings holds a list of strings, such as tags.
	Strings
	// Objects holds a list of objects, such as the products of an order.
	Objects

	lastKind = Objects
)

// String names the kind, such as "list of strings".
func (k Kind) String() string {
	switch k {
	case Bool:
		return "bool"
	case Number:
		return "number"
	case String:
		return "string"
	case Time:
		return "time"
	case Strings:
		return "list of strings"
	case Objects:
		return "list of objects"
	}
	return "any"
}

// Schema declares names and what they hold: the attributes of users, or the
// fields of one event. Nested objects are flattened with dots
// ("context.campaign.source"). Below a field of kind [Objects], names such as
// "products.category" declare the fields of its objects; when there are none,
// objects keep all they hold.
type Schema map[string]Kind

// DefaultEvents returns the events an index keeps when Options.Events is nil:
// the e-commerce vocabulary of the Segment spec with the fields that rules
// commonly ask for. The map is the caller's own.
func DefaultEvents() map[string]Schema {
	with := func(extra Schema) Schema {
		s := Schema{
			"context.campaign.source": String, "context.campaign.medium": String,
			"context.campaign.name": String, "context.page.path": String,
		}
		for k, v := range extra {
			s[k] = v
		}
		return s
	}
	products := func(extra Schema) Schema {
		s := Schema{
			"products": Objects, "products.product_id": String, "products.sku": String,
			"products.name": String, "products.category": String, "products.price": Number,
			"products.quantity": Number,
		}
		for k, v := range extra {
			s[k] = v
		}
		return with(s)
	}
	product := func() Schema {
		return with(Schema{
			"product_id": String, "sku": String, "name": String, "category": String,
			"brand": String, "price": Number, "quantity": Number,
		})
	}
	order := func() Schema {
		return products(Schema{
			"order_id": String, "total": Number, "revenue": Number, "discount": Number,
			"coupon": String, "currency": String,
		})
	}
	return map[string]Schema{
		"page":                 with(Schema{"name": String, "category": String}),
		"screen":               with(Schema{"name": String, "category": String}),
		"Product Viewed":       product(),
		"Product Added":        product(),
		"Product Removed":      product(),
		"Product Reviewed":     with(Schema{"product_id": String, "rating": Number}),
		"Product List Viewed":  products(Schema{"list_id": String, "category": String}),
		"Products Searched":    with(Schema{"query": String}),
		"Checkout Started":     order(),
		"Order Completed":      order(),
		"Order Refunded":       order(),
		"Order Cancelled":      order(),
		"Coupon Applied":       with(Schema{"coupon_id": String, "order_id": String, "discount": Number}),
		"Promotion Clicked":    with(Schema{"promotion_id": String, "name": String}),
		"Email Opened":         with(Schema{"campaign_id": String}),
		"Email Link Clicked":   with(Schema{"campaign_id": String}),
		"Unsubscribed":         with(Schema{}),
		"Ad Viewed":            with(Schema{"campaign_id": String}),
		"Experiment Viewed":    with(Schema{"experiment_id": String, "experiment_name": String, "variation_id": String, "variation_name": String}),
		"Application Opened":   with(Schema{}),
		"Signed Up":            with(Schema{}),
		"Subscription Started": with(Schema{"plan": String, "revenue": Number}),
	}
}

// numeric reports whether values of the kind are held as a float64.
func (k Kind) numeric() bool { return k == Number || k == Bool }

// missing is how a numeric kind holds no value.
var missing = math.NaN()

// admit turns a value from outside into what the index holds for a field of
// kind k: a float64 for numbers and bools, otherwise an object that shares no
// memory with v.
func (k Kind) admit(v any) (num float64, obj any, ok bool) {
	if k == Number {
		switch x := v.(type) {
		case float64:
			return x + 0, nil, x-x == 0
		case int:
			return float64(x), nil, int64(x) >= -value.MaxInt && int64(x) <= value.MaxInt
		case int64:
			return float64(x), nil, x >= -value.MaxInt && x <= value.MaxInt
		}
	}
	v, ok = value.Normalize(v)
	if !ok {
		return missing, nil, false
	}
	switch x := v.(type) {
	case bool:
		if k == Bool {
			if x {
				return 1, nil, true
			}
			return 0, nil, true
		}
	case int64:
		if k == Number {
			return float64(x), nil, true
		}
	case float64:
		if k == Number {
			return x + 0, nil, true
		}
	case string:
		if k == String {
			return missing, strings.Clone(x), true
		}
	case time.Time:
		if k == Time {
			return missing, x, true
		}
	case []string:
		if k == Strings {
			return missing, canon(x), true
		}
		if k == Objects && len(x) == 0 {
			return missing, []map[string]any{}, true
		}
	case []map[string]any:
		if k == Objects {
			return missing, canon(x), true
		}
	}
	if k == Any {
		return missing, canon(v), true
	}
	return missing, nil, false
}

// canon returns a copy of a normalized value in which equal numbers are equal
// values: every number is a float64, which holds each of them exactly, and
// there is no −0.
func canon(v any) any {
	switch x := v.(type) {
	case int64:
		return float64(x)
	case float64:
		return x + 0
	case []map[string]any:
		out := make([]map[string]any, len(x))
		for i, m := range x {
			out[i] = make(map[string]any, len(m))
			for name, e := range m {
				out[i][strings.Clone(name)] = canon(e)
			}
		}
		return out
	}
	return value.Own(v)
}
