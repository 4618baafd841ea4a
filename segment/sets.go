package segment

import (
	"slices"

	"github.com/zhun-go/zhun/internal/bits"
)

// A question about audiences, truth values, strings that equal one of several
// constants and what is kept of other conditions is an expression over sets that
// are there, or are made by the first question and kept up to date from then on.
// It is answered in blocks of 65,536 users without a look at any row.

// expr returns a formula as an expression over sets; ok is false when a part
// of it is about something else. An interval of numbers is a set when it is
// narrow or, alone, to be counted. Callers have settled the sets.
func (w *Within) expr(f *formula, alone bool) (e bits.Expr, ok bool) {
	switch f.op {
	case opTrue:
		return w.everybody(), true
	case opFalse:
		return bits.Or(), true
	case opRef:
		return bits.Of(f.to.members.View()), true
	case opLeaf:
		if sets, ok := w.x.setsOf(f.pred); ok {
			var parts []bits.Expr
			for _, s := range sets {
				parts = append(parts, bits.Of(s.View()))
			}
			return bits.Or(parts...), true
		}
		if w.x.columnar(f) {
			return w.x.ranges(f, alone)
		}
		if c := w.x.keptOf(f.pred); c != nil {
			return c.expr(w.everybody())
		}
		return e, false
	case opScore:
		return e, false
	}
	var parts []bits.Expr
	for _, kid := range f.kids {
		part, ok := w.expr(kid, false)
		if !ok {
			return e, false
		}
		parts = append(parts, part)
	}
	switch f.op {
	case opNot:
		return bits.Diff(w.everybody(), parts[0]), true
	case opOr:
		return bits.Or(parts...), true
	}
	return bits.And(parts...), true
}

// narrow is the share of users up to which the users of an interval are read
// off in order. Above it they take longer to mark than the codes of all users to
// compare.
const narrow = 1.0 / 8

// ranges returns the users whose number is one of a list or in an interval.
func (x *Index) ranges(f *formula, alone bool) (e bits.Expr, ok bool) {
	a, v, ok := x.interval(f)
	if ok {
		r := x.columnOf(a).rangeOf(v, x.opts.Workers)
		return bits.From(r), alone || float64(r.most) <= narrow*float64(x.table.n)
	}
	most := 0
	var parts []bits.Expr
	if s := f.pred.shape; len(s.nums) <= 64 {
		for _, v := range s.nums {
			r := x.columnOf(s.attr).rangeOf(interval{v, v}, x.opts.Workers)
			parts = append(parts, bits.From(r))
			most += r.most
		}
		return bits.Or(parts...), float64(most) <= 2*narrow*float64(x.table.n)
	}
	return e, false
}

// everybody is the users held, within the mask.
func (w *Within) everybody() bits.Expr {
	held := bits.Of(w.x.table.users.View())
	if w.users == nil {
		return held
	}
	return bits.And(held, bits.Of(w.users))
}

// setsOf returns the sets of users whose union is those for whom a predicate
// holds, if it is about a string or a truth value.
func (x *Index) setsOf(p *predicate) (sets []*bits.Live, ok bool) {
	s := p.shape
	switch {
	case s == nil:
	case s.op == "in" && s.attr.kind == String:
		c := x.columnOf(s.attr)
		var codes []uint32
		for _, t := range s.strs {
			if k, ok := c.code[t]; ok {
				codes = append(codes, k)
			}
		}
		return x.codeSets(c, codes), true
	case s.op == "true":
		return []*bits.Live{&x.columnOf(s.attr).truths[int(s.num)]}, true
	}
	return nil, false
}

// codeSets returns the users with each of the codes. What is missing is made in
// one pass.
func (x *Index) codeSets(c *column, codes []uint32) []*bits.Live {
	x.making.Lock()
	defer x.making.Unlock()
	if len(codes) == 0 {
		return nil
	}
	if most := int(slices.Max(codes)); most >= len(c.sets) {
		c.sets = append(c.sets, make([]*bits.Live, most+1-len(c.sets))...)
	}
	fresh := c.without(codes)
	if c.made+len(fresh) > maxSets {
		clear(c.sets)
		c.made = 0
		fresh = c.without(codes)
	}
	if len(fresh) > 0 {
		c.collect(fresh)
		for k, set := range fresh {
			c.sets[k] = set
		}
		c.made += len(fresh)
	}
	sets := make([]*bits.Live, len(codes))
	for i, k := range codes {
		sets[i] = c.sets[k]
	}
	return sets
}

// without returns an empty set for each code that has none.
func (c *column) without(codes []uint32) map[uint32]*bits.Live {
	fresh := make(map[uint32]*bits.Live)
	for _, k := range codes {
		if c.sets[k] == nil {
			fresh[k] = new(bits.Live)
		}
	}
	return fresh
}

// maxSets is how many strings of an attribute have a set, but for a question
// that asks for more; then all are forgotten.
const maxSets = 4096

// collect adds the users with the codes to their sets.
func (c *column) collect(sets map[uint32]*bits.Live) {
	only, one := uint32(0), (*bits.Live)(nil)
	for k, set := range sets {
		only, one = k, set
	}
	for b, codes := range c.codes {
		if codes == nil {
			continue
		}
		for i, k := range codes {
			if k == only {
				one.Add(uint32(b*blockUsers + i))
			} else if k != 0 && len(sets) > 1 {
				if set := sets[k]; set != nil {
					set.Add(uint32(b*blockUsers + i))
				}
			}
		}
	}
}

// move follows a user from one code to another; 0 is none.
func (c *column) move(user, from, to uint32) {
	if from == to {
		return
	}
	if int(from) < len(c.sets) && c.sets[from] != nil {
		c.sets[from].Remove(user)
	}
	if int(to) < len(c.sets) && c.sets[to] != nil {
		c.sets[to].Add(user)
	}
}
