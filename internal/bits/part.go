package bits

import "iter"

// Words is the users of a block as bits, user 0 of the block being the lowest
// bit of the first word.
type Words = [blockWords]uint64

// Part is the users of one block of an answer.
type Part struct {
	Base  uint32   // of the block: a user is Base plus a place in it
	Words *Words   // when set, the users; else they are the list
	List  []uint16 // ascending
	Len   int      // users
}

// Source is users that are found a block at a time, while an expression is
// evaluated. Its methods are called by several goroutines.
type Source interface {
	// Span returns how many blocks of users it reaches at most.
	Span() int
	// Most returns how many users there are at most.
	Most() int
	// Count returns the number of users in a block.
	Count(block int) int
	// Block returns the users of a block: either appended to the list, ascending,
	// or, when the list is nil, as words. It returns their number, too.
	Block(block int, list []uint16, words *Words) ([]uint16, int)
}

// From is the users of a source.
func From(s Source) Expr { return Expr{op: opSource, source: s} }

// Parts yields the blocks of the answer that hold somebody, in order. A part
// is good until the next one.
func (e Expr) Parts() iter.Seq[Part] {
	return func(yield func(Part) bool) {
		span := e.span()
		kernel := newKernel()
		ev := newEvaluator(e, kernel)
		var all *page
		for i := range span {
			b, _ := ev.eval(i)
			if b.n == unknown {
				b.n = kernel.count(b.words)
			}
			p := Part{Base: uint32(i) * blockUsers, Words: (*Words)(b.words), List: b.array, Len: b.n}
			if b.empty() {
				continue
			}
			if b.full() && b.words == nil {
				if all == nil {
					all = new(page)
					all.fill()
				}
				p.Words = (*Words)(all)
			}
			if !yield(p) {
				return
			}
		}
	}
}

// Builder makes a set of parts. The zero value is ready to use.
type Builder struct{ s Set }

// Add adds a part behind those before it; it copies the users.
func (b *Builder) Add(p Part) {
	i := int(p.Base / blockUsers)
	b.s.blocks = append(b.s.blocks, make([]block, i+1-len(b.s.blocks))...)
	b.s.put(i, block{n: p.Len, array: p.List, words: (*page)(p.Words)}, false)
}

// Set returns the set; the builder is then empty again.
func (b *Builder) Set() *Set {
	s := b.s
	b.s = Set{}
	return s.trim()
}
