package segment

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

// BenchmarkOverlap counts the users that each two of 64 audiences share, each
// some percent of a million users. The rival asks roaring for each pair.
func BenchmarkOverlap(b *testing.B) {
	const users, audiences = 1_000_000, 64
	x, err := NewIndex(Schema{"n": Number}, &Options{Events: map[string]Schema{}})
	if err != nil {
		b.Fatal(err)
	}
	var names []string
	var sets []*roaring.Bitmap
	r := rand.New(rand.NewPCG(1, 1))
	for i := range audiences {
		names = append(names, fmt.Sprint(i))
		if _, err := x.Define(names[i], fmt.Sprintf("n == %d", i)); err != nil {
			b.Fatal(err)
		}
		// Members of their own for each, as if rules were many: users are not
		// needed for what is measured.
		set := roaring.New()
		for range users / 50 {
			set.Add(uint32(r.IntN(users)))
		}
		for _, u := range set.ToArray() {
			x.byName[names[i]].members.Add(u)
		}
		sets = append(sets, set)
	}
	var o Overlap
	for b.Loop() {
		if o, err = x.Overlap(names...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(timeOf(2, func() {
		for i, s := range sets {
			for j := range i {
				if n := int(s.AndCardinality(sets[j])); n != o.Both[i][j] {
					b.Fatalf("%d users in both, the rival says %d", o.Both[i][j], n)
				}
			}
		}
	}), "rival-ns")
	b.ReportMetric(1, "goal-ratio")
}
