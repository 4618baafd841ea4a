package segment

import (
	"iter"
	"math"
	"sync/atomic"
	"time"

	"github.com/zhun-go/zhun/internal/bits"
)

// blockUsers is how many users a block has: 4,096 numbers are 32 KiB, what the
// first cache of a core holds, and their truth is 64 words.
const (
	blockUsers = 4096
	blockWords = blockUsers / 64
)

// mask is a set of users of one block.
type mask [blockWords]uint64

// column holds one attribute of all users side by side. It is a cache over the
// rows, made by the first question that needs it and kept up to date by every
// change from then on. Strings are held as codes into a dictionary that counts
// its entries, so that it forgets a string with the last user who has it.
type column struct {
	numbers []*[blockUsers]float64 // NaN where missing
	buckets *buckets
	orders  orders
	known   int                   // users with a number
	broken  int                   // of those, who have one that is not an integer
	base    int                   // when the column was made
	codes   []*[blockUsers]uint32 // 0 where missing
	code    map[string]uint32
	text    []string
	uses    []int
	sets    []*bits.Live // of users by code, nil until a question needs it
	made    int          // of those
	free    []uint32
	strings bool
	times   bool        // the numbers are edges of instants
	truths  []bits.Live // of a truth value: the users with false, and with true
}

// columnOf returns the column of an attribute, nil when its kind has none.
// Callers hold at least the read lock.
func (x *Index) columnOf(a *attribute) *column {
	switch a.kind {
	case Bool, Number, String, Time:
	default:
		return nil
	}
	if c := a.column.Load(); c != nil && !c.outgrown() {
		return c
	}
	x.making.Lock()
	defer x.making.Unlock()
	if c := a.column.Load(); c != nil && !c.outgrown() {
		return c
	}
	c := &column{strings: a.kind == String, times: a.kind == Time}
	switch a.kind {
	case String:
		c.code = make(map[string]uint32)
		c.text, c.uses = []string{""}, []int{0}
	case Bool:
		c.truths = make([]bits.Live, 2)
	default:
		var values []float64
		for _, r := range x.table.sample(4 * maxBounds) {
			if v := c.number(r, a); v == v {
				values = append(values, v)
			}
		}
		c.buckets = newBuckets(values)
	}
	if c.buckets != nil {
		c.fill(x, a)
	} else {
		for r := range x.table.all() {
			c.take(r, a)
		}
	}
	c.base = c.known
	a.column.Store(c)
	return c
}

// outgrown reports whether there are so many more numbers than there were that
// buckets drawn from those may no longer be alike; the next question makes the
// column anew, at a cost in proportion to what has come.
func (c *column) outgrown() bool { return c.known > 2*c.base+blockUsers }

// take reads the attribute from a row.
func (c *column) take(r *row, a *attribute) {
	switch {
	case c.strings:
		s, ok := r.object(a.id).(string)
		c.setText(r.user, s, ok)
	case c.truths != nil:
		v := r.number(a.id)
		for i := range c.truths {
			if v == float64(i) {
				c.truths[i].Add(r.user)
			} else {
				c.truths[i].Remove(r.user)
			}
		}
	default:
		c.setNumber(r.user, c.number(r, a))
	}
}

// fill reads the numbers of all rows, as take would one by one.
func (c *column) fill(x *Index, a *attribute) {
	span := 0
	for b := range x.table.pages() {
		span = b + 1
	}
	c.numbers, c.buckets.codes = make([]*[blockUsers]float64, span), make([]*planes, span)
	var known, broken atomic.Int64
	bits.Split(span, x.opts.Workers, func(mine iter.Seq[int]) {
		for b := range mine {
			if p := x.table.page(b); p != nil {
				n, m := c.fillBlock(b, p, a)
				known.Add(int64(n))
				broken.Add(int64(m))
			}
		}
	})
	c.known, c.broken = int(known.Load()), int(broken.Load())
}

func (c *column) fillBlock(b int, p *page, a *attribute) (known, broken int) {
	values := new([blockUsers]float64)
	for i := range values {
		values[i] = missing
	}
	for r := range p.all() {
		v := c.number(r, a)
		values[r.user%blockUsers] = v
		known += int(bit(v == v))
		broken += int(bit(v == v && !whole(v)))
	}
	if known > 0 {
		c.numbers[b], c.buckets.codes[b] = values, c.buckets.encode(values)
	}
	return known, broken
}

// widen returns an interval of the same numbers, as far as there are any, which
// ends between integers where there are no others: buckets mostly do so, too.
func (c *column) widen(v interval) interval {
	if c.broken == 0 {
		return v.integers()
	}
	return v
}

// number reads the number or, as its edge, the instant of a row.
func (c *column) number(r *row, a *attribute) float64 {
	if !c.times {
		return r.number(a.id)
	}
	if t, ok := r.object(a.id).(time.Time); ok {
		return float64(edgeOf(t))
	}
	return missing
}

func (c *column) setNumber(user uint32, v float64) {
	b := int(user / blockUsers)
	if b >= len(c.numbers) {
		if v != v {
			return
		}
		c.numbers = append(c.numbers, make([]*[blockUsers]float64, b+1-len(c.numbers))...)
	}
	if c.numbers[b] == nil {
		if v != v {
			return
		}
		c.numbers[b] = new([blockUsers]float64)
		for i := range c.numbers[b] {
			c.numbers[b][i] = math.NaN()
		}
	}
	slot := &c.numbers[b][user%blockUsers]
	if *slot == v || *slot != *slot && v != v {
		return
	}
	c.orders.note(c, user)
	c.known += int(bit(v == v)) - int(bit(*slot == *slot))
	c.broken += int(bit(v == v && !whole(v))) - int(bit(*slot == *slot && !whole(*slot)))
	c.buckets.set(b, user%blockUsers, *slot, v)
	*slot = v
}

func (c *column) setText(user uint32, s string, ok bool) {
	b := int(user / blockUsers)
	if b >= len(c.codes) {
		if !ok {
			return
		}
		c.codes = append(c.codes, make([]*[blockUsers]uint32, b+1-len(c.codes))...)
	}
	if c.codes[b] == nil {
		if !ok {
			return
		}
		c.codes[b] = new([blockUsers]uint32)
	}
	slot := &c.codes[b][user%blockUsers]
	old := *slot
	*slot = 0
	if ok {
		*slot = c.codeOf(s)
		c.uses[*slot]++
	}
	c.move(user, old, *slot)
	if old != 0 {
		if c.uses[old]--; c.uses[old] == 0 {
			if int(old) < len(c.sets) && c.sets[old] != nil {
				c.sets[old] = nil
				c.made--
			}
			delete(c.code, c.text[old])
			c.text[old] = ""
			c.free = append(c.free, old)
		}
	}
}

// codeOf returns the code of a string, a new one if needed. Code 0 is none.
func (c *column) codeOf(s string) uint32 {
	if k, ok := c.code[s]; ok {
		return k
	}
	var k uint32
	if n := len(c.free); n > 0 {
		k = c.free[n-1]
		c.free = c.free[:n-1]
		c.text[k] = s
	} else {
		k = uint32(len(c.text))
		c.text, c.uses = append(c.text, s), append(c.uses, 0)
	}
	c.code[s] = k
	return k
}

// refresh brings the columns up to date with a row that changed as a whole.
func (x *Index) refresh(r *row) {
	for _, a := range x.attrs {
		a.take(x, r)
	}
}

// take brings what questions keep of the attribute up to date with a row.
func (a *attribute) take(x *Index, r *row) {
	if c := a.column.Load(); c != nil {
		c.take(r, a)
	}
	if k := a.kept.Load(); k != nil {
		k.take(x, r)
	}
}

// near reads what take changes first, and does not wait for it.
func (a *attribute) near(user uint32) (sum uint64) {
	if c := a.column.Load(); c != nil && c.truths == nil {
		if values := c.values(int(user / blockUsers)); values != nil {
			sum = math.Float64bits(values[user%blockUsers])
		}
	}
	if k := a.kept.Load(); k != nil {
		for _, c := range k.live {
			sum += bit(c.odd.Has(user))
		}
	}
	return sum
}

// dropColumns forgets the columns: the rows were replaced.
func (x *Index) dropColumns() {
	for _, a := range x.attrs {
		a.column.Store(nil)
		a.kept.Store(nil)
	}
}
