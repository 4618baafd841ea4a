package profile_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/zhun-go/zhun/profile"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// A visitor becomes a customer: the cookie's past becomes the account's.
func Example() {
	store := must(profile.New(&profile.Options{
		Traits: []profile.Trait{
			{Name: "viewed", Kind: profile.Count, Events: []string{profile.ProductViewed}},
			{Name: "spent", Kind: profile.Sum, Events: []string{profile.OrderCompleted}, Field: "revenue"},
		},
	}))
	stream := strings.NewReader(`
{"type":"track","event":"Product Viewed","anonymousId":"cookie-1","properties":{"product_id":"kettle"},"timestamp":"2026-03-01T12:00:00Z"}
{"type":"identify","userId":"ann","traits":{"email":"Ann@example.com","country":"NZ"},"timestamp":"2026-03-01T12:01:00Z"}
{"type":"track","event":"Order Completed","anonymousId":"cookie-1","userId":"ann","properties":{"order_id":"o1","revenue":27.5},"timestamp":"2026-03-01T12:02:00Z"}
{"type":"track","event":}
`)
	for event, err := range profile.ReadSegment(stream) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		change := must(store.Apply(event))
		fmt.Println(event.Type, event.Name, "→ user", change.User, "merged", change.Merged)
	}
	user, _ := store.Resolve("email", "ann@example.com")
	person, _ := store.Profile(user)
	fmt.Println(person.Attributes)
	// Output:
	// track Product Viewed → user 1 merged []
	// identify  → user 2 merged []
	// track Order Completed → user 1 merged [2]
	// profile: not an event: line 5: column 25: event is not a string
	// map[country:NZ email:Ann@example.com spent:27.5 viewed:1]
}

func ExampleNew() {
	_, err := profile.New(&profile.Options{Shard: 4, Shards: 4})
	fmt.Println(err)
	_, err = profile.New(&profile.Options{Traits: []profile.Trait{{Name: "spent", Kind: profile.Sum, Events: []string{"Order Completed"}}}})
	fmt.Println(err)
	// Output:
	// profile: bad options: Shard = 4: must be below Shards = 4
	// profile: bad options: Traits["spent"].Field = "": required by this kind
}

func ExampleStore_Apply() {
	store := must(profile.New(nil))
	e := profile.Event{
		ID: "m1", Name: "Viewed Product", Time: noon,
		Keys:   []profile.Key{{Kind: "anonymous_id", Value: "cookie-1"}},
		Fields: map[string]any{"product_id": "kettle"},
	}
	fmt.Println(must(store.Apply(e)).New)
	fmt.Println(must(store.Apply(e)).Duplicate)

	e.ID, e.Keys = "m2", []profile.Key{{Kind: "user_id", Value: "undefined"}}
	_, err := store.Apply(e)
	fmt.Println(err)
	fmt.Println(errors.Is(err, profile.ErrNoKey))
	// Output:
	// true
	// true
	// profile: event "m2" "Viewed Product" refused: no usable key (keys "[user_id:undefined]")
	// true
}

func ExampleStore_ApplyAll() {
	store := must(profile.New(nil))
	stream := strings.NewReader(`{"type":"page","anonymousId":"c1","timestamp":"2026-03-01T12:00:00Z"}
{"type":"page","anonymousId":"c2","timestamp":"2026-03-01T12:00:00Z","context":{"userAgent":"Googlebot/2.1"}}
{"type":"page","timestamp":"2026-03-01T12:00:00Z"}
what?
`)
	stats := must(store.ApplyAll(context.Background(), profile.ReadSegment(stream), nil))
	fmt.Println(stats.Applied, "applied,", stats.Refused.Bot, "bot,", stats.Refused.NoKey, "without key,", stats.Refused.Malformed, "malformed")
	// Output: 1 applied, 1 bot, 1 without key, 1 malformed
}

// Orders from a table become events, and a line that cannot be one goes on its
// way with its number. The id makes a table that is read twice count once.
func ExampleStore_ApplyAll_table() {
	const table = `order,email,at,revenue
o1,ann@example.com,2026-03-01 09:30,"1,250.00"
o2,bob@example.com,yesterday,80
o1,ann@example.com,2026-03-01 09:30,"1,250.00"
`
	orders := func(yield func(profile.Event, error) bool) {
		r := csv.NewReader(strings.NewReader(table))
		r.Read() // the head
		for {
			row, err := r.Read()
			if err == io.EOF {
				return
			}
			var e profile.Event
			if err == nil {
				e = profile.Event{
					ID: "order/" + row[0], Name: profile.OrderCompleted,
					Keys:   []profile.Key{{Kind: profile.Email, Value: row[1]}},
					Fields: map[string]any{"order_id": row[0], "revenue": row[3]},
				}
				if e.Time, err = time.Parse("2006-01-02 15:04", row[2]); err != nil {
					line, column := r.FieldPos(2)
					err = fmt.Errorf("line %d, column %d: %q is no time", line, column, row[2])
				}
			}
			if !yield(e, err) {
				return
			}
		}
	}
	store := must(profile.New(&profile.Options{
		Schema: map[string]profile.FieldKind{"revenue": profile.NumberField}, // texts of a table become numbers
		Traits: []profile.Trait{{Name: "spent", Kind: profile.Sum, Events: []string{profile.OrderCompleted}, Field: "revenue"}},
	}))
	stats := must(store.ApplyAll(context.Background(), orders, func(c profile.Change, err error) bool {
		if err != nil {
			fmt.Println(err)
		}
		return true
	}))
	fmt.Println(stats.Applied, "applied,", stats.Duplicates, "duplicate,", stats.Refused.Malformed, "malformed")
	ann, _ := store.Resolve(profile.Email, "Ann@Example.com")
	fmt.Println(store.Attribute(ann, "spent"))
	// Output:
	// line 3, column 20: "yesterday" is no time
	// 1 applied, 1 duplicate, 1 malformed
	// 1250 true
}

// What a browser or a webhook sends is given the host's own time of reception:
// it bounds the time that the sender claims.
func ExampleEvent() {
	body := []byte(`{"type":"track","event":"Signed Up","userId":"ann","messageId":"m1","timestamp":"2999-01-01T00:00:00Z"}`)
	e := must(profile.DecodeSegment(body))
	e.Received = noon // time.Now() in a handler
	store := must(profile.New(nil))
	must(store.Apply(e))
	ann, _ := store.Profile(1)
	fmt.Println(ann.LastSeen.Format(time.DateTime), store.Stats().TimesClamped)
	// Output: 2026-03-01 12:00:00 1
}

// The offset of a stream is stored together with the events it covers.
func ExampleStore_Commit() {
	store := must(profile.New(nil))
	_, err := store.Commit(profile.Batch{
		Events: []profile.Event{
			{Name: "Signed Up", Time: noon, Keys: []profile.Key{{Kind: "user_id", Value: "ann"}}},
			{Name: "Signed Up", Time: noon},
		},
		Records: map[string][]byte{"orders/7": []byte("4711")},
	})
	fmt.Println(err)
	offset, _ := store.Record("orders/7")
	fmt.Println(string(offset))
	// Output:
	// profile: 1 events of the batch refused, the first at 1: profile: event "" "Signed Up" refused: no usable key (keys "[]")
	// 4711
}

func ExampleStore_Advance() {
	store := must(profile.New(&profile.Options{Traits: []profile.Trait{
		{Name: "views_today", Kind: profile.Count, Events: []string{profile.ProductViewed}, Window: 24 * time.Hour},
	}}))
	change := must(store.Apply(profile.Event{
		Name: profile.ProductViewed, Time: noon, Keys: []profile.Key{{Kind: "user_id", Value: "ann"}},
	}))
	fmt.Println(change.Attributes)
	err := store.Advance(noon.Add(24*time.Hour), func(c profile.Change) { fmt.Println(c.User, c.Attributes) })
	fmt.Println(err)
	// Output:
	// map[views_today:1]
	// 1 map[views_today:<nil>]
	// <nil>
}

// printer is the smallest view.
type printer struct{}

func (printer) Observe(user uint32, event string, fields map[string]any, _ time.Time) error {
	fmt.Println("user", user, event, fields["product_id"])
	return nil
}

func (printer) Rename(from, to uint32) error { fmt.Println("user", from, "is user", to); return nil }
func (printer) Erase(user uint32) error      { fmt.Println("user", user, "forgotten"); return nil }
func (printer) AppendBinary(b []byte) ([]byte, error) {
	return b, nil
}
func (printer) UnmarshalBinary([]byte) error { return nil }

func ExampleStore_Attach() {
	store := must(profile.New(nil))
	if err := store.Attach("printer", printer{}, nil); err != nil {
		log.Fatal(err)
	}
	cookie := profile.Key{Kind: "anonymous_id", Value: "c1"}
	ann := profile.Key{Kind: "user_id", Value: "ann"}
	view := func(item string, keys ...profile.Key) {
		must(store.Apply(profile.Event{Name: profile.ProductViewed, Time: noon, Keys: keys, Fields: map[string]any{"product_id": item}}))
	}
	view("kettle", ann)
	view("toaster", cookie)
	view("teapot", cookie, ann)
	fmt.Println(store.Detach("printer"))
	// Output:
	// user 1 Product Viewed kettle
	// user 2 Product Viewed toaster
	// user 2 is user 1
	// user 1 Product Viewed teapot
	// <nil>
}

// Two people use one browser. What they do without logging in is neither's.
func ExampleStore_Resolve() {
	store := must(profile.New(nil))
	browser := profile.Key{Kind: "anonymous_id", Value: "kitchen"}
	ann := profile.Key{Kind: "user_id", Value: "ann"}
	bob := profile.Key{Kind: "user_id", Value: "bob"}
	at := noon
	login := func(keys ...profile.Key) profile.Change {
		at = at.Add(time.Minute)
		return must(store.Apply(profile.Event{Name: "Signed In", Time: at, Keys: keys}))
	}
	login(browser, ann)
	fmt.Println(store.Resolve("anonymous_id", "kitchen"))
	fmt.Println("split:", login(browser, bob).Split)
	for _, k := range []profile.Key{ann, bob, browser} {
		user, _ := store.Resolve(k.Kind, k.Value)
		fmt.Println(k, user)
	}
	// Output:
	// 1 true
	// split: [3]
	// user_id:ann 1
	// user_id:bob 2
	// anonymous_id:kitchen 3
}

// With LastAccount, what comes from a shared browser soon after somebody was
// seen with it is theirs, until they sign out.
func ExampleOptions_lastAccount() {
	store := must(profile.New(&profile.Options{LastAccount: 30 * time.Minute}))
	browser := profile.Key{Kind: "anonymous_id", Value: "kitchen"}
	at := noon
	seen := func(after time.Duration, name string, keys ...profile.Key) {
		at = at.Add(after)
		user := must(store.Apply(profile.Event{Name: name, Time: at, Keys: append(keys, browser)})).User
		person, _ := store.Profile(user)
		fmt.Println(name, "of", person.Keys[0])
	}
	seen(0, "Signed In", profile.Key{Kind: "user_id", Value: "ann"})
	seen(time.Hour, "Signed In", profile.Key{Kind: "user_id", Value: "bob"})
	seen(10*time.Minute, "Product Viewed")
	seen(10*time.Minute, "Signed In", profile.Key{Kind: "user_id", Value: "ann"})
	seen(10*time.Minute, "Product Viewed")
	seen(time.Minute, "Signed Out")
	seen(time.Minute, "Product Viewed")
	// Output:
	// Signed In of user_id:ann
	// Signed In of user_id:bob
	// Product Viewed of user_id:bob
	// Signed In of user_id:ann
	// Product Viewed of user_id:ann
	// Signed Out of user_id:ann
	// Product Viewed of anonymous_id:kitchen
}

func ExampleStore_Grant() {
	store := must(profile.New(nil))
	user := must(store.Apply(profile.Event{Name: "Signed Up", Time: noon, Keys: []profile.Key{{Kind: "user_id", Value: "ann"}}})).User
	fmt.Println(store.Allowed("advertising"))
	_ = store.Grant(user, "advertising", noon, "banner")
	fmt.Println(store.Allowed("advertising"))
	_ = store.Deny(user, "advertising", noon.Add(time.Hour), "settings page")
	fmt.Println(store.Allowed("advertising"))
	// Output:
	// {}
	// {1}
	// {}
}

func ExampleStore_Export() {
	store := must(profile.New(nil))
	user := must(store.Apply(profile.Event{
		ID: "m1", Type: profile.Identify, Time: noon,
		Keys:   []profile.Key{{Kind: "user_id", Value: "ann"}},
		Fields: map[string]any{"country": "NZ"},
	})).User
	fmt.Println(strings.ReplaceAll(string(must(store.Export(user))), `],`, "],\n"))
	// Output:
	// {"user":1,"numbers":[1],
	// "keys":[{"kind":"user_id","value":"ann"}],
	// "combinations":[{"keys":[{"kind":"user_id","value":"ann"}],
	// "first":"2026-03-01T12:00:00Z","last":"2026-03-01T12:00:00Z","seen":true}],
	// "attributes":[{"name":"country","value":"NZ","at":"2026-03-01T12:00:00Z","combination":0}],
	// "traits":{},"consents":[],
	// "events":[{"id":"m1","type":"identify","name":"","time":"2026-03-01T12:00:00Z","fields":{"country":"NZ"},"combination":0}]}
}

func ExampleStore_Erase() {
	store := must(profile.New(&profile.Options{Secret: []byte("kept in a vault")}))
	e := profile.Event{ID: "m1", Name: "Signed Up", Time: noon, Keys: []profile.Key{{Kind: "email", Value: "ann@example.com"}}}
	user := must(store.Apply(e)).User
	receipt := must(store.Erase(user))
	fmt.Println(receipt)

	e.ID = "m2" // a late one
	_, err := store.Apply(e)
	fmt.Println(err)
	e.ID, e.Time = "m3", noon.Add(time.Hour)
	fmt.Println(must(store.Apply(e)).User)
	// Output:
	// user 1, removed: keys 1, events 1, attributes 0, consents 0, tags 0
	//   gone from: identity graph; events; attributes, consents and tags; computed traits; dedupe window; bot rules; views
	//   not reached: models fitted before; exports and reports made before; hashes of ids of messages that are no longer retained, within the dedupe window; host records
	// profile: event "m2" "Signed Up" refused: person was erased (kind email)
	// 2
}

func ExampleStore_Merge() {
	east := must(profile.New(&profile.Options{Shard: 0, Shards: 2}))
	west := must(profile.New(&profile.Options{Shard: 1, Shards: 2}))
	ann := []profile.Key{{Kind: "user_id", Value: "ann"}}
	fmt.Println(must(east.Apply(profile.Event{Name: "Signed In", Time: noon, Keys: ann})).User)
	fmt.Println(must(west.Apply(profile.Event{Name: "Signed In", Time: noon.Add(time.Hour), Keys: ann})).User)
	renamed := must(east.Merge(west))
	fmt.Println(renamed)
	person, _ := east.Profile(1)
	fmt.Println(person.Events, "events")
	// Output:
	// 2
	// 1
	// map[2:1]
	// 2 events
}

func ExampleDecodeSegment() {
	e := must(profile.DecodeSegment([]byte(`{"type":"track","event":"Order Completed","userId":"ann",
		"properties":{"revenue":27.5,"shipping":{"city":"Wellington"}},"context":{"campaign":{"source":"google"}},
		"timestamp":"2026-03-01T12:00:00Z"}`)))
	fmt.Println(e.Name, e.Keys, e.Fields["revenue"], e.Fields["shipping.city"], e.Fields["context.campaign.source"])
	_, err := profile.DecodeSegment([]byte(`{"type":"track","timestamp":"noon"}`))
	fmt.Println(err)
	// Output:
	// Order Completed [user_id:ann] 27.5 Wellington google
	// profile: not an event: column 29: timestamp is not a time: "noon"
}

func ExampleDecodeCloudEvent() {
	e := must(profile.DecodeCloudEvent([]byte(`{"specversion":"1.0","type":"order.placed","source":"/shop","id":"17",
		"time":"2026-03-01T12:00:00Z","data":{"user_id":"ann","total":3}}`)))
	fmt.Println(e.Name, e.ID, e.Keys, e.Fields["total"])
	// Output: order.placed /shop#17 [user_id:ann] 3
}

func ExampleStore_Current() {
	store := must(profile.New(nil))
	ann, cookie := profile.Key{Kind: "user_id", Value: "ann"}, profile.Key{Kind: "anonymous_id", Value: "c"}
	for _, keys := range [][]profile.Key{{ann}, {cookie}, {ann, cookie}} {
		must(store.Apply(profile.Event{Name: "Visited", Time: noon, Keys: keys}))
	}
	fmt.Println(store.Current(2))
	fmt.Println(store.Current(3))
	fmt.Println(store.Users())
	// Output:
	// 1 true
	// 0 false
	// [1]
}

// Why are these one person? And what if they are not?
func ExampleStore_Explain() {
	store := must(profile.New(nil))
	cookie := profile.Key{Kind: "anonymous_id", Value: "c1"}
	mail := profile.Key{Kind: "email", Value: "ann@example.com"}
	ann := profile.Key{Kind: "user_id", Value: "ann"}
	for i, keys := range [][]profile.Key{{cookie}, {mail, ann}, {mail, cookie}} {
		must(store.Apply(profile.Event{
			ID: fmt.Sprint("m", i), Name: "Visited", Time: noon.Add(time.Duration(i) * time.Hour), Keys: keys,
		}))
	}
	for _, edge := range must(store.Explain(ann, cookie)) {
		fmt.Println(edge)
	}
	change := must(store.Unmerge(1, mail))
	fmt.Println("user 1 is", change.User, "and apart from it", change.Split)
	_, err := store.Explain(ann, cookie)
	fmt.Println(err)
	// Output:
	// user_id:ann — email:ann@example.com (event "m1" at 2026-03-01T13:00:00Z)
	// email:ann@example.com — anonymous_id:c1 (event "m2" at 2026-03-01T14:00:00Z)
	// user 1 is 1 and apart from it [2 3]
	// profile: not one person: user_id:ann and anonymous_id:c1
}

func ExampleStore_Import() {
	store := must(profile.New(nil))
	user := must(store.Apply(profile.Event{Name: "Signed Up", Time: noon, Keys: []profile.Key{{Kind: "user_id", Value: "ann"}}})).User
	before := must(store.Export(user))
	must(store.Erase(user))
	fmt.Println(must(store.Import(before)))
	fmt.Println(string(before) == string(must(store.Export(user))))
	// Output:
	// 1
	// true
}

// A customer's stage follows purchases and silence; a change by the passing
// of time alone comes out of Advance.
func ExampleStages() {
	store, err := profile.New(&profile.Options{Traits: []profile.Trait{{
		Name: "stage", Kind: profile.Stage, Events: []string{profile.OrderCompleted},
		Stages: profile.Stages{AtRiskAfter: 30 * 24 * time.Hour, LapsedAfter: 90 * 24 * time.Hour},
	}}})
	if err != nil {
		panic(err)
	}
	monday := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	buy := func(at time.Time) {
		c, err := store.Apply(profile.Event{Name: profile.OrderCompleted, Time: at, Keys: []profile.Key{{profile.UserID, "ann"}}})
		fmt.Println(at.Format(time.DateOnly), c.Attributes["stage"], err)
	}
	buy(monday)
	buy(monday.AddDate(0, 0, 7))
	store.Advance(monday.AddDate(0, 6, 0), func(c profile.Change) {
		fmt.Println("meanwhile", c.Attributes["stage"])
	})
	buy(monday.AddDate(0, 6, 0))
	// Output:
	// 2026-03-02 new <nil>
	// 2026-03-09 active <nil>
	// meanwhile lapsed
	// 2026-09-02 won back <nil>
}

// A tag implies the headings above it, and views see them as an attribute.
func ExampleStore_Tag() {
	store, err := profile.New(&profile.Options{Traits: []profile.Trait{{Name: "tags", Kind: profile.Tags}}})
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	c, _ := store.Apply(profile.Event{Name: "Signed Up", Time: at, Keys: []profile.Key{{profile.UserID, "ann"}}})
	c, err = store.Tag(c.User, profile.Tag{Name: "interest.baby.feeding", Source: "survey", At: at, Until: at.AddDate(1, 0, 0)})
	fmt.Println(c.Attributes["tags"], err)
	store.Advance(at.AddDate(1, 0, 0), func(c profile.Change) { fmt.Println("a year later", c.Attributes["tags"]) })
	// Output:
	// [interest interest.baby interest.baby.feeding] <nil>
	// a year later <nil>
}

func ExampleReadTaxonomy() {
	table := `Unique ID,Parent ID,Name
1,,Alcohol
2,1,Beer & Cider
`
	taxonomy, err := profile.ReadTaxonomy(strings.NewReader(table), &profile.TaxonomyOptions{Prefix: "interest"})
	if err != nil {
		panic(err)
	}
	fmt.Println(taxonomy.Tag("2"))
	// Output: interest.alcohol.beer_cider true
}

// A banner's answer becomes a consent event.
func ExampleConsentMap() {
	store, err := profile.New(&profile.Options{ConsentExpiry: map[string]time.Duration{"ads": 180 * 24 * time.Hour}})
	if err != nil {
		panic(err)
	}
	signals := profile.DefaultConsentMap()
	fields, err := signals.FromMode(map[string]string{
		profile.AdStorage: "granted", profile.AdUserData: "granted",
		profile.AdPersonalization: "denied", profile.AnalyticsStorage: "granted",
	})
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	store.Apply(profile.Event{Type: profile.Consent, Time: at, Keys: []profile.Key{{profile.UserID, "ann"}}, Fields: fields})
	fmt.Println(store.Allowed("ads"), store.Allowed("personalization"), store.Allowed("analytics"))
	store.Advance(at.AddDate(0, 7, 0), nil)
	fmt.Println(store.Allowed("ads"), store.Allowed("personalization"), store.Allowed("analytics"))
	// Output:
	// {1} {} {1}
	// {} {} {1}
}

// Declared fields come in one form, whatever the sender.
func ExampleOptions_schema() {
	store, err := profile.New(&profile.Options{
		PhoneCountry: "DE",
		Schema: map[string]profile.FieldKind{
			"country": profile.CountryField, "budget": profile.NumberField, "mobile": profile.PhoneField,
		},
	})
	if err != nil {
		panic(err)
	}
	c, err := store.Apply(profile.Event{
		Type: profile.Identify, Time: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		Keys:   []profile.Key{{profile.UserID, "ann"}},
		Fields: map[string]any{"country": "Germany", "budget": "1.250,50", "mobile": "0151 234 567 89", "city": "n/a"},
	})
	fmt.Println(c.Attributes, err)
	fmt.Println(store.Stats().FieldsRepaired, store.Stats().FieldsMissing)
	// Output:
	// map[budget:1250.5 country:DE mobile:+4915123456789] <nil>
	// 3 1
}

// When to write to Ann: her own two openings, weighed against what is usual.
func ExampleStore_FitPreferences() {
	store, err := profile.New(nil)
	if err != nil {
		panic(err)
	}
	open := func(who string, at time.Time) {
		store.Apply(profile.Event{
			Name: "Email Opened", Time: at, Keys: []profile.Key{{profile.UserID, who}},
			Fields: map[string]any{"context.campaign.medium": "email", "context.timezone": "Europe/Berlin"},
		})
	}
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range 10 {
		open(fmt.Sprint("customer-", i), monday.AddDate(0, 0, i).Add(7*time.Hour))
	}
	open("ann", monday.Add(18*time.Hour))
	open("ann", monday.AddDate(0, 0, 7).Add(18*time.Hour))
	model, err := store.FitPreferences(context.Background(), &profile.PreferenceOptions{Events: []string{"Email Opened"}, Strength: 1})
	if err != nil {
		panic(err)
	}
	ann, _ := store.Resolve(profile.UserID, "ann")
	p, _ := model.Of(store, ann)
	fmt.Printf("%d:00, %v, by %s, from %d observations\n", p.Hour, p.Weekday, p.Channel, p.N)
	fmt.Printf("usually %d:00\n", model.Population().Hour)
	// Output:
	// 19:00, Monday, by email, from 2 observations
	// usually 8:00
}
