package attribution_test

import (
	"context"
	"fmt"

	"github.com/zhun-go/zhun/attribution"
)

func ExampleBootstrap() {
	var p attribution.Paths
	if err := p.Add([]string{"search"}, 400, 0, 9600); err != nil {
		panic(err)
	}
	if err := p.Add([]string{"podcast"}, 4, 0, 96); err != nil {
		panic(err)
	}
	list, err := attribution.Bootstrap(context.Background(), &p, attribution.LastTouch, nil)
	if err != nil {
		panic(err)
	}
	for _, i := range list {
		fmt.Printf("%s: %.0f conversions, %.0f to %.0f\n", i.Channel, i.Conversions.Value, i.Conversions.Lo, i.Conversions.Hi)
	}
	// Output:
	// search: 400 conversions, 363 to 441
	// podcast: 4 conversions, 0 to 8
}

// One channel with decreasing returns, one that needs a minimum to work at
// all.
func ExampleAllocate() {
	a, err := attribution.Allocate([]attribution.Curve{
		{Channel: "search", Shape: attribution.Log, A: 100, B: 50},
		{Channel: "television", Shape: attribution.Hill, A: 400, B: 300, S: 3},
		{Channel: "fair", Shape: attribution.Power, A: 10, B: 0.5, Lo: 40, Hi: 40}, // booked
	}, 600, nil)
	if err != nil {
		panic(err)
	}
	fmt.Print(a)
	// Output:
	// budget 600.00 brings 490.00; one more brings 0.542
	//   channel      spend   value  marginal
	//   search      134.51  130.57     0.542
	//   television  425.49  296.19     0.542
	//   fair         40.00   63.25    0.7906
}

// An experiment withheld retargeting from a random tenth of its audience. What
// it brought takes the place of what the paths make it look like.
func ExampleCalibrate() {
	var p attribution.Paths
	if err := p.Add([]string{"search", "retargeting"}, 300, 15000, 2700); err != nil {
		panic(err)
	}
	if err := p.Add([]string{"search"}, 100, 5000, 1900); err != nil {
		panic(err)
	}
	c, err := attribution.Shapley(&p, nil)
	if err != nil {
		panic(err)
	}
	// 3,000 people met it; with it 10.0 % of them bought, without it 9.4 ± 0.5 %.
	c, err = attribution.Calibrate(c, []attribution.Lift{{
		Channel:     "retargeting",
		Conversions: attribution.Estimate{Value: 18, Lo: 3, Hi: 33, Level: 0.95},
	}}, nil)
	if err != nil {
		panic(err)
	}
	for _, k := range c.Channels {
		fmt.Printf("%s %.0f conversions, value %.0f\n", k.Channel, k.Conversions, k.Value)
	}
	fmt.Printf("unattributed %.0f\n", c.Unattributed.Conversions)
	fmt.Println(c.Warnings[1])
	// Output:
	// search 250 conversions, value 12500
	// retargeting 18 conversions, value 900
	// unattributed 132
	// Shapley: an experiment says otherwise: retargeting has 150 conversions, and the experiment found 3 to 33
}

// The same channels at three budgets, and as much as returns four times its
// spend.
func ExampleBudgetPath() {
	curves := []attribution.Curve{
		{Channel: "search", Shape: attribution.Log, A: 400, B: 50},
		{Channel: "social", Shape: attribution.Exponential, A: 900, B: 100},
	}
	path, err := attribution.BudgetPath(curves, []float64{50, 150, 300}, nil)
	if err != nil {
		panic(err)
	}
	for _, a := range path {
		fmt.Printf("%.0f: search %.0f, social %.0f; one more brings %.2f\n", a.Budget, a.Channels[0].Spend, a.Channels[1].Spend, a.Price)
	}
	a, err := attribution.AllocateROAS(curves, 4, nil)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.0f bring %.0f\n", a.Budget, a.Value)
	// Output:
	// 50: search 14, social 36; one more brings 6.27
	// 150: search 60, social 90; one more brings 3.65
	// 300: search 150, social 150; one more brings 2.00
	// 326 bring 1303
}

// Spend and sales of ten weeks become a curve, and the curve a budget.
func ExampleFitCurve() {
	spend := []float64{10, 40, 20, 80, 60, 30, 120, 90, 15, 50}
	sales := []float64{262, 390, 318, 465, 431, 357, 507, 478, 291, 409}
	f, err := attribution.FitCurve("search", spend, sales, &attribution.FitOptions{Shape: attribution.Log})
	if err != nil {
		panic(err)
	}
	now, next := f.Value(50), f.Marginal(50)
	fmt.Printf("50 a week bring %.0f (%.0f to %.0f), one more %.1f (%.1f to %.1f)\n", now.Value, now.Lo, now.Hi, next.Value, next.Lo, next.Hi)
	// Output:
	// 50 a week bring 266 (235 to 296), one more 2.2 (2.1 to 2.2)
}

func ExampleShapleyIntervals() {
	var p attribution.Paths
	if err := p.Add([]string{"search"}, 400, 0, 9600); err != nil {
		panic(err)
	}
	if err := p.Add([]string{"podcast", "search"}, 16, 0, 184); err != nil {
		panic(err)
	}
	list, err := attribution.ShapleyIntervals(&p, nil, 0.95)
	if err != nil {
		panic(err)
	}
	for _, i := range list {
		fmt.Printf("%s: %.0f conversions, %.1f to %.1f\n", i.Channel, i.Conversions.Value, i.Conversions.Lo, i.Conversions.Hi)
	}
	// Output:
	// search: 408 conversions, 368.6 to 447.4
	// podcast: 8 conversions, 4.1 to 11.9
}

// Retargeting follows people who are likely to buy. Compared among all, it
// seems to bring them; compared among those who are alike, it does not.
func ExampleStratified() {
	stratum := func(rows map[string][2]float64) *attribution.Paths {
		var p attribution.Paths
		for path, n := range rows {
			var channels []string
			if path != "" {
				channels = []string{path}
			}
			if err := p.Add(channels, n[0], 0, n[1]); err != nil {
				panic(err)
			}
		}
		return &p
	}
	likely := stratum(map[string][2]float64{"": {20, 80}, "retargeting": {180, 720}})
	unlikely := stratum(map[string][2]float64{"": {18, 882}, "retargeting": {2, 98}})
	var all attribution.Paths
	for _, p := range []*attribution.Paths{likely, unlikely} {
		if err := all.Merge(p); err != nil {
			panic(err)
		}
	}
	cohort := func(p *attribution.Paths) (attribution.Credits, error) {
		return attribution.Shapley(p, &attribution.ShapleyOptions{Game: attribution.Cohort})
	}
	c, err := cohort(&all)
	if err != nil {
		panic(err)
	}
	fmt.Printf("all: retargeting %.0f of %.0f\n", c.Channels[0].Conversions, c.Total.Conversions)
	if c, err = attribution.Stratified([]*attribution.Paths{likely, unlikely}, cohort); err != nil {
		panic(err)
	}
	fmt.Printf("in strata: retargeting %.0f of %.0f\n", c.Channels[0].Conversions, c.Total.Conversions)
	// Output:
	// all: retargeting 144 of 220
	// in strata: retargeting 0 of 220
}
