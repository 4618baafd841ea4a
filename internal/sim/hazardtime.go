package sim

import "math"

// The nodes and weights of Gauss and Legendre for eight points on [0, 1].
var gaussNodes, gaussWeights = [8]float64{
	0.019855071751231884, 0.10166676129318664, 0.2372337950418355, 0.4082826787521751,
	0.5917173212478249, 0.7627662049581645, 0.8983332387068134, 0.9801449282487681,
}, [8]float64{
	0.05061426814518813, 0.11119051722668724, 0.15685332293894364, 0.18134189168918100,
	0.18134189168918100, 0.15685332293894364, 0.11119051722668724, 0.05061426814518813,
}

// rate is the hazard at an instant after the touches, of which there are no later ones.
func (h *Hazard) rate(touches []HazardTouch, z, at float64) float64 {
	lift, metA := 0.0, false
	for _, t := range touches {
		effect := h.effect[t.Channel]
		if t.Channel == 1 && metA {
			effect += h.order
		}
		metA = metA || t.Channel == 0
		if h.halfLife != 0 {
			effect *= math.Exp2(-(at - t.Time) / h.halfLife)
		}
		lift += effect
	}
	if h.targeting != 0 {
		lift += z - 0.5
	}
	return h.baseline * math.Exp(lift)
}

// hazard is the integral of the rate over a stretch without touches.
func (h *Hazard) hazard(touches []HazardTouch, z, from, to float64) float64 {
	if h.halfLife == 0 || len(touches) == 0 {
		return h.rate(touches, z, from) * (to - from)
	}
	// A piece of two half-lives is smooth enough for all digits that matter.
	pieces := math.Ceil((to - from) / (2 * h.halfLife))
	step, sum := (to-from)/pieces, 0.0
	for p := 0.0; p < pieces; p++ {
		for i, x := range gaussNodes {
			sum += gaussWeights[i] * step * h.rate(touches, z, from+(p+x)*step)
		}
	}
	return sum
}

// reach is when the cumulative hazard reaches a figure, and whether it does so within the
// window.
func (h *Hazard) reach(touches []HazardTouch, z, left float64) (end float64, converted bool) {
	from := 0.0
	for i := 0; i <= len(touches); i++ {
		to := 1.0
		if i < len(touches) {
			to = touches[i].Time
		}
		used := h.hazard(touches[:i], z, from, to)
		if used < left {
			left -= used
			from = to
			continue
		}
		lo, hi := from, to
		for range 50 {
			if mid := lo + (hi-lo)/2; h.hazard(touches[:i], z, from, mid) < left {
				lo = mid
			} else {
				hi = mid
			}
		}
		return hi, true
	}
	return 1, false
}

// byUser adds up the probability of a conversion of each user in each world.
func (h *Hazard) byUser() HazardTruth {
	const worlds = 1 << HazardChannels
	r := HazardTruth{Worlds: make([]float64, worlds)}
	var buffer, kept [HazardChannels]HazardTouch
	var met [worlds]float64
	for u := range h.users {
		touches, z := h.touches(keyOf(h.seed, purposeHazard, u), buffer[:0])
		all := 0
		for _, t := range touches {
			all |= 1 << t.Channel
		}
		for s := all; ; s = (s - 1) & all {
			own := kept[:0]
			for _, t := range touches {
				if s>>t.Channel&1 == 1 {
					own = append(own, t)
				}
			}
			cumulative, from := 0.0, 0.0
			for i := 0; i <= len(own); i++ {
				to := 1.0
				if i < len(own) {
					to = own[i].Time
				}
				cumulative += h.hazard(own[:i], z, from, to)
				from = to
			}
			met[s] = -math.Expm1(-cumulative)
			if s == 0 {
				break
			}
		}
		for s := range r.Worlds {
			r.Worlds[s] += met[s&all]
		}
	}
	r.sum()
	return r
}
