package main

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// textWidth is the widest line of the report that is not a table.
const textWidth = 92

// writeText prints the report for a terminal.
func writeText(w io.Writer, r *Report) error {
	var b strings.Builder
	b.WriteString(r.title() + "\n" + r.subtitle() + "\n")
	for _, s := range r.sections() {
		b.WriteString("\n" + strings.ToUpper(s.Title) + "\n")
		if s.Lead != "" {
			paragraph(&b, "", s.Lead)
		}
		for _, g := range s.Tables {
			b.WriteString("\n")
			if g.Caption != "" {
				paragraph(&b, "", g.Caption)
			}
			b.WriteString(g.text() + "\n")
		}
		if len(s.Notes)+len(s.Warn) > 0 && len(s.Tables) > 0 {
			b.WriteString("\n")
		}
		for _, n := range s.Notes {
			paragraph(&b, "", n)
		}
		for _, n := range s.Warn {
			paragraph(&b, "! ", n)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// paragraph writes s below a section's title, broken into lines.
func paragraph(b *strings.Builder, mark, s string) {
	const indent = "  "
	line := indent + mark
	hang := indent + strings.Repeat(" ", len(mark))
	for _, word := range strings.Fields(s) {
		if strings.TrimSpace(line) != strings.TrimSpace(mark) && text.StringWidth(line)+1+text.StringWidth(word) > textWidth {
			b.WriteString(line + "\n")
			line = hang
		}
		if line != hang && line != indent+mark {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
}

// text draws the table with a rule below its head and no other lines.
func (g *grid) text() string {
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Name:   "quiet",
		Box:    table.BoxStyle{MiddleHorizontal: "─", MiddleSeparator: "─", PaddingLeft: "", PaddingRight: "  "},
		Format: table.FormatOptions{Header: text.FormatDefault, Footer: text.FormatDefault},
		Options: table.Options{
			SeparateHeader: true,
			SeparateFooter: true,
		},
	})
	head := make(table.Row, len(g.Head))
	var columns []table.ColumnConfig
	for i, h := range g.Head {
		name, right := heading(h)
		head[i] = name
		if right {
			columns = append(columns, table.ColumnConfig{
				Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight,
			})
		}
	}
	if n := len(g.Head); n > 0 && g.Wrap > 0 {
		columns = append(columns, table.ColumnConfig{Number: n, WidthMax: g.Wrap, WidthMaxEnforcer: text.WrapSoft})
	}
	t.SetColumnConfigs(columns)
	t.AppendHeader(head)
	for _, r := range g.Rows {
		t.AppendRow(cells(r))
	}
	if g.Foot != nil {
		t.AppendFooter(cells(g.Foot))
	}
	lines := strings.Split(t.Render(), "\n")
	for i, l := range lines {
		lines[i] = "  " + strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

func cells(row []string) table.Row {
	r := make(table.Row, len(row))
	for i, c := range row {
		r[i] = c
	}
	return r
}

// heading takes the mark of alignment off a column's heading.
func heading(h string) (name string, right bool) {
	return strings.CutSuffix(h, " >")
}
