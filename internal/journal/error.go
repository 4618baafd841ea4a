package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/zhun-go/zhun/internal/wire"
)

var (
	// ErrCorrupt is wrapped by every error about files that do not hold what
	// was written. The error is an [*Error] that names file and offset.
	ErrCorrupt = wire.ErrCorrupt
	// ErrVersion is wrapped by errors about files of another layout version,
	// or whose records are of another Options.Format.
	ErrVersion = wire.ErrVersion
	// ErrLocked is wrapped when another journal, here or in another process,
	// has the directory open.
	ErrLocked = errors.New("directory is in use")
	// ErrFull is wrapped when the disk, a quota or a limit of file size is
	// exhausted.
	ErrFull = errors.New("no space left")
	// ErrReadOnly is wrapped when the directory cannot be written.
	ErrReadOnly = errors.New("directory cannot be written")
	// ErrClosed is returned by every call after Close.
	ErrClosed = errors.New("journal: closed")
	// ErrForgotten is wrapped when a record names a subject whose key has been
	// destroyed.
	ErrForgotten = errors.New("subject was forgotten")
	// ErrTooLarge is wrapped when a record or a batch exceeds what one
	// transaction may hold.
	ErrTooLarge = errors.New("too large")
	// ErrCut is wrapped when records are asked for that Truncate removed.
	ErrCut = errors.New("records have been cut")
	// ErrUncovered is wrapped when a cut would remove records that a kept
	// snapshot does not cover.
	ErrUncovered = errors.New("records are not covered by the kept snapshots")
	// ErrInvalid is wrapped when an argument makes no sense.
	ErrInvalid = errors.New("invalid argument")
)

// Error says which file could not be used, where, and why. It wraps one of
// the sentinels of this package, and the system's error if there was one.
type Error struct {
	File   string // base name within the directory; empty for the directory itself
	Offset int64  // in the file; -1 when unknown
	Reason string
	Err    error // a sentinel of this package, or the system's error
	Cause  error // the system's error behind a sentinel, or nil
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "journal: %v", e.Err)
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " at offset %d", e.Offset)
	}
	if e.File != "" {
		fmt.Fprintf(&b, " in %s", e.File)
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	return b.String()
}

// Unwrap returns the sentinel and the system's error.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}

func corrupt(file string, offset int64, format string, args ...any) error {
	return &Error{File: file, Offset: offset, Reason: fmt.Sprintf(format, args...), Err: ErrCorrupt}
}

// system gives an error of the operating system the sentinel that a caller
// can branch on. An error of this package passes unchanged.
func system(file, doing string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok || errors.Is(err, ErrClosed) {
		return err
	}
	e := &Error{File: file, Offset: -1, Reason: doing, Err: err}
	switch {
	case isFull(err):
		e.Err, e.Cause = ErrFull, err
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Err, e.Cause = ErrReadOnly, err
	}
	return e
}

// isFull also looks at the text, since bbolt formats the cause of a failed
// growth without wrapping it.
func isFull(err error) bool {
	for _, full := range fullErrors {
		if errors.Is(err, full) || strings.HasSuffix(err.Error(), full.Error()) {
			return true
		}
	}
	return false
}
