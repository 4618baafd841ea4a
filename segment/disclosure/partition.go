package disclosure

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// partition holds the groups into which releases cut the users who were part
// of any: users of one group were together in or out of every release. It does
// not depend on the order of the releases.
type partition struct {
	users  []uint32 // ascending
	groups []uint32 // of each user
	sizes  []int    // by group
	free   []uint32 // groups of nobody
}

// cut cuts the groups by a set, unless a part of them, the users who are new,
// or the rest of the population would have 1 to least − 1 users. Then nothing
// changes, and it returns false.
func (p *partition) cut(set, population *roaring.Bitmap, least int) bool {
	inside := make([]int, len(p.sizes))
	fresh := p.walk(set, func(i int) { inside[p.groups[i]]++ }, nil)
	if small(fresh, least) {
		return false
	}
	for i, n := range inside {
		if n > 0 && n < p.sizes[i] && (n < least || p.sizes[i]-n < least) {
			return false
		}
	}
	if fresh > 0 && population != nil {
		outside := roaring.AndNot(population, set)
		if rest := p.walk(outside, nil, nil); small(rest, least) {
			return false
		}
	}
	// The part inside becomes a group of its own.
	part := make([]uint32, len(inside))
	for i, n := range inside {
		part[i] = uint32(i)
		if n > 0 && n < p.sizes[i] {
			part[i] = p.group()
			p.sizes[part[i]] = n
			p.sizes[i] -= n
		}
	}
	var news []uint32
	var add func(uint32)
	if fresh > 0 {
		news = make([]uint32, 0, fresh)
		add = func(user uint32) { news = append(news, user) }
	}
	p.walk(set, func(i int) { p.groups[i] = part[p.groups[i]] }, add)
	if fresh > 0 {
		p.insert(news)
	}
	return true
}

func small(n, least int) bool { return n > 0 && n < least }

// walk calls held with the place of each user of a set whom the partition
// holds, and other with the others, which it counts; either may be nil.
func (p *partition) walk(set *roaring.Bitmap, held func(i int), other func(user uint32)) (others int) {
	i := 0
	for it := set.Iterator(); it.HasNext(); {
		user := it.Next()
		for i < len(p.users) && p.users[i] < user {
			i++
		}
		switch {
		case i == len(p.users) || p.users[i] != user:
			others++
			if other != nil {
				other(user)
			}
		case held != nil:
			held(i)
		}
	}
	return others
}

// group returns the number of a new group.
func (p *partition) group() uint32 {
	if n := len(p.free); n > 0 {
		g := p.free[n-1]
		p.free = p.free[:n-1]
		return g
	}
	p.sizes = append(p.sizes, 0)
	return uint32(len(p.sizes) - 1)
}

// insert adds a new group of users, ascending, none of whom is held.
func (p *partition) insert(news []uint32) {
	g := p.group()
	p.sizes[g] = len(news)
	i, k := len(p.users)-1, len(news)-1
	p.users = slices.Grow(p.users, len(news))[:len(p.users)+len(news)]
	p.groups = slices.Grow(p.groups, len(news))[:len(p.users)]
	// From the end, so that each moves once.
	for to := len(p.users) - 1; k >= 0; to-- {
		if i >= 0 && p.users[i] > news[k] {
			p.users[to], p.groups[to] = p.users[i], p.groups[i]
			i--
		} else {
			p.users[to], p.groups[to] = news[k], g
			k--
		}
	}
}

func (p *partition) erase(user uint32) {
	i, ok := slices.BinarySearch(p.users, user)
	if !ok {
		return
	}
	g := p.groups[i]
	if p.sizes[g]--; p.sizes[g] == 0 {
		p.free = append(p.free, g)
	}
	p.users = slices.Delete(p.users, i, i+1)
	p.groups = slices.Delete(p.groups, i, i+1)
}

func (p *partition) rename(from, to uint32) {
	i, ok := slices.BinarySearch(p.users, from)
	if !ok || from == to {
		return
	}
	g := p.groups[i]
	if k, ok := slices.BinarySearch(p.users, to); !ok {
		p.users = slices.Insert(p.users, k, to)
		p.groups = slices.Insert(p.groups, k, g)
		p.sizes[g]++
	}
	p.erase(from)
}
