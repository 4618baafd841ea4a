package bits

// evaluator is an expression with the scratch space of one worker. What eval
// returns is good until its next call, unless it is shared: then it is a block
// of a set.
type evaluator struct {
	op     op
	kernel kernel
	set    *Set
	source Source
	test   func(*Part)
	kids   []*evaluator
	out    *page // what it computes into
	array  []uint16
	part   []block // of the kids
	pages  []*page
}

func newEvaluator(e Expr, k kernel) *evaluator {
	v := &evaluator{op: e.op, set: e.set, source: e.source, kernel: k}
	if e.op != opSet {
		v.out = new(page)
	}
	if e.op == opWhere {
		v.test = e.test()
	}
	for _, kid := range e.kids {
		v.kids = append(v.kids, newEvaluator(kid, k))
	}
	return v
}

// eval computes a block.
func (v *evaluator) eval(i int) (b block, shared bool) {
	switch v.op {
	case opSet:
		return v.set.at(i), true
	case opSource:
		return v.find(i), false
	case opWhere:
		return v.where(i), false
	case opAnd:
		return v.and(i)
	case opOr:
		return v.or(i)
	}
	return v.diff(i)
}

// find asks the source, which may not reach that far.
func (v *evaluator) find(i int) block {
	if i >= v.source.Span() {
		return block{}
	}
	list, n := v.source.Block(i, v.array[:0], (*Words)(v.out))
	switch {
	case n == 0 || n == blockUsers:
		return block{n: n}
	case list != nil:
		v.array = list
	case n <= maxArray:
		v.array = v.out.append(v.array[:0])
	default:
		return block{n: n, words: v.out}
	}
	return block{n: n, array: v.array}
}

// where tests a copy of the users.
func (v *evaluator) where(i int) block {
	b, _ := v.kids[0].eval(i)
	if b.empty() {
		return block{}
	}
	p := Part{Base: uint32(i) * blockUsers, Len: b.n}
	if b.listed() {
		v.array = append(v.array[:0], b.array...)
		p.List = v.array
		v.test(&p)
		return block{n: p.Len, array: p.List}
	}
	if b.words == nil {
		v.out.fill()
	} else {
		*v.out = *b.words
	}
	if b.n == unknown {
		p.Len = v.kernel.count(v.out)
	}
	p.Words = (*Words)(v.out)
	v.test(&p)
	if p.Len == 0 {
		return block{}
	}
	return block{n: p.Len, words: v.out}
}

// or begins with the sets, since one that is full decides, and computes parts
// only for what they leave open.
func (v *evaluator) or(i int) (block, bool) {
	v.part, v.pages = v.part[:0], v.pages[:0]
	var last block
	lastShared, parts := false, 0
	for _, sets := range []bool{true, false} {
		for _, k := range v.kids {
			if (k.op == opSet) != sets {
				continue
			}
			b, shared := k.eval(i)
			switch {
			case b.full():
				return b, true
			case b.empty():
				continue
			case b.words != nil:
				v.pages = append(v.pages, b.words)
			default:
				v.part = append(v.part, b)
			}
			last, lastShared = b, shared
			parts++
		}
	}
	if parts < 2 {
		return last, lastShared
	}
	if len(v.pages) == 0 {
		*v.out = page{}
	} else {
		v.kernel.orPages(v.out, v.pages)
	}
	for _, b := range v.part {
		scatter(v.out, b.array)
	}
	return block{n: unknown, words: v.out}, false
}

// and begins with the sets that have least users, and goes on with the users
// these leave, one by one while they are few.
func (v *evaluator) and(i int) (block, bool) {
	v.pages, v.part = v.pages[:0], v.part[:0]
	// Sets first: any that is empty decides without a computation.
	few := -1      // the shortest array
	var last block // of the pages
	for _, k := range v.kids {
		if k.op != opSet {
			continue
		}
		if i >= len(k.set.blocks) {
			return block{}, true
		}
		switch b := &k.set.blocks[i]; {
		case b.empty():
			return block{}, true
		case b.full():
		case b.words != nil:
			v.pages, last = append(v.pages, b.words), *b
		default:
			if few < 0 || len(b.array) < len(v.part[few].array) {
				few = len(v.part)
			}
			v.part = append(v.part, *b)
		}
	}
	if few < 0 {
		return v.andPages(i, last, true)
	}
	left := append(v.array[:0], v.part[few].array...)
	for j, b := range v.part {
		if j != few && len(left) > 0 {
			left = v.out.meet(left, b.array)
		}
	}
	left = v.sieve(left, v.pages)
	for _, k := range v.kids {
		if k.op == opSet || len(left) == 0 {
			continue
		}
		b, _ := k.eval(i)
		switch {
		case b.empty():
			left = left[:0]
		case b.words != nil:
			left = b.words.filter(left, 1)
		case !b.full():
			left = v.out.meet(left, b.array)
		}
	}
	v.array = left
	return block{n: len(left), array: left}, false
}

// sieve keeps the users of an array, which it may overwrite, who are in all
// pages, four of them at a time. A look into a page that is not in a cache waits
// for memory, and even some dozen looks wait longer than a pass over the page
// takes: while so many are left, the pages are combined first.
func (v *evaluator) sieve(left []uint16, pages []*page) []uint16 {
	for len(pages) > 1 && len(left) > 0 {
		last := min(4, len(pages)) - 1
		a, b, c, d := pages[0], pages[1], pages[min(2, last)], pages[last]
		if len(left) > maxLooks {
			v.kernel.and4(v.out, a, b, c, d)
			left = v.out.filter(left, 1)
		} else {
			left = filterAll(left, a, b, c, d)
		}
		pages = pages[last+1:]
	}
	if len(pages) > 0 {
		left = pages[0].filter(left, 1)
	}
	return left
}

// maxLooks is up to how many users are looked up in pages one by one.
const maxLooks = 16

// count returns the number of users in a block, where it can without finding
// out who they are.
func (v *evaluator) count(i int) int {
	if v.op == opSource {
		return v.source.Count(i)
	}
	if v.op == opAnd && len(v.kids) == 2 && v.kids[0].op == opSet && v.kids[1].op == opSet {
		a, b := v.kids[0].set.at(i), v.kids[1].set.at(i)
		if a.listed() && b.listed() {
			if len(a.array) > len(b.array) {
				a, b = b, a
			}
			return v.out.common(a.array, b.array)
		}
		if a.words != nil && b.words != nil {
			return v.kernel.countAnd(a.words, b.words)
		}
		if a.words != nil && b.listed() {
			a, b = b, a
		}
		if a.listed() && b.words != nil {
			return b.words.hits(a.array)
		}
	}
	b, _ := v.eval(i)
	if b.n == unknown {
		return v.kernel.count(b.words)
	}
	return b.n
}

// andPages is and where no set is an array; last is the last page.
func (v *evaluator) andPages(i int, last block, lastShared bool) (block, bool) {
	for _, k := range v.kids {
		if k.op == opSet {
			continue
		}
		b, shared := k.eval(i)
		switch {
		case b.empty():
			return block{}, true
		case b.full():
		case b.words != nil:
			v.pages, last, lastShared = append(v.pages, b.words), b, shared
		default:
			// Few are left: look them up.
			v.part = append(v.part, b)
		}
	}
	switch {
	case len(v.part) > 0:
		left := append(v.array[:0], v.part[0].array...)
		for _, b := range v.part[1:] {
			left = v.out.meet(left, b.array)
		}
		left = v.sieve(left, v.pages)
		v.array = left
		return block{n: len(left), array: left}, false
	case len(v.pages) == 0:
		return block{n: blockUsers}, true
	case len(v.pages) == 1:
		return last, lastShared
	}
	v.kernel.andPages(v.out, v.pages)
	return block{n: unknown, words: v.out}, false
}

func (v *evaluator) diff(i int) (block, bool) {
	a, shared := v.kids[0].eval(i)
	if a.empty() {
		return a, shared
	}
	b, _ := v.kids[1].eval(i)
	switch {
	case b.empty():
		return a, shared
	case b.full():
		return block{}, true
	case a.words == nil && !a.full():
		left := append(v.array[:0], a.array...)
		if b.words != nil {
			left = b.words.filter(left, 0)
		} else {
			left = v.out.without(left, b.array)
		}
		v.array = left
		return block{n: len(left), array: left}, false
	case a.full():
		v.out.fill()
		a.words = v.out
	}
	if b.words != nil {
		v.kernel.andNot(v.out, a.words, b.words)
	} else {
		*v.out = *a.words
		v.out.unset(b.array)
	}
	return block{n: unknown, words: v.out}, false
}
