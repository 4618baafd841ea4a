package sim

import "time"

// Numbers of the sessions of a customer's day. A touch by channel c is session c. They are
// part of the draws: a session's content does not depend on which other sessions the day
// has.
const (
	sessionOrder = 8 + iota
	sessionStore
	sessionLater
	sessionDelivery
)

// session writes the events of one visit.
type session struct {
	w      *World
	out    *sink
	p      *person
	today  *today
	d, id  int
	n      int   // events so far
	at     int64 // Unix nanoseconds
	device int
	dev    device
	ip     string
	logged bool
}

// emitDay writes all events of a customer's day.
func (w *World) emitDay(p *person, d int, t *today, out *sink) {
	for c := range channels {
		switch k := t.touch[c]; {
		case k == none:
		case c == offline:
			w.emitStoreTouch(p, d, t, out)
		case k == view && c == email:
			w.emitMail(p, d, t, out)
		case k == view:
			s := w.open(p, d, t, int(c), t.times[c], out)
			s.emit(Event{
				Type: "track", Name: "Ad Viewed", Campaign: w.campaign(d, c, &t.met),
				Cost: channelTable[c].view, Hidden: Hidden{Channel: channelTable[c].key},
			})
		default:
			w.browse(p, d, t, c, out)
		}
	}
	if t.expose {
		w.delivery(p, d, t, out)
	}
	if t.bought {
		w.emitOrder(p, d, t, out)
	}
}

// delivery is the visit to the page about delivery on which the experiment runs. It comes
// without campaign and referrer, but for its own reason: the switch of direct does not
// concern it.
func (w *World) delivery(p *person, d int, t *today, out *sink) {
	s := w.open(p, d, t, sessionDelivery, t.exposure, out)
	s.device = 0
	s.dev = w.deviceOf(&p.customer, 0)
	s.emit(Event{Type: "page", URL: "https://shop.example/delivery", Title: "Delivery"})
	s.arrive()
	s.experiment()
}

func (s *session) experiment() {
	s.at += second
	s.emit(Event{Type: "track", Name: "Experiment Viewed", Arm: s.p.arm, Unit: s.p.unit})
}

// open starts a session on one of the customer's devices.
func (w *World) open(p *person, d int, t *today, id int, at int64, out *sink) session {
	s := session{w: w, out: out, p: p, today: t, d: d, id: id, at: at}
	source := id
	if id == sessionOrder && !t.landing {
		source = int(t.anchor) // the visit that the order ends
	}
	if n := p.deviceCount(d); n > 1 && !(id < int(channels) && t.touch[id] == view) {
		// the first device is used most, and ads are seen on it alone
		s.device = draw(deviceShares[n-2], p.k.uniform(d, purposeSession, source<<8))
	}
	s.dev = w.deviceOf(&p.customer, s.device)
	s.ip = address(p.k.bits(d/30, purposePlace, 1+s.device))
	return s
}

var deviceShares = [...][]float64{{0.65, 1}, {0.5, 0.85, 1}, {0.45, 0.75, 0.88, 1}}

// address is an IP address of the range reserved for measurements (198.18.0.0/15).
func address(h uint64) string {
	b := [15]byte{'1', '9', '8', '.', '1', '8' + byte(h>>16&1), '.'}
	n := 7
	for i := range 2 {
		x := byte(h >> (8 * i))
		if x >= 100 {
			b[n] = '0' + x/100
			n++
		}
		if x >= 10 {
			b[n] = '0' + x/10%10
			n++
		}
		b[n] = '0' + x%10
		n++
		if i == 0 {
			b[n] = '.'
			n++
		}
	}
	return string(b[:n])
}

// step lets the time between two clicks pass.
func (s *session) step() {
	s.at += 4*second + int64(s.p.k.exponential(s.d, purposeGap, s.id<<8|s.n)*35)*second
}

func (s *session) emit(e Event) {
	e.AnonymousID = s.dev.cookie
	if s.logged {
		e.UserID = s.w.accountID(s.p.id)
	}
	e.Agent, e.IP, e.Zone = s.dev.agent, s.ip, s.w.zone
	e.Hidden.Customer = s.p.id
	s.out.client(&e, s.p.k, s.d, s.id<<8|min(s.n, 255), s.at, s.dev.skew)
	s.n++
}

func (s *session) chance(i int, q float64) bool {
	return s.p.k.chance(s.d, purposeSession, s.id<<8|i, q)
}

// product gives the i-th product looked at in the session.
func (s *session) product(i int) []Line {
	n := s.w.shop.choose(s.p.k, &s.p.taste, s.p.kind, s.d, 32+s.id*32+i)
	x := &s.w.shop.products[n]
	return []Line{{Product: x, Price: s.w.price(x, s.d), Quantity: 1}}
}

// browse is a visit that a click or the customer's own wish began.
func (w *World) browse(p *person, d int, t *today, c channel, out *sink) {
	s := w.open(p, d, t, int(c), t.times[c], out)
	s.land(c)
	s.arrive()
	search := 0.30
	if c == direct {
		search = 0.45
	}
	if s.chance(5, search) {
		s.step()
		look := s.product(0)
		s.emit(Event{Type: "track", Name: "Products Searched", Query: look[0].Product.Category})
	}
	var last []Line
	for i := 0; i == 0 || i < 8 && s.chance(16+i, 0.62); i++ {
		s.step()
		last = s.product(i)
		s.emit(Event{Type: "track", Name: "Product Viewed", Products: last})
	}
	if !t.cart || c != s.lastVisit() {
		return
	}
	s.step()
	s.emit(Event{Type: "track", Name: "Product Added", Products: last})
	if s.chance(6, 0.7) {
		s.step()
		s.emit(Event{Type: "track", Name: "Cart Viewed", Products: last})
	}
	if s.chance(7, 0.3) {
		s.step()
		s.emit(Event{Type: "track", Name: "Product Removed", Products: last})
	}
}

// lastVisit is the channel of the day's last visit: the one that leaves a cart behind.
func (s *session) lastVisit() channel {
	var last channel
	var at int64 = -1
	for c := range channels {
		if s.today.touch[c] == click && c != offline && s.today.times[c] > at {
			last, at = c, s.today.times[c]
		}
	}
	return last
}

// land is the first page of a visit, which carries the campaign. Direct has neither campaign nor referrer.
func (s *session) land(c channel) {
	spec := &channelTable[c]
	e := Event{
		Type: "page", URL: "https://shop.example/", Title: "Home", Referrer: spec.referrer,
		Campaign: s.w.campaign(s.d, c, &s.today.met), Cost: spec.click, Hidden: Hidden{Channel: spec.key},
	}
	s.emit(e)
}

// arrive is what happens at the beginning of every visit: consent, the experiment again, a login.
func (s *session) arrive() {
	p := s.p
	s.consent()
	if p.exposed && !s.today.expose && s.chance(1, 0.15) {
		s.experiment() // seen again
	}
	if int32(s.d) >= p.account {
		known := p.known>>s.device&1 != 0
		s.logged = known && s.chance(2, 0.75)
		// a link in an e-mail tells who follows it
		if !known && (s.id == int(email) || s.chance(3, 0.8)) || s.logged && s.chance(4, 0.15) {
			s.login()
		}
	}
}

// login ties the device to the account.
func (s *session) login() {
	s.logged = true
	s.p.known |= 1 << s.device
	s.at += 2 * second
	s.emit(Event{Type: "identify", Traits: s.w.traits(s.p, s.d)})
}

// traits are those of the account, some of them not given by everybody.
func (w *World) traits(p *person, d int) *Traits {
	first, last := w.nameOf(&p.customer)
	place := cities[p.city]
	t := &Traits{Email: w.emailOf(&p.customer), FirstName: first, LastName: last, Country: place.country}
	if p.k.chance(timeless, purposePlace, 100, 0.8) {
		t.City = place.city
	}
	if p.k.chance(timeless, purposeBirthday, 2, 0.4) {
		t.Birthday = p.birthday()
	}
	if p.phone {
		t.Phone = w.phoneOf(&p.customer)
	}
	if p.loyalty {
		t.Loyalty = w.loyaltyOf(&p.customer)
	}
	created := w.days[min(int(max(p.account, 0)), d)].start()
	if p.old && p.account == 0 {
		created -= int64(1+p.k.pick(timeless, purposeAccount, 3, 700)) * 24 * 60 * minute
	}
	t.Created = time.Unix(0, created+9*60*minute).UTC()
	return t
}

// consent shows the banner at the first visit, and takes a withdrawal or a second grant at
// the first visit after the day on which the customer made up their mind.
func (s *session) consent() {
	p := s.p
	if !p.asked {
		p.asked = true
		u := p.k.uniform(timeless, purposeConsent, 0)
		s.at += second
		s.emit(consentEvent(u < 0.72, u < 0.88))
		return
	}
	if p.withdrawn == 0 && p.k.chance(timeless, purposeConsent, 1, s.w.opts.Withdrawals) &&
		s.d >= p.k.pick(timeless, purposeConsent, 2, s.w.opts.Days) {
		p.withdrawn = 1
		s.at += second
		s.emit(consentEvent(false, p.k.chance(timeless, purposeConsent, 3, 0.4)))
	} else if p.withdrawn == 1 && s.chance(8, 0.1) {
		p.withdrawn = 2
		s.at += second
		s.emit(consentEvent(true, true))
	}
}

func consentEvent(advertising, analytics bool) Event {
	return Event{
		Type: "track", Name: "Segment Consent Preference Updated",
		Consent: &Consent{Advertising: advertising, Analytics: analytics, Functional: true},
	}
}
