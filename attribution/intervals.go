package attribution

import (
	"context"
	"fmt"
	"math"

	"github.com/zhun-go/zhun/internal/stats"
)

// Intervals returns the uncertainty of a model's credits without resampling, by
// the delta method: the credits are differentiated by the number of journeys
// of each kind, which are Poisson, and the squares of the slopes (the
// influence functions) times the numbers add up to the variance. Intervals are
// normal, of a level such as 0.95 (0 means that). It asks the same question as
// [Bootstrap] and holds fixed what that holds fixed: the time in each set of
// channels and the value per conversion there, for PersonTime, and the value
// per conversion of rows without times.
//
// Model is any of this package's, wrapped if it has options, or one of the
// caller's own. The rules, the games SumSubset, TouchAny, RateSubset,
// RateExact, SumExact, PerPath, Cohort and PersonTime, and Markov chains of any
// order know their slopes: that takes about as long as the credits themselves,
// and for rules and SumSubset, whose credits are linear, the variance is
// exact. All other models are played again with a little more and a little
// less of each distinct path, which costs up to six plays for each of them;
// they should have slopes, which [LeaveOneOut], cut off at 0, has not. A model
// that changes the credits of one that looks at single journeys, such as
// [TimeDecay], cannot be differentiated so: an [*InputError].
//
// Markov chains are differentiated by as many goroutines as there are
// processors, which do not show in the result. An error of the model, and ctx's
// own, end it.
func Intervals(ctx context.Context, p *Paths, model func(*Paths) (Credits, error), level float64) ([]Interval, error) {
	const verb = "Intervals"
	if level == 0 {
		level = 0.95
	}
	if !(level > 0 && level < 1) {
		return nil, inputError(verb, 0, "level", level, "not within 0 and 1")
	}
	if err := playable(verb, p, model); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := &lens{variance: true, end: ctx.Err}
	credits, err := model(p.under(l))
	if err != nil {
		return nil, err
	}
	square := l.square
	if !l.answered(credits) {
		if l.timed {
			return nil, inputError(verb, 0, "model", credits.Model, "changes the credits of single journeys; see Bootstrap")
		}
		if square, err = p.differentiate(ctx, model, credits); err != nil {
			return nil, err
		}
	} else {
		// By name, as the credits are.
		byName := make([]share, len(credits.Channels))
		for i, k := range credits.Channels {
			if id, ok := p.channels.Lookup(k.Channel); ok {
				byName[i] = square[id]
			}
		}
		square = byName
	}
	for i, k := range credits.Channels {
		if x := k.Conversions + k.Value + square[i].conv.Value() + square[i].value.Value(); math.IsNaN(x - x) {
			return nil, inputError(verb, 0, "model", credits.Model, fmt.Sprintf("what it gives %q is no number, or has no variance", k.Channel))
		}
	}
	z := -stats.NormalQuantile((1 - level) / 2)
	list := make([]Interval, len(credits.Channels))
	for i, k := range credits.Channels {
		estimate := func(x float64, variance stats.Sum) Estimate {
			sd := math.Sqrt(max(0, variance.Value()))
			return Estimate{x, sd, x - z*sd, x + z*sd, level}
		}
		list[i] = Interval{k.Channel, estimate(k.Conversions, square[i].conv), estimate(k.Value, square[i].value)}
	}
	return list, nil
}

// ShapleyIntervals is [Intervals] of [Shapley].
func ShapleyIntervals(p *Paths, opts *ShapleyOptions, level float64) ([]Interval, error) {
	return Intervals(context.Background(), p, func(p *Paths) (Credits, error) { return Shapley(p, opts) }, level)
}

// differentiate returns the variances of credits by playing the model again
// with more and less of each path.
func (p *Paths) differentiate(ctx context.Context, model func(*Paths) (Credits, error), whole Credits) ([]share, error) {
	square := make([]share, len(whole.Channels))
	q := newSampler(p).copy()
	// slope returns by how much the credits rise when something is added to an
	// amount. The step is a small part of a journey, of less of one that there
	// may be, and of many the more that rounding takes no part in it.
	slope := func(amount float64, add func(x float64)) ([]cell, error) {
		step := 1e-3 * min(1, math.Abs(amount))
		step = max(step, 1e-5*math.Abs(amount))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var ends [2]Credits
		for i, x := range [2]float64{step, -2 * step} {
			add(x)
			var err error
			if ends[i], err = model(q); err != nil {
				return nil, fmt.Errorf("attribution: Intervals: %w", err)
			}
		}
		add(step)
		list := make([]cell, len(whole.Channels))
		for i, k := range whole.Channels {
			up, _ := ends[0].Of(k.Channel)
			down, _ := ends[1].Of(k.Channel)
			list[i] = cell{(up.Conversions - down.Conversions) / (2 * step), (up.Value - down.Value) / (2 * step)}
		}
		return list, nil
	}
	squares := p.squaresByRow()
	for id := range p.rows {
		t := &p.rows[id]
		conv, value, null := t.conv.Value(), t.value.Value(), t.null.Value()
		if conv > 0 {
			more, err := slope(conv, func(x float64) { q.shift(uint32(id), x, 0, 0) })
			if err != nil {
				return nil, err
			}
			worth := make([]cell, len(more))
			if value != 0 {
				if worth, err = slope(value, func(x float64) { q.shift(uint32(id), 0, x, 0) }); err != nil {
					return nil, err
				}
			}
			for i := range more {
				// Σ (a + b·v)² over the conversions and their values v.
				a, b := more[i], worth[i]
				square[i].conv.Add(conv*a.conv*a.conv + 2*a.conv*b.conv*value + b.conv*b.conv*squares[id])
				square[i].value.Add(conv*a.value*a.value + 2*a.value*b.value*value + b.value*b.value*squares[id])
			}
		}
		if null > 0 {
			less, err := slope(null, func(x float64) { q.shift(uint32(id), 0, 0, x) })
			if err != nil {
				return nil, err
			}
			for i, k := range less {
				square[i].conv.Add(null * k.conv * k.conv)
				square[i].value.Add(null * k.value * k.value)
			}
		}
	}
	for id := range p.exposed {
		conv := p.exposed[id].conv.Value()
		if conv <= 0 {
			continue
		}
		each := p.exposed[id].value.Value() / conv
		more, err := slope(conv, func(x float64) {
			q.exposed[id].conv.Add(x)
			q.exposed[id].value.Add(x * each)
		})
		if err != nil {
			return nil, err
		}
		for i, k := range more {
			square[i].conv.Add(conv * k.conv * k.conv)
			square[i].value.Add(conv * k.value * k.value)
		}
	}
	return square, nil
}

// shift adds to a path of a copy.
func (p *Paths) shift(id uint32, conv, value, null float64) {
	p.add(id, number(conv), number(value), number(null))
}
