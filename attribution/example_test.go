package attribution_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/zhun-go/zhun/attribution"
)

// A week of one shop: journeys fed by hand, credited by three models.
func Example() {
	j, err := attribution.NewJourneys(nil)
	if err != nil {
		panic(err)
	}
	day := func(d int) time.Time { return time.Date(2026, 3, d, 12, 0, 0, 0, time.UTC) }
	touch := func(user uint32, channel string, d int, cost float64) {
		if err := j.Touch(user, attribution.Touch{Channel: channel, Time: day(d), Cost: cost}); err != nil {
			panic(err)
		}
	}
	touch(1, "social", 1, 0.40)
	touch(1, "search", 3, 0.60)
	touch(2, "social", 2, 0.40)
	touch(2, "e-mail", 4, 0.01)
	touch(3, "social", 2, 0.40)
	for _, c := range []struct {
		user  uint32
		day   int
		value float64
	}{{1, 4, 60}, {2, 5, 40}, {4, 5, 25}} {
		if err := j.Convert(c.user, attribution.Conversion{Time: day(c.day), Value: c.value, Currency: "EUR"}); err != nil {
			panic(err)
		}
	}

	p, err := j.Paths(&attribution.PathOptions{AsOf: day(28), Gap: 14 * 24 * time.Hour})
	if err != nil {
		panic(err)
	}
	for _, model := range []func(*attribution.Paths) (attribution.Credits, error){
		attribution.LastTouch,
		func(p *attribution.Paths) (attribution.Credits, error) { return attribution.Shapley(p, nil) },
	} {
		c, err := model(p)
		if err != nil {
			panic(err)
		}
		c.Warnings = nil // the documentation says it
		fmt.Println(c)
	}
	// Output:
	// last touch
	//   channel       conversions   share   value  spend     ROAS
	//   e-mail               1.00   33.3%   40.00   0.01  4000.00
	//   search               1.00   33.3%   60.00   0.60   100.00
	//   social               0.00    0.0%    0.00   1.20     0.00
	//   unattributed         1.00   33.3%   25.00   0.00        —
	//   total                3.00  100.0%  125.00   1.81    69.06
	//
	// Shapley
	//   channel       conversions   share   value  spend     ROAS
	//   social               1.00   33.3%   50.00   1.20    41.67
	//   e-mail               0.50   16.7%   20.00   0.01  2000.00
	//   search               0.50   16.7%   30.00   0.60    50.00
	//   unattributed         1.00   33.3%   25.00   0.00        —
	//   total                3.00  100.0%  125.00   1.81    69.06
}

// Events as a store hands them on become touches and orders by themselves.
func ExampleJourneys_Observe() {
	j, err := attribution.NewJourneys(nil)
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	observe := func(event string, hours int, fields map[string]any) {
		if err := j.Observe(1, event, fields, at.Add(time.Duration(hours)*time.Hour)); err != nil {
			panic(err)
		}
	}
	observe("page", 0, map[string]any{"context.campaign.source": "google", "context.campaign.medium": "cpc"})
	observe("page", 30, map[string]any{"context.page.referrer": "https://www.instagram.com/"})
	observe("page", 50, nil)
	observe("Order Completed", 51, map[string]any{"order_id": "o1", "revenue": 90, "currency": "EUR"})
	observe("Order Refunded", 52, map[string]any{"order_id": "o1", "total": 30})

	p, err := j.Paths(nil)
	if err != nil {
		panic(err)
	}
	c, err := attribution.Linear(p)
	if err != nil {
		panic(err)
	}
	for _, k := range c.Channels {
		fmt.Printf("%-14s %.2f %s\n", k.Channel, k.Value, c.Currency)
	}
	// Output:
	// Direct         20.00 EUR
	// Paid Search    20.00 EUR
	// Organic Social 20.00 EUR
}

func ExampleReadCSV() {
	p, err := attribution.ReadCSV(strings.NewReader(`path,conversions,value,nulls
search > social > search,2,120,30
social,1,40,200
,3,150,5000
`), nil)
	if err != nil {
		panic(err)
	}
	s := p.Summary()
	fmt.Println(s.Conversions, "conversions,", s.Unattributed, "unattributed,", s.Unexposed, "unexposed")
	_, err = attribution.ReadCSV(strings.NewReader("path,conversions\nsearch > > social,2\n"), nil)
	fmt.Println(err)
	// Output:
	// 6 conversions, 3 unattributed, 5000 unexposed
	// attribution: ReadCSV: line 2: path "search > > social": bad input: a channel without a name, or not in UTF-8
}

// A table of one's own in front of the default one.
func ExampleNewGrouping() {
	g, err := attribution.NewGrouping(append([]attribution.ChannelRule{
		{Channel: "Brand Search", Source: []string{"google", "bing"}, Campaign: []string{"*brand*"}},
	}, attribution.DefaultChannels()...))
	if err != nil {
		panic(err)
	}
	fmt.Println(g.Channel("google", "cpc", "nz-brand-exact", ""))
	fmt.Println(g.Channel("google", "cpc", "shoes", ""))
	fmt.Println(g.Channel("", "", "", "https://news.example.org/"))
	// Output:
	// Brand Search
	// Paid Search
	// Referral
}

func ExamplePosition() {
	var p attribution.Paths
	if err := p.Add([]string{"social", "e-mail", "search", "direct"}, 100, 0, 0); err != nil {
		panic(err)
	}
	j, err := attribution.Position(&p, &attribution.PositionOptions{First: 20, Middle: 20, Last: 60})
	if err != nil {
		panic(err)
	}
	for _, k := range j.Channels {
		fmt.Println(k.Channel, k.Conversions)
	}
	// Output:
	// direct 60
	// e-mail 10
	// search 10
	// social 20
}

// Rows can be taken out again, and shards merged.
func ExamplePaths_Merge() {
	var north, south attribution.Paths
	for _, err := range []error{
		north.Add([]string{"search"}, 3, 90, 10),
		south.Add([]string{"search"}, 1, 10, 5),
		south.Add([]string{"social", "search"}, 1, 40, 0),
		south.Sub([]string{"search"}, 1, 10, 0), // fraud
		north.Merge(&south),
	} {
		if err != nil {
			panic(err)
		}
	}
	c, err := attribution.LastTouch(&north)
	if err != nil {
		panic(err)
	}
	c.Warnings = nil
	fmt.Fprint(os.Stdout, c)
	// Output:
	// last touch
	//   channel       conversions   share   value
	//   search               4.00  100.0%  130.00
	//   social               0.00    0.0%    0.00
	//   unattributed         0.00    0.0%    0.00
	//   total                4.00  100.0%  130.00
}
