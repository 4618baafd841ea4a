package attribution

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPathsRefuse(t *testing.T) {
	var p Paths
	require.EqualError(t, p.Add([]string{"a", ""}, 1, 1, 1), `attribution: Add: channel "": not a name in UTF-8`)
	require.EqualError(t, p.Add([]string{"a"}, -1, 1, 1), `attribution: Add: conversions -1: not a number within 0 and 1e100`)
	require.EqualError(t, p.Add([]string{"a"}, 1, math.NaN(), 1), `attribution: Add: value NaN: not a number within ±1e100`)
	require.EqualError(t, p.Sub([]string{"a"}, 1, 1, math.Inf(1)), `attribution: Sub: nulls +Inf: not a number within 0 and 1e100`)
	require.EqualError(t, p.Add([]string{"a"}, 1, 1e200, 0), `attribution: Add: value 1e+200: not a number within ±1e100`)
	require.ErrorIs(t, p.AddSpend("", 1), ErrInput)
	require.ErrorIs(t, p.AddSpend("a", math.NaN()), ErrInput)
	_, err := p.Transform(9)
	require.ErrorIs(t, err, ErrInput)
	require.Equal(t, Summary{}, p.Summary())
}

// models are all that read paths and nothing else.
func models() map[string]func(p *Paths) (Credits, error) {
	m := map[string]func(p *Paths) (Credits, error){
		"shapley": func(p *Paths) (Credits, error) { return Shapley(p, nil) },
		"touch any": func(p *Paths) (Credits, error) {
			return Shapley(p, &ShapleyOptions{Game: TouchAny})
		},
		"custom": func(p *Paths) (Credits, error) {
			return Custom(p, "custom", func(i, n int) float64 { return float64(1 + i%2) })
		},
	}
	for name, f := range goldenRules {
		m[name] = f
	}
	return m
}

func TestModelsOfNothing(t *testing.T) {
	for name, f := range models() {
		c, err := f(new(Paths))
		require.NoError(t, err, name)
		require.Empty(t, c.Channels)
		require.Zero(t, c.Total.Conversions)
		require.Contains(t, c.String(), "total")
	}
	for _, f := range []func() (Credits, error){
		func() (Credits, error) { return TimeDecay(new(Paths), 0) },
		func() (Credits, error) { return LastClick(new(Paths)) },
	} {
		c, err := f()
		require.NoError(t, err)
		require.Empty(t, c.Channels)
	}
}

func TestModelsRefuse(t *testing.T) {
	var p Paths
	require.NoError(t, p.Add([]string{"A"}, 1, 1, 0))
	_, err := TimeDecay(&p, 0)
	require.ErrorIs(t, err, ErrNoTimes)
	require.EqualError(t, err, "attribution: time decay 168h0m0s: paths without times: 1 conversions came as aggregated rows")
	_, err = LastClick(&p)
	require.ErrorIs(t, err, ErrNoTimes)
	for _, f := range []func() (Credits, error){
		func() (Credits, error) { return TimeDecay(&p, -1) },
		func() (Credits, error) { return GeometricDecay(&p, 0) },
		func() (Credits, error) { return GeometricDecay(&p, math.NaN()) },
		func() (Credits, error) { return Position(&p, &PositionOptions{First: -1, Last: 2}) },
		func() (Credits, error) { return Position(&p, &PositionOptions{Middle: 1, Renormalize: true}) },
		func() (Credits, error) {
			return Position(&p, &PositionOptions{First: math.Inf(1), Last: 1})
		},
		func() (Credits, error) { return Custom(&p, "x", func(int, int) float64 { return 0 }) },
		func() (Credits, error) { return Custom(&p, "x", func(int, int) float64 { return math.NaN() }) },
		func() (Credits, error) { return Shapley(&p, &ShapleyOptions{Game: 99}) },
	} {
		_, err := f()
		require.ErrorIs(t, err, ErrInput)
	}
	require.NoError(t, p.Sub([]string{"B"}, 1, 0, 0))
	for name, f := range models() {
		_, err := f(&p)
		require.ErrorIs(t, err, ErrNegative, name)
	}
	// What fills the hole, mends it.
	require.NoError(t, p.Add([]string{"B"}, 1, 0, 0))
	for name, f := range models() {
		c, err := f(&p)
		require.NoError(t, err, name)
		require.Equal(t, 1.0, c.Total.Conversions)
	}
}

type row struct {
	path              []string
	conv, value, null float64
}

func randomRows(r *rand.Rand, n, channels, length int, integers bool) []row {
	rows := make([]row, n)
	for i := range rows {
		path := make([]string, r.IntN(length+1))
		for j := range path {
			path[j] = fmt.Sprintf("c%d", r.IntN(channels))
		}
		rows[i] = row{path, float64(r.IntN(20)), float64(r.IntN(100000)), float64(r.IntN(50))}
		if !integers {
			rows[i].value /= 7
		}
	}
	return rows
}

func build(t testing.TB, rows []row) *Paths {
	t.Helper()
	p := new(Paths)
	for _, r := range rows {
		require.NoError(t, p.Add(r.path, r.conv, r.value, r.null))
	}
	return p
}

// Integers give the same bits whatever the order of the rows and however they
// were split; others agree to 1e-12. Credits add up to the total in any case.
func TestModelsDoNotSeeOrder(t *testing.T) {
	for seed := range 60 {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		integers := seed%2 == 0
		rows := randomRows(r, 1+r.IntN(400), 1+r.IntN(40), 1+r.IntN(60), integers)
		p := build(t, rows)
		r.Shuffle(len(rows), func(i, k int) { rows[i], rows[k] = rows[k], rows[i] })
		cut := r.IntN(len(rows) + 1)
		q := build(t, rows[:cut])
		require.NoError(t, q.Merge(build(t, rows[cut:])))
		for name, f := range models() {
			a, err := f(p)
			require.NoError(t, err)
			b, err := f(q)
			require.NoError(t, err)
			requireWhole(t, a)
			if integers {
				require.Equal(t, a, b, name)
				continue
			}
			require.Len(t, b.Channels, len(a.Channels))
			for i := range a.Channels {
				require.Equal(t, a.Channels[i].Channel, b.Channels[i].Channel)
				require.InDelta(t, a.Channels[i].Value, b.Channels[i].Value, 1e-12*a.Total.Value, name)
			}
		}
	}
}

// The rules by their definition, a weight for each touch of each row.
func TestRulesAgreeWithDefinition(t *testing.T) {
	uniform := func(w func(i, n int) float64) func(path []string) []float64 {
		return func(path []string) []float64 {
			ws, sum := make([]float64, len(path)), 0.0
			for i := range ws {
				ws[i] = w(i+1, len(path))
				sum += ws[i]
			}
			for i := range ws {
				ws[i] /= sum
			}
			return ws
		}
	}
	one := func(pick func(path []string) int) func(path []string) []float64 {
		return func(path []string) []float64 {
			ws := make([]float64, len(path))
			ws[pick(path)] = 1
			return ws
		}
	}
	defs := map[string]struct {
		rule    func(p *Paths) (Credits, error)
		weights func(path []string) []float64
	}{
		"first": {FirstTouch, one(func([]string) int { return 0 })},
		"last":  {LastTouch, one(func(p []string) int { return len(p) - 1 })},
		"last non": {func(p *Paths) (Credits, error) { return LastNon(p, "c0", "c1", "none") }, one(func(p []string) int {
			for i := len(p) - 1; i >= 0; i-- {
				if p[i] != "c0" && p[i] != "c1" {
					return i
				}
			}
			return len(p) - 1
		})},
		"linear":         {Linear, uniform(func(i, n int) float64 { return 1 })},
		"position decay": {PositionDecay, uniform(func(i, n int) float64 { return float64(i) })},
		"geometric": {func(p *Paths) (Credits, error) { return GeometricDecay(p, 0.7) }, uniform(func(i, n int) float64 {
			return math.Pow(0.7, float64(n-i))
		})},
		"J": {func(p *Paths) (Credits, error) { return Position(p, &PositionOptions{First: 2, Middle: 2, Last: 6}) }, func(p []string) []float64 {
			switch n := len(p); n {
			case 1:
				return []float64{1}
			case 2:
				return []float64{0.3, 0.7}
			default:
				ws := make([]float64, n)
				for i := range ws {
					ws[i] = 0.2 / float64(n-2)
				}
				ws[0], ws[n-1] = 0.2, 0.6
				return ws
			}
		}},
		"custom": {func(p *Paths) (Credits, error) {
			return Custom(p, "custom", func(i, n int) float64 { return float64((i*i)%3 + 1) })
		}, uniform(func(i, n int) float64 { return float64(((i-1)*(i-1))%3 + 1) })},
		"unique": {LinearUnique, func(p []string) []float64 {
			count := map[string]int{}
			for _, c := range p {
				count[c]++
			}
			ws := make([]float64, len(p))
			for i, c := range p {
				ws[i] = 1 / float64(len(count)*count[c])
			}
			return ws
		}},
	}
	for seed := range 40 {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		rows := randomRows(r, 1+r.IntN(300), 1+r.IntN(30), 1+r.IntN(40), false)
		if seed == 0 {
			long := make([]string, 10000)
			for i := range long {
				long[i] = fmt.Sprintf("c%d", i%500)
			}
			rows = append(rows, row{long, 3, 5, 7})
		}
		p := build(t, rows)
		for name, def := range defs {
			want := map[string]Credit{}
			total := 0.0
			for _, row := range rows {
				total += row.value
				if len(row.path) == 0 {
					continue
				}
				for i, w := range def.weights(row.path) {
					k := want[row.path[i]]
					k.Conversions += w * row.conv
					k.Value += w * row.value
					want[row.path[i]] = k
				}
			}
			got, err := def.rule(p)
			require.NoError(t, err)
			requireWhole(t, got)
			for _, k := range got.Channels {
				near(t, want[k.Channel].Conversions, k.Conversions, "%s: %s", name, k.Channel)
				require.InDelta(t, want[k.Channel].Value, k.Value, 1e-11*max(1, total), "%s: %s", name, k.Channel)
			}
		}
	}
}

func TestCreditsPrint(t *testing.T) {
	p := build(t, []row{{[]string{"search", "e-mail"}, 3, 90, 1}, {[]string{"search"}, 1, 10, 0}, {nil, 1, 20, 5}})
	c, err := LastTouch(p)
	require.NoError(t, err)
	require.Equal(t, strings.TrimLeft(`
last touch
  channel       conversions   share   value
  e-mail               3.00   60.0%   90.00
  search               1.00   20.0%   10.00
  unattributed         1.00   20.0%   20.00
  total                5.00  100.0%  120.00
`, "\n"), c.String()[:strings.Index(c.String(), "warning")])
	require.Len(t, c.Warnings, 1)
	require.ErrorIs(t, c.Warnings[0], ErrDescriptive)
	_, ok := c.Of("nobody")
	require.False(t, ok)
}

// timedPaths are journeys with times, and some aggregated rows when asked.
func timedPaths(t testing.TB, r *rand.Rand, users int) *Paths {
	t.Helper()
	j := newJourneys(t, nil)
	for range users * 6 {
		user := uint32(1 + r.IntN(users))
		at := noon.Add(time.Duration(r.IntN(5000)) * time.Minute)
		if r.IntN(5) == 0 {
			require.NoError(t, j.Convert(user, Conversion{Time: at, Value: float64(r.IntN(90))}))
			continue
		}
		require.NoError(t, j.Touch(user, Touch{Channel: string(rune('A' + r.IntN(4))), Time: at, Kind: Kind(r.IntN(2)), Cost: 0.5}))
	}
	p, err := j.Paths(nil)
	require.NoError(t, err)
	return p
}

// Paths with times are a summary, too: shards of the users merge into the
// whole, in any order, and survive their bytes.
func TestTimedPathsMerge(t *testing.T) {
	for seed := range 30 {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		a, b := timedPaths(t, r, 10), timedPaths(t, r, 5)
		ab, ba := a.clone(), b.clone()
		require.NoError(t, ab.Merge(b))
		require.NoError(t, ba.Merge(a))
		x, err := ab.AppendBinary(nil)
		require.NoError(t, err)
		y, err := ba.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, x, y)
		var back Paths
		require.NoError(t, back.UnmarshalBinary(x))
		require.Equal(t, ab.Summary(), back.Summary())
		for _, f := range []func(p *Paths) (Credits, error){
			LastClick, func(p *Paths) (Credits, error) { return TimeDecay(p, time.Hour) }, Linear,
			func(p *Paths) (Credits, error) {
				p, err := p.Transform(Collapse)
				require.NoError(t, err)
				return TimeDecay(p, time.Hour)
			},
		} {
			want, err := f(ab)
			require.NoError(t, err)
			requireWhole(t, want)
			for _, p := range []*Paths{ba, &back} {
				got, err := f(p)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		}
		require.NoError(t, a.Merge(a))
		require.Equal(t, 2*b.clone().Summary().Conversions+a.Summary().Conversions, 2*ab.Summary().Conversions)
	}
}

// Transforming the paths is what the journeys do when asked for it.
func TestTransform(t *testing.T) {
	p := build(t, []row{{channelsOf("AABA"), 2, 5, 1}, {channelsOf("ABA"), 1, 1, 0}, {nil, 1, 0, 3}})
	q, err := p.Transform(Collapse)
	require.NoError(t, err)
	require.Equal(t, 1, q.Summary().Distinct)
	require.Equal(t, 4.0, q.Summary().Conversions)
	q, err = p.Transform(Unique)
	require.NoError(t, err)
	c, err := LastTouch(q)
	require.NoError(t, err)
	require.Equal(t, 3.0, c.Channels[1].Conversions)
	require.Equal(t, 3.0, q.Summary().Unexposed)
	require.Equal(t, 4.0, p.Summary().Conversions)
}

func FuzzPathsUnmarshal(f *testing.F) {
	p := timedPaths(f, rand.New(rand.NewPCG(1, 1)), 4)
	_ = p.Add(nil, 3, 1, 2)
	data, err := p.AppendBinary(nil)
	require.NoError(f, err)
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Add([]byte("zhun"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Paths
		if err := p.UnmarshalBinary(data); err != nil {
			require.Equal(t, Summary{}, p.Summary())
			return
		}
		again, err := p.AppendBinary(nil)
		require.NoError(t, err)
		var q Paths
		require.NoError(t, q.UnmarshalBinary(again))
		_, _ = Linear(&q)
		_, _ = TimeDecay(&q, 0)
	})
}

func FuzzJourneysUnmarshal(f *testing.F) {
	j := newJourneys(f, nil)
	r := rand.New(rand.NewPCG(1, 1))
	for range 30 {
		row := lawRow(r)
		require.NoError(f, j.Observe(row.User, row.Event, row.Fields, row.At))
	}
	data, err := j.AppendBinary(nil)
	require.NoError(f, err)
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		j := newJourneys(t, nil)
		if j.UnmarshalBinary(data) != nil {
			require.Zero(t, j.people.Len())
		}
		_, err := j.Paths(nil)
		require.True(t, err == nil || err != nil && len(err.Error()) > 0)
		require.NoError(t, j.Touch(1, Touch{Channel: "A", Time: noon}))
	})
}
