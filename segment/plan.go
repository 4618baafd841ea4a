package segment

// plan is a formula laid out for rows: what it asks of the truth of predicates
// and of membership are bits of words.
type plan struct {
	any   bool   // or; else and, which is true without parts
	not   bool   // the complement of it
	flags []test // predicates
	refs  []test // other audiences
	kids  []*plan
}

// test is one bit that must be set, or clear when not.
type test struct {
	word uint32
	bit  uint8
	not  bool
}

func (t test) holds(b *flags) bool { return (b.word(t.word)>>t.bit&1 != 0) != t.not }

func planOf(f *formula) *plan {
	switch f.op {
	case opTrue:
		return &plan{}
	case opFalse:
		return &plan{not: true}
	case opNot:
		p := planOf(f.kids[0])
		p.not = !p.not
		return p
	case opAnd, opOr:
		p := &plan{any: f.op == opOr}
		for _, kid := range f.kids {
			p.add(kid)
		}
		return p
	}
	p := &plan{}
	p.add(f)
	return p
}

func (p *plan) add(f *formula) {
	not := false
	for f.op == opNot {
		f, not = f.kids[0], !not
	}
	switch f.op {
	case opLeaf:
		p.flags = append(p.flags, test{f.pred.id >> 6, uint8(f.pred.id & 63), not})
	case opRef:
		p.refs = append(p.refs, test{f.to.id >> 6, uint8(f.to.id & 63), not})
	default:
		kid := planOf(f)
		kid.not = kid.not != not
		p.kids = append(p.kids, kid)
	}
}

// holds computes the plan for one user from the known truth of predicates.
func (p *plan) holds(truth, member *flags) bool {
	return p.decided(truth, member) != p.not
}

func (p *plan) decided(truth, member *flags) bool {
	for _, t := range p.flags {
		if t.holds(truth) == p.any {
			return p.any
		}
	}
	for _, t := range p.refs {
		if t.holds(member) == p.any {
			return p.any
		}
	}
	for _, kid := range p.kids {
		if kid.holds(truth, member) == p.any {
			return p.any
		}
	}
	return !p.any
}
