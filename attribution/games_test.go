package attribution

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/internal/stats"
)

// byPermutations is the definition: the mean marginal worth over all orders.
func byPermutations(n int, worth func(set uint64) float64) []float64 {
	values := make([]float64, n)
	orders := 0.0
	var walk func(order []int, set uint64)
	walk = func(order []int, set uint64) {
		if len(order) == n {
			orders++
			set = 0
			for _, i := range order {
				values[i] += worth(set|1<<i) - worth(set)
				set |= 1 << i
			}
			return
		}
		for i := range n {
			if set>>i&1 == 0 {
				walk(append(order, i), set|1<<i)
			}
		}
	}
	walk(nil, 0)
	for i := range values {
		values[i] /= orders
	}
	return values
}

func randomGame(r *rand.Rand, n int) func(set uint64) float64 {
	table := make([]float64, 1<<n)
	for i := range table {
		table[i] = r.NormFloat64()
	}
	return func(set uint64) float64 { return table[set] }
}

func TestSolveByDefinition(t *testing.T) {
	for n := range 8 {
		r := rand.New(rand.NewPCG(uint64(n), 8))
		worth := randomGame(r, n)
		s, err := Solve(n, worth, nil)
		require.NoError(t, err)
		require.Nil(t, s.StdErr)
		sum := 0.0
		for i, want := range byPermutations(n, worth) {
			require.InDelta(t, want, s.Values[i], 1e-12)
			sum += s.Values[i]
		}
		require.InDelta(t, worth(1<<n-1)-worth(0), sum, 1e-12)

		b, err := Solve(n, worth, &SolveOptions{Banzhaf: true})
		require.NoError(t, err)
		for i := range n {
			mean := 0.0
			for set := range uint64(1) << n {
				if set>>i&1 == 0 {
					mean += worth(set|1<<i) - worth(set)
				}
			}
			require.InDelta(t, mean/math.Ldexp(1, n-1), b.Values[i], 1e-12)
		}
	}
}

// A larger game, whose solution is known: a player's own worth, half of each
// pair's, and nothing for one that never matters.
func TestSolveLarge(t *testing.T) {
	const n = 18
	worth := func(set uint64) float64 {
		w := 5.0 // the empty set may be worth something
		for i := range n - 1 {
			if set>>i&1 != 0 {
				w += float64(i)
			}
		}
		if set&3 == 3 {
			w += 10
		}
		return w
	}
	s, err := Solve(n, worth, nil)
	require.NoError(t, err)
	for i, v := range s.Values {
		want := float64(i)
		if i < 2 {
			want += 5
		}
		if i == n-1 {
			want = 0
		}
		require.InDelta(t, want, v, 1e-9)
	}
}

func TestSolveSamples(t *testing.T) {
	const n = 40
	worth := func(set uint64) float64 {
		// Players 0–9 are worth the root of how many of them there are.
		return math.Sqrt(float64(bits.OnesCount64(set&1023))) + float64(bits.OnesCount64(set>>20))
	}
	s, err := Solve(n, worth, &SolveOptions{HalfWidth: 0.01, Seed: 4})
	require.NoError(t, err)
	require.Greater(t, s.Batches, 7)
	for i, v := range s.Values {
		want := 0.0
		if i < 10 {
			want = math.Sqrt(10) / 10
		} else if i >= 20 {
			want = 1
		}
		require.InDelta(t, want, v, 0.02)
		require.LessOrEqual(t, 1.96*s.StdErr[i], 0.0101)
	}
	again, err := Solve(n, worth, &SolveOptions{HalfWidth: 0.01, Seed: 4})
	require.NoError(t, err)
	require.Equal(t, s, again)
	other, err := Solve(n, worth, &SolveOptions{HalfWidth: 0.01, Seed: 5})
	require.NoError(t, err)
	require.NotEqual(t, s.Values, other.Values)

	// Sampled and exact agree, and the standard errors tell the truth.
	outside, all := 0, 0
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 9))
		game := randomGame(r, 7)
		exact, err := Solve(7, game, nil)
		require.NoError(t, err)
		s, err := Solve(7, game, &SolveOptions{Sample: true, MaxBatches: 100, Seed: seed})
		require.NoError(t, err)
		for i := range exact.Values {
			all++
			if math.Abs(exact.Values[i]-s.Values[i]) > 1.96*s.StdErr[i] {
				outside++
			}
		}
	}
	require.Less(t, float64(outside)/float64(all), 0.12)
}

func TestSolveRefuses(t *testing.T) {
	fine := func(uint64) float64 { return 1 }
	for _, f := range []func() error{
		func() error { _, err := Solve(-1, fine, nil); return err },
		func() error { _, err := Solve(65, fine, nil); return err },
		func() error { _, err := Solve(3, func(uint64) float64 { return math.NaN() }, nil); return err },
		func() error {
			_, err := Solve(30, func(s uint64) float64 { return math.Inf(int(s&1)*2 - 1) }, nil)
			return err
		},
		func() error { _, err := Solve(30, fine, &SolveOptions{Banzhaf: true}); return err },
		func() error { _, err := Solve(3, fine, &SolveOptions{MaxBatches: 1}); return err },
		func() error { _, err := Solve(3, fine, &SolveOptions{HalfWidth: -1}); return err },
	} {
		require.ErrorIs(t, f(), ErrInput)
	}
	s, err := Solve(0, fine, nil)
	require.NoError(t, err)
	require.Empty(t, s.Values)
}

// The games by their definition, from the rows and all orders.
func TestGamesByDefinition(t *testing.T) {
	for seed := range 25 {
		r := rand.New(rand.NewPCG(uint64(seed), 10))
		rows := randomRows(r, 1+r.IntN(60), 1+r.IntN(6), 6, true)
		p := build(t, rows)
		names := []string{}
		for _, c := range p.players() {
			names = append(names, p.channels.Name(c))
		}
		n := len(names)
		conv, size := map[uint64]float64{}, map[uint64]float64{}
		converted, all := 0.0, 0.0
		for _, row := range rows {
			var set uint64
			for _, c := range row.path {
				if i := slices.Index(names, c); i >= 0 {
					set |= 1 << i
				}
			}
			conv[set] += row.conv
			size[set] += row.conv + row.null
			converted += row.conv
			all += row.conv + row.null
		}
		base := 0.0
		if size[0] > 0 {
			base = conv[0] / size[0]
		}
		rate := func(set uint64, unseen float64) float64 {
			if size[set] == 0 {
				return unseen
			}
			return conv[set] / size[set]
		}
		over := func(set uint64, of map[uint64]float64) float64 {
			sum := 0.0
			for s := uint64(1); s < 1<<n; s++ {
				if s&^set == 0 {
					sum += of[s]
				}
			}
			return sum
		}
		for game, worth := range map[Game]func(set uint64) float64{
			SumSubset: func(set uint64) float64 { return over(set, conv) },
			TouchAny:  func(set uint64) float64 { return over(1<<n-1, conv) - over((1<<n-1)&^set, conv) },
			RateSubset: func(set uint64) float64 {
				if m := over(set, size); m > 0 {
					return over(set, conv) / m
				}
				return 0
			},
			RateExact: func(set uint64) float64 {
				if set == 0 {
					return 0
				}
				return rate(set, 0)
			},
			SumExact: func(set uint64) float64 {
				if set == 0 {
					return 0
				}
				return conv[set]
			},
			Cohort: func(set uint64) float64 {
				sum := 0.0
				for s, m := range size {
					sum += m * rate(s&set, base)
				}
				return sum
			},
		} {
			c, err := Shapley(p, &ShapleyOptions{Game: game})
			require.NoError(t, err)
			requireWhole(t, c)
			for i, want := range byPermutations(n, worth) {
				got, ok := c.Of(names[i])
				require.True(t, ok)
				require.InDelta(t, want, got.Effect, 1e-9*max(1, all), "seed %d, %v", seed, game)
			}
			if game == Cohort {
				near(t, all*base, c.Unattributed.Conversions)
				near(t, converted, c.Total.Conversions)
			}
		}
	}
}

// Games in more channels than a word has bits, and scanning the sets or
// listing them, give the same.
func TestRestrictedGamesInManyChannels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 11))
	rows := randomRows(r, 300, 12, 7, true)
	p := build(t, rows)
	q := new(Paths)
	for i := range 200 {
		require.NoError(t, q.Add([]string{fmt.Sprintf("padding%d", i)}, 0, 0, 1))
	}
	for _, row := range rows {
		require.NoError(t, q.Add(row.path, row.conv, row.value, row.null))
	}
	for _, game := range []Game{PerPath, Cohort} {
		a, err := Shapley(p, &ShapleyOptions{Game: game})
		require.NoError(t, err)
		b, err := Shapley(q, &ShapleyOptions{Game: game})
		require.NoError(t, err)
		for _, k := range a.Channels {
			got, ok := b.Of(k.Channel)
			require.True(t, ok)
			require.InDelta(t, k.Value, got.Value, 1e-9*a.Total.Value)
			require.InDelta(t, k.Conversions, got.Conversions, 1e-9*a.Total.Conversions)
		}
	}
	_, err := Shapley(q, &ShapleyOptions{Game: RateSubset})
	require.ErrorIs(t, err, ErrChannels)
	_, err = Shapley(q, &ShapleyOptions{Game: MarkovChain})
	require.ErrorIs(t, err, ErrChannels)

	var wide []string
	for i := range MaxExact + 1 {
		wide = append(wide, fmt.Sprintf("wide%d", i))
	}
	require.NoError(t, q.Add(wide, 1, 1, 0))
	for _, game := range []Game{PerPath, Cohort} {
		_, err := Shapley(q, &ShapleyOptions{Game: game})
		require.ErrorIs(t, err, ErrChannels)
	}
	for _, game := range []Game{PerPath, Cohort, PersonTime} {
		_, err := Banzhaf(q, &ShapleyOptions{Game: game})
		require.ErrorIs(t, err, ErrInput)
	}
}

// Same bits whatever the order of the rows, for all games and chains.
func TestGamesDoNotSeeOrder(t *testing.T) {
	for seed := range 20 {
		r := rand.New(rand.NewPCG(uint64(seed), 12))
		rows := randomRows(r, 1+r.IntN(80), 1+r.IntN(7), 8, true)
		p := build(t, rows)
		r.Shuffle(len(rows), func(i, k int) { rows[i], rows[k] = rows[k], rows[i] })
		q := build(t, rows[:len(rows)/2])
		require.NoError(t, q.Merge(build(t, rows[len(rows)/2:])))
		same := func(f func(p *Paths) (any, error)) {
			t.Helper()
			a, err := f(p)
			require.NoError(t, err)
			b, err := f(q)
			require.NoError(t, err)
			require.Equal(t, a, b)
		}
		for g := range gameCount {
			if g == PersonTime {
				continue
			}
			same(func(p *Paths) (any, error) { return Shapley(p, &ShapleyOptions{Game: g}) })
			if g != PerPath && g != Cohort {
				same(func(p *Paths) (any, error) { return Banzhaf(p, &ShapleyOptions{Game: g}) })
			}
		}
		for order := 1; order <= 3; order++ {
			same(func(p *Paths) (any, error) { return Markov(p, &MarkovOptions{Order: order}) })
			same(func(p *Paths) (any, error) { return Markov(p, &MarkovOptions{Order: order, Removal: Renormalize}) })
		}
		same(func(p *Paths) (any, error) { return LeaveOneOut(p) })
		same(func(p *Paths) (any, error) { return ShaoLi(p) })
		same(func(p *Paths) (any, error) { return LastIn(p) })
		same(func(p *Paths) (any, error) { return OrderedShapley(p) })
		same(func(p *Paths) (any, error) { return Assists(p) })
		same(func(p *Paths) (any, error) { return Transitions(p, true) })
		same(func(p *Paths) (any, error) { return TopPaths(p, 10), nil })
	}
}

func TestWarningsOfDesign(t *testing.T) {
	p := build(t, []row{{channelsOf("AB"), 3, 1, 4}})
	c, err := Shapley(p, &ShapleyOptions{Game: Cohort})
	require.NoError(t, err)
	require.Len(t, c.Warnings, 1)
	require.ErrorIs(t, c.Warnings[0], ErrDesign)
	_, err = Shapley(p, &ShapleyOptions{Game: PersonTime})
	require.ErrorIs(t, err, ErrNoTimes)

	j := newJourneys(t, nil)
	touch(t, j, 1, "A", noon)
	require.NoError(t, j.Convert(1, Conversion{Time: noon, Value: 6}))
	q, err := j.Paths(nil)
	require.NoError(t, err)
	c, err = Shapley(q, &ShapleyOptions{Game: Cohort})
	require.NoError(t, err)
	require.Len(t, c.Warnings, 2)
	// A conversion at the very instant of its touch has a set without time.
	c, err = Shapley(q, &ShapleyOptions{Game: PersonTime})
	require.NoError(t, err)
	require.Len(t, c.Warnings, 2)
	require.Equal(t, 1.0, c.Channels[0].Conversions)
	require.Equal(t, 6.0, c.Channels[0].Value)
	requireWhole(t, c)
}

// The stretches of a user's observation, second by second.
func TestPersonTimeByTheSecond(t *testing.T) {
	for seed := range 60 {
		r := rand.New(rand.NewPCG(uint64(seed), 13))
		j := newJourneys(t, nil)
		const horizon = 120
		second := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
		click, view := 1+r.IntN(60), 1+r.IntN(20)
		start := r.IntN(3) * 10
		type event struct {
			at      int
			channel string // empty for a conversion
			kind    Kind
		}
		spent, conversions := map[string]float64{}, map[string]float64{}
		for user := uint32(1); user <= 3; user++ {
			var events []event
			for range r.IntN(10) {
				e := event{at: r.IntN(horizon)}
				if r.IntN(4) > 0 {
					e.channel, e.kind = string(rune('A'+r.IntN(3))), Kind(r.IntN(2))
					require.NoError(t, j.Touch(user, Touch{Channel: e.channel, Kind: e.kind, Time: second(e.at)}))
				} else {
					require.NoError(t, j.Convert(user, Conversion{Time: second(e.at), Value: 1}))
				}
				events = append(events, e)
			}
			if len(events) == 0 {
				continue
			}
			first := horizon
			for _, e := range events {
				first = min(first, e.at)
			}
			if start > 0 {
				first = start
			}
			// since is the last conversion before an instant of observation:
			// touches at or before it do not count after it.
			active := func(s int, conversion bool) string {
				since := math.MinInt
				for _, e := range events {
					if e.channel == "" && (e.at < s || !conversion && e.at == s) {
						since = max(since, e.at)
					}
				}
				var names []string
				for _, e := range events {
					window := click
					if e.kind == View {
						window = view
					}
					until := e.at + window
					live := s < until || conversion && s == until
					if e.channel != "" && e.at > since && e.at <= s && live && !slices.Contains(names, e.channel) {
						names = append(names, e.channel)
					}
				}
				slices.Sort(names)
				return fmt.Sprint(names)
			}
			for s := first; s < horizon; s++ {
				spent[active(s, false)]++
			}
			done := map[int]bool{}
			for _, e := range events {
				if e.channel != "" || start > 0 && e.at < start {
					continue
				}
				if done[e.at] {
					// The second conversion of an instant finds nothing.
					conversions["[]"]++
				} else {
					conversions[active(e.at, true)]++
				}
				done[e.at] = true
			}
		}
		o := PathOptions{
			AsOf: second(horizon), SessionGap: -1,
			Click: time.Duration(click) * time.Second, View: time.Duration(view) * time.Second,
		}
		if start > 0 {
			o.Start = second(start)
		}
		p, err := j.Paths(&o)
		require.NoError(t, err)
		gotSpent, gotConversions := map[string]float64{}, map[string]float64{}
		for id, e := range p.exposed {
			var names []string
			for _, c := range p.sets.seq(uint32(id)) {
				names = append(names, p.channels.Name(c))
			}
			slices.Sort(names)
			if s := e.time.Value(); s != 0 {
				gotSpent[fmt.Sprint(names)] = s / 1e9
			}
			if n := e.conv.Value(); n != 0 {
				gotConversions[fmt.Sprint(names)] = n
			}
		}
		require.Equal(t, spent, gotSpent, "seed %d", seed)
		require.Equal(t, conversions, gotConversions, "seed %d", seed)
		c, err := Shapley(p, &ShapleyOptions{Game: PersonTime})
		require.NoError(t, err)
		require.InDelta(t, c.Total.Conversions, func() float64 {
			sum := c.Unattributed.Conversions
			for _, k := range c.Channels {
				sum += k.Conversions
			}
			return sum
		}(), 1e-9)
	}
}

// Where sampling stops early, its intervals hold as often as they say, few as
// the batches are.
func TestSampleStopsInTime(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 4))
	const n, runs = 5, 600
	table := make([]float64, 1<<n)
	for m := range table {
		table[m] = math.Exp(2 * r.NormFloat64())
	}
	worth := func(set uint64) float64 { return table[set] }
	exact, err := Solve(n, worth, nil)
	require.NoError(t, err)
	pilot, err := Solve(n, worth, &SolveOptions{Sample: true, MaxBatches: 2000})
	require.NoError(t, err)
	worst := slices.Index(pilot.StdErr, slices.Max(pilot.StdErr))
	// About what ten batches reach.
	width := 2.2 * pilot.StdErr[worst] * math.Sqrt(2000.0/10)
	within := 0
	for seed := range uint64(runs) {
		s, err := Solve(n, worth, &SolveOptions{Sample: true, HalfWidth: width, Seed: seed})
		require.NoError(t, err)
		require.Less(t, s.Batches, 256)
		require.LessOrEqual(t, stats.StudentISF(0.025, float64(s.Batches-1))*s.StdErr[worst], width)
		if math.Abs(s.Values[worst]-exact.Values[worst]) <= width {
			within++
		}
	}
	require.Greater(t, float64(within)/runs, 0.93)
}
