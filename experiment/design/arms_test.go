package design

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/stats"
)

// Two arms are what they are elsewhere, and size inverts power.
func TestArmsOfTwo(t *testing.T) {
	strict := &Options{Strict: true}
	want, err := MeanPower(60, .5, 1.3, strict)
	require.NoError(t, err)
	got, err := ArmsPower(60, []float64{1, 1.5}, 1.3, nil)
	require.NoError(t, err)
	require.InDelta(t, want, got, 1e-9)
	// A chi-square with one degree of freedom is the square of a normal.
	p, err := ArmsProportionPower(500, []float64{.2, .25}, nil)
	require.NoError(t, err)
	shift := .05 * math.Sqrt(500/(2*.225*.775))
	z := 1.959963984540054
	require.InDelta(t, stats.NormalSF(z-shift)+stats.NormalSF(z+shift), p, 1e-12)
	for _, o := range []*Options{nil, {Power: .95, Alpha: .01, Correlation: .5}} {
		power := .8
		if o != nil {
			power = o.Power
		}
		n, err := ArmsSize([]float64{5, 5, 5.3, 5.1}, 2, o)
		require.NoError(t, err)
		p, err := ArmsPower(n, []float64{5, 5, 5.3, 5.1}, 2, o)
		require.NoError(t, err)
		require.InDelta(t, power, p, 1e-9)
		n, err = ArmsProportionSize([]float64{.1, .1, .12}, o)
		require.NoError(t, err)
		p, err = ArmsProportionPower(n, []float64{.1, .1, .12}, o)
		require.NoError(t, err)
		require.InDelta(t, power, p, 1e-9)
	}
}

// Power of three arms against simulated F tests.
func TestArmsPowerAgainstSimulation(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	means := []float64{0, .2, .6}
	const n, runs = 25, 6000
	limit := stats.FISF(.05, 2, 3*(n-1))
	rejected := 0.0
	for range runs {
		var sum, squares [3]float64
		for i := range means {
			for range n {
				x := means[i] + r.NormFloat64()
				sum[i], squares[i] = sum[i]+x, squares[i]+x*x
			}
		}
		grand := (sum[0] + sum[1] + sum[2]) / (3 * n)
		between, within := 0.0, 0.0
		for i := range means {
			m := sum[i] / n
			between += n * (m - grand) * (m - grand)
			within += squares[i] - n*m*m
		}
		if between/2/(within/(3*(n-1))) > limit {
			rejected++
		}
	}
	want, err := ArmsPower(n, means, 1, nil)
	require.NoError(t, err)
	require.InDelta(t, want, rejected/runs, 4*math.Sqrt(want*(1-want)/runs))
}

// The standard deviation in place of one gives the standard error that
// simulated samples have.
func TestStdDevsAgainstSimulation(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	past := make([]float64, 20_000)
	for i := range past {
		past[i] = r.ExpFloat64()
	}
	const n, runs = 400, 2000
	spread := func(f func(xs []float64) float64) float64 {
		var s1, s2 float64
		xs := make([]float64, n)
		for range runs {
			for i := range xs {
				xs[i] = r.ExpFloat64()
			}
			slices.Sort(xs)
			x := f(xs)
			s1, s2 = s1+x, s2+x*x
		}
		return math.Sqrt((s2-s1*s1/runs)/(runs-1)) * math.Sqrt(n)
	}
	for _, level := range []float64{.25, .5, .9} {
		got, err := QuantileStdDev(past, level)
		require.NoError(t, err)
		require.InEpsilon(t, math.Sqrt(level/(1-level)), got, .1, "by the density of the exponential distribution")
		require.InEpsilon(t, spread(func(xs []float64) float64 { return xs[int(n*level)] }), got, .12)
	}
	got, err := TrimmedStdDev(past, .1)
	require.NoError(t, err)
	require.InEpsilon(t, spread(func(xs []float64) float64 {
		s := 0.0
		for _, x := range xs[n/10 : n-n/10] {
			s += x / (.8 * n)
		}
		return s
	}), got, .06)
	plain, err := TrimmedStdDev([]float64{1, 2, 3, 4}, 0)
	require.NoError(t, err)
	require.InDelta(t, math.Sqrt(5./3), plain, 1e-12)
	rate, err := RateStdDev(4, 2.25)
	require.NoError(t, err)
	require.Equal(t, 3., rate)
}

func TestImpossibleArms(t *testing.T) {
	nan := math.NaN()
	for i, f := range []func() (float64, error){
		func() (float64, error) { return ArmsPower(1, []float64{1, 2}, 1, nil) },
		func() (float64, error) { return ArmsPower(9, []float64{1}, 1, nil) },
		func() (float64, error) { return ArmsPower(9, []float64{1, 1}, 1, nil) },
		func() (float64, error) { return ArmsPower(9, []float64{1, nan}, 1, nil) },
		func() (float64, error) { return ArmsPower(9, []float64{1, 2}, 0, nil) },
		func() (float64, error) { return ArmsSize([]float64{1, 1}, 1, nil) },
		func() (float64, error) { return ArmsSize([]float64{1, 2}, 1, &Options{Power: 2}) },
		func() (float64, error) { return ArmsSize([]float64{1, 1 + 1e-12}, 1e9, nil) },
		func() (float64, error) { return ArmsProportionPower(0, []float64{.1, .2}, nil) },
		func() (float64, error) { return ArmsProportionPower(9, []float64{.1, 1}, nil) },
		func() (float64, error) { return ArmsProportionPower(9, nil, nil) },
		func() (float64, error) { return ArmsProportionSize([]float64{.1, .1}, nil) },
		func() (float64, error) { return QuantileStdDev([]float64{1}, .5) },
		func() (float64, error) { return QuantileStdDev([]float64{1, 1, 1}, .5) },
		func() (float64, error) { return QuantileStdDev([]float64{1, nan}, .5) },
		func() (float64, error) { return QuantileStdDev([]float64{1, 2}, 1) },
		func() (float64, error) { return TrimmedStdDev([]float64{1, 2}, .5) },
		func() (float64, error) { return TrimmedStdDev([]float64{2, 2}, 0) },
		func() (float64, error) { return RateStdDev(0, 1) },
		func() (float64, error) { return RateStdDev(1, nan) },
	} {
		x, err := f()
		require.ErrorIs(t, err, ErrInput, i)
		require.Zero(t, x)
	}
}

func ExampleQuantileStdDev() {
	// Load times of the past, in seconds; what does a gain of 50 ms at the 90th
	// percentile take?
	r := rand.New(rand.NewPCG(1, 1))
	past := make([]float64, 5_000)
	for i := range past {
		past[i] = math.Exp(.5 * r.NormFloat64())
	}
	sd, err := QuantileStdDev(past, .9)
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := MeanSize(.05, sd, nil)
	fmt.Printf("%.0f users per arm, %v\n", math.Ceil(n), err)
	// Output: 15713 users per arm, <nil>
}

func ExampleArmsProportionSize() {
	n, err := ArmsProportionSize([]float64{.10, .10, .11, .12}, nil)
	fmt.Printf("%.0f users in each of four arms, %v\n", math.Ceil(n), err)
	// Output: 3804 users in each of four arms, <nil>
}
