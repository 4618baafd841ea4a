package segment

import "iter"

// table holds the rows by user number, in pages of one block each, since
// numbers are dense.
type table struct {
	pages []*page
	n     int
}

type page struct {
	rows [blockUsers]*row
	held mask
	n    int
}

func (t *table) get(user uint32) *row {
	p := int(user / blockUsers)
	if p >= len(t.pages) || t.pages[p] == nil {
		return nil
	}
	return t.pages[p].rows[user%blockUsers]
}

func (t *table) put(r *row) {
	p := int(r.user / blockUsers)
	if p >= len(t.pages) {
		t.pages = append(t.pages, make([]*page, p+1-len(t.pages))...)
	}
	if t.pages[p] == nil {
		t.pages[p] = new(page)
	}
	pg, i := t.pages[p], r.user%blockUsers
	if pg.rows[i] == nil {
		pg.n++
		t.n++
	}
	pg.rows[i] = r
	pg.held[i/64] |= 1 << (i % 64)
}

func (t *table) remove(user uint32) {
	if t.get(user) == nil {
		return
	}
	p, i := int(user/blockUsers), user%blockUsers
	pg := t.pages[p]
	pg.rows[i] = nil
	pg.held[i/64] &^= 1 << (i % 64)
	t.n--
	if pg.n--; pg.n == 0 {
		t.pages[p] = nil
	}
}

// all yields the rows by ascending user.
func (t *table) all() iter.Seq[*row] {
	return func(yield func(*row) bool) {
		for _, p := range t.pages {
			if p == nil {
				continue
			}
			for _, r := range p.rows {
				if r != nil && !yield(r) {
					return
				}
			}
		}
	}
}

// sample returns up to n rows, the first of evenly spread blocks.
func (t *table) sample(n int) []*row {
	var rows []*row
	step := max(1, len(t.pages)*16/n)
	for i := 0; i < len(t.pages)*16 && len(rows) < n; i += step {
		p := t.pages[i/16]
		if p == nil {
			continue
		}
		for _, r := range p.rows[i%16*(blockUsers/16):] {
			if r != nil {
				rows = append(rows, r)
				break
			}
		}
	}
	// Few blocks give few rows that way: take more from the beginning.
	for r := range t.all() {
		if len(rows) >= min(n, t.n) {
			break
		}
		rows = append(rows, r)
	}
	return rows
}
