package segment

import (
	"slices"
	"sync/atomic"

	"github.com/zhun-go/zhun/internal/bits"
)

// A condition on one attribute that no column answers, such as a tag in a list
// or a pattern, has to be looked at user by user. Once questions have looked at
// about as many users for it as there are, its users are kept as a set, which
// every change of the attribute keeps up to date.

// condition is one of them.
type condition struct {
	holds func(*scan) bool
	blank bool // its truth for a user without the attribute
	// odd is the users for whom its truth is not blank, so that users come and
	// go without a change to it; nil until it is worth having.
	odd   *bits.Live
	spent atomic.Int64 // users looked at
	asked uint64       // when last, among the questions about the attribute
}

// keeper is the kept conditions of an attribute by their keys.
type keeper struct {
	conditions map[string]*condition
	live       []*condition // those whose users are kept
	asked      uint64
}

// maxKept is how many conditions of an attribute are kept at most, at 1 bit a
// user or less each; the one asked for least lately goes first.
const maxKept = 32

// keptOf returns what is kept of a predicate, nil when it is not about one
// attribute alone.
func (x *Index) keptOf(p *predicate) *condition {
	if p.machine || p.deps.clock || p.deps.elem || len(p.deps.events) > 0 || len(p.deps.attrs) != 1 || p.moment != nil {
		return nil
	}
	a := x.attrs[p.deps.attrList()[0]]
	x.making.Lock()
	defer x.making.Unlock()
	k := a.kept.Load()
	if k == nil {
		k = &keeper{conditions: make(map[string]*condition)}
		a.kept.Store(k)
	}
	k.asked++
	c := k.conditions[p.key]
	if c == nil {
		if len(k.conditions) == maxKept {
			oldest := ""
			for key, c := range k.conditions {
				if oldest == "" || c.asked < k.conditions[oldest].asked {
					oldest = key
				}
			}
			k.live = slices.DeleteFunc(k.live, func(c *condition) bool { return c == k.conditions[oldest] })
			delete(k.conditions, oldest)
		}
		c = &condition{holds: p.eval, blank: p.eval(&scan{x: x, r: &row{}, until: never})}
		k.conditions[p.key] = c
	}
	c.asked = k.asked
	if c.odd == nil && c.spent.Load() >= int64(x.table.n/2) {
		s := &scan{x: x, until: never}
		c.odd = new(bits.Live)
		for r := range x.table.all() {
			if s.r = r; c.holds(s) != c.blank {
				c.odd.Add(r.user)
			}
		}
		k.live = append(k.live, c)
	}
	return c
}

// expr returns the users for whom the condition holds among everybody, if they
// are kept.
func (c *condition) expr(everybody bits.Expr) (e bits.Expr, ok bool) {
	switch {
	case c.odd == nil:
		return e, false
	case c.blank:
		return bits.Diff(everybody, bits.Of(c.odd.View())), true
	}
	return bits.Of(c.odd.View()), true
}

// count counts the users that a leaf looks at.
func (c *condition) count(l leaf) leaf {
	return leaf{
		block: func(b *blockScan, in, out *mask) {
			c.spent.Add(int64(in.count()))
			l.block(b, in, out)
		},
		one: func(b *blockScan, user uint32) bool {
			c.spent.Add(1)
			return l.one(b, user)
		},
	}
}

// take brings the sets up to date with a row that changed.
func (k *keeper) take(x *Index, r *row) {
	s := x.at(r)
	for _, c := range k.live {
		if c.holds(s) != c.blank {
			c.odd.Add(r.user)
		} else {
			c.odd.Remove(r.user)
		}
	}
}
