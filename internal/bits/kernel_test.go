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
	require.NotZero(t, got.count())
	require.NotNil(t, kernelFor(0).or4)
}
