package attribution

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
)

// ErrCalibration is wrapped by a warning that a model and an experiment
// disagree by more than the experiment's interval.
var ErrCalibration = errors.New("an experiment says otherwise")

// Lift is what an experiment found that a channel caused: the conversions
// that it brought in the period and among the people of the paths, beyond
// those that had happened without it. For an experiment that withholds the
// channel from some people at random, that is the difference of the means,
// and of the ends of its interval, times the number of people who were
// exposed.
type Lift struct {
	Channel     string
	Conversions Estimate
	// Value is the same in value. Zero means that the experiment did not
	// measure it: value then follows conversions.
	Value Estimate
}

// CalibrateOptions are options of [Calibrate]. Nil and zero fields mean the
// defaults.
type CalibrateOptions struct {
	// Constrain keeps the credit of the model where it lies within the interval
	// of the experiment, and moves it to the nearer end where it does not. By
	// default the measured figure takes the place of the credit.
	Constrain bool
	// Spread multiplies the credits of channels without an experiment by what
	// the experiments made of the others: by the sum of the calibrated credits
	// ÷ the sum of the model's, both over the channels with an experiment. It
	// assumes that the model is as wrong for the ones as for the others. By
	// default their credits stay.
	Spread bool
}

// Calibrate corrects the credits of a model by what experiments measured, the
// only figures here that hold when exposure is targeted at people who are
// likely to buy. What the channels gain or lose the unattributed line loses or
// gains, so that credits and that line add up to the total as before. A
// channel that the credits do not know, such as one without touches, gets a
// line.
//
// An experiment whose interval does not hold the model's credit is a warning,
// [ErrCalibration]; credits that leave less than nothing to the unattributed
// line are one that wraps [ErrDesign]. The model's own warnings stay as long
// as a channel with credit has no experiment. Estimates that are not finite,
// whose interval does not hold the value, and channels that come twice are an
// [*InputError].
func Calibrate(c Credits, lifts []Lift, opts *CalibrateOptions) (Credits, error) {
	var o CalibrateOptions
	if opts != nil {
		o = *opts
	}
	for _, k := range append([]Credit{c.Unattributed, c.Total}, c.Channels...) {
		if x := k.Conversions + k.Value + k.Effect + k.Spend; math.IsNaN(x - x) {
			return Credits{}, inputError("Calibrate", 0, fmt.Sprintf("credit of %q", k.Channel), k, "no number")
		}
	}
	out := c
	out.Channels = slices.Clone(c.Channels)
	out.Warnings = nil
	out.Model += ", calibrated"
	tested := make(map[string]bool)
	var model, measured share // of the channels with an experiment
	for i, l := range lifts {
		if err := l.check(i, tested); err != nil {
			return Credits{}, err
		}
		tested[l.Channel] = true
		at, ok := slices.BinarySearchFunc(out.Channels, l.Channel, func(k Credit, name string) int { return ids.Compare(k.Channel, name) })
		if !ok {
			out.Channels = slices.Insert(out.Channels, at, Credit{Channel: l.Channel})
		}
		k := &out.Channels[at]
		before := *k
		model.conv.Add(k.Conversions)
		model.value.Add(k.Value)
		var outside bool
		if k.Conversions, outside = l.Conversions.correct(k.Conversions, o.Constrain); outside && ok {
			out.Warnings = append(out.Warnings, fmt.Errorf("%s: %w: %s has %.6g conversions, and the experiment found %.6g to %.6g",
				c.Model, ErrCalibration, l.Channel, before.Conversions, l.Conversions.Lo, l.Conversions.Hi))
		}
		switch {
		case l.Value != (Estimate{}):
			k.Value, _ = l.Value.correct(k.Value, o.Constrain)
		case k.Conversions == before.Conversions:
		case before.Conversions > 0:
			k.Value = before.Value * (k.Conversions / before.Conversions)
		default:
			// Nothing is known of its customers: they are like all others.
			each, _ := ratio(c.Total.Value, c.Total.Conversions)
			k.Value = k.Conversions * each
		}
		k.Effect = k.Conversions
		measured.conv.Add(k.Conversions)
		measured.value.Add(k.Value)
	}
	if err := spread(&out, tested, model, measured, o.Spread); err != nil {
		return Credits{}, err
	}
	var conv, value stats.Sum
	conv.Add(c.Total.Conversions)
	value.Add(c.Total.Value)
	open := false
	for _, k := range out.Channels {
		conv.Sub(k.Conversions)
		value.Sub(k.Value)
		open = open || !tested[k.Channel] && (k.Conversions != 0 || k.Value != 0)
	}
	out.Unattributed.Conversions, out.Unattributed.Value, out.Unattributed.Effect = conv.Value(), value.Value(), conv.Value()
	if conv.Value() < -1e-9*math.Abs(c.Total.Conversions) {
		out.Warnings = append(out.Warnings, fmt.Errorf("%s: %w: the channels together have %.6g conversions more than there were", out.Model, ErrDesign, -conv.Value()))
	}
	if open {
		out.Warnings = append(slices.Clone(c.Warnings), out.Warnings...)
	}
	return out, nil
}

// spread scales the channels without an experiment as the others were.
func spread(c *Credits, tested map[string]bool, model, measured share, on bool) error {
	if !on || len(tested) == 0 {
		return nil
	}
	if model.conv.Value() <= 0 || model.value.Value() < 0 {
		return inputError("Calibrate", 0, "Spread", on, "the channels with an experiment have no credit to compare with")
	}
	byConv := measured.conv.Value() / model.conv.Value()
	byValue, ok := ratio(measured.value.Value(), model.value.Value())
	if !ok {
		byValue = byConv
	}
	for i := range c.Channels {
		if k := &c.Channels[i]; !tested[k.Channel] {
			k.Conversions *= byConv
			k.Value *= byValue
			k.Effect = k.Conversions
		}
	}
	return nil
}

// correct returns the measured value, or the nearest to x within the
// interval, and whether x lay outside of it.
func (e Estimate) correct(x float64, constrain bool) (float64, bool) {
	near := min(max(x, e.Lo), e.Hi)
	if constrain {
		return near, near != x
	}
	return e.Value, near != x
}

func (l Lift) check(i int, seen map[string]bool) error {
	bad := func(field string, value any, reason string) error {
		return inputError("Calibrate", 0, fmt.Sprintf("lifts[%d].%s", i, field), value, reason)
	}
	switch {
	case l.Channel == "" || !utf8.ValidString(l.Channel):
		return bad("Channel", l.Channel, "not a name in UTF-8")
	case seen[l.Channel]:
		return bad("Channel", l.Channel, "comes twice")
	}
	for _, e := range []struct {
		name string
		Estimate
	}{{"Conversions", l.Conversions}, {"Value", l.Value}} {
		switch {
		case !finite(e.Value) || !finite(e.Lo) || !finite(e.Hi):
			return bad(e.name, e.Estimate, "not finite")
		case e.Lo > e.Value || e.Hi < e.Value:
			return bad(e.name, e.Estimate, "an interval that does not hold its value")
		}
	}
	return nil
}
