package experiment

import (
	"cmp"
	"slices"
	"time"
)

// subject is a user as a comparison sees them.
type subject struct {
	user    uint32
	arm     string // of the first exposure
	at      instant
	epoch   int
	unit    uint32 // in the readout's dictionary
	hasUnit bool
	crossed bool // seen in several arms
	from    int  // the outcomes that count: a range of joined.outcomes
	to      int
}

// joined is the copy of rows that a comparison computes from.
type joined struct {
	subjects []subject
	outcomes []outcome
	// events tells, by source, whether only the number of rows matters.
	events []bool
	asOf   instant
}

// join copies, under the lock, each exposed user's first exposure and the
// outcomes of a metric that count: from the exposure on, before the window
// ends, up to asOf. Without a metric only exposures are copied. Subjects come
// by ascending user.
func (r *Readout) join(m *Metric, asOf time.Time) joined {
	r.mu.RLock()
	j := joined{events: make([]bool, r.names.sources.Len())}
	switch {
	case !asOf.IsZero():
		j.asOf = instantOf(asOf)
	case r.clocked:
		j.asOf = r.clock
	default:
		j.asOf = r.latest()
	}
	wanted := make([]bool, r.names.sources.Len())
	if m != nil {
		events, values := r.set.sources(*m)
		for _, s := range events {
			if id, ok := r.names.sources.Lookup(s); ok {
				wanted[id], j.events[id] = true, true
			}
		}
		for _, s := range values {
			if id, ok := r.names.sources.Lookup(s); ok {
				wanted[id] = true
			}
		}
	}
	j.subjects = make([]subject, 0, len(r.users))
	for user, u := range r.users {
		if len(u.exposures) == 0 || u.exposures[0].at.compare(j.asOf) > 0 {
			continue
		}
		first := u.exposures[0]
		s := subject{
			user: user, at: first.at, epoch: int(first.epoch), unit: first.unit,
			arm: r.names.arms.Name(first.arm), hasUnit: r.names.units.Name(first.unit) != "",
			from: len(j.outcomes),
		}
		for _, e := range u.exposures[1:] {
			s.crossed = s.crossed || e.arm != first.arm && e.at.compare(j.asOf) <= 0
		}
		start, _ := slices.BinarySearchFunc(u.outcomes, first.at, func(o outcome, at instant) int { return o.at.compare(at) })
		if m == nil {
			start = len(u.outcomes)
		}
		end := instant{}
		if m != nil && m.Window > 0 {
			end = first.at.add(m.Window)
		}
		for _, o := range u.outcomes[start:] {
			if o.at.compare(j.asOf) > 0 || end != (instant{}) && o.at.compare(end) >= 0 {
				break
			}
			if wanted[o.source] {
				j.outcomes = append(j.outcomes, o)
			}
		}
		s.to = len(j.outcomes)
		j.subjects = append(j.subjects, s)
	}
	r.mu.RUnlock()
	slices.SortFunc(j.subjects, func(a, b subject) int { return cmp.Compare(a.user, b.user) })
	return j
}

// latest returns the time of the latest row.
func (r *Readout) latest() (last instant) {
	last.sec = minSecond
	for _, u := range r.users {
		if n := len(u.exposures); n > 0 && u.exposures[n-1].at.compare(last) > 0 {
			last = u.exposures[n-1].at
		}
		if n := len(u.outcomes); n > 0 && u.outcomes[n-1].at.compare(last) > 0 {
			last = u.outcomes[n-1].at
		}
	}
	return last
}

// value returns a user's value of the metric.
func (j *joined) value(s subject, a Aggregate) float64 {
	sum, any := 0.0, false
	for _, o := range j.outcomes[s.from:s.to] {
		if j.events[o.source] {
			sum++
			any = true
			continue
		}
		sum += o.value
		any = any || o.value != 0
	}
	if a != AnyEvent {
		return sum
	}
	if any {
		return 1
	}
	return 0
}
