package design

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/stats"
)

type golden struct {
	ID, Family, Src string
	Input           map[string]json.RawMessage
	Want            map[string]json.RawMessage
	Tol             float64
}

// Reference values of R's stats and pwr and of statsmodels.
func TestGolden(t *testing.T) {
	ran := map[string]int{}
	for _, file := range []string{"r", "py"} {
		data, err := os.ReadFile("../testdata/golden/" + file + ".json")
		require.NoError(t, err)
		var cases []golden
		require.NoError(t, json.Unmarshal(data, &cases))
		for _, g := range cases {
			in := func(name string) (x float64) {
				if raw, ok := g.Input[name]; ok {
					require.NoError(t, json.Unmarshal(raw, &x), g.ID)
				}
				return x
			}
			check := func(name string, got float64, err error) {
				raw, ok := g.Want[name]
				if !ok {
					return
				}
				var want float64
				require.NoError(t, err, g.ID)
				require.NoError(t, json.Unmarshal(raw, &want))
				require.InDelta(t, want, got, g.Tol*max(1, math.Abs(want)), "%s %s", g.ID, name)
				ran[g.Family]++
			}
			o := Options{Alpha: in("alpha"), Power: in("power")}
			if g.Family == "size_z" || g.Family == "power_t_unequal" {
				o.Ratio = in("ratio")
			}
			switch alt := string(g.Input["alternative"]); alt {
			case ``, `"two.sided"`, `"two-sided"`:
			default:
				o.OneSided = true
			}
			strict := o
			strict.Strict = true
			switch g.Family {
			case "power_t":
				p, err := MeanPower(in("n"), in("delta"), in("sd"), &o)
				check("power", p, err)
				p, err = MeanPower(in("n"), in("delta"), in("sd"), &strict)
				check("power_strict", p, err)
			case "size_t":
				n, err := MeanSize(in("delta"), in("sd"), &o)
				check("n", n, err)
			case "power_t_unequal":
				p, err := MeanPower(in("n1"), in("d"), 1, &strict)
				check("power", p, err)
			case "pwr_t2n":
				strict.Ratio = in("n2") / in("n1")
				p, err := MeanPower(in("n1"), in("d"), 1, &strict)
				check("power", p, err)
			case "pwr_2p2n":
				p, err := NormalPower(in("h"), math.Sqrt(1/in("n1")+1/in("n2")), &strict)
				check("power", p, err)
			case "size_z":
				n, err := NormalSize(in("d"), 1, &strict)
				check("n1", n, err)
			case "mde_z":
				se := math.Sqrt(in("sd_a")*in("sd_a")/in("n_a") + in("sd_b")*in("sd_b")/in("n_b"))
				d, err := Effect(se, &o)
				check("mde", d, err)
				o.Correlation = .5
				d, err = Effect(se, &o)
				check("cuped_mde_rho_0_5", d, err)
			case "power_prop":
				p, err := ProportionPower(in("n"), in("p1"), in("p2"), &o)
				check("power", p, err)
				p, err = ProportionPower(in("n"), in("p1"), in("p2"), &strict)
				check("power_strict", p, err)
			case "size_prop":
				n, err := ProportionSize(in("p1"), in("p2"), &o)
				check("n", n, err)
				n, err = ProportionSize(in("p1"), in("p2"), &strict)
				check("n_strict", n, err)
			case "pwr_anova":
				require.Equal(t, 3., in("k"))
				a := in("f") * math.Sqrt(1.5)
				p, err := ArmsPower(in("n"), []float64{-a, 0, a}, 1, &o)
				check("power", p, err)
			case "pwr_chisq":
				check("power", noncentralChiSquare(stats.ChiSquareISF(o.Alpha, in("df")), in("df"), in("N")*in("w")*in("w")), nil)
			case "mde_prop":
				p, err := ProportionEffect(in("n"), in("p1"), &o)
				check("p2", p, err)
			}
		}
	}
	t.Log(ran)
	require.Len(t, ran, 12)
}

// Size, power and effect are each other's inverses.
func TestRoundTrips(t *testing.T) {
	for _, o := range []*Options{nil, {Alpha: .01, Power: .9, Ratio: 3}, {OneSided: true, Correlation: .6}, {OneSided: true, Margin: .3}} {
		want := .8
		if o != nil && o.Power > 0 {
			want = o.Power
		}
		n, err := MeanSize(.4, 3, o)
		require.NoError(t, err)
		p, err := MeanPower(n, .4, 3, o)
		require.NoError(t, err)
		require.InDelta(t, want, p, 1e-9)
		d, err := MeanEffect(n, 3, o)
		require.NoError(t, err)
		require.InDelta(t, .4, d, 1e-8)
		n, err = ProportionSize(.2, .25, o)
		require.NoError(t, err)
		q, err := ProportionEffect(n, .2, o)
		require.NoError(t, err)
		require.InDelta(t, .25, q, 1e-8)
	}
}

func TestImpossibleDesigns(t *testing.T) {
	nan := math.NaN()
	for i, f := range []func() (float64, error){
		func() (float64, error) { return MeanSize(0, 1, nil) },
		func() (float64, error) { return MeanSize(1, 0, nil) },
		func() (float64, error) { return MeanSize(nan, 1, nil) },
		func() (float64, error) { return MeanSize(1e-30, 1, nil) },
		func() (float64, error) { return MeanPower(1, 1, 1, nil) },
		func() (float64, error) { return MeanPower(nan, 1, 1, nil) },
		func() (float64, error) { return MeanEffect(1, 1, nil) },
		func() (float64, error) { return MeanEffect(10, -1, nil) },
		func() (float64, error) { return MeanSize(1, 1, &Options{Alpha: 1}) },
		func() (float64, error) { return MeanSize(1, 1, &Options{Power: .01}) },
		func() (float64, error) { return MeanSize(1, 1, &Options{Power: 1.5}) },
		func() (float64, error) { return MeanSize(1, 1, &Options{Ratio: -1}) },
		func() (float64, error) { return MeanSize(1, 1, &Options{Correlation: 1}) },
		func() (float64, error) { return MeanSize(1, 1, &Options{Margin: -1}) },
		func() (float64, error) { return ProportionSize(.1, .1, nil) },
		func() (float64, error) { return ProportionSize(0, .1, nil) },
		func() (float64, error) { return ProportionSize(.1, 1, nil) },
		func() (float64, error) { return ProportionPower(0, .1, .2, nil) },
		func() (float64, error) { return ProportionEffect(2, .9, nil) },
		func() (float64, error) { return ProportionEffect(100, 1, nil) },
		func() (float64, error) { return Effect(0, nil) },
		func() (float64, error) { return NormalPower(nan, 1, nil) },
		func() (float64, error) { return NormalPower(1, 0, nil) },
		func() (float64, error) { return NormalSize(0, 1, nil) },
		func() (float64, error) { return Arcsine(-1, .5) },
		func() (float64, error) { return Arcsine(.5, 2) },
		func() (float64, error) { return Duration(0, 2, 10) },
		func() (float64, error) { return Duration(10, 0, 10) },
		func() (float64, error) { return Duration(10, 2, 0) },
	} {
		x, err := f()
		require.ErrorIs(t, err, ErrInput, i)
		require.Zero(t, x)
		require.Contains(t, err.Error(), "design: ")
	}
}

func ExampleProportionSize() {
	n, err := ProportionSize(.10, .12, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	days, _ := Duration(n, 2, 1_200)
	fmt.Printf("%.0f users per arm, %.1f days at 1,200 users a day\n", math.Ceil(n), days)
	// Output: 3841 users per arm, 6.4 days at 1,200 users a day
}

func ExampleMeanEffect() {
	for _, r := range []float64{0, .5, .7} {
		d, _ := MeanEffect(20_000, 40, &Options{Correlation: r})
		fmt.Printf("correlation %.1f: %.3f\n", r, d)
	}
	// Output:
	// correlation 0.0: 1.121
	// correlation 0.5: 0.971
	// correlation 0.7: 0.800
}

func BenchmarkMeanSize(b *testing.B) {
	for b.Loop() {
		if _, err := MeanSize(.5, 12, nil); err != nil {
			b.Fatal(err)
		}
	}
}
