package sim

import "time"

// Event is one line of the retailer's record as it reaches the receiver.
// [Event.AppendSegment] writes what a receiver may see; the field Hidden is the truth
// behind it and is never written.
//
// Money is in cents. A zero time, an empty string and a nil pointer are fields that the
// line does not have. Slices and pointers are shared with other events: do not write
// through them.
type Event struct {
	Type        string // "track", "page" or "identify"
	Name        string // of a track event
	ID          string // messageId
	AnonymousID string // first-party cookie
	UserID      string // account
	External    External

	Original  time.Time // originalTimestamp, by the clock of the device
	Sent      time.Time // sentAt, by the clock of the device
	Received  time.Time // receivedAt
	Timestamp time.Time // only on events of the shop's own servers

	Agent, IP, Zone string
	URL, Title      string
	Referrer        string
	Campaign        *Campaign
	Cost            float64 // of the touch, in units of the currency

	Traits   *Traits
	Consent  *Consent
	Products []Line
	Query    string
	OrderID  string
	Total    int64 // of an order: with shipping; of a refund: what is paid back
	Revenue  int64 // of an order: its lines
	Store    bool  // an order made in the store
	Rating   int
	Review   string
	Arm      string
	Unit     string

	Hidden  Hidden
	missing missing
	order   uint64
}

// External is an identifier of a person from outside the web shop.
type External struct{ Kind, Value string } // Kind: "loyalty_id", "phone" or "email"

// Campaign is the marketing context of a touch.
type Campaign struct{ Source, Medium, Name, Content string }

// Traits are what an identify event tells.
type Traits struct {
	Email, FirstName, LastName     string
	Country, City, Birthday, Phone string
	Loyalty                        string
	Created                        time.Time
}

// Consent is what a person allows from an event on.
type Consent struct{ Advertising, Analytics, Functional bool }

// Hidden is what the receiver of an event cannot know.
type Hidden struct {
	Customer  int       // number of the person, from 0; −1 for a bot
	Bot       bool      // the event is a bot's
	Duplicate bool      // a copy of a line delivered before
	Late      bool      // sent hours or days after it happened
	Skewed    bool      // from a device whose clock is wrong
	Missing   bool      // a field is missing
	Channel   string    // channel of a touch, ChannelDirect for a spontaneous visit, else empty
	Time      time.Time // when it really happened
}

// Customer gives the number of the person behind an event, −1 for a bot.
func (e *Event) Customer() int { return e.Hidden.Customer }

// missing is the field that dirt has taken out of a line.
type missing uint8

const (
	nothing missing = iota
	missingID
	missingOriginal
	missingSent
	missingAgent
	missingCookie
	missingCategory
	missingPrice
	missingKinds
)
