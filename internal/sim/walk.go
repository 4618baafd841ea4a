package sim

import "math"

// walk is what marketing and browsing have left in one customer of one world.
type walk struct {
	stock [channels]float64
	cart  int8 // 1 on the day on which a cart was abandoned, then 2, 3, 4; else 0
}

// met is what happens on one day of one world before buying.
type met struct {
	touch      [channels]kind
	retargeted bool // the display touch is there because of a cart
	reminded   bool // the e-mail is there because of a cart
	visit      bool // the customer was in the shop without having to buy
	cart       bool // and left a cart behind
	lift       float64
}

// step walks over one slot in the world where the channels of on are switched on. Nothing
// in it depends on whether the customer bought.
func (x *walk) step(s *slot, t Type, on mask) met {
	var m met
	if x.cart > 0 {
		x.cart = (x.cart + 1) % 5
	}
	for c := range channels {
		k := s.touch[c]
		if x.cart > 1 {
			if c == display && k < s.retarget {
				k, m.retargeted = s.retarget, true
			}
			if c == email && x.cart == 2 && k < s.remind {
				k, m.reminded = s.remind, true
			}
		}
		if !on.has(c) {
			k = none
		}
		m.touch[c] = k
		x.stock[c] = x.stock[c]*channelTable[c].decay + weights[k]
		if k == click && c != offline {
			m.visit = true
		}
	}
	if !on.has(display) {
		m.retargeted = false
	}
	if !on.has(email) {
		m.reminded = false
	}
	if m.visit && s.cart {
		m.cart = true
		x.cart = 1
	}
	for c := range channels {
		if beta := channelTable[c].effect[t]; beta != 0 && x.stock[c] > 0 {
			m.lift += beta * saturate(x.stock[c])
		}
	}
	if x.stock[search] > 0 && x.stock[video] > 0 {
		m.lift += synergy * saturate(x.stock[search]) * saturate(x.stock[video])
	}
	return m
}

// appetite comes back in four steps after an order: on the day after it the hazard is a
// quarter of the full one, then a half, three quarters, all.
const appetite = 4

// survival gives exp(−μ/4), whose powers 1…4 are the chances of no order.
func survival(base, lift float64) float64 { return math.Exp(-base * math.Exp(lift) / appetite) }

// power is e^(r+1) for the recency r = 0…3.
func power(e float64, r int) float64 {
	switch r {
	case 0:
		return e
	case 1:
		return e * e
	case 2:
		return e * e * e
	}
	return e * e * e * e
}
