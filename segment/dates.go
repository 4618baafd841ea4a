package segment

import "time"

// dateRule is the comparison of an attribute with an instant that moves with
// the clock: attribute op now + shift. Its truth changes once in the life of a
// value. Such rules share one calendar of the values, and as the clock moves
// on, each looks only at those that its instant passes: there is no timer per
// user.
type dateRule struct {
	attr  *attribute
	op    string // "<", "<=", ">", ">="
	shift int64
}

// edge places an instant among the seconds: 2·sec on a second, one more behind.
type edge int64

func edgeOf(t time.Time) edge { return edge(2*t.Unix() + int64(bit(t.Nanosecond() > 0))) }

// turn is the first second at which the rule has changed for a value.
func (d *dateRule) turn(e edge) int64 {
	sec := int64(e) >> 1
	if d.op == "<" || d.op == ">=" || e&1 != 0 {
		sec++
	}
	return sec - d.shift
}

// dates is the calendar of the values of one attribute. A value that was
// replaced stays until it is worth going through: looking at a user in vain
// changes nothing.
type dates struct {
	rules   []*predicate
	cuts    cuts // the same by shift
	buckets map[int64][]dated
	noted   int // values in the buckets
	base    int // of them when they were last gone through
}

// dated is a user with a value in a bucket, and where in it.
type dated struct {
	user uint32
	off  uint16 // edge within the bucket
}

// dateBucket is the bucket of a second, as long as those of the calendar of
// timers.
func (e edge) bucket() int64 { return bucket(int64(e) >> 1) }

// relative is a value as cuts see it: twice its distance from now.
func (x *Index) relative(v any) float64 {
	t, ok := v.(time.Time)
	if !ok {
		return missing
	}
	return float64(int64(edgeOf(t)) - 2*x.second())
}

// addDate makes a rule known and takes in the values there are.
func (x *Index) addDate(p *predicate) {
	a := p.date.attr
	d := a.dates
	if d == nil {
		d = &dates{}
		a.dates = d
		x.redate(a)
	}
	d.rules = append(d.rules, p)
	d.addCut(p)
	for b, list := range d.buckets {
		from := edge(b << 13)
		if p.date.turn(from+1<<13) <= x.second() {
			continue
		}
		for _, v := range list {
			x.schedule(p, v.user, from+edge(v.off))
		}
	}
}

func (d *dates) addCut(p *predicate) {
	d.cuts.add(p, p.date.op, float64(2*p.date.shift))
}

// schedule makes sure that a rule looks at a user when its turn comes.
func (x *Index) schedule(p *predicate, user uint32, e edge) {
	at := p.date.turn(e)
	switch {
	case at <= x.second():
	case x.timers.isOpen(at):
		x.timers.add(timer{at, user, p.id})
	default:
		x.timers.expect(at)
	}
}

// redate takes in the values of all users anew.
func (x *Index) redate(a *attribute) {
	d := a.dates
	d.buckets, d.noted = make(map[int64][]dated), 0
	for r := range x.table.all() {
		if t, ok := r.object(a.id).(time.Time); ok {
			d.note(r.user, edgeOf(t))
		}
	}
	d.base = d.noted
}

func (d *dates) note(user uint32, e edge) {
	d.noted++
	b := e.bucket()
	d.buckets[b] = append(d.buckets[b], dated{user, uint16(e & (1<<13 - 1))})
}

// setDate notes that a user's value has changed.
func (x *Index) setDate(r *row, a *attribute, old, v any) {
	d := a.dates
	x.noteDate(r, a, v)
	if x.second() < dawn {
		// Without a clock all are false, and looked at when there is one.
		x.evaluateAll(r, d.rules)
		return
	}
	x.cross(r, &d.cuts, d.cuts.place(x.relative(old)), d.cuts.place(x.relative(v)))
}

// takeDates notes the values of a user whose row changed as a whole; the rules
// are evaluated by the caller.
func (x *Index) takeDates(r *row) {
	for _, a := range x.attrs {
		if a.dates == nil {
			continue
		}
		x.noteDate(r, a, r.object(a.id))
	}
}

// noteDate takes a value of a user in, if it is one.
func (x *Index) noteDate(r *row, a *attribute, v any) {
	t, ok := v.(time.Time)
	if !ok {
		return
	}
	d, e := a.dates, edgeOf(t)
	d.note(r.user, e)
	for _, p := range d.rules {
		x.schedule(p, r.user, e)
	}
	if d.noted > 2*d.base+1024 {
		x.redate(a)
	}
}

// due returns the looks that rules about dates take within a bucket of the
// calendar of timers.
func (x *Index) due(b int64, list []timer) []timer {
	for _, a := range x.attrs {
		if a.dates == nil {
			continue
		}
		for _, p := range a.dates.rules {
			// The seconds of the bucket are those of values shift later, which lie
			// in two or three buckets.
			first := bucket(b<<12 + p.date.shift - 1)
			for vb := first; vb <= first+2; vb++ {
				for _, v := range a.dates.buckets[vb] {
					if at := p.date.turn(edge(vb<<13) + edge(v.off)); bucket(at) == b {
						list = append(list, timer{at, v.user, p.id})
					}
				}
			}
		}
	}
	return list
}

// dropDate forgets a rule.
func (x *Index) dropDate(p *predicate) {
	a := p.date.attr
	a.dates.rules = without(a.dates.rules, p)
	a.dates.cuts.drop(p)
	if len(a.dates.rules) == 0 {
		a.dates = nil
	}
}
