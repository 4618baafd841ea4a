package attribution_test

import (
	"context"
	"fmt"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/attribution"
)

// How sure is a Markov chain of its credits?
func ExampleIntervals() {
	var p attribution.Paths
	for _, r := range []struct {
		channels    []string
		conv, nulls float64
	}{
		{[]string{"social", "search"}, 40, 300},
		{[]string{"search"}, 60, 400},
		{[]string{"social"}, 5, 800},
	} {
		if err := p.Add(r.channels, r.conv, 0, r.nulls); err != nil {
			panic(err)
		}
	}
	list, err := attribution.Intervals(context.Background(), &p, func(p *attribution.Paths) (attribution.Credits, error) {
		return attribution.Markov(p, nil)
	}, 0.95)
	if err != nil {
		panic(err)
	}
	for _, i := range list {
		fmt.Printf("%s: %.1f conversions, %.1f to %.1f\n", i.Channel, i.Conversions.Value, i.Conversions.Lo, i.Conversions.Hi)
	}
	// Output:
	// search: 71.2 conversions, 57.3 to 85.1
	// social: 33.8 conversions, 26.8 to 40.8
}

// What each order gives its channels, in cents that add up.
func ExampleJourneys_Orders() {
	j, err := attribution.NewJourneys(nil)
	if err != nil {
		panic(err)
	}
	day := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	for i, c := range []string{"social", "email", "search"} {
		if err := j.Touch(7, attribution.Touch{Channel: c, Time: day.AddDate(0, 0, i)}); err != nil {
			panic(err)
		}
	}
	if err := j.Convert(7, attribution.Conversion{ID: "4711", Time: day.AddDate(0, 0, 3), Value: 100}); err != nil {
		panic(err)
	}
	orders, err := j.Orders(nil, attribution.Linear)
	if err != nil {
		panic(err)
	}
	for o := range orders {
		cents, err := attribution.Apportion(int64(100*o.Path.Value), o.Value)
		if err != nil {
			panic(err)
		}
		fmt.Println(o.Order, o.Path, cents)
	}
	// Output:
	// 4711 social > email > search [3334 3333 3333]
}

// The rows of a file with what each of them gives.
func ExamplePerJourney() {
	var p attribution.Paths
	if err := p.Add([]string{"social", "search", "search"}, 6, 300, 10); err != nil {
		panic(err)
	}
	list, err := attribution.PerJourney(&p, func(p *attribution.Paths) (attribution.Credits, error) { return attribution.Shapley(p, nil) })
	if err != nil {
		panic(err)
	}
	for c := range list {
		fmt.Println(c.Path, c.Conversions, c.Value)
	}
	// Output:
	// social > search > search [3 1.5 1.5] [150 75 75]
}

// Of two groups, one is likely to buy, and retargeting chases it: a covariate
// says so.
func ExampleFitLogistic() {
	group := func(rows ...struct {
		path        []string
		conv, nulls float64
	},
	) *attribution.Paths {
		var p attribution.Paths
		for _, r := range rows {
			if err := p.Add(r.path, r.conv, 0, r.nulls); err != nil {
				panic(err)
			}
		}
		return &p
	}
	type row = struct {
		path        []string
		conv, nulls float64
	}
	search, retargeting := []string{"search"}, []string{"retargeting"}
	likely := group(row{nil, 200, 800}, row{search, 320, 680}, row{retargeting, 810, 3190})
	others := group(row{nil, 180, 8820}, row{search, 37, 963}, row{retargeting, 8, 392})
	m, err := attribution.FitLogistic(context.Background(), []*attribution.Paths{likely, others}, &attribution.LogisticOptions{
		Covariates: [][]float64{{1}, {0}},
	})
	if err != nil {
		panic(err)
	}
	for _, i := range m.Intervals {
		fmt.Printf("%s: %.0f conversions, %.0f to %.0f\n", i.Channel, i.Conversions.Value, i.Conversions.Lo, i.Conversions.Hi)
	}
	// Output:
	// search: 137 conversions, 97 to 177
	// retargeting: 10 conversions, -94 to 113
}

// People who opened the newsletter buy at ten times the usual rate, and the
// effect is gone after some days.
func ExampleFitHazard() {
	j, err := attribution.NewJourneys(nil)
	if err != nil {
		panic(err)
	}
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	at := func(day float64) time.Time { return start.Add(time.Duration(day * 24 * float64(time.Hour))) }
	everyone := roaring.New()
	everyone.AddRange(1, 4001)
	for u := uint32(1); u <= 4000; u++ {
		// One in four reads it, on one of twenty days.
		mailed := float64(u%20) + 0.5
		if u%4 == 0 {
			if err := j.Touch(u, attribution.Touch{Channel: "newsletter", Time: at(mailed)}); err != nil {
				panic(err)
			}
		}
		switch {
		case u%40 == 8: // one in ten of these buys within a day or two
			err = j.Convert(u, attribution.Conversion{Time: at(mailed + float64(u%7)*0.3)})
		case u%50 == 3: // and some of all people sometime
			err = j.Convert(u, attribution.Conversion{Time: at(float64(u%30) + 0.7)})
		}
		if err != nil {
			panic(err)
		}
	}
	fit, err := attribution.FitHazard(context.Background(), j, &attribution.HazardOptions{
		Paths: &attribution.PathOptions{Start: start, AsOf: at(30), Users: everyone},
	})
	if err != nil {
		panic(err)
	}
	i := fit.Intervals[0]
	fmt.Printf("%s: %.0f of %.0f conversions, %.0f to %.0f; half of it within %v\n",
		i.Channel, i.Conversions.Value, fit.Credits.Total.Conversions, i.Conversions.Lo, i.Conversions.Hi, fit.HalfLives[i.Channel])
	// Output:
	// newsletter: 98 of 180 conversions, 79 to 118; half of it within 24h0m0s
}

// Television and radio share a contract, and no more than a third may go to
// what is bought by auction.
func ExampleAllocate_groups() {
	curves := []attribution.Curve{
		{Channel: "television", Shape: attribution.Log, A: 300, B: 80},
		{Channel: "radio", Shape: attribution.Log, A: 100, B: 30},
		{Channel: "search", Shape: attribution.Log, A: 500, B: 40},
	}
	o := &attribution.AllocateOptions{
		Groups: []attribution.Group{{Name: "contract", Channels: []string{"television", "radio"}, Lo: 50}},
		Limits: []attribution.Limit{{
			Name: "auctions", Weights: map[string]float64{"search": 2, "television": -1, "radio": -1}, Most: 0,
		}},
	}
	a, err := attribution.Allocate(curves, 300, o)
	if err != nil {
		panic(err)
	}
	fmt.Print(a)
	curves[2].Lo = 280
	_, err = attribution.Allocate(curves, 300, o)
	fmt.Println(err)
	// Output:
	// budget 300.00 brings 1041.35; one more brings 2.051
	//   channel      spend   value  marginal
	//   television  152.50  320.06      1.29
	//   radio        47.50   94.91      1.29
	//   search      100.00  626.38     3.571
	// attribution: Allocate: infeasible: budget of 300, group "contract" at least 50, "search" at least 280
}
