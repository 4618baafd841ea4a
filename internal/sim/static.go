package sim

import (
	"iter"
	"math"
)

// StaticOptions describe the design of [NewStatic]. Nil and zero are the defaults.
type StaticOptions struct {
	Seed  uint64 // 0 means 1
	Users int    // 0 means 60,000

	// Interactions let A and B, and C and D, work better together, and A and D worse:
	// 0.8, 0.6 and −0.5 on the log odds.
	Interactions bool
	// Targeted lets E and F chase people who are likely to buy anyway: their log odds of
	// exposure rise by 1.5, and those of a conversion by 1, with the propensity z.
	Targeted bool
	// Ordered adds 1 to the log odds when the first touch of A comes before that of D.
	Ordered bool
}

// Static is a small design in which the channels that a user meets are fixed before the
// outcome is observed: six channels, each met with a probability and then once or twice, in
// random order, and one conversion or none, with log odds that are linear in the channels.
// C and E do nothing by themselves.
//
// Immutable; safe for concurrent use.
type Static struct {
	seed  uint64
	users int
	opts  StaticOptions
}

var (
	staticExposure = [HazardChannels]float64{-.4, -.6, -.2, -.8, -1.0, -.3}
	staticTarget   = [HazardChannels]float64{0, 0, 0, 0, 1.5, 1.5}
	staticEffect   = [HazardChannels]float64{.9, .5, 0, .7, 0, .2}
	staticPairs    = [3]struct {
		set    int
		effect float64
	}{{0b000011, .8}, {0b001001, -.5}, {0b001100, .6}}
)

// NewStatic builds the design. It errs, wrapping [ErrOptions], on a field out of range.
func NewStatic(opts *StaticOptions) (*Static, error) {
	o := StaticOptions{}
	if opts != nil {
		o = *opts
	}
	s := &Static{seed: o.Seed, users: o.Users, opts: o}
	if s.seed == 0 {
		s.seed = 1
	}
	if s.users == 0 {
		s.users = 60_000
	}
	if s.users < 0 || int64(s.users) > math.MaxUint32-1 {
		return nil, &OptionError{"Users", o.Users, "must lie in 1…4294967294"}
	}
	return s, nil
}

// StaticJourney is what is seen of one user, and the truth about them.
type StaticJourney struct {
	User      uint32  // from 1
	Path      []uint8 // the channels in order; 0 is A
	Converted bool
	// Propensity is the hidden z, a standard normal figure.
	Propensity float64
	// Caused is the Shapley value of the user's own probability of a conversion among the
	// channels that they met.
	Caused [HazardChannels]float64
}

// Journeys yields all users in order. Path is valid until the next step; copy what you keep.
func (s *Static) Journeys() iter.Seq[StaticJourney] {
	return func(yield func(StaticJourney) bool) {
		var path []uint8
		for u := range s.users {
			k := keyOf(s.seed, purposeExpose, u)
			j := StaticJourney{User: uint32(u + 1), Propensity: k.normal(0, purposePropensity, 0)}
			path = path[:0]
			set := 0
			for c, x := range staticExposure {
				if s.opts.Targeted {
					x += j.Propensity * staticTarget[c]
				}
				if k.chance(0, purposeExpose, c, expit(x)) {
					set |= 1 << c
					for range 1 + k.pick(0, purposeRepeat, c, 2) {
						path = append(path, uint8(c))
					}
				}
			}
			for i := len(path) - 1; i > 0; i-- {
				at := k.pick(0, purposeShuffle, i, i+1)
				path[i], path[at] = path[at], path[i]
			}
			j.Path = path
			ordered := s.opts.Ordered && before(path, 0, 3)
			j.Converted = k.chance(0, purposeBuy, 0, s.rate(j.Propensity, set, ordered))
			var own []int
			for c := range HazardChannels {
				if set>>c&1 != 0 {
					own = append(own, c)
				}
			}
			table := make([]float64, 1<<len(own))
			for m := range table {
				sub := 0
				for i, c := range own {
					sub |= m >> i & 1 << c
				}
				table[m] = s.rate(j.Propensity, sub, ordered && sub&0b1001 == 0b1001)
			}
			for i, v := range shapley(table, len(own)) {
				j.Caused[own[i]] = v
			}
			if !yield(j) {
				return
			}
		}
	}
}

// rate is the probability of a conversion of a user whom a set of channels met.
func (s *Static) rate(z float64, set int, ordered bool) float64 {
	x := -3.2
	if s.opts.Targeted {
		x += z
	}
	if ordered {
		x++
	}
	for c, b := range staticEffect {
		if set>>c&1 != 0 {
			x += b
		}
	}
	if s.opts.Interactions {
		for _, p := range staticPairs {
			if set&p.set == p.set {
				x += p.effect
			}
		}
	}
	return expit(x)
}

// before reports whether the first a comes before the first b.
func before(path []uint8, a, b uint8) bool {
	met := false
	for _, c := range path {
		switch c {
		case a:
			met = true
		case b:
			return met
		}
	}
	return false
}

func expit(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
