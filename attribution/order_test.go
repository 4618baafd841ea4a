package attribution

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// walks are journeys whose next step depends on the last `order` touches.
func walks(t testing.TB, order, journeys int, seed uint64) *Paths {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 71))
	var p Paths
	for range journeys {
		path := []string{string(rune('A' + r.IntN(3)))}
		for len(path) < 12 && r.IntN(6) > 0 {
			next := r.IntN(3)
			if r.IntN(4) > 0 {
				sum := 0
				for _, c := range path[max(0, len(path)-order):] {
					sum = 2*sum + int(c[0])
				}
				next = sum % 3
			}
			path = append(path, string(rune('A'+next)))
		}
		conv := float64(r.IntN(2))
		require.NoError(t, p.Add(path, conv, 0, 1-conv))
	}
	return &p
}

func TestMarkovOrderFindsTheOrder(t *testing.T) {
	for order := 1; order <= 3; order++ {
		list, err := MarkovOrder(context.Background(), walks(t, order, 4000, 5), nil)
		require.NoError(t, err)
		best := 0
		for k, f := range list {
			require.Equal(t, k+1, f.Order)
			if f.LogLikelihood > list[best].LogLikelihood {
				best = k
			}
		}
		require.Equal(t, order, list[best].Order, "%+v", list)
	}
}

// Two journeys through A that convert, by hand. In one fold, nothing is known
// of them: A and its end are one of three things each. In two folds, each is
// predicted from the other: of the two things that came there, one was A, which
// alone came after the start, and one the conversion, which alone came after A.
func TestMarkovOrderByHand(t *testing.T) {
	var p Paths
	require.NoError(t, p.Add([]string{"A"}, 2, 0, 0))
	together, apart := math.Log(1./3*1/3), 2*math.Log((1+3*(1.+1)/(2+3))/(1+3))
	seen := map[float64]bool{}
	for seed := range uint64(40) {
		list, err := MarkovOrder(context.Background(), &p, &OrderOptions{Most: 1, Folds: 2, Seed: seed})
		require.NoError(t, err)
		require.Equal(t, 1, list[0].States)
		got := list[0].LogLikelihood
		if math.Abs(got-together) > 1e-12 {
			require.InDelta(t, apart, got, 1e-12)
		}
		seen[math.Round(got*1e9)] = true
	}
	require.Len(t, seen, 2)
}

// Probabilities of what comes next add up to 1 at every order.
func TestMarkovOrderProbabilities(t *testing.T) {
	p := walks(t, 2, 200, 4)
	g := newGrams(p, 3)
	for _, id := range p.canonical() {
		g.add(p.seqs.seq(id), [2]float64{p.rows[id].conv.Value(), p.rows[id].null.Value()}, 1)
	}
	for _, before := range [][]uint32{nil, {0}, {1, 0}, {2, 2, 1}, {0, 1, 0, 2}} {
		var sum [3]float64
		for what := range uint32(5) {
			prob := 1 / g.next
			for k := 0; k <= 3; k++ {
				if k <= len(before) {
					var seen, came float64
					if id, ok := g.contexts.lookup(before[len(before)-k:]); ok {
						seen = g.context[id]
						if f, ok := g.follows.lookup([]uint32{id, what}); ok {
							came = g.follow[f]
						}
					}
					prob = (came + g.next*prob) / (seen + g.next)
				}
				if k > 0 {
					sum[k-1] += prob
				}
			}
		}
		for _, s := range sum {
			require.InDelta(t, 1, s, 1e-12)
		}
	}
}

func TestMarkovOrderRefuses(t *testing.T) {
	var p Paths
	_, err := MarkovOrder(context.Background(), &p, nil)
	require.ErrorIs(t, err, ErrDesign)
	_, err = MarkovOrder(context.Background(), &p, &OrderOptions{Most: 65})
	require.ErrorIs(t, err, ErrInput)
	_, err = MarkovOrder(context.Background(), &p, &OrderOptions{Folds: 1})
	require.ErrorIs(t, err, ErrInput)
	require.NoError(t, p.Add([]string{"A"}, 10, 0, 10))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = MarkovOrder(ctx, &p, nil)
	require.ErrorIs(t, err, context.Canceled)
}
