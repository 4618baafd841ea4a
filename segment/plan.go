package segment

import "slices"

// plan is a formula laid out for rows: what it asks of the truth of predicates
// and of membership are bits of words.
//
// A formula of a few predicates is a table of its truth by theirs. A short one
// is code for a machine with a stack of bits, which like the table has no branch
// that depends on the user; a long one is a tree, which stops as soon as it
// knows.
type plan struct {
	table  uint64            // by the bits of the leaves, the first one lowest
	leaves [maxLeaves]uint32 // of a table: code that reads a predicate or an audience
	n      uint8             // of those, 0 without a table
	refs   bool              // some read an audience
	code   []uint32
	tree   *branch
}

// maxLeaves is how many bits number the bits of a table.
const maxLeaves = 6

// A word of code is an operation in its upper two bits, whether its result is
// negated, and the number of a predicate or an audience.
const (
	codePred = iota << 30
	codeRef
	codeAnd
	codeOr
	codeOp    = 3 << 30
	codeNot   = 1 << 29
	codeIndex = codeNot - 1

	// maxCode is the most words of code, and less than twice the bits of the
	// stack, which holds at most one for every operand.
	maxCode = 63
)

func planOf(f *formula) (p plan) {
	if p.compile(f, 0); p.code == nil {
		p.tree = branchOf(f)
	}
	p.tabulate()
	return p
}

// tabulate makes code with few leaves a table.
func (p *plan) tabulate() {
	var leaves []uint32
	var small plan // the same of predicates with the numbers of the leaves
	for _, c := range p.code {
		if op := c & codeOp; op == codePred || op == codeRef {
			i := slices.Index(leaves, c&^codeNot)
			if i < 0 {
				i = len(leaves)
				leaves = append(leaves, c&^codeNot)
			}
			c = codePred | c&codeNot | uint32(i)
		}
		small.code = append(small.code, c)
	}
	if len(leaves) == 0 || len(leaves) > maxLeaves {
		return
	}
	for row := range uint64(1) << len(leaves) {
		p.table |= bit(small.run(words{row}, nil)) << row
	}
	p.n = uint8(copy(p.leaves[:], leaves))
	p.refs = slices.ContainsFunc(leaves, func(c uint32) bool { return c&codeRef != 0 })
}

// compile appends a formula, or its complement when not is codeNot; it gives
// up, without code, on a long one.
func (p *plan) compile(f *formula, not uint32) bool {
	op := uint32(codePred)
	switch f.op {
	case opTrue, opFalse, opScore:
		p.code = nil
		return false
	case opNot:
		return p.compile(f.kids[0], not^codeNot)
	case opLeaf:
		p.code = append(p.code, codePred|not|f.pred.id)
	case opRef:
		p.code = append(p.code, codeRef|not|f.to.id)
	case opAnd, opOr:
		// De Morgan: the complement goes down to the operands.
		if op = codeAnd; (f.op == opOr) != (not != 0) {
			op = codeOr
		}
		for i, kid := range f.kids {
			if !p.compile(kid, not) {
				return false
			}
			if i > 0 {
				p.code = append(p.code, op)
			}
		}
	}
	if len(p.code) > maxCode {
		p.code = nil
		return false
	}
	return true
}

// holds computes the plan for one user from the known truth of predicates.
func (p *plan) holds(truth, member words) bool {
	row := uint64(0)
	switch {
	case p.n > 0 && !p.refs:
		for i, c := range p.leaves[:p.n] {
			if w := int(c >> 6); w < len(truth) {
				row |= truth[w] >> (c & 63) & 1 << i
			}
		}
		return p.table>>row&1 != 0
	case p.n > 0:
		for i, c := range p.leaves[:p.n] {
			row |= read(c, truth, member) << i
		}
		return p.table>>row&1 != 0
	}
	if p.code == nil {
		return p.tree.holds(truth, member)
	}
	return p.run(truth, member)
}

// read returns the bit that a word of code asks for.
func read(c uint32, truth, member words) uint64 {
	if c&codeRef != 0 {
		truth = member
	}
	if i := int(c & codeIndex >> 6); i < len(truth) {
		return truth[i] >> (c & 63) & 1
	}
	return 0
}

// run is the machine.
func (p *plan) run(truth, member words) bool {
	s := uint64(0)
	for _, c := range p.code {
		switch c & codeOp {
		case codePred, codeRef:
			s = s<<1 | read(c, truth, member) ^ uint64(c>>29&1)
		case codeAnd:
			s = s >> 1 & (s | ^uint64(1))
		default:
			s = s>>1 | s&1
		}
	}
	return s&1 != 0
}

// branch is a node of a plan that is a tree.
type branch struct {
	any   bool   // or; else and, which is true without parts
	not   bool   // the complement of it
	flags []test // predicates
	refs  []test // other audiences
	kids  []*branch
	sum   *weights // a score of the kids instead
}

// test is one bit that must be set, or clear when not.
type test struct {
	word uint32
	bit  uint8
	not  bool
}

func (t test) holds(b words) bool { return b.has(t.word<<6|uint32(t.bit)) != t.not }

func branchOf(f *formula) *branch {
	switch f.op {
	case opTrue:
		return &branch{}
	case opFalse:
		return &branch{not: true}
	case opNot:
		p := branchOf(f.kids[0])
		p.not = !p.not
		return p
	case opScore:
		p := &branch{sum: f.sum}
		for _, kid := range f.kids {
			p.kids = append(p.kids, branchOf(kid))
		}
		return p
	case opAnd, opOr:
		p := &branch{any: f.op == opOr}
		for _, kid := range f.kids {
			p.add(kid)
		}
		return p
	}
	p := &branch{}
	p.add(f)
	return p
}

func (p *branch) add(f *formula) {
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
		kid := branchOf(f)
		kid.not = kid.not != not
		p.kids = append(p.kids, kid)
	}
}

func (p *branch) holds(truth, member words) bool {
	return p.decided(truth, member) != p.not
}

func (p *branch) decided(truth, member words) bool {
	if p.sum != nil {
		sum := 0.0
		for i, kid := range p.kids {
			if kid.holds(truth, member) {
				sum += p.sum.points[i]
			}
		}
		return p.sum.holds(sum)
	}
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
