package experiment

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// slowMoments is the definition in exact rational arithmetic.
func slowMoments(xs []float64) (mean, variance float64) {
	n, s := new(big.Rat).SetInt64(int64(len(xs))), new(big.Rat)
	for _, x := range xs {
		s.Add(s, new(big.Rat).SetFloat64(x))
	}
	m := new(big.Rat).Quo(s, n)
	q := new(big.Rat)
	for _, x := range xs {
		d := new(big.Rat).Sub(new(big.Rat).SetFloat64(x), m)
		q.Add(q, d.Mul(d, d))
	}
	mean, _ = m.Float64()
	if len(xs) > 1 {
		variance, _ = q.Quo(q, new(big.Rat).SetInt64(int64(len(xs)-1))).Float64()
	}
	return mean, variance
}

func TestMomentsAgainstExactArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.SampledFrom([]float64{0, 1, 1e9, -1e12}).Draw(t, "offset")
		xs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 {
			return offset + rapid.Float64Range(-100, 100).Draw(t, "x")
		}), 2, 60).Draw(t, "xs")
		var one, all Moments
		for _, x := range xs {
			one.Add(x)
		}
		all.AddAll(xs)
		mean, variance := slowMoments(xs)
		require.Equal(t, one.N(), all.N())
		require.InDelta(t, variance, all.Variance(), 1e-12*variance+1e-30*offset*offset+1e-312)
		require.InDelta(t, mean, one.Mean(), 4e-16*math.Abs(mean))
		require.InDelta(t, variance, one.Variance(), 1e-12*variance+1e-30*offset*offset+1e-312)
	})
}

// What Add refuses AddAll refuses, also where a block of such values would do.
func TestAddAllRefusesWhatAddRefuses(t *testing.T) {
	for _, xs := range [][]float64{{1.1e144}, {1, -1.1e144, 2}, {1.1e144, 1.1e144}, {1e144, 1e144, -1e144}} {
		var one, all Moments
		j, err := NewJoint(Mean)
		require.NoError(t, err)
		for _, x := range xs {
			one.Add(x)
		}
		all.AddAll(xs)
		j.AddAll(xs)
		require.Equal(t, one.N(), all.N(), "%v", xs)
		require.Equal(t, one.N(), j.N(), "%v", xs)
		require.Equal(t, one.Err() == nil, all.Err() == nil, "%v", xs)
		require.Equal(t, one.Err() == nil, j.Err() == nil, "%v", xs)
	}
}

func TestVarianceAtALargeOffset(t *testing.T) {
	var m Moments
	const n = 100_000
	for i := range n {
		m.Add(1e9 + float64(i%2*2-1))
	}
	require.Equal(t, 1e9, m.Mean())
	require.InEpsilon(t, float64(n)/(n-1), m.Variance(), 1e-14)
}

func TestMergeOfAThousandShards(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	shards := make([]Moments, 1000)
	var whole Moments
	for range 50_000 {
		x := math.Exp(3 * r.NormFloat64())
		whole.Add(x)
		shards[r.IntN(len(shards))].Add(x)
	}
	var merged Moments
	for i := range shards {
		require.NoError(t, merged.Merge(&shards[i]))
	}
	require.Equal(t, whole.N(), merged.N())
	require.InEpsilon(t, whole.Sum(), merged.Sum(), 1e-12)
	require.InEpsilon(t, whole.Variance(), merged.Variance(), 1e-12)
}

func TestMomentsReturnAfterSub(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var m Moments
	xs := make([]float64, 5000)
	abs := 0.0
	for i := range xs {
		xs[i] = (r.Float64() - .5) * math.Pow(10, float64(r.IntN(12)))
		m.Add(xs[i])
		abs += math.Abs(xs[i])
	}
	for _, i := range r.Perm(len(xs)) {
		m.Sub(xs[i])
	}
	require.Zero(t, m.N())
	require.LessOrEqual(t, math.Abs(m.Sum()), 1e-20*abs)
}

func TestMomentsRefuse(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		x    float64
		err  error
		msg  string
	}{
		{Mean, math.NaN(), ErrNotFinite, "experiment: Add: not a finite number: value NaN"},
		{Mean, math.Inf(-1), ErrNotFinite, "experiment: Add: not a finite number: value -Inf"},
		{Mean, 1e200, ErrNotFinite, "experiment: Add: not a finite number: square of 1e+200"},
		{Proportion, .5, ErrKind, "experiment: Add: kinds differ: value 0.5"},
	} {
		m := Moments{Kind: c.kind}
		m.Add(1)
		m.Add(c.x)
		m.Add(0)
		require.ErrorIs(t, m.Err(), c.err)
		require.EqualError(t, m.Err(), c.msg)
		require.EqualValues(t, 2, m.N(), "the value itself is left out")
		require.Equal(t, c.msg, m.String())
		_, err := m.AppendBinary(nil)
		require.ErrorIs(t, err, c.err)
		good := Moments{Kind: c.kind}
		good.AddAll([]float64{0, 1, 1})
		_, err = Welch(&good, &m, nil)
		require.ErrorIs(t, err, c.err)
		require.NoError(t, good.Merge(&m))
		require.ErrorIs(t, good.Err(), c.err)
		all := Moments{Kind: c.kind}
		all.AddAll([]float64{1, c.x, 0})
		require.ErrorIs(t, all.Err(), c.err)
		require.EqualValues(t, 2, all.N())
	}
	p := Moments{Kind: Proportion}
	p.Add(1)
	require.ErrorIs(t, p.Merge(&Moments{}), ErrKind)
	var empty Moments
	require.NoError(t, empty.Merge(&p))
	require.Equal(t, Proportion, empty.Kind)
}

func TestMomentsOf(t *testing.T) {
	var m Moments
	m.AddAll([]float64{1, 2, 4})
	o, err := MomentsOf(Mean, 3, 7, 21)
	require.NoError(t, err)
	require.Equal(t, m, *o)
	o, err = MomentsOf(Proportion, 10, 4, 0)
	require.NoError(t, err)
	require.InDelta(t, .24, o.Variance(), 1e-16)
	for _, c := range []struct {
		kind   Kind
		n      int64
		s1, s2 float64
		err    error
	}{
		{Mean, 3, 7, 16, ErrVariance},
		{Mean, 0, 1, 1, ErrVariance},
		{Mean, 3, math.NaN(), 1, ErrNotFinite},
		{Mean, 3, 1, math.Inf(1), ErrNotFinite},
		{Mean, -1, 0, 0, ErrInvalid},
		{Kind(9), 1, 0, 0, ErrInvalid},
		{Proportion, 3, 4, 4, ErrKind},
		{Proportion, 3, -1, 1, ErrKind},
	} {
		_, err := MomentsOf(c.kind, c.n, c.s1, c.s2)
		require.ErrorIs(t, err, c.err, "%+v", c)
	}
}

// Integers are exact up to the bound that the documentation gives, in every
// way to add them: by the sums of big numbers.
func TestIntegersAreExact(t *testing.T) {
	for _, top := range []int64{1, 1000, 1 << 30, 1 << 46, 1<<46 + 12345, 1 << 47} {
		r := rand.New(rand.NewPCG(uint64(top), 4))
		const n = 3000 // n·top² < 2⁹⁹ for all but the last, which is below 2¹⁰⁷
		if top == 1<<47 {
			top = 1 << 43
		}
		var one, all Moments
		pairs, err := NewJoint(Mean, Mean)
		require.NoError(t, err)
		columns, err := NewJoint(Mean, Mean)
		require.NoError(t, err)
		s1, s2, s12 := new(big.Int), new(big.Int), new(big.Int)
		var xs, ys []float64
		for range n {
			x, y := r.Int64N(2*top+1)-top, r.Int64N(2*top+1)-top
			xs, ys = append(xs, float64(x)), append(ys, float64(y))
			one.Add(float64(x))
			pairs.Add(float64(x), float64(y))
			bx, by := big.NewInt(x), big.NewInt(y)
			s1.Add(s1, bx)
			s2.Add(s2, new(big.Int).Mul(bx, bx))
			s12.Add(s12, new(big.Int).Mul(bx, by))
		}
		all.AddAll(xs)
		columns.AddAll(xs, ys)
		exact := func(p pair) *big.Int {
			hi, lo := p.sum().Parts()
			a, _ := new(big.Float).SetFloat64(hi).Int(nil)
			b, _ := new(big.Float).SetFloat64(lo).Int(nil)
			return a.Add(a, b)
		}
		for _, m := range []*Moments{&one, &all, pairs.Moments(0), columns.Moments(0)} {
			require.EqualValues(t, n, m.N())
			require.Zero(t, s1.Cmp(exact(m.s1)), top)
			require.Zero(t, s2.Cmp(exact(m.s2)), top)
		}
		require.Zero(t, s12.Cmp(exact(pairs.settled().cross[1])), top)
		require.Zero(t, s12.Cmp(exact(columns.cross[1])), top)
	}
}

// Values of any size and shape: AddAll and Add agree far beyond 1e-12 of the
// absolute values, and refuse the same ones.
func TestAddAllIsAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.OneOf(
			rapid.Float64Range(-1e3, 1e3), rapid.Float64Range(-1e-200, 1e200),
			rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), 1e-320, 1e9 + 1, -1e9}),
		), 0, 150).Draw(t, "xs")
		var one, all Moments
		scale, squares := 0.0, 0.0
		for _, x := range xs {
			one.Add(x)
			if math.Abs(x) <= maxValue {
				scale += math.Abs(x)
				squares += x * x
			}
		}
		all.AddAll(xs)
		require.Equal(t, one.N(), all.N())
		require.Equal(t, one.Err() == nil, all.Err() == nil)
		require.InDelta(t, one.Sum(), all.Sum(), 2e-14*scale)
		require.InDelta(t, one.SumOfSquares(), all.SumOfSquares(), 2e-14*squares)
	})
}
