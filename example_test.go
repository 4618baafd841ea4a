package zhun_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zhun-go/zhun/experiment/fairness"
	"github.com/zhun-go/zhun/profile"
	"github.com/zhun-go/zhun/recommend"
	"github.com/zhun-go/zhun/segment"
)

const lines = `
{"type":"track","event":"Order Completed","messageId":"1","anonymousId":"c1","timestamp":"2026-03-01T10:00:00Z","properties":{"order_id":"o1","revenue":80,"products":[{"product_id":"tea"},{"product_id":"pot"}]}}
{"type":"track","event":"Order Completed","messageId":"2","userId":"ann","timestamp":"2026-03-02T10:00:00Z","properties":{"order_id":"o2","revenue":40,"products":[{"product_id":"tea"}]}}
{"type":"identify","messageId":"3","anonymousId":"c1","userId":"bob","timestamp":"2026-03-02T11:00:00Z","traits":{"country":"NZ"}}
{"type":"track","event":"Order Completed","messageId":"4","userId":"bob","timestamp":"2026-03-03T10:00:00Z","properties":{"order_id":"o3","revenue":150,"products":[{"product_id":"cup"}]}}
`

// Events in, a person, an audience and a recommendation out.
func Example() {
	store, _ := profile.New(nil)
	index, _ := segment.NewIndex(segment.Schema{"country": segment.String}, nil)
	history, _ := recommend.NewHistory(nil)

	big, _ := index.Define("big spenders", `sum(events("Order Completed", "30d"), .revenue) > 200`)
	index.Watch(nil, func(t segment.Transition) { fmt.Println(t.Audience, t.User, t.Entered) })

	store.Attach("audiences", index, nil)
	store.Attach("history", history, nil)

	for event, err := range profile.ReadSegment(strings.NewReader(lines)) {
		if err == nil {
			store.Apply(event)
		}
	}

	ann, _ := store.Resolve("user_id", "ann")
	bob, _ := store.Resolve("anonymous_id", "c1")
	fmt.Println("bob is a big spender:", index.Contains(big.Name, bob))

	model, _ := recommend.FitItemKNN(context.Background(), history, nil)
	result, _ := model.Recommend(recommend.Query{History: history, User: ann, N: 1})
	fmt.Println("show ann:", result.Items[0].Item)

	store.Erase(bob)
	fmt.Println("bob is a big spender:", index.Contains(big.Name, bob))
	// Output:
	// big spenders 1 true
	// bob is a big spender: true
	// show ann: cup
	// big spenders 1 false
	// bob is a big spender: false
}

// Whether an audience's rule uses what it must not: each user's answer is asked
// for again with another value of the attribute.
func Example_protected() {
	index, _ := segment.NewIndex(segment.Schema{"gender": segment.String, "ltv": segment.Number}, nil)
	index.Define("offer", `ltv >= 500 or ltv >= 300 and gender == "f"`)
	users := []map[string]any{
		{"gender": "f", "ltv": 620},
		{"gender": "m", "ltv": 380},
		{"gender": "f", "ltv": 120},
		{"gender": "m", "ltv": 540},
	}
	offered := func(attributes map[string]any) (float64, error) {
		if slices.Contains(index.AppendMatching(nil, 0, attributes), "offer") {
			return 1, nil
		}
		return 0, nil
	}
	gender := []fairness.Protected{{Name: "gender", Values: []any{"f", "m"}}}
	results, _ := fairness.Flip(slices.Values(users), gender, offered, nil)
	fmt.Println(results[0])
	fmt.Println(users[results[0].Largest.User])
	// Output:
	// gender: 25.00 % of 4 users change [4.56, 69.94], most from m to f: 0 to 1
	// map[gender:m ltv:380]
}
