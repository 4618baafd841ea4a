package sim

import (
	"iter"
	"math"
	"slices"
)

// HazardChannels is the number of channels of [Hazard], named A to F.
const HazardChannels = 6

// HazardOptions describe the reference design of [NewHazard]. Nil and zero are the defaults.
type HazardOptions struct {
	Seed  uint64 // 0 means 1
	Users int    // 0 means 60,000

	// Exposure holds the logits of the chance that a user meets a channel within the
	// window. Nil means −0.4, −0.6, −0.2, −0.8, −1.0, −0.3.
	Exposure *[HazardChannels]float64

	// Effect holds what a channel adds to the logarithm of the hazard from its touch on.
	// Nil means 0.9, 0.5, 0, 0.7, 0, 0.2.
	Effect *[HazardChannels]float64

	// Baseline is the hazard without touches, per window; 0 means 0.04.
	Baseline float64

	// HalfLife is the share of the window after which half of a touch's effect on the
	// logarithm of the hazard is gone: carry-over that fades. 0 means that none is lost.
	HalfLife float64

	// Order is what a touch of B adds to the logarithm of the hazard, beside its effect,
	// when A was met before it; 0 means that order does not matter.
	Order float64

	// Targeting is by how much the logits of meeting E and F rise with a user's propensity
	// z, a standard normal figure; when it is not 0, the hazard is multiplied by
	// exp(z − 1/2), so that those who are chased buy anyway.
	Targeting float64
}

// Hazard is a small design in which touches raise the rate of conversion in time and the
// truth has a closed form: every user is watched over a window of length 1, meets each
// channel at most once at a uniform instant, and converts at the rate
//
//	λ(t) = λ0 · exp(Σ β_c over the channels c touched before t).
//
// Effects may fade, depend on order, or be chased: see [HazardOptions].
//
// The conversion ends the observation, so that those who convert have fewer touches than
// those who do not (immortal-time bias): an estimator that forgets the time is wrong here
// for every channel.
//
// Immutable; safe for concurrent use.
type Hazard struct {
	seed     uint64
	users    int
	logits   [HazardChannels]float64
	exposure [HazardChannels]float64 // probabilities
	effect   [HazardChannels]float64
	baseline float64

	halfLife, order, targeting float64
}

// NewHazard builds the design. It errs, wrapping [ErrOptions], on a field out of range.
func NewHazard(opts *HazardOptions) (*Hazard, error) {
	o := HazardOptions{}
	if opts != nil {
		o = *opts
	}
	h := &Hazard{seed: o.Seed, users: o.Users, baseline: o.Baseline}
	if h.seed == 0 {
		h.seed = 1
	}
	if h.users == 0 {
		h.users = 60_000
	}
	if h.users < 0 || int64(h.users) > math.MaxUint32-1 {
		return nil, &OptionError{"Users", o.Users, "must lie in 1…4294967294"}
	}
	if h.baseline == 0 {
		h.baseline = 0.04
	}
	if !(h.baseline > 0 && h.baseline <= 10) {
		return nil, &OptionError{"Baseline", o.Baseline, "must lie in (0, 10]"}
	}
	logits := [HazardChannels]float64{-0.4, -0.6, -0.2, -0.8, -1.0, -0.3}
	if o.Exposure != nil {
		logits = *o.Exposure
	}
	h.effect = [HazardChannels]float64{0.9, 0.5, 0, 0.7, 0, 0.2}
	if o.Effect != nil {
		h.effect = *o.Effect
	}
	for c := range HazardChannels {
		if math.IsNaN(logits[c]) {
			return nil, &OptionError{"Exposure", logits[c], "must be a number"}
		}
		if !(math.Abs(h.effect[c]) <= 3) {
			return nil, &OptionError{"Effect", h.effect[c], "must lie in −3…3"}
		}
		h.exposure[c] = 1 / (1 + math.Exp(-logits[c]))
	}
	h.logits, h.halfLife, h.order, h.targeting = logits, o.HalfLife, o.Order, o.Targeting
	switch {
	case !(h.halfLife >= 0 && !math.IsInf(h.halfLife, 1)) || h.halfLife != 0 && h.halfLife < 0.01:
		return nil, &OptionError{"HalfLife", h.halfLife, "must be 0 or lie in 0.01…∞"}
	case !(math.Abs(h.order) <= 3):
		return nil, &OptionError{"Order", h.order, "must lie in −3…3"}
	case !(math.Abs(h.targeting) <= 5):
		return nil, &OptionError{"Targeting", h.targeting, "must lie in −5…5"}
	}
	top := h.baseline
	for _, b := range h.effect {
		top *= math.Exp(max(b, 0))
	}
	if top > 100 {
		return nil, &OptionError{"Effect", h.effect, "the hazard with all channels must not exceed 100 per window"}
	}
	return h, nil
}

// HazardTouch is one touch; Time lies in [0, 1).
type HazardTouch struct {
	Channel uint8 // 0 is A
	Time    float64
}

// Name gives "A" to "F".
func (t HazardTouch) Name() string { return string(rune('A' + t.Channel)) }

// HazardJourney is what is seen of one user: the touches in the order of their times, all
// before End, and the end of the observation, which is the conversion or 1.
type HazardJourney struct {
	User      uint32 // from 1
	Touches   []HazardTouch
	Converted bool
	End       float64
	// Propensity is the hidden z of [HazardOptions].Targeting, a standard normal figure.
	Propensity float64
}

// Journeys yields all users in order. Touches is valid until the next step; copy what you keep.
func (h *Hazard) Journeys() iter.Seq[HazardJourney] {
	return func(yield func(HazardJourney) bool) {
		var buffer [HazardChannels]HazardTouch
		for u := range h.users {
			k := keyOf(h.seed, purposeHazard, u)
			touches, z := h.touches(k, buffer[:0])
			j := HazardJourney{User: uint32(u + 1), End: 1, Propensity: z}
			// the conversion comes when the cumulative hazard reaches a unit exponential
			left := k.exponential(0, purposeBuy, 0)
			if !h.plain() {
				j.End, j.Converted = h.reach(touches, z, left)
				for len(touches) > 0 && touches[len(touches)-1].Time >= j.End {
					touches = touches[:len(touches)-1]
				}
				j.Touches = touches
				if !yield(j) {
					return
				}
				continue
			}
			now, rate, lift := 0.0, h.baseline, 0.0
			for i, t := range touches {
				if used := rate * (t.Time - now); used < left {
					left -= used
				} else {
					j.Converted, j.End, touches = true, now+left/rate, touches[:i]
					break
				}
				lift += h.effect[t.Channel]
				now, rate = t.Time, h.baseline*math.Exp(lift)
			}
			if !j.Converted && rate*(1-now) > left {
				j.Converted, j.End = true, now+left/rate
			}
			j.Touches = touches
			if !yield(j) {
				return
			}
		}
	}
}

// plain is the design with a truth in closed form.
func (h *Hazard) plain() bool { return h.halfLife == 0 && h.order == 0 && h.targeting == 0 }

// touches draws the touches of a user in the order of their times, and their propensity.
func (h *Hazard) touches(k key, touches []HazardTouch) ([]HazardTouch, float64) {
	z := k.normal(0, purposePropensity, 0)
	for c := range HazardChannels {
		p := h.exposure[c]
		if h.targeting != 0 && c >= HazardChannels-2 {
			p = 1 / (1 + math.Exp(-h.logits[c]-h.targeting*z))
		}
		if k.uniform(0, purposeHazard, c) < p {
			touches = append(touches, HazardTouch{uint8(c), k.uniform(0, purposeTouchTime, c)})
		}
	}
	slices.SortFunc(touches, func(a, b HazardTouch) int {
		switch {
		case a.Time < b.Time:
			return -1
		case a.Time > b.Time:
			return 1
		}
		return int(a.Channel) - int(b.Channel)
	})
	return touches, z
}

// HazardTruth is the truth of the design for its number of users.
type HazardTruth struct {
	Conversions float64                 // expected conversions with all channels
	Baseline    float64                 // expected conversions without any
	Shapley     [HazardChannels]float64 // expected incremental conversions; Baseline + Σ = Conversions
	LastIn      [HazardChannels]float64
	Worlds      []float64 // expected conversions by set of channels, bit 0 for A
}

// Truth computes expected conversions in all 2^6 worlds in which only a subset of the
// channels exists. When effects fade, depend on order or are chased, it is the sum over
// the users of their probability of a conversion in each world, given their touches and
// their propensity. Otherwise it is exact to rounding, without simulation: for a user who meets the
// channels of a set T, the order of the touches is a uniform permutation and the k+1 gaps
// between them are uniform on the simplex, so that with the hazards c_0 … c_k between the
// touches
//
//	P(no conversion) = E exp(−Σ Δ_j c_j) = Σ_m (−1)^m h_m(c) k!/(m+k)!
//
// (Hermite–Genocchi), where h_m is the complete homogeneous symmetric polynomial.
func (h *Hazard) Truth() HazardTruth {
	const worlds = 1 << HazardChannels
	if !h.plain() {
		return h.byUser()
	}
	var met [worlds]float64 // P(conversion | exactly these channels are met)
	for t := range met {
		met[t] = 1 - h.noConversion(t)
	}
	r := HazardTruth{Worlds: make([]float64, worlds)}
	for s := range r.Worlds {
		for t := s; ; t = (t - 1) & s {
			p := 1.0
			for c := range HazardChannels {
				switch {
				case s>>c&1 == 0:
				case t>>c&1 == 1:
					p *= h.exposure[c]
				default:
					p *= 1 - h.exposure[c]
				}
			}
			r.Worlds[s] += float64(h.users) * p * met[t]
			if t == 0 {
				break
			}
		}
	}
	r.sum()
	return r
}

// sum derives the rest from the worlds.
func (r *HazardTruth) sum() {
	copy(r.Shapley[:], shapley(r.Worlds, HazardChannels))
	r.Baseline, r.Conversions = r.Worlds[0], r.Worlds[len(r.Worlds)-1]
	for c := range HazardChannels {
		r.LastIn[c] = r.Conversions - r.Worlds[(len(r.Worlds)-1)&^(1<<c)]
	}
}

// noConversion averages over the orders of the touches of a set.
func (h *Hazard) noConversion(set int) float64 {
	var sum float64
	var orders int
	rates := make([]float64, 1, HazardChannels+1)
	rates[0] = h.baseline
	var extend func(left int, lift float64)
	extend = func(left int, lift float64) {
		if left == 0 {
			sum += meanSurvival(rates)
			orders++
			return
		}
		for c := range HazardChannels {
			if left>>c&1 == 1 {
				rates = append(rates, h.baseline*math.Exp(lift+h.effect[c]))
				extend(left&^(1<<c), lift+h.effect[c])
				rates = rates[:len(rates)-1]
			}
		}
	}
	extend(set, 0)
	return sum / float64(orders)
}

// meanSurvival is E exp(−Σ Δ_j c_j) for Δ uniform on the simplex. The largest hazard is
// taken out in front, exp(−c)·E exp(Σ Δ_j (c − c_j)), so that all terms of the series are
// positive.
func meanSurvival(rates []float64) float64 {
	top := slices.Max(rates)
	k := len(rates) - 1
	// homogeneous[j] is h_m of the first j+1 differences; one step of m is one pass
	homogeneous := make([]float64, k+1)
	for j := range homogeneous {
		homogeneous[j] = 1
	}
	sum, factor := 0.0, 1.0 // factor is k!/(m+k)!
	for m := 0; ; m++ {
		term := homogeneous[k] * factor
		sum += term
		if m > 0 && term <= sum*1e-18 {
			return math.Exp(-top) * sum
		}
		factor /= float64(m + 1 + k)
		var previous float64
		for j, c := range rates {
			previous += (top - c) * homogeneous[j] // h_{m+1}(c_0…c_j) = h_{m+1}(c_0…c_{j−1}) + c_j·h_m(c_0…c_j)
			homogeneous[j] = previous
		}
	}
}
