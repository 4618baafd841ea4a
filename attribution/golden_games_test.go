package attribution

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

func effectOf(c Credit) float64 { return c.Effect }

func TestGoldenGames(t *testing.T) {
	for name, set := range golden[map[string]goldenSet](t, "small.json") {
		p := set.paths(t)
		for game, key := range map[Game]string{
			SumSubset: "sum_subset", TouchAny: "touch_any", RateSubset: "rate_subset", RateExact: "rate_exact", SumExact: "sum_exact",
		} {
			want, ok := set.Shapley[key]
			require.True(t, ok)
			c, err := Shapley(p, &ShapleyOptions{Game: game})
			require.NoError(t, err)
			nearCredits(t, want.Shapley, c, effectOf, name+" "+key)
			requireWhole(t, c)
			c, err = Banzhaf(p, &ShapleyOptions{Game: game})
			require.NoError(t, err)
			nearCredits(t, want.Banzhaf, c, effectOf, name+" Banzhaf "+key)
			requireWhole(t, c)
			// The table agrees with the closed form, and its grand worth with theirs.
			players := p.players()
			table := p.table(new(tables), game, players, false)
			near(t, want.VGrand, table[len(table)-1], "%s %s", name, key)
			for i, v := range shapley(table, len(players)) {
				near(t, want.Shapley[p.channels.Name(players[i])], v, "%s %s", name, key)
			}
		}
		c, err := Shapley(p, &ShapleyOptions{Game: PerPath})
		require.NoError(t, err)
		nearCredits(t, set.PerPath, c, conversionsOf, name+" per path")
		requireWhole(t, c)
		c, err = Shapley(p, &ShapleyOptions{Game: MarkovChain})
		require.NoError(t, err)
		nearCredits(t, set.MarkovShapley.Shapley, c, effectOf, name+" Markov")
		requireWhole(t, c)
	}
}

type goldenIncremental struct {
	Unexposed struct{ Conv, Null float64 }
	Baseline  float64 `json:"baseline_conversions"`
	Total     float64 `json:"total_conversions"`
	Shapley   map[string]float64
	LastIn    map[string]float64 `json:"last_in"`
}

func TestGoldenCohort(t *testing.T) {
	sets := golden[map[string]goldenSet](t, "small.json")
	for name, want := range golden[map[string]goldenIncremental](t, "incremental.json") {
		p := sets[name].paths(t)
		require.NoError(t, p.Add(nil, want.Unexposed.Conv, 0, want.Unexposed.Null))
		c, err := Shapley(p, &ShapleyOptions{Game: Cohort})
		require.NoError(t, err)
		nearCredits(t, want.Shapley, c, conversionsOf, name)
		near(t, want.Baseline, c.Unattributed.Conversions, name)
		near(t, want.Total, c.Total.Conversions, name)
		require.Empty(t, c.Warnings)
		requireWhole(t, c)
		l, err := LastIn(p)
		require.NoError(t, err)
		nearCredits(t, want.LastIn, l, conversionsOf, name)
	}
}

type goldenPersonTime struct {
	Lookback float64
	Users    []struct {
		Horizon     float64
		Touches     [][2]any
		Conversions []float64
	}
	BaselineRate float64            `json:"baseline_rate"`
	PersonTime   map[string]float64 `json:"person_time"`
	Conversions  map[string]float64
	Credits      map[string]float64
	Baseline     float64
	Total        float64
}

func TestGoldenPersonTime(t *testing.T) {
	second := func(s float64) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	for name, g := range golden[map[string]goldenPersonTime](t, "persontime.json") {
		shards := []*Journeys{newJourneys(t, nil), newJourneys(t, nil)}
		users := []*roaring.Bitmap{roaring.New(), roaring.New()}
		for i, u := range g.Users {
			require.Equal(t, 1000.0, u.Horizon)
			users[i%2].Add(uint32(i + 1))
			for _, touch := range u.Touches {
				require.NoError(t, shards[i%2].Touch(uint32(i+1), Touch{Channel: touch[0].(string), Time: second(touch[1].(float64))}))
			}
			for _, at := range u.Conversions {
				require.NoError(t, shards[i%2].Convert(uint32(i+1), Conversion{Time: second(at), Value: 3}))
			}
		}
		var p Paths
		for i, j := range shards {
			q, err := j.Paths(&PathOptions{
				Start: noon, AsOf: second(1000), Users: users[i], SessionGap: -1,
				Click: time.Duration(g.Lookback) * time.Second,
			})
			require.NoError(t, err)
			require.NoError(t, p.Merge(q))
		}
		data, err := p.AppendBinary(nil)
		require.NoError(t, err)
		require.NoError(t, p.UnmarshalBinary(data))

		spent, conversions := map[string]float64{}, map[string]float64{}
		for id, e := range p.exposed {
			var names []string
			for _, c := range p.sets.seq(uint32(id)) {
				names = append(names, p.channels.Name(c))
			}
			slices.Sort(names)
			if key := strings.Join(names, ""); e != (exposure{}) {
				spent[key] = e.time.Value() / 1e9
				if n := e.conv.Value(); n != 0 {
					conversions[key] = n
				}
			}
		}
		require.Equal(t, g.PersonTime, spent, name)
		require.Equal(t, g.Conversions, conversions, name)
		c, err := Shapley(&p, &ShapleyOptions{Game: PersonTime})
		require.NoError(t, err)
		nearCredits(t, g.Credits, c, conversionsOf, name)
		near(t, g.Baseline, c.Unattributed.Conversions, name)
		require.Equal(t, g.Total, c.Total.Conversions)
		requireWhole(t, c)
		for _, k := range c.Channels {
			near(t, 3*k.Conversions, k.Value)
		}
		require.Empty(t, c.Warnings)
	}
}

func TestGoldenMarkov(t *testing.T) {
	for name, set := range golden[map[string]goldenSet](t, "small.json") {
		p := set.paths(t)
		for key, want := range set.Markov {
			var o MarkovOptions
			o.Order = int(key[len("order")] - '0')
			if strings.Contains(key, "renorm") {
				o.Removal = Renormalize
			}
			of := conversionsOf
			if strings.HasSuffix(key, "value") {
				of = valueOf
			}
			c, err := Markov(p, &o)
			require.NoError(t, err)
			nearCredits(t, want.Attributed, c, of, name+" "+key)
			if strings.HasSuffix(key, "conv") {
				nearCredits(t, want.RemovalEffect, c, effectOf, name+" "+key)
			}
			ch := p.chain(o.Order)
			amount := ch.conv
			if strings.HasSuffix(key, "value") {
				amount = ch.value
			}
			near(t, want.Base, worthOf(ch, amount), name+" "+key)
		}
	}
}

func TestGoldenMarkovPathData(t *testing.T) {
	p := pathData(t)
	want := golden[goldenPathData](t, "pathdata.json")
	for order, w := range map[int]goldenMarkovPathData{1: want.Order1, 2: want.Order2} {
		ch := p.chain(order)
		require.Equal(t, w.States, ch.states.len()+1) // the reference counts the start
		near(t, w.P, worthOf(ch, ch.conv))
		near(t, w.E, worthOf(ch, ch.value))
		c, err := Markov(p, &MarkovOptions{Order: order})
		require.NoError(t, err)
		nearCredits(t, w.Conv, c, conversionsOf, "PathData")
		nearCredits(t, w.Value, c, valueOf, "PathData")
		nearCredits(t, w.EffectConv, c, effectOf, "PathData")
		requireWhole(t, c)
	}
	// Conversions per journey come out at every order.
	for _, order := range []int{3, 4} {
		ch := p.chain(order)
		got := worthOf(ch, ch.conv)
		require.InEpsilon(t, want.Order1.P, got, 1e-12)
		require.False(t, math.IsNaN(got))
	}
}

// The per-path game credits each set by itself, whatever the unexposed did.
func TestPerPathByDefinition(t *testing.T) {
	p := build(t, []row{{channelsOf("AB"), 6, 60, 6}, {channelsOf("A"), 1, 10, 3}, {nil, 5, 1, 5}})
	c, err := Shapley(p, &ShapleyOptions{Game: PerPath})
	require.NoError(t, err)
	requireWhole(t, c)
	// Rates: AB 1/2, A 1/4, B unseen. Of AB's 6 conversions A gets
	// 6·(½·¼ + ½·½)/½, and all of its own.
	near(t, 4.5+1, c.Channels[0].Conversions)
	near(t, 1.5, c.Channels[1].Conversions)
	require.Equal(t, 5.0, c.Unattributed.Conversions)
}
