package segment

import "github.com/zhun-go/zhun/internal/bits"

// A question about audiences and about strings that equal one of several
// constants is an expression over sets that are there, or are made by the first
// question about a string and kept up to date from then on. It is answered in
// blocks of 65,536 users without a look at any row.

// expr returns a formula as an expression over sets; ok is false when a part
// of it is about something else. Callers have settled the sets.
func (w *Within) expr(f *formula) (e bits.Expr, ok bool) {
	switch f.op {
	case opTrue:
		return w.everybody(), true
	case opFalse:
		return bits.Or(), true
	case opRef:
		return bits.Of(f.to.members.View()), true
	case opLeaf:
		c, codes, ok := w.x.codes(f.pred)
		if !ok {
			return e, false
		}
		var parts []bits.Expr
		for _, k := range codes {
			parts = append(parts, bits.Of(w.x.setOf(c, k).View()))
		}
		return bits.Or(parts...), true
	case opScore:
		return e, false
	}
	var parts []bits.Expr
	for _, kid := range f.kids {
		part, ok := w.expr(kid)
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

// everybody is the users held, within the mask.
func (w *Within) everybody() bits.Expr {
	held := bits.Of(w.x.table.users.View())
	if w.users == nil {
		return held
	}
	return bits.And(held, bits.Of(w.users))
}

// setExpr returns a formula as an expression over the sets of the users in the
// mask.
func (w *Within) setExpr(f *formula) (e bits.Expr, ok bool) {
	w.x.settle()
	if e, ok = w.expr(f); ok && w.users != nil {
		e = bits.And(e, bits.Of(w.users))
	}
	return e, ok
}

// codes returns the codes of the strings that a predicate asks for, those that
// somebody has.
func (x *Index) codes(p *predicate) (c *column, codes []uint32, ok bool) {
	s := p.shape
	if s == nil || s.op != "in" || s.attr.kind != String {
		return nil, nil, false
	}
	c = x.columnOf(s.attr)
	for _, t := range s.strs {
		if k, ok := c.code[t]; ok {
			codes = append(codes, k)
		}
	}
	return c, codes, true
}

// setOf returns the users with a code.
func (x *Index) setOf(c *column, code uint32) *bits.Live {
	x.making.Lock()
	defer x.making.Unlock()
	if int(code) >= len(c.sets) {
		c.sets = append(c.sets, make([]*bits.Live, int(code)+1-len(c.sets))...)
	}
	if c.sets[code] == nil {
		set := new(bits.Live)
		for b, codes := range c.codes {
			if codes == nil {
				continue
			}
			for i, k := range codes {
				if k == code {
					set.Add(uint32(b*blockUsers + i))
				}
			}
		}
		c.sets[code] = set
	}
	return c.sets[code]
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

// setLeaf evaluates sets on a block.
func setLeaf(sets []*bits.Live) func(b *blockScan, in, out *mask) {
	return func(b *blockScan, in, out *mask) {
		*out = mask{}
		var words [blockWords]uint64
		for _, s := range sets {
			s.Words(uint32(b.block*blockUsers), &words)
			for w := range out {
				out[w] |= words[w] & in[w]
			}
		}
	}
}
