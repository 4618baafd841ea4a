package design

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/stats"
)

// Mid-experiment power against GrowthBook's.
func TestRunningPowerGolden(t *testing.T) {
	data, err := os.ReadFile("../testdata/golden/gbstats.json")
	require.NoError(t, err)
	var cases []struct {
		ID, Family string
		Input      struct {
			SE, N, MDE, Alpha float64
			Sequential        bool
			Tuning            int
		}
		Want map[string]float64
		Tol  float64
	}
	var raw []struct{ Family string }
	require.NoError(t, json.Unmarshal(data, &raw))
	var all []json.RawMessage
	require.NoError(t, json.Unmarshal(data, &all))
	kept := []json.RawMessage{}
	for i, r := range raw {
		if r.Family == "mid_power" {
			kept = append(kept, all[i])
		}
	}
	joined, err := json.Marshal(kept)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(joined, &cases))
	require.NotEmpty(t, cases)
	for _, g := range cases {
		planned := 0
		if g.Input.Sequential {
			planned = g.Input.Tuning
		}
		for name, more := range map[string]float64{"power_now": 0, "power_x2": 1, "power_x10": 9} {
			p, err := RunningPower(g.Input.MDE, g.Input.SE, g.Input.N, more, planned, &Options{Alpha: g.Input.Alpha})
			require.NoError(t, err)
			require.InDelta(t, g.Want[name], p, g.Tol, "%s %s", g.ID, name)
		}
	}
	for _, bad := range [][3]float64{{0, 10, 0}, {1, 0, 0}, {1, 10, -1}, {math.NaN(), 10, 0}, {1, 10, math.Inf(1)}} {
		_, err := RunningPower(.1, bad[0], bad[1], bad[2], 0, nil)
		require.ErrorIs(t, err, ErrInput)
	}
}

// zTest is a test to replay.
func zTest(a, b []float64) (float64, error) {
	m := func(xs []float64) (mean, v float64) {
		for _, x := range xs {
			mean += x / float64(len(xs))
		}
		for _, x := range xs {
			v += (x - mean) * (x - mean) / float64(len(xs)-1)
		}
		return mean, v / float64(len(xs))
	}
	ma, va := m(a)
	mb, vb := m(b)
	return 2 * stats.NormalSF(math.Abs(mb-ma)/math.Sqrt(va+vb)), nil
}

func TestReplay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 400)
	for i := range values {
		values[i] = 10 + 3*r.NormFloat64()
	}
	before := append([]float64(nil), values...)
	aa, err := Replay(values, zTest, nil)
	require.NoError(t, err)
	require.Equal(t, before, values)
	require.Less(t, aa.Lo, .05)
	require.Greater(t, aa.Hi, .05)
	require.Greater(t, aa.Uniform, .001)
	again, err := Replay(values, zTest, nil)
	require.NoError(t, err)
	require.Equal(t, aa, again)
	// Power by simulation is power by formula.
	ab, err := Replay(values, zTest, &ReplayOptions{Treat: func(x float64) float64 { return x + .8 }})
	require.NoError(t, err)
	v := 0.0
	for _, x := range values {
		v += (x - 10) * (x - 10) / 400
	}
	want, err := MeanPower(200, .8, math.Sqrt(v), nil)
	require.NoError(t, err)
	require.InDelta(t, want, ab.Share, .06)
	// A test that is too sure is found out.
	sure, err := Replay(values, func(a, b []float64) (float64, error) {
		p, err := zTest(a, b)
		return p * p, err
	}, nil)
	require.NoError(t, err)
	require.Greater(t, sure.Lo, .15)
	require.Less(t, sure.Uniform, 1e-6)
}

func TestReplayRefuses(t *testing.T) {
	values := []float64{1, 2, 3, 4}
	for _, o := range []ReplayOptions{{Runs: -1}, {Share: 1}, {Share: .9}, {Alpha: 2}} {
		_, err := Replay(values, zTest, &o)
		require.ErrorIs(t, err, ErrInput)
	}
	_, err := Replay(values, func(_, _ []float64) (float64, error) { return math.NaN(), nil }, nil)
	require.ErrorIs(t, err, ErrInput)
	broken := errors.New("broken")
	_, err = Replay(values, func(_, _ []float64) (float64, error) { return 0, broken }, nil)
	require.ErrorIs(t, err, broken)
}

// The tail of Kolmogorov's distribution at its tabled quantiles.
func TestKolmogorov(t *testing.T) {
	for x, want := range map[float64]float64{1.2238478702170825: .1, 1.3580986393225505: .05, 1.6276236115189503: .01} {
		require.InDelta(t, want, kolmogorov(x), 1e-9)
	}
	require.Equal(t, 1., kolmogorov(0))
}

func ExampleRunningPower() {
	// 9,800 users in, standard error 0.6 points; an effect of 1 point matters.
	for _, more := range []float64{0, 1, 4} {
		p, err := RunningPower(1, .6, 9_800, more, 0, nil)
		fmt.Printf("users × %g: power %.2f, %v\n", 1+more, p, err)
	}
	// Output:
	// users × 1: power 0.38, <nil>
	// users × 2: power 0.65, <nil>
	// users × 5: power 0.96, <nil>
}

func TestSharedAlpha(t *testing.T) {
	three, err := MeanSize(.5, 2, &Options{Tests: 3})
	require.NoError(t, err)
	want, err := MeanSize(.5, 2, &Options{Alpha: .05 / 3})
	require.NoError(t, err)
	require.Equal(t, want, three)
	_, err = MeanSize(.5, 2, &Options{Tests: -1})
	require.ErrorIs(t, err, ErrInput)
}

// The delta method against ratios of simulated samples.
func TestRatioStdDev(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	const users, runs = 400, 3000
	var s1, s2 float64
	for range runs {
		n, d := 0.0, 0.0
		for range users {
			x, y := r.NormFloat64(), r.NormFloat64()
			n += 6 + 2*x
			d += 3 + .5*(.6*x+.8*y)
		}
		s1, s2 = s1+n/d, s2+n/d*(n/d)
	}
	sd := math.Sqrt((s2-s1*s1/runs)/(runs-1)) * math.Sqrt(users)
	got, err := RatioStdDev(6, 2, 3, .5, .6)
	require.NoError(t, err)
	require.InEpsilon(t, sd, got, .05)
	for _, bad := range [][5]float64{{1, 1, 0, 1, 0}, {1, -1, 1, 1, 0}, {1, 1, 1, math.Inf(1), 0}, {1, 1, 1, 1, 2}, {math.NaN(), 1, 1, 1, 0}} {
		_, err := RatioStdDev(bad[0], bad[1], bad[2], bad[3], bad[4])
		require.ErrorIs(t, err, ErrInput)
	}
}
