package profile

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"
)

// benchEvents returns the events of a shop: n events of n/50 customers, in
// time order, each customer with a cookie, and an account from a tenth of
// their events on.
func benchEvents(n int) []Event {
	r := rand.New(rand.NewPCG(1, 1))
	customers := max(1, n/50)
	out := make([]Event, n)
	seen := make([]int, customers)
	for i := range out {
		c := r.IntN(customers)
		keys := []Key{{AnonymousID, fmt.Sprintf("1f0c2a8e-77aa-4be1-9d1c-%012d", c)}}
		if seen[c]++; seen[c] > 5 {
			keys = append(keys, Key{UserID, fmt.Sprintf("customer-%d", c)})
		}
		e := Event{
			ID:   fmt.Sprintf("9b2d5b4e-ad5f-4c1e-8f0a-%012d", i),
			Name: ProductViewed, Keys: keys, Time: epoch.Add(time.Duration(i) * 100 * time.Millisecond),
			Fields: map[string]any{
				"product_id": fmt.Sprintf("sku-%d", r.IntN(500)), "category": []string{"shoes", "hats", "bags"}[r.IntN(3)],
				"price": float64(r.IntN(10000)) / 100, "position": int64(r.IntN(20)),
				"context.page.url": "https://shop.example/p/1", "context.ip": "203.0.113.7",
			},
		}
		if i%20 == 0 {
			e.Name = OrderCompleted
			e.Fields = map[string]any{
				"order_id": fmt.Sprint("o", i), "total": float64(r.IntN(20000)) / 100, "currency": "EUR",
				"products": []map[string]any{{"product_id": "sku-1", "price": 9.5, "quantity": int64(2)}},
			}
		}
		out[i] = e
	}
	return out
}

func benchTraits() []Trait {
	return []Trait{
		{Name: "orders", Kind: Count, Events: []string{OrderCompleted}},
		{Name: "revenue", Kind: Sum, Events: []string{OrderCompleted}, Field: "total"},
		{Name: "basket", Kind: Mean, Events: []string{OrderCompleted}, Field: "total"},
		{Name: "largest", Kind: Max, Events: []string{OrderCompleted}, Field: "total"},
		{Name: "views", Kind: Count, Events: []string{ProductViewed}},
		{Name: "last_product", Kind: Last, Events: []string{ProductViewed}, Field: "product_id"},
		{Name: "first_product", Kind: First, Events: []string{ProductViewed}, Field: "product_id"},
		{Name: "shoes", Kind: Count, Events: []string{ProductViewed}, Where: map[string]any{"category": "shoes"}},
		{Name: "views_1h", Kind: Count, Events: []string{ProductViewed}, Window: time.Hour},
		{Name: "views_1d", Kind: Count, Events: []string{ProductViewed}, Window: day},
		{Name: "revenue_30d", Kind: Sum, Events: []string{OrderCompleted}, Field: "total", Window: 30 * day},
	}
}

// limitRow is what the least loop keeps of an event.
type limitRow struct {
	at   int64
	name string
	pos  int
}

// limitLoop is the least that a store of events by person can do without
// knowing who is who: look the keys up, look the id up, and append a row and
// the bytes of the fields.
func limitLoop(events []Event) int {
	people := make(map[Key]int)
	ids := make(map[string]struct{})
	var rows [][]limitRow
	var log []byte
	for i := range events {
		e := &events[i]
		if _, ok := ids[e.ID]; ok {
			continue
		}
		ids[e.ID] = struct{}{}
		p, known := 0, false
		for _, k := range e.Keys {
			if n, ok := people[k]; ok {
				p, known = n, true
			}
		}
		if !known {
			p = len(rows)
			rows = append(rows, nil)
		}
		for _, k := range e.Keys {
			people[k] = p
		}
		rows[p] = append(rows[p], limitRow{e.Time.UnixNano(), e.Name, len(log)})
		for k, v := range e.Fields {
			log = append(log, k...)
			switch x := v.(type) {
			case string:
				log = append(log, x...)
			default:
				log = append(log, 0, 0, 0, 0, 0, 0, 0, 0)
			}
		}
	}
	return len(log) + len(rows)
}

// BenchmarkApply runs the full path without decoding: string keys, dedupe,
// identity, the log, eleven traits, three of them with a window. It has one
// processor, which the garbage collector shares. The rival is the named least
// loop, limitLoop; the goal is 300,000 events a second and core.
func BenchmarkApply(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const n = 100_000
	events := benchEvents(n)
	for _, traits := range []struct {
		name string
		list []Trait
	}{{"traits=0", nil}, {"traits=11", benchTraits()}} {
		b.Run(traits.name, func(b *testing.B) {
			var own, rival time.Duration
			var before, after runtime.MemStats
			rounds := 0
			allocs := uint64(0)
			for b.Loop() {
				runtime.GC()
				start := time.Now()
				limitLoop(events)
				rival += time.Since(start)
				s, err := New(&Options{Traits: traits.list, OmitChanges: true})
				if err != nil {
					b.Fatal(err)
				}
				runtime.GC()
				runtime.ReadMemStats(&before)
				start = time.Now()
				for i := range events {
					if _, err := s.Apply(events[i]); err != nil {
						b.Fatal(err)
					}
				}
				own += time.Since(start)
				runtime.ReadMemStats(&after)
				allocs += after.Mallocs - before.Mallocs
				rounds++
			}
			total := float64(rounds * n)
			b.ReportMetric(float64(own.Nanoseconds())/total, "ns/op")
			b.ReportMetric(total/own.Seconds(), "events/s")
			b.ReportMetric(own.Seconds()/rival.Seconds(), "ratio")
			b.ReportMetric(float64(allocs)/total, "allocs/event")
			b.ReportMetric(float64(rival.Nanoseconds())/total, "rival-ns")
			b.ReportMetric(4, "goal-ratio")
			b.ReportMetric(800, "rival-guide-ns")
		})
	}
}

// BenchmarkDecodeSegment decodes a typical call of about one kilobyte. The
// rival is encoding/json into a map, which is still far from an event.
func BenchmarkDecodeSegment(b *testing.B) {
	line := []byte(trackLine)
	var own, rival time.Duration
	rounds := 0
	for b.Loop() {
		start := time.Now()
		for range 100 {
			if _, err := DecodeSegment(line); err != nil {
				b.Fatal(err)
			}
		}
		own += time.Since(start)
		start = time.Now()
		for range 100 {
			var m map[string]any
			if err := json.Unmarshal(line, &m); err != nil {
				b.Fatal(err)
			}
		}
		rival += time.Since(start)
		rounds += 100
	}
	b.ReportMetric(float64(own.Nanoseconds())/float64(rounds), "ns/op")
	b.ReportMetric(float64(len(line)*rounds)/own.Seconds()/1e6, "MB/s")
	b.ReportMetric(float64(rival.Nanoseconds())/float64(rounds), "rival-ns")
	b.ReportMetric(0.5, "goal-ratio")
	b.ReportMetric(11000, "rival-guide-ns")
}

// BenchmarkProfile reads a person with 20 attributes. The rival builds a map
// of 20 entries, which is the least that a copy must do.
func BenchmarkProfile(b *testing.B) {
	s, err := New(nil)
	if err != nil {
		b.Fatal(err)
	}
	fields := make(map[string]any)
	for i := range 20 {
		fields[fmt.Sprint("attribute_", i)] = fmt.Sprint("value ", i)
	}
	c, err := s.Apply(Event{Type: Identify, Time: epoch, Keys: []Key{ann}, Fields: fields})
	if err != nil {
		b.Fatal(err)
	}
	var own, rival time.Duration
	rounds := 0
	size := 0
	for b.Loop() {
		start := time.Now()
		for range 1000 {
			p, _ := s.Profile(c.User)
			size += len(p.Attributes)
		}
		own += time.Since(start)
		start = time.Now()
		for range 1000 {
			m := make(map[string]any, len(fields))
			for k, v := range fields {
				m[k] = v
			}
			size += len(m)
		}
		rival += time.Since(start)
		rounds += 1000
	}
	b.ReportMetric(float64(own.Nanoseconds())/float64(rounds), "ns/op")
	b.ReportMetric(float64(rival.Nanoseconds())/float64(rounds), "rival-ns")
	b.ReportMetric(2, "goal-ratio")
	b.ReportMetric(700, "rival-guide-ns")
}

// nobody is a view that does nothing.
type nobody struct{ rows int }

func (n *nobody) Observe(uint32, string, map[string]any, time.Time) error { n.rows++; return nil }
func (n *nobody) Rename(_, _ uint32) error                                { return nil }
func (n *nobody) Erase(uint32) error                                      { return nil }
func (n *nobody) AppendBinary(b []byte) ([]byte, error)                   { return b, nil }
func (n *nobody) UnmarshalBinary([]byte) error                            { return nil }

// BenchmarkAttach fills a view with 100,000 retained events in time order.
func BenchmarkAttach(b *testing.B) {
	const n = 100_000
	s, err := New(nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range benchEvents(n) {
		if _, err := s.Apply(e); err != nil {
			b.Fatal(err)
		}
	}
	start := time.Now()
	rounds := 0
	for b.Loop() {
		v := &nobody{}
		if err := s.Attach("view", v, nil); err != nil || v.rows != n {
			b.Fatal(err, v.rows)
		}
		if err := s.Detach("view"); err != nil {
			b.Fatal(err)
		}
		rounds++
	}
	b.ReportMetric(float64(rounds*n)/time.Since(start).Seconds(), "events/s")
}

// heapInUse returns the bytes of the heap that are in use.
func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMemory reports what a profile and each of its events take, for
// persons with 1 to 99 events, 50 on average: those of a cookie only, those
// with an account since half of their events, and those with the eleven traits
// of BenchmarkApply too, whose windows count as part of the profile. With
// ZHUN_LONG=1 there are a million profiles of the first kind.
func BenchmarkMemory(b *testing.B) {
	for _, c := range []struct {
		name     string
		profiles int
		keys     int
		traits   []Trait
	}{{"person=cookie", 20_000, 1, nil}, {"person=account", 20_000, 2, nil}, {"person=traits", 10_000, 2, benchTraits()}} {
		if os.Getenv("ZHUN_LONG") != "" && c.keys == 1 {
			c.profiles = 1_000_000
		}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				measureMemory(b, c.profiles, c.keys, c.traits)
			}
		})
	}
}

func measureMemory(b *testing.B, profiles, keys int, traits []Trait) {
	s, err := New(&Options{OmitChanges: true, DedupeWindow: time.Second, Traits: traits})
	if err != nil {
		b.Fatal(err)
	}
	empty := heapInUse()
	at := epoch
	events := 0
	for round := range 99 {
		for p := range profiles {
			most := 1 + p%99
			if round >= most {
				continue
			}
			at = at.Add(time.Millisecond)
			who := []Key{{AnonymousID, fmt.Sprintf("cookie-%08d", p)}}
			if keys > 1 && round >= most/2 {
				who = append(who, Key{UserID, fmt.Sprintf("customer-%08d", p)})
			}
			_, err := s.Apply(Event{
				Name: ProductViewed, Time: at, Keys: who,
				Fields: map[string]any{
					"product_id": "sku-17", "price": 9.5, "category": "shoes", "context.page.url": "https://shop.example/p/17",
				},
			})
			if err != nil {
				b.Fatal(err)
			}
			events++
		}
	}
	s.scrub()
	full := heapInUse()
	payload := 0
	for _, c := range s.log.chunks {
		payload += cap(c)
	}
	rows := 0
	for _, p := range s.people.all() {
		rows += cap(p.rows) * int(unsafe.Sizeof(row{}))
	}
	b.ReportMetric(float64(rows)/float64(events), "index-bytes/event")
	b.ReportMetric(float64(payload)/float64(events), "payload-bytes/event")
	b.ReportMetric((float64(full-empty)-float64(rows)-float64(payload))/float64(profiles), "bytes/profile")
	runtime.KeepAlive(s)
}
