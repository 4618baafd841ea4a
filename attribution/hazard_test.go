package attribution

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// hazardTruth is a population whose conversions come from the additive hazard.
type hazardTruth struct {
	base     []float64 // conversions per day, by group
	jump     []float64 // what a touch adds to them, by channel
	halfLife []time.Duration
	touches  []float64 // expected number of touches, by channel, in group 0
	chase    float64   // by how much more of the last channel group 1 gets
}

// draw observes people for 60 days; everybody may convert often. It returns
// what each channel caused, in expectation given the touches.
func (h hazardTruth) draw(t testing.TB, seed uint64, users uint32) (j *Journeys, o *HazardOptions, caused []float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 97))
	j = newJourneys(t, nil)
	groups := make([]*roaring.Bitmap, len(h.base)-1)
	for i := range groups {
		groups[i] = roaring.New()
	}
	everyone := roaring.New()
	everyone.AddRange(1, uint64(users)+1)
	const days, window = 60, 30
	caused = make([]float64, len(h.jump))
	for u := uint32(1); u <= users; u++ {
		g := r.IntN(len(h.base))
		if g < len(groups) {
			groups[g].Add(u)
		}
		type hit struct {
			channel int
			at      float64
		}
		var hits []hit
		for c, mean := range h.touches {
			if g == 1 && c == len(h.touches)-1 {
				mean *= h.chase
			}
			for at := r.ExpFloat64() / mean * days; at < days; at += r.ExpFloat64() / mean * days {
				hits = append(hits, hit{c, at})
				touch(t, j, u, string(rune('A'+c)), hours(24*at))
			}
		}
		// Ogata's thinning under a bound that no rate exceeds.
		bound := h.base[g]
		for _, x := range hits {
			bound += h.jump[x.channel]
		}
		last := 0.0
		for now := r.ExpFloat64() / bound; now < days; now += r.ExpFloat64() / bound {
			rate := h.base[g]
			parts := make([]float64, len(h.jump))
			for _, x := range hits {
				if age := now - x.at; age >= 0 && age <= window && x.at >= last {
					k := 1.0
					if h.halfLife[x.channel] != Forever {
						k = math.Exp2(-age / (h.halfLife[x.channel].Hours() / 24))
					}
					parts[x.channel] += h.jump[x.channel] * k
				}
			}
			for _, p := range parts {
				rate += p
			}
			if r.Float64()*bound < rate {
				require.NoError(t, j.Convert(u, Conversion{Time: hours(24 * now), Value: float64(1 + r.IntN(50))}))
				for c, p := range parts {
					caused[c] += p / rate
				}
				last = now
			}
		}
	}
	o = &HazardOptions{
		Paths:  &PathOptions{Start: noon, AsOf: hours(24 * days), Users: everyone, SessionGap: -1},
		Groups: groups,
	}
	return j, o, caused
}

var fading = hazardTruth{
	base: []float64{0.004}, jump: []float64{0.06, 0.02, 0}, touches: []float64{1, 1.5, 2},
	halfLife: []time.Duration{24 * time.Hour, Forever, 24 * time.Hour},
}

func TestHazardRecovers(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	j, o, caused := fading.draw(t, 1, 6000)
	fit, err := FitHazard(context.Background(), j, o)
	require.NoError(t, err)
	requireWhole(t, fit.Credits)
	require.Empty(t, fit.Credits.Warnings)
	require.Equal(t, 24*time.Hour, fit.HalfLives["A"])
	require.Equal(t, Forever, fit.HalfLives["B"])
	for i, k := range fit.Intervals {
		require.InDelta(t, caused[i], k.Conversions.Value, 3.5*k.Conversions.StdErr+1, k.Channel)
	}
	// A touch brings its jump times the days that it acts.
	day := 1 / math.Ln2 * -math.Expm1(-30*math.Ln2)
	for i, want := range []float64{0.004, 0.06 * day, 0.02 * 30, 0} {
		c := fit.Coefficients[i]
		require.InDelta(t, want, c.Value, 4*c.StdErr+0.002, c.Name)
	}
	require.Contains(t, fit.String(), "(baseline)")
}

// Of two groups, one buys more and is chased by a channel without effect.
func TestHazardGroupsUncoverTargeting(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	h := hazardTruth{
		base: []float64{0.002, 0.02}, jump: []float64{0.03, 0}, touches: []float64{1, 0.4}, chase: 6,
		halfLife: []time.Duration{3 * 24 * time.Hour, 3 * 24 * time.Hour},
	}
	j, o, caused := h.draw(t, 2, 5000)
	fit, err := FitHazard(context.Background(), j, o)
	require.NoError(t, err)
	for i, k := range fit.Intervals {
		require.InDelta(t, caused[i], k.Conversions.Value, 4*k.Conversions.StdErr+1)
	}
	require.InDelta(t, 0.02, fit.Coefficients[1].Value, 4*fit.Coefficients[1].StdErr)
	o.Groups = nil
	blind, err := FitHazard(context.Background(), j, o)
	require.NoError(t, err)
	require.Greater(t, blind.Intervals[1].Conversions.Lo, 5*fit.Intervals[1].Conversions.Value+50)
	require.Less(t, blind.LogLikelihood, fit.LogLikelihood)
}

// The top of the likelihood is that of the slow method, which gives each touch
// its part of each conversion and counts again, and its parts are the credits.
func TestHazardBySlowIteration(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	for seed := range uint64(4) {
		j, o, _ := fading.draw(t, 10+seed, 150)
		o.HalfLives = map[string]time.Duration{"A": 12 * time.Hour, "B": Forever, "C": 48 * time.Hour}
		fit, err := FitHazard(context.Background(), j, o)
		require.NoError(t, err)
		requireWhole(t, fit.Credits)
		// Touches and conversions by user, naively: λ on a grid of minutes.
		rows := map[uint32]person{}
		s := j.snapshot()
		for _, u := range s.users {
			rows[u.user] = u.person
		}
		kernel := func(c string, age float64) float64 {
			if h := o.HalfLives[c]; h != Forever {
				return math.Exp2(-age / h.Hours())
			}
			return 1
		}
		acts := func(u person, at float64) map[string]float64 {
			sum := map[string]float64{}
			last := math.Inf(-1)
			for _, c := range u.conversions {
				if x := c.at.time().Sub(noon).Hours(); x < at {
					last = x
				}
			}
			for _, x := range u.touches {
				when := x.at.time().Sub(noon).Hours()
				if age := at - when; age >= 0 && age <= 720 && when > last {
					sum[s.names[x.channel]] += kernel(s.names[x.channel], age)
				}
			}
			return sum
		}
		exposure := map[string]float64{"": 150 * 1440}
		const step = 0.5
		for _, u := range rows {
			for at := step / 2; at < 1440; at += step {
				for c, k := range acts(u, at) {
					exposure[c] += k * step
				}
			}
		}
		theta := map[string]float64{"": 1e-4, "A": 1e-3, "B": 1e-3, "C": 1e-3}
		var credits map[string]float64
		for range 3000 {
			credits = map[string]float64{}
			for _, u := range rows {
				for _, c := range u.conversions {
					parts := acts(u, c.at.time().Sub(noon).Hours())
					parts[""] = 1
					rate := 0.0
					for k, x := range parts {
						rate += theta[k] * x
					}
					for k, x := range parts {
						credits[k] += theta[k] * x / rate
					}
				}
			}
			for k := range theta {
				theta[k] = credits[k] / exposure[k]
			}
		}
		// The grid of half hours is not the integral.
		for _, k := range fit.Credits.Channels {
			require.InDelta(t, credits[k.Channel], k.Conversions, 0.02*fit.Credits.Total.Conversions, k.Channel)
		}
		require.InDelta(t, credits[""], fit.Credits.Unattributed.Conversions, 0.02*fit.Credits.Total.Conversions)
	}
}

// The intervals are those of many populations with the same touches, about.
func TestHazardIntervals(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	h := hazardTruth{base: []float64{0.01}, jump: []float64{0.05}, touches: []float64{1}, halfLife: []time.Duration{24 * time.Hour}}
	hits := 0
	const runs = 60
	for seed := range uint64(runs) {
		j, o, caused := h.draw(t, 100+seed, 300)
		o.HalfLives = map[string]time.Duration{"A": 24 * time.Hour}
		fit, err := FitHazard(context.Background(), j, o)
		require.NoError(t, err)
		if e := fit.Intervals[0].Conversions; e.Lo <= caused[0] && caused[0] <= e.Hi {
			hits++
		}
	}
	require.GreaterOrEqual(t, hits, 52)
}

func TestHazardRefuses(t *testing.T) {
	j := newJourneys(t, nil)
	touch(t, j, 1, "A", hours(1))
	ctx := context.Background()
	for _, o := range []HazardOptions{
		{Level: -1},
		{Grid: []time.Duration{}},
		{Grid: []time.Duration{0}},
		{HalfLives: map[string]time.Duration{"A": -1}},
		{Groups: []*roaring.Bitmap{nil}},
		{Groups: []*roaring.Bitmap{roaring.BitmapOf(1), roaring.BitmapOf(1, 2)}},
		{Paths: &PathOptions{Click: -1}},
	} {
		_, err := FitHazard(ctx, j, &o)
		require.ErrorIs(t, err, ErrInput)
	}
	_, err := FitHazard(ctx, j, nil)
	require.ErrorIs(t, err, ErrDesign)
	require.NoError(t, j.Convert(1, Conversion{Time: hours(1)}))
	_, err = FitHazard(ctx, j, nil)
	require.ErrorIs(t, err, ErrDesign) // nobody was observed for any time
	require.NoError(t, j.Convert(2, Conversion{Time: hours(90)}))
	touch(t, j, 3, "B", hours(1))
	fit, err := FitHazard(ctx, j, nil)
	require.NoError(t, err)
	requireWhole(t, fit.Credits)
	require.ErrorIs(t, fit.Credits.Warnings[0], ErrDesign) // A acted for no time
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = FitHazard(done, j, nil)
	require.ErrorIs(t, err, context.Canceled)
}
