package sim

import "time"

// Truth is what the simulator knows and the events do not tell.
type Truth struct {
	Channels    []ChannelTruth
	Customers   []CustomerTruth // by number, as in Hidden.Customer
	Bots        []BotTruth
	Products    []Product
	Complements [][2]string // (product, the product that is often added after it), by id
	Promotions  []Promotion
	Consents    []ConsentTruth // in the order of their times
	Experiment  ExperimentTruth
}

// ChannelTruth tells how a channel looks from outside and what it does.
type ChannelTruth struct {
	Key            string     // ChannelSearch, …
	Group          string     // its usual name in default channel groups: "Paid Search", …
	Source, Medium string     // of its campaigns; empty for direct
	Effect         [4]float64 // log hazard at a saturated stock, by Type, without the synergy of search and video
	Null           bool       // no effect of any kind
}

// CustomerTruth is one person with every identifier that can occur in the events. An
// identifier that the person has but never shows is listed too.
type CustomerTruth struct {
	Type    Type
	Account string // empty if there is none by the last day
	Email   string
	Phone   string // empty without telephone number
	Loyalty string // empty without loyalty card
	Cookies []string
	Shared  string // the one of Cookies that is another customer's as well, or empty
	Arrived int    // first day on which the shop is known
	Left    int    // first day on which it is forgotten; may lie after the end
	Unit    string // in the experiment
	Arm     string // empty if the unit is not in it
}

// BotTruth is one bot; it has a new cookie on each of its days.
type BotTruth struct {
	Agent   string
	Cookies []string
}

// ConsentTruth is one statement of consent.
type ConsentTruth struct {
	Customer int
	Time     time.Time
	Consent  Consent
}

// Owners gives for every identifier (cookies, accounts, addresses, telephone numbers,
// cards) the customers it belongs to: two for a shared device, else one.
func (t *Truth) Owners() map[string][]int {
	m := make(map[string][]int, 4*len(t.Customers))
	for i := range t.Customers {
		c := &t.Customers[i]
		for _, id := range append([]string{c.Account, c.Email, c.Phone, c.Loyalty}, c.Cookies...) {
			if id != "" {
				m[id] = append(m[id], i)
			}
		}
	}
	return m
}

// Truth tells everything but the increments of the channels, which cost more and come from
// [World.Increments]. It takes about as long as running over [World.Events] three times.
func (w *World) Truth() *Truth {
	t := &Truth{
		Products:   append([]Product(nil), w.shop.products...),
		Promotions: append([]Promotion(nil), w.promotions...),
		Experiment: w.experimentTruth(),
	}
	for c := range channels {
		s := &channelTable[c]
		x := ChannelTruth{Key: s.key, Group: s.group, Source: s.source, Medium: s.medium, Effect: s.effect}
		x.Null = s.effect == [types]float64{}
		t.Channels = append(t.Channels, x)
	}
	for i := range w.shop.products {
		p := &w.shop.products[i]
		t.Complements = append(t.Complements, [2]string{p.ID, w.shop.products[p.Complement].ID})
	}
	for i := range w.opts.Customers {
		t.Customers = append(t.Customers, w.customerTruth(i))
	}
	for i := range w.bots() {
		k := w.botKey(i)
		b := BotTruth{Agent: botAgents[k.pick(timeless, purposeBot, 3, len(botAgents))]}
		for d := range w.days {
			if botComes(k, d) {
				b.Cookies = append(b.Cookies, botCookie(k, d))
			}
		}
		t.Bots = append(t.Bots, b)
	}
	t.Consents = w.consents()
	return t
}

func (w *World) customerTruth(i int) CustomerTruth {
	p := w.newPerson(i)
	x := CustomerTruth{
		Type: p.kind, Email: w.emailOf(&p.customer),
		Arrived: int(p.arrive), Left: int(p.leave), Unit: p.unit,
	}
	if int(p.account) < w.opts.Days {
		x.Account = w.accountID(i)
	}
	if p.phone {
		x.Phone = w.phoneOf(&p.customer)
	}
	if p.loyalty {
		x.Loyalty = w.loyaltyOf(&p.customer)
	}
	for n := range p.deviceCount(w.opts.Days - 1) {
		x.Cookies = append(x.Cookies, w.deviceOf(&p.customer, n).cookie)
	}
	if p.shares {
		x.Shared = x.Cookies[len(x.Cookies)-1]
	}
	if p.in {
		x.Arm = p.arm
	}
	return x
}

// consents reads the statements from a run without delays, so that they come in the order of their times.
func (w *World) consents() []ConsentTruth {
	prompt := *w
	prompt.opts.Late, prompt.opts.Disorder, prompt.opts.Duplicates = 0, 0, 0
	var list []ConsentTruth
	for e := range prompt.Events() {
		if e.Consent != nil {
			list = append(list, ConsentTruth{e.Hidden.Customer, e.Hidden.Time, *e.Consent})
		}
	}
	return list
}
