package exact

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/experiment"
)

// TestGolden holds every family of the reference values that this package has:
// |got − want| ≤ tol·max(1, |want|), relatively for p-values.
func TestGolden(t *testing.T) {
	ran := map[string]int{}
	for _, file := range []string{"r", "py"} {
		data, err := os.ReadFile("../testdata/golden/" + file + ".json")
		require.NoError(t, err)
		var cases []struct {
			ID, Family string
			Input      json.RawMessage
			Want       map[string]json.RawMessage
			Tol        float64
		}
		require.NoError(t, json.Unmarshal(data, &cases))
		for _, g := range cases {
			check := func(name string, got float64) {
				raw, ok := g.Want[name]
				if !ok {
					return
				}
				var want float64
				require.NoError(t, json.Unmarshal(raw, &want), g.ID)
				ran[g.Family]++
				if name[0] == 'p' && want > 0 {
					require.InEpsilon(t, want, got, g.Tol, "%s %s", g.ID, name)
					return
				}
				require.InDelta(t, want, got, g.Tol*max(1, math.Abs(want)), "%s %s", g.ID, name)
			}
			var in struct {
				X, N, A, B, C, D   int64
				P0, Alpha          float64
				Method             string
				Alternative        string
				Tables             [][4]int64
				Correct            bool
				C1, C2             int64
				T1, T2             float64
				Control, Treatment []float64
			}
			switch g.Family {
			case "fisher", "fisher_or", "prop_ci", "binom_test", "cmh", "poisson_rate_ratio", "mann_whitney":
				require.NoError(t, json.Unmarshal(g.Input, &in), g.ID)
			}
			switch g.Family {
			case "fisher":
				alt := map[string]experiment.Alternative{"two.sided": experiment.TwoSided, "greater": experiment.Greater, "less": experiment.Less}[in.Alternative]
				// R's odds ratio is of the first row over the second.
				p, err := Fisher(Table{Count{in.C, in.C + in.D}, Count{in.A, in.A + in.B}}, alt)
				require.NoError(t, err)
				check("p", p)
			case "fisher_or":
				e, err := FisherOddsRatio(Table{Count{in.C, in.C + in.D}, Count{in.A, in.A + in.B}}, 0)
				require.NoError(t, err)
				check("or_cmle", e.Value)
				check("ci_lo", e.Lo)
				check("ci_hi", e.Hi)
			case "prop_ci", "binom_test":
				method, ok := map[string]ProportionMethod{
					"wilson": Wilson, "jeffreys": Jeffreys, "normal": Wald,
					"agresti_coull": AgrestiCoull, "beta": ClopperPearson, "": ClopperPearson,
				}[in.Method]
				require.True(t, ok, in.Method)
				level := 0.
				if in.Alpha > 0 {
					level = 1 - in.Alpha
				}
				e, err := ProportionInterval(in.X, in.N, level, method)
				require.NoError(t, err)
				for _, name := range []string{"lo", "cp_lo"} {
					check(name, e.Lo)
				}
				for _, name := range []string{"hi", "cp_hi"} {
					check(name, e.Hi)
				}
			case "cmh":
				var strata []Table
				for _, x := range in.Tables { // R's first group is ours of treatment
					strata = append(strata, Table{Count{x[2], x[2] + x[3]}, Count{x[0], x[0] + x[1]}})
				}
				r, err := CochranMantelHaenszel(strata, in.Correct, 0)
				require.NoError(t, err)
				check("chisq", r.ChiSquare)
				check("p", r.P)
				check("or_mh", r.OddsRatio.Value)
				check("ci_lo", r.OddsRatio.Lo)
				check("ci_hi", r.OddsRatio.Hi)
			case "poisson_rate_ratio":
				r, err := RateRatio(Rate{in.C2, in.T2}, Rate{in.C1, in.T1}, experiment.TwoSided, 0)
				require.NoError(t, err)
				check("ratio", r.Ratio.Value)
				check("p", r.P)
				check("ci_lo", r.Ratio.Lo)
				check("ci_hi", r.Ratio.Hi)
			case "mann_whitney":
				r, err := MannWhitney(in.Control, in.Treatment)
				require.NoError(t, err)
				check("W", r.U)
				check("p_cc", r.PNormal)
			}
		}
	}
	for _, f := range []string{"fisher", "fisher_or", "prop_ci", "binom_test", "cmh", "poisson_rate_ratio", "mann_whitney"} {
		require.NotZero(t, ran[f], f)
	}
}

// Fisher's p-value by counting tables with exact binomials.
func TestFisherAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		na, nb := rapid.Int64Range(2, 40).Draw(t, "na"), rapid.Int64Range(2, 40).Draw(t, "nb")
		xa, xb := rapid.Int64Range(0, na).Draw(t, "xa"), rapid.Int64Range(0, nb).Draw(t, "xb")
		ways := func(k int64) *big.Int {
			if k < 0 || k > nb || xa+xb-k < 0 || xa+xb-k > na {
				return new(big.Int)
			}
			return new(big.Int).Mul(new(big.Int).Binomial(nb, k), new(big.Int).Binomial(na, xa+xb-k))
		}
		all := new(big.Int).Binomial(na+nb, xa+xb)
		for _, alt := range []experiment.Alternative{experiment.TwoSided, experiment.Greater, experiment.Less} {
			sum := new(big.Int)
			for k := range nb + 1 {
				w := ways(k)
				if alt == experiment.Greater && k >= xb || alt == experiment.Less && k <= xb || alt == experiment.TwoSided && w.Cmp(ways(xb)) <= 0 {
					sum.Add(sum, w)
				}
			}
			want, _ := new(big.Rat).SetFrac(sum, all).Float64()
			got, err := Fisher(Table{Count{xa, na}, Count{xb, nb}}, alt)
			require.NoError(t, err)
			require.InEpsilon(t, want, got, 1e-9)
		}
	})
}

// The ends of the odds ratio's interval are where Fisher's one-sided tails, of
// tables drawn with that odds ratio, are half of what is left; the estimate is
// where the mean is the count seen. Counted with plain densities.
func TestFisherOddsRatioAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		na, nb := rapid.Int64Range(2, 30).Draw(t, "na"), rapid.Int64Range(2, 30).Draw(t, "nb")
		xa, xb := rapid.Int64Range(0, na).Draw(t, "xa"), rapid.Int64Range(0, nb).Draw(t, "xb")
		level := rapid.SampledFrom([]float64{.8, .95, .99}).Draw(t, "level")
		e, err := FisherOddsRatio(Table{Count{xa, na}, Count{xb, nb}}, level)
		require.NoError(t, err)
		at := func(odds float64) (mean, above, below float64) {
			all := 0.0
			for k := max(0, xa+xb-na); k <= min(nb, xa+xb); k++ {
				ways := new(big.Int).Mul(new(big.Int).Binomial(nb, k), new(big.Int).Binomial(na, xa+xb-k))
				w, _ := new(big.Float).SetInt(ways).Float64()
				w *= math.Pow(odds, float64(k-xb))
				all, mean = all+w, mean+w*float64(k)
				if k >= xb {
					above += w
				}
				if k <= xb {
					below += w
				}
			}
			return mean / all, above / all, below / all
		}
		if math.IsNaN(e.Value) {
			require.Equal(t, [2]float64{0, math.Inf(1)}, [2]float64{e.Lo, e.Hi})
			return
		}
		if e.Value > 0 && !math.IsInf(e.Value, 1) {
			mean, _, _ := at(e.Value)
			require.InDelta(t, float64(xb), mean, 1e-8)
		}
		if e.Lo > 0 {
			_, above, _ := at(e.Lo)
			require.InDelta(t, (1-level)/2, above, 1e-9)
		}
		if !math.IsInf(e.Hi, 1) {
			_, _, below := at(e.Hi)
			require.InDelta(t, (1-level)/2, below, 1e-9)
		}
		require.LessOrEqual(t, e.Lo, e.Value)
		require.GreaterOrEqual(t, e.Hi, e.Value)
	})
}

// Clopper and Pearson never fall below their level, whatever p; counted
// exactly over all outcomes.
func TestClopperPearsonCovers(t *testing.T) {
	const n = 30
	for p := .01; p < 1; p += .02 {
		covered := 0.0
		for x := range int64(n + 1) {
			e, err := ProportionInterval(x, n, .95, ClopperPearson)
			require.NoError(t, err)
			if e.Lo <= p && p <= e.Hi {
				lc, _ := math.Lgamma(n + 1)
				a, _ := math.Lgamma(float64(x) + 1)
				b, _ := math.Lgamma(float64(n-x) + 1)
				covered += math.Exp(lc - a - b + float64(x)*math.Log(p) + float64(n-x)*math.Log1p(-p))
			}
		}
		require.GreaterOrEqual(t, covered, .95-1e-9, p)
	}
}

// Bounds of tiny shares keep their digits: of 3 in a trillion they are those of a
// Poisson count, 0.618672 and 8.767273 (F. Garwood, Biometrika 28 (1936)).
func TestIntervalsOfTinyShares(t *testing.T) {
	const n = 1_000_000_000_000
	e, err := ProportionInterval(3, n, .95, ClopperPearson)
	require.NoError(t, err)
	require.InEpsilon(t, .6186721, e.Lo*n, 1e-6)
	require.InEpsilon(t, 8.7672731, e.Hi*n, 1e-6)
	r, err := RateRatio(Rate{n, n}, Rate{3, n}, experiment.TwoSided, .95)
	require.NoError(t, err)
	require.InEpsilon(t, .6186721, r.Ratio.Lo*n, 1e-5)
	require.InEpsilon(t, 8.7672731, r.Ratio.Hi*n, 1e-5)
	back, err := RateRatio(Rate{3, n}, Rate{n, n}, experiment.TwoSided, .95)
	require.NoError(t, err)
	require.InEpsilon(t, 1/r.Ratio.Hi, back.Ratio.Lo, 1e-12)
	require.InEpsilon(t, 1/r.Ratio.Lo, back.Ratio.Hi, 1e-12)
}

// The two-sided p-value of rates by adding every count.
func TestRateRatioAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Int64Range(0, 60).Draw(t, "x"), rapid.Int64Range(0, 60).Draw(t, "y")
		if x+y == 0 {
			return
		}
		a, b := rapid.Float64Range(.1, 10).Draw(t, "a"), rapid.Float64Range(.1, 10).Draw(t, "b")
		n, share := float64(x+y), b/(a+b)
		pmf := func(k float64) float64 {
			lc, _ := math.Lgamma(n + 1)
			l1, _ := math.Lgamma(k + 1)
			l2, _ := math.Lgamma(n - k + 1)
			return math.Exp(lc - l1 - l2 + k*math.Log(share) + (n-k)*math.Log1p(-share))
		}
		two, greater, less := 0.0, 0.0, 0.0
		for k := 0.0; k <= n; k++ {
			p := pmf(k)
			if p <= pmf(float64(x))*(1+1e-7) {
				two += p
			}
			if k >= float64(x) {
				greater += p
			}
			if k <= float64(x) {
				less += p
			}
		}
		for alt, want := range []float64{two, greater, less} {
			r, err := RateRatio(Rate{y, a}, Rate{x, b}, experiment.Alternative(alt), 0)
			require.NoError(t, err)
			require.InDelta(t, want, r.P, 1e-9)
			require.LessOrEqual(t, r.Ratio.Lo, r.Ratio.Value)
			require.GreaterOrEqual(t, r.Ratio.Hi, r.Ratio.Value)
		}
	})
}

// Exact ranks by looking at every way to choose the arm.
func TestMannWhitneyAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 10).Draw(t, "n")
		k := rapid.IntRange(1, n-1).Draw(t, "k")
		xs := rapid.Permutation(slices.Collect(func(yield func(float64) bool) {
			for i := range n {
				if !yield(float64(i)) {
					return
				}
			}
		})).Draw(t, "xs")
		u := func(in []int) (u float64) {
			treated := map[int]bool{}
			for _, i := range in {
				treated[i] = true
			}
			for i := range n {
				for j := range n {
					if treated[i] && !treated[j] && xs[i] > xs[j] {
						u++
					}
				}
			}
			return u
		}
		first := make([]int, k)
		for i := range first {
			first[i] = i
		}
		seen, below, above, all := u(first), 0.0, 0.0, 0.0
		combinations(n, k, func(in []int) {
			all++
			if u(in) <= seen {
				below++
			}
			if u(in) >= seen {
				above++
			}
		})
		r, err := MannWhitney(xs[k:], xs[:k])
		require.NoError(t, err)
		require.True(t, r.Exact)
		require.Equal(t, seen, r.U)
		require.InDelta(t, min(1, 2*min(below, above)/all), r.P, 1e-12)
	})
}

// Random permutations find the p-value of all of them.
func TestPermutationAgainstAll(t *testing.T) {
	a, b := []float64{3, 1, 4, 1, 5, 9, 2}, []float64{6, 5, 3, 5, 8, 9, 7}
	all, err := Permutation(a, b, nil) // 3432 of them
	require.NoError(t, err)
	require.True(t, all.Exact)
	require.Equal(t, 3432, all.Runs)
	some, err := Permutation(a, b, &Options{Runs: 3000, Seed: 1})
	require.NoError(t, err)
	require.False(t, some.Exact)
	require.InDelta(t, all.P, some.P, 4*math.Sqrt(all.P/3000))
	require.InDelta(t, all.PGreater, some.PGreater, 4*math.Sqrt(all.PGreater/3000))
	back, err := Permutation(b, a, nil)
	require.NoError(t, err)
	require.InDelta(t, all.P, back.P, 1e-12)
	require.InDelta(t, all.PGreater, back.PLess, 1e-12)
	apart, err := Permutation([]float64{1, 1}, []float64{2, 2}, nil)
	require.NoError(t, err)
	require.InDelta(t, 2./6, apart.P, 1e-12)
	require.InDelta(t, 1./6, apart.PGreater, 1e-12)
	same, err := Permutation([]float64{1, 1}, []float64{1, 1}, nil)
	require.NoError(t, err)
	require.Equal(t, 1., same.P)
}

// A permutation test holds its level where Welch's does not: skewed values in
// few users.
func TestPermutationTypeIError(t *testing.T) {
	n := 600
	if os.Getenv("ZHUN_LONG") != "" {
		n = 20_000
	}
	r := rand.New(rand.NewPCG(1, 2))
	rejected := 0
	for run := range n {
		var arms [2][]float64
		for i, size := range []int{8, 24} {
			for range size {
				arms[i] = append(arms[i], math.Exp(2*r.NormFloat64()))
			}
		}
		p, err := Permutation(arms[0], arms[1], &Options{Runs: 199, Seed: uint64(run)})
		require.NoError(t, err)
		if p.P <= .05 {
			rejected++
		}
	}
	half := 3.29 * math.Sqrt(.05*.95/float64(n))
	require.InDelta(t, .05, float64(rejected)/float64(n), half)
}

func TestRefusals(t *testing.T) {
	xs := []float64{1, 2, 3}
	one := Table{Count{1, 2}, Count{1, 2}}
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"fisher alternative":  {second(Fisher(one, 9)), experiment.ErrInvalid},
		"fisher empty":        {second(Fisher(Table{}, 0)), experiment.ErrTooFew},
		"fisher more":         {second(Fisher(Table{Count{3, 2}, Count{1, 2}}, 0)), experiment.ErrInvalid},
		"odds level":          {second(FisherOddsRatio(one, 1)), experiment.ErrInvalid},
		"odds huge":           {second(FisherOddsRatio(Table{Count{1 << 40, 1 << 41}, Count{1 << 40, 1 << 41}}, 0)), experiment.ErrInvalid},
		"odds empty":          {second(FisherOddsRatio(Table{}, 0)), experiment.ErrTooFew},
		"cmh none":            {second(CochranMantelHaenszel(nil, true, 0)), experiment.ErrTooFew},
		"cmh no success":      {second(CochranMantelHaenszel([]Table{{Count{0, 2}, Count{0, 2}}}, true, 0)), experiment.ErrTooFew},
		"cmh level":           {second(CochranMantelHaenszel([]Table{one}, true, 1)), experiment.ErrInvalid},
		"posterior prior":     {second(ProportionPosterior(one, Beta{.4, 1}, 0)), experiment.ErrInvalid},
		"posterior NaN":       {second(ProportionPosterior(one, Beta{1, math.NaN()}, 0)), experiment.ErrInvalid},
		"posterior level":     {second(ProportionPosterior(one, Beta{}, 1)), experiment.ErrInvalid},
		"posterior empty":     {second(ProportionPosterior(Table{}, Beta{}, 0)), experiment.ErrTooFew},
		"rate none":           {second(RateRatio(Rate{0, 1}, Rate{0, 1}, 0, 0)), experiment.ErrTooFew},
		"rate exposure":       {second(RateRatio(Rate{1, 0}, Rate{1, 1}, 0, 0)), experiment.ErrInvalid},
		"rate NaN":            {second(RateRatio(Rate{1, math.NaN()}, Rate{1, 1}, 0, 0)), experiment.ErrInvalid},
		"proportion n":        {second(ProportionInterval(0, 0, 0, Wilson)), experiment.ErrTooFew},
		"proportion x":        {second(ProportionInterval(3, 2, 0, Wilson)), experiment.ErrInvalid},
		"proportion negative": {second(ProportionInterval(-1, 2, 0, Wilson)), experiment.ErrInvalid},
		"proportion level":    {second(ProportionInterval(1, 2, 2, Wilson)), experiment.ErrInvalid},
		"proportion method":   {second(ProportionInterval(1, 2, 0, 9)), experiment.ErrInvalid},
		"ranks empty":         {second(MannWhitney(nil, xs)), experiment.ErrTooFew},
		"ranks NaN":           {second(MannWhitney(xs, []float64{math.NaN()})), experiment.ErrNotFinite},
		"permutation one":     {second(Permutation(xs, xs[:1], nil)), experiment.ErrTooFew},
		"permutation runs":    {second(Permutation(xs, xs, &Options{Runs: -1})), experiment.ErrInvalid},
		"bootstrap one":       {second(Bootstrap(xs, xs[:1], nil, 0, nil)), experiment.ErrTooFew},
		"bootstrap method":    {second(Bootstrap(xs, xs, nil, 9, nil)), experiment.ErrInvalid},
		"bootstrap t":         {second(Bootstrap(xs, xs, mean, Studentized, nil)), experiment.ErrInvalid},
		"bootstrap NaN":       {second(Bootstrap(xs, xs, func([]float64) float64 { return math.NaN() }, 0, nil)), experiment.ErrNotFinite},
	} {
		require.ErrorIs(t, c.err, c.want, name)
	}
	m, err := MannWhitney([]float64{1, 1}, []float64{1, 1})
	require.NoError(t, err)
	require.Equal(t, RankTest{U: 2, Superiority: .5, P: 1, PNormal: 1, Ties: true}, m)
	e, err := Bootstrap([]float64{1, 1}, []float64{1, 1}, nil, BCa, nil)
	require.NoError(t, err)
	require.Equal(t, [4]float64{}, [4]float64{e.Value, e.StdErr, e.Lo, e.Hi})
}

func second[T any](_ T, err error) error { return err }

// Fisher's test never rejects a true null more often than it says, whatever the
// rate: counted by simulation, and its odds ratio covers as often as it says.
func TestFisherTypeIError(t *testing.T) {
	n := 1500
	if os.Getenv("ZHUN_LONG") != "" {
		n = 20_000
	}
	for _, p := range []float64{.03, .3} {
		r := rand.New(rand.NewPCG(6, 7))
		rejected, held := 0, 0
		for range n {
			var x [2]int64
			for i, size := range []int{60, 90} {
				for range size {
					if r.Float64() < p {
						x[i]++
					}
				}
			}
			table := Table{Count{x[0], 60}, Count{x[1], 90}}
			v, err := Fisher(table, experiment.TwoSided)
			require.NoError(t, err)
			if v <= .05 {
				rejected++
			}
			e, err := FisherOddsRatio(table, 0)
			require.NoError(t, err)
			if e.Lo <= 1 && 1 <= e.Hi {
				held++
			}
		}
		t.Logf("rate %v: rejects %.2f %%, covers %.2f %% of %d", p, 100*float64(rejected)/float64(n), 100*float64(held)/float64(n), n)
		half := 3.29 * math.Sqrt(.05*.95/float64(n))
		require.LessOrEqual(t, float64(rejected)/float64(n), .05+half)
		require.GreaterOrEqual(t, float64(held)/float64(n), .95-half)
	}
}

// As many users as can be counted, and few tables: no more are gone through.
func TestFisherOfMostUsers(t *testing.T) {
	const most = 1 << 52
	for _, table := range []Table{{Count{1, 3}, Count{most - 1, most}}, {Count{most - 1, most}, Count{most, most}}, {Count{1, most}, Count{1, most}}} {
		p, err := Fisher(table, experiment.TwoSided)
		require.NoError(t, err)
		require.Greater(t, p, 0.0)
		_, err = FisherOddsRatio(table, 0)
		require.NoError(t, err)
	}
	more := Table{Count{1, 3}, Count{1 << 53, 1 << 53}}
	_, err := Fisher(more, experiment.TwoSided)
	require.ErrorIs(t, err, experiment.ErrInvalid)
	_, err = FisherOddsRatio(more, 0)
	require.ErrorIs(t, err, experiment.ErrInvalid)
}
