package bits

import "slices"

// Live is a set of users with point updates: a bit of a page, or a place in a
// short array. The zero value is empty.
//
// Not safe for concurrent use; readers may share it while nobody writes.
type Live struct {
	// Blocks come in chapters, so that a number far out costs little. Pages and
	// arrays are nobody else's.
	chapters [][]block
	n        int
}

// chapterBlocks is how many blocks a chapter has: sixteen million users.
const chapterBlocks = 256

// Len returns the number of users.
func (l *Live) Len() int { return l.n }

// at returns the block of a user, nil when there never was one.
func (l *Live) at(user uint32) *block {
	i := int(user / blockUsers)
	c, i := i/chapterBlocks, i%chapterBlocks
	if c >= len(l.chapters) || i >= len(l.chapters[c]) {
		return nil
	}
	return &l.chapters[c][i]
}

// grow makes the block of a user.
func (l *Live) grow(user uint32) *block {
	i := int(user / blockUsers)
	c, i := i/chapterBlocks, i%chapterBlocks
	if c >= len(l.chapters) {
		l.chapters = append(l.chapters, make([][]block, c+1-len(l.chapters))...)
	}
	l.chapters[c] = append(l.chapters[c], make([]block, i+1-len(l.chapters[c]))...)
	return &l.chapters[c][i]
}

// Has reports whether the user is in the set.
func (l *Live) Has(user uint32) bool {
	b := l.at(user)
	return b != nil && b.has(uint16(user))
}

// Add puts the user into the set, if not there yet.
func (l *Live) Add(user uint32) {
	b, low := l.at(user), uint16(user)
	if b == nil {
		b = l.grow(user)
	}
	if b.words == nil {
		at := len(b.array)
		if at > 0 && b.array[at-1] >= low {
			var there bool
			if at, there = slices.BinarySearch(b.array, low); there {
				return
			}
		}
		if len(b.array) < maxArray {
			b.array = slices.Insert(b.array, at, low)
			b.n++
			l.n++
			return
		}
		b.words = new(page)
		scatter(b.words, b.array)
		b.array = nil
	}
	w := &b.words[low/64]
	bit := uint64(1) << (low % 64)
	fresh := int(^*w >> (low % 64) & 1)
	*w |= bit
	b.n += fresh
	l.n += fresh
}

// Remove takes the user out of the set, if there.
func (l *Live) Remove(user uint32) {
	b, low := l.at(user), uint16(user)
	if b == nil {
		return
	}
	if b.words == nil {
		if at, there := slices.BinarySearch(b.array, low); there {
			b.array = slices.Delete(b.array, at, at+1)
			b.n--
			l.n--
		}
		return
	}
	w := &b.words[low/64]
	gone := int(*w >> (low % 64) & 1)
	*w &^= 1 << (low % 64)
	b.n -= gone
	l.n -= gone
	// Far below what made it a page, lest it change its form again and again.
	if b.n <= maxArray/2 {
		b.array, b.words = b.words.append(make([]uint16, 0, b.n)), nil
	}
}

// View returns the users as a set that shares their memory: it holds until the
// next change.
func (l *Live) View() *Set {
	s := &Set{n: l.n}
	for c, chapter := range l.chapters {
		for i, b := range chapter {
			if !b.empty() {
				at := c*chapterBlocks + i
				s.blocks = append(s.blocks, make([]block, at+1-len(s.blocks))...)
				s.blocks[at] = b
			}
		}
	}
	return s
}

// Set returns a copy of the users.
func (l *Live) Set() *Set {
	s := l.View()
	for i := range s.blocks {
		b := &s.blocks[i]
		switch {
		case b.full():
			b.words = nil
		case b.words != nil:
			p := *b.words
			b.words = &p
		default:
			b.array = slices.Clone(b.array)
		}
	}
	return s
}

// Words sets out to the bits of the 4,096 users from base on, a multiple of
// that.
func (l *Live) Words(base uint32, out *[64]uint64) {
	b := l.at(base)
	switch low := uint16(base); {
	case b == nil:
		*out = [64]uint64{}
	case b.words != nil:
		copy(out[:], b.words[low/64:])
	default:
		*out = [64]uint64{}
		from, _ := slices.BinarySearch(b.array, low)
		for _, v := range b.array[from:] {
			if v -= low; v >= 4096 {
				break
			}
			out[v/64] |= 1 << (v % 64)
		}
	}
}
