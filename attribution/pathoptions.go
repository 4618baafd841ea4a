package attribution

import (
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// PathOptions say how timed touches become paths. Nil and zero fields mean
// the defaults.
type PathOptions struct {
	// Start is the first instant of the period: conversions before it and
	// journeys that ended before it are left out, touches before it count as
	// far as the lookback reaches. Default: from the beginning.
	Start time.Time
	// AsOf is the last instant of the period; what came later, refunds among
	// it, is not seen. Default: the clock, or the latest row if [Journeys.Advance]
	// was never called.
	AsOf time.Time

	// Click and View are how old a touch may be at the conversion, the window
	// being closed at both ends; default 30 days and 1 day. Channels gives
	// single channels their own, for both kinds, and ViewChannels another one
	// for their views.
	Click, View  time.Duration
	Channels     map[string]time.Duration
	ViewChannels map[string]time.Duration
	// Gap is how long nothing must happen after a touch for its journey to
	// have ended without a conversion; default the longest lookback.
	Gap time.Duration
	// SessionGap is how long a session may pause, default 30 minutes; negative
	// counts every touch. Within it, touches of one channel, campaign and kind
	// count once, and a direct visit does not count after a known channel.
	SessionGap time.Duration
	// KeepAfterConversion lets a touch count for all conversions within its
	// window. By default it counts for the next one only.
	KeepAfterConversion bool
	// Transform says what happens to channels that repeat in a path; default
	// Raw.
	Transform Transform

	// NewCustomers counts only the first conversion that a user ever had, so
	// far as it is retained: what comes after it, touches and time, is no
	// journey of a customer to be won, and who converted before Start is left
	// out. Spend is all spend, so that [Credit.CPA] of such paths is the cost of
	// acquiring a customer, CAC.
	NewCustomers bool

	// Ignore names channels that are read as no touch: paths do not go through
	// them, they open, close and extend no journey, and a user who met nothing
	// else counts as one without a touch. It is for channels that are a symptom
	// and no cause, such as [DirectChannel]: somebody who types the address has
	// made up their mind, and a model that takes the visit for a cause gives it
	// the credit of what made them come. What such channels cost still counts as
	// spend, and a visit still tells from when on a user is known.
	Ignore []string

	// Users are all users there are: others are left out, and those of them
	// without a touch or a conversion in the period count as unexposed. Default:
	// the users with rows, none unexposed.
	Users *roaring.Bitmap

	// Currency is what values are converted to by Convert; both or none must be
	// given. Without them, values in different currencies are an error,
	// [ErrCurrency]; one without a currency is taken to be in the common one.
	Currency string
	Convert  func(value float64, currency string, at time.Time) (float64, error)
}
