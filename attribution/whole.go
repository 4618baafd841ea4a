package attribution

import (
	"cmp"
	"math"
	"slices"

	"github.com/zhun-go/zhun/internal/ids"
)

// Whole returns the conversions of each channel in whole numbers that add up
// to those of all channels, by the largest remainder: each gets the floor of
// its credit, and the ones with the largest fractions one more, the smaller
// name first. The last figure is the unattributed line's, which takes part.
// The sum of all is the total rounded to the nearest number.
func (c Credits) Whole() (channels []int64, unattributed int64) {
	lines := slices.Clone(c.Channels)
	lines = append(lines, c.Unattributed)
	out := make([]int64, len(lines))
	order := make([]int, len(lines))
	var sum int64
	for i, k := range lines {
		order[i] = i
		// Conversions that are whole but for rounding stay what they are.
		if near := math.Round(k.Conversions); math.Abs(near-k.Conversions) < 1e-9 {
			lines[i].Conversions = near
		}
		out[i] = int64(math.Floor(lines[i].Conversions))
		sum += out[i]
	}
	slices.SortFunc(order, func(a, b int) int {
		fa, fb := lines[a].Conversions-float64(out[a]), lines[b].Conversions-float64(out[b])
		if d := cmp.Compare(fb, fa); d != 0 {
			return d
		}
		return ids.Compare(lines[a].Channel, lines[b].Channel)
	})
	// What is left is less than one for each line.
	left := int64(math.Round(c.Total.Conversions)) - sum
	for _, i := range order {
		if left <= 0 {
			break
		}
		out[i]++
		left--
	}
	return out[:len(c.Channels)], out[len(c.Channels)]
}
