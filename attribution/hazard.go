package attribution

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/internal/ids"
)

// HazardOptions are options of [FitHazard]. Nil and zero fields mean the
// defaults.
type HazardOptions struct {
	// Paths say what counts as a touch and as a conversion, who is observed and
	// from when to when, as for [Journeys.Paths].
	Paths *PathOptions
	// Groups give people a baseline of their own: those who were known
	// beforehand to be likely to buy, say, and so were targeted. Groups must be
	// apart; who is in none is in one more. Default: one baseline for all.
	Groups []*roaring.Bitmap
	// HalfLives are how long it takes until half of a touch's effect is gone, by
	// channel. Those of other channels are fitted.
	HalfLives map[string]time.Duration
	// Grid are the half-lives to try; [Forever] is an effect that stays the same
	// until the lookback ends. Default: 1 and 6 hours, 1, 3, 7, 14 and 30 days,
	// and Forever.
	Grid  []time.Duration
	Level float64 // of the intervals; default 0.95
}

// Forever is a half-life without decay.
const Forever = time.Duration(math.MaxInt64)

// HazardFit is the result of [FitHazard].
type HazardFit struct {
	Modelled
	// HalfLives are those of the best fit, or as given, by channel.
	HalfLives map[string]time.Duration
}

// FitHazard fits the rate at which people convert to the touches that they
// had,
//
//	λ(t) = μ(group) + Σ α(c)·2^(−(t − s) ÷ half-life(c)),
//
// where the sum goes over their touches, of channel c at time s, that are
// within the lookback and came after their last conversion. It is the additive
// hazard of Zhang, Wei and Ren, "Multi-Touch Attribution in Online Advertising
// with Survival Theory" (2014), as a Poisson intensity with people whom nobody
// met. As the parts add up, each conversion credits its touches with their
// part of λ, and nobody with that of μ: credits and the baseline add up to the
// conversions, for each single one, too.
//
// The likelihood is concave in μ and α, none of which is negative, and its top
// is found by Newton's method on those that are above 0; the half-lives are
// those of a grid with the highest top, one channel after the other, twice.
// Coefficients are the conversions that a touch brings in its whole lookback,
// and each group's baseline per day. Intervals are normal and by the delta
// method for conversions that are Poisson, given the touches and the
// half-lives.
//
// It assumes that effects add up and fade, that conversions of people with the
// same touches and group are alike, and that exposure is as good as random
// within a group: a channel that chases people who buy anyway needs the
// groups that it chases. [PersonTime] makes no assumption on how effects
// add up, but needs time with every set of channels.
//
// Options that cannot be are an [*InputError], and no conversion at all is
// [ErrDesign]; ctx's own error ends it.
func FitHazard(ctx context.Context, j *Journeys, opts *HazardOptions) (HazardFit, error) {
	var o HazardOptions
	if opts != nil {
		o = *opts
	}
	if err := o.check(); err != nil {
		return HazardFit{}, err
	}
	if j == nil {
		return HazardFit{}, inputError("FitHazard", 0, "journeys", nil, "none")
	}
	d := &timeline{groups: o.Groups, time: make([]float64, len(o.Groups)+1), known: make([]uint64, len(o.Groups)+1)}
	s := j.snapshot()
	b, err := newPathBuilder(&s, o.Paths, j.opts.Direct)
	if err != nil {
		return HazardFit{}, err
	}
	b.timeline = d
	p, err := b.build(&s)
	if err != nil {
		return HazardFit{}, err
	}
	d.strangers(b)
	return newHazardModel(d, p, o).fit(ctx)
}

func (o *HazardOptions) check() error {
	bad := func(field string, value any, reason string) error {
		return inputError("FitHazard", 0, field, value, reason)
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	if o.Grid == nil {
		const day = 24 * time.Hour
		o.Grid = []time.Duration{time.Hour, 6 * time.Hour, day, 3 * day, 7 * day, 14 * day, 30 * day, Forever}
	}
	if !(o.Level > 0 && o.Level < 1) {
		return bad("Level", o.Level, "not within 0 and 1")
	}
	if len(o.Grid) == 0 {
		return bad("Grid", 0, "no half-life")
	}
	for i, h := range o.Grid {
		if h <= 0 {
			return bad(fmt.Sprintf("Grid[%d]", i), h, "not above 0")
		}
	}
	names := make([]string, 0, len(o.HalfLives))
	for name := range o.HalfLives {
		names = append(names, name)
	}
	slices.SortFunc(names, ids.Compare)
	for _, name := range names {
		if h := o.HalfLives[name]; h <= 0 {
			return bad(fmt.Sprintf("HalfLives[%q]", name), h, "not above 0")
		}
	}
	for i, g := range o.Groups {
		if g == nil {
			return bad(fmt.Sprintf("Groups[%d]", i), g, "no bitmap")
		}
		for k := range i {
			if o.Groups[k].Intersects(g) {
				return bad(fmt.Sprintf("Groups[%d]", i), k, "shares people with this group")
			}
		}
	}
	return nil
}

// timeline is what happened to people in time, in seconds.
type timeline struct {
	groups      []*roaring.Bitmap
	time        []float64 // of observation, by group; the last is everybody else's
	known       []uint64  // people with rows, by group
	spans       []acting
	conversions []event
	acts        []act // of all conversions, end to end
}

// acting is while a touch acts, counted from the touch.
type acting struct {
	channel  uint32
	from, to float64
	whole    float64 // its lookback
}

// event is one conversion.
type event struct {
	group int
	value float64
	acts  int // where its touches end; they begin where those before end
}

// act is a touch that acts at a conversion.
type act struct {
	channel uint32
	age     float64
}

func (d *timeline) group(user uint32) int {
	for i, g := range d.groups {
		if g.Contains(user) {
			return i
		}
	}
	return len(d.groups)
}

// observe takes up one user, observed from an instant to another.
func (d *timeline) observe(b *pathBuilder, u snapshotUser, touches []touchRow, conversions []conversionRow, from, end instant) {
	g := d.group(u.user)
	d.known[g]++
	if from.before(end) {
		d.time[g] += seconds(from, end)
	}
	// Touches since the last conversion act until the next one.
	first := 0
	for k := 0; k <= len(conversions); k++ {
		until, last := end, len(touches)
		if k < len(conversions) {
			until, last = conversions[k].at, first
			for last < len(touches) && !until.before(touches[last].at) {
				last++
			}
		}
		for _, t := range touches[first:last] {
			window := b.window(t)
			stop := t.at.plus(window)
			if until.before(stop) {
				stop = until
			}
			start := t.at
			if start.before(from) {
				start = from
			}
			s := acting{channel: b.id(t.channel), whole: window.Seconds()}
			if start.before(stop) {
				s.from, s.to = seconds(t.at, start), seconds(t.at, stop)
			}
			d.spans = append(d.spans, s)
		}
		if k == len(conversions) {
			break
		}
		if c := conversions[k]; b.within(c.at) {
			for _, t := range touches[first:last] {
				if b.claims(c.at, t) {
					d.acts = append(d.acts, act{b.id(t.channel), seconds(t.at, c.at)})
				}
			}
			d.conversions = append(d.conversions, event{g, c.value, len(d.acts)})
		}
		first = last
	}
}

// strangers adds the time of people whom nobody has ever seen.
func (d *timeline) strangers(b *pathBuilder) {
	if b.opts.Users == nil || !b.started || !b.start.before(b.asOf) {
		return
	}
	period := seconds(b.start, b.asOf)
	everyone := b.opts.Users.GetCardinality()
	if b.opts.Users.Contains(0) {
		everyone--
	}
	rest := everyone
	for i, g := range d.groups {
		n := b.opts.Users.AndCardinality(g)
		if b.opts.Users.Contains(0) && g.Contains(0) {
			n--
		}
		rest -= n
		d.time[i] += period * float64(n-d.known[i])
	}
	d.time[len(d.groups)] += period * float64(rest-d.known[len(d.groups)])
}

func seconds(from, to instant) float64 {
	return float64(to.sec-from.sec) + float64(to.ns-from.ns)/1e9
}
