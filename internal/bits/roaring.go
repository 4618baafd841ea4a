package bits

import (
	"encoding/binary"
	"iter"

	"github.com/RoaringBitmap/roaring/v2"
)

// Roaring's portable format is the one way to get at whole containers: up to
// 4,096 users an array, above that the words of a page, or runs.
const (
	cookieRuns = 12347 // with run containers
	cookieNone = 12346 // without
	fewRuns    = 4     // containers without offsets, with runs
)

// FromRoaring returns the users of a roaring bitmap, which stays as it is and
// shares nothing with the set.
func FromRoaring(b *roaring.Bitmap) *Set {
	s := &Set{}
	if b.IsEmpty() {
		return s
	}
	data, err := b.ToBytes()
	if err != nil {
		panic("bits: " + err.Error()) // writing to memory does not fail
	}
	s.blocks = make([]block, b.Maximum()/blockUsers+1)
	le := binary.LittleEndian
	var runs []byte
	n := int(le.Uint32(data[4:]))
	head := data[8:]
	if cookie := le.Uint32(data); cookie&0xffff == cookieRuns {
		n = int(cookie>>16) + 1
		runs, head = data[4:][:(n+7)/8], data[4+(n+7)/8:]
	}
	rest := head[4*n:]
	if runs == nil || n >= fewRuns {
		rest = rest[4*n:] // offsets
	}
	fresh, scratch := slab{}, page{}
	for k := range n {
		i, users := int(le.Uint16(head[4*k:])), int(le.Uint16(head[4*k+2:]))+1
		b := block{n: users}
		switch {
		case runs != nil && runs[k/8]>>(k%8)&1 != 0:
			pairs := rest[2:][:4*int(le.Uint16(rest))]
			rest = rest[2+len(pairs):]
			if b.full() {
				break
			}
			clear(scratch[:])
			for ; len(pairs) > 0; pairs = pairs[4:] {
				scratch.add(int(le.Uint16(pairs)), int(le.Uint16(pairs[2:])))
			}
			if users <= maxArray {
				b.array = scratch.append(make([]uint16, 0, users))
			} else {
				b.words = fresh.page()
				*b.words = scratch
			}
		case users > arrayUsers:
			b.words = fresh.page()
			for w := range b.words {
				b.words[w] = le.Uint64(rest[8*w:])
			}
			rest = rest[8*blockWords:]
		default:
			b.array = make([]uint16, users)
			for j := range b.array {
				b.array[j] = le.Uint16(rest[2*j:])
			}
			rest = rest[2*users:]
			if users > maxArray {
				b.words = fresh.page()
				scatter(b.words, b.array)
				b.array = nil
			}
		}
		s.put(i, b, true)
	}
	return s.trim()
}

// add adds a user and those of the following who come with it.
func (p *page) add(user, following int) {
	from, to := user/64, (user+following)/64
	first, last := ^uint64(0)<<(user%64), ^uint64(0)>>(63-(user+following)%64)
	if from == to {
		p[from] |= first & last
		return
	}
	p[from] |= first
	for w := from + 1; w < to; w++ {
		p[w] = ^uint64(0)
	}
	p[to] |= last
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
		data = binary.LittleEndian.AppendUint32(data, cookieRuns|uint32(len(used)-1)<<16)
		data = append(data, runs...)
	} else {
		data = binary.LittleEndian.AppendUint32(data, cookieNone)
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
