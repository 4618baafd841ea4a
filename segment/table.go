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
	rows [blockUsers]*row
	held mask
	n    int

	epoch uint32
	rings []*rings // by matcher, nil where there are none
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
	return p.rows[user%blockUsers]
}

// own returns the page of a block, for change.
func (t *table) own(block int) *page {
	p := t.page(block)
	if p == nil || p.epoch == t.epoch {
		return p
	}
	mine := *p
	mine.epoch = t.epoch
	t.chapters[block/chapterPages][block%chapterPages] = &mine
	return &mine
}

// renew returns the row, for change of its truth. What is derived from that
// is in no picture, and moves on.
func (t *table) renew(r *row) *row {
	if r.epoch == t.epoch {
		return r
	}
	mine := r.clone()
	mine.truth0, mine.member, mine.members, mine.next = r.truth0, r.member, r.members, r.next
	if r.far != nil && (r.far.truth != nil || r.far.armed != nil) {
		f := mine.farther()
		f.truth, f.armed = r.far.truth, r.far.armed
	}
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
	i := r.user % blockUsers
	r.epoch = t.epoch
	if pg.rows[i] == nil {
		pg.n++
		t.n++
		t.users.Add(r.user)
	}
	pg.rows[i] = r
	pg.held[i/64] |= 1 << (i % 64)
}

func (t *table) remove(user uint32) {
	if t.get(user) == nil {
		return
	}
	block, i := int(user/blockUsers), user%blockUsers
	pg := t.own(block)
	pg.rows[i] = nil
	pg.held[i/64] &^= 1 << (i % 64)
	t.n--
	t.users.Remove(user)
	if pg.n--; pg.n == 0 {
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
			for _, r := range p.rows {
				if r != nil && !yield(r) {
					return
				}
			}
		}
	}
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
		for _, r := range pages[i/16].rows[i%16*(blockUsers/16):] {
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
