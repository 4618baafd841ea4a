package bits

import (
	"encoding/binary"
	"iter"

	"github.com/RoaringBitmap/roaring/v2"
)

// FromRoaring returns the users of a roaring bitmap, which stays as it is and
// shares nothing with the set.
func FromRoaring(b *roaring.Bitmap) *Set {
	s := &Set{}
	if b.IsEmpty() {
		return s
	}
	s.blocks = make([]block, b.Maximum()/blockUsers+1)
	var p page
	var buf [4096]uint32
	at := -1
	flush := func() {
		if at >= 0 {
			s.put(at, block{n: unknown, words: &p}, false)
			p = page{}
		}
	}
	it := b.ManyIterator()
	for n := it.NextMany(buf[:]); n > 0; n = it.NextMany(buf[:]) {
		for _, u := range buf[:n] {
			if i := int(u / blockUsers); i != at {
				flush()
				at = i
			}
			p[u%blockUsers/64] |= 1 << (u % 64)
		}
	}
	flush()
	return s.trim()
}

// arrayUsers is how many users an array of roaring has at most.
const arrayUsers = 4096

// Roaring evaluates the expression, with so many workers, as a roaring bitmap,
// the caller's own. Memory that nobody has touched yet takes longer than all
// the rest, so answers are written once, into as much as they need.
func (e Expr) Roaring(workers int) *roaring.Bitmap {
	span := e.span()
	if !e.dense(span) {
		return e.Set(workers).Roaring()
	}
	// A bitmap takes words as they are, if they are those of all blocks.
	words := make([]uint64, span*blockWords)
	kernel := newKernel()
	Split(span, workers, func(mine iter.Seq[int]) {
		ev := newEvaluator(e, kernel)
		for i := range mine {
			out := (*page)(words[i*blockWords:])
			if ev.out != nil {
				ev.out = out
			}
			switch b, _ := ev.eval(i); {
			case b.words == out:
			case b.words != nil:
				*out = *b.words
			case b.full():
				out.fill()
			default:
				clear(out[:])
				scatter(out, b.array)
			}
		}
	})
	return roaring.FromDense(words, false)
}

// dense reports whether blocks of the answer hold many users: where there are
// many blocks, by a few of them.
func (e Expr) dense(span int) bool {
	if e.most() <= span*arrayUsers {
		return false
	}
	if span <= 16 {
		return true
	}
	ev := newEvaluator(e, newKernel())
	n := 0
	for i := range 4 {
		n += ev.count(span * (2*i + 1) / 8)
	}
	return n > 4*arrayUsers
}

// Roaring returns the users as a roaring bitmap, the caller's own.
func (s *Set) Roaring() *roaring.Bitmap {
	// Roaring's portable format is the one way to hand it whole containers: up
	// to 4,096 users an array, above that the words of a page, and a full block
	// a run.
	const (
		cookie     = 12347 // with run containers
		cookieOnly = 12346 // without
		fewRuns    = 4     // containers without offsets, with runs
	)
	var used []int
	var runs []byte // a bit for each container
	size, full := 8, 0
	for i := range s.blocks {
		b := &s.blocks[i]
		if b.empty() {
			continue
		}
		if len(used)%8 == 0 {
			runs = append(runs, 0)
		}
		if b.full() {
			runs[len(used)/8] |= 1 << (len(used) % 8)
			full++
		}
		used = append(used, i)
		size += 8 + b.roaringBytes()
	}
	data := make([]byte, 0, size+len(runs))
	if full > 0 {
		data = binary.LittleEndian.AppendUint32(data, cookie|uint32(len(used)-1)<<16)
		data = append(data, runs...)
	} else {
		data = binary.LittleEndian.AppendUint32(data, cookieOnly)
		data = binary.LittleEndian.AppendUint32(data, uint32(len(used)))
	}
	for _, i := range used {
		data = binary.LittleEndian.AppendUint16(data, uint16(i))
		data = binary.LittleEndian.AppendUint16(data, uint16(s.blocks[i].n-1))
	}
	if full == 0 || len(used) >= fewRuns {
		offset := len(data) + 4*len(used)
		for _, i := range used {
			data = binary.LittleEndian.AppendUint32(data, uint32(offset))
			offset += s.blocks[i].roaringBytes()
		}
	}
	var array []uint16
	for _, i := range used {
		b := &s.blocks[i]
		switch {
		case b.full():
			data = append(data, 1, 0, 0, 0, 255, 255) // one run, from 0, of 65,535 more
		case b.n > arrayUsers:
			for _, w := range b.words {
				data = binary.LittleEndian.AppendUint64(data, w)
			}
		default:
			array = array[:0]
			if b.words != nil {
				array = b.words.append(array)
			} else {
				array = append(array, b.array...)
			}
			for _, v := range array {
				data = binary.LittleEndian.AppendUint16(data, v)
			}
		}
	}
	// The containers are parts of data, each marked to be cloned before a change.
	out := roaring.New()
	if _, err := out.FromUnsafeBytes(data); err != nil {
		panic("bits: " + err.Error()) // no data can cause it
	}
	return out
}

// roaringBytes returns the size of the block as a container.
func (b *block) roaringBytes() int {
	if b.full() {
		return 6
	}
	return min(2*b.n, 8*blockWords)
}
