package attribution

import (
	"fmt"
	"strings"
)

// FirstTouch gives each conversion to the first channel of its path. Like all
// rules it answers [ErrNegative] for paths with negative counts, and its
// result carries [ErrDescriptive] as a warning.
func FirstTouch(p *Paths) (Credits, error) {
	return p.pickAt("first touch", func(int) int { return 0 })
}

// LastTouch gives each conversion to the last channel of its path.
func LastTouch(p *Paths) (Credits, error) {
	return p.pickAt("last touch", func(length int) int { return length - 1 })
}

// LastNon gives each conversion to the last channel of its path that is none
// of the given ones, and when all are, to the last: "last non-direct" is
// LastNon(p, "Direct"), and "last paid" names all channels that cost nothing.
// Channels that no path knows are ignored.
func LastNon(p *Paths, channels ...string) (Credits, error) {
	skip := p.skip(channels)
	return p.pick(strings.TrimSpace("last non "+strings.Join(channels, ", ")), func(path []uint32) int {
		for i := len(path) - 1; i >= 0; i-- {
			if !skip[path[i]] {
				return i
			}
		}
		return len(path) - 1
	})
}

// FirstNon gives each conversion to the first channel of its path that is
// none of the given ones, and when all are, to the first.
func FirstNon(p *Paths, channels ...string) (Credits, error) {
	skip := p.skip(channels)
	return p.pick(strings.TrimSpace("first non "+strings.Join(channels, ", ")), func(path []uint32) int {
		for i, c := range path {
			if !skip[c] {
				return i
			}
		}
		return 0
	})
}

func (p *Paths) skip(channels []string) []bool {
	if p == nil {
		return nil // pick refuses
	}
	skip := make([]bool, p.channels.Len())
	for _, c := range channels {
		if id, ok := p.channels.Lookup(c); ok {
			skip[id] = true
		}
	}
	return skip
}

// Linear gives each touch of a path the same share, a channel that stands
// there twice two of them.
func Linear(p *Paths) (Credits, error) {
	return p.weigh("linear", func(length int) []run {
		return []run{{length, 1 / float64(length)}}
	})
}

// flushEvery bounds the additions in plain floats between two exact ones: the
// rounding of sums that are no integers stays below 1e-12 of the sum of
// absolute values.
const flushEvery = 4096

// cell sums conversions and value in plain floats, which is exact for
// integers.
type cell struct{ conv, value float64 }

func (p *Paths) check(model string) error {
	if p == nil {
		return inputError(model, 0, "paths", nil, "none")
	}
	if p.negative > 0 {
		return fmt.Errorf("attribution: %s: %w in %d sums: more was taken out than had been added", model, ErrNegative, p.negative)
	}
	return nil
}

// pick gives each conversion to one touch of its path.
func (p *Paths) pick(model string, which func(path []uint32) int) (Credits, error) {
	return p.weighBlocks(model, which, func(cells []cell, blk *block, col column, from, to int) {
		for pos := from; pos < to; pos++ {
			path := blk.at(pos)
			k := &cells[path[which(path)]]
			k.conv += col.conv[pos]
			k.value += col.value[pos]
		}
	})
}

// pickAt gives each conversion to the touch that stands at one position,
// which depends on the length of the path alone.
func (p *Paths) pickAt(model string, position func(length int) int) (Credits, error) {
	which := func(path []uint32) int { return position(len(path)) }
	return p.weighBlocks(model, which, func(cells []cell, blk *block, col column, from, to int) {
		conv, value := col.conv[from:to], col.value[from:to]
		at := from*blk.length + position(blk.length)
		for i := range conv {
			k := &cells[blk.elems[at]]
			k.conv += conv[i]
			k.value += value[i]
			at += blk.length
		}
	})
}

// weighBlocks adds up what count puts into the cells of the channels, which is
// everything into that of one touch.
func (p *Paths) weighBlocks(model string, which func(path []uint32) int, count func(cells []cell, blk *block, col column, from, to int)) (Credits, error) {
	if err := p.check(model); err != nil {
		return Credits{}, err
	}
	shares := make([]share, p.channels.Len())
	cells := make([]cell, len(shares))
	for _, b := range p.seqs.byLength() {
		blk := &p.seqs.blocks[b]
		if blk.length == 0 {
			continue
		}
		for from := 0; from < len(blk.ids); from += flushEvery {
			count(cells, blk, p.columns[b], from, min(from+flushEvery, len(blk.ids)))
			flush(shares, cells, 1)
		}
	}
	return p.answer(p.credits(model, shares, descriptive(model)), func(l *lens) error { return p.pickLens(l, which) })
}

// flush moves cells to the exact sums with a weight.
func flush(shares []share, cells []cell, weight float64) {
	for c := range cells {
		if cells[c] != (cell{}) {
			shares[c].conv.AddProduct(cells[c].conv, weight)
			shares[c].value.AddProduct(cells[c].value, weight)
			cells[c] = cell{}
		}
	}
}

// run is a stretch of touches with one weight each.
type run struct {
	length int
	weight float64
}

// maxCells bounds the table of cells of one block.
const maxCells = 1 << 16

// weigh gives each touch the weight that its position in a path of its length
// has. Conversions are first counted by run and channel, in integers as long
// as they are, and only then weighted, so that neither the order of the rows
// nor the number of touches shows in the result.
func (p *Paths) weigh(model string, runs func(length int) []run) (Credits, error) {
	if err := p.check(model); err != nil {
		return Credits{}, err
	}
	n := p.channels.Len()
	shares := make([]share, n)
	var cells []cell
	for _, b := range p.seqs.byLength() {
		blk := &p.seqs.blocks[b]
		if blk.length == 0 {
			continue
		}
		rs := runs(blk.length)
		if len(rs)*n > maxCells || len(blk.ids) < n/4 {
			p.weighFew(shares, blk, p.columns[b], rs)
			continue
		}
		if len(cells) < len(rs)*n {
			cells = make([]cell, len(rs)*n)
		}
		for from := 0; from < len(blk.ids); from += flushEvery {
			to := min(from+flushEvery, len(blk.ids))
			count(cells, n, blk, p.columns[b], from, to, rs)
			for r := range rs {
				flush(shares, cells[r*n:(r+1)*n], rs[r].weight)
			}
		}
	}
	return p.answer(p.credits(model, shares, descriptive(model)), func(l *lens) error { return p.weighLens(l, runs) })
}

// count adds the paths from–to of a block to the cells of n channels for each
// run.
func count(cells []cell, n int, blk *block, col column, from, to int, rs []run) {
	elems := blk.elems[from*blk.length : to*blk.length]
	values := col.value[from:to]
	if len(rs) == 1 {
		cells = cells[:n]
		for i, conv := range col.conv[from:to] {
			value := values[i]
			for _, c := range elems[:blk.length] {
				k := &cells[c]
				k.conv += conv
				k.value += value
			}
			elems = elems[blk.length:]
		}
		return
	}
	base := make([]int, 0, blk.length)
	for r := range rs {
		for range rs[r].length {
			base = append(base, r*n)
		}
	}
	for i, conv := range col.conv[from:to] {
		value := values[i]
		path := elems[:len(base)]
		for at, first := range base {
			k := &cells[first+int(path[at])]
			k.conv += conv
			k.value += value
		}
		elems = elems[len(base):]
	}
}

// weighFew is weigh for so few paths that a table would cost more than exact
// sums do.
func (p *Paths) weighFew(shares []share, blk *block, col column, rs []run) {
	for pos := range blk.ids {
		conv, value := col.conv[pos], col.value[pos]
		if conv == 0 && value == 0 {
			continue
		}
		path := blk.at(pos)
		for _, r := range rs {
			for _, c := range path[:r.length] {
				shares[c].conv.AddProduct(conv, r.weight)
				shares[c].value.AddProduct(value, r.weight)
			}
			path = path[r.length:]
		}
	}
}

// bySize gives each channel of a path's set the same share.
func (p *Paths) bySize() []share {
	shares := make([]share, p.channels.Len())
	// The sets are gone through by ascending size and, for each size, in
	// numbers that add up exactly when they are integers.
	sums := make([]tally, len(shares))
	for _, b := range p.sets.byLength() {
		blk := &p.sets.blocks[b]
		if blk.length == 0 {
			continue
		}
		for pos, id := range blk.ids {
			t := &p.bySet[id]
			for _, c := range blk.at(pos) {
				sums[c].conv.Merge(t.conv)
				sums[c].value.Merge(t.value)
			}
		}
		for c := range sums {
			if !sums[c].zero() {
				shares[c].conv.Merge(sums[c].conv.Div(float64(blk.length)))
				shares[c].value.Merge(sums[c].value.Div(float64(blk.length)))
				sums[c] = tally{}
			}
		}
	}
	return shares
}

// LinearUnique gives each distinct channel of a path the same share, however
// often it stands there. It equals [Shapley] with nil options.
func LinearUnique(p *Paths) (Credits, error) {
	const model = "linear unique"
	if err := p.check(model); err != nil {
		return Credits{}, err
	}
	return p.answer(p.credits(model, p.bySize(), descriptive(model)), p.bySizeLens)
}
