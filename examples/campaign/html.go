package main

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed page.gohtml
var pageSource string

// writeHTML prints the report as one page that needs nothing beside itself.
func writeHTML(w io.Writer, r *Report) error {
	page, err := template.New("page").Parse(pageSource)
	if err != nil {
		return err
	}
	figures, err := r.figures()
	if err != nil {
		return err
	}
	type part struct {
		section
		Tables []pageTable
		Figure *figure
	}
	data := struct {
		Title, Subtitle string
		Tiles           []tile
		Parts           []part
	}{Title: r.title(), Subtitle: r.subtitle(), Tiles: r.tiles()}
	for _, s := range r.sections() {
		p := part{section: s}
		for _, g := range s.Tables {
			p.Tables = append(p.Tables, g.page())
		}
		if f, ok := figures[s.ID]; ok {
			p.Figure = &f
		}
		data.Parts = append(data.Parts, p)
	}
	return page.Execute(w, data)
}

// tile is one of the figures at the head of the page.
type tile struct{ Label, Value, Hint string }

func (r *Report) tiles() []tile {
	in := &r.Ingestion
	tiles := []tile{
		{"events applied", count(in.Applied), plural(in.Duplicates, "duplicate", "duplicates") + " recognised"},
		{"profiles", count(in.Profiles), plural(in.Merges, "merge", "merges")},
	}
	if rec := r.Recommendations; rec != nil && rec.Accuracy != nil && len(rec.Accuracy.Models) > 1 {
		best := rec.Accuracy.Models[0]
		for _, m := range rec.Accuracy.Models {
			if m.Recall > best.Recall {
				best = m
			}
		}
		tiles = append(tiles, tile{"recall against popularity", grouped(best.Lift, 1) + "×", best.Model})
	}
	if e := r.Experiment; e != nil && len(e.Metrics) > 0 {
		m := e.Metrics[0]
		tiles = append(tiles, tile{e.Name + ": " + m.Name, signed(percent(m.Relative.Value, 1)), "p = " + pValue(m.P)})
	}
	if a := r.Attribution; a != nil {
		tiles = append(tiles, tile{"conversions", grouped(a.Conversions, 0), grouped(a.Unattributed, 0) + " without a touch"})
	}
	return tiles
}

// pageTable is a grid whose cells know their alignment.
type pageTable struct {
	Caption string
	Head    []cell
	Rows    []pageRow
	Foot    []cell
}

// pageRow is a row; one without a first cell goes on with what the row above began.
type pageRow struct {
	Cells     []cell
	Continues bool
}

type cell struct {
	Text  string
	Right bool
}

func (g *grid) page() pageTable {
	right := make([]bool, len(g.Head))
	t := pageTable{Caption: g.Caption}
	for i, h := range g.Head {
		var name string
		name, right[i] = heading(h)
		t.Head = append(t.Head, cell{name, right[i]})
	}
	row := func(texts []string) []cell {
		var cells []cell
		for i, s := range texts {
			cells = append(cells, cell{s, right[i]})
		}
		return cells
	}
	for _, r := range g.Rows {
		t.Rows = append(t.Rows, pageRow{Cells: row(r), Continues: r[0] == ""})
	}
	t.Foot = row(g.Foot)
	return t
}
