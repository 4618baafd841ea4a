package bits

import (
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// Expr is an expression over sets. Immutable; safe for concurrent use.
type Expr struct {
	op     op
	set    *Set
	source Source
	test   func() func(*Part)
	kids   []Expr
}

type op uint8

const (
	opSet op = iota
	opSource
	opWhere
	opAnd
	opOr
	opDiff
)

// Of is the users of a set.
func Of(s *Set) Expr { return Expr{op: opSet, set: s} }

// And is the users of all parts; of no parts, nobody.
func And(parts ...Expr) Expr { return join(opAnd, parts) }

// Or is the users of at least one part.
func Or(parts ...Expr) Expr { return join(opOr, parts) }

// Diff is the users of a who are not among b. The complement of an expression
// is its difference from the set of everybody.
func Diff(a, b Expr) Expr { return Expr{op: opDiff, kids: []Expr{a, b}} }

// Where is the users of an expression who pass a test. Each worker has a test of
// its own, which is called with one block after the other: it takes those who
// fail out of the words or the list, which are its to change, and sets Len.
func Where(e Expr, test func() func(*Part)) Expr {
	return Expr{op: opWhere, test: test, kids: []Expr{e}}
}

func join(op op, parts []Expr) Expr {
	e := Expr{op: op}
	for _, p := range parts {
		if p.op == op {
			e.kids = append(e.kids, p.kids...)
		} else {
			e.kids = append(e.kids, p)
		}
	}
	switch len(e.kids) {
	case 0:
		return Of(&Set{})
	case 1:
		return e.kids[0]
	}
	if op == opAnd {
		slices.SortStableFunc(e.kids, func(a, b Expr) int { return a.most() - b.most() })
	}
	return e
}

// most returns how many users an expression has at most.
func (e Expr) most() int {
	switch e.op {
	case opSet:
		return e.set.n
	case opSource:
		return e.source.Most()
	case opAnd, opDiff, opWhere:
		return e.kids[0].most()
	}
	n := 0
	for _, k := range e.kids {
		n += k.most()
	}
	return n
}

// span returns how many blocks an expression reaches at most.
func (e Expr) span() int {
	switch e.op {
	case opSet:
		return len(e.set.blocks)
	case opSource:
		return e.source.Span()
	}
	n := e.kids[0].span()
	for _, k := range e.kids[1:] {
		switch e.op {
		case opAnd:
			n = min(n, k.span())
		case opOr:
			n = max(n, k.span())
		}
	}
	return n
}

// Bytes returns the size of what a pass over all sets of the expression reads.
func (e Expr) Bytes() int {
	if e.op == opSet {
		return e.set.bytes()
	}
	n := 0
	for _, k := range e.kids {
		n += k.Bytes()
	}
	return n
}

// Set evaluates the expression with so many workers, at least one. The answer
// does not depend on their number.
func (e Expr) Set(workers int) *Set {
	s := &Set{blocks: make([]block, e.span())}
	kernel := newKernel()
	Split(len(s.blocks), workers, func(mine iter.Seq[int]) {
		ev, fresh := newEvaluator(e, kernel), slab{}
		for i := range mine {
			b, shared := ev.eval(i)
			if b.n == unknown {
				b.n = kernel.count(b.words)
			}
			if s.put(i, b, shared || b.words == ev.out); ev.out != nil && s.blocks[i].words == ev.out {
				ev.out = fresh.page() // that one is taken
			}
		}
	})
	return s.trim()
}

// Count returns the number of users, with so many workers, at least one.
func (e Expr) Count(workers int) int {
	var total atomic.Int64
	kernel := newKernel()
	Split(e.span(), workers, func(mine iter.Seq[int]) {
		ev := newEvaluator(e, kernel)
		n := 0
		for i := range mine {
			n += ev.count(i)
		}
		total.Add(int64(n))
	})
	return int(total.Load())
}

// AtLeast reports whether there are n users; it stops as soon as it knows.
func (e Expr) AtLeast(n int) bool {
	ev := newEvaluator(e, newKernel())
	found := 0
	for i := 0; i < e.span() && found < n; i++ {
		found += ev.count(i)
	}
	return found >= n
}

// Split hands numbered pieces of work out to at most so many workers, each of
// which calls work once with those that come to be its own. It takes a few at a
// time, so that nobody waits for one who began late.
func Split(pieces, workers int, work func(mine iter.Seq[int])) {
	if pieces == 0 {
		return
	}
	const turn = 8
	var taken atomic.Int64
	mine := func(yield func(int) bool) {
		for {
			to := int(taken.Add(turn))
			for i := to - turn; i < min(to, pieces); i++ {
				if !yield(i) {
					return
				}
			}
			if to >= pieces {
				return
			}
		}
	}
	var wg sync.WaitGroup
	for range min(workers, (pieces+turn-1)/turn) - 1 {
		wg.Go(func() { work(mine) })
	}
	work(mine)
	wg.Wait()
}
