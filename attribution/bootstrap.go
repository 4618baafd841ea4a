package attribution

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/zhun-go/zhun/internal/stats"
)

// Estimate is a figure and its uncertainty.
type Estimate struct {
	Value  float64
	StdErr float64
	Lo, Hi float64 // the confidence interval
	Level  float64 // its confidence, such as 0.95
}

// String shows the figure and its interval.
func (e Estimate) String() string {
	return fmt.Sprintf("%.6g [%.6g, %.6g]", e.Value, e.Lo, e.Hi)
}

// Interval is the uncertainty of one channel's credit.
type Interval struct {
	Channel            string
	Conversions, Value Estimate
}

// String tells the channel, its conversions and their value in a line.
func (i Interval) String() string {
	return fmt.Sprintf("%s: conversions %v, value %v", i.Channel, i.Conversions, i.Value)
}

// BootstrapOptions are options of [Bootstrap]. Nil and zero fields mean the
// defaults.
type BootstrapOptions struct {
	Replicates int     // default 299; at most a million
	Level      float64 // default 0.95
	Seed       uint64  // chooses the replicates; the same seed gives the same intervals
	Workers    int     // default GOMAXPROCS; the result does not depend on it
}

// Bootstrap returns the uncertainty of a model's credits, by channel: how much
// they would vary if as many people came again. Model is any of this
// package's, wrapped if it has options; it must not write to the paths.
//
// Each replicate draws the number of journeys of every distinct path from a
// Poisson distribution with the number that was seen, conversions and nulls
// apart (the Poisson bootstrap of Chamandy et al., "Estimating Uncertainty for
// Massive Data Streams", 2012, on aggregated rows); conversions whose times are
// known are drawn one by one. Person-time is held fixed, and the conversions in each set are
// drawn. Intervals are percentiles of the replicates, standard errors their
// standard deviation. Value is credited per conversion, so a path without
// conversions keeps its value.
//
// An error of the model, and ctx's own, end it.
func Bootstrap(ctx context.Context, p *Paths, model func(*Paths) (Credits, error), opts *BootstrapOptions) ([]Interval, error) {
	var o BootstrapOptions
	if opts != nil {
		o = *opts
	}
	if o.Replicates == 0 {
		o.Replicates = 299
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	switch {
	case o.Replicates < 2:
		return nil, inputError("Bootstrap", 0, "Replicates", o.Replicates, "fewer than 2 have no standard deviation")
	case o.Replicates > 1_000_000:
		return nil, inputError("Bootstrap", 0, "Replicates", o.Replicates, "more than a million")
	case !(o.Level > 0 && o.Level < 1):
		return nil, inputError("Bootstrap", 0, "Level", o.Level, "not within 0 and 1")
	case o.Workers < 0:
		return nil, inputError("Bootstrap", 0, "Workers", o.Workers, "negative")
	}
	if err := playable("Bootstrap", p, model); err != nil {
		return nil, err
	}
	o.Workers = min(o.Workers, o.Replicates)
	whole, err := model(p)
	if err != nil {
		return nil, err
	}
	if err := p.check("bootstrap"); err != nil {
		return nil, err
	}
	// The figures of replicate r stand at [channel][r].
	n := len(whole.Channels)
	conv, value := make([][]float64, n), make([][]float64, n)
	for i := range n {
		conv[i], value[i] = make([]float64, o.Replicates), make([]float64, o.Replicates)
	}
	var workers sync.WaitGroup
	errs := make([]error, o.Workers)
	for w := range o.Workers {
		workers.Go(func() {
			s := newSampler(p)
			for r := w; r < o.Replicates; r += o.Workers {
				if errs[w] = ctx.Err(); errs[w] != nil {
					return
				}
				var c Credits
				if c, errs[w] = model(s.draw(o.Seed, uint64(r))); errs[w] != nil {
					return
				}
				for i, k := range whole.Channels {
					// A channel that was not drawn got nothing.
					got, _ := c.Of(k.Channel)
					conv[i][r], value[i][r] = got.Conversions, got.Value
				}
			}
		})
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	list := make([]Interval, n)
	for i, k := range whole.Channels {
		list[i] = Interval{k.Channel, percentiles(k.Conversions, conv[i], o.Level), percentiles(k.Value, value[i], o.Level)}
	}
	return list, nil
}

// percentiles makes an estimate of replicates, which it sorts.
func percentiles(value float64, replicates []float64, level float64) Estimate {
	var sum, squares stats.Sum
	n := float64(len(replicates))
	for _, x := range replicates {
		sum.Add(x)
	}
	mean := sum.Value() / n
	for _, x := range replicates {
		squares.Add((x - mean) * (x - mean))
	}
	slices.Sort(replicates)
	// With p·(n+1) as the rank, 299 replicates have their limits on the spot.
	at := func(p float64) float64 {
		rank := min(max(p*(n+1), 1), n)
		low := math.Floor(rank)
		x := replicates[int(low)-1]
		if rank > low {
			x += (rank - low) * (replicates[int(low)] - x)
		}
		return x
	}
	tail := (1 - level) / 2
	return Estimate{value, math.Sqrt(squares.Value() / (n - 1)), at(tail), at(1 - tail), level}
}

// sampler draws replicates of paths, which share what does not vary. One
// draw lives until the next.
type sampler struct {
	from *Paths
	into Paths
	rest []tally // by path, its conversions without times and their value
	rand *rand.PCG
}

func newSampler(p *Paths) *sampler {
	s := &sampler{from: p, into: *p, rest: slices.Clone(p.rows), rand: rand.NewPCG(0, 0)}
	q := &s.into
	q.rows, q.bySet = make([]tally, len(p.rows)), make([]tally, len(p.bySet))
	q.exposed = make([]exposure, len(p.exposed))
	q.columns = make([]column, len(p.columns))
	for i, c := range p.columns {
		q.columns[i] = column{make([]float64, len(c.conv)), make([]float64, len(c.value)), make([]float64, len(c.null))}
	}
	for _, j := range p.journeys {
		s.rest[j.path].conv.Sub(1)
		s.rest[j.path].value.Sub(j.value)
	}
	return s
}

// copy returns the paths themselves, with counts that can be changed.
func (s *sampler) copy() *Paths {
	q := &s.into
	copy(q.rows, s.from.rows)
	copy(q.bySet, s.from.bySet)
	copy(q.exposed, s.from.exposed)
	for i, c := range s.from.columns {
		copy(q.columns[i].conv, c.conv)
		copy(q.columns[i].value, c.value)
		copy(q.columns[i].null, c.null)
	}
	return q
}

// poisson draws a number with a mean.
func (s *sampler) poisson(mean float64) float64 {
	if mean == 0 {
		return 0
	}
	if mean > manyJourneys {
		return math.Round(distuv.Normal{Mu: mean, Sigma: math.Sqrt(mean), Src: s.rand}.Rand())
	}
	return distuv.Poisson{Lambda: mean, Src: s.rand}.Rand()
}

// manyJourneys are so many that their Poisson distribution is normal, and that
// logarithms of its probabilities are no good.
const manyJourneys = 1e12

func (s *sampler) draw(seed, replicate uint64) *Paths {
	s.rand.Seed(seed, replicate)
	p, q := s.from, &s.into
	clear(q.rows)
	clear(q.bySet)
	q.journeys = q.journeys[:0:0]
	for _, j := range p.journeys {
		for range int(s.poisson(1)) {
			q.journeys = append(q.journeys, j)
			q.rows[j.path].conv.Add(1)
			q.rows[j.path].value.Add(j.value)
		}
	}
	for id := range p.rows {
		from, to := &s.rest[id], &q.rows[id]
		drawn := tally{value: from.value}
		if conv := from.conv.Value(); conv > 0 {
			drawn.conv.Add(s.poisson(conv))
			drawn.value = from.value.Mul(drawn.conv).Div(conv)
		}
		to.conv.Merge(drawn.conv)
		to.value.Merge(drawn.value)
		to.null.Add(s.poisson(from.null.Value()))
		q.bySet[p.setOf[id]].merge(*to)
		at := p.seqs.places[id]
		q.columns[at.block].set(at.pos, to)
	}
	for id := range p.exposed {
		from, to := &p.exposed[id], &q.exposed[id]
		*to = exposure{time: from.time}
		if conv := from.conv.Value(); conv > 0 {
			to.conv.Add(s.poisson(conv))
			to.value = from.value.Mul(to.conv).Div(conv)
		}
	}
	return q
}
