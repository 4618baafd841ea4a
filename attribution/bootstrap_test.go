package attribution

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a rule gives a channel is a weighted sum of Poisson numbers, whose
// variance is the sum of the squares of the weights.
func TestBootstrapStandardErrors(t *testing.T) {
	p := build(t, []row{
		{channelsOf("A"), 100, 1000, 900}, {channelsOf("AB"), 64, 640, 100}, {channelsOf("CBA"), 30, 90, 1}, {nil, 50, 10, 1000},
	})
	list, err := Bootstrap(context.Background(), p, Linear, &BootstrapOptions{Replicates: 4000})
	require.NoError(t, err)
	require.Len(t, list, 3)
	for i, variance := range []float64{100 + 64.0/4 + 30.0/9, 64.0/4 + 30.0/9, 30.0 / 9} {
		e := list[i].Conversions
		require.InEpsilon(t, math.Sqrt(variance), e.StdErr, 0.05)
		require.Less(t, e.Lo, e.Value)
		require.Greater(t, e.Hi, e.Value)
		require.InDelta(t, e.Value, (e.Lo+e.Hi)/2, 0.4*e.StdErr)
		require.InEpsilon(t, 2*1.96*e.StdErr, e.Hi-e.Lo, 0.15)
	}
	require.InEpsilon(t, math.Sqrt(100*100+64*25+30.0), list[0].Value.StdErr, 0.05)

	// Neither the workers nor the schedule show.
	for _, workers := range []int{1, 3} {
		again, err := Bootstrap(context.Background(), p, Linear, &BootstrapOptions{Replicates: 4000, Workers: workers})
		require.NoError(t, err)
		require.Equal(t, list, again)
	}
	other, err := Bootstrap(context.Background(), p, Linear, &BootstrapOptions{Replicates: 4000, Seed: 1})
	require.NoError(t, err)
	require.NotEqual(t, list, other)
}

func TestBootstrapOfEveryModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 14))
	p := timedPaths(t, r, 40)
	require.NoError(t, p.Add(nil, 3, 0, 50))
	before, err := p.AppendBinary(nil)
	require.NoError(t, err)
	all := models()
	all["time decay"] = func(p *Paths) (Credits, error) { return TimeDecay(p, 0) }
	all["last click"] = LastClick
	for g := range gameCount {
		all[g.String()] = func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: g}) }
	}
	all["markov"] = func(p *Paths) (Credits, error) { return Markov(p, nil) }
	for name, f := range all {
		list, err := Bootstrap(context.Background(), p, f, &BootstrapOptions{Replicates: 20})
		require.NoError(t, err, name)
		require.NotEmpty(t, list)
		for _, i := range list {
			require.False(t, math.IsNaN(i.Conversions.StdErr), name)
			require.LessOrEqual(t, i.Conversions.Lo, i.Conversions.Hi, name)
		}
	}
	after, err := p.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// Rows may come to a path of timed journeys: both are drawn.
func TestBootstrapOfTimedAndAggregated(t *testing.T) {
	j := newJourneys(t, nil)
	for u := range uint32(40) {
		touch(t, j, u+1, "A", hours(0))
		require.NoError(t, j.Convert(u+1, Conversion{Time: hours(1), Value: 2}))
	}
	p, err := j.Paths(nil)
	require.NoError(t, err)
	require.NoError(t, p.Add([]string{"A"}, 60, 600, 0))
	require.NoError(t, p.Add([]string{"B"}, 0, 7, 5))
	list, err := Bootstrap(t.Context(), p, Linear, &BootstrapOptions{Replicates: 2000})
	require.NoError(t, err)
	delta, err := Intervals(t.Context(), p, Linear, 0)
	require.NoError(t, err)
	for i, want := range delta {
		e := list[i]
		require.InDelta(t, want.Conversions.Value, (e.Conversions.Lo+e.Conversions.Hi)/2, 0.3*want.Conversions.StdErr+1e-9)
		require.InDelta(t, want.Conversions.StdErr, e.Conversions.StdErr, 0.08*want.Conversions.StdErr)
		require.InDelta(t, want.Value.Value, (e.Value.Lo+e.Value.Hi)/2, 0.3*want.Value.StdErr+1e-9)
		require.InDelta(t, want.Value.StdErr, e.Value.StdErr, 0.08*want.Value.StdErr)
	}
}

func TestBootstrapRefuses(t *testing.T) {
	p := build(t, []row{{channelsOf("A"), 1, 1, 1}})
	for _, o := range []BootstrapOptions{{Replicates: 1}, {Level: 1}, {Workers: -1}} {
		_, err := Bootstrap(context.Background(), p, Linear, &o)
		require.ErrorIs(t, err, ErrInput)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Bootstrap(ctx, p, Linear, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = Bootstrap(context.Background(), p, LastClick, nil)
	require.ErrorIs(t, err, ErrNoTimes)
}

// Of many samples from known paths, the intervals cover what the model gives
// for the truth as often as they say. The long form holds 95 ± 1.
func TestBootstrapCovers(t *testing.T) {
	runs, slack := 60, 0.05
	if os.Getenv("ZHUN_LONG") != "" {
		runs, slack = 2000, 0.01
	}
	r := rand.New(rand.NewPCG(2, 15))
	var truth []row
	for range 40 {
		path := make([]string, 1+r.IntN(4))
		for i := range path {
			path[i] = string(rune('A' + r.IntN(5)))
		}
		truth = append(truth, row{path, 10 + 90*r.Float64(), 0, 20 + 300*r.Float64()})
	}
	for name, f := range map[string]func(p *Paths) (Credits, error){
		"shapley": func(p *Paths) (Credits, error) { return Shapley(p, nil) },
		"markov":  func(p *Paths) (Credits, error) { return Markov(p, nil) },
	} {
		want, err := f(build(t, truth))
		require.NoError(t, err)
		covered, all := 0.0, 0.0
		sampler := newSampler(build(t, truth))
		for run := range runs {
			drawn := sampler.draw(99, uint64(run)).clone()
			list, err := Bootstrap(context.Background(), drawn, f, &BootstrapOptions{Seed: uint64(run)})
			require.NoError(t, err)
			for i, k := range want.Channels {
				all++
				if e := list[i].Conversions; e.Lo <= k.Conversions && k.Conversions <= e.Hi {
					covered++
				}
			}
		}
		t.Logf("%s: %.3f of %g", name, covered/all, all)
		require.InDelta(t, 0.95, covered/all, slack, name)
	}
}

// A thousand replicates of PathData. The limit draws two uniform numbers for
// each of its rows, as often.
func BenchmarkBootstrap(b *testing.B) {
	p := pathData(b)
	const replicates = 1000
	r, sum := rand.New(rand.NewPCG(1, 2)), 0.0
	rival := meanTime(func() {
		for range 2 * len(p.rows) {
			sum += r.Float64()
		}
	}) * replicates
	if sum == 0 {
		b.Fatal("no numbers")
	}
	for b.Loop() {
		_, err := Bootstrap(context.Background(), p, func(p *Paths) (Credits, error) { return Shapley(p, nil) }, &BootstrapOptions{Replicates: replicates, Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(p.rows)), "rows")
	b.ReportMetric(rival, "rival-ns")
	// Two nanoseconds for a number on a quiet machine, and a second for all.
	guide := 2 * 2 * float64(len(p.rows)) * replicates
	b.ReportMetric(guide, "rival-guide-ns")
	b.ReportMetric(1e9/guide, "goal-ratio")
}
