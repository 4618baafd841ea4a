package bits

import (
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// TestParts takes answers apart and builds them anew.
func TestParts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 16 {
		a, b := random(r), random(r)
		e := Or(Of(FromRoaring(a)), Diff(Of(FromRoaring(b)), Of(FromRoaring(a))))
		if r.IntN(2) == 0 {
			e = Of(FromRoaring(a))
			b = a
		}
		want := roaring.Or(a, b)
		var build Builder
		n := 0
		for p := range e.Parts() {
			require.NotZero(t, p.Len)
			require.Equal(t, p.Words == nil, len(p.List) > 0)
			build.Add(p)
			n += p.Len
		}
		require.Equal(t, int(want.GetCardinality()), n)
		require.True(t, want.Equals(build.Set().Roaring()))
		require.Zero(t, build.Set().Len())
		if n > 0 {
			seen := 0
			for range e.Parts() {
				seen++
				break
			}
			require.Equal(t, 1, seen)
		}
	}
}
