package design

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/stats"
)

// Rejections and expected sizes of group-sequential designs by rpact, and what
// looking too often does.
func TestMonitorGolden(t *testing.T) {
	ran := map[string]int{}
	for _, file := range []string{"r", "py"} {
		data, err := os.ReadFile("../testdata/golden/" + file + ".json")
		require.NoError(t, err)
		var cases []struct {
			ID, Family string
			Input      json.RawMessage
			Want       json.RawMessage
			Tol        float64
		}
		require.NoError(t, json.Unmarshal(data, &cases))
		for _, g := range cases {
			switch g.Family {
			case "group_seq_power":
				var in struct {
					Sided              int
					Rates, Crit, Theta []float64
					NMax               float64
				}
				var want struct {
					Reject []float64 `json:"overall_reject"`
					ASN    []float64
				}
				require.NoError(t, json.Unmarshal(g.Input, &in))
				require.NoError(t, json.Unmarshal(g.Want, &want))
				var looks []Look
				for i, r := range in.Rates {
					looks = append(looks, Look{r * in.NMax, in.Crit[i]})
				}
				for i, theta := range in.Theta {
					// One user of either arm counts as four of one sample.
					m, err := Monitor(theta, .5, looks, &Options{OneSided: in.Sided == 1})
					require.NoError(t, err)
					require.InDelta(t, want.Reject[i], m.Power, g.Tol, g.ID)
					require.InDelta(t, want.ASN[i], m.Expected, g.Tol*10, g.ID)
				}
				ran[g.Family]++
			case "peeking_inflation":
				var in struct{ K int }
				var want struct{ Type1 float64 }
				require.NoError(t, json.Unmarshal(g.Input, &in))
				require.NoError(t, json.Unmarshal(g.Want, &want))
				m, err := Monitor(0, 1, peeks(in.K), nil)
				require.NoError(t, err)
				require.InDelta(t, want.Type1, m.Power+m.Wrong, g.Tol, g.ID)
				require.InDelta(t, m.Power, m.Wrong, 1e-12)
				ran[g.Family]++
			}
		}
	}
	require.NotZero(t, ran["group_seq_power"])
	require.NotZero(t, ran["peeking_inflation"])
}

func peeks(k int) []Look {
	looks := make([]Look, k)
	for i := range looks {
		looks[i] = Look{float64(100 * (i + 1)), -stats.NormalQuantile(.025)}
	}
	return looks
}

// The always valid test by simulation: unequal looks, unequal arms.
func TestMonitorAgainstSimulation(t *testing.T) {
	users := []float64{50, 60, 200, 1000, 1010, 3000}
	o := &Options{Ratio: 2}
	looks, err := AlwaysValid(users, 2000, o)
	require.NoError(t, err)
	const effect, sd = .35, 3.
	m, err := Monitor(effect, sd, looks, o)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(1, 9))
	n := 20_000
	var power, expected float64
	stop := make([]float64, len(looks))
	for range n {
		s, at, ended := 0.0, 0.0, false
		for k, l := range looks {
			info := l.Users * 2 / 9 / (sd * sd)
			s += effect*(info-at) + math.Sqrt(info-at)*r.NormFloat64()
			at = info
			if z := s / math.Sqrt(info); math.Abs(z) >= l.Boundary {
				ended = true
				stop[k]++
				expected += l.Users
				if z > 0 {
					power++
				}
				break
			}
		}
		if !ended {
			expected += 3000
		}
	}
	f := float64(n)
	require.InDelta(t, m.Power, power/f, 4*math.Sqrt(.25/f))
	require.InEpsilon(t, m.Expected, expected/f, .02)
	for k, p := range m.Stop {
		require.InDelta(t, p, stop[k]/f, 4*math.Sqrt(p*(1-p)/f)+1e-4)
	}
	// One look is a z-test.
	one, err := Monitor(.5, 2, []Look{{400, 1.959963984540054}}, nil)
	require.NoError(t, err)
	want, err := NormalPower(.5, 2*math.Sqrt(2./200), nil)
	require.NoError(t, err)
	require.InDelta(t, want, one.Power, 1e-12)
	require.Equal(t, 400., one.Expected)
}

// An always valid test stays below its level over many looks, two- and
// one-sided, and boundaries of 0 and infinity mean what they say.
func TestMonitorLevels(t *testing.T) {
	for _, o := range []Options{{}, {OneSided: true}, {Alpha: .01}} {
		var users []float64
		for i := range 60 {
			users = append(users, float64(50*(i+1)))
		}
		looks, err := AlwaysValid(users, 1500, &o)
		require.NoError(t, err)
		m, err := Monitor(0, 1, looks, &o)
		require.NoError(t, err)
		alpha := o.Alpha
		if alpha == 0 {
			alpha = .05
		}
		require.Less(t, m.Power+m.Wrong, alpha)
		require.Greater(t, m.Power+m.Wrong, alpha/10)
	}
	m, err := Monitor(0, 1, []Look{{10, math.Inf(1)}, {20, 1.959963984540054}}, nil)
	require.NoError(t, err)
	require.InDelta(t, .05, m.Power+m.Wrong, 1e-8)
	m, err = Monitor(.1, 1, []Look{{10, 0}, {20, 2}}, nil)
	require.NoError(t, err)
	require.InDelta(t, 1, m.Power+m.Wrong, 1e-12)
	require.InDelta(t, 10, m.Expected, 1e-9)
}

func TestMonitorRefuses(t *testing.T) {
	for _, f := range []func() error{
		func() error { _, err := Monitor(1, 0, peeks(2), nil); return err },
		func() error { _, err := Monitor(math.NaN(), 1, peeks(2), nil); return err },
		func() error { _, err := Monitor(1, 1, nil, nil); return err },
		func() error { _, err := Monitor(1, 1, []Look{{10, 2}, {10, 2}}, nil); return err },
		func() error { _, err := Monitor(1, 1, []Look{{10, -2}}, nil); return err },
		func() error { _, err := Monitor(1, 1, []Look{{10, math.NaN()}}, nil); return err },
		func() error { _, err := Monitor(1, 1, []Look{{math.Inf(1), 1}}, nil); return err },
		func() error { _, err := Monitor(1, 1, peeks(2), &Options{Alpha: 3}); return err },
		func() error { _, err := AlwaysValid([]float64{1}, 0, nil); return err },
		func() error { _, err := AlwaysValid([]float64{0}, 10, nil); return err },
	} {
		require.ErrorIs(t, f(), ErrInput)
	}
}

func ExampleMonitor() {
	// A test of 20,000 users, looked at ten times, of an effect of 0.5 at a
	// standard deviation of 12.
	var users []float64
	for i := range 10 {
		users = append(users, float64(2_000*(i+1)))
	}
	looks, err := AlwaysValid(users, 20_000, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, effect := range []float64{0, .5, 1} {
		m, err := Monitor(effect, 12, looks, nil)
		fmt.Printf("effect %.1f: rejects %.3f, after %.0f users on average, %v\n", effect, m.Power+m.Wrong, m.Expected, err)
	}
	// Output:
	// effect 0.0: rejects 0.009, after 19925 users on average, <nil>
	// effect 0.5: rejects 0.530, after 16317 users on average, <nil>
	// effect 1.0: rejects 0.998, after 7391 users on average, <nil>
}

func BenchmarkMonitor(b *testing.B) {
	looks := peeks(30)
	for b.Loop() {
		if _, err := Monitor(.1, 1, looks, nil); err != nil {
			b.Fatal(err)
		}
	}
}
