package sim

import "math"

// A key is the root of all draws of one customer (or bot, or of the shop itself).
//
// Every draw is a pure function of (seed, customer, slot, purpose, index): there is no
// generator whose state could move on, so leaving one draw out, or asking for it twice,
// changes no other. That is what makes worlds with different channels switched off
// comparable draw by draw.
type key uint64

// purpose separates the questions asked about one slot. The numbers are part of the output:
// a new purpose goes to the end.
type purpose uint8

const (
	purposeType purpose = iota
	purposeRate
	purposeArrival
	purposeLeave
	purposeDevices
	purposeDevice
	purposeShared
	purposeAccount
	purposeContact
	purposePlace
	purposeName
	purposeBirthday
	purposeTaste
	purposeStyle
	purposeNeed
	purposeTouch
	purposeKind
	purposeTouchTime
	purposeRetarget
	purposeRemind
	purposeCart
	purposeBuy
	purposeStore
	purposeOrderTime
	purposeBasket
	purposePick
	purposeSession
	purposeGap
	purposeMessage
	purposeSend
	purposeDirt
	purposeRefund
	purposeReview
	purposeConsent
	purposeSkew
	purposeArm
	purposeBot
	purposeProduct
	purposePromotion
	purposeHazard
	purposeExpose
	purposePropensity
	purposeRepeat
	purposeShuffle
)

// timeless is the slot of draws that belong to a customer's whole life.
const timeless = -1

// mix is a bijection of 64-bit words in which every input bit flips every output bit with a
// probability near one half (Evensen's rrmxmx, 2018: a multiply and rotate finaliser
// somewhat stronger than that of splitmix64).
func mix(x uint64) uint64 {
	x ^= (x>>49 | x<<15) ^ (x>>24 | x<<40)
	x *= 0x9fb21c651e98df25
	x ^= x >> 28
	x *= 0x9fb21c651e98df25
	return x ^ x>>28
}

// keyOf gives the root of draws of subject n of a kind under a seed.
func keyOf(seed uint64, kind purpose, n int) key {
	return key(mix(mix(seed+0x9e3779b97f4a7c15*uint64(kind+1)) ^ uint64(n)*0xd1342543de82ef95))
}

// bits is the draw itself: 64 hashed bits. index must lie in [0, 65536).
func (k key) bits(slot int, p purpose, index int) uint64 {
	n := uint64(uint32(slot))<<32 | uint64(p)<<24 | uint64(uint16(index))
	return mix(uint64(k) + n*0x9e3779b97f4a7c15)
}

// uniform is a draw in [0, 1) with 53 bits.
func (k key) uniform(slot int, p purpose, index int) float64 {
	return float64(k.bits(slot, p, index)>>11) * 0x1p-53
}

// chance is true with probability q.
func (k key) chance(slot int, p purpose, index int, q float64) bool {
	return k.uniform(slot, p, index) < q
}

// pick is a draw from {0, …, n−1}.
func (k key) pick(slot int, p purpose, index, n int) int {
	return int(k.uniform(slot, p, index) * float64(n))
}

// normal is a standard normal draw by inversion.
func (k key) normal(slot int, p purpose, index int) float64 {
	return normalQuantile(k.uniform(slot, p, index))
}

// exponential is a draw from the exponential distribution with mean 1.
func (k key) exponential(slot int, p purpose, index int) float64 {
	return -math.Log1p(-k.uniform(slot, p, index))
}

// normalQuantile keeps off the two ends, where the quantile is infinite.
func normalQuantile(u float64) float64 {
	return math.Sqrt2 * math.Erfinv(2*min(max(u, 0x1p-54), 1-0x1p-53)-1)
}

// scramble is a bijection of 32-bit words under a seed: it turns a running number into an
// identifier that is unique and tells nothing about the order.
func scramble(seed uint64, n uint32) uint32 {
	s := mix(seed ^ 0x5851f42d4c957f2d)
	x := n + uint32(s)
	x = (x ^ x>>16) * 0x7feb352d
	x = (x ^ x>>15) * 0x846ca68b
	return x ^ x>>16 ^ uint32(s>>32)
}
