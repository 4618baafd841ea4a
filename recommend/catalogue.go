package recommend

import (
	"cmp"
	"slices"
)

// catalogue is what a model knows about items: their ids in order, and how
// many users interacted with each. It is shared by a model and its item sets
// and never changes.
type catalogue struct {
	names   []string          // ascending by ids.Compare; places in it are item numbers
	number  map[string]uint32 // inverse of names
	counts  []uint32          // users per item
	users   int               // users fitted on
	popular []uint32          // item numbers by descending count, ties by number
}

func newCatalogue(names []string, counts []uint32, users int) *catalogue {
	c := &catalogue{names: names, counts: counts, users: users}
	c.number = make(map[string]uint32, len(names))
	for i, n := range names {
		c.number[n] = uint32(i)
	}
	c.popular = byPopularity(counts)
	return c
}

// byPopularity returns item numbers by descending count, ties by number.
func byPopularity(counts []uint32) []uint32 {
	order := sequenceOf(len(counts))
	slices.SortFunc(order, func(a, b uint32) int {
		if c := cmp.Compare(counts[b], counts[a]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	return order
}

// catalogued is a recommender of this package, which knows its vocabulary.
type catalogued interface{ catalogue() *catalogue }

// sequenceOf returns 0, 1, …, n−1.
func sequenceOf(n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32(i)
	}
	return out
}
