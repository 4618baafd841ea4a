package experiment

import (
	"errors"
	"fmt"

	"github.com/zhun-go/zhun/internal/wire"
)

// What callers branch on, with [errors.Is]. Every error of this package wraps one
// of these and says more, but for those of a [Sticky] store, which are its own;
// every warning wraps one of these or of the doubts below.
var (
	// ErrCorrupt is wrapped by errors about damaged, truncated or foreign bytes.
	ErrCorrupt = wire.ErrCorrupt
	// ErrVersion is wrapped by errors about bytes of a format version that
	// this build does not read.
	ErrVersion = wire.ErrVersion

	ErrInvalid   = errors.New("invalid option")                   // an option or argument out of its range
	ErrUser      = errors.New("user 0")                           // 0 is never a user
	ErrUnit      = errors.New("empty unit")                       // there is nothing to hash
	ErrArm       = errors.New("unknown arm")                      // neither declared nor seen
	ErrMetric    = errors.New("unknown metric")                   // neither declared nor recorded
	ErrTime      = errors.New("time outside the years 1 to 9999") // or the zero time
	ErrNotFinite = errors.New("not a finite number")              // NaN or an infinity, also from overflow
	ErrKind      = errors.New("kinds differ")                     // a proportion with a mean, one of something else than 0 and 1, quantiles of two levels
	ErrVariance  = errors.New("negative variance")                // the sums cannot come from numbers, or covariates explain each other
	ErrTooFew    = errors.New("too few observations")             // an arm with fewer than two; as a doubt, fewer than 5 expected in a cell
	ErrZero      = errors.New("control mean is zero")             // there is nothing to be relative to; a denominator is 0, or a mean has no logarithm
	ErrAttached  = errors.New("attached to a store")              // direct verbs would hide rows from the store
	ErrOptions   = errors.New("other options")                    // bytes or a view made with options that mean other rows
)

// Doubts that travel with a result in its Warnings.
var (
	ErrSampleRatio = errors.New("sample ratio mismatch")        // arms are not filled in the ratio of their weights
	ErrCrossover   = errors.New("users seen in several arms")   // above 0.5 % of the exposed
	ErrSkew        = errors.New("too skewed for its size")      // n < 355·skewness² in the smaller arm
	ErrNoVariance  = errors.New("no variance")                  // all values of both arms are the same
	ErrStratum     = errors.New("stratum left out")             // an epoch, or a stratum of users, with fewer than two in an arm
	ErrWeights     = errors.New("allocation weights not known") // of an epoch that was seen
)

// OptionError locates an option or argument that is out of its range. It
// wraps [ErrInvalid].
type OptionError struct {
	Func   string // the function that refused
	Field  string // the option or argument, such as "Arms[1].Weight"
	Value  any    // what it was
	Reason string // what it must be
}

func (e *OptionError) Error() string {
	if s, ok := e.Value.(string); ok {
		return fmt.Sprintf("experiment: %s: %s is %q, %s", e.Func, e.Field, s, e.Reason)
	}
	return fmt.Sprintf("experiment: %s: %s is %v, %s", e.Func, e.Field, e.Value, e.Reason)
}

// Unwrap returns [ErrInvalid].
func (e *OptionError) Unwrap() error { return ErrInvalid }

// ValueError carries a value that was refused and where. Err is one of the
// sentinels of this package.
type ValueError struct {
	Func  string
	What  string // what the value was meant to be, such as "metric" or "arm"
	Value any
	Err   error
}

func (e *ValueError) Error() string {
	if s, ok := e.Value.(string); ok {
		return fmt.Sprintf("experiment: %s: %v: %s %q", e.Func, e.Err, e.What, s)
	}
	return fmt.Sprintf("experiment: %s: %v: %s %v", e.Func, e.Err, e.What, e.Value)
}

// Unwrap returns the sentinel.
func (e *ValueError) Unwrap() error { return e.Err }
