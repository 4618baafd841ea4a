package attribution

import (
	"cmp"
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
)

// FirstLast sums up the journeys that one channel opened and another, or the
// same, closed.
type FirstLast struct {
	First, Last        string
	Conversions, Value float64
	Nulls              float64
}

// FirstLasts returns the matrix of first and last channels, by the first,
// then by the last name, without pairs that no journey has. Negative counts
// are [ErrNegative].
func FirstLasts(p *Paths) ([]FirstLast, error) {
	if err := p.check("first and last"); err != nil {
		return nil, err
	}
	sums := make(map[[2]uint32]tally)
	for id := range p.rows {
		if path := p.seqs.seq(uint32(id)); len(path) > 0 {
			k := [2]uint32{path[0], path[len(path)-1]}
			t := sums[k]
			t.merge(p.rows[id])
			sums[k] = t
		}
	}
	players := p.players()
	var list []FirstLast
	for _, a := range players {
		for _, b := range players {
			if t := sums[[2]uint32{a, b}]; !t.zero() {
				list = append(list, FirstLast{p.channels.Name(a), p.channels.Name(b), t.conv.Value(), t.value.Value(), t.null.Value()})
			}
		}
	}
	return list, nil
}

// Funnel tells how far the journeys through a channel came.
type Funnel struct {
	Channel  string
	Touches  float64 // all its touches
	Journeys float64 // that have one of them
	// Continued are the journeys that went on to another channel after the
	// first touch of this one.
	Continued          float64
	Conversions, Value float64
}

// Rate returns conversions ÷ journeys; it is undefined without journeys.
func (f Funnel) Rate() (float64, bool) { return ratio(f.Conversions, f.Journeys) }

// Funnels returns the way from a channel's touches to conversions, for each
// channel by name. A journey counts for all of its channels, so the lines do
// not add up. Negative counts are [ErrNegative].
func Funnels(p *Paths) ([]Funnel, error) {
	if err := p.check("funnels"); err != nil {
		return nil, err
	}
	type sums struct {
		touches, continued stats.Sum
		all                tally
	}
	of := make([]sums, p.channels.Len())
	seen := make([]int, len(of))
	for n, id := range p.canonical() {
		path, t := p.seqs.seq(id), p.rows[id]
		journeys := t.conv
		journeys.Merge(t.null)
		for i, c := range path {
			of[c].touches.Merge(journeys)
			if seen[c] == n+1 {
				continue
			}
			seen[c] = n + 1
			of[c].all.merge(t)
			if slices.ContainsFunc(path[i:], func(next uint32) bool { return next != c }) {
				of[c].continued.Merge(journeys)
			}
		}
	}
	var list []Funnel
	for _, c := range p.players() {
		s := of[c]
		list = append(list, Funnel{
			Channel: p.channels.Name(c), Touches: s.touches.Value(), Journeys: s.all.conv.Value() + s.all.null.Value(),
			Continued: s.continued.Value(), Conversions: s.all.conv.Value(), Value: s.all.value.Value(),
		})
	}
	return list, nil
}

// Step tells what became of the journeys that had some number of touches.
type Step struct {
	Touches   int
	Journeys  float64 // with at least as many touches
	Converted float64 // after exactly as many
	Lost      float64 // ended without a conversion after exactly as many
}

// Steps returns the funnel by the number of touches, from the first to the
// longest path: the journeys of a step convert, are lost, or go on to the
// next one. Negative counts are [ErrNegative].
func Steps(p *Paths) ([]Step, error) {
	if err := p.check("steps"); err != nil {
		return nil, err
	}
	lengths := PathLengths(p)
	slices.SortFunc(lengths, func(a, b PathLength) int { return cmp.Compare(a.Touches, b.Touches) })
	if len(lengths) == 0 {
		return nil, nil
	}
	list := make([]Step, lengths[len(lengths)-1].Touches)
	for i := range list {
		list[i].Touches = i + 1
	}
	for _, l := range lengths {
		s := &list[l.Touches-1]
		s.Converted, s.Lost = l.Conversions, l.Nulls
	}
	var left stats.Sum
	for _, s := range slices.Backward(list) {
		left.Add(s.Converted)
		left.Add(s.Lost)
		list[s.Touches-1].Journeys = left.Value()
	}
	return list, nil
}
