package attribution

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/sim"
	"github.com/zhun-go/zhun/internal/stats"
)

// hazardPaths are the journeys of the reference design: six channels, exposure
// at random, one window in which a conversion ends the observation. The first
// paths have whole journeys, the second ones time that ends with the
// observation.
func hazardPaths(t testing.TB, h *sim.Hazard, users int) (whole, timed *Paths) {
	t.Helper()
	const window = 30 * 24 * time.Hour
	at := func(u float64) time.Time { return noon.Add(time.Duration(u * float64(window))) }
	j := newJourneys(t, nil)
	everyone := roaring.New()
	everyone.AddRange(1, uint64(users)+1)
	var after stats.Sum // a Duration would overflow
	for u := range h.Journeys() {
		for _, touch := range u.Touches {
			require.NoError(t, j.Touch(u.User, Touch{Channel: touch.Name(), Time: at(touch.Time)}))
		}
		if u.Converted {
			require.NoError(t, j.Convert(u.User, Conversion{Time: at(u.End), Value: 1}))
			after.Add(float64(at(1).Sub(at(u.End))))
		}
	}
	whole, err := j.Paths(&PathOptions{AsOf: at(3), Users: everyone, SessionGap: -1})
	require.NoError(t, err)
	timed, err = j.Paths(&PathOptions{Start: noon, AsOf: at(1), Users: everyone, SessionGap: -1})
	require.NoError(t, err)
	// The design observes nobody after a conversion; journeys go on there,
	// without a touch.
	timed.exposed[timed.set(nil)].time.Merge(after.Neg())
	return whole, timed
}

// distance is half the sum of absolute differences of shares, a share being a
// credit divided by the sum of absolute credits.
func distance(c Credits, truth [sim.HazardChannels]float64) float64 {
	shares := func(of func(i int) float64) (s [sim.HazardChannels]float64) {
		sum := 0.0
		for i := range s {
			s[i] = of(i)
			sum += math.Abs(s[i])
		}
		for i := range s {
			s[i] /= sum
		}
		return s
	}
	want := shares(func(i int) float64 { return truth[i] })
	got := shares(func(i int) float64 {
		k, _ := c.Of(string(rune('A' + i)))
		return k.Conversions
	})
	d := 0.0
	for i := range got {
		d += math.Abs(got[i]-want[i]) / 2
	}
	return d
}

// Which models recover what the channels caused? Exposure is random here, so
// that an estimator could. The long form holds the mean of five seeds at
// 600,000 users; the short one a single draw of 60,000, whose own noise for
// the person-time game is about .03.
func TestHazardTruth(t *testing.T) {
	users, seeds, bound := 60_000, 1, 0.06
	if os.Getenv("ZHUN_LONG") != "" {
		users, seeds, bound = 600_000, 5, 0.03
	}
	models := []struct {
		name string
		run  func(p *Paths) (Credits, error)
	}{
		{"last touch", LastTouch},
		{"linear", Linear},
		{"simplified Shapley", func(p *Paths) (Credits, error) { return Shapley(p, nil) }},
		{"Markov", func(p *Paths) (Credits, error) { return Markov(p, nil) }},
		{"cohort", func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: Cohort}) }},
		{"person-time", func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: PersonTime}) }},
	}
	mean := map[string]float64{}
	for seed := range seeds {
		h, err := sim.NewHazard(&sim.HazardOptions{Seed: uint64(seed + 1), Users: users})
		require.NoError(t, err)
		truth := h.Truth()
		whole, timed := hazardPaths(t, h, users)
		for _, m := range models {
			p := whole
			if m.name == "person-time" {
				p = timed
			}
			c, err := m.run(p)
			require.NoError(t, err)
			requireWhole(t, c)
			mean[m.name] += distance(c, truth.Shapley) / float64(seeds)
		}
	}
	for _, m := range models {
		t.Logf("%-20s %.3f", m.name, mean[m.name])
	}
	require.LessOrEqual(t, mean["person-time"], bound)
	require.Greater(t, mean["simplified Shapley"], 0.2)
	require.Greater(t, mean["last touch"], 0.2)
	require.Greater(t, mean["cohort"], 0.3)
}
