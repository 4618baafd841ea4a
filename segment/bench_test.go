package segment

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// timeOf is the time of one call, over n of them.
func timeOf(n int, f func()) float64 {
	start := time.Now()
	for range n {
		f()
	}
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

// tree is a rule as full re-evaluation walks it.
type tree interface{ eval(values []float64) bool }

type (
	treeLess struct {
		attr  int
		limit float64
	}
	treeMore struct {
		attr  int
		limit float64
	}
	treeAnd struct{ a, b tree }
	treeOr  struct{ a, b tree }
)

func (t treeLess) eval(v []float64) bool { return v[t.attr] < t.limit }
func (t treeMore) eval(v []float64) bool { return v[t.attr] >= t.limit }
func (t treeAnd) eval(v []float64) bool  { return t.a.eval(v) && t.b.eval(v) }
func (t treeOr) eval(v []float64) bool   { return t.a.eval(v) || t.b.eval(v) }

const (
	benchAttrs     = 50
	benchAudiences = 1000
	benchCuts      = 40 // thresholds per attribute: 2,000 predicates
	benchRange     = 920
)

// benchRules draws 1,000 audiences of four of 2,000 predicates each.
func benchRules(r *rand.Rand) (rules []string, trees []tree) {
	for range benchAudiences {
		var parts []string
		var nodes []tree
		for range 4 {
			attr, limit := r.IntN(benchAttrs), float64(r.IntN(benchCuts)*benchRange/benchCuts)
			if limit < benchRange/2 {
				parts = append(parts, fmt.Sprintf("a%02d >= %g", attr, limit))
				nodes = append(nodes, treeMore{attr, limit})
			} else {
				parts = append(parts, fmt.Sprintf("a%02d < %g", attr, limit))
				nodes = append(nodes, treeLess{attr, limit})
			}
		}
		rules = append(rules, fmt.Sprintf("(%s or %s) and (%s or %s)", parts[0], parts[1], parts[2], parts[3]))
		trees = append(trees, treeAnd{treeOr{nodes[0], nodes[1]}, treeOr{nodes[2], nodes[3]}})
	}
	return rules, trees
}

// BenchmarkUpdate is a change of three attributes of a random user, against
// 1,000 audiences over 2,000 predicates, one by one and in batches, and where
// questions have been asked whose columns, or kept users, each change keeps up.
// The rival evaluates all audiences of the user by walking their trees, as
// engines without a dependency index do, and compares with the membership
// before. The limit is what is left of our way when it does nothing but what
// must be done, see jumpLimit.
func BenchmarkUpdate(b *testing.B) {
	users := 100_000
	if os.Getenv("ZHUN_LONG") != "" {
		users = 1_000_000
	}
	for _, c := range []struct {
		kind  string
		batch int
		asked string
	}{{"step", 1, "none"}, {"step", 256, "none"}, {"jump", 1, "none"}, {"jump", 256, "none"}, {"step", 1, "ranges"}, {"step", 1, "kept"}} {
		kind := c.kind
		b.Run(fmt.Sprintf("change=%s/batch=%d/asked=%s/audiences=%d/users=%d", kind, c.batch, c.asked, benchAudiences, users), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			schema := Schema{}
			names := make([]string, benchAttrs)
			for i := range names {
				names[i] = fmt.Sprintf("a%02d", i)
				schema[names[i]] = Number
			}
			// Loading is quickest without audiences.
			opts := &Options{Events: map[string]Schema{}, Clock: Manual}
			y, err := NewIndex(schema, opts)
			if err != nil {
				b.Fatal(err)
			}
			now := modelEpoch
			values := make([]float64, users*benchAttrs)
			all := make(map[string]any, benchAttrs)
			for u := range users {
				for i, name := range names {
					v := float64(r.IntN(benchRange))
					values[u*benchAttrs+i] = v
					all[name] = v
				}
				if err := y.Update(uint32(u+1), all, now); err != nil {
					b.Fatal(err)
				}
			}
			data, err := y.AppendBinary(nil)
			if err != nil {
				b.Fatal(err)
			}
			y = nil // a million users are two gigabytes
			x, err := NewIndex(schema, opts)
			if err != nil {
				b.Fatal(err)
			}
			rules, trees := benchRules(r)
			for i, rule := range rules {
				if _, err := x.Define(fmt.Sprintf("audience %d", i), rule); err != nil {
					b.Fatal(err)
				}
			}
			if err := x.UnmarshalBinary(data); err != nil {
				b.Fatal(err)
			}
			data = nil
			for _, name := range names {
				switch c.asked {
				case "ranges":
					_, err = x.Count(name + " > 700 or " + name + " < 17")
				case "kept":
					for range 4 {
						_, err = x.Count(name + " % 7 == 3")
					}
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			before := x.Stats().Seq
			// Two sets of changes to the same users, taken in turns, so that every
			// call changes something.
			var changes [2][4096]map[string]any
			var flat [2][]jumpChange
			who := make([]uint32, len(changes[0]))
			for i := range who {
				who[i] = uint32(1 + r.IntN(users))
				there, back := map[string]any{}, map[string]any{}
				for len(there) < 3 {
					a := r.IntN(benchAttrs)
					v, next := values[int(who[i]-1)*benchAttrs+a], 0.0
					if next = v + 1; kind == "jump" {
						next = float64(r.IntN(benchRange))
					}
					there[names[a]], back[names[a]] = next, v
				}
				changes[0][i], changes[1][i] = there, back
				flat[0] = append(flat[0], flatChange(who[i], names, there))
				flat[1] = append(flat[1], flatChange(who[i], names, back))
			}
			i := 0
			batch := make([]Observation, 0, c.batch)
			for b.Loop() {
				now = now.Add(time.Millisecond)
				if c.batch == 1 {
					if err := x.Update(who[i&4095], changes[i>>12&1][i&4095], now); err != nil {
						b.Fatal(err)
					}
				} else if batch = append(batch, Observation{User: who[i&4095], Attributes: changes[i>>12&1][i&4095], At: now}); len(batch) == c.batch {
					if err := x.ObserveAll(batch); err != nil {
						b.Fatal(err)
					}
					batch = batch[:0]
				}
				i++
			}
			b.ReportMetric(float64(x.Stats().Seq-before)/float64(i), "transitions/op")
			member := make([]bool, benchAudiences)
			flips, u := 0, 0
			rival := timeOf(2000, func() {
				u = (u + 7919) % users
				row := values[u*benchAttrs : (u+1)*benchAttrs]
				for a, t := range trees {
					if in := t.eval(row); in != member[a] {
						member[a] = in
						flips++
					}
				}
			})
			b.ReportMetric(rival, "rival-ns")
			if c.asked == "none" {
				b.ReportMetric(1.0/30, "goal-ratio")
				reportJumpLimit(b, trees, values, flat)
			}
			b.ReportMetric(45_000, "rival-guide-ns")
		})
	}
}

// BenchmarkWindow is an order of a random user, three a month, against "at
// least three in 30 days", with every exit at its second; one by one, and in
// batches. The rival is the
// limit: what any engine that keeps the order must touch of a random user,
// which is a row, the end of a log and a ring, in memory as large.
func BenchmarkWindow(b *testing.B) {
	users := uint32(100_000)
	if os.Getenv("ZHUN_LONG") != "" {
		users = 1_000_000
	}
	for _, c := range []struct {
		filter string
		batch  int
	}{{"", 1}, {"", 256}, {".total > 50", 1}, {".total > 50", 256}} {
		filter := c.filter
		b.Run(fmt.Sprintf("k=3/filter=%t/batch=%d/users=%d", filter != "", c.batch, users), func(b *testing.B) {
			x, err := NewIndex(nil, &Options{Events: map[string]Schema{"Order": {"total": Number}}, Retain: 31 * day * time.Second})
			if err != nil {
				b.Fatal(err)
			}
			rule := `len(events("Order", "30d")) >= 3`
			if filter != "" {
				rule = `count(events("Order", "30d"), ` + filter + `) >= 3`
			}
			if _, err := x.Define("often", rule); err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			now := modelEpoch
			fields := []map[string]any{{"total": 40.0}, {"total": 60.0}, {"total": 80.0}}
			step := 30 * day * time.Second / time.Duration(users*3)
			batch := make([]Observation, 0, c.batch)
			one := func() {
				now = now.Add(step)
				if c.batch == 1 {
					if err := x.Observe(1+r.Uint32N(users), "Order", fields[r.IntN(3)], now); err != nil {
						b.Fatal(err)
					}
					return
				}
				batch = append(batch, Observation{User: 1 + r.Uint32N(users), Event: "Order", Fields: fields[r.IntN(3)], At: now})
				if len(batch) == c.batch {
					if err := x.ObserveAll(batch); err != nil {
						b.Fatal(err)
					}
					batch = batch[:0]
				}
			}
			for range 4 * users {
				one()
			}
			before := x.Stats().Seq
			n := uint32(0)
			for b.Loop() {
				if one(); n%(users/10) == 0 {
					_ = x.Advance(now)
				}
				n++
			}
			b.ReportMetric(float64(x.Stats().Seq-before)/float64(n), "transitions/op")
			words, active := 0, uint32(0)
			for _, p := range x.table.pages() {
				for _, g := range p.rings {
					words, active = words+len(g.words), active+g.used
				}
			}
			b.ReportMetric(4*float64(words)/float64(max(active, 1)), "bytes/ring")
			rows, logs, rings := make([][16]uint64, users), make([][16]uint64, users), make([][4]uint32, users)
			for u := range users {
				rows[u][0], logs[u][0] = uint64(u), uint64(u)
			}
			sum := uint64(0)
			b.ReportMetric(timeOf(1_000_000, func() {
				u := r.Uint32N(users)
				rings[u][0]++
				row := &rows[u]
				row[8]++
				log := &logs[row[0]]
				log[8]++
				sum += log[0]
			}), "rival-ns")
			b.ReportMetric(2.5, "goal-ratio")
			b.ReportMetric(160, "rival-guide-ns")
		})
	}
}

// BenchmarkQuery is a question nobody defined, over all users, who signed up in
// the order of their numbers. The rival evaluates the rule user by user, as
// defined audiences do with a user who is new.
func BenchmarkQuery(b *testing.B) {
	users := uint32(200_000)
	if os.Getenv("ZHUN_LONG") != "" {
		users = 10_000_000
	}
	schema := Schema{"ltv": Number, "age": Number, "country": String, "subscribed": Bool, "signed": Time, "tags": Strings, "plan": String}
	x, err := NewIndex(schema, &Options{Events: map[string]Schema{"Order": {"total": Number}}, Clock: Manual})
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	_ = x.Advance(modelEpoch)
	countries := strings.Fields("NZ AU US DE FR GB JP CN IN BR")
	tags := [][]string{{"sport"}, {"sport", "vip"}, {"baby", "garden"}, {"garden"}, nil}
	for u := range users {
		_ = x.Update(u+1, map[string]any{
			"ltv": r.Float64() * 1000, "age": r.IntN(80), "country": countries[r.IntN(10)],
			"subscribed": r.IntN(3) == 0, "tags": tags[r.IntN(len(tags))], "plan": []string{"free", "silver", "gold"}[r.IntN(3)],
			"signed": modelEpoch.Add(-time.Duration(365*day*float64(users-u)/float64(users)) * time.Second),
		}, modelEpoch)
		if u%5 == 0 {
			_ = x.Observe(u+1, "Order", map[string]any{"total": r.Float64() * 100}, modelEpoch.Add(-time.Duration(r.IntN(60))*day*time.Second))
		}
	}
	for name, rule := range map[string]string{"young": "age < 30", "rare": "ltv > 999"} {
		if _, err := x.Define(name, rule); err != nil {
			b.Fatal(err)
		}
	}
	month := modelEpoch.AddDate(0, -3, 0).Format(time.RFC3339)
	next := modelEpoch.AddDate(0, -2, 0).Format(time.RFC3339)
	for _, c := range [][2]string{
		{"range", "ltv > 500"},
		{"narrow", "ltv >= 500 and ltv < 504"},
		{"equal", "age == 70"},
		{"and", `country == "NZ" and ltv > 900 and age < 30`},
		{"rare", `segment("rare") and age < 30 and len(events("Order", "30d")) > 0`},
		{"events", `country == "NZ" and len(events("Order", "30d")) > 0`},
		{"sets", `country in ["NZ", "AU", "US"] and not segment("young")`},
		{"or", `country in ["NZ", "AU"] or ltv > 900 and not (age < 30) or age == 70`},
		{"bool", `subscribed and not (country == "NZ")`},
		{"month", fmt.Sprintf("signed >= date(%q) and signed < date(%q)", month, next)},
		{"recent", `signed > ago("30d") and subscribed`},
		{"tag", `"vip" in tags and ltv > 500`},
		{"pattern", `plan startsWith "s" and subscribed`},
	} {
		want, rival := -1, 0.0
		for _, ask := range []string{"users", "count"} {
			b.Run(fmt.Sprintf("rule=%s/ask=%s/users=%d", c[0], ask, users), func(b *testing.B) {
				n := 0
				// Not the first times: they make what the others use.
				for range 3 {
					if n, err = x.Count(c[1]); err != nil {
						b.Fatal(err)
					}
				}
				for b.Loop() {
					if ask == "count" {
						if n, err = x.Count(c[1]); err != nil {
							b.Fatal(err)
						}
						continue
					}
					got, err := x.Query(c[1])
					if err != nil {
						b.Fatal(err)
					}
					n = int(got.GetCardinality())
				}
				f, err := x.prepare(c[1])
				if err != nil {
					b.Fatal(err)
				}
				if want < 0 {
					want = 0
					rival = timeOf(1, func() {
						s := &scan{x: x, now: x.second()}
						for s.r = range x.table.all() {
							want += int(bit(f.eval(s)))
						}
					})
				}
				b.ReportMetric(rival, "rival-ns")
				if n != want {
					b.Fatalf("%d users, want %d", n, want)
				}
				b.ReportMetric(float64(n), "members")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(users), "ns/user")
			})
		}
	}
}

// BenchmarkOf reads what a random user of 1,000 audiences is in. The rival of
// append is the limit: one line of memory of a random user.
func BenchmarkOf(b *testing.B) {
	const users = 100_000
	x, err := NewIndex(Schema{"n": Number}, &Options{Events: map[string]Schema{}})
	if err != nil {
		b.Fatal(err)
	}
	for u := range uint32(users) {
		_ = x.Update(u+1, map[string]any{"n": 3}, modelEpoch)
	}
	data, err := x.AppendBinary(nil)
	if err != nil {
		b.Fatal(err)
	}
	// Defined without users, who come back after it: that is quickest.
	if x, err = NewIndex(Schema{"n": Number}, &Options{Events: map[string]Schema{}}); err != nil {
		b.Fatal(err)
	}
	for i := range 1000 {
		if _, err := x.Define(fmt.Sprintf("audience %d", i), fmt.Sprintf("n > %d", i)); err != nil {
			b.Fatal(err)
		}
	}
	if err := x.UnmarshalBinary(data); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	b.Run("read=contains", func(b *testing.B) {
		for b.Loop() {
			x.Contains("audience 2", 1+r.Uint32N(users))
		}
	})
	b.Run("read=of", func(b *testing.B) {
		for b.Loop() {
			for range x.Of(1 + r.Uint32N(users)) {
			}
		}
	})
	b.Run("read=append", func(b *testing.B) {
		var names []string
		for b.Loop() {
			names = x.AppendOf(names[:0], 1+r.Uint32N(users))
		}
		if len(names) != 3 {
			b.Fatal(names)
		}
		rows := make([][32]uint64, users)
		for i := range rows {
			rows[i][0] = 1
		}
		n := uint64(0)
		b.ReportMetric(timeOf(1_000_000, func() { n += rows[r.Uint32N(users)][3] }), "rival-ns")
		b.ReportMetric(5, "goal-ratio")
		b.ReportMetric(60, "rival-guide-ns")
		b.ReportAllocs()
	})
}
