package segment

// A ring holds the newest times at which a user's events passed a matcher, as
// many as any predicate over the matcher asks for, whatever its window. So an
// event and an expiry are answered without a look at the log.
//
// Rings are a cache over the logs: a user without one has no row that passes,
// and a ring that is not full holds all that are retained.

// maxRing is the longest ring. Predicates that ask for more events read the log.
const maxRing = 32

// rings are the rings of one matcher for the users of one block: an open table
// in which the first word of a ring is the user, the number of times held and
// whether a time did not fit, and the others are the times, newest first, in
// seconds since 1970. It is kept nearly full, so that a ring of three times
// costs less than 20 bytes.
type rings struct {
	words []uint32
	slots uint32
	used  uint32
}

const (
	ringUser   = 1<<13 - 1 // place in the block, plus one
	ringOne    = 1 << 16   // of the number of times
	ringCount  = 1<<15 - 1
	ringBroken = 1 << 31 // a time before 1970 or after 2106
)

// scatter is a permutation of the places of a block that spreads neighbours
// evenly: numbers are dense, and a block in part full would lie in one heap.
func scatter(place uint32) uint32 { return place * 2531 % blockUsers }

// slot is where the ring of a place lies, or the first to try.
func (g *rings) slot(place uint32) uint32 { return scatter(place) * g.slots / blockUsers }

// find returns the ring of the user at a place of the block, nil when there is
// none. A stride is the words of a ring.
func (g *rings) find(place uint32, stride int) []uint32 {
	if g == nil || g.used == 0 {
		return nil
	}
	for i := g.slot(place); ; {
		w := g.words[int(i)*stride:][:stride]
		switch w[0] & ringUser {
		case place + 1:
			return w
		case 0:
			return nil
		}
		if i++; i == g.slots {
			i = 0
		}
	}
}

// make returns the ring of a user who has none yet.
func (g *rings) make(place uint32, stride int) []uint32 {
	// One place stays free for find to stop at.
	if g.slots == 0 || g.used+1 >= g.slots-g.slots/10 {
		g.resize(g.slots+g.slots/10+4, stride, func([]uint32) bool { return true })
	}
	g.used++
	i := g.slot(place)
	for {
		w := g.words[int(i)*stride:][:stride]
		if w[0] == 0 {
			w[0] = place + 1
			return w
		}
		if i++; i == g.slots {
			i = 0
		}
	}
}

// resize lays the rings that are kept out anew.
func (g *rings) resize(slots uint32, stride int, keep func(w []uint32) bool) {
	old := g.words
	g.words, g.slots, g.used = make([]uint32, int(slots)*stride), slots, 0
	for ; len(old) > 0; old = old[stride:] {
		if old[0] != 0 && keep(old[:stride]) {
			copy(g.make(old[0]&ringUser-1, stride), old[:stride])
		}
	}
}

// drop forgets the ring of a user.
func (g *rings) drop(place uint32, stride int) {
	if g.find(place, stride) != nil {
		g.resize(g.slots, stride, func(w []uint32) bool { return w[0]&ringUser != place+1 })
	}
}

// push puts a time into a ring; of a full one it takes the place of the oldest.
func push(w []uint32, sec int64) {
	if sec <= 0 || sec >= 1<<32 {
		w[0] |= ringBroken
		return
	}
	n := int(w[0] >> 16 & ringCount)
	times := w[1:]
	if n == len(times) {
		if n--; times[n] >= uint32(sec) {
			return
		}
	} else {
		w[0] += ringOne
	}
	for n > 0 && times[n-1] < uint32(sec) {
		times[n] = times[n-1]
		n--
	}
	times[n] = uint32(sec)
}

// ringHolds is atLeast by the ring of the user; known is false when the ring
// does not reach far enough back.
func (l *list) ringHolds(c *scan, w []uint32, n int) (truth, known bool) {
	if w == nil {
		return false, true
	}
	if w[0]&ringBroken != 0 {
		return false, false
	}
	times := w[1:][:w[0]>>16&ringCount]
	end, later := c.now-l.to, 0
	for later < len(times) && int64(times[later]) > end {
		later++
	}
	if later+n > len(times) && len(times) == len(w)-1 {
		return false, false
	}
	if later > 0 {
		c.limit(int64(times[later-1]) + l.to)
	}
	if later+n > len(times) {
		return false, true
	}
	if t := int64(times[later+n-1]); t > c.now-l.from {
		c.limit(t + l.from)
		return true, true
	}
	return false, true
}

// ringsOf returns the rings of a matcher in a block, nil when there are none.
func (p *page) ringsOf(m *matcher) *rings {
	if m.id >= len(p.rings) {
		return nil
	}
	return p.rings[m.id]
}

// ringsFor makes them if needed.
func (p *page) ringsFor(m *matcher) *rings {
	if m.id >= len(p.rings) {
		p.rings = append(p.rings, make([]*rings, m.id+1-len(p.rings))...)
	}
	if p.rings[m.id] == nil {
		p.rings[m.id] = new(rings)
	}
	return p.rings[m.id]
}

// approach finds the row of a user, nil when there is none, reads the first
// words of the row, its log and the ring, and does not wait for them: the ways
// from memory of what will be asked for soon overlap.
func (x *Index) approach(user uint32, m *matcher) *row {
	p := x.table.page(int(user / blockUsers))
	if p == nil || p.rows == nil {
		return nil
	}
	if g := p.ringsOf(m); g != nil && g.slots > 0 {
		x.neared += uint64(g.words[int(g.slot(user%blockUsers))*m.stride])
	}
	r := p.rows[user%blockUsers]
	if r != nil {
		x.neared += r.next + r.log.end()
	}
	return r
}

// approachRules is approach for the truth of the first predicates and for the
// first audiences, where there are many.
func (x *Index) approachRules(r *row) {
	if r.members != nil {
		x.neared += r.members.first[0] + r.members.first[8]
	}
	if r.rest != nil {
		for w := 0; w < min(len(r.rest.truth), 64); w += 8 {
			x.neared += r.rest.truth[w]
		}
	}
}

// ring returns the ring of a user, nil when there is none.
func (x *Index) ring(m *matcher, user uint32) []uint32 {
	p := x.table.page(int(user / blockUsers))
	if p == nil {
		return nil
	}
	return p.ringsOf(m).find(user%blockUsers, m.stride)
}

// pushRing adds a row that passed to the user's ring and returns the ring.
func (x *Index) pushRing(m *matcher, user uint32, sec int64) []uint32 {
	g := x.table.page(int(user / blockUsers)).ringsFor(m)
	w := g.find(user%blockUsers, m.stride)
	if w == nil {
		w = g.make(user%blockUsers, m.stride)
	}
	push(w, sec)
	return w
}

// fillRing makes the user's ring from the log.
func (x *Index) fillRing(m *matcher, e *eventType, r *row) {
	st := r.stream(e.id)
	if st == nil {
		return
	}
	c := &scan{x: x, r: r, st: st}
	var w []uint32
	left := m.stride - 1
	for c.i = st.len() - 1; c.i >= 0 && left > 0; c.i-- {
		if m.filter != nil && !m.filter.b(c) {
			continue
		}
		w = x.pushRing(m, r.user, st.sec(c.i))
		if w[0]&ringBroken != 0 {
			return
		}
		left--
	}
}

// remake makes the rings of a matcher for all users, after a change of length.
func (x *Index) remake(m *matcher, e *eventType) {
	for _, p := range x.table.pages() {
		if m.id < len(p.rings) {
			p.rings[m.id] = nil
		}
	}
	if m.stride == 0 {
		return
	}
	for r := range x.table.all() {
		x.fillRing(m, e, r)
	}
}

// dropRings forgets the rings of a user.
func (x *Index) dropRings(user uint32) {
	p := x.table.page(int(user / blockUsers))
	for _, m := range x.matchers {
		if m != nil && m.stride > 0 {
			p.ringsOf(m).drop(user%blockUsers, m.stride)
		}
	}
}

// refill makes all rings of a user anew, after the log changed as a whole.
func (x *Index) refill(r *row) {
	x.dropRings(r.user)
	for _, e := range x.events {
		for _, m := range e.matchers {
			if m.stride > 0 {
				x.fillRing(m, e, r)
			}
		}
	}
}

// thin drops the rings of users of whom every time is beyond the horizon.
func (x *Index) thin(p *page) {
	for _, m := range x.matchers {
		if m == nil || m.stride == 0 || p.ringsOf(m) == nil {
			continue
		}
		g := p.ringsOf(m)
		// The newest time comes first.
		live := func(w []uint32) bool { return w[0]&ringBroken != 0 || int64(w[1]) > x.pruned }
		n := uint32(0)
		for i := 0; i < len(g.words); i += m.stride {
			if g.words[i] != 0 && live(g.words[i:][:m.stride]) {
				n++
			}
		}
		if n < g.used-g.used/4 {
			g.resize(n+n/8+4, m.stride, live)
		}
	}
}
