package segment

import "slices"

// maxMoves is how many changes of membership wait at most.
const maxMoves = 1 << 15

// move notes that a user entered or left an audience. The bit in the user's
// row is the truth of that; the audience's set, which questions about all
// users read, follows in batches: a change on its own would be a walk through
// memory, and a batch sorted by audience has that walk in common.
func (x *Index) move(a *audience, user uint32, in bool) {
	x.moves = append(x.moves, uint64(a.id)<<33|uint64(user)<<1|bit(in))
	if len(x.moves) == maxMoves {
		x.carry()
	}
}

// settle brings the sets up to date. Callers hold the lock, for reading at
// least: then nothing is moved while they do.
func (x *Index) settle() {
	x.settling.Lock()
	defer x.settling.Unlock()
	if len(x.moves) > 0 {
		x.carry()
	}
}

// carry applies the moves that wait, in their order for each audience.
func (x *Index) carry() {
	place := make([]int, len(x.audiences)+1)
	for _, m := range x.moves {
		place[m>>33+1]++
	}
	for i := 1; i < len(place); i++ {
		place[i] += place[i-1]
	}
	x.sorted = slices.Grow(x.sorted[:0], len(x.moves))[:len(x.moves)]
	for _, m := range x.moves {
		x.sorted[place[m>>33]] = m
		place[m>>33]++
	}
	for _, m := range x.sorted {
		set := &x.audiences[m>>33].members
		if user := uint32(m >> 1); m&1 != 0 {
			set.Add(user)
		} else {
			set.Remove(user)
		}
	}
	x.moves = x.moves[:0]
}
