package attribution

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// benchPaths are n random paths over some channels, as interned: lengths
// fall off geometrically, as they do in real sets.
func benchPaths(b *testing.B, n, channels int) *Paths {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	p := new(Paths)
	names := make([]string, channels)
	for i := range names {
		names[i] = fmt.Sprintf("channel %d", i)
	}
	var path []string
	for range n {
		path = path[:0]
		for len(path) == 0 || len(path) < 40 && r.IntN(4) > 0 {
			path = append(path, names[r.IntN(channels)])
		}
		if err := p.Add(path, float64(r.IntN(3)), float64(r.IntN(10000)), float64(r.IntN(9))); err != nil {
			b.Fatal(err)
		}
	}
	return p
}

// limit is the physical limit of every rule: one pass over the interned paths
// that looks at each touch, each count and each value once.
func limit(p *Paths) (float64, uint32) {
	var sum float64
	var touches uint32
	for i := range p.seqs.blocks {
		blk := &p.seqs.blocks[i]
		for _, c := range blk.elems {
			touches += c
		}
		for pos, conv := range p.columns[i].conv {
			sum += conv + p.columns[i].value[pos]
		}
	}
	return sum, touches
}

// sink keeps the compiler from leaving the limit out.
type sink struct {
	sum     float64
	touches uint32
}

// limitTime is the mean time of the limit. Like the benchmark's own it is a
// mean, so that a busy machine slows down both.
func limitTime(p *Paths) float64 {
	var s sink
	t := meanTime(func() { s.sum, s.touches = limit(p) })
	if s.touches == 1 {
		panic("unlikely")
	}
	return t
}

// meanTime is the mean time of a function over a tenth of a second, in
// nanoseconds.
func meanTime(f func()) float64 {
	f()
	start, runs := time.Now(), 0
	for time.Since(start) < 100*time.Millisecond {
		f()
		runs++
	}
	return float64(time.Since(start).Nanoseconds()) / float64(runs)
}

const (
	benchRows = 1 << 18
	// wantedPerPath is the goal: 50 million paths in a second.
	wantedPerPath = 20.0
	// limitPerPath is what the limit takes for a path on a quiet machine.
	limitPerPath = 2.5
)

func BenchmarkRules(b *testing.B) {
	p := benchPaths(b, benchRows, 12)
	for _, m := range []struct {
		name string
		rule func(p *Paths) (Credits, error)
	}{
		{"shapley", func(p *Paths) (Credits, error) { return Shapley(p, nil) }},
		{"first", FirstTouch},
		{"last", LastTouch},
		{"lastnon", func(p *Paths) (Credits, error) { return LastNon(p, "channel 3") }},
		{"linear", Linear},
		{"position", func(p *Paths) (Credits, error) { return Position(p, nil) }},
		{"positiondecay", PositionDecay},
		{"geometric", func(p *Paths) (Credits, error) { return GeometricDecay(p, 0.5) }},
	} {
		b.Run("model="+m.name, func(b *testing.B) {
			rows, touches := float64(len(p.rows)), 0
			for i := range p.seqs.blocks {
				touches += len(p.seqs.blocks[i].elems)
			}
			rival := limitTime(p)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.rule(p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpaths/s")
			b.ReportMetric(float64(touches)/rows, "touches/path")
			b.ReportMetric(rival, "rival-ns")
			b.ReportMetric(limitPerPath*rows, "rival-guide-ns")
			b.ReportMetric(wantedPerPath/limitPerPath, "goal-ratio")
		})
	}
}

// From the text of a million rows to the credits of all rules.
func BenchmarkReadCSV(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var text bytes.Buffer
	text.WriteString("path,conversions,value,nulls\n")
	const rows = 1_000_000
	for range rows {
		for i := 0; i == 0 || i < 40 && r.IntN(4) > 0; i++ {
			if i > 0 {
				text.WriteString(" > ")
			}
			fmt.Fprintf(&text, "channel %d", r.IntN(12))
		}
		fmt.Fprintf(&text, ",%d,%d.%d,%d\n", r.IntN(3), r.IntN(1000), r.IntN(10), r.IntN(9))
	}
	b.SetBytes(int64(text.Len()))
	// The limit looks at every byte once.
	rival := meanTime(func() {
		var commas, signs int
		for _, c := range text.Bytes() {
			if c == ',' || c == '\n' {
				commas++
			}
			if c == '>' {
				signs++
			}
		}
		if commas+signs == 0 {
			b.Fatal("no rows")
		}
	})
	for b.Loop() {
		p, err := ReadCSV(bytes.NewReader(text.Bytes()), nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, rule := range []func(p *Paths) (Credits, error){
			FirstTouch, LastTouch, Linear, LinearUnique, PositionDecay,
			func(p *Paths) (Credits, error) { return LastNon(p, "channel 3") },
			func(p *Paths) (Credits, error) { return Position(p, nil) },
			func(p *Paths) (Credits, error) { return GeometricDecay(p, 0.5) },
		} {
			if _, err := rule(p); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(rival, "rival-ns")
	b.ReportMetric(37e6, "rival-guide-ns")
	b.ReportMetric(500e6/37e6, "goal-ratio")
}

// From the rows of users to paths.
func BenchmarkJourneysPaths(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	j, err := NewJourneys(nil)
	if err != nil {
		b.Fatal(err)
	}
	const users, touches = 20_000, 8
	for user := range uint32(users) {
		for range touches {
			if err := j.Touch(user+1, Touch{Channel: string(rune('A' + r.IntN(8))), Time: noon.Add(time.Duration(r.IntN(90*24)) * time.Hour)}); err != nil {
				b.Fatal(err)
			}
		}
		if err := j.Convert(user+1, Conversion{Time: noon.Add(time.Duration(r.IntN(90*24)) * time.Hour), Value: 10}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := j.Paths(nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(users*touches*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mtouches/s")
}

// Events as the store hands them on, in time order.
func BenchmarkObserve(b *testing.B) {
	j, err := NewJourneys(nil)
	if err != nil {
		b.Fatal(err)
	}
	fields := make([]map[string]any, 64)
	for i := range fields {
		fields[i] = campaign([]string{"google", "facebook", "newsletter"}[i%3], []string{"cpc", "email"}[i%2], fmt.Sprint(i))
		fields[i]["context.page.referrer"] = "https://www.google.com/search"
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := j.Observe(uint32(1+n%100_000), "page", fields[n%len(fields)], noon.Add(time.Duration(n)*time.Second)); err != nil {
			b.Fatal(err)
		}
		n++
	}
}
