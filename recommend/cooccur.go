package recommend

import (
	"context"
	"math"
	"sync"
)

// pairs goes over all pairs of items that share a user, each once, and keeps
// the best neighbours of every item.
//
// Items are renumbered by popularity, and the row of each user is kept in that
// order. For an item j, the users of j are visited in ascending order and the
// part of their rows before j is counted, so that every unordered pair is
// counted exactly once, most of it into the few counters of popular items,
// which stay in the cache; the pair is then offered to both its items. A sum
// of weights is therefore always taken over users in ascending order.
//
// Workers own the items of one residue each. What a worker finds for another
// worker's item travels in batches over a channel, after the test against the
// published floor. Since the best K under a total order are a set, neither
// the timing nor the number of workers can show.
type pairs struct {
	m       *matrix
	order   []uint32 // item of each rank, by descending popularity
	rows    rows     // by rank
	where   []int    // place in rows.col of each entry, entries by rank
	start   []int    // start[j]:start[j+1] are the entries of rank j in where
	weight  []float64
	rule    rule
	best    *bestLists
	workers int
	inbox   []chan []offer
}

// offer is a candidate on its way to another worker's item.
type offer struct {
	rank uint32
	candidate
}

const (
	offerBatch = 512
	ctxEvery   = 64
)

// rule turns a pair's co-count or weighted sum into the key by which the item
// with rank own orders its neighbour with rank other; 0 keeps the pair out.
type rule struct {
	// exact: binary cosine without shrinkage, ordered by count²/n of the
	// neighbour, exact integers divided once.
	exact bool
	// scale: the key is the sum times the neighbour's scale.
	scale []float64
	// key is used when neither of the above is given.
	key func(sum float64, own, other uint32) float64
	// counts of users by rank.
	n []float64
}

// newPairs prepares the pass. Weight is each user's weight in sums, or nil;
// with a nil weight and a binary matrix pairs are counted in integers.
func newPairs(m *matrix, order []uint32, weight []float64, k, workers int) *pairs {
	p := &pairs{m: m, order: order, weight: weight, workers: max(1, min(workers, len(order)))}
	p.rows, p.where = m.byRow(order)
	p.start = make([]int, len(order)+1)
	for j, i := range order {
		p.start[j+1] = p.start[j] + m.ptr[i+1] - m.ptr[i]
	}
	p.best = newBestLists(len(order), k)
	return p
}

// run fills p.best.
func (p *pairs) run(ctx context.Context) error {
	p.inbox = make([]chan []offer, p.workers)
	for i := range p.inbox {
		p.inbox[i] = make(chan []offer, 64)
	}
	var working, finished sync.WaitGroup
	working.Add(p.workers)
	for me := range p.workers {
		finished.Go(func() {
			w := &pairWorker{pairs: p, me: me, out: make([][]offer, p.workers)}
			w.run(ctx)
			for to := range w.out {
				w.flush(to)
			}
			working.Done()
			for batch := range p.inbox[me] {
				w.take(batch)
			}
		})
	}
	working.Wait()
	for _, in := range p.inbox {
		close(in)
	}
	finished.Wait()
	return ctx.Err()
}

// pairWorker is the scratch of one worker.
type pairWorker struct {
	*pairs
	me      int
	out     [][]offer
	touched []uint32
	count   []uint32
	sum     []float64
	squares [64]uint64 // bits of c²/n for small co-counts c with the item at hand
}

func (w *pairWorker) run(ctx context.Context) {
	n := len(w.order)
	w.touched = make([]uint32, n+1)
	counting := w.weight == nil && w.m.val == nil
	if counting {
		w.count = make([]uint32, n)
	} else {
		w.sum = make([]float64, n)
	}
	for j, done := w.me, 0; j < n; j, done = j+w.workers, done+1 {
		if done%ctxEvery == 0 && ctx.Err() != nil {
			return
		}
		w.drain()
		switch {
		case !counting:
			w.sums(uint32(j))
		case w.rule.exact:
			w.counts(uint32(j), w.pickExact)
		default:
			w.counts(uint32(j), w.pick)
		}
	}
}

// drain takes what other workers have found so far.
func (w *pairWorker) drain() {
	for {
		select {
		case batch := <-w.inbox[w.me]:
			w.take(batch)
		default:
			return
		}
	}
}

func (w *pairWorker) take(batch []offer) {
	for _, o := range batch {
		w.best.offer(o.rank, o.candidate)
	}
}

// give offers a candidate to an item of any worker.
func (w *pairWorker) give(rank uint32, c candidate) {
	to := 0
	if w.workers > 1 {
		to = int(rank) % w.workers
	}
	if to == w.me {
		w.best.offer(rank, c)
		return
	}
	w.out[to] = append(w.out[to], offer{rank, c})
	if len(w.out[to]) >= offerBatch {
		w.flush(to)
	}
}

// flush sends a batch. While the receiver is full this worker empties its own
// inbox, so two workers cannot wait for each other.
func (w *pairWorker) flush(to int) {
	if len(w.out[to]) == 0 {
		return
	}
	batch := w.out[to]
	w.out[to] = make([]offer, 0, offerBatch)
	for {
		select {
		case w.inbox[to] <- batch:
			return
		case in := <-w.inbox[w.me]:
			w.take(in)
		}
	}
}

// counts counts the pairs of rank j with all ranks before it and picks.
func (w *pairWorker) counts(j uint32, pick func(j, i, c uint32)) {
	users := w.m.column(int(w.order[j]))
	where := w.where[w.start[j]:w.start[j+1]]
	count, ptr, col := w.count, w.rows.ptr, w.rows.col
	work := 0
	for e, u := range users {
		work += where[e] - ptr[u]
	}
	if work >= int(j) {
		// Most counters will be hit: no list of those that are.
		for e, u := range users {
			for _, i := range col[ptr[u]:where[e]] {
				count[i]++
			}
		}
		w.begin(j)
		for i, c := range count[:j] {
			if c > 0 {
				count[i] = 0
				pick(j, uint32(i), c)
			}
		}
		return
	}
	touched, n := w.touched, 0
	for e, u := range users {
		for _, i := range col[ptr[u]:where[e]] {
			c := count[i]
			touched[n] = i
			n += int((c - 1) >> 31) // one more if c was zero, without a branch
			count[i] = c + 1
		}
	}
	w.begin(j)
	for _, i := range touched[:n] {
		c := count[i]
		count[i] = 0
		pick(j, i, c)
	}
}

func (w *pairWorker) begin(j uint32) {
	if !w.rule.exact {
		return
	}
	n := w.rule.n[j]
	for c := range w.squares {
		w.squares[c] = math.Float64bits(float64(c*c) / n)
	}
}

func (w *pairWorker) pickExact(j, i, c uint32) {
	square := float64(c) * float64(c)
	if key := square / w.rule.n[i]; w.best.admits(j, math.Float64bits(key)) {
		w.best.offer(j, candidate{key, w.order[i], c})
	}
	var bits uint64
	if int(c) < len(w.squares) {
		bits = w.squares[c]
	} else {
		bits = math.Float64bits(square / w.rule.n[j])
	}
	if w.best.admits(i, bits) {
		w.give(i, candidate{math.Float64frombits(bits), w.order[j], c})
	}
}

func (w *pairWorker) pick(j, i, c uint32) { w.pickSum(j, i, float64(c)) }

// sums adds up the weighted pairs of rank j with all ranks before it, users
// ascending, and picks.
func (w *pairWorker) sums(j uint32) {
	item := int(w.order[j])
	where := w.where[w.start[j]:w.start[j+1]]
	sum, ptr, col := w.sum, w.rows.ptr, w.rows.col
	touched, n := w.touched, 0
	for e, u := range w.m.column(item) {
		x := w.m.value(w.m.ptr[item] + e)
		if w.weight != nil {
			x *= w.weight[u]
		}
		row := col[ptr[u]:where[e]]
		if w.rows.val == nil {
			for _, i := range row {
				s := sum[i]
				touched[n] = i
				n += int((math.Float64bits(s) - 1) >> 63)
				sum[i] = s + x
			}
			continue
		}
		val := w.rows.val[ptr[u]:where[e]]
		for k, i := range row {
			s := sum[i]
			touched[n] = i
			n += int((math.Float64bits(s) - 1) >> 63)
			sum[i] = s + x*val[k]
		}
	}
	for _, i := range touched[:n] {
		s := sum[i]
		sum[i] = 0
		w.pickSum(j, i, s)
	}
}

func (w *pairWorker) pickSum(j, i uint32, s float64) {
	var kj, ki float64
	if w.rule.scale != nil {
		kj, ki = s*w.rule.scale[i], s*w.rule.scale[j]
	} else {
		kj, ki = w.rule.key(s, j, i), w.rule.key(s, i, j)
	}
	if kj > 0 && w.best.admits(j, math.Float64bits(kj)) {
		w.best.offer(j, candidate{key: kj, other: w.order[i]})
	}
	if ki > 0 && w.best.admits(i, math.Float64bits(ki)) {
		w.give(i, candidate{key: ki, other: w.order[j]})
	}
}
