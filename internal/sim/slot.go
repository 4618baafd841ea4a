package sim

import (
	"math"
	"time"
)

// slot is one customer's day before any channel is switched on or off: the chances and
// draws that no world changes. All worlds walk over the same slots, hence common random
// numbers.
type slot struct {
	base     float64        // hazard of an order without marketing; 0 when the customer is not present
	touch    [channels]kind // what would be met whatever happened before
	retarget kind           // display, if a cart was abandoned in the last three days
	remind   kind           // e-mail, if a cart was abandoned yesterday
	cart     bool           // a visit today would abandon a cart
	store    bool           // an order today would be made in the store
}

// newsletterDays are the days on which the newsletter goes out.
func newsletterDay(d time.Weekday) bool { return d == time.Tuesday || d == time.Friday }

// slotOf draws one customer's day.
func (w *World) slotOf(c *customer, d int) slot {
	var s slot
	if !c.present(d) {
		return s
	}
	x := &w.days[d]
	need := c.need(d)
	s.base = c.rate * need * x.season * weekdayFactor[x.weekday]
	if x.discount > 0 {
		s.base *= typeTable[c.kind].promotion
	}
	member := int32(d) >= c.account
	for ch := range channels {
		spec := &channelTable[ch]
		p := spec.reach[c.kind]
		switch ch {
		case search:
			p *= need * need * c.activity * weekdayFactor[x.weekday]
		case direct:
			p *= need * c.activity * weekdayFactor[x.weekday]
			if int32(d) == c.arrive && !c.old {
				p = 0.8 // how new customers find the shop
			}
		case display:
			// bought by a bidder who guesses well who is about to buy
			p = min(p+2.5*s.base, 0.6)
		case email:
			if !member || !c.mails || !newsletterDay(x.weekday) {
				continue
			}
		case offline:
			if !c.loyalty && !c.phone {
				continue
			}
		}
		s.touch[ch] = w.meet(c, d, ch, purposeTouch, min(p, 0.9))
	}
	s.retarget = w.meet(c, d, display, purposeRetarget, 0.45)
	if member && c.mails {
		s.remind = w.meet(c, d, email, purposeRemind, 0.50)
	}
	s.cart = c.k.chance(d, purposeCart, 0, math.Min(0.13*need, 0.8))
	s.store = c.loyalty && c.k.chance(d, purposeStore, 0, 0.30)
	return s
}

func (w *World) meet(c *customer, d int, ch channel, p purpose, chance float64) kind {
	if !c.k.chance(d, p, int(ch), chance) {
		return none
	}
	if c.k.chance(d, purposeKind, int(p)<<8|int(ch), channelTable[ch].clicks) {
		return click
	}
	return view
}
