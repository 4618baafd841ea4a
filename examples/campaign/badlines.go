package main

import "fmt"

// maxSamples is how many bad lines a report shows.
const maxSamples = 5

// badLines counts the lines that could not be read and keeps the first few.
type badLines struct {
	limit   int // -1: none
	n       int
	samples []LineError
}

// add takes one bad line; it returns an error when there were too many.
func (b *badLines) add(e *LineError) error {
	b.n++
	if len(b.samples) < maxSamples {
		b.samples = append(b.samples, *e)
	}
	if b.limit >= 0 && b.n > b.limit {
		return fmt.Errorf("more than %s, the last in %w", plural(b.limit, "bad line", "bad lines"), e)
	}
	return nil
}
