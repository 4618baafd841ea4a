package experiment

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/experiment/design"
)

// Looked at thirty times, the sequential test stays below its level and the
// fixed one does not, and the price at the planned end is bounded.
func TestPeeking(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	const looks, step = 30, 40
	n, fixed, always, one, width, plain := runs(1500), 0, 0, 0, 0.0, 0.0
	for range n {
		var a, b Moments
		var hit [3]bool
		for range looks {
			for range step {
				a.Add(r.NormFloat64())
				b.Add(r.NormFloat64())
			}
			f, err := Welch(&a, &b, nil)
			require.NoError(t, err)
			s, err := Welch(&a, &b, &TestOptions{Sequential: 2 * looks * step})
			require.NoError(t, err)
			g, err := Welch(&a, &b, &TestOptions{Sequential: 2 * looks * step, Alternative: Greater})
			require.NoError(t, err)
			hit[0] = hit[0] || f.P < .05
			hit[1] = hit[1] || s.P < .05
			hit[2] = hit[2] || g.P < .05
			require.Equal(t, s.P < .05, s.Absolute.Lo > 0 || s.Absolute.Hi < 0)
			require.Equal(t, g.P < .05, g.Absolute.Lo > 0)
			if a.N() == looks*step {
				width += s.Absolute.Hi - s.Absolute.Lo
				plain += f.Absolute.Hi - f.Absolute.Lo
			}
		}
		for i, c := range []*int{&fixed, &always, &one} {
			if hit[i] {
				*c++
			}
		}
	}
	t.Logf("of %d: fixed %d, always valid %d, one-sided %d; half width at the planned end %.3f of the fixed one", n, fixed, always, one, width/plain)
	lo, hi := band(n, .280)
	require.GreaterOrEqual(t, float64(fixed), lo)
	require.LessOrEqual(t, float64(fixed), hi)
	_, hi = band(n, .05)
	require.LessOrEqual(t, float64(always), hi)
	require.LessOrEqual(t, float64(one), hi)
	require.Less(t, width, 1.6*plain)
}

// Five looks at their own levels: a false positive in 5 % of all tests, and
// intervals that hold an effect at all looks together in 95 %.
func TestGroupSequentialLooks(t *testing.T) {
	const step = 80
	for _, side := range []Alternative{TwoSided, Greater} {
		users := []float64{2 * step, 4 * step, 6 * step, 8 * step, 10 * step}
		o := &design.Options{OneSided: side == Greater}
		for name, spend := range map[string]design.Spending{"O'Brien and Fleming": nil, "Pocock": design.PocockSpending} {
			looks, err := design.GroupSequential(users, 10*step, spend, o)
			require.NoError(t, err)
			r := rand.New(rand.NewPCG(45, 46))
			n, rejected, held := runs(1500), 0, 0
			for range n {
				var a, b, c Moments
				hit, miss := false, false
				for _, l := range looks {
					for range step {
						x := r.NormFloat64()
						a.Add(r.NormFloat64())
						b.Add(x)
						c.Add(x + .2)
					}
					level := l.Level(side == Greater)
					none, err := Welch(&a, &b, &TestOptions{Level: level, Alternative: side})
					require.NoError(t, err)
					hit = hit || none.P < 1-level
					some, err := Welch(&a, &c, &TestOptions{Level: level, Alternative: side})
					require.NoError(t, err)
					miss = miss || !some.Absolute.holds(.2)
				}
				if hit {
					rejected++
				}
				if !miss {
					held++
				}
			}
			t.Logf("%s, %v: rejects %.2f %%, holds %.2f %% of %d", name, side, 100*float64(rejected)/float64(n), 100*float64(held)/float64(n), n)
			lo, hi := band(n, .05)
			require.GreaterOrEqual(t, float64(rejected), lo)
			require.LessOrEqual(t, float64(rejected), hi)
			lo, hi = band(n, .95)
			require.GreaterOrEqual(t, float64(held), lo)
			require.LessOrEqual(t, float64(held), hi)
		}
	}
}

// What validity at every look costs in power, for the documentation: an effect
// that a fixed test of 2,400 users finds in 80 % is found in half, over 30
// looks up to there, one half as large again in 91 %, and much earlier.
func TestPowerOfPeeking(t *testing.T) {
	effect, err := design.Effect(math.Sqrt(4./2400), nil)
	require.NoError(t, err)
	users := make([]float64, 30)
	for i := range users {
		users[i] = 80 * float64(i+1)
	}
	looks, err := design.AlwaysValid(users, 2400, nil)
	require.NoError(t, err)
	for times, want := range map[float64][2]float64{0: {.012, 2386}, 1: {.502, 1935}, 1.5: {.912, 1305}} {
		m, err := design.Monitor(times*effect, 1, looks, nil)
		require.NoError(t, err)
		t.Logf("%g times the effect: rejects %.3f, %.0f users on average", times, m.Power+m.Wrong, m.Expected)
		require.InDelta(t, want[0], m.Power+m.Wrong, .001)
		require.InDelta(t, want[1], m.Expected, 1)
	}
}

func TestSequentialSRMRefuses(t *testing.T) {
	_, err := SequentialSRM([]int{1, 2}, []float64{1, 1}, -1)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = SequentialSRM([]int{1, 2}, []float64{1, 0}, 0)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = SequentialSRM([]int{0, 0}, []float64{1, 1}, 0)
	require.ErrorIs(t, err, ErrTooFew)
	s, err := SequentialSRM([]int{8000, 10000}, []float64{1, 1}, 0)
	require.NoError(t, err)
	require.True(t, s.Mismatch())
}

func TestAdjustRefuses(t *testing.T) {
	for _, p := range []float64{-.1, 1.1, math.NaN()} {
		_, err := Adjust([]float64{.5, p}, Holm)
		require.ErrorIs(t, err, ErrInvalid)
		_, err = Combine([]float64{.5, p})
		require.ErrorIs(t, err, ErrInvalid)
	}
	_, err := Adjust([]float64{.5}, Correction(9))
	require.ErrorIs(t, err, ErrInvalid)
	_, err = Combine(nil)
	require.ErrorIs(t, err, ErrInvalid)
	for m := Holm; m <= BY; m++ {
		got, err := Adjust(nil, m)
		require.NoError(t, err)
		require.Empty(t, got)
	}
}

func TestRelativeIntervals(t *testing.T) {
	a, b := momentsOf(t, Mean, 9, 10, 11, 10), momentsOf(t, Mean, 11, 12, 10, 13)
	for _, i := range []Interval{Delta, Log, Fieller} {
		c, err := Welch(a, b, &TestOptions{Interval: i})
		require.NoError(t, err)
		require.InDelta(t, .15, c.Relative.Value, 1e-12)
		require.InDelta(t, 0, c.Relative.Lo, .1, "%v", i)
	}
	// Fieller's interval holds 0 exactly when the test does not reject.
	for shift := 0.; shift < 4; shift += .01 {
		c, err := Welch(a, momentsOf(t, Mean, 9+shift, 12+shift, 10, 11), &TestOptions{Interval: Fieller})
		require.NoError(t, err)
		require.Equal(t, c.P < .05, c.Relative.Lo > 0 || c.Relative.Hi < 0)
	}
	_, err := Welch(a, momentsOf(t, Mean, -1, 0), &TestOptions{Interval: Log})
	require.ErrorIs(t, err, ErrZero)
	_, err = Welch(a, b, &TestOptions{Interval: 9})
	require.ErrorIs(t, err, ErrInvalid)
	_, err = Welch(a, b, &TestOptions{Interval: Log, Sequential: 10})
	require.ErrorIs(t, err, ErrInvalid)
	_, err = Welch(a, b, &TestOptions{Alternative: Less, Level: .4, Sequential: 10})
	require.ErrorIs(t, err, ErrInvalid)
	_, err = Welch(a, b, &TestOptions{Sequential: -1})
	require.ErrorIs(t, err, ErrInvalid)
}
