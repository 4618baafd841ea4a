package laws

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// StoreSpec says how to check a store T of events E. What a store shows of
// each person is compared under every key the person goes by, so that user
// numbers, which depend on arrival, do not matter. A store that has bytes is
// held to the law of bytes as well.
type StoreSpec[T, E any] struct {
	// New returns an empty store with the place shard among shards.
	New func(shard, shards uint32) T
	// Event draws one event of a log of n. Events have distinct ids and, by
	// their keys, sometimes join two persons.
	Event func(r *rand.Rand, i, n int) E
	// Keys returns the keys by which an event names its person.
	Keys func(e E) []string
	// Apply applies one event.
	Apply func(x T, e E) error
	// Show returns what the store holds of the person with a key, without
	// user numbers, tombstones and delivery times; nil for nobody.
	Show func(x T, key string) []byte
	// Erase erases the person with a key; nobody is not an error.
	Erase func(x T, key string) error
	// Merge adds src to dst.
	Merge func(dst, src T) error
	// Events is the length of a log, default 16.
	Events int
	// Rounds is the number of random logs, default 100.
	Rounds int
}

// CheckStore holds a store to its laws.
func CheckStore[T, E any](t *testing.T, spec StoreSpec[T, E]) {
	t.Helper()
	if spec.Events == 0 {
		spec.Events = 16
	}
	run(t, spec.Rounds, storeLaws(spec), func(r *rand.Rand) []E {
		log := make([]E, 1+r.IntN(spec.Events))
		for j := range log {
			log[j] = spec.Event(r, j, len(log))
		}
		return log
	})
}

func storeLaws[T, E any](spec StoreSpec[T, E]) []law[E] {
	feed := func(t reporter, x T, log []E) T {
		t.Helper()
		for _, e := range log {
			must(t, spec.Apply(x, e))
		}
		return x
	}
	show := func(t reporter, log []E, want, got T, what string) {
		t.Helper()
		keys := map[string]bool{}
		for _, e := range log {
			for _, k := range spec.Keys(e) {
				keys[k] = true
			}
		}
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			if w, g := spec.Show(want, k), spec.Show(got, k); !bytes.Equal(w, g) {
				t.Errorf("%s: key %s shows\n%s\nwant\n%s", what, k, g, w)
				return
			}
		}
	}
	laws := []law[E]{
		{"order", func(t reporter, r *rand.Rand, log []E) {
			show(t, log, feed(t, spec.New(0, 1), log), feed(t, spec.New(0, 1), shuffled(r, log)), "another order of arrival")
		}},
		{"redelivery", func(t reporter, r *rand.Rand, log []E) {
			var twice []E
			for _, e := range log {
				for range 1 + r.IntN(3) {
					twice = append(twice, e)
				}
			}
			show(t, log, feed(t, spec.New(0, 1), log), feed(t, spec.New(0, 1), shuffled(r, twice)), "delivered again")
		}},
		{"erase", func(t reporter, r *rand.Rand, log []E) {
			keys := spec.Keys(log[r.IntN(len(log))])
			x := feed(t, spec.New(0, 1), log)
			must(t, spec.Erase(x, keys[0]))
			show(t, log, feed(t, spec.New(0, 1), strangers(spec, log, keys[0])), x, "erased")
			// Late events of the erased person are refused.
			for _, e := range shuffled(r, log) {
				must(t, spec.Apply(x, e))
			}
			show(t, log, feed(t, spec.New(0, 1), strangers(spec, log, keys[0])), x, "erased, then delivered again")
		}},
		{"merge", func(t reporter, r *rand.Rand, log []E) {
			n := uint32(1 + r.IntN(3))
			shards := make([]T, n)
			for i := range shards {
				shards[i] = spec.New(uint32(i), n)
			}
			for _, e := range log {
				must(t, spec.Apply(shards[r.IntN(len(shards))], e))
			}
			shards = shuffled(r, shards)
			for _, s := range shards[1:] {
				must(t, spec.Merge(shards[0], s))
			}
			show(t, log, feed(t, spec.New(0, 1), log), shards[0], "merged from shards")
		}},
	}
	if _, ok := any(spec.New(0, 1)).(codec); !ok {
		return laws
	}
	bytesOf := func(x T) codec { return any(x).(codec) }
	fresh := func() codec { return bytesOf(spec.New(0, 1)) }
	return append(laws,
		law[E]{"bytes", func(t reporter, r *rand.Rand, log []E) {
			cut := r.IntN(len(log) + 1)
			x := feed(t, spec.New(0, 1), log[:cut])
			checkBytes(t, r, bytesOf(x), fresh(), bytesOf(feed(t, spec.New(0, 1), log[cut:])))
			// What was decoded goes on like what was encoded.
			y := spec.New(0, 1)
			must(t, bytesOf(y).UnmarshalBinary(encode(t, bytesOf(x))))
			show(t, log, x, y, "decoded")
			feed(t, x, log)
			feed(t, y, log)
			key := spec.Keys(log[r.IntN(len(log))])[0]
			must(t, spec.Erase(x, key))
			must(t, spec.Erase(y, key))
			show(t, log, x, y, "decoded, applied to and erased from")
			if !bytes.Equal(encode(t, bytesOf(x)), encode(t, bytesOf(y))) {
				t.Errorf("decoded, applied to and erased from: other bytes")
			}
		}},
		law[E]{"hostile", func(t reporter, r *rand.Rand, log []E) {
			cut := r.IntN(len(log) + 1)
			x, y := feed(t, spec.New(0, 1), log[:cut]), feed(t, spec.New(0, 1), log[cut:])
			checkHostile(t, r, bytesOf(x), fresh, bytesOf(y), encode(t, fresh()))
		}})
}

// strangers returns the events of everybody but the person with a key: the
// keys that events join are joined until nothing changes.
func strangers[T, E any](spec StoreSpec[T, E], log []E, key string) []E {
	person := map[string]bool{key: true}
	for grown := true; grown; {
		grown = false
		for _, e := range log {
			keys := spec.Keys(e)
			if slices.ContainsFunc(keys, func(k string) bool { return person[k] }) {
				for _, k := range keys {
					grown = grown || !person[k]
					person[k] = true
				}
			}
		}
	}
	var out []E
	for _, e := range log {
		if !slices.ContainsFunc(spec.Keys(e), func(k string) bool { return person[k] }) {
			out = append(out, e)
		}
	}
	return out
}
