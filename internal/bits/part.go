package bits

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
