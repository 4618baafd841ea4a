package profile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// goldenDirs are directories as each version of the format wrote them: a
// snapshot with a view, and records of every kind after it. They must open for
// ever. The last is written anew, under another name for another version, with
// ZHUN_GOLDEN=1.
func goldenDirs() []string { return []string{"testdata/directory1", "testdata/directory2"} }

func goldenOptions() Options {
	return Options{Secret: []byte("golden"), Shard: 1, Shards: 2, SnapshotEvery: -1, Traits: []Trait{
		{Name: "orders", Kind: Count, Events: []string{OrderCompleted}},
		{Name: "recent", Kind: Sum, Events: []string{OrderCompleted}, Field: "total", Window: 24 * time.Hour},
		{Name: "stage", Kind: Stage, Events: []string{OrderCompleted}},
		{Name: "interests", Kind: Tags},
	}}
}

// golden is what the directory holds, as its store shows it.
type golden struct {
	Exports map[uint32]string
	Records map[string]string
	View    string
	Next    uint32
}

func (s *Store) golden(t *testing.T) golden {
	t.Helper()
	g := golden{Exports: map[uint32]string{}, Records: map[string]string{}}
	for _, u := range s.Users() {
		b, err := s.Export(u)
		require.NoError(t, err)
		g.Exports[u] = string(b)
	}
	b, _ := s.Record("offset")
	g.Records["offset"] = string(b)
	v := newScribe()
	require.NoError(t, s.Attach("scribe", v, nil))
	g.View = v.lines()
	c, err := s.Apply(event("new", epoch.Add(48*time.Hour), Key{UserID, "somebody new"}))
	require.NoError(t, err)
	g.Next = c.User
	return g
}

func writeGolden(t *testing.T, goldenDir string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(goldenDir))
	work := t.TempDir()
	opts := goldenOptions()
	s, err := Open(work, &opts)
	require.NoError(t, err)
	live := newScribe()
	require.NoError(t, s.Attach("scribe", live, nil))
	order := func(i int, keys ...Key) Event {
		return Event{
			ID: fmt.Sprint("o", i), Name: OrderCompleted, Time: epoch.Add(time.Duration(i) * time.Hour), Keys: keys,
			Fields: map[string]any{
				"context.source": "web", "total": 10.5 + float64(i), "paid": true, "n": int64(i), "when": epoch, "list": []string{"a", "b"},
				"products": []map[string]any{{"product_id": "p1", "price": 1.5}},
			},
		}
	}
	user := func(k Key) uint32 {
		u, ok := s.Resolve(k.Kind, k.Value)
		require.True(t, ok)
		return u
	}
	u := func(i int) Key { return Key{UserID, fmt.Sprint("u", i)} }
	c := func(i int) Key { return Key{AnonymousID, fmt.Sprint("c", i)} }
	for round := range 2 {
		for i := range 6 - round {
			s.must(t, order(10*round+i, u(i), c(i)))
			s.must(t, Event{Type: Identify, ID: fmt.Sprint("i", round, i), Time: epoch, Keys: []Key{u(i)}, Fields: map[string]any{"name": fmt.Sprint("n", i, round), "gone": nil}})
		}
		s.must(t, order(10*round+7, u(1), c(0))) // a shared device
		s.must(t, Event{Type: Consent, ID: fmt.Sprint("c", round), Time: epoch, Keys: []Key{u(2)}, Fields: map[string]any{"ads": true}})
		require.NoError(t, s.Deny(user(u(3)), "mail", epoch, "call"))
		_, err = s.Tag(user(u(3)), Tag{Name: "interest.tea", Source: "survey", At: epoch, Until: epoch.Add(1000 * time.Hour)})
		require.NoError(t, err)
		_, err = s.Unmerge(user(u(3+round)), c(3+round))
		require.NoError(t, err)
		data, err := s.Export(user(u(2)))
		require.NoError(t, err)
		_, err = s.Import(data)
		require.NoError(t, err)
		_, err = s.Erase(user(Key{UserID, fmt.Sprint("u", 5)}))
		require.NoError(t, err)
		_, err = s.Commit(Batch{Events: []Event{order(10*round+8, Key{Email, "x@x.io"})}, Records: map[string][]byte{"offset": fmt.Append(nil, 4711+round)}})
		require.NoError(t, err)
		require.NoError(t, s.Advance(epoch.Add(time.Duration(30+round)*time.Hour), nil))
		if round == 0 {
			other := goldenOptions()
			other.Shard = 0
			o := newTest(t, other)
			o.must(t, order(99, Key{Email, "y@x.io"}))
			require.NoError(t, s.Detach("scribe"))
			_, err = s.Merge(o)
			require.NoError(t, err)
			require.NoError(t, s.Attach("scribe", live, nil))
			require.NoError(t, s.Compact(context.Background()))
			// What was erased in the next round comes after this.
			s.must(t, Event{ID: "back", Name: "Seen", Time: epoch.Add(200 * time.Hour), Keys: []Key{u(5)}})
		}
	}
	require.NoError(t, os.CopyFS(goldenDir, os.DirFS(work)))
	require.NoError(t, os.RemoveAll(filepath.Join(goldenDir, "journal.lock")))
	lines := live.lines()
	g := openTest(t, copyDir(t, goldenDir), opts).golden(t)
	require.Equal(t, lines, g.View)
	want, err := json.MarshalIndent(g, "", "\t")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(goldenDir+".json", want, 0o644))
	require.NoError(t, s.Close())
}

func TestGoldenDirectory(t *testing.T) {
	dirs := goldenDirs()
	if os.Getenv("ZHUN_GOLDEN") != "" {
		writeGolden(t, dirs[len(dirs)-1])
	}
	for _, dir := range dirs {
		data, err := os.ReadFile(dir + ".json")
		require.NoError(t, err)
		var want golden
		require.NoError(t, json.Unmarshal(data, &want))
		s := openTest(t, copyDir(t, dir), goldenOptions())
		require.Equal(t, want, s.golden(t), dir)
	}
}

// FuzzStateBytes holds the decoder of a store to its promise: no bytes make it
// panic, and what it accepts can be used.
func FuzzStateBytes(f *testing.F) {
	opts := goldenOptions()
	s, err := New(&opts)
	require.NoError(f, err)
	empty, err := s.AppendBinary(nil)
	require.NoError(f, err)
	f.Add(empty)
	s.must(f, event("a", epoch, ann, Key{AnonymousID, "c"}))
	full, err := s.AppendBinary(nil)
	require.NoError(f, err)
	f.Add(full)
	f.Add(full[:len(full)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		opts := goldenOptions()
		s, err := New(&opts)
		require.NoError(t, err)
		if err := s.UnmarshalBinary(data); err != nil {
			return
		}
		b, err := s.AppendBinary(nil)
		require.NoError(t, err)
		require.NoError(t, s.UnmarshalBinary(b))
		_, err = s.Apply(event("b", epoch, ann))
		require.NotErrorIs(t, err, ErrCorrupt)
		for _, u := range s.Users() {
			_, err := s.Export(u)
			require.NoError(t, err)
			_, err = s.Erase(u)
			require.NoError(t, err)
		}
	})
}

// FuzzRecord holds the reader of records to the same.
func FuzzRecord(f *testing.F) {
	e := someEventOf(f)
	f.Add(byte(recordEvent), e)
	f.Add(byte(recordHost), appendRecords(nil, map[string][]byte{"a": nil, "b": {1}}))
	f.Add(byte(recordErase), []byte{1, 1, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		opts := goldenOptions()
		s, err := New(&opts)
		require.NoError(t, err)
		s.must(t, event("a", epoch, ann))
		x := reading{d: &durable{s: s}, next: 1}
		_ = x.apply(1, recordOf(kind, data), nil)
		_ = stateOf(t, s)
	})
}
