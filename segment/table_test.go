package segment

import (
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTable compares a table with a map, while pages of few users become pages
// of many and pictures are taken, which stay as they were.
func TestTable(t *testing.T) {
	s := rand.New(rand.NewPCG(19, 1))
	var x table
	want := map[uint32]*row{}
	check := func(x *table, want map[uint32]*row) {
		t.Helper()
		users := slices.Sorted(maps.Keys(want))
		var got []uint32
		for r := range x.all() {
			got = append(got, r.user)
			require.Same(t, want[r.user], r)
		}
		require.Equal(t, users, got)
		require.Equal(t, len(users), x.n)
		var held []uint32
		for b, p := range x.pages() {
			for i, w := range p.users() {
				for ; w != 0; w &= w - 1 {
					held = append(held, uint32(b*blockUsers+i*64+bits.TrailingZeros64(w)))
				}
			}
		}
		require.Equal(t, users, held)
	}
	for round := range 4 {
		spread := []uint32{blockUsers, 3 * blockUsers, 40 * blockUsers, 5000}[round]
		for step := range 6000 {
			u := s.Uint32N(spread)
			if round == 3 {
				u = (1 + s.Uint32N(300)) * 5000
			}
			switch r := x.get(u); {
			case s.IntN(4) == 0:
				x.remove(u)
				delete(want, u)
			case r != nil:
				want[u] = x.renew(r)
				require.Equal(t, u, want[u].user)
			default:
				want[u] = &row{user: u}
				x.put(want[u])
			}
			if r, ok := want[u]; ok {
				require.Same(t, r, x.get(u))
			} else {
				require.Nil(t, x.get(u))
			}
			if step%1500 == 700 {
				picture, then := x.freeze(), maps.Clone(want)
				defer check(&picture, then)
			}
		}
		check(&x, want)
		sample := x.sample(50)
		require.Len(t, sample, min(50, x.n))
	}
}
