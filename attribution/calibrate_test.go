package attribution

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func interval(lo, value, hi float64) Estimate {
	return Estimate{Value: value, Lo: lo, Hi: hi, Level: 0.95}
}

func TestCalibrate(t *testing.T) {
	model := Credits{
		Model: "m", Warnings: []error{descriptive("m")},
		Channels:     []Credit{{Channel: "A", Conversions: 60, Value: 600, Spend: 10}, {Channel: "B", Conversions: 30, Value: 900}},
		Unattributed: Credit{Conversions: 10, Value: 100}, Total: Credit{Conversions: 100, Value: 1600, Spend: 10},
	}
	for name, c := range map[string]struct {
		lifts   []Lift
		opts    *CalibrateOptions
		a, b, u [2]float64
		warn    []error
	}{
		"none":                {nil, nil, [2]float64{60, 600}, [2]float64{30, 900}, [2]float64{10, 100}, []error{ErrDescriptive}},
		"rescaled":            {[]Lift{{Channel: "A", Conversions: interval(20, 30, 40)}}, nil, [2]float64{30, 300}, [2]float64{30, 900}, [2]float64{40, 400}, []error{ErrDescriptive, ErrCalibration}},
		"constrained":         {[]Lift{{Channel: "A", Conversions: interval(20, 30, 40)}}, &CalibrateOptions{Constrain: true}, [2]float64{40, 400}, [2]float64{30, 900}, [2]float64{30, 300}, []error{ErrDescriptive, ErrCalibration}},
		"within the interval": {[]Lift{{Channel: "A", Conversions: interval(20, 30, 70)}}, &CalibrateOptions{Constrain: true}, [2]float64{60, 600}, [2]float64{30, 900}, [2]float64{10, 100}, []error{ErrDescriptive}},
		"spread":              {[]Lift{{Channel: "A", Conversions: interval(20, 30, 40)}}, &CalibrateOptions{Spread: true}, [2]float64{30, 300}, [2]float64{15, 450}, [2]float64{55, 850}, []error{ErrDescriptive, ErrCalibration}},
		"value measured":      {[]Lift{{Channel: "A", Conversions: interval(50, 60, 70), Value: interval(100, 200, 300)}}, nil, [2]float64{60, 200}, [2]float64{30, 900}, [2]float64{10, 500}, []error{ErrDescriptive}},
		"all measured":        {[]Lift{{Channel: "B", Conversions: interval(20, 30, 40)}, {Channel: "A", Conversions: interval(0, 0, 60)}}, nil, [2]float64{0, 0}, [2]float64{30, 900}, [2]float64{70, 700}, nil},
		"more than there are": {[]Lift{{Channel: "A", Conversions: interval(50, 80, 90)}}, nil, [2]float64{80, 800}, [2]float64{30, 900}, [2]float64{-10, -100}, []error{ErrDescriptive, ErrDesign}},
	} {
		got, err := Calibrate(model, c.lifts, c.opts)
		require.NoError(t, err, name)
		for i, want := range [][2]float64{c.a, c.b} {
			require.InDelta(t, want[0], got.Channels[i].Conversions, 1e-9, name)
			require.InDelta(t, want[1], got.Channels[i].Value, 1e-9, name)
		}
		require.InDelta(t, c.u[0], got.Unattributed.Conversions, 1e-9, name)
		require.InDelta(t, c.u[1], got.Unattributed.Value, 1e-9, name)
		require.Len(t, got.Warnings, len(c.warn), name)
		for i, w := range c.warn {
			require.ErrorIs(t, got.Warnings[i], w, name)
		}
	}
	require.Equal(t, 60.0, model.Channels[0].Conversions, "the model's credits are untouched")

	got, err := Calibrate(model, []Lift{{Channel: "television", Conversions: interval(1, 5, 9)}}, nil)
	require.NoError(t, err)
	k, ok := got.Of("television")
	require.True(t, ok)
	require.Equal(t, Credit{Channel: "television", Conversions: 5, Value: 80, Effect: 5}, k)
	require.Equal(t, 5.0, got.Unattributed.Conversions)
}

func TestCalibrateRefuses(t *testing.T) {
	good := Lift{Channel: "A", Conversions: interval(1, 2, 3)}
	for want, lifts := range map[string][]Lift{
		`attribution: Calibrate: lifts[0].Channel "": not a name in UTF-8`: {{}},
		`attribution: Calibrate: lifts[1].Channel "A": comes twice`:        {good, good},
		`not finite`: {{Channel: "A", Conversions: interval(1, math.NaN(), 3)}},
		`an interval that does not hold its value`: {{Channel: "A", Conversions: interval(1, 4, 3)}},
	} {
		_, err := Calibrate(Credits{}, lifts, nil)
		require.ErrorIs(t, err, ErrInput)
		require.ErrorContains(t, err, want)
	}
	_, err := Calibrate(Credits{}, []Lift{good}, &CalibrateOptions{Spread: true})
	require.ErrorIs(t, err, ErrInput)
}

// Whatever experiments say, credits and the unattributed line add up to the
// total, and constrained credits lie in their intervals.
func TestCalibrateAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Paths
		for range rapid.IntRange(1, 8).Draw(t, "rows") {
			path := rapid.SliceOfN(rapid.SampledFrom([]string{"A", "B", "C"}), 0, 3).Draw(t, "path")
			require.NoError(t, p.Add(path, float64(rapid.IntRange(0, 50).Draw(t, "n")), float64(rapid.IntRange(0, 500).Draw(t, "v")), 3))
		}
		c, err := Shapley(&p, nil)
		require.NoError(t, err)
		var lifts []Lift
		for i := range rapid.IntRange(0, 3).Draw(t, "lifts") {
			lo := rapid.Float64Range(-20, 20).Draw(t, "lo")
			w := rapid.Float64Range(0, 20).Draw(t, "width")
			lifts = append(lifts, Lift{Channel: fmt.Sprintf("%c", 'A'+i), Conversions: interval(lo, lo+w/2, lo+w)})
		}
		o := CalibrateOptions{Constrain: rapid.Bool().Draw(t, "constrain"), Spread: rapid.Bool().Draw(t, "spread")}
		got, err := Calibrate(c, lifts, &o)
		if errors.Is(err, ErrInput) {
			t.Skip("nothing to spread by")
		}
		require.NoError(t, err)
		conv, value := got.Unattributed.Conversions, got.Unattributed.Value
		for _, k := range got.Channels {
			conv += k.Conversions
			value += k.Value
		}
		require.InDelta(t, c.Total.Conversions, conv, 1e-6)
		require.InDelta(t, c.Total.Value, value, 1e-6*max(1, math.Abs(c.Total.Value)))
		for _, l := range lifts {
			k, _ := got.Of(l.Channel)
			if o.Constrain {
				require.True(t, k.Conversions >= l.Conversions.Lo && k.Conversions <= l.Conversions.Hi)
			} else {
				require.Equal(t, l.Conversions.Value, k.Conversions)
			}
		}
	})
}
