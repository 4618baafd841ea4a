package design

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/internal/stats"
)

// Boundaries by rpact, and by a recursion of another hand whose constants are
// those of Jennison and Turnbull's tables.
func TestBoundariesGolden(t *testing.T) {
	ran := map[string]int{}
	for _, file := range []string{"r", "py"} {
		data, err := os.ReadFile("../testdata/golden/" + file + ".json")
		require.NoError(t, err)
		var cases []struct {
			ID, Family string
			Input      struct {
				Type            string
				K, Sided        int
				Alpha           float64
				Rates           []float64
				DeltaWT, GammaA float64
			}
			Want struct {
				C           float64
				Crit, Spent []float64
				Levels      []float64 `json:"stage_levels"`
				Reject      []float64 `json:"stage_reject"`
				Power       float64   `json:"power_at_drift_3_2414"`
				AlphaSpent  []float64 `json:"alpha_spent"`
			}
			Tol float64
		}
		var raw []map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(data, &raw))
		some := raw[:0]
		for _, c := range raw {
			switch string(c["family"]) {
			case `"group_seq"`, `"gs_constant"`, `"gs_spending"`:
				some = append(some, c)
			}
		}
		data, err = json.Marshal(some)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &cases))
		for _, g := range cases {
			in := g.Input
			users := make([]float64, max(in.K, len(in.Rates)))
			for i := range users {
				users[i] = 1000 * float64(i+1) / float64(len(users))
				if in.Rates != nil {
					users[i] = 1000 * in.Rates[i]
				}
			}
			o := &Options{Alpha: in.Alpha, OneSided: in.Sided == 1}
			var looks []Look
			switch in.Type {
			case "OF":
				looks, err = WangTsiatis(users, 0, o)
			case "P":
				looks, err = WangTsiatis(users, .5, o)
			case "WT":
				looks, err = WangTsiatis(users, in.DeltaWT, o)
			case "asOF":
				looks, err = GroupSequential(users, 1000, nil, o)
			case "asP":
				looks, err = GroupSequential(users, 1000, PocockSpending, o)
			case "asKD":
				looks, err = GroupSequential(users, 1000, PowerSpending(in.GammaA), o)
			case "asKD2":
				looks, err = GroupSequential(users, 1000, PowerSpending(2), o)
			case "asHSD":
				looks, err = GroupSequential(users, 1000, HwangShihDeCaniSpending(in.GammaA), o)
			default:
				t.Fatal(in.Type)
			}
			require.NoError(t, err, g.ID)
			ran[g.Family]++
			if g.Want.C > 0 {
				require.InDelta(t, g.Want.C, looks[len(looks)-1].Boundary, g.Tol, g.ID)
			}
			for i, z := range g.Want.Crit {
				tol := g.Tol * max(1, z)
				if z > 6 {
					tol = 2e-5
				}
				require.InDelta(t, z, looks[i].Boundary, tol, "%s %d", g.ID, i)
				if i < len(g.Want.Levels) {
					require.InDelta(t, 1-g.Want.Levels[i], looks[i].Level(true), g.Tol, g.ID)
					require.InDelta(t, 1-2*g.Want.Levels[i], looks[i].Level(false), g.Tol, g.ID)
				}
			}
			m, err := Monitor(0, 1, looks, o)
			require.NoError(t, err)
			sum := 0.0
			for i, p := range m.Stop {
				sum += p
				for _, want := range [][]float64{g.Want.AlphaSpent, g.Want.Spent} {
					if want != nil {
						require.InDelta(t, want[i], sum, 1e-7, g.ID)
					}
				}
			}
			require.InDelta(t, in.Alpha, sum, 1e-8, g.ID)
			if g.Want.Power > 0 {
				// One user of either arm counts as four of one sample.
				m, err := Monitor(3.2414/math.Sqrt(1000), .5, looks, o)
				require.NoError(t, err)
				require.InDelta(t, g.Want.Power, m.Power, 1e-6, g.ID)
				for i, p := range m.Stop {
					require.InDelta(t, g.Want.Reject[i], p, 1e-6, g.ID)
				}
			}
		}
	}
	require.Equal(t, map[string]int{"group_seq": 22, "gs_constant": 15, "gs_spending": 8}, ran)
}

// Whatever the looks and the spending, what is spent is what was wanted; looks
// to come do not change a boundary; more looks need wider ones.
func TestGroupSequentialSpends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var users []float64
		n := 0.0
		for range rapid.IntRange(1, 5).Draw(t, "looks") {
			n += rapid.Float64Range(20, 100).Draw(t, "more")
			users = append(users, n)
		}
		planned := n * rapid.Float64Range(.7, 1.5).Draw(t, "planned")
		spend := []Spending{
			OBrienFlemingSpending, PocockSpending, PowerSpending(rapid.Float64Range(.5, 4).Draw(t, "power")),
			HwangShihDeCaniSpending(rapid.Float64Range(-5, 3).Draw(t, "gamma")), HwangShihDeCaniSpending(0),
		}[rapid.IntRange(0, 4).Draw(t, "spending")]
		o := &Options{Alpha: rapid.Float64Range(.001, .2).Draw(t, "alpha"), OneSided: rapid.Bool().Draw(t, "sides")}
		looks, err := GroupSequential(users, planned, spend, o)
		require.NoError(t, err)
		m, err := Monitor(0, 1, looks, o)
		require.NoError(t, err)
		sides, sum := 2., 0.0
		if o.OneSided {
			sides = 1
		}
		for i, p := range m.Stop {
			sum += p
			require.InDelta(t, sides*spend(o.Alpha/sides, min(1, users[i]/planned)), sum, 1e-7)
		}
		if k := len(users) - 1; k > 0 {
			some, err := GroupSequential(users[:k], planned, spend, o)
			require.NoError(t, err)
			require.InDelta(t, looks[k-1].Boundary, some[k-1].Boundary, 1e-6)
		}
		pocock, err := WangTsiatis(users[:min(3, len(users))], .5, o)
		require.NoError(t, err)
		m, err = Monitor(0, 1, pocock, o)
		require.NoError(t, err)
		require.InDelta(t, o.Alpha, m.Power+m.Wrong, 1e-8)
		require.GreaterOrEqual(t, pocock[0].Boundary, -stats.NormalQuantile(o.Alpha/sides)-1e-9)
	})
}

func TestBoundariesRefuse(t *testing.T) {
	users := []float64{100, 200}
	falls := func(alpha, t float64) float64 { return alpha * (2 - t) }
	for i, f := range []func() error{
		func() error { _, err := GroupSequential(nil, 100, nil, nil); return err },
		func() error { _, err := GroupSequential([]float64{2, 1}, 100, nil, nil); return err },
		func() error { _, err := GroupSequential([]float64{math.NaN()}, 100, nil, nil); return err },
		func() error { _, err := GroupSequential(users, 0, nil, nil); return err },
		func() error { _, err := GroupSequential(users, 200, falls, nil); return err },
		func() error { _, err := GroupSequential(users, 200, PowerSpending(-1), nil); return err },
		func() error {
			_, err := GroupSequential(users, 200, HwangShihDeCaniSpending(math.NaN()), nil)
			return err
		},
		func() error {
			_, err := GroupSequential(users, 200, func(a, t float64) float64 { return a * t / 2 }, nil)
			return err
		},
		func() error {
			_, err := GroupSequential(users, 200, nil, &Options{Alpha: .6, OneSided: true, Power: .9})
			return err
		},
		func() error { _, err := WangTsiatis(users, 2, nil); return err },
		func() error { _, err := WangTsiatis(users, math.NaN(), nil); return err },
		func() error { _, err := WangTsiatis([]float64{0}, 0, nil); return err },
		func() error { _, err := WangTsiatis(users, 0, &Options{Alpha: 2}); return err },
	} {
		require.ErrorIs(t, f(), ErrInput, i)
	}
	// A look that may spend nothing is none.
	looks, err := GroupSequential([]float64{1e-6, 100}, 100, nil, nil)
	require.NoError(t, err)
	require.True(t, math.IsInf(looks[0].Boundary, 1))
	require.Less(t, looks[0].Level(false), 1.)
	require.InDelta(t, 1.959963984540054, looks[1].Boundary, 1e-8)
}

// A look that never rejects is none, however close it is to the one before; what
// could not be told from that is refused.
func TestLooksCloseToEachOther(t *testing.T) {
	for _, gap := range []float64{1e-2, 1e-3, 1e-4, 9.9e-5, 1e-6, 1e-10} {
		for _, z := range []float64{2, 4, 20} {
			want, err := Monitor(.3, 10, []Look{{1e6, z}, {2e6, 1.5}}, nil)
			require.NoError(t, err)
			got, err := Monitor(.3, 10, []Look{{1e6, z}, {1e6 + gap*1e6, math.Inf(1)}, {2e6, 1.5}}, nil)
			if gap < 1e-4 {
				require.ErrorIs(t, err, ErrInput)
				_, err = WangTsiatis([]float64{1e6, 1e6 + gap*1e6}, .5, nil)
				require.ErrorIs(t, err, ErrInput)
				continue
			}
			require.NoError(t, err)
			require.InDelta(t, want.Power, got.Power, 1e-8)
			require.InDelta(t, want.Wrong, got.Wrong, 1e-8)
		}
	}
}

// An Alpha of nearly nothing is spent as any other, or refused. The last boundary
// is hardly higher than that of a test without looks.
func TestBoundariesOfTinyAlpha(t *testing.T) {
	users := []float64{1, 2, 3, 4, 5}
	for _, alpha := range []float64{1e-9, 2e-15, 1e-15, 1e-20, 1e-50} {
		o := &Options{Alpha: alpha}
		looks, err := GroupSequential(users, 5, nil, o)
		if alpha/2 < 1e-15 {
			require.ErrorIs(t, err, ErrInput)
			_, err = WangTsiatis(users, 0, o)
			require.ErrorIs(t, err, ErrInput)
			continue
		}
		require.NoError(t, err)
		require.InDelta(t, -stats.NormalQuantile(alpha/2), looks[4].Boundary, 5e-4, alpha)
		require.GreaterOrEqual(t, looks[4].Boundary, -stats.NormalQuantile(alpha/2), alpha)
	}
}

func ExampleGroupSequential() {
	// Four looks at a test of 20,000 users: nearly nothing at the first, and at
	// the end nearly what a test without looks would ask for.
	users := []float64{5_000, 10_000, 15_000, 20_000}
	looks, err := GroupSequential(users, 20_000, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range looks {
		fmt.Printf("at %5.0f users: t beyond %.3f, p below %.5f\n", l.Users, l.Boundary, 1-l.Level(false))
	}
	m, err := Monitor(.5, 12, looks, nil)
	fmt.Printf("an effect of 0.5 is found in %.1f %%, after %.0f users on average, %v\n", 100*m.Power, m.Expected, err)
	// Output:
	// at  5000 users: t beyond 4.333, p below 0.00001
	// at 10000 users: t beyond 2.963, p below 0.00305
	// at 15000 users: t beyond 2.359, p below 0.01832
	// at 20000 users: t beyond 2.014, p below 0.04400
	// an effect of 0.5 is found in 83.1 %, after 16142 users on average, <nil>
}

func BenchmarkGroupSequential(b *testing.B) {
	users := []float64{1, 2, 3, 4, 5}
	for b.Loop() {
		if _, err := WangTsiatis(users, 0, nil); err != nil {
			b.Fatal(err)
		}
	}
}
