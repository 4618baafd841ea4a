package profile

import (
	"slices"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/wire"
)

func (d *decoder) names() error {
	r := d.f.Section(partNames)
	for _, to := range []*ids.Dict{&d.s.attributes, &d.s.log.names} {
		before := ""
		for i := range r.Count(1) {
			name := r.String()
			if i > 0 && ids.Compare(before, name) >= 0 {
				r.Fail("names out of order")
			}
			if r.Err() != nil {
				return r.Err()
			}
			before = name
			to.ID(name)
		}
	}
	for i := range d.s.attributes.Len() {
		d.attributes = append(d.attributes, uint32(i))
	}
	return r.Close()
}

func (d *decoder) keys() error {
	r, g := d.f.Section(partKeys), &d.s.graph
	kind := ""
	for i := range r.Count(2) {
		name := r.String()
		if i > 0 && name <= kind {
			r.Fail("kinds out of order")
		}
		kind = name
		n := r.Count(3)
		id := g.kind(kind, &d.s.opts)
		room := r.Room(n, 8)
		g.nodes, d.nodes, d.ofNode = slices.Grow(g.nodes, room), slices.Grow(d.nodes, room), slices.Grow(d.ofNode, room)
		for range n {
			v := r.String()
			mark := r.Byte()
			if mark >= 8 || mark&markCut != 0 && mark&markShared == 0 {
				r.Fail("marks %d of a key", mark)
			}
			of := r.Uint32()
			if r.Err() != nil {
				return r.Err()
			}
			hash := g.hashKey(id, v)
			if _, twice := g.find(hash, id, v); twice {
				r.Fail("key %q twice", v)
				return r.Err()
			}
			k := uint32(len(g.nodes))
			g.nodes = append(g.nodes, node{
				kind: id, value: v,
				shared: mark&markShared != 0, cut: mark&markCut != 0, crowded: mark&markCrowded != 0,
			})
			g.keyTable.add(hash, k)
			if mark&markShared != 0 {
				g.sharing++
			}
			d.nodes = append(d.nodes, k)
			d.ofNode = append(d.ofNode, of)
		}
	}
	return r.Close()
}

func (d *decoder) combinations() error {
	r, g := d.f.Section(partSets), &d.s.graph
	sources := []string{""}
	if d.f.Version > 1 {
		sources = append(sources, readSorted(r, "sources")...)
	}
	n := r.Count(8)
	g.sets = make([]keyset, 0, n)
	d.ofSet = make([]uint32, 0, n)
	var nodes []uint32
	for range n {
		nodes = nodes[:0]
		last := -1
		for range r.Count(1) {
			i := r.Index(len(d.nodes))
			if r.Err() != nil {
				return r.Err()
			}
			if i <= last {
				r.Fail("keys out of order")
			}
			last = i
			nodes = append(nodes, d.nodes[i])
		}
		first, end, from := readInstant(r), readInstant(r), origin{id: r.String()}
		if d.f.Version > 1 && len(nodes) > 1 {
			from.rule = LinkRule(r.Byte())
			if from.source = sources[r.Index(len(sources))]; from.rule > LinkAlias {
				r.Fail("rule %d", from.rule)
			}
		}
		subject, of := r.Uvarint(), r.Uint32()
		if r.Err() == nil && (len(nodes) == 0 || first == never() || end.before(first) || subject > d.s.subjects) {
			r.Fail("combination without keys or with bad times")
		}
		if r.Err() != nil {
			return r.Err()
		}
		slices.SortFunc(nodes, g.stronger)
		if _, twice := g.set(nodes); twice {
			r.Fail("combination twice")
			return r.Err()
		}
		k := g.addSet(nodes, first, from)
		g.sets[k].last = pack(end)
		g.sets[k].setSubject(subject)
		d.ofSet = append(d.ofSet, of)
	}
	return r.Close()
}

// readSorted reads a list of different texts, sorted. Another order is a
// failure at once, before there is much of it.
func readSorted(r *wire.Reader, what string) (list []string) {
	for i := range r.Count(1) {
		list = append(list, r.String())
		if i > 0 && list[i] <= list[i-1] {
			r.Fail("%s out of order", what)
		}
		if r.Err() != nil {
			return nil
		}
	}
	return list
}
