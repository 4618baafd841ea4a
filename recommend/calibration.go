package recommend

import (
	"math"
	"slices"
)

// categories knows the category of each item of a vocabulary.
type categories struct {
	of []int32 // by item number; -1 for none
	n  int
}

// categoriesOf asks for the category of each item. Numbers go by name, so that
// sums over categories are the same whatever the items.
func categoriesOf(cat *catalogue, category func(item string) string) *categories {
	names := make([]string, len(cat.names))
	for i, item := range cat.names {
		names[i] = category(item)
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(names)))
	if len(distinct) > 0 && distinct[0] == "" {
		distinct = distinct[1:]
	}
	c := &categories{of: make([]int32, len(names)), n: len(distinct)}
	for i, name := range names {
		c.of[i] = -1
		if k, ok := slices.BinarySearch(distinct, name); ok {
			c.of[i] = int32(k)
		}
	}
	return c
}

// shares turns what each category holds into shares of the whole; nil for
// nothing.
func shares(held []float64) []float64 {
	all := 0.0
	for _, x := range held {
		all += x
	}
	if all == 0 {
		return nil
	}
	for k := range held {
		held[k] /= all
	}
	return held
}

// interests returns the shares of the categories in a history.
func (c *categories) interests(history []pair) []float64 {
	held := make([]float64, c.n)
	for _, p := range history {
		if k := c.of[p.item]; k >= 0 {
			held[k] += p.value
		}
	}
	return shares(held)
}

// judge returns the miscalibration of a list to interests, and its diversity;
// NaN where undefined, as all is without categories.
func (c *categories) judge(interests []float64, list []Scored, cat *catalogue) (miscalibration, diversity float64) {
	if c == nil {
		return math.NaN(), math.NaN()
	}
	held := make([]float64, c.n)
	listed := 0.0
	for _, x := range list {
		if i, ok := cat.number[x.Item]; ok && c.of[i] >= 0 {
			held[c.of[i]]++
			listed++
		}
	}
	diversity = math.NaN()
	if listed > 1 {
		alike := 0.0
		for _, x := range held {
			alike += x * (x - 1)
		}
		diversity = 1 - alike/(listed*(listed-1))
	}
	if interests == nil {
		return math.NaN(), diversity
	}
	// Steck's smoothing keeps what is missing from the list finite.
	const smoothing = 0.01
	held = shares(held)
	for k, p := range interests {
		if p > 0 {
			q := smoothing * p
			if held != nil {
				q += (1 - smoothing) * held[k]
			}
			miscalibration += p * math.Log(p/q)
		}
	}
	return max(0, miscalibration), diversity
}
