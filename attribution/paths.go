package attribution

import (
	"encoding"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
)

// Paths are journeys summed up by the channels they went through: for each
// distinct sequence of channels the conversions, their value, and the
// journeys that did not convert. [Journeys.Paths] makes them from timed
// touches, [Paths.Add] and [ReadCSV] from aggregated rows.
//
// Paths are a summary: rows can be added, taken out and merged in any order.
// Counts and values are sums in about 106 bits, so that for integers, such as
// money in minor units, equal rows give equal bits.
//
// The zero value is empty and ready to use. Not safe for concurrent use; any
// number of models may read paths that nobody writes to.
type Paths struct {
	channels ids.Dict
	seqs     sequences
	rows     []tally  // by path
	columns  []column // by block of seqs
	setOf    []uint32 // by path, the number of its set of channels
	sets     sequences
	bySet    []tally    // the sums of rows by set
	exposed  []exposure // by set

	currency string
	counts   counts
	cost     []costs // by channel, as far as known
	journeys []timedJourney
	ages     []time.Duration // of all timed journeys, end to end
	kinds    []Kind

	lens     *lens // set in copies on which a model is asked for more
	negative int   // how many sums are below zero
	scratch  []uint32
	scratch2 []uint32
}

var (
	_ encoding.BinaryAppender    = (*Paths)(nil)
	_ encoding.BinaryUnmarshaler = (*Paths)(nil)
)

// tally is what is summed over journeys.
type tally struct{ conv, value, null stats.Sum }

func (t *tally) merge(o tally) {
	t.conv.Merge(o.conv)
	t.value.Merge(o.value)
	t.null.Merge(o.null)
}

// negative reports whether a count is below zero; a value may be.
func (t *tally) negative() bool { return t.conv.Value() < 0 || t.null.Value() < 0 }

func (t *tally) zero() bool {
	return t.conv.Value() == 0 && t.value.Value() == 0 && t.null.Value() == 0
}

// column repeats the figures of one block of paths, rounded and side by side,
// because most models read nothing else of a row.
type column struct{ conv, value, null []float64 }

func (c *column) set(pos uint32, t *tally) {
	c.conv[pos], c.value[pos], c.null[pos] = t.conv.Value(), t.value.Value(), t.null.Value()
}

// counts are what the paths know beside their rows.
type counts struct {
	untimed stats.Sum // conversions of rows with channels but without times
	open    stats.Sum // journeys that may yet convert
	expired stats.Sum // touches too old for any journey
	voided  stats.Sum // orders taken back whole
	refunds stats.Sum // value taken back from orders that stand
	orphans stats.Sum // refunds whose order is unknown
	repeats stats.Sum // conversions whose id had been seen
}

func (c *counts) all() []*stats.Sum {
	return []*stats.Sum{&c.untimed, &c.open, &c.expired, &c.voided, &c.refunds, &c.orphans, &c.repeats}
}

// costs are what a channel cost by each source of the figure.
type costs struct {
	ledger, touches stats.Sum
}

// spend returns the ledger's figure where there is one.
func (c costs) spend() float64 {
	if v := c.ledger.Value(); v != 0 {
		return v
	}
	return c.touches.Value()
}

// timedJourney is one conversion with the age and kind of each touch of its
// path.
type timedJourney struct {
	path  uint32
	first int // its touches are ages[first : first+length of the path]
	value float64
}

// Summary counts what paths hold.
type Summary struct {
	Conversions  float64 // all of them
	Value        float64 // of all conversions, refunds taken off
	Nulls        float64 // journeys that ended without a conversion
	Unattributed float64 // conversions without any touch, part of Conversions
	Unexposed    float64 // users without any touch or conversion, in windows
	Distinct     int     // distinct sequences of channels
	Channels     int     // distinct channels
	Currency     string

	// What only paths from journeys know.
	Open          float64 // runs of touches that may yet convert; in no path
	ExpiredTouch  float64 // touches too old for the journey they began
	Voided        float64 // orders taken back whole; no conversions
	Refunded      float64 // value taken back from orders that stand
	OrphanRefunds float64 // refunds whose order is unknown
	Repeated      float64 // conversions whose id had been seen; not counted
}

// String tells the totals in a line.
func (p *Paths) String() string {
	s := p.Summary()
	return fmt.Sprintf("paths: %d distinct of %d channels, %.6g conversions worth %.6g, %.6g nulls", s.Distinct, s.Channels, s.Conversions, s.Value, s.Nulls)
}

// Summary returns the totals.
func (p *Paths) Summary() Summary {
	total, empty := p.total(), p.empty()
	s := Summary{
		Conversions: total.conv.Value(), Value: total.value.Value(),
		Unattributed: empty.conv.Value(), Unexposed: empty.null.Value(),
		Channels: len(p.inUse()), Currency: p.currency,
		Open: p.counts.open.Value(), ExpiredTouch: p.counts.expired.Value(), Voided: p.counts.voided.Value(),
		Refunded: p.counts.refunds.Value(), OrphanRefunds: p.counts.orphans.Value(), Repeated: p.counts.repeats.Value(),
	}
	nulls := total.null
	nulls.Merge(empty.null.Neg())
	s.Nulls = nulls.Value()
	for id := range p.rows {
		if p.seqs.blocks[p.seqs.places[id].block].length > 0 && !p.rows[id].zero() {
			s.Distinct++
		}
	}
	return s
}

// Add adds a row: journeys through the channels in their order, of which
// some converted, with a total value, and some did not. Without channels, the
// conversions are unattributed and the nulls users who were never exposed.
// Counts that are negative, figures beyond 1e100 or, but for 0, below 1e-100 in
// size, and channels without a name are an [*InputError].
func (p *Paths) Add(channels []string, conversions, value, nulls float64) error {
	if err := checkRow("Add", channels, conversions, value, nulls); err != nil {
		return err
	}
	id := p.path(channels)
	p.add(id, number(conversions), number(value), number(nulls))
	if len(channels) > 0 {
		p.counts.untimed.Add(conversions)
	}
	return nil
}

// Sub takes a row out again that [Paths.Add] added. Taking out more than
// there is leaves a negative count, which a later Add or Merge may fill;
// until then models answer [ErrNegative].
func (p *Paths) Sub(channels []string, conversions, value, nulls float64) error {
	if err := checkRow("Sub", channels, conversions, value, nulls); err != nil {
		return err
	}
	id := p.path(channels)
	p.add(id, number(-conversions), number(-value), number(-nulls))
	if len(channels) > 0 {
		p.counts.untimed.Sub(conversions)
	}
	return nil
}

// AddSpend adds to what a channel cost, for ROAS and the like; it counts as
// the ledger's figure.
func (p *Paths) AddSpend(channel string, cost float64) error {
	switch {
	case channel == "" || !utf8.ValidString(channel):
		return inputError("AddSpend", 0, "channel", channel, "not a name in UTF-8")
	case !finite(cost):
		return inputError("AddSpend", 0, "cost", cost, "not a number within ±1e100")
	}
	p.costOf(p.channels.ID(channel)).ledger.Add(cost)
	return nil
}

// Merge adds all of other, which is not changed. Paths in two currencies do
// not merge: [ErrCurrency].
func (p *Paths) Merge(other *Paths) error {
	if other == nil {
		return inputError("Merge", 0, "other", nil, "none")
	}
	if err := p.mix(other.currency); err != nil {
		return err
	}
	if p == other {
		other = other.clone()
	}
	number := make([]uint32, other.channels.Len())
	for i, n := range other.channels.Names() {
		number[i] = p.channels.ID(n)
	}
	path := make([]uint32, len(other.rows))
	for id := range other.rows {
		p.scratch = p.scratch[:0]
		for _, c := range other.seqs.seq(uint32(id)) {
			p.scratch = append(p.scratch, number[c])
		}
		path[id] = p.intern(p.scratch)
		p.add(path[id], other.rows[id].conv, other.rows[id].value, other.rows[id].null)
	}
	for c := range other.cost {
		k := p.costOf(number[c])
		k.ledger.Merge(other.cost[c].ledger)
		k.touches.Merge(other.cost[c].touches)
	}
	for id := range other.exposed {
		if other.exposed[id] == (exposure{}) {
			continue
		}
		p.scratch = p.scratch[:0]
		for _, c := range other.sets.seq(uint32(id)) {
			p.scratch = append(p.scratch, number[c])
		}
		slices.Sort(p.scratch)
		p.exposed[p.set(p.scratch)].merge(other.exposed[id])
	}
	mine, theirs := p.counts.all(), other.counts.all()
	for i := range mine {
		mine[i].Merge(*theirs[i])
	}
	for _, j := range other.journeys {
		n := len(other.seqs.seq(j.path))
		j.path = path[j.path]
		first := len(p.ages)
		p.ages = append(p.ages, other.ages[j.first:j.first+n]...)
		p.kinds = append(p.kinds, other.kinds[j.first:j.first+n]...)
		j.first = first
		p.journeys = append(p.journeys, j)
	}
	return nil
}

// mix takes on a currency. Values without one are taken to be in the same as
// the others.
func (p *Paths) mix(currency string) error {
	switch {
	case currency == "" || currency == p.currency:
		return nil
	case p.currency == "":
		p.currency = currency
		return nil
	}
	return fmt.Errorf("attribution: Merge: %w: %q and %q", ErrCurrency, p.currency, currency)
}

func (p *Paths) clone() *Paths {
	var c Paths
	// Merging into empty paths cannot fail.
	_ = c.Merge(p)
	return &c
}

func checkRow(verb string, channels []string, conversions, value, nulls float64) error {
	for _, c := range channels {
		if c == "" || !utf8.ValidString(c) {
			return inputError(verb, 0, "channel", c, "not a name in UTF-8")
		}
	}
	switch {
	case !amount(conversions):
		return inputError(verb, 0, "conversions", conversions, "not a number within 0 and 1e100")
	case !finite(value):
		return inputError(verb, 0, "value", value, "not a number within ±1e100")
	case !amount(nulls):
		return inputError(verb, 0, "nulls", nulls, "not a number within 0 and 1e100")
	case tiny(conversions):
		return inputError(verb, 0, "conversions", conversions, "below 1e-100 and not 0")
	case tiny(value):
		return inputError(verb, 0, "value", value, "below 1e-100 and not 0")
	case tiny(nulls):
		return inputError(verb, 0, "nulls", nulls, "below 1e-100 and not 0")
	}
	return nil
}

func number(x float64) stats.Sum {
	var s stats.Sum
	s.Add(x)
	return s
}

// path returns the number of the path through the named channels.
func (p *Paths) path(channels []string) uint32 {
	p.scratch = p.scratch[:0]
	for _, c := range channels {
		p.scratch = append(p.scratch, p.channels.ID(c))
	}
	return p.intern(p.scratch)
}

// intern returns the number of a path and gives a new one its set.
func (p *Paths) intern(path []uint32) uint32 {
	id := p.seqs.intern(path)
	if int(id) < len(p.rows) {
		return id
	}
	p.scratch2 = appendSet(p.scratch2[:0], path)
	set := p.set(p.scratch2)
	p.rows = append(p.rows, tally{})
	p.setOf = append(p.setOf, set)
	if len(p.columns) < len(p.seqs.blocks) {
		p.columns = append(p.columns, column{})
	}
	col := &p.columns[p.seqs.places[id].block]
	col.conv, col.value, col.null = append(col.conv, 0), append(col.value, 0), append(col.null, 0)
	return id
}

// set returns the number of a set of channels in ascending order.
func (p *Paths) set(channels []uint32) uint32 {
	set := p.sets.intern(channels)
	if int(set) == len(p.bySet) {
		p.bySet = append(p.bySet, tally{})
		p.exposed = append(p.exposed, exposure{})
	}
	return set
}

// appendSet appends the distinct elements of a path in ascending order.
func appendSet(dst, path []uint32) []uint32 {
	if len(path) > 32 {
		dst = append(dst, path...)
		slices.Sort(dst)
		return slices.Compact(dst)
	}
next:
	for _, x := range path {
		i := len(dst)
		for i > 0 && dst[i-1] >= x {
			if i--; dst[i] == x {
				continue next
			}
		}
		dst = slices.Insert(dst, i, x)
	}
	return dst
}

// add adds to a path and its set.
func (p *Paths) add(path uint32, conv, value, null stats.Sum) {
	t := tally{conv, value, null}
	at := p.seqs.places[path]
	for _, to := range [2]*tally{&p.rows[path], &p.bySet[p.setOf[path]]} {
		before := to.negative()
		to.merge(t)
		if after := to.negative(); after != before {
			if after {
				p.negative++
			} else {
				p.negative--
			}
		}
	}
	p.columns[at.block].set(at.pos, &p.rows[path])
}

func (p *Paths) costOf(channel uint32) *costs {
	for int(channel) >= len(p.cost) {
		p.cost = append(p.cost, costs{})
	}
	return &p.cost[channel]
}

// empty returns the sums of the path without channels.
func (p *Paths) empty() tally {
	if id, ok := p.sets.lookup(nil); ok {
		return p.bySet[id]
	}
	return tally{}
}

// total returns the sums over all paths. The sets are added up by ascending
// size, which for integers makes no difference.
func (p *Paths) total() tally {
	var t tally
	for i := range p.bySet {
		t.merge(p.bySet[i])
	}
	return t
}

// inUse returns the channels of paths that count something, and those with a
// known cost, by name.
func (p *Paths) inUse() []uint32 {
	used := make([]bool, p.channels.Len())
	for id := range p.bySet {
		if !p.bySet[id].zero() || p.exposed[id] != (exposure{}) {
			for _, c := range p.sets.seq(uint32(id)) {
				used[c] = true
			}
		}
	}
	for c := range p.cost {
		used[c] = used[c] || p.cost[c].spend() != 0
	}
	var list []uint32
	for c, u := range used {
		if u {
			list = append(list, uint32(c))
		}
	}
	slices.SortFunc(list, func(a, b uint32) int { return ids.Compare(p.channels.Name(a), p.channels.Name(b)) })
	return list
}

// Unpaid returns the channels without any known cost, by name: LastNon(p,
// p.Unpaid()...) is the last paid touch, FirstNon the first one.
func (p *Paths) Unpaid() []string {
	var list []string
	for _, c := range p.inUse() {
		if int(c) >= len(p.cost) || p.cost[c].spend() == 0 {
			list = append(list, p.channels.Name(c))
		}
	}
	return list
}
