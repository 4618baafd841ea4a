package profile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Taxonomy is a hierarchy of headings with ids, as the IAB and others publish
// them, for naming tags. Immutable; safe for concurrent use.
type Taxonomy struct {
	paths map[string]string // by id
	order []string
}

// TaxonomyOptions say how a taxonomy is written. Nil means the defaults.
type TaxonomyOptions struct {
	// ID, Parent and Name are the titles of the columns; defaults
	// "Unique ID", then "Parent ID" or "Parent", and "Name", else the last of
	// the columns "Tier 1", "Tier 2", … that is not empty. The first line
	// that has all of them is the head; lines before it are skipped.
	ID, Parent, Name string
	// Comma separates the columns; default ','.
	Comma rune
	// SelfRoots takes a heading that is its own parent for a root, as in the
	// IAB's ad product taxonomy, rather than for a cycle.
	SelfRoots bool
	// Prefix stands before every name, such as "interest".
	Prefix string
}

// CycleError says that headings are each other's parents. It wraps
// [ErrTaxonomy].
type CycleError struct {
	// IDs are the ids from a heading by its parents to itself again.
	IDs []string
}

// Error names the cycle.
func (e *CycleError) Error() string {
	return fmt.Sprintf("%v: cycle %s", ErrTaxonomy, strings.Join(e.IDs, " → "))
}

// Unwrap returns [ErrTaxonomy].
func (e *CycleError) Unwrap() error { return ErrTaxonomy }

type heading struct{ parent, name string }

// ReadTaxonomy reads a taxonomy from a table with a line per heading. Names
// become parts of tags: lower case, with "_" for what is neither letter nor
// digit.
//
// Errors wrap [ErrTaxonomy] and name the line: no head, an id that is missing
// or comes twice, an unknown parent, a heading without a name, headings of
// one parent that come to the same name, a [*CycleError]; or the reader's.
func ReadTaxonomy(r io.Reader, opts *TaxonomyOptions) (*Taxonomy, error) {
	var o TaxonomyOptions
	if opts != nil {
		o = *opts
	}
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1
	if o.Comma != 0 {
		c.Comma = o.Comma
	}
	headings := make(map[string]heading)
	var order []string
	id, parent := -1, -1
	var name []int
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTaxonomy, err)
		}
		line, _ := c.FieldPos(0)
		bad := func(why string, v any) error { return fmt.Errorf("%w: line %d: %s %q", ErrTaxonomy, line, why, v) }
		switch {
		case id < 0:
			id, parent, name = o.columns(row)
			continue
		case len(row) <= max(id, parent, slices.Min(name)):
			return nil, bad("too few columns", row)
		}
		h := heading{parent: strings.TrimSpace(row[parent])}
		for _, i := range name {
			if i < len(row) && strings.TrimSpace(row[i]) != "" {
				h.name = strings.TrimSpace(row[i])
			}
		}
		key := strings.TrimSpace(row[id])
		if key == "" && h == (heading{}) {
			continue
		}
		if _, twice := headings[key]; twice || key == "" {
			return nil, bad("id is missing or comes twice:", key)
		}
		if slug(h.name) == "" {
			return nil, bad("no name:", key)
		}
		if h.parent == key && o.SelfRoots {
			h.parent = ""
		}
		headings[key] = h
		order = append(order, key)
	}
	if id < 0 {
		return nil, fmt.Errorf("%w: no line names the columns", ErrTaxonomy)
	}
	return buildTaxonomy(headings, order, o.Prefix)
}

// columns finds the columns in a head; id is −1 if it is none.
func (o *TaxonomyOptions) columns(row []string) (id, parent int, name []int) {
	find := func(want string, defaults ...string) int {
		if want != "" {
			defaults = []string{want}
		}
		for _, d := range defaults {
			i := slices.IndexFunc(row, func(s string) bool {
				return strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(s, "\ufeff")), d)
			})
			if i >= 0 {
				return i
			}
		}
		return -1
	}
	id, parent = find(o.ID, "Unique ID"), find(o.Parent, "Parent ID", "Parent")
	if i := find(o.Name, "Name"); i >= 0 {
		name = []int{i}
	} else if o.Name == "" {
		for i, title := range row {
			if strings.HasPrefix(strings.TrimSpace(title), "Tier ") {
				name = append(name, i)
			}
		}
	}
	if parent < 0 || len(name) == 0 {
		id = -1
	}
	return id, parent, name
}

func buildTaxonomy(headings map[string]heading, order []string, prefix string) (*Taxonomy, error) {
	t := &Taxonomy{paths: make(map[string]string, len(order)), order: order}
	taken := make(map[string]string)
	for _, start := range order {
		var way []string
		path := prefix
		for id := start; id != ""; id = headings[id].parent {
			if p, done := t.paths[id]; done {
				path = p
				break
			}
			if i := slices.Index(way, id); i >= 0 {
				return nil, &CycleError{IDs: append(slices.Clone(way[i:]), id)}
			}
			if _, known := headings[id]; !known {
				return nil, fmt.Errorf("%w: %q has the unknown parent %q", ErrTaxonomy, way[len(way)-1], id)
			}
			way = append(way, id)
		}
		for _, id := range slices.Backward(way) {
			if path != "" {
				path += "."
			}
			path += slug(headings[id].name)
			if len(path) > maxName {
				return nil, fmt.Errorf("%w: the path of %q is longer than %d bytes", ErrTaxonomy, id, maxName)
			}
			if other, twice := taken[path]; twice {
				return nil, fmt.Errorf("%w: %q and %q are both %q", ErrTaxonomy, other, id, path)
			}
			taken[path] = id
			t.paths[id] = path
		}
	}
	return t, nil
}

// slug returns a name as a part of a tag.
func slug(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range name {
		if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '+' {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('_')
			gap = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Tag returns the name of the tag for an id, such as
// "alcohol.beer", and whether the taxonomy has it.
func (t *Taxonomy) Tag(id string) (name string, ok bool) {
	name, ok = t.paths[id]
	return name, ok
}

// All yields the ids and the names of their tags in the order of the table.
func (t *Taxonomy) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, id := range t.order {
			if !yield(id, t.paths[id]) {
				return
			}
		}
	}
}

// Len returns how many headings there are.
func (t *Taxonomy) Len() int { return len(t.order) }
