package bits

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// random draws a bitmap with blocks of every kind: empty, full, arrays and
// pages of many densities, runs.
func random(r *rand.Rand) *roaring.Bitmap {
	b := roaring.New()
	for block := range uint64(r.IntN(5)) {
		base := block * blockUsers
		switch r.IntN(8) {
		case 0:
		case 1:
			b.AddRange(base, base+blockUsers)
		case 2:
			b.Add(uint32(base) + uint32(r.IntN(blockUsers)))
		case 3:
			from := base + uint64(r.IntN(blockUsers))
			b.AddRange(from, min(from+uint64(r.IntN(5000)), base+blockUsers))
		case 4:
			b.AddRange(base, base+blockUsers)
			b.Remove(uint32(base) + uint32(r.IntN(blockUsers)))
		default:
			for range []int{3, 20, maxArray - 1, maxArray, maxArray + 1, 4000, 5000, 60000}[r.IntN(8)] {
				b.Add(uint32(base) + uint32(r.IntN(blockUsers)))
			}
		}
	}
	if r.IntN(4) == 0 {
		b.Add(1<<32 - 1 - uint32(r.IntN(3)))
	}
	if r.IntN(2) == 0 {
		b.RunOptimize()
	}
	return b
}

func TestRoaringAndBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		b := random(r)
		s := FromRoaring(b)
		require.Equal(t, int(b.GetCardinality()), s.Len())
		back := s.Roaring()
		require.True(t, b.Equals(back))
		require.NoError(t, back.Validate())
		require.False(t, back.GetCopyOnWrite())
		for range 50 {
			u := uint32(r.IntN(5 * blockUsers))
			require.Equal(t, b.Contains(u), s.Contains(u))
		}
		// The bitmap is the caller's own.
		back.AddRange(0, 3*blockUsers)
		back.RemoveRange(10, 2*blockUsers)
		require.True(t, b.Equals(s.Roaring()))
	}
	var zero Set
	require.True(t, zero.Roaring().IsEmpty())
	require.False(t, zero.Contains(0))
	require.Equal(t, 3, FromWords([]uint64{5, 0, 1 << 63}).Len())
	require.Equal(t, []uint32{0, 2, 191}, FromWords([]uint64{5, 0, 1 << 63}).Roaring().ToArray())
}

// draw makes a random expression and what it means for roaring bitmaps.
func draw(r *rand.Rand, sets []*roaring.Bitmap, own []*Set, depth int) (Expr, *roaring.Bitmap, string) {
	if depth == 0 || r.IntN(4) == 0 {
		i := r.IntN(len(sets))
		return Of(own[i]), sets[i].Clone(), fmt.Sprint(i)
	}
	if r.IntN(3) == 0 {
		a, wantA, textA := draw(r, sets, own, depth-1)
		b, wantB, textB := draw(r, sets, own, depth-1)
		return Diff(a, b), roaring.AndNot(wantA, wantB), "(" + textA + " - " + textB + ")"
	}
	and := r.IntN(2) == 0
	var parts []Expr
	var want *roaring.Bitmap
	text := ""
	for range r.IntN(7) {
		p, w, s := draw(r, sets, own, depth-1)
		parts = append(parts, p)
		switch {
		case want == nil:
			want = w
		case and:
			want.And(w)
		default:
			want.Or(w)
		}
		text += " " + s
	}
	if want == nil {
		want = roaring.New()
	}
	if and {
		return And(parts...), want, "and(" + text + ")"
	}
	return Or(parts...), want, "or(" + text + ")"
}

// TestExpressions compares random expressions with roaring's operations.
func TestExpressions(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	rounds := 12
	if os.Getenv("ZHUN_LONG") != "" {
		rounds = 1000
	}
	for round := range rounds {
		sets := make([]*roaring.Bitmap, 6)
		own := make([]*Set, len(sets))
		for i := range sets {
			sets[i] = random(r)
			if i == 0 && round%3 == 0 {
				sets[i].RemoveRange(5*blockUsers, 1<<32)
			}
			own[i] = FromRoaring(sets[i])
		}
		for range 12 {
			e, want, text := draw(r, sets, own, 3)
			workers := 1 + r.IntN(3)
			got := e.Set(workers)
			if !want.Equals(got.Roaring()) {
				require.Equal(t, want.ToArray(), got.Roaring().ToArray(), "round %d: %s", round, text)
			}
			n := int(want.GetCardinality())
			require.True(t, want.Equals(e.Roaring(workers)), text)
			require.Equal(t, n, got.Len(), text)
			require.Equal(t, n, e.Count(workers), text)
			require.True(t, e.AtLeast(n), text)
			require.False(t, e.AtLeast(n+1), text)
			// Answers do not share scratch space.
			again := e.Set(1)
			require.True(t, got.Roaring().Equals(again.Roaring()), text)
		}
		for i := range sets {
			require.True(t, sets[i].Equals(own[i].Roaring()), "a set changed")
		}
	}
}

func TestDegenerateExpressions(t *testing.T) {
	some := Of(FromWords([]uint64{7}))
	require.Zero(t, And().Count(4))
	require.Zero(t, Or().Count(0))
	require.Zero(t, And(some, And()).Count(1))
	require.Equal(t, 3, Or(some).Count(9))
	require.Equal(t, 3, Diff(some, Or()).Set(2).Len())
	require.Zero(t, Diff(some, some).Set(2).Len())
	require.True(t, And().AtLeast(0))
	require.Equal(t, 6, Of(FromWords([]uint64{7})).Bytes())
}
