package laws

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// View is what every user view offers; it is the store's view interface, and
// merging.
type View[T any] interface {
	Observe(user uint32, event string, fields map[string]any, at time.Time) error
	Rename(from, to uint32) error
	Erase(user uint32) error
	Merge(other T) error
	AppendBinary(b []byte) ([]byte, error)
	UnmarshalBinary(data []byte) error
}

// updater is a view that also holds attributes.
type updater interface {
	Update(user uint32, attributes map[string]any, at time.Time) error
}

// pictured is a view that gives immutable pictures of itself.
type pictured interface {
	Snapshot() io.WriterTo
}

// Row is one step of a log: an event, or changed attributes when Event is
// empty.
type Row struct {
	User   uint32
	Event  string
	Fields map[string]any
	At     time.Time
}

// ViewSpec says how to check one type of view.
type ViewSpec[T View[T]] struct {
	// New returns an empty view; every call the same options.
	New func() T
	// Row draws one row for one of a few users, with times that tie now and
	// then. Rows without an event are given to Update.
	Row func(r *rand.Rand) Row
	// Rows is the length of a log, default 24.
	Rows int
	// Rounds is the number of random logs, default 100.
	Rounds int
}

// CheckView holds a view to its laws.
func CheckView[T View[T]](t *testing.T, spec ViewSpec[T]) {
	t.Helper()
	if spec.Rows == 0 {
		spec.Rows = 24
	}
	run(t, spec.Rounds, viewLaws(spec), func(r *rand.Rand) []Row {
		log := make([]Row, r.IntN(spec.Rows+1))
		for j := range log {
			log[j] = spec.Row(r)
		}
		return log
	})
}

func viewLaws[T View[T]](spec ViewSpec[T]) []law[Row] {
	build := func(t reporter, log []Row) T {
		t.Helper()
		x := spec.New()
		observe(t, x, log)
		return x
	}
	laws := []law[Row]{
		{"order", func(t reporter, r *rand.Rand, log []Row) {
			same(t, build(t, log), build(t, shuffled(r, log)), "another order of arrival")
		}},
		{"erase", func(t reporter, r *rand.Rand, log []Row) {
			user := anyUser(r, log)
			x := build(t, log)
			must(t, x.Erase(user))
			rest := without(log, user)
			same(t, build(t, rest), x, "erased")
			// A user who comes back is as new as any other.
			again := only(log, user)
			observe(t, x, again)
			same(t, build(t, log), x, "erased and seen again")
		}},
		{"rename", func(t reporter, r *rand.Rand, log []Row) {
			from, to := anyUser(r, log), anyUser(r, log)
			if from == to {
				to = from + 1000
			}
			x := build(t, log)
			must(t, x.Rename(from, to))
			same(t, build(t, renamed(log, from, to)), x, "renamed")
			// Renaming in the middle of a log is renaming before it.
			cut := r.IntN(len(log) + 1)
			y := build(t, log[:cut])
			must(t, y.Rename(from, to))
			observe(t, y, renamed(log[cut:], from, to))
			same(t, x, y, "renamed half way")
		}},
		{"merge", func(t reporter, r *rand.Rand, log []Row) {
			shards := make([]T, 1+r.IntN(4))
			for i := range shards {
				shards[i] = spec.New()
			}
			for _, row := range log {
				observe(t, shards[r.IntN(len(shards))], []Row{row})
			}
			shards = shuffled(r, shards)
			var before [][]byte
			for _, s := range shards[1:] {
				b, err := state(s)
				must(t, err)
				before = append(before, b)
			}
			for i, s := range shards[1:] {
				must(t, shards[0].Merge(s))
				after, err := state(s)
				must(t, err)
				if !bytes.Equal(before[i], after) {
					t.Errorf("Merge changed its argument")
				}
			}
			same(t, build(t, log), shards[0], "merged from shards")
			user := anyUser(r, log)
			must(t, shards[0].Erase(user))
			same(t, build(t, without(log, user)), shards[0], "merged, then erased")
		}},
		{"bytes", func(t reporter, r *rand.Rand, log []Row) {
			cut := r.IntN(len(log) + 1)
			x := build(t, log[:cut])
			checkBytes(t, r, x, spec.New(), build(t, shuffled(r, log)[:cut]))
			// What was decoded goes on like what was encoded.
			y := spec.New()
			must(t, y.UnmarshalBinary(encode(t, x)))
			observe(t, y, log[cut:])
			same(t, build(t, log), y, "decoded, then observed")
			user := anyUser(r, log)
			must(t, y.Erase(user))
			same(t, build(t, without(log, user)), y, "decoded, then erased")
		}},
		{"hostile", func(t reporter, r *rand.Rand, log []Row) {
			cut := r.IntN(len(log) + 1)
			for _, x := range checkHostile(t, r, build(t, log[:cut]), spec.New, build(t, log[cut:]), encode(t, spec.New())) {
				// What was accepted is a state that the verbs work on.
				observe(t, x, log)
				must(t, x.Rename(anyUser(r, log), 1000))
				must(t, x.Merge(build(t, log)))
				user := anyUser(r, log)
				must(t, x.Erase(user))
				encode(t, x)
			}
		}},
	}
	if _, ok := any(spec.New()).(pictured); !ok {
		return laws
	}
	return append(laws, law[Row]{"snapshot", func(t reporter, r *rand.Rand, log []Row) {
		cut := r.IntN(len(log) + 1)
		x := build(t, log[:cut])
		want, picture := encode(t, x), any(x).(pictured).Snapshot()
		// Whatever happens to the view, its picture stays.
		observe(t, x, log[cut:])
		must(t, x.Rename(anyUser(r, log), 1000))
		must(t, x.Erase(anyUser(r, log)))
		var got bytes.Buffer
		n, err := picture.WriteTo(&got)
		must(t, err)
		if n != int64(got.Len()) {
			t.Errorf("WriteTo wrote %d bytes and says %d", got.Len(), n)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("the picture has %d other bytes than the %d of the view when it was taken", got.Len(), len(want))
		}
	}})
}

func observe[T View[T]](t reporter, x T, log []Row) {
	t.Helper()
	for _, row := range log {
		if row.Event != "" {
			must(t, x.Observe(row.User, row.Event, row.Fields, row.At))
		} else {
			must(t, any(x).(updater).Update(row.User, row.Fields, row.At))
		}
	}
}

func anyUser(r *rand.Rand, log []Row) uint32 {
	if len(log) == 0 || r.IntN(10) == 0 {
		return 99
	}
	return log[r.IntN(len(log))].User
}

func filter(log []Row, keep func(Row) bool) []Row {
	var out []Row
	for _, row := range log {
		if keep(row) {
			out = append(out, row)
		}
	}
	return out
}

func without(log []Row, user uint32) []Row {
	return filter(log, func(r Row) bool { return r.User != user })
}

func only(log []Row, user uint32) []Row {
	return filter(log, func(r Row) bool { return r.User == user })
}

func renamed(log []Row, from, to uint32) []Row {
	out := make([]Row, len(log))
	for i, row := range log {
		if row.User == from {
			row.User = to
		}
		out[i] = row
	}
	return out
}
