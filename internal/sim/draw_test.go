package sim

import (
	"math"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The chi-square of draws along each coordinate on its own must look like chance.
func TestDrawsAreUniformAlongEveryCoordinate(t *testing.T) {
	const n, cells = 100_000, 64
	along := map[string]func(i int) float64{
		"customer": func(i int) float64 { return keyOf(7, purposeType, i).uniform(3, purposeBuy, 0) },
		"slot":     func(i int) float64 { return keyOf(7, purposeType, 5).uniform(i, purposeBuy, 0) },
		"index":    func(i int) float64 { return keyOf(7, purposeType, i>>16).uniform(0, purposePick, i&0xffff) },
		"seed":     func(i int) float64 { return keyOf(uint64(i), purposeType, 5).uniform(0, purposeBuy, 0) },
		"purpose":  func(i int) float64 { return keyOf(7, purposeType, i>>5).uniform(0, purpose(i&31), 0) },
	}
	for name, f := range along {
		var count [cells]float64
		for i := range n {
			u := f(i)
			require.True(t, u >= 0 && u < 1, "%s %d: %v", name, i, u)
			count[int(u*cells)]++
		}
		var chi float64
		for _, c := range count {
			d := c - float64(n)/cells
			chi += d * d / (float64(n) / cells)
		}
		z := (chi - (cells - 1)) / math.Sqrt(2*(cells-1))
		require.Less(t, math.Abs(z), 4.5, "%s: chi-square %v over %d cells", name, chi, cells)
	}
}

// Pairs of draws that differ in one coordinate by one must be independent: 8×8 contingency tables.
func TestNeighbouringDrawsAreIndependent(t *testing.T) {
	const n, side = 60_000, 8
	pairs := map[string]func(i int) (a, b float64){
		"next customer": func(i int) (float64, float64) {
			return keyOf(7, purposeType, i).uniform(3, purposeBuy, 0), keyOf(7, purposeType, i+1).uniform(3, purposeBuy, 0)
		},
		"next slot": func(i int) (float64, float64) {
			k := keyOf(7, purposeType, i/90)
			return k.uniform(i%90, purposeBuy, 0), k.uniform(i%90+1, purposeBuy, 0)
		},
		"next purpose": func(i int) (float64, float64) {
			k := keyOf(7, purposeType, i)
			return k.uniform(0, purposeBuy, 0), k.uniform(0, purposeBuy+1, 0)
		},
		"next index": func(i int) (float64, float64) {
			k := keyOf(7, purposeType, i)
			return k.uniform(0, purposePick, 0), k.uniform(0, purposePick, 1)
		},
		"next seed": func(i int) (float64, float64) {
			return keyOf(7, purposeType, i).uniform(0, purposeBuy, 0), keyOf(8, purposeType, i).uniform(0, purposeBuy, 0)
		},
	}
	for name, f := range pairs {
		var count [side * side]float64
		for i := range n {
			a, b := f(i)
			count[int(a*side)*side+int(b*side)]++
		}
		var chi float64
		for _, c := range count {
			d := c - n/(side*side)
			chi += d * d / (n / (side * side))
		}
		z := (chi - (side*side - 1)) / math.Sqrt(2*(side*side-1))
		require.Less(t, math.Abs(z), 4.5, "%s: chi-square %v", name, chi)
	}
}

func TestMixFlipsHalfOfTheBits(t *testing.T) {
	const n = 4000
	for bit := range 64 {
		var flips int
		for i := range n {
			x := mix(uint64(i) * 0x2545f4914f6cdd1d)
			flips += bits.OnesCount64(mix(x) ^ mix(x^1<<bit))
		}
		require.InDelta(t, 0.5, float64(flips)/(64*n), 0.01, "input bit %d", bit)
	}
}

func TestScrambleIsABijection(t *testing.T) {
	seen := make(map[uint32]bool, 1<<18)
	for i := range uint32(1 << 18) {
		s := scramble(3, i)
		require.False(t, seen[s], "%d collides", i)
		seen[s] = true
	}
}

func TestNormalQuantileIsFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.Float64Range(0, 1).Draw(t, "u")
		z := normalQuantile(u)
		require.False(t, math.IsInf(z, 0) || math.IsNaN(z), "u = %v: %v", u, z)
		if u > 1e-12 && u < 1-1e-12 {
			require.InDelta(t, u, 0.5*math.Erfc(-z/math.Sqrt2), 1e-12)
		}
	})
}
