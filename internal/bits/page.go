package bits

// orPages sets dst to the union of at least one page, none of them dst.
func (k *kernel) orPages(dst *page, pages []*page) { fold(dst, pages, k.or4) }

// andPages sets dst to what at least one page have in common, none of them dst.
func (k *kernel) andPages(dst *page, pages []*page) { fold(dst, pages, k.and4) }

func fold(dst *page, pages []*page, combine func(dst, a, b, c, d *page)) {
	// A page may stand twice: it is then in the first cache.
	at := func(i int) *page { return pages[min(i, len(pages)-1)] }
	combine(dst, at(0), at(1), at(2), at(3))
	for i := 4; i < len(pages); i += 3 {
		combine(dst, dst, at(i), at(i+1), at(i+2))
	}
}

func (p *page) fill() {
	for i := range p {
		p[i] = ^uint64(0)
	}
}

// scatter adds users.
func (p *page) scatter(array []uint16) {
	for _, v := range array {
		p[v/64] |= 1 << (v % 64)
	}
}

// unset takes users out.
func (p *page) unset(array []uint16) {
	for _, v := range array {
		p[v/64] &^= 1 << (v % 64)
	}
}

// filter keeps the users whose bit is want, 0 or 1. Whether one stays is a
// toss-up, so there is no branch on it.
func (p *page) filter(array []uint16, want uint64) []uint16 {
	n := 0
	for _, v := range array {
		array[n] = v
		n += int(p[v/64]>>(v%64)&1 ^ want ^ 1)
	}
	return array[:n]
}

// short is the length of an array that is looked for in a longer one; two
// longer ones meet through a page.
const short = 8

// meet keeps the users of array that are in other, too. p is scratch.
func (p *page) meet(array, other []uint16) []uint16 {
	if len(array) <= short {
		return pick(array, other, true)
	}
	clear(p[:])
	p.scatter(other)
	return p.filter(array, 1)
}

// without keeps the users of array that are not in other. p is scratch.
func (p *page) without(array, other []uint16) []uint16 {
	if len(array) <= short {
		return pick(array, other, false)
	}
	clear(p[:])
	p.scatter(other)
	return p.filter(array, 0)
}

// pick keeps the users of a short array that are in other, or are not.
func pick(array, other []uint16, want bool) []uint16 {
	kept := array[:0]
	for _, v := range array {
		lo, hi := 0, len(other)
		for lo < hi {
			if mid := int(uint(lo+hi) >> 1); other[mid] < v {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if (lo < len(other) && other[lo] == v) == want {
			kept = append(kept, v)
		}
	}
	return kept
}
