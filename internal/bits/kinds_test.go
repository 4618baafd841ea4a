package bits

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
)

// lookup is a set as a source: short blocks as lists, or all as words.
type lookup struct {
	*Set
	lists bool
}

func (f lookup) Span() int       { return len(f.blocks) }
func (f lookup) Most() int       { return f.n }
func (f lookup) Count(i int) int { return f.blocks[i].n }
func (f lookup) Block(i int, list []uint16, words *Words) ([]uint16, int) {
	b := f.blocks[i]
	if b.listed() && f.lists {
		return append(list, b.array...), b.n
	}
	clear(words[:])
	switch {
	case b.words != nil:
		copy(words[:], b.words[:])
	case b.full():
		(*page)(words).fill()
	default:
		scatter((*page)(words), b.array)
	}
	return nil, b.n
}

// TestKinds crosses blocks of every kind with every operation, each operand a
// set or a source, and compares with roaring.
func TestKinds(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	kinds := map[string]func() *roaring.Bitmap{
		"empty": roaring.New,
		"full": func() *roaring.Bitmap {
			b := roaring.New()
			b.AddRange(0, 2*blockUsers)
			return b
		},
		"run": func() *roaring.Bitmap {
			b := roaring.New()
			from := uint64(r.IntN(blockUsers))
			b.AddRange(from, from+uint64(1+r.IntN(blockUsers)))
			b.RunOptimize()
			return b
		},
	}
	for name, n := range map[string]int{"one": 1, "short": short, "few": 60, "array": 900, "page": 20_000, "dense": 200_000} {
		kinds[name] = func() *roaring.Bitmap {
			b := roaring.New()
			for range n {
				b.Add(uint32(r.IntN(2 * blockUsers)))
			}
			return b
		}
	}
	operand := func(b *roaring.Bitmap, how int) Expr {
		s := FromRoaring(b)
		if how == 0 {
			return Of(s)
		}
		return From(lookup{s, how == 1})
	}
	names := slices.Sorted(maps.Keys(kinds))
	for i, nameA := range names {
		for j, nameB := range names {
			for turn := range 3 { // of the nine ways; all pairs together have all
				how := (i + j + 4*turn) % 9
				a, b, c := kinds[nameA](), kinds[nameB](), kinds["page"]()
				ea, eb, ec := operand(a, how%3), operand(b, how/3), operand(c, how%2)
				for op, e := range map[string]struct {
					got  Expr
					want *roaring.Bitmap
				}{
					"one":      {ea, a},
					"and":      {And(ea, eb), roaring.And(a, b)},
					"or":       {Or(ea, eb), roaring.Or(a, b)},
					"diff":     {Diff(ea, eb), roaring.AndNot(a, b)},
					"and3":     {And(ea, eb, ec), roaring.FastAnd(a, b, c)},
					"or3":      {Or(ea, eb, ec), roaring.FastOr(a, b, c)},
					"and diff": {And(ec, Diff(ea, eb)), roaring.And(c, roaring.AndNot(a, b))},
					"diff or":  {Diff(ec, Or(ea, eb)), roaring.AndNot(c, roaring.Or(a, b))},
				} {
					what := fmt.Sprintf("%s of %s and %s, operands %d", op, nameA, nameB, how)
					n := int(e.want.GetCardinality())
					s := e.got.Set(1 + how%2)
					require.True(t, e.want.Equals(s.Roaring()), what)
					require.True(t, e.want.Equals(e.got.Roaring(1+i%2)), what)
					require.Equal(t, n, s.Len(), what)
					require.Equal(t, n, e.got.Count(1+how%2), what)
					require.Equal(t, n > 5, e.got.AtLeast(6), what)
				}
			}
		}
	}
}
