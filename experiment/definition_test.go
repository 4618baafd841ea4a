package experiment

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

const definition = `{"key":"free-shipping","arms":[{"name":"free","weight":1},{"name":"control","weight":1}],
	"salt":"s","traffic":0.5,"past":[{"control":9,"free":1}],"layer":{"name":"checkout","from":0.25,"to":1},
	"holdouts":[{"name":"2026","share":0.05}],"forced":{"me":"free"},"version":3,"min_version":2}`

func TestParse(t *testing.T) {
	e, err := Parse([]byte(definition), nil)
	require.NoError(t, err)
	data, err := json.Marshal(e)
	require.NoError(t, err)
	require.JSONEq(t, definition, string(data))
	again, err := Parse(data, &Options{Audience: func(u uint32) bool { return u == 1 }})
	require.NoError(t, err)
	for i := range 2000 {
		u := fmt.Sprint("u", i)
		a, in := e.Assign(u)
		b, too := again.Assign(u)
		require.Equal(t, a, b)
		require.Equal(t, in, too)
	}
	a, err := again.Decide(Subject{Unit: "x", User: 2})
	require.NoError(t, err)
	require.Equal(t, NoAudience, a.Reason)
	for _, bad := range []string{
		``, `{`, `[]`, `{"key":"k","arms":[{"name":"a"}],"trafic":1}`, definition + `{}`,
		`{"key":"k","arms":[{"name":"a","weight":-1}]}`, `{"key":"k"}`, `{"key":"k","arms":[{"name":"a"}],"traffic":2}`,
		`{"key":"k","arms":[{"name":"a"}],"layer":{"name":"l","from":0.5,"to":0.5}}`,
		`{"key":"k","arms":[{"name":"a"}],"layer":{"to":0.5}}`,
		`{"key":"k","arms":[{"name":"a"}],"holdouts":[{"name":"l"}]}`,
		`{"key":"k","arms":[{"name":"a"}],"min_version":1}`,
	} {
		_, err := Parse([]byte(bad), nil)
		require.ErrorIs(t, err, ErrInvalid, bad)
	}
	for bad, at := range map[string]int{
		`{"key":"k",`: 11, ``: 0, `{"key":"k" "arms":[]}`: 11, `{"key":7}`: 7,
		`{"key":"k","trafic":1,"arms":[{"name":"a"}]}`: 11,
	} {
		_, err := Parse([]byte(bad), nil)
		require.ErrorContains(t, err, fmt.Sprintf("at byte %d: ", at), bad)
	}
	_, err = new(Experiment).Decide(Subject{Unit: "x"})
	require.ErrorIs(t, err, ErrInvalid, "made of nothing")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(definition))
	f.Add([]byte(`{"key":"k","arms":[{"name":"a"},{"name":"b","weight":1e300}],"past":[{"a":1}]}`))
	f.Add([]byte(`{"key":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Parse(data, nil)
		if err != nil {
			return
		}
		e.Assign("unit")
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			a, _ := e.Assign(fmt.Sprint(i))
			b, _ := again.Assign(fmt.Sprint(i))
			if a != b {
				t.Fatalf("%s assigns %q, %s %q", data, a, out, b)
			}
		}
	})
}

// Experiments in disjoint parts of a layer share nobody; the parts and the
// holdout have their size; the holdout is the same for all; what is left is
// independent of both.
func TestLayersAndHoldouts(t *testing.T) {
	arms := []Arm{{"a", 1}, {"b", 1}}
	hold := []Holdout{{"2026", .1}}
	x := mustNew(t, "x", arms, &Options{Layer: &Layer{"l", 0, .3}, Holdouts: hold})
	y := mustNew(t, "y", arms, &Options{Layer: &Layer{"l", .3, 1}, Holdouts: hold})
	z := mustNew(t, "z", arms, &Options{Layer: &Layer{"other", 0, .5}, Holdouts: hold})
	var both, nx, ny, nz, nxz, held float64
	table := make([]float64, 4)
	const n = 40_000
	for i := range n {
		u := fmt.Sprint("unit-", i)
		ax, inx := x.Assign(u)
		_, iny := y.Assign(u)
		az, inz := z.Assign(u)
		count := func(b bool, c *float64) {
			if b {
				*c++
			}
		}
		count(inx && iny, &both)
		count(inx, &nx)
		count(iny, &ny)
		count(inz, &nz)
		count(inx && inz, &nxz)
		d, err := x.Decide(Subject{Unit: u})
		require.NoError(t, err)
		count(d.Reason == HeldOut, &held)
		require.Equal(t, inx, d.Reason == Hashed)
		require.Equal(t, !inx && d.Reason != HeldOut, d.Reason == OtherLayer)
		if inx && inz {
			k := 0
			if ax == "b" {
				k = 2
			}
			if az == "b" {
				k++
			}
			table[k]++
		}
	}
	require.Zero(t, both)
	for got, want := range map[float64]float64{nx: .27, ny: .63, nz: .45, nxz: .9 * .15, held: .1} {
		require.InDelta(t, n*want, got, 4*math.Sqrt(n*want*(1-want)))
	}
	require.Less(t, independence(table, 2), 16.)
}

// shelf is a sticky store for tests.
type shelf struct {
	m    map[string]Memory
	fail error
}

func (s *shelf) Load(experiment, unit string) (Memory, bool, error) {
	m, ok := s.m[experiment+"/"+unit]
	return m, ok, s.fail
}

func (s *shelf) Save(experiment, unit string, m Memory) error {
	s.m[experiment+"/"+unit] = m
	return s.fail
}

func TestSticky(t *testing.T) {
	s := &shelf{m: map[string]Memory{}}
	e := mustNew(t, "k", []Arm{{"a", 1}, {"b", 1}}, &Options{Sticky: s, Version: 1})
	was := map[string]string{}
	for i := range 200 {
		u := fmt.Sprint(i)
		a, err := e.Decide(Subject{Unit: u})
		require.NoError(t, err)
		require.Equal(t, Hashed, a.Reason)
		was[u] = a.Arm
	}
	// Other weights, no traffic: whoever is in stays in their arm.
	e = mustNew(t, "k", []Arm{{"a", 0}, {"b", 1}}, &Options{Sticky: s, Version: 1, Traffic: 1e-9, Past: []map[string]float64{{"a": 1, "b": 1}}})
	for u, arm := range was {
		a, err := e.Decide(Subject{Unit: u})
		require.NoError(t, err)
		require.Equal(t, Assignment{"k", arm, true, Kept, u, 0}, a)
	}
	e = mustNew(t, "k", []Arm{{"a", 1}, {"b", 1}}, &Options{Sticky: s, Version: 2, MinVersion: 2})
	a, err := e.Decide(Subject{Unit: "7"})
	require.NoError(t, err)
	require.Equal(t, Assignment{"k", "", false, OldVersion, "7", 0}, a)
	// An arm that is gone is no memory.
	e = mustNew(t, "k", []Arm{{"c", 1}}, &Options{Sticky: s, Version: 1})
	a, err = e.Decide(Subject{Unit: "7"})
	require.NoError(t, err)
	require.Equal(t, "c", a.Arm)
	require.Equal(t, Memory{"c", 1, 0}, s.m["k/7"])
	s.fail = errors.New("disk")
	_, err = e.Decide(Subject{Unit: "7"})
	require.ErrorIs(t, err, s.fail)
}
