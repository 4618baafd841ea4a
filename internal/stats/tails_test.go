package stats_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/internal/stats"
)

// The reference: the defining series in 1,600-bit arithmetic, for parameters
// that are integers or halves of odd integers, so that the beta and gamma
// functions are rational multiples of powers of π.

const bits = 1600

func bf(x float64) *big.Float         { return new(big.Float).SetPrec(bits).SetFloat64(x) }
func bmul(a, b *big.Float) *big.Float { return bf(0).Mul(a, b) }
func bquo(a, b *big.Float) *big.Float { return bf(0).Quo(a, b) }
func bsub(a, b *big.Float) *big.Float { return bf(0).Sub(a, b) }
func badd(a, b *big.Float) *big.Float { return bf(0).Add(a, b) }
func bfloat(a *big.Float) float64     { f, _ := a.Float64(); return f }
func negligible(term, sum *big.Float) bool {
	return term.Sign() == 0 || term.MantExp(nil) < sum.MantExp(nil)-bits
}

func powHalf(x *big.Float, twice int) *big.Float {
	// x^(twice/2)
	root, out := bf(0).Sqrt(x), bf(1)
	for ; twice > 0; twice >>= 1 {
		if twice&1 == 1 {
			out = bmul(out, root)
		}
		root = bmul(root, root)
	}
	return out
}

var bigPi = func() *big.Float {
	// Machin: π = 16·atan(1/5) − 4·atan(1/239).
	atan := func(n float64) *big.Float {
		term := bquo(bf(1), bf(n))
		sum, sq := bf(0), bf(n*n)
		for k := 0; ; k++ {
			t := bquo(term, bf(float64(2*k+1)))
			if k > 0 && negligible(t, sum) {
				return sum
			}
			if k%2 == 1 {
				sum = bsub(sum, t)
			} else {
				sum = badd(sum, t)
			}
			term = bquo(term, sq)
		}
	}
	return bsub(bmul(bf(16), atan(5)), bmul(bf(4), atan(239)))
}()

// gammaHalf is Γ(twice/2).
func gammaHalf(twice int) *big.Float {
	out, x := bf(1), 1.0
	if twice%2 == 1 {
		out, x = bf(0).Sqrt(bigPi), .5
	}
	for ; x < float64(twice)/2; x++ {
		out = bmul(out, bf(x))
	}
	return out
}

// refBeta returns I_x(a/2, b/2) and its complement.
func refBeta(a, b int, x *big.Float) (lower, upper float64) {
	av, bv := float64(a)/2, float64(b)/2
	y := bsub(bf(1), x)
	front := bmul(powHalf(x, a), powHalf(y, b))
	front = bmul(front, bquo(gammaHalf(a+b), bmul(gammaHalf(a), gammaHalf(b))))
	front = bquo(front, bf(av))
	sum, term := bf(1), bf(1)
	for n := 0.0; ; n++ {
		term = bmul(term, bquo(bmul(bf(av+bv+n), x), bf(av+1+n)))
		sum = badd(sum, term)
		if negligible(term, sum) {
			break
		}
	}
	i := bmul(front, sum)
	return bfloat(i), bfloat(bsub(bf(1), i))
}

func bigExpNeg(x float64) *big.Float {
	sum, term := bf(1), bf(1)
	for n := 1.0; ; n++ {
		term = bquo(bmul(term, bf(x)), bf(n))
		sum = badd(sum, term)
		if negligible(term, sum) {
			return bquo(bf(1), sum)
		}
	}
}

// refGamma returns P(a/2, x) and Q(a/2, x).
func refGamma(a int, x float64) (lower, upper float64) {
	av := float64(a) / 2
	front := bquo(bmul(powHalf(bf(x), a), bigExpNeg(x)), gammaHalf(a+2))
	sum, term := bf(1), bf(1)
	for n := 1.0; ; n++ {
		term = bquo(bmul(term, bf(x)), bf(av+n))
		sum = badd(sum, term)
		if negligible(term, sum) {
			break
		}
	}
	p := bmul(front, sum)
	return bfloat(p), bfloat(bsub(bf(1), p))
}

// near asks for a relative error; below the normal range nothing is asked.
func near(t require.TestingT, want, got, tol float64, msg string, args ...any) {
	if math.Abs(want) < 1e-300 {
		require.InDelta(t, want, got, 1e-300, append([]any{msg}, args...)...)
		return
	}
	require.LessOrEqual(t, math.Abs(got-want)/math.Abs(want), tol, append([]any{msg + ": got %v want %v"}, append(args, got, want)...)...)
}

func TestNormalTail(t *testing.T) {
	for _, c := range []struct{ z, want float64 }{
		{1, 0.15865525393145705},
		{10, 7.619853024160525e-24},
		{37.5, 4.605353009581955e-308},
	} {
		near(t, c.want, stats.NormalSF(c.z), 1e-13, "mpmath, z=%v", c.z)
	}
	for z := .01; z < 37; z *= 1.2 {
		// P(Z > z) = Q(½, z²/2)/2.
		lower, upper := refGammaSquare(z)
		near(t, upper/2, stats.NormalSF(z), 3e-15*math.Max(1, z), "z=%v", z)
		near(t, .5+lower/2, stats.NormalCDF(z), 1e-15, "z=%v", z)
	}
	require.Equal(t, .5, stats.NormalSF(0))
	require.Zero(t, stats.NormalSF(math.Inf(1)))
	require.True(t, math.IsNaN(stats.NormalSF(math.NaN())))
}

// refGammaSquare is refGamma(1, z²/2) with z² not rounded.
func refGammaSquare(z float64) (lower, upper float64) {
	x := bquo(bmul(bf(z), bf(z)), bf(2))
	expSum, term := bf(1), bf(1)
	for n := 1.0; ; n++ {
		term = bquo(bmul(term, x), bf(n))
		expSum = badd(expSum, term)
		if negligible(term, expSum) {
			break
		}
	}
	front := bquo(bquo(powHalf(x, 1), expSum), gammaHalf(3))
	sum, term := bf(1), bf(1)
	for n := 1.0; ; n++ {
		term = bquo(bmul(term, x), bf(.5+n))
		sum = badd(sum, term)
		if negligible(term, sum) {
			break
		}
	}
	p := bmul(front, sum)
	return bfloat(p), bfloat(bsub(bf(1), p))
}

func TestStudentTail(t *testing.T) {
	for _, c := range []struct{ t, df, want float64 }{
		{14.9, 1e5, 3.7314348823421797e-50},
		{8.3, 12.5, 1.9513651251247587e-06},
		{300, 2, 1.1110925929355214e-05},
	} {
		near(t, c.want, 2*stats.StudentSF(c.t, c.df), 1e-12, "mpmath, t=%v df=%v", c.t, c.df)
	}
	for _, df := range []int{1, 2, 3, 7, 30, 199} {
		for _, x := range []float64{.001, .3, 1, 1.96, 5, 20, 400, 1e5} {
			n := bf(float64(df))
			arg := bquo(n, badd(n, bmul(bf(x), bf(x))))
			if v := bfloat(arg); v > .97 {
				continue // the series of the reference is too slow there
			}
			lower, _ := refBeta(df, 1, arg)
			near(t, lower/2, stats.StudentSF(x, float64(df)), 1e-13, "t=%v df=%v", x, df)
		}
	}
	require.InEpsilon(t, stats.NormalSF(3), stats.StudentSF(3, math.Inf(1)), 1e-15)
	require.InEpsilon(t, stats.StudentSF(30, .99e12), stats.StudentSF(30, 1.01e12), 1e-8)
	require.Equal(t, .5, stats.StudentSF(0, 3))
	require.Greater(t, stats.StudentSF(1e200, 1), 0.)
	require.Zero(t, stats.StudentSF(math.Inf(1), 5))
	for _, df := range []float64{0, -1, math.NaN()} {
		require.True(t, math.IsNaN(stats.StudentSF(1, df)))
	}
}

// The expansion and the fraction meet where one takes over from the other.
func TestStudentTailAtHugeDegreesOfFreedom(t *testing.T) {
	for _, x := range []float64{.01, .5, 1, 2, 6, 15, 30} {
		for _, df := range []float64{1e6, 1e8, 1e10, 1e12} {
			y := x * x
			want := stats.NormalSF(x) + stats.NormalPDF(x)*x*((y+1)/(4*df)+(((3*y-7)*y-5)*y-3)/(96*df*df))
			third := math.Pow(y*y/4/df, 3) + 1e-12
			near(t, want, stats.StudentSF(x, df), third, "t=%v df=%v", x, df)
		}
	}
}

func TestStudentDensityIsTheSlopeOfTheTail(t *testing.T) {
	for _, df := range []float64{.5, 1, 3.7, 40, 1e4, 1e9} {
		for _, x := range []float64{.1, 1, 3, 10} {
			h := 1e-4 * x
			slope := (stats.StudentSF(x-h, df) - stats.StudentSF(x+h, df)) / (2 * h)
			near(t, slope, stats.StudentPDF(x, df), 5e-5, "t=%v df=%v", x, df)
		}
	}
	near(t, 1/math.Pi/(1+9), stats.StudentPDF(3, 1), 1e-15, "Cauchy")
}

func TestChiSquareTail(t *testing.T) {
	near(t, 1.537459794428035e-12, stats.ChiSquareSF(50, 1), 1e-13, "mpmath")
	near(t, 0.9999999983185123, stats.ChiSquareSF(.001, 5), 1e-15, "mpmath")
	for _, df := range []int{1, 2, 3, 4, 9, 50, 301} {
		for _, x := range []float64{1e-6, .01, .4, 1, 2, 7, 20, 49, 60, 150, 300, 700, 1300} {
			lower, upper := refGamma(df, x/2)
			near(t, upper, stats.ChiSquareSF(x, float64(df)), 1e-12, "x=%v df=%v", x, df)
			near(t, lower, stats.ChiSquareCDF(x, float64(df)), 1e-12, "x=%v df=%v", x, df)
		}
	}
	require.Equal(t, 1., stats.ChiSquareSF(0, 3))
	require.Equal(t, 1., stats.ChiSquareSF(-1, 3))
	require.Zero(t, stats.ChiSquareSF(math.Inf(1), 3))
	require.True(t, math.IsNaN(stats.ChiSquareSF(1, 0)))
}

func TestBetaTail(t *testing.T) {
	for _, a := range []int{1, 2, 5, 40, 301} {
		for _, b := range []int{1, 2, 7, 60, 500} {
			for _, x := range []float64{1e-9, .001, .03, .2, .5, .75, .96} {
				lower, upper := refBeta(a, b, bf(x))
				near(t, lower, stats.BetaCDF(x, float64(a)/2, float64(b)/2), 1e-12, "x=%v a=%v b=%v", x, a, b)
				// The complement of x rounds: a relative 1e-16/(1−x) on it.
				near(t, upper, stats.BetaSF(x, float64(a)/2, float64(b)/2), 1e-12+float64(b)*1e-16/(1-x), "x=%v a=%v b=%v", x, a, b)
			}
		}
	}
	require.Zero(t, stats.BetaCDF(0, 1, 2))
	require.Equal(t, 1., stats.BetaCDF(1, 1, 2))
	require.True(t, math.IsNaN(stats.BetaCDF(.5, 0, 2)))
}

func TestFTail(t *testing.T) {
	for _, d1 := range []int{1, 2, 5, 30} {
		for _, d2 := range []int{1, 3, 12, 100} {
			for _, x := range []float64{.05, .7, 1, 3, 40, 1000} {
				u, v := bmul(bf(float64(d1)), bf(x)), bf(float64(d2))
				arg := bquo(v, badd(u, v))
				if bfloat(arg) > .97 {
					continue
				}
				upper, lower := refBeta(d2, d1, arg)
				near(t, upper, stats.FSF(x, float64(d1), float64(d2)), 1e-12, "x=%v d=%v,%v", x, d1, d2)
				near(t, lower, stats.FCDF(x, float64(d1), float64(d2)), 1e-12, "x=%v d=%v,%v", x, d1, d2)
			}
		}
	}
	// The square of a t is an F.
	near(t, 2*stats.StudentSF(2.2, 17), stats.FSF(2.2*2.2, 1, 17), 1e-13, "F")
}

// Binomial and Poisson tails against their defining sums, exactly.
func TestDiscreteTails(t *testing.T) {
	for _, n := range []int{1, 10, 200} {
		for _, num := range []int64{1, 30, 64, 127} {
			p := big.NewRat(num, 128)
			q := new(big.Rat).Sub(big.NewRat(1, 1), p)
			pf, _ := p.Float64()
			cdf := new(big.Rat)
			for k := range n {
				term := new(big.Rat).SetInt(new(big.Int).Binomial(int64(n), int64(k)))
				for range k {
					term.Mul(term, p)
				}
				for range n - k {
					term.Mul(term, q)
				}
				cdf.Add(cdf, term)
				want, _ := cdf.Float64()
				near(t, want, stats.BinomialCDF(float64(k), float64(n), pf), 1e-12, "k=%v n=%v p=%v", k, n, pf)
				upper, _ := new(big.Rat).Sub(big.NewRat(1, 1), cdf).Float64()
				near(t, upper, stats.BinomialSF(float64(k), float64(n), pf), 1e-12, "k=%v n=%v p=%v", k, n, pf)
				mass, _ := term.Float64()
				near(t, mass, stats.BinomialPMF(float64(k), float64(n), pf), 1e-12, "k=%v n=%v p=%v", k, n, pf)
			}
		}
	}
	near(t, math.Exp(-3)*(1+3+4.5), stats.PoissonCDF(2, 3), 1e-15, "Poisson")
	near(t, 1-math.Exp(-3)*(1+3+4.5), stats.PoissonSF(2, 3), 1e-14, "Poisson")
	require.Equal(t, 1., stats.BinomialCDF(5, 5, .3))
	require.Equal(t, 1., stats.BinomialCDF(0, 5, 0))
	require.Zero(t, stats.BinomialSF(2, 5, 0))
	require.True(t, math.IsNaN(stats.BinomialCDF(1, 5, 1.1)))
}

func TestQuantilesInvertTheirTails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := math.Pow(10, -rapid.Float64Range(.01, 250).Draw(t, "digits"))
		if rapid.Bool().Draw(t, "middle") {
			q = rapid.Float64Range(1e-6, 1-1e-6).Draw(t, "q")
		}
		df := math.Pow(10, rapid.Float64Range(-.3, 7).Draw(t, "log df"))
		d2 := math.Pow(10, rapid.Float64Range(-.3, 4).Draw(t, "log d2"))

		z := -stats.NormalQuantile(q)
		near(t, q, stats.NormalSF(z), 1e-12+4e-16*z*z, "normal q=%v", q)
		// Half a degree of freedom has its 1e-251 quantile beyond all floats.
		x := stats.StudentISF(q, df)
		if x < 1e300 {
			tailNear(t, q, stats.StudentSF(x, df), stats.StudentPDF(x, df)*x, "student q=%v df=%v", q, df)
		}
		x = stats.GammaISF(q, df)
		require.False(t, math.IsNaN(x))
		if x > 1e-300 {
			back(t, q, stats.GammaSF(x, df), stats.GammaSF(x*(1+1e-13), df), stats.GammaSF(x*(1-1e-13), df), "gamma q=%v a=%v", q, df)
		}
		x = stats.GammaQuantile(q, df)
		if x > 1e-300 {
			back(t, q, stats.GammaCDF(x, df), stats.GammaCDF(x*(1+1e-13), df), stats.GammaCDF(x*(1-1e-13), df), "gamma p=%v a=%v", q, df)
		}
		if x = stats.FISF(q, df, d2); x > 1e-300 && x < 1e300 {
			back(t, q, stats.FSF(x, df, d2), stats.FSF(x*(1+1e-12), df, d2), stats.FSF(x*(1-1e-12), df, d2), "F q=%v", q)
		}
		if x = stats.BetaQuantile(q, df, d2); x > 1e-300 && x < .999 {
			back(t, q, stats.BetaCDF(x, df, d2), stats.BetaCDF(x*(1+1e-12), df, d2), stats.BetaCDF(x*(1-1e-12), df, d2), "beta p=%v a=%v b=%v", q, df, d2)
		}
		if x = stats.BetaISF(q, df, d2); x > 1e-300 && x < .999 {
			back(t, q, stats.BetaSF(x, df, d2), stats.BetaSF(x*(1+1e-12), df, d2), stats.BetaSF(x*(1-1e-12), df, d2), "beta q=%v a=%v b=%v", q, df, d2)
		}
	})
}

// back asks that moving the quantile by a hair moves the tail past q, or that
// the tail is q to 1e-11.
func back(t require.TestingT, q, got, up, down float64, msg string, args ...any) {
	lo, hi := min(up, down), max(up, down)
	if q >= lo && q <= hi {
		return
	}
	near(t, q, got, 1e-11, msg, args...)
}

// tailNear allows for the quantile's own rounding: a relative 1e-14 on x
// moves the tail by 1e-14·x·density.
func tailNear(t require.TestingT, q, got, slope float64, msg string, args ...any) {
	near(t, q, got, 1e-12+1e-14*math.Abs(slope)/q, msg, args...)
}

// R 4.2.2 qt, qchisq, qf, qbeta; the t values are also the intervals of the
// t_test cases of the shared reference values.
func TestQuantileValues(t *testing.T) {
	near(t, 12.706204736174694, stats.StudentISF(.025, 1), 1e-14, "t")
	near(t, 4.302652729749462, stats.StudentISF(.025, 2), 1e-14, "t")
	near(t, 1.959963984540054, stats.StudentISF(.025, math.Inf(1)), 1e-15, "t")
	near(t, 3.841458820694124, stats.ChiSquareISF(.05, 1), 1e-14, "chi-square")
	near(t, -stats.StudentISF(.025, 7), stats.StudentISF(.975, 7), 1e-13, "t")
	require.True(t, math.IsInf(stats.StudentISF(0, 3), 1))
	require.Zero(t, stats.StudentISF(.5, 3))
	require.True(t, math.IsInf(stats.NormalQuantile(1), 1))
	require.True(t, math.IsInf(stats.NormalQuantile(0), -1))
	require.True(t, math.IsNaN(stats.NormalQuantile(-.1)))
	near(t, -37.51937935049254, stats.NormalQuantile(2.2250738585072014e-308*100), .01, "far out")
}

func BenchmarkStudent(b *testing.B) {
	for _, c := range []struct {
		name string
		df   float64
	}{{"df=11", 11}, {"df=1000", 1000}, {"df=1e6", 1e6}} {
		b.Run("of=tail/"+c.name, func(b *testing.B) {
			for b.Loop() {
				stats.StudentSF(2.1, c.df)
			}
		})
		b.Run("of=quantile/"+c.name, func(b *testing.B) {
			for b.Loop() {
				stats.StudentISF(.025, c.df)
			}
		})
	}
}

// R 4.2.2: 1 − pt(qt(.975, 98), 98, ncp) of power.t.test(50, .3), and the
// central distribution as the limit.
func TestNoncentralStudent(t *testing.T) {
	near(t, 0.317517119028908, stats.NoncentralStudentSF(stats.StudentISF(.025, 98), 98, 1.5), 1e-11, "R")
	for _, df := range []float64{1, 2, 5, 40, 1e3, 1e6} {
		for _, x := range []float64{-3, -.5, 0, 1, 2.5, 6} {
			require.InDelta(t, stats.StudentSF(x, df), stats.NoncentralStudentSF(x, df, 1e-12), 1e-11, "%v %v", x, df)
		}
	}
	near(t, stats.NormalSF(-1), stats.NoncentralStudentSF(2, math.Inf(1), 3), 1e-15, "normal")
	require.True(t, math.IsNaN(stats.NoncentralStudentSF(1, 0, 1)))
}
