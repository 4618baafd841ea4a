package bits

import (
	"fmt"
	mathbits "math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// benchUsers is how many numbers the sets of benchmarks spread over.
func benchUsers() int {
	if os.Getenv("ZHUN_LONG") != "" {
		return 100_000_000
	}
	return 10_000_000
}

// dense draws words in which each bit is set with the probability, to 1/1024.
func dense(r *rand.Rand, users int, share float64) []uint64 {
	words := make([]uint64, users/64)
	p := int(share*1024 + 0.5)
	for i := range words {
		w := uint64(0)
		for bit := range 10 {
			// The binary digits of p, from the last.
			if p>>bit&1 != 0 {
				w |= r.Uint64()
			} else if w != 0 {
				w &= r.Uint64()
			}
		}
		words[i] = w
	}
	return words
}

func draws(n int, share func(i int) float64) (sets []*Set, rivals []*roaring.Bitmap) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		s := FromWords(dense(r, benchUsers(), share(i)))
		sets, rivals = append(sets, s), append(rivals, s.Roaring())
	}
	return sets, rivals
}

func of(sets []*Set) []Expr {
	var out []Expr
	for _, s := range sets {
		out = append(out, Of(s))
	}
	return out
}

// timeOf returns the nanoseconds of the fastest of n runs.
func timeOf(n int, f func()) float64 {
	best := time.Duration(1 << 62)
	for range n {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	return float64(best.Nanoseconds())
}

// popcount is the physical limit: one pass over all pages and arrays, with the
// kernel that counts pages.
func popcount(sets []*Set) (n int) {
	k := newKernel()
	for _, s := range sets {
		for i := range s.blocks {
			b := &s.blocks[i]
			if b.words != nil {
				n += k.count(b.words)
			}
			for a := b.array; len(a) >= 4; a = a[4:] {
				n += mathbits.OnesCount64(uint64(a[0]) | uint64(a[1])<<16 | uint64(a[2])<<32 | uint64(a[3])<<48)
			}
		}
	}
	return n
}

// read is the other limit: the same bytes, one word of each line of memory.
func read(sets []*Set) (n uint64) {
	for _, s := range sets {
		for i := range s.blocks {
			b := &s.blocks[i]
			if p := b.words; p != nil {
				for w := 0; w < blockWords; w += 32 {
					n += p[w] + p[w+8] + p[w+16] + p[w+24]
				}
			}
			for j := 0; j < len(b.array); j += 32 {
				n += uint64(b.array[j])
			}
		}
	}
	return n
}

// halves calls f with all sets or, of two workers, each with every other one.
func halves(workers int, sets []*Set, f func(sets []*Set)) {
	if workers == 1 {
		f(sets)
		return
	}
	var parts [2][]*Set
	for i, s := range sets {
		parts[i%2] = append(parts[i%2], s)
	}
	var wg sync.WaitGroup
	wg.Go(func() { f(parts[0]) })
	f(parts[1])
	wg.Wait()
}

// BenchmarkExpression is (ten of them or) and (five or) and not (five or), of
// sets of 0.5 to 50 % of the users, as a set. The rival is the same by
// roaring's FastOr; limit-ns is a popcount pass over the same bytes by as many
// workers, of which 1.3 are the goal, and limit-ratio how many it took; read-ns
// is a pass that only loads them, which shows how much faster memory is for two
// workers than for one; one-ns is what one worker takes.
func BenchmarkExpression(b *testing.B) {
	shares := []float64{0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005}
	sets, rivals := draws(20, func(i int) float64 { return shares[i%len(shares)] })
	parts := of(sets)
	e := Diff(And(Or(parts[:10]...), Or(parts[10:15]...)), Or(parts[15:]...))
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("users=%d/workers=%d", benchUsers(), workers), func(b *testing.B) {
			n := 0
			for b.Loop() {
				n = e.Set(workers).Len()
			}
			var want uint64
			rival := timeOf(3, func() {
				s := roaring.FastOr(rivals[:10]...)
				s.And(roaring.FastOr(rivals[10:15]...))
				s.AndNot(roaring.FastOr(rivals[15:]...))
				want = s.GetCardinality()
			})
			if uint64(n) != want {
				b.Fatalf("%d users, the rival %d", n, want)
			}
			b.ReportMetric(rival, "rival-ns")
			b.ReportMetric(0.5, "goal-ratio")
			b.ReportMetric(108.7e6*float64(benchUsers())/1e8, "rival-guide-ns")
			limit := timeOf(5, func() { halves(workers, sets, func(sets []*Set) { popcount(sets) }) })
			b.ReportMetric(limit, "limit-ns")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/limit, "limit-ratio")
			b.ReportMetric(timeOf(5, func() { halves(workers, sets, func(sets []*Set) { read(sets) }) }), "read-ns")
			b.ReportMetric(timeOf(5, func() { e.Set(1) }), "one-ns")
			b.ReportMetric(float64(e.Bytes()), "bytes-read")
		})
	}
}

// look is a page and the users that are looked up in it.
type look struct {
	words *page
	users []uint16
}

// looks returns what an intersection cannot do without: the words of those
// users in each page who are in all sets before it, the smallest first.
func looks(sets []*Set) (list []look) {
	sets = slices.Clone(sets)
	slices.SortFunc(sets, func(a, b *Set) int { return a.n - b.n })
	for i := range sets[0].blocks {
		left := slices.Clone(sets[0].blocks[i].array)
		for _, s := range sets[1:] {
			if p := s.at(i).words; p != nil {
				list = append(list, look{p, slices.Clone(left)})
				left = p.filter(left, 1)
			}
		}
	}
	return list
}

// BenchmarkSelectiveAnd is what twenty sets have in common, the smallest of
// 0.5 % of the users. The rival is roaring's FastAnd; limit-ns is the time to
// read the words that must be looked at, and nothing else.
func BenchmarkSelectiveAnd(b *testing.B) {
	sets, rivals := draws(20, func(i int) float64 {
		if i == 13 {
			return 0.005
		}
		return 0.5 + 0.02*float64(i%20)
	})
	e := And(of(sets)...)
	b.Run(fmt.Sprintf("users=%d", benchUsers()), func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = e.Set(1).Len()
		}
		var want uint64
		rival := timeOf(3, func() { want = roaring.FastAnd(rivals...).GetCardinality() })
		list, sum := looks(sets), uint64(0)
		b.ReportMetric(timeOf(3, func() {
			for _, l := range list {
				for _, v := range l.users {
					sum += l.words[v/64]
				}
			}
		}), "limit-ns")
		if uint64(n) != want {
			b.Fatalf("%d users, the rival %d", n, want)
		}
		b.ReportMetric(rival, "rival-ns")
		b.ReportMetric(0.2, "goal-ratio")
		b.ReportMetric(36.9e6*float64(benchUsers())/1e8, "rival-guide-ns")
	})
}

// BenchmarkIntersectionCount counts what two sets of 1 % of the users have in
// common. The rival is roaring's AndCardinality.
func BenchmarkIntersectionCount(b *testing.B) {
	sets, rivals := draws(2, func(int) float64 { return 0.01 })
	e := And(of(sets)...)
	b.Run(fmt.Sprintf("users=%d", benchUsers()), func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = e.Count(1)
		}
		var want uint64
		rival := timeOf(5, func() { want = rivals[0].AndCardinality(rivals[1]) })
		if uint64(n) != want {
			b.Fatalf("%d users, the rival %d", n, want)
		}
		b.ReportMetric(rival, "rival-ns")
		b.ReportMetric(0.25, "goal-ratio")
		b.ReportMetric(18.2e6*float64(benchUsers())/1e8, "rival-guide-ns")
	})
}

// BenchmarkFromRoaring takes a bitmap over as a set, as every mask is: of users
// at random, or of thousands in a row, as who came in some months are. The rival
// is roaring's own copy of it.
func BenchmarkFromRoaring(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 3))
	rows := roaring.New()
	for at := 0; at < benchUsers(); at += 20_000 {
		from := uint64(at + r.IntN(10_000))
		rows.AddRange(from, from+uint64(r.IntN(10_000)))
	}
	for _, m := range []struct {
		name  string
		users *roaring.Bitmap
	}{
		{"half", FromWords(dense(r, benchUsers(), 0.5)).Roaring()},
		{"some", FromWords(dense(r, benchUsers(), 0.01)).Roaring()},
		{"rows", rows},
	} {
		b.Run(fmt.Sprintf("mask=%s/users=%d", m.name, benchUsers()), func(b *testing.B) {
			var s *Set
			for b.Loop() {
				s = FromRoaring(m.users)
			}
			if uint64(s.Len()) != m.users.GetCardinality() {
				b.Fatal(s.Len())
			}
			b.ReportMetric(timeOf(5, func() { m.users.Clone() }), "rival-ns")
		})
	}
}
