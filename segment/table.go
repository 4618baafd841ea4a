package segment

import (
	"iter"
	"slices"

	"github.com/zhun-go/zhun/internal/bits"
)

// table holds the rows by user number, in pages of one block each, since
// numbers are dense. Pages come in chapters, so that a number far out costs
// little.
type table struct {
	chapters [][]*page
	n        int
	users    bits.Live // the same as a set
	// epoch counts the pictures taken. Pages and rows of an earlier one may be
	// part of a picture: they are copied before they change.
	epoch uint32
}

// chapterPages is how many pages a chapter has: four million users.
const chapterPages = 1024

type page struct {
	rows *[blockUsers]*row // nil while there are few
	held *mask             // with rows

	places []uint16 // of the few, ascending
	few    []*row

	n     int
	epoch uint32
	rings []*rings // by matcher, nil where there are none
}

// maxFew is up to how many rows of a page are a list: one for each user would
// be many times as large as the rows themselves.
const maxFew = blockUsers / 8

// row returns the row at a place, nil when nobody is held there.
func (p *page) row(i uint32) *row {
	if p.rows != nil {
		return p.rows[i]
	}
	if at, ok := p.find(i); ok {
		return p.few[at]
	}
	return nil
}

// find returns where a place is, or would be, among the few.
func (p *page) find(i uint32) (at int, ok bool) {
	if n := len(p.places); n == 0 || p.places[n-1] < uint16(i) {
		return n, false
	}
	return slices.BinarySearch(p.places, uint16(i))
}

// put sets the row at a place and reports whether nobody was held there.
func (p *page) put(i uint32, r *row) (fresh bool) {
	if p.rows == nil {
		at, ok := p.find(i)
		switch {
		case ok:
			p.few[at] = r
			return false
		case len(p.few) < maxFew:
			p.places, p.few = slices.Insert(p.places, at, uint16(i)), slices.Insert(p.few, at, r)
			p.n++
			return true
		}
		p.spread()
	}
	if fresh = p.rows[i] == nil; fresh {
		p.held[i/64] |= 1 << (i % 64)
		p.n++
	}
	p.rows[i] = r
	return fresh
}

// spread gives each user a place of their own: they are not few any more.
func (p *page) spread() {
	p.rows, p.held = new([blockUsers]*row), new(mask)
	for at, i := range p.places {
		p.rows[i] = p.few[at]
		p.held[i/64] |= 1 << (i % 64)
	}
	p.places, p.few = nil, nil
}

// remove takes out the row at a place, which is held.
func (p *page) remove(i uint32) {
	p.n--
	if p.rows != nil {
		p.rows[i] = nil
		p.held[i/64] &^= 1 << (i % 64)
		return
	}
	at, _ := p.find(i)
	p.places, p.few = slices.Delete(p.places, at, at+1), slices.Delete(p.few, at, at+1)
}

// clone copies what a change of rows changes.
func (p *page) clone() *page {
	c := *p
	if p.rows != nil {
		rows, held := *p.rows, *p.held
		c.rows, c.held = &rows, &held
	}
	c.places, c.few = slices.Clone(p.places), slices.Clone(p.few)
	return &c
}

// users returns who is held.
func (p *page) users() (m mask) {
	if p.held != nil {
		return *p.held
	}
	for _, i := range p.places {
		m[i/64] |= 1 << (i % 64)
	}
	return m
}

// all yields the rows in order.
func (p *page) all() iter.Seq[*row] {
	return func(yield func(*row) bool) {
		rows := p.few
		if p.rows != nil {
			rows = p.rows[:]
		}
		for _, r := range rows {
			if r != nil && !yield(r) {
				return
			}
		}
	}
}

// page returns the page of a block, nil when nobody of it is held.
func (t *table) page(block int) *page {
	c, i := block/chapterPages, block%chapterPages
	if c >= len(t.chapters) || i >= len(t.chapters[c]) {
		return nil
	}
	return t.chapters[c][i]
}

func (t *table) get(user uint32) *row {
	p := t.page(int(user / blockUsers))
	if p == nil {
		return nil
	}
	return p.row(user % blockUsers)
}

// own returns the page of a block, for change.
func (t *table) own(block int) *page {
	p := t.page(block)
	if p == nil || p.epoch == t.epoch {
		return p
	}
	mine := p.clone()
	mine.epoch = t.epoch
	t.chapters[block/chapterPages][block%chapterPages] = mine
	return mine
}

// renew returns the row, for change of its truth. What is derived from that
// is in no picture, and moves on.
func (t *table) renew(r *row) *row {
	if r.epoch == t.epoch {
		return r
	}
	mine := r.clone()
	mine.truth0, mine.in0, mine.next, mine.rest, mine.members = r.truth0, r.in0, r.next, r.rest, r.members
	t.put(mine)
	return mine
}

// freeze returns the table as it is now, for reading while this one changes.
func (t *table) freeze() table {
	frozen := table{chapters: make([][]*page, len(t.chapters)), n: t.n}
	for i, c := range t.chapters {
		frozen.chapters[i] = slices.Clone(c)
	}
	t.epoch++
	return frozen
}

func (t *table) put(r *row) {
	block := int(r.user / blockUsers)
	pg := t.own(block)
	if pg == nil {
		c, i := block/chapterPages, block%chapterPages
		if c >= len(t.chapters) {
			t.chapters = append(t.chapters, make([][]*page, c+1-len(t.chapters))...)
		}
		if n := len(t.chapters[c]); i >= n {
			t.chapters[c] = append(t.chapters[c], make([]*page, i+1-n)...)
		}
		pg = &page{epoch: t.epoch}
		t.chapters[c][i] = pg
	}
	r.epoch = t.epoch
	if pg.put(r.user%blockUsers, r) {
		t.n++
		t.users.Add(r.user)
	}
}

func (t *table) remove(user uint32) {
	if t.get(user) == nil {
		return
	}
	block, i := int(user/blockUsers), user%blockUsers
	pg := t.own(block)
	pg.remove(i)
	t.n--
	t.users.Remove(user)
	if pg.n == 0 {
		t.chapters[block/chapterPages][block%chapterPages] = nil
	}
}

// pages yields the pages that hold users, with their blocks, in order.
func (t *table) pages() iter.Seq2[int, *page] {
	return func(yield func(int, *page) bool) {
		for c, chapter := range t.chapters {
			for i, p := range chapter {
				if p != nil && !yield(c*chapterPages+i, p) {
					return
				}
			}
		}
	}
}

// all yields the rows by ascending user.
func (t *table) all() iter.Seq[*row] {
	return func(yield func(*row) bool) {
		for _, p := range t.pages() {
			for r := range p.all() {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// appendFrom appends the first row from a place on, if there is one.
func (p *page) appendFrom(rows []*row, i uint32) []*row {
	if p.rows == nil {
		at, _ := p.find(i)
		return append(rows, p.few[at:min(at+1, len(p.few))]...)
	}
	for _, r := range p.rows[i:] {
		if r != nil {
			return append(rows, r)
		}
	}
	return rows
}

// sample returns up to n rows, the first of evenly spread parts of blocks.
func (t *table) sample(n int) []*row {
	var pages []*page
	for _, p := range t.pages() {
		pages = append(pages, p)
	}
	var rows []*row
	step := max(1, len(pages)*16/n)
	for i := 0; i < len(pages)*16 && len(rows) < n; i += step {
		rows = pages[i/16].appendFrom(rows, uint32(i%16*(blockUsers/16)))
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
