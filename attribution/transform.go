package attribution

import "fmt"

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

// Transform returns paths in which channels that repeat are dropped; journeys
// whose paths become equal are summed up. The times of what is kept stay.
func (p *Paths) Transform(t Transform) (*Paths, error) {
	if t > Unique {
		return nil, inputError("Transform", 0, "transform", t, "unknown")
	}
	q := &Paths{channels: p.channels.Clone(), currency: p.currency, counts: p.counts, cost: append([]costs(nil), p.cost...)}
	path := make([]uint32, len(p.rows))
	kept := make([][]int, len(p.rows))
	var index []int
	for id := range p.rows {
		seq := p.seqs.seq(uint32(id))
		index = index[:0]
		for i := range seq {
			index = append(index, i)
		}
		index = transform(index, t, func(i int) uint32 { return seq[i] })
		q.scratch = q.scratch[:0]
		for _, i := range index {
			q.scratch = append(q.scratch, seq[i])
		}
		path[id] = q.intern(q.scratch)
		q.add(path[id], p.rows[id].conv, p.rows[id].value, p.rows[id].null)
		if len(p.journeys) > 0 {
			kept[id] = append([]int(nil), index...)
		}
	}
	for _, j := range p.journeys {
		first := len(q.ages)
		for _, i := range kept[j.path] {
			q.ages = append(q.ages, p.ages[j.first+i])
			q.kinds = append(q.kinds, p.kinds[j.first+i])
		}
		q.journeys = append(q.journeys, timedJourney{path: path[j.path], first: first, value: j.value})
	}
	for id := range p.exposed {
		if p.exposed[id] != (exposure{}) {
			q.exposed[q.set(p.sets.seq(uint32(id)))] = p.exposed[id]
		}
	}
	return q, nil
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
