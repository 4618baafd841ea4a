package attribution

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// PathOptions say how timed touches become paths. Nil and zero fields mean
// the defaults.
type PathOptions struct {
	// Start is the first instant of the period: conversions before it and
	// journeys that ended before it are left out, touches before it count as
	// far as the lookback reaches. Default: from the beginning.
	Start time.Time
	// AsOf is the last instant of the period; what came later, refunds among
	// it, is not seen. Default: the clock, or the latest row if [Journeys.Advance]
	// was never called.
	AsOf time.Time

	// Click and View are how old a touch may be at the conversion, the window
	// being closed at both ends; default 30 days and 1 day. Channels gives
	// single channels their own, for both kinds.
	Click, View time.Duration
	Channels    map[string]time.Duration
	// Gap is how long nothing must happen after a touch for its journey to
	// have ended without a conversion; default the longest lookback.
	Gap time.Duration
	// SessionGap is how long a session may pause, default 30 minutes; negative
	// counts every touch. Within it, touches of one channel, campaign and kind
	// count once, and a direct visit does not count after a known channel.
	SessionGap time.Duration
	// KeepAfterConversion lets a touch count for all conversions within its
	// window. By default it counts for the next one only.
	KeepAfterConversion bool
	// Transform says what happens to channels that repeat in a path; default
	// Raw.
	Transform Transform

	// Users are all users there are: others are left out, and those of them
	// without a touch or a conversion in the period count as unexposed. Default:
	// the users with rows, none unexposed.
	Users *roaring.Bitmap

	// Currency is what values are converted to by Convert; both or none must be
	// given. Without them, values in different currencies are an error,
	// [ErrCurrency]; one without a currency is taken to be in the common one.
	Currency string
	Convert  func(value float64, currency string, at time.Time) (float64, error)
}

// Transform says what happens to channels that repeat in a path.
type Transform uint8

const (
	// Raw keeps every touch.
	Raw Transform = iota
	// Collapse keeps the last of neighbors with the same channel.
	Collapse
	// Unique keeps the first touch of each channel.
	Unique
)

func (t Transform) String() string {
	switch t {
	case Raw:
		return "raw"
	case Collapse:
		return "collapse"
	case Unique:
		return "unique"
	}
	return fmt.Sprintf("Transform(%d)", uint8(t))
}

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
func (j *Journeys) Paths(opts *PathOptions) (*Paths, error) {
	s := j.snapshot()
	b, err := newPathBuilder(&s, opts, j.opts.Direct)
	if err != nil {
		return nil, err
	}
	for _, u := range s.users {
		if opts != nil && opts.Users != nil && !opts.Users.Contains(u.user) {
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
	started  bool            // there is a start
	windows  []time.Duration // by channel, its own lookback; negative if it has none
	channel  []uint32        // names to the channels of the paths, +1
	paths    *Paths
	seen     uint64 // users of opts.Users with something in the period
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
	own := make(map[uint32]time.Duration)
	longest := max(o.Click, o.View)
	for _, name := range slices.Sorted(maps.Keys(o.Channels)) {
		d := o.Channels[name]
		if d < 0 {
			return nil, bad(fmt.Sprintf("Channels[%q]", name), d, "negative")
		}
		longest = max(longest, d)
		if i := slices.Index(s.names, name); i >= 0 {
			own[uint32(i)] = d
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
	b.windows = make([]time.Duration, len(s.names))
	for i, n := range s.names {
		b.windows[i] = -1
		if d, ok := own[uint32(i)]; ok {
			b.windows[i] = d
		}
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
	present := false
	for _, t := range u.touches {
		if b.within(t.at) {
			present = true
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
			b.convert(c, source)
		}
		from = to
	}
	b.nulls(touches[from:], b.asOf, true)
	b.observe(u, touches, conversions)
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
func (b *pathBuilder) window(t touchRow) time.Duration {
	if w := b.windows[t.channel]; w >= 0 {
		return w
	}
	if t.kind == View {
		return b.opts.View
	}
	return b.opts.Click
}

// convert adds a conversion with those of the touches that it claims.
func (b *pathBuilder) convert(c conversionRow, touches []touchRow) {
	b.path = b.path[:0]
	for _, t := range touches {
		if b.claims(c.at, t) {
			b.path = append(b.path, t)
		}
	}
	p := b.paths
	id := b.intern()
	p.add(id, number(1), number(c.value), number(0))
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

// touches returns the touches up to the end of the period without those that
// repeat within a session.
func (b *pathBuilder) touches(rows []touchRow) []touchRow {
	b.kept = b.kept[:0]
	clear(b.sessions)
	var lastClick instant
	clicked, known := false, false // in the current session
	for _, t := range rows {
		if b.asOf.before(t.at) {
			break
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

// conversions returns the conversions up to the end of the period, each id
// once, refunds taken off, in the common currency.
func (b *pathBuilder) conversions(u snapshotUser) ([]conversionRow, error) {
	if len(u.conversions) == 0 && len(u.refunds) == 0 {
		return nil, nil
	}
	rows := make([]conversionRow, 0, len(u.conversions))
	byID := make(map[string]int)
	for _, c := range u.conversions {
		if b.asOf.before(c.at) {
			break
		}
		if _, seen := byID[c.id]; seen && c.id != "" {
			if b.within(c.at) {
				b.paths.counts.repeats.Add(1)
			}
			continue
		}
		byID[c.id] = len(rows)
		rows = append(rows, c)
	}
	refunded := make([]float64, len(rows))
	void := make([]bool, len(rows))
	for _, r := range u.refunds {
		if b.asOf.before(r.at) {
			break
		}
		i, ok := byID[r.id]
		if !ok {
			if b.within(r.at) {
				b.paths.counts.orphans.Add(1)
			}
			continue
		}
		refunded[i] += r.value
		void[i] = void[i] || r.whole
	}
	kept := rows[:0]
	for i, c := range rows {
		// An order worth nothing is not taken back by a refund of nothing.
		if void[i] || refunded[i] > 0 && refunded[i] >= c.value {
			if b.within(c.at) {
				b.paths.counts.voided.Add(1)
			}
			continue
		}
		var err error
		if c.value, err = b.value(u.user, c, c.value-refunded[i]); err != nil {
			return nil, err
		}
		if refunded[i] > 0 && b.within(c.at) {
			back, err := b.value(u.user, c, refunded[i])
			if err != nil {
				return nil, err
			}
			b.paths.counts.refunds.Add(back)
		}
		kept = append(kept, c)
	}
	return kept, nil
}

// value returns a value in the common currency.
func (b *pathBuilder) value(user uint32, c conversionRow, v float64) (float64, error) {
	currency := b.names[c.currency]
	if b.opts.Convert == nil || currency == "" || currency == b.opts.Currency {
		if currency != "" && b.paths.currency != "" && currency != b.paths.currency {
			return 0, &InputError{
				Verb: "Paths", User: user, Field: "currency", Value: currency, Err: ErrCurrency,
				Reason: fmt.Sprintf("values in %q came before; give PathOptions.Convert", b.paths.currency),
			}
		}
		if currency != "" {
			b.paths.currency = currency
		}
		return v, nil
	}
	out, err := b.opts.Convert(v, currency, c.at.time())
	if err != nil {
		return 0, &InputError{Verb: "Paths", User: user, Field: "currency", Value: currency, Err: err}
	}
	if !amount(out) {
		return 0, inputError("Paths", user, "converted value", out, "not a number within 0 and 1e150")
	}
	return out, nil
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

// transform keeps those elements of a path that a transform keeps.
func transform[E any](path []E, t Transform, channel func(E) uint32) []E {
	switch t {
	case Collapse:
		n := 0
		for i, e := range path {
			if i+1 < len(path) && channel(path[i+1]) == channel(e) {
				continue
			}
			path[n] = e
			n++
		}
		return path[:n]
	case Unique:
		n := 0
		seen := make(map[uint32]bool, len(path))
		for _, e := range path {
			if c := channel(e); !seen[c] {
				seen[c] = true
				path[n] = e
				n++
			}
		}
		return path[:n]
	}
	return path
}
