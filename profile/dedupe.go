package profile

import "github.com/zeebo/xxh3"

// dedupe remembers the message ids of a window by the store's clock. It keeps
// 128-bit hashes in two generations of one window each, so that an id is
// remembered for one to two windows. Two different ids collide with a
// probability of n²/2^129, below 1e-19 for a billion ids.
type dedupe struct {
	young, old map[xxh3.Uint128]struct{}
	turn       int64 // when the generations turn next, in whole seconds
}

// advance turns the generations as the clock demands.
func (d *dedupe) advance(now, window int64) {
	switch {
	case d.turn == 0:
		d.turn = now + window
	case now >= d.turn+window:
		d.young, d.old, d.turn = nil, nil, now+window
	case now >= d.turn:
		d.young, d.old, d.turn = nil, d.young, d.turn+window
	}
}

func (d *dedupe) has(id string) bool {
	h := xxh3.HashString128(id)
	if _, ok := d.young[h]; ok {
		return true
	}
	_, ok := d.old[h]
	return ok
}

func (d *dedupe) add(id string) {
	d.addHash(xxh3.HashString128(id))
}

func (d *dedupe) addHash(h xxh3.Uint128) {
	if d.young == nil {
		d.young = make(map[xxh3.Uint128]struct{})
	}
	d.young[h] = struct{}{}
}
