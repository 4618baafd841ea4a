package segment_test

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/segment"
)

var noon = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// shop is an index with a little of a shop's life in it.
func shop() *segment.Index {
	x, err := segment.NewIndex(segment.Schema{"ltv": segment.Number, "country": segment.String}, nil)
	if err != nil {
		panic(err)
	}
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	must(x.Update(1, map[string]any{"ltv": 620, "country": "NZ"}, noon))
	must(x.Update(2, map[string]any{"ltv": 80, "country": "NZ"}, noon))
	must(x.Update(3, map[string]any{"country": "AU"}, noon))
	must(x.Observe(1, "Order Completed", map[string]any{"total": 120}, noon.AddDate(0, 0, -3)))
	must(x.Observe(1, "Order Completed", map[string]any{"total": 90}, noon.AddDate(0, 0, -20)))
	must(x.Observe(2, "Order Completed", map[string]any{"total": 80}, noon.AddDate(0, 0, -10)))
	return x
}

func Example() {
	x, err := segment.NewIndex(segment.Schema{"ltv": segment.Number}, nil)
	if err != nil {
		panic(err)
	}
	if _, err := x.Define("loyal", `ltv >= 100 and len(events("Order Completed", "30d")) >= 2`); err != nil {
		panic(err)
	}
	x.Watch(nil, func(t segment.Transition) {
		verb := "leaves"
		if t.Entered {
			verb = "enters"
		}
		fmt.Printf("%s: user %d %s %s (%s)\n", t.At.Format(time.DateOnly), t.User, verb, t.Audience, t.Cause.Kind)
	})
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	_ = x.Update(7, map[string]any{"ltv": 150}, day(0))
	_ = x.Observe(7, "Order Completed", map[string]any{"total": 50}, day(1))
	_ = x.Observe(7, "Order Completed", map[string]any{"total": 70}, day(5))
	_ = x.Advance(day(60)) // nothing is observed any more, but time passes
	// Output:
	// 2026-06-20: user 7 enters loyal (event)
	// 2026-07-16: user 7 leaves loyal (clock)
}

func ExampleIndex_Define() {
	x := shop()
	a, err := x.Define("kiwis", `country == "NZ"`)
	fmt.Println(a, err)
	_, err = x.Define("big kiwis", `segment("kiwis") and lvt > 100`)
	fmt.Println(err)
	// Output:
	// kiwis: country == "NZ" <nil>
	// segment: rule: unknown attribute "lvt", did you mean "ltv"? (1:22)
	//  | segment("kiwis") and lvt > 100
	//  | .....................^
}

func ExampleIndex_Query() {
	x := shop()
	users, err := x.Query(`country == "NZ" and sum(events("Order Completed", "30d"), .total) > 100`)
	fmt.Println(users, err)
	// Output: {1} <nil>
}

func ExampleIndex_Members() {
	x := shop()
	_, _ = x.Define("kiwis", `country == "NZ"`)
	_, _ = x.Define("buyers", `len(events("Order Completed", "7d")) > 0`)
	kiwis, _ := x.Members("kiwis")
	buyers, _ := x.Members("buyers")
	kiwis.AndNot(buyers)
	fmt.Println(kiwis)
	// Output: {2}
}

func ExampleIndex_Contains() {
	x := shop()
	_, _ = x.Define("kiwis", `country == "NZ"`)
	fmt.Println(x.Contains("kiwis", 2), x.Contains("kiwis", 3))
	// Output: true false
}

func ExampleIndex_Of() {
	x := shop()
	_, _ = x.Define("kiwis", `country == "NZ"`)
	_, _ = x.Define("rich", `ltv > 500`)
	_, _ = x.Define("unknown value", `ltv == nil`)
	fmt.Println(slices.Collect(x.Of(1)))
	// Output: [rich kiwis]
}

func ExampleIndex_Explain() {
	x := shop()
	_, _ = x.Define("target", `country == "NZ" and not (len(events("Order Completed", "7d")) > 0)`)
	e, _ := x.Explain("target", 1)
	fmt.Print(e)
	// Output:
	// user 1, audience "target" at 2026-06-15T12:00:00Z
	// false: country == "NZ" and not (len(events("Order Completed", "7d")) >= 1) (until 2026-06-19T12:00:00Z)
	//   true: country == "NZ" (is "NZ")
	//   false: not (len(events("Order Completed", "7d")) >= 1) (until 2026-06-19T12:00:00Z)
	//     true: len(events("Order Completed", "7d")) >= 1 (is 1, until 2026-06-19T12:00:00Z)
}

// What a rule would do is seen before it is in force.
func ExampleIndex_Preview() {
	x := shop()
	_, _ = x.Define("rich", `ltv > 500`)
	p, _ := x.Preview("rich", `ltv > 30`)
	fmt.Println(p)
	fmt.Println("enter:", p.Enters, "leave:", p.Leaves)
	_, err := x.Preview("rich", `ltw > 30`)
	fmt.Println(err)
	// Output:
	// 2 of 3 users: 1 enter, 0 leave
	// enter: {2} leave: {}
	// segment: rule: unknown attribute "ltw", did you mean "ltv"? (1:1)
	//  | ltw > 30
	//  | ^
}

func ExampleIndex_Overlap() {
	x := shop()
	_, _ = x.Define("rich", `ltv > 500`)
	_, _ = x.Define("known", `ltv > 0`)
	o, _ := x.Overlap("rich", "known")
	fmt.Println(o)
	fmt.Printf("lift %.2f\n", o.Lift(0, 1))
	// Output:
	// of 3 users  rich  known
	//         rich     1      1
	//        known     1      2
	// lift 1.50
}

// Time that passes moves users, too, each at the second at which it is due; a
// host whose events are far apart calls Advance by a ticker. An index that is
// attached to a store follows Store.Advance.
func ExampleIndex_Advance() {
	x := shop()
	_, _ = x.Define("recent", `len(events("Order Completed", "7d")) > 0`)
	x.Watch(nil, func(t segment.Transition) {
		fmt.Println(t.User, t.Audience, t.Entered, t.Cause.Kind, t.At.Format(time.RFC3339))
	})
	_ = x.Advance(noon.AddDate(0, 0, 30))
	// Output:
	// 1 recent false clock 2026-06-19T12:00:00Z
}

func ExampleIndex_Watch() {
	x := shop()
	_, _ = x.Define("rich", `ltv > 500`)
	stop := x.Watch(nil, func(t segment.Transition) {
		fmt.Println(t.User, t.Audience, t.Entered, t.Cause.Kind, t.Cause.Predicate)
	})
	defer stop()
	_ = x.Update(2, map[string]any{"ltv": 900}, noon.Add(time.Minute))
	_ = x.Erase(2)
	// Output:
	// 2 rich true update ltv > 500
	// 2 rich false erase
}

func ExampleIndex_Within() {
	x := shop()
	consented := roaring.BitmapOf(2, 3)
	mail := x.Within(consented)
	set, err := mail.Query(`country == "NZ"`)
	if err != nil {
		panic(err)
	}
	fmt.Println(set.ToArray(), mail.Users().ToArray())
	// Output: [2] [2 3]
}

// A visitor who is not held, and a user whose attributes of the moment differ
// from those held: computed, and nothing is stored.
func ExampleIndex_AppendMatching() {
	x := shop()
	_, _ = x.Define("kiwis", `country == "NZ"`)
	_, _ = x.Define("buyers", `len(events("Order Completed", "30d")) > 0`)
	fmt.Println(x.AppendMatching(nil, 0, map[string]any{"country": "NZ"}))
	fmt.Println(x.AppendMatching(nil, 1, map[string]any{"country": "AU"}))
	fmt.Println(x.AppendOf(nil, 1))
	// Output:
	// [kiwis]
	// [buyers]
	// [kiwis buyers]
}

func ExampleIndex_Snapshot() {
	x := shop()
	picture := x.Snapshot()
	_ = x.Erase(1) // not in the picture
	var file bytes.Buffer
	_, _ = picture.WriteTo(&file)
	y, _ := segment.NewIndex(segment.Schema{"ltv": segment.Number, "country": segment.String}, nil)
	fmt.Println(y.UnmarshalBinary(file.Bytes()), y.Users(), x.Users())
	// Output: <nil> {1,2,3} {2,3}
}

func ExampleIndex_ObserveAll() {
	x, _ := segment.NewIndex(segment.Schema{"country": segment.String}, nil)
	_, _ = x.Define("buyers in NZ", `country == "NZ" and len(events("Order Completed", "30d")) > 0`)
	x.Watch(nil, func(t segment.Transition) { fmt.Println(t.User, t.Audience, t.Entered, t.Cause.Kind) })
	err := x.ObserveAll([]segment.Observation{
		{User: 1, At: noon, Attributes: map[string]any{"country": "NZ"}},
		{User: 2, At: noon, Event: "Order Completed", Fields: map[string]any{"total": 30}},
		{User: 1, At: noon.Add(time.Minute), Event: "Order Completed", Fields: map[string]any{"total": 120}},
		{User: 2, At: noon.Add(time.Hour), Attributes: map[string]any{"country": "NZ"}},
	})
	fmt.Println(err)
	// Output:
	// 1 buyers in NZ true event
	// 2 buyers in NZ true update
	// <nil>
}
