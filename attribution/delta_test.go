package attribution

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// randomJourneys are paths of a few hundred people with exposed and unexposed
// time.
func randomJourneys(t testing.TB, seed uint64, users uint32) *Paths {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 61))
	j := newJourneys(t, nil)
	for u := uint32(1); u <= users; u++ {
		for range r.IntN(4) {
			touch(t, j, u, string(rune('A'+r.IntN(4))), hours(300*r.Float64()))
		}
		if r.IntN(3) == 0 {
			require.NoError(t, j.Convert(u, Conversion{Time: hours(300 * r.Float64()), Value: float64(1 + r.IntN(50))}))
		}
	}
	everyone := roaring.New()
	everyone.AddRange(1, uint64(users)+1)
	p, err := j.Paths(&PathOptions{Start: noon, AsOf: hours(300), Users: everyone, Gap: 100 * time.Hour})
	require.NoError(t, err)
	return p
}

// The slopes are those that come of counting one journey more.
func TestDeltaSlopesByDifference(t *testing.T) {
	for seed := range uint64(20) {
		p := randomJourneys(t, seed, 60)
		credit := func(g Game) map[string]Credit {
			c, err := Shapley(p, &ShapleyOptions{Game: g})
			require.NoError(t, err)
			m := map[string]Credit{}
			for _, k := range c.Channels {
				m[k.Channel] = k
			}
			return m
		}
		variances := func(g Game, counts []func(add float64) float64) map[string]Credit {
			sum := map[string]Credit{}
			const h = 1e-4
			for _, count := range counts {
				n := count(h)
				up := credit(g)
				count(-2 * h)
				down := credit(g)
				count(h)
				for c, k := range up {
					dc, dv := (k.Conversions-down[c].Conversions)/(2*h), (k.Value-down[c].Value)/(2*h)
					s := sum[c]
					s.Conversions += n * dc * dc
					s.Value += n * dv * dv
					sum[c] = s
				}
			}
			return sum
		}
		var timed, sets []func(add float64) float64
		for id := range p.exposed {
			if n := p.exposed[id].conv.Value(); n > 0 {
				each := p.exposed[id].value.Value() / n
				timed = append(timed, func(add float64) float64 {
					p.exposed[id].conv.Add(add)
					p.exposed[id].value.Add(add * each)
					return n
				})
			}
		}
		for id := range p.bySet {
			b := &p.bySet[id]
			if n := b.conv.Value(); n > 0 {
				each := b.value.Value() / n
				sets = append(sets, func(add float64) float64 {
					b.conv.Add(add)
					b.value.Add(add * each)
					return n
				})
			}
			if n := b.null.Value(); n > 0 {
				sets = append(sets, func(add float64) float64 {
					b.null.Add(add)
					return n
				})
			}
		}
		for _, c := range []struct {
			game   Game
			counts []func(add float64) float64
		}{{PersonTime, timed}, {Cohort, sets}} {
			want := variances(c.game, c.counts)
			got, err := ShapleyIntervals(p, &ShapleyOptions{Game: c.game}, 0)
			require.NoError(t, err)
			for _, i := range got {
				k := want[i.Channel]
				require.InDelta(t, k.Conversions, i.Conversions.StdErr*i.Conversions.StdErr, 1e-5*max(1, k.Conversions), "%v %s", c.game, i.Channel)
				if c.game == Cohort {
					// Its conversions have values of their own.
					require.Greater(t, i.Value.StdErr*i.Value.StdErr, 0.99*k.Value)
					continue
				}
				require.InDelta(t, k.Value, i.Value.StdErr*i.Value.StdErr, 1e-5*max(1, k.Value), "%v %s", c.game, i.Channel)
			}
		}
	}
}

// The delta method and the bootstrap say the same.
func TestDeltaAgreesWithBootstrap(t *testing.T) {
	p := randomJourneys(t, 99, 3000)
	for _, g := range []Game{SumSubset, TouchAny, Cohort, PersonTime} {
		got, err := ShapleyIntervals(p, &ShapleyOptions{Game: g}, 0.9)
		require.NoError(t, err)
		want, err := Bootstrap(context.Background(), p, func(p *Paths) (Credits, error) {
			return Shapley(p, &ShapleyOptions{Game: g})
		}, &BootstrapOptions{Level: 0.9, Replicates: 400, Seed: 3})
		require.NoError(t, err)
		require.Len(t, got, len(want))
		for i := range got {
			require.Equal(t, want[i].Channel, got[i].Channel)
			require.InDelta(t, want[i].Conversions.Value, got[i].Conversions.Value, 1e-9)
			// 400 replicates know a standard deviation to 3.5 %.
			require.InEpsilon(t, want[i].Conversions.StdErr, got[i].Conversions.StdErr, 0.15, "%v", g)
			require.InEpsilon(t, want[i].Value.StdErr, got[i].Value.StdErr, 0.15, "%v", g)
		}
	}
}

// Intervals of the default game hold the truth as often as they say. The
// bounds are three standard errors of 2,000 × 3 figures, which depend on each
// other a little.
func TestDeltaCoverage(t *testing.T) {
	rows := []struct {
		path []string
		rate float64
	}{{[]string{"A"}, 40}, {[]string{"A", "B"}, 25}, {[]string{"B", "C"}, 60}, {[]string{"C", "A", "B"}, 30}}
	truth := map[string]float64{}
	for _, r := range rows {
		for _, c := range r.path {
			truth[c] += r.rate / float64(len(r.path))
		}
	}
	hits, all := 0.0, 0.0
	for seed := range uint64(2000) {
		r := newSampler(&Paths{})
		r.rand.Seed(seed, 62)
		var p Paths
		for _, row := range rows {
			require.NoError(t, p.Add(row.path, r.poisson(row.rate), 0, 0))
		}
		list, err := ShapleyIntervals(&p, nil, 0.95)
		require.NoError(t, err)
		for _, i := range list {
			all++
			if w := truth[i.Channel]; i.Conversions.Lo <= w && w <= i.Conversions.Hi {
				hits++
			}
		}
	}
	t.Logf("%.4f of %.0f", hits/all, all)
	require.InDelta(t, 0.95, hits/all, 0.01)
}

func TestShapleyIntervalsRefuse(t *testing.T) {
	var p Paths
	require.NoError(t, p.Add([]string{"A"}, 1, 1, 1))
	_, err := ShapleyIntervals(&p, nil, 1)
	require.ErrorIs(t, err, ErrInput)
	_, err = ShapleyIntervals(&p, &ShapleyOptions{Game: PersonTime}, 0)
	require.ErrorIs(t, err, ErrNoTimes)
}
