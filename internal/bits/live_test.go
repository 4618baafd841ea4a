package bits

import (
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// TestLive drives a set and a roaring bitmap with the same changes, dense
// enough for blocks to change their form both ways.
func TestLive(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 6 {
		var l Live
		want := roaring.New()
		check := func() {
			require.Equal(t, int(want.GetCardinality()), l.Len())
			require.True(t, want.Equals(l.View().Roaring()))
			require.Equal(t, l.Len(), l.View().Len())
		}
		for range 12 {
			base, span := uint32(r.IntN(3))*blockUsers, 1+r.IntN([]int{3, 1500, blockUsers}[r.IntN(3)])
			in := r.IntN(2) == 0
			if r.IntN(4) == 0 {
				// A whole block, or nothing of it.
				for u := base; u < base+blockUsers; u++ {
					if in {
						l.Add(u)
						want.Add(u)
					} else {
						l.Remove(u)
						want.Remove(u)
					}
				}
			}
			for range 3000 {
				u := base + uint32(r.IntN(span))
				if in {
					l.Add(u)
					want.Add(u)
				} else {
					l.Remove(u)
					want.Remove(u)
				}
				if l.Has(u) != in {
					t.Fatalf("user %d: %t, want %t", u, !in, in)
				}
			}
			check()
		}
		// A copy stays as it is, and so does what is computed from a view.
		kept, counted := l.Set(), And(Of(l.View()), Of(l.View())).Count(1)
		require.Equal(t, l.Len(), counted)
		for u := range uint32(3 * blockUsers) {
			l.Remove(u)
		}
		require.Zero(t, l.Len())
		require.Empty(t, l.View().blocks)
		require.True(t, want.Equals(kept.Roaring()))
	}
}
