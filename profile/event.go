package profile

import (
	"fmt"
	"time"
)

// Type says what kind of call an event was, after the Segment specification.
type Type uint8

// The types of events. The zero value is Track.
const (
	Track    Type = iota // something a person did, under its own name
	Identify             // attributes of a person
	Alias                // a previous identifier of the same person
	Group                // membership of an account or an organization
	Page                 // a web page seen
	Screen               // an app screen seen
	Consent              // purposes granted and denied; Fields map a purpose to a bool
)

const typeCount = int(Consent) + 1

// String returns the type's name in the Segment specification.
func (t Type) String() string {
	switch t {
	case Track:
		return "track"
	case Identify:
		return "identify"
	case Alias:
		return "alias"
	case Group:
		return "group"
	case Page:
		return "page"
	case Screen:
		return "screen"
	case Consent:
		return "consent"
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

func typeOf(name string) (Type, bool) {
	for t := range Type(typeCount) {
		if t.String() == name {
			return t, true
		}
	}
	return 0, false
}

// Event is one thing that happened to one person. The store copies what it
// keeps, so the caller may reuse the event and its fields.
type Event struct {
	// ID tells a redelivery from a second event. Empty means a hash of the
	// content: type, name, time, keys and fields.
	ID string
	// Name is the event's own name, such as "Order Completed"; required for
	// Track, and the page's or screen's name for those. Spaces around it are
	// removed and the v1 names of the Segment e-commerce specification
	// become those of v2.
	Name string
	Type Type
	// Time is when it happened by the sender's clock. When Sent and Received
	// are both set, the sender's clock is corrected by their difference:
	// Time + (Received − Sent). The result is never after Received. When it
	// is zero, Received stands in.
	Time time.Time
	// Sent is when the sender sent it, by the same clock as Time.
	Sent time.Time
	// Received is when the host received it, by the host's clock. Set it on
	// whatever comes from outside: it moves the store's clock and bounds Time.
	// Without it the clock follows Time, which is the sender's word; see
	// Options.MaxAhead.
	Received time.Time
	// Keys are the identifiers that the event names its person by; at least
	// one of them must be usable.
	Keys []Key
	// Fields hold bool, any integer or float type, string, time.Time,
	// []string, or []map[string]any; nested objects are flattened with dots.
	// What cannot be held is dropped and counted. A nil in an Identify
	// removes the attribute.
	Fields map[string]any
}

// Key is one identifier of a person: a kind such as "email" and its value.
type Key struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// String returns "kind:value".
func (k Key) String() string { return k.Kind + ":" + k.Value }

// Change is what one event, or one passing of time, did to one person.
type Change struct {
	// User is the person's number after the change; 0 when the event was
	// refused.
	User uint32
	// New reports that the person was not known before.
	New bool
	// Duplicate reports that the event had been applied before; nothing
	// changed.
	Duplicate bool
	// Late reports that the event was older than Options.MaxLateness.
	Late bool
	// Merged are the numbers that were folded into User. They are retired,
	// and [Store.Current] leads from them to User.
	Merged []uint32
	// Split are the numbers that stand on their own since this change: those
	// split off User, and those that another person lost when a key turned
	// out to be shared.
	Split []uint32
	// Attributes are the attributes and computed traits that changed, nil
	// where one was removed. Omitted with Options.OmitChanges.
	Attributes map[string]any
	// Detached are the views that failed and were detached.
	Detached []string
	// Seq numbers the changes of this store from 1.
	Seq uint64
}
