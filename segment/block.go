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
	leaf  leaf    // opLeaf, opRef
	cost  float64 // of one user, in nanoseconds, roughly
	share float64 // of users for whom it holds, estimated

	sum   *weights // opScore
	parts []mask   // of the kids

	part, rest mask // scratch: a query is evaluated by one goroutine
}

// leaf is how to evaluate a predicate or a reference: for a block of users, or
// for one.
type leaf struct {
	block func(b *blockScan, in, out *mask)
	one   func(b *blockScan, user uint32) bool
}

// blockScan is the state of one question.
type blockScan struct {
	scan  scan
	block int
	page  *page
	in    mask // who is asked for
}

// Costs by kind of leaf: bits that are there, a column, a read from the row.
const (
	costBits    = 0.02
	costBuckets = 0.3
	costColumn  = 1 // of a part of a score
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

// fuse makes the comparisons of one number or instant with constants, when all
// must hold, one interval.
func (x *Index) fuse(f *formula) []*formula {
	if f.op != opAnd {
		return f.kids
	}
	var kids []*formula
	place := make(map[*attribute]int)
	for _, kid := range f.kids {
		a, v, ok := x.interval(kid)
		if !ok {
			kids = append(kids, kid)
			continue
		}
		i, ok := place[a]
		if !ok {
			place[a] = len(kids)
			kids = append(kids, kid)
			continue
		}
		_, w, _ := x.interval(kids[i])
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
func (x *Index) interval(f *formula) (a *attribute, v interval, ok bool) {
	if f.op != opLeaf {
		return nil, v, false
	}
	if m := f.pred.moment; m != nil {
		at, ok := m.at(&scan{x: x, now: x.second(), r: &row{}, until: never})
		if !ok {
			return m.attr, interval{1, 0}, true // no instant, and nobody
		}
		// Edges tell whole seconds apart from what lies between them, no more.
		return m.attr, intervalOf(m.op, float64(2*at.sec)), at.ns == 0
	}
	s := f.pred.shape
	if s == nil || s.attr.kind != Number && s.op != "within" {
		return nil, v, false
	}
	switch s.op {
	case "<", "<=", ">", ">=", "==":
		return s.attr, intervalOf(s.op, s.num), true
	case "within":
		return s.attr, interval{s.nums[0], s.nums[1]}, true
	}
	return nil, v, false
}

// eval sets out to the users of in for whom the query holds.
func (q *query) eval(b *blockScan, in, out *mask) {
	switch q.op {
	case opTrue:
		*out = *in
	case opFalse:
		*out = mask{}
	case opLeaf, opRef:
		q.leaf.block(b, in, out)
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

// columnar reports whether a column answers the predicate.
func (x *Index) columnar(f *formula) bool {
	if _, _, ok := x.interval(f); ok {
		return true
	}
	s := f.pred.shape
	return s != nil && s.op == "in" && s.attr.kind == Number
}

// leaf returns how to evaluate a predicate or a reference.
func (x *Index) leaf(f *formula) (leaf, float64) {
	if f.op == opRef {
		return setLeaf([]*bits.Live{&f.to.members}, true), costBits
	}
	p := f.pred
	if sets, ok := x.setsOf(p); ok {
		return setLeaf(sets, true), costBits * float64(len(sets)+1)
	}
	if a, v, ok := x.interval(f); ok {
		return x.columnOf(a).within(v), costBuckets
	}
	if x.columnar(f) {
		return x.columnOf(p.shape.attr).in(p.shape.nums), costSet
	}
	one := perRow(p.eval)
	if c := x.keptOf(p); c != nil {
		if c.odd != nil {
			return setLeaf([]*bits.Live{c.odd}, !c.blank), costBits
		}
		one = c.count(one)
	}
	switch {
	case p.machine:
		return one, costMachine
	case len(p.deps.events) > 0:
		return one, costEvents
	}
	return one, costRow
}

// perRow evaluates a predicate user by user.
func perRow(holds func(*scan) bool) leaf {
	return leaf{
		block: func(b *blockScan, in, out *mask) {
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
		},
		one: func(b *blockScan, user uint32) bool {
			b.scan.r = b.scan.x.table.get(user)
			return holds(&b.scan)
		},
	}
}

// setLeaf finds the users who are in one of the sets or, unless want, in none.
func setLeaf(sets []*bits.Live, want bool) leaf {
	flip := bit(want) - 1
	return leaf{
		block: func(b *blockScan, in, out *mask) {
			*out = mask{}
			var words [blockWords]uint64
			for _, s := range sets {
				s.Words(uint32(b.block*blockUsers), &words)
				for w := range out {
					out[w] |= words[w]
				}
			}
			for w := range out {
				out[w] = (out[w] ^ flip) & in[w]
			}
		},
		one: func(_ *blockScan, user uint32) bool {
			for _, s := range sets {
				if s.Has(user) {
					return want
				}
			}
			return !want
		},
	}
}

// bit compiles to a flag set without a branch.
func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// values returns the numbers of a block, nil when there are none.
func (c *column) values(block int) *[blockUsers]float64 {
	if block >= len(c.numbers) {
		return nil
	}
	return c.numbers[block]
}

// within finds the numbers of an interval.
func (c *column) within(v interval) leaf {
	v = c.widen(v)
	find := c.buckets.within(v)
	return leaf{
		block: func(b *blockScan, in, out *mask) {
			values := c.values(b.block)
			if values == nil {
				*out = mask{}
				return
			}
			find(c.buckets.codes[b.block], values, in, out)
		},
		one: func(_ *blockScan, user uint32) bool {
			values := c.values(int(user / blockUsers))
			return values != nil && v.lo <= values[user%blockUsers] && values[user%blockUsers] <= v.hi
		},
	}
}

// in finds the numbers of an ascending list, over 64 users at a time, skipping
// those of whom none is asked for.
func (c *column) in(list []float64) leaf {
	has := func(v float64) bool {
		if v != v {
			return false
		}
		_, ok := slices.BinarySearch(list, v)
		return ok
	}
	return leaf{
		block: func(b *blockScan, in, out *mask) {
			*out = mask{}
			values := c.values(b.block)
			if values == nil {
				return
			}
			for w, open := range in {
				if open == 0 {
					continue
				}
				t := uint64(0)
				for i, v := range (*[64]float64)(values[w*64:]) {
					t |= bit(has(v)) << i
				}
				out[w] = t & open
			}
		},
		one: func(_ *blockScan, user uint32) bool {
			values := c.values(int(user / blockUsers))
			return values != nil && has(values[user%blockUsers])
		},
	}
}
