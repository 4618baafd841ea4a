package profile

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/zeebo/xxh3"
)

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

// steady reports whether nothing is forgotten when the clock gets there.
func (d *dedupe) steady(now int64) bool { return d.turn == 0 || now < d.turn }

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

// forget makes an id one that never came.
func (d *dedupe) forget(id string) {
	h := xxh3.HashString128(id)
	delete(d.young, h)
	delete(d.old, h)
}

// hashes returns what one generation holds, sorted.
func (d *dedupe) hashes(young bool) []xxh3.Uint128 {
	m := d.old
	if young {
		m = d.young
	}
	return slices.SortedFunc(maps.Keys(m), compareHashes)
}

// restore makes the window what it was.
func (d *dedupe) restore(turn int64, young, old []xxh3.Uint128) {
	*d = dedupe{turn: turn}
	for _, h := range young {
		d.addHash(h)
	}
	d.old, d.young = d.young, nil
	for _, h := range old {
		d.addHash(h)
	}
	d.old, d.young = d.young, d.old
}

func compareHashes(a, b xxh3.Uint128) int {
	return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo))
}

func putUint64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }
