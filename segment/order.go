package segment

import (
	"iter"
	"slices"
	"sync"

	"github.com/zhun-go/zhun/internal/bits"
)

// orders are the users of a column by bucket of their number, so that those of
// a narrow interval are read off, and those of any interval are counted, without
// a look at the rest.
//
// Moving a user at each change would cost more than the question saves. A block
// remembers who has changed since it was ordered and looks at these one by one;
// when they are many, the next question orders it anew.
type orders struct {
	mu     sync.Mutex // of questions, which make orders; changes exclude them
	blocks []*order   // of 65,536 users; nil until a question needs it
}

// order is the users of one block.
type order struct {
	users   []uint16 // by bucket, ascending within
	from    [lastCode + 2]uint32
	changed []changed // since then
	dirty   *bits.Words
}

// changed is a user whose number has changed since, and the bucket it stands in.
type changed struct{ low, code uint16 }

const (
	orderUsers = 1 << 16
	orderTiles = orderUsers / blockUsers
	// maxChanged is up to how many changed users a block is still of use: to look
	// at them costs about a tenth of ordering it.
	maxChanged = 4096
)

// note remembers that the number of a user changes, before it does.
func (o *orders) note(c *column, user uint32) {
	i := int(user / orderUsers)
	if i >= len(o.blocks) || o.blocks[i] == nil {
		return
	}
	b, low := o.blocks[i], uint16(user)
	if b.dirty == nil {
		b.dirty = new(bits.Words)
	}
	if b.dirty[low/64]>>(low%64)&1 != 0 {
		return
	}
	if len(b.changed) == maxChanged {
		o.blocks[i] = nil
		return
	}
	b.dirty[low/64] |= 1 << (low % 64)
	code := uint64(0)
	if v := c.values(int(user / blockUsers)); v != nil {
		code = c.buckets.codeOf(v[user%blockUsers])
	}
	b.changed = append(b.changed, changed{low, uint16(code)})
}

// all returns the orders of all blocks, making those that are missing.
func (o *orders) all(c *column, workers int) []*order {
	o.mu.Lock()
	defer o.mu.Unlock()
	span := (len(c.numbers) + orderTiles - 1) / orderTiles
	o.blocks = append(o.blocks, make([]*order, max(0, span-len(o.blocks)))...)
	var open []int
	for i, b := range o.blocks {
		if b == nil {
			open = append(open, i)
		}
	}
	bits.Split(len(open), workers, func(mine iter.Seq[int]) {
		codes := new([orderUsers]uint16)
		for i := range mine {
			o.blocks[open[i]] = c.arrange(open[i], codes)
		}
	})
	return slices.Clone(o.blocks)
}

// arrange orders a block by counting. codes is scratch.
func (c *column) arrange(block int, codes *[orderUsers]uint16) *order {
	o := &order{}
	for t := range orderTiles {
		b, tile := block*orderTiles+t, codes[t*blockUsers:][:blockUsers]
		if b < len(c.buckets.codes) && c.buckets.codes[b] != nil {
			c.buckets.codes[b].read((*[blockUsers]uint16)(tile))
		} else {
			clear(tile)
		}
	}
	for _, k := range codes {
		o.from[k+1]++
	}
	o.from[1] = 0 // who has none is not in it
	for k := 1; k <= lastCode; k++ {
		o.from[k+1] += o.from[k]
	}
	o.users = make([]uint16, o.from[lastCode+1])
	next := o.from
	for low, k := range codes {
		if k != 0 {
			o.users[next[k]] = uint16(low)
			next[k]++
		}
	}
	return o
}

// ranged is the users of a column whose number lies in an interval, as a source
// of blocks.
type ranged struct {
	c      *column
	v      interval
	span   codeSpan
	most   int // users in buckets that may hold such numbers, and changed ones
	blocks []*order
}

// rangeOf orders what is not ordered yet.
func (c *column) rangeOf(v interval, workers int) *ranged {
	v = c.widen(v)
	r := &ranged{c: c, v: v, span: c.buckets.span(v)}
	if r.span.first > r.span.last {
		return r
	}
	r.blocks = c.orders.all(c, workers)
	for _, o := range r.blocks {
		r.most += int(o.from[r.span.last+1]-o.from[r.span.first]) + len(o.changed)
	}
	return r
}

func (r *ranged) Span() int { return len(r.blocks) }
func (r *ranged) Most() int { return r.most }

// parts returns the users of a block in the buckets inside the interval, all of
// whom are in it, and those of the buckets at its ends.
func (r *ranged) parts(o *order) (inside, low, high []uint16) {
	s := &r.span
	if s.first == s.last && s.inside+1 != s.outside {
		return nil, o.users[o.from[s.first]:o.from[s.first+1]], nil
	}
	return o.users[o.from[s.inside]:o.from[s.outside]], o.users[o.from[s.first]:o.from[s.inside]], o.users[o.from[s.outside]:o.from[s.last+1]]
}

func (r *ranged) holds(i int, low uint16) bool {
	values := r.c.values(i*orderTiles + int(low/blockUsers))
	return values != nil && r.v.lo <= values[low%blockUsers] && values[low%blockUsers] <= r.v.hi
}

// edge calls f for the users of a bucket at an end who are in the interval and
// have not changed.
func (r *ranged) edge(i int, o *order, users []uint16, f func(low uint16)) {
	for _, low := range users {
		if (o.dirty == nil || o.dirty[low/64]>>(low%64)&1 == 0) && r.holds(i, low) {
			f(low)
		}
	}
}

func (r *ranged) Count(i int) int {
	o := r.blocks[i]
	inside, low, high := r.parts(o)
	n := len(inside)
	one := func(uint16) { n++ }
	r.edge(i, o, low, one)
	r.edge(i, o, high, one)
	for _, ch := range o.changed {
		if code := uint64(ch.code); code >= r.span.inside && code < r.span.outside {
			n--
		}
		if r.holds(i, ch.low) {
			n++
		}
	}
	return n
}

// fewRanged is up to how many users of a block are sorted rather than marked.
const fewRanged = 48

func (r *ranged) Block(i int, list []uint16, words *bits.Words) ([]uint16, int) {
	o := r.blocks[i]
	inside, low, high := r.parts(o)
	if len(inside)+len(low)+len(high)+len(o.changed) <= fewRanged {
		add := func(low uint16) { list = append(list, low) }
		for _, low := range inside {
			if o.dirty == nil || o.dirty[low/64]>>(low%64)&1 == 0 {
				add(low)
			}
		}
		r.edge(i, o, low, add)
		r.edge(i, o, high, add)
		for _, ch := range o.changed {
			if r.holds(i, ch.low) {
				add(ch.low)
			}
		}
		slices.Sort(list)
		return list, len(list)
	}
	clear(words[:])
	for _, low := range inside {
		words[low/64] |= 1 << (low % 64)
	}
	n := len(inside)
	mark := func(low uint16) {
		words[low/64] |= 1 << (low % 64)
		n++
	}
	r.edge(i, o, low, mark)
	r.edge(i, o, high, mark)
	for _, ch := range o.changed {
		n -= int(words[ch.low/64] >> (ch.low % 64) & 1)
		words[ch.low/64] &^= 1 << (ch.low % 64)
		if r.holds(i, ch.low) {
			mark(ch.low)
		}
	}
	return nil, n
}
