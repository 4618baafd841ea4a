package sim

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func newHazard(t testing.TB, o *HazardOptions) *Hazard {
	t.Helper()
	h, err := NewHazard(o)
	require.NoError(t, err)
	return h
}

func TestHazardTruthAddsUp(t *testing.T) {
	r := newHazard(t, nil).Truth()
	sum := r.Baseline
	for _, phi := range r.Shapley {
		sum += phi
	}
	require.InDelta(t, r.Conversions, sum, 1e-9)
	require.InDelta(t, 60_000*(1-math.Exp(-0.04)), r.Baseline, 1e-9)
	require.InDelta(t, 0, r.Shapley[2], 1e-9, "C has no effect")
	require.InDelta(t, 0, r.Shapley[4], 1e-9, "E has no effect")
	require.InDelta(t, 0, r.LastIn[2], 1e-9)
	require.Len(t, r.Worlds, 64)
}

// One channel in closed form: E exp(−λ(T + (1−T)e^β)) over a uniform T.
func TestHazardOfOneChannel(t *testing.T) {
	h := newHazard(t, nil)
	a, b := 0.04, 0.04*math.Exp(0.9)
	want := (math.Exp(-a) - math.Exp(-b)) / (b - a)
	require.InDelta(t, want, h.noConversion(1), 1e-15)
}

// The series against a Monte Carlo over the instants of the touches.
func TestMeanSurvivalAgreesWithSampling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.SliceOfN(rapid.Float64Range(0.01, 3), 1, 7).Draw(t, "rates")
		r := rand.New(rand.NewPCG(1, uint64(len(rates))))
		const n = 4000
		var sum, squares float64
		for range n {
			var total, used float64
			for _, c := range rates { // exponential gaps, normalised, are uniform on the simplex
				e := r.ExpFloat64()
				total += e
				used += e * c
			}
			x := math.Exp(-used / total)
			sum, squares = sum+x, squares+x*x
		}
		sd := math.Sqrt(max(squares/n-sum/n*sum/n, 0) / n)
		require.InDelta(t, sum/n, meanSurvival(rates), 5.5*sd+1e-12)
	})
}

func TestHazardJourneysAgreeWithTheTruth(t *testing.T) {
	h := newHazard(t, &HazardOptions{Users: 300_000})
	var conversions float64
	var last uint32
	for j := range h.Journeys() {
		require.Equal(t, last+1, j.User)
		last = j.User
		now := 0.0
		for _, x := range j.Touches {
			if x.Time < now || x.Time >= j.End {
				t.Fatalf("user %d: touch at %v after %v, end %v", j.User, x.Time, now, j.End)
			}
			now = x.Time
		}
		if j.Converted {
			conversions++
		} else if j.End != 1 {
			t.Fatalf("user %d: no conversion, end %v", j.User, j.End)
		}
	}
	want := h.Truth().Conversions
	require.InDelta(t, want, conversions, 4*math.Sqrt(want))
	require.Equal(t, "F", HazardTouch{Channel: 5}.Name())
}

// personTime is the person-time Shapley written out: rates by the set of channels touched
// so far, each conversion divided by the Shapley value of the rates below its set.
func personTime(h *Hazard) (credit [HazardChannels]float64, baseline float64) {
	const sets = 1 << HazardChannels
	var time, conversions [sets]float64
	for j := range h.Journeys() {
		set, now := 0, 0.0
		for _, x := range j.Touches {
			time[set] += x.Time - now
			now = x.Time
			set |= 1 << x.Channel
		}
		time[set] += j.End - now
		if j.Converted {
			conversions[set]++
		}
	}
	rate := make([]float64, sets)
	for s := range rate {
		rate[s] = conversions[0] / time[0]
		if time[s] > 0 {
			rate[s] = conversions[s] / time[s]
		}
	}
	for s, n := range conversions {
		if n == 0 {
			continue
		}
		baseline += n * rate[0] / rate[s]
		v := make([]float64, sets)
		for t := range v {
			v[t] = rate[t&s]
		}
		for c, phi := range shapley(v, HazardChannels) {
			credit[c] += n * phi / rate[s]
		}
	}
	return credit, baseline
}

// distance is half the sum of the absolute differences of the shares.
func distance(a, b [HazardChannels]float64) (d float64) {
	var sa, sb float64
	for c := range a {
		sa += math.Abs(a[c])
		sb += math.Abs(b[c])
	}
	for c := range a {
		d += math.Abs(a[c]/sa-b[c]/sb) / 2
	}
	return d
}

// The design recovers its truth by person-time, and not by counting exposed and unexposed people.
func TestPersonTimeRecoversTheTruth(t *testing.T) {
	users, seeds, bound := 60_000, uint64(3), 0.06
	if os.Getenv("ZHUN_LONG") != "" {
		users, seeds, bound = 600_000, 5, 0.02
	}
	var mean float64
	for seed := uint64(1); seed <= seeds; seed++ {
		h := newHazard(t, &HazardOptions{Users: users, Seed: seed})
		credit, baseline := personTime(h)
		truth := h.Truth()
		d := distance(credit, truth.Shapley)
		mean += d / float64(seeds)
		total := baseline
		for _, c := range credit {
			total += c
		}
		t.Logf("%d users, seed %d: distance %.4f, baseline %.0f of %.0f (truth %.0f)", users, seed, d, baseline, total, truth.Baseline)
	}
	require.Less(t, mean, bound)
}

// Fewer channels in the worlds never add up to more than the union bound allows; and the
// game is monotone where every effect is positive.
func TestHazardWorldsAreMonotone(t *testing.T) {
	v := newHazard(t, nil).Truth().Worlds
	for s := range v {
		for c := range HazardChannels {
			require.GreaterOrEqual(t, v[s|1<<c], v[s]-1e-9, "%06b + %c", s, 'A'+c)
		}
		require.LessOrEqual(t, v[s], v[len(v)-1]+1e-9, "%d", bits.OnesCount(uint(s)))
	}
}
