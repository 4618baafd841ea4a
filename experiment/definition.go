package experiment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Definition is an experiment as JSON: everything about it that is not code.
// The fields are those of [Options].
type Definition struct {
	Key        string               `json:"key"`
	Arms       []Arm                `json:"arms"`
	Salt       string               `json:"salt,omitempty"`
	Traffic    float64              `json:"traffic,omitempty"`
	Paused     bool                 `json:"paused,omitempty"`
	Past       []map[string]float64 `json:"past,omitempty"`
	Layer      *Layer               `json:"layer,omitempty"`
	Holdouts   []Holdout            `json:"holdouts,omitempty"`
	Forced     map[string]string    `json:"forced,omitempty"`
	Version    int                  `json:"version,omitempty"`
	MinVersion int                  `json:"min_version,omitempty"`
	Period     string               `json:"period,omitempty"` // as time.ParseDuration reads it
}

// Parse returns the experiment that JSON defines, checked as [New] checks it.
// Unknown fields, and anything after the definition, are errors. What is code
// comes from opts: Audience and Sticky; the rest of opts is not looked at, and
// nil is nothing.
func Parse(data []byte, opts *Options) (*Experiment, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var def Definition
	if err := d.Decode(&def); err != nil {
		return nil, fmt.Errorf("experiment: Parse: %w at byte %d: %v", ErrInvalid, place(err, data, d.InputOffset()), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("experiment: Parse: %w at byte %d: something after the definition", ErrInvalid, d.InputOffset())
	}
	o := Options{
		Salt: def.Salt, Traffic: def.Traffic, Paused: def.Paused, Past: def.Past, Layer: def.Layer,
		Holdouts: def.Holdouts, Forced: def.Forced, Version: def.Version, MinVersion: def.MinVersion,
	}
	if def.Period != "" {
		var err error
		if o.Period, err = time.ParseDuration(def.Period); err != nil {
			return nil, &OptionError{"Parse", "period", def.Period, "want a duration such as \"3h\""}
		}
	}
	if opts != nil {
		o.Audience, o.Sticky = opts.Audience, opts.Sticky
	}
	return New(def.Key, def.Arms, &o)
}

// place returns the byte, from 0, at which JSON cannot be read; the decoder by
// itself knows only how far it read.
func place(err error, data []byte, read int64) int64 {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); {
	case errors.As(err, &syntax):
		return syntax.Offset - 1
	case errors.As(err, &kind):
		return kind.Offset - 1
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return int64(len(data))
	case unknown:
		if i := bytes.Index(data, []byte(name)); i >= 0 {
			return int64(i)
		}
	}
	return read
}

// MarshalJSON writes the experiment's [Definition]. The zero Experiment is
// [ErrInvalid].
func (e *Experiment) MarshalJSON() ([]byte, error) {
	if len(e.weights) == 0 {
		return nil, &OptionError{"MarshalJSON", "experiment", "made of nothing", "want one of New"}
	}
	d := Definition{
		Key: e.key, Arms: e.arms, Salt: e.opts.Salt, Traffic: e.opts.Traffic, Paused: e.opts.Paused,
		Past: e.weights[:len(e.weights)-1], Layer: e.opts.Layer, Holdouts: e.opts.Holdouts, Forced: e.opts.Forced,
		Version: e.opts.Version, MinVersion: e.opts.MinVersion,
	}
	if e.opts.Period != 0 {
		d.Period = e.opts.Period.String()
	}
	return json.Marshal(d)
}
