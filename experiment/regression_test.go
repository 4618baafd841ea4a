package experiment

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// regressed is a readout of users with a covariate that says more of treated
// users, in units of up to two users where wanted, and the same users as a
// regression sees them.
func regressed(t testing.TB, r *rand.Rand, n int, units bool) (*Readout, Observations) {
	x := mustReadout(t, nil)
	var d Observations
	for u := 1; u <= n; u++ {
		arm, before := r.IntN(3)/2, 3*r.NormFloat64()
		unit := u
		if units {
			unit = (u + 1) / 2
			if u%2 == 0 { // a unit is in one arm
				arm = 0
				if d.Treated[u-2] {
					arm = 1
				}
			}
		}
		y := 20 + before*float64(1+arm) + r.NormFloat64()
		e := Exposure{Arm: []string{"a", "b"}[arm], At: at(0)}
		if units {
			e.Unit = fmt.Sprint(unit)
		}
		require.NoError(t, x.Expose(uint32(u), e))
		record(t, x, uint32(u), "revenue", before, -1)
		record(t, x, uint32(u), "revenue", y, 1)
		d.Y, d.Treated, d.X = append(d.Y, y), append(d.Treated, arm == 1), append(d.X, []float64{before})
		if units {
			d.Cluster = append(d.Cluster, unit)
		}
	}
	return x, d
}

// In a readout the regression is that of the users' values, for every kind of
// standard error, and sharper than one coefficient for both arms.
func TestReadoutRegressionIsLin(t *testing.T) {
	for _, units := range []bool{false, true} {
		x, d := regressed(t, rand.New(rand.NewPCG(4, 4)), 300, units)
		for se := HC2; se <= Classical; se++ {
			o := &TestOptions{Regression: true, StdErr: se, Covariates: []Covariate{{}}}
			got, err := x.Compare("revenue", "a", "b", o)
			require.NoError(t, err)
			want, err := Lin(d, se, nil)
			require.NoError(t, err)
			for _, p := range [][2]float64{
				{want.Absolute.Value, got.Absolute.Value},
				{want.Absolute.StdErr, got.Absolute.StdErr},
				{want.Absolute.Lo, got.Absolute.Lo},
				{want.Relative.StdErr, got.Relative.StdErr},
				{want.DF, got.DF},
				{want.Control.Mean, got.Control.Mean},
				{want.Control.StdErr, got.Control.StdErr},
				{want.Treatment.StdErr, got.Treatment.StdErr},
			} {
				require.InDelta(t, p[0], p[1], 1e-9*(1+math.Abs(p[0])), "%v %v", se, units)
			}
			require.Contains(t, got.Method, "Lin's regression")
			require.Contains(t, fmt.Sprint(got.Adjustments), "1 covariates by regression")
			if units {
				require.Contains(t, got.Method, "CR1")
				continue
			}
			common, err := x.Compare("revenue", "a", "b", &TestOptions{Covariates: []Covariate{{}}})
			require.NoError(t, err)
			require.Less(t, got.Absolute.StdErr, common.Absolute.StdErr)
		}
	}
}

// In strata, which weigh as their users: one that is the whole changes nothing,
// and several keep their level.
func TestReadoutRegressionInStrata(t *testing.T) {
	x, _ := regressed(t, rand.New(rand.NewPCG(4, 4)), 300, false)
	o := &TestOptions{Regression: true, Covariates: []Covariate{{}}}
	want, err := x.Compare("revenue", "a", "b", o)
	require.NoError(t, err)
	o.Stratum = func(uint32) string { return "all" }
	got, err := x.Compare("revenue", "a", "b", o)
	require.NoError(t, err)
	require.Equal(t, want.Absolute, got.Absolute)
	r := rand.New(rand.NewPCG(14, 15))
	n, rejected := runs(400), 0
	for range n {
		x := mustReadout(t, nil)
		for u := uint32(1); u <= 240; u++ {
			before := r.NormFloat64()
			expose(t, x, u, []string{"a", "b"}[r.IntN(2)], 0)
			record(t, x, u, "revenue", before, -1)
			record(t, x, u, "revenue", 5+float64(u%3)*(1+before)+r.NormFloat64(), 1)
		}
		o.Stratum = func(u uint32) string { return fmt.Sprint(u % 3) }
		c, err := x.Compare("revenue", "a", "b", o)
		require.NoError(t, err)
		if c.P < .05 {
			rejected++
		}
	}
	lo, hi := band(n, .05)
	t.Logf("%.2f %% of %d", 100*float64(rejected)/float64(n), n)
	require.GreaterOrEqual(t, float64(rejected), lo)
	require.LessOrEqual(t, float64(rejected), hi)
}

// Without covariates it is the plain comparison; what cannot be is refused.
func TestReadoutRegressionEdges(t *testing.T) {
	x, _ := regressed(t, rand.New(rand.NewPCG(4, 4)), 60, false)
	got, err := x.Compare("revenue", "a", "b", &TestOptions{Regression: true})
	require.NoError(t, err)
	want, err := x.Compare("revenue", "a", "b", nil)
	require.NoError(t, err)
	require.InDelta(t, want.Absolute.StdErr, got.Absolute.StdErr, 1e-9)
	for _, o := range []TestOptions{
		{StdErr: HC3},
		{Regression: true, StdErr: 9},
		{Regression: true, Interval: Fieller},
	} {
		_, err := x.Compare("revenue", "a", "b", &o)
		require.ErrorIs(t, err, ErrInvalid)
	}
	// An indicator is a covariate too: there may be 63 of both.
	many := make([]Covariate, 40)
	for i := range many {
		many[i] = Covariate{Metric: "orders", Unknown: i < 23}
	}
	for _, o := range []*TestOptions{{Covariates: many}, {Covariates: many, Regression: true}} {
		_, err := x.Compare("revenue", "a", "b", o)
		require.NoError(t, err)
		o.Covariates[23].Unknown = true
		_, err = x.Compare("revenue", "a", "b", o)
		require.ErrorIs(t, err, ErrInvalid)
		o.Covariates[23].Unknown = false
	}
	// Covariates that say nothing, or the same again, are left out.
	useless := []Covariate{{}, {Metric: "orders"}, {Metric: "conversion"}, {}}
	with, err := x.Compare("revenue", "a", "b", &TestOptions{Regression: true, Covariates: useless})
	require.NoError(t, err)
	want, err = x.Compare("revenue", "a", "b", &TestOptions{Regression: true, Covariates: useless[:1]})
	require.NoError(t, err)
	require.Equal(t, want.Absolute, with.Absolute)
	// Checks that take no covariates take no regression's either.
	_, err = x.Balance("a", "b", &TestOptions{Regression: true, Covariates: []Covariate{{Metric: "revenue"}}})
	require.NoError(t, err)
	_, err = x.Influence("revenue", "a", "b", 2, &TestOptions{Regression: true, Covariates: []Covariate{{}}})
	require.NoError(t, err)
	always, err := x.Compare("revenue", "a", "b", &TestOptions{Regression: true, Sequential: 100})
	require.NoError(t, err)
	require.Contains(t, always.Method, "always valid")
	require.NoError(t, errors.Join(always.Warnings...))
}
