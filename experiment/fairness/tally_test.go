package fairness

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zhun-go/zhun/experiment"
	"github.com/zhun-go/zhun/experiment/exact"
	"github.com/zhun-go/zhun/internal/laws"
)

type user struct {
	values   []string
	selected bool
	outcome  Outcome
}

func draw(r *rand.Rand) user {
	return user{
		[]string{[]string{"f", "m", ""}[r.IntN(3)], []string{"18-29", "30-49", "50+", "a\x00b"}[r.IntN(4)]},
		r.IntN(3) == 0, Outcome(r.IntN(3)),
	}
}

func tally(t testing.TB, attributes ...string) *Tally {
	t.Helper()
	x, err := NewTally(attributes...)
	require.NoError(t, err)
	return x
}

func TestTallyLaws(t *testing.T) {
	laws.CheckSummary(t, laws.SummarySpec[*Tally, user]{
		New:    func() *Tally { return tally(t, "gender", "age") },
		Sample: draw,
		Add:    func(x *Tally, u user) error { return x.Add(u.values, u.selected, u.outcome) },
		Sub:    func(x *Tally, u user) error { return x.Sub(u.values, u.selected, u.outcome) },
		Merge:  func(dst, src *Tally) error { return dst.Merge(src) },
	})
}

// Groups by any of the attributes are what counting users one by one gives.
func TestGroupsAgainstCounting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	x := tally(t, "gender", "age")
	var users []user
	for range 2000 {
		u := draw(r)
		users = append(users, u)
		require.NoError(t, x.Add(u.values, u.selected, u.outcome))
	}
	for _, by := range [][]string{{"gender"}, {"age"}, {"age", "gender"}, nil} {
		want := map[string]Group{}
		for _, u := range users {
			var name []string
			for _, a := range append(by, map[bool][]string{true: {"gender", "age"}}[by == nil]...) {
				name = append(name, u.values[map[string]int{"gender": 0, "age": 1}[a]])
			}
			g := want[strings.Join(name, ", ")]
			g.Name = strings.Join(name, ", ")
			count := func(c *exact.Count) {
				c.Users++
				if u.selected {
					c.Successes++
				}
			}
			count(&g.All)
			switch u.outcome {
			case Positive:
				count(&g.Positive)
			case Negative:
				count(&g.Negative)
			}
			want[g.Name] = g
		}
		groups, err := x.Groups(by...)
		require.NoError(t, err)
		require.Len(t, groups, len(want))
		for _, g := range groups {
			require.Equal(t, want[g.Name], g)
		}
	}
}

// Strata of a tally are its groups by the attribute and the others.
func TestOffersAgainstGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	x := tally(t, "gender", "age")
	for range 500 {
		u := draw(r)
		require.NoError(t, x.Add(u.values, u.selected, u.outcome))
	}
	groups, err := x.Groups("age", "gender")
	require.NoError(t, err)
	byName := map[string]Group{}
	for _, g := range groups {
		byName[g.Name] = g
	}
	strata, err := x.Offers("gender", "f", "m", "age")
	require.NoError(t, err)
	require.Len(t, strata, 4)
	for i, s := range strata {
		require.Equal(t, byName[s.Stratum+", f"].All, s.Group)
		require.Equal(t, byName[s.Stratum+", m"].All, s.Reference)
		require.True(t, i == 0 || strata[i-1].Stratum < s.Stratum)
	}
	whole, err := x.Offers("gender", "f", "m")
	require.NoError(t, err)
	both, err := x.Groups("gender")
	require.NoError(t, err)
	require.Equal(t, []Offers{{"", both[1].All, both[2].All}}, whole)

	for _, bad := range [][]string{{"gender", "f", "f"}, {"sex", "f", "m"}, {"gender", "f", "m", "gender"}, {"gender", "f", "m", "town"}} {
		_, err := x.Offers(bad[0], bad[1], bad[2], bad[3:]...)
		require.ErrorIs(t, err, experiment.ErrInvalid, "%v", bad)
	}
	none, err := x.Offers("gender", "nobody", "no one", "age")
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestTallyRefuses(t *testing.T) {
	_, err := NewTally()
	require.ErrorIs(t, err, experiment.ErrInvalid)
	_, err = NewTally("a", "b", "a")
	require.ErrorIs(t, err, experiment.ErrInvalid)
	x := tally(t, "a", "b")
	require.ErrorIs(t, x.Add([]string{"u"}, true, Positive), experiment.ErrInvalid)
	require.ErrorIs(t, x.Add([]string{"u", "v"}, true, Positive+1), experiment.ErrInvalid)
	_, err = x.Groups("c")
	require.ErrorIs(t, err, experiment.ErrInvalid)
	_, err = x.Groups("a", "a")
	require.ErrorIs(t, err, experiment.ErrInvalid)
	require.ErrorIs(t, x.Merge(tally(t, "a")), experiment.ErrOptions)
	require.Empty(t, x.cells)
}

// Attributes of too many values do not fill the memory.
func TestTallyIsBounded(t *testing.T) {
	x, y := tally(t, "id"), tally(t, "id")
	for i := range MaxGroups {
		x.cells = append(x.cells, cell{string(appendKey(nil, []string{fmt.Sprintf("%08d", i)})), [6]int64{1}})
	}
	require.ErrorIs(t, x.Add([]string{"one more"}, false, Unknown), experiment.ErrInvalid)
	require.NoError(t, x.Add([]string{"00000007"}, true, Unknown))
	require.NoError(t, y.Add([]string{"one more"}, true, Unknown))
	require.ErrorIs(t, x.Merge(y), experiment.ErrInvalid)
	require.Len(t, x.cells, MaxGroups)
}

func FuzzTallyUnmarshal(f *testing.F) {
	x := tally(f, "gender", "age")
	r := rand.New(rand.NewPCG(2, 2))
	for range 50 {
		u := draw(r)
		require.NoError(f, x.Add(u.values, u.selected, u.outcome))
	}
	data, err := x.MarshalBinary()
	require.NoError(f, err)
	f.Add(data)
	f.Add(data[:30])
	f.Fuzz(func(t *testing.T, data []byte) {
		y := tally(t, "gender", "age")
		if y.UnmarshalBinary(data) != nil {
			require.Empty(t, y.cells)
			return
		}
		again, err := y.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, data, again)
		_, err = y.Groups()
		require.NoError(t, err)
	})
}

// Groups of several attributes have names of their own, whatever the values.
func TestNamesAreDistinct(t *testing.T) {
	x := tally(t, "a", "b")
	for _, values := range [][]string{{"u, v", "w"}, {"u", "v, w"}, {`"u`, "v"}, {"u", "v"}, {`"u, v"`, "w"}, {"", ""}, {", ", ""}, {"", ", "}} {
		for range 60 {
			require.NoError(t, x.Add(values, true, Unknown))
		}
	}
	groups, err := x.Groups()
	require.NoError(t, err)
	require.Len(t, groups, 8)
	r, err := Audit(groups, nil)
	require.NoError(t, err)
	require.Len(t, r.Pairs, 7)
	one, err := x.Groups("a")
	require.NoError(t, err)
	require.Equal(t, "u, v", one[len(one)-1].Name)
	strata, err := x.Offers("a", "u", `"u`, "b")
	require.NoError(t, err)
	require.Len(t, strata, 2)
}

// Bytes that name very many attributes are refused in a moment.
func TestManyAttributes(t *testing.T) {
	names := make([]string, 300_000)
	for i := range names {
		names[i] = fmt.Sprintf("%x", i)
	}
	data, err := (&Tally{attributes: names}).MarshalBinary()
	require.NoError(t, err)
	require.ErrorIs(t, new(Tally).UnmarshalBinary(data), experiment.ErrCorrupt)
	_, err = NewTally(names...)
	require.ErrorIs(t, err, experiment.ErrInvalid)
	_, err = tally(t, names[:64]...).Groups()
	require.NoError(t, err)
}

func TestGoldenBytes(t *testing.T) {
	x := tally(t, "gender", "age")
	r := rand.New(rand.NewPCG(9, 9))
	for range 40 {
		u := draw(r)
		require.NoError(t, x.Add(u.values, u.selected, u.outcome))
	}
	require.NoError(t, x.Sub([]string{"not here yet", ""}, true, Negative))
	laws.CheckGolden(t, "testdata/tally.v0.bin", x, tally(t, "other"))
}
