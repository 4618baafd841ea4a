package profile

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// View is a derived state that a store keeps up to date: segment.Index,
// recommend.History, attribution.Journeys, experiment.Readout, or the host's
// own. Its truth is rows per user, and it obeys the laws of state: the order
// of Observe does not matter, Erase leaves nothing, Rename gives all rows of
// one user to another.
//
// Maps handed to a view are read-only and valid during the call. Calls come
// from the store's writer, one at a time, while its lock is held, so that a
// view must not call the store, except from Deliver.
//
// The store looks for these optional methods:
//
//	Update(user uint32, attributes map[string]any, at time.Time) error
//	Advance(now time.Time) error
//	Replaying(on bool)
//	Attached(on bool)
//	Deliver()
//	Snapshot() io.WriterTo
//
// Update hands over attributes and computed traits that changed, nil for one
// that was removed. Advance says that the clock moved, in whole seconds.
// Replaying surrounds a backfill: update state, emit nothing. Attached tells
// that the store feeds the view from now on, so that its direct verbs refuse.
// Deliver is called after the store has unlocked, to run queued callbacks,
// which may call the store; several callers of the store may be in it at
// once. Snapshot returns an immutable picture of what AppendBinary would
// append, which is written while the view goes on; it is taken while changes
// wait, and so is AppendBinary of a view without it.
type View interface {
	// Observe takes one event. An error says that the view cannot go on: it
	// is detached. A field that it cannot use is no error.
	Observe(user uint32, event string, fields map[string]any, at time.Time) error
	// Rename gives all that from has to the user to: two numbers turned out
	// to be one person.
	Rename(from, to uint32) error
	// Erase forgets a user; one that it does not know is no error.
	Erase(user uint32) error
	AppendBinary(b []byte) ([]byte, error)
	UnmarshalBinary(data []byte) error
}

type (
	updater interface {
		Update(user uint32, attributes map[string]any, at time.Time) error
	}
	advancer  interface{ Advance(now time.Time) error }
	replayer  interface{ Replaying(on bool) }
	attachee  interface{ Attached(on bool) }
	deliverer interface{ Deliver() }
)

// AttachOptions say how a view is attached. Nil means the defaults.
type AttachOptions struct {
	// Purpose restricts the view to the users who allow it, see
	// [Store.Allowed]; empty means all users.
	Purpose string
}

// attached is one view and what the store knows of it.
type attached struct {
	name    string
	v       View
	purpose string
	in      *roaring.Bitmap // whom a view with a purpose holds
	failed  bool
	updater updater // nil if the view has no such method
	clock   advancer
	replay  replayer
}

func (w *attached) release() {
	if a, ok := w.v.(attachee); ok {
		a.Attached(false)
	}
}

func deliver(ds []deliverer) {
	for _, d := range ds {
		d.Deliver()
	}
}

// Attach connects a view. When it returns, the view has seen every event the
// store retains, in time order, and the attributes of every user, and its
// clock is the store's. Whatever a view held of users whom this store has
// numbered is erased from it first, so that a view that was detached catches
// up. The store is locked meanwhile.
//
// In a store of [Open], a view that was attached under the same name and for
// the same purpose when the last snapshot was written goes on from there: it is
// given the bytes it was written to, by UnmarshalBinary, and, between
// Replaying(true) and Replaying(false), the very calls it would have had since.
// So a view must be empty when it is attached. One that refuses its bytes, as
// one with other options does, is filled with all events like a new one. So is
// every view after the store's Traits, Retain, OptOut, Regions, RegionAttribute
// or ConsentExpiry were changed: what only the bytes knew, such as audiences
// that were defined while the host ran, is then the host's to define again.
//
// Views are called in the order in which they were attached. One that returns
// an error is detached and named in Change.Detached, while the event stands
// and the other views go on; [Store.ViewError] returns the error.
//
// Errors: [ErrView] when the name is empty or taken or the view is nil, a
// [*ViewError] when it failed while it was filled, [ErrClosed].
func (s *Store) Attach(name string, v View, opts *AttachOptions) error {
	unlock := s.hold()
	err := s.attachLocked(name, v, opts)
	d := s.deliverers
	unlock()
	deliver(d)
	return err
}

// hold locks the state, for whoever is not the writer of a directory.
func (s *Store) hold() (unlock func()) {
	if d := s.durable; d != nil {
		d.write.Lock()
		s.mu.Lock()
		return func() { s.mu.Unlock(); d.write.Unlock() }
	}
	s.mu.Lock()
	return s.mu.Unlock
}

func (s *Store) attachLocked(name string, v View, opts *AttachOptions) error {
	switch {
	case s.closed:
		return ErrClosed
	case name == "":
		return fmt.Errorf("%w: name is empty", ErrView)
	case v == nil || reflect.ValueOf(v).Kind() == reflect.Pointer && reflect.ValueOf(v).IsNil():
		return fmt.Errorf("%w %q is nil", ErrView, name)
	case slices.ContainsFunc(s.views, func(w *attached) bool { return w.name == name && !isReserved(w) }):
		return fmt.Errorf("%w %q is attached already", ErrView, name)
	}
	w := &attached{name: name, v: v}
	if opts != nil {
		w.purpose = opts.Purpose
	}
	if w.purpose != "" {
		w.in = roaring.New()
	}
	w.updater, _ = v.(updater)
	w.clock, _ = v.(advancer)
	w.replay, _ = v.(replayer)
	if a, ok := v.(attachee); ok {
		a.Attached(true)
	}
	if w.replay != nil {
		w.replay.Replaying(true)
	}
	place, kept := s.reservation(name)
	resumed := false
	var verb string
	var err error
	if kept != nil {
		resumed, verb, err = s.resume(w, place, kept)
	}
	if !resumed && err == nil {
		verb, err = s.backfill(w)
	}
	if w.replay != nil {
		w.replay.Replaying(false)
	}
	if err != nil {
		w.release()
		if kept != nil {
			s.remove(place)
		}
		return &ViewError{View: name, Verb: verb, Err: err}
	}
	delete(s.failures, name)
	s.views = slices.Clone(s.views)
	if i := slices.Index(s.views, place); i >= 0 && resumed {
		s.views[i] = w
	} else {
		s.views = append(slices.DeleteFunc(s.views, func(x *attached) bool { return x == place }), w)
	}
	s.listDeliverers()
	return nil
}

// Detach disconnects a view, which keeps what it holds. Errors: [ErrView]
// when no view of that name is attached.
func (s *Store) Detach(name string) error {
	defer s.hold()()
	for _, w := range s.views {
		if w.name == name {
			s.remove(w)
			return nil
		}
	}
	return fmt.Errorf("%w %q is not attached", ErrView, name)
}

// ViewError returns the error of a view that failed, until one is attached
// under its name again, and nil otherwise.
func (s *Store) ViewError(name string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e, ok := s.failures[name]; ok {
		return e
	}
	return nil
}

func (s *Store) remove(w *attached) {
	s.views = slices.DeleteFunc(slices.Clone(s.views), func(x *attached) bool { return x == w })
	s.listDeliverers()
	w.release()
}

func (s *Store) listDeliverers() {
	s.deliverers = nil
	for _, w := range s.views {
		if d, ok := w.v.(deliverer); ok {
			s.deliverers = append(s.deliverers, d)
		}
	}
}

// do detaches a view that returned an error and reports whether it goes on.
func (s *Store) do(w *attached, verb string, err error) bool {
	if err == nil {
		return !w.failed
	}
	if !w.failed {
		w.failed = true
		s.detached = append(s.detached, w.name)
		s.failures[w.name] = &ViewError{View: w.name, Verb: verb, Err: err}
		s.remove(w)
	}
	return false
}

// backfill fills a view with all that the store holds and returns the verb
// that failed.
func (s *Store) backfill(w *attached) (verb string, err error) {
	for n := range s.numbers() {
		if err := w.v.Erase(n); err != nil {
			return "Erase", err
		}
	}
	if w.clock != nil && s.clock != never() {
		if err := w.clock.Advance(instant{sec: s.clock.sec}.time()); err != nil {
			return "Advance", err
		}
	}
	var in []*person
	for _, p := range s.persons() {
		if w.purpose == "" || s.allows(p, w.purpose) {
			in = append(in, p)
			if w.in != nil {
				w.in.Add(p.number)
			}
		}
	}
	for p, r := range s.inTime(in) {
		if err := s.replayRow(w, p, r); err != nil {
			return "Observe", err
		}
	}
	for _, p := range in {
		if err := s.restate(w, p); err != nil {
			return "Update", err
		}
	}
	return "", nil
}

// holds reports whether the view is to hear of the person.
func (w *attached) holds(p *person) bool { return w.in == nil || w.in.Contains(p.number) }

// replayRow hands a retained event to a view.
func (s *Store) replayRow(w *attached, p *person, r row) error {
	s.log.decode(r.pos(), &s.read)
	if s.read.typ == Identify || s.read.typ == Consent {
		return nil
	}
	s.read.fields["message_id"] = s.read.id
	return w.v.Observe(p.number, s.read.view(), s.read.fields, r.time())
}

// restate hands all attributes and traits of a person to a view.
func (s *Store) restate(w *attached, p *person) error {
	if w.updater == nil {
		return nil
	}
	m := make(map[string]any)
	all := s.winners(p)
	for i, c := range all {
		m[s.attributes.Name(c.name)] = c.value
		if i+1 == len(all) || all[i+1].at != c.at {
			if err := w.updater.Update(p.number, m, c.at.time()); err != nil {
				return err
			}
			clear(m)
		}
	}
	return s.restateTraits(w, p)
}

// restateTraits hands all computed traits of a person to a view.
func (s *Store) restateTraits(w *attached, p *person) error {
	list := p.stampedTraits()
	m := make(map[string]any)
	for i, x := range list {
		m[s.opts.Traits[x.trait].Name] = x.value
		if i+1 == len(list) || list[i+1].stamp != x.stamp {
			if err := w.updater.Update(p.number, m, x.stamp.time()); err != nil {
				return err
			}
			clear(m)
		}
	}
	return nil
}

// show hands all of a person to a view, and reports whether the view goes on.
func (s *Store) show(w *attached, p *person) bool {
	for _, r := range p.rows {
		if !s.do(w, "Observe", s.replayRow(w, p, r)) {
			return false
		}
	}
	return s.do(w, "Update", s.restate(w, p))
}

// follow lets the views know who is who now.
func (s *Store) follow(m *moved) {
	for _, w := range s.views {
		if w.in == nil {
			s.followAll(w, m)
		} else {
			s.followPurpose(w, m)
		}
	}
}

func (s *Store) followAll(w *attached, m *moved) {
	for _, n := range m.gone {
		if !s.do(w, "Erase", w.v.Erase(n)) {
			return
		}
	}
	for _, r := range m.renamed {
		if !s.do(w, "Rename", w.v.Rename(r[0], r[1])) {
			return
		}
	}
	if len(m.renamed) > 0 && !s.do(w, "Update", s.restate(w, s.people.of(m.renamed[0][1]))) {
		return
	}
	for _, p := range m.shown {
		if !s.show(w, p) {
			return
		}
	}
}

// followPurpose is followAll for a view that holds some of the users only.
// When not all that is joined was in the view, what was is erased, and the
// whole is shown if it is allowed.
func (s *Store) followPurpose(w *attached, m *moved) {
	gone := slices.Clone(m.gone)
	shown := slices.Clone(m.shown)
	if len(m.renamed) > 0 {
		to := m.renamed[0][1]
		p := s.people.of(to)
		numbers := []uint32{to}
		whole := s.allows(p, w.purpose) && w.in.Contains(to)
		for _, r := range m.renamed {
			numbers = append(numbers, r[0])
			whole = whole && w.in.Contains(r[0])
		}
		if whole {
			for _, n := range numbers[1:] {
				w.in.Remove(n)
				if !s.do(w, "Rename", w.v.Rename(n, to)) {
					return
				}
			}
			if !s.do(w, "Update", s.restate(w, p)) {
				return
			}
		} else {
			gone = append(gone, numbers...)
			shown = append(shown, p)
		}
	}
	for _, n := range gone {
		if w.in.CheckedRemove(n) && !s.do(w, "Erase", w.v.Erase(n)) {
			return
		}
	}
	for _, n := range m.fresh {
		if s.allows(s.people.of(n), w.purpose) {
			w.in.Add(n)
		}
	}
	for _, p := range shown {
		if !s.allows(p, w.purpose) {
			continue
		}
		w.in.Add(p.number)
		if !s.show(w, p) {
			return
		}
	}
}

// permit brings the views with a purpose in line with a person's consents.
func (s *Store) permit(p *person) {
	for _, w := range s.views {
		if w.in == nil {
			continue
		}
		switch allowed, in := s.allows(p, w.purpose), w.in.Contains(p.number); {
		case allowed && !in:
			w.in.Add(p.number)
			s.show(w, p)
		case !allowed && in:
			w.in.Remove(p.number)
			s.do(w, "Erase", w.v.Erase(p.number))
		}
	}
}
