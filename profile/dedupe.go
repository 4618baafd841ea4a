package profile

import (
	"cmp"
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// dedupe remembers the message ids of a window by the store's clock, in two
// generations of one window each, so that an id is remembered for one to two
// windows. It keeps 128-bit hashes, of which two different ids share one with
// a probability of n²/2^129, below 1e-19 for a billion ids; or, with
// Options.DedupeEvents, two sieves.
type dedupe struct {
	young, old generation
	turn       int64 // when the generations turn next, in whole seconds
}

// generation is a set of ids: two of hashes, or a sieve unless that is nil.
type generation struct {
	hashes hashSet
	read   hashList // those that came from bytes
	sieve  *sieve
}

func (d *dedupe) init(o *Options) {
	d.young.hashes, d.old.hashes = newHashSet(), newHashSet()
	if o.DedupeEvents > 0 {
		d.young.sieve, d.old.sieve = newSieve(o.DedupeEvents, o.DedupeError), newSieve(o.DedupeEvents, o.DedupeError)
	}
}

// next makes the young generation the old one.
func (d *dedupe) next() {
	d.young, d.old = d.old, d.young
	d.young.clear()
}

func (g *generation) clear() {
	g.hashes.clear()
	g.read = hashList{}
	if g.sieve != nil {
		g.sieve.reset()
	}
}

func (g *generation) has(h xxh3.Uint128) bool {
	if g.sieve != nil {
		return g.sieve.has(g.sieve.entry(h))
	}
	return g.hashes.has(h) || g.read.has(h)
}

func (g *generation) remove(h xxh3.Uint128) {
	if g.sieve != nil {
		g.sieve.remove(g.sieve.entry(h))
		return
	}
	g.hashes.remove(h)
	g.read.remove(h)
}

func (g *generation) bytes() int {
	if g.sieve != nil {
		return g.sieve.bytes()
	}
	return g.hashes.bytes() + g.read.bytes()
}

// advance turns the generations as the clock demands.
func (d *dedupe) advance(now, window int64) {
	switch {
	case d.turn == 0:
		d.turn = now + window
	case now >= d.turn+window:
		d.young.clear()
		d.old.clear()
		d.turn = now + window
	case now >= d.turn:
		d.next()
		d.turn += window
	}
}

// steady reports whether nothing is forgotten when the clock gets there.
func (d *dedupe) steady(now int64) bool { return d.turn == 0 || now < d.turn }

func (d *dedupe) hasHash(h xxh3.Uint128) bool { return d.young.has(h) || d.old.has(h) }

// addHash remembers the id of a hash and reports whether others were forgotten
// early for it.
func (d *dedupe) addHash(h xxh3.Uint128) (overrun bool) {
	if f := d.young.sieve; f != nil {
		return d.addEntry(f.entry(h))
	}
	d.young.hashes.add(h)
	return false
}

func (d *dedupe) addEntry(e entry) (overrun bool) {
	if d.young.sieve.add(e) {
		return false
	}
	d.next()
	d.young.sieve.add(e)
	return true
}

// forget makes an id one that never came.
func (d *dedupe) forget(id string) {
	h := xxh3.HashString128(id)
	d.young.remove(h)
	d.old.remove(h)
}

// merge remembers what another window with the same options does.
func (d *dedupe) merge(o *dedupe) {
	for _, g := range []*generation{&o.old, &o.young} {
		for _, h := range g.list() {
			if d.young.sieve == nil {
				d.addHash(h)
			} else if e := (entry{h.Hi, h.Lo}); !d.young.sieve.has(e) {
				d.addEntry(e)
			}
		}
	}
}

// list returns what a generation holds, sorted: hashes, or what a sieve knows
// in their place.
func (g *generation) list() []xxh3.Uint128 {
	if g.sieve == nil {
		return g.read.merged(sortedHashes(g.hashes.list()))
	}
	entries := g.sieve.entries()
	out := make([]xxh3.Uint128, len(entries))
	for i, e := range entries {
		out[i] = xxh3.Uint128{Hi: e.bucket, Lo: e.print}
	}
	return out
}

// shape tells what lists are of: the buckets and the width of a sieve, or 0 for
// hashes.
func (d *dedupe) shape() (buckets uint64, width uint) {
	if d.young.sieve == nil {
		return 0, 0
	}
	return d.young.sieve.buckets, d.young.sieve.width
}

// restore makes the window what it was when lists of a shape were written. A
// sieve takes hashes in; what a sieve of another shape knew is forgotten. It
// reports whether the lists can be of that shape, and takes them over.
func (d *dedupe) restore(turn int64, buckets uint64, width uint, young, old []xxh3.Uint128) bool {
	d.turn = turn
	b, w := d.shape()
	if buckets > 0 && (b != buckets || w != width) {
		return true
	}
	for _, g := range []struct {
		to   *generation
		list []xxh3.Uint128
	}{{&d.young, young}, {&d.old, old}} {
		f := g.to.sieve
		if f == nil {
			g.to.read = newHashList(g.list)
			continue
		}
		for _, h := range g.list {
			switch {
			case buckets == 0:
				if e := f.entry(h); !f.has(e) {
					f.add(e)
				}
			default:
				e := entry{h.Hi, h.Lo}
				if e.bucket >= buckets || e.print == 0 || e.print>>width != 0 || f.canonical(e) != e {
					return false
				}
				if !f.add(e) {
					return false
				}
			}
		}
	}
	return true
}

func compareHashes(a, b xxh3.Uint128) int {
	if a.Hi != b.Hi {
		return cmp.Compare(a.Hi, b.Hi)
	}
	return cmp.Compare(a.Lo, b.Lo)
}

func putUint64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }
