package bits

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKernels compares the kernel of this machine with the portable one.
func TestKernels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var pages [4]page
	for i := range pages {
		for w := range pages[i] {
			pages[i][w] = r.Uint64() & r.Uint64()
		}
	}
	fast, slow := newKernel(), portable()
	var got, want page
	fast.or4(&got, &pages[0], &pages[1], &pages[2], &pages[3])
	slow.or4(&want, &pages[0], &pages[1], &pages[2], &pages[3])
	require.Equal(t, want, got)
	fast.and4(&got, &got, &pages[1], &pages[0], &pages[1])
	slow.and4(&want, &want, &pages[1], &pages[0], &pages[1])
	require.Equal(t, want, got)
	fast.andNot(&got, &pages[2], &pages[3])
	slow.andNot(&want, &pages[2], &pages[3])
	require.Equal(t, want, got)
	pages[3].fill()
	for i := range pages {
		require.Equal(t, slow.count(&pages[i]), fast.count(&pages[i]))
		require.Equal(t, slow.countAnd(&pages[i], &pages[3-i]), fast.countAnd(&pages[i], &pages[3-i]))
	}
	require.Equal(t, blockUsers, fast.count(&pages[3]))
	require.Equal(t, blockUsers, fast.countAnd(&pages[3], &pages[3]))
}

// TestScatter adds arrays of all short lengths, and a long one, to a page.
func TestScatter(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for n := range 70 {
		if n == 69 {
			n = blockUsers
		}
		var got, want page
		array := make([]uint16, n)
		for i := range array {
			array[i] = uint16(r.Uint32())
			want[array[i]/64] |= 1 << (array[i] % 64)
		}
		scatter(&got, array)
		require.Equal(t, want, got)
	}
}
