package recommend

import (
	"encoding"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/zhun-go/zhun/internal/byuser"
	"github.com/zhun-go/zhun/internal/expiry"
	"github.com/zhun-go/zhun/internal/ids"
)

// History holds who interacted with what, when and how strongly. It is a view
// of a store (Observe, Rename, Erase, Advance, bytes) and equally usable on
// its own through [History.Add].
//
// Its truth is one row per interaction, ordered within each user by time and
// then by content, so the same interactions give the same state and the same
// bytes in whatever order, split or repetition of merges they arrive.
//
// Safe for concurrent use: any number of readers, fits among them, beside one
// writer. A fit takes a picture under the lock and computes without it.
// A History must not be copied; create it with [NewHistory].
type History struct {
	mu       sync.RWMutex
	set      *settings
	attached bool
	clock    time.Time
	items    ids.Dict
	origin   *origin             // of items: another one once the numbers mean other items
	users    byuser.Table[[]row] // what a list has shown is never changed in place
	old      expiry.Queue        // users by the second of their oldest row
	rows     int
	skipped  Skipped
	scratch  []uint32
}

var (
	_ encoding.BinaryAppender    = (*History)(nil)
	_ encoding.BinaryUnmarshaler = (*History)(nil)
)

// Interaction is one row of a user.
type Interaction struct {
	Item   string
	Event  string    // "" when added directly
	Weight float64   // negative for what takes back
	Time   time.Time // UTC
}

// Stats counts what a history holds and what it could not use.
type Stats struct {
	Users, Items, Rows int // held now; Items counts every item seen since the start
	Skipped            Skipped
}

// Skipped counts what came through [History.Observe] and could not be used,
// since the start of the process. It is not part of the bytes.
type Skipped struct {
	BadTime uint64 // events with a zero time or a year outside 1–9999
	NoItem  uint64 // events of a known kind in which no item was found
	BadItem uint64 // item fields that hold no usable id
	Expired uint64 // rows from before the retention; direct verbs count too
}

// NewHistory returns an empty history. Options that cannot be are [ErrOption].
func NewHistory(opts *HistoryOptions) (*History, error) {
	s, err := opts.settings()
	if err != nil {
		return nil, err
	}
	return newHistory(s), nil
}

// made tells whether a history comes from NewHistory.
func (h *History) made() bool { return h != nil && h.set != nil }

func newHistory(s *settings) *History {
	return &History{set: s, origin: new(origin)}
}

// Add records that a user interacted with an item, with a positive weight. It
// fails with [ErrUser], [ErrItem], [ErrWeight], [ErrTime], or [ErrAttached]
// when a store feeds the history.
func (h *History) Add(user uint32, item string, weight float64, at time.Time) error {
	return h.direct("History.Add", user, item, weight, 1, at)
}

// Remove takes back a weight that was added: a row of the negative weight. A
// sum below zero counts as zero in models, and what was removed in excess is
// owed by later additions. Errors are those of [History.Add].
func (h *History) Remove(user uint32, item string, weight float64, at time.Time) error {
	return h.direct("History.Remove", user, item, weight, -1, at)
}

func (h *History) direct(where string, user uint32, item string, weight, sign float64, at time.Time) error {
	switch {
	case !h.made():
		return badOption(where, nil, "want a history of NewHistory")
	case user == 0:
		return &Error{Where: where, Err: ErrUser}
	case !usableItem(item):
		return &Error{Where: where, Value: item, Reason: "must be 1 to 1,024 bytes of UTF-8", Err: ErrItem}
	case !(weight >= minWeight && weight <= maxWeight):
		return &Error{Where: where, Value: weight, Reason: "must be within 1e-12 and 1e12", Err: ErrWeight}
	case !validTime(at):
		return &Error{Where: where, Value: at, Reason: "must be within the years 1 to 9999", Err: ErrTime}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.attached {
		return &Error{Where: where, Err: ErrAttached}
	}
	h.insert(user, newRow(h.items.ID(item), 0, sign*weight, at))
	return nil
}

// insert puts a row in its place; events mostly come in order, so the search
// starts at the end. A row from before the retention is as good as already
// dropped: whether it came before or after the clock moved is no difference.
func (h *History) insert(user uint32, r row) {
	if limit, ok := h.horizon(); ok && r.before(limit) {
		h.skipped.Expired++
		return
	}
	list := h.users.Own(user)
	rows := *list
	n := len(rows)
	if n > 0 && compareRows(&h.items, rows[n-1], r) > 0 {
		n, _ = slices.BinarySearchFunc(rows, r, func(a, b row) int {
			if compareRows(&h.items, a, b) <= 0 {
				return -1
			}
			return 1
		})
	}
	if n == len(rows) {
		*list = append(rows, r)
	} else {
		fresh := make([]row, len(rows)+1, len(rows)+1+len(rows)/4)
		copy(fresh, rows[:n])
		fresh[n] = r
		copy(fresh[n+1:], rows[n:])
		*list = fresh
	}
	h.rows++
	if n == 0 {
		h.old.Note(user, r.sec())
	}
}

// Rename gives all rows of one user to another, as if they had been theirs
// from the start.
func (h *History) Rename(from, to uint32) error {
	if from == 0 || to == 0 {
		return &Error{Where: "History.Rename", Err: ErrUser}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	rows, ok := h.users.Get(from)
	if from == to || !ok {
		return nil
	}
	h.users.Delete(from)
	h.put(to, h.join(h.of(to), rows))
	return nil
}

// join merges two lists of rows in canonical order; a may be reused.
func (h *History) join(a, b []row) []row {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 || compareRows(&h.items, a[len(a)-1], b[0]) <= 0 {
		return append(a, b...)
	}
	out := make([]row, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compareRows(&h.items, a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// Erase forgets a user, as if never seen. Models fitted before are not
// reached; they hold no user rows.
func (h *History) Erase(user uint32) error {
	if user == 0 {
		return &Error{Where: "History.Erase", Err: ErrUser}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows -= len(h.of(user))
	h.users.Delete(user)
	return nil
}

// Merge adds the rows of another history, which does not change. It fails
// with [ErrMismatch] when the options differ, and when other is h itself.
func (h *History) Merge(other *History) error {
	if other == h || !other.made() || !h.made() {
		return &Error{Where: "History.Merge", Reason: "a history merges with another one only", Err: ErrMismatch}
	}
	// Copied first, so that two histories merging into each other cannot
	// wait for each other's lock.
	s := other.snapshot()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.set.print != s.set.print {
		return &Error{Where: "History.Merge", Reason: s.set.print + ", want " + h.set.print, Err: ErrMismatch}
	}
	for i, user := range s.users {
		rows := slices.Clone(s.rows[s.start[i]:s.start[i+1]])
		for k := range rows {
			rows[k].item = h.items.ID(s.names[rows[k].item])
		}
		h.put(user, h.join(h.of(user), rows))
		h.rows += len(rows)
	}
	if s.clock.After(h.clock) {
		h.clock = s.clock
	}
	h.prune()
	return nil
}

// Advance moves the clock, which never goes back, and drops the rows that are
// older than HistoryOptions.Retain. A time outside the years 1–9999 is
// [ErrTime].
func (h *History) Advance(now time.Time) error {
	if !validTime(now) {
		return &Error{Where: "History.Advance", Value: now, Err: ErrTime}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !now.After(h.clock) {
		return nil
	}
	h.clock = now.Round(0).UTC()
	h.prune()
	return nil
}

// horizon is the first instant that is retained; there is none until the clock
// was moved.
func (h *History) horizon() (limit time.Time, ok bool) {
	if h.set.retain < 0 || h.clock.IsZero() {
		return time.Time{}, false
	}
	return h.clock.Add(-h.set.retain), true
}

func (h *History) prune() {
	limit, ok := h.horizon()
	if !ok {
		return
	}
	for _, user := range h.old.Due(limit.Unix()) {
		rows := h.of(user)
		n := 0
		for n < len(rows) && rows[n].before(limit) {
			n++
		}
		h.rows -= n
		if n == len(rows) {
			h.users.Delete(user)
		} else {
			h.put(user, slices.Clone(rows[n:]))
		}
	}
}

// put replaces the rows of a user, who has some.
func (h *History) put(user uint32, rows []row) {
	*h.users.Own(user) = rows
	h.old.Note(user, rows[0].sec())
}

// of returns the rows of a user.
func (h *History) of(user uint32) []row {
	rows, _ := h.users.Get(user)
	return rows
}

// Attached is called by a store: while it feeds the history, [History.Add]
// and [History.Remove] answer [ErrAttached].
func (h *History) Attached(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attached = on
}

// String tells how much is held, and of nobody what.
func (h *History) String() string {
	n := h.Stats()
	return fmt.Sprintf("history of %d users, %d rows", n.Users, n.Rows)
}

// Stats returns what is held and what could not be used.
func (h *History) Stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return Stats{Users: h.users.Len(), Items: h.items.Len(), Rows: h.rows, Skipped: h.skipped}
}

// Users returns the users with rows, ascending.
func (h *History) Users() []uint32 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]uint32, 0, h.users.Len())
	for u := range h.users.All() {
		out = append(out, u)
	}
	return out
}

// Of returns a user's interactions by time, then by item; nil for a user
// without any.
func (h *History) Of(user uint32) []Interaction {
	h.mu.RLock()
	defer h.mu.RUnlock()
	rows := h.of(user)
	if len(rows) == 0 {
		return nil
	}
	out := make([]Interaction, len(rows))
	for i, r := range rows {
		out[i] = Interaction{Item: h.items.Name(r.item), Event: h.set.kindName(r.kind()), Weight: r.weight, Time: r.time()}
	}
	return out
}

// origin tells dictionaries apart: while it is the same, a number that was
// handed out means the same item. Two of them are never at one address.
type origin struct{ _ byte }

// snapshot is a linear copy of a history's rows, by ascending user.
type snapshot struct {
	set    *settings
	clock  time.Time
	origin *origin
	names  []string // by item number; shared with the dictionary, which only grows
	users  []uint32
	start  []int // start[i]:start[i+1] are the rows of users[i]
	rows   []row
}

func (h *History) snapshot() *snapshot { return h.snapshotBy(1) }

// snapshotBy takes a snapshot with several goroutines.
func (h *History) snapshotBy(workers int) *snapshot { return h.freeze().snapshotBy(workers) }

// frozen is a history at an instant, of which a snapshot is made.
type frozen struct {
	set    *settings
	clock  time.Time
	origin *origin
	names  []string
	users  byuser.Table[[]row]
	rows   int
}

// freeze is all that holds the lock.
func (h *History) freeze() *frozen {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &frozen{set: h.set, clock: h.clock, origin: h.origin, names: slices.Clip(h.items.Names()), users: h.users.Freeze(), rows: h.rows}
}

func (f *frozen) snapshotBy(workers int) *snapshot {
	n := f.users.Len()
	s := &snapshot{
		set: f.set, clock: f.clock, origin: f.origin, names: f.names,
		users: make([]uint32, 0, n), start: make([]int, 1, n+1), rows: make([]row, f.rows),
	}
	lists := make([][]row, 0, n)
	for u, rows := range f.users.All() {
		s.users, lists = append(s.users, u), append(lists, *rows)
		s.start = append(s.start, s.start[len(s.start)-1]+len(*rows))
	}
	inEqualRuns(workers, s.start, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			copy(s.rows[s.start[i]:], lists[i])
		}
	})
	return s
}

func isWhole(f float64) bool { return f == math.Trunc(f) && math.Abs(f) <= 1<<53 }
