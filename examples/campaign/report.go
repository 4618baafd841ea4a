package main

import "time"

// Report is all that the program has to say. The text, the JSON and the page
// are three prints of it. A section is nil when its input was missing; LeftOut
// then says why.
type Report struct {
	Input           Input            `json:"input"`
	Ingestion       Ingestion        `json:"ingestion"`
	Audiences       Audiences        `json:"audiences"`
	People          *People          `json:"people,omitempty"`
	Recommendations *Recommendations `json:"recommendations,omitempty"`
	Experiment      *Experiment      `json:"experiment,omitempty"`
	Attribution     *Attribution     `json:"attribution,omitempty"`
	Erasure         *Erasure         `json:"erasure,omitempty"`
	LeftOut         []LeftOut        `json:"left_out,omitempty"`
}

// LeftOut names a section that the input has nothing for.
type LeftOut struct {
	Section string `json:"section"`
	Reason  string `json:"reason"`
}

// Count is how often something occurred.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// Input says what was read. From and To are the instants of the first and last
// event, by the store's clock.
type Input struct {
	Kind      string     `json:"kind"` // "simulator", "orders" or "events"
	File      string     `json:"file,omitempty"`
	Customers int        `json:"customers,omitempty"` // of the simulator
	Days      int        `json:"days,omitempty"`
	Seed      uint64     `json:"seed,omitempty"`
	From      time.Time  `json:"from,omitzero"`
	To        time.Time  `json:"to,omitzero"`
	Currency  string     `json:"currency,omitempty"`
	Rows      *OrderRows `json:"order_rows,omitempty"`
}

// Ingestion says what became of the events. Read is the sum of Applied,
// Duplicates, the counts of Rejected and BadLines.
type Ingestion struct {
	Read       int         `json:"read"`
	Applied    int         `json:"applied"`
	Duplicates int         `json:"duplicates"`
	Rejected   []Count     `json:"rejected,omitempty"` // by reason
	BadLines   int         `json:"bad_lines"`
	Samples    []LineError `json:"bad_line_samples,omitempty"` // the first few
	Names      []Count     `json:"names"`                      // applied events by name, most frequent first
	Fields     []Count     `json:"unusable_fields,omitempty"`
	Profiles   int         `json:"profiles"`
	Merges     int         `json:"merges"`
	Splits     int         `json:"splits"`
	Identity   *Identity   `json:"identity,omitempty"` // against the known truth
}

// Identity scores the joined identifiers against the truth, over pairs of
// identifiers: two cookies, or a cookie and an e-mail address, that are one person.
type Identity struct {
	Identifiers int     `json:"identifiers"`
	Pairs       int     `json:"pairs"`      // joined by the store
	TruePairs   int     `json:"true_pairs"` // of one person in truth
	Precision   float64 `json:"precision"`  // of the joined pairs, those of one person
	Recall      float64 `json:"recall"`     // of the true pairs, those joined
	Shared      int     `json:"shared"`     // identifiers of several people, left out of the score
	Attainable  float64 `json:"attainable"` // the recall of a store that joins all that the events link
}

// Audiences are the defined segments at the end and over time.
type Audiences struct {
	Profiles int        `json:"profiles"`
	WeekFrom time.Time  `json:"week_from"` // the last week: (WeekFrom, WeekTo]
	WeekTo   time.Time  `json:"week_to"`
	List     []Audience `json:"list"`
	Days     []string   `json:"days"` // dates; sizes are those at the end of the day, UTC
	Parity   *Parity    `json:"parity,omitempty"`
}

// Parity compares the shares of groups of customers that are in an audience: the
// pair of groups that are furthest apart, among all pairs.
type Parity struct {
	Audience   string   `json:"audience"`
	By         string   `json:"by"`
	Groups     int      `json:"groups"`
	LeftOut    int      `json:"groups_left_out"`
	MinGroup   int      `json:"min_group"`
	Least      string   `json:"least"`
	Most       string   `json:"most"`
	Impact     Interval `json:"impact"` // the share of the least over that of the most
	FourFifths bool     `json:"below_four_fifths"`
	P          float64  `json:"p"` // adjusted for all pairs
}

// Audience is one segment.
type Audience struct {
	Name    string  `json:"name"`
	Rule    string  `json:"rule"`
	Size    int     `json:"size"`
	Share   float64 `json:"share"`   // of all profiles
	Entered int     `json:"entered"` // in the last week
	Left    int     `json:"left"`
	Sizes   []int   `json:"sizes"` // one for each of Audiences.Days
}

// People says what the store knows of everybody.
type People struct {
	Profiles   int       `json:"profiles"`
	AtRiskDays float64   `json:"at_risk_after_days,omitempty"` // learned from the intervals between orders; 0: too few
	LapsedDays float64   `json:"lapsed_after_days,omitempty"`
	Stages     []Count   `json:"stages"`
	Interested int       `json:"interested"`          // people with an interest in any section
	Sure       int       `json:"interested_surely"`   // those with a confidence of 0.8 and more
	Interests  []Count   `json:"interests,omitempty"` // by section, the largest first
	Consent    []Purpose `json:"consent,omitempty"`   // by purpose
	Habits     *Habits   `json:"habits,omitempty"`    // of those who were seen
}

// Purpose is what people said about one purpose, and who allows it.
type Purpose struct {
	Name    string   `json:"name"`
	Granted int      `json:"granted"` // people whose latest word is yes
	Denied  int      `json:"denied"`
	Allowed int      `json:"allowed"` // whom the purpose may reach now
	Signals []string `json:"signals,omitempty"`
}

// Habits are when and where people are active, each with one vote.
type Habits struct {
	People    int         `json:"people"`
	Hour      int         `json:"hour"` // the busiest, where they are
	Weekday   string      `json:"weekday"`
	Hours     [24]float64 `json:"hours"`
	Channels  []Reach     `json:"channels,omitempty"`   // the largest share first
	Known     int         `json:"known"`                // people seen often enough to have habits of their own
	OtherHour int         `json:"known_at_other_hours"` // those of them whose busiest hour is another
}

// Reach is a channel's share of all visits that came by one, and how many of the
// people known it reaches best.
type Reach struct {
	Channel string  `json:"channel"`
	Share   float64 `json:"share"`
	Best    int     `json:"best_for"`
}

// Recommendations are those for a few members of one audience, and how good the
// model is on orders it has not seen.
type Recommendations struct {
	Audience string    `json:"audience"`
	Users    []Shopper `json:"users"`
	Accuracy *HeldOut  `json:"held_out,omitempty"`
}

// Shopper is one user with what they have and what they might like.
type Shopper struct {
	User    uint32 `json:"user"`
	History int    `json:"history"` // distinct items
	Recent  []Item `json:"recent"`  // some of them
	Items   []Item `json:"items"`   // recommended, best first
}

// Item is a product.
type Item struct {
	ID    string  `json:"id"`
	Name  string  `json:"name,omitempty"`
	Score float64 `json:"score,omitempty"`
}

// HeldOut is the accuracy by time split: fitted on what happened before Split,
// tested on the items that each user came to have after it and did not have before.
type HeldOut struct {
	Split  time.Time  `json:"split"`
	Until  time.Time  `json:"until"`
	K      int        `json:"k"`
	Users  int        `json:"users"`
	Lost   float64    `json:"lost"`   // share of the held-out items that nobody had before Split
	Models []Accuracy `json:"models"` // popularity first
}

// Accuracy of one recommender.
type Accuracy struct {
	Model    string  `json:"model"`
	Recall   float64 `json:"recall"`
	RecallSE float64 `json:"recall_se"`
	NDCG     float64 `json:"ndcg"`
	NDCGSE   float64 `json:"ndcg_se"`
	Coverage float64 `json:"coverage"` // share of the catalogue recommended to anyone
	Lift     float64 `json:"lift"`     // Recall over popularity's
}

// Experiment is the readout.
type Experiment struct {
	Name       string   `json:"name"`
	Arms       []Arm    `json:"arms"`
	Crossovers int      `json:"crossovers"` // users seen in both arms, left out
	SRM        SRM      `json:"srm"`
	Metrics    []Metric `json:"metrics"`
	Warnings   []string `json:"warnings,omitempty"`
}

// Arm of the experiment.
type Arm struct {
	Name  string  `json:"name"`
	Users int     `json:"users"`
	Share float64 `json:"planned_share"`
}

// SRM is the test of the sample ratio.
type SRM struct {
	ChiSquare float64 `json:"chi_square"`
	P         float64 `json:"p"`
	Passed    bool    `json:"passed"`
}

// Interval is an estimate with its confidence interval.
type Interval struct {
	Value  float64 `json:"value"`
	StdErr float64 `json:"std_err"`
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
	Level  float64 `json:"level"`
}

// Metric is the effect on one metric, per exposed user.
type Metric struct {
	Name      string   `json:"name"`
	Arm       string   `json:"arm"`  // compared with the control
	Unit      string   `json:"unit"` // "share", "count" or "money"
	Control   float64  `json:"control_mean"`
	Treatment float64  `json:"treatment_mean"`
	Effect    Interval `json:"effect"`   // treatment − control
	Relative  Interval `json:"relative"` // effect / control
	P         float64  `json:"p"`
	Truth     *float64 `json:"truth,omitempty"` // the effect that the simulator put in, on the same users
	Warnings  []string `json:"warnings,omitempty"`
}

// Attribution is the credit per channel and model. In every model the credits
// and the unattributed conversions add up to Conversions.
type Attribution struct {
	Conversions  float64   `json:"conversions"`
	Value        float64   `json:"value"`
	Currency     string    `json:"currency,omitempty"`
	Unattributed float64   `json:"unattributed"` // conversions without a touch before them
	Voided       float64   `json:"voided"`       // orders taken back whole, no conversions
	Paths        int       `json:"paths"`
	Nulls        float64   `json:"journeys_without_conversion"`
	Channels     []Channel `json:"channels"`
	Models       []Credit  `json:"models"`
	Truth        *Expected `json:"truth,omitempty"`
	Warnings     []string  `json:"warnings,omitempty"`
}

// Expected are the orders to be expected in the simulator, refunds not taken off.
type Expected struct {
	Orders   float64 `json:"orders"`
	Baseline float64 `json:"baseline"` // without any marketing
}

// Channel is one marketing channel with what was paid for it.
type Channel struct {
	Name      string     `json:"name"`
	Cost      float64    `json:"cost"`
	Increment *Increment `json:"truth,omitempty"`
}

// Increment is a channel's known true effect in the simulator: the conversions
// that would be missing without it.
type Increment struct {
	Shapley float64 `json:"shapley"` // over all worlds with only some channels switched on
	LastIn  float64 `json:"last_in"` // all channels against all but this one
}

// Credit is the answer of one model; its slices run parallel to Attribution.Channels.
type Credit struct {
	Model             string     `json:"model"`
	Conversions       []float64  `json:"conversions"`
	Value             []float64  `json:"value"`
	ROI               []*float64 `json:"roi"` // (value − cost) / cost; null where nothing was paid
	Unattributed      float64    `json:"unattributed"`
	UnattributedValue float64    `json:"unattributed_value"`
}

// Erasure shows what is left of one customer after Erase.
type Erasure struct {
	User        uint32   `json:"user"`
	Events      int      `json:"events"`
	Identifiers int      `json:"identifiers"`
	Traces      []Traces `json:"traces"`
}

// Traces is how many bytes of a package's state belonged to the customer: by
// what went with the erasure, and by what a second one would still find.
type Traces struct {
	Package string `json:"package"`
	Before  int    `json:"bytes_before"`
	After   int    `json:"bytes_after"`
}

func (r *Report) leaveOut(section, reason string) {
	r.LeftOut = append(r.LeftOut, LeftOut{section, reason})
}
