package segment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCutWiring compares the place of a number among cuts with a count of
// them: even and uneven ones, neighbours, and the ends of what there is.
func TestCutWiring(t *testing.T) {
	s := rand.New(rand.NewPCG(23, 1))
	edges := []float64{-math.MaxFloat64, -1e300, -1, 0, math.SmallestNonzeroFloat64, 1, math.Nextafter(1, 2), 1e16, 1e300, math.MaxFloat64}
	for round := range 400 {
		draw := func() float64 {
			switch round % 4 {
			case 0:
				return float64(s.IntN(50))
			case 1:
				return math.Exp(s.NormFloat64() * 20)
			case 2:
				return edges[s.IntN(len(edges))]
			}
			return 1 + float64(s.IntN(8))*0x1p-52
		}
		a := &attribute{}
		preds := map[string]*predicate{}
		for range 1 + s.IntN(40) {
			op, v := pick(s, "<", "<=", ">", ">="), draw()
			p := &predicate{shape: &shape{op: op, num: v}}
			preds[fmt.Sprint(op, math.Float64bits(v))] = p
			a.cuts.add(p, op, v)
		}
		c := &circuit{}
		slots := map[*predicate]int{}
		var w cutWiring
		c.wireCuts(&w, &a.cuts, func(p *predicate) {
			slots[p] = len(c.blank)
			c.blank = append(c.blank, 0)
		})
		require.Len(t, slots, len(preds))
		for range 60 {
			v := draw()
			if s.IntN(20) == 0 {
				v = math.NaN()
			}
			for i := range c.blank {
				c.blank[i] = byte(s.IntN(2))
			}
			w.set(c.blank, v)
			for _, p := range preds {
				want := map[string]bool{"<": v < p.shape.num, "<=": v <= p.shape.num, ">": v > p.shape.num, ">=": v >= p.shape.num}[p.shape.op]
				require.Equal(t, want, c.blank[slots[p]] == 1, "%v %s %v", v, p.shape.op, p.shape.num)
			}
		}
	}
}
