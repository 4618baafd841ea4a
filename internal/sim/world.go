package sim

import (
	"fmt"
)

// World is one simulated retailer. Immutable; safe for concurrent use (if [Options.Assign] is).
type World struct {
	opts       Options
	on         mask
	days       []day
	promotions []Promotion
	shop       *catalogue
	campaigns  [][channels + 2]Campaign // per month; the last two are triggered by carts
	zone       string
	first      int64 // the first midnight, Unix nanoseconds
	last       int64 // the midnight after the last day
}

// New builds a world; nil means all defaults. It errs, wrapping [ErrOptions], on a field
// out of range and where the default zone cannot be loaded.
func New(opts *Options) (*World, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	w := &World{opts: o, on: allChannels, zone: o.Zone.String(), shop: newCatalogue(o.Seed)}
	for _, name := range o.Off {
		c, _ := channelOf(name)
		w.on &^= 1 << c
	}
	w.days, w.promotions = newCalendar(&w.opts, keyOf(o.Seed, purposePromotion, 0))
	w.first, w.last = w.days[0].start(), w.days[len(w.days)-1].end()
	w.campaigns = make([][channels + 2]Campaign, w.days[len(w.days)-1].month+1)
	for m := range w.campaigns {
		for c := range channels {
			spec := &channelTable[c]
			w.campaigns[m][c] = Campaign{
				Source: spec.source, Medium: spec.medium,
				Name: fmt.Sprintf("%s-%02d", spec.campaign, m+1), Content: "v1",
			}
		}
		w.campaigns[m][channels] = Campaign{
			Source: channelTable[display].source, Medium: channelTable[display].medium, Name: "retargeting", Content: "cart",
		}
		w.campaigns[m][channels+1] = Campaign{
			Source: channelTable[email].source, Medium: channelTable[email].medium, Name: "cart-reminder", Content: "cart",
		}
	}
	return w, nil
}

// Options gives the options in force, with defaults filled in.
func (w *World) Options() Options {
	o := w.opts
	o.Off = append([]string(nil), o.Off...)
	return o
}

// campaign of a touch on a day; nil for a direct visit.
func (w *World) campaign(d int, c channel, m *met) *Campaign {
	i := int(c)
	switch {
	case c == direct:
		return nil
	case c == display && m.retargeted:
		i = int(channels)
	case c == email && m.reminded:
		i = int(channels) + 1
	}
	return &w.campaigns[w.days[d].month][i]
}
