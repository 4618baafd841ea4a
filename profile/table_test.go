package profile

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The table finds what a map finds, with hashes that are spread, equal, or
// equal in their upper or lower bits.
func TestTable(t *testing.T) {
	for name, hash := range map[string]func(n uint32) uint32{
		"spread": func(n uint32) uint32 { return n * 2654435761 },
		"equal":  func(uint32) uint32 { return 7 },
		"upper":  func(n uint32) uint32 { return 0xfff<<20 | n },
		"lower":  func(n uint32) uint32 { return n << 20 },
	} {
		n := uint32(20_000)
		if name != "spread" {
			n = 1500
		}
		var x table
		want := map[uint32]bool{}
		r := rand.New(rand.NewPCG(1, 2))
		for range 4 * n {
			k := r.Uint32N(n)
			got, ok := x.find(hash(k), func(m uint32) bool { return m == k })
			require.Equal(t, want[k], ok, name)
			switch {
			case ok && r.IntN(3) == 0:
				require.Equal(t, k, got)
				x.remove(hash(k), k)
				delete(want, k)
			case !ok:
				x.add(hash(k), k)
				want[k] = true
			}
		}
		require.Equal(t, len(want), x.n)
		for k := range n {
			_, ok := x.find(hash(k), func(m uint32) bool { return m == k })
			require.Equal(t, want[k], ok, name)
		}
	}
}
