package attribution

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/zhun-go/zhun/internal/wire"
)

// JourneysOptions says how events become touches and conversions. Nil and
// zero fields mean the defaults, which read the Segment e-commerce
// vocabulary.
//
// An event is a touch when it is one of Visits, or carries a source or a
// medium of a campaign. Its channel is what Channels makes of the campaign's
// source, medium and name and of the referrer. A visit without a campaign,
// whose referrer has the host of the page itself or one of Internal, is a
// step within the site and no touch; one without a referrer is a direct
// visit. Refunds and cancellations are never touches.
type JourneysOptions struct {
	// Visits are the events that are touches in any case; default "page" and
	// "screen".
	Visits []string
	// Views are the events whose touches are of kind [View]; default "Ad
	// Viewed" and "Email Opened". All others are of kind [Click].
	Views []string
	// Conversions are the events that are conversions; default "Order
	// Completed".
	Conversions []string
	// Refunds are the events that take value back from an order; default
	// "Order Refunded".
	Refunds []string
	// Cancellations are the events that take a whole order back; default
	// "Order Cancelled".
	Cancellations []string

	// Fields names the fields of events.
	Fields Fields

	// Channels is the table of channel rules; default [DefaultChannels].
	Channels []ChannelRule
	// Direct is the channel that never replaces a known one within a session;
	// default [DirectChannel].
	Direct string
	// Internal lists hosts whose referrals are no touches, such as the shop's
	// other domains and its payment providers. Subdomains count.
	Internal []string

	// Currency is the currency of conversions that name none; default none.
	Currency string
	// Retain is how long rows are kept before the clock; default 400 days.
	Retain time.Duration
}

// Fields names the fields of events that [Journeys.Observe] reads. Of several
// names the first that is there counts.
type Fields struct {
	Source   []string // default context.campaign.source
	Medium   []string // default context.campaign.medium
	Campaign []string // default context.campaign.name
	Referrer []string // default context.page.referrer, referrer
	URL      []string // address of the page itself; default context.page.url, url
	Cost     []string // what a touch cost; default cost
	Order    []string // the order's id; default order_id
	Value    []string // an order's value or a refund's; default revenue, total
	Currency []string // default currency
}

// options are the options with their defaults filled in.
type options struct {
	JourneysOptions
	grouping *Grouping
	roles    map[string]role
	internal []pattern
}

// role is what an event can be; several at once.
type role uint8

const (
	visit role = 1 << iota
	viewed
	conversion
	refunded
	cancelled
)

func (o *JourneysOptions) resolve() (options, error) {
	var r options
	if o != nil {
		r.JourneysOptions = *o
	}
	lists := []struct {
		name    string
		list    *[]string
		deflt   []string
		meaning role
	}{
		{"Visits", &r.Visits, []string{"page", "screen"}, visit},
		{"Views", &r.Views, []string{"Ad Viewed", "Email Opened"}, viewed},
		{"Conversions", &r.Conversions, []string{"Order Completed"}, conversion},
		{"Refunds", &r.Refunds, []string{"Order Refunded"}, refunded},
		{"Cancellations", &r.Cancellations, []string{"Order Cancelled"}, cancelled},
		{"Internal", &r.Internal, []string{}, 0},
		{"Fields.Source", &r.Fields.Source, []string{"context.campaign.source"}, 0},
		{"Fields.Medium", &r.Fields.Medium, []string{"context.campaign.medium"}, 0},
		{"Fields.Campaign", &r.Fields.Campaign, []string{"context.campaign.name"}, 0},
		{"Fields.Referrer", &r.Fields.Referrer, []string{"context.page.referrer", "referrer"}, 0},
		{"Fields.URL", &r.Fields.URL, []string{"context.page.url", "url"}, 0},
		{"Fields.Cost", &r.Fields.Cost, []string{"cost"}, 0},
		{"Fields.Order", &r.Fields.Order, []string{"order_id"}, 0},
		{"Fields.Value", &r.Fields.Value, []string{"revenue", "total"}, 0},
		{"Fields.Currency", &r.Fields.Currency, []string{"currency"}, 0},
	}
	r.roles = make(map[string]role)
	for _, l := range lists {
		if *l.list == nil {
			*l.list = l.deflt
		}
		*l.list = slices.Clone(*l.list)
		for _, s := range *l.list {
			if s == "" || !utf8.ValidString(s) {
				return options{}, inputError("NewJourneys", 0, l.name, s, "not a name in UTF-8")
			}
			if l.meaning != 0 {
				r.roles[s] |= l.meaning
			}
		}
	}
	for name, have := range r.roles {
		if have&conversion != 0 && have&(refunded|cancelled) != 0 || have&refunded != 0 && have&cancelled != 0 {
			return options{}, inputError("NewJourneys", 0, "event", name, "a conversion, a refund and a cancellation at once")
		}
	}
	for _, h := range r.Internal {
		p, _ := compilePattern(host(h), true)
		r.internal = append(r.internal, p)
	}
	if r.Direct == "" {
		r.Direct = DirectChannel
	}
	if r.Retain == 0 {
		r.Retain = 400 * 24 * time.Hour
	}
	switch {
	case !utf8.ValidString(r.Direct):
		return options{}, inputError("NewJourneys", 0, "Direct", r.Direct, "not UTF-8")
	case !utf8.ValidString(r.Currency):
		return options{}, inputError("NewJourneys", 0, "Currency", r.Currency, "not UTF-8")
	case r.Retain < 0:
		return options{}, inputError("NewJourneys", 0, "Retain", r.Retain, "negative")
	}
	if r.Channels == nil {
		r.Channels = DefaultChannels()
	}
	var err error
	r.grouping, err = NewGrouping(r.Channels)
	return r, err
}

// fingerprint is a hash of everything that decides what an event becomes:
// rows made with other options are not of one kind.
func (o *options) fingerprint() uint64 {
	w := wire.NewWriter("attribution.options", 0)
	s := w.Section("options")
	for _, list := range [][]string{
		o.Visits, o.Views, o.Conversions, o.Refunds, o.Cancellations, o.Internal,
		o.Fields.Source, o.Fields.Medium, o.Fields.Campaign, o.Fields.Referrer, o.Fields.URL,
		o.Fields.Cost, o.Fields.Order, o.Fields.Value, o.Fields.Currency,
		{o.Direct, o.Currency, fmt.Sprint(int64(o.Retain))},
	} {
		s.Strings(list)
	}
	s.Count(len(o.Channels))
	for _, r := range o.Channels {
		s.String(r.Channel)
		for _, list := range [][]string{r.Source, r.Medium, r.Campaign, r.Referrer} {
			s.Strings(list)
		}
	}
	return xxh3.Hash(w.AppendTo(nil))
}
