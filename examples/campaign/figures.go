package main

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// figures draws the plots of the page, by the identifier of their section.
func (r *Report) figures() (map[string]figure, error) {
	all := make(map[string]figure)
	for _, f := range []struct {
		id   string
		draw func() (figure, error)
	}{
		{"audiences", r.sizesFigure},
		{"recommendations", r.accuracyFigure},
		{"experiment", r.effectsFigure},
		{"attribution", r.creditFigure},
	} {
		drawn, err := f.draw()
		if err != nil {
			return nil, figureError(f.id, err)
		}
		if drawn.SVG != "" {
			all[f.id] = drawn
		}
	}
	return all, nil
}

// sizesFigure draws how many users each audience had at the end of each day.
func (r *Report) sizesFigure() (figure, error) {
	a := &r.Audiences
	f := figure{Title: "Users in each audience, by day"}
	if len(a.Days) < 2 {
		return figure{}, nil
	}
	p := newPlot("", "users")
	p.Add(gridLines(false, true))
	top := 1
	for i, x := range a.List {
		points := make(plotter.XYs, 0, len(x.Sizes))
		for d, n := range x.Sizes {
			t, err := time.Parse(time.DateOnly, a.Days[d])
			if err != nil {
				return figure{}, err
			}
			points = append(points, plotter.XY{X: float64(t.Unix()), Y: float64(n)})
			top = max(top, n)
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return figure{}, err
		}
		line.Color = seriesColor(i)
		line.Width = 1.6
		p.Add(line)
		f.Legend = append(f.Legend, legendEntry{x.Name, i%seriesColors + 1})
	}
	p.Y.Min, p.Y.Max = 0, float64(top)*1.05
	p.X.Tick.Marker = dateTicks{}
	p.Y.Tick.Marker = countTicks{5, wholeNumber}
	var err error
	f.SVG, err = svg(p, 230, f.Title)
	return f, err
}

// accuracyFigure draws the recall of each model with two standard errors.
func (r *Report) accuracyFigure() (figure, error) {
	if r.Recommendations == nil || r.Recommendations.Accuracy == nil || len(r.Recommendations.Accuracy.Models) == 0 {
		return figure{}, nil
	}
	h := r.Recommendations.Accuracy
	f := figure{
		Title:  "Recall of held-out items among the first " + count(h.K) + ", with two standard errors",
		Legend: []legendEntry{{"baseline", seriesColors}, {"model", 1}},
	}
	models := slices.Clone(h.Models)
	slices.Reverse(models) // the axis grows upwards, the table downwards
	var drawn bars
	var errs whiskers
	var words notes
	var names []string
	top := 0.0
	for i, m := range models {
		c := seriesColor(0)
		if m.Model == popularityModel {
			c = seriesColor(seriesColors - 1)
		}
		y := float64(i)
		drawn = append(drawn, bar{m.Recall, y - 0.32, y + 0.32, c})
		hi := m.Recall + 2*m.RecallSE
		errs = append(errs, whisker{lo: max(0, m.Recall-2*m.RecallSE), hi: hi, mid: m.Recall, y: y, color: inkColor})
		words = append(words, note{hi, y, grouped(m.Recall, 3) + "  (" + grouped(m.Lift, 1) + " × popularity)", true})
		names = append(names, m.Model)
		top = max(top, hi)
	}
	p := newPlot("recall@"+count(h.K), "")
	p.Add(gridLines(true, false), drawn, errs, words)
	categories(p, names)
	p.X.Min, p.X.Max = 0, top*1.28+1e-9
	p.X.Tick.Marker = countTicks{6, func(x float64) string { return grouped(x, decimalsFor(top)) }}
	var err error
	f.SVG, err = svg(p, vg.Length(44+34*len(models)), f.Title)
	return f, err
}

// categories makes the vertical axis one of names, from below.
func categories(p *plot.Plot, names []string) {
	p.Y.Tick.Marker = nameTicks(names)
	p.Y.Tick.Length = 0
	p.Y.Tick.Label.Color = inkColor
	p.Y.Min, p.Y.Max = -0.6, float64(len(names))-0.4
}

// effectsFigure draws the relative effect on each metric with its interval.
func (r *Report) effectsFigure() (figure, error) {
	if r.Experiment == nil || len(r.Experiment.Metrics) == 0 {
		return figure{}, nil
	}
	e := r.Experiment
	level := percent(e.Metrics[0].Relative.Level, 0)
	f := figure{
		Title:  "Effect relative to control, with the " + level + " interval",
		Legend: []legendEntry{{"estimate", 1}},
	}
	var lines whiskers
	var words notes
	var names []string
	truth := diamonds{color: seriesColor(1)}
	lo, hi := 0.0, 0.0
	metrics := slices.Clone(e.Metrics)
	slices.Reverse(metrics)
	for i, m := range metrics {
		y := float64(i)
		names = append(names, m.label(e))
		rel := m.Relative
		if !finite(rel.Lo) || !finite(rel.Hi) {
			continue
		}
		lines = append(lines, whisker{100 * rel.Lo, 100 * rel.Value, 100 * rel.Hi, y, true, seriesColor(0)})
		words = append(words, note{100 * rel.Value, y + 0.3, signed(percent(rel.Value, 1)), false})
		lo, hi = min(lo, 100*rel.Lo), max(hi, 100*rel.Hi)
		if m.Truth != nil && m.Control != 0 {
			at := 100 * *m.Truth / m.Control
			truth.points = append(truth.points, plotter.XY{X: at, Y: y - 0.24})
			lo, hi = min(lo, at), max(hi, at)
		}
	}
	if len(lines) == 0 {
		return figure{}, nil
	}
	p := newPlot("effect, % of control", "")
	p.Add(gridLines(true, false), cross{0}, lines, truth, words)
	if len(truth.points) > 0 {
		f.Legend = append(f.Legend, legendEntry{"known truth", 2})
	}
	categories(p, names)
	margin := 0.06 * (hi - lo)
	p.X.Min, p.X.Max = lo-margin, hi+margin
	p.X.Tick.Marker = countTicks{8, func(x float64) string { return signed(grouped(x, 0)) }}
	var err error
	f.SVG, err = svg(p, vg.Length(44+46*len(metrics)), f.Title)
	return f, err
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// creditFigure draws the conversions that each model gives each channel, and the
// true increments where they are known.
func (r *Report) creditFigure() (figure, error) {
	if r.Attribution == nil || len(r.Attribution.Channels) == 0 {
		return figure{}, nil
	}
	a := r.Attribution
	f := figure{Title: "Conversions credited to each channel, by model"}
	series := make([][]float64, 0, len(a.Models)+1)
	for i, m := range a.Models {
		series = append(series, m.Conversions)
		f.Legend = append(f.Legend, legendEntry{m.Model, i%seriesColors + 1})
	}
	if slices.ContainsFunc(a.Channels, func(c Channel) bool { return c.Increment != nil }) {
		truth := make([]float64, len(a.Channels))
		for i, c := range a.Channels {
			if c.Increment != nil {
				truth[i] = c.Increment.Shapley
			}
		}
		series = append(series, truth)
		f.Legend = append(f.Legend, legendEntry{"known truth: caused by the channel", seriesColors})
	}
	var drawn bars
	var names []string
	lo, hi := 0.0, 0.0
	width := 0.8 / float64(len(series))
	for i := range a.Channels {
		channel := len(a.Channels) - 1 - i
		names = append(names, a.Channels[channel].Name)
		for j, s := range series {
			high := float64(i) + 0.4 - float64(j)*width
			drawn = append(drawn, bar{s[channel], high - width*0.86, high, seriesColor(f.Legend[j].Color - 1)})
			lo, hi = min(lo, s[channel]), max(hi, s[channel])
		}
	}
	p := newPlot("conversions", "")
	p.Add(gridLines(true, false), drawn)
	if lo < 0 {
		p.Add(cross{0})
	}
	categories(p, names)
	p.X.Min, p.X.Max = lo*1.05, hi*1.05+1e-9
	p.X.Tick.Marker = countTicks{8, func(x float64) string { return grouped(x, decimalsFor(hi)) }}
	var err error
	f.SVG, err = svg(p, vg.Length(44+(14+8*len(series))*len(names)), f.Title)
	return f, err
}

// popularityModel names the baseline.
const popularityModel = "popularity"
