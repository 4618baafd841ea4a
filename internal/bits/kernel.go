package bits

import mathbits "math/bits"

// kernel combines up to four pages in one pass, or counts their users; dst may
// be one of them.
type kernel struct {
	or4, and4 func(dst, a, b, c, d *page)
	andNot    func(dst, a, b *page)
	count     func(p *page) int
	countAnd  func(a, b *page) int
}

// portable is the kernel without vector instructions.
func portable() kernel { return kernel{or4, and4, andNot, (*page).count, countAnd} }

func or4(dst, a, b, c, d *page) {
	for i := range dst {
		dst[i] = a[i] | b[i] | c[i] | d[i]
	}
}

func and4(dst, a, b, c, d *page) {
	for i := range dst {
		dst[i] = a[i] & b[i] & c[i] & d[i]
	}
}

func andNot(dst, a, b *page) {
	for i := range dst {
		dst[i] = a[i] &^ b[i]
	}
}

func countAnd(a, b *page) int {
	n := 0
	for i := range a {
		n += mathbits.OnesCount64(a[i] & b[i])
	}
	return n
}
