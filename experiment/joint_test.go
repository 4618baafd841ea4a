package experiment

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func jointOf(t require.TestingT, rows ...[]float64) *Joint {
	j, err := NewJoint(make([]Kind, len(rows[0]))...)
	require.NoError(t, err)
	for _, r := range rows {
		j.Add(r...)
	}
	require.NoError(t, j.Err())
	return j
}

func TestCovariancesAgainstTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 4).Draw(t, "k")
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.Float64Range(-50, 50), k, k), 2, 20).Draw(t, "rows")
		offset := rapid.SampledFrom([]float64{0, 1e9}).Draw(t, "offset")
		for _, r := range rows {
			for i := range r {
				r[i] += offset
			}
		}
		j := jointOf(t, rows...)
		n := float64(len(rows))
		for a := range k {
			for b := range k {
				// Twice the covariance is the mean product of differences of pairs.
				want := 0.0
				for _, r := range rows {
					for _, s := range rows {
						want += (r[a] - s[a]) * (r[b] - s[b])
					}
				}
				want /= 2 * n * (n - 1)
				require.InDelta(t, want, j.Covariance(a, b), 1e-9*(1+math.Abs(want)))
			}
			require.InDelta(t, j.Covariance(a, a), j.Moments(a).Variance(), 1e-12*j.Covariance(a, a))
		}
	})
}

func TestJointRefuses(t *testing.T) {
	_, err := NewJoint()
	require.ErrorIs(t, err, ErrInvalid)
	_, err = NewJoint(make([]Kind, 65)...)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = NewJoint(Kind(7))
	require.ErrorIs(t, err, ErrInvalid)
	for _, x := range [][]float64{{1}, {1, math.NaN()}, {1, 2, 3}, {.5, 1}} {
		j, err := NewJoint(Proportion, Mean)
		require.NoError(t, err)
		j.Add(1, 2)
		j.Add(x...)
		require.Error(t, j.Err(), "%v", x)
		require.EqualValues(t, 1, j.N())
		_, err = j.AppendBinary(nil)
		require.Error(t, err)
		_, err = Ratio(j, j, nil)
		require.Error(t, err)
	}
	ok := jointOf(t, []float64{1, 2}, []float64{2, 3}, []float64{4, 3})
	zero := jointOf(t, []float64{1, 1}, []float64{2, -1})
	_, err = Ratio(ok, zero, nil)
	require.ErrorIs(t, err, ErrZero)
	_, err = CUPEDRatio(ok, ok, nil)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = CUPED(ok, jointOf(t, []float64{1}, []float64{2}), nil)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = CUPED(nil, ok, nil)
	require.ErrorIs(t, err, ErrTooFew)
	require.ErrorIs(t, ok.Merge(jointOf(t, []float64{1})), ErrKind)
	_, err = JointOf([]Kind{Mean}, 3, []float64{3}, [][]float64{{2}})
	require.ErrorIs(t, err, ErrVariance)
	_, err = JointOf([]Kind{Mean}, 3, []float64{math.NaN()}, [][]float64{{2}})
	require.ErrorIs(t, err, ErrNotFinite)
	for _, c := range []struct {
		kinds    []Kind
		sums     []float64
		products [][]float64
		err      error
	}{
		{[]Kind{Proportion}, []float64{5}, [][]float64{{100}}, ErrKind},
		{[]Kind{Proportion}, []float64{11}, [][]float64{{11}}, ErrKind},
		{[]Kind{Proportion}, []float64{5}, [][]float64{{5}}, nil},
		{[]Kind{Mean, Mean}, []float64{0, 0}, [][]float64{{1, 1.1}, {0, 1}}, ErrVariance},
		{[]Kind{Mean, Mean}, []float64{0, 0}, [][]float64{{1, -1}, {0, 1}}, nil},
		{[]Kind{Proportion, Mean}, []float64{5, 50}, [][]float64{{5, 26}, {0, 250}}, ErrVariance},
		{[]Kind{Proportion, Mean}, []float64{5, 50}, [][]float64{{5, 25}, {0, 250}}, nil},
	} {
		_, err := JointOf(c.kinds, 10, c.sums, c.products)
		require.ErrorIs(t, err, c.err, "%+v", c)
	}
	_, err = JointOf([]Kind{Mean, Mean}, 3, []float64{3}, nil)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = QuantileOf([]float64{1}, .5)
	require.ErrorIs(t, err, ErrTooFew)
	_, err = QuantileOf([]float64{1, 2}, 1)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = QuantileOf([]float64{1, math.NaN()}, .5)
	require.ErrorIs(t, err, ErrNotFinite)
	a, err := QuantileOf([]float64{3, 1, 2, 5, 4}, .5)
	require.NoError(t, err)
	require.Equal(t, 3., a.Value)
	b := a
	b.Level = .9
	_, err = Quantiles(a, b, nil)
	require.ErrorIs(t, err, ErrKind)
	b.Level, b.Lo = .5, 9
	_, err = Quantiles(a, b, nil)
	require.ErrorIs(t, err, ErrVariance)
}

// Covariates that say nothing, or say the same twice, change nothing.
func TestUselessCovariates(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var plain, padded [2]*Joint
	for i := range 2 {
		plain[i], _ = NewJoint(Mean, Mean)
		padded[i], _ = NewJoint(Mean, Mean, Mean, Mean)
		for range 100 {
			x := r.NormFloat64()
			y := x + r.NormFloat64() + float64(i)
			plain[i].Add(y, x)
			padded[i].Add(y, x, 7, 2*x-1)
		}
	}
	a, err := CUPED(plain[0], plain[1], nil)
	require.NoError(t, err)
	b, err := CUPED(padded[0], padded[1], nil)
	require.NoError(t, err)
	require.InDelta(t, a.Absolute.Value, b.Absolute.Value, 1e-12)
	require.InDelta(t, a.P, b.P, 1e-12)
	require.Equal(t, []float64{0, 0}, b.Theta[1:])
	var empty [2]*Joint
	for i := range 2 {
		empty[i] = jointOf(t, []float64{1, 0}, []float64{3, 0}, []float64{4, 0})
	}
	c, err := CUPED(empty[0], empty[1], nil)
	require.NoError(t, err)
	require.Zero(t, c.Absolute.Value)
}

// CUPED keeps its level, covers, and halves the variance at a correlation of
// √½; means stay on the original scale.
func TestCUPEDTypeIError(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	n, rejected, gain := runs(3000), 0, 0.0
	for range n {
		var arms [2]*Joint
		for i := range arms {
			arms[i], _ = NewJoint(Mean, Mean)
			for range 150 {
				x := r.NormFloat64()
				arms[i].Add(100+x+r.NormFloat64(), x)
			}
		}
		c, err := CUPED(arms[0], arms[1], nil)
		require.NoError(t, err)
		require.InDelta(t, 100, c.Control.Mean, 1)
		if c.P < .05 {
			rejected++
		}
		gain += c.Absolute.StdErr * c.Absolute.StdErr / (4. / 150)
	}
	lo, hi := band(n, .05)
	t.Logf("%.2f %% of %d", 100*float64(rejected)/float64(n), n)
	require.GreaterOrEqual(t, float64(rejected), lo)
	require.LessOrEqual(t, float64(rejected), hi)
	require.InDelta(t, .5, gain/float64(n), .01)
}

// The readout's covariates are the metric's own rows before exposure.
func TestReadoutCovariates(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	x := mustReadout(t, nil)
	var arms [2]*Joint
	for i := range arms {
		arms[i], _ = NewJoint(Mean, Mean, Mean)
	}
	for u := uint32(1); u <= 400; u++ {
		arm := int(u % 2)
		pre, clicks := float64(r.IntN(30)), float64(r.IntN(4))
		post := pre + clicks + float64(r.IntN(20)) + float64(arm)
		record(t, x, u, "revenue", 1000, 0) // too early
		record(t, x, u, "revenue", pre-5, 76)
		record(t, x, u, "revenue", 5, 99.9)
		record(t, x, u, "clicks", clicks, 1)
		expose(t, x, u, []string{"a", "b"}[arm], 100)
		record(t, x, u, "revenue", post, 100)
		arms[arm].Add(post, pre, clicks)
	}
	opts := &TestOptions{Covariates: []Covariate{{Before: 24 * time.Hour}, {Metric: "clicks"}}}
	got, err := x.Compare("revenue", "a", "b", opts)
	require.NoError(t, err)
	want, err := CUPED(arms[0], arms[1], nil)
	require.NoError(t, err)
	require.InDeltaSlice(t, want.Theta, got.Theta, 1e-12)
	require.Equal(t, want.Adjustments, got.Adjustments)
	for _, pair := range [][2]Estimate{{want.Absolute, got.Absolute}, {want.Relative, got.Relative}} {
		require.InDelta(t, pair[0].Value, pair[1].Value, 1e-10)
		require.InDelta(t, pair[0].StdErr, pair[1].StdErr, 1e-10)
	}
	require.InDelta(t, want.Control.Mean, got.Control.Mean, 1e-10)
	require.InDelta(t, want.P, got.P, 1e-10)
	require.Equal(t, "Welch's t, CUPED", got.Method)
	plain, err := x.Compare("revenue", "a", "b", nil)
	require.NoError(t, err)
	require.Greater(t, plain.Absolute.StdErr, 1.5*got.Absolute.StdErr)
	opts.Covariates[1].Metric = "nothing"
	_, err = x.Compare("revenue", "a", "b", opts)
	require.ErrorIs(t, err, ErrMetric)
	opts.Covariates[1].Before = -1
	_, err = x.Compare("revenue", "a", "b", opts)
	require.ErrorIs(t, err, ErrInvalid)
}

// A ratio whose denominator is 1 for everybody is a mean.
func TestRatioOfOnesIsAMean(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 8))
	var arms [2]*Joint
	var m [2]Moments
	for i := range arms {
		arms[i], _ = NewJoint(Mean, Mean)
		for range 50 {
			x := r.ExpFloat64()
			arms[i].Add(x, 1)
			m[i].Add(x)
		}
	}
	a, err := Ratio(arms[0], arms[1], nil)
	require.NoError(t, err)
	b, err := Welch(&m[0], &m[1], nil)
	require.NoError(t, err)
	require.InDelta(t, b.P, a.P, 1e-12)
	require.InDelta(t, b.Relative.StdErr, a.Relative.StdErr, 1e-12)
}

// Units of measurement do not matter.
func TestCovariatesOfAnyScale(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	var plain, scaled [2]*Joint
	for i := range 2 {
		plain[i], _ = NewJoint(Mean, Mean, Mean)
		scaled[i], _ = NewJoint(Mean, Mean, Mean)
		for range 200 {
			x, z := r.NormFloat64(), r.NormFloat64()
			y := x + z + r.NormFloat64()
			plain[i].Add(y, x, z)
			scaled[i].Add(y, 1e12*x, 1e-12*z)
		}
	}
	a, err := CUPED(plain[0], plain[1], nil)
	require.NoError(t, err)
	b, err := CUPED(scaled[0], scaled[1], nil)
	require.NoError(t, err)
	require.InDelta(t, a.P, b.P, 1e-9)
	require.InEpsilon(t, a.Theta[0], 1e12*b.Theta[0], 1e-9)
}

func FuzzJointUnmarshal(f *testing.F) {
	j, _ := NewJoint(Mean, Proportion)
	j.Add(1.5, 1)
	j.Add(-2, 0)
	data, _ := j.MarshalBinary()
	f.Add(data)
	f.Add(data[:12])
	f.Fuzz(func(t *testing.T, data []byte) {
		var x Joint
		if err := x.UnmarshalBinary(data); err != nil {
			return
		}
		got, err := x.MarshalBinary()
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("accepted bytes that are not canonical: %v", err)
		}
		_, _ = CUPED(&x, &x, nil)
		_, _ = Ratio(&x, &x, nil)
	})
}

func TestColumnsRefuse(t *testing.T) {
	for _, columns := range [][][]float64{{{1, 2}}, {{1, 2}, {3}}, {}} {
		j, err := NewJoint(Mean, Mean)
		require.NoError(t, err)
		j.AddAll(columns...)
		require.ErrorIs(t, j.Err(), ErrInvalid)
		require.Zero(t, j.N())
	}
	j, err := NewJoint(Mean, Proportion)
	require.NoError(t, err)
	j.AddAll([]float64{1, 2, math.NaN(), 4}, []float64{0, 1, 1, .5})
	require.Error(t, j.Err())
	require.EqualValues(t, 2, j.N(), "the users that can be added are")
}
