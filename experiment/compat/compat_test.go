package compat

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// PlanOut's Python reference, from the shared figures: a float, an integer of
// 0…99, a chance of 0.3, one of a, b, c, one of x, y, z with 0.2, 0.3, 0.5, and
// three of eight.
func TestPlanOut(t *testing.T) {
	data, err := os.ReadFile("../testdata/golden/planout.json")
	require.NoError(t, err)
	var cases []struct {
		ID    string
		Input struct {
			Salt string `json:"exp_salt"`
			Unit any
		}
		Want struct {
			F    float64
			I    int64
			B    int
			C, W string
			S    []int
		}
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	for _, c := range cases {
		var units []string
		list, ok := c.Input.Unit.([]any)
		if !ok {
			list = []any{c.Input.Unit}
		}
		for _, u := range list {
			units = append(units, fmt.Sprint(u))
		}
		p := func(name string) PlanOut { return PlanOut{Salt: c.Input.Salt, Parameter: name, Units: units} }
		require.Equal(t, c.Want.F, p("f").Float(0, 1), c.ID)
		require.Equal(t, c.Want.I, p("i").Integer(0, 99), c.ID)
		require.Equal(t, c.Want.B == 1, p("b").Bernoulli(.3), c.ID)
		require.Equal(t, c.Want.C, string("abc"[p("c").Choice(3)]), c.ID)
		w, err := p("w").Weighted([]float64{.2, .3, .5})
		require.NoError(t, err)
		require.Equal(t, c.Want.W, string("xyz"[w]), c.ID)
		if len(units) == 1 { // the reference draws nothing for lists
			require.Equal(t, c.Want.S, p("s").Sample(8, 3), c.ID)
		}
	}
}

// Figures of GrowthBook's SDK conformance cases.
func TestGrowthBookHash(t *testing.T) {
	for _, c := range []struct {
		seed, value string
		version     int
		want        float64
	}{
		{"", "a", 1, .22},
		{"", "b", 1, .077},
		{"b", "a", 1, .946},
		{"ef", "d", 1, .652},
		{"asdf", "8952klfjas09ujk", 1, .549},
		{"", "123", 1, .011},
		{"", "___)((*\":&", 1, .563},
		{"seed", "a", 2, .0505},
		{"seed", "b", 2, .2696},
		{"foo", "ab", 2, .2575},
		{"foo", "def", 2, .2019},
		{"89123klj", "8952klfjas09ujkasdf", 2, .124},
		{"90850943850283058242805", "123", 2, .7516},
		{"()**(%$##$%#$#", "___)((*\":&", 2, .0128},
	} {
		got, err := GrowthBookHash(c.seed, c.value, c.version)
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%+v", c)
	}
	_, err := GrowthBookHash("a", "b", 3)
	require.EqualError(t, err, "compat: GrowthBookHash: version is 3, want 1 or 2")
}

func TestGrowthBookRanges(t *testing.T) {
	require.Equal(t, []Range{{0, .5}, {.5, 1}}, GrowthBookRanges(2, 1, nil))
	require.Equal(t, []Range{{0, .25}, {.5, .75}}, GrowthBookRanges(2, .5, nil))
	require.Equal(t, []Range{{0, 0}, {.5, .5}}, GrowthBookRanges(2, -.2, nil))
	require.Equal(t, []Range{{0, .4}, {.4, 1}}, GrowthBookRanges(2, 1.5, []float64{.4, .6}))
	require.Equal(t, []Range{{0, .5}, {.5, 1}}, GrowthBookRanges(2, 1, []float64{.4, .1}))
	require.Equal(t, []Range{{0, .25}, {.25, .5}, {.5, .75}, {.75, 1}}, GrowthBookRanges(4, 1, []float64{.4, .4, .2}))
	require.Equal(t, []Range{{0, .4}, {.4, .9995}}, GrowthBookRanges(2, 1, []float64{.4, .5995}))
	require.Nil(t, GrowthBookRanges(0, 1, nil))
	require.Equal(t, 1, GrowthBookChoose(.5, GrowthBookRanges(2, 1, nil)))
	require.Equal(t, -1, GrowthBookChoose(.3, GrowthBookRanges(2, .5, nil)))
}

func TestGrowthBookAssign(t *testing.T) {
	g := GrowthBook{Seed: "my-test", Version: 1, Variation: 2, Coverage: 1}
	var got []int
	for i := range 9 {
		v, err := g.Assign(fmt.Sprint(i + 1))
		require.NoError(t, err)
		got = append(got, v)
	}
	require.Equal(t, []int{1, 0, 0, 1, 1, 1, 0, 1, 0}, got)
	v, err := g.Assign("")
	require.NoError(t, err)
	require.Equal(t, -1, v)
	_, err = GrowthBook{Version: 9}.Assign("1")
	require.Error(t, err)
	in := 0
	for i := range 1000 {
		if GrowthBookNamespace(fmt.Sprint(i), "ns", Range{.2, .5}) {
			in++
		}
	}
	require.InDelta(t, 300, in, 60)
}

func FuzzGrowthBook(f *testing.F) {
	f.Add("seed", "value", 3, .5)
	f.Fuzz(func(t *testing.T, seed, value string, n int, coverage float64) {
		if n > 100 {
			return
		}
		for _, version := range []int{1, 2} {
			v, err := GrowthBook{Seed: seed, Version: version, Variation: n, Coverage: coverage}.Assign(value)
			if err != nil || v >= n && v >= 0 {
				t.Fatal(v, err)
			}
		}
	})
}

func ExampleGrowthBook_Assign() {
	g := GrowthBook{Seed: "my-test", Version: 2, Variation: 2, Coverage: 1}
	v, err := g.Assign("user-1")
	fmt.Println(v, err)
	// Output: 0 <nil>
}

func BenchmarkGrowthBookHash(b *testing.B) {
	id := strings.Repeat("x", 36)
	for b.Loop() {
		_, _ = GrowthBookHash("my-test", id, 2)
	}
}
