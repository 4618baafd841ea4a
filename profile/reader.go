package profile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// maxLine bounds a line of events.
const maxLine = 4 << 20

// ReadSegment yields the events of a stream of Segment JSON, one call or
// batch per line. A bad line, also one of more than 4 MiB, is yielded as a
// [*SyntaxError] with its number, and the next one follows. An error of the
// reader is yielded and ends the sequence. Empty lines are skipped. The
// sequence can be run once.
func ReadSegment(r io.Reader) iter.Seq2[Event, error] {
	return readLines(r, DecodeSegmentBatch)
}

// ReadCloudEvents is [ReadSegment] for CloudEvents in JSON, one per line.
func ReadCloudEvents(r io.Reader) iter.Seq2[Event, error] {
	return readLines(r, func(line []byte) ([]Event, error) {
		e, err := DecodeCloudEvent(line)
		if err != nil {
			return nil, err
		}
		return []Event{e}, nil
	})
}

func readLines(r io.Reader, decode func([]byte) ([]Event, error)) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		b := bufio.NewReaderSize(r, 64<<10)
		var long []byte
		for n := 1; ; n++ {
			line, tooLong, err := readLine(b, &long)
			if err != nil && err != io.EOF {
				yield(Event{}, fmt.Errorf("profile: reading line %d: %w", n, err))
				return
			}
			if n == 1 {
				line = bytes.TrimPrefix(line, []byte("\ufeff"))
			}
			switch trimmed := bytes.TrimSpace(line); {
			case tooLong:
				if !yield(Event{}, &SyntaxError{Line: n, Reason: fmt.Sprintf("longer than %d bytes", maxLine)}) {
					return
				}
			case len(trimmed) > 0:
				if !yieldLine(line, n, decode, yield) {
					return
				}
			}
			if err == io.EOF {
				return
			}
		}
	}
}

func yieldLine(line []byte, n int, decode func([]byte) ([]Event, error), yield func(Event, error) bool) bool {
	es, err := decode(line)
	if err != nil {
		var se *SyntaxError
		if errors.As(err, &se) {
			se.Line = n
		}
		return yield(Event{}, err)
	}
	for _, e := range es {
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

// readLine returns the next line without its end. A line that is too long is
// read to its end and dropped.
func readLine(b *bufio.Reader, long *[]byte) (line []byte, tooLong bool, err error) {
	*long = (*long)[:0]
	for {
		part, err := b.ReadSlice('\n')
		if len(*long)+len(part) > maxLine+1 {
			tooLong = true
			*long = (*long)[:0]
		}
		if err == bufio.ErrBufferFull {
			if !tooLong {
				*long = append(*long, part...)
			}
			continue
		}
		if tooLong {
			return nil, true, err
		}
		part = bytes.TrimSuffix(part, []byte("\n"))
		if len(*long) == 0 {
			return part, false, err
		}
		*long = append(*long, part...)
		return *long, false, err
	}
}
