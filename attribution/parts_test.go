package attribution

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/internal/stats"
)

// summed are the models that are sums over journeys.
func summed() map[string]func(p *Paths) (Credits, error) {
	all := models()
	delete(all, "linear_collapsed")
	for _, g := range []Game{TouchAny, PerPath, Cohort} {
		all[g.String()] = func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: g}) }
	}
	return all
}

// requireParts adds up the credits of journeys.
func requireParts(t testing.TB, p *Paths, name string, model func(p *Paths) (Credits, error)) {
	t.Helper()
	want, err := model(p)
	require.NoError(t, err, name)
	list, err := PerJourney(p, model)
	require.NoError(t, err, name)
	sums := map[string]*share{}
	var journeys share
	for c := range list {
		journeys.conv.Add(c.Path.Conversions)
		journeys.value.Add(c.Path.Value)
		for i, ch := range c.Path.Channels {
			if sums[ch] == nil {
				sums[ch] = new(share)
			}
			sums[ch].conv.Add(c.Conversions[i])
			sums[ch].value.Add(c.Value[i])
		}
	}
	for _, k := range want.Channels {
		s := sums[k.Channel]
		if s == nil {
			s = new(share)
		}
		require.InDelta(t, k.Conversions, s.conv.Value(), 1e-12*want.Total.Conversions, "%s: %s", name, k.Channel)
		require.InDelta(t, k.Value, s.value.Value(), 1e-12*(1+math.Abs(want.Total.Value)), "%s: %s", name, k.Channel)
	}
	empty := p.empty()
	require.Equal(t, want.Total.Conversions-empty.conv.Value(), journeys.conv.Value(), name)
	require.InDelta(t, want.Total.Value-empty.value.Value(), journeys.value.Value(), 1e-9, name)
}

func TestPerJourneyAddsUp(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 93))
	for range 40 {
		p := build(t, append(randomRows(r, 30, 5, 6, true), row{nil, 3, 20, 100}))
		for name, model := range summed() {
			requireParts(t, p, name, model)
		}
	}
	for seed := range uint64(10) {
		p := randomJourneys(t, seed, 300)
		all := summed()
		all["time decay"] = func(p *Paths) (Credits, error) { return TimeDecay(p, 0) }
		all["last click"] = LastClick
		all["person-time"] = func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: PersonTime}) }
		for name, model := range all {
			requireParts(t, p, name, model)
		}
	}
}

func TestPerJourneyRefuses(t *testing.T) {
	p := build(t, []row{{channelsOf("AB"), 3, 30, 60}})
	for _, model := range []func(p *Paths) (Credits, error){
		func(p *Paths) (Credits, error) { return Markov(p, nil) },
		func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: RateExact}) },
		LastIn,
		func(p *Paths) (Credits, error) { return Stratified([]*Paths{p, p}, Linear) },
	} {
		_, err := PerJourney(p, model)
		require.ErrorIs(t, err, ErrNoParts)
	}
	_, err := PerJourney(p, LastClick)
	require.ErrorIs(t, err, ErrNoTimes)
	// Stops when it is told to.
	list, err := PerJourney(p, Linear)
	require.NoError(t, err)
	for c := range list {
		require.Equal(t, []float64{1.5, 1.5}, c.Conversions)
		break
	}
}

func TestOrders(t *testing.T) {
	j := newJourneys(t, nil)
	touch(t, j, 1, "A", hours(1))
	touch(t, j, 1, "B", hours(2))
	require.NoError(t, j.Convert(1, Conversion{ID: "x", Time: hours(3), Value: 10}))
	require.NoError(t, j.Convert(1, Conversion{ID: "y", Time: hours(4), Value: 7}))
	touch(t, j, 2, "B", hours(2))
	require.NoError(t, j.Convert(2, Conversion{Time: hours(2), Value: 5}))
	list, err := j.Orders(nil, Linear)
	require.NoError(t, err)
	var got []OrderCredit
	for c := range list {
		got = append(got, c)
	}
	one := func(channels []string, conv, value []float64, worth float64) JourneyCredit {
		return JourneyCredit{Path{Channels: channels, Conversions: 1, Value: worth}, conv, value}
	}
	require.Equal(t, []OrderCredit{
		{1, "x", hours(3), one([]string{"A", "B"}, []float64{.5, .5}, []float64{5, 5}, 10)},
		{1, "y", hours(4), one([]string{}, []float64{}, []float64{}, 7)},
		{2, "", hours(2), one([]string{"B"}, []float64{1}, []float64{5}, 5)},
	}, got)
	_, err = j.Orders(&PathOptions{Gap: -1}, Linear)
	require.ErrorIs(t, err, ErrInput)
	_, err = j.Orders(nil, func(p *Paths) (Credits, error) { return Markov(p, nil) })
	require.ErrorIs(t, err, ErrNoParts)
}

func TestApportion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(-1<<40, 1<<40).Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Float64Range(-0.2, 3), 1, 9).Draw(t, "weights")
		var sum stats.Sum
		for _, w := range weights {
			sum.Add(w)
		}
		parts, err := Apportion(total, weights)
		if !(sum.Value() > 0.01) {
			return
		}
		require.NoError(t, err)
		left := total
		for i, x := range parts {
			left -= x
			require.InDelta(t, float64(total)*weights[i]/sum.Value(), float64(x), 1.001)
		}
		require.Zero(t, left)
	})
	parts, err := Apportion(100, []float64{1, 1, 1})
	require.NoError(t, err)
	require.Equal(t, []int64{34, 33, 33}, parts)
	parts, err = Apportion(1<<53, []float64{0.1, 0.2, 0.7})
	require.NoError(t, err)
	require.Equal(t, int64(1<<53), parts[0]+parts[1]+parts[2])
	for _, bad := range [][]float64{nil, {0}, {1, math.NaN()}, {1, -1}, {-2, 1}} {
		_, err := Apportion(1, bad)
		require.ErrorIs(t, err, ErrInput)
	}
	_, err = Apportion(1<<60, []float64{1})
	require.ErrorIs(t, err, ErrInput)
}
