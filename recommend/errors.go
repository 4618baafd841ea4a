package recommend

import (
	"errors"
	"fmt"

	"github.com/zhun-go/zhun/internal/wire"
)

// What callers branch on. Most errors of the package are of type [*Error] and
// wrap one of these.
var (
	// ErrUser: the number 0 is never a user.
	ErrUser = errors.New("user 0")
	// ErrItem: an item id is empty, longer than 1,024 bytes or not UTF-8.
	ErrItem = errors.New("bad item")
	// ErrWeight: a weight is not a number within 1e-12 and 1e12.
	ErrWeight = errors.New("bad weight")
	// ErrTime: a time is zero or its year is outside 1–9999.
	ErrTime = errors.New("bad time")
	// ErrOption: a field of an options struct or of a query holds what it
	// cannot.
	ErrOption = errors.New("bad option")
	// ErrMismatch: two histories, or a history and the bytes of one, have
	// other options.
	ErrMismatch = errors.New("other options")
	// ErrAttached: the history is fed by a store; the direct verbs are refused.
	ErrAttached = errors.New("history is attached to a store")
	// ErrEmpty: there is nothing to fit on or to evaluate.
	ErrEmpty = errors.New("no interactions")
	// ErrItemSet: a set of items belongs to another model.
	ErrItemSet = errors.New("item set of another model")
	// ErrBudget: the result or the work would not fit the memory allowed.
	ErrBudget = errors.New("memory budget exceeded")
	// ErrCorrupt is wrapped by errors about bytes that are not what was
	// written.
	ErrCorrupt = wire.ErrCorrupt
	// ErrVersion is wrapped by errors about bytes of a format version that
	// this build does not read.
	ErrVersion = wire.ErrVersion
)

// Error says which value was refused, and where.
type Error struct {
	Where  string // such as "History.Add" or "ItemKNNOptions.K"
	Value  any    // the offending value; nil when there is none to show
	Reason string // what would be right; may be empty
	Err    error  // one of the package's sentinels
}

func (e *Error) Error() string {
	s := fmt.Sprintf("recommend: %s: %v", e.Where, e.Err)
	switch v := e.Value.(type) {
	case nil:
	case string:
		s += fmt.Sprintf(" %.60q", v)
	default:
		s += fmt.Sprintf(" %v", v)
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.Err }

func badOption(where string, value any, reason string) error {
	return &Error{Where: where, Value: value, Reason: reason, Err: ErrOption}
}
