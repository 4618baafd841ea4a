package segment

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBuckets compares the comparison by buckets with the plain one.
func TestBuckets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for round := range 300 {
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
		require.LessOrEqual(t, len(b.bounds), maxBounds)
		var values [64]float64
		var codes [16]uint64
		for i := range values {
			values[i] = draw()
			put(&codes[i/4], uint32(i%4), b.codeOf(values[i]))
		}
		in := r.Uint64() | r.Uint64()
		lit := draw()
		if lit != lit {
			lit = 1.5
		}
		for _, op := range []string{"<", "<=", ">", ">=", "=="} {
			got := b.within(intervalOf(op, lit))(&codes, &values, in)
			holds := compareConst(op, func(c *scan) float64 { return values[c.i] }, lit)
			for i := range values {
				want := in>>i&1 != 0 && holds(&scan{i: i})
				require.Equal(t, want, got>>i&1 != 0, "round %d: %v %s %v", round, values[i], op, lit)
			}
		}
		v := interval{math.Floor(r.NormFloat64() * scale), math.Floor(r.NormFloat64() * scale)}
		got := b.within(v)(&codes, &values, in)
		for i := range values {
			want := in>>i&1 != 0 && values[i] >= v.lo && values[i] <= v.hi
			require.Equal(t, want, got>>i&1 != 0, "round %d: %v in %v", round, values[i], v)
		}
	}
}
