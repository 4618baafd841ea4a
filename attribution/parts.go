package attribution

import (
	"errors"
	"fmt"
	"iter"
	"time"
)

// ErrNoParts is returned by [PerJourney] for a model whose credits belong to
// all journeys together.
var ErrNoParts = errors.New("credits that belong to no single journey")

// JourneyCredit is what single journeys give the channels on their path.
type JourneyCredit struct {
	// Path are the journeys: one conversion, where its times are known, else
	// all journeys of one path.
	Path Path
	// Conversions and Value are what each touch of the path gets of all of
	// these journeys. What is left of them is the baseline of a game that knows
	// one, and belongs to nobody.
	Conversions, Value []float64
}

// PerJourney splits the credits of a model by journey: the sum over the
// journeys is what the model gives each channel, to rounding of the last
// digit, and the touches of one journey share what a model gives its channel
// evenly unless the model tells them apart. Journeys come by length of their
// path, then by its channels; what a step yields lives until the next.
//
// The rules and the games SumSubset, TouchAny, PerPath, Cohort and PersonTime
// are sums over journeys. Under Cohort, sets of channels with which nobody
// converted have credit, negative as a rule, on journeys that did not convert.
// Removal effects in a Markov chain and games whose worth is no number of
// conversions belong to all journeys together: [ErrNoParts], as for a model
// that changes the credits of another one, and for PersonTime on paths that
// were transformed or keep touches after a conversion.
//
// For whole numbers, such as cents, see [Apportion].
func PerJourney(p *Paths, model func(*Paths) (Credits, error)) (iter.Seq[JourneyCredit], error) {
	part, err := p.parts(model)
	if err != nil {
		return nil, err
	}
	return func(yield func(JourneyCredit) bool) {
		timed := make([][]int, len(p.rows))
		for i, j := range p.journeys {
			timed[j.path] = append(timed[j.path], i)
		}
		for _, id := range p.canonical() {
			if len(p.seqs.seq(id)) == 0 {
				continue
			}
			t := p.rows[id]
			for _, i := range timed[id] {
				j := &p.journeys[i]
				t.conv.Sub(1)
				t.value.Sub(j.value)
				if !yield(part.of(p, id, j, 1, j.value, 0)) {
					return
				}
			}
			if !t.zero() && !yield(part.of(p, id, nil, t.conv.Value(), t.value.Value(), t.null.Value())) {
				return
			}
		}
	}, nil
}

// parts plays a model for its parts.
func (p *Paths) parts(model func(*Paths) (Credits, error)) (partFunc, error) {
	if err := playable("PerJourney", p, model); err != nil {
		return nil, err
	}
	l := &lens{parts: true}
	c, err := model(p.under(l))
	if err != nil {
		return nil, err
	}
	if !l.answered(c) || l.part == nil {
		return nil, fmt.Errorf("attribution: PerJourney: %w: %s", ErrNoParts, c.Model)
	}
	return l.part, nil
}

func (f partFunc) of(p *Paths, id uint32, timed *timedJourney, conv, value, null float64) JourneyCredit {
	path := p.seqs.seq(id)
	c := JourneyCredit{
		Path:        Path{Channels: make([]string, len(path)), Conversions: conv, Value: value, Nulls: null},
		Conversions: make([]float64, len(path)), Value: make([]float64, len(path)),
	}
	for i, ch := range path {
		c.Path.Channels[i] = p.channels.Name(ch)
	}
	if len(path) > 0 {
		f(id, timed, conv, value, null, c.Conversions, c.Value)
	}
	return c
}

// OrderCredit is what one conversion gives the channels on its path.
type OrderCredit struct {
	User  uint32
	Order string // its id, if it has one
	Time  time.Time
	JourneyCredit
}

// Orders splits the credits of a model by conversion, as [PerJourney] does,
// and tells which one: by user, then by time. Conversions without a touch come
// with an empty path. Opts are those of [Journeys.Paths], over whose paths the
// model is played.
func (j *Journeys) Orders(opts *PathOptions, model func(*Paths) (Credits, error)) (iter.Seq[OrderCredit], error) {
	var log []orderRow
	p, err := j.paths(opts, &log)
	if err != nil {
		return nil, err
	}
	part, err := p.parts(model)
	if err != nil {
		return nil, err
	}
	return func(yield func(OrderCredit) bool) {
		for _, o := range log {
			var timed *timedJourney
			if o.journey >= 0 {
				timed = &p.journeys[o.journey]
			}
			if !yield(OrderCredit{o.user, o.id, o.at.time(), part.of(p, o.path, timed, 1, o.value, 0)}) {
				return
			}
		}
	}, nil
}

// orderRow is one conversion of paths.
type orderRow struct {
	user    uint32
	id      string
	at      instant
	value   float64
	path    uint32
	journey int // -1 without touches
}
