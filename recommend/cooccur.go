package recommend

import (
	"context"
	"math"
	"slices"
)

// neighbours finds the best neighbours of every item.
//
// For an item, the rows of its users are added into one dense array of
// counters, users ascending, and the k best of the items touched are selected.
// Items are renumbered by popularity, so that most additions go to the few
// counters of popular items, which stay in the cache. Items are independent of
// each other: neither the number of workers nor the timing can show.
type neighbours struct {
	m      *matrix
	order  []uint32 // item of each rank, by descending popularity
	rank   []uint32 // inverse
	rows   rows     // by rank
	weight []float64
	signed bool // sums may cancel to zero
	rule   rule
	minLLR float64 // keeps pairs of a smaller log-likelihood ratio out
	k      int
	only   []bool // by item: whose lists are wanted; nil for all

	lists [][]entry // by rank
	uses  []int     // by item: lists that it is in; nil with several workers
}

// entry is a neighbour in an item's list.
type entry struct {
	other  uint32  // item number
	weight float64 // of the source for the target
}

// rule turns a pair's co-count or weighted sum into the key by which the item
// own orders its neighbour, and into the weight. Arguments are ranks; a key
// that is not positive keeps the pair out.
type rule struct {
	// exact: binary cosine without shrinkage, ordered by count²/n of the
	// neighbour, exact integers divided once; n is by rank.
	exact bool
	n     []float64
	// scale: the key is the sum times the neighbour's scale, and the weight
	// is the key times own's.
	scale, own []float64
	// weigh is used when neither of the above is given; the key is the
	// weight.
	weigh func(sum float64, own, other uint32) float64
}

// newNeighbours prepares the work. Weight is each user's weight in sums, or
// nil; with a nil weight and a binary matrix pairs are counted in integers.
func newNeighbours(m *matrix, order []uint32, weight []float64, k, workers int) *neighbours {
	nb := &neighbours{m: m, order: order, weight: weight, k: k, lists: make([][]entry, len(order))}
	nb.rank = make([]uint32, len(order))
	for r, i := range order {
		nb.rank[i] = uint32(r)
	}
	nb.rows = m.byRow(order, workers)
	if workers == 1 {
		nb.uses = make([]int, len(order))
	}
	return nb
}

// of returns the list of an item, ascending once run has sorted it.
func (nb *neighbours) of(item uint32) []entry { return nb.lists[nb.rank[item]] }

// run fills the lists.
func (nb *neighbours) run(ctx context.Context, workers int) error {
	return inTurn(ctx, workers, len(nb.order), func() func(int) {
		w := newCounter(nb)
		return func(j int) {
			if nb.only == nil || nb.only[nb.order[j]] {
				w.item(uint32(j))
			}
		}
	})
}

// counter is the scratch of one worker.
type counter struct {
	*neighbours
	touched []uint32
	keys    []uint64
	count   []uint32  // all zero between items; nil when summing
	sum     []float64 // likewise; nil when counting
	seen    []uint8   // 1 for what is touched, when signed
	users   []uint32  // of each rank with j, when summing and with a minLLR; all zero between items
	best    selector
	room    []entry // for lists
}

// roomFor is for how many entries a worker makes room at once: little enough
// that it is still in the cache when it is written to.
const roomFor = 1 << 12

// newList returns a list for n neighbours.
func (c *counter) newList(n int) []entry {
	if len(c.room) < n {
		c.room = make([]entry, max(n, roomFor))
	}
	list := c.room[:n:n]
	c.room = c.room[n:]
	return list
}

func newCounter(nb *neighbours) *counter {
	n := len(nb.order)
	c := &counter{neighbours: nb, touched: make([]uint32, n+1), keys: make([]uint64, n+1)}
	if nb.weight == nil && nb.m.val == nil {
		c.count = make([]uint32, n)
	} else {
		c.sum = make([]float64, n)
		if nb.minLLR > 0 {
			c.users = make([]uint32, n)
		}
	}
	if nb.signed {
		c.seen = make([]uint8, n)
	}
	return c
}

// item finds the neighbours of rank j.
func (c *counter) item(j uint32) {
	var touched []uint32
	switch {
	case c.count != nil:
		touched = c.counts(j)
	case c.signed:
		touched = c.signedSums(j)
	default:
		touched = c.sums(j)
	}
	keys := c.keysOf(j, touched)
	found := c.best.best(keys, c.k, func(at uint32) uint32 { return c.order[touched[at]] })
	list := c.newList(len(found))
	c.lists[j] = list
	if c.rule.exact {
		n, own := c.rule.n, c.rule.n[j]
		for k := range list {
			i := touched[found[k].at]
			list[k] = entry{c.order[i], float64(c.count[i]) / math.Sqrt(n[i]*own)}
		}
	} else {
		for k, b := range found {
			i := touched[b.at]
			list[k] = entry{c.order[i], c.weigh(math.Float64frombits(b.key), j)}
		}
	}
	if c.uses != nil {
		for _, e := range list {
			c.uses[e.other]++
		}
	}
	if c.count != nil {
		for _, i := range touched {
			c.count[i] = 0
		}
		return
	}
	for _, i := range touched {
		c.sum[i] = 0
	}
}

// counts counts the users that j shares with each other rank, and returns the
// ranks that share any.
func (c *counter) counts(j uint32) []uint32 {
	users := c.m.column(int(c.order[j]))
	count, ptr, col := c.count, c.rows.ptr, c.rows.col
	work := 0
	for _, u := range users {
		work += ptr[u+1] - ptr[u]
	}
	touched, n := c.touched, 0
	if work >= len(count) {
		// Most counters will be hit: look through all of them after.
		for _, u := range users {
			for _, i := range col[ptr[u]:ptr[u+1]] {
				count[i]++
			}
		}
		count[j] = 0
		for i, x := range count {
			touched[n] = uint32(i)
			n += int(-x >> 31) // one more unless x is zero, without a branch
		}
		return touched[:n]
	}
	count[j] = 1 // as if touched before: j is not its own neighbour
	for _, u := range users {
		for _, i := range col[ptr[u]:ptr[u+1]] {
			x := count[i]
			touched[n] = i
			n += int((x - 1) >> 31) // one more if x is zero
			count[i] = x + 1
		}
	}
	count[j] = 0
	return touched[:n]
}

// sums adds up the weighted products of j with each other rank, users
// ascending.
func (c *counter) sums(j uint32) []uint32 {
	item := int(c.order[j])
	sum, ptr := c.sum, c.rows.ptr
	touched, n := c.touched, 0
	sum[j] = 1 // as if touched before: j is not its own neighbour
	for e, u := range c.m.column(item) {
		x := c.m.value(c.m.ptr[item] + e)
		if c.weight != nil {
			x *= c.weight[u]
		}
		if x == 0 {
			continue // a user whose weight is zero touches nothing
		}
		row := c.rows.col[ptr[u]:ptr[u+1]]
		if c.rows.val == nil {
			for _, i := range row {
				s := sum[i]
				touched[n] = i
				n += int((math.Float64bits(s) - 1) >> 63)
				sum[i] = s + x
			}
			continue
		}
		val := c.rows.val[ptr[u]:ptr[u+1]]
		for k, i := range row {
			s := sum[i]
			touched[n] = i
			n += int((math.Float64bits(s) - 1) >> 63)
			sum[i] = s + x*val[k]
		}
	}
	sum[j] = 0
	return touched[:n]
}

// signedSums is sums where values may be negative, so that a sum of zero does
// not tell what is untouched.
func (c *counter) signedSums(j uint32) []uint32 {
	item := int(c.order[j])
	touched, n := c.touched, 0
	c.seen[j] = 1 // j is not its own neighbour
	for e, u := range c.m.column(item) {
		x := c.m.value(c.m.ptr[item] + e)
		if x == 0 {
			continue
		}
		lo, hi := c.rows.ptr[u], c.rows.ptr[u+1]
		val := c.rows.val[lo:hi]
		for k, i := range c.rows.col[lo:hi] {
			touched[n] = i
			n += int(1 - c.seen[i])
			c.seen[i] = 1
			c.sum[i] += x * val[k]
		}
	}
	c.sum[j], c.seen[j] = 0, 0
	for _, i := range touched[:n] {
		c.seen[i] = 0
	}
	return touched[:n]
}

// keysOf computes the keys of the touched ranks. Ranks with a key that is not
// positive get key 0 and are moved behind the others, which come first in
// touched.
func (c *counter) keysOf(j uint32, touched []uint32) []uint64 {
	keys := c.keys[:len(touched)]
	switch {
	case c.rule.exact:
		n := c.rule.n
		for k, i := range touched {
			x := float64(c.count[i])
			keys[k] = math.Float64bits(x * x / n[i])
		}
		if c.minLLR == 0 {
			return keys
		}
	case c.rule.scale != nil:
		for k, i := range touched {
			keys[k] = positiveBits(c.sum[i] * c.rule.scale[i])
		}
	case c.count != nil:
		for k, i := range touched {
			keys[k] = positiveBits(c.rule.weigh(float64(c.count[i]), j, i))
		}
	default:
		for k, i := range touched {
			keys[k] = positiveBits(c.rule.weigh(c.sum[i], j, i))
		}
	}
	if c.minLLR > 0 {
		c.dropChance(j, touched, keys)
	}
	n := 0
	for k, key := range keys {
		if key != 0 {
			keys[n], keys[k] = key, keys[n]
			touched[n], touched[k] = touched[k], touched[n]
			n++
		}
	}
	return keys[:n]
}

// dropChance sets the keys of pairs below minLLR to zero.
func (c *counter) dropChance(j uint32, touched []uint32, keys []uint64) {
	own := c.m.column(int(c.order[j]))
	together := c.count
	if together == nil {
		together = c.users
		for _, u := range own {
			for _, i := range c.rows.col[c.rows.ptr[u]:c.rows.ptr[u+1]] {
				together[i]++
			}
		}
	}
	all, mine := float64(len(c.m.users)), float64(len(own))
	for k, i := range touched {
		both, other := float64(together[i]), float64(len(c.m.column(int(c.order[i]))))
		if !(logLikelihoodRatio(both, other-both, mine-both, all-other-mine+both) >= c.minLLR) {
			keys[k] = 0
		}
	}
	if c.count == nil {
		for _, u := range own {
			for _, i := range c.rows.col[c.rows.ptr[u]:c.rows.ptr[u+1]] {
				together[i] = 0
			}
		}
	}
}

func positiveBits(x float64) uint64 {
	if x > 0 {
		return math.Float64bits(x)
	}
	return 0
}

// weigh turns a key back into the weight, where the order is not exact.
func (c *counter) weigh(key float64, j uint32) float64 {
	if c.rule.scale != nil {
		return key * c.rule.own[j]
	}
	return key
}

// sort puts each list into ascending order of items.
func (nb *neighbours) sort() {
	for i := range nb.order {
		slices.SortFunc(nb.of(uint32(i)), func(a, b entry) int { return int(a.other) - int(b.other) })
	}
}
