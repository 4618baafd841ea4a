package segment

import (
	"errors"
	"fmt"
	"time"

	"github.com/expr-lang/expr/file"

	"github.com/zhun-go/zhun/internal/wire"
)

var (
	// ErrCorrupt is wrapped by errors about bytes that are not what an index wrote.
	ErrCorrupt = wire.ErrCorrupt
	// ErrVersion is wrapped by errors about bytes of a newer format.
	ErrVersion = wire.ErrVersion
	// ErrUser is wrapped when a user number is 0, which is never a user.
	ErrUser = errors.New("user 0")
	// ErrTime is wrapped when an instant is zero or its year lies outside 1–9999.
	ErrTime = errors.New("time out of range")
	// ErrOptions is wrapped when two indexes, or an index and bytes, were made
	// with other schemas or another retention: rebuild from the log instead.
	ErrOptions = errors.New("other options")
	// ErrOption is wrapped when the options of a new index cannot be used.
	ErrOption = errors.New("bad option")
	// ErrAudience is wrapped when no audience has the name.
	ErrAudience = errors.New("unknown audience")
	// ErrNotHeld is wrapped when the index holds nothing of a user.
	ErrNotHeld = errors.New("user not held")
	// ErrReferenced is wrapped when an audience cannot be removed because the
	// rule of another one refers to it.
	ErrReferenced = errors.New("audience is referenced")

	// ErrSyntax is wrapped by a [RuleError] for text that is not an expression.
	ErrSyntax = errors.New("syntax")
	// ErrUnknown is wrapped by a [RuleError] for a name that is not declared.
	ErrUnknown = errors.New("unknown name")
	// ErrType is wrapped by a [RuleError] for operands of the wrong kind.
	ErrType = errors.New("type mismatch")
	// ErrUnsupported is wrapped by a [RuleError] for a construct of the expr
	// language that rules do not have.
	ErrUnsupported = errors.New("unsupported construct")
	// ErrNotRetained is wrapped by a [RuleError] for a window that reaches
	// beyond Options.Retain.
	ErrNotRetained = errors.New("window beyond retention")
	// ErrLimit is wrapped by a [RuleError] for a rule that is too long, has too
	// many nodes, is nested too deeply, or holds too long a pattern.
	ErrLimit = errors.New("limit exceeded")
	// ErrCycle is wrapped by a [RuleError] for audiences that refer to each other.
	ErrCycle = errors.New("audiences refer to each other")
)

// RuleError says what is wrong with a rule and where. Its message shows the
// line with a caret under the place.
type RuleError struct {
	Rule    string // the text
	Line    int    // from 1
	Column  int    // from 1, in characters
	Message string // what is wrong there
	Nearest string // for an unknown name, the declared name most like it, if any
	Err     error  // one of the sentinels of this package

	snippet string
}

// Error returns the message, the place and the line with a caret.
func (e *RuleError) Error() string {
	return fmt.Sprintf("segment: rule: %s (%d:%d)%s", e.Message, e.Line, e.Column, e.snippet)
}

// Unwrap returns the sentinel.
func (e *RuleError) Unwrap() error { return e.Err }

// ruleError places a message at a character offset of the rule.
func ruleError(rule string, from int, err error, format string, args ...any) *RuleError {
	f := (&file.Error{Location: file.Location{From: from}, Message: fmt.Sprintf(format, args...)}).Bind(file.NewSource(rule))
	return &RuleError{Rule: rule, Line: f.Line, Column: f.Column + 1, Message: f.Message, Err: err, snippet: f.Snippet}
}

// OptionError names the option that cannot be used.
type OptionError struct {
	Field string // such as "Retain" or `Events["Order Completed"]["total"]`
	Value any
	Why   string
}

// Error names the option, its value and what is wrong with it.
func (e *OptionError) Error() string {
	return fmt.Sprintf("segment: option %s = %v: %s", e.Field, e.Value, e.Why)
}

// Unwrap returns [ErrOption].
func (e *OptionError) Unwrap() error { return ErrOption }

// ObservationError says which observation of a batch cannot be used.
type ObservationError struct {
	Place int // in the batch, from 0
	Err   error
}

// Error names the place and what is wrong there.
func (e *ObservationError) Error() string {
	return fmt.Sprintf("segment: observation %d: %v", e.Place, e.Err)
}

// Unwrap returns what is wrong; it wraps [ErrUser].
func (e *ObservationError) Unwrap() error { return e.Err }

func timeError(verb string, at time.Time) error {
	return fmt.Errorf("segment: %s: %w: %v", verb, ErrTime, at)
}

func userError(verb string) error { return fmt.Errorf("segment: %s: %w", verb, ErrUser) }

func audienceError(verb, name string) error {
	return fmt.Errorf("segment: %s: %w %q", verb, ErrAudience, name)
}
