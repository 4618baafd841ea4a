package profile

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// heapOf returns what a store of n events takes.
func heapOf(t testing.TB, n int, event func(i int) Event) int64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := newTest(t, Options{OmitChanges: true, Traits: []Trait{}, MaxAttributes: 20})
	for i := range n {
		e := event(i)
		e.ID, e.Time = fmt.Sprintf("m%08d", i), epoch.Add(time.Duration(i)*time.Millisecond)
		s.must(t, e)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Equal(t, uint64(n), s.Stats().Applied)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// Whoever names what nobody named before, always anew, makes a store no larger
// than as many honest events do, but for the names themselves, the dictionary
// of them, of which there is a limit, and a tenth.
func TestHostileHeap(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory too")
	}
	const people, kinds = 1000, 10
	const perName = 100 // bytes that the dictionary takes
	n := longForm(10_000)
	user := func(i int) Key { return Key{UserID, fmt.Sprintf("u%08d", i)} }
	cookie := func(i int) Key { return Key{AnonymousID, fmt.Sprintf("c%08d", i)} }
	name := func(i int) string { return fmt.Sprintf("n%08d", i) }
	linked := func(keys func(i int) []Key) func(int) Event {
		return func(i int) Event { return Event{Name: "e", Keys: keys(i)} }
	}
	named := func(f func(k Key, name string) Event) (honest, hostile func(int) Event) {
		return func(i int) Event { return f(user(i%people), name(i%kinds)) },
			func(i int) Event { return f(user(i%people), name(i)) }
	}
	check := func(what string, honest, hostile func(int) Event) {
		want, got := heapOf(t, n, honest), heapOf(t, n, hostile)
		t.Logf("%s: %d bytes an event, honest ones %d", what, got/int64(n), want/int64(n))
		require.LessOrEqual(t, got, want+want/10+int64(n*len(name(0))+perName*min(n, maxNames)), what)
	}
	pairs := linked(func(i int) []Key { return []Key{user(i), cookie(i)} })
	for what, keys := range map[string]func(i int) []Key{
		"identities of one person": func(i int) []Key { return []Key{user(0), cookie(i)} },
		"accounts of one device":   func(i int) []Key { return []Key{user(i), cookie(0)} },
		"a chain of devices":       func(i int) []Key { return []Key{cookie(i), cookie(i + 1)} },
	} {
		check(what, pairs, linked(keys))
	}
	for what, f := range map[string]func(k Key, name string) Event{
		"attributes": func(k Key, name string) Event {
			return Event{Type: Identify, Keys: []Key{k}, Fields: map[string]any{name: 1.5}}
		},
		"attributes of one person": func(_ Key, name string) Event {
			return Event{Type: Identify, Keys: []Key{user(0)}, Fields: map[string]any{name: 1.5}}
		},
		"fields": func(k Key, name string) Event {
			return Event{Name: "e", Keys: []Key{k}, Fields: map[string]any{name: 1.5}}
		},
		"events": func(k Key, name string) Event { return Event{Name: name, Keys: []Key{k}} },
		"texts": func(k Key, name string) Event {
			return Event{Name: "e", Keys: []Key{k}, Fields: map[string]any{"f": name}}
		},
		"groups": func(k Key, name string) Event {
			return Event{Type: Group, Keys: []Key{k}, Fields: map[string]any{"groupId": name}}
		},
	} {
		honest, hostile := named(f)
		check(what, honest, hostile)
	}
}
