package main

import (
	"encoding"

	"github.com/zhun-go/zhun/internal/wire"
)

// held is a view whose state can be written down.
type held interface {
	encoding.BinaryAppender
	Erase(user uint32) error
}

// forget erases one customer at the end, and measures what the packages held of them.
// Models and reports made before keep what they learned, as the receipt says.
func (s *shop) forget(r *Report) error {
	user, ok := s.somebody(r)
	if !ok {
		return nil
	}
	p, _ := s.store.Profile(user)
	e := &Erasure{User: user, Events: p.Events, Identifiers: len(p.Keys)}
	views := []struct {
		name string
		view held
	}{
		{"segment", s.index},
		{"recommend", s.history},
		{"attribution", s.journeys},
		{"experiment", s.readout},
	}
	before, err := s.exported(user)
	if err != nil {
		return err
	}
	sizes := make([]int, len(views))
	for i, v := range views {
		if sizes[i], err = size(v.view); err != nil {
			return err
		}
	}

	if _, err := s.store.Erase(user); err != nil {
		return err
	}

	after, err := s.exported(user)
	if err != nil {
		return err
	}
	e.Traces = append(e.Traces, Traces{Package: "profile", Before: before, After: after})
	for i, v := range views {
		left, err := size(v.view)
		if err != nil {
			return err
		}
		if err := v.view.Erase(user); err != nil { // finds nothing, or the store's erasure missed something
			return err
		}
		again, err := size(v.view)
		if err != nil {
			return err
		}
		e.Traces = append(e.Traces, Traces{Package: v.name, Before: sizes[i] - left, After: left - again})
	}
	r.Erasure = e
	return nil
}

// somebody picks the customer to be erased: the first of those shown, else the first of all.
func (s *shop) somebody(r *Report) (uint32, bool) {
	if r.Recommendations != nil && len(r.Recommendations.Users) > 0 {
		return r.Recommendations.Users[0].User, true
	}
	for _, user := range s.store.Users() {
		return user, true
	}
	return 0, false
}

// exported is the size of all that the store would hand out about a user.
func (s *shop) exported(user uint32) (int, error) {
	if _, ok := s.store.Profile(user); !ok {
		return 0, nil
	}
	b, err := s.store.Export(user)
	return len(b), err
}

// size is the length of a view's state, without what lies beside the users: the clock,
// the definitions and, in an index, the latest transitions, which are kept for the
// watchers that have yet to act on them, the exits of the erased user among them.
func size(v held) (int, error) {
	b, err := state(v)
	return len(b), err
}

func state(v held) ([]byte, error) {
	data, err := v.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	f, err := wire.Inspect(data)
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, name := range f.Names() {
		if name != wire.Meta {
			b = append(b, f.Payload(name)...)
		}
	}
	return b, nil
}
