package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/zhun-go/zhun/internal/wire"
	"github.com/zhun-go/zhun/profile"
)

// named tells which events name one of a person's identifiers, for later,
// when the person is erased.
func (s *shop) named(user uint32, events iter.Seq2[profile.Event, error]) (map[int]bool, error) {
	out := map[int]bool{}
	i := 0
	for e, err := range events {
		if err != nil {
			return nil, err
		}
		out[i] = slices.ContainsFunc(e.Keys, func(k profile.Key) bool {
			n, ok := s.store.Resolve(k.Kind, k.Value)
			return ok && n == user
		})
		i++
	}
	return out, nil
}

// but yields the events that are not left out.
func but(events iter.Seq2[profile.Event, error], out map[int]bool) iter.Seq2[profile.Event, error] {
	return func(yield func(profile.Event, error) bool) {
		i := 0
		for e, err := range events {
			if !out[i] && !yield(e, err) {
				return
			}
			i++
		}
	}
}

// differences compares a shop that forgot somebody with one that was never
// told of them: what they hold of each person, and the bytes of every view.
// Numbers of persons depend on who came before; they are mapped by the
// persons' identifiers, with the views' own verb for two numbers of one
// person.
func differences(forgot, never *shop) (names []string, err error) {
	number := map[uint32]uint32{} // never's to forgot's
	for _, n := range forgot.store.Users() {
		p, ok := forgot.store.Profile(n)
		if !ok || len(p.Keys) == 0 {
			return nil, fmt.Errorf("forget: person %d without identifiers", n)
		}
		m, ok := never.store.Resolve(p.Keys[0].Kind, p.Keys[0].Value)
		if !ok || number[m] != 0 {
			names = append(names, fmt.Sprintf("person %d", n))
			continue
		}
		number[m] = n
		a, err := shown(forgot.store, n)
		if err != nil {
			return nil, err
		}
		b, err := shown(never.store, m)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(a, b) {
			names = append(names, fmt.Sprintf("person %d", n))
		}
	}
	if a, b := len(forgot.store.Users()), len(never.store.Users()); a != b {
		names = append(names, fmt.Sprintf("%d persons instead of %d", a, b))
	}
	theirs := never.views()
	for i, v := range forgot.views() {
		if err := renumber(theirs[i].view, number); err != nil {
			return nil, err
		}
		same, err := sameRows(v.view, theirs[i].view)
		if err != nil {
			return nil, err
		}
		if !same {
			names = append(names, "view "+v.name)
		}
	}
	return names, nil
}

// shown is a person's export without the numbers.
func shown(s *profile.Store, user uint32) ([]byte, error) {
	data, err := s.Export(user)
	if err != nil {
		return nil, err
	}
	m := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	delete(m, "user")
	delete(m, "numbers")
	return json.Marshal(m)
}

// renumber renames all users of a view, past numbers that nobody has.
func renumber(v profile.View, number map[uint32]uint32) error {
	const beyond = 1 << 30
	var errs []error
	for from := range number {
		errs = append(errs, v.Rename(from, from+beyond))
	}
	for from, to := range number {
		errs = append(errs, v.Rename(from+beyond, to))
	}
	return errors.Join(errs...)
}

// sameRows compares the bytes of two views but for their clocks and
// definitions, which only move forward.
func sameRows(a, b profile.View) (bool, error) {
	var frames [2]*wire.Frame
	for i, v := range []profile.View{a, b} {
		data, err := v.AppendBinary(nil)
		if err != nil {
			return false, err
		}
		if frames[i], err = wire.Inspect(data); err != nil {
			return false, err
		}
	}
	for _, n := range frames[0].Names() {
		if n != wire.Meta && !bytes.Equal(frames[0].Payload(n), frames[1].Payload(n)) {
			return false, nil
		}
	}
	return slices.Equal(frames[0].Names(), frames[1].Names()), nil
}
