package attribution_test

import (
	"context"
	"fmt"
	"math/bits"
	"os"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

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

// A direct visit is a symptom of a decision, not its cause: read as a touch it
// takes the credit of what made the visitor come.
func ExampleJourneys_Paths() {
	j, err := attribution.NewJourneys(nil)
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, t := range []attribution.Touch{
		{Channel: "Paid Search", Time: at},
		{Channel: attribution.DirectChannel, Time: at.Add(20 * time.Hour)},
	} {
		if err := j.Touch(1, t); err != nil {
			panic(err)
		}
	}
	if err := j.Touch(2, attribution.Touch{Channel: attribution.DirectChannel, Time: at}); err != nil {
		panic(err)
	}
	for user := range uint32(2) {
		if err := j.Convert(user+1, attribution.Conversion{Time: at.Add(21 * time.Hour), Value: 80}); err != nil {
			panic(err)
		}
	}
	for _, opts := range []*attribution.PathOptions{nil, {Ignore: []string{attribution.DirectChannel}}} {
		p, err := j.Paths(opts)
		if err != nil {
			panic(err)
		}
		c, err := attribution.Linear(p)
		if err != nil {
			panic(err)
		}
		for _, k := range c.Channels {
			fmt.Printf("%s %.1f, ", k.Channel, k.Conversions)
		}
		fmt.Printf("unattributed %.1f\n", c.Unattributed.Conversions)
	}
	// Output:
	// Direct 1.5, Paid Search 0.5, unattributed 0.0
	// Paid Search 1.0, unattributed 1.0
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

// A channel that stands in every path of those who convert, and does nothing:
// the simplified game pays it, a game with unexposed users does not.
func ExampleShapley() {
	var p attribution.Paths
	for _, r := range []struct {
		path               []string
		conversions, nulls float64
	}{
		{[]string{"search", "display"}, 30, 170},
		{[]string{"search"}, 30, 170},
		{[]string{"display"}, 10, 190},
		{nil, 10, 190},
	} {
		if err := p.Add(r.path, r.conversions, 0, r.nulls); err != nil {
			panic(err)
		}
	}
	for _, game := range []attribution.Game{attribution.SumSubset, attribution.Cohort} {
		c, err := attribution.Shapley(&p, &attribution.ShapleyOptions{Game: game})
		if err != nil {
			panic(err)
		}
		fmt.Printf("%v:", game)
		for _, k := range c.Channels {
			fmt.Printf(" %s %.0f,", k.Channel, k.Conversions)
		}
		fmt.Printf(" nobody %.0f\n", c.Unattributed.Conversions)
	}
	// Output:
	// sum over subsets: search 45, display 25, nobody 10
	// cohort: search 40, display 0, nobody 40
}

// The game to use for journeys compares rates in time; it needs to know who
// was there without being touched.
func ExampleShapley_personTime() {
	j, err := attribution.NewJourneys(nil)
	if err != nil {
		panic(err)
	}
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	day := func(d int) time.Time { return start.AddDate(0, 0, d) }
	// Of 300 people, 100 see an advertisement on day 10, and buy twice as
	// often from then on.
	for user := range uint32(300) {
		if user < 100 {
			if err := j.Touch(user+1, attribution.Touch{Channel: "social", Time: day(10)}); err != nil {
				panic(err)
			}
		}
		if user%10 == 0 || user < 100 && user%10 == 1 {
			if err := j.Convert(user+1, attribution.Conversion{Time: day(11 + int(user%7)), Value: 50}); err != nil {
				panic(err)
			}
		}
	}
	users := roaring.New()
	users.AddRange(1, 301)
	p, err := j.Paths(&attribution.PathOptions{Start: start, AsOf: day(20), Users: users})
	if err != nil {
		panic(err)
	}
	c, err := attribution.Shapley(p, &attribution.ShapleyOptions{Game: attribution.PersonTime})
	if err != nil {
		panic(err)
	}
	fmt.Printf("social %.1f, nobody %.1f, of %.0f\n", c.Channels[0].Conversions, c.Unattributed.Conversions, c.Total.Conversions)
	// Output:
	// social 16.6, nobody 23.4, of 40
}

func ExampleMarkov() {
	var p attribution.Paths
	for path, n := range map[string][2]float64{"social > search": {20, 80}, "search": {10, 90}, "social": {0, 100}} {
		if err := p.Add(strings.Split(path, " > "), n[0], 0, n[1]); err != nil {
			panic(err)
		}
	}
	c, err := attribution.Markov(&p, nil)
	if err != nil {
		panic(err)
	}
	for _, k := range c.Channels {
		fmt.Printf("%s: without it %.0f%% fewer conversions, credit %.1f\n", k.Channel, 100*k.Effect, k.Conversions)
	}
	// Output:
	// search: without it 100% fewer conversions, credit 20.0
	// social: without it 50% fewer conversions, credit 10.0
}

// People who saw an advertisement come back by search and buy; searching alone
// is another matter. What matters is the last two touches.
func ExampleMarkovOrder() {
	var p attribution.Paths
	for _, r := range []struct {
		path               string
		conversions, nulls float64
	}{{"display > search", 300, 100}, {"search", 40, 360}, {"social > search", 40, 360}, {"display", 10, 190}} {
		if err := p.Add(strings.Split(r.path, " > "), r.conversions, 0, r.nulls); err != nil {
			panic(err)
		}
	}
	list, err := attribution.MarkovOrder(context.Background(), &p, &attribution.OrderOptions{Most: 3})
	if err != nil {
		panic(err)
	}
	for _, f := range list {
		fmt.Printf("order %d: %.3f\n", f.Order, f.LogLikelihood)
	}
	// Output:
	// order 1: -1.928
	// order 2: -1.734
	// order 3: -1.734
}

// A game of one's own: three shops share a delivery van that costs 90, and
// need it only when there is more than one of them.
func ExampleSolve() {
	s, err := attribution.Solve(3, func(set uint64) float64 {
		if bits.OnesCount64(set) > 1 {
			return 90
		}
		return 0
	}, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Values)
	// Output:
	// [30 30 30]
}

func ExampleAssists() {
	var p attribution.Paths
	if err := p.Add([]string{"social", "e-mail", "search"}, 8, 0, 0); err != nil {
		panic(err)
	}
	if err := p.Add([]string{"search"}, 2, 0, 0); err != nil {
		panic(err)
	}
	list, err := attribution.Assists(&p)
	if err != nil {
		panic(err)
	}
	for _, a := range list {
		fmt.Println(a.Channel, "closes", a.Last, "and assists", a.Assisted)
	}
	for _, t := range attribution.TopPaths(&p, 1) {
		fmt.Println(t, t.Conversions)
	}
	// Output:
	// e-mail closes 0 and assists 8
	// search closes 10 and assists 0
	// social closes 0 and assists 8
	// social > e-mail > search 8
}

func ExampleFunnels() {
	var p attribution.Paths
	if err := p.Add([]string{"social", "e-mail", "search"}, 8, 0, 32); err != nil {
		panic(err)
	}
	if err := p.Add([]string{"search"}, 2, 0, 18); err != nil {
		panic(err)
	}
	list, err := attribution.Funnels(&p)
	if err != nil {
		panic(err)
	}
	for _, f := range list {
		rate, _ := f.Rate()
		fmt.Printf("%s: %.0f journeys, %.0f went on, %.0f %% converted\n", f.Channel, f.Journeys, f.Continued, 100*rate)
	}
	cells, err := attribution.FirstLasts(&p)
	if err != nil {
		panic(err)
	}
	for _, c := range cells {
		fmt.Println(c.First, "to", c.Last, c.Conversions)
	}
	// Output:
	// e-mail: 40 journeys, 40 went on, 20 % converted
	// search: 60 journeys, 0 went on, 17 % converted
	// social: 40 journeys, 40 went on, 20 % converted
	// search to search 2
	// social to search 8
}
