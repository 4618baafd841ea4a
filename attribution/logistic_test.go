package attribution

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func fitLogistic(t testing.TB, strata []*Paths, o *LogisticOptions) Modelled {
	t.Helper()
	m, err := FitLogistic(context.Background(), strata, o)
	require.NoError(t, err)
	requireWhole(t, m.Credits)
	return m
}

// Of two channels, four rates are all there is to know: the model is the
// cohort game, and so are its intervals.
func TestLogisticOfTwoChannelsIsCohort(t *testing.T) {
	p := build(t, []row{
		{channelsOf("A"), 120, 1200, 1880},
		{channelsOf("B"), 60, 600, 1440},
		{channelsOf("AB"), 200, 2000, 1300},
		{channelsOf("BA"), 40, 400, 160},
		{nil, 90, 900, 4910},
	})
	o := &ShapleyOptions{Game: Cohort}
	want, err := Shapley(p, o)
	require.NoError(t, err)
	m := fitLogistic(t, []*Paths{p}, &LogisticOptions{Prior: 1e5})
	sd, err := ShapleyIntervals(p, o, 0)
	require.NoError(t, err)
	for i, k := range want.Channels {
		require.InEpsilon(t, k.Conversions, m.Credits.Channels[i].Conversions, 1e-7)
		require.InEpsilon(t, sd[i].Conversions.StdErr, m.Intervals[i].Conversions.StdErr, 1e-6)
		require.InEpsilon(t, 10*m.Intervals[i].Conversions.StdErr, m.Intervals[i].Value.StdErr, 1e-9)
	}
	require.InEpsilon(t, want.Unattributed.Conversions, m.Credits.Unattributed.Conversions, 1e-7)
	require.Equal(t, []string{"(constant)", "A", "B", "A × B"}, []string{
		m.Coefficients[0].Name, m.Coefficients[1].Name, m.Coefficients[2].Name, m.Coefficients[3].Name,
	})
	logit := func(c, z float64) float64 { return math.Log(c / z) }
	require.InDelta(t, logit(120, 1880)-logit(90, 4910), m.Coefficients[1].Value, 1e-6)
	require.InDelta(t, math.Sqrt(1./120+1./1880+1./90+1./4910), m.Coefficients[1].StdErr, 1e-6)
	require.Contains(t, m.String(), "A × B")
}

// The credits of given coefficients, by the definition.
func TestLogisticCreditsByDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 95))
	for range 10 {
		var strata []*Paths
		var cov [][]float64
		for range 1 + r.IntN(4) {
			strata = append(strata, build(t, append(randomRows(r, 40, 5, 6, true), row{nil, 30, 20, 500})))
			cov = append(cov, []float64{r.NormFloat64(), 5 + r.Float64()})
		}
		o := &LogisticOptions{MinPair: 30, Prior: 2}
		if len(strata) > 1 {
			o.Covariates = cov
		}
		m := fitLogistic(t, strata, o)
		beta := map[string]float64{}
		for _, c := range m.Coefficients {
			beta[c.Name] = c.Value
		}
		want := map[string]float64{}
		var like float64
		for i, p := range strata {
			for id := range p.bySet {
				var set []string
				for _, c := range p.sets.seq(uint32(id)) {
					set = append(set, p.channels.Name(c))
				}
				prob := func(s uint64) float64 {
					x := beta["(constant)"]
					for a := range set {
						if s>>a&1 == 0 {
							continue
						}
						x += beta[set[a]]
						for b := range set {
							if s>>b&1 != 0 {
								x += beta[set[a]+" × "+set[b]]
							}
						}
					}
					if o.Covariates != nil {
						x += beta["covariate 0"]*cov[i][0] + beta["covariate 1"]*cov[i][1]
					}
					return expit(x)
				}
				c, z := p.bySet[id].conv.Value(), p.bySet[id].null.Value()
				full := uint64(1)<<len(set) - 1
				like += c*math.Log(prob(full)) + z*math.Log(1-prob(full))
				for k, v := range byPermutations(len(set), prob) {
					want[set[k]] += (c + z) * v
				}
			}
		}
		for _, k := range m.Credits.Channels {
			require.InDelta(t, want[k.Channel], k.Conversions, 1e-6*m.Credits.Total.Conversions, k.Channel)
		}
		require.Less(t, m.LogLikelihood, like+1e-6)
	}
}

// What was put in comes out, and the intervals know how well.
func TestLogisticRecovers(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	d := staticDesign{interactions: true, confounded: true}
	const parts = 30
	_, by, truth := d.population(t, 11, 60_000, parts)
	o := &LogisticOptions{}
	for i := range parts {
		o.Covariates = append(o.Covariates, []float64{normalMean(i, parts)})
	}
	m := fitLogistic(t, by, o)
	require.Less(t, distance(m.Credits, truth), 0.1)
	hits := 0
	for i, k := range m.Intervals {
		if math.Abs(k.Conversions.Value-truth[i]) < 2.6*k.Conversions.StdErr {
			hits++
		}
	}
	require.GreaterOrEqual(t, hits, 5)
	for _, want := range []struct {
		name  string
		value float64
	}{{"A", .9}, {"B", .5}, {"C", 0}, {"D", .7}, {"E", 0}, {"F", .2}, {"A × B", .8}, {"A × D", -.5}, {"C × D", .6}, {"covariate 0", 1}} {
		for _, c := range m.Coefficients {
			if c.Name == want.name {
				require.InDelta(t, want.value, c.Value, 4*c.StdErr+0.05, want.name)
			}
		}
	}
	// Without the confounder, E, which does nothing, is paid.
	blind := fitLogistic(t, by, nil)
	e, _ := blind.Credits.Of("E")
	require.Greater(t, e.Conversions, 500.0)
	e, _ = m.Credits.Of("E")
	require.Less(t, math.Abs(e.Conversions), 400.0)
}

// Resampled journeys say the same as the delta method.
func TestLogisticIntervalsAgreeWithBootstrap(t *testing.T) {
	if raced {
		t.Skip("one goroutine")
	}
	_, by, _ := staticDesign{interactions: true, confounded: true}.population(t, 12, 20_000, 3)
	o := &LogisticOptions{Covariates: [][]float64{{-1}, {0}, {1}}}
	m := fitLogistic(t, by, o)
	var sums, squares [6]float64
	const runs = 150
	for run := range runs {
		var drawn []*Paths
		for i, p := range by {
			drawn = append(drawn, newSampler(p).draw(uint64(i), uint64(run)))
		}
		for i, k := range fitLogistic(t, drawn, o).Credits.Channels {
			sums[i] += k.Conversions
			squares[i] += k.Conversions * k.Conversions
		}
	}
	for i, k := range m.Intervals {
		sd := math.Sqrt(squares[i]/runs - sums[i]/runs*sums[i]/runs)
		require.InEpsilon(t, sd, k.Conversions.StdErr, 0.25, k.Channel)
	}
}

func TestLogisticRefuses(t *testing.T) {
	p := build(t, []row{{channelsOf("AB"), 3, 30, 60}, {nil, 1, 1, 9}})
	q := build(t, []row{{channelsOf("A"), 3, 30, 60}})
	ctx := context.Background()
	for _, c := range []struct {
		strata []*Paths
		o      LogisticOptions
	}{
		{nil, LogisticOptions{}},
		{[]*Paths{p}, LogisticOptions{Level: 2}},
		{[]*Paths{p}, LogisticOptions{Prior: -1}},
		{[]*Paths{p}, LogisticOptions{MinPair: math.NaN()}},
		{[]*Paths{p}, LogisticOptions{Covariates: [][]float64{{1}, {2}}}},
		{[]*Paths{p, q}, LogisticOptions{Covariates: [][]float64{{1}, {2, 3}}}},
		{[]*Paths{p, q}, LogisticOptions{Covariates: [][]float64{{1}, {math.Inf(1)}}}},
		{[]*Paths{p, q}, LogisticOptions{Covariates: [][]float64{{1}, {1}}}},
	} {
		_, err := FitLogistic(ctx, c.strata, &c.o)
		require.ErrorIs(t, err, ErrInput)
	}
	never := build(t, []row{{channelsOf("A"), 0, 0, 60}})
	_, err := FitLogistic(ctx, []*Paths{never}, nil)
	require.ErrorIs(t, err, ErrDesign)
	require.NoError(t, never.Sub(channelsOf("A"), 0, 0, 61))
	_, err = FitLogistic(ctx, []*Paths{never}, nil)
	require.ErrorIs(t, err, ErrNegative)
	var wide []string
	for i := range MaxExact + 1 {
		wide = append(wide, string(rune('A'+i)))
	}
	_, err = FitLogistic(ctx, []*Paths{build(t, []row{{wide, 1, 1, 1}})}, nil)
	require.ErrorIs(t, err, ErrChannels)
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = FitLogistic(done, []*Paths{p}, nil)
	require.ErrorIs(t, err, context.Canceled)
	// A channel with which everybody converts has no best coefficient, and the
	// prior holds it back.
	m := fitLogistic(t, []*Paths{build(t, []row{{channelsOf("A"), 40, 0, 0}, {nil, 10, 0, 90}})}, nil)
	require.Less(t, m.Coefficients[1].Value, 20.0)
	require.Greater(t, m.Coefficients[1].Value, 5.0)
}

// normalMean is the mean of a standard normal within the i-th of n parts of
// equal size.
func normalMean(i, n int) float64 {
	quantile := func(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
	density := func(p float64) float64 {
		if p <= 0 || p >= 1 {
			return 0
		}
		x := quantile(p)
		return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
	}
	return (density(float64(i)/float64(n)) - density(float64(i+1)/float64(n))) * float64(n)
}
