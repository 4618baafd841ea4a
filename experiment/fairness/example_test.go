package fairness_test

import (
	"fmt"
	"slices"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
	"github.com/zhun-go/zhun/experiment/fairness"
)

// By gender, and by age, every group gets more than four fifths; young women do not.
func ExampleTally() {
	t, err := fairness.NewTally("gender", "age")
	if err != nil {
		panic(err)
	}
	for _, c := range []struct {
		gender, age    string
		offered, users int
	}{{"f", "18-29", 60, 300}, {"f", "30+", 210, 500}, {"m", "18-29", 140, 350}, {"m", "30+", 150, 450}, {"x", "30+", 9, 20}} {
		for i := range c.users {
			if err := t.Add([]string{c.gender, c.age}, i < c.offered, fairness.Unknown); err != nil {
				panic(err)
			}
		}
	}
	for _, by := range [][]string{{"gender"}, {"age"}, {"gender", "age"}} {
		groups, err := t.Groups(by...)
		if err != nil {
			panic(err)
		}
		r, err := fairness.Audit(groups, nil)
		if err != nil {
			panic(err)
		}
		fmt.Println(by, r.Worst)
	}
	// Output:
	// [gender] f v m: impact 0.931 [0.814, 1.064], parity -0.025 [-0.072, +0.022], p 0.295
	// [age] 18-29 v 30+: impact 0.809 [0.702, 0.930], parity -0.073 [-0.119, -0.025], p 0.00266
	// [gender age] f, 18-29 v f, 30+: impact 0.476 [0.339, 0.659] below 4/5, parity -0.220 [-0.300, -0.132], p 1.16e-09
}

// Risk scores above "low", by whether people were charged again within two years
// (ProPublica's table of 2016).
func ExampleAudit() {
	r, err := fairness.Audit([]fairness.Group{
		{Name: "black", All: exact.Count{Successes: 2174, Users: 3696}, Positive: exact.Count{Successes: 1369, Users: 1901}, Negative: exact.Count{Successes: 805, Users: 1795}},
		{Name: "white", All: exact.Count{Successes: 854, Users: 2454}, Positive: exact.Count{Successes: 505, Users: 966}, Negative: exact.Count{Successes: 349, Users: 1488}},
	}, &fairness.Options{Reference: "white"})
	if err != nil {
		panic(err)
	}
	p := r.Pairs[0]
	fmt.Println("tpr", p.Opportunity)
	fmt.Println("fpr", p.FalsePositive)
	fmt.Println("equalized odds", p.Odds)
	// Output:
	// tpr 0.197373 [0.15986, 0.234559]
	// fpr 0.213925 [0.182053, 0.245023]
	// equalized odds 0.213925 [0.177422, 0.249417]
}

// Admissions to Berkeley in 1973, by department.
func ExampleConditionalOffers() {
	of := func(admitted, applied int64) exact.Count { return exact.Count{Successes: admitted, Users: applied} }
	departments := []fairness.Offers{
		{Stratum: "A", Group: of(89, 108), Reference: of(512, 825)},
		{Stratum: "B", Group: of(17, 25), Reference: of(353, 560)},
		{Stratum: "C", Group: of(202, 593), Reference: of(120, 325)},
		{Stratum: "D", Group: of(131, 375), Reference: of(138, 417)},
		{Stratum: "E", Group: of(94, 393), Reference: of(53, 191)},
		{Stratum: "F", Group: of(24, 341), Reference: of(22, 373)},
	}
	women, men := fairness.Group{Name: "women"}, fairness.Group{Name: "men"}
	for _, d := range departments {
		women.All.Successes += d.Group.Successes
		women.All.Users += d.Group.Users
		men.All.Successes += d.Reference.Successes
		men.All.Users += d.Reference.Users
	}
	whole, err := fairness.Audit([]fairness.Group{women, men}, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(whole.Worst)
	within, err := fairness.ConditionalOffers(departments, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(within)
	// Output:
	// women v men: impact 0.682 [0.628, 0.739] below 4/5, parity -0.142 [-0.170, -0.113], p 7.89e-22
	// Mantel–Haenszel over 6 strata, 1835 v 2691 users: difference +0.01843 [-0.01063, +0.04748], odds ratio 1.105 [0.9431, 1.295], p 0.217
	//   warning: strata differ in their disparity: p 0.00207, "A" most of all
}

func ExampleConditionalPrices() {
	of := func(prices ...float64) *experiment.Moments {
		m := new(experiment.Moments)
		m.AddAll(prices)
		return m
	}
	c, err := fairness.ConditionalPrices([]fairness.Prices{
		{Stratum: "small basket", Group: of(12, 13, 12, 14), Reference: of(11, 12, 12, 11, 12)},
		{Stratum: "large basket", Group: of(31, 33, 30), Reference: of(30, 29, 31, 30)},
	}, &fairness.Options{MinGroup: 5})
	fmt.Println(c, err)
	// Output:
	// stratified difference of means over 2 strata, 7 v 9 users: difference +1.23 [-0.06545, +2.525], p 0.059 <nil>
}

// A discount that uses the age, and not the gender.
func ExampleFlip() {
	discount := func(attributes map[string]any) (float64, error) {
		ltv, _ := attributes["ltv"].(float64)
		if attributes["age"] == "18-29" && ltv >= 100 {
			return 15, nil
		}
		return 10, nil
	}
	users := []map[string]any{
		{"gender": "f", "age": "18-29", "ltv": 120.0},
		{"gender": "m", "age": "30+", "ltv": 300.0},
		{"gender": "f", "age": "30+", "ltv": 20.0},
		{"gender": "m", "age": "18-29", "ltv": 50.0},
	}
	results, err := fairness.Flip(slices.Values(users), []fairness.Protected{
		{Name: "gender", Values: []any{"f", "m"}},
		{Name: "age", Values: []any{"18-29", "30+"}},
	}, discount, nil)
	if err != nil {
		panic(err)
	}
	for _, r := range results {
		fmt.Println(r)
	}
	// Output:
	// gender: 0.00 % of 4 users change [0.00, 48.99]
	// age: 50.00 % of 4 users change [15.00, 85.00], most from 18-29 to 30+: 15 to 10
}
