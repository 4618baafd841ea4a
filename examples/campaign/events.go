package main

import (
	"errors"
	"io"

	"github.com/zhun-go/zhun/profile"
)

// fromEvents reads Segment-spec events, one call or batch per line.
func fromEvents(c config, stdin io.Reader) (*source, error) {
	in, err := openInput(c.events, stdin)
	if err != nil {
		return nil, err
	}
	return &source{
		input:    Input{Kind: "events", File: shownName(c.events)},
		total:    in.size,
		position: in.taken.Load,
		events:   profile.ReadSegment(in),
		closer:   in,
	}, nil
}

// located turns a decoder's error about a line into the report's form; false
// means that the reader itself has failed.
func located(err error) (*LineError, bool) {
	var syntax *profile.SyntaxError
	if !errors.As(err, &syntax) {
		return nil, false
	}
	return &LineError{Line: syntax.Line, Column: syntax.Column, Reason: syntax.Reason}, true
}
