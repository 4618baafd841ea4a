package attribution

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
