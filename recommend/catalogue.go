package recommend

import "slices"

// catalogue is what a model knows about items: their ids in order, and how
// many users interacted with each. It is shared by a model and its item sets
// and never changes.
type catalogue struct {
	names   []string          // ascending by ids.Compare; places in it are item numbers
	number  map[string]uint32 // inverse of names
	counts  []uint32          // users per item
	users   int               // users fitted on
	popular []uint32          // item numbers by descending count, ties by number

	// A history whose items have this origin numbers them as place does; with
	// a nil origin no history does.
	origin *origin
	place  []uint32 // by number in the history: the item, or noItem
}

// catalogue returns the catalogue of the items of a matrix.
func (m *matrix) catalogue(workers int) *catalogue {
	c := newCatalogue(m.names, m.counts(), len(m.users), workers)
	c.origin, c.place = m.origin, m.number
	return c
}

// of returns the number of an item of a history.
func (c *catalogue) of(h *History, item uint32) uint32 {
	if c.origin == h.origin && c.origin != nil {
		if int(item) < len(c.place) {
			return c.place[item]
		}
		return noItem // came after the fit
	}
	if i, ok := c.number[h.items.Name(item)]; ok {
		return i
	}
	return noItem
}

func newCatalogue(names []string, counts []uint32, users, workers int) *catalogue {
	c := &catalogue{names: names, counts: counts, users: users}
	// The two halves take about as long.
	inRuns(min(2, workers), 2, func(_, lo, hi int) {
		for half := lo; half < hi; half++ {
			if half == 0 {
				c.popular = byPopularity(counts)
				continue
			}
			c.number = make(map[string]uint32, len(names))
			for i, n := range names {
				c.number[n] = uint32(i)
			}
		}
	})
	return c
}

// byPopularity returns item numbers by descending count, ties by number.
func byPopularity(counts []uint32) []uint32 {
	keys := make([]uint64, len(counts))
	for i, n := range counts {
		keys[i] = uint64(^n)<<32 | uint64(i)
	}
	slices.Sort(keys)
	order := make([]uint32, len(keys))
	for k, key := range keys {
		order[k] = uint32(key)
	}
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
