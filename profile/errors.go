package profile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zhun-go/zhun/internal/journal"
)

// What callers branch on. Errors that carry details wrap one of these.
var (
	// ErrClosed says that the store has been closed.
	ErrClosed = errors.New("profile: store is closed")
	// ErrUser says that no person has the number.
	ErrUser = errors.New("profile: no such user")
	// ErrOptions is wrapped by errors about options; the message names the
	// field and its value.
	ErrOptions = errors.New("profile: bad options")
	// ErrView is wrapped by errors about attaching and detaching views.
	ErrView = errors.New("profile: view")
	// ErrExhausted says that every user number of this shard has been handed
	// out.
	ErrExhausted = errors.New("profile: user numbers are exhausted")
	// ErrMerge says that two stores cannot be merged; the message says why.
	ErrMerge = errors.New("profile: stores cannot be merged")
	// ErrSyntax is wrapped by errors about lines that are not an event.
	ErrSyntax = errors.New("profile: not an event")
	// ErrRecord says that a host record has no key.
	ErrRecord = errors.New("profile: record without a key")
	// ErrTime says that an instant is missing or outside the years 1–9999.
	ErrTime = errors.New("profile: bad time")
	// ErrPurpose says that a purpose has no name.
	ErrPurpose = errors.New("profile: purpose without a name")
	// ErrUnknownKey says that nobody has a key, or somebody else.
	ErrUnknownKey = errors.New("profile: unknown key")
	// ErrNotLinked says that two keys are not one person.
	ErrNotLinked = errors.New("profile: not one person")
	// ErrImport is wrapped by errors about data that Export did not give.
	ErrImport = errors.New("profile: cannot import")

	// ErrTag says that a tag cannot be held; the message says why.
	ErrTag = errors.New("profile: tag")
	// ErrTaxonomy is wrapped by errors about taxonomies.
	ErrTaxonomy = errors.New("profile: taxonomy")
	// ErrConsent is wrapped by errors about consent signals.
	ErrConsent = errors.New("profile: consent signal")
	// ErrLearn says that something cannot be learned from what is held.
	ErrLearn = errors.New("profile: cannot learn")

	// ErrRefused is wrapped by every refusal of an event, beside one of the
	// reasons below.
	ErrRefused = errors.New("profile: event refused")
	// ErrNoKey refuses an event without a usable key.
	ErrNoKey = errors.New("no usable key")
	// ErrNoTime refuses an event without a time, with one outside the years
	// 1–9999, or beyond Options.MaxAhead.
	ErrNoTime = errors.New("no usable time")
	// ErrNoName refuses a track event without a name, and names longer than
	// 256 bytes or not in UTF-8.
	ErrNoName = errors.New("no usable name")
	// ErrBot refuses an event of a crawler or another program.
	ErrBot = errors.New("sent by a program")
	// ErrErased refuses an event of an erased person up to the instant of
	// erasure.
	ErrErased = errors.New("person was erased")
	// ErrTooLarge refuses an event beyond Options.MaxEventBytes,
	// Options.MaxFields or Options.MaxEventKeys. In a store of [Open] it also
	// refuses what one transaction cannot hold, see [Store.Commit],
	// [Store.Merge] and [Store.Import].
	ErrTooLarge = errors.New("too large")
	// ErrLate refuses an event older than Options.MaxLateness.
	ErrLate = errors.New("too late")
	// ErrType refuses an event of an unknown type.
	ErrType = errors.New("unknown type")
)

// RefusedError says why an event was refused. It wraps [ErrRefused] and
// Reason.
type RefusedError struct {
	ID     string // the event's id, as given
	Name   string // its name
	Reason error  // ErrNoKey, ErrNoTime, ErrNoName, ErrBot, ErrErased, ErrTooLarge, ErrLate or ErrType
	Value  string // the value that led to it
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("profile: event %q %q refused: %v (%s)", e.ID, e.Name, e.Reason, e.Value)
}

// Unwrap returns ErrRefused and the reason.
func (e *RefusedError) Unwrap() []error { return []error{ErrRefused, e.Reason} }

// BatchError says which events of a batch were refused; the others and the
// records of the batch are in.
type BatchError struct {
	Refused map[int]error // by index in Batch.Events
	first   int
}

func (e *BatchError) Error() string {
	return fmt.Sprintf("profile: %d events of the batch refused, the first at %d: %v", len(e.Refused), e.first, e.Refused[e.first])
}

// Unwrap returns the first refusal.
func (e *BatchError) Unwrap() error { return e.Refused[e.first] }

// ViewError says that a view failed and was detached. It wraps the view's
// error.
type ViewError struct {
	View string // the name it was attached under
	Verb string // what it was asked to do
	Err  error
}

func (e *ViewError) Error() string {
	return fmt.Sprintf("profile: view %q detached: %s: %v", e.View, e.Verb, e.Err)
}

// Unwrap returns ErrView and the view's own error.
func (e *ViewError) Unwrap() []error { return []error{ErrView, e.Err} }

// SyntaxError says where a line stopped being an event. It wraps [ErrSyntax].
type SyntaxError struct {
	Line   int    // from 1; 0 when a single event was decoded
	Column int    // from 1, in bytes; 0 when the whole line is meant
	Reason string // what was wrong, with the offending value
}

func (e *SyntaxError) Error() string {
	var b strings.Builder
	b.WriteString("profile: not an event")
	if e.Line > 0 {
		fmt.Fprintf(&b, ": line %d", e.Line)
	}
	if e.Column > 0 {
		fmt.Fprintf(&b, ": column %d", e.Column)
	}
	b.WriteString(": ")
	b.WriteString(e.Reason)
	return b.String()
}

// Unwrap returns [ErrSyntax].
func (e *SyntaxError) Unwrap() error { return ErrSyntax }

func optionError(field string, value any, why string) error {
	return fmt.Errorf("%w: %s = %v: %s", ErrOptions, field, value, why)
}

func userError(user uint32) error { return fmt.Errorf("%w: %d", ErrUser, user) }

func timeError(at time.Time) error { return fmt.Errorf("%w: %v", ErrTime, at) }

// JournalError says that the store's directory could not be written or read.
// It wraps [ErrJournal], and [ErrFull], [ErrReadOnly], [ErrLocked],
// [ErrCorrupt] or [ErrVersion] where that is the cause, which names file and
// offset.
type JournalError struct{ Err error }

func (e *JournalError) Error() string { return fmt.Sprintf("profile: %v", e.Err) }

// Unwrap returns ErrJournal and the cause.
func (e *JournalError) Unwrap() []error { return []error{ErrJournal, e.Err} }

var (
	// ErrJournal is wrapped by errors of the store's directory. After one
	// nothing more is applied: every later change gives the same error,
	// while reading goes on.
	ErrJournal = errors.New("profile: journal")
	// ErrFull says that the disk has no space left.
	ErrFull = journal.ErrFull
	// ErrReadOnly says that the directory cannot be written.
	ErrReadOnly = journal.ErrReadOnly
	// ErrLocked says that another store has the directory open.
	ErrLocked = journal.ErrLocked
)

func journalError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, journal.ErrClosed):
		return ErrClosed
	}
	return &JournalError{err}
}

// replayError is journalError of what may be one already.
func replayError(err error) error {
	var bad *JournalError
	if err == nil || errors.As(err, &bad) {
		return err
	}
	return journalError(err)
}
