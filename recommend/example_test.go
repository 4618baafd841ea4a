package recommend_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/zhun-go/zhun/recommend"
)

// baskets is a week of a small shop.
func baskets() *recommend.History {
	h, err := recommend.NewHistory(nil)
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for user, basket := range [][]string{
		{"tent", "sleeping bag", "stove"},
		{"tent", "sleeping bag", "lantern"},
		{"stove", "gas", "lantern"},
		{"running shoes", "socks"},
		{"running shoes", "socks", "bottle"},
		{"tent", "stove", "gas"},
		{"bottle", "socks"},
	} {
		for _, item := range basket {
			at = at.Add(time.Hour)
			if err := h.Add(uint32(user+1), item, 1, at); err != nil {
				panic(err)
			}
		}
	}
	return h
}

// Fit a model and ask it what to show to somebody with a tent in the basket.
func Example() {
	model, err := recommend.FitItemKNN(context.Background(), baskets(), nil)
	if err != nil {
		panic(err)
	}
	result, err := model.Recommend(recommend.Query{Items: []string{"tent"}, N: 3})
	if err != nil {
		panic(err)
	}
	for _, x := range result.Items {
		fmt.Printf("%.3f %s\n", x.Score, x.Item)
	}
	// Output:
	// 0.816 sleeping bag
	// 0.667 stove
	// 0.408 gas
}

// A history is a view: it reads the e-commerce events of the Segment
// vocabulary as a store delivers them. A refund takes the order's weight back.
func ExampleHistory_Observe() {
	h, _ := recommend.NewHistory(nil)
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	_ = h.Observe(1, "Product Viewed", map[string]any{"product_id": "tent"}, at)
	_ = h.Observe(1, "Order Completed", map[string]any{
		"order_id": "o-1",
		"products": []map[string]any{{"product_id": "stove"}, {"sku": "gas"}},
	}, at.Add(time.Hour))
	_ = h.Observe(1, "Order Refunded", map[string]any{
		"order_id": "o-1",
		"products": []map[string]any{{"sku": "gas"}},
	}, at.Add(48*time.Hour))
	for _, i := range h.Of(1) {
		fmt.Printf("%+g %-5s %s\n", i.Weight, i.Item, i.Event)
	}
	// Output:
	// +1 tent  Product Viewed
	// +4 gas   Order Completed
	// +4 stove Order Completed
	// -4 gas   Order Refunded
}

// Sets of items restrict an answer inside the search for the best, so that N
// results come whenever N items are admissible.
func ExampleModel_Items() {
	h := baskets()
	model, _ := recommend.FitItemKNN(context.Background(), h, nil)
	inStock := model.Items("gas", "lantern", "bottle", "socks")
	result, _ := model.Recommend(recommend.Query{History: h, User: 1, N: 3, Allow: inStock})
	for _, x := range result.Items {
		fmt.Printf("%.3f %s\n", x.Score, x.Item)
	}
	fmt.Println("filled in:", result.Filled)
	// Output:
	// 1.316 lantern
	// 1.225 gas
	// 0.000 socks
	// filled in: 1
}

// People buy coffee again. An item's own weight puts what was bought often
// first, and what goes with it follows.
func ExampleQuery() {
	h, _ := recommend.NewHistory(&recommend.HistoryOptions{Value: recommend.Log1p()})
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for user, items := range [][]string{
		{"coffee", "coffee", "filters"},
		{"coffee", "milk", "coffee", "coffee"},
		{"tea", "milk"},
	} {
		for k, item := range items {
			_ = h.Add(uint32(user+1), item, 1, at.AddDate(0, 0, 7*k))
		}
	}
	model, _ := recommend.FitItemKNN(context.Background(), h, nil)
	result, _ := model.Recommend(recommend.Query{History: h, User: 2, KeepHistory: true, Own: 1})
	for _, x := range result.Items {
		fmt.Printf("%.2f %s\n", x.Score, x.Item)
	}
	// Output:
	// 1.77 coffee
	// 1.46 milk
	// 0.86 filters
	// 0.49 tea
}

// What goes with an item, such as on its page, is the answer to a list of that
// item alone; a basket or a session is a longer one. FillNone leaves out what
// has nothing to do with it.
func ExampleQuery_similar() {
	model, _ := recommend.FitItemKNN(context.Background(), baskets(), nil)
	for _, items := range [][]string{{"gas"}, {"tent", "socks"}, {"an item of tomorrow"}} {
		result, _ := model.Recommend(recommend.Query{Items: items, N: 2, Fill: recommend.FillNone})
		fmt.Println(items, "known:", result.Known)
		for _, x := range result.Items {
			fmt.Printf("  %.3f %s\n", x.Score, x.Item)
		}
	}
	// Output:
	// [gas] known: 1
	//   0.816 stove
	//   0.500 lantern
	// [tent socks] known: 2
	//   0.816 bottle
	//   0.816 sleeping bag
	// [an item of tomorrow] known: 0
}

// Every score is a sum over the history.
func ExampleModel_Explain() {
	h := baskets()
	model, _ := recommend.FitItemKNN(context.Background(), h, nil)
	parts, _ := model.Explain(recommend.Query{History: h, User: 1}, "gas")
	for _, p := range parts {
		fmt.Printf("%.3f because of %s\n", p.Part, p.Item)
	}
	// Output:
	// 0.408 because of tent
	// 0.816 because of stove
}

// Fit chooses the model and its penalty by the size of the catalogue and by
// users put aside.
func ExampleFit() {
	h, _ := recommend.NewHistory(nil)
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	// Even users take even items, odd users odd ones, and everybody takes 100.
	for user := uint32(1); user <= 500; user++ {
		for k := range uint32(6) {
			item := 2*((user*7+k*k*3)%20) + user%2
			_ = h.Add(user, fmt.Sprint(item), 1, at)
		}
		_ = h.Add(user, "100", 1, at)
	}
	model, err := recommend.Fit(context.Background(), h, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(model)
	result, _ := model.Recommend(recommend.Query{Items: []string{"4", "8", "100"}, N: 3})
	for _, x := range result.Items {
		fmt.Println(x.Item)
	}
	// Output:
	// ease lambda=100
	// 34
	// 38
	// 18
}

// Judge a model against popularity by what users bought later.
func ExampleEvaluate() {
	ctx := context.Background()
	split, err := recommend.SplitTime(baskets(), time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC), &recommend.SplitTimeOptions{ColdUsers: true})
	if err != nil {
		panic(err)
	}
	model, _ := recommend.FitItemKNN(ctx, split.Train, nil)
	popular, _ := recommend.FitPopularity(ctx, split.Train)
	for _, r := range []recommend.Recommender{popular, model} {
		report, err := recommend.Evaluate(ctx, r, split.Test.Held, &recommend.EvalOptions{
			History: split.Test.Known, K: []int{3},
		})
		if err != nil {
			panic(err)
		}
		cut, _ := report.At(3)
		fmt.Printf("%s: recall@3 %.2f for %d users\n", report.Name, cut.Recall.Value, report.Users)
	}
	// Output:
	// popularity: recall@3 0.33 for 2 users
	// cosine K=200 per target: recall@3 0.50 for 2 users
}

// Judge a model by users it has seen nothing of.
func ExampleSplitStrong() {
	h, _ := recommend.NewHistory(nil)
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for user := uint32(1); user <= 100; user++ {
		for item := range 8 {
			_ = h.Add(user, fmt.Sprint(item+int(user%3)), 1, at)
		}
	}
	split, _ := recommend.SplitStrong(h, nil)
	fmt.Println(len(split.Train.Users()), "to fit,", split.Validation.Users, "to tune,", split.Test.Users, "to judge by")
	// Output:
	// 80 to fit, 10 to tune, 10 to judge by
}

// Compare two recommenders user by user.
func ExampleReport_Compare() {
	ctx := context.Background()
	h := baskets()
	popular, _ := recommend.FitPopularity(ctx, h)
	model, _ := recommend.FitItemKNN(ctx, h, nil)
	o := &recommend.EvalOptions{History: h, K: []int{2}, Repeat: true}
	a, _ := recommend.Evaluate(ctx, model, h, o)
	b, _ := recommend.Evaluate(ctx, popular, h, o)
	c, _ := a.Compare(b, "recall", 2, nil)
	fmt.Println(c)
	// Output:
	// recall@2: +0.1429 [+0.0000, +0.2857] at 95%, p = 0.186, 7 users
}

// What was long ago weighs less in a decayed copy. An order that was refunded
// leaves nothing behind, and the next one of the same item stands whole.
func ExampleDecay() {
	h, _ := recommend.NewHistory(&recommend.HistoryOptions{Value: recommend.Cap(10)})
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	_ = h.Add(1, "tent", 4, day(1))
	_ = h.Remove(1, "tent", 4, day(8))
	_ = h.Add(1, "tent", 4, day(15))
	_ = h.Add(1, "stove", 4, day(22))
	decayed, err := recommend.Decay(h, 7*24*time.Hour, day(29))
	if err != nil {
		panic(err)
	}
	for _, i := range decayed.Of(1) {
		fmt.Println(i.Weight, i.Item)
	}
	// Output:
	// 1 tent
	// 2 stove
}

// Ratings are graded values: the adjusted cosine looks at which items a user
// prefers to the user's others.
func ExampleAdjustedCosine() {
	h, _ := recommend.NewHistory(&recommend.HistoryOptions{Value: recommend.Cap(5)})
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for user, ratings := range []map[string]float64{
		{"Alien": 5, "Brazil": 4, "Cars": 1},
		{"Alien": 3, "Brazil": 3, "Cars": 1},
		{"Alien": 1, "Cars": 5},
	} {
		for item, stars := range ratings {
			_ = h.Add(uint32(user+1), item, stars, at)
		}
	}
	model, err := recommend.FitItemKNN(context.Background(), h, &recommend.ItemKNNOptions{Similarity: recommend.AdjustedCosine{}})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.3f %.3f\n", model.Weight("Alien", "Brazil"), model.Weight("Alien", "Cars"))
	// Output:
	// 0.614 0.000
}

// Read a table of ratings, of which those of four stars and more count as
// liking.
func ExampleLoad() {
	h, _ := recommend.NewHistory(nil)
	table := "1::1193::5::978300760\n1::661::3::978302109\n2::1193::4::978298413\n"
	rows, err := recommend.Load(h, strings.NewReader(table), &recommend.LoadOptions{MinWeight: 4, Alike: true})
	fmt.Println(rows, err)
	_, err = recommend.Load(h, strings.NewReader("3,1193,five,978300760\n"), nil)
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// recommend: Load: line 1, column 3 (weight): "five": bad table: want a finite number
}

// With categories a report also tells how far a list strays from what a user
// likes, and how mixed it is.
func ExampleCut() {
	ctx := context.Background()
	h := baskets()
	model, _ := recommend.FitItemKNN(ctx, h, nil)
	report, err := recommend.Evaluate(ctx, model, h, &recommend.EvalOptions{
		History: h, K: []int{4}, Repeat: true,
		Category: func(item string) string {
			switch item {
			case "running shoes", "socks", "bottle":
				return "sport"
			}
			return "camping"
		},
	})
	if err != nil {
		panic(err)
	}
	cut, _ := report.At(4)
	fmt.Printf("%.3f nats from the interests, %.2f of pairs differ\n", cut.Calibration.Value, cut.Diversity.Value)
	// Output:
	// 0.122 nats from the interests, 0.21 of pairs differ
}

// Choose among several models by users put aside, cheaply: most candidates are
// only fitted on a part of the users.
func ExampleTune() {
	h, _ := recommend.NewHistory(nil)
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for user := uint32(1); user <= 500; user++ {
		for k := range uint32(6) {
			_ = h.Add(user, fmt.Sprint(2*((user*7+k*k*3)%20)+user%2), 1, at)
		}
	}
	split, _ := recommend.SplitStrong(h, nil)
	var candidates []recommend.Candidate
	for _, k := range []int{1, 5, 20} {
		candidates = append(candidates, func(ctx context.Context, h *recommend.History) (*recommend.Model, error) {
			return recommend.FitItemKNN(ctx, h, &recommend.ItemKNNOptions{K: k})
		})
	}
	tuning, err := recommend.Tune(context.Background(), split, candidates, &recommend.TuneOptions{K: 5, MinUsers: 100})
	if err != nil {
		panic(err)
	}
	for _, t := range tuning.Trials {
		fmt.Println(t.Name, "reached round", t.Round)
	}
	// Output:
	// cosine K=1 per target reached round 2
	// cosine K=5 per target reached round 1
	// cosine K=20 per target reached round 1
}

// A new item is recommended at once, without fitting everything again.
func ExampleRefreshLocalRidge() {
	ctx := context.Background()
	h := baskets()
	model, _ := recommend.FitLocalRidge(ctx, h, &recommend.LocalRidgeOptions{Lambda: 1})
	at := time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC)
	for _, user := range []uint32{1, 2, 6} {
		_ = h.Add(user, "camping chair", 1, at)
	}
	model, err := recommend.RefreshLocalRidge(ctx, h, model, []string{"camping chair"}, &recommend.LocalRidgeOptions{Lambda: 1})
	if err != nil {
		panic(err)
	}
	result, _ := model.Recommend(recommend.Query{Items: []string{"tent"}, N: 1})
	fmt.Println(result.Items[0].Item)
	// Output:
	// camping chair
}
