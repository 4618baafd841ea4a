package attribution

import (
	"errors"
	"fmt"

	"github.com/zhun-go/zhun/internal/wire"
)

var (
	// ErrUser is wrapped when a verb is called for user 0, which is nobody.
	ErrUser = errors.New("user 0 is nobody")
	// ErrInput is wrapped by every [*InputError] that has no closer sentinel:
	// a number, name, time or option that cannot be.
	ErrInput = errors.New("bad input")
	// ErrAttached is wrapped when a direct verb is called on journeys that a
	// store feeds.
	ErrAttached = errors.New("attached to a store, which feeds it")
	// ErrOptions is wrapped when journeys made with other options are merged
	// or decoded.
	ErrOptions = errors.New("made with other options")
	// ErrCurrency is wrapped when values in two currencies would be added.
	ErrCurrency = errors.New("mixed currencies")
	// ErrNoTimes is returned by rules that need the time or the kind of each
	// touch, for paths that came as aggregated rows.
	ErrNoTimes = errors.New("paths without times")
	// ErrNegative is returned by models for paths from which more was taken
	// out than had been put in.
	ErrNegative = errors.New("negative counts")
	// ErrDescriptive is wrapped by a warning in the result of every model
	// that shares out the conversions that happened without asking which of
	// them would have happened anyway.
	ErrDescriptive = errors.New("descriptive, not causal")

	// ErrCorrupt is wrapped by errors about damaged bytes.
	ErrCorrupt = wire.ErrCorrupt
	// ErrVersion is wrapped by errors about bytes of an unknown version.
	ErrVersion = wire.ErrVersion
)

// InputError says which input was refused, and why. It wraps [ErrUser],
// [ErrInput] or another sentinel of this package.
type InputError struct {
	Verb   string // what was called, such as "Touch"
	User   uint32 // the user it was called for, 0 if there is none
	Field  string // which input
	Value  any    // what it was
	Reason string // why it cannot be
	Err    error
}

func (e *InputError) Error() string {
	s := "attribution: " + e.Verb
	if e.User != 0 {
		s += fmt.Sprintf(": user %d", e.User)
	}
	if e.Field != "" {
		if text, ok := e.Value.(string); ok {
			s += fmt.Sprintf(": %s %q", e.Field, text)
		} else {
			s += fmt.Sprintf(": %s %v", e.Field, e.Value)
		}
	}
	if e.Err != nil && e.Err != ErrInput {
		s += ": " + e.Err.Error()
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// Unwrap returns the sentinel.
func (e *InputError) Unwrap() error { return e.Err }

func inputError(verb string, user uint32, field string, value any, reason string) error {
	return &InputError{Verb: verb, User: user, Field: field, Value: value, Reason: reason, Err: ErrInput}
}

func userError(verb string) error { return &InputError{Verb: verb, Err: ErrUser} }
