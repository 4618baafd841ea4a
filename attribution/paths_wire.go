package attribution

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
	"github.com/zhun-go/zhun/internal/wire"
)

const (
	pathsKind    = "attribution.Paths"
	pathsVersion = 0
)

// AppendBinary appends the paths in an order of their own: equal paths give
// equal bytes, however they were added.
func (p *Paths) AppendBinary(b []byte) ([]byte, error) {
	order, exposed, used := p.meaningful()
	names, rank := sortedNames(p.channels.Names(), used)
	slices.SortFunc(order, func(a, b uint32) int { return comparePaths(p.seqs.seq(a), p.seqs.seq(b), rank) })

	w := wire.NewWriter(pathsKind, pathsVersion)
	head := w.Section("head")
	head.String(p.currency)
	head.Strings(names)
	for _, s := range p.counts.all() {
		s.Write(head)
	}
	rows := w.Section("rows")
	rows.Count(len(order))
	at := make([]int, len(p.rows))
	for i, id := range order {
		at[id] = i
		seq := p.seqs.seq(id)
		rows.Count(len(seq))
		for _, c := range seq {
			rows.Uvarint(uint64(rank[c]))
		}
		t := p.rows[id]
		t.conv.Write(rows)
		t.value.Write(rows)
		t.null.Write(rows)
	}
	journeys := slices.Clone(p.journeys)
	slices.SortFunc(journeys, func(a, b timedJourney) int { return p.compareJourneys(a, b, at) })
	timed := w.Section("journeys")
	timed.Count(len(journeys))
	for _, j := range journeys {
		timed.Uvarint(uint64(at[j.path]))
		timed.Float(j.value)
		for i := range p.seqs.seq(j.path) {
			timed.Uvarint(uint64(p.ages[j.first+i]))
			timed.Byte(byte(p.kinds[j.first+i]))
		}
	}
	sets := make([][]uint32, len(exposed))
	for i, id := range exposed {
		for _, c := range p.sets.seq(id) {
			sets[i] = append(sets[i], uint32(rank[c]))
		}
		slices.Sort(sets[i])
	}
	writeExposed(w.Section("exposed"), sets, exposed, p.exposed)
	spend := w.Section("spend")
	for c, u := range used {
		if !u {
			rank[c] = -1
		}
	}
	byRank := make([]costs, len(names))
	for c := range p.cost {
		if rank[c] >= 0 {
			byRank[rank[c]] = p.cost[c]
		}
	}
	for _, c := range byRank {
		c.ledger.Write(spend)
		c.touches.Write(spend)
	}
	return w.AppendTo(b), nil
}

// meaningful returns the paths and the sets of channels that say something, and
// which channels these and the costs name.
func (p *Paths) meaningful() (paths, sets []uint32, channels []bool) {
	kept := make([]bool, len(p.rows))
	for id := range p.rows {
		kept[id] = !p.rows[id].zero()
	}
	for _, j := range p.journeys {
		kept[j.path] = true
	}
	channels = make([]bool, p.channels.Len())
	for id, k := range kept {
		if k {
			paths = append(paths, uint32(id))
			for _, c := range p.seqs.seq(uint32(id)) {
				channels[c] = true
			}
		}
	}
	for id := range p.exposed {
		if p.exposed[id] != (exposure{}) {
			sets = append(sets, uint32(id))
			for _, c := range p.sets.seq(uint32(id)) {
				channels[c] = true
			}
		}
	}
	for c := range p.cost {
		channels[c] = channels[c] || p.cost[c] != (costs{})
	}
	return paths, sets, channels
}

// compareJourneys orders timed journeys by the place of their path, then by
// all else they hold.
func (p *Paths) compareJourneys(a, b timedJourney, at []int) int {
	if c := cmp.Compare(at[a.path], at[b.path]); c != 0 {
		return c
	}
	n := len(p.seqs.seq(a.path))
	if c := slices.Compare(p.ages[a.first:a.first+n], p.ages[b.first:b.first+n]); c != 0 {
		return c
	}
	if c := slices.Compare(p.kinds[a.first:a.first+n], p.kinds[b.first:b.first+n]); c != 0 {
		return c
	}
	return cmp.Compare(a.value, b.value)
}

// comparePaths orders paths by length, then by their channels' ranks.
func comparePaths(a, b []uint32, rank []int) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	for i := range a {
		if c := cmp.Compare(rank[a[i]], rank[b[i]]); c != 0 {
			return c
		}
	}
	return 0
}

// UnmarshalBinary replaces the paths by those that [Paths.AppendBinary]
// wrote. Section "head" holds the currency, the channels in their order, and
// sums: of conversions without times, open journeys, expired touches, voided
// orders, what was refunded, orphaned refunds and repeated conversions. Section
// "rows" holds by length and channels the paths, as places of channels, with
// the sums of their conversions, value and nulls; section "journeys" the
// conversions with times, as the place of the path, the value, and of each
// touch the age in nanoseconds and the kind; section "exposed" by size the sets
// of channels, with the sums of the nanoseconds, conversions and value in them;
// section "spend" by channel the sums of the ledger and of the costs of
// touches. A sum is two floats that add up to it.
//
// On an error, [ErrCorrupt] or [ErrVersion], they stay as they were. The data
// is copied.
func (p *Paths) UnmarshalBinary(data []byte) error {
	f, err := wire.Open(data, pathsKind, pathsVersion)
	if err != nil {
		return err
	}
	var q Paths
	head := f.Section("head")
	q.currency = head.String()
	names := head.Names()
	for i, n := range names {
		if n == "" || !utf8.ValidString(n) || i > 0 && ids.Compare(names[i-1], n) >= 0 {
			head.Fail("channel %q out of order", n)
			break
		}
		q.channels.ID(n)
	}
	for _, s := range q.counts.all() {
		*s = stats.ReadSum(head)
	}
	if err := head.Close(); err != nil {
		return err
	}
	if err := q.readRows(f.Section("rows"), len(names)); err != nil {
		return err
	}
	if err := q.readJourneys(f.Section("journeys")); err != nil {
		return err
	}
	if err := q.readExposed(f.Section("exposed"), len(names)); err != nil {
		return err
	}
	spend := f.Section("spend")
	for c := range names {
		// Only channels whose costs are known need room.
		if k := (costs{stats.ReadSum(spend), stats.ReadSum(spend)}); k != (costs{}) {
			*q.costOf(uint32(c)) = k
		}
	}
	if paths, _, used := q.meaningful(); len(paths) < len(q.rows) || slices.Contains(used, false) {
		spend.Fail("a path or a channel that says nothing")
	}
	if err := spend.Close(); err != nil {
		return err
	}
	*p = q
	return nil
}

func (p *Paths) readRows(r *wire.Reader, channels int) error {
	rank := make([]int, channels)
	for i := range rank {
		rank[i] = i
	}
	n := r.Count(49)
	var path, last []uint32
	for i := range n {
		steps := r.Count(1)
		path = slices.Grow(path[:0], steps)
		for range steps {
			path = append(path, uint32(r.Index(channels)))
		}
		t := tally{stats.ReadSum(r), stats.ReadSum(r), stats.ReadSum(r)}
		if i > 0 && comparePaths(last, path, rank) >= 0 {
			r.Fail("path out of order")
		}
		if r.Err() != nil {
			break
		}
		p.add(p.intern(path), t.conv, t.value, t.null)
		last = append(last[:0], path...)
	}
	return r.Close()
}

// readJourneys reads the timed journeys; the paths were interned in the order
// of the rows.
func (p *Paths) readJourneys(r *wire.Reader) error {
	at := make([]int, len(p.rows))
	for i := range at {
		at[i] = i
	}
	for i := range r.Count(9) {
		j := timedJourney{path: uint32(r.Index(len(p.rows))), value: r.Float(), first: len(p.ages)}
		if r.Err() != nil {
			break
		}
		for range p.seqs.seq(j.path) {
			age := time.Duration(r.Uvarint())
			if age < 0 {
				r.Fail("age %v", age)
			}
			p.ages = append(p.ages, age)
			p.kinds = append(p.kinds, readKind(r))
			if r.Err() != nil {
				break
			}
		}
		if r.Err() == nil && i > 0 && p.compareJourneys(p.journeys[i-1], j, at) > 0 {
			r.Fail("journey out of order")
		}
		if r.Err() != nil {
			break
		}
		p.journeys = append(p.journeys, j)
	}
	return r.Close()
}
