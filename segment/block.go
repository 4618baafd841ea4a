package segment

import (
	mathbits "math/bits"
	"slices"

	"github.com/zhun-go/zhun/internal/bits"
)

// query is a formula laid out for questions about all users: it is evaluated a
// block at a time, on the users that are still undecided.
type query struct {
	op    formulaOp
	kids  []*query
	leaf  func(b *blockScan, in, out *mask) // opLeaf, opRef
	cost  float64                           // of one user, in nanoseconds, roughly
	share float64                           // of users for whom it holds, estimated

	sum   *weights // opScore
	parts []mask   // of the kids

	part, rest mask // scratch: a query is evaluated by one goroutine
}

// blockScan is the state of one question.
type blockScan struct {
	scan  scan
	block int
	page  *page
}

// Costs by kind of leaf: bits that are there, a column, a read from the row.
const (
	costBits    = 0.02
	costBuckets = 0.3
	costColumn  = 1
	costSet     = 4
	costRow     = 60
	costEvents  = 150
	costMachine = 3000
)

// plan lays a formula out for blocks, with the parts of and and or in the
// order in which they decide most users for the least work.
func (x *Index) planQuery(f *formula, sample []*row) *query {
	q := &query{op: f.op}
	switch f.op {
	case opTrue, opFalse:
		q.share = 1
		if f.op == opFalse {
			q.share = 0
		}
		return q
	case opLeaf, opRef:
		q.leaf, q.cost = x.leaf(f)
		c := &scan{x: x, now: x.second()}
		hits := 0
		for _, r := range sample {
			if c.r = r; f.eval(c) {
				hits++
			}
		}
		q.share = (float64(hits) + 0.5) / (float64(len(sample)) + 1)
		return q
	}
	kids := x.fuse(f)
	if len(kids) > 1 && sample == nil {
		// Only an order among parts needs estimates.
		sample = x.table.sample(64)
	}
	for _, kid := range kids {
		q.kids = append(q.kids, x.planQuery(kid, sample))
	}
	if f.op == opNot {
		q.cost, q.share = q.kids[0].cost, 1-q.kids[0].share
		return q
	}
	if f.op == opScore {
		// All parts, in their order; about every other one is taken to hold.
		q.sum, q.parts, q.share = f.sum, make([]mask, len(q.kids)), 0.5
		for _, k := range q.kids {
			q.cost += k.cost + costColumn
		}
		return q
	}
	// Cheapest per user decided first (Hellerstein and Stonebraker, "Predicate
	// Migration", 1993): an and decides those for whom a part fails.
	decides := func(k *query) float64 {
		if f.op == opAnd {
			return max(1-k.share, 1e-3)
		}
		return max(k.share, 1e-3)
	}
	slices.SortStableFunc(q.kids, func(a, b *query) int {
		ra, rb := a.cost/decides(a), b.cost/decides(b)
		switch {
		case ra < rb:
			return -1
		case ra > rb:
			return 1
		}
		return 0
	})
	left := 1.0
	for _, k := range q.kids {
		q.cost += left * k.cost
		left *= 1 - decides(k)
	}
	q.share = left
	if f.op == opOr {
		q.share = 1 - left
	}
	return q
}

// fuse makes the comparisons of one number with constants, when all must hold,
// one interval.
func (x *Index) fuse(f *formula) []*formula {
	if f.op != opAnd {
		return f.kids
	}
	var kids []*formula
	place := make(map[*attribute]int)
	for _, kid := range f.kids {
		v, ok := kid.interval()
		if !ok {
			kids = append(kids, kid)
			continue
		}
		a := kid.pred.shape.attr
		i, ok := place[a]
		if !ok {
			place[a] = len(kids)
			kids = append(kids, kid)
			continue
		}
		w, _ := kids[i].interval()
		v = interval{max(v.lo, w.lo), min(v.hi, w.hi)}
		left, right := kids[i].pred.eval, kid.pred.eval
		kids[i] = &formula{op: opLeaf, pred: &predicate{
			eval:  func(c *scan) bool { return left(c) && right(c) },
			shape: &shape{attr: a, op: "within", nums: []float64{v.lo, v.hi}},
		}}
	}
	return kids
}

// interval returns the numbers for which a comparison with constants holds.
func (f *formula) interval() (interval, bool) {
	if f.op != opLeaf || f.pred.shape == nil || f.pred.shape.attr.kind != Number {
		return interval{}, false
	}
	switch s := f.pred.shape; s.op {
	case "<", "<=", ">", ">=", "==":
		return intervalOf(s.op, s.num), true
	case "within":
		return interval{s.nums[0], s.nums[1]}, true
	}
	return interval{}, false
}

// eval sets out to the users of in for whom the query holds.
func (q *query) eval(b *blockScan, in, out *mask) {
	switch q.op {
	case opTrue:
		*out = *in
	case opFalse:
		*out = mask{}
	case opLeaf, opRef:
		q.leaf(b, in, out)
	case opScore:
		for i, k := range q.kids {
			k.eval(b, in, &q.parts[i])
		}
		for w, open := range in {
			out[w] = 0
			for ; open != 0; open &= open - 1 {
				i := mathbits.TrailingZeros64(open)
				sum := 0.0
				for j := range q.parts {
					if q.parts[j][w]>>i&1 != 0 {
						sum += q.sum.points[j]
					}
				}
				out[w] |= bit(q.sum.holds(sum)) << i
			}
		}
	case opNot:
		q.kids[0].eval(b, in, out)
		for w := range out {
			out[w] = in[w] &^ out[w]
		}
	case opAnd:
		*out = *in
		for _, k := range q.kids {
			k.eval(b, out, &q.part)
			*out = q.part
			if q.part == (mask{}) {
				return
			}
		}
	case opOr:
		q.rest = *in
		*out = mask{}
		for _, k := range q.kids {
			k.eval(b, &q.rest, &q.part)
			open := uint64(0)
			for w := range out {
				out[w] |= q.part[w]
				q.rest[w] &^= q.part[w]
				open |= q.rest[w]
			}
			if open == 0 {
				return
			}
		}
	}
}

// leaf returns how to evaluate a predicate or a reference on a block.
func (x *Index) leaf(f *formula) (eval func(b *blockScan, in, out *mask), cost float64) {
	if f.op == opRef {
		return setLeaf([]*bits.Live{&f.to.members}), costBits
	}
	p := f.pred
	if c, codes, ok := x.codes(p); ok {
		var sets []*bits.Live
		for _, k := range codes {
			sets = append(sets, x.setOf(c, k))
		}
		return setLeaf(sets), costBits * float64(len(sets)+1)
	}
	if p.shape != nil {
		if c := x.columnOf(p.shape.attr); c != nil {
			if eval, cost := c.leaf(p.shape); eval != nil {
				return eval, cost
			}
		}
	}
	if p.machine {
		return perRow(p.eval), costMachine
	}
	if len(p.deps.events) > 0 {
		return perRow(p.eval), costEvents
	}
	return perRow(p.eval), costRow
}

// perRow evaluates a predicate user by user.
func perRow(holds func(*scan) bool) func(b *blockScan, in, out *mask) {
	return func(b *blockScan, in, out *mask) {
		for w, open := range in {
			truth := uint64(0)
			for ; open != 0; open &= open - 1 {
				i := mathbits.TrailingZeros64(open)
				if b.scan.r = b.page.row(uint32(w*64 + i)); holds(&b.scan) {
					truth |= 1 << i
				}
			}
			out[w] = truth
		}
	}
}

// leaf evaluates a comparison on the column, nil when it cannot.
func (c *column) leaf(s *shape) (func(b *blockScan, in, out *mask), float64) {
	if c.strings {
		return c.textLeaf(s)
	}
	switch s.op {
	case "<", "<=", ">", ">=", "==":
		return c.bucketed(intervalOf(s.op, s.num))
	case "true":
		return c.bucketed(interval{1, 1})
	case "within":
		return c.bucketed(interval{s.nums[0], s.nums[1]})
	case "nil":
		eval, cost := c.compare(func(v *[64]float64) (t uint64) {
			for i, x := range v {
				t |= bit(x == x) << i
			}
			return t
		})
		return complement(eval), cost
	case "in":
		eval, _ := c.compare(func(v *[64]float64) (t uint64) {
			for i, x := range v {
				if _, ok := slices.BinarySearch(s.nums, x); ok && x == x {
					t |= 1 << i
				}
			}
			return t
		})
		return eval, costSet
	}
	return nil, 0
}

// bit compiles to a flag set without a branch.
func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// bucketed finds the numbers of an interval.
func (c *column) bucketed(v interval) (func(b *blockScan, in, out *mask), float64) {
	find := c.buckets.within(v)
	return func(b *blockScan, in, out *mask) {
		if b.block >= len(c.numbers) || c.numbers[b.block] == nil {
			*out = mask{}
			return
		}
		find(c.buckets.codes[b.block], c.numbers[b.block], in, out)
	}, costBuckets
}

// compare runs a comparison over 64 users at a time, skipping those of whom
// none is asked for.
func (c *column) compare(word func(v *[64]float64) uint64) (func(b *blockScan, in, out *mask), float64) {
	return func(b *blockScan, in, out *mask) {
		if b.block >= len(c.numbers) || c.numbers[b.block] == nil {
			*out = mask{}
			return
		}
		values := c.numbers[b.block]
		for w, open := range in {
			if open == 0 {
				out[w] = 0
				continue
			}
			out[w] = open & word((*[64]float64)(values[w*64:]))
		}
	}, costColumn
}

func complement(eval func(b *blockScan, in, out *mask)) func(b *blockScan, in, out *mask) {
	return func(b *blockScan, in, out *mask) {
		eval(b, in, out)
		for w := range out {
			out[w] = in[w] &^ out[w]
		}
	}
}

// textLeaf finds users without a string.
func (c *column) textLeaf(s *shape) (func(b *blockScan, in, out *mask), float64) {
	if s.op != "nil" {
		return nil, 0 // sets know it
	}
	return func(b *blockScan, in, out *mask) {
		if b.block >= len(c.codes) || c.codes[b.block] == nil {
			*out = *in
			return
		}
		codes := c.codes[b.block]
		for w, open := range in {
			out[w] = 0
			if open == 0 {
				continue
			}
			var t uint64
			for i, v := range (*[64]uint32)(codes[w*64:]) {
				t |= bit(v == 0) << i
			}
			out[w] = t & open
		}
	}, costColumn
}
