package attribution

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/wire"
)

// exposure is what happened while users had touched exactly one set of
// channels.
type exposure struct {
	time        stats.Sum // nanoseconds
	conv, value stats.Sum
}

func (e *exposure) merge(o exposure) {
	e.time.Merge(o.time)
	e.conv.Merge(o.conv)
	e.value.Merge(o.value)
}

// activeChannel is a channel of the current set, and when it leaves it.
type activeChannel struct {
	channel uint32
	until   instant
}

// observe cuts a user's observation into stretches by the set of channels
// touched so far. It ends at end, which is not before any of them.
func (b *pathBuilder) observe(u snapshotUser, touches []touchRow, conversions []conversionRow, end instant) {
	now, ok := u.first()
	if !ok || b.asOf.before(now) {
		return
	}
	b.known++
	b.active = b.active[:0]
	if b.started && b.start.before(now) {
		// Who is known later was there from the start.
		now = b.start
	}
	if b.timeline != nil {
		b.timeline.observe(b, u, touches, conversions, b.observedFrom(now), end)
	}
	for len(touches) > 0 || len(conversions) > 0 {
		// A touch at the instant of a conversion counts before it.
		if len(conversions) == 0 || len(touches) > 0 && !conversions[0].at.before(touches[0].at) {
			t := touches[0]
			touches = touches[1:]
			now = b.stretch(now, t.at)
			b.activate(t)
			continue
		}
		c := conversions[0]
		conversions = conversions[1:]
		now = b.stretch(now, c.at)
		if b.within(c.at) {
			e := &b.paths.exposed[b.current()]
			e.conv.Add(1)
			e.value.Add(c.value)
		}
		b.active = b.active[:0]
	}
	b.stretch(now, end)
}

// observedFrom is when the observation in the period begins of a user who is
// known from an instant on.
func (b *pathBuilder) observedFrom(known instant) instant {
	if b.started && known.before(b.start) {
		return b.start
	}
	return known
}

// first is the instant of a user's first row.
func (u *snapshotUser) first() (instant, bool) {
	var first instant
	found := false
	look := func(at instant) {
		if !found || at.before(first) {
			first, found = at, true
		}
	}
	if len(u.touches) > 0 {
		look(u.touches[0].at)
	}
	if len(u.conversions) > 0 {
		look(u.conversions[0].at)
	}
	if len(u.refunds) > 0 {
		look(u.refunds[0].at)
	}
	return first, found
}

func (b *pathBuilder) activate(t touchRow) {
	id, until := b.id(t.channel), t.at.plus(b.window(t))
	for i := range b.active {
		if b.active[i].channel == id {
			if b.active[i].until.before(until) {
				b.active[i].until = until
			}
			return
		}
	}
	b.active = append(b.active, activeChannel{id, until})
}

// stretch spends the time from now to an instant in the current set, which
// channels leave whose time is over, and returns the instant.
func (b *pathBuilder) stretch(now, to instant) instant {
	for {
		next := -1
		for i := range b.active {
			if b.active[i].until.before(to) && (next < 0 || b.active[i].until.before(b.active[next].until)) {
				next = i
			}
		}
		if next < 0 {
			b.spendTime(now, to)
			return to
		}
		until := b.active[next].until
		if now.before(until) {
			b.spendTime(now, until)
			now = until
		}
		b.active = slices.Delete(b.active, next, next+1)
	}
}

// spendTime adds the part of a stretch that lies in the period.
func (b *pathBuilder) spendTime(from, to instant) {
	if b.started && from.before(b.start) {
		from = b.start
	}
	if from.before(to) {
		b.paths.exposed[b.current()].time.Merge(span(from, to))
	}
}

// current is the number of the current set.
func (b *pathBuilder) current() uint32 {
	b.members = b.members[:0]
	for _, a := range b.active {
		b.members = append(b.members, a.channel)
	}
	slices.Sort(b.members)
	return b.paths.set(b.members)
}

// span is the time between two instants in nanoseconds, exactly.
func span(from, to instant) stats.Sum {
	var s stats.Sum
	s.AddProduct(float64(to.sec-from.sec), 1e9)
	s.Add(float64(to.ns - from.ns))
	return s
}

// plus returns a + d.
func (a instant) plus(d time.Duration) instant {
	return a.minus(-d)
}

// personTime solves PersonTime.
func (p *Paths) personTime(model string) (Credits, error) {
	if err := p.checkTimes(model); err != nil {
		return Credits{}, err
	}
	rate := func(set uint32) (cell, bool) {
		e := &p.exposed[set]
		t := e.time.Value()
		if t <= 0 {
			return cell{}, false
		}
		return cell{e.conv.Value() / t, e.value.Value() / t}, true
	}
	var idle cell // the rates of the empty set
	baseKnown := false
	if id, ok := p.sets.lookup(nil); ok {
		idle, baseKnown = rate(id)
	}
	game := newRestricted(&p.sets, p.channels.Len(), rate)
	slopes, err := p.newSlopes(true)
	if err != nil {
		return Credits{}, fmt.Errorf("attribution: %s: %w", model, err)
	}
	shares := make([]share, p.channels.Len())
	var base share
	var thin float64
	err = p.eachSet(func(id uint32, set []uint32) error {
		e := &p.exposed[id]
		if e.conv.Value() == 0 {
			return nil
		}
		if len(set) == 0 {
			base.conv.Merge(e.conv)
			base.value.Merge(e.value)
			return nil
		}
		spent := e.time.Value()
		if spent <= 0 {
			// Conversions in no time: the limit of an ever higher rate gives
			// each channel the same share.
			thin += e.conv.Value()
			for _, c := range set {
				shares[c].conv.Merge(e.conv.Div(float64(len(set))))
				shares[c].value.Merge(e.value.Div(float64(len(set))))
			}
			return nil
		}
		// A set's conversions ÷ its rate are its time.
		conv, value, err := game.solve(set, idle)
		if err != nil {
			return fmt.Errorf("attribution: %s: %w", model, err)
		}
		base.conv.AddProduct(spent, idle.conv)
		base.value.AddProduct(spent, idle.value)
		for i, c := range set {
			shares[c].conv.AddProduct(spent, conv[i])
			shares[c].value.AddProduct(spent, value[i])
		}
		slopes.add(id, set, game.found, cell{spent, spent}, conv, value)
		return nil
	})
	if err != nil {
		return Credits{}, err
	}
	var warnings []error
	if !baseKnown {
		warnings = append(warnings, fmt.Errorf("%s: %w: no time without any touch, so that nothing is known of what would have happened anyway", model, ErrDesign))
	}
	if thin > 0 {
		warnings = append(warnings, fmt.Errorf("%s: %w: %g conversions at the very instant of a touch, with sets of channels in which no time was spent", model, ErrDesign, thin))
	}
	// What came as rows without channels has no times and belongs to nobody.
	rest := p.total()
	for id := range p.exposed {
		rest.conv.Merge(p.exposed[id].conv.Neg())
		rest.value.Merge(p.exposed[id].value.Neg())
	}
	total := p.total()
	if v := rest.conv.Value(); math.Abs(v) > 1e-9*total.conv.Value() {
		base.conv.Merge(rest.conv)
	}
	if v := rest.value.Value(); math.Abs(v) > 1e-9*math.Abs(total.value.Value()) {
		base.value.Merge(rest.value)
	}
	c := p.credits(model, shares, warnings...)
	c.Unattributed = Credit{Conversions: base.conv.Value(), Value: base.value.Value(), Effect: base.conv.Value()}
	return p.answer(c, func(l *lens) error { return p.personTimeLens(l, slopes) })
}

// writeExposed writes the exposures by ascending set.
func writeExposed(w *wire.Section, sets [][]uint32, ids []uint32, exposed []exposure) {
	order := make([]int, len(ids))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compareSets(sets[a], sets[b]) })
	w.Count(len(order))
	for _, i := range order {
		w.Count(len(sets[i]))
		for _, c := range sets[i] {
			w.Uvarint(uint64(c))
		}
		e := exposed[ids[i]]
		e.time.Write(w)
		e.conv.Write(w)
		e.value.Write(w)
	}
}

func compareSets(a, b []uint32) int {
	if c := len(a) - len(b); c != 0 {
		return c
	}
	return slices.Compare(a, b)
}

func (p *Paths) readExposed(r *wire.Reader, channels int) error {
	var set, last []uint32
	for i := range r.Count(49) {
		set = set[:0]
		for k := range r.Count(1) {
			c := uint32(r.Index(channels))
			if k > 0 && c <= set[k-1] {
				r.Fail("channel of a set out of order")
			}
			if r.Err() != nil {
				break
			}
			set = append(set, c)
		}
		e := exposure{stats.ReadSum(r), stats.ReadSum(r), stats.ReadSum(r)}
		if i > 0 && compareSets(last, set) >= 0 {
			r.Fail("set out of order")
		}
		if t := e.time.Value(); math.Signbit(t) && t != 0 || e == (exposure{}) {
			r.Fail("time %v", t)
		}
		if r.Err() != nil {
			break
		}
		p.exposed[p.set(set)] = e
		last = append(last[:0], set...)
	}
	return r.Close()
}
