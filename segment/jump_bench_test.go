package segment

import (
	"slices"
	"testing"
)

// jumpLimit is the work that no engine with a dependency index is spared when
// attributes jump, and nothing else: it sets the truth bits between the places
// of the old and the new number, computes each audience that reads one of them
// once, and writes down those that change. All is laid out flat for the rules of
// BenchmarkUpdate: no map of changes, times of writing, missing values, order or
// cause of transitions, sets of members, nor lock.
type jumpLimit struct {
	rows  []jumpRow
	cuts  [benchAttrs]jumpCuts
	reads [][]uint16               // audiences by predicate
	rules [benchAudiences]jumpRule // by audience
	marks [benchAudiences]uint64
	step  uint64
	dirty []uint16
	log   [4096]jumpMove
	moves uint64
}

type jumpRow struct {
	values [benchAttrs]float64
	truth  [benchAttrs * benchCuts / 64 * 2]uint64
	member [(benchAudiences + 63) / 64]uint64
}

// jumpCuts are the thresholds of an attribute, ascending, and the predicate
// that changes at each.
type jumpCuts struct {
	keys  []float64
	preds []uint16
	above []uint64 // 1 for >=, 0 for <
}

// jumpRule is (a or b) and (c or d).
type jumpRule [4]uint16

type jumpMove struct {
	user     uint32
	audience uint16
	entered  bool
	at       int64
}

type jumpChange struct {
	user   uint32
	attrs  [3]uint32
	values [3]float64
}

func flatChange(user uint32, names []string, changes map[string]any) jumpChange {
	c, n := jumpChange{user: user}, 0
	for a, name := range names {
		if v, ok := changes[name].(float64); ok {
			c.attrs[n], c.values[n] = uint32(a), v
			n++
		}
	}
	return c
}

func newJumpLimit(trees []tree, values []float64) *jumpLimit {
	l := &jumpLimit{}
	pred := func(t tree) uint16 {
		attr, limit, above := 0, 0.0, uint64(0)
		switch t := t.(type) {
		case treeMore:
			attr, limit, above = t.attr, t.limit, 1
		case treeLess:
			attr, limit = t.attr, t.limit
		}
		c := &l.cuts[attr]
		i, ok := slices.BinarySearch(c.keys, limit)
		if !ok {
			c.keys, c.above = slices.Insert(c.keys, i, limit), slices.Insert(c.above, i, above)
			c.preds = slices.Insert(c.preds, i, uint16(len(l.reads)))
			l.reads = append(l.reads, nil)
		}
		return c.preds[i]
	}
	for a, t := range trees {
		and := t.(treeAnd)
		x, y := and.a.(treeOr), and.b.(treeOr)
		for i, leaf := range []tree{x.a, x.b, y.a, y.b} {
			p := pred(leaf)
			l.rules[a][i] = p
			if !slices.Contains(l.reads[p], uint16(a)) {
				l.reads[p] = append(l.reads[p], uint16(a))
			}
		}
	}
	l.rows = make([]jumpRow, len(values)/benchAttrs)
	for u := range l.rows {
		r := &l.rows[u]
		copy(r.values[:], values[u*benchAttrs:])
		for i := range l.cuts {
			c := &l.cuts[i]
			for j, key := range c.keys {
				r.truth[c.preds[j]/64] |= (bit(r.values[i] >= key) ^ c.above[j] ^ 1) << (c.preds[j] % 64)
			}
		}
		for a := range l.rules {
			r.member[a/64] |= l.rules[a].holds(r) << (a % 64)
		}
	}
	return l
}

func (t *jumpRule) holds(r *jumpRow) uint64 {
	read := func(p uint16) uint64 { return r.truth[p/64] >> (p % 64) }
	return (read(t[0]) | read(t[1])) & (read(t[2]) | read(t[3])) & 1
}

// near reads what a change of the user needs, and does not wait for it.
func (l *jumpLimit) near(c *jumpChange) (sum uint64) {
	r := &l.rows[c.user-1]
	for _, a := range c.attrs {
		sum += uint64(r.values[a])
	}
	for w := 0; w < len(r.truth); w += 8 {
		sum += r.truth[w]
	}
	return sum + r.member[0] + r.member[8]
}

func (l *jumpLimit) update(c *jumpChange, at int64) {
	r := &l.rows[c.user-1]
	l.step++
	l.dirty = l.dirty[:0]
	for i, a := range c.attrs {
		cuts := &l.cuts[a]
		from, to := jumpPlace(cuts.keys, r.values[a]), jumpPlace(cuts.keys, c.values[i])
		r.values[a] = c.values[i]
		for _, p := range cuts.preds[min(from, to):max(from, to)] {
			r.truth[p/64] ^= 1 << (p % 64)
			for _, a := range l.reads[p] {
				if l.marks[a] != l.step {
					l.marks[a] = l.step
					l.dirty = append(l.dirty, a)
				}
			}
		}
	}
	for _, a := range l.dirty {
		in := l.rules[a].holds(r)
		if w := &r.member[a/64]; *w>>(a%64)&1 != in {
			*w ^= 1 << (a % 64)
			l.log[l.moves%uint64(len(l.log))] = jumpMove{c.user, a, in != 0, at}
			l.moves++
		}
	}
}

// jumpPlace returns how many keys are at most v.
func jumpPlace(keys []float64, v float64) int {
	lo := 0
	for n := len(keys); n > 0; {
		half := (n + 1) / 2
		if keys[lo+half-1] <= v {
			lo += half
		}
		n -= half
	}
	return lo
}

// reportJumpLimit reports what the limit takes for the same changes, how many
// transitions it finds, and our time as a multiple of its.
func reportJumpLimit(b *testing.B, trees []tree, values []float64, changes [2][]jumpChange) {
	l := newJumpLimit(trees, values)
	i, sum := 0, uint64(0)
	const rounds = 1 << 12
	one := timeOf(rounds, func() {
		list := changes[i*group/len(changes[0])&1]
		some := list[i*group%len(list):][:group]
		for j := range some {
			sum += l.near(&some[j])
		}
		for j := range some {
			l.update(&some[j], int64(i))
		}
		i++
	}) / group
	if sum == 0 || l.moves == 0 {
		b.Fatal("the limit did nothing")
	}
	b.ReportMetric(one, "limit-ns")
	b.ReportMetric(float64(l.moves)/(rounds*group), "limit-transitions/op")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/one, "limit-ratio")
}
