package attribution

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
)

// Assist counts the conversions in whose paths a channel stands, by where.
type Assist struct {
	Channel string
	Last    float64 // it stands last
	First   float64 // it stands first
	// Assisted are the conversions of paths in which it stands before the last
	// place, each once, as the multi-channel funnels of Google Analytics count.
	Assisted float64
	// AssistedNotLast are those of them that it does not also close.
	AssistedNotLast float64
	Any             float64 // it stands anywhere
	Only            float64 // no other channel does
	FirstOfMulti    float64 // it stands first in a path of several touches
}

// PerLast returns assisted ÷ last conversions, near 0 for a channel that
// closes and above 1 for one that mostly assists; it is undefined for one
// that never closes.
func (a Assist) PerLast() (float64, bool) { return ratio(a.Assisted, a.Last) }

// Assists returns the assists of each channel, by name. Negative counts are
// [ErrNegative].
func Assists(p *Paths) ([]Assist, error) {
	if err := p.check("assists"); err != nil {
		return nil, err
	}
	type sums struct{ last, first, assisted, notLast, any, only, multi stats.Sum }
	of := make([]sums, p.channels.Len())
	seen := make([]int, len(of))
	for n, id := range p.canonical() {
		path, conv := p.seqs.seq(id), p.rows[id].conv
		if len(path) == 0 || conv.Value() == 0 {
			continue
		}
		first, last := path[0], path[len(path)-1]
		of[first].first.Merge(conv)
		of[last].last.Merge(conv)
		if len(path) > 1 {
			of[first].multi.Merge(conv)
		}
		for _, c := range path[:len(path)-1] {
			if seen[c] == n+1 {
				continue
			}
			seen[c] = n + 1
			of[c].assisted.Merge(conv)
			if c != last {
				of[c].notLast.Merge(conv)
			}
		}
		set := p.sets.seq(p.setOf[id])
		for _, c := range set {
			of[c].any.Merge(conv)
		}
		if len(set) == 1 {
			of[first].only.Merge(conv)
		}
	}
	var list []Assist
	for _, c := range p.players() {
		s := of[c]
		list = append(list, Assist{
			Channel: p.channels.Name(c), Last: s.last.Value(), First: s.first.Value(), Assisted: s.assisted.Value(),
			AssistedNotLast: s.notLast.Value(), Any: s.any.Value(), Only: s.only.Value(), FirstOfMulti: s.multi.Value(),
		})
	}
	return list, nil
}

// PathLength sums up the journeys of one length.
type PathLength struct {
	Touches            int
	Conversions, Value float64
	Nulls              float64
}

// PathLengths returns the journeys by ascending length of their path, without
// those that have none.
func PathLengths(p *Paths) []PathLength {
	if p == nil {
		return nil
	}
	var list []PathLength
	for _, b := range p.seqs.byLength() {
		blk := &p.seqs.blocks[b]
		if blk.length == 0 {
			continue
		}
		var t tally
		for _, id := range blk.ids {
			t.merge(p.rows[id])
		}
		if !t.zero() {
			list = append(list, PathLength{blk.length, t.conv.Value(), t.value.Value(), t.null.Value()})
		}
	}
	return list
}

// Path is one sequence of channels.
type Path struct {
	Channels           []string
	Conversions, Value float64
	Nulls              float64
}

// String joins the channels.
func (p Path) String() string { return strings.Join(p.Channels, " > ") }

// TopPaths returns the n sequences with the most conversions, those of equal
// rank by their channels in byte order; all of them when n is negative. The
// path without channels is not among them.
func TopPaths(p *Paths, n int) []Path {
	if p == nil {
		return nil
	}
	var list []Path
	for id := range p.rows {
		t := &p.rows[id]
		seq := p.seqs.seq(uint32(id))
		if len(seq) == 0 || t.zero() {
			continue
		}
		path := Path{Conversions: t.conv.Value(), Value: t.value.Value(), Nulls: t.null.Value()}
		for _, c := range seq {
			path.Channels = append(path.Channels, p.channels.Name(c))
		}
		list = append(list, path)
	}
	slices.SortFunc(list, func(a, b Path) int {
		if c := cmp.Compare(b.Conversions, a.Conversions); c != 0 {
			return c
		}
		return slices.Compare(a.Channels, b.Channels)
	})
	if n >= 0 && n < len(list) {
		list = list[:n]
	}
	return list
}

// The ends of a path in [Transitions].
const (
	FromStart    = "(start)"
	ToConversion = "(conversion)"
	ToNull       = "(null)"
)

// Transition says how many journeys went from one channel to the next.
type Transition struct {
	From, To string
	Journeys float64
	// Probability is the share of all journeys that left From.
	Probability float64
}

// Transitions returns the transitions between neighbors in a path, from
// [FromStart] and to [ToConversion] or [ToNull], by name. With selfLoops, a
// channel that follows itself is a transition; without, its repetitions are
// one visit, as they are for [Markov]. The choice changes the probabilities
// and no removal effect. Negative counts are [ErrNegative].
func Transitions(p *Paths, selfLoops bool) ([]Transition, error) {
	if err := p.check("transitions"); err != nil {
		return nil, err
	}
	type edge struct{ from, to string }
	sums := make(map[edge]*stats.Sum)
	out := make(map[string]*stats.Sum)
	add := func(from, to string, n stats.Sum) {
		if n.Value() == 0 {
			return
		}
		e := edge{from, to}
		if sums[e] == nil {
			sums[e] = new(stats.Sum)
		}
		if out[from] == nil {
			out[from] = new(stats.Sum)
		}
		sums[e].Merge(n)
		out[from].Merge(n)
	}
	for _, id := range p.canonical() {
		path, t := p.seqs.seq(id), p.rows[id]
		if len(path) == 0 {
			continue
		}
		all := t.conv
		all.Merge(t.null)
		last := FromStart
		for i, c := range path {
			if i > 0 && c == path[i-1] && !selfLoops {
				continue
			}
			name := p.channels.Name(c)
			add(last, name, all)
			last = name
		}
		add(last, ToConversion, t.conv)
		add(last, ToNull, t.null)
	}
	list := make([]Transition, 0, len(sums))
	for e, n := range sums {
		list = append(list, Transition{e.from, e.to, n.Value(), n.Value() / out[e.from].Value()})
	}
	slices.SortFunc(list, func(a, b Transition) int {
		if c := compareEnds(a.From, b.From); c != 0 {
			return c
		}
		return compareEnds(a.To, b.To)
	})
	return list, nil
}

// compareEnds orders names, the start before all and the ends after all.
func compareEnds(a, b string) int {
	rank := func(s string) int {
		switch s {
		case FromStart:
			return 0
		case ToConversion:
			return 2
		case ToNull:
			return 3
		}
		return 1
	}
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	return ids.Compare(a, b)
}
