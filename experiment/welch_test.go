package experiment

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/internal/stats"
)

func momentsOf(t require.TestingT, kind Kind, xs ...float64) *Moments {
	m := &Moments{Kind: kind}
	m.AddAll(xs)
	require.NoError(t, m.Err())
	return m
}

// 10,000 against 12,000 of 100,000: a tail that 1 − CDF loses. The normal tail
// of the statistic is 2.18e-46; Student's, at 198,000 degrees of freedom, is
// heavier by a twentieth.
func TestTinyPValue(t *testing.T) {
	a, err := MomentsOf(Proportion, 100_000, 10_000, 0)
	require.NoError(t, err)
	b, err := MomentsOf(Proportion, 100_000, 12_000, 0)
	require.NoError(t, err)
	c, err := Welch(a, b, nil)
	require.NoError(t, err)
	require.InEpsilon(t, 2.18e-46, 2*stats.NormalSF(c.T), .002)
	require.InEpsilon(t, 2.30e-46, c.P, .002)
	require.InEpsilon(t, 1, c.PLess, 1e-12)
	require.InEpsilon(t, c.P/2, c.PGreater, 1e-12)
}

// slowWelch is the textbook, from the values.
func slowWelch(a, b []float64) (d, se, df float64) {
	ma, va := slowMoments(a)
	mb, vb := slowMoments(b)
	na, nb := float64(len(a)), float64(len(b))
	v := va/na + vb/nb
	df = v * v / (va*va/(na*na*(na-1)) + vb*vb/(nb*nb*(nb-1)))
	return mb - ma, math.Sqrt(v), df
}

func TestWelchAgainstTheTextbook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), 2, 30)
		a, b := xs.Draw(t, "a"), xs.Draw(t, "b")
		d, se, df := slowWelch(a, b)
		if se == 0 {
			return
		}
		level := rapid.Float64Range(.5, .999).Draw(t, "level")
		c, err := Welch(momentsOf(t, Mean, a...), momentsOf(t, Mean, b...), &TestOptions{Level: level})
		require.NoError(t, err)
		require.InDelta(t, d, c.Absolute.Value, 1e-10)
		require.InEpsilon(t, se, c.Absolute.StdErr, 1e-9)
		require.InEpsilon(t, df, c.DF, 1e-9)
		// The interval holds exactly the null effects that are not rejected.
		for _, edge := range []float64{c.Absolute.Lo, c.Absolute.Hi} {
			at, err := Welch(momentsOf(t, Mean, a...), momentsOf(t, Mean, b...), &TestOptions{Null: edge})
			require.NoError(t, err)
			require.InDelta(t, 1-level, at.P, 1e-9)
		}
		// Exchanging the arms changes the sign and nothing else.
		r, err := Welch(momentsOf(t, Mean, b...), momentsOf(t, Mean, a...), &TestOptions{Level: level})
		require.NoError(t, err)
		require.Equal(t, c.Absolute.Value, -r.Absolute.Value)
		require.Equal(t, c.P, r.P)
		require.Equal(t, c.PGreater, r.PLess)
	})
}

func TestOneSidedIntervals(t *testing.T) {
	a, b := momentsOf(t, Mean, 1, 2, 3, 4), momentsOf(t, Mean, 2, 3, 5, 7)
	two, err := Welch(a, b, &TestOptions{Level: .9})
	require.NoError(t, err)
	up, err := Welch(a, b, &TestOptions{Alternative: Greater, Scale: Relative})
	require.NoError(t, err)
	require.InDelta(t, two.Absolute.Lo, up.Absolute.Lo, 1e-14)
	require.True(t, math.IsInf(up.Relative.Hi, 1))
	require.Equal(t, up.PGreater, up.P)
	require.Equal(t, up.Relative, up.Effect())
	down, err := Welch(a, b, &TestOptions{Alternative: Less})
	require.NoError(t, err)
	require.InDelta(t, two.Absolute.Hi, down.Absolute.Hi, 1e-14)
	require.True(t, math.IsInf(down.Absolute.Lo, -1))
	require.Equal(t, down.PLess, down.P)
}

func TestWelchRefusesAndWarns(t *testing.T) {
	ok := momentsOf(t, Mean, 1, 2, 3)
	for _, c := range []struct {
		a, b *Moments
		opts *TestOptions
		err  error
		msg  string
	}{
		{nil, ok, nil, ErrTooFew, `experiment: Welch: too few observations: control "no moments"`},
		{&Moments{}, ok, nil, ErrTooFew, "experiment: Welch: too few observations: control of n 0"},
		{ok, momentsOf(t, Mean, 1), nil, ErrTooFew, "experiment: Welch: too few observations: treatment of n 1"},
		{ok, momentsOf(t, Proportion, 1, 0), nil, ErrKind, `experiment: Welch: kinds differ: arms "mean and proportion"`},
		{ok, ok, &TestOptions{Level: 95}, ErrInvalid, "experiment: Welch: Level is 95, want 1e-9 ≤ Level < 1, or 0 for 0.95"},
		{ok, ok, &TestOptions{Null: math.NaN()}, ErrInvalid, "experiment: Welch: Null is NaN, want a finite number"},
		{ok, ok, &TestOptions{Alternative: 9}, ErrInvalid, "experiment: Welch: Alternative is Alternative(9), want TwoSided, Greater or Less"},
		{ok, ok, &TestOptions{Scale: 9}, ErrInvalid, "experiment: Welch: Scale is Scale(9), want Absolute or Relative"},
		{momentsOf(t, Mean, -1, 1), ok, &TestOptions{Scale: Relative}, ErrZero, "experiment: control mean is zero: no relative effect"},
	} {
		_, err := Welch(c.a, c.b, c.opts)
		require.ErrorIs(t, err, c.err)
		require.EqualError(t, err, c.msg)
	}
	c, err := Welch(momentsOf(t, Mean, 2, 2), momentsOf(t, Mean, 3, 3), nil)
	require.NoError(t, err)
	require.Equal(t, 1., c.P)
	require.True(t, math.IsInf(c.Absolute.Hi, 1))
	require.Len(t, c.Warnings, 1)
	require.ErrorIs(t, c.Warnings[0], ErrNoVariance)
	// Equal values that floats do not hold exactly leave no variance either.
	c, err = Welch(momentsOf(t, Mean, .1, .1, .1), momentsOf(t, Mean, .2, .2, .2), nil)
	require.NoError(t, err)
	require.Equal(t, 1., c.P)
	require.ErrorIs(t, c.Warnings[0], ErrNoVariance)
	c, err = Welch(momentsOf(t, Mean, -1, 1), ok, nil)
	require.NoError(t, err)
	require.True(t, math.IsNaN(c.Relative.Value))
	require.ErrorIs(t, c.Warnings[0], ErrZero)
	// One constant arm is no obstacle.
	c, err = Welch(momentsOf(t, Mean, 2, 2), ok, nil)
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	require.InDelta(t, 2, c.DF, 1e-12)
}

func TestDilutedRefuses(t *testing.T) {
	for _, share := range []float64{0, -1, 1.1, math.NaN()} {
		_, err := Comparison{}.Diluted(share)
		require.ErrorIs(t, err, ErrInvalid)
	}
}

func TestSkewWarning(t *testing.T) {
	// Skewness² is 96.01 at p = 0.01: 34,084 values are wanted.
	for n, warned := range map[int64]bool{34_000: true, 35_000: false} {
		a, _ := MomentsOf(Proportion, n, float64(n)/100, 0)
		b, _ := MomentsOf(Proportion, 10*n, float64(n)/10, 0)
		c, err := Welch(a, b, nil)
		require.NoError(t, err)
		require.Equal(t, warned, len(c.Warnings) == 1, n)
		if warned {
			require.ErrorIs(t, c.Warnings[0], ErrSkew)
		}
	}
}

// band is the 99.9 % band of a binomial count.
func band(n int, p float64) (lo, hi float64) {
	half := -stats.NormalQuantile(.0005) * math.Sqrt(float64(n)*p*(1-p))
	return float64(n)*p - half, float64(n)*p + half
}

func runs(short int) int {
	if long() {
		return 20_000
	}
	if raced {
		return (short + 4) / 5
	}
	return short
}

// Welch rejects a true null at its level, also with unequal sizes and
// variances.
func TestTypeIError(t *testing.T) {
	for _, c := range []struct {
		name   string
		na, nb int
		sa, sb float64
	}{{"equal", 200, 200, 1, 1}, {"unequal", 60, 240, 3, 1}} {
		r := rand.New(rand.NewPCG(11, 12))
		n, rejected, covered := runs(3000), 0, 0
		for range n {
			var a, b Moments
			for range c.na {
				a.Add(10 + c.sa*r.NormFloat64())
			}
			for range c.nb {
				b.Add(10 + c.sb*r.NormFloat64())
			}
			res, err := Welch(&a, &b, nil)
			require.NoError(t, err)
			if res.P < .05 {
				rejected++
			}
			if res.Relative.Lo <= 0 && res.Relative.Hi >= 0 {
				covered++
			}
		}
		lo, hi := band(n, .05)
		t.Logf("%s: %.2f %% of %d", c.name, 100*float64(rejected)/float64(n), n)
		require.GreaterOrEqual(t, float64(rejected), lo, c.name)
		require.LessOrEqual(t, float64(rejected), hi, c.name)
		lo, hi = band(n, .95)
		require.GreaterOrEqual(t, float64(covered), lo, c.name)
		require.LessOrEqual(t, float64(covered), hi, c.name)
	}
}

func TestSRM(t *testing.T) {
	// Cookie Cats, published counts.
	s, err := SRM([]int{44_700, 45_489}, []float64{1, 1})
	require.NoError(t, err)
	require.InDelta(t, 6.90, s.ChiSquare, .005)
	require.InDelta(t, .0086, s.P, .0001)
	require.False(t, s.Mismatch())

	// An arm that takes nobody is not a degree of freedom.
	with, err := SRM([]int{500, 0, 560}, []float64{1, 0, 1})
	require.NoError(t, err)
	without, err := SRM([]int{500, 560}, []float64{1, 1})
	require.NoError(t, err)
	require.Equal(t, without.P, with.P)
	require.Equal(t, 1, with.DF)

	s, err = SRM([]int{500, 3, 500}, []float64{1, 0, 1})
	require.NoError(t, err)
	require.Zero(t, s.P)
	require.True(t, s.Mismatch())
	require.ErrorIs(t, s.Warnings[0], ErrSampleRatio)

	s, err = SRM([]int{7}, []float64{1})
	require.NoError(t, err)
	require.Equal(t, 1., s.P)

	for _, c := range []struct {
		counts  []int
		weights []float64
		err     error
	}{
		{nil, nil, ErrInvalid},
		{[]int{1}, []float64{1, 1}, ErrInvalid},
		{[]int{1, -1}, []float64{1, 1}, ErrInvalid},
		{[]int{1, 1}, []float64{1, math.NaN()}, ErrInvalid},
		{[]int{1, 1}, []float64{0, 0}, ErrInvalid},
		{[]int{0, 0}, []float64{1, 1}, ErrTooFew},
	} {
		_, err := SRM(c.counts, c.weights)
		require.ErrorIs(t, err, c.err, "%+v", c)
	}
}
