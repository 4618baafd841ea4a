package segment

import (
	mathbits "math/bits"

	"github.com/zhun-go/zhun/internal/bits"
)

// answer is a formula laid out for a question: what sets know is an expression,
// evaluated in blocks of 65,536 users, and only whom it leaves open is looked at
// any closer.
type answer struct {
	w    *Within
	sets bits.Expr // the answer or, with a rest, who is open
	rest *query    // what must hold of those; nil for nothing
	sure bits.Expr // in the answer besides, and not open
	both bool      // there is a sure part
}

// answer lays a formula out, to be counted or to be shown.
func (w *Within) answer(f *formula, count bool) answer {
	w.x.settle()
	if kids := w.x.fuse(f); f.op == opAnd && len(kids) < len(f.kids) {
		if f = kids[0]; len(kids) > 1 {
			f = &formula{op: opAnd, kids: kids}
		}
	}
	a := answer{w: w}
	var ok bool
	if a.sets, ok = w.expr(f, count && w.users == nil); ok {
		a.sets = w.masked(a.sets)
		return a
	}
	rest := f
	a.sets = w.everybody()
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
			a.sets = w.masked(bits.And(known...))
		default:
			a.sure, a.both = w.masked(bits.Or(known...)), true
			a.sets = bits.Diff(a.sets, a.sure)
		}
	}
	a.rest = w.x.planQuery(rest, nil)
	return a
}

// masked is the users of an expression within the mask.
func (w *Within) masked(e bits.Expr) bits.Expr {
	if w.users == nil {
		return e
	}
	return bits.And(e, bits.Of(w.users))
}

// set returns the users.
func (a *answer) set() *bits.Set {
	if a.rest == nil {
		return a.sets.Set(1)
	}
	var b bits.Builder
	a.look(func(p bits.Part) bool {
		b.Add(p)
		return true
	})
	if !a.both {
		return b.Set()
	}
	return bits.Or(a.sure, bits.Of(b.Set())).Set(1)
}

// count returns the number of users.
func (a *answer) count() int {
	if a.rest == nil {
		return a.sets.Count(1)
	}
	n := 0
	if a.both {
		n = a.sure.Count(1)
	}
	a.look(func(p bits.Part) bool {
		n += p.Len
		return true
	})
	return n
}

// atLeast reports whether there are n users.
func (a *answer) atLeast(n int) bool {
	switch {
	case a.rest == nil:
		return a.sets.AtLeast(n)
	case a.both && a.sure.AtLeast(n):
		return true
	case a.both:
		n -= a.sure.Count(1)
	}
	found := 0
	if found >= n {
		return true
	}
	a.look(func(p bits.Part) bool {
		found += p.Len
		return found < n
	})
	return found >= n
}

// fewInBlock is up to how many open users of 65,536 are looked at one by one,
// rather than those of each 4,096 together.
const fewInBlock = 256

// look goes through the open users until yield has enough of those for whom
// the rest holds.
func (a *answer) look(yield func(bits.Part) bool) {
	x := a.w.x
	b := &blockScan{scan: scan{x: x, now: x.second()}}
	var list []uint16
	words := new(bits.Words)
	for open := range a.sets.Parts() {
		if open.Words == nil && open.Len <= fewInBlock {
			list = list[:0]
			for _, low := range open.List {
				if a.rest.holds(b, open.Base+uint32(low)) {
					list = append(list, low)
				}
			}
			if len(list) > 0 && !yield(bits.Part{Base: open.Base, List: list, Len: len(list)}) {
				return
			}
			continue
		}
		if open.Words == nil {
			clear(words[:])
			for _, low := range open.List {
				words[low/64] |= 1 << (low % 64)
			}
		} else {
			*words = *open.Words
		}
		n := 0
		for at := 0; at < len(words); at += blockWords {
			tile := (*mask)(words[at:])
			if *tile == (mask{}) {
				continue
			}
			b.block = int(open.Base/blockUsers) + at/blockWords
			b.page = x.table.page(b.block)
			in := *tile
			a.rest.eval(b, &in, tile)
			n += tile.count()
		}
		if n > 0 && !yield(bits.Part{Base: open.Base, Words: words, Len: n}) {
			return
		}
	}
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
