package main

import (
	"fmt"
	"strings"
)

// LineError is one line of the input that could not be read.
type LineError struct {
	Line   int    `json:"line"`             // from 1
	Column int    `json:"column,omitempty"` // in bytes, from 1; 0 when the whole line is meant
	Field  string `json:"field,omitempty"`
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason"`

	field int // number of the column that holds Field
}

// Error implements error.
func (e *LineError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d", e.Line)
	if e.Column > 0 {
		fmt.Fprintf(&b, ", column %d", e.Column)
	}
	b.WriteString(": ")
	if e.Field != "" {
		fmt.Fprintf(&b, "%s ", e.Field)
		if e.Value != "" {
			fmt.Fprintf(&b, "%q ", clip(e.Value, 40))
		}
	}
	b.WriteString(e.Reason)
	return b.String()
}

// clip shortens s to at most n runes.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n-1])) + "…"
	}
	return s
}
