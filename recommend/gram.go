package recommend

import (
	"context"
	"math"
)

// gram is G = XᵀX as far as it fits: a table of the most popular items, among
// whom most of the additions fall, and the diagonal.
type gram struct {
	m        *matrix
	order    []uint32 // item of each rank, by descending popularity
	rank     []uint32 // inverse
	rows     rows     // by rank
	head     uint32   // ranks below it are in the table
	table    []float64
	diagonal []float64 // by item
}

func newGram(m *matrix, nb *neighbours, budget int64) *gram {
	g := &gram{m: m, order: nb.order, rank: nb.rank, rows: nb.rows, diagonal: m.squares()}
	g.head = uint32(min(float64(m.items()), math.Sqrt(float64(budget)/8)))
	g.table = make([]float64, int(g.head)*int(g.head))
	return g
}

// fill computes the table, users ascending in each sum.
func (g *gram) fill(ctx context.Context, workers int) error {
	head := int(g.head)
	return inTurn(ctx, workers, head, func() func(int) {
		return func(j int) { g.row(uint32(j), g.table[j*head:][:head]) }
	})
}

func (g *gram) row(j uint32, out []float64) {
	item := g.order[j]
	for e := g.m.ptr[item]; e < g.m.ptr[item+1]; e++ {
		u, x := g.m.row[e], g.m.value(e)
		lo, hi := g.rows.ptr[u], g.rows.ptr[u+1]
		for k, i := range g.rows.col[lo:hi] {
			if int(i) >= len(out) {
				break
			}
			if g.rows.val == nil {
				out[i]++
			} else {
				out[i] += x * g.rows.val[lo+k]
			}
		}
	}
}
