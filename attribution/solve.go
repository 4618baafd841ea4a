package attribution

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/zhun-go/zhun/internal/stats"
)

// MaxExact is the largest number of players of a general game that is solved
// exactly: the worth of all their sets is a table of 256 MiB.
const MaxExact = 25

// SolveOptions say how [Solve] solves a game. Nil and zero fields mean the
// defaults.
type SolveOptions struct {
	// Banzhaf asks for the Banzhaf value, a player's mean marginal worth over
	// all sets of the others, in place of the Shapley value, its mean over all
	// orders of arrival.
	Banzhaf bool
	// Sample asks for sampling even where the exact solution is within reach;
	// above [MaxExact] players there is no other way. Only the Shapley value
	// is sampled.
	Sample bool
	// HalfWidth stops the sampling once the 95 % interval of every player, which
	// is Student's, is no wider than ± this much. 0 samples MaxBatches.
	HalfWidth float64
	// MaxBatches bounds the sampling; default 256, at most a million. A batch
	// asks for the worth of 2n² sets.
	MaxBatches int
	// Seed chooses the sample; the same seed gives the same figures.
	Seed uint64
}

// Solution is what each player of a game gets.
type Solution struct {
	Values []float64 // by player
	// StdErr are the standard errors of the values when they were sampled, nil
	// when they are exact.
	StdErr []float64
	// Batches is how many were sampled.
	Batches int
}

// Solve returns the value of a game among players numbered from 0, at most
// 64. Worth is asked for the worth of sets of players, given as bits; the
// empty set may be worth something, then the values add up to what all
// players add to it.
//
// Up to [MaxExact] players the solution is exact: worth is asked once for
// each of the 2^n sets, and the values follow from these in O(2^n), see
// Shapley, "A Value for n-Person Games" (1953) for the definition. Above, it
// is a mean over permutations. Each batch takes a random permutation in all
// its rotations, so that every player comes at every place once, and each of
// those backwards; the standard error is that of the batches' means. See
// Castro, Gómez and Tejada, "Polynomial calculation of the Shapley value
// based on sampling" (2009), and for orders that are taken backwards, too,
// Mitchell, Cooper, Frank and Holmes, "Sampling permutations for Shapley value
// estimation" (2022).
//
// A worth that is not a finite number is an [*InputError].
func Solve(players int, worth func(set uint64) float64, opts *SolveOptions) (Solution, error) {
	var o SolveOptions
	if opts != nil {
		o = *opts
	}
	if o.MaxBatches == 0 {
		o.MaxBatches = 256
	}
	switch {
	case worth == nil:
		return Solution{}, inputError("Solve", 0, "worth", nil, "none")
	case players < 0 || players > 64:
		return Solution{}, inputError("Solve", 0, "players", players, "not within 0 and 64")
	case !amount(o.HalfWidth):
		return Solution{}, inputError("Solve", 0, "HalfWidth", o.HalfWidth, "not a number within 0 and 1e100")
	case o.MaxBatches < 2:
		return Solution{}, inputError("Solve", 0, "MaxBatches", o.MaxBatches, "fewer than 2 have no standard error")
	case o.MaxBatches > 1_000_000:
		return Solution{}, inputError("Solve", 0, "MaxBatches", o.MaxBatches, "more than a million")
	case o.Banzhaf && (o.Sample || players > MaxExact):
		return Solution{}, inputError("Solve", 0, "Banzhaf", o.Banzhaf, fmt.Sprintf("only up to %d players, and not sampled", MaxExact))
	}
	if o.Sample || players > MaxExact {
		return sample(players, worth, o)
	}
	table := make([]float64, 1<<players)
	for set := range table {
		w := worth(uint64(set))
		if !finite(w) {
			return Solution{}, worthError(uint64(set), w)
		}
		table[set] = w
	}
	if o.Banzhaf {
		return Solution{Values: banzhaf(table, players)}, nil
	}
	return Solution{Values: shapley(table, players)}, nil
}

func worthError(set uint64, w float64) error {
	return inputError("Solve", 0, fmt.Sprintf("worth of set %#b", set), w, "not a number within ±1e100")
}

// shapley turns the worth of all sets of n players into their Shapley values
// and overwrites the table. With w(s) = s!·(n−s−1)!/n!, the weight of a set of
// s others,
//
//	φ(i) = Σ_{m∋i} v(m)·(w(|m|−1) + w(|m|)) − Σ_m v(m)·w(|m|),
//
// so that the whole costs two passes in place of n.
func shapley(table []float64, n int) []float64 {
	w := shapleyWeights(n)
	both := make([]float64, n+1) // w(s−1) + w(s), by size
	for s := 1; s <= n; s++ {
		both[s] = w[s-1] + w[s]
	}
	return marginals(table, n, both, w)
}

// banzhaf is shapley with one weight, 1/2^(n−1), for all sets.
func banzhaf(table []float64, n int) []float64 {
	w, both := make([]float64, n+1), make([]float64, n+1)
	one := math.Ldexp(1, 1-n)
	for s := range n + 1 {
		w[s], both[s] = one, 2*one
	}
	return marginals(table, n, both, w)
}

// shapleyWeights returns w(0) … w(n−1), and 0 for w(n).
func shapleyWeights(n int) []float64 {
	w := make([]float64, n+1)
	if n == 0 {
		return w
	}
	w[0] = 1 / float64(n)
	for s := 1; s < n; s++ {
		w[s] = w[s-1] * float64(s) / float64(n-s)
	}
	return w
}

// marginals returns Σ_{m∋i} v(m)·both(|m|) − Σ_m v(m)·w(|m|) for each i.
func marginals(table []float64, n int, both, w []float64) []float64 {
	values := make([]float64, n)
	// Summed by halves, the errors grow with n, not with 2^n.
	all := weigh(table, w, both, 0)
	for i := n - 1; i >= 0; i-- {
		half := len(table) / 2
		low, high := table[:half], table[half:]
		values[i] = foldHalf(low, high) - all
		table = low
	}
	return values
}

// weigh returns Σ v(m)·w(|m|) and leaves v(m)·both(|m|) in the table.
func weigh(table, w, both []float64, first int) float64 {
	if len(table) <= 256 {
		var s float64
		for m, v := range table {
			size := bits.OnesCount32(uint32(first + m))
			s += v * w[size]
			table[m] = v * both[size]
		}
		return s
	}
	half := len(table) / 2
	return weigh(table[:half], w, both, first) + weigh(table[half:], w, both, first+half)
}

// foldHalf returns the sum of high and adds it to low.
func foldHalf(low, high []float64) float64 {
	if len(low) <= 256 {
		var s float64
		high = high[:len(low)]
		for i, x := range high {
			s += x
			low[i] += x
		}
		return s
	}
	half := len(low) / 2
	return foldHalf(low[:half], high[:half]) + foldHalf(low[half:], high[half:])
}

// zeta replaces each v(m) by the sum of v over the subsets of m. The low bits
// are done in pieces that stay in the cache, the high ones two in a pass, for
// such a pass waits for memory only.
func zeta(table []float64, n int) {
	const piece = 1 << 12
	low := min(n, 12)
	for from := 0; from < len(table); from += piece {
		zetaBits(table[from:min(from+piece, len(table))], 0, low)
	}
	zetaBits(table, low, n)
}

// zetaBits sums over the bits from–to.
func zetaBits(table []float64, from, to int) {
	i := from
	for ; i+1 < to; i += 2 {
		bit := 1 << i
		for at := 0; at < len(table); at += 4 * bit {
			// Without either bit, with the lower, the higher, both.
			none, one, two := table[at:at+bit], table[at+bit:at+2*bit], table[at+2*bit:at+3*bit]
			both := table[at+3*bit : at+4*bit]
			one, two, both = one[:len(none)], two[:len(none)], both[:len(none)]
			for k, a := range none {
				b := one[k]
				both[k] += a + b + two[k]
				one[k] = a + b
				two[k] += a
			}
		}
	}
	if i < to {
		bit := 1 << i
		for at := 0; at < len(table); at += 2 * bit {
			low, high := table[at:at+bit], table[at+bit:at+2*bit]
			high = high[:len(low)]
			for k, a := range low {
				high[k] += a
			}
		}
	}
}

// sample estimates the Shapley value.
func sample(n int, worth func(set uint64) float64, o SolveOptions) (Solution, error) {
	r := rand.New(rand.NewPCG(o.Seed, 0x73686170))
	s := Solution{Values: make([]float64, n), StdErr: make([]float64, n)}
	if n == 0 {
		return s, nil
	}
	batch, squares := make([]float64, n), make([]float64, n)
	order := make([]int, n)
	const enough = 8 // batches before an interval is believed
	for s.Batches < o.MaxBatches {
		for i := range order {
			order[i] = i
		}
		r.Shuffle(n, func(i, k int) { order[i], order[k] = order[k], order[i] })
		clear(batch)
		for shift := range n {
			for _, step := range [2]int{1, n - 1} {
				var set uint64
				before := worth(set)
				if !finite(before) {
					return Solution{}, worthError(set, before)
				}
				at := shift
				for range n {
					set |= 1 << order[at]
					after := worth(set)
					if !finite(after) {
						return Solution{}, worthError(set, after)
					}
					batch[order[at]] += after - before
					before = after
					at = (at + step) % n
				}
			}
		}
		s.Batches++
		// Welford is only used within this call, where nothing is taken out.
		widest := 0.0
		for i, sum := range batch {
			x := sum / float64(2*n)
			d := x - s.Values[i]
			s.Values[i] += d / float64(s.Batches)
			squares[i] += d * (x - s.Values[i])
			if s.Batches > 1 {
				s.StdErr[i] = math.Sqrt(squares[i] / float64(s.Batches-1) / float64(s.Batches))
			}
			widest = max(widest, s.StdErr[i])
		}
		if s.Batches >= enough && o.HalfWidth > 0 && stats.StudentISF(0.025, float64(s.Batches-1))*widest <= o.HalfWidth {
			break
		}
	}
	return s, nil
}
