package attribution

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Paths turns the rows into paths.
//
// A conversion closes a journey. Its path are the user's touches since the
// last conversion, touches at its own instant among them, that are no older
// than their lookback; if there are none, it is unattributed, never dropped.
// A stretch of touches after which nothing happened for a Gap is a journey
// that did not convert; a younger one is open, counted in [Summary] and left
// out. An order that was taken back whole never was. Touches order by time,
// then views before clicks, then by the channel's name in bytes.
//
// The spend of a channel within the period comes from the ledger or, when
// that does not know the channel, from the costs of its touches. The ledger
// knows no users: it counts in full even when Users narrows the paths.
//
// Options that cannot be are an [*InputError]. The result is independent of
// the journeys.
func (j *Journeys) Paths(opts *PathOptions) (*Paths, error) { return j.paths(opts, nil) }

// paths also lists the conversions, if a log is given.
func (j *Journeys) paths(opts *PathOptions, log *[]orderRow) (*Paths, error) {
	s := j.snapshot()
	b, err := newPathBuilder(&s, opts, j.opts.Direct)
	if err != nil {
		return nil, err
	}
	b.log = log
	return b.build(&s)
}

// build makes the paths of all users.
func (b *pathBuilder) build(s *snapshot) (*Paths, error) {
	for _, u := range s.users {
		if b.opts.Users != nil && !b.opts.Users.Contains(u.user) {
			continue
		}
		if err := b.user(u); err != nil {
			return nil, err
		}
	}
	b.spend(s.ledger)
	b.unexposed()
	return b.paths, nil
}

// pathBuilder holds what is the same for all users, and scratch space.
type pathBuilder struct {
	opts     PathOptions
	names    []string
	direct   uint32 // the number of the direct channel, if it is known
	asOf     instant
	start    instant
	started  bool               // there is a start
	windows  [][2]time.Duration // by channel and kind
	ignored  []bool             // by channel
	channel  []uint32           // names to the channels of the paths, +1
	paths    *Paths
	log      *[]orderRow // of conversions, if it is wanted
	timeline *timeline   // what happened in time, if it is wanted
	seen     uint64      // users of opts.Users with something in the period
	kept     []touchRow
	path     []touchRow
	seq      []uint32
	sessions map[sessionKey]instant
	known    uint64 // users with a row up to the end of the period
	active   []activeChannel
	members  []uint32
}

func newPathBuilder(s *snapshot, opts *PathOptions, direct string) (*pathBuilder, error) {
	b := &pathBuilder{names: s.names, direct: math.MaxUint32, paths: new(Paths), sessions: make(map[sessionKey]instant)}
	if opts != nil {
		b.opts = *opts
	}
	o := &b.opts
	bad := func(field string, value any, reason string) error {
		return inputError("Paths", 0, "PathOptions."+field, value, reason)
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		deflt time.Duration
	}{{"Click", &o.Click, 30 * 24 * time.Hour}, {"View", &o.View, 24 * time.Hour}, {"Gap", &o.Gap, 0}} {
		if *d.value < 0 {
			return nil, bad(d.name, *d.value, "negative")
		}
		if *d.value == 0 {
			*d.value = d.deflt
		}
	}
	longest := max(o.Click, o.View)
	b.windows = make([][2]time.Duration, len(s.names))
	for i := range b.windows {
		b.windows[i] = [2]time.Duration{Click: o.Click, View: o.View}
	}
	for _, own := range []struct {
		field string
		of    map[string]time.Duration
		kinds []Kind
	}{{"Channels", o.Channels, []Kind{Click, View}}, {"ViewChannels", o.ViewChannels, []Kind{View}}} {
		for _, name := range slices.Sorted(maps.Keys(own.of)) {
			d := own.of[name]
			if d < 0 {
				return nil, bad(fmt.Sprintf("%s[%q]", own.field, name), d, "negative")
			}
			longest = max(longest, d)
			if i := slices.Index(s.names, name); i >= 0 {
				for _, k := range own.kinds {
					b.windows[i][k] = d
				}
			}
		}
	}
	if o.Gap == 0 {
		o.Gap = longest
	}
	if o.SessionGap == 0 {
		o.SessionGap = 30 * time.Minute
	}
	if o.Transform > Unique {
		return nil, bad("Transform", o.Transform, "unknown")
	}
	if (o.Currency == "") != (o.Convert == nil) {
		return nil, bad("Currency", o.Currency, "needs Convert, and the other way round")
	}
	b.paths.currency = o.Currency
	if !o.Start.IsZero() {
		var ok bool
		if b.start, ok = instantOf(o.Start); !ok {
			return nil, bad("Start", o.Start, "not within the years 1 to 9999")
		}
		b.started = true
	}
	if o.AsOf.IsZero() {
		b.asOf = s.last()
	} else {
		var ok bool
		if b.asOf, ok = instantOf(o.AsOf); !ok {
			return nil, bad("AsOf", o.AsOf, "not within the years 1 to 9999")
		}
	}
	b.ignored = make([]bool, len(s.names))
	for i, name := range o.Ignore {
		if name == "" {
			return nil, bad(fmt.Sprintf("Ignore[%d]", i), name, "a channel without a name")
		}
		if k := slices.Index(s.names, name); k >= 0 {
			b.ignored[k] = true
		}
	}
	for i, n := range s.names {
		if n == direct {
			b.direct = uint32(i)
		}
	}
	b.channel = make([]uint32, len(s.names))
	return b, nil
}

// last returns the clock, or the latest row if there is none.
func (s *snapshot) last() instant {
	if s.clock != (instant{}) {
		return s.clock
	}
	last := instant{sec: firstSecond}
	for _, u := range s.users {
		if n := len(u.touches); n > 0 && last.before(u.touches[n-1].at) {
			last = u.touches[n-1].at
		}
		if n := len(u.conversions); n > 0 && last.before(u.conversions[n-1].at) {
			last = u.conversions[n-1].at
		}
		if n := len(u.refunds); n > 0 && last.before(u.refunds[n-1].at) {
			last = u.refunds[n-1].at
		}
	}
	return last
}

// within reports whether an instant lies in the period.
func (b *pathBuilder) within(t instant) bool {
	return !b.asOf.before(t) && !(b.started && t.before(b.start))
}

// id returns the paths' number of a channel.
func (b *pathBuilder) id(name uint32) uint32 {
	if b.channel[name] == 0 {
		b.channel[name] = b.paths.channels.ID(b.names[name]) + 1
	}
	return b.channel[name] - 1
}

// user adds all journeys of one user.
func (b *pathBuilder) user(u snapshotUser) error {
	conversions, err := b.conversions(u)
	if err != nil {
		return err
	}
	touches := b.touches(u.touches)
	end := b.asOf
	if b.opts.NewCustomers && len(conversions) > 0 {
		conversions, end = conversions[:1], conversions[0].at
		for len(touches) > 0 && end.before(touches[len(touches)-1].at) {
			touches = touches[:len(touches)-1]
		}
	}
	present := len(conversions) > 0 && b.opts.NewCustomers
	for _, t := range u.touches {
		if b.within(t.at) {
			present = present || !b.ignored[t.channel]
			if t.cost != 0 {
				b.paths.costOf(b.id(t.channel)).touches.Add(t.cost)
			}
		}
	}
	from := 0 // the first touch after the last conversion
	for _, c := range conversions {
		to := from
		for to < len(touches) && !c.at.before(touches[to].at) {
			to++
		}
		// The first touch that the conversion claims divides what came before
		// into this journey and older ones.
		first := from
		for first < to && !b.claims(c.at, touches[first]) {
			first++
		}
		next := c.at
		if first < to {
			next = touches[first].at
		}
		b.nulls(touches[from:first], next, false)
		if b.within(c.at) {
			present = true
			source := touches[first:to]
			if b.opts.KeepAfterConversion {
				source = touches[:to]
			}
			b.convert(u.user, c, source)
		}
		from = to
	}
	b.nulls(touches[from:], b.asOf, true)
	b.observe(u, touches, conversions, end)
	if present {
		b.seen++
	}
	return nil
}

// claims reports whether a touch is young enough for a conversion.
func (b *pathBuilder) claims(at instant, t touchRow) bool {
	return at.since(t.at) <= b.window(t)
}

// window is how old a touch may be.
func (b *pathBuilder) window(t touchRow) time.Duration { return b.windows[t.channel][t.kind] }

// convert adds a conversion with those of the touches that it claims.
func (b *pathBuilder) convert(user uint32, c conversionRow, touches []touchRow) {
	b.path = b.path[:0]
	for _, t := range touches {
		if b.claims(c.at, t) {
			b.path = append(b.path, t)
		}
	}
	p := b.paths
	id := b.intern()
	p.add(id, number(1), number(c.value), number(0))
	if b.log != nil {
		row := orderRow{user: user, id: c.id, at: c.at, value: c.value, path: id, journey: -1}
		if len(b.path) > 0 {
			row.journey = len(p.journeys)
		}
		*b.log = append(*b.log, row)
	}
	if len(b.path) == 0 {
		return
	}
	p.journeys = append(p.journeys, timedJourney{path: id, first: len(p.ages), value: c.value})
	for _, t := range b.path {
		p.ages = append(p.ages, c.at.since(t.at))
		p.kinds = append(p.kinds, t.kind)
	}
}

// intern transforms the path and returns its number.
func (b *pathBuilder) intern() uint32 {
	b.path = transform(b.path, b.opts.Transform, func(t touchRow) uint32 { return t.channel })
	b.seq = b.seq[:0]
	for _, t := range b.path {
		b.seq = append(b.seq, b.id(t.channel))
	}
	return b.paths.intern(b.seq)
}

// nulls adds the journeys without a conversion among touches that no
// conversion claimed. Next is when something happened again; if that is only
// the end of the period, a stretch that is still young is open, otherwise it
// is the expired beginning of the next journey.
func (b *pathBuilder) nulls(touches []touchRow, next instant, open bool) {
	for len(touches) > 0 {
		n := 1
		for n < len(touches) && touches[n].at.since(touches[n-1].at) <= b.opts.Gap {
			n++
		}
		last, then := touches[n-1].at, next
		if n < len(touches) {
			then = touches[n].at
		}
		switch {
		case then.since(last) > b.opts.Gap:
			if b.within(last) {
				b.path = append(b.path[:0], touches[:n]...)
				b.paths.add(b.intern(), number(0), number(0), number(1))
			}
		case open:
			if b.within(last) {
				b.paths.counts.open.Add(1)
			}
		default:
			b.paths.counts.expired.Add(float64(n))
		}
		touches = touches[n:]
	}
}

// sessionKey is what repeats within a session.
type sessionKey struct {
	channel, campaign uint32
	kind              Kind
}

// touches returns the touches up to the end of the period without those of
// ignored channels and those that repeat within a session.
func (b *pathBuilder) touches(rows []touchRow) []touchRow {
	b.kept = b.kept[:0]
	clear(b.sessions)
	var lastClick instant
	clicked, known := false, false // in the current session
	for _, t := range rows {
		if b.asOf.before(t.at) {
			break
		}
		if b.ignored[t.channel] {
			continue
		}
		if b.opts.SessionGap >= 0 {
			k := sessionKey{t.channel, t.campaign, t.kind}
			before, repeated := b.sessions[k]
			b.sessions[k] = t.at
			drop := repeated && t.at.since(before) <= b.opts.SessionGap
			// Only clicks hold a session together: an opened mail is not a visit.
			if t.kind == Click {
				if !clicked || t.at.since(lastClick) > b.opts.SessionGap {
					known = false
				}
				clicked, lastClick = true, t.at
				if t.channel == b.direct {
					drop = drop || known
				} else {
					known = true
				}
			}
			if drop {
				continue
			}
		}
		b.kept = append(b.kept, t)
	}
	return b.kept
}

// spend adds the ledger of the days of the period.
func (b *pathBuilder) spend(ledger []ledgerRow) {
	for _, r := range ledger {
		if r.day > dayOf(b.asOf) || b.started && r.day < dayOf(b.start) {
			continue
		}
		b.paths.costOf(b.paths.channels.ID(r.channel)).ledger.Merge(r.cost)
	}
}

// unexposed counts the users without anything in the period, in the unit of
// the others: a journey that ends without a conversion takes a Gap, so a user
// whom nobody met in a longer period stands for several.
func (b *pathBuilder) unexposed() {
	if b.opts.Users == nil {
		return
	}
	n := b.opts.Users.GetCardinality() - b.seen
	strangers := b.opts.Users.GetCardinality() - b.known
	if b.opts.Users.Contains(0) {
		n--
		strangers--
	}
	windows := 1.0
	// Those whom nobody has ever seen were there all the same.
	if b.started && b.start.before(b.asOf) {
		b.paths.exposed[b.paths.set(nil)].time.Merge(span(b.start, b.asOf).Scale(float64(strangers)))
	}
	if b.started && b.start.before(b.asOf) {
		windows = max(1, math.Floor(float64(b.asOf.since(b.start))/float64(b.opts.Gap)))
	}
	b.paths.add(b.paths.intern(nil), number(0), number(0), number(float64(n)*windows))
}
