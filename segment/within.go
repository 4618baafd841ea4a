package segment

import (
	"iter"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/zhun-go/zhun/internal/bits"
)

// Within is an index seen through a mask: every set, count and answer holds
// only users of the mask, such as those who consented to a purpose. Other
// users are not even evaluated, so a question within a small mask is a small
// one. What it reads is the index of the moment of each call, the mask is that
// of [Index.Within].
//
// Safe for concurrent use, beside a writer of the index.
type Within struct {
	x     *Index
	users *bits.Set // nil: everybody
}

// Within returns the index as seen through a mask, which is copied; 1 bit for
// each number up to the largest, where there are any. A nil mask means
// everybody. [WatchOptions.Mask] does the same for transitions.
func (x *Index) Within(users *roaring.Bitmap) *Within {
	w := &Within{x: x}
	if users == nil {
		return w
	}
	w.users = bits.FromRoaring(users)
	return w
}

// has reports whether the user is in the mask.
func (w *Within) has(user uint32) bool {
	if w.users == nil {
		return true
	}
	return w.users.Contains(user)
}

// Contains is [Index.Contains]; false for a user outside the mask.
func (w *Within) Contains(name string, user uint32) bool {
	return w.has(user) && w.x.Contains(name, user)
}

// Of is [Index.Of]; nothing for a user outside the mask.
func (w *Within) Of(user uint32) iter.Seq[string] {
	if !w.has(user) {
		return func(func(string) bool) {}
	}
	return w.x.Of(user)
}

// Members is [Index.Members] within the mask.
func (w *Within) Members(name string) (*roaring.Bitmap, error) {
	w.x.mu.RLock()
	defer w.x.mu.RUnlock()
	a := w.x.byName[name]
	if a == nil {
		return nil, audienceError("members", name)
	}
	w.x.settle()
	return w.meet(&a.members), nil
}

// meet returns a copy of a set without the users outside the mask.
func (w *Within) meet(set *bits.Live) *roaring.Bitmap {
	if w.users == nil {
		return bits.Of(set.View()).Roaring(w.x.opts.Workers)
	}
	return bits.And(bits.Of(set.View()), bits.Of(w.users)).Roaring(w.x.opts.Workers)
}

// copy is meet, as a set.
func (w *Within) copy(set *bits.Live) *bits.Set {
	if w.users == nil {
		return set.Set()
	}
	return bits.And(bits.Of(set.Set()), bits.Of(w.users)).Set(w.x.opts.Workers)
}

// Size is [Index.Size] within the mask.
func (w *Within) Size(name string) int {
	w.x.mu.RLock()
	defer w.x.mu.RUnlock()
	a := w.x.byName[name]
	if a == nil {
		return 0
	}
	w.x.settle()
	if w.users == nil {
		return a.members.Len()
	}
	return bits.And(bits.Of(a.members.View()), bits.Of(w.users)).Count(w.x.opts.Workers)
}

// Users is [Index.Users] within the mask.
func (w *Within) Users() *roaring.Bitmap {
	w.x.mu.RLock()
	defer w.x.mu.RUnlock()
	return w.everybody().Roaring(w.x.opts.Workers)
}

// Query is [Index.Query] within the mask.
func (w *Within) Query(rule string) (*roaring.Bitmap, error) {
	w.x.mu.RLock()
	defer w.x.mu.RUnlock()
	f, err := w.x.prepare(rule)
	if err != nil {
		return nil, err
	}
	return w.find(f), nil
}

// find returns the users for whom a formula holds.
func (w *Within) find(f *formula) *roaring.Bitmap {
	a := w.answer(f, false)
	return a.bitmap()
}

// Count is [Index.Count] within the mask.
func (w *Within) Count(rule string) (int, error) {
	w.x.mu.RLock()
	defer w.x.mu.RUnlock()
	f, err := w.x.prepare(rule)
	if err != nil {
		return 0, err
	}
	a := w.answer(f, true)
	return a.count(), nil
}

// AtLeast is [Index.AtLeast] within the mask.
func (w *Within) AtLeast(rule string, n int) (bool, error) {
	w.x.mu.RLock()
	defer w.x.mu.RUnlock()
	f, err := w.x.prepare(rule)
	if err != nil {
		return false, err
	}
	a := w.answer(f, true)
	return a.atLeast(n), nil
}
