package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

var header = []string{"benchmark", "measured", "rival or limit", "ratio", "goal", "met", "rival vs guide"}

func (r report) rows() [][]string {
	var rows [][]string
	for _, f := range r.figures {
		met := "yes"
		if !f.met() {
			met = "NO"
		}
		guide := "-"
		if f.guide > 0 {
			guide = fmt.Sprintf("%.2f×", f.rival/f.guide)
			if f.suspect {
				guide += " slow?"
			}
		}
		rows = append(rows, []string{
			f.pkg[strings.LastIndex(f.pkg, "/")+1:] + "." + f.name,
			duration(f.own), duration(f.rival),
			ratio(f.ratio), "≤ " + ratio(f.goal), met, guide,
		})
	}
	return rows
}

func (r report) summary() string {
	met := 0
	for _, f := range r.figures {
		if f.met() {
			met++
		}
	}
	s := fmt.Sprintf("%d of %d goals met", met, len(r.figures))
	if r.slowdown > 0 {
		s += fmt.Sprintf("; rivals took %.2f× their guide times (median)", r.slowdown)
	}
	return s
}

func (r report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(header, "\t"))
	for _, row := range r.rows() {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	t.Flush()
	fmt.Fprintln(w, r.summary())
}

func (r report) markdown(w io.Writer, version string) {
	fmt.Fprintf(w, `# Benchmarks

Written by `+"`go run ./internal/figures -write`"+`. Each row is a benchmark with its rival
or physical limit measured in the same run; the goal is the wanted ratio of the
two. Times differ between machines and moments: believe the ratios.

%s, %s. %s.

| %s |
|%s
`, r.cpu, version, r.summary(), strings.Join(header, " | "), strings.Repeat(" --- |", len(header)))
	for _, row := range r.rows() {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
}

// duration prints nanoseconds with three significant digits.
func duration(ns float64) string {
	switch {
	case ns >= 1e9:
		return fmt.Sprintf("%.3g s", ns/1e9)
	case ns >= 1e6:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	case ns >= 1e3:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	}
	return fmt.Sprintf("%.3g ns", ns)
}

func ratio(x float64) string { return fmt.Sprintf("%.3g", x) }
