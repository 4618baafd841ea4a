package segment

import "iter"

// table holds the rows by user number, in pages, since numbers are dense.
type table struct {
	pages []*page
	n     int
}

const pageUsers = 1024

type page struct {
	rows [pageUsers]*row
	n    int
}

func (t *table) get(user uint32) *row {
	p := int(user / pageUsers)
	if p >= len(t.pages) || t.pages[p] == nil {
		return nil
	}
	return t.pages[p].rows[user%pageUsers]
}

func (t *table) put(r *row) {
	p := int(r.user / pageUsers)
	if p >= len(t.pages) {
		t.pages = append(t.pages, make([]*page, p+1-len(t.pages))...)
	}
	if t.pages[p] == nil {
		t.pages[p] = new(page)
	}
	if t.pages[p].rows[r.user%pageUsers] == nil {
		t.pages[p].n++
		t.n++
	}
	t.pages[p].rows[r.user%pageUsers] = r
}

func (t *table) remove(user uint32) {
	p := int(user / pageUsers)
	if t.get(user) == nil {
		return
	}
	t.pages[p].rows[user%pageUsers] = nil
	t.n--
	if t.pages[p].n--; t.pages[p].n == 0 {
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
