package segment

import (
	mathbits "math/bits"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/internal/bits"
)

// answer is a formula laid out for a question: what sets know is an expression,
// evaluated in blocks of 65,536 users, and only whom it leaves open is looked at
// any closer.
type answer struct {
	users bits.Expr // the answer or, with a sure part, the rest of it
	sure  bits.Expr // in the answer besides
	both  bool      // there is a sure part
	w     int       // workers
}

// answer lays a formula out, to be counted or to be shown.
func (w *Within) answer(f *formula, count bool) answer {
	w.x.settle()
	if kids := w.x.fuse(f); f.op == opAnd && len(kids) < len(f.kids) {
		if f = kids[0]; len(kids) > 1 {
			f = &formula{op: opAnd, kids: kids}
		}
	}
	a := answer{w: w.x.opts.Workers}
	var ok bool
	if a.users, ok = w.expr(f, count && w.users == nil); ok {
		a.users = w.masked(a.users)
		return a
	}
	rest := f
	open := w.everybody()
	if f.op == opAnd || f.op == opOr {
		var known []bits.Expr
		rest = &formula{op: f.op}
		for _, kid := range f.kids {
			if e, ok := w.expr(kid, false); ok {
				known = append(known, e)
			} else {
				rest.kids = append(rest.kids, kid)
			}
		}
		if len(rest.kids) == 1 {
			rest = rest.kids[0]
		}
		switch {
		case len(known) == 0:
		case f.op == opAnd:
			open = w.masked(bits.And(known...))
		default:
			a.sure, a.both = w.masked(bits.Or(known...)), true
			open = bits.Diff(open, a.sure)
		}
	}
	a.users = bits.Where(open, w.x.planQuery(rest, nil).test(w.x))
	return a
}

// masked is the users of an expression within the mask.
func (w *Within) masked(e bits.Expr) bits.Expr {
	if w.users == nil {
		return e
	}
	return bits.And(e, bits.Of(w.users))
}

// bitmap returns the users.
func (a *answer) bitmap() *roaring.Bitmap {
	if a.both {
		return bits.Or(a.sure, a.users).Roaring(a.w)
	}
	return a.users.Roaring(a.w)
}

// count returns the number of users.
func (a *answer) count() int {
	n := a.users.Count(a.w)
	if a.both {
		n += a.sure.Count(a.w)
	}
	return n
}

// atLeast reports whether there are n users.
func (a *answer) atLeast(n int) bool {
	switch {
	case !a.both:
		return a.users.AtLeast(n)
	case a.sure.AtLeast(n):
		return true
	}
	return a.users.AtLeast(n - a.sure.Count(a.w))
}

// fewInBlock is up to how many open users of 65,536 are looked at one by one,
// rather than those of each 4,096 together.
const fewInBlock = 256

// test returns the tests of whether the query holds for users.
func (q *query) test(x *Index) func() func(*bits.Part) {
	return func() func(*bits.Part) {
		q, words := q.clone(), new(bits.Words)
		b := &blockScan{scan: scan{x: x, now: x.second()}}
		return func(p *bits.Part) {
			if p.Words != nil {
				p.Len = q.look(b, p.Base, p.Words)
				return
			}
			open := p.List
			p.List = open[:0]
			if len(open) <= fewInBlock {
				for _, low := range open {
					if q.holds(b, p.Base+uint32(low)) {
						p.List = append(p.List, low)
					}
				}
				p.Len = len(p.List)
				return
			}
			clear(words[:])
			for _, low := range open {
				words[low/64] |= 1 << (low % 64)
			}
			p.Len = q.look(b, p.Base, words)
			for _, low := range open {
				if words[low/64]>>(low%64)&1 != 0 {
					p.List = append(p.List, low)
				}
			}
		}
	}
}

// look leaves those of a block for whom the query holds.
func (q *query) look(b *blockScan, base uint32, words *bits.Words) (n int) {
	for at := 0; at < len(words); at += blockWords {
		tile := (*mask)(words[at:])
		if *tile == (mask{}) {
			continue
		}
		b.block = int(base/blockUsers) + at/blockWords
		b.page = b.scan.x.table.page(b.block)
		b.in = *tile
		q.eval(b, &b.in, tile)
		n += tile.count()
	}
	return n
}

// clone copies the query with scratch of its own.
func (q *query) clone() *query {
	c := *q
	c.parts = make([]mask, len(q.parts))
	c.kids = make([]*query, len(q.kids))
	for i, k := range q.kids {
		c.kids[i] = k.clone()
	}
	return &c
}

// holds evaluates the query for one user.
func (q *query) holds(b *blockScan, user uint32) bool {
	switch q.op {
	case opTrue:
		return true
	case opLeaf, opRef:
		return q.leaf.one(b, user)
	case opNot:
		return !q.kids[0].holds(b, user)
	case opScore:
		sum := 0.0
		for i, k := range q.kids {
			if k.holds(b, user) {
				sum += q.sum.points[i]
			}
		}
		return q.sum.holds(sum)
	case opAnd, opOr:
		for _, k := range q.kids {
			if k.holds(b, user) == (q.op == opOr) {
				return q.op == opOr
			}
		}
		return q.op == opAnd
	}
	return false
}

func (m *mask) count() int {
	n := 0
	for _, w := range m {
		n += mathbits.OnesCount64(w)
	}
	return n
}
