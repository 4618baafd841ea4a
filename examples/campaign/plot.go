package main

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"regexp"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// figure is one plot of the page. The legend is written by the page, beside the
// drawing, where it can cover nothing.
type figure struct {
	Title  string
	Legend []legendEntry
	SVG    template.HTML
}

type legendEntry struct {
	Name  string
	Color int // number of the page's colour
}

// A drawing is made in stand-in colours, which the page's style sheet then sets, so
// that it follows the reader's light or dark theme.
var (
	inkColor   = color.RGBA{0x01, 0x02, 0x03, 0xff}
	mutedColor = color.RGBA{0x01, 0x02, 0x04, 0xff}
	gridColor  = color.RGBA{0x01, 0x02, 0x05, 0xff}
)

const seriesColors = 8

func seriesColor(i int) color.RGBA {
	return color.RGBA{0x01, 0x03, uint8(1 + i%seriesColors), 0xff}
}

// standIn finds the stand-in colours in a drawing.
var standIn = regexp.MustCompile(`#01(02|03)(0[1-9])`)

func themed(svg string) string {
	return standIn.ReplaceAllStringFunc(svg, func(s string) string {
		switch {
		case s == "#010203":
			return "var(--ink)"
		case s == "#010204":
			return "var(--muted)"
		case s == "#010205":
			return "var(--grid)"
		}
		return "var(--c" + s[6:] + ")"
	})
}

// newPlot returns an empty plot in the page's style: small sans-serif type,
// no frame, faint lines across.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil // the page shows through
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color = mutedColor
		a.Width = 0.6
		a.Padding = 0
		a.Tick.Color = mutedColor
		a.Tick.Width = 0.6
		a.Tick.Length = 3
		a.Tick.Label.Color = mutedColor
		a.Tick.Label.Font = sans(8.5)
		a.Label.TextStyle.Color = mutedColor
		a.Label.TextStyle.Font = sans(8.5)
		a.Label.Padding = 5
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	return p
}

func sans(size font.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// lines draws the faint lines of one axis.
func gridLines(vertical, horizontal bool) *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical = draw.LineStyle{}
	g.Horizontal = draw.LineStyle{}
	if vertical {
		g.Vertical = draw.LineStyle{Color: gridColor, Width: 0.6}
	}
	if horizontal {
		g.Horizontal = draw.LineStyle{Color: gridColor, Width: 0.6}
	}
	return g
}

const figureWidth = 660 * vg.Length(1)

var (
	prologue = regexp.MustCompile(`(?s)^.*?<svg width="[^"]*" height="[^"]*"`)
	family   = regexp.MustCompile(`font-family:[^;"]*;font-variant:[^;"]*;font-weight:normal;font-style:normal;?`)
)

// svg draws a plot of the given height as an element of the page.
func svg(p *plot.Plot, height vg.Length, label string) (template.HTML, error) {
	c := vgsvg.NewWith(vgsvg.UseWH(figureWidth, height))
	p.Draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", err
	}
	s := prologue.ReplaceAllLiteralString(b.String(),
		`<svg role="img" aria-label="`+template.HTMLEscapeString(label)+`"`)
	s = strings.Replace(s, `xmlns:xlink="http://www.w3.org/1999/xlink"`, "", 1)
	s = family.ReplaceAllLiteralString(s, "")
	return template.HTML(themed(s)), nil //nolint:gosec // drawn here, its strings escaped by the canvas
}

// countTicks puts about n round ticks on an axis.
type countTicks struct {
	n      int
	format func(float64) string
}

// Ticks implements plot.Ticker.
func (t countTicks) Ticks(lo, hi float64) []plot.Tick {
	if !(hi > lo) {
		return nil
	}
	raw := (hi - lo) / float64(t.n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, f := range []float64{1, 2, 2.5, 5, 10} {
		if step*f >= raw {
			step *= f
			break
		}
	}
	var ticks []plot.Tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+step*1e-9; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: t.format(i * step)})
	}
	return ticks
}

// dateTicks puts ticks on the first of months, or on Mondays of a short span.
type dateTicks struct{}

// Ticks implements plot.Ticker over seconds since 1970.
func (dateTicks) Ticks(lo, hi float64) []plot.Tick {
	from, to := time.Unix(int64(lo), 0).UTC(), time.Unix(int64(hi), 0).UTC()
	span := to.Sub(from)
	const week = 7 * 24 * time.Hour
	var ticks []plot.Tick
	if span <= 18*week {
		every := 1
		if span > 9*week {
			every = 2
		}
		t := from.Truncate(24 * time.Hour)
		for t.Before(from) || t.Weekday() != time.Monday {
			t = t.AddDate(0, 0, 1)
		}
		for i := 0; !t.After(to); i++ {
			tick := plot.Tick{Value: float64(t.Unix())}
			if i%every == 0 {
				tick.Label = t.Format("2 Jan")
			}
			ticks = append(ticks, tick)
			t = t.AddDate(0, 0, 7)
		}
		return ticks
	}
	months := max(1, int(span/(30*24*time.Hour))/12)
	t := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC)
	if t.Before(from) {
		t = t.AddDate(0, 1, 0)
	}
	for ; !t.After(to); t = t.AddDate(0, months, 0) {
		layout := "Jan"
		if len(ticks) == 0 || t.Month() == time.January {
			layout = "Jan 2006"
		}
		ticks = append(ticks, plot.Tick{Value: float64(t.Unix()), Label: t.Format(layout)})
	}
	return ticks
}

// nameTicks labels the whole numbers 0, 1, … with names.
type nameTicks []string

// Ticks implements plot.Ticker.
func (t nameTicks) Ticks(lo, hi float64) []plot.Tick {
	var ticks []plot.Tick
	for i, name := range t {
		if v := float64(i); v >= lo && v <= hi {
			ticks = append(ticks, plot.Tick{Value: v, Label: name})
		}
	}
	return ticks
}

func wholeNumber(x float64) string { return grouped(x, 0) }

// decimalsFor is how many decimals the ticks of an axis of this height need.
func decimalsFor(top float64) int {
	if top <= 0 {
		return 2
	}
	return max(0, 1-int(math.Floor(math.Log10(top))))
}

// bar is a filled rectangle from the axis to value, whose lower edge and height are in units of the category axis.
type bar struct {
	value     float64
	low, high float64
	color     color.Color
}

// bars draws horizontal bars.
type bars []bar

// Plot implements plot.Plotter.
func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, r := range b {
		if r.value == 0 {
			continue
		}
		c.FillPolygon(r.color, []vg.Point{
			{X: x(0), Y: y(r.low)},
			{X: x(r.value), Y: y(r.low)},
			{X: x(r.value), Y: y(r.high)},
			{X: x(0), Y: y(r.high)},
		})
	}
}

// note is a word at a point.
type note struct {
	x, y  float64
	text  string
	right bool // the text stands right of the point, else centred on it
}

// notes writes small words into a plot.
type notes []note

// Plot implements plot.Plotter.
func (n notes) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := p.X.Tick.Label
	style.Color = inkColor
	style.YAlign = draw.YCenter
	for _, w := range n {
		at := vg.Point{X: x(w.x), Y: y(w.y)}
		style.XAlign = draw.XCenter
		if w.right {
			style.XAlign = draw.XLeft
			at.X += 5
		}
		c.FillText(style, at, w.text)
	}
}

// whisker is an interval with its middle.
type whisker struct {
	lo, mid, hi float64
	y           float64
	dot         bool
	color       color.Color
}

// whiskers draws horizontal intervals with end strokes and, where asked, a dot in the middle.
type whiskers []whisker

// Plot implements plot.Plotter.
func (w whiskers) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, i := range w {
		style := draw.LineStyle{Color: i.color, Width: 1.4}
		h := y(i.y)
		lo, hi := vg.Point{X: x(i.lo), Y: h}, vg.Point{X: x(i.hi), Y: h}
		c.StrokeLine2(style, lo.X, lo.Y, hi.X, hi.Y)
		for _, end := range []vg.Point{lo, hi} {
			c.StrokeLine2(style, end.X, end.Y-3.5, end.X, end.Y+3.5)
		}
		if i.dot {
			c.DrawGlyph(draw.GlyphStyle{Color: i.color, Radius: 4, Shape: draw.CircleGlyph{}}, vg.Point{X: x(i.mid), Y: h})
		}
	}
}

// diamonds marks points.
type diamonds struct {
	points plotter.XYs
	color  color.Color
}

// Plot implements plot.Plotter.
func (d diamonds) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	const r = 4.5
	for _, pt := range d.points {
		cx, cy := x(pt.X), y(pt.Y)
		c.FillPolygon(d.color, []vg.Point{{X: cx - r, Y: cy}, {X: cx, Y: cy + r}, {X: cx + r, Y: cy}, {X: cx, Y: cy - r}})
	}
}

// cross draws a line at x over the whole height.
type cross struct{ x float64 }

// Plot implements plot.Plotter.
func (l cross) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	c.StrokeLine2(draw.LineStyle{Color: mutedColor, Width: 1}, x(l.x), c.Min.Y, x(l.x), c.Max.Y)
}

func figureError(name string, err error) error { return fmt.Errorf("plot of %s: %w", name, err) }
