package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sampleOf is what every estimator of two arms can be made of.
type sampleOf struct{ y, x, d, d0 [2][]float64 }

func drawSample(r *rand.Rand) (s sampleOf) {
	for i := range s.y {
		for range 8 + r.IntN(20) {
			x := float64(1 + r.IntN(9))
			s.x[i] = append(s.x[i], x)
			s.y[i] = append(s.y[i], x+float64(i)+3*r.NormFloat64())
			s.d[i] = append(s.d[i], float64(1+r.IntN(4)))
			s.d0[i] = append(s.d0[i], float64(1+r.IntN(4)))
		}
	}
	return s
}

func times(xs []float64, by float64) []float64 {
	out := slices.Clone(xs)
	for i := range out {
		out[i] *= by
	}
	return out
}

func momentsOfAll(xs []float64) *Moments {
	m := new(Moments)
	m.AddAll(xs)
	return m
}

func jointOfAll(t require.TestingT, columns ...[]float64) *Joint {
	j, err := NewJoint(make([]Kind, len(columns))...)
	require.NoError(t, err)
	j.AddAll(columns...)
	return j
}

// estimators are all that compare two arms, with the outcome in a unit and what
// else they take in another one. The effect of those named ratios is in the
// unit of the outcome over that of the rest.
var estimators = map[string]func(t require.TestingT, s sampleOf, unit, other float64, o *TestOptions) (Comparison, error){
	"Welch": func(t require.TestingT, s sampleOf, unit, _ float64, o *TestOptions) (Comparison, error) {
		return Welch(momentsOfAll(times(s.y[0], unit)), momentsOfAll(times(s.y[1], unit)), o)
	},
	"Yuen": func(t require.TestingT, s sampleOf, unit, _ float64, o *TestOptions) (Comparison, error) {
		return Yuen(times(s.y[0], unit), times(s.y[1], unit), .1, o)
	},
	"CUPED": func(t require.TestingT, s sampleOf, unit, other float64, o *TestOptions) (Comparison, error) {
		return CUPED(jointOfAll(t, times(s.y[0], unit), times(s.x[0], other)), jointOfAll(t, times(s.y[1], unit), times(s.x[1], other)), o)
	},
	"Ratio": func(t require.TestingT, s sampleOf, unit, other float64, o *TestOptions) (Comparison, error) {
		unit *= math.Sqrt(other)
		other = math.Sqrt(other)
		return Ratio(jointOfAll(t, times(s.y[0], unit), times(s.d[0], other)), jointOfAll(t, times(s.y[1], unit), times(s.d[1], other)), o)
	},
	"CUPEDRatio": func(t require.TestingT, s sampleOf, unit, other float64, o *TestOptions) (Comparison, error) {
		return CUPEDRatio(jointOfAll(t, times(s.y[0], unit), s.d[0], times(s.x[0], unit), times(s.d0[0], other)),
			jointOfAll(t, times(s.y[1], unit), s.d[1], times(s.x[1], unit), times(s.d0[1], other)), o)
	},
	"Quantiles": func(t require.TestingT, s sampleOf, unit, _ float64, o *TestOptions) (Comparison, error) {
		a, err := QuantileOf(times(s.y[0], unit), .5)
		require.NoError(t, err)
		b, err := QuantileOf(times(s.y[1], unit), .5)
		require.NoError(t, err)
		return Quantiles(a, b, o)
	},
	"Lin": func(t require.TestingT, s sampleOf, unit, other float64, o *TestOptions) (Comparison, error) {
		var d Observations
		for i := range s.y {
			for u, y := range s.y[i] {
				d.Y, d.Treated, d.X = append(d.Y, y*unit), append(d.Treated, i == 1), append(d.X, []float64{s.x[i][u] * other})
			}
		}
		return Lin(d, HC2, o)
	},
	"Interaction": func(t require.TestingT, s sampleOf, unit, _ float64, o *TestOptions) (Comparison, error) {
		var cells [2][2]*Moments
		for i := range cells {
			half := len(s.y[i]) / 2
			cells[i] = [2]*Moments{momentsOfAll(times(s.y[i][:half], unit)), momentsOfAll(times(s.y[i][half:], unit))}
		}
		return Interaction(cells, o)
	},
}

// near compares two estimates, of which one is in another unit.
func near(t require.TestingT, want, got Estimate, unit float64, msg string) {
	for i, p := range [][2]float64{{want.Value, got.Value}, {want.StdErr, got.StdErr}, {want.Lo, got.Lo}, {want.Hi, got.Hi}} {
		if math.IsInf(p[0], 0) || math.IsNaN(p[0]) {
			require.Equal(t, fmt.Sprint(p[0]), fmt.Sprint(p[1]), msg)
			continue
		}
		require.InDelta(t, p[0], p[1]/unit, 1e-8*(math.Abs(p[0])+want.StdErr), "%s: figure %d of an estimate", msg, i)
	}
}

// sameTest compares two results in which the outcome has another unit.
func sameTest(t require.TestingT, want, got Comparison, unit float64, msg string) {
	near(t, want.Absolute, got.Absolute, unit, msg+", absolute")
	near(t, want.Relative, got.Relative, 1, msg+", relative")
	require.InEpsilon(t, want.DF, got.DF, 1e-7, msg)
	require.InDelta(t, want.T, got.T, 1e-7*(1+math.Abs(want.T)), msg)
	for _, p := range [][2]float64{{want.P, got.P}, {want.PGreater, got.PGreater}, {want.PLess, got.PLess}} {
		require.InEpsilon(t, p[0], p[1], 1e-6, msg)
	}
	require.Equal(t, want.Warnings, got.Warnings, msg)
}

var metamorphicOptions = []*TestOptions{
	nil,
	{Scale: Relative, Alternative: Greater, Null: -.1},
	{Sequential: 100},
	{Sequential: 100, Alternative: Less},
	{Interval: Log},
	{Interval: Fieller},
}

// Units of measurement do not matter, from 1e-140 to 1e140.
func TestUnitsDoNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(81, 1))
	for range runs(60) {
		s := drawSample(r)
		for name, estimate := range estimators {
			for _, o := range metamorphicOptions {
				want, err := estimate(t, s, 1, 1, o)
				if err != nil {
					continue // intervals that do not go with the method, or with the means
				}
				unit, other := math.Ldexp(1, 2*r.IntN(460)-460), math.Ldexp(1, 4*r.IntN(200)-400)
				if strings.Contains(name, "Ratio") { // squares of ratios must be numbers
					unit, other = math.Ldexp(1, 2*r.IntN(200)-200), math.Ldexp(1, 4*r.IntN(100)-200)
				}
				msg := fmt.Sprintf("%s of %v with %+v in units of %g, the rest of %g", name, s, o, unit, other)
				got, err := estimate(t, s, unit, other, o)
				require.NoError(t, err, msg)
				sameTest(t, want, got, unit, msg)
			}
		}
		for _, unit := range []float64{0x1p-460, 0x1p-200, 0x1p300, 0x1p470} {
			arms := []*Moments{momentsOfAll(s.y[0]), momentsOfAll(s.y[1]), momentsOfAll(s.x[0])}
			want, err := AnyDifference(arms...)
			require.NoError(t, err)
			got, err := AnyDifference(momentsOfAll(times(s.y[0], unit)), momentsOfAll(times(s.y[1], unit)), momentsOfAll(times(s.x[0], unit)))
			require.NoError(t, err)
			require.InEpsilon(t, want.Statistic, got.Statistic, 1e-9)
			require.InEpsilon(t, want.DF2, got.DF2, 1e-9)
		}
	}
}

// Exchanged arms have the opposite effect.
func TestExchangedArms(t *testing.T) {
	r := rand.New(rand.NewPCG(82, 1))
	for range runs(60) {
		s := drawSample(r)
		swapped := sampleOf{}
		swapped.y, swapped.x = [2][]float64{s.y[1], s.y[0]}, [2][]float64{s.x[1], s.x[0]}
		swapped.d, swapped.d0 = [2][]float64{s.d[1], s.d[0]}, [2][]float64{s.d0[1], s.d0[0]}
		for name, estimate := range estimators {
			for _, o := range []*TestOptions{nil, {Sequential: 50}} {
				a, err := estimate(t, s, 1, 1, o)
				require.NoError(t, err)
				b, err := estimate(t, swapped, 1, 1, o)
				require.NoError(t, err)
				minus := Estimate{Value: -b.Absolute.Value, StdErr: b.Absolute.StdErr, Lo: -b.Absolute.Hi, Hi: -b.Absolute.Lo}
				near(t, a.Absolute, minus, 1, name)
				require.InDelta(t, a.T, -b.T, 1e-9*(1+math.Abs(a.T)), name)
				require.InEpsilon(t, a.DF, b.DF, 1e-9, name)
				require.InEpsilon(t, a.P, b.P, 1e-8, name)
				require.InEpsilon(t, a.PGreater, b.PLess, 1e-8, name)
			}
		}
	}
}

// The order in which users are listed does not matter.
func TestOrderOfUsers(t *testing.T) {
	r := rand.New(rand.NewPCG(83, 1))
	for range runs(60) {
		s := drawSample(r)
		shuffled := sampleOf{}
		for i := range s.y {
			for _, u := range r.Perm(len(s.y[i])) {
				shuffled.y[i], shuffled.x[i] = append(shuffled.y[i], s.y[i][u]), append(shuffled.x[i], s.x[i][u])
				shuffled.d[i], shuffled.d0[i] = append(shuffled.d[i], s.d[i][u]), append(shuffled.d0[i], s.d0[i][u])
			}
		}
		for name, estimate := range estimators {
			if name == "Interaction" {
				continue // whose cells are made by order
			}
			a, err := estimate(t, s, 1, 1, nil)
			require.NoError(t, err)
			b, err := estimate(t, shuffled, 1, 1, nil)
			require.NoError(t, err)
			sameTest(t, a, b, 1, name)
		}
	}
}

// Everybody twice: the same means, and half the variance of each, but for the
// divisor n − 1.
func TestEverybodyTwice(t *testing.T) {
	r := rand.New(rand.NewPCG(84, 1))
	for range runs(100) {
		s := drawSample(r)
		for i := range s.y {
			once := jointOfAll(t, s.y[i], s.x[i])
			twice := once.Clone()
			require.NoError(t, twice.Merge(once))
			n := float64(once.N())
			for a := range 2 {
				require.InEpsilon(t, once.Mean(a), twice.Mean(a), 1e-12)
				for b := range 2 {
					require.InEpsilon(t, once.Covariance(a, b)*(n-1)/n, twice.Covariance(a, b)*(2*n-1)/(2*n), 1e-9)
				}
			}
		}
		var shares, doubled [2]*Moments
		for i := range shares {
			n := int64(10 + r.IntN(500))
			x := float64(1 + r.Int64N(n-1))
			var err error
			shares[i], err = MomentsOf(Proportion, n, x, 0)
			require.NoError(t, err)
			doubled[i], err = MomentsOf(Proportion, 2*n, 2*x, 0)
			require.NoError(t, err)
		}
		for v := Score; v <= Miettinen; v++ {
			if v == AgrestiCaffo {
				continue // which adds the same to few as to many
			}
			a, err := Proportions(shares[0], shares[1], v, nil)
			require.NoError(t, err)
			b, err := Proportions(doubled[0], doubled[1], v, nil)
			require.NoError(t, err)
			total := float64(shares[0].N() + shares[1].N())
			want := math.Sqrt2
			if v == Miettinen {
				want *= math.Sqrt((2*total - 1) / (2 * total) * total / (total - 1))
			}
			require.InDelta(t, a.T*want, b.T, 1e-9*(1+math.Abs(b.T)), "%v", v)
		}
	}
}

// A readout does not know where zero is in time, what the clock on the wall
// says, or what users and arms are called.
func TestReadoutElsewhere(t *testing.T) {
	r := rand.New(rand.NewPCG(85, 1))
	zone := time.FixedZone("", -11*3600)
	for range runs(40) {
		shift := time.Duration(r.IntN(200_000_000)) * time.Second
		names := map[string]string{"a": "zz", "b": "c", "c": "long name"}
		rename := r.Perm(60)
		opts := &ReadoutOptions{Window: 10 * time.Hour, Retain: -1}
		here, there := mustReadout(t, opts), mustReadout(t, opts)
		for range 400 {
			user, hours := r.IntN(60), 100*r.Float64()
			when := at(hours)
			moved := when.Add(shift).In(zone)
			to := uint32(1 + rename[user])
			if r.IntN(3) == 0 {
				arm := []string{"a", "b", "a", "b", "c"}[user%5]
				epoch := r.IntN(2)
				require.NoError(t, here.Expose(uint32(user+1), Exposure{Arm: arm, At: when, Epoch: epoch}))
				require.NoError(t, there.Expose(to, Exposure{Arm: names[arm], At: moved, Epoch: epoch}))
				continue
			}
			v := float64(r.IntN(100))
			require.NoError(t, here.Record(uint32(user+1), "revenue", v, when))
			require.NoError(t, there.Record(to, "revenue", v, moved))
		}
		for _, o := range []TestOptions{{AsOf: at(80)}, {AsOf: at(95), Open: true, Covariates: []Covariate{{Before: 7 * time.Hour}}}, {AsOf: at(90), Covariates: []Covariate{{}}, Regression: true}} {
			want, err := here.Compare("revenue", "a", "b", &o)
			require.NoError(t, err)
			moved := o
			moved.AsOf = o.AsOf.Add(shift).In(zone)
			got, err := there.Compare("revenue", names["a"], names["b"], &moved)
			require.NoError(t, err)
			require.Equal(t, want.Population, got.Population)
			sameTest(t, want, got, 1, fmt.Sprint(shift))
		}
	}
}

// The Bayes factor is that of gamma functions, where these can be told apart,
// and knows only ratios where they cannot.
func TestSequentialSRMOfHugeCounts(t *testing.T) {
	r := rand.New(rand.NewPCG(86, 1))
	gamma := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	for range runs(300) {
		counts := []int{r.IntN(200), r.IntN(200), 1 + r.IntN(200)}
		weights := []float64{1 + r.Float64(), 2, 3}
		c := math.Pow(10, 6*r.Float64()-2)
		s, err := SequentialSRM(counts, weights, c)
		require.NoError(t, err)
		total := float64(counts[0] + counts[1] + counts[2])
		want := gamma(c) - gamma(c+total)
		for i, n := range counts {
			theta := weights[i] / (weights[0] + 5)
			want += gamma(c*theta+float64(n)) - gamma(c*theta) - float64(n)*math.Log(theta)
		}
		require.InDelta(t, 2*want, s.ChiSquare, 1e-8*(1+math.Abs(want)), "%v %v %g", counts, weights, c)
		require.InDelta(t, min(1, math.Exp(-want)), s.P, 1e-8)
	}
	// A relative difference that is 3 standard errors of each size.
	for _, size := range []int64{1 << 29, 1 << 40, 1 << 52, 1 << 60} {
		n := int(size)
		if int64(n) != size {
			continue // an int has 32 bits here
		}
		d := int(1.5 * math.Sqrt(float64(2*n)))
		s, err := SequentialSRM([]int{n - d, n + d}, []float64{1, 1}, 0)
		require.NoError(t, err)
		// ½·χ² less ½·ln of how much more is known than before.
		require.InDelta(t, 9-math.Log1p(2*float64(n)/defaultConcentration), s.ChiSquare, 1e-3)
	}
}
