package profile

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// reserved stands in for a view that was attached when the last snapshot was
// written, until the host attaches it again. It takes down what the view is to
// be told, so that the view goes on from the bytes it was written to with the
// very calls that it would have had.
type reserved struct {
	data  []byte // what the view was written to
	calls []byte // since
	r     recordReader
}

// maxReserved bounds what is taken down for one view; beyond, it is filled
// anew when it is attached.
const maxReserved = 64 << 20

const (
	callObserve byte = iota + 1
	callUpdate
	callRename
	callErase
	callAdvance
)

func (v *reserved) room() error {
	if len(v.calls) > maxReserved {
		return fmt.Errorf("not attached for %d bytes of calls", len(v.calls))
	}
	return nil
}

func (v *reserved) Observe(user uint32, event string, fields map[string]any, at time.Time) error {
	v.calls = appendText(binary.AppendUvarint(append(v.calls, callObserve), uint64(user)), event)
	v.fields(fields, at)
	return v.room()
}

func (v *reserved) Update(user uint32, attributes map[string]any, at time.Time) error {
	v.calls = binary.AppendUvarint(append(v.calls, callUpdate), uint64(user))
	v.fields(attributes, at)
	return v.room()
}

func (v *reserved) fields(m map[string]any, at time.Time) {
	v.calls = appendAt(v.calls, at)
	v.calls = binary.AppendUvarint(v.calls, uint64(len(m)))
	v.calls = appendCanonical(v.calls, m)
}

func (v *reserved) Rename(from, to uint32) error {
	v.calls = binary.AppendUvarint(binary.AppendUvarint(append(v.calls, callRename), uint64(from)), uint64(to))
	return v.room()
}

func (v *reserved) Erase(user uint32) error {
	v.calls = binary.AppendUvarint(append(v.calls, callErase), uint64(user))
	return v.room()
}

func (v *reserved) Advance(now time.Time) error {
	v.calls = appendAt(append(v.calls, callAdvance), now)
	return v.room()
}

func (v *reserved) AppendBinary(b []byte) ([]byte, error) { return append(b, v.data...), nil }

func (v *reserved) UnmarshalBinary(data []byte) error {
	v.data = slices.Clone(data)
	return nil
}

// play makes the calls of a view and returns the verb that failed.
func (v *reserved) play(w *attached) (verb string, err error) {
	v.r.x = eventScan{b: v.calls, size: len(v.calls)}
	x := &v.r.x
	m := make(map[string]any)
	for len(x.b) > 0 && x.wrong == "" {
		switch x.take(1)[0] {
		case callObserve:
			user, name, at := x.user(), v.r.name(), x.instant().time()
			clear(m)
			v.r.fields(m, 0)
			verb, err = "Observe", w.v.Observe(user, name, m, at)
		case callUpdate:
			user, at := x.user(), x.instant().time()
			clear(m)
			v.r.fields(m, 0)
			if w.updater != nil {
				verb, err = "Update", w.updater.Update(user, m, at)
			}
		case callRename:
			verb, err = "Rename", w.v.Rename(x.user(), x.user())
		case callErase:
			verb, err = "Erase", w.v.Erase(x.user())
		case callAdvance:
			if now := x.instant().time(); w.clock != nil {
				verb, err = "Advance", w.clock.Advance(now)
			}
		default:
			x.fail("unknown call")
		}
		if err != nil {
			return verb, err
		}
	}
	if x.wrong != "" {
		return "UnmarshalBinary", fmt.Errorf("%w: calls: %s", ErrCorrupt, x.wrong)
	}
	return "", nil
}

// reservation returns the place that is kept for a view.
func (s *Store) reservation(name string) (*attached, *reserved) {
	for _, w := range s.views {
		if r, ok := w.v.(*reserved); ok && w.name == name {
			return w, r
		}
	}
	return nil, nil
}

// dropReserved gives up the places kept for views.
func (s *Store) dropReserved() {
	if slices.ContainsFunc(s.views, isReserved) {
		s.views = slices.DeleteFunc(slices.Clone(s.views), isReserved)
		s.listDeliverers()
	}
}

func isAttached(w *attached) bool { return !isReserved(w) }

func isReserved(w *attached) bool {
	_, ok := w.v.(*reserved)
	return ok
}

// reserve keeps places for the views of a snapshot.
func (s *Store) reserve(m *manifest) {
	for _, x := range m.views {
		w := &attached{name: x.name, purpose: x.purpose, in: x.in, v: &reserved{data: x.data, calls: x.calls}}
		w.updater, _ = w.v.(updater)
		w.clock, _ = w.v.(advancer)
		s.views = append(s.views, w)
	}
}

// resume attaches a view at its place, as it was when the last snapshot was
// written and with all that happened since. It reports false when the view
// must be filled anew.
func (s *Store) resume(w, place *attached, r *reserved) (ok bool, verb string, err error) {
	if w.purpose != place.purpose || w.v.UnmarshalBinary(r.data) != nil {
		return false, "", nil
	}
	if verb, err := r.play(w); err != nil {
		return false, verb, err
	}
	w.in = place.in
	return true, "", nil
}

// manifest says which views a snapshot has.
type manifest struct {
	views []manifestView
}

type manifestView struct {
	name, purpose string
	in            *roaring.Bitmap
	data, calls   []byte
}
