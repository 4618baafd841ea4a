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
	from    int  // the rows that count: a range of joined.rows
	to      int
}

// joined is the copy of rows that a comparison computes from.
type joined struct {
	subjects []subject
	rows     []counted
	// covariates are how the covariates' rows become values.
	aggregate  Aggregate
	per        Aggregate // of the denominator, where there is one
	covariates []Aggregate
	asOf       instant
}

// counted is a row that counts.
type counted struct {
	value float64
	event bool // only that it is there matters
	of    int32
}

// reader says which rows a metric reads.
type reader struct {
	wanted, events []bool // by source
	window         time.Duration
	slice          time.Duration // 0, or rows are told apart by their slice
}

func (r *Readout) reader(m Metric) reader {
	n := r.names.sources.Len()
	x := reader{make([]bool, n), make([]bool, n), m.Window, m.slice}
	events, values := r.set.sources(m)
	for _, s := range events {
		if id, ok := r.names.sources.Lookup(s); ok {
			x.wanted[id], x.events[id] = true, true
		}
	}
	for _, s := range values {
		if id, ok := r.names.sources.Lookup(s); ok {
			x.wanted[id] = true
		}
	}
	return x
}

// What counted.of is of rows after exposure: of the metric and of the metric
// that it is divided by. Covariates are 0, 1, …
const (
	outcomeRow = -1
	perRow     = -2
	firstSlice = -3 // and −4, … of the following slices
)

// join copies, under the lock, each exposed user's first exposure, the
// outcomes of a metric that count (from the exposure on, before the window
// ends, up to asOf) and the rows of covariates (in their windows before the
// exposure). Without a metric only exposures are copied. Subjects come by
// ascending user.
func (r *Readout) join(m, per *Metric, covariates []Metric, asOf time.Time) joined {
	r.mu.RLock()
	var j joined
	switch {
	case !asOf.IsZero():
		j.asOf = instantOf(asOf)
	case r.clocked:
		j.asOf = r.clock
	default:
		j.asOf = r.latest()
	}
	var post, below reader
	pre := make([]reader, len(covariates))
	if m != nil {
		post, j.aggregate = r.reader(*m), m.Aggregate
	}
	if per != nil {
		below, j.per = r.reader(*per), per.Aggregate
	}
	for i, c := range covariates {
		pre[i] = r.reader(c)
		j.covariates = append(j.covariates, c.Aggregate)
	}
	j.subjects = make([]subject, 0, r.users.Len())
	for user, u := range r.users.All() {
		if len(u.exposures) == 0 || u.exposures[0].at.compare(j.asOf) > 0 {
			continue
		}
		first := u.exposures[0]
		s := subject{
			user: user, at: first.at, epoch: int(first.epoch), unit: first.unit,
			arm: r.names.arms.Name(first.arm), hasUnit: r.names.units.Name(first.unit) != "",
			from: len(j.rows),
		}
		for _, e := range u.exposures[1:] {
			s.crossed = s.crossed || e.arm != first.arm && e.at.compare(j.asOf) <= 0
		}
		if m != nil {
			j.copyRows(u.outcomes, first.at, post, below, pre)
		}
		s.to = len(j.rows)
		j.subjects = append(j.subjects, s)
	}
	r.mu.RUnlock()
	slices.SortFunc(j.subjects, func(a, b subject) int { return cmp.Compare(a.user, b.user) })
	return j
}

// copyRows copies the rows of one user that count.
func (j *joined) copyRows(outcomes []outcome, exposed instant, post, below reader, pre []reader) {
	at, _ := slices.BinarySearchFunc(outcomes, exposed, func(o outcome, at instant) int { return o.at.compare(at) })
	end := instant{}
	if post.window > 0 {
		end = exposed.add(post.window)
	}
	for _, o := range outcomes[at:] {
		if o.at.compare(j.asOf) > 0 || end != (instant{}) && o.at.compare(end) >= 0 {
			break
		}
		if post.wanted[o.source] {
			of := int32(outcomeRow)
			if post.slice > 0 {
				of = firstSlice - int32(o.at.time().Sub(exposed.time())/post.slice)
			}
			j.rows = append(j.rows, counted{o.value, post.events[o.source], of})
		}
		if below.wanted != nil && below.wanted[o.source] {
			j.rows = append(j.rows, counted{o.value, below.events[o.source], perRow})
		}
	}
	for i, p := range pre {
		start := instant{sec: minSecond}
		if p.window > 0 {
			start = exposed.add(-p.window)
		}
		for _, o := range outcomes[:at] {
			if p.wanted[o.source] && o.at.compare(start) >= 0 {
				j.rows = append(j.rows, counted{o.value, p.events[o.source], int32(i)})
			}
		}
	}
}

// latest returns the time of the latest row.
func (r *Readout) latest() (last instant) {
	last.sec = minSecond
	for _, u := range r.users.All() {
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
func (j *joined) value(s subject) float64 { return j.aggregated(s, outcomeRow, j.aggregate) }

// covariate returns a user's value of a covariate.
func (j *joined) covariate(s subject, i int) float64 {
	return j.aggregated(s, int32(i), j.covariates[i])
}

// denominator returns a user's value of the metric that it is divided by.
func (j *joined) denominator(s subject) float64 { return j.aggregated(s, perRow, j.per) }

// known tells whether a user has any row of a covariate.
func (j *joined) known(s subject, i int) bool {
	for _, r := range j.rows[s.from:s.to] {
		if r.of == int32(i) {
			return true
		}
	}
	return false
}

func (j *joined) aggregated(s subject, of int32, a Aggregate) float64 {
	sum, found := 0.0, false
	for _, r := range j.rows[s.from:s.to] {
		if r.of != of {
			continue
		}
		if r.event {
			sum++
			found = true
			continue
		}
		sum += r.value
		found = found || r.value != 0
	}
	if a != AnyEvent {
		return sum
	}
	if found {
		return 1
	}
	return 0
}
