package recommend

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Weights are bounded so that no product of them overflows or vanishes.
const (
	minWeight = 1e-12
	maxWeight = 1e12
	maxItem   = 1024
)

// HistoryOptions says how events become interactions. Nil means the defaults,
// as do zero fields.
type HistoryOptions struct {
	// Events maps the name of an event to the weight that it gives each of
	// its items. A negative weight takes back what an event of that size
	// gave; 0 and names that are not here are ignored. Nil means
	// [DefaultEvents].
	Events map[string]float64
	// Item lists the fields in which the item id is looked for, at the root
	// of an event's fields and in each object of its list, the first usable
	// one winning. Default: product_id, sku.
	Item []string
	// List is the field that holds the list of objects of an order.
	// Default: products. An event whose list names an item is read there, any
	// other at its root.
	List string
	// Value turns a summed weight into the value that models see. Default:
	// [Binary].
	Value Value
	// Retain is how long interactions are kept, by their own time, once
	// [History.Advance] has moved the clock. Default: 400 days, as long as a
	// store keeps events. Negative: for ever.
	Retain time.Duration
}

// DefaultEvents returns the weights for the Segment e-commerce vocabulary:
//
//	Product Viewed, Product Clicked                        1
//	Product Added, Product Added to Wishlist               2
//	Product Removed, Product Removed from Wishlist        -2
//	Order Completed                                        4
//	Order Refunded, Order Cancelled                       -4
//
// A refund or cancellation that lists its products takes the order's weight
// back from each; one that lists none is counted in [Stats] and changes
// nothing. The quantity of a line does not weigh: a bulk buyer is not a
// keener one, and a partial return therefore takes the item back whole.
// With [Binary] only the sign of the sum matters; the sizes matter for
// [Log1p] and [Cap]. The map is the caller's to change.
func DefaultEvents() map[string]float64 {
	return map[string]float64{
		"Product Viewed":                1,
		"Product Clicked":               1,
		"Product Added":                 2,
		"Product Added to Wishlist":     2,
		"Product Removed":               -2,
		"Product Removed from Wishlist": -2,
		"Order Completed":               4,
		"Order Refunded":                -4,
		"Order Cancelled":               -4,
	}
}

// settings are checked options with every default in place.
type settings struct {
	kinds   []string // by kind number less 1, ascending names
	weights []float64
	kindOf  map[string]uint16
	item    []string
	list    string
	value   Value
	retain  time.Duration
	print   string // equal for equal options
}

func (o *HistoryOptions) settings() (*settings, error) {
	if o == nil {
		o = &HistoryOptions{}
	}
	events := o.Events
	if events == nil {
		events = DefaultEvents()
	}
	s := &settings{
		kindOf: make(map[string]uint16, len(events)),
		item:   slices.Clone(o.Item),
		list:   o.List,
		value:  o.Value,
		retain: o.Retain,
	}
	for _, name := range slices.Sorted(maps.Keys(events)) {
		w := events[name]
		if w == 0 {
			continue
		}
		if a := math.Abs(w); !(a >= minWeight && a <= maxWeight) {
			return nil, badOption(fmt.Sprintf("HistoryOptions.Events[%q]", name), w, "must be 0, or of a size within 1e-12 and 1e12")
		}
		s.kinds = append(s.kinds, name)
		s.weights = append(s.weights, w)
		s.kindOf[name] = uint16(len(s.kinds))
	}
	if len(s.kinds) > maxKinds {
		return nil, badOption("HistoryOptions.Events", len(s.kinds), "at most 65,535 events")
	}
	if len(s.item) == 0 {
		s.item = []string{"product_id", "sku"}
	}
	if slices.Contains(s.item, "") {
		return nil, badOption("HistoryOptions.Item", "", "names an empty field")
	}
	if s.list == "" {
		s.list = "products"
	}
	if err := s.value.validate(); err != nil {
		return nil, err
	}
	if s.retain == 0 {
		s.retain = 400 * 24 * time.Hour
	}
	s.retain = max(s.retain, -1)
	s.print = s.fingerprint()
	return s, nil
}

func (s *settings) fingerprint() string {
	var b strings.Builder
	for i, k := range s.kinds {
		fmt.Fprintf(&b, "%q=%g ", k, s.weights[i])
	}
	fmt.Fprintf(&b, "item=%q list=%q value=%v retain=%d", s.item, s.list, s.value, s.retain)
	return b.String()
}

// kindName returns the event of a kind number, "" for direct additions.
func (s *settings) kindName(kind uint16) string {
	if kind == 0 {
		return ""
	}
	return s.kinds[kind-1]
}

func usableItem(item string) bool {
	return item != "" && len(item) <= maxItem && utf8.ValidString(item)
}
