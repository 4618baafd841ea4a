package segment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBuckets compares the comparison by buckets with the plain one.
func TestBuckets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for round := range 40 {
		scale := []float64{2, 10, 300, 1e6}[r.IntN(4)]
		draw := func() float64 {
			switch r.IntN(8) {
			case 0:
				return missing
			case 1:
				return 0
			case 2:
				return -math.MaxFloat64
			}
			return math.Floor(r.NormFloat64() * scale)
		}
		var sample []float64
		for range r.IntN(1000) {
			if v := draw(); v == v {
				sample = append(sample, v)
			}
		}
		b := newBuckets(sample)
		distinct := make(map[float64]bool)
		for _, v := range sample {
			distinct[v] = true
			require.LessOrEqual(t, b.codeOf(math.Nextafter(v, math.Inf(-1))), b.codeOf(v))
		}
		if len(distinct) > 0 {
			require.LessOrEqual(t, b.codeOf(math.Inf(1)), min(uint64(len(distinct))+1, lastCode))
			require.Equal(t, b.codeOf(0), b.codeOf(math.Copysign(0, -1)))
		}
		var values [blockUsers]float64
		for i := range values {
			values[i] = missing
		}
		for range blockUsers {
			// Some numbers change, as they do under a column.
			i := r.IntN(blockUsers)
			v := draw()
			b.set(0, uint32(i), values[i], v)
			values[i] = v
		}
		// All at once they are the same, and read back as they were.
		require.Equal(t, b.codes[0], b.encode(&values))
		var codes [blockUsers]uint16
		b.codes[0].read(&codes)
		for i, v := range values {
			require.Equal(t, b.codeOf(v), uint64(codes[i]))
		}
		var in, got mask
		for w := range in {
			in[w] = r.Uint64() | r.Uint64()
			if round%3 == 0 {
				in[w] &= r.Uint64() & r.Uint64() & r.Uint64() & r.Uint64() & r.Uint64() & r.Uint64()
			}
		}
		lit := draw()
		if lit != lit {
			lit = 1.5
		}
		agree := func(what string, holds func(v float64) bool) {
			for i := range values {
				want := in[i/64]>>(i%64)&1 != 0 && holds(values[i])
				if want != (got[i/64]>>(i%64)&1 != 0) {
					require.Failf(t, "differs", "round %d: %v %s: want %t", round, values[i], what, want)
				}
			}
		}
		for i, op := range []string{"<", "<=", ">", ">=", "==", "<", "<=", ">", ">=", "=="} {
			v := intervalOf(op, lit)
			if i >= 5 {
				v = v.integers() // all numbers are
			}
			b.within(v)(b.codes[0], &values, &in, &got)
			agree(fmt.Sprint(op, lit), func(v float64) bool {
				return map[string]bool{"<": v < lit, "<=": v <= lit, ">": v > lit, ">=": v >= lit, "==": v == lit}[op]
			})
		}
		v := interval{math.Floor(r.NormFloat64() * scale), math.Floor(r.NormFloat64() * scale)}
		b.within(v)(b.codes[0], &values, &in, &got)
		agree(fmt.Sprint("in ", v), func(x float64) bool { return x >= v.lo && x <= v.hi })
	}
}

// TestIntegers widens intervals at the ends of what a number may be.
func TestIntegers(t *testing.T) {
	inf := math.Inf(1)
	for _, v := range []float64{-1 << 53, -1<<53 + 1, -3, -1, 0, 1, 70, 1<<53 - 1, 1 << 53} {
		require.True(t, whole(v))
		require.False(t, math.Abs(v) < 1<<50 && whole(v+0.5))
		for _, w := range []interval{{v, v}, {v - 0.5, v}, {v, v + 0.5}, {-inf, v}, {v, inf}} {
			got := w.integers()
			require.True(t, got.lo <= v && v <= got.hi, "%v of %v", got, w)
			for _, other := range []float64{v - 1, v + 1} {
				if math.Abs(v) < 1<<53 {
					require.Equal(t, w.lo <= other && other <= w.hi, got.lo <= other && other <= got.hi, "%v: %v of %v", other, got, w)
				}
			}
		}
	}
	none := interval{0.25, 0.5}.integers()
	require.Greater(t, none.lo, none.hi)
}
