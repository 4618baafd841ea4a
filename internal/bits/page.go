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

// filterAll keeps the users who are in four pages.
func filterAll(array []uint16, a, b, c, d *page) []uint16 {
	n := 0
	for _, v := range array {
		array[n] = v
		w := v / 64
		n += int((a[w] & b[w] & c[w] & d[w]) >> (v % 64) & 1)
	}
	return array[:n]
}

// hits counts the users of an array who are in the page.
func (p *page) hits(array []uint16) int {
	n := 0
	for _, v := range array {
		n += int(p[v/64] >> (v % 64) & 1)
	}
	return n
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
	scatter(p, other)
	return p.filter(array, 1)
}

// common counts the users that two arrays share, the first not the longer one.
// p is scratch.
func (p *page) common(array, other []uint16) int {
	if len(array) <= short {
		n := 0
		for _, v := range array {
			if found(other, v) {
				n++
			}
		}
		return n
	}
	clear(p[:])
	scatter(p, array)
	return p.hits(other)
}

// without keeps the users of array that are not in other. p is scratch.
func (p *page) without(array, other []uint16) []uint16 {
	if len(array) <= short {
		return pick(array, other, false)
	}
	clear(p[:])
	scatter(p, other)
	return p.filter(array, 0)
}

// pick keeps the users of a short array that are in other, or are not.
func pick(array, other []uint16, want bool) []uint16 {
	kept := array[:0]
	for _, v := range array {
		if found(other, v) == want {
			kept = append(kept, v)
		}
	}
	return kept
}

// found reports whether the user is in the array.
func found(array []uint16, v uint16) bool {
	lo, hi := 0, len(array)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); array[mid] < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(array) && array[lo] == v
}
