package sim

// emitOrder writes the visit that ends in an order, or the receipt of the store, and what
// follows in later days.
func (w *World) emitOrder(p *person, d int, t *today, out *sink) {
	b := w.basket(&p.customer, d)
	free := p.treated(d)
	e := Event{
		Type: "track", Name: "Order Completed", OrderID: w.orderID(&p.customer, d), Products: b.lines,
		Revenue: b.revenue(), Store: t.inStore,
	}
	var s session
	if t.inStore {
		e.Total = e.Revenue
		e.External = External{"loyalty_id", w.loyaltyOf(&p.customer)}
		if int32(d) >= p.account && p.k.chance(d, purposeStore, 1, 0.5) {
			e.UserID = w.accountID(p.id) // the till has looked up the account
		}
		e.Hidden.Customer = p.id
		out.server(&e, p.k, d, sessionStore<<8, t.order)
	} else {
		e.Total = e.Revenue + shipping(e.Revenue, free)
		s = w.open(p, d, t, sessionOrder, t.session, out)
		s.checkout(&e)
	}
	w.emitLater(p, d, t, &e, out)
}

// checkout writes the visit of an order on the web.
func (s *session) checkout(e *Event) {
	p, t := s.p, s.today
	if t.landing {
		// Buying needs a visit: this one is not a touch that could be switched off.
		s.emit(Event{Type: "page", URL: "https://shop.example/", Title: "Home"})
	}
	s.arrive()
	if int32(s.d) >= p.account && !s.logged {
		s.login() // nobody orders from an account without a login
	}
	lines := e.Products
	steps := 2*len(lines) + 4
	pause := (t.order - s.at) / int64(steps)
	for i, l := range lines {
		one := lines[i : i+1]
		if s.chance(32+i, 0.75) {
			s.at += pause
			s.emit(Event{Type: "track", Name: "Product Viewed", Products: []Line{{l.Product, l.Price, 1}}})
		}
		s.at += pause
		s.emit(Event{Type: "track", Name: "Product Added", Products: one})
	}
	if s.chance(9, 0.6) {
		s.at += pause
		s.emit(Event{Type: "track", Name: "Cart Viewed", Products: lines})
	}
	s.at += pause
	s.emit(Event{Type: "track", Name: "Checkout Started", OrderID: e.OrderID, Revenue: e.Revenue, Total: e.Total, Products: lines})
	if !s.logged {
		// a guest gives an address and sometimes the card
		tr := &Traits{Email: s.w.emailOf(&p.customer), Country: cities[p.city].country}
		if p.loyalty && p.k.chance(timeless, purposeContact, 2, 0.5) {
			tr.Loyalty = s.w.loyaltyOf(&p.customer)
		}
		if p.phone {
			tr.Phone = s.w.phoneOf(&p.customer)
		}
		s.at += pause
		s.emit(Event{Type: "identify", Traits: tr})
	}
	s.at = t.order
	s.emit(*e)
	e.AnonymousID, e.UserID = s.dev.cookie, ""
	if s.logged {
		e.UserID = s.w.accountID(p.id)
	}
}

// emitMail is an e-mail opened, as the sending service reports it.
func (w *World) emitMail(p *person, d int, t *today, out *sink) {
	e := Event{
		Type: "track", Name: "Email Opened", UserID: w.accountID(p.id),
		Campaign: w.campaign(d, email, &t.met), Cost: channelTable[email].view,
	}
	e.External = External{"email", w.emailOf(&p.customer)}
	e.Hidden = Hidden{Customer: p.id, Channel: ChannelEmail}
	out.server(&e, p.k, d, int(email)<<8, t.times[email])
}

// emitStoreTouch is a flyer redeemed or a visit to the store.
func (w *World) emitStoreTouch(p *person, d int, t *today, out *sink) {
	e := Event{Type: "track", Name: "Store Visited", Campaign: w.campaign(d, offline, &t.met), Cost: channelTable[offline].click}
	if p.k.chance(d, purposeSession, int(offline)<<8, 0.6) {
		e.Name = "Flyer Redeemed"
	}
	if p.loyalty {
		e.External = External{"loyalty_id", w.loyaltyOf(&p.customer)}
	} else {
		e.External = External{"phone", w.phoneOf(&p.customer)}
	}
	if int32(d) >= p.account && p.k.chance(d, purposeStore, 2, 0.5) {
		e.UserID = w.accountID(p.id) // the till has looked up the account
	}
	e.Hidden = Hidden{Customer: p.id, Channel: ChannelOffline}
	out.server(&e, p.k, d, int(offline)<<8, t.times[offline])
}

// fullShare of the refunds give back the whole order. Online Retail gives back 5.6 % of the
// value it sells (341,312 of 6,086,139); half of all refunds in full and half of one line
// come to the same at 8.5 % of the orders.
const fullShare = 0.5

const dayNanos = 24 * 60 * minute

// emitLater writes what an order leads to in later days: a refund, a review.
func (w *World) emitLater(p *person, d int, t *today, o *Event, out *sink) {
	who := Event{AnonymousID: o.AnonymousID, UserID: o.UserID, External: o.External, Hidden: Hidden{Customer: p.id}}
	if p.k.chance(d, purposeRefund, 0, w.opts.Refunds) {
		e := who
		e.Type, e.Name, e.OrderID, e.Total, e.Products = "track", "Order Refunded", o.OrderID, o.Total, o.Products
		if !p.k.chance(d, purposeRefund, 1, fullShare) && len(o.Products) > 1 {
			i := p.k.pick(d, purposeRefund, 2, len(o.Products))
			e.Products = o.Products[i : i+1]
			e.Total = e.Products[0].Price * int64(e.Products[0].Quantity)
		}
		wait := 4*dayNanos + int64(p.k.uniform(d, purposeRefund, 3)*float64(16*dayNanos))
		out.server(&e, p.k, d, sessionLater<<8, t.order+wait)
	}
	if o.Store || !p.k.chance(d, purposeReview, 0, w.opts.Reviews) {
		return
	}
	e := who
	e.Type, e.Name = "track", "Product Reviewed"
	i := p.k.pick(d, purposeReview, 1, len(o.Products))
	e.Products = o.Products[i : i+1]
	e.Rating, e.Review = review(p.k, d, p.kind, e.Products[0].Product)
	e.Agent, e.IP, e.Zone = browsers[p.k.pick(d, purposeReview, 2, len(browsers))], address(p.k.bits(d/30, purposePlace, 1)), w.zone
	wait := 3*dayNanos + int64(p.k.uniform(d, purposeReview, 3)*float64(11*dayNanos))
	out.client(&e, p.k, d, sessionLater<<8|1, t.order+wait, 0)
}
