package main

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// grouped writes a number with thousands separators and the given decimals.
func grouped(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	s := strconv.FormatFloat(math.Abs(x), 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	if x < 0 && strings.Trim(s, "0.") != "" {
		b.WriteString("−")
	}
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	return b.String()
}

func count(n int) string { return grouped(float64(n), 0) }

func percent(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	return grouped(100*x, decimals) + " %"
}

// signed marks a positive number too, as belongs to a difference.
func signed(s string) string {
	if s == "–" || strings.HasPrefix(s, "−") || strings.Trim(s, "0., %") == "" {
		return s
	}
	return "+" + s
}

// pValue writes small values as a bound that a reader can take in.
func pValue(p float64) string {
	switch {
	case math.IsNaN(p):
		return "–"
	case p < 0.0001:
		return "< 0.0001"
	}
	return strconv.FormatFloat(p, 'f', 4, 64)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// plural puts a count before its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// amount writes a number in the unit of a metric.
func amount(x float64, unit string) string {
	switch unit {
	case "share":
		return percent(x, 2)
	case "money":
		return grouped(x, 2)
	}
	return grouped(x, 3)
}
