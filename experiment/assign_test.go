package experiment

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"

	"github.com/zhun-go/zhun/internal/stats"
)

func mustNew(t testing.TB, key string, arms []Arm, opts *Options) *Experiment {
	t.Helper()
	e, err := New(key, arms, opts)
	require.NoError(t, err)
	return e
}

// shapes are the id shapes on which weak hashes show: running numbers, padded
// numbers, addresses.
var shapes = []struct {
	name string
	id   func(i int) string
}{
	{"sequential", func(i int) string { return fmt.Sprint(i) }},
	{"padded", func(i int) string { return fmt.Sprintf("user-%012d", i) }},
	{"email", func(i int) string { return fmt.Sprintf("firstname.lastname%d@example.com", i) }},
}

func long() bool { return os.Getenv("ZHUN_LONG") != "" }

// hundred is an experiment with a hundred equal arms named 0 to 99.
func hundred(t testing.TB, key string) *Experiment {
	arms := make([]Arm, 100)
	for i := range arms {
		arms[i].Name = fmt.Sprint(i)
	}
	return mustNew(t, key, arms, nil)
}

// chiZ turns a chi-square statistic into a normal deviate.
func chiZ(x, df float64) float64 {
	if p := stats.ChiSquareSF(x, df); p < .5 {
		return -stats.NormalQuantile(p)
	}
	return stats.NormalQuantile(stats.ChiSquareCDF(x, df))
}

// Counts over a hundred arms are as even as chance makes them, neither less
// nor more: with |z| < 4 for each of the salts a fair hash fails once in 5,000
// short runs, and the seeds are fixed.
func TestAssignIsUniform(t *testing.T) {
	ids, salts := 20_000, 20
	if long() {
		ids, salts = 200_000, 200
	}
	for _, s := range shapes {
		worst := 0.0
		units := make([]string, ids)
		for i := range units {
			units[i] = s.id(i)
		}
		for salt := range salts {
			e := hundred(t, fmt.Sprintf("salt %d", salt))
			var counts [100]float64
			for _, u := range units {
				h := xxh3.HashString128Seed(u, e.seed)
				counts[e.armAt(h.Hi>>32)]++
			}
			x, want := 0.0, float64(ids)/100
			for _, c := range counts {
				x += (c - want) * (c - want) / want
			}
			if z := chiZ(x, 99); math.Abs(z) > math.Abs(worst) {
				worst = z
			}
		}
		t.Logf("%s: worst z %.2f", s.name, worst)
		require.Less(t, math.Abs(worst), 4.0, s.name)
	}
}

// What a unit got in one experiment says nothing of the next one, nor does
// taking part say anything of the arm.
func TestAssignmentsOfTwoExperimentsAreIndependent(t *testing.T) {
	ids, salts := 20_000, 20
	if long() {
		ids, salts = 200_000, 200
	}
	for _, s := range shapes {
		worst, worstOwn := 0.0, 0.0
		for salt := range salts {
			a, b := hundred(t, fmt.Sprintf("exp-%d", salt)), hundred(t, fmt.Sprintf("exp-%d", salt+1))
			var pair, own [100]float64
			for i := range ids {
				u := s.id(i)
				h, g := xxh3.HashString128Seed(u, a.seed), xxh3.HashString128Seed(u, b.seed)
				pair[a.armAt(h.Hi>>32)/10*10+b.armAt(g.Hi>>32)/10]++
				own[a.armAt(h.Hi>>32)/10*10+a.armAt(h.Lo>>32)/10]++
			}
			worst = max(worst, math.Abs(chiZ(independence(pair[:], 10), 81)))
			worstOwn = max(worstOwn, math.Abs(chiZ(independence(own[:], 10), 81)))
		}
		t.Logf("%s: worst |z| %.2f between experiments, %.2f between traffic and arm", s.name, worst, worstOwn)
		require.Less(t, worst, 4.0, s.name)
		require.Less(t, worstOwn, 4.0, s.name)
	}
}

func independence(table []float64, k int) (x float64) {
	rows, cols, n := make([]float64, k), make([]float64, k), 0.0
	for i, c := range table {
		rows[i/k] += c
		cols[i%k] += c
		n += c
	}
	for i, c := range table {
		e := rows[i/k] * cols[i%k] / n
		x += (c - e) * (c - e) / e
	}
	return x
}

func TestWeightsAreKept(t *testing.T) {
	e := mustNew(t, "w", []Arm{{"a", 5}, {"b", 3}, {"c", 2}, {"d", 0}}, &Options{Traffic: .4})
	counts := map[string]int{}
	const n = 200_000
	for i := range n {
		arm, in := e.Assign(fmt.Sprint("u", i))
		require.Equal(t, in, arm != "")
		counts[arm]++
	}
	for arm, share := range map[string]float64{"": .6, "a": .2, "b": .12, "c": .08, "d": 0} {
		require.InDelta(t, share*n, counts[arm], 4.5*math.Sqrt(n*share*(1-share)), arm)
	}
}

func TestRampMovesNobody(t *testing.T) {
	arms := []Arm{{"control", 1}, {"b", 2}, {"c", 1}}
	var ramp []*Experiment
	for _, traffic := range []float64{.01, .05, .2, .5, .99, 1} {
		ramp = append(ramp, mustNew(t, "ramp", arms, &Options{Traffic: traffic}))
	}
	for i := range 20_000 {
		unit, was := fmt.Sprint("unit", i), ""
		for _, e := range ramp {
			arm, in := e.Assign(unit)
			if was != "" {
				require.True(t, in)
				require.Equal(t, was, arm)
			}
			was = arm
		}
		require.NotEmpty(t, was)
	}
}

// moved returns the mass that two allocations give to different arms.
func moved(a, b []span) (mass float64) {
	at := uint64(0)
	for i, j := 0, 0; i < len(a) && j < len(b); {
		end := min(a[i].end, b[j].end)
		if a[i].arm != b[j].arm {
			mass += float64(end - at)
		}
		at = end
		if a[i].end == end {
			i++
		}
		if b[j].end == end {
			j++
		}
	}
	return mass / buckets
}

func variation(a, b []float64) (tv float64) {
	sum := func(w []float64) (s float64) {
		for _, x := range w {
			s += x
		}
		return s
	}
	for i := range a {
		tv += math.Abs(a[i]/sum(a) - b[i]/sum(b))
	}
	return tv / 2
}

// Every change along a history moves the least mass that any scheme must, and
// each arm always has its share.
func TestWeightChangesMoveTheLeastMass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 6).Draw(t, "arms")
		weight := rapid.OneOf(rapid.Just(0.), rapid.Float64Range(.001, 10))
		history := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []float64 {
			w := rapid.SliceOfN(weight, k, k).Draw(t, "weights")
			w[rapid.IntRange(0, k-1).Draw(t, "positive")] = 1
			return w
		}), 1, 6).Draw(t, "history")
		for n := 1; n <= len(history); n++ {
			spans := allocate(history[:n])
			require.Equal(t, uint64(buckets), spans[len(spans)-1].end)
			size, at := make([]uint64, k), uint64(0)
			for _, s := range spans {
				require.Greater(t, s.end, at)
				size[s.arm] += s.end - at
				at = s.end
			}
			require.Equal(t, quotas(history[n-1]), size)
			if n > 1 {
				require.InDelta(t, variation(history[n-2], history[n-1]), moved(allocate(history[:n-1]), spans), 1e-8)
			}
		}
	})
}

// Two experiments that know nothing of each other still agree on as much as
// they can when there are two arms, or when one arm changes against the rest.
func TestWeightChangesWithoutHistory(t *testing.T) {
	for _, c := range [][2][]float64{
		{{1, 1}, {9, 1}},
		{{9, 1}, {1, 9}},
		{{1, 1, 1}, {.5, .25, .25}},
		{{.8, .1, .1}, {1, 1, 1}},
		{{.9, .05, .05}, {.5, .25, .25}},
	} {
		a, b := allocate(c[:1]), allocate(c[1:])
		require.InDelta(t, variation(c[0], c[1]), moved(a, b), 1e-8, "%v", c)
	}
}

func TestArmOrderDoesNotMatter(t *testing.T) {
	arms := []Arm{{"control", 1}, {"b", 2}, {"longer name", 3}}
	a := mustNew(t, "k", arms, nil)
	slices.Reverse(arms)
	b := mustNew(t, "k", arms, nil)
	for i := range 1000 {
		x, _ := a.Assign(fmt.Sprint(i))
		y, _ := b.Assign(fmt.Sprint(i))
		require.Equal(t, x, y)
	}
}

// Assignments are a promise: these may never change.
func TestAssignmentsArePinned(t *testing.T) {
	e := mustNew(t, "checkout", []Arm{{"a", 1}, {"b", 1}, {"c", 1}}, nil)
	got := ""
	for i := range 40 {
		arm, _ := e.Assign(fmt.Sprint("user-", i))
		got += arm
	}
	ü, _ := e.Assign("жü准")
	require.Equal(t, "acaababcccabbbbbbacaababacaaabbbabbbcbbbb", got+ü)
}

func TestEmptyUnitAndPause(t *testing.T) {
	e := mustNew(t, "k", []Arm{{"a", 1}}, nil)
	arm, in := e.Assign("")
	require.False(t, in)
	require.Empty(t, arm)
	e = mustNew(t, "k", []Arm{{"a", 1}}, &Options{Paused: true})
	_, in = e.Assign("x")
	require.False(t, in)
}

func TestNewRefuses(t *testing.T) {
	ok := []Arm{{"a", 1}, {"b", 1}}
	for _, c := range []struct {
		key  string
		arms []Arm
		opts *Options
		want string
	}{
		{"", ok, nil, `experiment: New: key is "", want a name`},
		{"k", nil, nil, `experiment: New: arms is [], want at least one`},
		{"k", []Arm{{"", 1}}, nil, `experiment: New: arms is [{ 1}], want every arm named`},
		{"k", []Arm{{"a", 1}, {"a", 2}}, nil, `experiment: New: arms is "a", want each name once`},
		{"k", []Arm{{"a", -1}}, nil, `experiment: New: weight of arm a is -1, want a finite number, not negative`},
		{"k", []Arm{{"a", math.NaN()}}, nil, `experiment: New: weight of arm a is NaN, want a finite number, not negative`},
		{"k", []Arm{{"a", 1e308}, {"b", 1e308}}, nil, `experiment: New: sum of weights is +Inf, want a finite number`},
		{"k", ok, &Options{Traffic: 1.5}, `experiment: New: Traffic is 1.5, want 0 < Traffic ≤ 1, or 0 for 1`},
		{"k", ok, &Options{Forced: map[string]string{"u": "x"}}, `experiment: New: Forced[u] is "x", want one of the arms`},
		{"k", ok, &Options{Past: []map[string]float64{{"a": 1, "z": 1}}}, `experiment: New: Past[0] is map[a:1 z:1], want only arms that exist, not "z"`},
		{"k", ok, &Options{Past: []map[string]float64{{"a": 0}}}, `experiment: New: Past[0] is map[a:0], want a positive finite sum, got 0`},
	} {
		_, err := New(c.key, c.arms, c.opts)
		require.EqualError(t, err, c.want)
		require.ErrorIs(t, err, ErrInvalid)
	}
}

func TestDecide(t *testing.T) {
	e := mustNew(t, "k", []Arm{{"a", 1}, {"b", 1}}, &Options{
		Traffic:  .5,
		Audience: func(u uint32) bool { return u%2 == 0 },
		Forced:   map[string]string{"tester": "b"},
	})
	a, err := e.Decide(Subject{Unit: "tester", User: 1})
	require.NoError(t, err)
	require.Equal(t, Assignment{"k", "b", true, Forced, "tester", 0}, a)
	for i := range 100 {
		s := Subject{Unit: fmt.Sprint("u", i), User: uint32(i)}
		a, err := e.Decide(s)
		require.NoError(t, err)
		arm, in := e.Assign(s.Unit)
		switch {
		case i%2 == 1 || i == 0:
			require.Equal(t, Assignment{"k", "", false, NoAudience, s.Unit, 0}, a)
		case in:
			require.Equal(t, Assignment{"k", arm, true, Hashed, s.Unit, 0}, a)
			require.Equal(t, map[string]any{"experiment_id": "k", "variation_id": arm, "epoch": int64(0), "unit": s.Unit}, a.Fields())
		default:
			require.Equal(t, Assignment{"k", "", false, NoTraffic, s.Unit, 0}, a)
		}
	}
	_, err = e.Decide(Subject{User: 2})
	require.ErrorIs(t, err, ErrUnit)
}

func TestPastGivesEpochs(t *testing.T) {
	past := []map[string]float64{{"a": 9, "b": 1}, {"a": 1, "b": 1}}
	e := mustNew(t, "k", []Arm{{"a", 1}, {"b", 1}, {"c", 1}}, &Options{Past: past})
	require.Equal(t, 2, e.Epoch())
	require.Equal(t, []map[string]float64{{"a": 9, "b": 1, "c": 0}, {"a": 1, "b": 1, "c": 0}, {"a": 1, "b": 1, "c": 1}}, e.Weights())
	require.Equal(t, []Arm{{"a", 1}, {"b", 1}, {"c", 1}}, e.Arms())
	require.Equal(t, "k", e.Key())
	before := mustNew(t, "k", []Arm{{"a", 1}, {"b", 1}}, &Options{Past: past[:1]})
	n := 0
	for i := range 30_000 {
		x, _ := before.Assign(fmt.Sprint(i))
		y, _ := e.Assign(fmt.Sprint(i))
		if x != y {
			require.Equal(t, "c", y)
			n++
		}
	}
	require.InDelta(t, 10_000, n, 400)
}
