package sim

// person is the course of one customer's life in the realised world: the state that one day
// leaves to the next.
type person struct {
	customer
	walk      walk
	since     uint8 // days since the last order, counted to 4, minus 1
	exposeDay int32
	exposed   bool
	asked     bool // the consent banner was shown
	withdrawn uint8
	known     uint8 // devices that have carried a login, a bit each
	unit      string
	arm       string
	in        bool
}

// today is what one customer does on one day.
type today struct {
	met
	slot     slot
	times    [channels]int64 // instants of the touches, Unix nanoseconds
	bought   bool
	inStore  bool
	order    int64 // instant of the order
	session  int64 // first instant of the session in which the order is made
	landing  bool  // that session is a visit of its own
	anchor   channel
	expose   bool // the first exposure to the experiment falls on this day
	exposure int64
}

func (w *World) newPerson(id int) person {
	p := person{customer: w.newCustomer(id), since: appetite - 1}
	p.decide(w)
	return p
}

// live advances a person by one day in the world where the channels of on are switched on,
// under the arm that the person is in.
func (w *World) live(p *person, d int, on mask) today {
	t := today{slot: w.slotOf(&p.customer, d)}
	if t.slot.base == 0 {
		if p.since < appetite-1 {
			p.since++
		}
		return t
	}
	t.met = p.walk.step(&t.slot, p.kind, on)
	lift := t.lift
	if p.treated(d) {
		lift += typeTable[p.kind].treatment
	}
	e := survival(t.slot.base, lift)
	t.bought = p.k.uniform(d, purposeBuy, 0) >= power(e, int(p.since))
	t.inStore = t.bought && t.slot.store
	switch {
	case t.bought:
		p.since = 0
	case p.since < appetite-1:
		p.since++
	}
	w.clock(p, d, &t)
	if p.in && int32(d) == p.exposeDay {
		p.exposed, t.expose = true, true
		t.exposure = w.days[d].at(p.k.uniform(d, purposeExpose, 1))
	}
	return t
}

// clock sets the instants of the day. Touches come by the rhythm of the hours; an order
// comes after all touches of its day, because they are part of its cause.
func (w *World) clock(p *person, d int, t *today) {
	x := &w.days[d]
	var last int64
	for c := range channels {
		if t.touch[c] == none {
			continue
		}
		t.times[c] = x.at(p.k.uniform(d, purposeTouchTime, int(c)))
		if t.times[c] > last {
			last, t.anchor = t.times[c], c
		}
	}
	if !t.bought {
		return
	}
	if last == 0 {
		t.session, t.landing = x.at(p.k.uniform(d, purposeOrderTime, 0)), true
	} else {
		t.session = last + minute*10 + int64(p.k.uniform(d, purposeOrderTime, 1)*float64(40*minute))
		t.landing = t.touch[t.anchor] != click || t.anchor == offline
	}
	t.order = t.session
	if !t.inStore {
		t.order += 4*minute + int64(p.k.uniform(d, purposeOrderTime, 2)*float64(8*minute))
	}
}

const (
	second = int64(1e9)
	minute = 60 * second
)
