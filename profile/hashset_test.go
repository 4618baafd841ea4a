package profile

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zeebo/xxh3"
)

// The set holds what a map holds, with hashes that are spread or that the mix
// with the seed brings to one place, the empty one among them.
func TestHashSet(t *testing.T) {
	for name, c := range map[string]struct {
		n    uint64
		hash func(k uint64) xxh3.Uint128
	}{
		"spread": {20_000, func(k uint64) xxh3.Uint128 { return xxh3.Uint128{Hi: k * 0x9e3779b97f4a7c15, Lo: k} }},
		"crowd":  {1500, func(k uint64) xxh3.Uint128 { return xxh3.Uint128{Hi: k} }},
	} {
		x := hashSet{} // whose seed is 0, by which all of a crowd are at place 0
		want := map[xxh3.Uint128]bool{}
		r := rand.New(rand.NewPCG(1, 2))
		for range 4 * c.n {
			h := c.hash(r.Uint64N(c.n))
			require.Equal(t, want[h], x.has(h), name)
			if r.IntN(3) == 0 {
				x.remove(h)
				delete(want, h)
			} else {
				x.add(h)
				want[h] = true
			}
		}
		require.Equal(t, len(want), x.n)
		var list []xxh3.Uint128
		for h := range want {
			list = append(list, h)
		}
		slices.SortFunc(list, compareHashes)
		got := x.list()
		slices.SortFunc(got, compareHashes)
		require.Equal(t, list, got, name)
		if name == "spread" {
			require.Less(t, x.bytes(), 40*x.n)
		}
		x.clear()
		require.False(t, x.has(list[0]))
		require.Empty(t, x.list())
	}
}
