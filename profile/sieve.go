package profile

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"
)

// sieve remembers that ids were seen in a fixed number of bytes: it knows all
// it was given, and takes a few others for known (a cuckoo filter; B. Fan, D.
// G. Andersen, M. Kaminsky, M. D. Mitzenmacher, "Cuckoo filter: practically
// better than Bloom", CoNEXT 2014). An id is a print of some bits in one of two
// buckets of four; each follows from the other and the print.
//
// A lookup compares at most eight prints, so that an id that never came is
// taken for known with a probability of at most 8/(2^width − 1).
type sieve struct {
	width   uint   // bits of a print
	buckets uint64 // of four slots each
	n, most int    // prints held, and how many may be
	words   []uint64
}

// sieveLoad is how full a sieve gets. Beyond 95 % there would be no place.
const (
	sieveLoad  = 0.93
	sieveKicks = 500
)

// entry is an id as a sieve knows it: the smaller of its buckets, its print.
type entry struct{ bucket, print uint64 }

func (e entry) compare(o entry) int {
	return cmp.Or(cmp.Compare(e.bucket, o.bucket), cmp.Compare(e.print, o.print))
}

// newSieve returns a sieve for so many ids of which two, looked up both, are
// wrong with a probability of at most rate.
func newSieve(most int, rate float64) *sieve {
	f := &sieve{most: most, width: uint(math.Ceil(math.Log2(16/rate + 1)))}
	f.buckets = uint64(math.Ceil(float64(most)/(4*sieveLoad))) + 1
	f.words = make([]uint64, (f.buckets*4*uint64(f.width)+63)/64+1)
	return f
}

func (f *sieve) reset() {
	clear(f.words)
	f.n = 0
}

func reduce(h, n uint64) uint64 {
	hi, _ := bits.Mul64(h, n)
	return hi
}

func (f *sieve) entry(h xxh3.Uint128) entry {
	p := h.Lo >> (64 - f.width)
	return f.canonical(entry{reduce(h.Hi, f.buckets), max(p, 1)})
}

// other returns the other bucket of a print.
func (f *sieve) other(e entry) uint64 {
	h := (e.print ^ e.print>>29) * 0xbf58476d1ce4e5b9
	b := reduce((h^h>>32)*0x94d049bb133111eb, f.buckets) + f.buckets - e.bucket
	if b >= f.buckets {
		b -= f.buckets
	}
	return b
}

func (f *sieve) canonical(e entry) entry {
	e.bucket = min(e.bucket, f.other(e))
	return e
}

func (f *sieve) slot(i uint64) uint64 {
	at := i * uint64(f.width)
	w, shift := at/64, at%64
	v := f.words[w] >> shift
	if shift+uint64(f.width) > 64 {
		v |= f.words[w+1] << (64 - shift)
	}
	return v & (1<<f.width - 1)
}

func (f *sieve) setSlot(i, print uint64) {
	at := i * uint64(f.width)
	w, shift := at/64, at%64
	mask := uint64(1)<<f.width - 1
	f.words[w] = f.words[w]&^(mask<<shift) | print<<shift
	if shift+uint64(f.width) > 64 {
		f.words[w+1] = f.words[w+1]&^(mask>>(64-shift)) | print>>(64-shift)
	}
}

// place returns the slot of a print in one of its buckets.
func (f *sieve) place(e entry, print uint64) (uint64, bool) {
	for _, b := range [2]uint64{e.bucket, f.other(e)} {
		for i := b * 4; i < b*4+4; i++ {
			if f.slot(i) == print {
				return i, true
			}
		}
	}
	return 0, false
}

func (f *sieve) has(e entry) bool {
	_, ok := f.place(e, e.print)
	return ok
}

// add enters an id, and reports whether there was a place. That depends on
// what is held alone, not on how it came in: a sieve that was written and read
// goes on like one that was not.
func (f *sieve) add(e entry) bool {
	if f.n >= f.most {
		return false
	}
	f.n++
	rest, ok := f.kick(e)
	if ok || f.makeRoom(rest) {
		return true
	}
	// There is a place for all of them but the new one.
	if rest != f.canonical(e) {
		if i, ok := f.place(e, e.print); ok {
			f.setSlot(i, 0)
		}
		f.makeRoom(rest)
	}
	f.n--
	return false
}

// kick gives an id a place, moving others for a while, and returns who has
// none then.
func (f *sieve) kick(e entry) (rest entry, ok bool) {
	for k := range uint64(sieveKicks) {
		if i, ok := f.place(e, 0); ok {
			f.setSlot(i, e.print)
			return entry{}, true
		}
		// Another one goes to its other bucket.
		if k == 0 {
			e.bucket = f.other(e)
		}
		i := e.bucket*4 + (e.print+k)%4
		out := entry{e.bucket, f.slot(i)}
		f.setSlot(i, e.print)
		e = entry{f.other(out), out.print}
	}
	return f.canonical(e), false
}

// makeRoom gives an id a place if there is any way to move others so that all
// have one: it looks for the nearest bucket with a free slot, and moves those
// on the way there (an augmenting path).
func (f *sieve) makeRoom(e entry) bool {
	from := map[uint64]uint64{} // the slot through which a bucket was reached, plus 1
	queue := []uint64{e.bucket}
	from[e.bucket] = 0
	if b := f.other(e); b != e.bucket {
		queue, from[b] = append(queue, b), 0
	}
	for len(queue) > 0 {
		b := queue[0]
		queue = queue[1:]
		for i := b * 4; i < b*4+4; i++ {
			p := f.slot(i)
			if p != 0 {
				to := f.other(entry{b, p})
				if _, seen := from[to]; !seen {
					queue, from[to] = append(queue, to), i+1
				}
				continue
			}
			for from[b] != 0 {
				j := from[b] - 1
				f.setSlot(i, f.slot(j))
				i, b = j, j/4
			}
			f.setSlot(i, e.print)
			return true
		}
	}
	return false
}

func (f *sieve) remove(e entry) {
	if i, ok := f.place(e, e.print); ok {
		f.setSlot(i, 0)
		f.n--
	}
}

// entries returns what the sieve holds, sorted: the same however it came in.
func (f *sieve) entries() []entry {
	out := make([]entry, 0, f.n)
	for i := range f.buckets * 4 {
		if p := f.slot(i); p != 0 {
			out = append(out, f.canonical(entry{i / 4, p}))
		}
	}
	slices.SortFunc(out, entry.compare)
	return out
}

func (f *sieve) bytes() int { return 8 * len(f.words) }
