package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The sketch's quantiles are those of the values, to within a bucket.
func TestSketchAgainstTheValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.OneOf(
			rapid.Float64Range(-1e6, 1e6), rapid.Float64Range(1e-3, 10),
			rapid.SampledFrom([]float64{0, 1, -1, 1e300, 5e-324}),
		), 2, 300).Draw(t, "xs")
		level := rapid.Float64Range(.01, .99).Draw(t, "level")
		var s Sketch
		for _, x := range xs {
			s.Add(x)
		}
		got, err := s.Quantile(level)
		require.NoError(t, err)
		want, err := QuantileOf(xs, level)
		require.NoError(t, err)
		require.Equal(t, want.N, got.N)
		for _, p := range [][2]float64{{want.Lo, got.Lo}, {want.Hi, got.Hi}} {
			require.InDelta(t, p[0], p[1], math.Abs(p[0])/128+1e-300)
		}
		// Between two order statistics the error is at most that of the larger.
		sorted := max(math.Abs(want.Lo), math.Abs(want.Hi))
		require.InDelta(t, want.Value, got.Value, sorted/128+1e-300)
	})
}

func TestBucketsKeepOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Float64().Draw(t, "x"), rapid.Float64().Draw(t, "y")
		if x <= y {
			require.LessOrEqual(t, bucketOf(x), bucketOf(y))
		}
		if math.Abs(x) > 1e-300 && math.Abs(x) < 1e300 {
			lo, hi := edges(bucketOf(x))
			require.True(t, lo <= x && x <= hi)
			require.InEpsilon(t, math.Abs(x), math.Abs(hi), 1./127)
		}
	})
	require.Equal(t, bucketOf(0), bucketOf(math.Copysign(0, -1)))
}

// Comparing sketches is comparing the values.
func TestSketchesCompare(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	var xs [2][]float64
	var s [2]Sketch
	for i := range xs {
		for range 5000 {
			x := math.Exp(r.NormFloat64() + .1*float64(i))
			xs[i] = append(xs[i], x)
			s[i].Add(x)
		}
	}
	compare := func(a, b Quantile) Comparison {
		c, err := Quantiles(a, b, nil)
		require.NoError(t, err)
		return c
	}
	var exact, rough [2]Quantile
	for i := range xs {
		var err error
		exact[i], err = QuantileOf(xs[i], .9)
		require.NoError(t, err)
		rough[i], err = s[i].Quantile(.9)
		require.NoError(t, err)
	}
	want, got := compare(exact[0], exact[1]), compare(rough[0], rough[1])
	require.InDelta(t, want.Absolute.Value, got.Absolute.Value, .2*want.Absolute.StdErr)
	require.InEpsilon(t, want.Absolute.StdErr, got.Absolute.StdErr, .1)
}

func TestSketchRefuses(t *testing.T) {
	var s Sketch
	_, err := s.Quantile(.5)
	require.ErrorIs(t, err, ErrTooFew)
	s.Add(1)
	s.Add(2)
	s.Add(2)
	s.Sub(3)
	_, err = s.Quantile(.5)
	require.ErrorIs(t, err, ErrVariance)
	_, err = s.Quantile(1)
	require.ErrorIs(t, err, ErrInvalid)
	s.Add(math.Inf(1))
	require.ErrorIs(t, s.Err(), ErrNotFinite)
	_, err = s.AppendBinary(nil)
	require.ErrorIs(t, err, ErrNotFinite)
	twice := new(Sketch)
	twice.Add(1)
	require.NoError(t, twice.Merge(twice))
	require.EqualValues(t, 2, twice.N())
}

func FuzzSketchUnmarshal(f *testing.F) {
	var s Sketch
	for i := range 20 {
		s.Add(float64(i*i) - 50)
	}
	data, err := s.AppendBinary(nil)
	require.NoError(f, err)
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Sketch
		if s.UnmarshalBinary(data) != nil {
			require.Zero(t, s.N())
			return
		}
		_, _ = s.Quantile(.5)
		again, err := s.AppendBinary(nil)
		require.NoError(t, err)
		var back Sketch
		require.NoError(t, back.UnmarshalBinary(again))
		require.Equal(t, s.counts, back.counts)
	})
}

func ExampleSketch() {
	var control, treatment Sketch // of page loads, in seconds; one per shard, merged
	for i := range 2000 {
		x := float64(i%200) / 100
		control.Add(.5 + x)
		treatment.Add(.4 + x)
	}
	a, err := control.Quantile(.95)
	if err != nil {
		panic(err)
	}
	b, err := treatment.Quantile(.95)
	if err != nil {
		panic(err)
	}
	c, err := Quantiles(a, b, nil)
	fmt.Printf("p95 %.1f s v %.1f s, below 0: %v, %v\n", b.Value, a.Value, c.Absolute.Hi < 0, err)
	// Output: p95 2.3 s v 2.4 s, below 0: true, <nil>
}
