package bits

import (
	"slices"
	"sync"
)

// Expr is an expression over sets. Immutable; safe for concurrent use.
type Expr struct {
	op     op
	set    *Set
	source Source
	kids   []Expr
}

type op uint8

const (
	opSet op = iota
	opSource
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
	case opAnd, opDiff:
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
	kernel := kernelFor(len(s.blocks))
	split(len(s.blocks), workers, func(from, to int) {
		ev, fresh := newEvaluator(e, kernel), slab{}
		for i := from; i < to; i++ {
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
	var mu sync.Mutex
	total := 0
	kernel := kernelFor(e.span())
	split(e.span(), workers, func(from, to int) {
		ev := newEvaluator(e, kernel)
		n := 0
		for i := from; i < to; i++ {
			n += ev.count(i)
		}
		mu.Lock()
		total += n
		mu.Unlock()
	})
	return total
}

// AtLeast reports whether there are n users; it stops as soon as it knows.
func (e Expr) AtLeast(n int) bool {
	ev := newEvaluator(e, portable())
	found := 0
	for i := 0; i < e.span() && found < n; i++ {
		found += ev.count(i)
	}
	return found >= n
}

// split runs f over parts of the blocks, one part per worker.
func split(blocks, workers int, f func(from, to int)) {
	workers = max(1, min(workers, blocks))
	var wg sync.WaitGroup
	for w := 1; w < workers; w++ {
		wg.Go(func() { f(blocks*w/workers, blocks*(w+1)/workers) })
	}
	f(0, blocks/workers)
	wg.Wait()
}
