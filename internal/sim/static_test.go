package sim

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStaticAgreesWithItsTruth(t *testing.T) {
	for _, o := range []StaticOptions{{}, {Interactions: true}, {Interactions: true, Targeted: true}, {Ordered: true}} {
		o.Users = 100_000
		s, err := NewStatic(&o)
		require.NoError(t, err)
		var met [HazardChannels]float64
		var converted, unexposed, base, caused, variance float64
		for j := range s.Journeys() {
			set := 0
			for _, c := range j.Path {
				set |= 1 << c
			}
			for c := range met {
				if set>>c&1 != 0 {
					met[c]++
				} else if j.Caused[c] != 0 {
					t.Fatalf("user %d: %c caused %v without being met", j.User, 'A'+c, j.Caused[c])
				}
			}
			none := s.rate(j.Propensity, 0, false)
			sum := none
			for _, x := range j.Caused {
				sum += x
			}
			if want := s.rate(j.Propensity, set, o.Ordered && before(j.Path, 0, 3)); math.Abs(want-sum) > 1e-12 {
				t.Fatalf("user %d: %v, want %v", j.User, sum, want)
			}
			base += none
			caused += sum - none
			variance += sum * (1 - sum)
			if j.Converted {
				converted++
			}
			if set == 0 {
				unexposed++
			}
		}
		require.InDelta(t, base+caused, converted, 4*math.Sqrt(variance))
		for c, x := range staticExposure {
			if !o.Targeted || c < 4 {
				require.InDelta(t, expit(x), met[c]/1e5, 0.007)
			}
		}
		require.Greater(t, unexposed, 1000.0)
	}
	_, err := NewStatic(&StaticOptions{Users: -1})
	require.ErrorIs(t, err, ErrOptions)
}

// Without fading, order and chase, the walk through time gives the same journeys and the
// sum over users the same truth as the closed form.
func TestHazardInTimeIsThePlainDesign(t *testing.T) {
	plain := newHazard(t, &HazardOptions{Users: 40_000, Seed: 3})
	slow := newHazard(t, &HazardOptions{Users: 40_000, Seed: 3, HalfLife: 1e12})
	var journeys []HazardJourney
	for j := range plain.Journeys() {
		j.Touches = slices.Clone(j.Touches)
		journeys = append(journeys, j)
	}
	i := 0
	for j := range slow.Journeys() {
		w := journeys[i]
		i++
		if w.Converted != j.Converted || math.Abs(w.End-j.End) > 1e-9 || !slices.Equal(w.Touches, j.Touches) {
			t.Fatalf("got %+v, want %+v", j, w)
		}
	}
	want, got := plain.Truth(), slow.Truth()
	for s := range want.Worlds {
		require.InEpsilon(t, want.Worlds[s], got.Worlds[s], 0.02)
	}
	require.InDelta(t, want.Baseline, got.Baseline, 1e-6)
}

// Where effects fade, matter in order, or are chased, journeys still agree with the truth.
func TestHazardVariantsAgreeWithTheirTruth(t *testing.T) {
	for _, o := range []HazardOptions{{HalfLife: 0.1}, {Order: 1}, {Targeting: 1.5}, {HalfLife: 0.3, Order: -0.5, Targeting: 1}} {
		o.Users = 30_000
		h := newHazard(t, &o)
		r := h.Truth()
		sum := r.Baseline
		for _, x := range r.Shapley {
			sum += x
		}
		require.InDelta(t, r.Conversions, sum, 1e-6)
		require.InDelta(t, 0, r.Shapley[4], 1e-6, "E has no effect")
		var converted float64
		for j := range h.Journeys() {
			if j.Converted {
				converted++
			}
			if n := len(j.Touches); j.Converted && j.End >= 1 || n > 0 && j.Touches[n-1].Time >= j.End {
				t.Fatalf("%+v", j)
			}
		}
		require.InDelta(t, r.Conversions, converted, 4*math.Sqrt(r.Conversions))
	}
	// Fading halves twice in two half-lives.
	h := newHazard(t, &HazardOptions{HalfLife: 0.1})
	a := []HazardTouch{{0, 0.2}}
	require.InDelta(t, 0.04*math.Exp(0.9/4), h.rate(a, 0, 0.4), 1e-12)
	fine := 0.0
	for i := range 100_000 {
		fine += h.rate(a, 0, 0.2+0.8*(float64(i)+0.5)/1e5) * 0.8e-5
	}
	require.InDelta(t, fine, h.hazard(a, 0, 0.2, 1), 1e-9)
	for _, bad := range []HazardOptions{{HalfLife: -1}, {HalfLife: 1e-4}, {Order: 9}, {Targeting: math.NaN()}} {
		_, err := NewHazard(&bad)
		require.ErrorIs(t, err, ErrOptions)
	}
}
