package experiment

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// formedReadout is a readout with every form of a metric over the same rows,
// and the values of its users by arm.
func formedReadout(t *testing.T, n int) (r *Readout, spend, orders [2][]float64) {
	r = mustReadout(t, &ReadoutOptions{Metrics: []Metric{
		{Name: "spend", Aggregate: SumValues},
		{Name: "orders", Aggregate: SumValues},
		{Name: "capped", Event: "Order", Fields: []string{"v"}, Aggregate: SumValues, Cap: .9},
		{Name: "both", Event: "Order", Fields: []string{"v"}, Aggregate: SumValues, Floor: .1, Cap: .95},
		{Name: "raised", Event: "Order", Fields: []string{"v"}, Aggregate: SumValues, Floor: .2},
		{Name: "trimmed", Event: "Order", Fields: []string{"v"}, Aggregate: SumValues, Trim: .1},
		{Name: "p75", Event: "Order", Fields: []string{"v"}, Aggregate: SumValues, Quantile: .75},
		{Name: "per order", Event: "Order", Fields: []string{"v"}, Aggregate: SumValues, Per: "orders"},
	}})
	rnd := rand.New(rand.NewPCG(5, 6))
	for i := range n {
		arm, user := i%2, uint32(i+1)
		expose(t, r, user, []string{"a", "b"}[arm], 0)
		k := 1 + rnd.IntN(3)
		v := math.Round(100*rnd.ExpFloat64()*float64(k)*(1+.2*float64(arm))) / 100
		record(t, r, user, "orders", float64(k), 1)
		record(t, r, user, "spend", v, 1)
		require.NoError(t, r.Observe(user, "Order", map[string]any{"v": v}, at(1)))
		spend[arm] = append(spend[arm], v)
		orders[arm] = append(orders[arm], float64(k))
	}
	return r, spend, orders
}

func TestFormsAgreeWithTheirEstimators(t *testing.T) {
	r, spend, orders := formedReadout(t, 600)
	var joints [2]*Joint
	var q [2]Quantile
	for i := range joints {
		joints[i], _ = NewJoint(Mean, Mean)
		for u, v := range spend[i] {
			joints[i].Add(v, orders[i][u])
		}
		var err error
		q[i], err = QuantileOf(spend[i], .75)
		require.NoError(t, err)
	}
	wants := map[string]func() (Comparison, error){
		"per order": func() (Comparison, error) { return Ratio(joints[0], joints[1], nil) },
		"trimmed":   func() (Comparison, error) { return Yuen(spend[0], spend[1], .1, nil) },
		"p75":       func() (Comparison, error) { return Quantiles(q[0], q[1], nil) },
		"both": func() (Comparison, error) {
			a, b, least, most, err := Winsorize(spend[0], spend[1], .1, .95)
			require.NoError(t, err)
			require.Equal(t, least, slices.Min(a))
			require.Equal(t, most, slices.Max(b))
			return Welch(momentsOf(t, Mean, a...), momentsOf(t, Mean, b...), nil)
		},
		"raised": func() (Comparison, error) {
			a, b, _, most, err := Winsorize(spend[0], spend[1], .2, 1)
			require.NoError(t, err)
			require.Equal(t, most, max(slices.Max(spend[0]), slices.Max(spend[1])))
			return Welch(momentsOf(t, Mean, a...), momentsOf(t, Mean, b...), nil)
		},
		"capped": func() (Comparison, error) {
			a, b, _, err := Cap(spend[0], spend[1], .9)
			require.NoError(t, err)
			return Welch(momentsOf(t, Mean, a...), momentsOf(t, Mean, b...), nil)
		},
	}
	for name, f := range wants {
		got, err := r.Compare(name, "a", "b", nil)
		require.NoError(t, err, name)
		want, err := f()
		require.NoError(t, err, name)
		require.InDelta(t, want.Absolute.Value, got.Absolute.Value, 1e-9, name)
		require.InEpsilon(t, want.Absolute.StdErr, got.Absolute.StdErr, 1e-9, name)
		require.InEpsilon(t, want.Relative.StdErr, got.Relative.StdErr, 1e-9, name)
		require.InEpsilon(t, want.DF, got.DF, 1e-9, name)
		require.InEpsilon(t, want.P, got.P, 1e-8, name)
	}
}

// Every form rejects a true null as often as it says, also with covariates,
// strata and clusters at once.
func TestFormsTypeIError(t *testing.T) {
	n := runs(400)
	names := []string{"trimmed", "p75", "per order", "capped"}
	rejected := map[string]int{}
	rnd := rand.New(rand.NewPCG(7, 8))
	for range n {
		r := mustReadout(t, &ReadoutOptions{Metrics: []Metric{
			{Name: "orders", Aggregate: SumValues},
			{Name: "trimmed", Aggregate: SumValues, Trim: .1},
			{Name: "p75", Aggregate: SumValues, Quantile: .75},
			{Name: "capped", Aggregate: SumValues, Cap: .95},
			{Name: "per order", Aggregate: SumValues, Per: "orders"},
		}})
		for unit := range 150 {
			shared, arm := rnd.ExpFloat64(), rnd.IntN(2)
			for member := range 2 {
				user := uint32(2*unit + member + 1)
				require.NoError(t, r.Expose(user, Exposure{Arm: []string{"a", "b"}[arm], Unit: fmt.Sprint(unit), At: at(0)}))
				before := rnd.NormFloat64()
				record(t, r, user, "orders", 1+shared, 1)
				record(t, r, user, "before", before, -1)
				for _, m := range names {
					record(t, r, user, m, shared+rnd.ExpFloat64()+before+float64(unit%3), 1)
				}
			}
		}
		o := &TestOptions{Covariates: []Covariate{{Metric: "before"}}, Stratum: func(u uint32) string { return fmt.Sprint((u - 1) / 2 % 3) }}
		for _, m := range names {
			c, err := r.Compare(m, "a", "b", o)
			require.NoError(t, err)
			if c.P < .05 {
				rejected[m]++
			}
		}
	}
	lo, _ := band(n, .05)
	for _, m := range names {
		if m != "p75" { // order statistics lie wide of small strata
			require.GreaterOrEqual(t, float64(rejected[m]), lo, m)
		}
		// Quantiles and few units per stratum are asymptotic: one point above.
		_, hi := band(n, .06)
		require.LessOrEqual(t, float64(rejected[m]), hi, m)
	}
}

func TestStrataOfUsers(t *testing.T) {
	r := mustReadout(t, nil)
	rnd := rand.New(rand.NewPCG(3, 9))
	country := func(u uint32) string { return []string{"nz", "au", "fj"}[u%3] }
	values := map[string][2][]float64{}
	for u := uint32(1); u <= 300; u++ {
		arm := rnd.IntN(2)
		v := float64(100*(u%3)) + rnd.NormFloat64() + float64(arm)
		expose(t, r, u, []string{"a", "b"}[arm], 0)
		record(t, r, u, "m", v, 1)
		x := values[country(u)]
		x[arm] = append(x[arm], v)
		values[country(u)] = x
	}
	c, err := r.Compare("m", "a", "b", &TestOptions{Stratum: country})
	require.NoError(t, err)
	effect, v := 0.0, 0.0
	for _, name := range []string{"nz", "au", "fj"} {
		x := values[name]
		w, err := Welch(momentsOf(t, Mean, x[0]...), momentsOf(t, Mean, x[1]...), nil)
		require.NoError(t, err)
		share := float64(len(x[0])+len(x[1])) / 300
		effect += share * w.Absolute.Value
		v += share * share * w.Absolute.StdErr * w.Absolute.StdErr
	}
	require.InDelta(t, effect, c.Absolute.Value, 1e-9)
	require.InEpsilon(t, math.Sqrt(v), c.Absolute.StdErr, 1e-9)
	plain, err := r.Compare("m", "a", "b", nil)
	require.NoError(t, err)
	require.Less(t, c.Absolute.StdErr, .05*plain.Absolute.StdErr)
	require.Contains(t, c.Method, "stratified by stratum")
}

// Users of whom nothing was known are not users who did nothing: with an
// indicator the covariate explains what it can.
func TestUnknownCovariates(t *testing.T) {
	r := mustReadout(t, nil)
	rnd := rand.New(rand.NewPCG(3, 10))
	rows := [2][][]float64{}
	type row struct{ y, x, has float64 }
	var all [2][]row
	sum, known := 0.0, 0.0
	for u := uint32(1); u <= 400; u++ {
		arm := rnd.IntN(2)
		x := 20 + rnd.NormFloat64()
		y := x + .3*rnd.NormFloat64()
		has := float64(u % 2)
		expose(t, r, u, []string{"a", "b"}[arm], 0)
		record(t, r, u, "m", y, 1)
		if has == 1 {
			record(t, r, u, "m", x, -1)
			sum += x
			known++
		}
		all[arm] = append(all[arm], row{y, x, has})
	}
	for i := range all {
		for _, v := range all[i] {
			if v.has == 0 {
				v.x = sum / known
			}
			rows[i] = append(rows[i], []float64{v.y, v.x, v.has})
		}
	}
	want, err := CUPED(jointOf(t, rows[0]...), jointOf(t, rows[1]...), nil)
	require.NoError(t, err)
	got, err := r.Compare("m", "a", "b", &TestOptions{Covariates: []Covariate{{Unknown: true}}})
	require.NoError(t, err)
	require.InDelta(t, want.Absolute.Value, got.Absolute.Value, 1e-9)
	require.InEpsilon(t, want.Absolute.StdErr, got.Absolute.StdErr, 1e-9)
	zero, err := r.Compare("m", "a", "b", &TestOptions{Covariates: []Covariate{{}}})
	require.NoError(t, err)
	require.Less(t, got.Absolute.StdErr, .9*zero.Absolute.StdErr)
}

func TestWinsorizeRefuses(t *testing.T) {
	xs := []float64{3, 1, 2}
	for _, c := range []struct {
		a         []float64
		low, high float64
		err       error
	}{
		{xs, -.1, 1, ErrInvalid},
		{xs, .5, .5, ErrInvalid},
		{xs, 0, 1.1, ErrInvalid},
		{xs, math.NaN(), 1, ErrInvalid},
		{nil, 0, 1, ErrTooFew},
		{[]float64{1, math.Inf(1)}, 0, 1, ErrNotFinite},
	} {
		_, _, _, _, err := Winsorize(c.a, nil, c.low, c.high)
		require.ErrorIs(t, err, c.err)
	}
	a, b, least, most, err := Winsorize(xs, nil, 0, 1)
	require.NoError(t, err)
	require.Equal(t, xs, a)
	require.Empty(t, b)
	require.Equal(t, [2]float64{1, 3}, [2]float64{least, most})
	_, _, _, err = Cap(xs, xs, 1)
	require.ErrorIs(t, err, ErrInvalid)
}

func TestFormsThatCannotBe(t *testing.T) {
	plain := Metric{Name: "d", Aggregate: SumValues}
	for _, m := range []Metric{
		{Name: "x", Per: "x"},
		{Name: "x", Per: "nobody"},
		{Name: "x", Aggregate: SumValues, Cap: 1},
		{Name: "x", Aggregate: SumValues, Cap: math.NaN()},
		{Name: "x", Aggregate: SumValues, Floor: 1},
		{Name: "x", Aggregate: SumValues, Floor: -.1},
		{Name: "x", Aggregate: SumValues, Floor: .5, Cap: .5},
		{Name: "x", Aggregate: AnyEvent, Floor: .1},
		{Name: "x", Aggregate: SumValues, Trim: .5},
		{Name: "x", Aggregate: SumValues, Quantile: -1},
		{Name: "x", Aggregate: SumValues, Quantile: .5, Trim: .1},
		{Name: "x", Aggregate: AnyEvent, Quantile: .5},
	} {
		_, err := NewReadout("e", &ReadoutOptions{Metrics: []Metric{plain, m}})
		require.ErrorIs(t, err, ErrInvalid, "%+v", m)
	}
	r := mustReadout(t, &ReadoutOptions{Metrics: []Metric{plain, {Name: "x", Aggregate: SumValues, Per: "d"}, {Name: "median", Aggregate: SumValues, Quantile: .5}}})
	for u := uint32(1); u <= 4; u++ {
		expose(t, r, u, []string{"a", "b"}[u%2], 0)
		record(t, r, u, "x", 1, 1)
	}
	_, err := r.Compare("x", "a", "b", nil)
	require.ErrorIs(t, err, ErrZero)
	c, err := r.Compare("median", "a", "b", nil)
	require.NoError(t, err)
	require.ErrorIs(t, errors.Join(c.Warnings...), ErrNoVariance)
}
