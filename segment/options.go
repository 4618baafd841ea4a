package segment

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/ids"
)

// Clock says what moves an index's clock.
type Clock uint8

const (
	// Auto moves the clock to the largest time observed, and by Advance. While
	// the index is attached to a store the store alone moves it.
	Auto Clock = iota
	// Manual moves the clock by Advance only.
	Manual
)

// Options are the options of an index. The zero value is the default.
type Options struct {
	// Events declares the events the index keeps, by name, and the kinds of
	// their fields. Nil means [DefaultEvents].
	Events map[string]Schema
	// Retain is how long events are kept and how far back a window may reach,
	// in whole seconds; math.MaxInt64, some 292 years, keeps everything.
	// Default 400 days.
	Retain time.Duration
	// Clock says what moves the clock. Default Auto.
	Clock Clock
	// Dynamic admits attributes, events and fields that are not declared, with
	// kind [Any]: rules may name what has not been seen yet, and everything
	// that arrives is kept.
	Dynamic bool
	// PerUser admits what rules refuse with [ErrUnsupported]: such a condition is
	// evaluated by expr's own machine, with the missing as nil and an error as
	// false, for users whom the rest of a question leaves undecided, and for
	// those whose attributes and events in it change. That takes microseconds
	// a user. It may read attributes and events(…), and call expr's functions;
	// other functions of rules stand outside it, joined by and, or and not.
	PerUser bool
	// Zone is the time zone of dates and calendar functions. Default UTC.
	Zone *time.Location
	// ZoneAttribute names the attribute, of kind [String], that holds a user's
	// own time zone as an IANA name; users without a usable one have Zone's.
	// Default none.
	ZoneAttribute string
	// MaxRule is the longest rule in bytes. Default 16384.
	MaxRule int
	// MaxNodes is the largest number of nodes in a rule. Default 2000.
	MaxNodes int
	// MaxDepth is how deeply a rule may be nested. Default 64.
	MaxDepth int
	// Recent is how many of the last transitions are kept for [Index.Watch] to
	// emit again. Default 4096.
	Recent int
	// Workers is how many goroutines a question about all users takes at most.
	// The answer does not depend on it. Default GOMAXPROCS.
	Workers int
}

const (
	day           = 24 * 60 * 60
	defaultRetain = 400 * day * time.Second
)

func (o *Options) withDefaults() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.Events == nil {
		opts.Events = DefaultEvents()
	}
	switch {
	case opts.Retain == 0:
		opts.Retain = defaultRetain
	case opts.Retain == math.MaxInt64:
		opts.Retain = opts.Retain.Truncate(time.Second)
	case opts.Retain < time.Second || opts.Retain%time.Second != 0:
		return opts, &OptionError{"Retain", opts.Retain, "must be a positive number of whole seconds"}
	}
	if opts.Clock > Manual {
		return opts, &OptionError{"Clock", opts.Clock, "must be Auto or Manual"}
	}
	if opts.Zone == nil {
		opts.Zone = time.UTC
	}
	for _, f := range []struct {
		name  string
		value *int
		def   int
	}{
		{"MaxRule", &opts.MaxRule, 16384},
		{"MaxNodes", &opts.MaxNodes, 2000},
		{"MaxDepth", &opts.MaxDepth, 64},
		{"Recent", &opts.Recent, 4096},
		{"Workers", &opts.Workers, runtime.GOMAXPROCS(0)},
	} {
		if *f.value == 0 {
			*f.value = f.def
		}
		if *f.value < 0 {
			return opts, &OptionError{f.name, *f.value, "must not be negative"}
		}
	}
	return opts, nil
}

// check refuses a schema no rule could name.
func (s Schema) check(where string) error {
	for _, name := range s.names() {
		k := s[name]
		field := fmt.Sprintf("%s[%q]", where, name)
		if name == "" || !utf8.ValidString(name) {
			return &OptionError{field, k, "must be named in UTF-8"}
		}
		if k > lastKind {
			return &OptionError{field, uint8(k), "is not a kind"}
		}
	}
	return nil
}

func (s Schema) names() []string {
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name)
	}
	slices.SortFunc(names, ids.Compare)
	return names
}

// parent returns the longest prefix of name, up to a dot, that is a field of
// objects.
func (s Schema) parent(name string) (parent, rest string, ok bool) {
	for i := len(name) - 1; i > 0; i-- {
		if name[i] == '.' && s[name[:i]] == Objects {
			if _, declared := s[name[:i]]; declared {
				return name[:i], name[i+1:], true
			}
		}
	}
	return "", "", false
}

// fingerprint is the text of the options that shape rows. Indexes merge, and
// bytes are read, only between equal ones.
func fingerprint(schema Schema, opts *Options) string {
	var b strings.Builder
	write := func(s Schema) {
		for _, name := range s.names() {
			fmt.Fprintf(&b, "%q:%d,", name, s[name])
		}
	}
	fmt.Fprintf(&b, "retain=%d dynamic=%t attributes={", opts.Retain/time.Second, opts.Dynamic)
	write(schema)
	b.WriteString("}")
	events := make([]string, 0, len(opts.Events))
	for name := range opts.Events {
		events = append(events, name)
	}
	slices.SortFunc(events, ids.Compare)
	for _, name := range events {
		fmt.Fprintf(&b, " %q={", name)
		write(opts.Events[name])
		b.WriteString("}")
	}
	return b.String()
}
