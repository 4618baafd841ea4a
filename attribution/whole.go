package attribution

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/zhun-go/zhun/internal/ids"
)

// Whole returns the conversions of each channel in whole numbers that add up
// to those of all channels, by the largest remainder: each gets the floor of
// its credit, and the ones with the largest fractions one more, the smaller
// name first. The last figure is the unattributed line's, which takes part.
// The sum of all is the total rounded to the nearest number. Figures beyond
// ±2^53, where whole numbers end, are taken as that, and what is no number as 0.
func (c Credits) Whole() (channels []int64, unattributed int64) {
	exact := make([]float64, len(c.Channels)+1)
	for i, k := range c.Channels {
		exact[i] = countable(k.Conversions)
	}
	exact[len(c.Channels)] = countable(c.Unattributed.Conversions)
	out := largestRemainders(int64(math.Round(countable(c.Total.Conversions))), exact, func(a, b int) int {
		name := func(i int) string {
			if i == len(c.Channels) {
				return c.Unattributed.Channel
			}
			return c.Channels[i].Channel
		}
		return ids.Compare(name(a), name(b))
	})
	return out[:len(c.Channels)], out[len(c.Channels)]
}

// countable holds a figure within the whole numbers that a float64 tells apart.
func countable(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return max(-1<<53, min(x, 1<<53))
}

// Apportion splits a whole number, such as an order's value in cents, in
// proportion to weights, such as what the touches of its journey get: each
// gets the floor of its share, and the ones with the largest remainders one
// more, the earlier one first. The parts add up to the total. Weights may be
// negative, as credits may; one that is not finite, a sum that is not above 0
// and a total beyond ±2^53 are an [*InputError].
func Apportion(total int64, weights []float64) ([]int64, error) {
	const verb = "Apportion"
	if total > 1<<53 || total < -1<<53 {
		return nil, inputError(verb, 0, "total", total, "beyond ±2^53")
	}
	sum := 0.0
	for i, w := range weights {
		if !finite(w) {
			return nil, inputError(verb, 0, fmt.Sprintf("weights[%d]", i), w, "not a number within ±1e100")
		}
		sum += w
	}
	if !(sum > 0) {
		return nil, inputError(verb, 0, "sum of weights", sum, "nothing to share out by")
	}
	exact := make([]float64, len(weights))
	for i, w := range weights {
		if exact[i] = float64(total) * (w / sum); math.Abs(exact[i]) > 1<<53 {
			return nil, inputError(verb, 0, fmt.Sprintf("weights[%d]", i), w, "more than 2^53 times the sum")
		}
	}
	return largestRemainders(total, exact, cmp.Compare[int]), nil
}

// largestRemainders rounds figures so that they add up to a total.
func largestRemainders(total int64, exact []float64, ties func(a, b int) int) []int64 {
	out, order, rest := make([]int64, len(exact)), make([]int, len(exact)), make([]float64, len(exact))
	left := total
	for i, x := range exact {
		order[i] = i
		// What is whole but for rounding stays what it is.
		if near := math.Round(x); math.Abs(near-x) < 1e-9 {
			x = near
		}
		down := math.Floor(x)
		out[i], rest[i] = int64(down), x-down
		left -= out[i]
	}
	slices.SortFunc(order, func(a, b int) int {
		if c := cmp.Compare(rest[b], rest[a]); c != 0 {
			return c
		}
		return ties(a, b)
	})
	// What is left is less than one for each, but for figures so large that
	// their sum is rounded, and for those that do not add up to the total.
	if n := int64(len(out)); n > 0 && (left >= n || left <= -n) {
		for i := range out {
			out[i] += left / n
		}
		left %= n
	}
	for k, n := 0, len(order); left != 0 && n > 0; k++ {
		if left > 0 {
			out[order[k%n]]++
			left--
		} else {
			out[order[n-1-k%n]]--
			left++
		}
	}
	return out
}
