package bits

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// TestRoaringIsTheCallers changes bitmaps that came from sets, and others made
// of them: each stands for itself, though roaring lets them share containers.
func TestRoaringIsTheCallers(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 30 {
		source := random(r)
		source.RemoveRange(9*blockUsers, 1<<32)
		if round%3 == 0 {
			source.Or(FromWords(dense(r, 5*blockUsers, 0.4)).Roaring())
		}
		set := FromRoaring(source)
		want := source.ToArray()
		made := []*roaring.Bitmap{set.Roaring(), Of(set).Roaring(2)}
		other := random(r)
		other.RemoveRange(9*blockUsers, 1<<32)
		// The same bitmaps, of which none shares anything with another.
		alone := []*roaring.Bitmap{roaring.BitmapOf(want...), roaring.BitmapOf(want...)}
		for range 12 {
			i := r.IntN(len(made))
			from, to := uint64(r.Uint32N(9*blockUsers)), uint64(r.Uint32N(9*blockUsers))
			op := r.IntN(9)
			if op < 3 {
				derive := []func(a, b *roaring.Bitmap) *roaring.Bitmap{roaring.Or, roaring.AndNot, func(a, _ *roaring.Bitmap) *roaring.Bitmap { return a.Clone() }}[op]
				made, alone = append(made, derive(made[i], other)), append(alone, derive(alone[i], roaring.BitmapOf(other.ToArray()...)))
				continue
			}
			change := func(b *roaring.Bitmap) {
				switch op {
				case 3:
					b.AddRange(min(from, to), max(from, to))
				case 4:
					b.RemoveRange(min(from, to), max(from, to))
				case 5:
					b.Flip(min(from, to), max(from, to))
				case 6:
					b.Or(other)
				case 7:
					b.RunOptimize()
				default:
					b.Add(uint32(from))
					b.Remove(uint32(to))
					b.AndNot(other)
				}
			}
			change(made[i])
			change(alone[i])
		}
		for i := range made {
			require.True(t, slices.Equal(alone[i].ToArray(), made[i].ToArray()), "round %d, bitmap %d", round, i)
		}
		require.Equal(t, want, set.Roaring().ToArray(), "the set changed")
		require.Equal(t, want, source.ToArray(), "the source changed")
	}
}

// Readers may share a bitmap that came from a set: nothing in it is put right on
// the way.
func TestRoaringIsReadByMany(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	set := FromWords(dense(r, 20*blockUsers, 0.3))
	other := FromWords(dense(r, 30*blockUsers, 0.01)).Roaring()
	for _, b := range []*roaring.Bitmap{set.Roaring(), Of(set).Roaring(2)} {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				x := b.Clone()
				x.Add(5)
				x = roaring.Or(b, other)
				x.Add(6)
				x = roaring.Or(other, b)
				x.Add(7)
				x = roaring.FastOr(b, other)
				x.RemoveRange(0, 100)
				roaring.AndNot(b, other).Remove(8)
				roaring.Xor(other, b).Add(9)
				roaring.Flip(b, 0, 5*blockUsers).Add(1)
				FromRoaring(b)
				b.Contains(77)
			})
		}
		wg.Wait()
		require.EqualValues(t, set.Len(), b.GetCardinality())
	}
}
