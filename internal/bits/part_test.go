package bits

import (
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// TestWhere takes users out of random expressions, who are words or a list.
func TestWhere(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for round := range 30 {
		var sets []*roaring.Bitmap
		var own []*Set
		for range 3 {
			b := random(r)
			b.RemoveRange(9*blockUsers, 1<<32)
			sets, own = append(sets, b), append(own, FromRoaring(b))
		}
		e, from, text := draw(r, sets, own, 2)
		step := []uint32{1, 2, 1000, 1 << 17}[round%4] // all, some, few, hardly any
		want := roaring.New()
		for _, u := range from.ToArray() {
			if u%step == 0 {
				want.Add(u)
			}
		}
		test := func() func(*Part) {
			return func(p *Part) {
				n := 0
				if p.Words != nil {
					require.Equal(t, (*page)(p.Words).count(), p.Len)
					for i := range uint32(blockUsers) {
						bit := p.Words[i/64] >> (i % 64) & 1
						if bit != 0 && (p.Base+i)%step != 0 {
							p.Words[i/64] &^= 1 << (i % 64)
						} else {
							n += int(bit)
						}
					}
				} else {
					require.Len(t, p.List, p.Len)
					for _, low := range p.List {
						if (p.Base+uint32(low))%step == 0 {
							p.List[n] = low
							n++
						}
					}
					p.List = p.List[:n]
				}
				p.Len = n
			}
		}
		n := int(want.GetCardinality())
		w := Where(e, test)
		other := Of(own[0])
		require.Equal(t, n, w.Count(2), text)
		require.True(t, want.Equals(w.Set(2).Roaring()), text)
		require.True(t, want.Equals(w.Roaring(2)), text)
		require.True(t, w.AtLeast(n), text)
		require.False(t, w.AtLeast(n+1), text)
		require.True(t, roaring.Or(sets[0], want).Equals(Or(other, w).Set(1).Roaring()), text)
		require.True(t, roaring.And(sets[0], want).Equals(And(w, other).Set(1).Roaring()), text)
		require.True(t, roaring.AndNot(sets[0], want).Equals(Diff(other, w).Set(1).Roaring()), text)
		require.True(t, roaring.AndNot(want, sets[0]).Equals(Diff(w, other).Set(1).Roaring()), text)
		for i := range sets {
			require.True(t, sets[i].Equals(own[i].Roaring()), "a set changed")
		}
	}
}
