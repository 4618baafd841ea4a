package experiment

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func at(hours float64) time.Time { return day0.Add(time.Duration(hours * float64(time.Hour))) }

func expose(t require.TestingT, r *Readout, user uint32, arm string, hours float64) {
	require.NoError(t, r.Expose(user, Exposure{Arm: arm, At: at(hours)}))
}

func record(t require.TestingT, r *Readout, user uint32, metric string, v, hours float64) {
	require.NoError(t, r.Record(user, metric, v, at(hours)))
}

// fact is a row of the slow reference.
type fact struct {
	user  uint32
	arm   string // an exposure
	epoch int
	value float64 // else an order
	at    time.Time
}

// slowReadout joins facts in the most obvious way and returns the values of
// each arm by epoch.
func slowReadout(facts []fact, metric string, window time.Duration, asOf time.Time, firstArm, open bool) map[int]map[string][]float64 {
	out := map[int]map[string][]float64{}
	for user := uint32(1); user < 20; user++ {
		var first *fact
		arms := map[string]bool{}
		for _, f := range facts {
			if f.user != user || f.arm == "" || f.at.After(asOf) {
				continue
			}
			arms[f.arm] = true
			if first == nil || cmp.Or(f.at.Compare(first.at), cmp.Compare(f.arm, first.arm), cmp.Compare(f.epoch, first.epoch)) < 0 {
				first = &f
			}
		}
		if first == nil || len(arms) > 1 && !firstArm || window > 0 && first.at.Add(window).After(asOf) && !open {
			continue
		}
		n, sum := 0.0, 0.0
		for _, f := range facts {
			if f.user == user && f.arm == "" && !f.at.Before(first.at) && !f.at.After(asOf) && (window == 0 || f.at.Before(first.at.Add(window))) {
				n++
				sum += f.value
			}
		}
		y := sum
		switch metric {
		case "conversion":
			y = min(n, 1)
		case "orders":
			y = n
		}
		if out[first.epoch] == nil {
			out[first.epoch] = map[string][]float64{}
		}
		out[first.epoch][first.arm] = append(out[first.epoch][first.arm], y)
	}
	return out
}

func TestCompareAgainstTheObviousJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fact {
			f := fact{user: rapid.Uint32Range(1, 12).Draw(t, "user"), at: at(float64(rapid.IntRange(0, 30).Draw(t, "hour")))}
			if rapid.IntRange(0, 2).Draw(t, "kind") == 0 {
				f.value = float64(rapid.IntRange(0, 9).Draw(t, "value"))
			} else {
				f.arm = rapid.SampledFrom([]string{"a", "a", "a", "b", "b", "b", "c"}).Draw(t, "arm")
				if f.user%2 == 0 {
					f.arm = "a" // else nearly everybody crosses over
				}
				f.epoch = rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "epoch")
			}
			return f
		}), 10, 60).Draw(t, "facts")
		opts := &ReadoutOptions{Window: time.Duration(rapid.SampledFrom([]int{0, 5, 20}).Draw(t, "window")) * time.Hour}
		test := &TestOptions{AsOf: at(float64(rapid.IntRange(10, 40).Draw(t, "asOf"))), FirstArm: rapid.Bool().Draw(t, "firstArm"), Open: rapid.Bool().Draw(t, "open")}
		r, err := NewReadout("exp", opts)
		require.NoError(t, err)
		for _, f := range facts {
			event, fields := "Order Completed", map[string]any{"total": f.value}
			if f.arm != "" {
				event, fields = "Experiment Viewed", map[string]any{"experiment_name": "exp", "variation_name": f.arm, "epoch": f.epoch}
			}
			require.NoError(t, r.Observe(f.user, event, fields, f.at))
		}
		for _, metric := range []string{"conversion", "orders", "revenue"} {
			want := slowReadout(facts, metric, opts.Window, test.AsOf, test.FirstArm, test.Open)
			got, err := r.Compare(metric, "a", "b", test)
			// The reference post-stratifies over epochs with two users per arm.
			total, effect, variance := 0.0, 0.0, 0.0
			for range 2 {
				effect, variance = 0, 0
				for _, epoch := range []int{0, 1} {
					a, b := want[epoch]["a"], want[epoch]["b"]
					if len(a) < 2 || len(b) < 2 {
						continue
					}
					d, se, _ := slowWelch(a, b)
					if metric == "conversion" {
						se = math.Sqrt(share(a)*(1-share(a))/float64(len(a)) + share(b)*(1-share(b))/float64(len(b)))
					}
					n := float64(len(a) + len(b))
					if total > 0 {
						effect += n / total * d
						variance += n * n / total / total * se * se
					} else {
						effect += n
					}
				}
				if total == 0 {
					total = effect
				}
			}
			if total == 0 {
				require.Error(t, err)
				require.True(t, errors.Is(err, ErrTooFew) || errors.Is(err, ErrArm), "%v", err)
				continue
			}
			require.NoError(t, err)
			require.InDelta(t, effect, got.Absolute.Value, 1e-12)
			require.InDelta(t, math.Sqrt(variance), got.Absolute.StdErr, 1e-12)
		}
	})
}

func share(xs []float64) (p float64) {
	for _, x := range xs {
		p += x
	}
	return p / float64(len(xs))
}

// fill exposes n users of each arm from hour 0 on; every third of a and every
// second of b buys for 10 an hour later.
func fill(t require.TestingT, r *Readout, n int) {
	for i := range n {
		expose(t, r, uint32(2*i+1), "a", 0)
		expose(t, r, uint32(2*i+2), "b", 0)
		for k, every := range []int{3, 2} {
			if i%every == 0 {
				require.NoError(t, r.Observe(uint32(2*i+1+k), "Order Completed", map[string]any{"revenue": 10}, at(1)))
			}
		}
	}
}

func TestOutcomeWindow(t *testing.T) {
	r := mustReadout(t, &ReadoutOptions{Window: 24 * time.Hour})
	for u, hours := range map[uint32][]float64{1: {-1, 0, 23.9, 24, 30}, 2: {}, 3: {-5}, 4: {0}, 5: {1}} {
		expose(t, r, u, map[bool]string{true: "a", false: "b"}[u <= 2], 0)
		for _, h := range hours {
			record(t, r, u, "revenue", 1, h)
			require.NoError(t, r.Observe(u, "Order Completed", nil, at(h)))
		}
	}
	expose(t, r, 6, "a", 20)
	record(t, r, 6, "revenue", 100, 21)
	c, err := r.Compare("revenue", "a", "b", &TestOptions{AsOf: at(40)})
	require.NoError(t, err)
	require.Equal(t, 1.0, c.Control.Mean, "two rows of user 1 count, those before exposure and from the end on do not")
	require.Equal(t, Population{Exposed: 6, Immature: 1}, c.Population)
	require.Contains(t, c.Adjustments, "1 users left out whose window of 24h0m0s is open on 2026-03-02 16:00")
	c, err = r.Compare("revenue", "a", "b", &TestOptions{AsOf: at(40), Open: true})
	require.NoError(t, err)
	require.InDelta(t, 34, c.Control.Mean, 1e-12)
	c, err = r.Compare("revenue", "a", "b", &TestOptions{AsOf: at(44)})
	require.NoError(t, err)
	require.Zero(t, c.Population.Immature)
	c, err = r.Compare("orders", "a", "b", &TestOptions{AsOf: at(24)})
	require.NoError(t, err)
	require.Equal(t, 1.0, c.Control.Mean)
	require.InDelta(t, 2./3, c.Treatment.Mean, 1e-15)
}

func TestClockIsTheDefaultAsOf(t *testing.T) {
	r := mustReadout(t, &ReadoutOptions{Window: 2 * time.Hour})
	fill(t, r, 10)
	_, err := r.Compare("revenue", "a", "b", nil) // the last row is at hour 1
	require.ErrorIs(t, err, ErrTooFew)
	require.NoError(t, r.Advance(at(2)))
	c, err := r.Compare("revenue", "a", "b", nil)
	require.NoError(t, err)
	require.EqualValues(t, 10, c.Control.N)
	require.NoError(t, r.Advance(at(1)), "never back")
	_, err = r.Compare("revenue", "a", "b", nil)
	require.NoError(t, err)
}

func TestCrossovers(t *testing.T) {
	r := mustReadout(t, nil)
	fill(t, r, 300)
	c, err := r.Compare("conversion", "a", "b", nil)
	require.NoError(t, err)
	require.Empty(t, c.Adjustments)
	// One person had two numbers, one in each arm.
	require.NoError(t, r.Rename(2, 1))
	c, err = r.Compare("conversion", "a", "b", nil)
	require.NoError(t, err)
	require.Equal(t, Population{Exposed: 599, Crossovers: 1}, c.Population)
	require.EqualValues(t, 299, c.Control.N)
	require.EqualValues(t, 299, c.Treatment.N)
	require.NotErrorIs(t, errors.Join(c.Warnings...), ErrCrossover)
	c, err = r.Compare("conversion", "a", "b", &TestOptions{FirstArm: true})
	require.NoError(t, err)
	require.EqualValues(t, 300, c.Control.N)
	for i := range uint32(3) {
		expose(t, r, 2*i+11, "b", 2)
	}
	c, err = r.Compare("conversion", "a", "b", nil)
	require.NoError(t, err)
	require.ErrorIs(t, errors.Join(c.Warnings...), ErrCrossover)
	// As of an hour before, they had not crossed.
	c, err = r.Compare("conversion", "a", "b", &TestOptions{AsOf: at(1)})
	require.NoError(t, err)
	require.Equal(t, 1, c.Population.Crossovers)
}

// A 90/10 epoch of buyers, then a 50/50 epoch of others, without any effect:
// pooled, the treatment would look harmful.
func TestEpochsAreStratified(t *testing.T) {
	weights := []map[string]float64{{"a": 9, "b": 1}, {"a": 1, "b": 1}}
	build := func(weights []map[string]float64) *Readout {
		r := mustReadout(t, &ReadoutOptions{Weights: weights})
		rnd := rand.New(rand.NewPCG(1, 1))
		for u := uint32(1); u <= 4000; u++ {
			e := Exposure{Arm: "a", At: at(float64(u)), Epoch: int(u-1) / 2000}
			if rnd.Float64() < []float64{.1, .5}[e.Epoch] {
				e.Arm = "b"
			}
			require.NoError(t, r.Expose(u, e))
			if rnd.Float64() < []float64{.5, .1}[e.Epoch] {
				require.NoError(t, r.Observe(u, "Order Completed", nil, e.At))
			}
		}
		return r
	}
	r := build(weights)
	c, err := r.Compare("conversion", "a", "b", nil)
	require.NoError(t, err)
	require.Greater(t, c.P, .05)
	require.InDelta(t, .3, c.Control.Mean, .02)
	require.InDelta(t, .3, c.Treatment.Mean, .03)
	require.Contains(t, c.Method, "stratified by epoch")
	require.NotErrorIs(t, errors.Join(c.Warnings...), ErrSampleRatio)
	s, err := r.SRM(nil)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, s.Arms)
	require.InDelta(t, 2800, s.Expected[0], 1e-9)
	require.InDelta(t, 1200, s.Expected[1], 1e-9)
	require.False(t, s.Mismatch())
	// The same without weights: strata, and no warning of a ratio nobody gave.
	plain, err := build(nil).Compare("conversion", "a", "b", nil)
	require.NoError(t, err)
	require.Equal(t, c.Absolute, plain.Absolute)
	// With equal shares there is one stratum; that ratio is not what came.
	wrong, err := build([]map[string]float64{{"a": 1, "b": 1}, {"a": 2, "b": 2}}).Compare("conversion", "a", "b", nil)
	require.NoError(t, err)
	require.Less(t, wrong.P, .001)
	require.ErrorIs(t, errors.Join(wrong.Warnings...), ErrSampleRatio)
	short, err := build(weights[:1]).Compare("conversion", "a", "b", nil)
	require.NoError(t, err)
	require.ErrorIs(t, errors.Join(short.Warnings...), ErrWeights)
}

func TestStratumTooSmallIsLeftOut(t *testing.T) {
	r := mustReadout(t, nil)
	fill(t, r, 20)
	require.NoError(t, r.Expose(1000, Exposure{Arm: "b", Epoch: 1, At: at(5)}))
	c, err := r.Compare("conversion", "a", "b", nil)
	require.NoError(t, err)
	require.EqualValues(t, 40, c.Control.N+c.Treatment.N)
	require.Equal(t, 1, c.Population.LeftOut)
	require.ErrorIs(t, errors.Join(c.Warnings...), ErrStratum)
}

// A unit that covers several users makes them count as one: copying every
// user k times into a household changes the estimate's variance by nothing.
func TestUnitsCluster(t *testing.T) {
	one, many := mustReadout(t, nil), mustReadout(t, nil)
	rnd := rand.New(rand.NewPCG(9, 9))
	user := uint32(1)
	for i := range 200 {
		arm, v, unit := []string{"a", "b"}[i%2], float64(rnd.IntN(50)), string(rune('A'+i))
		expose(t, one, uint32(i+1), arm, 0)
		record(t, one, uint32(i+1), "revenue", v, 1)
		for range 3 {
			require.NoError(t, many.Expose(user, Exposure{Arm: arm, Unit: unit, At: at(0)}))
			record(t, many, user, "revenue", v, 1)
			user++
		}
	}
	want, err := one.Compare("revenue", "a", "b", nil)
	require.NoError(t, err)
	got, err := many.Compare("revenue", "a", "b", nil)
	require.NoError(t, err)
	require.InDelta(t, want.Absolute.Value, got.Absolute.Value, 1e-12)
	require.InEpsilon(t, want.Absolute.StdErr, got.Absolute.StdErr, 1e-12)
	require.InEpsilon(t, want.P, got.P, 1e-9)
	require.EqualValues(t, 300, got.Control.N)
	require.Contains(t, got.Adjustments, "variance of 200 units for 600 users")
}

func TestAdvancePrunes(t *testing.T) {
	build := func(advanceFirst bool) []byte {
		r := mustReadout(t, &ReadoutOptions{Retain: 10 * time.Hour})
		if advanceFirst {
			require.NoError(t, r.Advance(at(12)))
		}
		fill(t, r, 3)
		expose(t, r, 1, "a", 2)
		expose(t, r, 9, "a", 1.9)
		record(t, r, 9, "m", 1, 13)
		require.NoError(t, r.Advance(at(12)))
		if !advanceFirst {
			require.Zero(t, r.Stats().Expired)
		}
		b, err := r.MarshalBinary()
		require.NoError(t, err)
		return b
	}
	require.Equal(t, build(false), build(true))
	r := mustReadout(t, &ReadoutOptions{Retain: -1})
	fill(t, r, 3)
	require.NoError(t, r.Advance(at(1e6)))
	require.Equal(t, `readout of "exp": 6 users, 6 exposures, 3 outcomes`, r.String())
}

func TestResultsDoNotDependOnArrival(t *testing.T) {
	var facts []fact
	rnd := rand.New(rand.NewPCG(4, 2))
	for u := uint32(1); u <= 200; u++ {
		facts = append(facts, fact{user: u, arm: []string{"a", "b"}[u%2], at: at(rnd.Float64())})
		for range rnd.IntN(5) {
			facts = append(facts, fact{user: u, value: rnd.Float64() * 100, at: at(1 + rnd.Float64()*10)})
		}
	}
	var first Comparison
	for i := range 5 {
		shards := []*Readout{mustReadout(t, nil), mustReadout(t, nil), mustReadout(t, nil)}
		for _, f := range facts {
			r := shards[rnd.IntN(3)]
			if f.arm != "" {
				require.NoError(t, r.Expose(f.user, Exposure{Arm: f.arm, At: f.at}))
			} else {
				require.NoError(t, r.Record(f.user, "revenue", f.value, f.at))
			}
		}
		require.NoError(t, shards[2].Merge(shards[0]))
		require.NoError(t, shards[2].Merge(shards[1]))
		c, err := shards[2].Compare("revenue", "a", "b", nil)
		require.NoError(t, err)
		if i == 0 {
			first = c
		}
		require.Equal(t, first, c, "bit by bit")
		rnd.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
	}
}

func TestReadersBesideAWriter(t *testing.T) {
	r := mustReadout(t, nil)
	fill(t, r, 50)
	other := mustReadout(t, nil)
	fill(t, other, 5)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 300 {
			u := uint32(1 + i%120)
			_ = r.Observe(u, "Order Completed", map[string]any{"revenue": i}, at(float64(i)))
			_ = r.Observe(u, "Experiment Viewed", map[string]any{"experiment_id": "exp", "variation_id": string(rune('a' + i%2)), "unit": i}, at(float64(i)))
			switch i % 50 {
			case 10:
				_ = r.Erase(u)
			case 20:
				_ = r.Rename(u, u+1)
			case 30:
				_ = r.Merge(other)
			case 40:
				_ = r.Advance(at(float64(i)))
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for range 60 {
				_, _ = r.Compare("revenue", "a", "b", nil)
				_, _ = r.SRM(nil)
				_, _ = r.AppendBinary(nil)
				_ = r.Stats()
				_ = r.String()
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			_ = other.Merge(r)
		}
	})
	wg.Wait()
}

func TestReport(t *testing.T) {
	r := mustReadout(t, &ReadoutOptions{Weights: []map[string]float64{{"a": 1, "b": 1, "c": 0}}})
	fill(t, r, 60)
	rep, err := r.Report("a", BH, nil)
	require.NoError(t, err)
	require.Len(t, rep.Comparisons, 3)
	require.Len(t, rep.Warnings, 3, "nobody is in c")
	p := make([]float64, 3)
	for i, c := range rep.Comparisons {
		want, err := r.Compare(c.Metric, "a", "b", nil)
		require.NoError(t, err)
		require.Equal(t, want, c)
		p[i] = c.P
	}
	adjusted, err := Adjust(p, BH)
	require.NoError(t, err)
	require.Equal(t, adjusted, rep.Adjusted)
	require.Contains(t, rep.String(), "revenue")
	_, err = r.Report("z", BH, nil)
	require.ErrorIs(t, err, ErrArm)
	_, err = r.Report("a", 77, nil)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = mustReadout(t, nil).Report("a", BH, nil)
	require.ErrorIs(t, err, ErrTooFew)
}

func TestWithinASegment(t *testing.T) {
	r, part := mustReadout(t, nil), mustReadout(t, nil)
	fill(t, r, 100)
	within := func(u uint32) bool { return u <= 80 }
	fill(t, part, 40)
	want, err := part.Compare("revenue", "a", "b", nil)
	require.NoError(t, err)
	got, err := r.Compare("revenue", "a", "b", &TestOptions{Within: within})
	require.NoError(t, err)
	require.Equal(t, want, got)
	s, err := r.SRM(&TestOptions{Within: within})
	require.NoError(t, err)
	require.Equal(t, []int{40, 40}, s.Counts)
}
