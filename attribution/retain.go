package attribution

import (
	"slices"

	"github.com/zhun-go/zhun/internal/ids"
)

// prune drops what is older than the horizon. Until it does, readers skip
// those rows (see snapshot), so it need not run at every step of the clock:
// once in a hundredth of the retention keeps the work per row constant.
func (j *Journeys) prune() {
	h, ok := j.horizon()
	if !ok || j.pruned != (instant{}) && h.since(j.pruned) < j.opts.Retain/100 {
		return
	}
	j.pruned = h
	var old, gone []uint32
	for u, p := range j.people.All() {
		if rest := p.from(h); rest.empty() {
			gone = append(gone, u)
		} else if rest.len() < p.len() {
			old = append(old, u)
		}
	}
	for _, u := range gone {
		j.people.Delete(u)
	}
	for _, u := range old {
		p := j.people.Own(u)
		*p = p.from(h)
	}
	j.compact()
}

// compact forgets names that no row uses any more, when they are the larger
// part: campaigns come and go for as long as the journeys live.
func (j *Journeys) compact() {
	const few = 256
	if j.names.Len() < few {
		return
	}
	used, count := make([]bool, j.names.Len()), 0
	use := func(name uint32) {
		if !used[name] {
			used[name] = true
			count++
		}
	}
	users := make([]uint32, 0, j.people.Len())
	for u, p := range j.people.All() {
		users = append(users, u)
		for _, t := range p.touches {
			use(t.channel)
			use(t.campaign)
		}
		for _, c := range p.conversions {
			use(c.currency)
		}
	}
	if 2*count > j.names.Len() {
		return
	}
	var names ids.Dict
	number := make([]uint32, j.names.Len())
	for id, u := range used {
		if u {
			number[id] = names.ID(j.names.Name(uint32(id)))
		}
	}
	for _, u := range users {
		p := j.people.Own(u)
		// Readers may hold the old rows, with the old names.
		p.touches, p.conversions = slices.Clone(p.touches), slices.Clone(p.conversions)
		for i := range p.touches {
			t := &p.touches[i]
			t.channel, t.campaign = number[t.channel], number[t.campaign]
		}
		for i := range p.conversions {
			p.conversions[i].currency = number[p.conversions[i].currency]
		}
	}
	j.names = names
}

// from returns the rows at or after an instant.
func (p *person) from(h instant) person {
	return person{
		touches:     rowsFrom(p.touches, func(r touchRow) bool { return r.at.before(h) }),
		conversions: rowsFrom(p.conversions, func(r conversionRow) bool { return r.at.before(h) }),
		refunds:     rowsFrom(p.refunds, func(r refundRow) bool { return r.at.before(h) }),
	}
}

func rowsFrom[R any](rows []R, old func(R) bool) []R {
	n := 0
	for n < len(rows) && old(rows[n]) {
		n++
	}
	return rows[n:]
}
