package experiment

import (
	"cmp"
	"math"
	"slices"
)

// buckets is how many equal parts the hash space is cut into.
const buckets = 1 << 32

// span is a run of buckets up to and without end that belongs to an arm.
type span struct {
	end uint64
	arm int
}

// allocate lays the arms over the buckets for a sequence of weights, oldest
// first, so that each change moves the least mass: only from arms that shrink
// to arms that grow. The first weights are reached from equal shares in the
// same way, which makes two allocations close to each other even when neither
// knows of the other.
func allocate(weights [][]float64) []span {
	first := weights[0]
	base := make([]float64, len(first))
	for i, w := range first {
		if w > 0 {
			base[i] = 1
		}
	}
	have := quotas(base)
	lines := make([][]interval, len(have))
	at := uint64(0)
	for i, q := range have {
		if q > 0 {
			lines[i] = []interval{{at, at + q}}
		}
		at += q
	}
	for _, w := range weights {
		want := quotas(w)
		shift(lines, have, want)
		have = want
	}
	return flatten(lines)
}

// quotas cuts the buckets in the ratio of the weights: rounded down, the rest
// to the largest remainders, the first arm winning ties.
func quotas(weights []float64) []uint64 {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	q := make([]uint64, len(weights))
	rest := make([]float64, len(weights))
	order := make([]int, len(weights))
	left := uint64(buckets)
	for i, w := range weights {
		// The conversion forbids fused multiply-subtract, which differs
		// between architectures.
		exact := float64(w / total * buckets)
		whole := math.Floor(exact)
		q[i], rest[i], order[i] = uint64(whole), exact-whole, i
		left -= min(left, q[i])
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order {
		if left == 0 {
			break
		}
		if weights[i] > 0 {
			q[i]++
			left--
		}
	}
	return q
}

type interval struct{ from, to uint64 }

// shift moves buckets from arms that have too many to arms that have too few.
// An arm gives to the arms before it from its left end and to the arms after
// it from its right end.
func shift(lines [][]interval, have, want []uint64) {
	needs := make([]uint64, len(want))
	for j := range want {
		if want[j] > have[j] {
			needs[j] = want[j] - have[j]
		}
	}
	for i := range have {
		if have[i] <= want[i] {
			continue
		}
		give := have[i] - want[i]
		for j := range needs {
			n := min(give, needs[j])
			if n == 0 {
				continue
			}
			var moved []interval
			if j < i {
				moved, lines[i] = cut(lines[i], n)
			} else {
				size := uint64(0)
				for _, v := range lines[i] {
					size += v.to - v.from
				}
				lines[i], moved = cut(lines[i], size-n)
			}
			lines[j] = append(lines[j], moved...)
			slices.SortFunc(lines[j], func(a, b interval) int { return cmp.Compare(a.from, b.from) })
			give -= n
			needs[j] -= n
		}
	}
}

// cut returns the first n buckets of a line and the rest.
func cut(line []interval, n uint64) (head, tail []interval) {
	for i, v := range line {
		if size := v.to - v.from; n >= size {
			head = append(head, v)
			n -= size
			continue
		}
		if n > 0 {
			head = append(head, interval{v.from, v.from + n})
			v.from += n
		}
		return head, append([]interval{v}, line[i+1:]...)
	}
	return head, nil
}

func flatten(lines [][]interval) []span {
	type piece struct {
		interval
		arm int
	}
	var all []piece
	for i, l := range lines {
		for _, v := range l {
			all = append(all, piece{v, i})
		}
	}
	slices.SortFunc(all, func(a, b piece) int { return cmp.Compare(a.from, b.from) })
	var out []span
	for _, p := range all {
		if n := len(out); n > 0 && out[n-1].arm == p.arm {
			out[n-1].end = p.to
			continue
		}
		out = append(out, span{p.to, p.arm})
	}
	return out
}
