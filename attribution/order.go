package attribution

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// OrderFit says how well chains of one order predict journeys that they have
// not seen.
type OrderFit struct {
	Order int
	// LogLikelihood is the mean over the held-out journeys of the natural
	// logarithm of a journey's probability, from its first channel to its end.
	LogLikelihood float64
	States        int // of the chain over all paths
}

// OrderOptions are options of [MarkovOrder]. Nil and zero fields mean the
// defaults.
type OrderOptions struct {
	Most  int    // the highest order to try; default 4
	Folds int    // into how many parts the journeys are dealt; default 5
	Seed  uint64 // deals the journeys
}

// MarkovOrder tries Markov chains of order 1 to opts.Most and returns how well
// each predicts held-out journeys: the one with the largest LogLikelihood is
// the order to use. Journeys, converted or not, are dealt at random into
// folds, and each fold is predicted by chains over the others. What a journey
// does next, touch a channel or end converted or not, is predicted from the
// last k touches, with repetitions and the start as one of them, by
//
//	(count of that after these k + c·P(k−1)) ÷ (count of these k + c),
//
// where c is the number of things that can come next, and P(k−1) what the
// order below says, down to all alike: the smoothing of MacKay and Peto, "A
// hierarchical Dirichlet language model" (1995), with a fixed weight. So an
// order is never punished for what it has not seen, only for what it got
// wrong.
//
// Counts are rounded to whole journeys. Fewer than two, and more than 2^53,
// are an error that wraps [ErrDesign]; ctx's own error ends it.
func MarkovOrder(ctx context.Context, p *Paths, opts *OrderOptions) ([]OrderFit, error) {
	var o OrderOptions
	if opts != nil {
		o = *opts
	}
	if o.Most == 0 {
		o.Most = 4
	}
	if o.Folds == 0 {
		o.Folds = 5
	}
	switch {
	case o.Most < 1 || o.Most > 64:
		return nil, inputError("MarkovOrder", 0, "Most", o.Most, "not within 1 and 64")
	case o.Folds < 2 || o.Folds > 1000:
		return nil, inputError("MarkovOrder", 0, "Folds", o.Folds, "not within 2 and 1000")
	}
	if err := p.check("MarkovOrder"); err != nil {
		return nil, err
	}
	// The journeys of each fold, two counts for each path.
	deal := rand.NewPCG(o.Seed, 0)
	order := p.canonical()
	folds := make([][][2]float64, o.Folds)
	for f := range folds {
		folds[f] = make([][2]float64, len(order))
	}
	counts := func(id uint32) [2]float64 {
		if len(p.seqs.seq(id)) == 0 {
			return [2]float64{}
		}
		return [2]float64{math.Round(p.rows[id].conv.Value()), math.Round(p.rows[id].null.Value())}
	}
	var journeys float64
	for _, id := range order {
		n := counts(id)
		journeys += n[0] + n[1]
	}
	if !(journeys >= 2 && journeys <= 1<<53) {
		return nil, fmt.Errorf("attribution: MarkovOrder: %w: %g journeys", ErrDesign, journeys)
	}
	for i, id := range order {
		for end, n := range counts(id) {
			for f := range folds {
				share := n
				if left := o.Folds - f; left > 1 && n > 0 {
					share = distuv.Binomial{N: n, P: 1 / float64(left), Src: deal}.Rand()
				}
				folds[f][i][end] = share
				n -= share
			}
		}
	}
	list := make([]OrderFit, o.Most)
	for k := range list {
		list[k] = OrderFit{Order: k + 1, States: p.chain(k + 1).states.len()}
	}
	all := newGrams(p, o.Most)
	for i, id := range order {
		for _, fold := range folds {
			all.add(p.seqs.seq(id), fold[i], 1)
		}
	}
	for _, fold := range folds {
		for i, id := range order {
			all.add(p.seqs.seq(id), fold[i], -1)
		}
		for i, id := range order {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if fold[i] != [2]float64{} {
				all.predict(p.seqs.seq(id), fold[i], list)
			}
		}
		for i, id := range order {
			all.add(p.seqs.seq(id), fold[i], 1)
		}
	}
	for k := range list {
		list[k].LogLikelihood /= journeys
	}
	return list, nil
}

// grams count what followed the last touches, for any number of them up to
// most.
type grams struct {
	most     int
	next     float64 // how many things can come next
	contexts sequences
	follows  sequences // a context's number, and what came
	context  []float64
	follow   []float64
	pair     [2]uint32
	end      [2]uint32 // stand for a conversion and for none
	start    uint32    // stands before the first touch
	path     []uint32
}

func newGrams(p *Paths, most int) *grams {
	n := uint32(p.channels.Len())
	return &grams{most: most, next: float64(len(p.players()) + 2), end: [2]uint32{n, n + 1}, start: n + 2}
}

// each calls f for what came at every place of a path, and the touches before
// it; at the end, what came is one of two.
func (g *grams) each(path []uint32, counts [2]float64, f func(before []uint32, what uint32, n float64)) {
	if len(path) == 0 {
		return
	}
	g.path = append(append(g.path[:0], g.start), path...)
	for i, c := range path {
		f(g.path[:i+1], c, counts[0]+counts[1])
	}
	for end, n := range counts {
		f(g.path, g.end[end], n)
	}
}

func (g *grams) add(path []uint32, counts [2]float64, sign float64) {
	if counts == [2]float64{} {
		return
	}
	g.each(path, counts, func(before []uint32, what uint32, n float64) {
		for k := 0; k <= min(g.most, len(before)); k++ {
			id := g.contexts.intern(before[len(before)-k:])
			if int(id) == len(g.context) {
				g.context = append(g.context, 0)
			}
			g.context[id] += sign * n
			g.pair = [2]uint32{id, what}
			f := g.follows.intern(g.pair[:])
			if int(f) == len(g.follow) {
				g.follow = append(g.follow, 0)
			}
			g.follow[f] += sign * n
		}
	})
}

// predict adds the logarithms of the probabilities of journeys to each order.
func (g *grams) predict(path []uint32, counts [2]float64, list []OrderFit) {
	g.each(path, counts, func(before []uint32, what uint32, n float64) {
		if n == 0 {
			return
		}
		prob := 1 / g.next
		for k := 0; k <= len(list); k++ {
			// Near the beginning, the higher orders know the same.
			if k <= len(before) {
				var seen, came float64
				if id, ok := g.contexts.lookup(before[len(before)-k:]); ok {
					seen = g.context[id]
					g.pair = [2]uint32{id, what}
					if f, ok := g.follows.lookup(g.pair[:]); ok {
						came = g.follow[f]
					}
				}
				prob = (came + g.next*prob) / (seen + g.next)
			}
			if k > 0 {
				list[k-1].LogLikelihood += n * math.Log(prob)
			}
		}
	})
}
