package attribution

import (
	"fmt"
	"math"
	"time"
)

// TimeDecay gives each touch a weight of 2^(−age ÷ halfLife), where age is the
// time from the touch to the conversion, divided by the sum over the path. A
// half-life of 0 means 7 days. Ages are counted from the youngest touch, so
// that old paths do not underflow.
//
// It needs the time of every touch: for paths with aggregated rows it answers
// [ErrNoTimes]. Tools differ in what they call time decay: DP6 steps by the
// week, eeghor goes by rank (see [PositionDecay]), others by touches (see
// [GeometricDecay]); this one is Google's.
func TimeDecay(p *Paths, halfLife time.Duration) (Credits, error) {
	if halfLife == 0 {
		halfLife = 7 * 24 * time.Hour
	}
	if halfLife < 0 {
		return Credits{}, inputError("TimeDecay", 0, "halfLife", halfLife, "negative")
	}
	var weights []float64
	return p.weighTimed(fmt.Sprintf("time decay %v", halfLife), func(ages []time.Duration, _ []Kind) []float64 {
		weights = weights[:0]
		youngest, sum := ages[len(ages)-1], 0.0
		for _, a := range ages {
			w := math.Exp2(-float64(a-youngest) / float64(halfLife))
			weights = append(weights, w)
			sum += w
		}
		for i := range weights {
			weights[i] /= sum
		}
		return weights
	})
}

// LastClick gives each conversion to the last click of its path, and to the
// last view only when there is no click. It needs the kind of every touch:
// for paths with aggregated rows it answers [ErrNoTimes].
func LastClick(p *Paths) (Credits, error) {
	var weights []float64
	return p.weighTimed("last click", func(_ []time.Duration, kinds []Kind) []float64 {
		weights = append(weights[:0], make([]float64, len(kinds))...)
		last := len(kinds) - 1
		for i := last; i >= 0; i-- {
			if kinds[i] == Click {
				last = i
				break
			}
		}
		weights[last] = 1
		return weights
	})
}

// checkTimes refuses paths of which something with channels has no times.
func (p *Paths) checkTimes(model string) error {
	if n := p.counts.untimed.Value(); n != 0 {
		return fmt.Errorf("attribution: %s: %w: %g conversions came as aggregated rows", model, ErrNoTimes, n)
	}
	rest, size := p.total().value, 0.0
	rest.Merge(p.empty().value.Neg())
	for _, j := range p.journeys {
		rest.Sub(j.value)
		size += math.Abs(j.value)
	}
	if v := rest.Value(); math.Abs(v) > 1e-9*size {
		return fmt.Errorf("attribution: %s: %w: a value of %g came as aggregated rows", model, ErrNoTimes, v)
	}
	return nil
}

// weighTimed gives each touch of each timed journey its weight.
func (p *Paths) weighTimed(model string, weigh func(ages []time.Duration, kinds []Kind) []float64) (Credits, error) {
	if err := p.check(model); err != nil {
		return Credits{}, err
	}
	if err := p.checkTimes(model); err != nil {
		return Credits{}, err
	}
	shares := make([]share, p.channels.Len())
	for _, j := range p.journeys {
		path := p.seqs.seq(j.path)
		to := j.first + len(path)
		for i, w := range weigh(p.ages[j.first:to], p.kinds[j.first:to]) {
			if w != 0 {
				shares[path[i]].conv.Add(w)
				shares[path[i]].value.AddProduct(w, j.value)
			}
		}
	}
	return p.answer(p.credits(model, shares, descriptive(model)), func(l *lens) error {
		l.timed = true
		p.timedLens(l, weigh)
		return nil
	})
}

// timedLens answers for a rule that weighs the touches of single journeys.
func (p *Paths) timedLens(l *lens, weigh func(ages []time.Duration, kinds []Kind) []float64) {
	if l.variance {
		own := make([]float64, len(l.square))
		for _, j := range p.journeys {
			path := p.seqs.seq(j.path)
			for i, w := range weigh(p.ages[j.first:j.first+len(path)], p.kinds[j.first:j.first+len(path)]) {
				own[path[i]] += w
			}
			for _, c := range path {
				if w := own[c]; w != 0 {
					l.add(c, 1, w, w*j.value)
					own[c] = 0
				}
			}
		}
	}
	if l.parts {
		l.part = func(_ uint32, j *timedJourney, c, v, _ float64, toConv, toValue []float64) {
			if j == nil {
				return // journeys without a conversion
			}
			n := len(toConv)
			for i, w := range weigh(p.ages[j.first:j.first+n], p.kinds[j.first:j.first+n]) {
				toConv[i], toValue[i] = w*c, w*v
			}
		}
	}
}
