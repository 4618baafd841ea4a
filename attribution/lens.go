package attribution

import (
	"slices"

	"github.com/zhun-go/zhun/internal/stats"
)

// lens asks a model for more than its sums. It travels in a copy of the paths
// that the model is played on; a model that knows the answer leaves it there,
// with the credits that it belongs to.
type lens struct {
	// variance asks for the variance of the credits, parts for the share of
	// each single journey.
	variance, parts bool
	end             func() error // says whether the answer is still wanted; nil is yes

	answers int
	credits []Credit
	timed   bool    // the model looked at single timed journeys
	square  []share // by channel: the variances of conversions and value
	part    partFunc
}

// partFunc fills in what each touch of a row of journeys gets: conv of them
// converted, with a value, and null did not. A timed journey stands for one
// conversion. It is called for one row at a time.
type partFunc func(row uint32, timed *timedJourney, conv, value, null float64, toConv, toValue []float64)

// answer returns the credits of a model, and lets it leave its answers.
func (p *Paths) answer(c Credits, fill func(l *lens) error) (Credits, error) {
	if p.lens == nil {
		return c, nil
	}
	l := p.lens
	l.answers++
	l.credits = slices.Clone(c.Channels) // the caller may change them
	l.timed = false
	l.square, l.part = nil, nil
	if l.variance {
		l.square = make([]share, p.channels.Len())
	}
	return c, fill(l)
}

// ended returns why the answer is no longer wanted.
func (l *lens) ended() error {
	if l.end == nil {
		return nil
	}
	return l.end()
}

// playable refuses what no model can be played on, and no model at all.
func playable(verb string, p *Paths, model func(*Paths) (Credits, error)) error {
	switch {
	case p == nil:
		return inputError(verb, 0, "paths", nil, "none")
	case model == nil:
		return inputError(verb, 0, "model", nil, "none")
	}
	return nil
}

// under returns paths on which a model leaves its answers.
func (p *Paths) under(l *lens) *Paths {
	q := *p
	q.lens = l
	return &q
}

// answered reports whether the answers belong to a result: a model that plays
// several, or changes what another one gave, has none of its own.
func (l *lens) answered(c Credits) bool {
	return l.answers == 1 && slices.Equal(l.credits, c.Channels)
}

// add adds what n independent journeys, each worth slope, contribute to the
// variance of a channel.
func (l *lens) add(channel uint32, n, conv, value float64) {
	l.square[channel].conv.Add(n * conv * conv)
	l.square[channel].value.Add(n * value * value)
}

// squares returns, by block and position, the sum of the squares of the values
// of single conversions of a path. Those of rows without times are taken to be
// alike.
func (p *Paths) squares() [][]float64 {
	list := make([][]float64, len(p.columns))
	for b, col := range p.columns {
		list[b] = make([]float64, len(col.conv))
		for pos, c := range col.conv {
			if v := col.value[pos]; c > 0 {
				list[b][pos] = v * v / c
			}
		}
	}
	if len(p.journeys) == 0 {
		return list
	}
	type known struct{ conv, value, square stats.Sum }
	timed := make([]known, len(p.rows))
	for _, j := range p.journeys {
		k := &timed[j.path]
		k.conv.Add(1)
		k.value.Add(j.value)
		k.square.AddProduct(j.value, j.value)
	}
	for id, k := range timed {
		if k.conv.Value() == 0 {
			continue
		}
		rest := p.rows[id]
		rest.conv.Merge(k.conv.Neg())
		rest.value.Merge(k.value.Neg())
		if conv, value := rest.conv.Value(), rest.value.Value(); conv > 0 {
			k.square.Add(value * value / conv)
		}
		at := p.seqs.places[id]
		list[at.block][at.pos] = k.square.Value()
	}
	return list
}

// squaresByRow returns the squares by row.
func (p *Paths) squaresByRow() []float64 {
	list := make([]float64, len(p.rows))
	for b, squares := range p.squares() {
		for pos, id := range p.seqs.blocks[b].ids {
			list[id] = squares[pos]
		}
	}
	return list
}

// bySizeVariance is the variance where each channel of a set gets the same.
// Like the credits, it is summed up by the size of the sets.
func (p *Paths) bySizeVariance(l *lens) {
	square := make([]float64, p.sets.len())
	for id, s := range p.squaresByRow() {
		square[p.setOf[id]] += s
	}
	cells := make([]cell, len(l.square))
	for _, b := range p.sets.byLength() {
		blk := &p.sets.blocks[b]
		if blk.length == 0 {
			continue
		}
		n := float64(blk.length * blk.length)
		for pos, id := range blk.ids {
			conv, value := p.bySet[id].conv.Value(), square[id]
			for _, c := range blk.at(pos) {
				cells[c].conv += conv
				cells[c].value += value
			}
			if pos%flushEvery == flushEvery-1 {
				flush(l.square, cells, 1/n)
			}
		}
		flush(l.square, cells, 1/n)
	}
}

// bySizeLens answers for a model in which each channel of a set gets the same.
func (p *Paths) bySizeLens(l *lens) error {
	if l.variance {
		p.bySizeVariance(l)
	}
	if l.parts {
		l.part = p.setParts(func(row uint32, _ int) (float64, float64, float64, float64) {
			each := 1 / float64(len(p.sets.seq(p.setOf[row])))
			return each, each, 0, 0
		})
	}
	return nil
}

// setParts shares out what each channel of a row's set gets evenly among its
// touches. Of returns, for the i-th channel of the set, what it gets of a
// conversion, of a unit of value, and the conversions and value of a journey
// without.
func (p *Paths) setParts(of func(row uint32, i int) (conv, value, nullConv, nullValue float64)) partFunc {
	count := make([]float64, p.channels.Len())
	conv, value := make([]float64, p.channels.Len()), make([]float64, p.channels.Len())
	return func(row uint32, _ *timedJourney, c, v, z float64, toConv, toValue []float64) {
		path := p.seqs.seq(row)
		for i, ch := range p.sets.seq(p.setOf[row]) {
			a, b, na, nb := of(row, i)
			conv[ch], value[ch], count[ch] = a*c+na*z, b*v+nb*z, 0
		}
		for _, ch := range path {
			count[ch]++
		}
		for i, ch := range path {
			toConv[i], toValue[i] = conv[ch]/count[ch], value[ch]/count[ch]
		}
	}
}

// weightParts shares out by the weights of the touches of a path.
func (p *Paths) weightParts(weights func(path []uint32) []float64) partFunc {
	return func(row uint32, _ *timedJourney, c, v, _ float64, toConv, toValue []float64) {
		for i, w := range weights(p.seqs.seq(row)) {
			toConv[i], toValue[i] = w*c, w*v
		}
	}
}

// pickLens answers for a rule that gives everything to one touch.
func (p *Paths) pickLens(l *lens, which func(path []uint32) int) error {
	if l.variance {
		square := p.squares()
		cells := make([]cell, len(l.square))
		for b := range p.seqs.blocks {
			blk := &p.seqs.blocks[b]
			if blk.length == 0 {
				continue
			}
			for pos, conv := range p.columns[b].conv {
				path := blk.at(pos)
				k := &cells[path[which(path)]]
				k.conv += conv
				k.value += square[b][pos]
			}
			flush(l.square, cells, 1)
		}
	}
	if l.parts {
		var weights []float64
		l.part = p.weightParts(func(path []uint32) []float64 {
			weights = append(weights[:0], make([]float64, len(path))...)
			weights[which(path)] = 1
			return weights
		})
	}
	return nil
}

// weighLens answers for a rule of weights by position.
func (p *Paths) weighLens(l *lens, runs func(length int) []run) error {
	if l.variance {
		p.weighVariance(l, runs)
	}
	if l.parts {
		var weights []float64
		l.part = p.weightParts(func(path []uint32) []float64 {
			weights = weights[:0]
			for _, r := range runs(len(path)) {
				for range r.length {
					weights = append(weights, r.weight)
				}
			}
			return weights
		})
	}
	return nil
}

func (p *Paths) weighVariance(l *lens, runs func(length int) []run) {
	square := p.squares()
	own := make([]float64, len(l.square)) // what a channel gets of one path
	cells := make([]cell, len(l.square))
	var weights []float64
	for _, b := range p.seqs.byLength() {
		blk := &p.seqs.blocks[b]
		if blk.length == 0 {
			continue
		}
		rs, squares := runs(blk.length), square[b]
		// With one weight for all, sums of integers stay integers.
		unit := 1.0
		if len(rs) == 1 {
			unit = rs[0].weight
			rs = []run{{rs[0].length, 1}}
		}
		weights = weights[:0]
		for _, r := range rs {
			for range r.length {
				weights = append(weights, r.weight)
			}
		}
		for pos, c := range p.columns[b].conv {
			v := squares[pos]
			if c == 0 {
				continue
			}
			path := blk.at(pos)
			// The square of a sum, touch by touch: (o + w)² − o² = w·(2o + w).
			for i, ch := range path {
				w, o := weights[i], own[ch]
				own[ch] = o + w
				more := w * (2*o + w)
				k := &cells[ch]
				k.conv += more * c
				k.value += more * v
			}
			for _, ch := range path {
				own[ch] = 0
			}
			if pos%flushEvery == flushEvery-1 {
				flush(l.square, cells, unit*unit)
			}
		}
		flush(l.square, cells, unit*unit)
	}
}
