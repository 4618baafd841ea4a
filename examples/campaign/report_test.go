package main

import (
	"math"
	"time"
)

// sampleReport is a report of every section with invented figures.
func sampleReport() *Report {
	start := time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC)
	p := func(x float64) *float64 { return &x }
	r := &Report{
		Input: Input{
			Kind: "simulator", Customers: 1000, Days: 90, Seed: 1, Currency: "EUR",
			From: start, To: start.AddDate(0, 0, 90),
		},
		Ingestion: Ingestion{
			Read: 61_305, Applied: 60_011, Duplicates: 1_020, BadLines: 3,
			Rejected: []Count{{"bot", 271}},
			Samples:  []LineError{{Line: 10, Column: 7, Reason: "no such thing"}},
			Names:    []Count{{"Product Viewed", 30_123}, {"page", 10_001}, {"Email Opened", 5_000}, {"Order Completed", 1_234}, {"Order Refunded", 99}},
			Profiles: 1_310, Merges: 912, Splits: 3,
			Identity: &Identity{Precision: 0.9991, Recall: 0.93, Attainable: 0.95, Shared: 41},
		},
		Audiences: Audiences{Profiles: 1_310, WeekFrom: start.AddDate(0, 0, 83), WeekTo: start.AddDate(0, 0, 90), Parity: &Parity{
			Audience: "champions", By: "country", Groups: 5, LeftOut: 2, MinGroup: 50, Least: "AT", Most: "FR",
			Impact: Interval{0.7, 0.14, 0.44, 1.09, 0.95}, FourFifths: true, P: 0.31,
		}},
		People: &People{
			Profiles: 1_310, AtRiskDays: 23.5, LapsedDays: 61,
			Stages:     []Count{{"prospect", 700}, {"new", 300}, {"active", 150}, {"loyal", 100}, {"at risk", 40}, {"lapsed", 20}, {"won back", 0}},
			Interested: 900, Sure: 610, Interests: []Count{{"kitchen", 500}, {"garden", 400}},
			Consent: []Purpose{
				{"Advertising", 600, 200, 600, []string{"ad_storage", "Sec-GPC"}},
				{"Analytics", 650, 150, 650, []string{"analytics_storage"}},
			},
			Habits: &Habits{
				People: 1_200, Hour: 20, Weekday: "Sunday", Known: 500, OtherHour: 321,
				Channels: []Reach{{"email", 0.4, 210}, {"cpc", 0.35, 180}},
			},
		},
		Recommendations: &Recommendations{
			Audience: "champions",
			Users: []Shopper{
				{17, 31, []Item{{"p-11", "Blue mug", 0}, {"p-7", "Tea towel with a very long name indeed", 0}}, []Item{{"p-3", "Teapot", 1.5}, {"p-12", "Red mug", 0.75}, {"p-8", "Saucer", 0.7}}},
				{21, 12, []Item{{"p-1", "Lamp", 0}}, []Item{{"p-2", "Bulb", 1.25}}},
			},
			Accuracy: &HeldOut{Split: start.AddDate(0, 0, 72), Until: start.AddDate(0, 0, 90), K: 20, Users: 412, Lost: 0.01, Models: []Accuracy{
				{"popularity", 0.081, 0.009, 0.041, 0.004, 0.05, 1},
				{"item kNN, cosine", 0.204, 0.013, 0.11, 0.006, 0.71, 2.52},
			}},
		},
		Experiment: &Experiment{
			Name: "free-shipping", Arms: []Arm{{"control", 512, 0.5}, {"treatment", 498, 0.5}}, Crossovers: 2,
			SRM: SRM{0.19, 0.659, true},
			Metrics: []Metric{
				{"conversion", "treatment", "share", 0.31, 0.37, Interval{0.06, 0.03, 0.001, 0.119, 0.95}, Interval{0.1935, 0.1, 0, 0.39, 0.95}, 0.046, p(0.055), nil},
				{"orders", "treatment", "count", 0.52, 0.63, Interval{0.11, 0.05, 0.012, 0.208, 0.95}, Interval{0.21, 0.1, 0.01, 0.41, 0.95}, 0.03, nil, nil},
				{"revenue", "treatment", "money", 41.2, 47.5, Interval{6.3, 4.1, -1.7, 14.3, 0.95}, Interval{0.153, 0.1, -0.05, 0.36, 0.95}, 0.12, p(5.11), []string{"skewness 6.1"}},
			},
		},
		Attribution: &Attribution{
			Conversions: 1234, Value: 45_678, Currency: "EUR", Unattributed: 34, Truth: &Expected{1300, 829.7}, Paths: 801, Nulls: 2_311,
			Channels: []Channel{{"Direct", 0, nil}, {"Display", 310, &Increment{0.3, 0.1}}, {"Email", 220, &Increment{310, 250}}, {"Paid Search", 4_020, &Increment{160, 180}}},
			Models: []Credit{
				{"last touch", []float64{400, 100, 300, 400}, []float64{14_000, 4_000, 11_000, 15_000}, []*float64{nil, p(11.9), p(49), p(2.7)}, 34, 1_678},
				{"linear", []float64{350, 120, 380, 350}, []float64{13_000, 4_500, 12_500, 14_000}, []*float64{nil, p(13.5), p(55.8), p(2.48)}, 34, 1_678},
				{"Shapley", []float64{340, 110, 390, 360}, []float64{12_800, 4_300, 12_700, 14_200}, []*float64{nil, p(12.9), p(56.7), p(2.53)}, 34, 1_678},
			},
		},
		Erasure: &Erasure{User: 17, Events: 120, Identifiers: 4, Traces: []Traces{
			{"profile", 120, 0},
			{"segment", 3, 0},
			{"recommend", 31, 0},
			{"attribution", 12, 0},
			{"experiment", 3, 0},
		}},
		LeftOut: []LeftOut{{"nothing", "just to see it"}},
	}
	for i, name := range []string{"champions", "new", "at risk", "lapsed", "cart left"} {
		a := Audience{Name: name, Rule: `count(events("Order Completed", "30d"), .revenue > 10) >= 2`, Entered: 10 * i, Left: i}
		for d := range 90 {
			if i == 0 {
				r.Audiences.Days = append(r.Audiences.Days, start.AddDate(0, 0, d).Format(time.DateOnly))
			}
			a.Sizes = append(a.Sizes, int(float64(40*(i+1))*(1+math.Sin(float64(d)/float64(8+i)))*float64(d)/90))
		}
		a.Size = a.Sizes[89]
		a.Share = float64(a.Size) / 1310
		r.Audiences.List = append(r.Audiences.List, a)
	}
	return r
}
