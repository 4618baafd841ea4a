package profile

import (
	"fmt"
	"slices"
)

// Unmerge takes a key out of its person for good: none of its links holds any
// more, those of later events included. Everybody becomes who they would have
// been without those links, with the numbers they had then; an event that
// names the key and others stays with the strongest of its keys. Views see
// the joined person erased and both sides again.
//
// Change.User is whom the number leads to afterwards, Change.Split the
// numbers that stand on their own since. A key that stands alone already
// changes nobody, but will not be linked again either.
//
// Errors: [ErrUser], [ErrUnknownKey] when the person does not have the key,
// [ErrExhausted], [ErrClosed].
func (s *Store) Unmerge(user uint32, key Key) (Change, error) {
	v := unmergeVerb{user: user, key: key}
	if err := s.run(&v); err != nil {
		return Change{}, err
	}
	return v.c, v.err
}

func notTheirs(user uint32, key Key) error {
	return fmt.Errorf("%w: user %d does not have %v", ErrUnknownKey, user, key)
}

func (s *Store) unmergeLocked(user uint32, key Key) (Change, error) {
	p := s.people.of(user)
	if p == nil {
		return Change{}, userError(user)
	}
	n, err := s.known(key)
	if err != nil {
		return Change{}, err
	}
	g := &s.graph
	if g.nodes[n].person != p {
		return Change{}, notTheirs(user, g.key(n))
	}
	g.nodes[n].cut = true
	g.refresh(n)
	starts := []uint32{n}
	g.neighbours(n, func(o, _ uint32) { starts = append(starts, o) })
	m := s.regroup(g.partition(starts), []uint32{n})
	s.follow(&m)
	s.seq++
	c := Change{User: s.people.of(user).number, Merged: m.merged, Split: m.split, Detached: s.detached, Seq: s.seq}
	c.Split = slices.DeleteFunc(c.Split, func(n uint32) bool { return n == c.User })
	if !s.opts.OmitChanges && m.before != nil {
		clear(s.changed)
		s.traitsChanged = s.traitsChanged[:0]
		c.Attributes = s.difference(s.people.of(user), &m)
	}
	return c, nil
}
