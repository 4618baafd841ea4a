package attribution

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// inferred are the models that know their slopes.
func inferred() map[string]func(p *Paths) (Credits, error) {
	all := models()
	for g := range gameCount {
		if g != MarkovChain && g != PersonTime {
			all[g.String()] = func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: g}) }
		}
	}
	for _, g := range []Game{SumSubset, TouchAny, RateSubset, RateExact, SumExact} {
		all["Banzhaf "+g.String()] = func(p *Paths) (Credits, error) { return Banzhaf(p, &ShapleyOptions{Game: g}) }
	}
	for _, o := range []MarkovOptions{{}, {Order: 2}, {Order: 3}, {Removal: Renormalize}, {Order: 2, Removal: Renormalize}} {
		all["markov"+string(rune('0'+o.Order))+string(rune('a'+o.Removal))] = func(p *Paths) (Credits, error) { return Markov(p, &o) }
	}
	return all
}

// The slopes that models know are those that come of playing them again with a
// little more of each path.
func TestSlopesByDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 91))
	for round := range 12 {
		var rows []row
		for range 3 + r.IntN(30) {
			path := make([]string, 1+r.IntN(5))
			for i := range path {
				path[i] = string(rune('A' + r.IntN(4)))
			}
			rows = append(rows, row{path, float64(1 + r.IntN(40)), float64(r.IntN(900)), float64(1 + r.IntN(90))})
		}
		p := build(t, append(rows, row{nil, 4, 10, 300}))
		for name, model := range inferred() {
			l := &lens{variance: true}
			c, err := model(p.under(l))
			require.NoError(t, err, name)
			require.True(t, l.answered(c) || name == "linear_collapsed", name)
			if !l.answered(c) {
				continue
			}
			want, err := p.differentiate(context.Background(), model, c)
			require.NoError(t, err)
			for i, ch := range p.inUse() {
				for _, of := range []struct{ want, got, size float64 }{
					{want[i].conv.Value(), l.square[ch].conv.Value(), c.Total.Conversions},
					{want[i].value.Value(), l.square[ch].value.Value(), c.Total.Value * 40},
				} {
					require.InDelta(t, of.want, of.got, 2e-5*(of.want+of.size), "round %d: %s: %s", round, name, c.Channels[i].Channel)
				}
			}
		}
	}
}

// A model that is no longer the one that answered is differentiated as it is.
func TestIntervalsOfChangedModels(t *testing.T) {
	p := build(t, []row{{channelsOf("AB"), 30, 300, 60}, {channelsOf("A"), 20, 100, 30}, {channelsOf("B"), 5, 10, 90}, {nil, 5, 1, 500}})
	ctx := context.Background()
	want, err := Intervals(ctx, p, Linear, 0)
	require.NoError(t, err)
	double := func(p *Paths) (Credits, error) {
		c, err := Linear(p)
		for i := range c.Channels {
			c.Channels[i].Conversions *= 2
		}
		return c, err
	}
	got, err := Intervals(ctx, p, double, 0)
	require.NoError(t, err)
	for i := range got {
		require.InEpsilon(t, 2*want[i].Conversions.StdErr, got[i].Conversions.StdErr, 1e-6)
		require.InEpsilon(t, want[i].Value.StdErr, got[i].Value.StdErr, 1e-6)
	}
	// Last-in effects play the cohort game for its warnings only.
	for name, model := range map[string]func(p *Paths) (Credits, error){
		"last in": LastIn, "shao li": ShaoLi,
		"markov chain": func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: MarkovChain}) },
		"strata":       func(p *Paths) (Credits, error) { return Stratified([]*Paths{p}, LastIn) },
	} {
		got, err := Intervals(ctx, p, model, 0.9)
		require.NoError(t, err, name)
		boot, err := Bootstrap(ctx, p, model, &BootstrapOptions{Replicates: 1500, Level: 0.9})
		require.NoError(t, err, name)
		for i := range got {
			require.InEpsilon(t, boot[i].Conversions.StdErr, got[i].Conversions.StdErr, 0.12, name)
			require.Equal(t, 0.9, got[i].Conversions.Level)
		}
	}
}

func TestIntervalsOfTimedRules(t *testing.T) {
	p := timedPaths(t, rand.New(rand.NewPCG(4, 92)), 3000)
	ctx := context.Background()
	for name, model := range map[string]func(p *Paths) (Credits, error){
		"time decay": func(p *Paths) (Credits, error) { return TimeDecay(p, time.Hour) },
		"last click": LastClick, "linear": Linear, "last": LastTouch,
	} {
		got, err := Intervals(ctx, p, model, 0)
		require.NoError(t, err, name)
		boot, err := Bootstrap(ctx, p, model, &BootstrapOptions{Replicates: 500})
		require.NoError(t, err, name)
		for i := range got {
			require.InEpsilon(t, boot[i].Conversions.StdErr, got[i].Conversions.StdErr, 0.15, name)
			require.InEpsilon(t, boot[i].Value.StdErr, got[i].Value.StdErr, 0.15, name)
		}
	}
	_, err := Intervals(ctx, p, func(p *Paths) (Credits, error) {
		c, err := LastClick(p)
		if err == nil {
			c.Channels[0].Conversions++
		}
		return c, err
	}, 0)
	require.ErrorIs(t, err, ErrInput)
}

// Chains of many channels take long, and end with the context.
func TestMarkovIntervalsEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := build(t, randomRows(rand.New(rand.NewPCG(10, 15)), 50, 6, 8, true))
	_, err := Intervals(ctx, p, func(p *Paths) (Credits, error) {
		cancel()
		return Markov(p, nil)
	}, 0)
	require.ErrorIs(t, err, context.Canceled)
}

func TestIntervalsRefuse(t *testing.T) {
	p := build(t, []row{{channelsOf("AB"), 3, 30, 60}})
	_, err := Intervals(context.Background(), p, Linear, -1)
	require.ErrorIs(t, err, ErrInput)
	_, err = Intervals(context.Background(), p, func(*Paths) (Credits, error) { return Credits{}, ErrNoTimes }, 0)
	require.ErrorIs(t, err, ErrNoTimes)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Intervals(ctx, p, Linear, 0)
	require.ErrorIs(t, err, context.Canceled)
}

// Of many samples from known paths, the intervals of each model cover what it
// gives for the truth as often as they say.
func TestIntervalsCover(t *testing.T) {
	runs, slack := 150, 0.03
	if os.Getenv("ZHUN_LONG") != "" {
		runs, slack = 3000, 0.01
	}
	r := rand.New(rand.NewPCG(2, 15))
	var truth []row
	for range 40 {
		path := make([]string, 1+r.IntN(4))
		for i := range path {
			path[i] = string(rune('A' + r.IntN(5)))
		}
		truth = append(truth, row{path, 30 + 90*r.Float64(), 1000 * r.Float64(), 60 + 300*r.Float64()})
	}
	truth = append(truth, row{nil, 40, 0, 2000})
	whole := build(t, truth)
	sampler := newSampler(whole)
	for name, f := range map[string]func(p *Paths) (Credits, error){
		"linear":    Linear,
		"position":  func(p *Paths) (Credits, error) { return Position(p, nil) },
		"shapley":   func(p *Paths) (Credits, error) { return Shapley(p, nil) },
		"rates":     func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: RateSubset}) },
		"per path":  func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: PerPath}) },
		"cohort":    func(p *Paths) (Credits, error) { return Shapley(p, &ShapleyOptions{Game: Cohort}) },
		"markov 1":  func(p *Paths) (Credits, error) { return Markov(p, nil) },
		"markov 2":  func(p *Paths) (Credits, error) { return Markov(p, &MarkovOptions{Order: 2}) },
		"renormal.": func(p *Paths) (Credits, error) { return Markov(p, &MarkovOptions{Removal: Renormalize}) },
	} {
		want, err := f(whole)
		require.NoError(t, err)
		hits, all := 0.0, 0.0
		for run := range runs {
			list, err := Intervals(context.Background(), sampler.draw(7, uint64(run)), f, 0)
			require.NoError(t, err)
			for i, k := range want.Channels {
				all++
				if e := list[i].Conversions; e.Lo <= k.Conversions && k.Conversions <= e.Hi {
					hits++
				}
			}
		}
		t.Logf("%-10s %.4f of %g", name, hits/all, all)
		require.InDelta(t, 0.95, hits/all, slack, name)
	}
}

// The goroutines that share the work do not show, whichever way the variances
// of a chain are summed up.
func TestMarkovIntervalsOfAnyWorkers(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 15))
	p := new(Paths)
	for range 6_000 {
		path := make([]string, 1+r.IntN(7))
		for i := range path {
			path[i] = string(rune('A' + r.IntN(9)))
		}
		require.NoError(t, p.Add(path, r.Float64(), 10*r.Float64(), 5*r.Float64()))
	}
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, o := range []MarkovOptions{{Order: 1}, {Order: 3}, {Order: 2, Removal: Renormalize}} {
		model := func(p *Paths) (Credits, error) { return Markov(p, &o) }
		var want []Interval
		for _, n := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(n)
			got, err := Intervals(t.Context(), p, model, 0)
			require.NoError(t, err)
			if n == 1 {
				want = got
			}
			require.Equal(t, want, got, "%+v, %d goroutines", o, n)
		}
	}
}
