package exact

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/experiment"
)

// Reference values by SciPy: closed sums and quadrature.
func TestProportionPosteriorGolden(t *testing.T) {
	data, err := os.ReadFile("../testdata/golden/py.json")
	require.NoError(t, err)
	var cases []struct {
		ID, Family string
		Input      json.RawMessage
		Want       json.RawMessage
		Tol        float64
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	ran := 0
	for _, g := range cases {
		if g.Family != "beta_binomial" {
			continue
		}
		var in struct {
			XA int64   `json:"x_a"`
			NA int64   `json:"n_a"`
			XB int64   `json:"x_b"`
			NB int64   `json:"n_b"`
			A  float64 `json:"prior_a"`
			B  float64 `json:"prior_b"`
		}
		var want struct {
			P     float64    `json:"p_b_beats_a"`
			LossB float64    `json:"loss_choose_b"`
			LossA float64    `json:"loss_choose_a"`
			MeanA float64    `json:"mean_a"`
			MeanB float64    `json:"mean_b"`
			CI    [2]float64 `json:"ci_a"`
		}
		require.NoError(t, json.Unmarshal(g.Input, &in))
		require.NoError(t, json.Unmarshal(g.Want, &want))
		c, err := ProportionPosterior(Table{Count{in.XA, in.NA}, Count{in.XB, in.NB}}, Beta{in.A, in.B}, 0)
		require.NoError(t, err)
		for name, v := range map[string][2]float64{
			"chance": {want.P, c.ChanceToWin}, "loss of b": {want.LossB, c.LossOfTreatment}, "loss of a": {want.LossA, c.LossOfControl},
			"a": {want.MeanA, c.Control.Value}, "b": {want.MeanB, c.Treatment.Value}, "lo": {want.CI[0], c.Control.Lo}, "hi": {want.CI[1], c.Control.Hi},
		} {
			require.InDelta(t, v[0], v[1], g.Tol, "%s %s", g.ID, name)
			require.InEpsilon(t, v[0], v[1], 1e-7, "%s %s", g.ID, name)
		}
		ran++
	}
	require.Equal(t, 7, ran)
}

// The chance by the closed sum of integer counts, the losses by their difference
// being that of the means; exchanged arms exchange the answers; many users agree
// with the normal posterior.
func TestProportionPosteriorAgainstTheSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		na, nb := rapid.Int64Range(1, 2000).Draw(t, "na"), rapid.Int64Range(1, 2000).Draw(t, "nb")
		table := Table{Count{rapid.Int64Range(0, na).Draw(t, "xa"), na}, Count{rapid.Int64Range(0, nb).Draw(t, "xb"), nb}}
		c, err := ProportionPosterior(table, Beta{}, 0)
		require.NoError(t, err)
		lbeta := func(a, b float64) float64 {
			x, _ := math.Lgamma(a)
			y, _ := math.Lgamma(b)
			z, _ := math.Lgamma(a + b)
			return x + y - z
		}
		a, b := Beta{1, 1}.after(table.Control), Beta{1, 1}.after(table.Treatment)
		want := 0.0
		for i := 0.0; i < b.A; i++ {
			want += math.Exp(lbeta(a.A+i, a.B+b.B) - math.Log(b.B+i) - lbeta(1+i, b.B) - lbeta(a.A, a.B))
		}
		require.InDelta(t, want, c.ChanceToWin, 1e-9)
		require.InDelta(t, c.Treatment.Value-c.Control.Value, c.LossOfControl-c.LossOfTreatment, 1e-11)
		back, err := ProportionPosterior(Table{table.Treatment, table.Control}, Beta{}, 0)
		require.NoError(t, err)
		require.InDelta(t, 1, c.ChanceToWin+back.ChanceToWin, 1e-10)
		require.InDelta(t, c.LossOfControl, back.LossOfTreatment, 1e-13)
		for _, p := range []Beta{{.5, .5}, {.5, 3}, {200, 1e4}} {
			c, err := ProportionPosterior(table, p, 0)
			require.NoError(t, err)
			require.InDelta(t, c.Treatment.Value-c.Control.Value, c.LossOfControl-c.LossOfTreatment, 1e-10, "%v", p)
		}
	})
	for _, n := range []int64{1e6, 1e9, 1e12} {
		x := n / 10
		more := int64(1.3 * math.Sqrt(.18*float64(n)))
		c, err := ProportionPosterior(Table{Count{x, n}, Count{x + more, n}}, Beta{}, 0)
		require.NoError(t, err)
		w, err := experiment.Welch(binomial(t, x, n), binomial(t, x+more, n), nil)
		require.NoError(t, err)
		p, err := w.Posterior(experiment.Prior{})
		require.NoError(t, err)
		require.InDelta(t, p.ChanceToWin, c.ChanceToWin, 3/math.Sqrt(float64(n)))
		require.InEpsilon(t, p.LossOfTreatment, c.LossOfTreatment, 20/math.Sqrt(float64(n)))
	}
}

// Failures for successes, under the prior exchanged, exchange the answers,
// however close to 1 the proportions are.
func TestProportionPosteriorMirrored(t *testing.T) {
	for _, c := range []struct {
		t Table
		p Beta
	}{
		{Table{Count{3, 10}, Count{1, 12}}, Beta{.5, 2}},
		{Table{Count{3, 1e9}, Count{1, 1e9}}, Beta{.5, .5}},
		{Table{Count{0, 1}, Count{0, 1}}, Beta{.5, 1e9}},
		{Table{Count{0, 1e12}, Count{1, 1e12}}, Beta{}},
	} {
		got, err := ProportionPosterior(c.t, c.p, 0)
		require.NoError(t, err)
		failures := func(c Count) Count { return Count{c.Users - c.Successes, c.Users} }
		m, err := ProportionPosterior(Table{failures(c.t.Control), failures(c.t.Treatment)}, Beta{c.p.B, c.p.A}, 0)
		require.NoError(t, err)
		require.InDelta(t, got.ChanceToWin, 1-m.ChanceToWin, 1e-9, "%v", c)
		require.InEpsilon(t, got.LossOfControl, m.LossOfTreatment, 1e-9, "%v", c)
		require.InEpsilon(t, got.LossOfTreatment, m.LossOfControl, 1e-9, "%v", c)
	}
}

func binomial(t *testing.T, x, n int64) *experiment.Moments {
	m, err := experiment.MomentsOf(experiment.Proportion, n, float64(x), 0)
	require.NoError(t, err)
	return m
}

// Rates that are drawn from the prior are in the intervals as often as they say,
// and the treatment wins as often as it is given a chance.
func TestProportionPosteriorIsCalibrated(t *testing.T) {
	r := rand.New(rand.NewPCG(63, 64))
	const n = 400
	held, off := 0, 0.0
	for range n {
		var rate [2]float64
		var count [2]Count
		for i, users := range []int{25, 40} {
			rate[i] = max(r.Float64(), r.Float64()) // beta of 2 and 1
			count[i].Users = int64(users)
			for range users {
				if r.Float64() < rate[i] {
					count[i].Successes++
				}
			}
		}
		c, err := ProportionPosterior(Table{count[0], count[1]}, Beta{2, 1}, .8)
		require.NoError(t, err)
		for i, e := range []experiment.Estimate{c.Control, c.Treatment} {
			if e.Lo <= rate[i] && rate[i] <= e.Hi {
				held++
			}
		}
		if off += c.ChanceToWin; rate[1] > rate[0] {
			off--
		}
	}
	require.InDelta(t, .8, float64(held)/(2*n), 3.29*math.Sqrt(.8*.2/(2*n)))
	require.InDelta(t, 0, off/n, 3.29*.5/math.Sqrt(n))
}

func ExampleProportionPosterior() {
	c, err := ProportionPosterior(Table{Control: Count{10, 100}, Treatment: Count{15, 100}}, Beta{}, 0)
	fmt.Printf("better with %.1f %%, loss of shipping %.2f points, of staying %.2f, %v\n", 100*c.ChanceToWin, 100*c.LossOfTreatment, 100*c.LossOfControl, err)
	// Output:
	// better with 85.3 %, loss of shipping 0.36 points, of staying 5.26, <nil>
}
